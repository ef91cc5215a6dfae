"""The errors of numbers that cannot decide a claim."""

import math
from collections.abc import Sequence

LARGEST = 2_000_000
"""The most components that an array may have."""


class UncheckableError(Exception):
    """A claim whose numbers cannot decide it: not real, not finite, or too small to see."""


class UnluckyError(UncheckableError):
    """The same, but other random numbers may decide it."""


class LargeError(UncheckableError):
    """The same, but smaller sizes may decide it."""


def check_size(shape: Sequence[int]) -> None:
    """Refuse an array that is too large to make.

    Raises: LargeError.
    """
    if math.prod(shape) > LARGEST:
        raise LargeError(f"an array of {len(shape)} axes is too large")
