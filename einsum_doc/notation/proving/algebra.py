"""Sums over indices, and components with other indices, or with what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import count
from math import gcd

from einsum_doc.notation.proving.binding import bound_total
from einsum_doc.notation.proving.elementary import Functions
from einsum_doc.notation.proving.polynomial import (
    ONE,
    UNIT,
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
    Position,
    PositiveNumber,
    TensorEntry,
    Terms,
    Total,
    collected,
    is_digit,
    number,
    ratio,
    single,
)
from einsum_doc.notation.proving.ring import Renamed

LAST = "# "
"""The last index of a range is named so, with its size after it; no name in a text has a blank."""


@dataclass(frozen=True)
class Change:
    """How components are replaced. tensors: of which they are. done: of each factor that was met, the result."""

    replace: Callable[[TensorEntry], Polynomial | None] = lambda entry: None
    tensors: frozenset[str] = frozenset()
    done: dict[tuple[str, Exact, frozenset[tuple[str, str]]], Polynomial] = field(default_factory=dict)


class Relations(Functions):
    """The relations between indices, as factors that are 1 or 0.

    sizes: of each index, its name. numbers: the sizes that are known. least: the least number of values that others
    have, if that is more than 1.
    """

    def __init__(self, work: int) -> None:
        super().__init__(work)
        self.sizes: dict[str, str] = {}
        self.numbers: dict[str, int] = {}
        self.least: dict[str, int] = {}

    def size(self, name: str) -> Polynomial:
        """Return a size, a number or a letter."""
        return number(self.numbers[name]) if name in self.numbers else single(PositiveNumber(f"|{name}|"))

    def choice(self, sign: str, first: str, second: str) -> Polynomial:
        """Return 1 where a relation between two indices holds, and 0 elsewhere."""
        match sign:
            case "=" if first == second:
                return number(1)
            case "=" if first[0] == second[0] == "#" and self._differ(first, second):
                return ZERO
            case "<" if first == second or second == "#0":
                return ZERO
            case "<" if is_digit(first) and is_digit(second):
                return number(int(int(first[1:]) < int(second[1:])))
            case "<" if is_digit(first):
                return self.choice("≥", second, f"#{int(first[1:]) + 1}")
            case "<" if second == "#1":
                return self.choice("=", first, "#0")
            case "<" if not is_digit(second) and _comes_first(second, first):
                equal, less = self.choice("=", first, second), self.choice("<", second, first)
                return self.add([number(1), self.scaled(-1, equal), self.scaled(-1, less)])
            case "=" | "<":
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

    def _differ(self, *constants: str) -> bool:
        """Return whether two constant indices are surely different: two numbers, or one and the last of a range."""
        one, other = sorted(constants, key=is_digit)
        if is_digit(one) or one[:2] != LAST:
            return is_digit(one)
        return is_digit(other) and int(other[1:]) + 1 < self.least.get(one[2:], 1)

    def has(self, size: str, index: str) -> bool:
        """Return whether an index is surely one of a range."""
        if is_digit(index):
            return int(index[1:]) < self.numbers.get(size, self.least.get(size, 1))
        return self.sizes.get(index) == size

    def last(self, size: str) -> str:
        """Return the last index of a range, a constant one."""
        if size in self.numbers:
            return f"#{self.numbers[size] - 1}"
        self.sizes[LAST + size] = size
        return LAST + size

    def value(self, index: str) -> Polynomial:
        """Return the value of an index as a number."""
        if index[:2] == LAST:
            return self.minus(self.size(index[2:]), number(1))
        return number(int(index[1:])) if is_digit(index) else single(IndexValue(index))

    def at_most(self, terms: Terms) -> Polynomial:
        """Return 1 where a sum of products of whole numbers is at most 0, and 0 elsewhere."""
        found = collected(terms)
        more = found.pop((), 0)
        match sorted((count, atoms) for atoms, count in found.items()):
            case []:
                return number(int(more <= 0))
            case [(1, (("", (index,)),))]:
                return self.choice("≤", index, f"#{-more}") if more <= 0 else ZERO
            case [(-1, (("", (index,)),))]:
                return self.choice("≥", index, f"#{more}") if more > 0 else number(1)
            case [(-1, (("", (second,)),)), (1, (("", (first,)),))] if more in (0, 1):
                return self.choice("<" if more else "≤", first, second)
            case [(-1, ((size, ()),)), (1, (("", (index,)),))] if size == f"|{self.sizes[index]}|" and more < 3:
                return self.choice("≠", index, self.last(self.sizes[index])) if more == 2 else number(1)
        raise GiveUpError("an order of computed indices")

    def position(self, terms: Terms) -> Polynomial:
        """Return 1 where a sum of products of whole numbers is 0, and 0 elsewhere."""
        products = sorted(collected(terms).items())
        if not products:
            return number(1)
        above_zero = [count > 0 for atoms, count in products if not any(head[:1] == "@" for head, _ in atoms)]
        if products[0][0] == () and len(above_zero) == len(products) and len(set(above_zero)) == 1:
            return ZERO  # A number, and what is not negative.
        shared = gcd(*(count for _, count in products)) * (-1 if products[-1][1] < 0 else 1)
        match [(count // shared, atoms) for atoms, count in products]:
            case [(-1, (("", (first,)),)), (1, (("", (second,)),))]:
                return self.choice("=", first, second)
            case [(1, (("", (index,)),))]:
                return self.choice("=", index, "#0")
            case [(below, ()), (1, (("", (index,)),))]:
                return self.choice("=", index, f"#{-below}")
            case own:
                return single(Position(own))


class Algebra(Relations):
    """The operations on polynomials.

    contracted: returns the sum of a product over indices in which a matrix meets its inverse; None for others.
    symmetric: the heads of symmetric matrices. totals: tensors whose components sum to one, each with the axis.
    values: of each tensor of indices, the size of the range of its values.
    """

    def __init__(self, work: int, contracted: Callable[[Monomial, list[str]], Polynomial | None]) -> None:
        super().__init__(work)
        self.contracted = contracted
        self.symmetric: set[tuple[str, ...]] = set()
        self.totals: dict[str, int] = {}
        self.values: dict[str, str] = {}
        self._fresh = 0
        self._renaming = Change()

    def fresh(self, size: str) -> str:
        """Return a new name of an index."""
        self._fresh += 1
        name = f"~{self._fresh}"
        self.sizes[name] = size
        return name

    def apart(self, total: Total, names: Collection[str]) -> dict[str, str]:
        """Return new names for the indices that a sum binds; those of equal sums beside equal names are equal."""
        found: dict[str, str] = {}
        for index, size in zip(total.names, total.sizes, strict=True):
            every = (f"~{size}.{place}" for place in count())
            found[index] = next(name for name in every if name not in names and name not in found.values())
            self.sizes[found[index]] = size
        return found

    def picked(self, own: Exponents) -> Polynomial | None:
        """Return a product of which a factor tells the only term of another that is a sum; None for others.

        Beside [j = t], the sum of x_k [k = t] over k is x_j, if j and k have one range.
        """
        positions = [factor for factor in own if isinstance(factor, Choice) and factor.sign != "<"]
        totals = [factor for factor in own if isinstance(factor, Total) and factor.sign == "Σ"] if positions else []
        for total in totals:
            ((body, _),) = total.inside.terms
            for inner in [factor for factor in body.exponents if isinstance(factor, Choice) and factor.sign != "<"]:
                for index, size in zip(total.names, total.sizes, strict=True):
                    if index not in inner.open or (isinstance(inner, Position) and not inner.has_one(index)):
                        continue
                    for position in positions:
                        for name in position.open:
                            moved = self.renamed(single(inner), {index: name})
                            if self.sizes.get(name) == size and moved == single(position):
                                rest = self.monomial({f: e for f, e in body.factors if f is not inner})
                                fresh = self.apart(total, total.open | position.open)
                                value = self.renamed(rest, {**fresh, index: name})
                                value = self.summed(value, *(fresh[each] for each in total.names if each != index))
                                others = self.monomial({f: e for f, e in own.items() if f is not total})
                                return self.times(others, self.power(value, own[total]))
        return None

    def summed(self, polynomial: Polynomial, *indices: str) -> Polynomial:
        """Return the sum of a polynomial over indices."""
        if not indices:
            return polynomial
        return self.add(
            [self.scaled(coefficient, self._summed(each, indices)) for each, coefficient in polynomial.terms]
        )

    def _summed(self, monomial: Monomial, indices: tuple[str, ...]) -> Polynomial:
        for index in indices:
            others = [each for each in indices if each != index]
            if index not in monomial.open:
                self.used["1"] += 1
                return self.times(self.summed(Polynomial({monomial: ONE}), *others), self.size(self.sizes[index]))
            for factor, _ in monomial.factors:
                if isinstance(factor, Choice) and factor.sign == "=" and index in factor.open:
                    other = factor.second if factor.first == index else factor.first
                    if not self.has(self.sizes[index], other):
                        continue  # The sum may have no such term.
                    rest = {each: power for each, power in monomial.factors if each is not factor}
                    self.used["δ"] += 1
                    return self.summed(self.renamed(self.monomial(rest), {index: other}), *others)
        names = list(indices)
        kept: dict[Factor, Exact] = {}
        opened: list[Polynomial] = []
        for factor, power in monomial.factors:
            whole = isinstance(factor, Total) and factor.sign == "Σ" and power.denominator == 1 and power > 0
            if whole and isinstance(factor, Total) and not factor.open.isdisjoint(indices):
                for _ in range(int(power)):
                    fresh = self.apart(factor, monomial.open.union(names))
                    names += fresh.values()
                    opened.append(self.renamed(factor.inside, fresh))
            else:
                kept[factor] = power
        if not opened:
            return self._parted(names, monomial)
        found = []
        for each, coefficient in self.times(self.monomial(kept), self.product(opened)).terms:
            again = not each.open.issuperset(names) or any(
                isinstance(factor, Choice) and factor.sign == "=" and not factor.open.isdisjoint(names)
                for factor in each.exponents
            )
            part = self._summed(each, tuple(names)) if again else self._parted(names, each)
            found.append(self.scaled(coefficient, part))
        return self.add(found)

    def _parted(self, names: list[str], body: Monomial) -> Polynomial:
        """Return the sum of a monomial over indices as a product: one sum for factors that share indices."""
        parts: list[tuple[set[str], dict[Factor, Exact]]] = []
        outside: dict[Factor, Exact] = {}
        for factor, power in body.factors:
            own, factors = set(factor.open.intersection(names)), {factor: power}
            if not own:
                outside[factor] = power
                continue
            for part in [part for part in parts if not own.isdisjoint(part[0])]:
                parts.remove(part)
                own |= part[0]
                factors |= part[1]
            parts.append((own, factors))
        found = [self._bound(sorted(own), Monomial(factors)) for own, factors in parts]
        return self.product([self.monomial(outside), *found])

    def _bound(self, names: list[str], body: Monomial) -> Polynomial:
        """Return the sum of a monomial over indices that connect all of its factors."""
        contracted = self.contracted(body, names)
        if contracted is not None:
            return contracted
        total = next((name for name in names if self._is_total(name, body)), None)
        if total is not None:
            return self.summed(number(1), *(name for name in names if name != total))
        return self._ordered(names, body) or bound_total(self, names, body)

    def _ordered(self, names: list[str], body: Monomial) -> Polynomial | None:
        """Return the sum over i < j as one over j < i, or as half of that over i ≠ j; None if it stays as it is."""
        orders = [f for f in body.exponents if isinstance(f, Choice) and f.sign == "<" and f.open <= set(names)]
        if len(orders) != 1 or len(orders[0].open) < 2:
            return None
        first, second = orders[0].first, orders[0].second
        rest = self.monomial({factor: power for factor, power in body.factors if factor is not orders[0]})
        turned = self.times(rest, single(Choice("<", second, first)))
        if [coefficient for _, coefficient in turned.terms] != [1]:
            return None
        one, other = bound_total(self, names, body), bound_total(self, names, turned.terms[0][0])
        if one.key < other.key:
            return None
        whole = self.summed(self.times(rest, self.choice("≠", first, second)), *names)
        return self.scaled(ratio(1, 2), whole) if one == other else self.minus(whole, other)

    def _is_total(self, name: str, body: Monomial) -> bool:
        """Return whether a sum is one of those that are said to be 1."""
        ((first, power), *more) = body.factors
        if isinstance(first, Position) and not more:
            match first.terms:
                case [(-1, (("", (index,)),)), (1, ((head, own),))] if head in self.values:
                    return index == name and name not in own and self.sizes[name] == self.values[head]
        if more or power != 1 or not isinstance(first, TensorEntry) or len(first.head) > 1:
            return False
        place = self.totals.get(first.head[0])
        return place is not None and first.indices[place] == name and first.indices.count(name) == 1

    def renamed(self, polynomial: Polynomial, names: Renamed) -> Polynomial:
        """Return a polynomial with other names for open indices."""
        own = {name: other for name, other in names.items() if name in polynomial.open and name != other}
        return self.rebuilt(polynomial, own, self._renaming) if own else polynomial

    def forget(self) -> None:
        """Forget results that depend on which tensors are symmetric."""
        self._renaming = Change()
        self._products.clear()

    def rebuilt(self, polynomial: Polynomial, names: Renamed, change: Change) -> Polynomial:
        """Return a polynomial with other names for open indices, and with components of some tensors replaced."""
        found = []
        for monomial, coefficient in polynomial.terms:
            kept: dict[Factor, Exact] = {}
            parts = []
            for factor, power in monomial.factors:
                own = {} if factor.open.isdisjoint(names) else {i: names[i] for i in factor.open if i in names}
                if not factor.tensors.isdisjoint(change.tensors) or (own and not isinstance(factor, TensorEntry)):
                    key = factor.key, power, frozenset(own.items())
                    if key not in change.done:
                        change.done[key] = self._rebuilt(factor, power, own, change)
                    parts.append(change.done[key])
                    continue
                moved = self._moved(factor, own) if isinstance(factor, TensorEntry) and own else factor
                kept[moved] = kept[moved] + power if moved in kept else power
            found.append(self.scaled(coefficient, self.product(parts, kept)))
        return self.add(found)

    def _moved(self, entry: TensorEntry, names: Renamed) -> TensorEntry:
        return self.entry(entry.head, tuple(names.get(index, index) for index in entry.indices))

    def _rebuilt(self, factor: Factor, power: Exact, names: Renamed, change: Change) -> Polynomial:
        match factor:
            case TensorEntry():
                moved = self._moved(factor, names)
                replaced = change.replace(moved)
                found = single(moved) if replaced is None else replaced
            case Exponential():  # Its exponent is a number in what it is of: e^{n/2 · log x}.
                return self.exponential(self.scaled(power, self.rebuilt(factor.inside, names, change)))
            case IndexValue(index=index):
                found = self.value(names[index])
            case Position(terms=terms):
                moved_terms = [
                    (count, tuple((head, tuple(names.get(each, each) for each in own)) for head, own in atoms))
                    for count, atoms in terms
                ]
                found = self.position(moved_terms)
            case Choice(sign=sign, first=first, second=second):
                found = self.choice(sign, names.get(first, first), names.get(second, second))
            case Applied(name=name, order=order):
                found = self.applied(name, order, self.rebuilt(factor.inside, names, change))
            case Base():
                found = self.rebuilt(factor.inside, names, change)
            case Total():
                fresh = self.apart(factor, factor.open.union(names.values()))
                inner = self.rebuilt(factor.inside, {**names, **fresh}, change)
                if factor.sign == "Σ":
                    found = self.summed(inner, *fresh.values())
                else:
                    found = self.reduced(inner, next(iter(fresh.values())), factor.sign)
            case _:
                found = single(factor)
        return self.power(found, power)

    def entry(self, head: tuple[str, ...], indices: tuple[str, ...]) -> TensorEntry:
        """Return a component of a tensor; of a symmetric one, with its last two indices in order."""
        if head in self.symmetric:
            indices = (*indices[:-2], *sorted(indices[-2:]))
        return TensorEntry(head, indices)

    def reduced(self, body: Polynomial, index: str, sign: str) -> Polynomial:
        """Return the product, the maximum or the minimum of all values of a polynomial."""
        if sign == "mean":
            size = self.power(self.size(self.sizes[index]), -1)
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


def _comes_first(first: str, second: str) -> bool:
    """Return whether an index stands before another in an order: a constant, an open and a summed one; of sums, any."""
    ranks = [{"#": 0, "~": 2, "$": 2}.get(index[0], 1) for index in (first, second)]
    return (ranks[0], first) < (ranks[1], second) and ranks != [2, 2]
