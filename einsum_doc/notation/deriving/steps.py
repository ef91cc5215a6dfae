"""Steps: the lines that are written about a definition, one rule a line."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from einsum_doc.derivatives import Summand
from einsum_doc.notation.deriving import reasons
from einsum_doc.notation.deriving.definition import Definition
from einsum_doc.notation.deriving.rules import (
    Factors,
    first_of_range,
    next_elimination,
    primed,
    primes_of,
    product,
    renamed,
    subscripts_of,
    total,
)
from einsum_doc.notation.expression import Expression, Index, Partial, Subscript, Tensor
from einsum_doc.notation.step import Step
from einsum_doc.notation.writing.words import capitalized


class Steps:
    """The steps of a derivation, written from the definition on. The last line is that of `summands`."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.written: list[Step] = []
        self.summands: tuple[Summand, ...] = ()
        self.write(definition.z, product(definition.factors()), reasons.definition(definition))

    def write(self, left: Expression | None, right: Expression, reason: reasons.Reason) -> None:
        """Write a line; one without a left side continues the line before."""
        rule, words = reason
        self.written.append(Step(left, right, rule, capitalized(words)))

    def differentiate(self, slots: Sequence[int], by: Tensor) -> list[list[Expression]]:
        """Write the derivative of the output by a tensor; return its terms, one for each slot, with their deltas."""
        given = self.definition
        partials = [given.factors({slot: [Partial(given.tensors[slot], by)]}) for slot in slots]
        self.write(Partial(given.z, by), total(partials), reasons.factors(given, slots, by))
        terms = [given.factors({slot: given.deltas_in(slot, by)}) for slot in slots]
        self.write(None, total(terms), reasons.deltas(slots, by))
        return terms

    def eliminate(self, terms: list[list[Expression]], free: frozenset[Subscript], several: str) -> None:
        """Eliminate every delta with a summed index, each on a line of its own. Those of the output come first.

        several: why a delta stays whose indices are both free.
        """
        for number, term in enumerate(terms):
            where = reasons.in_term(number, len(terms))
            while found := next_elimination(term, free, self.definition.deltas):
                position = term.index(found.delta)
                rest = [*term[:position], *term[position + 1 :]]
                rule, words = reasons.eliminated(found, free, several)
                if first := first_of_range(term, position, found):
                    begun, others, change = first
                    terms[number] = [renamed(factor, change) for factor in rest]
                    terms[number].insert(position, others)
                    rule, words = reasons.eliminated(begun, free, several)
                    self.write(None, total(terms), (rule, where + words))
                    rule, words = reasons.eliminated_in_the_same_way(rule, begun.old, others.last)
                term = [renamed(factor, found.change) for factor in rest]
                terms[number] = term
                self.write(None, total(terms), (rule, where + words))

    def finish(
        self,
        left: Expression,
        terms: Sequence[Factors],
        rule: str,
        summands: tuple[Summand, ...],
        conjugate: bool = False,
    ) -> None:
        """Write the last line, with one prime less on each index that has any."""
        dropped = {
            index: primed(index, -1)
            for factor in [left, *itertools.chain(*terms)]
            for index in subscripts_of(factor)
            if primes_of(index)
        }
        away = [self._make_way(term, dropped) for term in terms]
        last = [
            [renamed(factor, {**dropped, **change}) for factor in term]
            for term, change in zip(terms, away, strict=True)
        ]
        left = renamed(left, dropped)
        words = reasons.einsums(self.definition, summands, last, conjugate)
        if dropped:
            words = reasons.primes_dropped(not any(map(primes_of, subscripts_of(left))), away) + words
        self.write(left, total(last), (rule, words))
        self.summands = summands

    def _make_way(self, term: Factors, dropped: Mapping[Subscript, Subscript]) -> dict[Subscript, Subscript]:
        """Return new letters for the summed indices of a term whose letters are needed for the free ones."""
        own = dict.fromkeys(index for factor in term for index in subscripts_of(factor))
        needed = set(dropped.values())
        spare = (index for index in self.definition.subscripts.values() if isinstance(index, Index))
        spare = (index for index in spare if index not in own and index not in needed)
        in_the_way = [index for index in own if index in needed and index not in dropped]
        return {index: next(spare, None) or Index(self.definition.letters.fresh()) for index in in_the_way}
