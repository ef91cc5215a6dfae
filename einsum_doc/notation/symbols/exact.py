"""An expression -> what its form says of its value: the number that it is, and that it is never negative."""

import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Function,
    Negative,
    Number,
    One,
    Pi,
    Power,
    Product,
    Quotient,
    Size,
    Sum,
    Summation,
    Tensor,
)

NONNEGATIVE = frozenset(["exp", "abs", "relu", "sigmoid", "cosh", "softplus", "normalpdf", "normalcdf"])
"""Functions that are never negative."""


def constant(expression: Expression) -> Fraction | None:
    """Return the value of an expression of numbers alone; None for any other.

    >>> constant(Quotient(Number(Fraction(1)), Power(Number(Fraction(2)), Number(Fraction(3)))))
    Fraction(1, 8)
    """
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
        case Sum(parts) | Product(parts):
            known = [value for value in map(constant, parts) if value is not None]
            if len(known) < len(parts):
                return None
            return sum(known, Fraction(0)) if isinstance(expression, Sum) else math.prod(known, start=Fraction(1))
        case _:
            return None


def nonnegative(expression: Expression, tensor: Callable[[str], Expression | bool]) -> bool:
    """Return whether the form of an expression says that it is never negative.

    tensor: returns the expression that defines a tensor; for an input or code, whether it is never negative.
    """

    def of(part: Expression) -> bool:
        return nonnegative(part, tensor)

    match expression:
        case Number(value):
            return value >= 0
        case Tensor(name):
            found = tensor(name)
            return found if isinstance(found, bool) else of(found)
        case Function(name, _, 0):
            return name in NONNEGATIVE
        case Power(base, exponent):
            number = constant(exponent)
            return of(base) or (number is not None and 0 in (number.numerator % 2, number.denominator % 2))
        case Product(factors):
            return all(of(factor) for factor, count in Counter(factors).items() if count % 2)
        case Sum() | Quotient():
            return all(map(of, expression.parts))
        case Summation(_, body):
            return of(body)
        case _:
            return isinstance(expression, Pi | One | Delta | Size)
