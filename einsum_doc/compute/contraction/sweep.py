"""A Plan run forwards and backwards over tensors, in torch's own differentiable calls.

In a sweep the tensors of the tree are numbered as in the plan: the leaves as read, then each step's result.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from einsum_doc.compute.contraction.plan import Plan, Step
from einsum_doc.compute.contraction.primitives import contract

Values = list[Tensor | None]
"""The tensors of the tree by number; None for one that is not kept."""


def sweep_forward(plan: Plan, leaves: Sequence[Tensor], keep: Collection[int] = (), *, last: bool = True) -> Values:
    """The tensors of the tree that are to be kept, and the last one; others are let go once they are used.

    last: whether the last one is asked for; the gradients do not need it.
    """
    values: Values = list(leaves)
    for number, step in enumerate(plan.steps if last else plan.steps[:-1]):
        if plan.twins[step.result] != step.result:
            values.append(None)
            continue
        values.append(_forward(plan, step, values))
        for used in (plan.twins[step.left], plan.twins[step.right]):
            if used not in keep and plan.last_uses[used] == number:
                values[used] = None
    return [values[twin] for twin in plan.twins[: len(values)]]


def sweep_backward(plan: Plan, values: Values, upstream: Tensor, wanted: tuple[bool, ...]) -> list[Tensor | None]:
    """The gradient of each leaf that is wanted.

    values: of the forward sweep, those in `needed_values`.
    wanted: for each leaf, whether its gradient is.
    """
    reached = reaches(plan, wanted)
    gradients = {plan.last: upstream.contiguous() if plan.output.dense else upstream}
    for step in reversed(plan.steps):
        if not reached[step.result]:
            continue
        own = gradients.pop(step.result)
        square = step.symmetric and step.left == step.right
        for pair, target, other in step.transposed[: 1 if square else 2]:
            if reached[target]:
                part = contract(pair, own, _present(values, other).conj())
                _add(gradients, target, 2 * part if square else part)
    return [gradients.get(number) if wanted[number] else None for number in range(len(plan.leaves))]


def sweep_tangent(plan: Plan, values: Values, tangents: Sequence[Tensor | None], *, last: bool = True) -> Values:
    """The tangent of each tensor of the tree, None for zero, from those of the leaves.

    The twins of the plan are equal in value and tangent.
    values: of the forward sweep, all of them but the last.
    last: whether the last one's is asked for.
    """
    moved: Values = list(tangents)
    for step in plan.steps if last else plan.steps[:-1]:
        twin, left, right = plan.twins[step.result], moved[step.left], moved[step.right]
        if twin != step.result:
            moved.append(moved[twin])
            continue
        parts = []
        square = step.symmetric and plan.twins[step.left] == plan.twins[step.right]
        if left is not None:
            part = contract(step.forward, left, _present(values, step.right))
            parts.append(2 * part if square else part)
        if right is not None and not square:
            parts.append(contract(step.forward, _present(values, step.left), right))
        moved.append(sum(parts[1:], parts[0]) if parts else None)
    return moved


def sweep_backward_tangent(
    plan: Plan, values: Values, moved: Values, upstream: Tensor, wanted: tuple[bool, ...]
) -> list[Tensor | None]:
    """The tangent of each wanted leaf's gradient, None for zero, while the upstream gradient stays.

    values, moved: the tensors of the tree and their tangents, all of them but the last.
    """
    reached = reaches(plan, wanted)
    gradients, tangents = {plan.last: upstream}, dict[int, Tensor]()
    for step in reversed(plan.steps):
        if not reached[step.result]:
            continue
        own, change = gradients.pop(step.result), tangents.pop(step.result, None)
        for pair, target, other in step.transposed:
            if not reached[target]:
                continue
            value, motion = _present(values, other).conj(), moved[other]
            if target >= len(plan.leaves):
                _add(gradients, target, contract(pair, own, value))
            if change is not None:
                _add(tangents, target, contract(pair, change, value))
            if motion is not None:
                _add(tangents, target, contract(pair, own, motion.conj()))
    return [tangents.get(number) for number in range(len(plan.leaves))]


def _add(totals: dict[int, Tensor], number: int, part: Tensor) -> None:
    known = totals.get(number)
    totals[number] = part if known is None else known + part


@lru_cache(maxsize=1024)
def needed_values(plan: Plan, wanted: tuple[bool, ...]) -> frozenset[int]:
    """The tensors of the forward sweep that the reverse sweep reads."""
    reached = reaches(plan, wanted)
    siblings = {step.right for step in plan.steps if reached[step.left]}
    siblings |= {step.left for step in plan.steps if reached[step.right]}
    return frozenset(plan.twins[number] for number in siblings)


@lru_cache(maxsize=1024)
def saved_values(plan: Plan, wanted: tuple[bool, ...]) -> tuple[int, ...]:
    """The tensors that are kept between the passes: a gradient that is to be differentiated is made from the leaves."""
    sources = {number for number in remade_values(plan, wanted) if number < len(plan.leaves)}
    return tuple(sorted(needed_values(plan, wanted) | sources))


@lru_cache(maxsize=1024)
def reaches(plan: Plan, wanted: tuple[bool, ...]) -> Sequence[bool]:
    """For each tensor of the tree, whether a wanted leaf is in it."""
    reached = list(wanted)
    for step in plan.steps:
        reached.append(reached[step.left] or reached[step.right])
    return reached


@lru_cache(maxsize=1024)
def remade_values(plan: Plan, wanted: tuple[bool, ...]) -> frozenset[int]:
    """The tensors that a differentiable reverse sweep makes again, and the leaves it makes them from.

    Those are the needed ones that have a wanted leaf in them, and what they are made of. A tensor without a
    wanted leaf is constant, and next to one that has one it is needed, and so kept, already.
    """
    reached = reaches(plan, wanted)
    remade = {number for number in needed_values(plan, wanted) if reached[number]}
    for step in reversed(plan.steps):
        if step.result in remade:
            remade |= {number for number in (step.left, step.right) if reached[number]}
    return frozenset(remade)


def remake(plan: Plan, values: Values, wanted: tuple[bool, ...]) -> None:
    """Make again, from the leaves and so differentiably, what the reverse sweep reads."""
    remade = remade_values(plan, wanted)
    for step in plan.steps:
        if step.result in remade:
            values[step.result] = _forward(plan, step, values)


def as_dtype(gradient: Tensor, dtype: torch.dtype) -> Tensor:
    """A gradient in the dtype of its operand: the real part, for a real operand of a complex einsum."""
    if gradient.dtype == dtype:
        return gradient
    return (gradient if dtype.is_complex or not gradient.is_complex() else gradient.real).to(dtype)


def _forward(plan: Plan, step: Step, values: Values) -> Tensor:
    left, right = (_present(values, plan.twins[side]) for side in (step.left, step.right))
    return contract(step.forward, left, right)


def _present(values: Sequence[Tensor | None], number: int) -> Tensor:
    value = values[number]
    assert value is not None, f"tensor {number} of the tree was not kept"
    return value
