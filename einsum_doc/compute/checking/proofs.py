"""The relations of a chain -> which of them are proved for all sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from einsum_doc.compute.checking.symbols.domain import EPSILONS, FREE
from einsum_doc.compute.checking.symbols.table import Statement, Symbol, SymbolTable, dependencies
from einsum_doc.compute.checking.symbols.unification import SizeClasses, SizeNode, join_capitals, join_sizes
from einsum_doc.notation.expression import Index, Partial
from einsum_doc.notation.proving.prover import Definition, Facts, OfCode, Prover

_FUNCTION = re.compile(r"[^=]+=\s*torch\.(?:linalg\.)?(?:(inv)(?:erse)?|(det)|slog(det)|(logdet))\((\w+)\)(?:\[1\])?")

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
    definitions = {}
    statements = [symbol.definition for symbol in tensors.values() if symbol.definition is not None]
    for name, symbol in tensors.items():
        if symbol.definition is not None:
            written = _written(symbol.definition)
            own = tuple(index for index in written.wide[0].own if isinstance(index, Index))
            definitions[name] = Definition(own, written.sides[1], symbol.definition.key)
            join_sizes(symbol.definition, written.wide, sizes)
    row = _written(statement)
    join_sizes(statement, row.wide, sizes)
    join_capitals([*statements, statement], sizes)

    written = [side for each in [*statements, statement] for side in each.sides]
    by = {part.by.name for side in written for part in side.walk() if isinstance(part, Partial)}

    numbers: dict[SizeNode, str] = {}

    def size(node: SizeNode) -> str:
        return numbers.setdefault(sizes.root(node), f"s{len(numbers)}")

    facts = Facts(
        definitions,
        {name: _code(symbol, table) for name, symbol in tensors.items() if symbol.code is not None},
        ranks,
        sinks,
        frozenset(table.scalars),
        table.depends,
        size,
        {size(node): count for node, count in sizes.pinned.items()},
        frozenset(_positive(table, names)),
        frozenset(name for name in names if table.domains.get(name, FREE).square and name not in by),
        {
            name: axis
            for name in names
            if name not in by and (axis := table.domains.get(name, FREE).total) is not None
        },
    )
    return Prover(facts).proved(row.sides[number], row.sides[number + 1], statement.key)


def _written(statement: Statement):
    return statement.written({ends: LENGTH for ends in statement.ranges})


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
