"""Sums over several indices -> the same with canonical names: sums that differ in names only are equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from einsum_doc.notation.proving.polynomial import (
    ONE,
    Factor,
    GiveUpError,
    Monomial,
    Polynomial,
    TensorEntry,
    Total,
    single,
)

MOST_ORDERS = 200
"""The most orders of alike indices that are tried."""


class Renaming(Protocol):
    """The sizes of indices, the heads of symmetric matrices, and how indices are renamed."""

    sizes: dict[str, str]
    symmetric: set[tuple[str, ...]]

    def renamed(self, polynomial: Polynomial, names: Mapping[str, str]) -> Polynomial:
        """Return a polynomial with other names for open indices."""


def bound_total(algebra: Renaming, names: Sequence[str], body: Monomial) -> Polynomial:
    """Return the sum of a monomial over indices, under canonical names."""
    base = Polynomial({body: ONE})
    best: Total | None = None
    for count, order in enumerate(_orders(algebra, names, body)):
        if count > MOST_ORDERS:
            raise GiveUpError("too many alike indices")
        final = tuple(f"${body.bound + place}" for place in range(len(order)))
        inner = algebra.renamed(base, dict(zip(order, final, strict=True)))
        if len(inner.terms) != 1 or inner.terms[0][1] != 1:
            raise GiveUpError("a sum that falls apart")
        found = Total(final, tuple(algebra.sizes[name] for name in order), inner)
        if best is None or found.key < best.key:
            best = found
    assert best is not None
    return single(best)


def _orders(algebra: Renaming, names: Sequence[str], body: Monomial) -> Iterator[tuple[str, ...]]:
    """Yield the orders of indices that no property tells apart."""
    if len(names) == 1:
        yield tuple(names)
        return

    def refined(colours: dict[str, str]) -> dict[str, str]:
        while True:
            seen = {name: _signature(algebra, name, body, colours) for name in names}
            ranks = {signature: f"{place:03}" for place, signature in enumerate(sorted(set(seen.values())))}
            found = {name: ranks[seen[name]] for name in names}
            if len(ranks) == len(set(colours.values())):
                return found
            colours = found

    def orders(colours: dict[str, str]) -> Iterator[tuple[str, ...]]:
        colours = refined(colours)
        ranked = sorted(colours.values())
        alike = next((colour for colour in ranked if ranked.count(colour) > 1), None)
        if alike is None:
            yield tuple(sorted(names, key=lambda name: colours[name]))
            return
        for name in names:
            if colours[name] == alike:
                yield from orders({**colours, name: alike + "!"})

    yield from orders({name: algebra.sizes[name] for name in names})


def _signature(algebra: Renaming, name: str, body: Monomial, colours: Mapping[str, str]) -> str:
    """Return where an index stands, whatever the names of the others."""
    seen = [
        f"{_place(algebra, factor, name, colours)}^{power}" for factor, power in body.factors if name in factor.open
    ]
    return f"{colours[name]} {sorted(seen)}"


def _place(algebra: Renaming, factor: Factor, name: str, colours: Mapping[str, str]) -> str:
    if isinstance(factor, TensorEntry):
        indices = [
            "*" if each == name else f"<{colours[each]}>" if each in colours else each for each in factor.indices
        ]
        own = sorted(indices[-2:]) if factor.head in algebra.symmetric else indices[-2:]
        return f"{factor.head}{indices[:-2]}{own}"
    others = sorted(colours[each] for each in factor.open if each in colours and each != name)
    fixed = sorted(each for each in factor.open if each not in colours)
    return f"{factor.form}{others}{fixed}"
