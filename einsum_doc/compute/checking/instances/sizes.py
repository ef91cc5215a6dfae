"""Classes of axes and indices that have one size -> a size for each, another for each as far as there are enough."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from einsum_doc.compute.checking.instances.schedule import AGAIN, BRANCHES, odd
from einsum_doc.compute.checking.symbols.statements import Statement
from einsum_doc.compute.checking.symbols.unification import Node, SizeClasses

DIFFERENT = 7
"""Up to so many sizes all differ in each instance. More take turns with four sizes, as arrays grow with them."""

CONSECUTIVE = 3
"""Up to so many sizes are consecutive numbers, which begin higher in the next instance; more leave one out."""


def draw_sizes(number: int, classes: SizeClasses, seed: int, statement: Statement) -> dict[Node, int]:
    """Return a size for the root of each class: all different, if they are not too many.

    number: of the instance. Raises: NotationError, if a class has two sizes, or one that is too small.
    """
    pinned = {classes.root(node): size for node, size in classes.pinned.items()}
    least: dict[Node, int] = {}
    for node, size in classes.least.items():
        least[classes.root(node)] = max(size, least.get(classes.root(node), 0))
    if any(pinned[classes.root(node)] != size for node, size in classes.pinned.items()):
        raise statement.fail("two sizes for one index", "one '% size' for indices that are equal")
    open_ = [root for root in classes.roots() if root not in pinned]
    found = dict(pinned)
    drawn: list[int] = []
    for root in open_:
        if not drawn:
            drawn = _small_pool(number) if classes.small else _pool(number, len(open_), pinned.values(), seed)
        wide = least.get(root, 0)
        fits = [size for size in drawn if size >= wide]
        found[root] = fits[0] if fits else wide
        if fits:
            drawn.remove(fits[0])
    if any(found[root] < size for root, size in least.items()):
        expected = "a number below the size; the first is 0"
        raise statement.fail("a number as an index is beyond its size", expected)
    return found


def _pool(number: int, classes: int, taken: Collection[int], seed: int) -> list[int]:
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


def _small_pool(number: int) -> list[int]:
    """Return sizes of 2 and 3, for lines whose arrays are too large otherwise.

    No class has one size in all instances, nor do any two of the first seven agree in all.
    """
    turn = number % AGAIN
    return [2 + (odd(row) != odd(row & turn)) for row in range(1, BRANCHES)]


def draw_position(place: int, number: int, size: int, named: Collection[int], seed: int) -> int:
    """Return the value of the constant index at this place in their order.

    In the first three instances 0 or 1: each is both, and any two of the first three are equal and are not.
    Then above 1, if it can be: one of those that the text names, if it names any.
    """
    turn = number % AGAIN
    if turn < 3:
        return odd((place % 3 + 1) & turn) % size
    above: Sequence[int] = [value for value in range(2, size) if value in named]
    above = above or range(2 if size > 2 else 0, size)
    return random.Random(f"{seed}/{number}/fixed/{place}").choice(above)
