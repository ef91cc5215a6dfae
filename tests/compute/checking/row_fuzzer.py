"""Give the prover random rows, true and false ones; no proved row may be false by any numbers.

    python tests/compute/checking/row_fuzzer.py [--rows N] [--first N] [--jobs N]

A row has a random left side, over definitions and with derivatives, and one of these right sides: a rewriting of the
left, by rules of the textbook; a near miss, which is a rewriting with one change, or with one rule that is wrong; or
another random expression. What is proved is put to random tensors, and to small numbers, exact where that is possible.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import torch
from derivation_mutants import changed, replaced
from derivation_texts import ROOT

from einsum_doc import NotationError
from einsum_doc.compute.checking.derivation import NumericCheck
from einsum_doc.notation.expression import (
    Affine,
    Coordinate,
    Delta,
    Expression,
    Extent,
    Function,
    Index,
    Indicator,
    Negative,
    Number,
    One,
    Ordinal,
    Partial,
    Power,
    Product,
    Quotient,
    Sum,
    Summation,
    Tensor,
    mapped,
    rebuilt,
    subscripts,
    with_indices,
)
from einsum_doc.notation.proving.functions import ARGUMENT, meaning, slope
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.parse import Chain, Document, Relation
from einsum_doc.notation.statements.counterexamples import POSITIVE, SIGNED, WORK, CounterexampleSearch
from einsum_doc.notation.statements.proofs import proved
from einsum_doc.notation.statements.statements import DerivationLine, Statements
from einsum_doc.notation.statements.values import PointValues, UnknownError, WorkError
from einsum_doc.notation.symbols.table import SymbolTable

sys.path.append(str(ROOT / "tests" / "notation" / "proving"))

from test_normal_forms import Writer, computed

INPUTS = {"x": 1, "w": 1, "A": 2, "p": 1, "s": 0, "q": 0, "M": 2}
DEFINED = {"u": "i", "B": "ij", "v": "i", "g": ""}
SIZES = ((1,), (1, 2), (2, 3), (2, 1, 3), (3, 1))
"""The sizes of small numbers, in turn."""


def num(value: int | Fraction) -> Number:
    """A number."""
    return Number(Fraction(value))


def times(*factors: Expression) -> Expression:
    """A product, or 0 if a factor is."""
    if any(factor == num(0) for factor in factors):
        return num(0)
    return Product(factors) if len(factors) > 1 else factors[0] if factors else num(1)


def one_minus(part: Expression) -> Expression:
    return Sum((num(1), Negative(part)))


def unbound(part: Expression) -> set[Index]:
    """The letters that no sum in an expression binds."""
    bound = {index for each in part.walk() if isinstance(each, Summation) for index in each.indices}
    return {index for index in subscripts(with_atoms(part)) if isinstance(index, Index) and index not in bound}


def with_atoms(part: Expression) -> Expression:
    """The same with the letters of index arithmetic as indices of deltas."""

    def plain(each: Expression) -> Expression:
        atoms = [atom for index in each.own if isinstance(index, Affine) for _, own in index.terms for atom in own]
        return Product((each, *(One((atom,)) for atom in atoms))) if atoms else each

    return rebuilt(part, plain)


def wide(part: Expression) -> Expression:
    """The same with a one-tensor in each term of a sum that lacks an index of another."""
    if isinstance(part, Product):  # The sum beside other factors is taken as it is.
        part = replace(part, factors=tuple(map(wide, part.factors)))
    part = mapped(part, wide)
    if not isinstance(part, Sum):
        return part
    every = [unbound(rebuilt(term, lambda each: num(1) if isinstance(each, Ordinal) else each)) for term in part.terms]
    lacking = [sorted(set().union(*every) - own, key=str) for own in every]
    return Sum(
        tuple(
            Product((term, One(tuple(missing)))) if missing else term
            for term, missing in zip(part.terms, lacking, strict=True)
        )
    )


def places(part: Expression, open_: tuple[Index, ...]) -> Iterator[tuple[Expression, tuple[Index, ...]]]:
    """All parts of an expression, each with the indices that are open there."""
    yield part, open_
    inner = (*open_, *(i for i in part.indices if isinstance(i, Index))) if isinstance(part, Summation) else open_
    inside = part.parts[: 1 if isinstance(part, Partial | Power) else None]  # Not what is differentiated by.
    for each in inside if Tensor("l") not in inside else ():
        yield from places(each, inner)


class RowWriter(Writer):
    """Random rows: sides, and rules by which they are rewritten.

    definitions: of each defined tensor, its indices and its value.
    """

    kinds = (
        *["sum"] * 5,
        *["product"] * 6,
        "negative",
        *["quotient", "function"] * 2,
        *["power"] * 2,
        *["summation"] * 5,
        *["partial"] * 3,
    )
    functions = ("exp", "sin", "cos", "tanh", "sigmoid", "softplus", "abs", "relu", "f", "f")

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.inverse = self.random.random() < 0.1
        self.ranks = {name: rank for name, rank in INPUTS.items() if name != "M" or self.inverse}
        self.ranks |= {"K": 2} if self.inverse else {}
        self.definitions: dict[str, tuple[tuple[Index, ...], Expression]] = {}
        for name in self.random.sample(list(DEFINED), self.random.choice([0, 0, 1, 1, 2])):
            own = tuple(map(Index, DEFINED[name]))
            self.definitions[name] = own, self.side([Index("i"), Index("j")], 3, own)
            self.ranks[name] = len(own)

    def side(self, open_: list[Index], depth: int, own: Sequence[Index] | None = None) -> Expression:
        """A random side in these indices; the others are summed."""
        found = self.expression(open_, self.random.randint(1, depth))
        for index in open_:
            if own is not None and index not in own and index in unbound(found):
                found = self.total(found, index)
        return found

    def inputs(self, body: Expression) -> list[str]:
        """The inputs that an expression is computed from."""
        names = dict.fromkeys(part.name for part in body.walk() if isinstance(part, Tensor))
        inside = [each for name in names if name in self.definitions for each in self.inputs(self.definitions[name][1])]
        names |= dict.fromkeys([*inside, *["M"] * ("K" in names)])
        return [name for name in names if name in INPUTS]

    def total(self, body: Expression, index: Index) -> Expression:
        """A sum over an index, under a new name."""
        new = self.new()
        return Summation((new,), self.apart(with_indices(body, {index: new})))

    def apart(self, part: Expression) -> Expression:
        """The same with new names for what its sums bind."""
        bound = [i for each in part.walk() if isinstance(each, Summation) for i in each.indices]
        new = {index: self.new() for index in dict.fromkeys(bound)}

        def moved(each: Expression) -> Expression:
            if isinstance(each, Summation) and each.limits:
                low, high = each.limits
                (index,) = each.indices
                _, *rest = high.terms
                return replace(each, limits=(low, computed(((1, (Extent("N", index),)), *rest))))
            return each

        return rebuilt(with_indices(part, new), moved)

    def leaf(self, open_: list[Index]) -> Expression:
        kind = self.random.random()
        if kind < 0.05:
            value = Ordinal((self.random.choice(open_),), 0)
            return Power(self.tensor(open_), self.random.choice([value, Sum((value, num(self.random.randint(-1, 2))))]))
        return self.tensor(open_) if kind < 0.65 else super().leaf(open_)

    def tensor(self, open_: list[Index]) -> Tensor:
        found = super().tensor(open_)
        if found.indices and self.random.random() < 0.05:
            shift = tuple((1, (self.random.choice(open_),)) for _ in range(2))
            found = replace(found, indices=(*found.indices[:-1], computed(shift)))
        return found

    def expression(self, open_: list[Index], depth: int) -> Expression:
        found = super().expression(open_, depth)
        match found:
            case Power(base, Number(exponent)) if exponent.denominator > 1:  # Of what is surely positive.
                found = Power(Sum((num(1), Power(base, num(2)))), Number(exponent))
            case Quotient(top, bottom) if self.random.random() < 0.8:
                found = Quotient(top, Sum((num(2), Power(bottom, num(2)))))
            case Partial(body):
                if self.definitions and self.random.random() < 0.6:
                    name = self.random.choice(list(self.definitions))
                    body = Tensor(name, tuple(self.index(open_) for _ in range(self.ranks[name])))
                inside = self.inputs(body)
                if not inside:  # Of a derivative that is 0, nothing can be said.
                    return body
                name = self.random.choice(inside)
                found = Partial(body, Tensor(name, tuple(self.random.choice(open_) for _ in range(INPUTS[name]))))
            case Summation((index,), body) if index not in unbound(body):
                return body
            case Summation((index,), body):  # Reductions are proved by few rules.
                condition = Indicator((index, self.bound(open_)), self.random.choice("<>≤≥≠"))
                limits = self.limits(index) if self.random.random() < 0.2 else None
                found = Summation(
                    (index,), times(condition, body) if self.random.random() < 0.3 else body, limits=limits
                )
        return found

    def limits(self, index: Index) -> tuple[Affine, Affine]:
        """The limits of a sum over the most of a range."""
        first, last = self.random.choice([(0, 1), (1, 1), (0, 2), (1, 2), (2, 1)])
        return computed(((first, ()),)), computed(((1, (Extent("N", index),)), (-last, ())))

    def gradient(self, index: Index) -> tuple[Expression, Expression]:
        """The gradient of an arbitrary scalar, and the chain rule for it, if no definition uses another."""
        inside = [each for name in self.definitions for each in self.inputs(Tensor(name)) if each in "xwp"]
        x = Tensor(self.random.choice(inside or ["x"]), (index,))
        terms: list[Expression] = []
        for name, (own, _) in self.definitions.items():
            new = tuple(self.new() for _ in own)
            body = Product((Partial(Tensor("l"), Tensor(name, new)), Partial(Tensor(name, new), x)))
            terms.append(Summation(new, body) if new else body)
        return Partial(Tensor("l"), x), Sum(tuple(terms)) if len(terms) > 1 else terms[0]

    # Rules of the textbook: a part, and the indices that are open there -> an equal part, or None.

    def reordered(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        match part:
            case Sum(parts) | Product(parts):
                return type(part)(tuple(self.random.sample(parts, len(parts))))
        return None

    def multiplied_out(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        match part:
            case Product(factors) if any(isinstance(factor, Sum) for factor in factors):
                sum_ = next(factor for factor in factors if isinstance(factor, Sum))
                return Sum(tuple(replaced(part, sum_, self.apart(term)) for term in sum_.terms))
            case Summation(indices, Sum(terms)) if all(set(indices) <= unbound(term) for term in terms):
                return Sum(tuple(self.apart(replace(part, body=term)) for term in terms))
            case Summation((index,), Product(factors), _, None):
                outside = [factor for factor in factors if index not in unbound(factor)]
                inside = [factor for factor in factors if index in unbound(factor)]
                return times(*outside, Summation((index,), times(*inside))) if inside else None
            case Product((*before, Summation() as total, last)):
                return self.apart(replace(total, body=Product((*before, total.body, last))))
            case Negative(Sum(terms)):
                return Sum(tuple(map(Negative, terms)))
            case Quotient(Sum(terms), bottom):
                return Sum(tuple(Quotient(term, self.apart(bottom)) for term in terms))
        return None

    def renamed(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        return self.apart(part) if isinstance(part, Summation) else None

    def split(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        match part:
            case Summation((index,), body, _, (low, high)):
                if low.terms == ((1, ()),) and self.random.random() < 0.5:
                    whole = replace(part, limits=(replace(low, terms=()), high))
                    return Sum((self.apart(whole), Negative(self.apart(with_indices(body, {index: Coordinate(0)})))))
                conditions = Indicator((index, low), "≥"), Indicator((index, high), "≤")
                return Summation((index,), Product((*conditions, body)))
            case Summation((Index() as index,), body) if open_:
                other = self.bound(list(open_))
                one, rest = self.random.choice(
                    [
                        (Indicator((index, other), "<"), Indicator((index, other), "≥")),
                        (Indicator((index, other), "≤"), Indicator((index, other), ">")),
                        (Indicator((index, other), "<"), Sum((Delta((index, other)), Indicator((index, other), ">")))),
                    ]
                )
                halves = [Summation((index,), Product((each, body))) for each in (one, rest)]
                return Sum((halves[0], self.apart(halves[1])))
        return None

    def with_delta(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        match part:
            case Tensor(_, (*before, Index() as last)):
                new = self.new()
                return Summation((new,), Product((Delta((last, new)), replace(part, indices=(*before, new)))))
            case Delta((Index() as first, Index() as second)) if self.inverse:
                new = self.new()
                return Summation((new,), Product((Tensor("M", (first, new)), Tensor("K", (new, second)))))
        return None

    def without_delta(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        match part:
            case Summation((index,), Product((Delta((first, second)), *rest)), _, None) if (
                index in (first, second) and rest
            ):
                other = second if first == index else first
                return with_indices(times(*rest), {index: other})
            case Product((*before, Delta((Index() as first, second)), last)) if not isinstance(second, Affine):
                return Product((*before, Delta((first, second)), with_indices(last, {first: second})))
        return None

    def put_in(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        match part:
            case Tensor(name, indices) if name in self.definitions:
                own, body = self.definitions[name]
                return with_indices(self.apart(body), dict(zip(own, indices, strict=True)))
        return None

    def conditions(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        match part:
            case Indicator((first, second), sign):
                turned = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "≠": "≠"}[sign]
                opposite = {"<": "≥", ">": "≤", "≤": ">", "≥": "<"}
                ways: list[Expression] = [Indicator((second, first), turned)]
                ways += [one_minus(Indicator((first, second), opposite[sign]))] if sign in opposite else []
                ways += [one_minus(Delta((first, second)))] if sign == "≠" else []
                if sign in "≤≥":
                    ways += [Sum((Delta((first, second)), Indicator((first, second), {"≤": "<", "≥": ">"}[sign])))]
                if sign == "≠":
                    ways += [Sum(tuple(Indicator((first, second), each) for each in "<>"))]
                return self.random.choice(ways)
            case Delta((first, second)) if not any(isinstance(each, Affine) for each in part.indices):
                ways = [Product((Indicator((first, second), "≤"), Indicator((first, second), "≥")))]
                ways += [Product((part, part)), Delta((second, first)), one_minus(Indicator((first, second), "≠"))]
                return self.random.choice(ways)
            case Delta((first, Affine(terms))):
                (count, atoms), *rest = terms
                if count in (1, -1) and len(atoms) == 1 and not isinstance(first, Affine | Coordinate):
                    moved = ((count, (first,)), *((-count * each, own) for each, own in rest))
                    return Delta((atoms[0], computed(moved)))
        return None

    def powers(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        match part:
            case Power(base, Number(exponent)) if exponent.denominator == 1 and exponent > 1:
                return Product((base, self.apart(Power(base, Number(exponent - 1)))))
            case Power(Product(factors), Number(exponent)) if exponent.denominator == 1:
                return Product(tuple(Power(factor, Number(exponent)) for factor in factors))
            case Power(base, Sum(terms)):
                return Product(tuple(Power(self.apart(base), term) for term in terms))
            case Power(Product(factors), Ordinal() as value):
                return Product(tuple(Power(factor, value) for factor in factors))
            case Power(Power(base, Number(inner)), Number(outer)) if {inner.denominator, outer.denominator} == {1}:
                return Power(base, Number(inner * outer))
            case Quotient(top, bottom):
                return Product((top, Power(bottom, num(-1))))
        return None

    def functions_in_others(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        match part:
            case Function("exp", Sum(terms), 0):
                return Product(tuple(Function("exp", term) for term in terms))
            case Function("sigmoid", argument, 0) if self.random.random() < 0.5:
                return one_minus(Function("sigmoid", Negative(argument)))
            case Power(Function("sin", argument, 0), Number(2)):
                return one_minus(Power(Function("cos", argument), num(2)))
            case Function(name, argument, 0) if (found := meaning(name)) is not None:
                return self.at(found, argument)
        return None

    def at(self, body: Expression, argument: Expression) -> Expression:
        """A function of ARGUMENT at another argument."""
        return rebuilt(body, lambda each: self.apart(argument) if each == ARGUMENT else each)

    def differentiated(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        return self.slope(part.body, part.by) if isinstance(part, Partial) and not part.held else None

    def with_nothing(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        other = self.expression(list(open_), 1) if open_ and not isinstance(part, Sum | Product) else num(2)
        positive = Sum((num(1), Power(other, num(2))))
        ways = [Sum((part, other, Negative(self.apart(other))))]
        ways += [Quotient(Product((part, positive)), self.apart(positive))]
        return self.random.choice(ways)

    def slope(self, part: Expression, by: Tensor) -> Expression:
        """The derivative by the textbook."""
        terms: list[Expression] = []
        match part:
            case Tensor(name, indices) if name == by.name:
                return times(*(Delta(pair) for pair in zip(indices, by.indices, strict=True)))
            case Tensor(name) if name in self.definitions:
                return self.slope(self.put_in(part, ()) or part, by)
            case Tensor("K", (row, column)) if by.name == "M":
                return Negative(Product((Tensor("K", (row, by.indices[0])), Tensor("K", (by.indices[1], column)))))
            case Negative(body):
                return times(num(-1), self.slope(body, by))
            case Sum(parts):
                terms = [self.slope(each, by) for each in parts]
            case Product(factors):
                for place, factor in enumerate(factors):
                    terms.append(self.apart(times(*factors[:place], self.slope(factor, by), *factors[place + 1 :])))
            case Quotient(top, bottom):
                return self.slope(Product((top, Power(bottom, num(-1)))), by)
            case Power(base, Number(exponent) as power):
                lower = self.apart(Power(base, Number(exponent - 1))) if exponent != 1 else num(1)
                return times(power, lower, self.slope(base, by))
            case Power(base, exponent):
                return times(exponent, self.apart(Power(base, Sum((exponent, num(-1))))), self.slope(base, by))
            case Function(name, argument, order):
                return times(self.outer(name, argument, order), self.slope(argument, by))
            case Summation(indices, body):
                inner = self.slope(body, by)
                return replace(part, body=inner) if set(indices) <= unbound(inner) else num(0)
            case Partial(body, other):
                return self.slope(self.slope(body, other), by)
        terms = [term for term in terms if term != num(0)]
        return Sum(tuple(terms)) if len(terms) > 1 else terms[0] if terms else num(0)

    def outer(self, name: str, argument: Expression, order: int) -> Expression:
        """The derivative of a function, at an argument."""
        found = slope(name)
        return self.at(found, argument) if found is not None and not order else Function(name, argument, order + 1)

    # Rules that are wrong, for most sizes or numbers.

    def wrong(self, part: Expression, open_: Sequence[Index]) -> Expression | None:
        match part:
            case Function("abs" | "relu", argument, 0):
                return argument
            case Function(name, Sum(terms), order):
                return Sum(tuple(Function(name, term, order) for term in terms))
            case Partial(Function(name, argument, order), _):
                return self.outer(name, argument, order)
            case Power(Sum(terms), exponent):
                return Sum(tuple(Power(term, exponent) for term in terms))
            case Power(Number(), _) | Number():
                return None
            case Power(base, Sum((exponent, *_))):
                return Power(base, exponent)
            case Summation(_, _, _, (low, high)):
                return replace(part, limits=self.random.choice([None, (computed(((1, ()), *low.terms)), high)]))
            case Summation((index,), Product((first, *rest))) if rest and index in unbound(first):
                other = times(*rest)
                return times(Summation((index,), first), self.total(other, index) if index in unbound(other) else other)
            case Summation((index,), body) if open_:
                return with_indices(body, {index: self.random.choice(open_)})
            case Indicator((first, second), sign):
                return Indicator((first, second), self.random.choice([each for each in "<>≤≥≠" if each != sign]))
            case Delta((first, second)) if not any(isinstance(each, Affine) for each in part.indices):
                return Indicator((first, second), self.random.choice("≤≥"))
            case Delta((first, Affine((one, *others)))):
                return Delta((first, computed((one, *others, (1, ())))))
            case Tensor(name, (*before, Index())) if open_:
                return replace(part, indices=(*before, self.random.choice(open_)))
        return None

    def rewritten(self, side: Expression, open_: tuple[Index, ...], rules: Collection[str], count: int) -> Expression:
        """A side after so many rewritings, by any of these rules."""
        for _ in range(count):
            found = list(places(side, open_))
            self.random.shuffle(found)
            for name, (part, here) in ((self.random.choice(list(rules)), place) for place in found * 3):
                other = getattr(self, name)(part, here)
                if other is not None and other != part:
                    side = replaced(side, part, other)
                    break
        return side


RULES = (
    "with_nothing",
    *2 * ("reordered", "multiplied_out", "renamed", "split", "with_delta", "without_delta", "put_in", "conditions"),
    *3 * ("powers", "functions_in_others", "differentiated"),
)


@dataclass(frozen=True)
class Row:
    """A row to be judged. kind: how its right side is made."""

    kind: str
    document: Document

    def __str__(self) -> str:
        return "; ".join(
            str(each.body) if isinstance(each, Directive) else " = ".join(map(str, each.sides))
            for each in self.document.entries
        )


def relation(right: Expression) -> Relation:
    """An equality; the value of a number as an index is the number."""

    def numbered(part: Expression) -> Expression:
        match part:
            case Ordinal((Coordinate(value),)):
                return num(value)
        return part

    return Relation("=", rebuilt(right, numbered), 0, "", "", (0, 0))


def row(seed: int) -> Row:
    """A random row."""
    writer = RowWriter(seed)
    rng = writer.random
    open_ = tuple(Index(letter) for letter in rng.choice(["i", "ij", "ij"]))
    left = writer.side(list(open_), 4)
    gradient = writer.definitions and rng.random() < 0.15
    kind = rng.choice(["rewriting"] * 4 + ["mutant"] * 3 + ["wrong rule"] * 4 + ["other side"])
    true = left
    if gradient:
        left, true = writer.gradient(open_[0])
        open_ = open_[:1]
    if kind == "other side":
        right = writer.side(list(open_), 3)
    else:
        right = writer.rewritten(true, open_, RULES, rng.randrange(1, 5))
        if kind == "wrong rule":
            right = writer.rewritten(right, open_, ["wrong"], 1)
        elif kind == "mutant":
            changes = list(changed(Chain(left, ()), right))
            right = rng.choice(changes)[1] if changes else Negative(right)
        right = writer.rewritten(right, open_, RULES, rng.randrange(3))
    chains = [
        Chain(Tensor(name, own), (relation(over(body, own)),)) for name, (own, body) in writer.definitions.items()
    ]
    sides = [left] if gradient else [Tensor("z", open_), over(left, open_)]
    chains.append(Chain(sides[0], tuple(map(relation, [*sides[1:], over(right, open_)]))))
    parts = [part for chain in chains for side in chain.sides for part in side.walk()]
    names = {part.name for part in parts if isinstance(part, Tensor)}
    directives = [Directive("positive", name, (0, 0)) for name in "pq" if name in names]
    directives.append(Directive("origin", "0", (0, 0)))
    if "K" in names:
        directives.append(Directive("let", "K = torch.linalg.inv(M)", (0, 0)))
        chains.insert(0, Chain(Tensor("m", tuple(map(Index, "ij"))), (relation(Tensor("M", tuple(map(Index, "ij")))),)))
    return Row(kind, Document("", (*directives, *chains)))


def over(side: Expression, open_: tuple[Index, ...]) -> Expression:
    """A side with one-tensors for the indices that it lacks."""
    missing = tuple(index for index in open_ if index not in unbound(side))
    return Product((wide(side), One(missing))) if missing else wide(side)


def refuted(line: DerivationLine) -> bool:
    """Whether small numbers find a row false, those of sizes with a 1 too."""
    assert line.statement is not None
    search = CounterexampleSearch(line.statement, line.number)
    for turn, (sizes, numbers) in enumerate(product(SIZES, (POSITIVE, SIGNED))):
        point = search.point(sizes, numbers, turn)
        with suppress(UnknownError, WorkError):
            if point is not None and search.difference(PointValues(point, WORK)) is not None:
                return True
    return False


def judged(seed: int) -> tuple[str, str, str]:
    """The kind of a random row, the row, and what becomes of it.

    That is "proved", "false" by small numbers, "open", or "refused" as text; "PROVED" if what is proved is false by
    small numbers or random tensors.
    """
    torch.set_num_threads(1)
    found = row(seed)
    try:
        statements = Statements(found.document, (), SymbolTable(), {})
        *_, line = statements.lines
        assert line.statement is not None
        false = refuted(line)
        verdict = "false" if false else "open"
        if proved(line.statement, line.number):
            *_, checked = NumericCheck(statements, seed).lines()
            false = false or (checked.verdict == "false" and "cannot be checked" not in checked.message)
            verdict = "PROVED" if false else "proved"
    except NotationError:
        verdict = "refused"
    return found.kind, str(found), verdict


def count(first: int, rows: int, jobs: int = 1) -> tuple[Counter[tuple[str, str]], list[str]]:
    """How many rows of each kind had each verdict, and the false ones that are proved."""
    seeds = range(first, first + rows)
    with multiprocessing.Pool(jobs) as workers:
        found = list(workers.imap(judged, seeds, 20) if jobs > 1 else map(judged, seeds))
    verdicts = Counter((kind, verdict) for kind, _, verdict in found)
    return verdicts, [
        f"seed {seed}: {text}" for seed, (_, text, says) in zip(seeds, found, strict=True) if says == "PROVED"
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    verdicts, false = count(**vars(parser.parse_args()))
    for verdict in sorted({verdict for _, verdict in verdicts}):
        each = {kind: number for (kind, says), number in verdicts.items() if says == verdict}
        print(f"{sum(each.values()):6} {verdict:9} {', '.join(f'{kind}: {each[kind]}' for kind in sorted(each))}")
    print(*false, sep="\n")
    sys.exit(bool(false))
