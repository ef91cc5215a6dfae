"""The relations of one chain -> a verdict for each, from its sides on several instances.

Two numbers agree if they differ by less than TOLERANCE times the magnitude of the terms that they were summed from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from einsum_doc.compute.checking.cases import Cases
from einsum_doc.compute.checking.differences import CERTAIN, difference
from einsum_doc.compute.checking.evaluation.arrays import TOLERANCE
from einsum_doc.compute.checking.instances.undecided import UncheckableError
from einsum_doc.compute.checking.messages import checked, details, fault, sizes
from einsum_doc.notation.expression import Expression, Tensor


class Verdict(NamedTuple):
    """Whether a line holds. message: one line, of a false one. checked: what was checked, in words."""

    holds: bool
    message: str
    details: tuple[str, ...]
    checked: str


def definition(cases: Cases) -> Verdict:
    """Return the verdict on a definition: it claims nothing, but its value must exist."""
    for place in range(len(cases.all)):
        value = cases.look(place, lambda case: case.value(1))
        if isinstance(value, UncheckableError):
            message = f"false: {cases.statement.sides[0]} has no value: {value}"
            return Verdict(False, message, (sizes(cases.all[place]),), checked(cases))
    return Verdict(True, "", (), "a definition")


def claim(cases: Cases, number: int, signs: Sequence[str]) -> Verdict:
    """Return whether the side of a number is equal to the next one, or is not, as the sign between them says."""
    sign = signs[number]
    left, right = cases.statement.sides[number : number + 2]
    largest = 0.0
    for place in range(len(cases.all)):
        found = cases.look(place, lambda case: difference(case, number, number + 1))
        case = cases.all[place]
        if isinstance(found, UncheckableError):
            message = f"false: cannot be checked: {left} {sign} {right}"
            return Verdict(False, message, (str(found), sizes(case)), checked(cases))
        error, component = found
        if sign == "=" and not error <= TOLERANCE:
            message = fault(cases, case, number, signs)
            return Verdict(False, message, details(cases, case, number, component), checked(cases))
        largest = max(largest, error)
    if _vanishes(cases, (left, right)):
        message = f"false: cannot be checked: {left} {sign} {right}"
        why = "every derivative of the arbitrary scalar in it is 0 in every instance, so it says nothing"
    elif sign == "≠" and largest <= CERTAIN:
        message = f"false: {left} ≠ {right}"
        why = "both sides are equal in every instance"
        if largest > TOLERANCE:
            why = f"the sides differ by {largest:.0e} of their terms at most; more than {CERTAIN:g} is certain"
    else:
        return Verdict(True, "", (), checked(cases))
    return Verdict(False, message, (why, sizes(cases.all[0])), checked(cases))


def _vanishes(cases: Cases, sides: Sequence[Expression]) -> bool:
    """Return whether the gradients that a claim is about are 0 in every instance."""
    rest = list(sides)
    seen: set[str] = set()
    gradients: set[tuple[str, str]] = set()
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
