"""The values that a directive gives an input, and those that an expression needs to have a value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from einsum_doc.notation.expression import Expression, Function, Partial, Power, Tensor, plain
from einsum_doc.notation.symbols.exact import constant, nonnegative


@dataclass(frozen=True)
class Domain:
    """The values of an input: numbers of both signs, unless a directive says more.

    positive, small: of each component. interval: the least and the greatest value of a component. symmetric, definite:
    of the matrix over the last two axes. total: the axis over which the components sum to one.
    """

    positive: bool = False
    small: bool = False
    interval: tuple[float, float] | None = None
    symmetric: bool = False
    definite: bool = False
    total: int | None = None

    def __str__(self) -> str:
        words = {
            "positive": self.positive,
            "small": self.small,
            "from {:g} to {:g}".format(*self.interval or (0, 0)): self.interval is not None,
            "symmetric": self.symmetric and not self.definite,
            "positive definite": self.definite,
            f"summing to one over index {(self.total or 0) + 1}": self.total is not None,
        }
        return ", ".join(word for word, said in words.items() if said)

    @property
    def possible(self) -> bool:
        """True if an input can be made to have all of it at once."""
        if self.interval is not None:
            return not (self.positive or self.small or self.definite or self.total is not None)
        return self.total is None or not (self.small or self.symmetric or self.definite)

    @property
    def square(self) -> bool:
        """True if the last two axes have one size."""
        return self.symmetric or self.definite

    @property
    def movable(self) -> bool:
        """True if each component can be changed by itself."""
        return not (self.small or self.square or self.interval is not None or self.total is not None)


FREE = Domain()
"""The domain of an input that no directive names."""

DOMAINS = {"log": (0.0, math.inf), "arcosh": (1.0, math.inf)} | dict.fromkeys(
    ["arcsin", "arccos", "artanh"], (-1.0, 1.0)
)
"""Functions without a value outside of an interval, and this interval."""

EPSILONS = frozenset([r"\epsilon", r"\varepsilon"])
"""The names of scalars that are small and positive where a root or a logarithm needs a positive argument."""


@dataclass(frozen=True)
class Condition:
    """Bounds between which an argument must lie, or an expression has no value. chain: the key of its statement."""

    expression: Expression
    argument: Expression
    low: float
    high: float
    chain: str


def conditions(expression: Expression, chain: str) -> Iterator[Condition]:
    """Yield the conditions under which an expression has a value, those of inner parts first."""
    for part in expression.parts:
        yield from conditions(part, chain)
    argument, bounds = None, (0.0, math.inf)
    if isinstance(expression, Function) and expression.name in DOMAINS:
        argument, bounds = expression.argument, DOMAINS[expression.name]
    elif isinstance(expression, Power):
        number = constant(expression.exponent)
        if number is None or number.denominator > 1:
            argument = expression.base
    if argument is not None and any(isinstance(part, Tensor) for part in argument.walk()):
        yield Condition(expression, argument, *bounds, chain)


def differentiated(expression: Expression, chain: str) -> Iterator[Condition]:
    """Yield the conditions under which all that is differentiated in an expression has a value."""
    for part in expression.walk():
        if isinstance(part, Partial):
            yield from conditions(part.body, chain)


def unmet(found: Iterable[Condition], tensor: Callable[[str], Expression | bool]) -> dict[Condition, None]:
    """Return the conditions that the form of an argument does not meet; before each, that an ε in it is positive.

    tensor: as for `nonnegative`.
    """
    result: dict[Condition, None] = {}
    for each in found:
        if (each.low, each.high) != (0.0, math.inf) or not nonnegative(each.argument, tensor):
            for part in each.argument.walk():
                if isinstance(part, Tensor) and part.name in EPSILONS and not part.indices:
                    result[replace(each, argument=part, low=0.0, high=math.inf)] = None
            result[each] = None
    return result


def remedy(condition: Condition, names: list[str]) -> str:
    """Return the directive by which the inputs of these names would meet a condition, in words."""
    if condition.low == 0.0:
        return f"'% positive {' '.join(names)}' says that {'inputs are' if names[1:] else 'an input is'} positive"
    high = condition.high if condition.high < math.inf else 10 * condition.low
    return f"'% interval {names[0]} = {condition.low:g} {high:g}' says where {plain(names[0])} lies"
