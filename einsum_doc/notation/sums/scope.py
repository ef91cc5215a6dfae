"""Implied sums: every index that is summed without a sign gets its Summation.

An index that is not free is summed, separately in each additive term, in the smallest product that holds all
its occurrences there. After `written_out` every index is free or bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import zip_longest

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Function,
    Index,
    Negative,
    Number,
    One,
    Ordinal,
    Partial,
    Piecewise,
    Position,
    Power,
    Product,
    Quotient,
    Sum,
    Summation,
    Tensor,
    is_zero,
    mapped,
    rebuilt,
)
from einsum_doc.notation.reading.vocabulary import reserved

_NOTHING = Number(Fraction(0))


class Scope:
    """The sums of one text; `text` is for the carets of errors.

    A term may lack an index that the left side names, or a written sum around it: there, it is constant along it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: frozenset[Index] = frozenset()

    def free(self, sides: Sequence[Expression], kept: Sequence[Index] = ()) -> frozenset[Index]:
        """Return the free indices of a chain.

        They are those of the left side, if it is a single component or derivative with each index once. Of another
        left side, they are the indices that are on all sides and occur once in some term of some side. A side that
        is the number 0 is left out.
        """
        telling = [side for side in sides if not is_zero(side)]
        seen = [_unbound(side) for side in telling]
        common = frozenset(kept) & frozenset(index for each in seen for index in each)
        if not telling:
            return common
        if telling[0].is_component:
            return frozenset(seen[0]) | common
        if _single(telling[0]) and all(len(occurrences) == 1 for occurrences in seen[0].values()):
            return frozenset(seen[0]) | common
        once = {index for side, own in zip(telling, seen, strict=True) for index in own if 1 in _counts(side, index)}
        found = frozenset(once.intersection(*seen)) | common
        base = head = telling[0]
        while isinstance(base, Partial):
            base = base.body
        own = [index for part in head.walk() for index in part.own] if isinstance(base, Tensor) and head != base else []
        for index in (index for index in own if index not in found):  # It stands there twice, as in ∂y_i/∂x_i.
            expected = rf"\sum_{{{index}}} before it, another index, or '% no sum {index}'"
            raise self.fail(f"is {index} summed in {head}?", head.at, expected)
        return found

    def side(self, expression: Expression, free: frozenset[Index], left: Expression) -> Expression:
        """Return one side of a relation with its sums written.

        Raises: NotationError, if a free index is missing, or an index occurs once and is not free.
        """
        self._known = free if _single(left) else frozenset()
        found = self.written_out(expression, free)
        missing = sorted(free - set(_unbound(found)), key=str)
        if missing and not is_zero(expression):
            raise self._missing(missing[0], expression, f"is free, as it stands in {left},")
        return found

    def written_out(
        self, expression: Expression, open_: frozenset[Index], beside: frozenset[Index] = frozenset()
    ) -> Expression:
        """Return an expression in which every index that is not open is bound by a Summation.

        beside: open indices of the factors beside it, which each of its terms has when brackets are multiplied out.
        """
        match expression:
            case Sum() | Negative() | Function() | Piecewise():
                inside = frozenset[Index]() if isinstance(expression, Function) else beside
                found = mapped(expression, lambda part: self.written_out(part, open_, inside))
                if isinstance(found, Sum):
                    self._refuse_different_indices(expression.parts, found.parts, beside)
                elif isinstance(found, Piecewise) and isinstance(expression, Piecewise):
                    rows = zip_longest(found.values, found.conditions, fillvalue=_NOTHING)
                    self._refuse_different_indices(
                        expression.values, [Sum(row) if _unbound(row[0]) else _NOTHING for row in rows]
                    )
                return found
            case Summation():
                return self._summation(expression, open_, beside)
            case _:
                return self._product(expression, open_, beside)

    def _refuse_different_indices(
        self, terms: Sequence[Expression], found: Sequence[Expression], beside: frozenset[Index] = frozenset()
    ) -> None:
        """Refuse terms of a sum that lack an open index that only other terms tell, scalars apart."""
        seen = [set(_unbound(rebuilt(term, _without_values))) for term in found]
        everything = set().union(*seen) - beside - self._known
        for term, own in zip(terms, seen, strict=True):
            missing = sorted(everything - own, key=str)
            if own and missing:
                raise self._missing(missing[0], term, "is open in another term of this sum")

    def _summation(self, expression: Summation, open_: frozenset[Index], beside: frozenset[Index]) -> Expression:
        bound = [index for index in expression.indices if isinstance(index, Index)]
        inside = _unbound(expression.body)
        for index in bound:
            if index in open_:
                fault = f"the sum is over {index}, which has a meaning here already"
                raise self.fail(fault, index.at, "another letter for the sum")
            if index not in inside:
                raise self.fail(f"the sum is over {index}, which is not in what is summed", index.at, f"{index} in it")
        around, self._known = self._known, self._known.union(bound)
        body = self.written_out(expression.body, open_.union(bound), beside)
        self._known = around
        return replace(expression, body=body)

    def _product(self, expression: Expression, open_: frozenset[Index], beside: frozenset[Index]) -> Expression:
        """Write out an expression whose parts multiply, or a single component."""
        own = [index for index in expression.own if isinstance(index, Index)]
        seen = [_unbound(part) for part in expression.parts]
        summed: list[Index] = []
        for index in dict.fromkeys(index for each in seen for index in each):
            if index not in open_ and sum(index in each for each in seen) > 1:
                self._refuse_two_sums(expression, index)
                summed.append(index)
        if isinstance(expression, Partial):
            own = [index for index in expression.by.indices if isinstance(index, Index)]
        for index in dict.fromkeys(own):
            if index not in open_ and index not in summed:
                if own.count(index) == 1:
                    expected = rf"a one-tensor to contract it with, \mathbf{{1}}_{{{index}}}, or \sum_{{{index}}}"
                    if isinstance(expression, Delta):
                        expected += f"; '% fixed {index}', if it is one given value"
                    expected += f"; {meaning}" if (meaning := reserved(expression)) else ""
                    raise self.fail(f"index {index} occurs once and is not free", index.at, expected)
                summed.append(index)
        inner = open_.union(summed)
        if isinstance(expression, Partial):
            found: Expression = replace(expression, body=self.written_out(expression.body, inner))
        elif isinstance(expression, Product):
            factors = []
            for place, part in enumerate(expression.factors):
                others = Counter(
                    index for each in (*seen[:place], *seen[place + 1 :]) for own in each.values() for index in own
                )
                # Multiplied out, each term would have these: one that is summed stays so if it is there twice without.
                has = {index for index in others if index in open_ or others[index] > 1}
                factors.append(self.written_out(part, inner, beside | has))
            found = replace(expression, factors=tuple(factors))
        else:
            found = mapped(expression, lambda part: self.written_out(part, inner))
        return Summation(tuple(summed), found, at=expression.at) if summed else found

    def _refuse_two_sums(self, expression: Expression, index: Index) -> None:
        """Refuse an index whose sum could be inside one factor as well as around all of them.

        Examples are (x_j y_j) / (x_j x_j), and a function, power or denominator whose sum a one-tensor closes, beside
        another factor with the index. In 1/(s_b t_b) δ_{bb'} only the outer sum has a meaning.
        """
        everywhere = len(_unbound(expression)[index])

        def beside(part: Expression) -> bool:
            return everywhere - len(_unbound(part)[index]) > 1 or _by_one(part, index)

        closed = [_closed(part, index) for part in expression.parts]
        if isinstance(expression, Quotient):
            closed[1] = expression.denominator if _complete(expression.denominator, index) else None
        alone = [part for part in closed if part is not None and (isinstance(part, Sum) or beside(part))]
        alone += [part for part in _groups(expression) if _complete(part, index) and beside(part)]
        if alone:
            raise self.fail(
                f"index {index} could be summed in {alone[0]} alone, and stands beside it too",
                _unbound(alone[0])[index][0].at,
                rf"another letter for one of them, or a \sum; '% no sum {index}', if it is never summed",
            )

    def _missing(self, index: Index, expression: Expression, why: str) -> NotationError:
        """Return the error about a term that lacks an index."""
        expected = rf"a factor \mathbf{{1}}_{{{index}}}, the one-tensor, if it is constant along {index}"
        return self.fail(f"index {index} {why} and is missing in {expression}", expression.at, expected)

    def fail(self, fault: str, at: Position, expected: str) -> NotationError:
        """Return an error about a place in the text."""
        return NotationError(fault, text=self.text, position=at, expected=expected)


def _without_values(part: Expression) -> Expression:
    """Return a number for the value of an index, which is a scalar beside others."""
    return _NOTHING if isinstance(part, Ordinal) else part


def _unbound(expression: Expression) -> dict[Index, list[Index]]:
    """Return the indices that no sum inside binds, each with its occurrences."""
    found: dict[Index, list[Index]] = {}
    for index in expression.own:
        if isinstance(index, Index):
            found.setdefault(index, []).append(index)
    for part in expression.parts:
        for index, occurrences in _unbound(part).items():
            found.setdefault(index, []).extend(occurrences)
    if isinstance(expression, Summation):
        for index in expression.indices:
            if isinstance(index, Index):
                found.pop(index, None)
    return found


def _counts(expression: Expression, index: Index) -> set[int]:
    """Return the possible counts of an index in a term with all brackets multiplied out; 2 means 2 or more."""
    if isinstance(expression, Sum | Piecewise):
        return set().union(*(_counts(term, index) for term in expression.parts))
    if isinstance(expression, Summation) and index in expression.indices:
        return {0}
    found = {min(expression.own.count(index), 2)}
    for part in expression.parts:
        found = {min(one + other, 2) for one in found for other in _counts(part, index)}
    return found


def _groups(expression: Expression) -> Iterator[Expression]:
    """Yield the brackets and fractions inside, other than those in a function or a term."""
    for part in expression.parts if isinstance(expression, Product | Quotient | Power | Negative | Partial) else ():
        if isinstance(part, Product | Quotient | Negative | Sum):
            yield part
        yield from _groups(part)


def _closed(part: Expression, index: Index) -> Expression | None:
    """Return a part of a factor that could have its own sum: in a function, a power or a denominator."""
    match part:
        case Function(_, argument):
            return argument if _complete(argument, index) else None
        case Power(base, exponent):
            return next((each for each in (base, exponent) if _complete(each, index)), None)
        case Quotient(numerator, denominator):
            return denominator if _complete(denominator, index) else _closed(numerator, index)
        case Sum(terms) if _complete(part, index) and any(index not in _unbound(term) for term in terms):
            return part
        case _:
            return next((found for each in part.parts if (found := _closed(each, index)) is not None), None)


def _by_one(expression: Expression, index: Index) -> bool:
    """Return whether a one-tensor contracts an index in an expression."""
    return any(
        isinstance(part, Product)
        and any(isinstance(factor, One) and index in factor.indices for factor in part.factors)
        and len(_unbound(part)[index]) > 1
        for part in expression.walk()
    )


def _complete(expression: Expression, index: Index) -> bool:
    """Return whether an index would be summed in an expression that stood alone."""
    match expression:
        case Sum() | Piecewise():
            terms = expression.parts
            holders = [term for term in terms if index in _unbound(term)]
            return bool(holders) and all(_complete(term, index) for term in holders)
        case Negative(body) | Function(_, body):
            return _complete(body, index)
        case _:
            return len(_unbound(expression).get(index, ())) > 1


def _single(expression: Expression) -> bool:
    """Return whether a side is a component, or the derivative of one."""
    tensor = expression.body if isinstance(expression, Partial) else expression
    return isinstance(tensor, Tensor) or isinstance(expression, Delta | One)
