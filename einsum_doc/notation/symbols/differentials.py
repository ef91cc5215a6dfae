"""Differentials, dX -> sums over the inputs that they move with: each input moves in a direction of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from einsum_doc.notation.expression import (
    Expression,
    Negative,
    Partial,
    Product,
    Quotient,
    Reduction,
    Sum,
    Summation,
    Tensor,
    is_zero,
    letters,
    plain,
    rebuilt,
    subscripts,
)
from einsum_doc.notation.matrices.components import unused
from einsum_doc.notation.matrices.nodes import (
    Component,
    Constant,
    Differential,
    Hadamard,
    Inner,
    Kronecker,
    MatrixFunction,
    Transpose,
)
from einsum_doc.notation.sums.scope import Scope
from einsum_doc.notation.symbols.table import SymbolTable, values_in

_HINT = r"d \cdot x for a product with d; '% gradient L', if dX is \frac{\partial L}{\partial X}"


def differentials(sides: Sequence[Expression]) -> list[Differential]:
    """Return the differentials in some sides."""
    return [part for side in sides for part in side.walk() if isinstance(part, Differential)]


def refuse_unlike(sides: Sequence[Expression], table: SymbolTable, scope: Scope) -> None:
    """Refuse sides of which only some terms have a differential, and a differential of what nothing is computed from.

    A d in them could be a factor, or say that a name is that of a gradient.
    """
    if not differentials(sides):
        return
    found = [(side, _degree(side, scope)) for side in sides]
    for side, degree in found:
        if degree != 1 and degree is not None:
            fault = f"{side} has {'a product of differentials' if degree else 'no differential'}"
            raise scope.fail(f"{fault}, beside {differentials(sides)[0]}", side.at, _HINT)
    head = sides[0]
    if isinstance(head, Differential) and isinstance(head.body, Tensor) and not _is_loss(head.body, sides, table):
        known = table.tensors.get(head.body.name)
        moves = known is not None and known.arguments is not None
        if not moves and head.body.name not in table.constant and plain(head.body.name) not in table.values:
            fault = f"{head.body} is an input, so that {head} is arbitrary"
            expected = f"a definition of {head.body} before this; or '% gradient L', if {head} is ∂L/∂{head.body}"
            raise scope.fail(fault, head.at, expected)


def _is_loss(tensor: Tensor, sides: Sequence[Expression], table: SymbolTable) -> bool:
    """Return whether a tensor is an arbitrary scalar that is only ever differentiated."""
    partials = [part for side in sides for part in side.walk() if isinstance(part, Partial)]
    return tensor.name not in table.tensors and (
        tensor.name in table.scalars or any(tensor == partial.body for partial in partials)
    )


def _degree(expression: Expression, scope: Scope) -> int | None:
    """Return the number of differentials in each product of an expression; None of 0, which has any.

    Raises: NotationError, if that differs between terms, or an expression is not linear in them.
    """
    parts = [(part, _degree(part, scope)) for part in expression.parts]
    inner = [degree for _, degree in parts if degree is not None]
    match expression:
        case _ if is_zero(expression) or expression == Constant("0"):
            return None
        case Differential():
            if any(inner):
                raise scope.fail("a differential of a differential", expression.at, "first differentials")
            return 1
        case Sum():
            for part, degree in parts:
                if degree is not None and degree != inner[0]:
                    fault = f"only some terms of {expression} have a differential"
                    raise scope.fail(fault, part.at, _HINT)
            return inner[0] if inner else None
        case Product() | Hadamard() | Kronecker() | Inner():
            return sum(inner)
        case Quotient(numerator, denominator):
            if _degree(denominator, scope):
                expected = rf"\frac{{{numerator}}}{{{denominator}}}"
                raise scope.fail(f"{expression} is a derivative", expression.at, expected)
            return sum(inner)
        case Reduction():
            pass
        case Negative() | Summation() | Transpose() | Component() | MatrixFunction("tr" | "diag" | "vec"):
            return inner[0] if inner else None
    if any(inner):
        raise scope.fail(f"a differential inside of {expression}", expression.at, _HINT)
    return 0


def in_directions(
    sides: Sequence[Expression], table: SymbolTable, scope: Scope, constant: Collection[str]
) -> list[Expression]:
    """Return sides in components, with each differential as the sum over the inputs that it moves with.

    constant: inputs that do not move.
    Raises: NotationError, if nothing moves.
    """
    tensors = [part for side in sides for part in side.walk() if isinstance(part, Tensor)]
    ranks = {part.name: len(part.indices) for part in tensors}
    ranks |= {name: len(symbol.kinds) for name, symbol in table.tensors.items() if symbol.kinds is not None}
    new = unused(letters(index for side in sides for index in subscripts(side)) | table.fixed)
    every = differentials(sides)
    moved = {name: None for each in every for name in _inputs(each, table, scope)}

    def value(part: Expression) -> Expression:
        if not isinstance(part, Differential):
            return part
        loss = isinstance(part.body, Tensor) and _is_loss(part.body, sides, table)
        terms: list[Expression] = []
        for name in moved if loss else _inputs(part, table, scope):
            if name in constant:
                continue
            indices = tuple(next(new) for _ in range(ranks[name]))
            if isinstance(part.body, Tensor) and part.body.name == name:
                terms.append(replace(part.body, name=direction(name)))
                continue
            slope = Partial(part.body, Tensor(name, indices, at=part.at), at=part.at)
            product = Product((slope, Tensor(direction(name), indices, at=part.at)), at=part.at)
            terms.append(Summation(indices, product, at=part.at) if indices else product)
        if not terms:
            fault = f"{part} is 0: nothing that {part.body} is computed from moves"
            raise scope.fail(fault, part.at, "no differential of what is constant")
        return replace(part, value=terms[0] if len(terms) == 1 else Sum(tuple(terms), at=part.at))

    return [rebuilt(side, value) for side in sides]


def direction(name: str) -> str:
    """Return the name of the direction in which an input moves."""
    return rf"\mathrm{{d}}{name}"


def unsaid(sides: Sequence[Expression], table: SymbolTable, scope: Scope) -> list[str]:
    """Return the inputs that move in some sides, but whose own differential is nowhere in them."""
    every = differentials(sides)
    said = {each.body.name for each in every if isinstance(each.body, Tensor)}
    inputs = {name: None for each in every for name in _inputs(each, table, scope)}
    return [name for name in inputs if name not in said | table.constant]


def _inputs(part: Differential, table: SymbolTable, scope: Scope) -> Iterator[str]:
    """Yield the inputs that a differential moves with, each once."""
    rest = list(dict.fromkeys(values_in(part.body)))[::-1]
    seen = set(rest)
    while rest:
        name = rest.pop()
        symbol = table.tensors.get(name)
        if symbol is not None and "range" in (symbol.kinds or ()):
            raise scope.fail(f"a differential of {part.body}, which has dots", part.at, "single indices")
        if symbol is not None and symbol.arguments is not None:
            rest += [each for each in symbol.arguments[::-1] if each not in seen]
            seen |= set(symbol.arguments)
        elif name not in table.scalars:
            yield name
