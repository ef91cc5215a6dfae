"""Expressions of index notation -> polynomials in normal form."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from einsum_doc.notation.expression import (
    Affine,
    Bounded,
    Coordinate,
    Delta,
    Expression,
    Extent,
    Fixed,
    Function,
    Index,
    Indicator,
    Negative,
    NewIndex,
    Number,
    One,
    Ordinal,
    Partial,
    Pi,
    Picked,
    Piecewise,
    Power,
    Product,
    Quotient,
    Reduction,
    Size,
    Subscript,
    Sum,
    Summation,
    Tensor,
    Whole,
)
from einsum_doc.notation.matrices.nodes import Differential
from einsum_doc.notation.proving.derivatives import Derivatives
from einsum_doc.notation.proving.facts import Facts
from einsum_doc.notation.proving.functions import ARGUMENT, meaning, slope
from einsum_doc.notation.proving.inverses import Inverses
from einsum_doc.notation.proving.polynomial import (
    Atom,
    GiveUpError,
    Names,
    Polynomial,
    PositiveNumber,
    TensorEntry,
    Terms,
    collected,
    number,
    ratio,
    single,
)

PLACE = single(TensorEntry((ARGUMENT.name,), ()))


class Reader(Derivatives):
    """The normal forms of the expressions of one row; definitions are not put in.

    chains: the keys of the statements that indices are from, each with a number. summed: the indices that the sums
    around an expression bind, each with its name.
    """

    def __init__(self, facts: Facts, inverses: Inverses) -> None:
        self.facts = facts
        self.inverses = inverses
        self.algebra = inverses.algebra
        self.chains: dict[str, int] = {}
        self.summed: dict[tuple[str, Subscript], str] = {}

    @abstractmethod
    def component(self, name: str, indices: Names) -> Polynomial:
        """Return a component of a tensor."""

    def _name(self, subscript: Subscript, chain: str) -> str:
        match subscript:
            case Coordinate(value):
                return f"#{value}"
            case Fixed(letter):
                self.algebra.sizes[f"#{letter}"] = self.facts.size(("fixed", letter))
                return f"#{letter}"
            case Index() if (chain, subscript) in self.summed:
                return self.summed[chain, subscript]
            case Index(letter, primes) if type(subscript) in (Index, NewIndex):  # No index of a part of a range.
                new = "°" * isinstance(subscript, NewIndex)
                place = self.chains.setdefault(chain, len(self.chains))
                name = f"{letter}{chr(39) * primes}{new}{place or ''}"
                self.algebra.sizes[name] = self.facts.size(("index", chain, subscript))
                return name
            case Affine():
                found = collected(self._terms(subscript, chain))
                if list(found.values()) == [1] and [head for head, _ in next(iter(found))] == [""]:
                    return next(iter(found))[0][1][0]
        raise GiveUpError("index arithmetic")

    def _difference(self, chain: str, first: Subscript, second: Subscript) -> Terms:
        others = [(-count, atoms) for count, atoms in self._terms(second, chain)]
        return [*self._terms(first, chain), *others]

    def _relation(self, terms: Terms, sign: str) -> Polynomial:
        """Return 1 where a sum of products of whole numbers has this relation to 0, and 0 elsewhere."""
        turned = [(-count, atoms) for count, atoms in terms]
        match sign:
            case "≤" | "<":
                return self.algebra.at_most([*terms, (int(sign == "<"), ())])
            case "≥" | ">":
                return self.algebra.at_most([*turned, (int(sign == ">"), ())])
        return self.algebra.minus(number(1), self.algebra.position(terms))

    def _within(self, index: Bounded, name: str, chain: str) -> Polynomial:
        """Return 1 for the values of an index with limits, and 0 for others: they must be a part of a range."""
        low, high = self._terms(index.low, chain), self._terms(index.high, chain)
        size = self._atom(Extent("", Index(index.letter, index.primes)), chain)
        first, beyond = collected(low), collected([*high, (-1, (size,)), (1, ())])
        if first.keys() | beyond.keys() > {()} or first.get((), 0) < 0 or beyond.get((), 0) > 0:
            raise GiveUpError("limits that may be outside of the range")
        own: Terms = [(1, (("", (name,)),))]
        return self.algebra.times(
            self._relation([*own, *((-count, atoms) for count, atoms in low)], "≥"),
            self._relation([*own, *((-count, atoms) for count, atoms in high)], "≤"),
        )

    def _terms(self, subscript: Subscript, chain: str) -> list[tuple[int, tuple[Atom, ...]]]:
        """Return an index as a sum of products of whole numbers."""
        if not isinstance(subscript, Affine):
            return [(1, (self._atom(subscript, chain),))]
        return [(count, tuple(self._atom(each, chain) for each in atoms)) for count, atoms in subscript.terms]

    def _atom(self, atom: Subscript | Extent | Whole, chain: str) -> Atom:
        match atom:
            case Whole(letter):
                return f"@{letter}", ()
            case Extent(_, index) if type(index) in (Index, NewIndex):
                size = self.facts.size(("index", chain, index))
                known = self.algebra.numbers.get(size)
                return (f"|{size}|", ()) if known is None else ("", (f"#{known}",))
            case Picked(name, indices):
                self.algebra.values[name] = self.facts.size(("values", name))
                return name, tuple(self._name(each, chain) for each in indices)
            case Extent():
                raise GiveUpError("the number of values of an index with limits")
        return "", (self._name(atom, chain),)

    def read(self, expression: Expression, chain: str) -> Polynomial:
        """Return the normal form of an expression in which every sum is written. Definitions are not put in."""
        algebra = self.algebra

        def of(part: Expression) -> Polynomial:
            return self.read(part, chain)

        def names(subscripts: Sequence[Subscript]) -> Names:
            return tuple(self._name(each, chain) for each in subscripts)

        match expression:
            case Number(value):
                return number(ratio(value))
            case Pi():
                return single(PositiveNumber("π"))
            case Size(_, index):
                return algebra.size(self.facts.size(("index", chain, index)))
            case One():
                return number(1)
            case Ordinal((index,), origin):
                return algebra.add([algebra.value(self._name(index, chain)), number(origin)])
            case Delta(indices) if any(isinstance(each, Affine | Picked) for each in indices):
                return algebra.position(self._difference(chain, *indices))
            case Delta(indices):
                return algebra.choice("=", *names(indices))
            case Indicator((first, second), sign) if isinstance(first, Affine) or isinstance(second, Affine):
                return self._relation(self._difference(chain, first, second), sign)
            case Indicator(indices, sign):
                return algebra.choice(sign, *names(indices))
            case Tensor(name, indices):
                return self.component(name, names(indices))
            case Negative(body):
                return algebra.scaled(-1, of(body))
            case Sum(terms):
                return algebra.add(map(of, terms))
            case Product(factors):
                parts = list(map(of, factors))
                algebra.used["multiply out"] += len(parts) > 1 and any(len(part.terms) > 1 for part in parts)
                return algebra.product(parts)
            case Quotient(numerator, denominator):
                return algebra.times(of(numerator), algebra.power(of(denominator), -1))
            case Power(base, exponent):
                return self._power(of(base), of(exponent))
            case Function(name, argument, order):
                return self.function(name, order, of(argument))
            case Summation():
                return self._summation(expression, chain)
            case Differential():
                return of(*expression.parts)
            case Piecewise(values, conditions):
                return self._cases(list(map(of, values)), list(map(of, conditions)))
            case Partial(body, by, held):
                return self._partial(body, by.name, names(by.indices), held, chain)
        raise GiveUpError(f"{type(expression).__name__}")

    def _summation(self, total: Summation, chain: str) -> Polynomial:
        """Return a sum or a reduction; a sum over a part of a range is one over all of it, with a condition."""
        algebra = self.algebra
        own: dict[tuple[str, Subscript], str] = {}
        for index in total.indices:
            match index:
                case Bounded(letter, primes) if not isinstance(total, Reduction):
                    whole: Subscript = Index(letter, primes)
                case Index() if type(index) is Index or isinstance(index, NewIndex):
                    whole = index
                case _:
                    raise GiveUpError("a sum over a computed index")
            own[chain, index] = algebra.fresh(self.facts.size(("index", chain, whole)))
        self.summed |= own
        found = self.read(total.body, chain)
        for (_, index), name in own.items():
            if isinstance(index, Bounded):
                found = algebra.times(self._within(index, name, chain), found)
            del self.summed[chain, index]
            if isinstance(total, Reduction):
                found = algebra.reduced(found, name, total.sign)
            else:
                found = algebra.summed(found, name)
        return found

    def _cases(self, values: list[Polynomial], conditions: list[Polynomial]) -> Polynomial:
        """Return a value for each of several conditions, of which exactly one holds."""
        algebra = self.algebra
        rest = algebra.minus(number(1), algebra.add(conditions))
        every = [*conditions, rest][: len(values)]
        return algebra.add(algebra.times(value, each) for value, each in zip(values, every, strict=True))

    def _power(self, base: Polynomial, exponent: Polynomial) -> Polynomial:
        algebra = self.algebra
        known = exponent.number
        if known is not None:
            return algebra.power(base, known)
        logarithm = algebra.logarithm
        if exponent.is_whole and len(base.terms) == 1 and base.terms[0][0].is_whole:
            ((monomial, scale),) = base.terms  # A whole power of a product is one of powers, whatever their signs.
            logs = [
                algebra.scaled(power, logarithm(algebra.monomial({factor: 1}))) for factor, power in monomial.factors
            ]
            return algebra.exponential(algebra.times(exponent, algebra.add([logarithm(number(scale)), *logs])))
        if not any(exponent.entries()) and not exponent.is_whole and not algebra.is_nonnegative_sum(base):
            raise GiveUpError("a power whose base may be negative")
        return algebra.exponential(algebra.times(exponent, logarithm(base)))

    def function(self, name: str, order: int, argument: Polynomial) -> Polynomial:
        """Return a function of a polynomial, or a derivative of it."""
        found = meaning(name)
        if found is None and slope(name) is None:
            return self.algebra.applied(name, order, argument)
        with self.algebra.uncounted():
            value = self.algebra.applied(name, 0, PLACE) if found is None else self.read(found, "")
            for _ in range(order):
                value = self.derivative(value, ARGUMENT.name, (), ())
        return self.at(value, argument)

    def _partial(self, body: Expression, x: str, below: Names, held: Names, chain: str) -> Polynomial:
        if not isinstance(body, Tensor) or body.name not in self.facts.scalars:
            return self.derivative(self.read(body, chain), x, below, held)
        sinks = [sink for sink in self.facts.sinks if self.facts.depends(sink, x, held)]
        self.algebra.used["chain"] += any(sink != x for sink in sinks)
        with self.algebra.uncounted():
            return self.algebra.add(
                self.chained(("gradient", body.name, sink), (), sink, x, below, held) for sink in sinks
            )
