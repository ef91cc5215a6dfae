"""The relations of a chain -> which of them are proved for all sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from einsum_doc.compute.checking.symbols.domain import FREE, Domain
from einsum_doc.compute.checking.symbols.table import Statement, StatementForm, Symbol, SymbolTable, dependencies
from einsum_doc.compute.checking.symbols.unification import SizeClasses, SizeNode, join_capitals, join_sizes
from einsum_doc.notation.expression import Index, Partial, Product, Summation, Tensor, identifier
from einsum_doc.notation.proving.facts import Definition, Facts, OfCode
from einsum_doc.notation.proving.prover import Proof, Prover
from einsum_doc.notation.sums.scope import Scope

_FUNCTION = re.compile(r"[^=]+=\s*torch\.(?:linalg\.)?(inv|inverse|det|logdet|slogdet)\((\w+)\)(\[1\])?")

_EINSUM = re.compile(r"[^=]+=\s*(?:torch\.)?einsum\(\s*[\"']([a-zA-Z, ]+)->([a-zA-Z]*)[\"'],([\w, ]+)\)")

CODE = "code of "
"""The begin of the keys of definitions that are read from code."""

LENGTH = 2
"""The number of indices that a range stands for: the first, and another one for all the rest."""


def proved(statement: Statement, table: SymbolTable, number: int) -> Proof | None:
    """Return the proof that side `number` of a chain is equal to the next one for all sizes; None if there is none."""
    row = _written(statement)
    return Prover(_facts(statement, table)).proof(row.sides[number], row.sides[number + 1], statement.key)


def _facts(statement: Statement, table: SymbolTable) -> Facts:
    """Return what the page says about the tensors of a chain."""
    names, sinks = dependencies(table, statement.sides)
    tensors = {name: table.tensors[name] for name in names}
    domains = {name: table.domains.get(name, FREE) for name in names}
    kinds = {name: symbol.kinds or () for name, symbol in tensors.items()}
    ranks = {name: len(own) + (LENGTH - 1) * own.count("range") for name, own in kinds.items()}
    statements = {name: found for name, symbol in tensors.items() if (found := symbol.definition or _einsum(symbol))}
    codes = {name: _code(symbol, table) for name, symbol in tensors.items() if symbol.code and name not in statements}
    every = [*statements.values(), statement]
    differentiated = [part.by.name for each in every for part in _partials(each)]
    sizes = _sizes(every, ranks, domains, codes)
    numbers: dict[SizeNode, str] = {}

    def size(node: SizeNode) -> str:
        return numbers.setdefault(sizes.root(node), f"s{len(numbers)}")

    return Facts(
        definitions={name: _definition(found) for name, found in statements.items()},
        codes=codes,
        ranks=ranks,
        sinks=sinks,
        scalars=frozenset(table.scalars),
        depends=table.depends,
        size=size,
        numbers={size(node): count for node, count in sizes.pinned.items()},
        positive=frozenset(name for name in names if _is_positive(tensors[name], domains[name])),
        symmetric=frozenset(name for name, domain in domains.items() if domain.square),
        totals={name: domain.total for name, domain in domains.items() if domain.total is not None},
        differentiated=frozenset(differentiated),
    )


def _sizes(
    statements: Sequence[Statement],
    ranks: Mapping[str, int],
    domains: Mapping[str, Domain],
    codes: Mapping[str, OfCode],
) -> SizeClasses:
    """Return the axes and indices that have one size."""
    sizes = SizeClasses()
    for name, rank in ranks.items():
        for axis in range(rank):
            sizes.root(("axis", name, axis))
        if domains[name].square:
            sizes.join(("axis", name, rank - 2), ("axis", name, rank - 1))
    for each in statements:
        join_sizes(each, _written(each).wide, sizes)
    for name, code in codes.items():
        _join_square(name, code, ranks, sizes)
    join_capitals([each for each in statements if not each.key.startswith(CODE)], sizes)  # Labels are no letters.
    return sizes


def _definition(statement: Statement) -> Definition:
    written = _written(statement)
    own = tuple(index for index in written.wide[0].own if isinstance(index, Index))
    return Definition(own, written.sides[1], statement.key)


def _partials(statement: Statement) -> list[Partial]:
    return [part for side in statement.sides for part in side.walk() if isinstance(part, Partial)]


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
    return statement.written(dict.fromkeys(statement.ranges, LENGTH))


def _einsum(symbol: Symbol) -> Statement | None:
    """Return the definition that code says if it is one einsum; None for any other."""
    found = _EINSUM.fullmatch(symbol.let.body.strip()) if symbol.let is not None else None
    if found is None:
        return None
    spelled = {identifier(name): name for name in symbol.arguments or ()}
    operands, output = found[1].replace(" ", "").split(","), found[2]
    names = [spelled.get(name.strip(), "") for name in found[3].split(",")]
    if len(names) != len(operands) or "" in names or len(set(output)) < len(output):
        return None
    factors = tuple(
        Tensor(name, tuple(map(Index, labels))) for name, labels in zip(names, map(str.strip, operands), strict=True)
    )
    summed = tuple(map(Index, dict.fromkeys(label for label in found[1] if label.isalpha() and label not in output)))
    right = Summation(summed, Product(factors)) if summed else Product(factors)
    head = Tensor(symbol.name, tuple(map(Index, output)))
    key = f"{CODE}{symbol.name}"
    return Statement(key, key, (head, right), Scope(""), (), (), True)


def _code(symbol: Symbol, table: SymbolTable) -> OfCode:
    arguments = symbol.arguments or ()
    for each in table.matrices.values():
        if each.name == symbol.name:
            return OfCode(each.function if each.rows == 1 else "", arguments, auxiliary=True)
    found = _FUNCTION.fullmatch(symbol.let.body.strip()) if symbol.let is not None else None
    of_page = found is not None and [identifier(name) for name in arguments] == [found[2]]  # Not of other code's value.
    if found is None or not of_page or (found[1] == "slogdet") != bool(found[3]):
        return OfCode("", arguments)
    return OfCode({"inverse": "inv", "slogdet": "logdet"}.get(found[1], found[1]), arguments)


def _is_positive(symbol: Symbol, domain: Domain) -> bool:
    """Return whether a tensor is an input that is never negative."""
    low = domain.interval[0] if domain.interval is not None else -1.0
    return symbol.arguments is None and (domain.positive or low >= 0)


_NAMED = {
    "δ eliminated": r"\beliminat",
    "chain rule": r"\bchain rule",
    "product rule": r"\bproduct rule",
    "multiplied out": r"\bmultipl\w+ out|\bexpand|\bdistribut",
    "definition of": r"\bdefinition|\bput in\b|\binsert|\bsubstitut",
}
"""The rules that a reason can name, as a step says them, each with the pattern of the words for it."""


def unfounded(reason: str, step: str) -> str:
    """Return the words of a reason for a rule, if it names some and the step consists of none of them.

    >>> unfounded("Eliminate the delta.", "definition of y put in")
    'Eliminat'
    """
    found = {rule: match[0] for rule, words in _NAMED.items() if (match := re.search(words, reason, re.IGNORECASE))}
    return "" if not step or not found or any(rule in step for rule in found) else next(iter(found.values()))
