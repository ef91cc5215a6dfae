"""The rules that rewrite a sum of products of tensors, deltas and one-tensors. Their reasons are in reasons.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Index,
    Number,
    One,
    Product,
    Range,
    RangeProduct,
    Subscript,
    Sum,
    Tensor,
    rebuilt,
    subscripts,
)

Factors: TypeAlias = Sequence[Expression]
"""The factors of one term, as the rules see it."""


# ---- Writing sums and products ---------------------------------------------------------------------


def with_dots(factor: Expression) -> Expression:
    """Return a delta or a one-tensor over a range as it is written, with its dots."""
    match factor:
        case Delta((Range(a, b), Range(c, d))):
            return RangeProduct(Delta((a, c)), Delta((b, d)))
        case One((Range(a, b),)):
            return RangeProduct(One((a,)), One((b,)))
    return factor


def product(factors: Iterable[Expression]) -> Expression:
    """Return the product of some factors, which is 1 if there are none."""
    found = tuple(map(with_dots, factors))
    if not found:
        return Number(Fraction(1))
    return found[0] if len(found) == 1 else Product(found)


def total(terms: Sequence[Factors]) -> Expression:
    """Return the sum of some terms, which is 0 if there are none."""
    if not terms:
        return Number(Fraction(0))
    products = tuple(map(product, terms))
    return products[0] if len(products) == 1 else Sum(products)


def like_terms(terms: Iterable[Factors]) -> list[tuple[int, int]]:
    """Return the count and first position of each different term. The order of factors means nothing."""
    found: dict[frozenset[tuple[object, int]], list[int]] = {}
    for number, term in enumerate(terms):
        factors = Counter(frozenset(factor.indices) if isinstance(factor, Delta) else factor for factor in term)
        found.setdefault(frozenset(factors.items()), []).append(number)
    return [(len(numbers), numbers[0]) for numbers in found.values()]


# ---- Indices and primes ----------------------------------------------------------------------------


def renamed(factor: Expression, change: Mapping[Subscript, Subscript]) -> Expression:
    """Return a factor with some indices replaced."""

    def changed(part: Expression) -> Expression:
        if not isinstance(part, Tensor | Delta | One) or change.keys().isdisjoint(part.indices):
            return part
        return replace(part, indices=tuple(change.get(index, index) for index in part.indices))

    return rebuilt(factor, changed)


def primed(subscript: Subscript, primes: int) -> Subscript:
    """Return an index, or the two ends of a range, with more primes, or with fewer."""
    if isinstance(subscript, Range):
        first, last = subscript.first, subscript.last
        return Range(Index(first.letter, first.primes + primes), Index(last.letter, last.primes + primes))
    assert isinstance(subscript, Index)
    return Index(subscript.letter, subscript.primes + primes)


def primes_of(subscript: Subscript) -> int:
    """Return the number of primes of an index, or of a range."""
    if isinstance(subscript, Range):
        return subscript.first.primes
    return subscript.primes if isinstance(subscript, Index) else 0


# ---- Deltas ----------------------------------------------------------------------------------------


class Elimination(NamedTuple):
    """A sum over `old` in which a delta leaves one term: that with `new` in its place.

    holders: the other factors with the old index.
    """

    delta: Delta
    old: Subscript
    new: Subscript
    holders: Factors

    @property
    def change(self) -> dict[Subscript, Subscript]:
        return {self.old: self.new}


def next_elimination(term: Factors, free: frozenset[Subscript], first: Sequence[Delta]) -> Elimination | None:
    """Return the next delta of a term with a summed index; those that are named `first` come first."""
    deltas = [factor for factor in term if isinstance(factor, Delta)]
    for delta in sorted(deltas, key=lambda delta: delta not in first):
        new, old = delta.indices
        if old in free:
            new, old = old, new
        if old not in free:
            others = [factor for factor in term if factor is not delta]
            return Elimination(delta, old, new, [factor for factor in others if old in subscripts(factor)])
    return None


def first_of_range(
    term: Factors, position: int, elimination: Elimination
) -> tuple[Elimination, RangeProduct, Mapping[Subscript, Subscript]] | None:
    """Return the parts of a line that eliminates the first delta of a range, at a position of a term.

    They are its elimination, the other deltas of the range, and the renaming of the other factors; or None, if
    there is only one delta, or if the other deltas would read as the continuation of a delta before them.
    """
    match elimination.delta.indices:
        case Range() as one, Range() as other if not (position and isinstance(term[position - 1], Delta)):
            old, new = (one, other) if elimination.old == one else (other, one)
            begun = Elimination(Delta((one.first, other.first)), old.first, new.first, elimination.holders)
            return begun, RangeProduct(None, Delta((one.last, other.last))), {old: Range(new.first, old.last)}
    return None
