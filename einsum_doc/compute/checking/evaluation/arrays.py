"""Arrays with an index for each axis, and with the scale of each number.

The *scale* of a number is the magnitude of the terms it was summed from: a small number that is left when large terms
cancel is compared relative to these terms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor as Array

from einsum_doc.compute.checking.instances import UncheckableError, UnluckyError, check_size
from einsum_doc.notation.expression import Expression, Index

TOLERANCE = 1e-12
"""Two numbers agree if they differ by less than this times the magnitude of the terms they were summed from.

Rounding stays orders below it, and whatever a false line adds or leaves out stays orders above: what is too
small for that is refused.
"""

SMALLEST_COMPONENT = 1e-10
"""A component of a power that is smaller than this beside the others would not be seen in their sum: not checked."""

LEAST = 1e-2
"""If all arguments of a function are smaller than this, the first terms of its series would agree: not checked."""


@dataclass(frozen=True)
class LabelledArray:
    """Numbers over indices: one axis of `value`, and of `scale`, for each of `labels`.

    scale: None if only derivatives are wanted.
    """

    labels: tuple[Index, ...]
    value: Array
    scale: Array | None

    def over(self, labels: Sequence[Index], sizes: Sequence[int]) -> LabelledArray:
        """Return the array with these axes, constant along those that it lacks."""
        if self.labels == tuple(labels):
            return self
        order = [self.labels.index(label) for label in labels if label in self.labels]
        shape = [size if label in self.labels else 1 for label, size in zip(labels, sizes, strict=True)]
        check_size(sizes)

        def wide(array: Array) -> Array:
            return array.permute(order).reshape(shape).expand(tuple(sizes))

        return LabelledArray(tuple(labels), wide(self.value), None if self.scale is None else wide(self.scale))


def aligned(arrays: Sequence[LabelledArray]) -> list[LabelledArray]:
    """Return arrays over the labels of all of them."""
    sizes = {label: size for each in arrays for label, size in zip(each.labels, each.value.shape, strict=True)}
    return [each.over(tuple(sizes), tuple(sizes.values())) for each in arrays]


def largest(array: Array) -> float:
    """Return the largest magnitude in an array; 0 if it is empty."""
    return float(torch.linalg.vector_norm(array.detach(), math.inf)) if array.numel() else 0.0


def checked(found: LabelledArray, expression: Expression) -> LabelledArray:
    """Return an array whose components are numbers that float64 can hold well.

    Raises: UncheckableError, if one is not.
    """
    value = found.value.detach()
    scale = value.abs() if found.scale is None else found.scale
    if not scale.numel() or 1e-60 <= float(scale.min()) <= float(scale.max()) <= 1e60:  # False of what is not a number.
        return found
    if value.isnan().any():
        raise UncheckableError(f"{expression} is not real here; '% positive x' says that an input is positive")
    if not bool((scale <= 1e60).all()):
        raise UnluckyError(f"{expression} is not finite, or too large for float64")
    if bool(((value.abs() < 1e-60) & (scale < 1e-60) & (scale > 0)).any()):
        raise UnluckyError(f"{expression} is too small for float64")
    return found


def check_reach(argument: LabelledArray, reach: float, expression: Expression) -> None:
    """Refuse arguments, all so small or so great, at which a function can be taken for a simpler one.

    Raises: UnluckyError.
    """
    if argument.scale is None or largest(argument.value) <= TOLERANCE * largest(argument.scale):
        return
    size = argument.value.detach().abs()
    if bool((size > 2 * reach).any()) or not bool(((size >= LEAST) & (size <= reach)).any()):
        raise UnluckyError(
            f"{expression} is where float64 cannot tell it from a simpler function: too near 0, or too far",
            factor=0.5 if bool((size > reach).any()) else 2.0,
        )


def check_components(found: LabelledArray, expression: Expression) -> LabelledArray:
    """Return an array whose components can all be seen in a sum of them.

    Raises: UnluckyError, if one is too small beside the others.
    """
    if found.scale is not None:
        size = found.value.detach().abs()
        size = size[(size > 0) & (size >= found.scale / 1000)]
        if size.numel() and float(size.min()) < SMALLEST_COMPONENT * float(size.max()):
            raise UnluckyError(f"the components of {expression} are of too different magnitudes for float64")
    return found


def number(value: float) -> LabelledArray:
    """Return an array without axes.

    Raises: UnluckyError, if the number is too large or too small for sums in float64.
    """
    if not math.isfinite(value) or (value and not 1e-60 < abs(value) < 1e60):
        raise UnluckyError(f"the number {value} is out of reach of float64 sums")
    array = torch.tensor(value, dtype=torch.float64)
    return LabelledArray((), array, array.abs())
