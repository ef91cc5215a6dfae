"""Two sides on one instance -> their largest difference, relative to the terms that they were summed from."""

from __future__ import annotations

import torch

from einsum_doc.compute.checking.cases import Case
from einsum_doc.compute.checking.evaluation.arrays import TOLERANCE
from einsum_doc.compute.checking.instances.undecided import UncheckableError, UnluckyError

CANCELLED = 1e-6
"""The least part of the terms that may be left when they cancel, unless nothing is: otherwise not checked."""

CERTAIN = 1e-6
"""A claim that two sides differ needs a difference of this, relative to the same magnitude."""


def difference(case: Case, first: int, second: int) -> tuple[float, tuple[int, ...]] | UncheckableError:
    """Return the largest difference of two sides, by their scale, and its component."""
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
