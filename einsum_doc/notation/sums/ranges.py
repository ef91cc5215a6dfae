r"""Dots: the ranges of a chain, `a \dots b`, and its expressions with as many indices as a range is long."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeAlias

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Index,
    Number,
    One,
    Position,
    Product,
    Range,
    RangeProduct,
    Subscript,
    Summation,
    Tensor,
    mapped,
    plain,
    subscripts,
)

Ends: TypeAlias = tuple[str, str]
"""The letters of a range's first and last index."""


def ranges(sides: Sequence[Expression], text: str = "") -> tuple[Ends, ...]:
    r"""Return the ranges of a chain, in order.

    Raises: NotationError, if a letter is an end of two ranges, or stands alone beside its range.
    """
    found: dict[Ends, Range | RangeProduct] = {}
    for side in sides:
        for index in subscripts(side):
            if isinstance(index, Range):
                found.setdefault((index.first.letter, index.last.letter), index)
    products = [part for side in sides for part in side.walk() if isinstance(part, RangeProduct)]
    for product in products:
        _add_ranges(product, found, text)
    taken: dict[str, Ends] = {}
    for ends, owner in found.items():
        for letter in ends:
            if letter in taken:
                fault = f"{plain(letter)} is an end of two ranges"
                raise NotationError(fault, text=text, position=owner.at, expected="ranges with letters of their own")
            taken[letter] = ends
    inside = {id(part) for product in products for part in (product, *product.parts)}
    for part in (part for side in sides for part in side.walk() if id(part) not in inside):
        for index in (*part.own, *(part.indices if isinstance(part, Summation) else ())):
            if isinstance(index, Index) and index.letter in taken:
                range_ = "…".join(map(plain, taken[index.letter]))
                fault = f"{index} stands alone, but is an end of the range {range_}"
                raise NotationError(fault, text=text, position=index.at, expected="another letter, or the whole range")
    return tuple(found)


def _add_ranges(product: RangeProduct, found: MutableMapping[Ends, Range | RangeProduct], text: str) -> None:
    """Add the ranges that a product with dots tells by its first and last factor."""
    for slot, last in enumerate(product.last.indices):
        first = product.first.own[slot] if product.first is not None and slot < len(product.first.own) else None
        if not isinstance(last, Index) or not (first is None or isinstance(first, Index)):
            expected = r"\delta_{aa'} \dots \delta_{bb'}"
            raise NotationError("dots between numbers", text=text, position=product.at, expected=expected)
        if any(ends[1] == last.letter for ends in found):
            continue
        if first is None or first.letter == last.letter:
            raise NotationError(
                f"nothing says where the range that ends with {plain(last.letter)} begins",
                text=text,
                position=last.at,
                expected=rf"the range in this chain, as in x_{{a \dots {last.letter}}}",
            )
        found[first.letter, last.letter] = product


def expanded(expression: Expression, lengths: Mapping[Ends, int]) -> Expression:
    r"""Return an expression without dots: each range has as many indices as `lengths` says.

    >>> from einsum_doc.notation.reading.parse import parse_expression
    >>> print(expanded(parse_expression(r"x_{a \dots b i} \delta_{aa'} \dots \delta_{bb'}"), {("a", "b"): 2}))
    x_{a₁a₂i} δ_{a₁a₁'} δ_{a₂a₂'}
    """
    if not lengths:
        return expression
    if isinstance(expression, Product | RangeProduct):
        factors: list[Expression] = []
        for factor in expression.factors if isinstance(expression, Product) else (expression,):
            factors += _factors(factor, lengths) if isinstance(factor, RangeProduct) else [expanded(factor, lengths)]
        return Product(tuple(factors), at=expression.at) if factors else Number(Fraction(1), at=expression.at)
    inner = mapped(expression, lambda part: expanded(part, lengths))
    match inner:
        case One(own) if not _wide(own, lengths):
            return Number(Fraction(1), at=inner.at)
        case Tensor(_, own) | Delta(own) | One(own):
            return replace(inner, indices=_wide(own, lengths))
        case Summation(own, body):
            wider = _wide(own, lengths)
            return replace(inner, indices=wider) if wider else body
    return inner


def _wide(indices: tuple[Subscript, ...], lengths: Mapping[Ends, int]) -> tuple[Subscript, ...]:
    """Return indices with the members of each range in its place."""
    wider: list[Subscript] = []
    for index in indices:
        if isinstance(index, Range):
            ends = (index.first.letter, index.last.letter)
            for number in range(lengths[ends]):
                wider.append(_member(ends, number, (index.last if number else index.first).primes, index.at))
        else:
            wider.append(index)
    return tuple(wider)


def _factors(product: RangeProduct, lengths: Mapping[Ends, int]) -> tuple[Expression, ...]:
    """Return the factors of a product with dots."""
    by_last = {ends[1]: ends for ends in lengths}
    last = [index for index in product.last.indices if isinstance(index, Index)]
    known = [by_last[index.letter] for index in last]
    first = [index for index in product.first.own if isinstance(index, Index)] if product.first is not None else []
    whole = [index.letter for index in first] == [ends[0] for ends in known]
    factors: list[Expression] = [product.first] if product.first is not None and not whole else []
    for number in range(0 if whole else 1, min(lengths[ends] for ends in known)):
        starts = first if whole and number == 0 else last
        indices = tuple(
            _member(ends, number, index.primes, index.at) for ends, index in zip(known, starts, strict=True)
        )
        factors.append(replace(product.last, indices=indices))
    return tuple(factors)


_DIGITS = "₁₂₃₄₅₆₇₈₉"


def _member(ends: Ends, number: int, primes: int, at: Position) -> Index:
    """Return an index of a range, by its number from 0."""
    return Index(f"{plain(ends[0])}{_DIGITS[number]}", primes, at=at)
