"""Exponentials, logarithms and other functions of polynomials, in normal form."""

from __future__ import annotations

from einsum_doc.notation.proving.polynomial import (
    ONE,
    Applied,
    Base,
    Exact,
    Exponential,
    Exponents,
    Factor,
    GiveUpError,
    Monomial,
    Polynomial,
    PositiveNumber,
    number,
    ratio,
    single,
)
from einsum_doc.notation.proving.ring import Ring, content, ordered, primes

ODD = frozenset(["sin", "arcsin", "arctan", "arsinh", "artanh", "erf", "sign"])
EVEN = frozenset(["cos", "abs"])
VALUE_AT_ZERO = dict.fromkeys([*ODD, "abs"], 0) | {"cos": 1}


class Functions(Ring):
    """The functions that have rules of their own."""

    def exponential(self, argument: Polynomial) -> Polynomial:
        """Return e to a polynomial."""
        found = number(1)
        for monomial, coefficient in argument.terms:
            ((first, power), *more) = monomial.factors or ((None, ONE),)
            if isinstance(first, Applied) and first.name == "log" and not first.order and power == 1 and not more:
                part = self.power(first.inside, coefficient)
            else:
                part = self.monomial({Exponential(monomial): coefficient})
            found = self.times(found, part)
        return found

    def applied(self, name: str, order: int, argument: Polynomial) -> Polynomial:
        """Return a function of a polynomial that has no simpler form."""
        if order == 0 and name == "exp":
            return self.exponential(argument)
        if order == 0 and name == "log":
            return self.logarithm(argument)
        if name in ODD | EVEN and argument.terms and ordered(argument)[0][1] < 0:
            found = self.applied(name, order, self.scaled(-1, argument))
            return self.scaled(-1, found) if (name in ODD) == (order % 2 == 0) else found
        if name == "abs" and not order and self.is_nonnegative_sum(argument):
            return argument
        if name in ("abs", "sign") and not order and len(argument.terms) == 1:
            return self._piecewise(name, *argument.terms[0])
        if name in VALUE_AT_ZERO and not argument.terms and not order:
            return number(VALUE_AT_ZERO[name])
        return single(Applied(name, order, argument))

    def _piecewise(self, name: str, monomial: Monomial, coefficient: Exact) -> Polynomial:
        """Return the absolute value or the sign of a monomial: that of a number and of positive factors is known."""
        positive = {
            f: e
            for f, e in monomial.factors
            if self.is_nonnegative(f) and not f.is_one_or_zero and (name == "abs" or _is_never_zero(f))
        }
        rest = Polynomial({Monomial({f: e for f, e in monomial.factors if f not in positive}): ONE})
        outside = self.scaled(max(coefficient, -coefficient), self.monomial(positive)) if name == "abs" else number(1)
        if rest.number == 1:
            return outside
        if name == "sign" and coefficient < 0:
            outside = number(-1)
        return self.times(outside, single(Applied(name, 0, rest)))

    def logarithm(self, argument: Polynomial) -> Polynomial:
        """Return a logarithm: that of a product of positive factors is a sum."""
        if not argument.terms:
            raise GiveUpError("a logarithm of 0")
        if len(argument.terms) > 1:
            scale, shared = content(argument)
            outside = {factor: power for factor, power in shared.items() if self.is_nonnegative(factor)}
            inner = self.times(argument, self.monomial({factor: -power for factor, power in outside.items()}))
            inner = self.scaled(ratio(1, scale), inner)
            parts = [self._logarithms(scale, outside)]
            if len(inner.terms) == 1:
                return self.add([*parts, self.logarithm(inner)])
            return self.add([*parts, single(Applied("log", 0, inner))])
        ((monomial, coefficient),) = argument.terms
        outside = {factor: power for factor, power in monomial.factors if self.is_nonnegative(factor)}
        inside = {factor: power for factor, power in monomial.factors if factor not in outside}
        if any(factor.is_one_or_zero for factor in monomial.exponents):
            raise GiveUpError("a logarithm of what is 0 for most indices")
        scale = max(coefficient, -coefficient)
        parts = [self._logarithms(scale, outside)]
        if len(inside) == 1 and coefficient > 0:
            ((factor, power),) = inside.items()
            if power.denominator > 1 or power.numerator % 2:
                parts.append(self.scaled(power, single(Applied("log", 0, single(factor)))))
                return self.add(parts)
        if inside or coefficient < 0:
            rest = Polynomial({Monomial(inside): -1 if coefficient < 0 else 1})
            parts.append(single(Applied("log", 0, rest)))
        return self.add(parts)

    def _logarithms(self, scale: Exact, factors: Exponents) -> Polynomial:
        """Return the logarithm of a product of positive factors."""
        found = []
        for part, sign in ((scale.numerator, 1), (scale.denominator, -1)):
            for prime, count in primes(part):
                found.append(self.scaled(sign * count, single(Applied("log", 0, number(prime)))))
        for factor, power in factors.items():
            inside = factor.inside if isinstance(factor, Base) else single(factor)
            each = factor.inside if isinstance(factor, Exponential) else single(Applied("log", 0, inside))
            found.append(self.scaled(power, each))
        return self.add(found)


def _is_never_zero(factor: Factor) -> bool:
    """Return whether a factor is surely not 0; e^{n log x} is x^n, which can be."""
    if isinstance(factor, Exponential):
        factors = [each for monomial, _ in factor.inside.terms for each in monomial.exponents]
        return not any(
            isinstance(each, Applied) and each.name == "log" and each.open | each.tensors for each in factors
        )
    return isinstance(factor, PositiveNumber)
