"""The random inputs of one point: small whole numbers, in the domains that a page gives them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import isfinite
from typing import TypeAlias

from einsum_doc.notation.statements.dual import Exact
from einsum_doc.notation.symbols.domain import EPSILONS, FREE, Domain

At: TypeAlias = tuple[int, ...]
"""The place of a component, counted from 0."""

Nested: TypeAlias = "Exact | list[Nested]"
"""The components of a tensor, a list for each axis."""

DEGREE = 3
"""The degree of the polynomial that an arbitrary function is."""


class Drawn:
    """The inputs of one point, each drawn when it is needed.

    numbers: what they consist of. inputs: those drawn so far. picks: the components of tensors of indices.
    functions: the coefficients of arbitrary functions.
    """

    def __init__(self, domains: Mapping[str, Domain], numbers: Sequence[Exact], rng: random.Random) -> None:
        self.domains = domains
        self.numbers = numbers
        self.random = rng
        self.inputs: dict[str, Nested] = {}
        self.picks: dict[str, Nested] = {}
        self.functions: dict[str, tuple[int, ...]] = {}

    def component(self, name: str, shape: At, at: At) -> Exact:
        """Return a component of an input; of a linear function, a coefficient."""
        if name not in self.inputs:
            self.inputs[name] = self._tensor(name, shape)
        return _component(self.inputs[name], at)

    def pick(self, name: str, shape: At, at: At, count: int) -> int:
        """Return a component of a tensor of indices, from 0."""
        if name not in self.picks:
            self.picks[name] = _nested(shape, lambda _: self.random.randrange(count))
        return int(_component(self.picks[name], at))

    def function(self, name: str) -> Sequence[int]:
        """Return the coefficients of an arbitrary function, that of the constant first."""
        if name not in self.functions:
            self.functions[name] = tuple(self.random.randint(1, 3) for _ in range(DEGREE + 1))
        return self.functions[name]

    def _tensor(self, name: str, shape: At) -> Nested:
        domain = self.domains.get(name, FREE)
        positive = domain.positive or domain.definite or domain.total is not None or (name in EPSILONS and not shape)
        numbers: Sequence[Exact] = self.numbers if domain.interval is None else _between(*domain.interval)
        if positive:
            numbers = [max(each, -each) for each in numbers if each]
        places = list(product(*map(range, shape)))
        decks = range(-(-len(places) // len(numbers)))  # The first components differ, so that no order hides.
        every = [each for _ in decks for each in self.random.sample(numbers, len(numbers))]
        values: dict[At, Exact] = dict(zip(places, every, strict=False))
        *_, rows, _ = (0, 0, *shape)
        if domain.definite:  # A lower triangle with a positive diagonal, times its transpose.
            lower = {at: values[at] * (at[-1] <= at[-2]) for at in values}
            values = {
                (*at, i, j): sum(lower[*at, i, k] * lower[*at, j, k] for k in range(rows)) for *at, i, j in values
            }
        elif domain.symmetric:
            values = {at: values[*at[:-2], min(at[-2:]), max(at[-2:])] for at in values}
        if domain.total is not None:
            totals: dict[At, Exact] = {}
            for at, value in values.items():
                others = _without(at, domain.total)
                totals[others] = totals.get(others, 0) + value
            values = {at: Fraction(value) / totals[_without(at, domain.total)] for at, value in values.items()}
        if domain.small:
            values = {at: Fraction(value) / 100 for at, value in values.items()}
        return _nested(shape, lambda at: values[at])


def _component(values: Nested, at: At) -> Exact:
    for place in at:
        assert isinstance(values, list)
        values = values[place]
    assert not isinstance(values, list)
    return values


def _without(at: At, axis: int) -> At:
    return at[:axis] + at[axis + 1 :]


def _between(low: float, high: float) -> Sequence[Exact]:
    """Return numbers between two others, whole ones if there are some."""
    least = Fraction(str(low)) if isfinite(low) else Fraction(-10) + min(0, int(high) if isfinite(high) else 0)
    most = Fraction(str(high)) if isfinite(high) else max(least, Fraction(0)) + 10
    whole = [each for each in range(int(least) - 1, int(most) + 2) if least < each < most][:7]
    return whole if len(whole) > 1 else [least + (most - least) * share / 8 for share in (1, 2, 3, 5, 6, 7)]


def _nested(shape: At, value: Callable[[At], Exact], at: At = ()) -> Nested:
    """Return components as a list for each axis."""
    return [_nested(shape[1:], value, (*at, place)) for place in range(shape[0])] if shape else value(at)
