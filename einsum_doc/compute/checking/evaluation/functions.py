"""The functions of one number that the notation has, with their derivatives, taken of each component."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor as Array

from einsum_doc.compute.checking.evaluation.arrays import LabelledArray, check_components, check_reach, checked, largest
from einsum_doc.compute.checking.instances.undecided import UnluckyError
from einsum_doc.notation.expression import Expression, Function

STEEPEST = 1e6
"""A function that enlarges the rounding of its argument by more than this is not computed well: not checked."""

Random: TypeAlias = Callable[[str, Sequence[int]], Array]
"""A source of random numbers: a name and a shape -> an array."""

_Elementwise: TypeAlias = Callable[[Array], Array]

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
}

_ALIKE = frozenset(["log", "abs", "sign", "relu"])
"""Functions that look the same at every magnitude of their argument."""

_REACH = {"exp": 69.0, "sinh": 5.0, "cosh": 5.0, "tanh": 5.0, "sigmoid": 10.0, "erf": 2.5} | dict.fromkeys(
    ["arctan", "arsinh", "arcosh"], 50.0
)
"""Where a function comes close to its limit, a simpler one would do for it: some of its arguments have to be
smaller than this, and none greater than twice this."""


def function(expression: Function, argument: LabelledArray, random: Random) -> LabelledArray:
    """Evaluate a function, or a derivative of it. One without a known name is an arbitrary smooth function.

    Raises: UncheckableError, if float64 cannot hold the values, or cannot tell them from those of a simpler function.
    """
    name = expression.name
    if name not in _ALIKE:
        check_reach(argument, _REACH.get(name, math.inf), expression)
    found = _FUNCTIONS.get(name) or _arbitrary(random(f"operatorname {name}", [6]).tolist())
    for _ in range(expression.order):
        found = _derivative(found)
    result = applied(expression, found, argument)
    return check_components(result, expression) if name == "exp" else result


def applied(expression: Expression, elementwise: _Elementwise, argument: LabelledArray) -> LabelledArray:
    """Apply a function to each component; its slope enlarges the scale."""
    value = elementwise(argument.value)
    scale = None
    if argument.scale is not None:
        with torch.enable_grad():
            variable = argument.value.detach().requires_grad_()
            found = elementwise(variable)
            slope = torch.zeros_like(variable)
            if found.requires_grad:
                (slope,) = torch.autograd.grad(found.sum(), variable)
        spread = slope.abs() * argument.scale
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
