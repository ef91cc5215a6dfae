"""Equation -> Derivation: a derivative as a patient teacher writes it down, one reason a line."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import get_args

from einsum_doc.derivatives import Summand, second_derivative, shared_gradient, tangent
from einsum_doc.equation import Equation, parse
from einsum_doc.errors import EquationError, chosen
from einsum_doc.notation.deriving import reasons
from einsum_doc.notation.deriving.derivation import Derivation
from einsum_doc.notation.deriving.indexed import IndexedEquation
from einsum_doc.notation.deriving.letters import GREEK_LETTERS, NAMES, accented
from einsum_doc.notation.deriving.matrices import matrix_form
from einsum_doc.notation.deriving.rules import (
    Factors,
    first_of_range,
    like_terms,
    next_elimination,
    primed,
    primes_of,
    product,
    renamed,
    total,
)
from einsum_doc.notation.expression import Delta, Expression, Index, One, Partial, Subscript, Tensor, subscripts
from einsum_doc.notation.step import Step, definition_of, in_words
from einsum_doc.notation.writing.lowering import Mode
from einsum_doc.notation.writing.words import capitalized


def derive(
    equation: Equation | str,
    wrt: int | None = None,
    *,
    names: Sequence[str] | None = None,
    output: str | None = None,
    complex: bool = False,
    loss: str | None = None,
    mode: Mode = "gradient",
    wrt2: int | None = None,
) -> Derivation:
    """Derive the gradient of operand `wrt`, one delta a line.

    >>> derivation = derive("ij,jk->ik", wrt=0)
    >>> print(derivation.equation, "|", derivation.steps[-1].right)
    ik,jk->ij | ∂l/∂z yᵀ
    >>> print(derivation.sentence)
    The gradient of x is the upstream gradient times y, summed over k.

    The last line is the same in matrix form, where there is one.
    names: of the operands, in LaTeX. A name that stands twice is one tensor in several slots, and the gradient
    of that tensor is derived. The names that are not given are x, y, w, ..., z for the output and
    l for the loss, each unless a label has that letter.
    complex: the operands are complex, and the gradient is torch's: the other operands are conjugated.
    mode: "gradient"; "tangent", how the output moves with operand `wrt`, or with all if it is None; "second",
    the derivative by operand `wrt2` of the gradient of operand `wrt`, with the upstream gradient held fixed and
    its deltas kept.
    Raises: EquationError, if the text is no equation, or has more labels than there are letters;
    OperandError, if there is no such operand, or the names do not fit the operands.
    Source: docs/posts/einsum.md.
    """
    given = IndexedEquation(parse(equation), names, output, loss)
    chosen(mode, "mode", get_args(Mode))
    steps = Steps(given)
    by: tuple[int, ...]
    match mode:
        case "gradient":
            by = (given.operand(wrt),)
            _gradient(steps, *by, complex)
        case "tangent":
            by = () if wrt is None else (given.operand(wrt),)
            _tangent(steps, *by or (None,))
        case "second":
            if complex:
                raise EquationError("the second derivative is derived for real operands", text=given.equation.text)
            by = (given.operand(wrt), given.other_operand(wrt, wrt2))
            _second(steps, *by)
    return Derivation(
        given.equation,
        mode,
        by,
        tuple(steps.written),
        steps.summands,
        steps.multiples,
        given.names,
        given.output,
        given.loss,
        complex,
        dict(given.subscripts),
    )


def _gradient(steps: Steps, wrt: int, complex: bool) -> None:
    """Derive the gradient of the tensor that is operand `wrt`."""
    given = steps.given
    name = given.names[wrt]
    slots = given.slots(name)
    by = Tensor(name, given.primed_indices(wrt))
    left = Partial(Tensor(given.loss), by)
    terms = [[given.upstream, *term] for term in steps.differentiate(slots, by)]
    if complex and len(given.names) > 1:
        given.check_accents("bar", given.names, "a conjugate")
        terms = [list(map(_conjugate, term)) for term in terms]
        real = any(isinstance(factor, Delta | One) for term in terms for factor in term)
        steps.write(left, total(terms), reasons.chain_rule_conjugated(given, wrt, len(slots), real))
    else:
        steps.write(left, product([given.upstream, Partial(given.z, by)]), reasons.chain_rule(given))
        steps.write(None, total(terms), reasons.substitution(given, len(slots)))
    several = f"${name}$ has {{index}} more than once, and off that diagonal its gradient is zero"
    if len(slots) > 1:
        several = f"in this place ${name}$ has {{index}} more than once"
    steps.eliminate(terms, frozenset(by.indices), several)
    steps.finish(left, terms, shared_gradient(given.equation, slots), complex)


def _conjugate(factor: Expression) -> Expression:
    return Tensor(accented("bar", factor.name), factor.indices) if isinstance(factor, Tensor) else factor


def _tangent(steps: Steps, wrt: int | None) -> None:
    """Derive how the output moves with one tensor, or with all."""
    given = steps.given
    moving = [given.names[wrt]] if wrt is not None else list(dict.fromkeys(given.names))
    left = Tensor(accented("dot", given.output), given.z.indices)
    given.check_accents("dot", [*moving, given.output], "a tangent")
    derivatives: list[Factors] = []
    terms: list[list[Expression]] = []
    slots = {name: given.slots(name) for name in moving}
    for name in moving:
        by = Tensor(name, given.primed_indices(slots[name][0]))
        moved = Tensor(accented("dot", name), by.indices)
        steps.differentiate(slots[name], by)
        derivatives.append([Partial(given.z, by), moved])
        terms += [given.factors({slot: [*given.deltas_in(slot, by), moved]}) for slot in slots[name]]
    steps.write(left, total(derivatives), reasons.chain_rule_for_tangents(given, moving))
    steps.write(None, total(terms), reasons.substitution(given, max(map(len, slots.values())), len(moving)))
    steps.eliminate(terms, frozenset(given.z.indices), "both its indices are on the left")
    everything = tangent(given.equation)
    steps.finish(left, terms, tuple(everything[slot] for name in moving for slot in slots[name]))


def _second(steps: Steps, wrt: int, wrt2: int) -> None:
    """Derive the derivative by one operand of the gradient of another, at a fixed upstream gradient."""
    given = steps.given
    first, second = given.names[wrt], given.names[wrt2]
    pairs = [(one, other) for one in given.slots(first) for other in given.slots(second) if one != other]
    indices = given.primed_indices(wrt, wrt2)
    rank = len(given.terms[wrt])
    by, by2 = Tensor(first, indices[:rank]), Tensor(second, indices[rank:])
    steps.differentiate(given.slots(first), by)
    terms = [given.factors({one: given.deltas_in(one, by), other: given.deltas_in(other, by2)}) for one, other in pairs]
    twice = Partial(Partial(given.z, by), by2)
    steps.write(twice, total(terms), reasons.deltas_as_well(given, by2, len(terms)))
    name = given.letters.first_of("hgqmnu", NAMES, GREEK_LETTERS)
    left = Tensor(name, indices)
    steps.write(left, product([given.upstream, twice]), reasons.chain_rule_held(name))
    terms = [[given.upstream, *term] for term in terms]
    steps.write(None, total(terms), reasons.substitution(given, len(terms)))
    steps.eliminate(terms, frozenset(indices), "where its indices differ, the second derivative is zero")
    summands = tuple(summand for pair in pairs for summand in second_derivative(given.equation, *pair))
    steps.finish(left, terms, summands)


class Steps:
    """The steps of a derivation, written from the definition on.

    The last line is that of `summands`, or the same in matrix form after it. rules: of the lines since the last left
    side. multiples: the summands, equal ones only once, each with the number of times that it is there.
    """

    def __init__(self, given: IndexedEquation) -> None:
        self.given = given
        self.written: list[Step] = []
        self.rules: list[str] = []
        self.summands: tuple[Summand, ...] = ()
        self.multiples: tuple[tuple[int, Summand], ...] = ()
        self.write(given.z, product(given.factors()), reasons.definition(given))

    def write(self, left: Expression | None, right: Expression, reason: reasons.Reason) -> None:
        """Write a line; one without a left side continues the line before."""
        rules, words = reason
        if left is not None:
            self.rules = [] if rules or not isinstance(left, Tensor) else [definition_of(left.name)]
        self.rules += rules
        self.written.append(Step(left, right, ", ".join(in_words(rules)) or "definition", capitalized(words)))

    def differentiate(self, slots: Sequence[int], by: Tensor) -> list[list[Expression]]:
        """Write the derivative of the output by a tensor; return its terms, one for each slot, with their deltas."""
        given = self.given
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
            while found := next_elimination(term, free, self.given.deltas):
                position = term.index(found.delta)
                rest = [*term[:position], *term[position + 1 :]]
                words = reasons.eliminated(found, free, several)
                if first := first_of_range(term, position, found):
                    begun, others, change = first
                    terms[number] = [renamed(factor, change) for factor in rest]
                    terms[number].insert(position, others)
                    words = reasons.eliminated(begun, free, several)
                    self.write(None, total(terms), (("δ",), where + words))
                    words = reasons.eliminated_in_the_same_way(others.last)
                term = [renamed(factor, found.change) for factor in rest]
                terms[number] = term
                self.write(None, total(terms), (("δ",), where + words))

    def finish(
        self,
        left: Expression,
        terms: Sequence[Factors],
        summands: tuple[Summand, ...],
        conjugate: bool = False,
    ) -> None:
        """Write the last line, with one prime less on each index that has any."""
        dropped = {
            index: primed(index, -1)
            for factor in [left, *itertools.chain(*terms)]
            for index in subscripts(factor)
            if primes_of(index)
        }
        away = [self._make_way(term, dropped) for term in terms]
        last = [
            [renamed(factor, {**dropped, **change}) for factor in term]
            for term, change in zip(terms, away, strict=True)
        ]
        left = renamed(left, dropped)
        words = reasons.einsums(self.given, summands, last, conjugate)
        if dropped:
            words = reasons.primes_dropped(not any(map(primes_of, subscripts(left))), away) + words
        rules = tuple(self.rules)
        self.write(left, total(last), (rules, words))
        self.multiples = tuple((count, summands[number]) for count, number in like_terms(last) if summands)
        self.summands = summands
        if sides := matrix_form(left, last):
            self.write(*sides, (rules, "in matrix form."))

    def _make_way(self, term: Factors, dropped: Mapping[Subscript, Subscript]) -> dict[Subscript, Subscript]:
        """Return new letters for the summed indices of a term whose letters are needed for the free ones."""
        own = dict.fromkeys(index for factor in term for index in subscripts(factor))
        needed = set(dropped.values())
        spare = (index for index in self.given.subscripts.values() if isinstance(index, Index))
        spare = (index for index in spare if index not in own and index not in needed)
        in_the_way = [index for index in own if index in needed and index not in dropped]
        return {index: next(spare, None) or Index(self.given.letters.fresh()) for index in in_the_way}
