"""Two expressions -> whether they are equal for all sizes, wherever both have a value."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from einsum_doc.notation.expression import Expression
from einsum_doc.notation.proving.algebra import Change
from einsum_doc.notation.proving.facts import Facts, OfCode
from einsum_doc.notation.proving.inverses import OF_MATRICES, Inverses
from einsum_doc.notation.proving.polynomial import (
    Base,
    Exact,
    Factor,
    GiveUpError,
    Names,
    Polynomial,
    TensorEntry,
    single,
)
from einsum_doc.notation.proving.reader import Reader
from einsum_doc.notation.step import RULES, definition_of, in_words

WORK = 2_000
"""The largest number of products that are formed for one row: it bounds the work identically on every machine."""

TRIED = WORK // 4
"""The same, for a definition that is tried alone."""

OF_DEFINITIONS = ("chain", "product", "power", "root", "quotient", "function", "δ")
"""The rules that count too where a definition is put in."""


@dataclass(frozen=True)
class Proof:
    """A proof that two sides are equal. steps: the rules that one side needs more often than the other, in words."""

    steps: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.steps) or "factors, terms or names of indices in another order"


class Prover(Reader):
    """The proof of one row.

    known: the values of the definitions that were needed so far, with the names of their indices.
    """

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts, Inverses(WORK))
        self.known: dict[str, tuple[Names, Polynomial]] = {}
        self.algebra.positive |= facts.positive
        self.algebra.symmetric |= {(name,) for name in facts.symmetric - facts.differentiated}
        self.algebra.numbers.update(facts.numbers)
        self.algebra.least.update(facts.least)

    def proof(self, left: Expression, right: Expression, chain: str) -> Proof | None:
        """Return the proof that two sides are equal; None if there is none.

        Definitions are put in one after the other, the last one first: those of derivatives, and then those of values.
        """
        algebra = self.algebra
        try:
            first = self.read(left, chain)
            used, algebra.used = algebra.used, Counter()
            rest = self._cleared(algebra.minus(first, self.read(right, chain)))
            rules = [rule for rule in {**used, **algebra.used} if used[rule] != algebra.used[rule]]
            for derivatives in (True, False):
                tried = True
                while rest.terms and (names := self._outermost(rest, derivatives)):
                    name, rest = self._put_in(rest, names if tried else names[:1], derivatives)
                    tried = False
                    rules.append(definition_of(name))
                    rules += [rule for rule in +algebra.used if rule in OF_DEFINITIONS or rule not in RULES]
            if rest.terms and (rest := self._valued(rest)).terms:
                if not self._is_zero_times_a_matrix(rest):
                    return None
                rules.append("inverse")
        except (GiveUpError, RecursionError):
            return None
        if any(rule not in RULES for rule in rules):  # The derivative of each definition ends in this rule.
            rules = [rule for rule in rules if rule != "itself"]
        return Proof(in_words(rules))

    def _put_in(self, rest: Polynomial, names: list[str], derivatives: bool) -> tuple[str, Polynomial]:
        """Put in the definition of one tensor, of several the first: unless another one alone leaves 0, a shorter step.

        A try takes no work from the proof, and may fail.
        """
        algebra, work = self.algebra, self.algebra.work
        for name in names[1:]:
            algebra.used, algebra.work = Counter(), min(work, TRIED)
            with suppress(GiveUpError, RecursionError):
                if not (found := self._cleared(self.expanded(rest, name, derivatives))).terms:
                    return name, found
        algebra.used, algebra.work = Counter(), work
        return names[0], self._cleared(self.expanded(rest, names[0], derivatives))

    def _valued(self, polynomial: Polynomial) -> Polynomial:
        """Use what is known of the values of inputs, which a derivative by them could not see."""
        self.algebra.symmetric |= {(name,) for name in self.facts.symmetric}
        self.algebra.totals.update(self.facts.totals)
        self.algebra.forget()
        for key, (formal, body) in self.inverses.bodies.items():
            if self._is_symmetric(body, formal):
                self.algebra.symmetric.add(("inverse", key))
        tensors = {name for entry in polynomial.entries() for name in entry.tensors}
        return self._cleared(self.algebra.rebuilt(polynomial, {}, Change(tensors=frozenset(tensors))))

    def _is_zero_times_a_matrix(self, polynomial: Polynomial) -> bool:
        """Return whether a polynomial is 0, as its product with a matrix is whose inverse is in it."""
        for entry in dict.fromkeys(polynomial.entries()):
            if entry.head[0] != "inverse" or len(entry.indices) != 2:
                continue
            formal, body = self.inverses.bodies[entry.head[1]]
            for index, ends in zip(entry.indices, (formal[::-1], formal), strict=True):
                size = self.algebra.sizes[formal[0]]
                if index in polynomial.open and self.algebra.sizes[index] == size:
                    matrix = self.algebra.renamed(body, dict(zip(ends, (index, self.algebra.fresh(size)), strict=True)))
                    found = self.algebra.summed(self.algebra.times(polynomial, matrix), index)
                    if not self._cleared(found).terms:
                        return True
        return False

    def _outermost(self, polynomial: Polynomial, derivatives: bool = False) -> list[str]:
        """Return the tensors in it that have definitions, the last one first; those of which derivatives are."""
        order = {name: place for place, name in enumerate(self.facts.ranks)}
        found: set[str] = set()
        rest = list(polynomial.entries())
        while rest:
            entry = rest.pop()
            if entry.head[0] in OF_MATRICES and not derivatives:
                rest += self.inverses.bodies[entry.head[1]][1].entries()
            elif entry.head[0] == "∂" or not derivatives:
                found.add(self._defined(entry))
        found -= {""}
        return sorted(found, key=lambda name: -order[name])

    def _defined(self, entry: TensorEntry) -> str:
        """Return the tensor whose definition would replace a component."""
        if entry.head[0] == "∂":
            return entry.head[1]
        name = entry.head[0] if len(entry.head) == 1 else ""
        known = name in self.facts.definitions or (name in self.facts.codes and self.facts.codes[name].function)
        return name if known else ""

    def _cleared(self, polynomial: Polynomial) -> Polynomial:
        """Multiply by what it is divided by."""
        lowest: dict[Factor, Exact] = {}
        for monomial, _ in polynomial.terms:
            for factor, power in monomial.factors:
                if isinstance(factor, Base) and power < lowest.get(factor, 0):
                    lowest[factor] = power
        if not lowest:
            return polynomial
        found = []
        for monomial, coefficient in polynomial.terms:
            powers = {**monomial.exponents}
            for factor, power in lowest.items():
                powers[factor] = powers.get(factor, 0) - power
            found.append(self.algebra.scaled(coefficient, self.algebra.monomial(powers)))
        return self.algebra.add(found)

    def definition(self, name: str) -> tuple[Names, Polynomial]:
        """Return the value of a defined tensor, and the names of its indices in it."""
        if name not in self.known:
            found = self.facts.definitions[name]
            own = tuple(self._name(index, found.chain) for index in found.indices)
            self.known[name] = own, self.read(found.value, found.chain)
        return self.known[name]

    def expanded(self, polynomial: Polynomial, name: str, derivatives: bool = False) -> Polynomial:
        """Return a polynomial with the definition of a tensor put in for its components and their derivatives."""

        def put_in(entry: TensorEntry) -> Polynomial | None:
            if entry.head[0] in OF_MATRICES and not derivatives:
                _, body = self.inverses.bodies[entry.head[1]]
                if any(self._defined(each) == name for each in body.entries()):
                    return self.inverses.expanded(entry, self.expanded(body, name))
            if self._defined(entry) != name or (derivatives and entry.head[0] != "∂"):
                return None
            return self.jacobian(entry) if entry.head[0] == "∂" else self._value(name, entry.indices)

        return self.algebra.rebuilt(polynomial, {}, Change(put_in, OF_MATRICES | {name}))

    def _value(self, name: str, indices: Names) -> Polynomial:
        if name in self.facts.definitions:
            own, value = self.definition(name)
            return self.algebra.renamed(value, dict(zip(own, indices, strict=True)))
        return self._of_matrix(self.facts.codes[name], indices)

    def jacobian(self, entry: TensorEntry) -> Polynomial:
        """Return a component of ∂y/∂x by the definition of y."""
        _, y, x, *held = entry.head
        rank = self.facts.ranks[y]
        above, below = entry.indices[:rank], entry.indices[rank:]
        if y in self.facts.definitions or self.facts.codes[y].function:
            found = self.derivative(self._value(y, above), x, below, tuple(held))
        else:
            arguments = self.facts.codes[y].arguments
            found = self.algebra.add(
                self.chained(("code", y, each), above, each, x, below, tuple(held)) for each in arguments
            )
        self.algebra.used["chain"] += any(each.head[0] == "∂" for each in found.entries())
        return found

    def _of_matrix(self, code: OfCode, indices: Names) -> Polynomial:
        """Return a component of an inverse, or a determinant or its logarithm: those of equal matrices are one."""
        (argument,) = code.arguments
        sizes = [self.facts.size(("axis", argument, place)) for place in range(self.facts.ranks[argument])]
        formal = tuple(f"%{place}:{size}" for place, size in enumerate(sizes))
        self.algebra.sizes.update(zip(formal, sizes, strict=True))
        # What a page defines stays as it is: it may be differentiated by.
        body = self._value(argument, formal) if code.auxiliary else self.component(argument, formal)
        if code.function == "inv":
            return self.inverses.inverse(body, formal, indices)
        found = self.inverses.determinant(body, formal, indices)
        return found if code.function == "det" else self.algebra.logarithm(self.algebra.applied("abs", 0, found))

    def _is_symmetric(self, body: Polynomial, formal: Names) -> bool:
        """Return whether a matrix is equal to its transpose, by the definitions of what it is made of."""
        while True:
            if body == self.algebra.renamed(body, {formal[-2]: formal[-1], formal[-1]: formal[-2]}):
                return True
            names = self._outermost(body)
            if not names:
                return False
            body = self.expanded(body, names[0])

    def component(self, name: str, indices: Names) -> Polynomial:
        """Return a component of a tensor; of an inverse that stands in a row, that of the inverse of its matrix."""
        code = self.facts.codes.get(name)
        if code is not None and code.function and code.auxiliary:
            return self._of_matrix(code, indices)
        return single(self.algebra.entry((name,), indices))
