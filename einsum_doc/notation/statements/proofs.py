"""The relations of a chain -> which of them are proved for all sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from einsum_doc.notation.expression import Index, Partial, Product, Summation, Tensor, identifier
from einsum_doc.notation.matrices.components import OfMatrix
from einsum_doc.notation.proving.facts import Definition, Facts, OfCode
from einsum_doc.notation.proving.prover import Proof, Prover
from einsum_doc.notation.sums.scope import Scope
from einsum_doc.notation.symbols.domain import FREE, Domain
from einsum_doc.notation.symbols.places import Places
from einsum_doc.notation.symbols.table import ChainStatement, Code, Statement, StatementForm, Symbol
from einsum_doc.notation.symbols.unification import SizeClasses, SizeNode, axes_of, join_capitals, join_sizes

_FUNCTION = re.compile(r"[^=]+=\s*torch\.(?:linalg\.)?(\w+)\((\w+)\)(\[1\])?")
_FUNCTIONS = {"inv": "inv", "inverse": "inv", "det": "det", "logdet": "logdet", "slogdet[1]": "logdet"}
_EINSUM = re.compile(r"[^=]+=\s*(?:torch\.)?einsum\(\s*[\"']([a-zA-Z, ]+)->([a-zA-Z]*)[\"'],([\w, ]+)\)")

CODE = "code of "
"""The begin of the keys of definitions that are read from code."""

LENGTH = 2
"""The number of indices that a range stands for: the first, and another one for all the rest."""


def proved(statement: ChainStatement, number: int) -> Proof | None:
    """Return the proof that side `number` of a chain is equal to the next one for all sizes; None if there is none."""
    if number not in statement.proofs:
        left, right = _written(statement).sides[number : number + 2]
        statement.proofs[number] = Prover(facts(statement)[0]).proof(left, right, statement.key)
    return statement.proofs[number]


def facts(statement: ChainStatement) -> tuple[Facts, SizeClasses]:
    """Return what the page says about the tensors of a chain, and the axes and indices that have one size."""
    table = statement.table
    names, sinks = statement.dependencies
    tensors = {name: table.tensors[name] for name in names}
    domains = {name: table.domains.get(name, FREE) for name in names}
    kinds = {name: symbol.kinds or () for name, symbol in tensors.items()}
    ranks = {name: len(own) + (LENGTH - 1) * own.count("range") for name, own in kinds.items()}
    statements = {name: found for name, symbol in tensors.items() if (found := symbol.definition or _einsum(symbol))}
    computed = [name for name, symbol in tensors.items() if symbol.arguments is not None]
    codes = {name: _code(tensors[name]) for name in computed if name not in statements}
    every = [*statements.values(), statement]
    parts = [part for each in every for side in each.sides for part in side.walk()]
    sizes = axes_of(ranks, table)
    for each in every:
        join_sizes(each, _written(each).wide, sizes)
        Places({}).join(each, _written(each).wide, sizes)
    for name, code in codes.items():
        _join_square(name, code, ranks, sizes)
    join_capitals([each for each in every if not each.key.startswith(CODE)], sizes)  # Labels are no letters.
    numbers: dict[SizeNode, str] = {}

    def size(node: SizeNode) -> str:
        return numbers.setdefault(sizes.root(node), f"s{len(numbers)}")

    least: dict[str, int] = {}
    for node, count in sizes.least.items():  # Drawn are sizes with one value more than the index says.
        least[size(node)] = max(count - 1, least.get(size(node), 1))
    known = Facts(
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
        differentiated=frozenset(part.by.name for part in parts if isinstance(part, Partial)),
        least=least,
    )
    return known, sizes


def _definition(statement: Statement) -> Definition:
    written = _written(statement)
    own = tuple(index for index in written.wide[0].own if isinstance(index, Index))
    return Definition(own, written.sides[1], statement.key)


def _join_square(name: str, code: OfCode, ranks: Mapping[str, int], sizes: SizeClasses) -> None:
    """Join the axes of a matrix and of its inverse, or determinant, as these have."""
    if not code.function:
        return
    (argument,) = code.arguments
    *others, row, column = range(ranks[argument])
    sizes.join(("axis", argument, row), ("axis", argument, column))
    for axis in (*others, row, column) if code.function == "inv" else others:
        sizes.join(("axis", argument, axis), ("axis", name, axis))


def _written(statement: Statement) -> StatementForm:
    return statement.written(dict.fromkeys(statement.ranges, LENGTH))


def _einsum(symbol: Symbol) -> Statement | None:
    """Return the definition that code says if it is one einsum; None for any other."""
    found = _EINSUM.fullmatch(_text(symbol))
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


def _text(symbol: Symbol) -> str:
    return symbol.code.let.body.strip() if isinstance(symbol.code, Code) else ""


def _code(symbol: Symbol) -> OfCode:
    arguments = symbol.arguments or ()
    if isinstance(symbol.code, OfMatrix):
        return OfCode(symbol.code.function if symbol.code.rows == 1 else "", arguments, auxiliary=True)
    found = _FUNCTION.fullmatch(_text(symbol))
    if found is None or [identifier(name) for name in arguments] != [found[2]]:  # Of a value in code only.
        return OfCode("", arguments)
    return OfCode(_FUNCTIONS.get(found[1] + (found[3] or ""), ""), arguments)


def _is_positive(symbol: Symbol, domain: Domain) -> bool:
    """Return whether a tensor is an input that is never negative."""
    low = domain.interval[0] if domain.interval is not None else -1.0
    return symbol.arguments is None and (domain.positive or low >= 0)
