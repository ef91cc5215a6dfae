"""A false line -> what is wrong with it, in words; a true one -> what was checked."""

from __future__ import annotations

from collections.abc import Sequence

from einsum_doc.compute.checking.cases import Case, Cases
from einsum_doc.compute.checking.evaluation.arrays import TOLERANCE
from einsum_doc.compute.checking.instances.undecided import UncheckableError
from einsum_doc.compute.checking.symbols.unification import Node, SizeClasses, join_sizes
from einsum_doc.notation.expression import Index, Tensor, plain, subscripts


def details(cases: Cases, case: Case, number: int, component: Sequence[int]) -> tuple[str, ...]:
    """Return both values of a component, the sizes, and where shapes differ."""
    values = []
    for name, side in (("left", number), ("right", number + 1)):
        found = case.value(side)
        assert not isinstance(found, UncheckableError)
        values.append(f"{name} {float(found.value[tuple(component)]):.6g}")
    at = ", ".join(f"{index}={position}" for index, position in zip(case.free, component, strict=True))
    both = ", ".join(values)
    return (
        f"at {at}: {both}" if at else both,
        f"sizes: {sizes(case)}",
        *_conflicts(cases, case, number),
        *_ways(cases, number),
    )


def sizes(case: Case) -> str:
    """Return the sizes of the indices of a chain."""
    own = {index: None for side in case.sides for index in subscripts(side) if isinstance(index, Index)}
    return ", ".join(f"{index}={case.instance.sizes[case.key, index]}" for index in own) or "no indices"


def _conflicts(cases: Cases, case: Case, number: int) -> list[str]:
    """Return, index by index, where a line makes two sizes one that the definitions leave apart."""
    defined = SizeClasses()
    for definition in cases.definitions.values():
        if not definition.ranges:  # With dots it is not said which index is which.
            join_sizes(definition, definition.written({}).wide, defined)
    said: dict[Node, str] = {}
    for node in list(defined.above):
        if node[0] == "index":
            said.setdefault(defined.root(node), str(node[2]))
    met: dict[Index, dict[Node, tuple[str, int]]] = {}
    tensors = (part for side in case.sides[number : number + 2] for part in side.walk() if isinstance(part, Tensor))
    for part in tensors:
        for axis, index in enumerate(part.indices):
            node = defined.root(("axis", part.name, axis))
            if isinstance(index, Index) and node in said:
                met.setdefault(index, {}).setdefault(node, (part.name, axis))
    found = []
    for index, nodes in met.items():
        if len(nodes) > 1:
            parts = [
                f"index {axis + 1} of {plain(name)}, which is {said[node]} where it is defined"
                for node, (name, axis) in nodes.items()
            ]
            found.append(f"shapes differ: {index} is {', and '.join(parts)}")
    return found


def _ways(cases: Cases, number: int) -> list[str]:
    """Return what the arbitrary scalar is a function of, for a line of its derivatives: it may miss one of them."""
    sides = cases.statement.sides[number : number + 2]
    scalars = dict.fromkeys(scalar for side in sides for scalar, _ in cases.table.gradients(side))
    *names, last = map(plain, cases.sinks or ("nothing",))
    listed = f"{', '.join(names)} and {last}" if names else last
    return [f"{plain(scalar)} is a function of {listed}" for scalar in scalars]


def checked(cases: Cases) -> str:
    """Return the number of instances, their sizes, the seed and the tolerance, in words."""
    text = f"{len(cases.all)} random instances in float64"
    ends = cases.statement.ranges
    if ends:
        each = "; ".join(
            ", ".join(f"{plain(a)}…{plain(b)}: {case.lengths[a, b]}" for a, b in ends) for case in cases.all
        )
        text += f", ranges of {each} indices"
    else:
        text += f"; {'; '.join(dict.fromkeys(map(sizes, cases.all)))}"
    return f"{text}; seed {cases.draws.seed}; tolerance {TOLERANCE:g} of the summed magnitudes"
