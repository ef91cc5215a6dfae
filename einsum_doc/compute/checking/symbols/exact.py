"""An expression of numbers alone -> its exact value."""

import math
from fractions import Fraction

from einsum_doc.notation.expression import Expression, Negative, Number, Power, Product, Quotient, Sum


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
