"""Sums, products, powers and sums over indices of polynomials, each result in normal form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import combinations
from math import gcd, lcm

from einsum_doc.notation.proving.binding import bound_total
from einsum_doc.notation.proving.polynomial import (
    ONE,
    UNIT,
    ZERO,
    Applied,
    Base,
    Choice,
    Constant,
    Entry,
    Exponential,
    Exponents,
    Factor,
    GiveUpError,
    Monomial,
    Polynomial,
    Total,
    number,
    single,
)

Names = Mapping[str, str]
Replace = Callable[[Entry], Polynomial | None]

NONE: frozenset[str] = frozenset()

HIGHEST = 12
"""The greatest power of a sum that is multiplied out."""

HALF = Fraction(1, 2)


class Algebra:
    """The operations on polynomials.

    sizes: of each open index, its name. contracted: a pair of components that share an index and what they are
    together, such as a matrix and its inverse; None for others. positive: the names of tensors that are never
    negative. work: the number of products that may still be formed.
    """

    def __init__(self, work: int, contracted: Callable[[Entry, Entry, str], Polynomial | None]) -> None:
        self.work = work
        self.sizes: dict[str, str] = {}
        self.numbers: dict[str, int] = {}
        self.positive: set[str] = set()
        self.symmetric: set[tuple[str, ...]] = set()
        self.totals: dict[str, int] = {}
        self.contracted = contracted
        self._fresh = 0
        self._renamed: dict[tuple[str, tuple[tuple[str, str], ...]], Polynomial] = {}

    # -- sums and products

    def add(self, parts: Iterable[Polynomial]) -> Polynomial:
        """Return the sum of polynomials."""
        terms: dict[Monomial, Fraction] = {}
        for part in parts:
            for monomial, coefficient in part.terms:
                terms[monomial] = terms[monomial] + coefficient if monomial in terms else coefficient
        return Polynomial(terms)

    def scaled(self, factor: Fraction | int, part: Polynomial) -> Polynomial:
        """Return a multiple of a polynomial."""
        if factor == 1:
            return part
        return Polynomial({monomial: factor * coefficient for monomial, coefficient in part.terms})

    def minus(self, left: Polynomial, right: Polynomial) -> Polynomial:
        """Return a difference."""
        return self.add([left, self.scaled(-1, right)])

    def product(self, parts: Iterable[Polynomial]) -> Polynomial:
        """Return the product of polynomials."""
        found = number(1)
        for part in parts:
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
                found.append(self.scaled(above * below, self.monomial(_merged(first.exponents, second.exponents))))
        return self.add(found)

    def monomial(self, exponents: Exponents) -> Polynomial:
        """Return the product of factors with these exponents, whatever these are."""
        self.work -= 1
        if self.work < 0:
            raise GiveUpError("too many terms")
        own = {factor: exponent for factor, exponent in exponents.items() if exponent}
        for factor, exponent in own.items():
            if isinstance(factor, Base) and exponent.denominator == 1 and (exponent > 0 or len(factor.inside.terms) == 1):
                rest = {other: power for other, power in own.items() if other is not factor}
                return self.times(self.monomial(rest), self.power(factor.inside, exponent))
        if any(factor.is_one_or_zero for factor in own):
            choices = [factor for factor in own if isinstance(factor, Choice)]
            if any(own[choice] < 0 for choice in choices):
                raise GiveUpError("a division by what is 0 for most indices")
            rest = {factor: power for factor, power in own.items() if not factor.is_one_or_zero}
            return self._chosen(choices, rest)
        coefficient = ONE
        for factor in [factor for factor in own if isinstance(factor, Constant) and factor.key.isdigit()]:
            whole = own[factor].numerator // own[factor].denominator
            coefficient *= Fraction(int(factor.key)) ** whole
            own[factor] -= whole
            if not own[factor]:
                del own[factor]
        for rule in (_circular, _absolute):
            found = rule(self, own)
            if found is not None:
                return self.scaled(coefficient, found)
        found = self._divided(own)
        return self.scaled(coefficient, found) if found is not None else Polynomial({Monomial(own): coefficient})

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
            if first[0] == "#" and second[0] == "#":
                if first[1:].isdigit() and second[1:].isdigit():
                    return ZERO
                continue
            one = min(first, second, key=lambda index: (index[0] != "#", index))
            names[second if one == first else first] = one
        moved = {index: name(index) for index in names}
        stable = all(choice.sign == "=" and choice.second in moved and choice.first == name(choice.second) for choice in choices if choice.open & moved.keys())
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
        parts += [self.choice(choice.sign, name(choice.first), name(choice.second)) for choice in choices]
        return self.times(self.renamed(self.monomial(rest), moved), self.product(parts))

    def _divided(self, own: Mapping[Factor, Fraction]) -> Polynomial | None:
        """Write u/(1 + u) as 1 − 1/(1 + u): no product holds the first term of what it is divided by."""
        for base, exponent in own.items():
            if not isinstance(base, Base) or exponent > 0:
                continue
            (first, leading), *others = _ordered(base.inside)
            *varying, (last, constant) = [(first, leading), *others]
            if not last.factors and any(
                power < 0 and all(monomial.exponents.get(factor, 0) > 0 for monomial, _ in varying)
                for factor, power in own.items()
            ):
                rest = Polynomial({monomial: -coefficient / constant for monomial, coefficient in varying})
                less = self.scaled(1 / constant, self.monomial({**own, base: exponent + 1}))
                found = [less]
                for monomial, coefficient in rest.terms:
                    found.append(self.scaled(coefficient, self.monomial(_merged(own, monomial.exponents))))
                return self.add(found)
            if not first.factors or any(own.get(factor, Fraction(0)) < power for factor, power in first.factors):
                continue
            quotient = {**own}
            for factor, power in first.factors:
                quotient[factor] -= power
            rest = Polynomial({monomial: -coefficient / leading for monomial, coefficient in others})
            less = self.scaled(1 / leading, self.monomial({**quotient, base: exponent + 1}))
            return self.add([less, self.times(self.monomial(quotient), rest)])
        return None

    # -- powers

    def power(self, base: Polynomial, exponent: Fraction) -> Polynomial:
        """Return a power with a rational exponent."""
        if exponent == 0:
            return number(1)
        if exponent == 1:
            return base
        if not base.terms:
            if exponent > 0:
                return ZERO
            raise GiveUpError("a division by 0")
        if exponent.denominator == 1 and exponent > 0:
            if exponent > HIGHEST and len(base.terms) > 1:
                raise GiveUpError("a power too high to be multiplied out")
            if len(base.terms) == 1:
                return self._of_monomial(*base.terms[0], exponent)
            half = self.power(base, Fraction(int(exponent) // 2))
            whole = self.times(half, half)
            return self.times(whole, base) if exponent % 2 else whole
        if all(any(factor.is_one_or_zero for factor in monomial.exponents) for monomial, _ in base.terms):
            if exponent > 0 and len(base.terms) == 1:
                return self._of_monomial(*base.terms[0], exponent)
            raise GiveUpError("a division by what is 0 for most indices")
        if len(base.terms) == 1:
            return self._of_monomial(*base.terms[0], exponent)
        return self._of_sum(base, exponent)

    def _of_monomial(self, monomial: Monomial, coefficient: Fraction, exponent: Fraction) -> Polynomial:
        if exponent.denominator == 1:
            powers = {factor: power * exponent for factor, power in monomial.factors}
            return self.scaled(coefficient**exponent.numerator, self.monomial(powers))
        outside: dict[Factor, Fraction] = {}
        inside: dict[Factor, Fraction] = {}
        absolute: list[Polynomial] = []
        for factor, power in monomial.factors:
            if power.denominator == 1 and power.numerator % 2 == 0 and not self.is_positive(factor):
                absolute.append(self.power(self.applied("abs", 0, single(factor)), power * exponent))
            else:
                (outside if self.is_positive(factor) else inside)[factor] = power
        if len(inside) == 1 and coefficient > 0:
            ((factor, power),) = inside.items()
            if power.denominator > 1 or power.numerator % 2:
                outside[factor], inside = power, {}
        powers = {factor: power * exponent for factor, power in outside.items()}
        if inside or coefficient < 0:
            base = Polynomial({Monomial(inside): Fraction(-1 if coefficient < 0 else 1)})
            powers[Base(base)] = exponent
        return self.product([self.root(abs(coefficient), exponent), self.monomial(powers), *absolute])

    def _of_sum(self, base: Polynomial, exponent: Fraction) -> Polynomial:
        """Return the power of a sum: what all its terms share is written outside."""
        content, shared = self.content(base)
        if exponent.denominator == 1:
            outside = shared
        else:
            outside = {factor: power for factor, power in shared.items() if self.is_positive(factor)}
        inner = base
        if outside:
            inner = self.times(base, self.monomial({factor: -power for factor, power in outside.items()}))
        inner = self.scaled(1 / content, inner)
        sign = ONE
        if exponent.denominator == 1 and _ordered(inner)[0][1] < 0:
            sign, inner = Fraction(-1) ** exponent.numerator, self.scaled(-1, inner)
        powers: dict[Factor, Fraction] = {factor: power * exponent for factor, power in outside.items()}
        whole = self.times(self.root(content, exponent), self.monomial(powers))
        if len(inner.terms) > 1:
            inner = self.monomial({Base(inner): exponent})
        else:
            inner = self.power(inner, exponent)
        return self.scaled(sign, self.times(whole, inner))

    def content(self, base: Polynomial) -> tuple[Fraction, dict[Factor, Fraction]]:
        """Return the greatest number and the factors, with their exponents, that all terms share."""
        over, under = 0, 1
        for _, coefficient in base.terms:
            over, under = gcd(over, coefficient.numerator), lcm(under, coefficient.denominator)
        everything = {factor for monomial, _ in base.terms for factor in monomial.exponents}
        shared = {}
        for factor in everything:
            least = min(monomial.exponents.get(factor, Fraction(0)) for monomial, _ in base.terms)
            if least and not factor.is_one_or_zero:
                shared[factor] = least
        return Fraction(over, under), shared

    def root(self, value: Fraction, exponent: Fraction) -> Polynomial:
        """Return a power of a positive number."""
        if value == 1 or exponent.denominator == 1:
            return number(value**exponent.numerator if exponent.denominator == 1 else 1)
        powers: dict[Factor, Fraction] = {}
        for part, sign in ((value.numerator, 1), (value.denominator, -1)):
            for prime, count in _primes(part):
                powers[Constant(str(prime))] = sign * count * exponent
        return self.monomial(powers)

    def is_positive(self, factor: Factor) -> bool:
        """Return whether a factor is never negative, by its form."""
        match factor:
            case Constant() | Exponential() | Choice():
                return True
            case Entry(head=(name, *_)):
                return name in self.positive and len(factor.head) == 1
            case Applied(name=name, order=0):
                return name in ("abs", "normalcdf")
            case Total() | Base():
                return self.is_never_negative(factor.inside)
            case _:
                return False

    def is_never_negative(self, polynomial: Polynomial) -> bool:
        """Return whether a polynomial is never negative, by its form."""
        return all(
            coefficient > 0
            and all(
                self.is_positive(factor) or (power.denominator == 1 and power.numerator % 2 == 0) or power.denominator % 2 == 0
                for factor, power in monomial.factors
            )
            for monomial, coefficient in polynomial.terms
        )

    # -- indices

    def fresh(self, size: str) -> str:
        """Return a new name of an index."""
        self._fresh += 1
        name = f"~{self._fresh}"
        self.sizes[name] = size
        return name

    def size(self, name: str) -> Polynomial:
        """Return a size, a number or a letter."""
        return number(self.numbers[name]) if name in self.numbers else single(Constant(f"|{name}|"))

    def summed(self, polynomial: Polynomial, index: str) -> Polynomial:
        """Return the sum of a polynomial over an index."""
        found = []
        for monomial, coefficient in polynomial.terms:
            found.append(self.scaled(coefficient, self._summed(monomial, index)))
        return self.add(found)

    def _summed(self, monomial: Monomial, index: str) -> Polynomial:
        if index not in monomial.open:
            return self.times(Polynomial({monomial: ONE}), self.size(self.sizes[index]))
        for factor in monomial.exponents:
            if isinstance(factor, Choice) and factor.sign == "=" and index in factor.open:
                other = factor.second if factor.first == index else factor.first
                rest = {each: power for each, power in monomial.factors if each is not factor}
                return self.renamed(self.monomial(rest), {index: other})
        outside: dict[Factor, Fraction] = {}
        inside: dict[Factor, Fraction] = {}
        names = [index]
        opened: list[Polynomial] = []
        for factor, power in monomial.factors:
            if index not in factor.open:
                outside[factor] = power
            elif isinstance(factor, Total) and factor.sign == "Σ" and power.denominator == 1 and power > 0:
                for _ in range(int(power)):
                    fresh = {name: self.fresh(size) for name, size in zip(factor.names, factor.sizes, strict=True)}
                    names += fresh.values()
                    opened.append(self.renamed(factor.inside, fresh))
            else:
                inside[factor] = power
        whole = self.times(self.monomial(inside), self.product(opened))
        found = []
        for each, coefficient in whole.terms:
            found.append(self.scaled(coefficient, self._bound(names, each)))
        return self.times(self.monomial(outside), self.add(found))

    def _bound(self, names: list[str], body: Monomial) -> Polynomial:
        """Return the sum of a monomial over indices that all of it hangs together by."""
        equal = {name for factor in body.exponents if isinstance(factor, Choice) and factor.sign == "=" for name in factor.open}
        if equal.intersection(names) or not body.open.issuperset(names):
            found = Polynomial({body: ONE})
            for name in sorted(names, key=lambda name: name not in equal):
                found = self.summed(found, name)
            return found
        for first, second in combinations([f for f, e in body.factors if isinstance(f, Entry) and e == 1], 2):
            for name in names:
                if name in first.open and name in second.open:
                    together = self.contracted(first, second, name)
                    if together is not None:
                        rest = {f: e for f, e in body.factors if f is not first and f is not second}
                        if not any(name in factor.open for factor in rest):
                            found = self.times(self.monomial(rest), together)
                            for each in names:
                                if each != name:
                                    found = self.summed(found, each)
                            return found
        ((first, power), *more) = body.factors
        if isinstance(first, Entry) and not more and power == 1 and first.head[0] in self.totals and len(names) == 1:
            place = self.totals[first.head[0]]
            if first.indices[place] == names[0] and first.indices.count(names[0]) == 1 and len(first.head) == 1:
                return number(1)
        return bound_total(self, names, body)

    def renamed(self, polynomial: Polynomial, names: Names) -> Polynomial:
        """Return a polynomial with other names for open indices."""
        own = {name: other for name, other in names.items() if name in polynomial.open and name != other}
        if not own:
            return polynomial
        key = (polynomial.key, tuple(sorted(own.items())))
        if key not in self._renamed:
            self._renamed[key] = self.rebuilt(polynomial, own, lambda entry: None)
        return self._renamed[key]

    def forget(self) -> None:
        """Forget results that depend on which tensors are symmetric."""
        self._renamed.clear()

    def rebuilt(self, polynomial: Polynomial, names: Names, replace: Replace, tensors: frozenset[str] = NONE) -> Polynomial:
        """Return a polynomial with other names for open indices, and with components of some tensors replaced."""
        found = []
        for monomial, coefficient in polynomial.terms:
            same: dict[Factor, Fraction] = {}
            parts = []
            for factor, power in monomial.factors:
                if factor.open.isdisjoint(names) and factor.tensors.isdisjoint(tensors):
                    same[factor] = power
                else:
                    parts.append(self.power(self._rebuilt(factor, names, replace, tensors), power))
            whole = Polynomial({Monomial(same) if parts else monomial: coefficient})
            found.append(self.product([whole, *parts]))
        return self.add(found)

    def _rebuilt(self, factor: Factor, names: Names, replace: Replace, tensors: frozenset[str]) -> Polynomial:
        match factor:
            case Entry(head=head, indices=indices):
                moved = self.entry(head, tuple(names.get(index, index) for index in indices))
                replaced = replace(moved)
                return single(moved) if replaced is None else replaced
            case Choice(sign=sign, first=first, second=second):
                return self.choice(sign, names.get(first, first), names.get(second, second))
            case Exponential():
                return self.exponential(self.rebuilt(factor.inside, names, replace, tensors))
            case Applied(name=name, order=order):
                return self.applied(name, order, self.rebuilt(factor.inside, names, replace, tensors))
            case Base():
                return self.rebuilt(factor.inside, names, replace, tensors)
            case Total():
                fresh = {name: self.fresh(size) for name, size in zip(factor.names, factor.sizes, strict=True)}
                inner = self.rebuilt(factor.inside, {**names, **fresh}, replace, tensors)
                if factor.sign != "Σ":
                    return self.reduced(inner, next(iter(fresh.values())), factor.sign)
                for name in fresh.values():
                    inner = self.summed(inner, name)
                return inner
            case _:
                return single(factor)

    def entry(self, head: tuple[str, ...], indices: tuple[str, ...]) -> Entry:
        """Return a component of a tensor; of a symmetric one, with its last two indices in order."""
        if head in self.symmetric:
            indices = (*indices[:-2], *sorted(indices[-2:]))
        return Entry(head, indices)

    def choice(self, sign: str, first: str, second: str) -> Polynomial:
        """Return 1 where a relation between two indices holds, and 0 elsewhere."""
        match sign:
            case "=" | "<":
                if first == second:
                    return number(sign == "=")
                if first[1:].isdigit() and second[1:].isdigit() and first[0] == second[0] == "#":
                    return number(sign == "<" and int(first[1:]) < int(second[1:]))
                if sign == "<" and (_rank(second), second) < (_rank(first), first) and not _rank(first) == _rank(second) == 2:
                    equal, less = self.choice("=", first, second), single(Choice("<", second, first))
                    return self.add([number(1), self.scaled(-1, equal), self.scaled(-1, less)])
                return single(Choice(sign, first, second))
            case ">":
                return self.choice("<", second, first)
            case "≤":
                return self.minus(number(1), self.choice("<", second, first))
            case "≥":
                return self.minus(number(1), self.choice("<", first, second))
            case "≠":
                return self.minus(number(1), self.choice("=", first, second))
        raise GiveUpError(f"the sign {sign}")

    def reduced(self, body: Polynomial, index: str, sign: str) -> Polynomial:
        """Return the product, the maximum or the minimum of all values of a polynomial."""
        if sign == "min":
            return self.scaled(-1, self.reduced(self.scaled(-1, body), index, "max"))
        ((monomial, coefficient), *more) = body.terms or ((UNIT, ONE),)
        if sign == "∏" and not more and coefficient == 1 and len(monomial.factors) > 1:
            if all(index in factor.open and not factor.is_one_or_zero for factor in monomial.exponents):
                each = [self.power(self.reduced(single(f), index, sign), e) for f, e in monomial.factors]
                return self.product(each)
        name = f"${body.bound}"
        inner = self.renamed(body, {index: name})
        return single(Total((name,), (self.sizes[index],), inner, sign))

    # -- functions

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
        if name in ODD | EVEN and argument.terms and _ordered(argument)[0][1] < 0:
            found = self.applied(name, order, self.scaled(-1, argument))
            return self.scaled(-1, found) if (name in ODD) == (order % 2 == 0) else found
        if name == "abs" and not order and self.is_never_negative(argument):
            return argument
        if name in ("abs", "sign") and not order and len(argument.terms) == 1:
            return self._piecewise(name, *argument.terms[0])
        if name in VALUE_AT_ZERO and not argument.terms and not order:
            return number(VALUE_AT_ZERO[name])
        return single(Applied(name, order, argument))

    def _piecewise(self, name: str, monomial: Monomial, coefficient: Fraction) -> Polynomial:
        """Return the absolute value or the sign of a monomial: that of a number and of positive factors is known."""
        positive = {f: e for f, e in monomial.factors if self.is_positive(f) and not f.is_one_or_zero}
        rest = Polynomial({Monomial({f: e for f, e in monomial.factors if f not in positive}): ONE})
        outside = self.scaled(abs(coefficient), self.monomial(positive)) if name == "abs" else number(1)
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
            content, shared = self.content(argument)
            outside = {factor: power for factor, power in shared.items() if self.is_positive(factor)}
            inner = self.times(argument, self.monomial({factor: -power for factor, power in outside.items()}))
            inner = self.scaled(1 / content, inner)
            parts = [self._logarithms(content, outside)]
            if len(inner.terms) == 1:
                return self.add([*parts, self.logarithm(inner)])
            return self.add([*parts, single(Applied("log", 0, inner))])
        ((monomial, coefficient),) = argument.terms
        outside = {factor: power for factor, power in monomial.factors if self.is_positive(factor)}
        inside = {factor: power for factor, power in monomial.factors if factor not in outside}
        if any(factor.is_one_or_zero for factor in monomial.exponents):
            raise GiveUpError("a logarithm of what is 0 for most indices")
        scale = abs(coefficient)
        parts = [self._logarithms(scale, outside)]
        if len(inside) == 1 and coefficient > 0:
            ((factor, power),) = inside.items()
            if power.denominator > 1 or power.numerator % 2:
                parts.append(self.scaled(power, single(Applied("log", 0, single(factor)))))
                return self.add(parts)
        if inside or coefficient < 0:
            rest = Polynomial({Monomial(inside): Fraction(-1 if coefficient < 0 else 1)})
            parts.append(single(Applied("log", 0, rest)))
        return self.add(parts)

    def _logarithms(self, scale: Fraction, factors: Exponents) -> Polynomial:
        """Return the logarithm of a product of positive factors."""
        found = []
        for part, sign in ((scale.numerator, 1), (scale.denominator, -1)):
            for prime, count in _primes(part):
                found.append(self.scaled(sign * count, single(Applied("log", 0, number(prime)))))
        for factor, power in factors.items():
            if isinstance(factor, Exponential):
                found.append(self.scaled(power, factor.inside))
            elif isinstance(factor, Base) and len(factor.inside.terms) > 1:
                found.append(self.scaled(power, single(Applied("log", 0, factor.inside))))
            else:
                found.append(self.scaled(power, single(Applied("log", 0, single(factor)))))
        return self.add(found)


ODD = frozenset(["sin", "arcsin", "arctan", "arsinh", "artanh", "erf", "sign"])
EVEN = frozenset(["cos", "abs"])
VALUE_AT_ZERO = dict.fromkeys([*ODD, "abs"], 0) | {"cos": 1}


def _rank(index: str) -> int:
    """Return 0 for a constant index, 1 for an open one, and 2 for one that is summed."""
    return {"#": 0, "~": 2, "$": 2}.get(index[0], 1)


def _merged(first: Exponents, second: Exponents) -> dict[Factor, Fraction]:
    """Return the exponents of a product."""
    found = dict(first)
    for factor, exponent in second.items():
        found[factor] = found[factor] + exponent if factor in found else exponent
    return found


def _circular(algebra: Algebra, own: Mapping[Factor, Fraction]) -> Polynomial | None:
    """Write sin² as 1 − cos², or cos² as 1 − sin² above a sine."""
    for factor, power in own.items():
        if not isinstance(factor, Applied) or factor.order or factor.name not in ("sin", "cos") or power < 2:
            continue
        other = Applied("cos" if factor.name == "sin" else "sin", 0, factor.inside)
        if factor.name == "sin" or own.get(other, 0) < 0:
            square = algebra.minus(number(1), Polynomial({Monomial({other: Fraction(2)}): ONE}))
            return algebra.times(algebra.monomial({**own, factor: power - 2}), square)
    return None


def _absolute(algebra: Algebra, own: Mapping[Factor, Fraction]) -> Polynomial | None:
    """Write |x|² as x², and |x| sign x as x."""
    for factor, power in own.items():
        if not isinstance(factor, Applied) or factor.order or factor.name != "abs":
            continue
        if power.denominator == 1 and abs(power) >= 2:
            even = Fraction(2 * int(power / 2))
            rest = algebra.monomial({**own, factor: power - even})
            return algebra.times(rest, algebra.power(factor.inside, even))
        sign = Applied("sign", 0, factor.inside)
        if power >= 1 and own.get(sign, 0) >= 1:
            rest = algebra.monomial({**own, factor: power - 1, sign: own[sign] - 1})
            return algebra.times(rest, factor.inside)
    return None


def _ordered(polynomial: Polynomial) -> list[tuple[Monomial, Fraction]]:
    """Return the terms, first the one that the others are less than: the order is that of products."""
    factors = sorted({f for monomial, _ in polynomial.terms for f in monomial.exponents}, key=lambda f: (f.form, f.key))
    return sorted(
        polynomial.terms, key=lambda term: [term[0].exponents.get(factor, Fraction(0)) for factor in factors], reverse=True
    )


def _primes(value: int) -> list[tuple[int, int]]:
    """Return the prime factors of a number, each with its count."""
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
