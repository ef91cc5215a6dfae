"""Relations of the kind 0 = 0: derivatives of what does not depend on the tensor by which they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    Expression,
    Negative,
    Partial,
    Power,
    Product,
    Quotient,
    Sum,
    Summation,
    Tensor,
    plain,
)
from einsum_doc.notation.sums.scope import Scope
from einsum_doc.notation.symbols.exact import constant
from einsum_doc.notation.symbols.table import SymbolTable, values_in
from einsum_doc.notation.writing.words import listed


def refuse_vanishing(
    table: SymbolTable, sides: Sequence[Expression], above: Collection[str], scope: Scope, defines: bool
) -> None:
    """Refuse a relation in which every term vanishes by its derivatives, unless the chain has a side written 0.

    above: the tensors before the chain. defines: the first side is a new name, and has the value of the second.
    Raises: NotationError, with the letter that is missing.
    """
    found = [_vanishing(table, side) for side in sides]
    if [] in found:
        return
    if defines:
        found[0] = found[1]
    for left, right in pairwise(found):
        if left and right:
            raise _failure(table, left[0], above, scope)


def _vanishing(table: SymbolTable, expression: Expression) -> list[Partial] | None:
    """Return the derivatives by which an expression is identically 0: none, if it is written 0; None if it is not."""

    def of(part: Expression) -> list[Partial] | None:
        return _vanishing(table, part)

    match expression:
        case Sum(terms):
            found = [each for each in map(of, terms) if each is not None]
            return [part for each in found for part in each] if len(found) == len(terms) else None
        case Product(factors):
            return min((each for each in map(of, factors) if each is not None), key=len, default=None)
        case Negative(part) | Summation(_, part) | Quotient(part, _):
            return of(part)
        case Power(part, exponent):
            return of(part) if (constant(exponent) or 0) > 0 else None
        case Partial(body, by, held):
            inner = of(body)
            depends = any(name in table.scalars or table.depends(name, by.name, held) for name in values_in(body))
            return inner if inner or depends else [expression]
        case _:
            return [] if constant(expression) == 0 else None


def _failure(table: SymbolTable, part: Partial, above: Collection[str], scope: Scope) -> NotationError:
    """Return the error about a derivative that vanishes, with the definition or the letter that is missing."""
    body, by = part.body, part.by.name
    own = dict.fromkeys(values_in(body))
    if isinstance(body, Tensor) and table.tensors[body.name].arguments is None:
        name = plain(body.name)
        why, expected = f"{name} is an input here: it has no definition above", f"a definition of {name} before this"
    else:
        held = f" with {listed(map(plain, part.held))} held fixed" if part.held else ""
        why = f"{body} does not depend on {plain(by)}{held}" if by in above else f"there is no {plain(by)} above"
        kinds = table.tensors[by].kinds
        meant = [
            plain(name)
            for name, symbol in table.tensors.items()
            if symbol.kinds == kinds and name != by and any(table.depends(each, name) for each in own)
        ]
        meant = [name for name in meant if not isinstance(body, Tensor) or name != plain(body.name)]
        why += f": is {' or '.join(meant)} meant?" if meant else ""
        expected = f"a tensor that {body} depends on"
    return scope.fail(f"0 = 0, as {part} vanishes: {why}", part.at, f"{expected}; or 0 as a side")
