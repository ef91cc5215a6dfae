"""Expressions -> their values at one point: exact where that is possible, with derivatives by dual numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import pi, prod
from typing import Any, TypeAlias

from einsum_doc.notation.expression import (
    Affine,
    Bounded,
    Comparison,
    Coordinate,
    Delta,
    Expression,
    Extent,
    Fixed,
    Function,
    Indicator,
    Negative,
    Number,
    One,
    Ordinal,
    Partial,
    Pi,
    Picked,
    Piecewise,
    Power,
    Product,
    Quotient,
    Reduction,
    Size,
    Subscript,
    Sum,
    Summation,
    Tensor,
    Whole,
)
from einsum_doc.notation.matrices.nodes import Differential
from einsum_doc.notation.proving.facts import Facts, OfCode
from einsum_doc.notation.proving.functions import ARGUMENT, meaning
from einsum_doc.notation.proving.functions import slope as slope_of
from einsum_doc.notation.statements import dual
from einsum_doc.notation.statements.drawn import At, Drawn
from einsum_doc.notation.statements.dual import Dual, NoValueError, Rounded, real, reciprocal, sign, slope
from einsum_doc.notation.symbols.exact import constant
from einsum_doc.notation.symbols.unification import SizeNode

Environment: TypeAlias = dict[Subscript, int]
"""The values of indices, counted from 0."""

PI = Rounded(pi, pi * dual.ROUNDING)


class UnknownError(Exception):
    """A value of code that is not run, or of a derivative of it."""


class WorkError(Exception):
    """More work than one point may take."""


@dataclass(frozen=True)
class Point:
    """One choice of all that a statement leaves open.

    lengths: of axes and indices. fixed, whole: the constant indices, and the letters that are numbers in indices.
    arbitrary: tensors of which the page says no more than what they are computed from; here they are linear.
    drawn: the inputs, and the coefficients of what is linear.
    """

    facts: Facts
    lengths: Mapping[SizeNode, int]
    fixed: Mapping[str, int]
    whole: Mapping[str, int]
    arbitrary: frozenset[str]
    drawn: Drawn

    def shape(self, name: str) -> At:
        """Return the lengths of the axes of a tensor."""
        return tuple(self.lengths["axis", name, axis] for axis in range(self.facts.ranks.get(name, 0)))


@dataclass
class Variation:
    """The values of tensors so far, where a component of `by` is a variable, and others are held. tag: its number."""

    parent: Variation | None = None
    by: str = ""
    at: At = ()
    held: tuple[str, ...] = ()
    tag: int = 0
    known: dict[tuple[str, At], dual.Number] = field(default_factory=dict)
    inside: dict[tuple[str, At, tuple[str, ...]], Variation] = field(default_factory=dict)
    moved: dict[str, bool] = field(default_factory=dict)


class PointValues:
    """The values at one point. work: the number of parts that may still be evaluated."""

    def __init__(self, point: Point, work: int) -> None:
        self.point = point
        self.facts = point.facts
        self.work = work
        self.tags = 0
        self.base = Variation()

    def tensor(self, name: str, at: At, here: Variation) -> dual.Number:
        """Return a component of a tensor."""
        if here.parent is not None:
            if name == here.by:
                value = self.tensor(name, at, here.parent)
                return Dual(here.tag, value, 1) if at == here.at else value
            if not self._moves(name, here):
                return self.tensor(name, at, here.parent)
        if (name, at) not in here.known:
            here.known[name, at] = self._computed(name, at, here)
        return here.known[name, at]

    def _moves(self, name: str, here: Variation) -> bool:
        if name not in here.moved:
            moves = name in self.facts.scalars or self.facts.depends(name, here.by, here.held)
            here.moved[name] = moves
        return here.moved[name]

    def _computed(self, name: str, at: At, here: Variation) -> dual.Number:
        facts = self.facts
        if name in facts.scalars:
            return self._linear(name, at, [sink for sink in facts.sinks if self._moves(sink, here)], here)
        if name in facts.definitions:
            found = facts.definitions[name]
            value = self.of(found.value, found.chain, dict(zip(found.indices, at, strict=True)), here)
            dual.refuse_long(value)
            return value
        code = facts.codes.get(name)
        if code is None:
            shape = self.point.shape(name)
            if not all(0 <= place < length for place, length in zip(at, shape, strict=True)):
                raise NoValueError
            return self._drawn(name, shape, at)
        if code.function:
            return self._of_matrix(name, code, at, here)
        if name not in self.point.arbitrary:
            raise UnknownError
        return self._linear(name, at, code.arguments, here)

    def _drawn(self, name: str, shape: At, at: At) -> dual.Exact:
        """Return a component of an input, of which all are drawn at once.

        Raises: WorkError, if they are too many.
        """
        if name not in self.point.drawn.inputs:
            self.work -= prod(shape)
            if self.work < 0:
                raise WorkError
        return self.point.drawn.component(name, shape, at)

    def _linear(self, name: str, at: At, arguments: Sequence[str], here: Variation) -> dual.Number:
        """Return a component of a tensor as a linear function of others."""
        found: dual.Number = 0
        own = self.point.shape(name)
        for argument in arguments:
            shape = self.point.shape(argument)
            for place in product(*map(range, shape)):
                self.work -= 1
                times = self._drawn(f"∂{name}/∂{argument}", own + shape, at + place)
                found = found + times * self.tensor(argument, place, here)
        return found

    def _of_matrix(self, name: str, code: OfCode, at: At, here: Variation) -> dual.Number:
        """Return a component of the inverse of a matrix, or its determinant, or the logarithm of that, by elimination.

        The others of its axes number the matrices.
        """
        function, (argument,) = code.function, code.arguments
        *_, size, columns = self.point.shape(argument)
        self.work -= size**3
        others = at[:-2] if function == "inv" else at
        if size != columns:
            raise UnknownError
        rows = [
            [self.tensor(argument, (*others, row, column), here) for column in range(size)]
            + [int(row == column) for column in range(size)]
            for row in range(size)
        ]
        determinant: dual.Number = 1
        for place in range(size):
            pivot = next((row for row in range(place, size) if sign(rows[row][place])), None)
            if pivot is None:
                if function == "det" and not any(isinstance(each, Dual) for row in rows for each in row):
                    return 0
                raise NoValueError
            if pivot != place:
                rows[place], rows[pivot] = rows[pivot], rows[place]
                determinant = -1 * determinant
            determinant = determinant * rows[place][place]
            inverse = reciprocal(rows[place][place])
            rows[place] = [inverse * each for each in rows[place]]
            for row in range(size):
                if row != place:
                    times = -1 * rows[row][place]
                    rows[row] = [each + times * above for each, above in zip(rows[row], rows[place], strict=True)]
        if function == "inv":
            found = {(row, column): rows[row][size + column] for row in range(size) for column in range(size)}
            here.known |= {(name, (*others, *place)): value for place, value in found.items()}
            return found[at[-2], at[-1]]
        return determinant if function == "det" else self.function("log", 0, determinant)

    def of(self, expression: Expression, chain: str, env: Environment, here: Variation) -> dual.Number:
        """Return the value of an expression in which every sum is written.

        chain: the key of the statement that its indices are from.
        Raises: NoValueError, UnknownError, WorkError.
        """
        self.work -= 1
        if self.work < 0:
            raise WorkError

        def of(part: Expression) -> dual.Number:
            return self.of(part, chain, env, here)

        def at(indices: Sequence[Subscript]) -> At:
            return tuple(self.index(index, chain, env) for index in indices)

        match expression:
            case Tensor(name, indices):
                return self.tensor(name, at(indices), here)
            case Product(factors):
                found: dual.Number = 1
                for factor in factors:
                    found = found * of(factor)
                return found
            case Sum(terms):
                found = 0
                for term in terms:
                    found = found + of(term)
                return found
            case Negative(body):
                return -1 * of(body)
            case Reduction(_, _, sign=how):
                return self._reduced(how, list(self._each(expression, chain, env, here)))
            case Summation():
                return sum(self._each(expression, chain, env, here), 0)
            case Partial(body, by, held):
                inner = self._inside(by.name, at(by.indices), held, here)
                return slope(self.of(body, chain, env, inner), inner.tag)
            case Quotient(top, bottom):
                return of(top) * reciprocal(of(bottom))
            case Power(base, exponent):
                return self._power(of(base), constant(exponent), lambda: of(exponent))
            case Comparison(name, argument):
                found = sign(of(argument))
                if not found:  # Equal values: these numbers are an exception.
                    raise NoValueError
                return int(name == "[≠]" or (found > 0 and name != "[=]"))
            case Function(name, argument, order):
                return self.function(name, order, of(argument))
            case Piecewise(values, conditions):
                return self._cases([of(each) for each in conditions], [of(each) for each in values])
            case Differential():
                return of(*expression.parts)
            case _:
                return self._leaf(expression, chain, env)

    def _leaf(self, expression: Expression, chain: str, env: Environment) -> dual.Number:
        """Return the value of an expression that has no parts and no tensors."""
        match expression:
            case Number(value):
                return value.numerator if value.denominator == 1 else value
            case Delta((first, second)):
                return int(self.index(first, chain, env) == self.index(second, chain, env))
            case Indicator((first, second), relation):
                return int(_RELATIONS[relation](self.index(first, chain, env), self.index(second, chain, env)))
            case Size(_, index):
                return self.point.lengths["index", chain, index]
            case Ordinal((index,), origin):
                return self.index(index, chain, env) + origin
            case One():
                return 1
            case Pi():
                return PI
        raise UnknownError

    def _each(self, total: Summation, chain: str, env: Environment, here: Variation) -> Iterator[dual.Number]:
        """Yield the values that a sum is over."""
        for places in product(*(self.range(index, chain, env) for index in total.indices)):
            yield self.of(total.body, chain, {**env, **dict(zip(total.indices, places, strict=True))}, here)

    def range(self, index: Subscript, chain: str, env: Environment) -> range:
        """Return the values of an index."""
        if isinstance(index, Bounded):
            return range(self.index(index.low, chain, env), self.index(index.high, chain, env) + 1)
        return range(self.point.lengths["index", chain, index])

    def index(self, index: Any, chain: str, env: Environment) -> int:
        """Return the value of an index, counted from 0."""
        match index:
            case Coordinate(value):
                return value
            case Fixed(letter):
                return self.point.fixed[letter]
            case Affine(terms):
                found = 0
                for times, atoms in terms:
                    for atom in atoms:
                        times *= self.index(atom, chain, env)
                    found += times
                return found
            case Extent(_, own):
                return self.point.lengths["index", chain, own]
            case Whole(letter):
                return self.point.whole[letter]
            case Picked(name, indices):
                whole, places = self.point.whole, tuple(self.index(each, chain, env) for each in indices)
                shape = tuple(whole[f"{name} {axis}"] for axis in range(len(indices)))
                return self.point.drawn.pick(name, shape, places, whole[name])
        return env[index]

    def _inside(self, by: str, at: At, held: tuple[str, ...], here: Variation) -> Variation:
        if (by, at, held) not in here.inside:
            self.tags += 1
            here.inside[by, at, held] = Variation(here, by, at, held, self.tags)
        return here.inside[by, at, held]

    def _reduced(self, how: str, values: list[dual.Number]) -> dual.Number:
        """Return the product, the mean, the maximum or the minimum of some numbers."""
        if how in ("∏", "mean"):
            found: dual.Number = int(how == "∏")
            for value in values:
                found = found * value if how == "∏" else found + value
            return found if how == "∏" else found * reciprocal(len(values))
        if not values:
            raise NoValueError
        least = 1 if how == "min" else -1
        best, *others = values
        for value in others:
            if value is not best and any(isinstance(each, Dual) for each in values):
                ahead = sign(dual.minus(value, best))
                if not ahead:  # A kink.
                    raise NoValueError
            else:
                ahead = sign(dual.minus(real(value), real(best)))
            best = value if ahead == -least else best
        return best

    def _cases(self, conditions: list[dual.Number], values: list[dual.Number]) -> dual.Number:
        """Return the value of the condition that holds; of the last one, if none does and it has no condition."""
        holding = [place for place, each in enumerate(conditions) if real(each) == 1]
        if len(holding) > 1 or (not holding and len(values) == len(conditions)):
            raise NoValueError
        return values[holding[0]] if holding else values[-1]

    def _power(self, base: dual.Number, known: Fraction | None, exponent: Callable[[], dual.Number]) -> dual.Number:
        """Return a power; where the exponent is computed, the base has to be positive."""
        if known is not None:
            return dual.power(base, known)
        if sign(base) <= 0:
            raise NoValueError
        found = exponent()
        if isinstance(found, int | Fraction):
            return dual.power(base, Fraction(found))
        return self.function("exp", 0, found * self.function("log", 0, base))

    def function(self, name: str, order: int, argument: dual.Number) -> dual.Number:
        """Return a function of a number, or a derivative of it."""
        if order:
            self.tags += 1
            tag = self.tags
            return slope(self.function(name, order - 1, Dual(tag, argument, 1)), tag)
        written, derivative = meaning(name), slope_of(name)
        if written is not None:
            return self._at(written, argument)
        if derivative is None:
            found: dual.Number = 0
            for coefficient in reversed(self.point.drawn.function(name)):
                found = found * argument + coefficient
            return found
        if not isinstance(argument, Dual):
            return dual.elementary(name, argument)
        if name in ("abs", "sign") and not sign(argument):  # A kink.
            raise NoValueError
        value = self.function(name, 0, argument.value)
        return Dual(argument.tag, value, self._at(derivative, argument.value) * argument.slope)

    def _at(self, body: Expression, argument: dual.Number) -> dual.Number:
        return self.of(body, "", {}, Variation(known={(ARGUMENT.name, ()): argument}))


_RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "=": int.__eq__,
    "≠": int.__ne__,
    "<": int.__lt__,
    ">": int.__gt__,
    "≤": int.__le__,
    "≥": int.__ge__,
}
