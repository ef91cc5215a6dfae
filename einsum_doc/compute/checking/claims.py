"""The relations of a chain -> a verdict for each, from its sides on several instances, with the fault in words.

Two numbers agree if they differ by less than TOLERANCE times the magnitude of the terms that they were summed from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from einsum_doc.compute.checking.cases import Case, Cases
from einsum_doc.compute.checking.comparison import CERTAIN, compared, difference, explanation
from einsum_doc.compute.checking.evaluation.arrays import TOLERANCE
from einsum_doc.compute.checking.held import held_if
from einsum_doc.compute.checking.instances import FARTHEST, UncheckableError
from einsum_doc.compute.checking.search import region
from einsum_doc.notation.expression import (
    Comparison,
    Delta,
    Expression,
    Function,
    Index,
    Partial,
    Size,
    Tensor,
    is_zero,
    letters,
    plain,
    subscripts,
)
from einsum_doc.notation.reading.vocabulary import FUNCTIONS, reserved
from einsum_doc.notation.statements.checked import NOT_PROVED, PROVED, Verdict
from einsum_doc.notation.statements.proofs import proved
from einsum_doc.notation.sums.arithmetic import Slot
from einsum_doc.notation.symbols.unification import SizeClasses, SizeNode, join_sizes

DIFFERENT = "The sides differ, which one counterexample decides"


def definition(cases: Cases) -> Verdict:
    """Return the verdict on a definition: it claims nothing, but its value must exist."""
    for place in range(len(cases.all)):
        value = cases.look(place, (1,), lambda case: case.value(1))
        if isinstance(value, UncheckableError):
            message = f"false: {cases.statement.sides[0]} has no value: {value}"
            return Verdict("false", message, (f"sizes: {sizes(cases.all[place])}",), checked(cases))
    return Verdict("defined", "", (), "; ".join(["a definition", *_ranges(cases)]))


def claim(cases: Cases, number: int) -> Verdict:
    """Return the verdict on the relation between side `number` and the next: they are equal, or differ if it is ≠."""
    sign = cases.statement.signs[number]
    left, right = cases.statement.sides[number : number + 2]
    largest = 0.0
    for place in range(len(cases.all)):
        found = compared(cases, place, number)
        case = cases.all[place]
        if isinstance(found, UncheckableError):
            return _undecided(cases, number, sign, str(found), case)
        error, component = found
        if sign == "=" and not error <= TOLERANCE:
            for other in range(place + 1, len(cases.all)):
                compared(cases, other, number)  # All cases have values, if they can, before a reason is looked for.
            held = held_if(cases, number, lambda case: _agree(case, number))
            if not held and proved(cases.statement, number):
                return _contradiction(cases, case, number, component)
            message = f"refused: {left} = {right} {held}" if held else _fault(case, cases, number)
            slip = explanation(cases, case, number) if not held and _begins(case, cases, number) else []
            lines = (*slip, *details(cases, case, number, component), *_questions(cases, number))
            return Verdict("false", message, lines, checked(cases))
        largest = max(largest, error)
    if sign == "=" and cases.one_sided() and (beyond := _beyond(cases, number)):
        return beyond
    if _vanishes(cases, (left, right)):
        why = "every derivative of the arbitrary scalar in it is 0 in every instance, so it says nothing"
        return _undecided(cases, number, sign, why, cases.all[0])
    if sign == "≠" and largest <= CERTAIN:
        why = "both sides are equal in every instance"
        if largest > TOLERANCE:
            why = f"the sides differ by {largest:.0e} of their terms at most; more than {CERTAIN:g} is certain"
        return Verdict("false", f"false: {left} ≠ {right}", (why, f"sizes: {sizes(cases.all[0])}"), checked(cases))
    if sign == "≠":
        return Verdict("held", "", (), f"{DIFFERENT}. Held on {checked(cases)}")
    if proof := proved(cases.statement, number):
        return Verdict("proved", "", (), f"{PROVED}. Step: {proof}. Held on {checked(cases)}", str(proof))
    return Verdict("held", "", (), f"{NOT_PROVED}. Held on {checked(cases)}")


def _questions(cases: Cases, number: int) -> Iterator[str]:
    """Yield what the author of a false line may have meant: a derivative set to 0, a function that only words name."""
    sides = cases.statement.sides
    derivative = any(isinstance(part, Partial) for side in sides[: number + 1] for part in side.walk())
    if derivative and is_zero(sides[number + 1]):
        yield "'% stationary', if the derivative is set to 0, and not 0 everywhere"
    functions = {part.name for side in sides[number : number + 2] for part in side.walk() if type(part) is Function}
    for name in sorted(functions - FUNCTIONS.keys()):
        yield f"{name} is arbitrary here: a row '{name}(x) = …' or '% function' says which function it is"


def _contradiction(cases: Cases, case: Case, number: int, component: Sequence[int]) -> Verdict:
    """Return the verdict on an equality that is proved, though its sides have different values."""
    left, right = cases.statement.sides[number : number + 2]
    message = f"internal error of einsum_doc: {left} = {right} is proved for all sizes, but its values differ"
    why = "one of the two is wrong, the proof or the values: please report this row, with its definitions"
    return Verdict("false", message, (why, *details(cases, case, number, component)), checked(cases))


def _undecided(cases: Cases, number: int, sign: str, why: str, case: Case) -> Verdict:
    """Return the verdict on a relation that numbers cannot decide."""
    left, right = cases.statement.sides[number : number + 2]
    hints = filter(None, [reserved(cases.statement.sides[0])])
    message = f"false: cannot be checked: {left} {sign} {right}"
    return Verdict("false", message, (why, f"sizes: {sizes(case)}", *hints), checked(cases))


def _beyond(cases: Cases, number: int) -> Verdict | None:
    """Return the verdict on an equality that fails, or has no value, for inputs beyond the constants in it."""
    seen: list[Case] = []
    for steps in range(1, FARTHEST + 1):
        for place in range(len(cases.all) if cases.one_sided(seen) else 0):
            try:
                case = cases.farther(place, (number, number + 1), steps)
            except UncheckableError:
                continue
            found = difference(case, number, number + 1)
            if isinstance(found, UncheckableError):
                continue
            seen.append(case)
            if not found[0] <= TOLERANCE:
                if proved(cases.statement, number):
                    return _contradiction(cases, case, number, found[1])
                message = _fault(case, cases, number)
                return Verdict("false", message, details(cases, case, number, found[1]), checked(cases))
    if (functions := cases.one_sided(seen)) and not proved(cases.statement, number):
        same = [
            f"{each} is the same"
            if isinstance(each, Comparison)
            else f"{each.parts[0]}, the argument of {each}, has one sign"
            for each in functions
        ]
        why = f"{' and '.join(same)} for all inputs that could be tried"
        return _undecided(cases, number, "=", why, cases.all[0])
    return None


def _agree(case: Case, number: int) -> bool:
    """Return whether side `number` and the next agree, as far as their numbers can tell."""
    found = difference(case, number, number + 1)
    return case.instance.wide if isinstance(found, UncheckableError) else found[0] <= TOLERANCE


def _fault(case: Case, cases: Cases, number: int) -> str:
    """Return the message of an equality that does not hold.

    number: of its left side. If the left side of the chain equals the right side, the step before is at fault.
    """
    head, before, after = (cases.statement.sides[each] for each in (0, number, number + 1))
    if number == 0 or "≠" in cases.statement.signs[:number]:
        return f"false: {before} = {after}"
    whole = difference(case, 0, number + 1)
    if isinstance(whole, UncheckableError) or whole[0] <= TOLERANCE:
        return f"false: {before} = {after}; but this is {head}: the step before is at fault"
    return f"false: {head} = {after}"


def _begins(case: Case, cases: Cases, number: int) -> bool:
    """Return whether a relation is the first false one of its chain, so that its left side can be taken for right."""
    whole = (0.0, ()) if number == 0 or "≠" in cases.statement.signs[:number] else difference(case, 0, number)
    return not isinstance(whole, UncheckableError) and whole[0] <= TOLERANCE


def _vanishes(cases: Cases, sides: Sequence[Expression]) -> bool:
    """Return whether the gradients that a claim is about are 0 in every instance."""
    rest = list(sides)
    seen: set[str] = set()
    gradients: set[tuple[str, str, frozenset[str]]] = set()
    while rest:
        side = rest.pop()
        gradients.update(cases.table.gradients(side))
        names = {part.name for part in side.walk() if isinstance(part, Tensor)} & cases.kinds.keys() - seen
        seen |= names
        rest += [cases.definitions[name].sides[1] for name in names if cases.table.tensors[name].downstream]
    for case in cases.all:
        for gradient in gradients:
            found = case.evaluator.jacobians.get(gradient)
            if found is not None and bool((found[0].abs() > TOLERANCE * found[1]).any()):
                return False
    return bool(gradients)


def details(cases: Cases, case: Case, number: int, component: Sequence[int]) -> tuple[str, ...]:
    """Return both values of a component, the sizes, and the indices whose sizes differ."""
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
        *filter(None, [reserved(cases.statement.sides[0])]),
        *_no_ranges(cases, number),
        *_not_defined(cases, number),
        *_conflicts(cases, case, number),
        *_scalar_arguments(cases, number),
    )


def sizes(case: Case) -> str:
    """Return the sizes of the indices of a chain."""
    found = (index for side in case.sides for index in subscripts(side))
    own = {index: None for index in found if isinstance(index, Index) and not isinstance(index, Slot)}
    return ", ".join(f"{index}={case.instance.sizes[case.key, index]}" for index in own) or "no indices"


def _conflicts(cases: Cases, case: Case, number: int) -> list[str]:
    """Describe the indices, and the deltas, that make sizes equal though the definitions do not."""
    defined = SizeClasses()
    for definition in cases.definitions.values():
        if not definition.ranges:  # The indices of a range have no letters that a message could name.
            join_sizes(definition, definition.written({}).wide, defined)
    said: dict[SizeNode, str] = {}
    for node in list(defined.above):
        if node[0] == "index":
            said.setdefault(defined.root(node), str(node[2]))
    met: dict[Index, dict[SizeNode, tuple[str, int]]] = {}
    sides = case.sides[number : number + 2]
    for part in (part for side in sides for part in side.walk() if isinstance(part, Tensor)):
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
    head = cases.statement.sides[0]
    for delta in dict.fromkeys(part for side in sides for part in side.walk() if isinstance(part, Delta)):
        first, second = ({*met.get(index, ())} if isinstance(index, Index) else set() for index in delta.indices)
        if first and second and not first & second and delta != head:
            found.append(reserved(delta))
    return found


def _no_ranges(cases: Cases, number: int) -> list[str]:
    """Describe the scalars of a line that could be taken for numbers of values: the capitals of its indices."""
    head, sides = cases.statement.sides[0], cases.statement.sides[number : number + 2]
    parts = [part for side in sides for part in side.walk() if part is not head]
    differentiated = {id(each) for part in parts if isinstance(part, Partial) for each in part.parts}
    own = letters(subscript for side in sides for subscript in subscripts(side))
    names = [
        part.name
        for part in parts
        if isinstance(part, Tensor) and not part.indices and id(part) not in differentiated and part.name.isupper()
    ]
    return [
        f"{name} is a tensor here, not the number of values of {name.lower()}"
        for name in dict.fromkeys(names)
        if name.lower() in own
    ]


def _not_defined(cases: Cases, number: int) -> list[str]:
    """Describe the names of a line that are inputs, though a definition above could be meant."""
    head, *_ = cases.statement.sides
    found = []
    if number == 0 and isinstance(head, Tensor) and cases.table.tensors[head.name].arguments is None:
        found = [
            f"{plain(head.name)} is an input here, as a row above uses it: a definition stands before the first use"
        ]
    sides = cases.statement.sides[number : number + 2]
    for part in dict.fromkeys(part for side in sides for part in side.walk() if isinstance(part, Partial)):
        known = cases.table.tensors.get(part.body.name) if isinstance(part.body, Tensor) else None
        if known is not None and not cases.table.depends(known.name, part.by.name):
            name, by = plain(known.name), plain(part.by.name)
            why = "has no definition above" if known.arguments is None else f"does not depend on {by}"
            found.append(f"{part} is 0: {name} {why}")
    return found


def _scalar_arguments(cases: Cases, number: int) -> list[str]:
    """Describe the arguments of the arbitrary scalar, for a line about its derivatives: it may miss one."""
    sides = cases.statement.sides[number : number + 2]
    scalars = dict.fromkeys(scalar for side in sides for scalar, _, _ in cases.table.gradients(side))
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
    text += f"; seed {cases.draws.seed}; tolerance {TOLERANCE:g} of the summed magnitudes"
    return "; ".join([text, *_inputs(cases), *_ranges(cases)])


def _inputs(cases: Cases) -> list[str]:
    """Describe the inputs that do not have both signs, by a directive or by search."""
    declared = [f"{plain(name)} {domain}" for name, domain in cases.table.domains.items() if name in cases.names]
    places: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for case in cases.all for name in case.instance.moved):
        values = torch.cat([case.instance.input(name).reshape(-1) for case in cases.all])
        places.setdefault(region(float(values.min()), float(values.max())), []).append(plain(name))
    searched = ", ".join(f"{' and '.join(names)} {place}" for place, names in places.items())
    return [*declared, *([f"{searched}, found by search"] if searched else [])]


def _ranges(cases: Cases) -> list[str]:
    """Describe the capitals that stand for numbers of values, in a chain and in its definitions."""
    sides = [side for statement in cases.entries for side in statement.sides]
    found = {part.name: part.index for side in sides for part in side.walk() if isinstance(part, Size)}
    return [f"{name} is the number of values of {index}" for name, index in found.items()]
