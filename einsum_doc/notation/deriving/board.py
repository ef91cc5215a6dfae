"""What is written about one equation in index notation, line by line, and why each line is true."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from einsum_doc.derivatives import Summand, second_derivative, shared_gradient, tangent
from einsum_doc.equation import ELLIPSIS, Equation
from einsum_doc.errors import NotationError, OperandError
from einsum_doc.notation.deriving.letters import GREEK_LETTERS, NAMES, Letters, accented, letter_of
from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Index,
    Number,
    One,
    Partial,
    Product,
    Range,
    RangeProduct,
    Subscript,
    Sum,
    Tensor,
)
from einsum_doc.notation.reading.parse import parse_expression
from einsum_doc.notation.writing.latex import latex


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    >>> from einsum_doc import derive
    >>> step = derive("ij,jk->ik", wrt=0).steps[0]
    >>> print(step.left, "=", step.right, "|", step.reason)
    z_{ik} = x_{ij} y_{jk} | Definition. $j$ is not on the left: it is summed.

    left: what stands left of the `=`; None where the line continues the one before.
    right: what stands right of it.
    rule: what made the line: "definition", "constant factors", "product rule", "deltas", "chain rule",
    "substitution", "conjugate", "delta of i", "one-tensor of i", "surviving delta of i", "linearity", and last
    "gradient equation", "tangent equation" or "second derivative equation".
    reason: why the line is true, in words; mathematics in it stands between dollars, in LaTeX.
    """

    left: Expression | None
    right: Expression
    rule: str
    reason: str


# ---- Products --------------------------------------------------------------------------------------


def _written_out(factor: Expression) -> Expression:
    """A delta or a one-tensor over a range, with its dots."""
    match factor:
        case Delta((Range(a, b), Range(c, d))):
            return RangeProduct(Delta((a, c)), Delta((b, d)))
        case One((Range(a, b),)):
            return RangeProduct(One((a,)), One((b,)))
    return factor


def _product(factors: Iterable[Expression]) -> Expression:
    found = tuple(map(_written_out, factors))
    if not found:
        return Number(Fraction(1))
    return found[0] if len(found) == 1 else Product(found)


def _sum(terms: Sequence[Sequence[Expression]]) -> Expression:
    if not terms:
        return Number(Fraction(0))
    products = tuple(map(_product, terms))
    return products[0] if len(products) == 1 else Sum(products)


def _mapped(factor: Expression, change: Mapping[Subscript, Subscript]) -> Expression:
    """A factor with some indices replaced."""
    match factor:
        case Tensor(name, indices):
            return Tensor(name, tuple(change.get(index, index) for index in indices))
        case Delta(indices):
            return Delta(tuple(change.get(index, index) for index in indices))
        case One(indices):
            return One(tuple(change.get(index, index) for index in indices))
        case Partial(body, Tensor(name, indices)):
            return Partial(_mapped(body, change), Tensor(name, tuple(change.get(index, index) for index in indices)))
    return factor


def _indices(factor: Expression) -> Iterator[Subscript]:
    for part in factor.walk():
        yield from part.own


def _primed(place: Subscript, primes: int) -> Subscript:
    if isinstance(place, Range):
        first, last = place.first, place.last
        return Range(Index(first.letter, first.primes + primes), Index(last.letter, last.primes + primes))
    assert isinstance(place, Index)
    return Index(place.letter, place.primes + primes)


def _primes(place: Subscript) -> int:
    return place.first.primes if isinstance(place, Range) else place.primes if isinstance(place, Index) else 0


def alike(terms: Iterable[Sequence[Expression]]) -> list[tuple[int, int]]:
    """The different terms of a sum: how often each is there, and where first. The order of factors is nothing."""
    found: dict[frozenset[tuple[object, int]], list[int]] = {}
    for number, term in enumerate(terms):
        factors = Counter(frozenset(factor.indices) if isinstance(factor, Delta) else factor for factor in term)
        found.setdefault(frozenset(factors.items()), []).append(number)
    return [(len(numbers), numbers[0]) for numbers in found.values()]


# ---- Words -----------------------------------------------------------------------------------------

_TIMES = {2: "twice", 3: "three times", 4: "four times"}
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]


def _ordinal(number: int) -> str:
    return _ORDINALS[number] if number < len(_ORDINALS) else f"{number + 1}th"


def times(count: int) -> str:
    """How often, in words: 'twice', 'three times'."""
    return _TIMES.get(count, f"{count} times")


def _list(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _maths(*places: Subscript) -> str:
    return _list(f"${latex(Tensor('', (place,)))[2:-1]}$" for place in places)


def _formula(expression: Expression) -> str:
    return f"${latex(_written_out(expression))}$"


def _new_indices(by: Tensor) -> str:
    one = len(by.indices) == 1 and isinstance(by.indices[0], Index)
    are_new = "is new: it names" if one else "are new: they name"
    return f"{_maths(*by.indices)} {are_new} the entry of ${by.name}$ that we differentiate by."


def _about_renaming(away: Sequence[Mapping[Subscript, Subscript]]) -> str:
    """Which summed indices have a new letter, term by term."""
    renamed = [
        f"the summed {_maths(*change)} of the {_ordinal(number)} term {'is' if len(change) == 1 else 'are'} "
        f"called {_maths(*change.values())} now"
        for number, change in enumerate(away)
        if change
    ]
    return f"; {_list(renamed)}" if renamed else ""


# ---- The board -------------------------------------------------------------------------------------


class Board:
    """One equation in index notation, and the lines that are written about it."""

    def __init__(self, equation: Equation, names: Sequence[str] | None, output: str | None, loss: str | None) -> None:
        self.equation = equation
        self.steps: list[Step] = []
        self.summands: tuple[Summand, ...] = ()
        given = [*(names or ()), *([output] if output else ()), *([loss] if loss else ())]
        for name in dict.fromkeys(given):
            self._check_name(name)
        letters = self.letters = Letters(equation, given)
        self.place = letters.place
        self.output = output or letters.first_of("zuvstrqp", NAMES, GREEK_LETTERS)
        self.loss = loss or letters.first_of("l", [r"\mathcal{L}", r"\mathcal{J}"])
        self.output_places, self.output_deltas = self._output_places(letters)
        if names is None:
            self.names = letters.names(len(equation.operands))
        else:
            self.names = tuple(names)
            self._check_names()
        self.terms = tuple(tuple(map(self.place.__getitem__, term)) for term in equation.operands)
        self.tensors: tuple[Expression, ...] = tuple(map(Tensor, self.names, self.terms))
        self.z = Tensor(self.output, self.output_places)
        self.ones = self._ones()
        self.tail: tuple[Expression, ...] = (*self.output_deltas, *self.ones)
        self.upstream = Partial(Tensor(self.loss), self.z)
        self._define()

    def _check_name(self, name: str, subscript: str = "_{i}") -> None:
        try:
            found = parse_expression(name + subscript)
        except NotationError:
            found = None
        if not isinstance(found, Tensor) or found.name != name:
            raise OperandError(f"{name!r} is no name of a tensor: a letter such as x, or \\mathbf{{x}}")

    def _check_names(self) -> None:
        operands, names = self.equation.operands, self.names
        if len(names) != len(operands):
            called = f"{len(names)} {'name' if len(names) == 1 else 'names'}"
            raise OperandError(f"{called} for {len(operands)} operands: {', '.join(names)}", text=self.equation.text)
        for name in (self.output, self.loss):
            if name in names:
                what = "output" if name == self.output else "loss"
                raise OperandError(f"the {what} and an operand are both called {name}", text=self.equation.text)
        for number, name in enumerate(names):
            if not operands[number]:
                self._check_name(name, "")
            first = names.index(name)
            one, other = operands[first], operands[number]
            if len(one) != len(other) or (ELLIPSIS in one) != (ELLIPSIS in other):
                differ = "differ in their number of axes"
            elif ELLIPSIS in one and one.index(ELLIPSIS) != other.index(ELLIPSIS):
                differ = "have their ellipses in different places: name the axes"
            else:
                continue
            raise OperandError(
                f"operands {first} and {number} are both called {name}, but {differ}",
                text=self.equation.text,
                operands=[first, number],
            )

    def _check_accents(self, accent: str, names: Iterable[str], what: str) -> None:
        for name in names:
            if (made := accented(accent, name)) in (*self.names, self.output):
                raise OperandError(f"{made} is the name of {what} here, and of an operand", text=self.equation.text)

    def operand(self, number: int | None) -> int:
        """The number of an operand, checked; None is the only one."""
        count = len(self.names)
        if number is None and count == 1:
            return 0
        if number is None or not 0 <= number < count:
            fault = "wrt is missing" if number is None else f"there is no operand {number}"
            numbers = "one, operand 0" if count == 1 else f"{count}, numbered from 0"
            raise OperandError(f"{fault}: the equation has {numbers}", text=self.equation.text)
        return number

    def other_operand(self, first: int | None, second: int | None) -> int:
        """The operand to differentiate by as well; None is the one that is left."""
        rest = [number for number in range(len(self.names)) if number != first]
        if second is None and len(rest) == 1:
            return rest[0]
        if second is None:
            raise OperandError("wrt2 is missing: the second derivative is by two operands", text=self.equation.text)
        return self.operand(second)

    def _output_places(self, letters: Letters) -> tuple[tuple[Subscript, ...], tuple[Delta, ...]]:
        """An index of its own for each axis of the output, and the deltas between those of one label."""
        places: list[Subscript] = []
        deltas: list[Delta] = []
        for label in self.equation.output:
            place = self.place[label]
            if place in places:
                fresh = Index(letters.fresh(place.letter if isinstance(place, Index) else "a"))
                deltas.append(Delta((place, fresh)))
                place = fresh
            places.append(place)
        return tuple(places), tuple(deltas)

    def _ones(self) -> tuple[One, ...]:
        """One-tensors for labels that are summed alone, or are only on the left."""
        ones = []
        for label in self.equation.labels:
            place = self.place[label]
            count = sum(term.count(label) for term in self.equation.operands)
            count += sum(place in delta.indices for delta in self.output_deltas)
            if count == 0 or (count == 1 and label not in self.equation.output):
                ones.append(One((place,)))
        return tuple(ones)

    # -- lines

    def line(self, left: Expression | None, right: Expression, rule: str, reason: str) -> None:
        self.steps.append(Step(left, right, rule, reason))

    def _define(self) -> None:
        self.line(self.z, _product((*self.tensors, *self.tail)), "definition", " ".join(self._about_the_sum()))

    def _about_the_sum(self) -> Iterator[str]:
        """What the definition says in index notation, role by role."""
        yield "Definition."
        if ELLIPSIS in self.place:
            same = (
                ", the same wherever it stands" if sum(ELLIPSIS in term for term in self.equation.operands) > 1 else ""
            )
            yield f"{_maths(self.place[ELLIPSIS])} are the axes under the ellipsis, any number of them{same}."
        others = [label for label in self.place if label != ELLIPSIS and letter_of(label) is None]
        if others:
            called = _list(f"${label}$" for label in others)
            labels = f"label {called} is" if len(others) == 1 else f"labels {called} are"
            yield f"The {labels} written {_maths(*map(self.place.__getitem__, others))}."
        alone = [one.indices[0] for one in self.ones if one.indices[0] not in self.output_places]
        summed = [self.place[label] for label in self.equation.labels if label not in self.equation.output]
        together = [place for place in summed if place not in alone]
        if together:
            one = len(together) == 1 and isinstance(together[0], Index)
            are, they = ("is", "it is") if one else ("are", "they are")
            yield f"{_maths(*together)} {are} not on the left: {they} summed."
        if alone:
            one = len(alone) == 1 and isinstance(alone[0], Index)
            are, they = ("is", "it is") if one else ("are", "they are")
            ones = _list(_formula(One((place,))) for place in alone)
            tensors = "one-tensor" if one else "one-tensors"
            yield f"{_maths(*alone)} {are} summed alone, so {they} contracted with the {tensors} {ones}."
        new = [one.indices[0] for one in self.ones if one.indices[0] not in alone]
        if new:
            one = len(new) == 1 and isinstance(new[0], Index)
            hold, them = ("one-tensor {} holds", "it") if one else ("one-tensors {} hold", "them")
            hold = hold.format(_list(_formula(One((place,))) for place in new))
            yield f"Only the {hold} {_maths(*new)}: all along {them} the result is the same."
        for delta in self.output_deltas:
            kept, fresh = delta.indices
            yield (
                f"The output has the label {_maths(kept)} again, for an axis that is called {_maths(fresh)} here: "
                f"{_formula(delta)} is zero off the diagonal."
            )

    def jacobian(self, slots: Sequence[int], by: Tensor) -> list[list[Expression]]:
        """Write the derivative of the output by a tensor; its terms, one for each slot, with their deltas."""
        left = Partial(self.z, by)
        partials = [[*self.before(s), Partial(self.tensors[s], by), *self.after(s)] for s in slots]
        self.line(left, _sum(partials), *self._why_factors(slots, by))
        terms = [[*self.before(s), *self.deltas(s, by), *self.after(s)] for s in slots]
        if by.indices:
            deltas = "one delta for each axis" + (", in each term." if len(slots) > 1 else ".")
            self.line(None, _sum(terms), "deltas", f"An entry of ${by.name}$ depends on itself alone: {deltas}")
        else:
            self.line(None, _sum(terms), "deltas", f"The derivative of the number ${by.name}$ by itself is 1.")
        return terms

    def before(self, slot: int) -> tuple[Expression, ...]:
        return self.tensors[:slot]

    def after(self, slot: int) -> tuple[Expression, ...]:
        return (*self.tensors[slot + 1 :], *self.tail)

    def deltas(self, slot: int, by: Tensor) -> Sequence[Expression]:
        """The deltas that differentiation leaves in a slot; those over a range first, where their dots stand alone."""
        deltas = [Delta((place, fresh)) for place, fresh in zip(self.terms[slot], by.indices, strict=True)]
        return sorted(deltas, key=lambda delta: isinstance(delta.indices[0], Index))

    def _why_factors(self, slots: Sequence[int], by: Tensor) -> tuple[str, str]:
        """The rule and the reason of the line in which each factor is differentiated."""
        fresh = f"{_new_indices(by)} " if by.indices else ""
        others = list(dict.fromkeys(f"${name}$" for name in self.names if name != by.name))
        if len(slots) > 1:
            turns = f"${by.name}$ is a factor {times(len(slots))}, and each has its turn."
            return "product rule", f"{fresh}Product rule: {turns}"
        if not others:
            return "constant factors", f"{fresh}Put in the definition."
        factors = f"The factors {_list(others)} do" if len(others) < 5 else "The other factors do"
        if len(others) == 1:
            factors = f"The factor {others[0]} does"
        return "constant factors", f"{fresh}{factors} not depend on ${by.name}$."

    def eliminate(self, terms: list[list[Expression]], free: frozenset[Subscript], several: str) -> None:
        """Eliminate every delta with a summed index, each on a line of its own. Those of the output come first.

        several: why a delta stays whose indices are both free.
        """
        for number, term in enumerate(terms):
            where = f"in the {_ordinal(number)} term, " if len(terms) > 1 else ""
            while found := self._next_delta(term, free):
                delta, old, new = found
                position = term.index(delta)
                rest = [*term[:position], *term[position + 1 :]]
                holders = [factor for factor in rest if old in _indices(factor)]
                rule, reason = self._why_eliminated(holders, delta, old, new, free, several)
                first = _first_of_many(term, position, old, new)
                if first is not None:
                    begun, others, single, change = first
                    terms[number] = [_mapped(factor, change) for factor in rest]
                    terms[number].insert(position, others)
                    rule, reason = self._why_eliminated(holders, begun, *single, free, several)
                    self.line(None, _sum(terms), rule, _capital(f"{where}{reason}"))
                    rule = rule.replace(f" of {single[0].letter}", f" of {others.last.own[0]}".rstrip("'"))
                    reason = f"in the same way, one after another, as far as {_formula(others.last)}."
                term = [_mapped(factor, {old: new}) for factor in rest]
                terms[number] = term
                self.line(None, _sum(terms), rule, _capital(f"{where}{reason}"))

    def _next_delta(
        self, term: Sequence[Expression], free: frozenset[Subscript]
    ) -> tuple[Delta, Subscript, Subscript] | None:
        deltas = [factor for factor in term if isinstance(factor, Delta)]
        for delta in sorted(deltas, key=lambda delta: delta not in self.output_deltas):
            first, second = delta.indices
            if second not in free:
                return delta, second, first
            if first not in free:
                return delta, first, second
        return None

    def _why_eliminated(
        self,
        holders: Sequence[Expression],
        delta: Delta,
        old: Subscript,
        new: Subscript,
        free: frozenset[Subscript],
        several: str,
    ) -> tuple[str, str]:
        """The rule and the reason of the line in which a delta is eliminated; `holders` have the old index too."""
        letter = str(old).rstrip("'")
        after = ", one after another" if isinstance(old, Range) else ""
        reason = [f"sum over {_maths(old)}: eliminate {_formula(delta)}{after}."]
        other_deltas = [factor for factor in holders if isinstance(factor, Delta)]
        renamed = ["the upstream gradient"] if any(isinstance(factor, Partial) for factor in holders) else []
        renamed += dict.fromkeys(f"${factor.name}$" for factor in holders if isinstance(factor, Tensor))
        if other_deltas:
            renamed.append("the other delta" if len(other_deltas) == 1 else "the other deltas")
        if renamed:
            becomes = "become" if isinstance(old, Range) else "becomes"
            there = _capital(_list(f"in {what}" for what in renamed))
            reason.append(f"{there}, {_maths(old)} {becomes} {_maths(new)}.")
        rule = f"delta of {letter}"
        if any(isinstance(factor, One) for factor in holders):
            rule = f"one-tensor of {letter}"
            reason.append(
                f"Nothing but the one-tensor holds {_maths(old)}, and it becomes {_formula(One((new,)))}: "
                f"the result is the same all along {_maths(new)}."
            )
        staying = [_mapped(other, {old: new}) for other in other_deltas]
        staying = [other for other in staying if all(place in free for place in other.own)]
        if staying:
            rule = f"surviving delta of {letter}"
            stays = "stays" if len(staying) == 1 else "stay"
            reason.append(f"{_list(map(_formula, staying))} {stays}: {several.format(index=_maths(old))}.")
        return rule, " ".join(reason)

    def finish(
        self,
        left: Expression,
        terms: Sequence[Sequence[Expression]],
        rule: str,
        summands: tuple[Summand, ...],
        conjugate: bool = False,
    ) -> None:
        """Write the last line, with one prime less on each index that has any."""
        factors = [left, *itertools.chain(*terms)]
        dropped = {place: _primed(place, -1) for factor in factors for place in _indices(factor) if _primes(place)}
        away = [self._make_way(term, dropped) for term in terms]
        shorter = [
            [_mapped(factor, {**dropped, **renamed}) for factor in term]
            for term, renamed in zip(terms, away, strict=True)
        ]
        left = _mapped(left, dropped)
        primes = ""
        if dropped:
            primes = "take one prime off each" if any(map(_primes, _indices(left))) else "drop the primes"
            primes += f"{_about_renaming(away)}: "
        einsum = " ".join(self._about_the_einsum(summands, shorter, conjugate))
        self.line(left, _sum(shorter), rule, _capital(f"{primes}{einsum}"))
        self.summands = summands

    def _make_way(
        self, term: Sequence[Expression], dropped: Mapping[Subscript, Subscript]
    ) -> dict[Subscript, Subscript]:
        """New letters for the summed indices of a term whose letters are needed for the free ones."""
        own = dict.fromkeys(place for factor in term for place in _indices(factor))
        needed = set(dropped.values())
        spare = (place for place in self.place.values() if isinstance(place, Index))
        spare = (place for place in spare if place not in own and place not in needed)
        in_the_way = [place for place in own if place in needed and place not in dropped]
        return {place: next(spare, None) or Index(self.letters.fresh()) for place in in_the_way}

    def _about_the_einsum(
        self, summands: Sequence[Summand], terms: Sequence[Sequence[Expression]], conjugate: bool
    ) -> Iterator[str]:
        """What einsum the last line is."""
        if not summands:
            yield "it is zero."
            return
        if len(summands) > 1:
            einsums = []
            for count, number in alike(terms):
                arguments = [self._argument(argument, conjugate) for argument in summands[number].arguments]
                often = f"{times(count)} " if count > 1 else ""
                einsums.append(f"{often}the einsum {summands[number].equation} of {_list(arguments)}")
            yield f"this is {', plus '.join(einsums)}."
            return
        bars = dict.fromkeys(self._argument(argument) for argument in summands[0].arguments[1:]) if conjugate else {}
        conjugated = f", with {_list(bars)} conjugated" if bars else ""
        yield f"this is the einsum {summands[0].equation}{conjugated}."
        output = summands[0].equation.output
        inputs = {label for term in summands[0].equation.operands for label in term}
        new = [label for label in output if label not in inputs and output.count(label) == 1]
        if ELLIPSIS in new:
            yield "Its ellipsis, only in the output, stands for the one-tensors."
            new.remove(ELLIPSIS)
        if new:
            labels, tensors = ("label", "is the one-tensor") if len(new) == 1 else ("labels", "are the one-tensors")
            yield f"Its {labels} {_list(f'${label}$' for label in new)}, only in the output, {tensors}."
        for label in dict.fromkeys(output):
            count = output.count(label)
            if count > 1 and any(isinstance(factor, Delta) for factor in terms[0]):
                are = "is the delta" if count == 2 else "makes the deltas"
                yield f"Its label ${label}$, {times(count)} in the output, {are}."

    def _argument(self, argument: str, conjugate: bool = False) -> str:
        """What stands in a slot of an einsum."""
        if argument == "dldz":
            return "the upstream gradient"
        name = self.names[int(argument.lstrip("dx"))]
        if argument.startswith("d"):
            name = accented("dot", name)
        return f"${accented('bar', name) if conjugate else name}$"

    # -- what is derived

    def gradient(self, wrt: int, complex: bool) -> None:
        """The gradient of the tensor that is operand `wrt`."""
        name = self.names[wrt]
        slots = [number for number, other in enumerate(self.names) if other == name]
        by = Tensor(name, self.fresh_primes(wrt))
        left = Partial(Tensor(self.loss), by)
        terms = [[self.upstream, *term] for term in self.jacobian(slots, by)]
        over = f", over every entry of ${self.output}$" if self.output_places else ""
        if complex and len(self.names) > 1:
            self._check_accents("bar", self.names, "a conjugate")
            terms = [[self._conjugate(factor) for factor in term] for term in terms]
            others = [n for number, n in enumerate(self.names) if number != wrt]
            bars = _list(f"${n}$ becomes ${accented('bar', n)}$" for n in dict.fromkeys(others))
            reason = (
                f"Chain rule{over}. A complex gradient points to where ${self.loss}$ grows fastest, "
                f"and for that the derivative is conjugated: {bars}."
            )
            if any(isinstance(factor, Delta | One) for term in terms for factor in term):
                reason += " Deltas and one-tensors are real."
            self.line(left, _sum(terms), "conjugate", reason)
        else:
            self.line(left, _product([self.upstream, Partial(self.z, by)]), "chain rule", f"Chain rule{over}.")
            self.line(None, _sum(terms), "substitution", "Put in the derivative found above.")
        several = f"${name}$ has {{index}} more than once, and off that diagonal its gradient is zero"
        if len(slots) > 1:
            several = f"in this place ${name}$ has {{index}} more than once"
        self.eliminate(terms, frozenset(by.indices), several)
        self.finish(left, terms, "gradient equation", shared_gradient(self.equation, slots), complex)

    def tangent(self, wrt: int | None) -> None:
        """How the output moves with one tensor, or with all."""
        moving = [self.names[wrt]] if wrt is not None else list(dict.fromkeys(self.names))
        slots = {name: [number for number, other in enumerate(self.names) if other == name] for name in moving}
        left = Tensor(accented("dot", self.output), self.output_places)
        self._check_accents("dot", [*moving, self.output], "a tangent")
        derivatives: list[list[Expression]] = []
        terms: list[list[Expression]] = []
        for name in moving:
            by = Tensor(name, self.fresh_primes(slots[name][0]))
            moved = Tensor(accented("dot", name), by.indices)
            self.jacobian(slots[name], by)
            derivatives.append([Partial(self.z, by), moved])
            terms += [[*self.before(s), *self.deltas(s, by), moved, *self.after(s)] for s in slots[name]]
        dots = _list(f"${accented('dot', name)}$" for name in moving)
        every = "Each tensor moves" if len(moving) > 1 else f"${moving[0]}$ moves"
        reason = f"Chain rule. {every} ${self.output}$ by its derivative times its tangent, {dots}."
        self.line(left, _sum(derivatives), "chain rule", reason)
        self.line(None, _sum(terms), "substitution", f"Put in the derivative{'s' * (len(moving) > 1)} found above.")
        self.eliminate(terms, frozenset(self.output_places), "both its indices are on the left")
        everything = tangent(self.equation)
        summands = tuple(everything[number] for name in moving for number in slots[name])
        self.finish(left, terms, "tangent equation", summands)

    def second(self, wrt: int, wrt2: int) -> None:
        """The derivative by one operand of the gradient of another, at a fixed upstream gradient."""
        first, second = self.names[wrt], self.names[wrt2]
        slots = [[number for number, other in enumerate(self.names) if other == name] for name in (first, second)]
        pairs = [(one, other) for one in slots[0] for other in slots[1] if one != other]
        summands = tuple(summand for pair in pairs for summand in second_derivative(self.equation, *pair))
        places = self.fresh_primes(wrt, wrt2)
        rank = len(self.terms[wrt])
        by, by2 = Tensor(first, places[:rank]), Tensor(second, places[rank:])
        self.jacobian(slots[0], by)
        replaced = {
            pair: [
                factor
                for number, tensor in enumerate(self.tensors)
                for factor in (
                    self.deltas(number, by) if number == pair[0]
                    else self.deltas(number, by2) if number == pair[1]
                    else [tensor]
                )
            ]
            for pair in pairs
        }  # fmt: skip
        terms: list[list[Expression]] = [[*replaced[pair], *self.tail] for pair in pairs]
        twice = Partial(Partial(self.z, by), by2)
        new = f" {_new_indices(by2)}" if by2.indices else ""
        if terms:
            self.line(twice, _sum(terms), "deltas", f"Differentiate by ${second}$ as well.{new}")
        else:
            reason = f"${self.output}$ is linear in ${first}$: no ${first}$ is left to differentiate."
            self.line(twice, _sum(terms), "linearity", reason)
        name = self.letters.first_of("hgqmnu", NAMES, GREEK_LETTERS)
        left = Tensor(name, places)
        held = f"Chain rule, with the upstream gradient held fixed; the result is called ${name}$."
        self.line(left, _product([self.upstream, twice]), "chain rule", held)
        terms = [[self.upstream, *term] for term in terms]
        self.line(None, _sum(terms), "substitution", "Put in the derivative found above.")
        self.eliminate(terms, frozenset(places), "where its indices differ, the second derivative is zero")
        self.finish(left, terms, "second derivative equation", summands)

    def fresh_primes(self, *numbers: int) -> tuple[Subscript, ...]:
        """A primed index for each axis of some operands: a label's second axis has two primes, and so on."""
        count: dict[Subscript, int] = {}
        places = []
        for place in (place for number in numbers for place in self.terms[number]):
            count[place] = count.get(place, 0) + 1
            places.append(_primed(place, count[place]))
        return tuple(places)

    def _conjugate(self, factor: Expression) -> Expression:
        return Tensor(accented("bar", factor.name), factor.indices) if isinstance(factor, Tensor) else factor


def _first_of_many(
    term: Sequence[Expression], position: int, old: Subscript, new: Subscript
) -> tuple[Delta, RangeProduct, tuple[Index, Index], dict[Subscript, Subscript]] | None:
    """How to eliminate the first of the deltas over a range, which stand at a position of a term.

    The first delta, what is left of them, the first index that is renamed and its new name, and what becomes of
    the range. None if there is only one delta, or if what is left would read as going on with a delta before it.
    """
    delta = term[position]
    if not (isinstance(old, Range) and isinstance(new, Range) and isinstance(delta, Delta)):
        return None
    if position and isinstance(term[position - 1], Delta):
        return None
    one, other = delta.indices
    assert isinstance(one, Range)
    assert isinstance(other, Range)
    left = RangeProduct(None, Delta((one.last, other.last)))
    return Delta((one.first, other.first)), left, (old.first, new.first), {old: Range(new.first, old.last)}
