"""The sides of an assertion that did not hold, in words: their values, and where they differ."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from einsum_doc.pages.record.text import lookalikes

UNSET = "not evaluated"
"""The value of a side that was not evaluated."""

_LIMIT = 160
"""The number of characters in which a value is described."""


def compared(sides: Sequence[Any], *, differ: bool = True) -> Iterator[str]:
    """Yield the values of the sides of a comparison, in words, and their differences if `differ`.

    >>> list(compared(([1, 2], [1, 3])))
    ['left [1, 2], right [1, 3]']
    """
    given = [side for side in sides if side is not UNSET]
    if len(sides) == 1 and not isinstance(sides[0], bool):  # which would be False
        yield from (f"value {describe(side)}" for side in given)
    elif len(sides) == 2 and len(given) == 2:
        yield f"left {describe(given[0])}, right {describe(given[1])}"
        yield from _differences(*given) if differ else ()
    elif len(sides) > 1 and given:
        yield ", ".join(describe(side) if side is not UNSET else UNSET for side in sides)


def describe(value: Any) -> str:
    """Return a value as its `repr`, in one line; an array by its shape and dtype.

    >>> describe(0.03125), describe("two  blanks")
    ('0.03125', "'two  blanks'")
    """
    if _is_array(value):
        kind = "tensor" if type(value).__module__.startswith("torch") else "array"
        return f"{kind} {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    text = re.sub(r"\s*\n\s*", " ", repr(value))
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"


def _is_array(value: Any) -> bool:
    return bool(type(value).__module__.split(".")[0] in ("torch", "numpy") and getattr(value, "shape", ()))


def _differences(left: Any, right: Any) -> Iterator[str]:
    if _is_array(left) or _is_array(right):
        if all(_is_array(side) or isinstance(side, int | float | complex) for side in (left, right)):
            yield from _mismatch(*_alike(left, right))
        return
    texts = (left, right) if isinstance(left, str) and isinstance(right, str) else (repr(left), repr(right))
    if named := lookalikes(*texts):
        yield f"they look alike, and differ in {named}"
    if isinstance(left, set | frozenset) and isinstance(right, set | frozenset):
        yield f"only left {describe(left - right)}, only right {describe(right - left)}"
    elif isinstance(left, dict) and isinstance(right, dict):
        for name, one, other in (("left", left, right), ("right", right, left)):
            only = {key: value for key, value in one.items() if key not in other or not _equal(other[key], value)}
            if only:
                yield f"only {name} {describe(only)}"
    elif (
        isinstance(left, list | tuple | str | bytes)
        and type(left) is type(right)
        and max(len(repr(side)) for side in (left, right)) > _LIMIT  # a short one is shown as a whole
    ):
        yield from _first_difference(left, right)


def _first_difference(left: Any, right: Any) -> Iterator[str]:
    pairs = enumerate(zip(left, right, strict=False))
    first = next((index for index, (one, other) in pairs if not _equal(one, other)), None)
    if first is not None:
        # Of a text, the part that begins there: a single letter would say little.
        part = slice(first, first + 40)
        one, other = (side[part] if isinstance(side, str | bytes) else side[first] for side in (left, right))
        yield f"first differ at [{first}]: {describe(one)} and {describe(other)}"
    elif len(left) != len(right):
        yield f"left has {len(left):,} elements, right has {len(right):,}"


def _equal(left: Any, right: Any) -> bool:
    try:
        return bool(left == right)
    except Exception:  # of two arrays, say
        return left is right


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Return two values as arrays of NumPy if one of them is one, and the other a tensor."""
    modules = {type(side).__module__.split(".")[0] for side in (left, right)}
    if {"torch", "numpy"} <= modules:
        left, right = (side.detach().cpu().numpy() if hasattr(side, "detach") else side for side in (left, right))
    return left, right


def _mismatch(left: Any, right: Any) -> Iterator[str]:
    """Yield where two arrays differ, or an array and a number."""
    shape = tuple(left.shape if _is_array(left) else right.shape)
    if _is_array(left) and _is_array(right) and shape != tuple(right.shape):
        yield "the shapes differ"
        return
    unequal = (left != right).reshape(-1)
    positions = [position for position, differs in enumerate(unequal.tolist()) if differs]
    if not positions:
        return
    # As numbers of Python, whose differences neither overflow nor wrap around.
    ones, others = (
        side.reshape(-1)[unequal].tolist() if _is_array(side) else [side] * len(positions) for side in (left, right)
    )

    def at(which: int) -> str:
        index, rest = [], positions[which]
        for length in reversed(shape):
            rest, remainder = divmod(rest, length)
            index.append(str(remainder))
        return f"[{', '.join(reversed(index))}] {ones[which]!r} and {others[which]!r}"

    yield f"{len(positions)} of {unequal.shape[0]} elements differ"
    yield f"first at {at(0)}"
    with contextlib.suppress(TypeError):  # the elements are no numbers
        by = [abs(one - other) for one, other in zip(ones, others, strict=True)]
        largest = max(range(len(by)), key=lambda which: (by[which] != by[which], by[which]))  # NaN before all
        yield f"largest at {at(largest)}, by {by[largest]:.3g}"
