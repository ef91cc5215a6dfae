"""Sums, products and powers of polynomials, each result in normal form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from math import gcd, lcm
from types import MappingProxyType

from einsum_doc.notation.proving.polynomial import (
    ONE,
    ZERO,
    Applied,
    Base,
    Choice,
    Exact,
    Exponential,
    Exponents,
    Factor,
    GiveUpError,
    IndexValue,
    Monomial,
    Polynomial,
    PositiveNumber,
    TensorEntry,
    Total,
    is_digit,
    number,
    ratio,
    single,
)

Renamed = Mapping[str, str]

LONGEST = 2_000
"""The most bits of a number."""

HIGHEST = 12
"""The greatest power of a sum that is multiplied out."""


class Ring(ABC):
    """Sums, products and powers.

    work: the number of products that may still be formed. used: how often each rule was applied. positive: the names
    of tensors that are never negative.
    """

    def __init__(self, work: int) -> None:
        self.work = work
        self.used: Counter[str] = Counter()
        self.positive: set[str] = set()
        self._products: dict[frozenset[tuple[Factor, Exact]], Polynomial] = {}

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Count no rules: they are those of what a part stands for, not of the row."""
        used = Counter(self.used)
        yield
        self.used = used

    @abstractmethod
    def renamed(self, polynomial: Polynomial, names: Renamed) -> Polynomial:
        """Return a polynomial with other names for open indices."""

    @abstractmethod
    def choice(self, sign: str, first: str, second: str) -> Polynomial:
        """Return 1 where a relation between two indices holds, and 0 elsewhere."""

    @abstractmethod
    def picked(self, own: Exponents) -> Polynomial | None:
        """Return a product of which a factor tells the only term of another that is a sum; None for others."""

    @abstractmethod
    def applied(self, name: str, order: int, argument: Polynomial) -> Polynomial:
        """Return a function of a polynomial."""

    def add(self, parts: Iterable[Polynomial]) -> Polynomial:
        """Return the sum of polynomials."""
        terms: dict[Monomial, Exact] = {}
        for part in parts:
            for monomial, coefficient in part.terms:
                terms[monomial] = terms[monomial] + coefficient if monomial in terms else coefficient
        return Polynomial(terms)

    def scaled(self, factor: Exact, part: Polynomial) -> Polynomial:
        """Return a multiple of a polynomial."""
        if factor == 1:
            return part
        return Polynomial({monomial: factor * coefficient for monomial, coefficient in part.terms})

    def minus(self, left: Polynomial, right: Polynomial) -> Polynomial:
        """Return a difference."""
        return self.add([left, self.scaled(-1, right)])

    def product(self, parts: Iterable[Polynomial], factors: Exponents = MappingProxyType({})) -> Polynomial:
        """Return the product of polynomials, and of factors with their exponents."""
        coefficient: Exact = ONE
        sums, exponents = [], dict(factors)
        for part in parts:
            if len(part.terms) == 1:
                ((monomial, scale),) = part.terms
                coefficient *= scale
                exponents = _merged(exponents, monomial.exponents)
            else:
                sums.append(part)
        self.used["cancel"] += not all(exponents.values())
        found = self.scaled(coefficient, self.monomial(exponents))
        for part in sums:
            found = self.times(found, part)
        return found

    def times(self, left: Polynomial, right: Polynomial) -> Polynomial:
        """Return the product of two polynomials."""
        for one, other in ((left, right), (right, left)):
            value = one.number
            if value is not None:
                return self.scaled(value, other)
        found = []
        for first, above in left.terms:
            for second, below in right.terms:
                exponents = _merged(first.exponents, second.exponents)
                self.used["cancel"] += not all(exponents.values())
                found.append(self.scaled(above * below, self.monomial(exponents)))
        return self.add(found)

    def monomial(self, exponents: Exponents) -> Polynomial:
        """Return the product of factors with these exponents, whatever these are."""
        self.work -= 1
        if self.work < 0:
            raise GiveUpError("too many terms")
        own = {factor: exponent for factor, exponent in exponents.items() if exponent}
        if all(factor.is_inert for factor in own):
            return Polynomial({Monomial(own): ONE})
        key = frozenset(own.items())
        if key not in self._products:
            self._products[key] = self._monomial(own)
        return self._products[key]

    def _monomial(self, own: dict[Factor, Exact]) -> Polynomial:
        """Return a product to which a rule may apply."""
        for factor, exponent in own.items():
            if (
                isinstance(factor, Base)
                and exponent.denominator == 1
                and (exponent > 0 or len(factor.inside.terms) == 1)
            ):
                rest = {other: power for other, power in own.items() if other is not factor}
                return self.times(self.monomial(rest), self.power(factor.inside, exponent))
        if any(factor.is_one_or_zero for factor in own):
            choices = [factor for factor in own if isinstance(factor, Choice)]  # Every factor that is 1 or 0.
            if any(own[choice] < 0 for choice in choices):
                raise GiveUpError("a division by what is 0 for most indices")
            found = self.picked(own)
            rest = {factor: power for factor, power in own.items() if not factor.is_one_or_zero}
            return self._chosen(choices, rest) if found is None else found
        coefficient: Exact = ONE
        for factor in [factor for factor in own if isinstance(factor, PositiveNumber) and factor.key.isdigit()]:
            whole = own[factor].numerator // own[factor].denominator
            coefficient = ratio(coefficient * Fraction(int(factor.key)) ** whole)
            own[factor] -= whole
            if not own[factor]:
                del own[factor]
        for rule in (_circular, _absolute, _divided):
            found = rule(self, own)
            if found is not None:
                return self.scaled(coefficient, found)
        return Polynomial({Monomial(own): coefficient})

    def _chosen(self, choices: list[Choice], rest: Exponents) -> Polynomial:
        """Return a product in which indices that a δ makes equal are written as one."""
        names: dict[str, str] = {}

        def name(index: str) -> str:
            while index in names:
                index = names[index]
            return index

        for choice in choices:
            first, second = name(choice.first), name(choice.second)
            if choice.sign != "=" or first == second:
                continue
            if is_digit(first) and is_digit(second):
                return ZERO
            if first[0] == "#" and second[0] == "#":
                continue
            one = min(first, second, key=lambda index: (index[0] != "#", index))
            names[second if one == first else first] = one
        moved = {index: name(index) for index in names}
        stable = all(
            choice.sign == "=" and choice.second in moved and choice.first == name(choice.second)
            for choice in choices
            if choice.open & moved.keys()
        )
        stable = stable and not any(factor.open & moved.keys() for factor in rest)
        if stable:
            less = {(choice.first, choice.second) for choice in choices if choice.sign == "<"}
            if any((second, first) in less for first, second in less):
                return ZERO
            found = []
            for monomial, coefficient in self.monomial(rest).terms:
                if any(factor.is_one_or_zero for factor in monomial.exponents):
                    raise GiveUpError("a δ inside of another")
                found.append(Polynomial({Monomial({**monomial.exponents, **dict.fromkeys(choices, ONE)}): coefficient}))
            return self.add(found)
        parts = [self.choice("=", one, index) for index, one in moved.items()]
        parts += [self.renamed(single(choice), moved) for choice in choices]
        return self.times(self.renamed(self.monomial(rest), moved), self.product(parts))

    def power(self, base: Polynomial, exponent: Exact) -> Polynomial:
        """Return a power with a rational exponent."""
        if exponent == 0:
            return number(1)
        if exponent == 1:
            return base
        if not base.terms:
            if exponent > 0:
                return ZERO
            raise GiveUpError("a division by 0")
        if len(base.terms) == 1:
            return self._of_monomial(*base.terms[0], exponent)
        if exponent.denominator == 1 and exponent > 0:
            if exponent > HIGHEST:
                raise GiveUpError("a power too high to be multiplied out")
            half = self.power(base, int(exponent) // 2)
            whole = self.times(half, half)
            return self.times(whole, base) if exponent % 2 else whole
        if all(any(factor.is_one_or_zero for factor in monomial.exponents) for monomial, _ in base.terms):
            raise GiveUpError("a division by what is 0 for most indices")
        return self._of_sum(base, exponent)

    def _of_monomial(self, monomial: Monomial, coefficient: Exact, exponent: Exact) -> Polynomial:
        if (
            max(exponent, -exponent) * max(coefficient.numerator.bit_length(), coefficient.denominator.bit_length())
            > LONGEST
        ):
            raise GiveUpError("a number with too many digits")
        if exponent.denominator == 1:
            powers = {factor: power * exponent for factor, power in monomial.factors}
            return self.scaled(ratio(Fraction(coefficient) ** exponent.numerator), self.monomial(powers))
        outside: dict[Factor, Exact] = {}
        inside: dict[Factor, Exact] = {}
        absolute: list[Polynomial] = []
        for factor, power in monomial.factors:
            if power.denominator == 1 and power.numerator % 2 == 0 and not self.is_nonnegative(factor):
                absolute.append(self.power(self.applied("abs", 0, single(factor)), power * exponent))
            else:
                (outside if self.is_nonnegative(factor) else inside)[factor] = power
        if len(inside) == 1 and coefficient > 0:
            ((factor, power),) = inside.items()
            if (power.denominator > 1 or power.numerator % 2) and not isinstance(factor, Exponential):
                outside[factor], inside = power, {}
        powers = {factor: power * exponent for factor, power in outside.items()}
        if inside or coefficient < 0:
            base = Polynomial({Monomial(inside): -1 if coefficient < 0 else 1})
            powers[Base(base)] = exponent
        return self.product([self.root(max(coefficient, -coefficient), exponent), self.monomial(powers), *absolute])

    def _of_sum(self, base: Polynomial, exponent: Exact) -> Polynomial:
        """Return the power of a sum: what all its terms share is written outside."""
        scale, shared = content(base)
        if exponent.denominator == 1:
            outside = shared
        else:
            outside = {factor: power for factor, power in shared.items() if self.is_nonnegative(factor)}
        inner = base
        if outside:
            inner = self.times(base, self.monomial({factor: -power for factor, power in outside.items()}))
        inner = self.scaled(ratio(1, scale), inner)
        sign = ONE
        if exponent.denominator == 1 and ordered(inner)[0][1] < 0:
            sign, inner = -1 if exponent.numerator % 2 else 1, self.scaled(-1, inner)
        powers: dict[Factor, Exact] = {factor: power * exponent for factor, power in outside.items()}
        whole = self.times(self.root(scale, exponent), self.monomial(powers))
        rest = self.monomial({Base(inner): exponent}) if len(inner.terms) > 1 else self.power(inner, exponent)
        return self.scaled(sign, self.times(whole, rest))

    def root(self, value: Exact, exponent: Exact) -> Polynomial:
        """Return a power of a positive number."""
        if value == 1 or exponent.denominator == 1:
            return number(ratio(Fraction(value) ** exponent.numerator) if exponent.denominator == 1 else 1)
        powers: dict[Factor, Exact] = {}
        for part, sign in ((value.numerator, 1), (value.denominator, -1)):
            for prime, count in primes(part):
                powers[PositiveNumber(str(prime))] = sign * count * exponent
        return self.monomial(powers)

    def is_nonnegative(self, factor: Factor) -> bool:
        """Return whether a factor is never negative, by its form."""
        match factor:
            case PositiveNumber() | Choice() | IndexValue():
                return True
            case Exponential(inside=inside):
                # That of n log x stands for x^n, which has a value for negative x where n is a whole number.
                logs = [f for m, _ in inside.terms for f in m.exponents if isinstance(f, Applied) and f.name == "log"]
                return all(self.is_nonnegative_sum(log.inside) for log in logs)
            case TensorEntry(head=(name, *_)):
                return name in self.positive and len(factor.head) == 1
            case Applied(name=name, order=0):
                return name == "abs"
            case Total() | Base():
                return self.is_nonnegative_sum(factor.inside)
            case _:
                return False

    def is_nonnegative_sum(self, polynomial: Polynomial) -> bool:
        """Return whether a polynomial is never negative, by its form."""
        return all(
            coefficient > 0
            and all(
                self.is_nonnegative(factor)
                or (power.denominator == 1 and power.numerator % 2 == 0)
                or power.denominator % 2 == 0
                for factor, power in monomial.factors
            )
            for monomial, coefficient in polynomial.terms
        )


def _merged(first: Exponents, second: Exponents) -> dict[Factor, Exact]:
    """Return the exponents of a product."""
    found = dict(first)
    for factor, exponent in second.items():
        found[factor] = found[factor] + exponent if factor in found else exponent
    return found


def _circular(ring: Ring, own: Mapping[Factor, Exact]) -> Polynomial | None:
    """Write sin² as 1 − cos², or cos² as 1 − sin² above a sine."""
    for factor, power in own.items():
        if not isinstance(factor, Applied) or factor.order or factor.name not in ("sin", "cos") or power < 2:
            continue
        other = Applied("cos" if factor.name == "sin" else "sin", 0, factor.inside)
        if factor.name == "sin" or own.get(other, 0) < 0:
            square = ring.minus(number(1), Polynomial({Monomial({other: 2}): ONE}))
            return ring.times(ring.monomial({**own, factor: power - 2}), square)
    return None


def _divided(ring: Ring, own: Mapping[Factor, Exact]) -> Polynomial | None:
    """Write u/(1 + u) as 1 − 1/(1 + u): no product holds the first term of what it is divided by."""
    for base, exponent in own.items():
        if not isinstance(base, Base) or exponent > 0:
            continue
        terms = ordered(base.inside)
        (first, leading), *others = terms
        *varying, (last, constant) = terms
        if not last.factors and any(
            power < 0 and all(monomial.exponents.get(factor, 0) > 0 for monomial, _ in varying)
            for factor, power in own.items()
        ):
            rest = Polynomial({monomial: ratio(-coefficient, constant) for monomial, coefficient in varying})
            less = ring.scaled(ratio(1, constant), ring.monomial({**own, base: exponent + 1}))
            more = [ring.scaled(c, ring.monomial(_merged(own, each.exponents))) for each, c in rest.terms]
            return ring.add([less, *more])
        if not first.factors or any(own.get(factor, 0) < power for factor, power in first.factors):
            continue
        quotient = _merged(own, {factor: -power for factor, power in first.factors})
        rest = Polynomial({monomial: ratio(-coefficient, leading) for monomial, coefficient in others})
        less = ring.scaled(ratio(1, leading), ring.monomial({**quotient, base: exponent + 1}))
        return ring.add([less, ring.times(ring.monomial(quotient), rest)])
    return None


def _absolute(ring: Ring, own: Mapping[Factor, Exact]) -> Polynomial | None:
    """Write |x|² as x², and |x| sign x as x."""
    for factor, power in own.items():
        if not isinstance(factor, Applied) or factor.order or factor.name != "abs":
            continue
        if power.denominator == 1 and not -2 < power < 2:
            even = 2 * int(Fraction(power) / 2)
            rest = ring.monomial({**own, factor: power - even})
            return ring.times(rest, ring.power(factor.inside, even))
        sign = Applied("sign", 0, factor.inside)
        if power in (1, -1) and own.get(sign, 0) >= 1:
            rest = ring.monomial({**own, factor: 0, sign: own[sign] - 1})
            return ring.times(rest, ring.power(factor.inside, power))
    return None


def content(base: Polynomial) -> tuple[Exact, dict[Factor, Exact]]:
    """Return the greatest number and the factors, with their exponents, that all terms share."""
    over, under = 0, 1
    for _, coefficient in base.terms:
        over, under = gcd(over, coefficient.numerator), lcm(under, coefficient.denominator)
    everything = {factor for monomial, _ in base.terms for factor in monomial.exponents}
    shared = {}
    for factor in everything:
        least = min(monomial.exponents.get(factor, 0) for monomial, _ in base.terms)
        if least and not factor.is_one_or_zero:
            shared[factor] = least
    return ratio(over, under), shared


def ordered(polynomial: Polynomial) -> list[tuple[Monomial, Exact]]:
    """Return the terms in descending order; a product of two terms has its place by their places."""
    factors = sorted({f for monomial, _ in polynomial.terms for f in monomial.exponents}, key=lambda f: (f.form, f.key))
    return sorted(
        polynomial.terms,
        key=lambda term: [term[0].exponents.get(factor, 0) for factor in factors],
        reverse=True,
    )


def primes(value: int) -> list[tuple[int, int]]:
    """Return the prime factors of a number, each with its count."""
    if value.bit_length() > LONGEST:
        raise GiveUpError("a number with too many digits")
    found, prime = [], 2
    while prime * prime <= value:
        count = 0
        while value % prime == 0:
            value, count = value // prime, count + 1
        if count:
            found.append((prime, count))
        prime += 1
        if prime > 1000:
            raise GiveUpError("a number with a large prime factor")
    return [*found, (value, 1)] if value > 1 else found
