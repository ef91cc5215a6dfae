"""A side of a relation -> the same with one slip of the pen taken back, and that in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any, NamedTuple, TypeAlias

from einsum_doc.notation.expression import (
    Affine,
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
    Size,
    Subscript,
    Sum,
    Summation,
    Tensor,
    mapped,
    plain,
    subscripts,
    with_indices,
)
from einsum_doc.notation.subscripts import spelled
from einsum_doc.notation.sums.arithmetic import Placed, Placement
from einsum_doc.notation.symbols.exact import constant

Terms: TypeAlias = tuple[tuple[int, tuple[Any, ...]], ...]

ONE, TWO, HALF = Number(Fraction(1)), Number(Fraction(2)), Number(Fraction(1, 2))

Changes: TypeAlias = Iterator[tuple[str, Expression]]
"""Expressions that could have been meant, each with the change in words."""


class Surroundings(NamedTuple):
    """The things beside a side that a change may take from.

    kinds: the tensors and the kinds of their subscripts. free: the free indices. constants: the constant ones.
    head, before: the left side of the chain, and of the relation.
    """

    kinds: Mapping[str, tuple[str, ...]]
    free: Sequence[Index]
    constants: Sequence[Subscript]
    head: Expression
    before: Expression


def changes(side: Expression, around: Surroundings) -> Changes:
    """Yield the changes of a side, the most frequent slips first."""
    differentiated = {id(each) for part in side.walk() if isinstance(part, Partial) for each in part.parts}
    own = dict.fromkeys(index for index in subscripts(side) if isinstance(index, Index))
    for first, second in combinations(sorted(own, key=str), 2):
        names: dict[Subscript, Subscript] = {first: second, second: first}
        yield f"equal up to exchanging {first} and {second}", with_indices(side, names)
    for kind in (_turned, _places, _terms, _factors, _powers, _operands, _deltas, _sums):
        for part in side.walk():
            for words, other in kind(part, around):
                if not isinstance(part, Tensor) or isinstance(other, Tensor) or id(part) not in differentiated:
                    yield f"equal if {words}", _replaced(side, part, other)
    yield from _renamed(side, around)
    for part in side.walk():
        for words, other in _indices(part, (*around.free, *own)):
            yield f"equal if {words}", _replaced(side, part, other)
    yield from _multiplied(side, around)
    yield from _added(side, around)


def fresh(index: Index) -> Index:
    """Return an index that no text can contain, for the values of another."""
    return replace(index, letter=index.letter + "*")


def axis_index(name: str, axis: int) -> Index:
    """Return an index that no text can contain, for an axis of a tensor."""
    return Index(f"{name}*{axis}")


def operands(side: Expression, around: Surroundings) -> Iterator[Expression]:
    """Yield the side with one of its tensors replaced by another with as many indices."""
    for part in side.walk():
        for _, other in _operands(part, around):
            yield _replaced(side, part, other)


def _replaced(whole: Expression, target: Expression, other: Expression) -> Expression:
    """Return an expression with a part, that very object, replaced."""
    return other if whole is target else mapped(whole, lambda part: _replaced(part, target, other))


def _instead(part: Expression, others: Iterable[Expression]) -> Changes:
    for other in others:
        yield f"{part} is replaced by {other}", other


def _product(*factors: Expression) -> Expression:
    """Return a product without products and signs among its factors."""
    flat: list[Expression] = []
    for factor in factors:
        if isinstance(factor, Negative):
            return Negative(_product(*(each.body if each is factor else each for each in factors)))
        flat += factor.factors if isinstance(factor, Product) else [factor]
    return Product(tuple(flat)) if len(flat) > 1 else flat[0]


def _number(value: Fraction) -> Expression:
    return Negative(Number(-value)) if value < 0 else Number(value)


def _negative(part: Expression) -> Expression:
    return part.body if isinstance(part, Negative) else Negative(part)


def _turned(part: Expression, around: Surroundings) -> Changes:
    if isinstance(part, Tensor):
        for a, b in combinations(range(len(part.indices)), 2):
            turned = list(part.indices)
            turned[a], turned[b] = turned[b], turned[a]
            yield from _instead(part, [replace(part, indices=tuple(turned))])


def _places(part: Expression, around: Surroundings) -> Changes:
    """Yield a component or a delta in which the arithmetic of an index has another sign, or is one more or less."""
    if isinstance(part, Placed) and isinstance(part.body, Product):
        inside, *deltas = part.body.factors
        for place, delta in enumerate(deltas):
            for new in _placed(delta):
                body = Product((inside, *deltas[:place], new, *deltas[place + 1 :]))
                yield from _instead(part, [replace(part, body=body)])
    elif not isinstance(part, Placement):
        yield from _instead(part, _placed(part))


def _placed(part: Expression) -> Iterator[Expression]:
    """Yield a delta with other arithmetic."""
    if not isinstance(part, Delta):
        return
    for place, index in enumerate(part.indices):
        for terms in _arithmetic(index.terms) if isinstance(index, Affine) else ():
            new = Affine(terms, spelled(terms))
            yield replace(part, indices=(*part.indices[:place], new, *part.indices[place + 1 :]))


def _arithmetic(terms: Terms) -> Iterator[Terms]:
    """Yield other sums of indices and numbers: with another sign, or one more or less."""
    for place, (number, atoms) in enumerate(terms):
        if atoms and len(terms) > 1:
            yield (*terms[:place], (-number, atoms), *terms[place + 1 :])
    constant = sum(number for number, atoms in terms if not atoms)
    rest = tuple((number, atoms) for number, atoms in terms if atoms)
    for other in (constant + 1, constant - 1):
        yield (*rest, (other, ())) if other else rest


def _terms(part: Expression, around: Surroundings) -> Changes:
    for place, term in enumerate(part.terms if isinstance(part, Sum) else ()):
        before, after = part.parts[:place], part.parts[place + 1 :]
        rest = (*before, *after)
        positive = term.body if isinstance(term, Negative) else term
        yield f"the sign of {positive} is changed", Sum((*before, _negative(term), *after))
        yield f"the term {term} is left out", Sum(rest) if len(rest) > 1 else rest[0]
        sizes = [Size(str(index).upper(), index) for index in around.free]
        for number in (TWO, HALF, *sizes, *(Quotient(ONE, size) for size in sizes)):
            yield f"the term {term} is multiplied by {number}", Sum((*before, _product(number, term), *after))


def _factors(part: Expression, around: Surroundings) -> Changes:
    if isinstance(part, Product):
        for place, factor in enumerate(part.factors):
            yield f"the factor {factor} is left out", _product(*part.factors[:place], *part.factors[place + 1 :])
    elif isinstance(part, Quotient):
        yield f"{part.numerator} is not divided by {part.denominator}", part.numerator
    elif isinstance(part, Negative):
        yield f"the sign of {part.body} is changed", part.body


def _powers(part: Expression, around: Surroundings) -> Changes:
    if isinstance(part, Power) and (value := constant(part.exponent)) is not None:
        exponents = [each for each in (value + 1, value - 1, -value, value / 2) if each not in (0, 1)]
        yield from _instead(part, [part.base, *(replace(part, exponent=_number(each)) for each in exponents)])
    elif isinstance(part, Function):
        yield from _instead(
            part, [replace(part, order=part.order + 1), replace(part, argument=_negative(part.argument))]
        )
        yield from _instead(part, [replace(part, order=part.order - 1)] if part.order else [])
    elif isinstance(part, Number) and part.value:
        value = part.value
        yield from _instead(part, [_number(each) for each in (2 * value, value / 2, 3 * value, value / 3, -value)])
        yield from _instead(part, [_number(each) for each in (value + 1, value - 1)])
    if isinstance(part, Tensor | Function | Sum | Quotient):
        yield f"{part} is squared", Power(part, TWO)
        yield from _instead(part, [Quotient(ONE, part)])


def _operands(part: Expression, around: Surroundings) -> Changes:
    if isinstance(part, Tensor) and part.name in around.kinds:
        same = [name for name, kinds in around.kinds.items() if kinds == around.kinds[part.name] and name != part.name]
        yield from _instead(part, [replace(part, name=name) for name in same])


def _deltas(part: Expression, around: Surroundings) -> Changes:
    if isinstance(part, One) and len(part.indices) == 1:
        ends = [end for end in (*around.free, *around.constants) if end not in part.indices]
        yield from _instead(part, [Delta((*part.indices, end)) for end in ends])
    elif isinstance(part, Delta) and not isinstance(part, Placement):
        yield from _instead(part, [_product(*(One((index,)) for index in part.indices))])


def _sums(part: Expression, around: Surroundings) -> Changes:
    """Yield a denominator, or the argument of a function, with a sum that was left out."""
    inner = part.argument if isinstance(part, Function) else part.denominator if isinstance(part, Quotient) else ONE
    for index in dict.fromkeys(subscripts(inner)):
        if isinstance(index, Index):
            whole = Summation((fresh(index),), with_indices(inner, {index: fresh(index)}))
            yield f"{inner} is summed over {index}", _replaced(part, inner, whole)


def _renamed(side: Expression, around: Surroundings) -> Changes:
    """Yield the side with one of its tensors replaced by another of them wherever it stands."""
    own = dict.fromkeys(part.name for part in side.walk() if isinstance(part, Tensor))
    for name, new in permutations(own, 2):
        if around.kinds.get(name) == around.kinds.get(new):
            parts = [part for part in side.walk() if isinstance(part, Tensor) and part.name == name]
            found = side
            for part in parts:
                found = _replaced(found, part, replace(part, name=new))
            yield f"equal if {plain(name)} is replaced by {plain(new)}", found


def _indices(part: Expression, letters: Sequence[Index]) -> Changes:
    if isinstance(part, Tensor | Delta) and not isinstance(part, Placement):
        for place, index in enumerate(part.indices):
            others = [each for each in dict.fromkeys(letters) if each != index and not isinstance(index, Range)]
            before, after = part.indices[:place], part.indices[place + 1 :]
            yield from _instead(part, [replace(part, indices=(*before, other, *after)) for other in others])


def _multiplied(side: Expression, around: Surroundings) -> Changes:
    """Yield the side with a factor that was left out of one of its terms."""
    terms = [term for part in side.walk() if isinstance(part, Sum) for term in part.terms]
    terms += [part.body for part in side.walk() if isinstance(part, Summation)]
    for term in (side, *terms):
        words = "right side" if term is side else f"term {term}"
        own = [index for index in dict.fromkeys(subscripts(term)) if isinstance(index, Index)]
        single = [Tensor(name) for name, kinds in around.kinds.items() if not kinds]
        single += [
            Tensor(name, (index,)) for name, kinds in around.kinds.items() if kinds == ("index",) for index in own
        ]
        for factor in single:
            yield f"equal if the {words} is multiplied by {factor}", _replaced(side, term, _product(factor, term))
            inverse = _product(Quotient(ONE, factor), term)
            yield f"equal if the {words} is divided by {factor}", _replaced(side, term, inverse)
        for pair in combinations((*around.free, *around.constants), 2):
            delta = Delta(pair)
            yield f"equal if the {words} is multiplied by {delta}", _replaced(side, term, _product(delta, term))


def _added(side: Expression, around: Surroundings) -> Changes:
    """Yield the side with a term that was left out."""
    head, before, free = around.head, around.before, around.free
    kinds = {name: own for name, own in around.kinds.items() if "range" not in own}
    if isinstance(head, Partial) and isinstance(head.body, Tensor):
        for name, own in kinds.items():
            through = Tensor(name, tuple(axis_index(name, axis) for axis in range(len(own))))
            if name not in (head.by.name, head.body.name):
                path = Product((Partial(head.body, through), Partial(through, head.by)))
                path_sum = Summation(through.indices, path) if own else path
                yield f"equal if the path through {plain(name)} is added", Sum((side, path_sum))
    terms = [
        _negative(term) if isinstance(term, Negative) else term for term in before.parts if isinstance(before, Sum)
    ]
    terms += [Delta(pair) for pair in combinations(free, 2)]
    scalars = [Tensor(name) for name, own in kinds.items() if not own]
    for name, own in kinds.items():
        for order in permutations(free) if len(own) == len(free) < 4 else ():
            terms += [Tensor(name, order), *(Product((each, Tensor(name, order))) for each in scalars)]
    for term in terms:
        positive = term.body if isinstance(term, Negative) else term
        yield f"equal if {positive} is {'subtracted' if positive is not term else 'added'}", Sum((side, term))
        yield (
            f"equal if {positive} is {'added' if positive is not term else 'subtracted'}",
            Sum((side, _negative(term))),
        )
