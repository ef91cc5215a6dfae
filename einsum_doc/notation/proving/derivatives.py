"""Derivatives of polynomials by the components of a tensor."""

from __future__ import annotations

from abc import ABC, abstractmethod

from einsum_doc.notation.expression import Expression
from einsum_doc.notation.proving.algebra import Algebra, Change
from einsum_doc.notation.proving.facts import Facts
from einsum_doc.notation.proving.functions import ARGUMENT, slope
from einsum_doc.notation.proving.inverses import OF_MATRICES, Inverses
from einsum_doc.notation.proving.polynomial import (
    ONE,
    ZERO,
    Applied,
    Base,
    Choice,
    Exponential,
    Factor,
    GiveUpError,
    IndexValue,
    Names,
    Polynomial,
    PositiveNumber,
    TensorEntry,
    Total,
    single,
)
from einsum_doc.notation.step import definition_of


class Derivatives(ABC):
    """The rules of derivatives. A component of a tensor that is computed from another has its own, ∂y/∂x."""

    facts: Facts
    algebra: Algebra
    inverses: Inverses

    @abstractmethod
    def read(self, expression: Expression, chain: str) -> Polynomial:
        """Return the normal form of an expression."""

    @abstractmethod
    def jacobian(self, entry: TensorEntry) -> Polynomial:
        """Return a component of ∂y/∂x by the definition of y."""

    def at(self, value: Polynomial, argument: Polynomial) -> Polynomial:
        """Return the value of a function at an argument."""

        def replace(entry: TensorEntry) -> Polynomial | None:
            return argument if entry.head[0] == ARGUMENT.name else None

        return self.algebra.rebuilt(value, {}, Change(replace, frozenset([ARGUMENT.name])))

    def derivative(self, polynomial: Polynomial, x: str, below: Names, held: Names) -> Polynomial:
        """Return the derivative of a polynomial by a component of a tensor."""
        algebra = self.algebra
        terms: list[Polynomial] = []
        for monomial, coefficient in polynomial.terms:
            before = len(terms)
            for factor, power in monomial.factors:
                inner = self._of_factor(factor, x, below, held)
                if inner.terms:
                    rest = algebra.monomial({**monomial.exponents, factor: power - ONE})
                    terms.append(algebra.scaled(coefficient * power, algebra.times(rest, inner)))
                    if power != 1 and not isinstance(factor, Exponential):
                        algebra.used["quotient" if power < 0 else "power" if power.denominator == 1 else "root"] += 1
            algebra.used["product"] += len(terms) > before + 1
        return algebra.add(terms)

    def _of_factor(self, factor: Factor, x: str, below: Names, held: Names) -> Polynomial:
        algebra = self.algebra
        match factor:
            case PositiveNumber() | Choice() | IndexValue():
                return ZERO
            case TensorEntry():
                return self._of_entry(factor, x, below, held)
            case Exponential(inside=inside):
                inner = self.derivative(inside, x, below, held)
                logarithms = (
                    f for m, _ in inside.terms for f in m.exponents if isinstance(f, Applied) and f.name == "log"
                )
                algebra.used["root" if any(logarithms) else "function"] += bool(inner.terms)
                return algebra.times(single(factor), inner)
            case Base(inside=inside):
                return self.derivative(inside, x, below, held)
            case Applied(name=name, order=order, inside=inside):
                inner = self.derivative(inside, x, below, held)
                if not inner.terms:
                    return ZERO
                return algebra.times(self._slope(name, order, inside), inner)
            case Total(names=names, sizes=sizes, inside=inside, sign=sign):
                fresh = {name: algebra.fresh(size) for name, size in zip(names, sizes, strict=True)}
                each = algebra.renamed(inside, fresh)
                inner = self.derivative(each, x, below, held)
                if sign != "Σ" and inner.terms:
                    if sign != "∏":
                        raise GiveUpError(f"the derivative of {sign}")
                    algebra.used["product"] += 1
                    inner = algebra.product([single(factor), algebra.power(each, -ONE), inner])
                return algebra.summed(inner, *fresh.values())
        raise GiveUpError(f"the derivative of {factor}")

    def _slope(self, name: str, order: int, argument: Polynomial) -> Polynomial:
        self.algebra.used["function"] += 1
        known = slope(name)
        if known is None or order:
            return self.algebra.applied(name, order + 1, argument)
        with self.algebra.uncounted():
            value = self.read(known, "")
        return self.at(value, argument)

    def chained(self, head: tuple[str, ...], above: Names, name: str, x: str, below: Names, held: Names) -> Polynomial:
        """Return a term of the chain rule: the sum over all components of a tensor, of a slope by it times ∂name/∂x.

        head, above: of the slope, which has the indices of the tensor after those above.
        """
        algebra = self.algebra
        inner = tuple(algebra.fresh(self.facts.size(("axis", name, axis))) for axis in range(self.facts.ranks[name]))
        slope_ = single(TensorEntry(head, (*above, *inner)))
        return algebra.summed(
            algebra.times(slope_, self._of_entry(algebra.entry((name,), inner), x, below, held)), *inner
        )

    def _of_entry(self, entry: TensorEntry, x: str, below: Names, held: Names) -> Polynomial:
        """Return the derivative of a component; of a tensor that is computed from x, a component of ∂y/∂x."""
        head = entry.head
        if head[0] == "∂":
            self.algebra.used[definition_of(head[1])] += 1
            return self.derivative(self.jacobian(entry), x, below, held)
        if head[0] in OF_MATRICES:
            formal, body = self.inverses.bodies[head[1]]
            return self._slope_of_matrix(entry, formal, body, x, below, held)
        if len(head) > 1:
            raise GiveUpError("a second derivative of what is not known")
        name = head[0]
        if name == x:
            self.algebra.used["itself"] += 1
            return self.algebra.product(
                self.algebra.choice("=", one, other) for one, other in zip(entry.indices, below, strict=True)
            )
        if not self.facts.depends(name, x, held):
            return ZERO
        between = [each for each in held if each != x and self.facts.depends(each, x, ())]
        between = [each for each in between if self.facts.depends(name, each, ())]
        return single(TensorEntry(("∂", name, x, *sorted(between)), (*entry.indices, *below)))

    def _slope_of_matrix(
        self, entry: TensorEntry, formal: Names, body: Polynomial, x: str, below: Names, held: Names
    ) -> Polynomial:
        """Return the derivative of a component of an inverse, −A⁻¹ dA A⁻¹, or of a determinant, det A tr(A⁻¹ dA)."""
        others, rest = entry.indices[: len(formal) - 2], entry.indices[len(formal) - 2 :]
        ends = tuple(self.algebra.fresh(self.algebra.sizes[name]) for name in formal[-2:])
        names = dict(zip(formal, (*others, *ends), strict=True))
        inner = self.derivative(self.algebra.renamed(body, names), x, below, held)
        self.algebra.used["function"] += bool(inner.terms)
        if rest:
            row, column = rest
            sides = [(*others, row, ends[0]), (*others, ends[1], column)]
            parts = [self.algebra.scaled(-1, inner), *(single(self.algebra.entry(entry.head, side)) for side in sides)]
        else:
            parts = [single(entry), inner, self.inverses.inverse(body, formal, (*others, ends[1], ends[0]))]
        return self.algebra.summed(self.algebra.product(parts), *ends)
