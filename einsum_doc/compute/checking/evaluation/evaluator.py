"""Expressions -> numbers on one instance: the values of tensors, and derivatives by autograd."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor as Array

from einsum_doc.compute.checking.evaluation.arithmetic import (
    COMPARISONS,
    function,
    power,
    product,
    quotient,
    rational_power,
    reduction,
    selected,
    total,
)
from einsum_doc.compute.checking.evaluation.arrays import LabelledArray, aligned, largest, number
from einsum_doc.compute.checking.evaluation.code import follow, run, sensitivity, smooth
from einsum_doc.compute.checking.instances import (
    PIECEWISE,
    Formula,
    Instance,
    UncheckableError,
    UnluckyError,
    check_size,
)
from einsum_doc.notation.expression import (
    Affine,
    Bounded,
    Comparison,
    Coordinate,
    Delta,
    Expression,
    Extent,
    Fixed,
    Function,
    Index,
    Indicator,
    Negative,
    Number,
    One,
    Ordinal,
    Partial,
    Pi,
    Picked,
    Piecewise,
    Power,
    Product,
    Quotient,
    Reduction,
    Size,
    Subscript,
    Sum,
    Summation,
    Tensor,
    Whole,
    plain,
)
from einsum_doc.notation.matrices.components import OfMatrix
from einsum_doc.notation.matrices.nodes import Differential
from einsum_doc.notation.symbols.domain import Condition
from einsum_doc.notation.symbols.exact import constant

CHUNK, BATCHED = 64, 4
"""The number of components that are differentiated in one pass, and the least for which that is faster."""


def jacobian(output: Array, variable: Array, again: bool) -> Array:
    """Return the derivative of each component of `output` by each of `variable`, with the axes of both.

    again: it is to be differentiated itself.
    """
    shape = (*output.shape, *variable.shape)
    check_size(shape)
    if not output.requires_grad or not output.numel():
        return torch.zeros(shape, dtype=torch.float64)
    return _rows(output.reshape(-1), variable, again).reshape(shape)


def jacobian_scale(found: Array, level: float, variable: Array) -> Array:
    """Return a derivative's scale: its largest component, or a part of its function's level, as terms may cancel."""
    level /= largest(variable) or 1.0
    return torch.tensor(max(largest(found), level / 100), dtype=torch.float64).expand(found.shape)


def _rows(flat: Array, variable: Array, again: bool) -> Array:
    """Return the gradient of each component of a vector."""
    total = flat.sum()

    def row(weights: Array) -> Array:
        # The weights come by a hook, as torch imports sympy for those that are an argument.
        with flat.register_hook(lambda _: weights):  # type: ignore[no-untyped-call]
            (found,) = torch.autograd.grad(total, variable, retain_graph=True, create_graph=again, allow_unused=True)
        return torch.zeros_like(variable) if found is None else found

    def rows(first: int) -> Array:
        numbers = torch.arange(first, min(first + CHUNK, flat.numel()))
        weights = torch.zeros(len(numbers), flat.numel(), dtype=torch.float64)
        weights[numbers - first, numbers] = 1.0
        if len(numbers) >= BATCHED:
            # Code may have a backward pass that cannot be batched, or of which torch says that this is slow.
            with suppress(RuntimeError), warnings.catch_warnings(action="ignore"):
                found: Array = torch.vmap(row)(weights)
                return found
        return torch.stack([row(each) for each in weights])

    return torch.cat([rows(first) for first in range(0, flat.numel(), CHUNK)])


@dataclass
class Context:
    """The source of the values of tensors: `x` replaced by a variable, and with it everything that depends on x.

    held: the tensors that stay as they are. varied: the contexts inside, by their variable and what is held there.
    """

    parent: Context | None = None
    x: str = ""
    variable: Array | None = None
    held: frozenset[str] = frozenset()
    known: dict[str, tuple[Array, Array | None]] = field(default_factory=dict)
    varied: dict[tuple[str, frozenset[str]], tuple[Context, Array]] = field(default_factory=dict)

    @property
    def variables(self) -> list[str]:
        """The names that are replaced by variables here: two in a second derivative."""
        return [] if self.parent is None else [*self.parent.variables, self.x]


class Evaluator:
    """The values of tensors and expressions on one instance, each computed once.

    signs: those of the arguments of each function that consists of pieces. met: conditions that its values meet.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.base = Context()
        self.jacobians: dict[tuple[str, str, frozenset[str]], tuple[Array, Array]] = {}
        self.signs: dict[Expression, set[float]] = {}
        self.met: set[Condition] = set()
        self._sources: dict[str, set[str]] = {}
        self._followed: set[tuple[str, int]] = set()

    # -- tensors

    def sources(self, name: str) -> set[str]:
        """Return the tensors that a tensor is computed from, itself among them."""
        if name not in self._sources:
            formula = self.instance.formulas.get(name)
            arguments = () if formula is None else formula.arguments
            self._sources[name] = {name} | {source for each in arguments for source in self.sources(each)}
        return self._sources[name]

    def tensor(self, name: str, context: Context) -> tuple[Array, Array | None]:
        """Return the value of a tensor and its scale."""
        if name not in context.known:
            context.known[name] = self._tensor(name, context)
        return context.known[name]

    def _tensor(self, name: str, context: Context) -> tuple[Array, Array | None]:
        formula = self.instance.formulas.get(name)
        if context.parent is None:
            if formula is None:
                value = self.instance.input(name)
                return value, value.detach().abs()
            return self._defined(formula, context)
        if name == context.x:
            assert context.variable is not None
            return context.variable, None
        if name in context.held or formula is None or context.x not in self.sources(name):
            return self.tensor(name, context.parent)
        return self._defined(formula, context)

    def _defined(self, formula: Formula, context: Context) -> tuple[Array, Array | None]:
        """Return the value of a formula and its scale."""
        if formula.expression is None:
            return self._coded(formula, context)
        found = self.evaluate(formula.expression, formula.chain, context)
        sizes = [self.instance.sizes[formula.chain, index] for index in formula.indices]
        wide = found.over(formula.indices, sizes)
        return wide.value, wide.scale

    def _coded(self, formula: Formula, context: Context) -> tuple[Array, Array | None]:
        """Return the value of code and its scale; refuse code that autograd differentiates wrongly."""
        arguments = {name: self.tensor(name, context)[0] for name in formula.arguments}
        value = run(formula, arguments)
        varies = any(argument.requires_grad for argument in arguments.values())
        if torch.is_grad_enabled() and varies and not value.requires_grad:
            raise UncheckableError(f"autograd cannot differentiate the code of {plain(formula.name)}")
        if context is self.base:
            return value, sensitivity(formula, value, arguments, self.instance.random)
        # Near a singular matrix differences say little of its determinant's slope.
        if varies and not isinstance(formula.code, OfMatrix):
            order = sum(variable in self.sources(formula.name) for variable in context.variables)
            self._follow(formula, order)
        return value, None

    def _follow(self, formula: Formula, order: int) -> None:
        """Refuse code whose derivatives, up to this order, are not those of its values."""
        for each in range(1, order + 1):
            if (formula.name, each) not in self._followed:
                _, scale = self.tensor(formula.name, self.base)
                assert scale is not None
                arguments = {name: self.tensor(name, self.base)[0].detach() for name in formula.arguments}
                condition = self._condition([formula.name])
                if follow(formula, arguments, each, scale, condition, self.instance.random):
                    self._followed.add((formula.name, each))

    def _condition(self, names: Sequence[str]) -> float:
        """Return the factor by which code enlarges rounding in these tensors and those that they are computed from."""
        found = 1.0
        for source in {each for name in names for each in self.sources(name)}:
            formula = self.instance.formulas.get(source)
            if formula is not None and formula.expression is None:
                value, scale = self.tensor(source, self.base)
                if scale is not None and largest(value):
                    found = max(found, largest(scale) / largest(value))
        return min(found, 1e4)

    # -- expressions

    def evaluate(self, expression: Expression, chain: str, context: Context | None = None) -> LabelledArray:
        """Evaluate an expression in which every sum is written, over its free indices.

        chain: the key of the statement that its indices are from.
        Raises: UncheckableError, if float64 cannot hold the numbers.
        """
        here = self.base if context is None else context
        try:
            return self._evaluate(expression, chain, here)
        except UnluckyError as problem:
            if problem.inputs is None:  # The innermost expression is the one to blame.
                own = {part.name for part in expression.walk() if isinstance(part, Tensor)}
                sources = {source for name in own for source in self.sources(name)}
                problem.inputs = frozenset(sources - self.instance.formulas.keys())
            raise

    def _evaluate(self, expression: Expression, chain: str, here: Context) -> LabelledArray:
        """Evaluate an expression from its parts."""

        def of(part: Expression) -> LabelledArray:
            return self.evaluate(part, chain, here)

        match expression:
            case Number(value):
                return number(float(value))
            case Pi():
                return number(math.pi)
            case Size(_, index):
                return number(float(self.instance.sizes[chain, index]))
            case One(indices):
                labels = tuple(dict.fromkeys(index for index in indices if isinstance(index, Index)))
                return number(1.0).over(labels, [self.instance.sizes[chain, label] for label in labels])
            case Delta(indices) | Indicator(indices):
                return self._related(indices, expression.sign if isinstance(expression, Indicator) else "=", chain)
            case Ordinal((index,), origin):
                found = self._index(index, chain)
                return LabelledArray(found.labels, found.value + origin, (found.value + origin).abs())
            case Reduction(indices, body):
                return reduction(of(body), indices, expression)
            case Tensor(name, indices):
                return self._placed(*self.tensor(name, here), indices)
            case Differential():
                return of(*expression.parts)
            case Negative(body):
                found = of(body)
                return LabelledArray(found.labels, -found.value, found.scale)
            case Product(factors):
                return product([of(factor) for factor in factors], ())
            case Summation(indices, body):
                factors = body.factors if isinstance(body, Product) else (body,)
                return product([of(factor) for factor in factors], indices)
            case Sum(terms):
                return total([of(term) for term in terms])
            case Quotient(numerator, denominator):
                return quotient(of(numerator), of(denominator), expression)
            case Power(base, exponent):
                known, above = constant(expression), constant(exponent)
                if known is not None:
                    return number(float(known))
                below = of(base)
                if above is not None:
                    return rational_power(below, above, expression)
                return power(below, of(exponent), expression)
            case Function(_, argument, _):
                return self._function(expression, of(argument))
            case Piecewise(values, conditions):
                chosen = selected([of(value) for value in values], [of(each) for each in conditions], expression)
                for boundary in expression.boundaries:
                    self.signs.pop(boundary, None)
                return chosen
            case Partial():
                return self._partial(expression, chain, here)
            case _:
                raise AssertionError(f"an expression that is not known: {type(expression).__name__}")

    def _function(self, expression: Function, argument: LabelledArray) -> LabelledArray:
        """Evaluate a function, and note the signs of its argument if it consists of pieces, or which relations hold."""
        found = function(expression, argument, self.instance.random)
        if expression.name in PIECEWISE:
            seen = 2 * found.value - 1 if isinstance(expression, Comparison) else argument.value
            self.signs.setdefault(expression, set()).update(seen.detach().sign().reshape(-1).tolist())
        return found

    def _related(self, indices: tuple[Subscript, ...], sign: str, chain: str) -> LabelledArray:
        """Return 1 where a relation between the values of two indices holds, and 0 elsewhere."""
        left, right = aligned([self._index(each, chain) for each in indices])
        holds = COMPARISONS[sign](left.value, right.value).to(torch.float64)
        return LabelledArray(left.labels, holds, holds)

    def _index(self, index: Any, chain: str) -> LabelledArray:
        """Return the values of an index, from 0."""
        sizes = self.instance.sizes
        match index:
            case Affine(terms):
                found = number(0.0).value
                labels: tuple[Index, ...] = ()
                for times, atoms in terms:
                    values = [LabelledArray(labels, found, None), *(self._index(atom, chain) for atom in atoms)]
                    before, *rest = aligned(values)
                    labels = before.labels
                    found = before.value + times * math.prod([each.value for each in rest], start=torch.ones(()))
                return LabelledArray(labels, found, None)
            case Bounded(low=low):
                found = torch.arange(sizes[chain, index]) + self._index(low, chain).value
                return LabelledArray((index,), found.to(torch.float64), None)
            case Index():
                return LabelledArray((index,), torch.arange(sizes[chain, index], dtype=torch.float64), None)
            case Extent(_, own):
                return number(float(sizes[chain, own]))
            case Whole(letter):
                return number(float(self.instance.whole[letter]))
            case Picked(name, indices):
                shape = [self.instance.whole[f"{name} {axis}"] for axis in range(len(indices))]
                places = aligned([self._index(each, chain) for each in indices])
                picked = self.instance.picks(name, shape)[tuple(each.value.long() for each in places)]
                return LabelledArray(places[0].labels, picked, None)
            case _:
                return number(float(self._position(index)))

    def _position(self, subscript: Subscript) -> int:
        if isinstance(subscript, Coordinate):
            return subscript.value
        assert isinstance(subscript, Fixed)
        return self.instance.fixed[subscript.letter]

    def _placed(self, value: Array, scale: Array | None, indices: Sequence[Subscript]) -> LabelledArray:
        """Return axes with subscripts: a constant one selects, a repeated one is a diagonal."""
        selection = tuple(slice(None) if isinstance(each, Index) else self._position(each) for each in indices)
        if any(position != slice(None) for position in selection):
            value = value[selection]
            scale = None if scale is None else scale[selection]
        own = [each for each in indices if isinstance(each, Index)]
        labels = tuple(dict.fromkeys(own))
        if len(labels) < len(own):
            numbers = [labels.index(index) for index in own]
            kept = list(range(len(labels)))
            value = torch.einsum(value, numbers, kept)
            scale = None if scale is None else torch.einsum(scale, numbers, kept)
        return LabelledArray(labels, value, scale)

    # -- derivatives

    def _partial(self, partial: Partial, chain: str, context: Context) -> LabelledArray:
        body, by, held = partial.body, partial.by, frozenset(partial.held)
        if isinstance(body, Tensor):
            return self._placed(*self._jacobian(body.name, by.name, held, context), (*body.indices, *by.indices))
        level = self.evaluate(body, chain) if context is self.base else None
        with torch.enable_grad():
            inner, variable = self._varied(by.name, held, context)
            output = self.evaluate(body, chain, inner)
            found = jacobian(output.value, variable, again=context.parent is not None)
        scale = None
        if level is not None:
            scale = jacobian_scale(found, 0.0 if level.scale is None else largest(level.scale), variable)
        return self._placed(found, scale, (*output.labels, *by.indices))

    def _varied(self, x: str, held: frozenset[str], context: Context) -> tuple[Context, Array]:
        """Return a context in which x is a variable, and this variable."""
        if (x, held) not in context.varied:
            value, _ = self.tensor(x, context)
            variable = value.clone() if value.requires_grad else value.detach().clone().requires_grad_()
            context.varied[x, held] = Context(context, x, variable, held), variable
        return context.varied[x, held]

    def _jacobian(self, name: str, x: str, held: frozenset[str], context: Context) -> tuple[Array, Array | None]:
        """Return ∂name/∂x, with the axes of both; the downstream scalar is no tensor."""
        base = context is self.base
        if base and (name, x, held) in self.jacobians:
            return self.jacobians[name, x, held]
        downstream = name not in self.instance.places and name not in self.instance.formulas
        with torch.enable_grad():
            inner, variable = self._varied(x, held, context)
            output = self._downstream(name, inner) if downstream else self.tensor(name, inner)[0]
            found = jacobian(output, variable, again=context.parent is not None)
        if not base:
            return found, None
        level = 1.0
        if not downstream:
            scale = self.tensor(name, context)[1]
            level = largest(scale) if scale is not None else 0.0
        factor = self._condition(self.instance.sinks if downstream else (name,))
        self.jacobians[name, x, held] = found, jacobian_scale(found, level, variable) * factor
        return self.jacobians[name, x, held]

    def _downstream(self, name: str, context: Context) -> Array:
        """Return an arbitrary scalar, a function of the sinks."""

        def weighted(sink: str) -> tuple[Array, Array]:
            value, _ = self.tensor(sink, context)
            drawn = self.instance.random(f"downstream {name} {sink}", (3, *value.shape))
            return value, drawn / math.sqrt(max(value.numel(), 1))

        return smooth(map(weighted, self.instance.sinks))
