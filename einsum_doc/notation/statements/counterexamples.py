"""A false relation of a chain -> small whole numbers for which its sides differ."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, product

from einsum_doc.notation.expression import Coordinate, Index, NewIndex, plain, subscripts
from einsum_doc.notation.statements.drawn import At, Drawn, Nested
from einsum_doc.notation.statements.dual import Exact, NoValueError, Rounded, differ, real, shown
from einsum_doc.notation.statements.proofs import LENGTH, facts
from einsum_doc.notation.statements.values import Environment, Point, PointValues, UnknownError, WorkError
from einsum_doc.notation.sums.arithmetic import arithmetic_of
from einsum_doc.notation.symbols.exact import constant
from einsum_doc.notation.symbols.places import Places
from einsum_doc.notation.symbols.table import ChainStatement, Statement, StatementForm
from einsum_doc.notation.symbols.unification import SizeNode

WORK, MOST = 12_000, 18_000
"""The number of parts of expressions that are evaluated at one point, and at all points of one relation."""

COMPONENTS = 256
"""The most components that are compared at one point."""

LONGEST = 40
"""The most values of an index whose number follows from index arithmetic."""

POSITIVE, SIGNED, SIGNS = (1, 2, 3, 4), (-2, -1, 1, 2, 3), (-1, 0, 1)
LARGE = (-9, -7, -5, -4, 4, 5, 6, 7, 8)
SHARES = tuple(Fraction(share, 4) for share in (-3, -2, -1, 1, 2, 3))
NEAR = tuple(Fraction(1, part) for part in (-50, -10, 10, 50))
BEYOND = ()
"""Numbers that inputs consist of; for BEYOND they are greater than every number in the text."""

ROUNDS, SEED = 8, 29
TRIES: tuple[tuple[tuple[int, ...], Sequence[Exact]], ...] = (
    ((2,), POSITIVE),
    ((2, 3), SIGNED),
    ((3, 2), POSITIVE),
    ((2,), SHARES),
    ((3,), SIGNED),
    ((2,), LARGE),
    ((2, 3), SIGNS),
    ((2,), BEYOND),
    ((3, 2, 4), SIGNED),
    ((2,), (*SHARES, *LARGE)),
    ((2, 3), NEAR),
)
"""The sizes, in turn, and the numbers of each point that is tried; all are tried ROUNDS times.

With this SEED the first numbers are 1, 2, 3 and 4, in order.
"""


@dataclass(frozen=True)
class Counterexample:
    """Numbers for which two sides of a chain differ.

    inputs: of each name that was needed, its components. functions: of each arbitrary one, its coefficients.
    component: of each free or constant index, its value. sizes: of each index, the number of its values.
    left, right: the values of the sides. origin: the first value of every index.
    """

    inputs: Mapping[str, Nested]
    functions: Mapping[str, Sequence[int]]
    component: Mapping[str, int]
    sizes: Mapping[str, int]
    left: Exact | Rounded
    right: Exact | Rounded
    origin: int

    @property
    def lines(self) -> tuple[str, ...]:
        """The inputs with both values, and the component with the sizes, in words."""
        inputs = [f"{name} = {_text(values)}" for name, values in self.inputs.items()]
        inputs += [f"{name}(x) = {_polynomial(each)}" for name, each in self.functions.items()]
        values = f"left {shown(self.left)}, right {shown(self.right)}"
        where = f"component {_equations(self.component)}, counted from {self.origin}" if self.component else ""
        sizes = f"sizes: {_equations(self.sizes)}" if self.sizes else ""
        first = f"at {', '.join(inputs)}: {values}" if inputs else values
        return tuple(filter(None, [first, "; ".join(filter(None, [where, sizes]))]))

    def __str__(self) -> str:
        return "\n".join(self.lines)


def counterexample(statement: ChainStatement, number: int) -> Counterexample | None:
    """Return numbers for which side `number` of a chain and the next one differ; None if none are found.

    Both sides have a value there. None are found where code is needed that is no einsum, inverse or determinant.
    """
    search = CounterexampleSearch(statement, number)
    work = MOST
    with suppress(UnknownError, RecursionError):
        for turn, (sizes, numbers) in enumerate(ROUNDS * TRIES):
            point = search.point(sizes, numbers, turn) if work > 0 else None
            if point is not None:
                values = PointValues(point, min(WORK, work))
                before = values.work
                with suppress(WorkError):
                    found = search.difference(values)
                    if found is not None:
                        return found
                work -= before - values.work
    return None


class CounterexampleSearch:
    """The points at which two sides of a chain are compared."""

    def __init__(self, statement: ChainStatement, number: int) -> None:
        self.statement = statement
        self.table = table = statement.table
        self.form = _written(statement)
        self.sides = self.form.sides[number : number + 2]
        self.facts, self.classes = facts(statement)
        self.places = Places(table.whole)
        definitions = [definition for name in self.facts.ranks if (definition := table.tensors[name].definition)]
        self.entries = [*definitions, statement]
        for each in self.entries:
            self.places.join(each, _written(each).wide, self.classes)

    def _lengths(self, sizes: Sequence[int], places: Places) -> dict[SizeNode, int] | None:
        """Return the sizes of all axes and indices, these in turn; None if they do not fit."""
        classes = self.classes
        least: dict[SizeNode, int] = {}
        for node, size in classes.least.items():
            least[classes.root(node)] = max(size, least.get(classes.root(node), 0))
        found = {classes.root(node): size for node, size in classes.pinned.items()}
        if places.unsized(classes):
            return None
        following = places.order(classes)
        turn = cycle(sizes)
        for root in classes.roots():
            if root not in found and root not in following:
                found[root] = max(next(turn), least.get(root, 0))
        for root in following:
            found[root] = places.size(root, classes, found)
        contradiction = any(found[classes.root(node)] != size for node, size in classes.pinned.items())
        short = any(found[root] < size for root, size in least.items())
        if contradiction or short or max(found.values(), default=0) > LONGEST or places.misfit(classes, found):
            return None
        return {node: found[classes.root(node)] for node in list(classes.above)}

    def point(self, sizes: Sequence[int], numbers: Sequence[Exact], turn: int) -> Point | None:
        """Return a point of these sizes, with inputs that consist of these numbers; None if the sizes do not fit."""
        rng, places = random.Random(SEED + turn), self.places.at(turn)
        lengths = self._lengths(sizes, places)
        if lengths is None:
            return None
        fixed = {node[1]: rng.randrange(size) for node, size in lengths.items() if node[0] == "fixed"}
        drawn = Drawn(self.table.domains, numbers or self._beyond(), rng)
        tensors = self.table.tensors
        arbitrary = frozenset(name for name in self.facts.codes if tensors[name].code is None)
        return Point(self.facts, lengths, fixed, places.numbers(lengths), arbitrary, drawn)

    def _beyond(self) -> list[Exact]:
        """Return numbers greater than those in the text, of both signs."""
        parts = [part for each in self.entries for side in each.sides for part in side.walk()]
        largest = max((abs(found) for part in parts if (found := constant(part)) is not None), default=0)
        return [sign * (math.ceil(largest) + more) for more in (1, 2, 5) for sign in (1, -1)]

    def difference(self, values: PointValues) -> Counterexample | None:
        """Return the first component whose values differ; None if there is none.

        Raises: UnknownError, WorkError.
        """
        key, free = self.statement.key, self.form.free
        for places in _places([values.range(index, key, {}) for index in free]):
            env: Environment = dict(zip(free, places, strict=True))
            with suppress(NoValueError):
                left, right = (real(values.of(side, key, dict(env), values.base)) for side in self.sides)
                if differ(left, right):
                    return self._example(values.point, places, left, right)
        return None

    def _origin(self) -> int:
        """Return the first value of every index: 1, unless the page says so, or has numbers or sums as indices."""
        parts = [part for each in self.entries for side in each.sides for part in side.walk()]
        numbered = any(isinstance(index, Coordinate) for part in parts for index in part.own)
        arithmetic = any(True for part in parts for _ in arithmetic_of(part))
        return self.table.origin if self.table.origin is not None else int(not (numbered or arithmetic))

    def _example(self, point: Point, places: At, left: Exact | Rounded, right: Exact | Rounded) -> Counterexample:
        drawn, origin = point.drawn, self._origin()
        inputs: dict[str, Nested] = {plain(name): each for name, each in drawn.inputs.items()}
        inputs |= {plain(name): _moved(each, origin) for name, each in drawn.picks.items()}
        inputs |= {plain(name): point.whole[name] for name in self.table.whole}
        own = dict.fromkeys(
            index for side in self.sides for index in subscripts(side) if type(index) in (Index, NewIndex)
        )
        sizes = {str(index): point.lengths["index", self.statement.key, index] for index in own}
        component = {str(index): place + origin for index, place in zip(self.form.free, places, strict=True)}
        component |= {plain(name): place + origin for name, place in point.fixed.items()}
        return Counterexample(inputs, drawn.functions, component, sizes, left, right, origin)


def _moved(values: Nested, origin: int) -> Nested:
    return [_moved(each, origin) for each in values] if isinstance(values, list) else values + origin


def _written(statement: Statement) -> StatementForm:
    return statement.written(dict.fromkeys(statement.ranges, LENGTH))


def _places(ranges: Sequence[range]) -> Iterable[At]:
    """Return the components that are compared: all of them in order, or some if there are many."""
    if math.prod(map(len, ranges)) <= COMPONENTS:
        return product(*ranges)
    rng = random.Random(0)
    return (tuple(map(rng.choice, ranges)) for _ in range(COMPONENTS))


def _text(values: Nested) -> str:
    return f"[{', '.join(map(_text, values))}]" if isinstance(values, list) else str(values)


def _equations(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _polynomial(coefficients: Sequence[int]) -> str:
    first, *others = coefficients
    powers = [f"x^{power}" if power > 1 else "x" for power in range(1, len(coefficients))]
    terms = [power if each == 1 else f"{each} {power}" for each, power in zip(others, powers, strict=True)]
    return " + ".join([str(first), *terms])
