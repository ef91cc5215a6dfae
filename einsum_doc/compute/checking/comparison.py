"""Two sides of a relation on several instances -> their difference, and the slip of the pen that explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, islice
from typing import TypeAlias

import torch
from torch import Tensor as Array

from einsum_doc.compute.checking.cases import Case, Cases, Draws
from einsum_doc.compute.checking.changes import Surroundings, axis_index, changes, fresh, operands
from einsum_doc.compute.checking.evaluation.arrays import TOLERANCE
from einsum_doc.compute.checking.instances import UncheckableError, UnluckyError
from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    Coordinate,
    Delta,
    Expression,
    Fixed,
    Index,
    Partial,
    Tensor,
    is_zero,
    subscripts,
)
from einsum_doc.notation.sums.arithmetic import arithmetic_of
from einsum_doc.notation.symbols.table import ChainStatement

CANCELLED = 1e-6
"""The least part of the terms that may be left when they cancel, unless nothing is: otherwise not checked."""

CERTAIN = 1e-6
"""A claim that two sides differ needs a difference of this, relative to the same magnitude."""

TRIALS = 250
"""The most changes of a false line that are tried on one instance."""

WORK = 10_000
"""The most parts of expressions that these trials compute; the derivative of a bracket counts as DERIVATIVE more."""

DERIVATIVE = 20

FOUND = 4
"""The most changes that are checked on instances of their own, as they make the sides equal on one."""

PARTS = 12
"""The greatest numerator and denominator of a factor between two sides that is told."""

POWERS = {1.0: "{} · left", -1.0: "left / {}", 0.5: "√{} · left", -0.5: "left / √{}"}
"""The powers of a number of values that are told as a factor between two sides, each with its words."""

Pairs: TypeAlias = list[tuple[Case, Array, Array, Array]]
"""The instances in which two sides have values: with the left and the right one, and the scale of both."""


def difference(case: Case, first: int, second: int) -> tuple[float, tuple[int, ...]] | UncheckableError:
    """Return the largest difference of two sides, relative to their scale, and its component."""
    left, right = case.value(first), case.value(second)
    if isinstance(left, UncheckableError):
        return left
    if isinstance(right, UncheckableError):
        return right
    assert left.scale is not None
    assert right.scale is not None
    apart = (left.value - right.value).abs()
    if not apart.isfinite().all():
        return UncheckableError("a component is not finite")
    scale = torch.maximum(left.scale, right.scale)
    largest, level = float(torch.maximum(left.value.abs(), right.value.abs()).amax()), float(scale.amax())
    if TOLERANCE * level < largest < CANCELLED * level:
        return UnluckyError("what is left of the terms, when they cancel, is too small to be seen in float64")
    relative = torch.where(apart == 0, 0.0, apart / scale)
    if case.instance.wide and TOLERANCE < float(relative.max()) <= CERTAIN:
        return UnluckyError("inputs of such different magnitudes leave too few digits")
    component, rest = [], int(relative.argmax())  # torch.unravel_index takes 0.3 s at its first call.
    for size in reversed(relative.shape):
        rest, position = divmod(rest, size)
        component.append(position)
    return float(relative.max()), tuple(reversed(component))


def compared(cases: Cases, place: int, number: int) -> tuple[float, tuple[int, ...]] | UncheckableError:
    """Return the difference of side `number` and the next in a case that can decide, which is then at its place."""
    return cases.look(place, (number, number + 1), lambda case: difference(case, number, number + 1))


def explanation(cases: Cases, case: Case, number: int) -> list[str]:
    """Return the simplest slip that explains in all instances why two sides differ, in words; nothing if none does.

    number: of the left side. case: the instance where they differ.
    """
    pairs = _values(cases, number)
    if len(pairs) < 2:
        return []
    found = _factor(cases, pairs) or _square(pairs) or _slip(cases, case, number)
    found = found or _constant(pairs) or _place(cases, pairs)
    return [found] if found else []


def _values(cases: Cases, number: int) -> Pairs:
    """Return the values of two sides, of each case in which both have some."""
    pairs: Pairs = []
    for case in cases.all:
        left, right = case.value(number), case.value(number + 1)
        if not isinstance(left, UncheckableError) and not isinstance(right, UncheckableError):
            assert left.scale is not None
            assert right.scale is not None
            pairs.append((case, left.value, right.value, torch.maximum(left.scale, right.scale)))
    return pairs


def _equal(left: Array, right: Array, scale: Array) -> bool:
    return bool(((left - right).abs() <= TOLERANCE * scale).all())


def _factor(cases: Cases, pairs: Pairs) -> str:
    """Describe a rational factor between two sides, or one times a number of values."""
    ratios = []
    for _, left, right, scale in pairs:
        place = int(left.abs().argmax())
        below = float(left.reshape(-1)[place])
        ratio = float(right.reshape(-1)[place]) / below if below else 0.0
        if not ratio or not _equal(ratio * left, right, scale * max(1.0, abs(ratio))):
            return ""
        ratios.append(ratio)
    if simple := _simple(ratios):
        return f"right = {_before(simple)}left everywhere"
    for index in dict.fromkeys(each for side in pairs[0][0].sides for each in subscripts(side)):
        sizes = [case.instance.sizes.get((case.key, index), 0) for case, *_ in pairs if isinstance(index, Index)]
        if len(set(sizes)) > 1 and all(sizes):
            capital = str(index).upper()
            known = cases.table.is_capital(capital)
            said = f", with {capital} the number of values of {index}" if known else ""
            size = capital if known else f"(values of {index})"
            for power, form in POWERS.items():
                if simple := _simple([ratio / length**power for ratio, length in zip(ratios, sizes, strict=True)]):
                    return f"right = {_before(simple)}{form.format(size)} everywhere{said}"
    return ""


def _simple(numbers: Sequence[float]) -> Fraction | None:
    """Return a number that is the same in all instances as a fraction; None if it is not simple."""
    found = Fraction(numbers[0]).limit_denominator(PARTS)
    same = found and all(abs(number / found - 1) <= 1e-9 for number in numbers)
    return found if same and abs(found.numerator) <= PARTS else None


def _before(number: Fraction) -> str:
    """Return a number as it stands before a factor."""
    return ("−" if number < 0 else "") + ("" if abs(number) == 1 else f"{abs(number)} · ")


def _constant(pairs: Pairs) -> str:
    """Describe a simple number by which two sides differ."""
    apart = [float((right - left).mean()) for _, left, right, _ in pairs]
    found = _simple(apart)
    if found is None or any(
        not _equal(left + float(found), right, scale + abs(float(found))) for _, left, right, scale in pairs
    ):
        return ""
    return f"right = left {'−' if found < 0 else '+'} {abs(found)} everywhere"


def _square(pairs: Pairs) -> str:
    if all(_equal(left**2, right, scale * (1 + left.abs())) for _, left, right, scale in pairs):
        return "right = left^2 everywhere"
    if all(_equal(left, right**2, scale * (1 + right.abs())) for _, left, right, scale in pairs):
        return "left = right^2 everywhere"
    return ""


def _place(cases: Cases, pairs: Pairs) -> str:
    """Describe the components where two sides differ, if these are those where two indices agree, or do not."""
    case = pairs[0][0]
    ends = [(index, end) for index in case.free for end in _constants(cases)]
    for first, second in (*combinations(case.free, 2), *ends):
        agree = True, True
        for each, left, right, scale in pairs:
            if each.free != case.free:
                return ""
            apart = (left - right).abs() > TOLERANCE * scale
            met = _met(each, first, second, apart)
            if met is None or not met.any() or met.all():
                break
            agree = agree[0] and not (apart & ~met).any(), agree[1] and not (apart & met).any()
        else:
            if any(agree):
                return f"differs only where {first} {'=' if agree[0] else '≠'} {second}"
    return ""


def _constants(cases: Cases) -> list[Fixed | Coordinate]:
    """Return the constant indices of a chain and its definitions."""
    sides = [side for statement in cases.entries for side in statement.sides]
    return [
        end
        for end in dict.fromkeys(end for side in sides for end in subscripts(side))
        if isinstance(end, Fixed | Coordinate)
    ]


def _met(case: Case, first: Index, second: Index | Fixed | Coordinate, like: Array) -> Array | None:
    """Return where two indices agree; None if they have different sizes."""

    def along(index: Index) -> Array:
        place = case.free.index(index)
        return torch.arange(like.shape[place]).reshape([-1 if axis == place else 1 for axis in range(like.dim())])

    if isinstance(second, Index):
        sizes = {case.instance.sizes[case.key, index] for index in (first, second)}
        return (along(first) == along(second)).expand(like.shape) if len(sizes) == 1 else None
    value = second.value if isinstance(second, Coordinate) else case.instance.fixed[second.letter]
    return (along(first) == value).expand(like.shape)


def _slip(cases: Cases, case: Case, number: int) -> str:
    """Return the first change that makes the sides equal: on this instance, and then on others drawn for it."""
    statement = cases.statement
    sides = tuple(statement.sides[: number + 2])
    head, before, right = sides[0], sides[number], sides[-1]
    around = Surroundings(cases.kinds, () if statement.ranges else case.free, _constants(cases), head, before)
    sizes = case.instance.sizes
    for index in {index for side in case.sides for index in subscripts(side) if isinstance(index, Index)}:
        sizes[case.key, fresh(index)] = sizes[case.key, index]
    for name, axes in case.instance.places.items():
        sizes.update({(case.key, axis_index(name, axis)): size for axis, size in enumerate(axes)})
    changing = before if is_zero(right) else right
    partials = [part for part in changing.walk() if isinstance(part, Partial) and not isinstance(part.body, Tensor)]
    limit = min(TRIALS, WORK // (sum(1 for _ in changing.walk()) + DERIVATIVE * len(partials)))
    trials = [
        (words, [other, right], 0) if changing is before else (words, [*sides[:-1], other], number + 1)
        for words, other in islice(changes(changing, around), limit)
    ]
    if changing is right:
        trials += [(f"the right side is {other}", [other, right], 0) for other in operands(head, around)]
    found = 0
    for words, changed, place in trials:
        variant = replace(statement, sides=changed)
        if found < FOUND and _fits(case, variant, place, number if place else number + 1):
            if _holds(variant, cases, len(changed) - 2):
                return words
            found += 1
    return ""


def _fits(case: Case, variant: ChainStatement, place: int, other: int) -> bool:
    """Return whether a side of a changed statement has the value that another side has in an instance."""
    sizes, expected = case.instance.sizes, case.value(other)
    try:
        form = variant.written(case.lengths)
        if form.free != case.free or not all(_has_sizes(part, case) for part in form.wide[place].walk()):
            return False
        with torch.no_grad():
            found = case.evaluator.evaluate(form.sides[place], case.key)
        found = found.over(form.free, [sizes[case.key, index] for index in form.free])
    except (NotationError, UncheckableError):
        return False
    assert not isinstance(expected, UncheckableError)
    assert expected.scale is not None
    assert found.scale is not None
    level = torch.maximum(expected.scale, found.scale)
    return bool(((found.value - expected.value).abs() <= CERTAIN * level).all())


def _has_sizes(part: Expression, case: Case) -> bool:
    """Return whether the indices of a tensor have the sizes of its axes here, and those of a delta have one size."""
    own = [case.instance.sizes[case.key, index] if isinstance(index, Index) else None for index in part.own]
    equal = isinstance(part, Delta) and not any(True for _ in arithmetic_of(part))
    axes = own[:1] * len(own) if equal else own
    if isinstance(part, Tensor) and part.name in case.instance.places:
        axes = [*case.instance.places[part.name]]
    return all(size is None or size == axis for size, axis in zip(own, axes, strict=True))


def _holds(variant: ChainStatement, cases: Cases, number: int) -> bool:
    """Return whether two sides of a changed statement are equal on all instances that are drawn for it."""
    try:
        drawn = Cases(variant, Draws(cases.draws.seed, cases.draws.entries))
    except NotationError:
        return False
    for place in range(len(drawn.all)):
        found = compared(drawn, place, number)
        if isinstance(found, UncheckableError) or not found[0] <= TOLERANCE:
            return False
    return True
