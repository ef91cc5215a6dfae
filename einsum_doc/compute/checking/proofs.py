"""The relations of a chain -> which of them are proved for all sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from einsum_doc.compute.checking.symbols.domain import EPSILONS, FREE
from einsum_doc.compute.checking.symbols.table import Statement, StatementForm, Symbol, SymbolTable, dependencies
from einsum_doc.compute.checking.symbols.unification import SizeClasses, SizeNode, join_capitals, join_sizes
from einsum_doc.notation.expression import Index, Partial, Product, Summation, Tensor, identifier
from einsum_doc.notation.proving.prover import Definition, Facts, OfCode, Prover
from einsum_doc.notation.sums.scope import Scope

_FUNCTION = re.compile(r"[^=]+=\s*torch\.(?:linalg\.)?(?:(inv)(?:erse)?|(det)|slog(det)|(logdet))\((\w+)\)(?:\[1\])?")

_EINSUM = re.compile(r"[^=]+=\s*(?:torch\.)?einsum\(\s*[\"']([a-zA-Z, ]+)->([a-zA-Z]*)[\"'],([\w, ]+)\)")

LENGTH = 2
"""The number of indices that a range stands for: the first, and another one for all the rest."""


def proved(statement: Statement, table: SymbolTable, number: int) -> bool:
    """Return whether side `number` of a chain is equal to the next one for all sizes."""
    names, sinks = dependencies(table, statement.sides)
    tensors = {name: table.tensors[name] for name in names}
    ranks = {
        name: sum(LENGTH if kind == "range" else 1 for kind in symbol.kinds or ()) for name, symbol in tensors.items()
    }
    sizes = SizeClasses()
    for name, rank in ranks.items():
        for axis in range(rank):
            sizes.root(("axis", name, axis))
        if table.domains.get(name, FREE).square:
            sizes.join(("axis", name, rank - 2), ("axis", name, rank - 1))
    statements = {name: found for name, symbol in tensors.items() if (found := symbol.definition or _einsum(symbol))}
    definitions = {}
    for name, defined in statements.items():
        written = _written(defined)
        own = tuple(index for index in written.wide[0].own if isinstance(index, Index))
        definitions[name] = Definition(own, written.sides[1], defined.key)
        join_sizes(defined, written.wide, sizes)
    codes = {name: _code(symbol, table) for name, symbol in tensors.items() if symbol.code and name not in definitions}
    for name, code in codes.items():
        _join_square(name, code, ranks, sizes)
    row = _written(statement)
    join_sizes(statement, row.wide, sizes)
    join_capitals([*statements.values(), statement], sizes)

    written = [side for each in [*statements.values(), statement] for side in each.sides]
    by = {part.by.name for side in written for part in side.walk() if isinstance(part, Partial)}

    numbers: dict[SizeNode, str] = {}

    def size(node: SizeNode) -> str:
        return numbers.setdefault(sizes.root(node), f"s{len(numbers)}")

    facts = Facts(
        definitions,
        codes,
        ranks,
        sinks,
        frozenset(table.scalars),
        table.depends,
        size,
        {size(node): count for node, count in sizes.pinned.items()},
        frozenset(_positive(table, names)),
        frozenset(name for name in names if table.domains.get(name, FREE).square),
        {name: axis for name in names if (axis := table.domains.get(name, FREE).total) is not None},
        frozenset(by),
    )
    return Prover(facts).proved(row.sides[number], row.sides[number + 1], statement.key)


def _join_square(name: str, code: OfCode, ranks: Mapping[str, int], sizes: SizeClasses) -> None:
    """Join the axes of a matrix and of its inverse, or determinant, as these have."""
    if not code.function:
        return
    (argument,) = code.arguments
    *others, row, column = range(ranks[argument])
    sizes.join(("axis", argument, row), ("axis", argument, column))
    for axis in others:
        sizes.join(("axis", argument, axis), ("axis", name, axis))
    for axis in (row, column) if code.function == "inv" else ():
        sizes.join(("axis", argument, axis), ("axis", name, axis))


def _written(statement: Statement) -> StatementForm:
    return statement.written({ends: LENGTH for ends in statement.ranges})


def _einsum(symbol: Symbol) -> Statement | None:
    """Return the definition that code says if it is one einsum; None for any other."""
    found = _EINSUM.fullmatch(symbol.let.body.strip()) if symbol.let is not None else None
    if found is None:
        return None
    spelled = {identifier(name): name for name in symbol.arguments or ()}
    operands, output = found[1].split(","), found[2]
    names = [spelled.get(name.strip(), "") for name in found[3].split(",")]
    if len(names) != len(operands) or "" in names or len(set(output)) < len(output):
        return None
    factors = tuple(
        Tensor(name, tuple(map(Index, labels))) for name, labels in zip(names, map(str.strip, operands), strict=True)
    )
    summed = tuple(map(Index, dict.fromkeys(label for label in found[1] if label.isalpha() and label not in output)))
    right = Summation(summed, Product(factors)) if summed else Product(factors)
    head = Tensor(symbol.name, tuple(map(Index, output)))
    key = f"code of {symbol.name}"
    return Statement(key, key, (head, right), Scope(""), (), (), True)


def _code(symbol: Symbol, table: SymbolTable) -> OfCode:
    arguments = symbol.arguments or ()
    for each in table.matrices.values():
        if each.name == symbol.name:
            return OfCode(each.function if each.rows == 1 else "", arguments, auxiliary=True)
    found = _FUNCTION.fullmatch(symbol.let.body.strip()) if symbol.let is not None else None
    if found is None or len(arguments) != 1:
        return OfCode("", arguments)
    return OfCode("logdet" if found[3] else next(filter(None, found.groups())), arguments)


def _positive(table: SymbolTable, names: Iterable[str]) -> Iterable[str]:
    for name in names:
        domain = table.domains.get(name, FREE)
        low = domain.interval[0] if domain.interval is not None else -1.0
        if domain.positive or low >= 0 or (name in EPSILONS and table.tensors[name].kinds == ()):
            yield name
