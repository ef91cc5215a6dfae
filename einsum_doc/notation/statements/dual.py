"""Numbers that carry how exact they are, and their derivatives: whole numbers and fractions, `Rounded` and `Dual`."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

ROUNDING, TINY = 2.0**-52, 1e-300
"""The relative error of one operation on floats, and the absolute one where they are next to nothing."""

WIDER = 2.0**20
"""The factor by which an error is enlarged to see how much a function makes of it."""

DIGITS = 4_000
"""The most bits of a whole number."""

LONG = 64
"""The most bits of a number that is shown exactly."""

SEEN = 1e-5
"""Two rounded numbers that differ by less than this, relative to the larger, are not said to differ."""


class NoValueError(Exception):
    """An expression has no value at a point, or none that rounding leaves certain."""


class Rounded:
    """A float, and a bound of its distance to the exact number."""

    __slots__ = ("error", "value")

    def __init__(self, value: float, error: float) -> None:
        if not math.isfinite(value) or not math.isfinite(error):
            raise NoValueError
        self.value = value
        self.error = error

    def __add__(self, other: Number) -> Number:
        if isinstance(other, Dual):
            return NotImplemented
        other = rounded(other)
        value = self.value + other.value
        return Rounded(value, self.error + other.error + abs(value) * ROUNDING)

    def __mul__(self, other: Number) -> Number:
        if isinstance(other, Dual):
            return NotImplemented
        if not isinstance(other, Rounded) and other == 0:
            return 0
        other = rounded(other)
        value, spread = self.value * other.value, self.error * other.error
        spread += abs(self.value) * other.error + abs(other.value) * self.error
        return Rounded(value, spread + abs(value) * ROUNDING + TINY)

    __radd__, __rmul__ = __add__, __mul__


class Dual:
    """A number, and its derivative by one variable. tag: numbers the variables; that of an inner one is greater."""

    __slots__ = ("slope", "tag", "value")

    def __init__(self, tag: int, value: Number, slope: Number) -> None:
        self.tag = tag
        self.value = value
        self.slope = slope

    def __add__(self, other: Number) -> Number:
        if isinstance(other, Dual) and other.tag >= self.tag:
            if other.tag > self.tag:
                return Dual(other.tag, self + other.value, other.slope)
            return Dual(self.tag, self.value + other.value, self.slope + other.slope)
        return Dual(self.tag, self.value + other, self.slope)

    def __mul__(self, other: Number) -> Number:
        if isinstance(other, Dual) and other.tag >= self.tag:
            if other.tag > self.tag:
                return Dual(other.tag, self * other.value, self * other.slope)
            return Dual(self.tag, self.value * other.value, self.value * other.slope + self.slope * other.value)
        return Dual(self.tag, self.value * other, self.slope * other)

    __radd__, __rmul__ = __add__, __mul__


Exact: TypeAlias = int | Fraction
Number: TypeAlias = int | Fraction | Rounded | Dual

FUNCTIONS: dict[str, Callable[[float], float]] = {
    **{name: getattr(math, name) for name in ("exp", "log", "sin", "cos", "erf")},
    **{f"arc{name}": getattr(math, f"a{name}") for name in ("sin", "cos", "tan")},
    **{f"ar{name}": getattr(math, f"a{name}") for name in ("sinh", "cosh", "tanh")},
}
"""The functions of floats that the others are written by."""

EXACT = {("log", 1): 0, ("arcosh", 1): 0} | {(name, 0): 1 for name in ("exp", "cos")}
EXACT |= {(name, 0): 0 for name in ("sin", "erf", "arcsin", "arctan", "arsinh", "artanh")}
"""Values that are whole numbers."""


def rounded(number: Exact | Rounded) -> Rounded:
    """Return a number as a float with its error."""
    if isinstance(number, Rounded):
        return number
    try:
        value = float(number)
    except OverflowError:
        raise NoValueError from None
    return Rounded(value, 0.0 if value == number else abs(value) * ROUNDING)


def real(number: Number) -> Exact | Rounded:
    """Return a number without its derivatives."""
    while isinstance(number, Dual):
        number = number.value
    return number


def refuse_long(number: Number, times: int = 1) -> None:
    """Refuse a number that has too many digits after so many multiplications.

    Raises: NoValueError.
    """
    own = real(number)
    bits = 1 if isinstance(own, Rounded) else max(own.numerator.bit_length(), own.denominator.bit_length())
    if bits * times > DIGITS:
        raise NoValueError


def slope(number: Number, tag: int) -> Number:
    """Return the derivative of a number by the innermost variable."""
    return number.slope if isinstance(number, Dual) and number.tag == tag else 0


def sign(number: Number) -> int:
    """Return 1, 0 or −1.

    Raises: NoValueError, if rounding leaves it open.
    """
    own = real(number)
    if isinstance(own, Rounded):
        if abs(own.value) <= 8 * own.error:
            raise NoValueError
        return 1 if own.value > 0 else -1
    return (own > 0) - (own < 0)


def minus(left: Number, right: Number) -> Number:
    """Return a difference."""
    return left + -1 * right


def reciprocal(number: Number) -> Number:
    """Return 1 over a number."""
    if isinstance(number, Dual):
        inverse = reciprocal(number.value)
        return Dual(number.tag, inverse, -1 * inverse * inverse * number.slope)
    if not sign(number):
        raise NoValueError
    if isinstance(number, Rounded):
        return _floating(lambda value: 1 / value, number)
    found = 1 / Fraction(number)
    return found.numerator if found.denominator == 1 else found


def power(base: Number, exponent: Fraction) -> Number:
    """Return a power; that of a negative number has a value if the exponent is whole."""
    whole = exponent.numerator
    if exponent.denominator == 1 and whole >= 0:
        return _multiplied(base, whole)
    if exponent.denominator == 1:
        return reciprocal(_multiplied(base, -whole))
    if isinstance(base, Dual):
        return Dual(base.tag, power(base.value, exponent), power(base.value, exponent - 1) * base.slope * exponent)
    positive = sign(base)
    if positive < 0 or (exponent < 0 and not positive):
        raise NoValueError
    if not positive:
        return 0
    if not isinstance(base, Rounded):
        root = _root(Fraction(base), exponent.denominator)
        if root is not None:
            return power(root, Fraction(whole))
    found = _floating(lambda value: value ** float(exponent), rounded(base))
    growth = abs(float(exponent) * math.log(rounded(base).value))  # The exponent is rounded too.
    return Rounded(found.value, found.error + abs(found.value) * growth * ROUNDING)


def elementary(name: str, argument: Exact | Rounded) -> Number:
    """Return the value of one of FUNCTIONS, or the absolute value or the sign."""
    if name in ("abs", "sign"):
        positive = sign(argument)
        return positive if name == "sign" else positive * argument
    if not isinstance(argument, Rounded) and (name, argument) in EXACT:
        return EXACT[name, int(argument)]
    return _floating(FUNCTIONS[name], rounded(argument))


def differ(left: Exact | Rounded, right: Exact | Rounded) -> bool:
    """Return whether two numbers certainly differ."""
    difference = minus(left, right)
    if isinstance(difference, Rounded):
        largest = max(abs(rounded(left).value), abs(rounded(right).value))
        return abs(difference.value) > max(16 * difference.error, SEEN * largest)
    return difference != 0


def shown(number: Exact | Rounded) -> str:
    """Return a number as text, to six digits if it is rounded or long."""
    if isinstance(number, Rounded):
        return f"{number.value:.6g}"
    if max(number.numerator.bit_length(), number.denominator.bit_length()) <= LONG:
        return str(number)
    try:
        return f"{float(number):.6g}"
    except OverflowError:
        return f"about {'-' * (number < 0)}10^{int(math.log10(abs(int(number))))}"


def _multiplied(base: Number, times: int) -> Number:
    refuse_long(base, times)
    found: Number = 1
    while times:
        if times % 2:
            found = found * base
        times //= 2
        if times:
            base = base * base
    return found


def _root(base: Fraction, degree: int) -> Fraction | None:
    """Return the exact root of a positive number; None if it has none."""
    if max(base.numerator, base.denominator) > 10**15:
        return None
    parts = [round(part ** (1 / degree)) for part in (base.numerator, base.denominator)]
    found = Fraction(*parts)
    return found if found**degree == base else None


def _floating(function: Callable[[float], float], argument: Rounded) -> Rounded:
    """Return a function of a float; its error is what the function makes of that of its argument."""
    try:
        value = function(argument.value)
        wide = argument.error * WIDER
        near = [function(argument.value + each) for each in (wide, -wide)] if wide else []
    except (ArithmeticError, ValueError):
        raise NoValueError from None
    spread = max((abs(each - value) for each in near), default=0.0)
    return Rounded(value, 2 * spread / WIDER + 4 * abs(value) * ROUNDING + TINY)
