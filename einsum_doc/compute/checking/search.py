"""An instance, and expressions that need values -> inputs, near its own, at which they have them."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor as Array

from einsum_doc.compute.checking.evaluation.evaluator import Evaluator
from einsum_doc.compute.checking.instances import GREATEST, SMALLER, SMALLEST, Instance, UncheckableError
from einsum_doc.notation.expression import Expression, Negative, Power, Product, Quotient, Tensor
from einsum_doc.notation.symbols.domain import (
    EPSILONS,
    FREE,
    Condition,
    conditions,
    differentiated,
    remedy,
    unmet,
)
from einsum_doc.notation.symbols.exact import constant
from einsum_doc.notation.symbols.table import Statement


class DomainSearch:
    """Inputs at which definitions, and sides of a chain, have values.

    known: the evaluators that were found before.
    """

    def __init__(self, definitions: Mapping[str, Statement], known: dict[Any, Evaluator]) -> None:
        self.bounded = [name for name, each in definitions.items() if any(conditions(each.sides[1], ""))]
        self.known = known

    def within(self, evaluator: Evaluator, sides: Sequence[Expression], chain: str) -> Evaluator:
        """Return an evaluator with inputs at which some sides have values; the given one, if they have.

        Of the definitions, and of what is differentiated, each must have a value. But the sides must have values for
        the same inputs: else it would depend on the search, and not on the author, for which of them they are equal.
        So it does not if nothing but one side could be without a value, as in sin(arcsin x) = x.
        Raises: UncheckableError, if there are none.
        """

        def form(name: str) -> Expression | bool:
            return known_form(evaluator.instance, name)

        own = [unmet(conditions(side, chain), form) for side in sides]
        common = unmet(self._of_definitions(evaluator), form)
        if any(own):
            common |= unmet((each for side in sides for each in differentiated(side, chain)), form)
        if not self.bounded and not all(any(conditions(side, chain)) for side in sides):
            common |= {each: None for found in own for each in found}
        evaluator = self._moved(evaluator, list(common))
        reached = [self._moved(evaluator, list(common | each)) for each in own]
        for there, others in zip(reached, reversed(own), strict=True):
            if not _met(there, others):
                found = violation(there.instance, list(others))
                assert found is not None
                what = f"{found.condition.expression} is not real for some inputs for which the other side is"
                raise UncheckableError(f"{what}; {found.remedy}")
        return reached[0]

    def absolute(
        self, evaluator: Evaluator, sides: Sequence[Expression], chain: str
    ) -> tuple[dict[Expression, Array], set[Expression]]:
        """Return the bases of squares under roots and in logarithms, with their numbers; and what is positive."""
        common = self._of_definitions(evaluator)
        squared: dict[Expression, Array] = {}
        for each in [*common, *(each for side in sides for each in conditions(side, chain))]:
            for base, key in _bases(each.argument, each.chain, evaluator.instance):
                with torch.no_grad(), suppress(UncheckableError):
                    squared[base] = evaluator.evaluate(base, key).value
        return squared, {each.argument for each in common if each.low >= 0}

    def _of_definitions(self, evaluator: Evaluator) -> list[Condition]:
        formulas = [evaluator.instance.formulas[name] for name in self.bounded]
        return [each for it in formulas if it.expression is not None for each in conditions(it.expression, it.chain)]

    def _moved(self, evaluator: Evaluator, found: Sequence[Condition]) -> Evaluator:
        if _met(evaluator, found):
            return evaluator
        key = (evaluator, *found)
        if key not in self.known:
            instance = moved(evaluator.instance, found)
            if isinstance(instance, Violation):
                raise UncheckableError(f"{instance.condition.expression} is not real here; {instance.remedy}")
            self.known[key] = Evaluator(instance)
        return self.known[key]


def _bases(expression: Expression, chain: str, instance: Instance) -> Iterator[tuple[Expression, str]]:
    """Yield the bases of even powers among the factors of an expression, each with the key of its statement."""
    match expression:
        case Power(base, exponent):
            if (number := constant(exponent)) is not None and number.numerator % 2 == 0:
                yield base, chain
        case Product(factors):
            yield from ((factor, chain) for factor, count in Counter(factors).items() if count % 2 == 0)
            for factor in factors:
                yield from _bases(factor, chain, instance)
        case Quotient() | Negative():
            for part in expression.parts:
                yield from _bases(part, chain, instance)
        case Tensor(name):
            formula = instance.formulas.get(name)
            if formula is not None and formula.expression is not None:
                yield from _bases(formula.expression, formula.chain, instance)


def _met(evaluator: Evaluator, found: Iterable[Condition]) -> bool:
    with torch.no_grad():
        for each in found:
            if each not in evaluator.met:
                if outside(evaluator.evaluate(each.argument, each.chain).value, each).any():
                    return False
                evaluator.met.add(each)
    return True


def known_form(instance: Instance, name: str) -> Expression | bool:
    """Return the expression of a tensor; for one without, whether it is never negative."""
    formula = instance.formulas.get(name)
    if formula is None:
        domain = instance.domains.get(name, FREE)
        return domain.positive or (domain.interval is not None and domain.interval[0] >= 0)
    return formula.expression or True  # Code has no form that could be seen.


def region(low: float, high: float) -> str:
    """Return where all components of an input are, in words, from their least and their greatest."""
    if low > 0:
        return "between 0 and 1" if high < 1 else "above 1" if low > 1 else "positive"
    if high < 0:
        return "negative"
    if high < 1:
        return "between −1 and 1" if low > -1 else "below 1"
    return "where everything has a value"


ROUNDS = 90
"""The number of times that inputs are changed to meet the conditions."""


@dataclass(frozen=True)
class Violation:
    """A condition that is not met, though those before it are.

    place: of the condition among the others. count: the number of values out of bounds. missing: the sum of how far
    they are. slopes: the derivatives of this sum by the inputs.
    """

    condition: Condition
    place: int
    count: int
    missing: float
    slopes: Mapping[str, Array]

    @property
    def order(self) -> tuple[int, int, float]:
        """A measure of what is to be changed."""
        return -self.place, self.count, self.missing

    @property
    def remedy(self) -> str:
        """The directive that would meet the condition, in words."""
        return remedy(self.condition, [name for name, slope in self.slopes.items() if slope.any()] or ["x"])


def violation(instance: Instance, conditions: Sequence[Condition]) -> Violation | None:
    """Return the first condition that the inputs of an instance do not meet; None if they meet all.

    Raises: UncheckableError, if float64 cannot hold the numbers.
    """
    names = [name for name in instance.places if name not in instance.formulas]
    leaves = {name: instance.input(name).detach().clone().requires_grad_() for name in names}
    evaluator = Evaluator(replace(instance, moved=leaves))
    with torch.enable_grad():
        for place, condition in enumerate(conditions):
            value = evaluator.evaluate(condition.argument, condition.chain).value
            out = outside(value, condition)
            if bool(out.any()):
                missing = torch.where(value <= condition.low, condition.low - value, value - condition.high)[out].sum()
                slopes: Sequence[Array | None] = [None] * len(names)
                if missing.requires_grad:
                    slopes = torch.autograd.grad(missing, list(leaves.values()), allow_unused=True)
                known = {
                    name: torch.zeros_like(leaves[name]) if slope is None else slope.nan_to_num()
                    for name, slope in zip(names, slopes, strict=True)
                }
                return Violation(condition, place, int(out.sum()), float(missing.detach()), known)
    return None


def outside(value: Array, condition: Condition) -> Array:
    """Return which values do not lie between the bounds of a condition."""
    return ~((value > condition.low) & (value < condition.high))


def moved(instance: Instance, conditions: Sequence[Condition]) -> Instance | Violation:
    """Return an instance whose inputs meet the conditions; what is still violated if none is found.

    Only components that a violated condition depends on are changed, so that all others keep their signs.
    Raises: UncheckableError, if float64 cannot hold the numbers.
    """
    found = violation(instance, conditions)
    for turn in range(ROUNDS):
        if found is None:
            break
        other = _changed(instance, found, turn)
        still = violation(other, conditions)
        if still is None or still.order <= found.order:
            instance, found = other, still
    return instance if found is None else found


def _changed(instance: Instance, found: Violation, turn: int) -> Instance:
    """Return an instance with other values of some inputs that a violated condition depends on.

    In turn, the components of one input are drawn again, and all inputs go in the direction that helps most.
    """
    domains = instance.domains
    slopes = {name: slope for name, slope in found.slopes.items() if domains.get(name, FREE).movable}
    ones = {name: torch.ones_like(slope) for name, slope in slopes.items()}
    slopes = {name: slope for name, slope in slopes.items() if slope.any()} or ones  # sign(x) has no slope.
    inputs = {name: instance.input(name) for name in slopes}
    generator = torch.Generator().manual_seed(zlib.crc32(f"{instance.seed}/{instance.number}/move {turn}".encode()))
    argument = found.condition.argument
    if isinstance(argument, Tensor) and argument.name in EPSILONS:
        inputs = {name: value.abs() / SMALLER for name, value in inputs.items()}
    elif inputs and turn % 2:
        steepness = sum(float(slope.square().sum()) for slope in slopes.values()) or 1.0
        step = found.missing / steepness * (1 + 2 * float(torch.rand((), generator=generator)))
        inputs = {name: value - step * slopes[name] for name, value in inputs.items()}
    elif inputs:
        name = list(inputs)[int(torch.randint(len(inputs), (), generator=generator))]
        first, second = torch.rand((2, *inputs[name].shape), generator=generator, dtype=inputs[name].dtype)
        size = SMALLEST * (GREATEST / SMALLEST) ** first
        inputs = {name: torch.where(slopes[name] != 0, torch.where(second < 0.5, size, -size), inputs[name])}
    inputs = {name: value.abs() if domains.get(name, FREE).positive else value for name, value in inputs.items()}
    return replace(instance, moved={**instance.moved, **inputs})
