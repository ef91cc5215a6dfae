"""Sums, products, quotients, powers and functions of labelled arrays, each with its scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from string import ascii_letters
from typing import TypeAlias, cast

import torch
from opt_einsum.paths import auto  # type: ignore[import-untyped]
from torch import Tensor as Array

from einsum_doc.compute.checking.evaluation.arrays import (
    TOLERANCE,
    LabelledArray,
    aligned,
    check_components,
    check_reach,
    checked,
    largest,
)
from einsum_doc.compute.checking.instances import (
    LARGEST,
    PIECEWISE,
    OverlapError,
    UncheckableError,
    UnluckyError,
    check_size,
)
from einsum_doc.notation.expression import Expression, Function, Index, Reduction, Subscript

STEEPEST = 1e6
"""A function that enlarges the rounding of its argument by more than this is too inaccurate to be checked."""

Random: TypeAlias = Callable[[str, Sequence[int]], Array]
"""A source of random numbers: a name and a shape -> an array."""

_Elementwise: TypeAlias = Callable[[Array], Array]

_Step: TypeAlias = tuple[list[int], list[str], str]
"""A contraction: the places of its operands, their labels, and those of the result."""

_FUNCTIONS: dict[str, _Elementwise] = {
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
    "sech": lambda values: 1 / torch.cosh(values),
    "csch": lambda values: 1 / torch.sinh(values),
    "coth": lambda values: 1 / torch.tanh(values),
    "softplus": torch.nn.functional.softplus,
    "logsigmoid": torch.nn.functional.logsigmoid,
    "silu": torch.nn.functional.silu,
    "gelu": torch.nn.functional.gelu,
    "mish": torch.nn.functional.mish,
    "softsign": torch.nn.functional.softsign,
    "normalpdf": lambda values: torch.exp(-values * values / 2) / math.sqrt(2 * math.pi),
    "normalcdf": torch.special.ndtr,
    "[>]": lambda values: (values > 0).to(values.dtype),
    "[≥]": lambda values: (values >= 0).to(values.dtype),
    "[=]": lambda values: (values == 0).to(values.dtype),
    "[≠]": lambda values: (values != 0).to(values.dtype),
}

_ALIKE = PIECEWISE | {"log"}
"""Functions that have the same form at every magnitude of their argument."""

_REACH = {"exp": 69.0, "sinh": 5.0, "cosh": 5.0, "tanh": 5.0, "sigmoid": 10.0, "erf": 2.5} | dict.fromkeys(
    ["arctan", "arsinh", "arcosh"], 50.0
)
"""Near its limit a function cannot be told from a simpler one: some of its arguments have to be smaller than this,
and none greater than twice this."""


def function(expression: Function, argument: LabelledArray, random: Random) -> LabelledArray:
    """Evaluate a function, or a derivative of it. One without a known name is an arbitrary smooth function.

    Raises: UncheckableError, if float64 cannot hold the values, or cannot tell them from those of a simpler function.
    """
    name = expression.name
    if name not in _ALIKE:
        check_reach(argument, _REACH.get(name, math.inf), expression)
    if name.startswith("[") and argument.scale is not None:
        size = argument.value.detach().abs()
        if bool(((size > 0) & (size <= TOLERANCE * argument.scale)).any()):
            raise UnluckyError(f"{expression} compares values that are equal but for rounding")
    found = _FUNCTIONS.get(name) or _arbitrary(random(f"operatorname {name}", [6]).tolist())
    for _ in range(expression.order):
        found = _derivative(found)
    result = applied(expression, found, argument)
    return check_components(result, expression) if name == "exp" else result


def applied(
    expression: Expression, elementwise: _Elementwise, argument: LabelledArray, slope: _Elementwise | None = None
) -> LabelledArray:
    """Apply a function to each component; its slope, by autograd unless it is given, enlarges the scale."""
    value = elementwise(argument.value)
    scale = None
    if argument.scale is not None:
        spread = (slope or _derivative(elementwise))(argument.value.detach()).abs() * argument.scale
        if largest(spread) > STEEPEST * max(largest(value), 1.0):
            raise UnluckyError(f"{expression} is too steep for float64")
        scale = value.detach().abs() + spread
    return checked(LabelledArray(argument.labels, value, scale), expression)


def _arbitrary(numbers: Sequence[float]) -> _Elementwise:
    """Return a smooth function of one number, without symmetries."""
    a, b, c, d, e, f = numbers

    def arbitrary(values: Array) -> Array:
        wave, bump = torch.sin(b * values + c), torch.exp(-values * values / 4)
        return a * wave + f * bump + (d * values / 4 + e) * values

    return arbitrary


def _derivative(elementwise: _Elementwise) -> _Elementwise:
    def slope(values: Array) -> Array:
        with torch.enable_grad():
            variable = values if values.requires_grad else values.detach().requires_grad_()
            found = elementwise(variable)
            if not found.requires_grad:
                return torch.zeros_like(values)
            result: Array
            (result,) = torch.autograd.grad(found.sum(), variable, create_graph=True)
        return result if values.requires_grad else result.detach()

    return slope


SMALLEST_TERM = 1e-5
"""A term that is smaller than this beside the others of its sum is not checked: its square would not be seen."""


def total(terms: Sequence[LabelledArray]) -> LabelledArray:
    """Return the sum of terms; one that lacks an index is constant along it."""
    wide = aligned(terms)
    scales = [each.scale for each in wide if each.scale is not None]
    scale = None
    if len(scales) == len(wide):
        every = torch.stack(scales)
        scale = every.sum(0)
        magnitudes = every.reshape(len(wide), -1).amax(1).tolist() if every.numel() else [0.0]
        if any(0 < magnitude < SMALLEST_TERM * max(magnitudes) for magnitude in magnitudes):
            raise UnluckyError("a term is too small to be seen beside the others; a letter for a small number is not")
    value = wide[0].value
    for each in wide[1:]:
        value = value + each.value
    return LabelledArray(wide[0].labels, value, scale)


def selected(
    values: Sequence[LabelledArray], conditions: Sequence[LabelledArray], expression: Expression
) -> LabelledArray:
    """Return the value whose condition holds; the last one has none if there is one more.

    Raises: OverlapError, if none or several of them hold.
    """
    wide = aligned([*values, *conditions])
    holds = [each.value > 0.5 for each in wide[len(values) :]]
    count = torch.stack([each.to(torch.int64) for each in holds]).sum(0)
    if bool((count > 1).any()) or (len(values) == len(holds) and bool((count == 0).any())):
        raise OverlapError(f"no case, or more than one, holds for some numbers in {expression}")
    last = wide[len(values) - 1]
    value, scale = last.value, last.scale
    for each, here in zip(wide[: len(holds)], holds, strict=False):
        value = torch.where(here, each.value, value)
        scale = None if scale is None or each.scale is None else torch.where(here, each.scale, scale)
    return LabelledArray(last.labels, value, scale)


def quotient(top: LabelledArray, bottom: LabelledArray, expression: Expression) -> LabelledArray:
    """Return a fraction's value."""
    top, bottom = aligned((top, bottom))
    value = top.value / bottom.value
    scale = None
    if top.scale is not None and bottom.scale is not None:
        scale = (top.scale + value.detach().abs() * bottom.scale) / bottom.value.detach().abs()
    return checked(LabelledArray(top.labels, value, scale), expression)


def rational_power(base: LabelledArray, exponent: Fraction, expression: Expression) -> LabelledArray:
    """Return a power whose exponent is a known number."""
    if exponent and max(abs(exponent), 1 / abs(exponent)) > 100:
        raise UncheckableError(f"the exponent {exponent} is out of reach of float64")
    if exponent == 0:
        ones = torch.ones_like(base.value)
        return LabelledArray(base.labels, ones, None if base.scale is None else ones)
    power = int(exponent) if exponent.denominator == 1 else float(exponent)
    raised = applied(expression, lambda values: values**power, base, lambda values: power * values ** (power - 1))
    result = check_components(raised, expression)
    if bool(((result.value == 0) & (base.value != 0)).any()):
        raise UnluckyError(f"{expression} is too small for float64")
    return result


def power(base: LabelledArray, exponent: LabelledArray, expression: Expression) -> LabelledArray:
    """Return a power whose exponent is computed."""
    base, exponent = aligned((base, exponent))
    value = base.value**exponent.value
    scale = None
    if base.scale is not None and exponent.scale is not None:
        logarithm = base.value.abs().log()
        growth = LabelledArray(base.labels, exponent.value * logarithm, exponent.scale * logarithm.abs())
        check_reach(growth, math.inf, expression)
        relative = exponent.value.abs() * base.scale / base.value.abs() + logarithm.abs() * exponent.scale
        scale = value.detach().abs() * (1 + relative.detach())
    return checked(LabelledArray(base.labels, value, scale), expression)


def product(factors: Sequence[LabelledArray], summed: Sequence[Subscript]) -> LabelledArray:
    """Return the product of factors, summed over some of their indices."""
    labels = tuple(dict.fromkeys(label for each in factors for label in each.labels))
    kept = tuple(label for label in labels if label not in summed)
    if len(factors) == 1 and len(kept) == len(labels):
        return factors[0]
    numbers = {label: number for number, label in enumerate(labels)}
    terms = tuple(tuple(numbers[label] for label in each.labels) for each in factors)
    contraction = _contraction(terms, tuple(numbers[label] for label in kept))
    scales = [each.scale for each in factors if each.scale is not None]
    scale = None
    if len(scales) == len(factors):
        magnitudes = [each.value.detach().abs() for each in factors]
        scale = _contracted(magnitudes, contraction)
        for place, (magnitude, own) in enumerate(zip(magnitudes, scales, strict=True)):
            if not torch.equal(magnitude, own):
                scale = scale + _contracted([*magnitudes[:place], own, *magnitudes[place + 1 :]], contraction)
        if scale.numel() and float(scale.min()) < 1e-60 and sum(map(_log_smallest, scales)) < -250:
            raise UnluckyError("a product is too small for float64")
    return LabelledArray(kept, _contracted([each.value for each in factors], contraction), scale)


def reduction(body: LabelledArray, indices: Sequence[Subscript], expression: Reduction) -> LabelledArray:
    """Return the product of components along indices, or the largest or smallest of them."""
    value, scale, labels = body.value, body.scale, list(body.labels)
    for index in indices:
        axis = labels.index(cast(Index, index))
        del labels[axis]
        before, value = value, _REDUCTIONS[expression.sign](value, axis)
        if scale is not None and expression.sign == "∏":
            scale = value.detach().abs() * (scale / before.detach().abs()).sum(axis)
        elif scale is not None:
            scale = scale.amax(axis)
    return checked(LabelledArray(tuple(labels), value, scale), expression)


_REDUCTIONS: dict[str, Callable[[Array, int], Array]] = {
    "∏": torch.prod,
    "max": torch.amax,
    "min": torch.amin,
    "mean": torch.mean,
}

COMPARISONS: dict[str, Callable[[Array, Array], Array]] = {
    "=": torch.eq,
    "<": torch.lt,
    ">": torch.gt,
    "≤": torch.le,
    "≥": torch.ge,
    "≠": torch.ne,
}
"""The relations of a delta and an indicator."""


@lru_cache(maxsize=4096)
def _contraction(terms: tuple[tuple[int, ...], ...], output: tuple[int, ...]) -> list[_Step]:
    """Return a product as opt_einsum's steps of two factors, as if all sizes were equal."""
    left = list(terms)
    sizes = dict.fromkeys((label for term in terms for label in term), 2)
    path = auto(list(map(frozenset, terms)), frozenset(output), sizes) if len(terms) > 2 else [range(len(terms))]
    steps: list[_Step] = []
    for step in path:
        places = sorted(step, reverse=True)
        operands = [left.pop(place) for place in places]
        needed = {*output}.union(*left)
        labels = tuple(dict.fromkeys(label for operand in operands for label in operand))
        result = tuple(label for label in labels if label in needed) if left else output
        letters = dict(zip(labels, ascii_letters, strict=False))
        *inputs, end = ("".join(letters[label] for label in each) for each in (*operands, result))
        steps.append((places, inputs, end))
        left.append(result)
    return steps


def _contracted(arrays: Sequence[Array], steps: list[_Step]) -> Array:
    """Return the product of arrays, two at a time.

    Raises: LargeError, if it or one on the way is too large.
    """
    left = list(arrays)
    for places, inputs, output in steps:
        operands = [left.pop(place) for place in places]
        if math.prod(each.numel() for each in operands) > LARGEST:
            sizes = dict(zip("".join(inputs), (size for each in operands for size in each.shape), strict=True))
            check_size([sizes[label] for label in output])
        left.append(torch.einsum(f"{','.join(inputs)}->{output}", *operands))
    return left[0]


def _log_smallest(array: Array) -> float:
    smallest = float(torch.where(array > 0, array, math.inf).min()) if array.numel() else math.inf
    return math.log10(smallest) if smallest < math.inf else 0.0
