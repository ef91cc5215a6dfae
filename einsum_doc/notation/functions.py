"""Functions that a page defines, `σ(x) = 1/(1 + e^{-x})`: their applications -> what they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TypeAlias

from einsum_doc.notation.expression import (
    Expression,
    Function,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Tensor,
    mapped,
    plain,
    rebuilt,
)

Definitions: TypeAlias = Mapping[str, tuple[Tensor, Expression]]
"""The functions of a page by name, each with its argument and its value."""


def applied(expression: Expression, functions: Definitions) -> Expression:
    """Return an expression with each function that the page defines replaced by its value, also without its argument.

    >>> x, y = Tensor("x"), Tensor("y")
    >>> print(applied(Function("f", y, order=1), {"f": (x, Power(x, Number(Fraction(3))))}))
    3 y^2 1
    """

    def change(part: Expression) -> Expression:
        if isinstance(part, Tensor) and not part.indices and plain(part.name) in functions:
            return applied(functions[plain(part.name)][1], functions)
        if not isinstance(part, Function) or part.name not in functions:
            return part
        argument, value = functions[part.name]
        for _ in range(part.order):
            value = slope(value, argument)
        return rebuilt(applied(value, functions), lambda each: part.argument if each == argument else each)

    return rebuilt(expression, change) if functions else expression


def slope(expression: Expression, by: Tensor) -> Expression:
    """Return the derivative of a function of one number, whose other letters are constant."""
    if not any(part == by for part in expression.walk()):
        return Number(Fraction(0))
    match expression:
        case Sum() | Negative():
            return mapped(expression, lambda part: slope(part, by))
        case Product(factors):
            terms = []
            for place, factor in enumerate(factors):
                inner = slope(factor, by)
                if inner != Number(Fraction(0)):
                    terms.append(Product((*factors[:place], inner, *factors[place + 1 :])))
            return Sum(tuple(terms)) if len(terms) > 1 else terms[0]
        case Quotient(numerator, denominator):
            square = Power(denominator, Number(Fraction(2)))
            down = Negative(Quotient(Product((numerator, slope(denominator, by))), square))
            return Sum((Quotient(slope(numerator, by), denominator), down))
        case Power(base, Number(value) as exponent):
            return Product((exponent, Power(base, Number(value - 1)), slope(base, by)))
        case Power(base, exponent):
            return slope(Function("exp", Product((exponent, Function("log", base)))), by)
        case Function(_, argument, order):
            return Product((replace(expression, order=order + 1), slope(argument, by)))
        case _:
            return Number(Fraction(1))
