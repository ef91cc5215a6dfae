"""Functions of one number -> simpler ones, and their derivatives."""

from __future__ import annotations

from functools import cache

from einsum_doc.notation.expression import Expression, Tensor, rebuilt
from einsum_doc.notation.reading.parse import parse_expression

MEANINGS = {
    "sigmoid": r"\frac{1}{1 + e^{-x}}",
    "tanh": r"\frac{e^{x} - e^{-x}}{e^{x} + e^{-x}}",
    "sinh": r"\frac{e^{x} - e^{-x}}{2}",
    "cosh": r"\frac{e^{x} + e^{-x}}{2}",
    "coth": r"\frac{e^{x} + e^{-x}}{e^{x} - e^{-x}}",
    "sech": r"\frac{2}{e^{x} + e^{-x}}",
    "csch": r"\frac{2}{e^{x} - e^{-x}}",
    "tan": r"\frac{\sin(x)}{\cos(x)}",
    "cot": r"\frac{\cos(x)}{\sin(x)}",
    "sec": r"\frac{1}{\cos(x)}",
    "csc": r"\frac{1}{\sin(x)}",
    "ln": r"\log(x)",
    "softplus": r"\log(1 + e^{x})",
    "logsigmoid": r"-\log(1 + e^{-x})",
    "silu": r"\frac{x}{1 + e^{-x}}",
    "mish": r"x \tanh(\log(1 + e^{x}))",
    "gelu": r"\frac{x}{2} \left(1 + \operatorname{erf}(\frac{x}{\sqrt{2}})\right)",
    "normalcdf": r"\frac{1}{2} \left(1 + \operatorname{erf}(\frac{x}{\sqrt{2}})\right)",
    "normalpdf": r"\frac{1}{\sqrt{2 \pi}} e^{-\frac{x^2}{2}}",
    "softsign": r"\frac{x}{1 + \operatorname{abs}(x)}",
    "relu": r"\frac{x + \operatorname{abs}(x)}{2}",
}
"""Functions that stand for others."""

DERIVATIVES = {
    "exp": r"e^{x}",
    "log": r"\frac{1}{x}",
    "sin": r"\cos(x)",
    "cos": r"-\sin(x)",
    "arcsin": r"\frac{1}{\sqrt{1 - x^2}}",
    "arccos": r"-\frac{1}{\sqrt{1 - x^2}}",
    "arctan": r"\frac{1}{1 + x^2}",
    "arsinh": r"\frac{1}{\sqrt{1 + x^2}}",
    "arcosh": r"\frac{1}{\sqrt{x^2 - 1}}",
    "artanh": r"\frac{1}{1 - x^2}",
    "erf": r"\frac{2}{\sqrt{\pi}} e^{-x^2}",
    "abs": r"\operatorname{sign}(x)",
    "sign": "0",
}
"""The derivatives of the others that have a meaning of their own; any other function is arbitrary."""


ARGUMENT = Tensor(" ")
"""The argument of these, under a name that no page can give."""


@cache
def meaning(name: str) -> Expression | None:
    """Return what a function of ARGUMENT stands for; None if it stands for itself."""
    return _read(MEANINGS[name]) if name in MEANINGS else None


@cache
def slope(name: str) -> Expression | None:
    """Return the derivative of a function at ARGUMENT; None if the function is arbitrary."""
    return _read(DERIVATIVES[name]) if name in DERIVATIVES else None


def _read(text: str) -> Expression:
    return rebuilt(parse_expression(text), lambda part: ARGUMENT if part == Tensor("x") else part)
