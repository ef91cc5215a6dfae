"""What an author leaves out, put back: dots become indices, and every sum is written.

An index that is not free is summed, separately in each additive term, in the smallest product that holds all
its occurrences there. After `written_out` every sum is a Summation, and every index is free or bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeAlias

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Function,
    Index,
    Negative,
    Number,
    One,
    Partial,
    Power,
    Product,
    Quotient,
    Range,
    RangeProduct,
    Subscript,
    Sum,
    Summation,
    Tensor,
    plain,
)

Ends: TypeAlias = tuple[str, str]
"""The letters of a range's first and last index."""


def rebuilt(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The same expression with `change` applied to every part, inner ones first."""
    found = expression
    match expression:
        case Product(factors):
            found = replace(expression, factors=tuple(rebuilt(factor, change) for factor in factors))
        case Sum(terms):
            found = replace(expression, terms=tuple(rebuilt(term, change) for term in terms))
        case Negative(body) | Summation(_, body):
            found = replace(expression, body=rebuilt(body, change))
        case Quotient(numerator, denominator):
            found = replace(expression, numerator=rebuilt(numerator, change), denominator=rebuilt(denominator, change))
        case Power(base, exponent):
            found = replace(expression, base=rebuilt(base, change), exponent=rebuilt(exponent, change))
        case Function(_, argument):
            found = replace(expression, argument=rebuilt(argument, change))
        case Partial(body, by):
            tensor = rebuilt(by, change)
            assert isinstance(tensor, Tensor)
            found = replace(expression, body=rebuilt(body, change), by=tensor)
        case _:
            pass
    return change(found)


def subscripts(expression: Expression) -> list[Subscript]:
    """Every index that is written in an expression, those of sums too, in order."""
    found: list[Subscript] = []
    for part in expression.walk():
        found += part.own
        if isinstance(part, Summation):
            found += part.indices
    return found


def letters(found: Iterable[Subscript]) -> set[str]:
    """The letters among indices, those in the ends of ranges too."""
    names: set[str] = set()
    for place in found:
        if isinstance(place, Range):
            names |= {place.first.letter, place.last.letter}
        elif isinstance(place, Index):
            names.add(place.letter)
    return names


def ranges(sides: Sequence[Expression], text: str = "") -> tuple[Ends, ...]:
    r"""The ranges of a chain, in order.

    Raises: NotationError, if a letter is an end of two ranges, or stands alone beside its range.
    """
    found: dict[Ends, Range | RangeProduct] = {}
    everywhere = [place for side in sides for place in subscripts(side)]
    for place in everywhere:
        if isinstance(place, Range):
            found.setdefault((place.first.letter, place.last.letter), place)
    runs = [part for side in sides for part in side.walk() if isinstance(part, RangeProduct)]
    inside = {id(end) for run in runs for end in run.parts}
    for run in runs:
        for slot, last in enumerate(run.last.indices):
            first = run.first.own[slot] if run.first is not None and slot < len(run.first.own) else None
            if not isinstance(last, Index) or not (first is None or isinstance(first, Index)):
                raise NotationError(
                    "dots between numbers", text=text, position=run.at, expected=r"\delta_{aa'} \dots \delta_{bb'}"
                )
            known = any(ends[1] == last.letter for ends in found)
            if not known and (first is None or first.letter == last.letter):
                raise NotationError(
                    f"nothing says where the range that ends with {plain(last.letter)} begins",
                    text=text,
                    position=last.at,
                    expected=rf"the range in this chain, as in x_{{a \dots {last.letter}}}",
                )
            if not known and first is not None:
                found[first.letter, last.letter] = run
    taken: dict[str, Ends] = {}
    for ends, owner in found.items():
        for letter in ends:
            if letter in taken:
                raise NotationError(
                    f"{plain(letter)} is an end of two ranges",
                    text=text,
                    position=owner.at,
                    expected="ranges with letters of their own",
                )
            taken[letter] = ends
    for side in sides:
        for part in side.walk():
            if isinstance(part, RangeProduct) or id(part) in inside:
                continue
            for place in (*part.own, *(part.indices if isinstance(part, Summation) else ())):
                if isinstance(place, Index) and place.letter in taken:
                    first_end, last_end = map(plain, taken[place.letter])
                    raise NotationError(
                        f"{place} stands alone, but is an end of the range {first_end}…{last_end}",
                        text=text,
                        position=place.at,
                        expected="another letter, or the whole range",
                    )
    return tuple(found)


_SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"
_ONE = Fraction(1)


def _member(ends: Ends, number: int, primes: int, at: tuple[int, int]) -> Index:
    """The `number`th index of a range."""
    return Index(f"{plain(ends[0])}{_SUBSCRIPTS[number]}", primes, at)


def _members(found: Range, length: int) -> list[Subscript]:
    ends = (found.first.letter, found.last.letter)
    return [
        _member(ends, number, (found.first if number == 1 else found.last).primes, found.at)
        for number in range(1, length + 1)
    ]


def expanded(expression: Expression, lengths: Mapping[Ends, int]) -> Expression:
    r"""An expression without dots: each range has as many indices as `lengths` says.

    >>> from einsum_doc.notation.reading.parse import parse_expression
    >>> print(expanded(parse_expression(r"x_{a \dots b i} \delta_{aa'} \dots \delta_{bb'}"), {("a", "b"): 2}))
    x_{a₁a₂i} δ_{a₁a₁'} δ_{a₂a₂'}
    """
    if not lengths:
        return expression
    by_last = {ends[1]: ends for ends in lengths}

    def wide(found: tuple[Subscript, ...]) -> tuple[Subscript, ...]:
        wider: list[Subscript] = []
        for place in found:
            if isinstance(place, Range):
                wider += _members(place, lengths[place.first.letter, place.last.letter])
            else:
                wider.append(place)
        return tuple(wider)

    def unrolled(run: RangeProduct) -> Expression:
        last = [index for index in run.last.indices if isinstance(index, Index)]
        own = [index for index in run.first.own if isinstance(index, Index)] if run.first is not None else []
        known = [by_last[index.letter] for index in last]
        whole = len(own) == len(last) and all(a.letter == ends[0] for a, ends in zip(own, known, strict=True))
        length = {lengths[ends] for ends in known}
        if len(length) > 1:
            length = {min(length)}
        factors: list[Expression] = [run.first] if run.first is not None and not whole else []
        for number in range(1 if whole else 2, max(length) + 1):
            starts = own if whole and number == 1 else last
            indices = tuple(
                _member(ends, number, index.primes, index.at) for ends, index in zip(known, starts, strict=True)
            )
            factors.append(replace(run.last, indices=indices))
        return Product(tuple(factors), run.at)

    def change(part: Expression) -> Expression:
        match part:
            case RangeProduct():
                return unrolled(part)
            case Tensor(_, own) | Delta(own) | One(own):
                wider = wide(own)
                if isinstance(part, One) and not wider:
                    return Number(_ONE, part.at)
                return replace(part, indices=wider)
            case Summation(own, body):
                wider = wide(own)
                return replace(part, indices=wider) if wider else body
            case Product(factors):
                flat: list[Expression] = []
                for factor in factors:
                    flat += factor.factors if isinstance(factor, Product) and factor.at in runs_at else (factor,)
                return replace(part, factors=tuple(flat)) if flat else Number(_ONE, part.at)
            case _:
                return part

    runs_at = {part.at for part in expression.walk() if isinstance(part, RangeProduct)}
    found = rebuilt(expression, change)
    return _without_empty(found)


def _without_empty(expression: Expression) -> Expression:
    def change(part: Expression) -> Expression:
        return Number(_ONE, part.at) if isinstance(part, Product) and not part.factors else part

    return rebuilt(expression, change)


class Scope:
    """Puts the sums of one text in their places; `text` is for the carets."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fail(self, fault: str, at: tuple[int, int], expected: str) -> NotationError:
        return NotationError(fault, text=self.text, position=at, expected=expected)

    def visible(self, expression: Expression) -> dict[Index, list[Index]]:
        """The indices that an outer sum could take, each with its occurrences."""
        found: dict[Index, list[Index]] = {}
        for place in expression.own:
            if isinstance(place, Index):
                found.setdefault(place, []).append(place)
        for part in expression.parts:
            for index, occurrences in self.visible(part).items():
                found.setdefault(index, []).extend(occurrences)
        if isinstance(expression, Summation):
            for place in expression.indices:
                if isinstance(place, Index):
                    found.pop(place, None)
        return found

    def free(self, sides: Sequence[Expression], kept: Sequence[Index] = ()) -> frozenset[Index]:
        """The free indices of a chain.

        Those of the left side, if it is a single component or derivative with each index once. Of another
        left side, the indices that are on all sides and occur once in some term of some side. A side that is
        the number 0 says nothing.
        """
        telling = [side for side in sides if not is_zero(side)]
        seen = [self.visible(side) for side in telling]
        common = frozenset(kept) & frozenset(index for each in seen for index in each)
        if not telling:
            return common
        if _single(telling[0]) and all(len(occurrences) == 1 for occurrences in seen[0].values()):
            return frozenset(seen[0]) | common
        once = set().union(*map(self._once, telling))
        return frozenset(once.intersection(*seen)) | common

    def _once(self, expression: Expression) -> set[Index]:
        """The indices that occur once in some additive term, were all brackets multiplied out."""
        return {index for index in self.visible(expression) if 1 in self._counts(expression, index)}

    def _counts(self, expression: Expression, index: Index) -> set[int]:
        """How often an index occurs in the additive terms: never, once, or twice and more."""
        if isinstance(expression, Sum):
            return set().union(*(self._counts(term, index) for term in expression.terms))
        if isinstance(expression, Summation) and index in expression.indices:
            return {0}
        found = {min(sum(place == index for place in expression.own), 2)}
        for part in expression.parts:
            found = {min(one + other, 2) for one in found for other in self._counts(part, index)}
        return found

    def side(self, expression: Expression, free: frozenset[Index], left: Expression) -> Expression:
        """One side of a relation, with its sums written.

        Raises: NotationError, if a free index is missing, or an index occurs once and is not free.
        """
        found = self.written_out(expression, free)
        if is_zero(expression):
            return found
        missing = sorted(free - set(self.visible(found)), key=str)
        if missing:
            raise self.missing(missing[0], expression, f"is free, as it stands in {left},")
        return found

    def missing(self, index: Index, expression: Expression, why: str) -> NotationError:
        """The error about a term that lacks an index."""
        return self.fail(
            f"index {index} {why} and is missing in {expression}",
            expression.at,
            rf"a factor \mathbf{{1}}_{{{index}}}, the one-tensor, if it is constant along {index}",
        )

    def written_out(self, expression: Expression, open_: frozenset[Index]) -> Expression:
        """An expression in which every index that is not open is bound by a Summation."""
        match expression:
            case Sum(terms):
                found = tuple(self.written_out(term, open_) for term in terms)
                self._same(terms, found)
                return replace(expression, terms=found)
            case Negative(body):
                return replace(expression, body=self.written_out(body, open_))
            case Function(_, argument):
                return replace(expression, argument=self.written_out(argument, open_))
            case Summation(indices, body):
                return self._summation(expression, indices, body, open_)
            case _:
                return self._product(expression, open_)

    def _same(self, terms: Sequence[Expression], found: Sequence[Expression]) -> None:
        """Open indices are the same in all terms, scalars apart."""
        seen = [set(self.visible(term)) for term in found]
        everything = set().union(*seen)
        for term, own in zip(terms, seen, strict=True):
            missing = sorted(everything - own, key=str)
            if own and missing:
                raise self.missing(missing[0], term, "is open in another term of this sum")

    def _summation(
        self, expression: Summation, indices: tuple[Subscript, ...], body: Expression, open_: frozenset[Index]
    ) -> Expression:
        bound = frozenset(index for index in indices if isinstance(index, Index))
        inside = self.visible(body)
        for index in bound:
            if index in open_:
                fault = f"the sum is over {index}, which has a meaning here already"
                raise self.fail(fault, index.at, "another letter for the sum")
            if index not in inside:
                raise self.fail(f"the sum is over {index}, which is not in what is summed", index.at, f"{index} in it")
        return replace(expression, body=self.written_out(body, open_ | bound))

    def _product(self, expression: Expression, open_: frozenset[Index]) -> Expression:
        """Anything whose parts multiply, or a single component."""
        mine: list[Index] = []
        own = [place for place in expression.own if isinstance(place, Index)]
        if not expression.parts:
            for index in dict.fromkeys(own):
                if index not in open_ and own.count(index) > 1:
                    mine.append(index)
                elif index not in open_:
                    raise self.fail(
                        f"index {index} occurs once and is not free",
                        index.at,
                        rf"a one-tensor to contract it with, \mathbf{{1}}_{{{index}}}, or \sum_{{{index}}}",
                    )
            return Summation(tuple(mine), expression, expression.at) if mine else expression
        seen = [self.visible(part) for part in expression.parts]
        for index in dict.fromkeys(index for each in seen for index in each):
            if index not in open_ and sum(index in each for each in seen) > 1:
                self._one_sum(expression, index)
                mine.append(index)
        inner = open_ | frozenset(mine)
        found: Expression
        match expression:
            case Product(factors):
                found = replace(expression, factors=tuple(self.written_out(factor, inner) for factor in factors))
            case Quotient(numerator, denominator):
                found = replace(
                    expression,
                    numerator=self.written_out(numerator, inner),
                    denominator=self.written_out(denominator, inner),
                )
            case Power(base, exponent):
                found = replace(
                    expression, base=self.written_out(base, inner), exponent=self.written_out(exponent, inner)
                )
            case Partial(body, by):
                return self._partial(expression, body, by, mine, open_)
            case _:
                raise AssertionError(f"an expression that is not known: {type(expression).__name__}")
        return Summation(tuple(mine), found, expression.at) if mine else found

    def _one_sum(self, expression: Expression, index: Index) -> None:
        """Refuse an index whose sum could be inside one factor as well as around all of them.

        So it is in (x_j y_j) / (x_j x_j), and wherever a one-tensor closes the sum in a function, a power or a
        denominator that the index also stands beside. In 1/(s_b t_b) δ_{bb'} only the outer sum has a meaning.
        """
        everywhere = len(self.visible(expression)[index])
        for part in expression.parts:
            inner = part
            if isinstance(expression, Quotient) and part is expression.denominator:
                inner = Function("1/", part, 0, part.at)
            found = self._closed(inner, index)
            if found is None:
                continue
            own = self.visible(found)[index]
            if isinstance(found, Sum) or everywhere - len(own) > 1 or self._by_one(found, index):
                raise self._two_sums(found, index)
        for part in self._groups(expression):
            own = self.visible(part).get(index, [])
            if self._complete(part, index) and (everywhere - len(own) > 1 or self._by_one(part, index)):
                raise self._two_sums(part, index)

    def _two_sums(self, inner: Expression, index: Index) -> NotationError:
        return self.fail(
            f"index {index} could be summed in {inner} alone, and stands beside it too",
            self.visible(inner)[index][0].at,
            r"another letter for one of them, or a \sum",
        )

    def _groups(self, expression: Expression) -> Iterator[Expression]:
        """The brackets and fractions inside, other than those in a function or a term."""
        for part in expression.parts if isinstance(expression, Product | Quotient | Power | Negative | Partial) else ():
            if isinstance(part, Product | Quotient | Negative | Sum):
                yield part
            yield from self._groups(part)

    def _closed(self, part: Expression, index: Index) -> Expression | None:
        """What in a factor could have a sum over the index of its own: in a function, a power, a denominator."""
        match part:
            case Function(_, argument):
                return argument if self._complete(argument, index) else None
            case Power(base, exponent):
                return next((each for each in (base, exponent) if self._complete(each, index)), None)
            case Quotient(numerator, denominator):
                return denominator if self._complete(denominator, index) else self._closed(numerator, index)
            case Sum(terms) if self._complete(part, index) and any(index not in self.visible(term) for term in terms):
                return part
            case _:
                return next((found for each in part.parts if (found := self._closed(each, index)) is not None), None)

    def _by_one(self, expression: Expression, index: Index) -> bool:
        """Whether a one-tensor contracts an index in an expression."""
        return any(
            isinstance(part, Product)
            and any(isinstance(factor, One) and index in factor.indices for factor in part.factors)
            and len(self.visible(part)[index]) > 1
            for part in expression.walk()
        )

    def _complete(self, expression: Expression, index: Index) -> bool:
        """Whether an index would be summed in an expression that stood alone."""
        match expression:
            case Sum(terms):
                holders = [term for term in terms if index in self.visible(term)]
                return bool(holders) and all(self._complete(term, index) for term in holders)
            case Negative(body) | Function(_, body):
                return self._complete(body, index)
            case _:
                return len(self.visible(expression).get(index, ())) > 1

    def _partial(
        self, expression: Partial, body: Expression, by: Tensor, mine: list[Index], open_: frozenset[Index]
    ) -> Expression:
        own = [place for place in by.indices if isinstance(place, Index)]
        mine += [index for index in dict.fromkeys(own) if own.count(index) > 1 and index not in (*open_, *mine)]
        inner = open_ | frozenset(mine)
        for index in own:
            if index not in inner:
                self._product(replace(by, indices=(index,)), inner)
        found = replace(expression, body=self.written_out(body, inner))
        return Summation(tuple(mine), found, expression.at) if mine else found


def is_zero(expression: Expression) -> bool:
    """Whether a side is the number 0."""
    return isinstance(expression, Number) and expression.value == 0


def _single(expression: Expression) -> bool:
    return isinstance(expression, Tensor | Delta | One | Partial) and (
        not isinstance(expression, Partial) or isinstance(expression.body, Tensor)
    )
