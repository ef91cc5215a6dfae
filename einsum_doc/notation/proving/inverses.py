"""Inverses and determinants of matrices: which are equal, and what an inverse is beside its matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from einsum_doc.notation.proving.algebra import Algebra
from einsum_doc.notation.proving.polynomial import (
    Exact,
    Factor,
    GiveUpError,
    Monomial,
    Names,
    Polynomial,
    TensorEntry,
    Total,
    number,
    ratio,
    single,
)
from einsum_doc.notation.proving.ring import ordered

OF_MATRICES = frozenset(["inverse", "det"])
"""The heads of components of inverses, and of determinants; the text of the matrix follows them."""


class Inverses:
    """The inverses and determinants of one row.

    bodies: by the text of its body, the indices of each matrix and the body.
    """

    def __init__(self, work: int) -> None:
        self.algebra = Algebra(work, self.contracted)
        self.bodies: dict[str, tuple[Names, Polynomial]] = {}

    def inverse(self, body: Polynomial, formal: Names, indices: Names) -> Polynomial:
        """Return a component of the inverse of a matrix, whose component at the formal indices is given."""
        *others, row, column = indices
        lone = self._lone_inverse(body, formal)
        if lone is not None:
            own, inside = self.bodies[lone.head[1]]
            ends = (row, column) if lone.indices[-2] == formal[-2] else (column, row)
            return self.algebra.renamed(inside, dict(zip(own, (*others, *ends), strict=True)))
        if chain := self._factors(body, formal):
            return self._of_product(chain, formal, row, column)
        turned = self.algebra.renamed(body, {formal[-2]: formal[-1], formal[-1]: formal[-2]})
        if turned.key < body.key:
            body, row, column = turned, column, row
        head = ("inverse", body.key)
        if turned == body:
            self.algebra.symmetric.add(head)
        self.bodies[body.key] = formal, body
        return single(self.algebra.entry(head, (*others, row, column)))

    def determinant(self, body: Polynomial, formal: Names, others: Names) -> Polynomial:
        """Return the determinant of a matrix, whose component at the formal indices is given."""
        lone = self._lone_inverse(body, formal)
        if lone is not None:
            own, inside = self.bodies[lone.head[1]]
            return self.algebra.power(self.determinant(inside, own, others), -1)
        if (product := self._of_rank_one(body, formal)) is not None:
            return self.algebra.renamed(product, dict(zip(formal, others, strict=False)))
        if chain := self._factors(body, formal):
            parts = [single(self.algebra.entry(entry.head, formal)) for entry, _, _ in chain]
            return self.algebra.product(self.determinant(part, formal, others) for part in parts)
        turned = self.algebra.renamed(body, {formal[-2]: formal[-1], formal[-1]: formal[-2]})
        body = min(body, turned, key=lambda each: each.key)
        self.bodies[body.key] = formal, body
        return single(TensorEntry(("det", body.key), others))

    def _of_rank_one(self, body: Polynomial, formal: Names) -> Polynomial | None:
        """Return the determinant of I + u vᵀ, which is 1 + vᵀ u; None for other matrices."""
        row, column = formal[-2:]
        identity = self.algebra.choice("=", row, column)
        terms = self.algebra.minus(body, identity).terms
        if len(terms) != 1 or len(body.terms) != 2 or any({row, column} <= f.open for f in terms[0][0].exponents):
            return None
        self.algebra.used["determinant"] += 1
        product = self.algebra.renamed(Polynomial(dict(terms)), {column: row})
        return self.algebra.add([number(1), self.algebra.summed(product, row)])

    def expanded(self, entry: TensorEntry, body: Polynomial) -> Polynomial:
        """Return a component of an inverse, or a determinant, whose matrix is given in another form."""
        formal, _ = self.bodies[entry.head[1]]
        return (self.inverse if entry.head[0] == "inverse" else self.determinant)(body, formal, entry.indices)

    def _lone_inverse(self, body: Polynomial, formal: Names) -> TensorEntry | None:
        """Return the component that a matrix is, if it is an inverse or the transpose of one; None for others."""
        first = next(iter(body.entries()), None)
        if first is None:
            raise GiveUpError("a function of a matrix without tensors")
        straight = first.indices[:-2] == formal[:-2] and sorted(first.indices[-2:]) == sorted(formal[-2:])
        return first if first.head[0] == "inverse" and body.key == first.key and straight else None

    def _factors(self, body: Polynomial, formal: Names) -> list[tuple[TensorEntry, str, str]]:
        """Return the square matrices that a matrix is the product of, each with its row and column; [] for others."""
        ((monomial, coefficient), *more) = body.terms
        totals = [
            factor
            for factor, power in monomial.factors
            if isinstance(factor, Total) and factor.sign == "Σ" and power == 1
        ]
        if more or coefficient != 1 or len(monomial.factors) != 1 or not totals or len(formal) != 2:
            return []
        ((inner, one),) = totals[0].inside.terms
        entries = [entry for entry, power in inner.factors if isinstance(entry, TensorEntry) for _ in range(int(power))]
        plain = all(
            isinstance(entry, TensorEntry) and len(entry.indices) == 2 and power.denominator == 1 and power > 0
            for entry, power in inner.factors
        )
        sizes = dict(zip(totals[0].names, totals[0].sizes, strict=True)) | self.algebra.sizes
        found: list[tuple[TensorEntry, str, str]] = []
        at = formal[0]
        while entries and plain and one == 1:
            here = [entry for entry in entries if at in entry.indices]
            if len(here) != 1:
                return []
            entries.remove(here[0])
            end = here[0].indices[here[0].indices[0] == at]
            if sizes[at] != sizes[end]:
                return []
            found.append((here[0], at, end))
            at = end
        return found if at == formal[1] else []

    def _of_product(
        self, chain: list[tuple[TensorEntry, str, str]], formal: Names, row: str, column: str
    ) -> Polynomial:
        """Return a component of the product of the inverses, which exist if that of the product does."""
        inner = [self.algebra.fresh(self.algebra.sizes[formal[0]]) for _ in chain[1:]]
        ends = [row, *inner, column]
        found = number(1)
        for place, (entry, above, _) in enumerate(reversed(chain)):
            above_first = entry.indices[0] == above
            own = (ends[place], ends[place + 1]) if above_first else (ends[place + 1], ends[place])
            body = single(self.algebra.entry(entry.head, formal))
            found = self.algebra.times(found, self.inverse(body, formal, own))
        return self.algebra.summed(found, *inner)

    def contracted(self, product: Monomial, names: list[str]) -> Polynomial | None:
        """Return the sum of a product in which a matrix meets its inverse; None for others.

        Of a matrix that is a sum, its first term is looked for: it is what the others leave of the identity.
        """
        for factor, power in product.factors:
            if isinstance(factor, TensorEntry) and factor.head[0] == "inverse" and power == 1:
                formal, body = self.bodies[factor.head[1]]
                for row, column in self._ways(factor):
                    for shared, kept, turned in ((column, row, False), (row, column, True)):
                        if shared in names and shared != kept:
                            known = dict(zip(formal[:-2], factor.indices[:-2], strict=True))
                            ends = (formal[-1], formal[-2]) if turned else (formal[-2], formal[-1])
                            met = Meeting(self.algebra, product, names, factor, body, shared, kept, ends)
                            found = met.contracted({**known, ends[0]: shared})
                            if found is not None:
                                self.algebra.used["inverse"] += 1
                                return found
        return None

    def _ways(self, entry: TensorEntry) -> list[Names]:
        """Return the row and the column of a matrix, and of a symmetric one the other way round too."""
        row, column = entry.indices[-2:]
        return [(row, column), (column, row)] if entry.head in self.algebra.symmetric else [(row, column)]


@dataclass(frozen=True)
class Meeting:
    """A product with the inverse of a matrix, whose index `shared` may be that of the matrix itself.

    names: the indices that it is summed over. kept: the other index of the inverse. ends: the indices of the matrix
    in its body, first the one that is shared.
    """

    algebra: Algebra
    product: Monomial
    names: list[str]
    inverse: TensorEntry
    body: Polynomial
    shared: str
    kept: str
    ends: tuple[str, str]

    def contracted(self, known: dict[str, str]) -> Polynomial | None:
        """Return the sum, if all factors of the matrix are there."""
        terms = ordered(self.body)
        terms.sort(key=lambda term: _rank(term[0]))
        (first, coefficient), *others = terms
        wanted: list[tuple[Factor, Exact]] = []
        scalars: dict[Factor, Exact] = {}
        inner: set[str] = set()
        for factor, power in first.factors:
            if isinstance(factor, Total) and power == 1 and factor.sign == "Σ":
                ((inside, _),) = factor.inside.terms
                if inner & set(factor.names):
                    return None
                inner |= set(factor.names)
                wanted += inside.factors
            elif not factor.open:
                scalars[factor] = -power
            else:
                wanted.append((factor, power))
        entries = [factor for factor, power in wanted if isinstance(factor, TensorEntry) for _ in range(int(power))]
        if len(entries) < len(wanted) or any(power.denominator > 1 or power < 1 for _, power in wanted):
            return None
        rest = {factor: power for factor, power in self.product.factors if factor is not self.inverse}
        for names, left in self._matches(entries, rest, known):
            gone = {self.shared, *(names[name] for name in inner)}
            still = {index for factor in left for index in factor.open}
            kept = {self.kept, names[self.ends[1]], *self.inverse.indices[:-2]}
            distinct = len({names[name] for name in inner} | {self.shared}) == len(inner) + 1
            if distinct and gone <= set(self.names) and not gone & (still | kept):
                return self._sum(left, names, gone, others, coefficient, scalars)
        return None

    def _matches(
        self, entries: list[TensorEntry], rest: dict[Factor, Exact], known: dict[str, str]
    ) -> Iterator[tuple[dict[str, str], dict[Factor, Exact]]]:
        """Yield the names of the indices with which these components are factors, and the factors that are left."""
        if not entries:
            if self.ends[1] in known:
                yield known, rest
            return
        pattern, *more = entries
        for factor, power in rest.items():
            if not isinstance(factor, TensorEntry) or factor.head != pattern.head or power.denominator > 1 or power < 1:
                continue
            turned = factor.head in self.algebra.symmetric
            for indices in [factor.indices, (*factor.indices[:-2], *factor.indices[:-3:-1])][: 1 + turned]:
                names = dict(known)
                if all(
                    (one if one[0] == "#" else names.setdefault(one, two)) == two
                    for one, two in zip(pattern.indices, indices, strict=True)
                ):
                    left = {other: e - (other is factor) for other, e in rest.items() if e - (other is factor)}
                    yield from self._matches(more, left, names)

    def _sum(
        self,
        left: dict[Factor, Exact],
        names: dict[str, str],
        gone: set[str],
        others: list[tuple[Monomial, Exact]],
        coefficient: Exact,
        scalars: dict[Factor, Exact],
    ) -> Polynomial:
        algebra = self.algebra
        own = {name: index for name, index in names.items() if name[0] == "%"}
        rest = algebra.times(single(self.inverse), algebra.renamed(Polynomial(dict(others)), own))
        bracket = algebra.minus(algebra.choice("=", self.kept, names[self.ends[1]]), algebra.summed(rest, self.shared))
        found = algebra.scaled(ratio(1, coefficient), algebra.times(bracket, algebra.monomial({**left, **scalars})))
        return algebra.summed(found, *(name for name in self.names if name not in gone))


def _rank(monomial: Monomial) -> int:
    """Return the place of a term of a matrix: sums are looked for first, and what has a δ last."""
    deltas = any(factor.is_one_or_zero for factor in monomial.exponents)
    return 2 if deltas else not any(isinstance(factor, Total) for factor in monomial.exponents)
