"""Expressions -> numbers: one choice of sizes and random tensors, derivatives by autograd.

Every value is float64 and comes with its *scale*: the magnitude of the terms it was summed from, so that what
cancels is compared by the size of what cancelled.
"""

from __future__ import annotations

import itertools
import math
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

import torch
from torch import Tensor as Array

from einsum_doc.notation.expression import (
    Coordinate,
    Delta,
    Expression,
    Fixed,
    Function,
    Index,
    Negative,
    Number,
    One,
    Partial,
    Pi,
    Power,
    Product,
    Quotient,
    Size,
    Subscript,
    Sum,
    Summation,
    Tensor,
)

TOLERANCE = 1e-12
"""Two numbers agree if they differ by less than this times the magnitude of the terms they were summed from.

Rounding stays orders below it, and whatever a false line adds or leaves out stays orders above: what is too
small for that is refused.
"""

SMALLEST_TERM = 1e-5
"""A term that is smaller than this beside the others of its sum is not checked: its square would not be seen."""

SMALLEST_COMPONENT = 1e-10
"""A component of a power that is smaller than this beside the others would not be seen in their sum: not checked."""

LEAST = 1e-2
"""Where all arguments of a function are smaller, the first terms of its series would do for it: not checked."""

LARGEST = 2_000_000
"""The most components that an array may have."""

CHANGE = 1e-8
"""The relative change of its arguments by which the sensitivity of code is measured."""

STEP = 1e-6
"""The relative change of its arguments by which the derivative of code is compared with autograd's."""

FOLLOWS = 1e-4
"""The part of the sensitivity of code by which the two may differ."""

STEEPEST = 1e6
"""A function that enlarges the rounding of its argument by more than this is not computed well: not checked."""

WIDE = 4
"""The bit in an instance's number that says that its inputs have all magnitudes from SMALLEST to GREATEST."""

SMALLEST, SMALL, GREAT, GREATEST = 0.05, 0.5, 3.2, 5.0
"""The magnitudes of the inputs of a wide instance; where they decide nothing, it is drawn again without."""

AGAIN = 1000
"""What the number of an instance grows by when it is drawn again."""

MANY = 12
"""With more factors than this, the next to be multiplied is the one with the fewest indices."""

LETTERS = 52
"""The most indices that two factors may have together: torch has no more letters."""

BATCHED_FROM, BATCHED_AGAIN = 200, 12
"""From how many backward passes on they are done in one that is batched: the first such call is slow."""

AT_ONCE = 256
"""The most backward passes in a batched one."""


class UncheckableError(Exception):
    """A claim whose numbers cannot decide it: not real, not finite, or too small to see."""


class UnluckyError(UncheckableError):
    """The same, but other random numbers may decide it."""


class LargeError(UncheckableError):
    """The same, but smaller sizes may decide it."""


@dataclass(frozen=True)
class Definition:
    """What a name stands for: an expression over its indices, or code; `arguments` are its tensors."""

    name: str
    arguments: tuple[str, ...]
    chain: str = ""
    indices: tuple[Index, ...] = ()
    expression: Expression | None = None
    code: Callable[[Mapping[str, Array]], Array] | None = None


@dataclass(frozen=True)
class Field:
    """Numbers over indices: one axis of `value`, and of `scale`, for each of `labels`."""

    labels: tuple[Index, ...]
    value: Array
    scale: Array | None

    def over(self, labels: Sequence[Index], sizes: Sequence[int]) -> Field:
        """The same with these axes; along one that it lacks it is constant."""
        order = [self.labels.index(label) for label in labels if label in self.labels]
        shape = [size if label in self.labels else 1 for label, size in zip(labels, sizes, strict=True)]
        _bounded(sizes)

        def wide(array: Array) -> Array:
            return array.permute(order).reshape(shape).expand(tuple(sizes))

        return Field(tuple(labels), wide(self.value), None if self.scale is None else wide(self.scale))


@dataclass
class Context:
    """Where the values of tensors come from: `x` replaced by a variable, in one of three ways.

    "fixed": only x itself. "total": everything that depends on x. "rules": as in the rules of
    differentiation, each tensor by its own ∂/∂x: with its other arguments fixed, or through the graph where
    x is no argument of it.
    """

    parent: Context | None = None
    x: str = ""
    variable: Array | None = None
    mode: str = ""
    known: dict[str, tuple[Array, Array | None]] = field(default_factory=dict)

    @property
    def variables(self) -> list[str]:
        """All that is varied here: in a second derivative, two names."""
        return [] if self.parent is None else [*self.parent.variables, self.x]


class Instance:
    """One choice of sizes and of random tensors.

    definitions: of all names that are no inputs. places: the sizes of each tensor's axes. sizes: of the
    indices of each chain. fixed: the value of each constant index. sinks: the tensors that the downstream
    scalar is a function of. seed: what all random numbers come from; it ends with the instance's number.
    signs: for each input the bits of the number that its sign depends on; chance for one without.
    """

    def __init__(
        self,
        definitions: Mapping[str, Definition],
        places: Mapping[str, tuple[int, ...]],
        sizes: dict[tuple[str, Index], int],
        fixed: Mapping[str, int],
        positive: frozenset[str],
        sinks: tuple[str, ...],
        seed: str,
        signs: Mapping[str, int],
    ) -> None:
        self.definitions = definitions
        self.places = places
        self.sizes = sizes
        self.fixed = fixed
        self.positive = positive
        self.sinks = sinks
        self.seed = seed
        number = int(seed.rpartition("/")[2])
        self.turn = number % AGAIN
        self.wide = number < AGAIN and bool(number & WIDE)
        self.signs = signs
        self.base = Context()
        self.jacobians: dict[tuple[str, str], tuple[Array, Array]] = {}
        self.sources: dict[str, set[str]] = {}
        self.followed: set[tuple[str, int]] = set()

    def random(self, name: str, shape: Sequence[int]) -> Array:
        """Numbers away from zero, between ½ and 1½ in size, of both signs."""
        numbers = self.uniform(name, shape)
        return torch.where(numbers[1] < 0.5, numbers[0] + 0.5, -numbers[0] - 0.5)

    def uniform(self, name: str, shape: Sequence[int]) -> Array:
        """Two numbers from 0 to 1 for each component."""
        _bounded(shape)
        generator = torch.Generator().manual_seed(zlib.crc32(f"{self.seed}/{name}".encode()))
        return torch.rand((2, *shape), generator=generator, dtype=torch.float64)

    def input(self, name: str, shape: Sequence[int]) -> Array:
        """An input, of both signs unless its name is positive.

        Its first component is what a scalar has. Its sign, and in wide instances whether it is great or
        small, are no chance: over the instances they meet in all ways, also with the signs of other inputs.
        """
        numbers = self.uniform(name, shape)
        size = self.spread(numbers[0]) if self.wide else numbers[0] + 0.5
        row = self.signs.get(name)
        if self.wide and size.numel() and row is not None:
            other = (1, 2, 3, 1)[row & 3]
            low, high = (SMALLEST, SMALL) if odd(other & self.turn) else (GREAT, GREATEST)
            size.view(-1)[0] = low + (high - low) * numbers[0].reshape(-1)[0]
        if name in self.positive:
            return size
        upward = numbers[1] < 0.5
        if upward.numel() and row is not None:
            upward.view(-1)[0] = not odd(row & self.turn)
        return torch.where(upward, size, -size)

    @staticmethod
    def spread(numbers: Array) -> Array:
        """Magnitudes from SMALLEST to GREATEST, as many of each order, from numbers from 0 to 1."""
        count = max(numbers.numel(), 1)
        ranks = numbers.reshape(-1).argsort().argsort().to(torch.float64)
        even = (ranks + 0.5) / count
        return (SMALLEST * (GREATEST / SMALLEST) ** even * (0.9 + 0.2 * numbers.reshape(-1))).reshape(numbers.shape)

    # -- tensors

    def depends(self, name: str, x: str) -> bool:
        """Whether a tensor is computed from x, or is x."""
        if name not in self.sources:
            definition = self.definitions.get(name)
            arguments = () if definition is None else definition.arguments
            self.sources[name] = {name} | {source for each in arguments for source in self._sources(each)}
        return x in self.sources[name]

    def _sources(self, name: str) -> set[str]:
        self.depends(name, name)
        return self.sources[name]

    def tensor(self, name: str, context: Context) -> tuple[Array, Array | None]:
        """The value of a tensor and its scale."""
        if name not in context.known:
            context.known[name] = self._tensor(name, context)
        return context.known[name]

    def _tensor(self, name: str, context: Context) -> tuple[Array, Array | None]:
        definition = self.definitions.get(name)
        if context.parent is None:
            if definition is None:
                value = self.input(name, self.places[name])
                return value, value.abs()
            return self.defined(definition, context)
        if name == context.x:
            assert context.variable is not None
            return context.variable, None
        if context.mode == "fixed" or definition is None or not self.depends(name, context.x):
            return self.tensor(name, context.parent)
        if context.mode == "total":
            return self.defined(definition, context)
        mode = "fixed" if context.x in definition.arguments else "total"
        inner = Context(context.parent, context.x, context.variable, mode)
        return self.defined(definition, inner)

    def defined(self, definition: Definition, context: Context) -> tuple[Array, Array | None]:
        """What a definition gives."""
        if definition.code is not None:
            arguments = {name: self.tensor(name, context)[0] for name in definition.arguments}
            value = self._run(definition, arguments)
            varies = any(argument.requires_grad for argument in arguments.values())
            if torch.is_grad_enabled() and varies and not value.requires_grad:
                raise UncheckableError(f"autograd cannot differentiate the code of {definition.name}")
            if context is self.base:
                return value, self._sensitivity(definition, value, arguments)
            if varies:
                order = sum(self.depends(definition.name, variable) for variable in context.variables)
                self.follow(definition, order)
            return value, None
        assert definition.expression is not None
        found = self.evaluate(definition.expression, definition.chain, context)
        sizes = [self.sizes[definition.chain, index] for index in definition.indices]
        wide = found.over(definition.indices, sizes)
        return wide.value, wide.scale

    @staticmethod
    def _run(definition: Definition, arguments: Mapping[str, Array]) -> Array:
        """The code's value; it gets copies, so that it may write into them."""
        assert definition.code is not None
        try:
            return definition.code({name: array.clone() for name, array in arguments.items()})
        except (Exception, SystemExit) as error:
            raise UncheckableError(f"the code of {definition.name} raised {type(error).__name__}: {error}") from error

    def _sensitivity(self, definition: Definition, value: Array, arguments: Mapping[str, Array]) -> Array:
        """The scale of what code gives: how much it enlarges a small change of its arguments, if it does."""
        largest = _largest(value)
        for number in range(2 if arguments else 0):
            changed = self._moved(arguments, number, CHANGE)
            largest = max(largest, _largest(self._run(definition, changed) - value) / CHANGE)
        return torch.tensor(largest, dtype=torch.float64).expand(value.shape)

    def _moved(self, arguments: Mapping[str, Array], number: int, step: float) -> dict[str, Array]:
        """Arguments, each component changed by a random part of the size of the step."""
        return {
            name: array * (1 + step * self.random(f"change {name} {number}", array.shape))
            for name, array in arguments.items()
        }

    def follow(self, definition: Definition, order: int = 1) -> None:
        """Refuse code whose values change otherwise than autograd says, as with `detach` in it.

        order: how often it is differentiated: of a second derivative, the first one is followed too.
        """
        if order < 1 or (definition.name, order) in self.followed:
            return
        self.follow(definition, order - 1)
        value, scale = self.tensor(definition.name, self.base)
        assert scale is not None
        weights = self.random(f"weights {definition.name}", value.shape)
        arguments = {name: self.tensor(name, self.base)[0].detach() for name in definition.arguments}
        directions = {name: self.random(f"direction {name}", array.shape) for name, array in arguments.items()}

        def level(variables: Mapping[str, Array]) -> tuple[Array, Array]:
            """A number that every value of the code, or every slope of it, takes part in; and its scale."""
            total = (weights * self._run(definition, variables)).sum()
            size = (weights.abs() * scale).sum()
            for _ in range(order - 1):
                parts = [directions[name] * slope for name, slope in _slopes(total, variables, again=True).items()]
                total = torch.stack([part.sum() for part in parts]).sum() if parts else torch.zeros(())
                # With that of the values: slopes may cancel, and leave nothing but their rounding.
                size = size + sum(part.abs().sum() for part in parts) * self.conditioned([definition.name])
            return total, size

        with torch.enable_grad():
            here, up, down = (
                {name: array.requires_grad_() for name, array in self._moved(arguments, 0, step).items()}
                for step in (0.0, STEP, -STEP)
            )
            try:
                now, size = level(here)
                said = _slopes(now, here)
                change = float((level(up)[0] - level(down)[0]).detach())
            except RuntimeError:  # no further derivative: where it is asked for, that is said
                if order > 1:
                    return
                raise
        told = sum(float((slope * (up[name] - down[name]).detach()).sum()) for name, slope in said.items())
        if not abs(change - told) <= FOLLOWS * STEP * float(size.detach()):
            raise UncheckableError(f"the code of {definition.name} has another derivative than autograd finds in it")
        self.followed.add((definition.name, order))

    def conditioned(self, names: Sequence[str]) -> float:
        """By how much code enlarges the rounding in what these tensors are computed from."""
        found = 1.0
        for source in {each for name in names for each in self._sources(name)}:
            definition = self.definitions.get(source)
            if definition is not None and definition.code is not None:
                value, scale = self.tensor(source, self.base)
                if scale is not None and _largest(value):
                    found = max(found, _largest(scale) / _largest(value))
        return min(found, 1e4)

    # -- expressions

    def evaluate(self, expression: Expression, chain: str, context: Context | None = None) -> Field:
        """An expression in which every sum is written, as numbers over its free indices."""
        context = self.base if context is None else context
        match expression:
            case Number(value):
                return self._number(float(value))
            case Pi():
                return self._number(math.pi)
            case Size(_, index):
                return self._number(float(self.sizes[chain, index]))
            case One(indices) | Delta(indices):
                return self._constant(expression, indices, chain)
            case Tensor(name, indices):
                return self.placed(*self.tensor(name, context), indices)
            case Negative(body):
                found = self.evaluate(body, chain, context)
                return Field(found.labels, -found.value, found.scale)
            case Product(factors):
                return self._contracted(factors, (), chain, context)
            case Summation(indices, body):
                factors = body.factors if isinstance(body, Product) else (body,)
                return self._contracted(factors, indices, chain, context)
            case Sum(terms):
                return self._sum([self.evaluate(term, chain, context) for term in terms], chain)
            case Quotient():
                return self._quotient(expression, chain, context)
            case Power():
                known = constant(expression)
                return self._power(expression, chain, context) if known is None else self._number(float(known))
            case Function(name, argument, order):
                found = self.evaluate(argument, chain, context)
                if name not in _ALIKE:
                    _told(found, _REACH.get(name, math.inf), expression)
                result = self._applied(expression, self.function(name, order), found)
                return _seen(result, expression) if name == "exp" else result
            case Partial(body, by):
                return self._partial(body, by, chain, context)
            case _:
                raise AssertionError(f"an expression that is not known: {type(expression).__name__}")

    @staticmethod
    def _number(value: float) -> Field:
        if not math.isfinite(value) or (value and not 1e-60 < abs(value) < 1e60):
            raise UnluckyError(f"the number {value} is out of reach of float64 sums")
        array = torch.tensor(value, dtype=torch.float64)
        return Field((), array, array.abs())

    def _constant(self, expression: Expression, indices: tuple[Subscript, ...], chain: str) -> Field:
        labels = tuple(dict.fromkeys(index for index in indices if isinstance(index, Index)))
        sizes = [self.sizes[chain, label] for label in labels]
        _bounded(sizes)
        value = torch.ones(sizes, dtype=torch.float64)
        if isinstance(expression, Delta):
            first, second = indices
            if isinstance(first, Index) and isinstance(second, Index):
                value = value if first == second else torch.eye(sizes[0], dtype=torch.float64)
            elif isinstance(first, Index) or isinstance(second, Index):
                value = torch.zeros(sizes, dtype=torch.float64)
                value[self._position(second if isinstance(first, Index) else first)] = 1
            else:
                value = torch.tensor(float(self._position(first) == self._position(second)), dtype=torch.float64)
        return Field(labels, value, value)

    def _position(self, place: Subscript) -> int:
        if isinstance(place, Coordinate):
            return place.value
        assert isinstance(place, Fixed)
        return self.fixed[place.letter]

    def placed(self, value: Array, scale: Array | None, places: Sequence[Subscript]) -> Field:
        """Axes with indices: a constant one selects, a repeated one is a diagonal."""
        selection = tuple(slice(None) if isinstance(place, Index) else self._position(place) for place in places)
        if any(position != slice(None) for position in selection):
            value = value[selection]
            scale = None if scale is None else scale[selection]
        own = [place for place in places if isinstance(place, Index)]
        labels = tuple(dict.fromkeys(own))
        if len(labels) < len(own):
            numbers = [labels.index(index) for index in own]
            kept = list(range(len(labels)))
            value = torch.einsum(value, numbers, kept)
            scale = None if scale is None else torch.einsum(scale, numbers, kept)
        return Field(labels, value, scale)

    def _contracted(
        self, factors: Sequence[Expression], summed: Sequence[Subscript], chain: str, context: Context
    ) -> Field:
        fields = [self.evaluate(factor, chain, context) for factor in factors]
        labels = tuple(dict.fromkeys(label for each in fields for label in each.labels))
        kept = tuple(label for label in labels if label not in summed)
        if len(fields) == 1 and len(kept) == len(labels):
            return fields[0]
        numbers = {label: number for number, label in enumerate(labels)}
        steps = _steps(
            tuple(tuple(numbers[label] for label in each.labels) for each in fields),
            tuple(numbers[label] for label in kept),
        )

        lengths = {
            numbers[label]: length
            for each in fields
            for label, length in zip(each.labels, each.value.shape, strict=True)
        }

        def einsum(arrays: Sequence[Array]) -> Array:
            rest = list(arrays)
            for taken, terms, output in steps:
                _bounded([lengths[number] for number in output])
                own = {number: place for place, number in enumerate(dict.fromkeys(itertools.chain(*terms)))}
                if len(own) > LETTERS:
                    raise UncheckableError(f"a product over {len(own)} indices is too large")
                arguments: list[Any] = []
                for place, term in zip(taken, terms, strict=True):
                    arguments += [rest[place], [own[number] for number in term]]
                rest = [array for place, array in enumerate(rest) if place not in taken]
                rest.append(torch.einsum(*arguments, [own[number] for number in output]))
            return rest[0]

        scales = [each.scale for each in fields if each.scale is not None]
        scale = None
        if len(scales) == len(fields):
            sizes = [each.value.abs() for each in fields]
            scale = einsum(sizes)
            for place, (size, own) in enumerate(zip(sizes, scales, strict=True)):
                if not torch.equal(size, own):
                    scale = scale + einsum([*sizes[:place], own, *sizes[place + 1 :]])
            if sum(map(_log_smallest, scales)) < -250:
                raise UnluckyError("a product is too small for float64")
        return Field(kept, einsum([each.value for each in fields]), scale)

    def _sum(self, fields: Sequence[Field], chain: str) -> Field:
        labels = tuple(dict.fromkeys(label for each in fields for label in each.labels))
        sizes = [self.sizes[chain, label] for label in labels]
        wide = [each.over(labels, sizes) for each in fields]
        scales = [each.scale for each in wide if each.scale is not None]
        scale = None
        if len(scales) == len(wide):
            scale = torch.stack(scales).sum(0)
            magnitudes = [float(each.amax()) for each in scales if each.numel()]
            largest = max(magnitudes, default=0.0)
            if any(0 < magnitude < SMALLEST_TERM * largest for magnitude in magnitudes):
                raise UnluckyError(
                    "a term is too small to be seen beside the others; a letter for a small number is not"
                )
        value = wide[0].value
        for each in wide[1:]:
            value = value + each.value
        return Field(labels, value, scale)

    def _aligned(self, first: Field, second: Field, chain: str) -> tuple[Field, Field]:
        labels = tuple(dict.fromkeys((*first.labels, *second.labels)))
        sizes = [self.sizes[chain, label] for label in labels]
        return first.over(labels, sizes), second.over(labels, sizes)

    def _quotient(self, expression: Quotient, chain: str, context: Context) -> Field:
        top, bottom = self._aligned(
            self.evaluate(expression.numerator, chain, context),
            self.evaluate(expression.denominator, chain, context),
            chain,
        )
        value = top.value / bottom.value
        scale = None
        if top.scale is not None and bottom.scale is not None:
            scale = (top.scale + value.detach().abs() * bottom.scale) / bottom.value.detach().abs()
        return _checked(Field(top.labels, value, scale), expression)

    def _power(self, expression: Power, chain: str, context: Context) -> Field:
        number = constant(expression.exponent)
        below = self.evaluate(expression.base, chain, context)
        if number is not None:
            if number and max(abs(number), 1 / abs(number)) > 100:
                raise UncheckableError(f"the exponent {number} is out of reach of float64")
            if number == 0:
                ones = torch.ones_like(below.value)
                return Field(below.labels, ones, None if below.scale is None else ones)
            power = int(number) if number.denominator == 1 else float(number)
            result = _seen(self._applied(expression, lambda values: values**power, below), expression)
            if bool(((result.value == 0) & (below.value != 0)).any()):
                raise UnluckyError(f"{expression} is too small for float64")
            return result
        below, above = self._aligned(below, self.evaluate(expression.exponent, chain, context), chain)
        value = below.value**above.value
        scale = None
        if below.scale is not None and above.scale is not None:
            logarithm = below.value.abs().log()
            growth = Field(below.labels, above.value * logarithm, above.scale * logarithm.abs())
            _told(growth, math.inf, expression)
            relative = above.value.abs() * below.scale / below.value.abs() + logarithm.abs() * above.scale
            scale = value.detach().abs() * (1 + relative.detach())
        return _checked(Field(below.labels, value, scale), expression)

    @staticmethod
    def _applied(expression: Expression, function: Callable[[Array], Array], argument: Field) -> Field:
        """A function of each component."""
        value = function(argument.value)
        scale = None
        if argument.scale is not None:
            with torch.enable_grad():
                variable = argument.value.detach().requires_grad_()
                found = function(variable)
                slope = torch.zeros_like(variable)
                if found.requires_grad:
                    (slope,) = torch.autograd.grad(found.sum(), variable)
            spread = slope.abs() * argument.scale
            if _largest(spread) > STEEPEST * max(_largest(value), 1.0):
                raise UnluckyError(f"{expression} is too steep for float64")
            scale = value.detach().abs() + spread
        return _checked(Field(argument.labels, value, scale), expression)

    def function(self, name: str, order: int) -> Callable[[Array], Array]:
        """A function, or a derivative of it."""
        known = _FUNCTIONS.get(name)
        if known is None:
            known = _arbitrary(self.random(f"operatorname {name}", [6]).tolist())

        found = known
        for _ in range(order):
            found = _derivative(found)
        return found

    # -- derivatives

    def _partial(self, body: Expression, by: Tensor, chain: str, context: Context) -> Field:
        if isinstance(body, Tensor):
            jacobian, scale = self._jacobian(body.name, by.name, context)
            return self.placed(jacobian, scale, (*body.indices, *by.indices))
        level = self.evaluate(body, chain, self.base) if context is self.base else None
        variable = self._variable(by.name, context)
        with torch.enable_grad():
            output = self.evaluate(body, chain, Context(context, by.name, variable, "rules"))
            jacobian = _jacobian(output.value, variable, self._through(context))
        largest = 0.0 if level is None or level.scale is None else _largest(level.scale)
        scale = _jacobian_scale(jacobian, largest, variable) if context is self.base else None
        return self.placed(jacobian, scale, (*output.labels, *by.indices))

    def _variable(self, name: str, context: Context) -> Array:
        value, _ = self.tensor(name, context)
        return value.clone() if value.requires_grad else value.detach().clone().requires_grad_()

    @staticmethod
    def _through(context: Context) -> int:
        """How many backward passes a derivative that is taken here is differentiated in, at most."""
        passes, inside = 1, context
        while inside.parent is not None:
            assert inside.variable is not None
            passes *= max(inside.variable.numel(), 1)
            inside = inside.parent
        return 0 if inside is context else passes

    def _jacobian(self, name: str, x: str, context: Context) -> tuple[Array, Array | None]:
        """∂name/∂x, with the axes of both. Total for the downstream scalar, which is no tensor."""
        base = context is self.base
        if base and (name, x) in self.jacobians:
            return self.jacobians[name, x]
        variable = self._variable(x, context)
        downstream = name not in self.places and name not in self.definitions
        with torch.enable_grad():
            inner = Context(context, x, variable, "total" if downstream else "rules")
            output = self.downstream(name, inner) if downstream else self.tensor(name, inner)[0]
            jacobian = _jacobian(output, variable, self._through(context))
        if not base:
            return jacobian, None
        level = 1.0
        if not downstream:
            scale = self.tensor(name, context)[1]
            level = _largest(scale) if scale is not None else 0.0
        factor = self.conditioned(self.sinks if downstream else (name,))
        self.jacobians[name, x] = jacobian, _jacobian_scale(jacobian, level, variable) * factor
        return self.jacobians[name, x]

    def downstream(self, name: str, context: Context) -> Array:
        """An arbitrary scalar: a smooth function of the sinks in which every component meets every other."""
        linear = torch.zeros((), dtype=torch.float64)
        crossed = torch.zeros((), dtype=torch.float64)
        for sink in self.sinks:
            value, _ = self.tensor(sink, context)
            first, second, third = self.random(f"downstream {name} {sink}", (3, *value.shape)) / math.sqrt(
                max(value.numel(), 1)
            )
            linear = linear + (first * value).sum() + (third * torch.sin(value)).sum()
            crossed = crossed + (second * value).sum()
        return linear + crossed * crossed / 4


Term: TypeAlias = tuple[int, ...]


@lru_cache(maxsize=4096)
def _steps(terms: tuple[Term, ...], output: Term) -> tuple[tuple[tuple[int, ...], tuple[Term, ...], Term], ...]:
    """A product as steps of two factors: which to take, their labels, and those of the result. Greedy."""
    rest, steps = list(terms), []
    needed = Counter(label for term in (*terms, output) for label in {*term})
    while len(rest) > 1:
        partners = (
            range(len(rest)) if len(rest) <= MANY else [min(range(len(rest)), key=lambda place: len(rest[place]))]
        )
        _, taken, result = min(
            (len(found) - len(rest[first]) - len(rest[second]), (first, second), found)
            for each in partners
            for other in range(len(rest))
            if other != each
            for first, second in [(min(each, other), max(each, other))]
            for found in [_result(rest[first], rest[second], needed)]
        )
        terms_taken = (rest[taken[0]], rest[taken[1]])
        needed -= Counter(label for term in terms_taken for label in {*term})
        needed += Counter(result)
        steps.append((taken, terms_taken, output if len(rest) == 2 else result))
        rest = [term for place, term in enumerate(rest) if place not in taken]
        rest.append(result)
    return tuple(steps) or (((0,), terms, output),)


def _result(first: Term, second: Term, needed: Counter[int]) -> Term:
    """The labels of the product of two factors that anything else still needs."""
    own = dict.fromkeys((*first, *second))
    return tuple(label for label in own if needed[label] > (label in first) + (label in second))


def constant(expression: Expression) -> Fraction | None:
    """The value of an expression of numbers alone; None for any other."""
    match expression:
        case Number(value):
            return value
        case Negative(body):
            found = constant(body)
            return None if found is None else -found
        case Quotient(numerator, denominator):
            top, bottom = constant(numerator), constant(denominator)
            return None if top is None or not bottom else top / bottom
        case Power(base, exponent):
            below, above = constant(base), constant(exponent)
            if not below or above is None or above.denominator > 1:
                return None
            bits = max(below.numerator.bit_length(), below.denominator.bit_length())
            return below ** int(above) if bits * abs(above) < 1000 else None
        case Sum(terms):
            values = [constant(term) for term in terms]
            known = [value for value in values if value is not None]
            return sum(known, Fraction(0)) if len(known) == len(values) else None
        case Product(factors):
            values = [constant(factor) for factor in factors]
            known = [value for value in values if value is not None]
            return math.prod(known, start=Fraction(1)) if len(known) == len(values) else None
        case _:
            return None


def odd(bits: int) -> bool:
    """Whether an odd number of bits is set."""
    return bits.bit_count() % 2 == 1


def _bounded(shape: Sequence[int]) -> None:
    """An error for an array that is too large to make."""
    if math.prod(shape) > LARGEST:
        raise LargeError(f"an array of {len(shape)} axes is too large")


def _log_smallest(array: Array) -> float:
    smallest = float(torch.where(array > 0, array, math.inf).min()) if array.numel() else math.inf
    return math.log10(smallest) if smallest < math.inf else 0.0


def _slopes(total: Array, variables: Mapping[str, Array], *, again: bool = False) -> dict[str, Array]:
    """The derivatives of a number by variables, by those that it depends on; to be differentiated again, or not."""
    if not total.requires_grad:
        return {}
    found = torch.autograd.grad(total, list(variables.values()), allow_unused=True, create_graph=again)
    return {name: slope for name, slope in zip(variables, found, strict=True) if slope is not None}


def _largest(array: Array) -> float:
    return float(array.detach().abs().amax()) if array.numel() else 0.0


def _checked(found: Field, expression: Expression) -> Field:
    """The same; an error if a component is not a number that float64 can hold well."""
    value = found.value.detach()
    if value.isnan().any():
        raise UncheckableError(f"{expression} is not real here; '% positive x' says that an input is positive")
    scale = value.abs() if found.scale is None else found.scale
    if not scale.isfinite().all() or bool((scale > 1e60).any()):
        raise UncheckableError(f"{expression} is not finite, or too large for float64")
    if bool(((value.abs() < 1e-60) & (scale < 1e-60) & (scale > 0)).any()):
        raise UnluckyError(f"{expression} is too small for float64")
    return found


def _told(argument: Field, reach: float, expression: Expression) -> None:
    """An error for arguments, all so small or so great, at which a function can be taken for a simpler one."""
    if argument.scale is None or _largest(argument.value) <= TOLERANCE * _largest(argument.scale):
        return
    size = argument.value.detach().abs()
    if bool((size > 2 * reach).any()) or not bool(((size >= LEAST) & (size <= reach)).any()):
        raise UnluckyError(
            f"{expression} is where float64 cannot tell it from a simpler function: too near 0, or too far"
        )


def _seen(found: Field, expression: Expression) -> Field:
    """The same; an error if a component is too small to be seen in a sum with the others."""
    if found.scale is not None:
        size = found.value.detach().abs()
        size = size[(size > 0) & (size >= found.scale / 1000)]
        if size.numel() and float(size.min()) < SMALLEST_COMPONENT * float(size.max()):
            raise UnluckyError(f"the components of {expression} are of too different magnitudes for float64")
    return found


def _arbitrary(numbers: Sequence[float]) -> Callable[[Array], Array]:
    """A smooth function of one number, without symmetries."""
    a, b, c, d, e, f = numbers

    def function(values: Array) -> Array:
        wave, bump = torch.sin(b * values + c), torch.exp(-values * values / 4)
        return a * wave + f * bump + (d * values / 4 + e) * values

    return function


def _derivative(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def slope(values: Array) -> Array:
        with torch.enable_grad():
            variable = values if values.requires_grad else values.detach().requires_grad_()
            found = function(variable)
            if not found.requires_grad:
                return torch.zeros_like(values)
            result: Array
            (result,) = torch.autograd.grad(found.sum(), variable, create_graph=True)
        return result if values.requires_grad else result.detach()

    return slope


def _jacobian(output: Array, variable: Array, through: int) -> Array:
    """The derivative of each component of `output`, by each of `variable`.

    through: how many backward passes may go through this derivative later; 0 if it is not differentiated.
    """
    shape = (*output.shape, *variable.shape)
    _bounded(shape)
    if not output.requires_grad or not output.numel():
        return torch.zeros(shape, dtype=torch.float64)
    flat = output.reshape(-1)
    found = _columns(flat, variable, through) if flat.numel() > variable.numel() else None
    return (_rows(flat, variable, through) if found is None else found).reshape(shape)


def _columns(flat: Array, variable: Array, through: int) -> Array | None:
    """The derivative of a vector in one backward pass for each component of the variable; None if it is another.

    A backward pass is linear in its weights, so these passes differentiate it by them. Code may have a backward
    pass that cannot be differentiated, or has another derivative: then the first pass says so.
    """
    weights = torch.linspace(0.5, 1.5, flat.numel(), dtype=torch.float64).requires_grad_()
    (row,) = torch.autograd.grad((flat * weights).sum(), variable, create_graph=True, allow_unused=True)
    if row is None:
        return torch.zeros((flat.numel(), variable.numel()), dtype=torch.float64)
    if not row.requires_grad:
        return None
    try:
        found = _rows(row.reshape(-1), weights, through)
    except RuntimeError:
        return None
    weight = weights.detach()
    size = found.detach().abs() @ weight + flat.detach().abs() @ weight / (_largest(variable) or 1.0)
    if bool(((found.detach() @ weight - row.detach().reshape(-1)).abs() > 1e-9 * size).any()):
        return None
    return found.T


def _rows(flat: Array, variable: Array, through: int) -> Array:
    """The gradient of each component of a vector, as the rows of a matrix."""
    count, keep = flat.numel(), through > 0
    first_call = "torch.fx.experimental.symbolic_shapes" not in sys.modules
    if count * max(through, 1) >= (BATCHED_FROM if first_call else BATCHED_AGAIN):
        with suppress(RuntimeError):  # Code may do what cannot be batched.
            return _batched_rows(flat, variable, keep)
    gradients = []
    for number in range(count):
        last = number == count - 1
        (row,) = torch.autograd.grad(
            flat[number], variable, retain_graph=keep or not last, create_graph=keep, allow_unused=True
        )
        gradients.append(torch.zeros_like(variable) if row is None else row)
    return torch.stack(gradients).reshape(count, -1)


def _batched_rows(flat: Array, variable: Array, keep: bool) -> Array:
    """The same, many rows in one backward pass."""
    count, parts = flat.numel(), []
    for start in range(0, count, AT_ONCE):
        unit = torch.zeros((min(AT_ONCE, count - start), count), dtype=torch.float64)
        unit.diagonal(start).fill_(1)
        (found,) = torch.autograd.grad(
            flat, variable, unit, retain_graph=True, create_graph=keep, is_grads_batched=True, allow_unused=True
        )
        parts.append(torch.zeros((len(unit), variable.numel()), dtype=torch.float64) if found is None else found)
    return torch.cat([part.reshape(len(part), -1) for part in parts])


def _jacobian_scale(jacobian: Array, level: float, variable: Array) -> Array:
    """A derivative's scale: its largest component; and a part of its function's level, as components may cancel."""
    level /= _largest(variable) or 1.0
    return torch.tensor(max(_largest(jacobian), level / 100), dtype=torch.float64).expand(jacobian.shape)


_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "exp": torch.exp,
    "log": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "sinh": torch.sinh,
    "cosh": torch.cosh,
    "tanh": torch.tanh,
    "arcsin": torch.asin,
    "arccos": torch.acos,
    "arctan": torch.atan,
    "arsinh": torch.asinh,
    "arcosh": torch.acosh,
    "artanh": torch.atanh,
    "cot": lambda values: 1 / torch.tan(values),
    "sec": lambda values: 1 / torch.cos(values),
    "csc": lambda values: 1 / torch.sin(values),
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "relu": torch.relu,
    "erf": torch.erf,
    "abs": torch.abs,
}

_ALIKE = frozenset(["log", "abs", "sign", "relu"])
"""Functions that look the same at every magnitude of their argument."""

_REACH = {"exp": 69.0, "sinh": 5.0, "cosh": 5.0, "tanh": 5.0, "sigmoid": 10.0, "erf": 2.5} | dict.fromkeys(
    ["arctan", "arsinh", "arcosh"], 50.0
)
"""Where a function comes close to its limit, a simpler one would do for it: some of its arguments have to be
smaller than this, and none greater than twice this."""
