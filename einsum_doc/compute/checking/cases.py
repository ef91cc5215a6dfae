"""A chain -> its cases: its sides on several instances, in sizes that tensors given by code fit too."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

import torch

from einsum_doc.compute.checking.evaluation.arrays import LabelledArray
from einsum_doc.compute.checking.evaluation.code import run
from einsum_doc.compute.checking.evaluation.evaluator import Evaluator
from einsum_doc.compute.checking.instances import (
    AGAIN,
    FAR,
    LENGTHS,
    Formula,
    Instance,
    LargeError,
    OverlapError,
    UncheckableError,
    UnluckyError,
    draw_position,
    draw_sizes,
    scheduled,
)
from einsum_doc.compute.checking.search import DomainSearch, known_form
from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import Coordinate, Expression, Function, Index, Negative, Tensor, plain, subscripts
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.parse import Chain
from einsum_doc.notation.sums.ranges import Ends
from einsum_doc.notation.symbols.exact import nonnegative
from einsum_doc.notation.symbols.places import Places
from einsum_doc.notation.symbols.table import ChainStatement, Code, Statement
from einsum_doc.notation.symbols.unification import (
    SizeClasses,
    SizeNode,
    axes_of,
    join_capitals,
    join_lengths,
    join_sizes,
)

REDRAWN = 12
"""The number of times that an instance is drawn again if its numbers cannot decide a claim.

From the second time on, the inputs that are to blame are smaller, or greater, each time.
"""

PERIODIC = frozenset(["sin", "cos", "tan", "cot", "sec", "csc"])
INVERSE = frozenset(["arcsin", "arccos", "arctan"])
"""Functions that are the inverse of a periodic one in an interval: with both, smaller inputs would all be in it."""

TURNS = 12
"""The number of times that sizes are drawn for code whose numbers float64 cannot hold: a wide X makes XᵀX singular."""

Found = TypeVar("Found")

Form: TypeAlias = tuple[SizeClasses, Places, dict[str, Formula], Mapping[str, int], Mapping[Ends, int]]
"""The sizes that must agree, the index arithmetic, the definitions, the axes of each tensor, the lengths of ranges."""

NO_FACTORS: Mapping[str, float] = {}


@dataclass(frozen=True)
class Draws:
    """The instances of a text; several chains share one.

    entries: the chains and directives of the text. evaluators: the instances drawn so far, each with its values.
    """

    seed: int
    entries: Sequence[Chain | Directive]
    evaluators: dict[Any, Evaluator] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A chain on one instance: its sides with every sum written, and their numbers.

    lengths: the number of indices in each of its ranges. long: the length of every node that has one.
    small: true if no size is above 3.
    """

    evaluator: Evaluator
    key: str
    sides: tuple[Expression, ...]
    free: tuple[Index, ...]
    lengths: Mapping[Ends, int]
    long: Mapping[SizeNode, int]
    small: bool
    values: dict[int, LabelledArray | UncheckableError] = field(default_factory=dict)

    @property
    def instance(self) -> Instance:
        """The instance."""
        return self.evaluator.instance

    def value(self, number: int) -> LabelledArray | UncheckableError:
        """Return the numbers of a side, or the reason why it has none."""
        if number not in self.values:
            try:
                with torch.no_grad():
                    found = self.evaluator.evaluate(self.sides[number], self.key)
                sizes = [self.instance.sizes[self.key, index] for index in self.free]
                self.values[number] = found.over(self.free, sizes)
            except UncheckableError as problem:
                self.values[number] = problem
        return self.values[number]


class Cases:
    """The cases of one chain."""

    def __init__(self, statement: ChainStatement, draws: Draws) -> None:
        self.statement = statement
        self.table = table = statement.table
        self.draws = draws
        self.names, self.sinks = statement.dependencies
        tensors = {name: table.tensors[name] for name in self.names}
        self.kinds = {name: symbol.kinds or () for name, symbol in tensors.items()}
        self.definitions = {
            name: symbol.definition for name, symbol in tensors.items() if symbol.definition is not None
        }
        self.coded = {
            name: Formula(name, symbol.arguments, code=symbol.code)
            for name, symbol in tensors.items()
            if symbol.arguments is not None and symbol.definition is None
        }
        self.entries = (*self.definitions.values(), statement)
        self.periodic = all(any(part.name in names for part in self._functions()) for names in (PERIODIC, INVERSE))
        self.forms: dict[tuple[int, ...], Form] = {}
        self.search = DomainSearch(self.definitions, draws.evaluators)
        sides = [side for definition in self.definitions.values() for side in definition.sides]
        inputs = [name for name, symbol in table.tensors.items() if name in tensors and symbol.arguments is None]
        numbers, patterns = scheduled(statement.sides, sides, len(inputs))
        self.signs = dict(zip(inputs, patterns, strict=False))
        self.drawn = list(self._drawn(numbers))
        self.all = list(self.drawn)

    def _drawn(self, numbers: Sequence[int]) -> Iterator[Case]:
        """Draw the case of each number, and at least one for each of LENGTHS if anything has a length."""
        lengths = SizeClasses()
        for statement in self.entries:
            join_lengths(statement, lengths)
        for name, kinds in self.kinds.items():
            for slot, kind in enumerate(kinds):
                if kind == "range":
                    lengths.root(("slot", name, slot))
        roots = lengths.roots()
        for number in range(max(len(LENGTHS), len(numbers))) if roots else numbers:
            pattern = LENGTHS[number % len(LENGTHS)]
            long = {root: pattern[place % len(pattern)] for place, root in enumerate(roots)}
            yield self._case(number, {node: long[lengths.root(node)] for node in list(lengths.above)})

    def _functions(self) -> Iterator[Function]:
        """Yield the functions in the chain and its definitions."""
        for statement in self.entries:
            for side in statement.sides:
                yield from (part for part in side.walk() if isinstance(part, Function))

    def look(self, place: int, sides: Sequence[int], judge: Callable[[Case], Found]) -> Found | UncheckableError:
        """Judge a case in which some sides have values, or another in its place if it is too large, or cannot decide.

        Afterwards, this case is the one in `all`.
        """
        found = self._judged(place, sides, judge)
        if isinstance(found, LargeError):
            case = self.drawn[place]
            self.drawn[place] = self._case(case.instance.number, case.long, small=True)
            found = self._judged(place, sides, judge)
        for turn in range(REDRAWN):
            wide = self.drawn[place].instance.wide and isinstance(found, UncheckableError)
            if isinstance(found, OverlapError) or (not wide and not isinstance(found, UnluckyError)):
                break
            case = self.drawn[place]
            factors = dict(case.instance.factors)
            if turn and isinstance(found, UnluckyError) and not self.periodic:
                for name in found.inputs or case.instance.places:
                    factors[name] = factors.get(name, 1.0) * found.factor
            self.drawn[place] = self._case(case.instance.number + AGAIN, case.long, case.small, factors)
            found = self._judged(place, sides, judge)
        return found

    def _judged(self, place: int, sides: Sequence[int], judge: Callable[[Case], Found]) -> Found | UncheckableError:
        self.all[place] = self.drawn[place]
        try:
            self.all[place] = self._within(self.drawn[place], sides)
        except UncheckableError as problem:
            return problem
        return judge(self.all[place])

    def _within(self, case: Case, sides: Sequence[int]) -> Case:
        """Return a case, with other inputs if some sides have no value otherwise.

        Raises: UncheckableError, if there are none.
        """
        evaluator = self.search.within(case.evaluator, [case.sides[number] for number in sides], case.key)
        return case if evaluator is case.evaluator else replace(case, evaluator=evaluator, values={})

    def one_sided(self, farther: Sequence[Case] = ()) -> list[Expression]:
        """Return the uses of abs, relu and sign whose argument has one sign in all cases, though none by its form.

        So has the base of an even power under a root, or in a logarithm, which is an absolute value too.
        """
        found: dict[Expression, set[float]] = {}
        for case in (*self.all, *farther):
            for function, signs in case.evaluator.signs.items():
                found.setdefault(function, set()).update(signs)
            squared, positive = self.search.absolute(case.evaluator, case.sides, case.key)
            for base, values in squared.items():
                found.setdefault(Function("abs", base), set()).update(values.sign().reshape(-1).tolist())
        instance = self.all[0].instance

        def form(name: str) -> Expression | bool:
            return known_form(instance, name)

        return [
            function
            for function, signs in found.items()
            for opposite in [part.parts for part in function.parts if isinstance(part, Negative)] or [()]
            if not {1.0, -1.0} <= signs
            and any(isinstance(part, Tensor) for part in function.walk())
            and not any(each in positive or nonnegative(each, form) for each in (*function.parts, *opposite))
        ]

    def farther(self, place: int, sides: Sequence[int], steps: int) -> Case:
        """Return a case like that at a place, with inputs that are greater by some steps.

        Raises: UncheckableError, if the sides have no values there.
        """
        case = self.drawn[place]
        drawn = self._case(case.instance.number % AGAIN + FAR * steps, case.long, case.small)
        return self._within(drawn, sides)

    def _case(
        self,
        number: int,
        long: Mapping[SizeNode, int],
        small: bool = False,
        factors: Mapping[str, float] = NO_FACTORS,
    ) -> Case:
        """Draw sizes and tensors for one choice of lengths."""
        form = (*long.values(), small)
        if form not in self.forms:
            self.forms[form] = self._form(long, small)
        sizes, places, formulas, ranks, lengths = self.forms[form]
        arithmetic = places.at(number % AGAIN + number // AGAIN)
        evaluator = self._fitting(number, sizes, arithmetic, formulas, ranks, factors)
        own = self.statement.written(lengths)
        return Case(evaluator, self.statement.key, own.sides, own.free, lengths, long, small)

    def _form(self, long: Mapping[SizeNode, int], small: bool) -> Form:
        """Return what all instances with one choice of lengths have in common."""
        ranks = {
            name: sum(1 if kind == "index" else long["slot", name, slot] for slot, kind in enumerate(kinds))
            for name, kinds in self.kinds.items()
        }
        sizes, places = axes_of(ranks, self.table, small), Places(self.table.whole)
        lengths = {
            statement.key: {ends: long["range", statement.key, ends] for ends in statement.ranges}
            for statement in self.entries
        }
        formulas: dict[str, Formula] = {}
        for name, statement in self.definitions.items():
            written = statement.written(lengths[statement.key])
            indices = tuple(index for index in written.wide[0].own if isinstance(index, Index))
            arguments = self.table.tensors[name].arguments or ()
            formulas[name] = Formula(name, arguments, statement.key, indices, written.sides[1])
            join_sizes(statement, written.wide, sizes)
            places.join(statement, written.wide, sizes)
        own = lengths[self.statement.key]
        wide = self.statement.written(own).wide
        join_sizes(self.statement, wide, sizes)
        places.join(self.statement, wide, sizes)
        join_capitals(self.entries, sizes)
        return sizes, places, formulas | self.coded, ranks, own

    def _fitting(
        self,
        number: int,
        sizes: SizeClasses,
        places: Places,
        formulas: Mapping[str, Formula],
        ranks: Mapping[str, int],
        factors: Mapping[str, float],
    ) -> Evaluator:
        """Draw sizes with which code has values in the shape of its indices, as many of them different as possible.

        Raises: NotationError, if it has another shape with all sizes.
        """
        for name, formula in self.coded.items():
            if not formula.arguments:
                try:
                    shape = tuple(run(formula, {}).shape)
                except UncheckableError as error:
                    raise self._fail(name, str(error), "code that runs") from error.__cause__
                if len(shape) != ranks[name]:
                    axes = f"{len(shape)} {'axis' if len(shape) == 1 else 'axes'}"
                    raise self._fail(
                        name, f"{plain(name)} has {axes} by its code, not {ranks[name]}", "as many indices"
                    )
                for axis, length in enumerate(shape):
                    sizes.pinned["axis", name, axis] = length
        computed = [formula for formula in self.coded.values() if formula.arguments]
        if not computed:
            return self._evaluator(number, sizes, places, formulas, ranks, factors)
        nodes = dict.fromkeys(
            sizes.root(("axis", name, axis))
            for formula in computed
            for name in (*formula.arguments, formula.name)
            for axis in range(ranks[name])
        )
        problem: NotationError | None = None
        for blocks in _partitions(list(nodes)[:6]):
            trial = copy.deepcopy(sizes)
            for first, *others in blocks:
                for other in others:
                    trial.join(first, other)
            unlucky: Evaluator | None = None
            for turn in range(TURNS):
                evaluator = self._evaluator(number, trial, places, formulas, ranks, factors, turn)
                found = self._misfit(evaluator, computed)
                if found is None:
                    return evaluator
                if isinstance(found, NotationError):
                    problem = problem or found
                    break
                unlucky = unlucky or evaluator
            if unlucky is not None:
                return unlucky
        assert problem is not None
        raise problem

    def _misfit(self, evaluator: Evaluator, computed: Sequence[Formula]) -> NotationError | UnluckyError | None:
        """Return an error if code does not fit the sizes of an instance; None if it does."""
        for formula in computed:
            name = formula.name
            expected = evaluator.instance.places[name]
            try:
                for each in formula.arguments:
                    evaluator.tensor(each, evaluator.base)
            except UncheckableError:
                return None
            try:
                shape = tuple(evaluator.tensor(name, evaluator.base)[0].shape)
            except UnluckyError as problem:
                return problem
            except UncheckableError as problem:
                fault = str(problem)
            else:
                if shape == expected:
                    continue
                fault = f"the code of {plain(name)} gives the shape {shape}, its indices say {expected}"
            return self._fail(name, fault, "code that fits the indices; '% size i = k' says what is equal")
        return None

    def _fail(self, name: str, fault: str, expected: str) -> NotationError:
        """Return an error that points at the code of a tensor, if it is in this text, or at the chain."""
        code = self.table.tensors[name].code
        if isinstance(code, Code) and code.let in self.draws.entries:
            return self.statement.scope.fail(fault, code.let.at, expected)
        return self.statement.fail(fault, expected)

    def _evaluator(
        self,
        number: int,
        sizes: SizeClasses,
        arithmetic: Places,
        formulas: Mapping[str, Formula],
        ranks: Mapping[str, int],
        factors: Mapping[str, float],
        turn: int = 0,
    ) -> Evaluator:
        """Return the instance with these sizes, with its values; chains of the text share it if it fits them."""
        seed = self.draws.seed
        roots = draw_sizes(number, sizes, f"{seed}/{turn}" if turn else seed, self.statement, arithmetic)
        lengths = {node: roots[sizes.root(node)] for node in list(sizes.above)}
        places = {name: tuple(lengths["axis", name, axis] for axis in range(rank)) for name, rank in ranks.items()}
        own = {(node[1], node[2]): length for node, length in lengths.items() if node[0] == "index"}
        constants = sorted((node for node in lengths if node[0] == "fixed"), key=str)
        fixed = {
            node[1]: draw_position(place, number, lengths[node], _coordinates(self.entries), seed)
            for place, node in enumerate(constants)
        }
        defined = {node: size for node, size in own.items() if node[0] != self.statement.key}
        whole = arithmetic.numbers(lengths)
        choices = (places, fixed, whole, self.signs, factors, defined)
        key = (number, *(tuple(each.items()) for each in choices), self.sinks, tuple(formulas))
        known = self.draws.evaluators.get(key)
        if known is None or known.instance.formulas != formulas:
            domains = dict(self.table.domains)
            chosen = (formulas, places, own, fixed, whole, domains)
            instance = Instance(*chosen, self.sinks, seed, number, self.signs, factors)
            known = self.draws.evaluators[key] = Evaluator(instance)
        known.instance.sizes.update(own)
        return known


def _coordinates(statements: Sequence[Statement]) -> set[int]:
    """Return the numbers that stand as indices in statements."""
    sides = [side for statement in statements for side in statement.sides]
    return {found.value for side in sides for found in subscripts(side) if isinstance(found, Coordinate)}


def _partitions(nodes: list[SizeNode]) -> Iterator[list[list[SizeNode]]]:
    """Yield every partition of some nodes, those with the most blocks first."""

    def all_ways(rest: list[SizeNode]) -> Iterator[list[list[SizeNode]]]:
        if not rest:
            yield []
            return
        for way in all_ways(rest[1:]):
            yield [[rest[0]], *way]
            for number in range(len(way)):
                yield [*way[:number], [rest[0], *way[number]], *way[number + 1 :]]

    yield from sorted(all_ways(nodes), key=lambda way: -len(way))
