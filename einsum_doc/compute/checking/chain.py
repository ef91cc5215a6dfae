"""A chain of expressions -> a Verdict for each of its relations, from random tensors.

Each relation is evaluated in float64 on several instances. An instance has random sizes, the same for two
indices only if they meet in one place of one tensor, and random tensors. Two numbers agree if they differ by
less than TOLERANCE times the magnitude of the terms that they were summed from.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import torch
from torch import Tensor as Array

from einsum_doc.compute.checking.instance import (
    AGAIN,
    TOLERANCE,
    WIDE,
    Definition,
    Field,
    Instance,
    LargeError,
    UncheckableError,
    UnluckyError,
    constant,
    odd,
)
from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    Coordinate,
    Delta,
    Expression,
    Fixed,
    Function,
    Index,
    Partial,
    Position,
    Power,
    Range,
    RangeProduct,
    Subscript,
    Tensor,
    plain,
    subscripts,
)
from einsum_doc.notation.reading.ranges import Ends, expanded, ranges
from einsum_doc.notation.reading.scope import Scope

if TYPE_CHECKING:
    from einsum_doc.compute.checking.derivation import Reading
    from einsum_doc.notation.reading.directives import Directive

CANCELLED = 1e-6
"""What is left when terms cancel is either nothing, or at least this part of them: otherwise not checked."""


REDRAWN = 3
"""How often an instance is drawn again whose numbers cannot decide a claim."""


CERTAIN = 1e-6
"""A claim that two sides differ needs a difference of this, relative to the same magnitude."""


INSTANCES = (0, 1, 2, 4)
"""The numbers of the instances of a line without dots. With dots there is one for each of LENGTHS.

A number says which signs and sizes an instance has, and those with WIDE in them have inputs of all magnitudes.
"""


BRANCHES = 8
"""How many instances a line has that is about scalars, or whose functions have branches; twice as many if the
signs of more than INDEPENDENT scalars are to meet in every way."""


INDEPENDENT = 3
"""The binary logarithm of BRANCHES."""


BRANCHING = frozenset(["abs", "relu", "sign", "log", "arcsin", "arccos", "arctan", "arsinh", "arcosh", "artanh"])
"""Functions that agree with others where their arguments have one sign, or lie in one interval."""


DIFFERENT = 7
"""Up to so many sizes all differ in each instance. More take turns with four sizes, as arrays grow with them."""


CONSECUTIVE = 3
"""Up to so many sizes are consecutive numbers, which begin higher in the next instance; more leave one out."""


LENGTHS = ((2, 2, 2), (1, 1, 1), (0, 0, 0), (3, 1, 0), (0, 3, 1), (1, 0, 3))
"""How many indices the ranges of a chain stand for, in turn."""


Node: TypeAlias = tuple[Any, ...]


class Classes:
    """Things that have one size, or one length, put together as they meet; `small` if no size is above 3."""

    def __init__(self, small: bool = False) -> None:
        self.small = small
        self.above: dict[Node, Node] = {}
        self.least: dict[Node, int] = {}
        self.pinned: dict[Node, int] = {}

    def root(self, node: Node) -> Node:
        """What stands for all that are together with a node."""
        path = []
        self.above.setdefault(node, node)
        while self.above[node] != node:
            path.append(node)
            node = self.above[node]
        for each in path:
            self.above[each] = node
        return node

    def join(self, first: Node, second: Node) -> None:
        """Two nodes have one size."""
        self.above[self.root(second)] = self.root(first)

    def roots(self) -> list[Node]:
        """One node of each class, in order of appearance."""
        return list(dict.fromkeys(self.root(node) for node in list(self.above)))


@dataclass(frozen=True)
class Known:
    """A name of the page: the kinds of its places, "index" or "range", and what it is defined as.

    let: the directive that gives it by code, unless that was said from Python.
    """

    name: str
    kinds: tuple[str, ...] | None
    arguments: tuple[str, ...] | None = None
    left: Tensor | None = None
    right: Expression | None = None
    chain: str = ""
    code: Callable[[Mapping[str, Array]], Array] | None = None
    line: str = ""
    downstream: bool = False
    let: Directive | None = None


@dataclass
class Page:
    """What holds to the end of a page."""

    names: dict[str, Known] = field(default_factory=dict)
    scalars: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    positive: set[str] = field(default_factory=set)
    capitals: dict[str, tuple[str, Index]] = field(default_factory=dict)
    equal: dict[str, list[tuple[Index, Index | int]]] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    count: int = 0


Found = TypeVar("Found")


Verdict: TypeAlias = tuple[bool, str, tuple[str, ...], str]


@dataclass(frozen=True)
class Case:
    """A chain on one instance: its sides with every sum written, and their numbers.

    again: draws another; smaller: the same with no size above 3.
    """

    instance: Instance
    sides: tuple[Expression, ...]
    free: tuple[Index, ...]
    lengths: Mapping[Ends, int]
    again: Callable[[], Case]
    smaller: Callable[[], Case]
    wide: bool = False
    values: dict[int, Field | UncheckableError] = field(default_factory=dict)


class ChainCheck:
    """The claims of one chain."""

    def __init__(self, reading: Reading, key: str, sides: list[Expression], signs: list[str], defines: bool) -> None:
        self.reading = reading
        self.page = reading.page
        self.key = key
        self.sides = sides
        self.signs = signs
        self.defines = defines
        self.cases: list[Case] = []
        self.patterns = rows(BRANCHES)
        self.names = self.relevant()

    def relevant(self) -> tuple[str, ...]:
        """The tensors that the chain's numbers depend on, arguments first."""
        found: dict[str, None] = {}

        def add(name: str) -> None:
            if name in found:
                return
            for argument in self.page.names[name].arguments or ():
                add(argument)
            found.setdefault(name)

        for side in self.sides:
            for name in names_in(side, self.page.scalars):
                add(name)
        self.sinks = self.downstream_of(tuple(found))
        for name in self.sinks:
            add(name)
        return tuple(found)

    def downstream_of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """What the arbitrary scalar is a function of.

        Of those tensors that depend on one that is differentiated by: all that no definition uses, a use
        inside a derivative not counted; and the last ones that are themselves differentiated by, so that
        what is computed from them later, such as their sum that is always 1, does not hide their gradient.
        """
        by: set[str] = set()
        known = [self.page.names[name].right for name in names]
        for side in (*self.sides, *(right for right in known if right is not None)):
            by |= {part.by.name for part in side.walk() if isinstance(part, Partial) and self.reading.is_gradient(part)}
        uses = {name: self.uses(known) for name, known in self.page.names.items() if not known.downstream}
        used = {argument for arguments in uses.values() for argument in arguments}
        ends = {name for name, arguments in uses.items() if arguments or name in by} - used
        for name in by:
            others = by - {name}
            first = not any(self.reading.depends(name, each) for each in others)
            if not first and not any(self.reading.depends(each, name) for each in others):
                ends.add(name)
        ends |= by - used
        return tuple(
            name for name in self.page.names if name in ends and any(self.reading.depends(name, each) for each in by)
        )

    def uses(self, known: Known) -> set[str]:
        """The tensors that a definition uses, other than in a derivative of them."""
        if known.right is None:
            return set(known.arguments or ())
        return set(names_used(known.right)) & set(known.arguments or ())

    # -- sizes

    def prepare(self) -> None:
        """Find the cases that the chain is checked on."""
        self.owners: list[tuple[str, list[Expression], Scope]] = []
        for name in self.names:
            known = self.page.names[name]
            if known.kinds is None:
                raise self.reading.fail(
                    f"nothing says how many indices {plain(name)} has",
                    self.sides[0].at,
                    "a component of it in the text",
                )
            if known.left is not None and known.right is not None:
                self.owners.append(
                    (f"{known.chain} of {name}", [known.left, known.right], self.page.scopes[known.chain])
                )
        self.owners.append((self.key, self.sides, self.page.scopes[self.key]))
        lengths = Classes()
        ends: dict[str, tuple[Ends, ...]] = {}
        for owner, sides, scope in self.owners:
            ends[owner] = ranges(sides, scope.text)
            for each in ends[owner]:
                lengths.root(("range", owner, each))
            for side in sides:
                for part in side.walk():
                    self.join_lengths(part, owner, lengths)
        for name in self.names:
            for slot, kind in enumerate(self.page.names[name].kinds or ()):
                if kind == "range":
                    lengths.root(("slot", name, slot))
        roots = lengths.roots()
        numbers = self.numbers()
        for number in range(max(len(LENGTHS), len(numbers))) if roots else numbers:
            pattern = LENGTHS[number % len(LENGTHS)] if roots else (0,)
            long = {root: pattern[place % len(pattern)] for place, root in enumerate(roots)}
            self.cases.append(self.case(number, {node: long[lengths.root(node)] for node in list(lengths.above)}, ends))

    def numbers(self) -> Sequence[int]:
        """The instances of a chain; one with dots has at least one for each of LENGTHS."""
        mine = [place for side in self.sides for place in subscripts(side)]
        expressions = [side for _, sides, _ in self.owners for side in sides]
        scalar = not any(isinstance(place, Index) for place in mine)
        if not scalar and not any(map(_branches, expressions)):
            return INSTANCES
        self.patterns = rows(BRANCHES)
        if len(self.inputs()) > (INDEPENDENT if scalar else len(self.patterns)):
            self.patterns = rows(2 * BRANCHES)
            return range(2 * BRANCHES)
        return range(BRANCHES)

    def inputs(self) -> list[str]:
        """The chain's tensors that are no definitions, in the page's order."""
        known = self.page.names
        return [name for name in known if name in self.names and known[name].right is None and known[name].code is None]

    def join_lengths(self, part: Expression, owner: str, lengths: Classes) -> None:
        if isinstance(part, Tensor):
            for slot, place in enumerate(part.indices):
                if isinstance(place, Range):
                    node = ("range", owner, (place.first.letter, place.last.letter))
                    lengths.join(node, ("slot", part.name, slot))
        elif isinstance(part, RangeProduct):
            known = [node for node in lengths.above if node[0] == "range" and node[1] == owner]
            slots = [
                node
                for place in part.last.indices
                for node in known
                if isinstance(place, Index) and node[2][1] == place.letter
            ]
            for node in slots[1:]:
                lengths.join(slots[0], node)

    def case(
        self, number: int, long: Mapping[Node, int], ends: Mapping[str, tuple[Ends, ...]], small: bool = False
    ) -> Case:
        """One choice of lengths and of sizes."""
        definitions: dict[str, Definition] = {}
        sizes = Classes(small)
        mine: tuple[Expression, ...] = ()
        free: Sequence[Index] = ()
        ranks = {
            name: sum(
                1 if kind == "index" else long["slot", name, slot]
                for slot, kind in enumerate(self.page.names[name].kinds or ())
            )
            for name in self.names
        }
        for name in self.names:
            for place in range(ranks[name]):
                sizes.root(("place", name, place))
        for owner, sides, scope in self.owners:
            own = {each: long["range", owner, each] for each in ends[owner]}
            if owner == self.key:
                wide, mine, free = self.own_sides(own, scope)
            else:
                wide, definition = self.definition_of(owner, sides, own, scope)
                definitions[definition.name] = definition
            self.join_sizes(owner, wide, sizes)
        for name in self.names:
            known = self.page.names[name]
            if known.code is not None:
                definitions[name] = Definition(name, known.arguments or (), code=known.code)
        instance = self.instance(number, sizes, definitions, ranks)
        mine_long = {each: long["range", self.key, each] for each in ends[self.key]}
        again = partial(self.case, number + AGAIN, long, ends, small)
        smaller = partial(self.case, number, long, ends, True)
        return Case(instance, mine, tuple(free), mine_long, again, smaller, instance.wide)

    def own_sides(
        self, own: Mapping[Ends, int], scope: Scope
    ) -> tuple[Sequence[Expression], tuple[Expression, ...], list[Index]]:
        """The chain's sides without dots, the same with every sum written, and the free indices."""
        key = (self.key, tuple(own.values()))
        if key not in self.reading.written:
            wide = [expanded(side, own) for side in self.sides]
            free = scope.free(wide, self.reading.kept)
            if self.defines:
                free |= {index for index in wide[0].own if isinstance(index, Index)}
            mine = tuple(scope.side(side, free, self.sides[0]) for side in wide)
            order = sorted(free, key=lambda index: (index.letter, index.primes))
            self.reading.written[key] = (wide, mine, order)
        found: tuple[Sequence[Expression], tuple[Expression, ...], list[Index]] = self.reading.written[key]
        return found

    def definition_of(
        self, owner: str, sides: Sequence[Expression], own: Mapping[Ends, int], scope: Scope
    ) -> tuple[Sequence[Expression], Definition]:
        """A definition's sides without dots, and what it says with every sum written."""
        key = (owner, tuple(own.values()))
        if key not in self.reading.written:
            wide = [expanded(side, own) for side in sides]
            left = wide[0]
            assert isinstance(left, Tensor)
            indices = tuple(index for index in left.indices if isinstance(index, Index))
            arguments = self.page.names[left.name].arguments or ()
            expression = scope.side(wide[1], frozenset(indices), left)
            self.reading.written[key] = (wide, Definition(left.name, arguments, owner, indices, expression))
        found: tuple[Sequence[Expression], Definition] = self.reading.written[key]
        return found

    def join_sizes(self, owner: str, sides: Sequence[Expression], sizes: Classes) -> None:
        own: set[Index] = set()
        for side in sides:
            own |= {place for place in subscripts(side) if isinstance(place, Index)}
            for part in side.walk():
                nodes = [node_of(place, owner) for place in part.own]
                for each in nodes:
                    if each is not None:
                        sizes.root(each)
                if isinstance(part, Tensor):
                    for number, (place, node) in enumerate(zip(part.indices, nodes, strict=True)):
                        axis: Node = ("place", part.name, number)
                        if node is not None:
                            sizes.join(axis, node)
                        elif isinstance(place, Coordinate):
                            sizes.least[axis] = max(sizes.least.get(axis, 0), place.value + 2)
                elif isinstance(part, Delta):
                    first, second = nodes
                    if first is not None and second is not None:
                        sizes.join(first, second)
                    else:
                        for place, node in zip(part.indices, (second, first), strict=True):
                            if isinstance(place, Coordinate) and node is not None:
                                sizes.least[node] = max(sizes.least.get(node, 0), place.value + 2)
        chain = owner.partition(" of ")[0]
        for named, other in self.page.equal.get(chain, ()):
            ends = [named] if isinstance(other, int) else [named, other]
            for end in ends:
                if end in own:
                    sizes.join(("said", chain, end), ("index", owner, end))
            if isinstance(other, int):
                sizes.pinned["said", chain, named] = other
            else:
                sizes.join(("said", chain, named), ("said", chain, other))

    def instance(
        self, number: int, sizes: Classes, definitions: Mapping[str, Definition], ranks: Mapping[str, int]
    ) -> Instance:
        """The instance for these sizes; one is used by many chains."""
        for name, definition in definitions.items():
            if definition.code is not None and not definition.arguments:
                shape = self.run(name, definition, {})
                if len(shape) != ranks[name]:
                    axes = f"{len(shape)} {'axis' if len(shape) == 1 else 'axes'}"
                    fault = f"{plain(name)} has {axes} by its code, not {ranks[name]}"
                    raise self.reading.fail(fault, self.said(name), "as many indices")
                for axis, length in enumerate(shape):
                    sizes.pinned["place", name, axis] = length
        coded = [
            name for name, definition in definitions.items() if definition.code is not None and definition.arguments
        ]
        if not coded:
            return self.sized(number, sizes, definitions, ranks)
        nodes = dict.fromkeys(
            sizes.root(("place", each, axis))
            for name in coded
            for each in (*definitions[name].arguments, name)
            for axis in range(ranks[each])
        )
        problem: NotationError | None = None
        for blocks in _partitions(list(nodes)[:6]):
            trial = copy.deepcopy(sizes)
            for block in blocks:
                for each in block[1:]:
                    trial.join(block[0], each)
            instance = self.sized(number, trial, definitions, ranks)
            found = self.misfit(instance, coded)
            if found is None:
                return instance
            problem = problem or found
        assert problem is not None
        raise problem

    def misfit(self, instance: Instance, coded: Sequence[str]) -> NotationError | None:
        """Why code does not fit these sizes; None if it does."""
        for name in coded:
            definition = instance.definitions[name]
            try:
                values = {each: instance.tensor(each, instance.base)[0] for each in definition.arguments}
                shape = self.run(name, definition, values)
            except UncheckableError:
                return None
            except NotationError as error:
                fault = error.fault
            else:
                if shape == instance.places[name]:
                    continue
                fault = f"the code of {plain(name)} gives the shape {shape}, its indices say {instance.places[name]}"
            wanted = "code that fits the indices; '% size i = k' says what is equal"
            return self.reading.fail(fault, self.said(name), wanted)
        return None

    def run(self, name: str, definition: Definition, values: Mapping[str, Array]) -> tuple[int, ...]:
        assert definition.code is not None
        try:
            return tuple(definition.code({each: value.clone() for each, value in values.items()}).shape)
        except (Exception, SystemExit) as error:
            first = str(error).partition("\n")[0]
            fault = f"the code of {plain(name)} raised {type(error).__name__}: {first}"
            raise self.reading.fail(fault, self.said(name), "code that runs") from error

    def said(self, name: str) -> Position:
        """Where a tensor is given by code, if it is in this text; otherwise where it is used."""
        let = self.page.names[name].let
        return let.at if let is not None and let in self.reading.document.steps else self.sides[0].at

    def sized(
        self, number: int, sizes: Classes, definitions: Mapping[str, Definition], ranks: Mapping[str, int]
    ) -> Instance:
        lengths = self.assigned(number, sizes)
        axes = {
            name: tuple(lengths[sizes.root(("place", name, axis))] for axis in range(rank))
            for name, rank in ranks.items()
        }
        own = {(node[1], node[2]): lengths[sizes.root(node)] for node in list(sizes.above) if node[0] == "index"}
        constants = sorted((node for node in sizes.above if node[0] == "fixed"), key=str)
        fixed = {
            node[1]: self.constant(place, number, lengths[sizes.root(node)]) for place, node in enumerate(constants)
        }
        inputs = self.inputs()
        signs = dict(zip(inputs, self.patterns, strict=False))
        key = (number, tuple(axes.items()), tuple(fixed.items()), self.sinks, tuple(definitions), tuple(signs.items()))
        known = self.reading.instances.get(key)
        if known is None or known.definitions != dict(definitions):
            known = Instance(
                definitions,
                axes,
                own,
                fixed,
                frozenset(self.page.positive),
                self.sinks,
                f"{self.reading.seed}/{number}",
                signs,
            )
            self.reading.instances[key] = known
        known.sizes.update(own)
        return known

    def constant(self, place: int, number: int, size: int) -> int:
        """The value of the constant index at this place in their order.

        In the first three instances 0 or 1: each is both, and any two of the first three are equal and are not.
        Then above 1, if it can be: one that the text names, if it does.
        """
        turn = number % AGAIN
        if turn < 3:
            return odd((place % 3 + 1) & turn) % size
        named = {at.value for _, sides, _ in self.owners for side in sides for at in _coordinates(side)}
        above = [value for value in range(2, size) if value in named] or range(2 if size > 2 else 0, size)
        return random.Random(f"{self.reading.seed}/{number}/fixed/{place}").choice(above)

    def assigned(self, number: int, sizes: Classes) -> dict[Node, int]:
        """A size for each class: all different, if they are not too many."""
        roots = sizes.roots()
        pinned = {sizes.root(node): length for node, length in sizes.pinned.items()}
        least: dict[Node, int] = {}
        for node, length in sizes.least.items():
            least[sizes.root(node)] = max(length, least.get(sizes.root(node), 0))
        clash = [(node, length) for node, length in sizes.pinned.items() if pinned[sizes.root(node)] != length]
        if clash:
            raise self.reading.fail(
                "two sizes for one index", self.sides[0].at, "one '% size' for indices that are equal"
            )
        open_ = [root for root in roots if root not in pinned]
        found = dict(pinned)
        drawn: list[int] = []
        for root in open_:
            if not drawn:
                drawn = self.small_pool(number) if sizes.small else self.pool(number, len(open_), (*pinned.values(),))
            wide = least.get(root, 0)
            fits = [length for length in drawn if length >= wide]
            found[root] = fits[0] if fits else wide
            if fits:
                drawn.remove(fits[0])
        for root, length in least.items():
            if found[root] < length:
                raise self.reading.fail(
                    "a number as an index is beyond its size",
                    self.sides[0].at,
                    "a number below the size; the first is 0",
                )
        return found

    def pool(self, number: int, classes: int, taken: Sequence[int]) -> list[int]:
        """The sizes of an instance, in an order in which no class has the same one in all instances."""
        turn = number % AGAIN + number // AGAIN
        count = min(max(classes, 1), DIFFERENT) if classes <= DIFFERENT else 4
        rest = [length for length in range(2, 20) if length not in taken]
        if count <= CONSECUTIVE:
            first = turn % 3
            chosen = rest[first : first + count]
        else:
            chosen = rest[: count + 1]
            chosen.pop(count - turn % (count + 1))
        if classes > DIFFERENT:
            return random.Random(f"{self.reading.seed}/{number}/sizes").sample(chosen, count)
        order = random.Random(f"{self.reading.seed}/sizes").sample(range(count), count)
        return [chosen[(place + turn) % count] for place in order]

    @staticmethod
    def small_pool(number: int) -> list[int]:
        """Sizes of 2 and 3 for lines whose arrays are too large otherwise.

        No class has one size in all instances, nor do any two of the first seven agree in all.
        """
        turn = number % AGAIN
        return [2 + (odd(row) != odd(row & turn)) for row in range(1, BRANCHES)]

    # -- claims

    def definition(self) -> Verdict:
        """A definition is no claim; but its value must exist."""
        for place in range(len(self.cases)):
            value = self.drawn(place, lambda case: self.value(case, 1))
            if isinstance(value, UncheckableError):
                case = self.cases[place]
                return False, f"false: {self.sides[0]} has no value: {value}", (self.sizes(case),), self.checked()
        return True, "", (), "a definition"

    def drawn(self, place: int, look: Callable[[Case], Found]) -> Found:
        """What is seen in a case, or in another in its place if it is too large, or its numbers cannot decide it."""
        found = look(self.cases[place])
        if isinstance(found, LargeError):
            self.cases[place] = self.cases[place].smaller()
            found = look(self.cases[place])
        if self.cases[place].wide and isinstance(found, UncheckableError):
            self.cases[place] = self.cases[place].again()
            found = look(self.cases[place])
        for _ in range(REDRAWN):
            if isinstance(found, UnluckyError):
                self.cases[place] = self.cases[place].again()
                found = look(self.cases[place])
        return found

    def value(self, case: Case, number: int) -> Field | UncheckableError:
        """The numbers of a side."""
        if number not in case.values:
            try:
                with torch.no_grad():
                    found = case.instance.evaluate(case.sides[number], self.key)
                sizes = [case.instance.sizes[self.key, index] for index in case.free]
                case.values[number] = found.over(case.free, sizes)
            except UncheckableError as problem:
                case.values[number] = problem
        return case.values[number]

    def compare(self, case: Case, first: int, second: int) -> tuple[float, tuple[int, ...]] | UncheckableError:
        """The largest difference of two sides, by their scale, and where."""
        left, right = self.value(case, first), self.value(case, second)
        if isinstance(left, UncheckableError):
            return left
        if isinstance(right, UncheckableError):
            return right
        assert left.scale is not None
        assert right.scale is not None
        difference = (left.value - right.value).abs()
        if not difference.isfinite().all():
            return UncheckableError("a component is not finite")
        scale = torch.maximum(left.scale, right.scale)
        largest, level = float(torch.maximum(left.value.abs(), right.value.abs()).amax()), float(scale.amax())
        if TOLERANCE * level < largest < CANCELLED * level:
            return UnluckyError("what is left of the terms, when they cancel, is too small to be seen in float64")
        relative = torch.where(difference == 0, 0.0, difference / scale)
        worst = int(relative.argmax())
        if case.wide and TOLERANCE < float(relative.max()) <= CERTAIN:
            return UnluckyError("inputs of such different magnitudes leave too few digits")
        where = []
        for size in reversed(relative.shape):
            where.append(worst % size)
            worst //= size
        return float(relative.max()), tuple(reversed(where))

    def claim(self, number: int, sign: str) -> Verdict:
        """Whether the sides before and after a sign are equal, or are not."""
        largest = 0.0
        for place in range(len(self.cases)):
            found = self.drawn(place, lambda case: self.compare(case, number, number + 1))
            case = self.cases[place]
            text = f"{self.sides[number]} {sign} {self.sides[number + 1]}"
            if isinstance(found, UncheckableError):
                return False, f"false: cannot be checked: {text}", (str(found), self.sizes(case)), self.checked()
            error, where = found
            if sign == "=" and not error <= TOLERANCE:
                return False, self.message(case, number), self.details(case, number, where), self.checked()
            largest = max(largest, error)
        if self.vanishes(number):
            fault = "every derivative of the arbitrary scalar in it is 0 in every instance, so it says nothing"
            text = f"{self.sides[number]} {sign} {self.sides[number + 1]}"
            return False, f"false: cannot be checked: {text}", (fault, self.sizes(self.cases[0])), self.checked()
        if sign == "≠" and largest <= CERTAIN:
            message = f"false: {self.sides[number]} ≠ {self.sides[number + 1]}"
            why = "both sides are equal in every instance"
            if largest > TOLERANCE:
                why = f"the sides differ by {largest:.0e} of their terms at most; more than {CERTAIN:g} is certain"
            return False, message, (why, self.sizes(self.cases[0])), self.checked()
        return True, "", (), self.checked()

    def vanishes(self, number: int) -> bool:
        """Whether the gradients that a claim is about are 0 in every instance."""
        rest: list[Expression] = [*self.sides[number : number + 2]]
        seen: set[str] = set()
        gradients: set[tuple[str, str]] = set()
        while rest:
            for part in rest.pop().walk():
                if isinstance(part, Partial) and isinstance(part.body, Tensor) and self.reading.is_gradient(part):
                    gradients.add((part.body.name, part.by.name))
                elif isinstance(part, Tensor) and part.name in self.names and part.name not in seen:
                    seen.add(part.name)
                    right = self.page.names[part.name].right
                    if right is not None and self.page.names[part.name].downstream:
                        rest.append(right)
        if not gradients:
            return False
        for case in self.cases:
            for gradient in gradients:
                found = case.instance.jacobians.get(gradient)
                if found is not None and bool((found[0].abs() > TOLERANCE * found[1]).any()):
                    return False
        return True

    def message(self, case: Case, number: int) -> str:
        head, before, after = self.sides[0], self.sides[number], self.sides[number + 1]
        if number == 0 or "≠" in self.signs[:number]:
            return f"false: {before} = {after}"
        whole = self.compare(case, 0, number + 1)
        if isinstance(whole, UncheckableError) or whole[0] <= TOLERANCE:
            return f"false: {before} = {after}; but this is {head}: the step before is at fault"
        return f"false: {head} = {after}"

    def details(self, case: Case, number: int, where: tuple[int, ...]) -> tuple[str, ...]:
        left, right = self.value(case, number), self.value(case, number + 1)
        assert isinstance(left, Field)
        assert isinstance(right, Field)
        at = ", ".join(f"{index}={position}" for index, position in zip(case.free, where, strict=True))
        values = f"left {float(left.value[where]):.6g}, right {float(right.value[where]):.6g}"
        values = f"at {at}: {values}" if at else values
        return (values, self.sizes(case), *self.conflicts(case, number), *self.ways(number))

    def ways(self, number: int) -> tuple[str, ...]:
        """What the arbitrary scalar is a function of, where a line has its derivatives: a way may be missing in it."""
        parts = [part for side in self.sides[number : number + 2] for part in side.walk()]
        scalars = dict.fromkeys(
            part.body.name
            for part in parts
            if isinstance(part, Partial) and isinstance(part.body, Tensor) and self.reading.is_gradient(part)
        )
        *names, last = map(plain, self.sinks or ("nothing",))
        listed = f"{', '.join(names)} and {last}" if names else last
        return tuple(f"{plain(scalar)} is a function of {listed}" for scalar in scalars)

    def sizes(self, case: Case) -> str:
        own = {index: None for side in case.sides for index in subscripts(side) if isinstance(index, Index)}
        parts = [f"{index}={case.instance.sizes[self.key, index]}" for index in own]
        return "sizes: " + (", ".join(parts) or "no indices")

    def conflicts(self, case: Case, number: int) -> tuple[str, ...]:
        """Index by index, where a line makes two sizes one that the definitions leave apart."""
        met: dict[Index, dict[Node, tuple[str, int]]] = {}
        said: dict[Node, str] = {}
        defined = Classes()
        for owner, _, _ in self.owners[:-1]:
            if (owner, ()) in self.reading.written:  # Without dots; with them it is not said which index is which.
                self.join_sizes(owner, self.reading.written[owner, ()][0], defined)
        for node in list(defined.above):
            if node[0] == "index":
                said.setdefault(defined.root(node), str(node[2]))
        for side in case.sides[number : number + 2]:
            for part in side.walk():
                if isinstance(part, Tensor):
                    for axis, place in enumerate(part.indices):
                        node = defined.root(("place", part.name, axis))
                        if isinstance(place, Index) and node in said:
                            met.setdefault(place, {}).setdefault(node, (part.name, axis))
        found = []
        for index, nodes in met.items():
            if len(nodes) > 1:
                parts = [
                    f"index {axis + 1} of {plain(name)}, which is {said[node]} where it is defined"
                    for node, (name, axis) in nodes.items()
                ]
                found.append(f"shapes differ: {index} is {', and '.join(parts)}")
        return tuple(found)

    def checked(self) -> str:
        """What was checked, in words."""
        count = len(self.cases)
        text = f"{count} random instances in float64"
        ends = self.cases[0].lengths
        if ends:
            each = "; ".join(
                ", ".join(f"{plain(a)}…{plain(b)}: {case.lengths[a, b]}" for a, b in ends) for case in self.cases
            )
            text += f", ranges of {each} indices"
        else:
            sizes = dict.fromkeys(self.sizes(case).removeprefix("sizes: ") for case in self.cases)
            text += f"; {'; '.join(sizes)}"
        return f"{text}; seed {self.reading.seed}; tolerance {TOLERANCE:g} of the summed magnitudes"


def rows(count: int) -> list[int]:
    """Patterns of signs over so many instances: any two of them meet in all four ways, as in a Hadamard matrix.

    Each has both signs among the wide instances too. The first INDEPENDENT meet in every way, and one more of
    twice as many instances.
    """
    first = [1, 2, 5, 8]
    return [row for row in dict.fromkeys((*first, *range(1, count))) if row < count and row & ~WIDE]


def _branches(expression: Expression) -> bool:
    """Whether an expression has functions that consist of pieces, or roots."""
    for part in expression.walk():
        if isinstance(part, Function) and part.name in BRANCHING:
            return True
        if isinstance(part, Power):
            number = constant(part.exponent)
            if number is None or number.denominator != 1:
                return True
    return False


def node_of(place: Subscript, owner: str) -> Node | None:
    """What an index is among the classes of sizes."""
    if isinstance(place, Index):
        return ("index", owner, place)
    return ("fixed", place.letter) if isinstance(place, Fixed) else None


def _coordinates(side: Expression) -> Iterator[Coordinate]:
    return (place for place in subscripts(side) if isinstance(place, Coordinate))


def names_in(side: Expression, scalars: set[str]) -> tuple[str, ...]:
    """The tensors of a side, each once."""
    names = dict.fromkeys(part.name for part in side.walk() if isinstance(part, Tensor) and part.name not in scalars)
    return tuple(names)


def names_used(side: Expression) -> Iterator[str]:
    """The tensors of a side that are not only differentiated there."""
    if isinstance(side, Tensor):
        yield side.name
    elif not isinstance(side, Partial):
        for part in side.parts:
            yield from names_used(part)


def _partitions(nodes: list[Node]) -> Iterator[list[list[Node]]]:
    """Every way to put nodes together, those that leave most apart first."""

    def all_ways(rest: list[Node]) -> Iterator[list[list[Node]]]:
        if not rest:
            yield []
            return
        for way in all_ways(rest[1:]):
            yield [[rest[0]], *way]
            for number in range(len(way)):
                yield [*way[:number], [rest[0], *way[number]], *way[number + 1 :]]

    yield from sorted(all_ways(nodes), key=lambda way: -len(way))
