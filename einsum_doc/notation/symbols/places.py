"""Index arithmetic -> the sizes that it needs: an axis of which x_{i+m} is a component is as long as i and m together.

Indices count from 0 here, whatever the page says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from einsum_doc.notation.expression import (
    Affine,
    Bounded,
    Coordinate,
    Delta,
    Expression,
    Extent,
    Index,
    Indicator,
    Picked,
    Size,
    Subscript,
    Summation,
    Whole,
    plain,
)
from einsum_doc.notation.sums.arithmetic import Placement
from einsum_doc.notation.symbols.table import Statement
from einsum_doc.notation.symbols.unification import SizeClasses, SizeNode, node_of

Atom = Index | Subscript | Extent | Whole


@dataclass(frozen=True)
class Need:
    """A node whose size is told by index arithmetic: the values of `index` lie in it, or are all of it, if `exact`."""

    node: SizeNode
    index: Subscript
    key: str
    name: str
    exact: bool = False

    @property
    def nodes(self) -> list[SizeNode]:
        """The nodes whose sizes it depends on."""
        atoms = _atoms(self.index)
        if isinstance(self.index, Bounded) and not self.exact:
            atoms.append(self.index)
        found = [_node(atom, self.key) for atom in atoms]
        return [node for node in found if node is not None]


class Places:
    """The index arithmetic of some statements.

    given: the letters that are numbers in it, each with its value; those without one are 1, 2 and 3 in turn.
    """

    def __init__(self, given: Mapping[str, int | None], turn: int = 0, needs: Sequence[Need] = ()) -> None:
        whole = self.given = given
        drawn = {name: 1 + (turn + place) % 3 for place, name in enumerate(whole)}
        self.whole = {name: drawn[name] if value is None else value for name, value in whole.items()}
        self.needs = list(needs)
        self.used: list[SizeNode] = []
        self.lettered: list[SizeNode] = []

    def at(self, turn: int) -> Places:
        """Return the same with other numbers."""
        found = Places(self.given, turn, self.needs)
        found.used, found.lettered = self.used, self.lettered
        return found

    def numbers(self, lengths: Mapping[SizeNode, int]) -> dict[str, int]:
        """Return the letters that are numbers, and the number of values and the sizes of each tensor of indices."""
        picks = {node[1]: length for node, length in lengths.items() if node[0] == "values"}
        axes = {node: length for node, length in lengths.items() if node[0] == "axis" and node[1] in picks}
        return {**self.whole, **picks, **{f"{name} {axis}": length for (_, name, axis), length in axes.items()}}

    def join(self, statement: Statement, wide: Sequence[Expression], sizes: SizeClasses) -> None:
        """Add the arithmetic of a statement, and join what its tensors of indices have in common."""
        key = statement.key
        for part in (part for side in statement.sides for part in side.walk()):
            named = part.indices if isinstance(part, Summation) and part.capital else ()
            named = (part.index,) if isinstance(part, Size) else named
            self.lettered += [("index", key, index) for index in named]
        for part in (part for side in wide for part in side.walk()):
            for index in part.own:
                if isinstance(index, Bounded):
                    need = Need(("index", key, index), index, key, str(index), exact=True)
                    sizes.root(need.node)
                    self.needs += [need] if need not in self.needs else []
                    self.used += need.nodes
            if isinstance(part, Delta | Indicator):
                for index in part.indices:
                    self._join_inside(index, key, sizes)
                first, second = (_node(index, key) for index in part.indices)
                # Of [c_b = k], the values of c are those of k.
                if isinstance(part, Delta) and first and second and "values" in (first[0], second[0]):
                    sizes.join(first, second)
            if isinstance(part, Placement):
                axis, index = part.indices
                node: SizeNode = ("index", key, axis)
                if isinstance(index, Picked):
                    sizes.join(node, ("values", index.name))
                elif isinstance(index, Bounded):
                    sizes.join(node, ("index", key, Index(index.letter, index.primes)))
                need = Need(node, index, key, f"{plain(part.tensor)}_{{{index}}}")
                self.used += need.nodes
                if not part.zero and not isinstance(index, Picked):
                    self.needs.append(need)

    def _join_inside(self, index: Atom, key: str, sizes: SizeClasses) -> None:
        """Join the sizes inside of an index that is computed."""
        for atom in (atom for _, own in index.terms for atom in own) if isinstance(index, Affine) else ():
            self._join_inside(atom, key, sizes)
        node = _node(index, key)
        if node is not None:
            sizes.root(node)
        if isinstance(index, Picked):
            for number, each in enumerate(index.indices):
                axis: SizeNode = ("axis", index.name, number)
                own = _node(each, key)
                if own is not None and not isinstance(each, Bounded):
                    sizes.join(axis, own)
                elif isinstance(each, Coordinate):
                    sizes.bound(axis, each)
                else:
                    self.needs.append(Need(axis, each, key, str(index)))
                self._join_inside(each, key, sizes)

    def order(self, sizes: SizeClasses) -> list[SizeNode]:
        """Return the roots whose sizes follow from those of others, each after these."""
        waiting = {sizes.root(need.node) for need in self.needs} - {sizes.root(node) for node in sizes.pinned}
        found: list[SizeNode] = []
        while waiting:
            own = {
                root: {sizes.root(node) for need in self.needs if sizes.root(need.node) == root for node in need.nodes}
                for root in waiting
            }
            ready = [root for root in sizes.roots() if root in waiting and not own[root] & waiting]
            if not ready:  # One that depends on itself, as x_t beside x_{t-1}, or else the last one, has any size.
                open_ = [sizes.root(need.node) for need in self.needs if not need.exact]
                last = [root for root in open_ if root in waiting]
                waiting.discard(next((root for root in last if root in own[root]), list(dict.fromkeys(last))[-1]))
            waiting -= set(ready)
            found += ready
        return found

    def size(self, root: SizeNode, sizes: SizeClasses, known: Mapping[SizeNode, int]) -> int:
        """Return the size of a root that follows from those that are known.

        Where sums go to numbers, and one to a letter, nothing says that the letter is the greatest of them.
        """
        needs = [need for need in self.needs if sizes.root(need.node) == root]
        ends = [self._ends(need, sizes, known) for need in needs]
        more = root in map(sizes.root, self.lettered) and not any(_atoms(need.index) for need in needs)
        return max([sizes.least.get(root, 0), *(high + 1 + more for _, high in ends)])

    def unsized(self, sizes: SizeClasses) -> str:
        """Return an index whose number of values nothing tells, as it stands in arithmetic only; "" if all are told."""
        known = {sizes.root(node) for node in list(sizes.above) if node[0] in ("axis", "said", "values", "fixed")}
        known |= {sizes.root(node) for node in sizes.pinned}
        for node in self.used:
            if node[0] == "index" and not isinstance(node[-1], Bounded) and sizes.root(node) not in known:
                return str(node[-1])
        return ""

    def misfit(self, sizes: SizeClasses, known: Mapping[SizeNode, int]) -> str:
        """Return the component that falls outside of its tensor; "" if there is none."""
        for need in self.needs:
            low, high = self._ends(need, sizes, known)
            if low <= high and (low < 0 or high >= known[sizes.root(need.node)]):
                return need.name
        return ""

    def _ends(self, need: Need, sizes: SizeClasses, known: Mapping[SizeNode, int]) -> tuple[int, int]:
        """Return the least and the greatest value of an index; those of a size n are 0 and n − 1."""

        def size_of(atom: Atom) -> int:
            node = _node(atom, need.key)
            return known[sizes.root(node)] if node is not None else 1

        if not isinstance(need.index, Bounded):
            return self._extremes(need.index, size_of)
        (low, _), (high, _) = (self._extremes(end, size_of) for end in (need.index.low, need.index.high))
        return (0, max(high - low, -1)) if need.exact else (low, high)

    def _extremes(self, index: Subscript, size_of: Callable[[Atom], int]) -> tuple[int, int]:
        if not isinstance(index, Affine):
            return 0, size_of(index) - 1
        atoms = dict.fromkeys(atom for _, own in index.terms for atom in own)
        choices = []
        for atom in atoms:
            if isinstance(atom, Whole):
                choices.append([self.whole[atom.letter]])
            elif isinstance(atom, Extent):
                choices.append([size_of(atom)])
            elif isinstance(atom, Bounded):
                low, _ = self._extremes(atom.low, size_of)
                choices.append([low, self._extremes(atom.high, size_of)[0]])
            else:
                choices.append([0, size_of(atom) - 1])
        values = []
        for chosen in product(*choices):
            value = dict(zip(atoms, chosen, strict=True))
            values.append(sum(number * prod(value[atom] for atom in own) for number, own in index.terms))
        return min(values), max(values)


def _atoms(index: Subscript) -> list[Atom]:
    """Return the letters that the values of an index depend on."""
    ends = (index.low, index.high) if isinstance(index, Bounded) else (index,)
    return [atom for end in ends if isinstance(end, Affine) for _, own in end.terms for atom in own]


def _node(atom: Atom, key: str) -> SizeNode | None:
    if isinstance(atom, Extent):
        return ("index", key, atom.index)
    return (
        ("values", atom.name)
        if isinstance(atom, Picked)
        else node_of(atom, key)
        if not isinstance(atom, Whole)
        else None
    )
