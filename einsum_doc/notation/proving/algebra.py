"""Sums over indices, and components with other indices, or with what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from einsum_doc.notation.proving.binding import bound_total
from einsum_doc.notation.proving.elementary import Functions
from einsum_doc.notation.proving.polynomial import (
    ONE,
    UNIT,
    Applied,
    Base,
    Choice,
    Exponential,
    Factor,
    GiveUpError,
    Monomial,
    Polynomial,
    PositiveNumber,
    TensorEntry,
    Total,
    number,
    single,
)
from einsum_doc.notation.proving.ring import Renamed

Replace = Callable[[TensorEntry], Polynomial | None]

NONE: frozenset[str] = frozenset()


class Algebra(Functions):
    """The operations on polynomials.

    contracted: returns the sum of a product over indices in which a matrix meets its inverse; None for others.
    sizes: of each index, its name. numbers: the sizes that are known. symmetric: the heads of symmetric matrices.
    totals: tensors whose components sum to one, each with the axis.
    """

    def __init__(self, work: int, contracted: Callable[[Monomial, list[str]], Polynomial | None]) -> None:
        super().__init__(work)
        self.contracted = contracted
        self.sizes: dict[str, str] = {}
        self.numbers: dict[str, int] = {}
        self.symmetric: set[tuple[str, ...]] = set()
        self.totals: dict[str, int] = {}
        self._fresh = 0
        self._renamed: dict[tuple[str, tuple[tuple[str, str], ...]], Polynomial] = {}

    def fresh(self, size: str) -> str:
        """Return a new name of an index."""
        self._fresh += 1
        name = f"~{self._fresh}"
        self.sizes[name] = size
        return name

    def size(self, name: str) -> Polynomial:
        """Return a size, a number or a letter."""
        return number(self.numbers[name]) if name in self.numbers else single(PositiveNumber(f"|{name}|"))

    def summed(self, polynomial: Polynomial, *indices: str) -> Polynomial:
        """Return the sum of a polynomial over indices."""
        for index in indices:
            terms = [self.scaled(coefficient, self._summed(each, index)) for each, coefficient in polynomial.terms]
            polynomial = self.add(terms)
        return polynomial

    def _summed(self, monomial: Monomial, index: str) -> Polynomial:
        if index not in monomial.open:
            self.used["1"] += 1
            return self.times(Polynomial({monomial: ONE}), self.size(self.sizes[index]))
        for factor in monomial.exponents:
            if isinstance(factor, Choice) and factor.sign == "=" and index in factor.open:
                other = factor.second if factor.first == index else factor.first
                if not (other[0] == "#" and other[1:].isdigit()) and self.sizes[index] != self.sizes.get(other):
                    raise GiveUpError("a δ of two ranges")
                rest = {each: power for each, power in monomial.factors if each is not factor}
                self.used["δ"] += 1
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
        """Return the sum of a monomial over indices that connect all of its factors."""
        equal = {
            name
            for factor in body.exponents
            if isinstance(factor, Choice) and factor.sign == "="
            for name in factor.open
        }
        if equal.intersection(names) or not body.open.issuperset(names):
            return self.summed(Polynomial({body: ONE}), *sorted(names, key=lambda name: name not in equal))
        contracted = self.contracted(body, names)
        if contracted is not None:
            return contracted
        return number(1) if self._is_total(names, body) else bound_total(self, names, body)

    def _is_total(self, names: list[str], body: Monomial) -> bool:
        """Return whether a sum is one of those that are said to be 1."""
        ((first, power), *more) = body.factors
        if more or power != 1 or not isinstance(first, TensorEntry) or len(first.head) > 1 or len(names) > 1:
            return False
        place = self.totals.get(first.head[0])
        return place is not None and first.indices[place] == names[0] and first.indices.count(names[0]) == 1

    def renamed(self, polynomial: Polynomial, names: Renamed) -> Polynomial:
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

    def rebuilt(
        self, polynomial: Polynomial, names: Renamed, replace: Replace, tensors: frozenset[str] = NONE
    ) -> Polynomial:
        """Return a polynomial with other names for open indices, and with components of some tensors replaced."""
        found = []
        for monomial, coefficient in polynomial.terms:
            same: dict[Factor, Fraction] = {}
            parts = []
            for factor, power in monomial.factors:
                if factor.open.isdisjoint(names) and factor.tensors.isdisjoint(tensors):
                    same[factor] = power
                elif isinstance(factor, Exponential):  # Its exponent is a number in what it is of: e^{n/2 · log x}.
                    inside = self.rebuilt(factor.inside, names, replace, tensors)
                    parts.append(self.exponential(self.scaled(power, inside)))
                else:
                    parts.append(self.power(self._rebuilt(factor, names, replace, tensors), power))
            whole = Polynomial({Monomial(same) if parts else monomial: coefficient})
            found.append(self.product([whole, *parts]))
        return self.add(found)

    def _rebuilt(self, factor: Factor, names: Renamed, replace: Replace, tensors: frozenset[str]) -> Polynomial:
        match factor:
            case TensorEntry(head=head, indices=indices):
                moved = self.entry(head, tuple(names.get(index, index) for index in indices))
                replaced = replace(moved)
                return single(moved) if replaced is None else replaced
            case Choice(sign=sign, first=first, second=second):
                return self.choice(sign, names.get(first, first), names.get(second, second))
            case Applied(name=name, order=order):
                return self.applied(name, order, self.rebuilt(factor.inside, names, replace, tensors))
            case Base():
                return self.rebuilt(factor.inside, names, replace, tensors)
            case Total():
                fresh = {name: self.fresh(size) for name, size in zip(factor.names, factor.sizes, strict=True)}
                inner = self.rebuilt(factor.inside, {**names, **fresh}, replace, tensors)
                if factor.sign != "Σ":
                    return self.reduced(inner, next(iter(fresh.values())), factor.sign)
                return self.summed(inner, *fresh.values())
            case _:
                return single(factor)

    def entry(self, head: tuple[str, ...], indices: tuple[str, ...]) -> TensorEntry:
        """Return a component of a tensor; of a symmetric one, with its last two indices in order."""
        if head in self.symmetric:
            indices = (*indices[:-2], *sorted(indices[-2:]))
        return TensorEntry(head, indices)

    def reduced(self, body: Polynomial, index: str, sign: str) -> Polynomial:
        """Return the product, the maximum or the minimum of all values of a polynomial."""
        if sign == "mean":
            size = self.power(self.size(self.sizes[index]), Fraction(-1))
            return self.times(self.summed(body, index), size)
        if sign == "min":
            return self.scaled(-1, self.reduced(self.scaled(-1, body), index, "max"))
        ((monomial, coefficient), *more) = body.terms or ((UNIT, ONE),)
        parts = sign == "∏" and not more and coefficient == 1 and len(monomial.factors) > 1
        if parts and all(index in factor.open and not factor.is_one_or_zero for factor in monomial.exponents):
            return self.product(self.power(self.reduced(single(f), index, sign), e) for f, e in monomial.factors)
        name = f"${body.bound}"
        inner = self.renamed(body, {index: name})
        return single(Total((name,), (self.sizes[index],), inner, sign))
