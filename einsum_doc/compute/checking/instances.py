"""A chain's symbols -> instances: random sizes for its axes and indices, and a random tensor for each input."""

from __future__ import annotations

import math
import random
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor as Array

from einsum_doc.notation.expression import Expression, Function, Index, Power, subscripts
from einsum_doc.notation.matrices.components import OfMatrix
from einsum_doc.notation.symbols.domain import FREE, Domain
from einsum_doc.notation.symbols.exact import constant
from einsum_doc.notation.symbols.places import Places
from einsum_doc.notation.symbols.table import Code, Statement
from einsum_doc.notation.symbols.unification import SizeClasses, SizeNode

LARGEST = 2_000_000
"""The most components that an array may have."""


LONGEST = 1000
"""The most values of an index whose number follows from index arithmetic."""


class UncheckableError(Exception):
    """A claim whose numbers cannot decide it: not real, not finite, or too small to see."""


class UnluckyError(UncheckableError):
    """The same, but other random numbers may decide it.

    factor: the inputs should be greater or smaller by this. inputs: their names; None for all of them.
    """

    def __init__(self, message: str, factor: float = 0.5) -> None:
        super().__init__(message)
        self.factor = factor
        self.inputs: frozenset[str] | None = None


class OverlapError(UncheckableError):
    """The same, because no case or more than one holds: other numbers would hide it."""


class LargeError(UncheckableError):
    """The same, but smaller sizes may decide it."""


def check_size(shape: Sequence[int]) -> None:
    """Refuse an array that is too large to make.

    Raises: LargeError.
    """
    if math.prod(shape) > LARGEST:
        raise LargeError(f"an array of {len(shape)} axes is too large")


INSTANCES = (0, 1, 2, 4)
"""The numbers of the instances of a line without dots. With dots there is one for each of LENGTHS.

A number says which signs and sizes an instance has, and those with WIDE in them have inputs of all magnitudes.
"""

BRANCHES = 8
"""The number of instances of a line about scalars, or with functions that have branches; twice as many if the
signs of more than INDEPENDENT scalars are to meet in every way."""

INDEPENDENT = 3
"""The binary logarithm of BRANCHES."""

PIECEWISE = frozenset(["abs", "sign", "relu", "[>]", "[≥]", "[=]", "[≠]"])
"""Functions that consist of a piece for each sign of their argument."""

BRANCHING = PIECEWISE | {"log", "arcsin", "arccos", "arctan", "arsinh", "arcosh", "artanh"}
"""Functions that agree with others where their arguments have one sign, or lie in one interval."""

LENGTHS = ((2, 2, 2), (1, 1, 1), (0, 0, 0), (3, 1, 0), (0, 3, 1), (1, 0, 3))
"""The numbers of indices that the ranges of a chain stand for, in turn."""

WIDE = 4
"""The bit in an instance's number that says that its inputs have all magnitudes."""

AGAIN = 1000
"""The difference between the number of an instance and that of the one that is drawn in its place."""


def scheduled(
    sides: Sequence[Expression], definitions: Sequence[Expression], inputs: int
) -> tuple[Sequence[int], list[int]]:
    """Return the numbers of a chain's instances, and the patterns of signs that its inputs have in them.

    inputs: the number of tensors without a definition. A chain with dots has at least one instance for each of LENGTHS.
    """
    scalar = not any(isinstance(subscript, Index) for side in sides for subscript in subscripts(side))
    if not scalar and not any(map(_branches, (*sides, *definitions))):
        return INSTANCES, _patterns(BRANCHES)
    patterns = _patterns(BRANCHES)
    if inputs > (INDEPENDENT if scalar else len(patterns)):
        return range(2 * BRANCHES), _patterns(2 * BRANCHES)
    return range(BRANCHES), patterns


def _patterns(count: int) -> list[int]:
    """Return patterns of signs over so many instances: any two of them meet in all four ways, as in a Hadamard matrix.

    Each has both signs among the wide instances too. The first INDEPENDENT meet in every way, and one more if there
    are twice as many instances.
    """
    first = [1, 2, 5, 8]
    return [row for row in dict.fromkeys((*first, *range(1, count))) if row < count and row & ~WIDE]


def _branches(expression: Expression) -> bool:
    """Return whether an expression has functions that consist of pieces, or roots."""
    for part in expression.walk():
        if isinstance(part, Function) and part.name in BRANCHING:
            return True
        if isinstance(part, Power):
            number = constant(part.exponent)
            if number is None or number.denominator != 1:
                return True
    return False


def odd(bits: int) -> bool:
    """Return whether an odd number of bits is set."""
    return bits.bit_count() % 2 == 1


DIFFERENT = 7
"""The most sizes that all differ in each instance; more of them take turns with four sizes, to keep arrays small."""

CONSECUTIVE = 3
"""The most sizes that are consecutive numbers, which begin higher in the next instance; more leave one out."""


def draw_sizes(
    number: int, classes: SizeClasses, seed: int | str, statement: Statement, places: Places
) -> dict[SizeNode, int]:
    """Return a size for the root of each class: all different, if they are not too many and do not follow from others.

    number: of the instance. Raises: NotationError, if a class has two sizes, or one that is too small.
    """
    pinned = {classes.root(node): size for node, size in classes.pinned.items()}
    least: dict[SizeNode, int] = {}
    for node, size in classes.least.items():
        least[classes.root(node)] = max(size, least.get(classes.root(node), 0))
    reach: dict[SizeNode, int] = {}
    for node, size in classes.reach.items() if number % 2 and not classes.small else ():
        reach[classes.root(node)] = max(size, reach.get(classes.root(node), 0))
    if any(pinned[classes.root(node)] != size for node, size in classes.pinned.items()):
        raise statement.fail("two sizes for one index", "one '% size' for indices that are equal")
    if unsized := places.unsized(classes):
        expected = f"a tensor with the index {unsized} alone; or '% size {unsized} = 3'"
        raise statement.fail(f"nothing says how many values {unsized} has", expected)
    following = places.order(classes)
    open_ = [root for root in classes.roots() if root not in pinned and root not in following]
    found = dict(pinned)
    drawn: list[int] = []
    for root in open_:
        if not drawn:
            drawn = _small_sizes(number) if classes.small else _varied_sizes(number, len(open_), pinned.values(), seed)
        wide = max(least.get(root, 0), reach.get(root, 0))
        if wide > LONGEST and root in reach:
            raise statement.fail(f"a condition that needs {wide} values", f"numbers that need at most {LONGEST}")
        fits = [size for size in drawn if size >= wide]
        found[root] = fits[0] if fits else wide
        if fits:
            drawn.remove(fits[0])
    for root in following:
        found[root] = places.size(root, classes, found)
        if found[root] > LONGEST:
            raise statement.fail(f"an index with {found[root]} values", f"numbers that need at most {LONGEST}")
    if outside := places.misfit(classes, found):
        name = outside.partition("_")[0]
        expected = f"'% zero outside {name}', if it is 0 there; or a sum over a part of the range"
        raise statement.fail(f"{outside} falls outside of {name} for some indices", expected)
    if any(found[root] < size - 1 for root, size in least.items()):  # a size that the page gives may end with it
        expected = "a number below the size; the first is 0"
        raise statement.fail("a number as an index is beyond its size", expected)
    return found


def _varied_sizes(number: int, classes: int, taken: Collection[int], seed: int | str) -> list[int]:
    """Return the sizes of an instance, in an order in which no class has the same one in all instances."""
    turn = number % AGAIN + number // AGAIN
    count = classes if classes <= DIFFERENT else 4
    rest = [size for size in range(2, 20) if size not in taken]
    if count <= CONSECUTIVE:
        first = turn % 3
        chosen = rest[first : first + count]
    else:
        chosen = rest[: count + 1]
        chosen.pop(count - turn % (count + 1))
    if classes > DIFFERENT:
        return random.Random(f"{seed}/{number}/sizes").sample(chosen, count)
    order = random.Random(f"{seed}/sizes").sample(range(count), count)
    return [chosen[(place + turn) % count] for place in order]


def _small_sizes(number: int) -> list[int]:
    """Return sizes of 2 and 3, for lines whose arrays are too large otherwise.

    No class has one size in all instances, nor do any two of the first seven agree in all.
    """
    turn = number % AGAIN
    return [2 + (odd(row) != odd(row & turn)) for row in range(1, BRANCHES)]


def draw_position(place: int, number: int, size: int, named: Collection[int], seed: int) -> int:
    """Return the value of the constant index at this place in their order.

    In the first three instances it is 0 or 1: each constant index has both values, and any two of the first three
    are equal in one instance and differ in another. Then it is above 1 if the size allows it: one of the numbers
    that the text names, if it names any.
    """
    turn = number % AGAIN
    if turn < 3:
        return odd((place % 3 + 1) & turn) % size
    above: Sequence[int] = [value for value in range(2, size) if value in named]
    above = above or range(2 if size > 2 else 0, size)
    return random.Random(f"{seed}/{number}/fixed/{place}").choice(above)


FAR = 100_000
"""The difference between the number of an instance and that of one whose inputs are four times as great."""

FARTHEST = 8
"""The most steps of FAR by which a piece of a function is searched for, beyond a constant."""

SMALLEST, SMALL, GREAT, GREATEST = 0.05, 0.5, 3.2, 5.0
"""The magnitudes of the inputs of a wide instance; if they decide nothing, it is drawn again with ordinary ones."""


SMALLER = 100
"""The factor by which a small input is smaller than others."""


@dataclass(frozen=True)
class Formula:
    """The value of a tensor: an expression over its indices, or code; `arguments` are the tensors in it.

    chain: the key of the statement that the indices are from. Without expression and code, it is any smooth function.
    """

    name: str
    arguments: tuple[str, ...]
    chain: str = ""
    indices: tuple[Index, ...] = ()
    expression: Expression | None = None
    code: Code | OfMatrix | None = None


@dataclass(frozen=True)
class Instance:
    """One choice of sizes and of random tensors.

    formulas: of all names that are no inputs. places: the sizes of each tensor's axes. sizes: of the
    indices of each statement. fixed: the value of each constant index. whole: that of each letter that is a number in
    indices, and the number of values of each tensor of indices. sinks: the arguments of the downstream
    scalar. seed and number: the source of all random numbers.
    signs: for each input, the bits of the number that its sign depends on; without an entry, the sign is random.
    domains: of inputs. factors: by which some inputs are greater than others. moved: values of inputs that were found
    otherwise.
    """

    formulas: Mapping[str, Formula]
    places: Mapping[str, tuple[int, ...]]
    sizes: dict[tuple[str, Index], int]
    fixed: Mapping[str, int]
    whole: Mapping[str, int]
    domains: Mapping[str, Domain]
    sinks: tuple[str, ...]
    seed: int
    number: int
    signs: Mapping[str, int]
    factors: Mapping[str, float] = field(default_factory=dict)
    moved: Mapping[str, Array] = field(default_factory=dict)

    @property
    def wide(self) -> bool:
        """True if the inputs have all magnitudes."""
        return self.number < AGAIN and bool(self.number & WIDE)

    def random(self, name: str, shape: Sequence[int]) -> Array:
        """Return numbers away from zero, between ½ and 1½ in size, of both signs."""
        numbers = self._uniform(name, shape)
        return torch.where(numbers[1] < 0.5, numbers[0] + 0.5, -numbers[0] - 0.5)

    def _uniform(self, name: str, shape: Sequence[int]) -> Array:
        """Return two numbers from 0 to 1 for each component."""
        check_size(shape)
        generator = torch.Generator().manual_seed(zlib.crc32(f"{self.seed}/{self.number}/{name}".encode()))
        return torch.rand((2, *shape), generator=generator, dtype=torch.float64)

    def picks(self, name: str, shape: Sequence[int]) -> Array:
        """Return the components of a tensor of indices, from 0."""
        return (self._uniform(f"index {name}", shape)[0] * self.whole[name]).floor()

    def input(self, name: str) -> Array:
        """Return an input, in its domain.

        The sign of its first component, the only one of a scalar, is not random, nor is its magnitude in wide
        instances: over the instances, great and small ones of both signs meet those of other inputs.
        """
        if name in self.moved:
            return self.moved[name]
        numbers = self._uniform(name, self.places[name])
        factor = 4.0 ** (self.number // FAR) * self.factors.get(name, 1.0)
        size = factor * (_spread(numbers[0]) if self.wide else numbers[0] + 0.5)
        row = self.signs.get(name)
        turn = self.number % AGAIN
        if self.wide and size.numel() and row is not None:
            other = (1, 2, 3, 1)[row & 3]
            low, high = (SMALLEST, SMALL) if odd(other & turn) else (GREAT, GREATEST)
            size.view(-1)[0] = factor * (low + (high - low) * numbers[0].reshape(-1)[0])
        upward = numbers[1] < 0.5
        if upward.numel() and row is not None:
            upward.view(-1)[0] = not odd(row & turn)
        return _inside(self.domains.get(name, FREE), size, upward, numbers[0])


def _inside(domain: Domain, size: Array, upward: Array, share: Array) -> Array:
    """Return an input in its domain, from magnitudes, signs, and numbers from 0 to 1.

    In an interval, a sign says in which half a component is.
    """
    value = size if domain.positive else torch.where(upward, size, -size)
    if domain.interval is not None:
        low, high = domain.interval
        value = (low + high) / 2 + (high - low) / 2 * torch.where(upward, share, -share).clamp(-0.99, 0.99)
    if domain.total is not None and domain.positive:
        value = value / value.sum(domain.total, keepdim=True)
    elif domain.total is not None:
        value = value - value.mean(domain.total, keepdim=True) + 1 / value.shape[domain.total]
    if domain.definite:
        ridge = size.square().mean() / 2 * torch.eye(size.shape[-1], dtype=size.dtype)
        value = value @ value.mT / size.shape[-1] + ridge
    elif domain.symmetric:
        value = value.triu() + value.triu(1).mT
    return value / SMALLER if domain.small else value


def _spread(numbers: Array) -> Array:
    """Return magnitudes from SMALLEST to GREATEST, as many of each order, from numbers from 0 to 1."""
    count = max(numbers.numel(), 1)
    ranks = numbers.reshape(-1).argsort().argsort().to(torch.float64)
    even = (ranks + 0.5) / count
    return (SMALLEST * (GREATEST / SMALLEST) ** even * (0.9 + 0.2 * numbers.reshape(-1))).reshape(numbers.shape)
