"""The sides of an assertion that did not hold, in words: their values, and where they differ."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

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
    """Return a value in one line; an array by its shape and dtype.

    >>> describe(0.03125), describe("text")
    ('0.03125', "'text'")
    """
    if _is_array(value):
        kind = "tensor" if type(value).__module__.startswith("torch") else "array"
        return f"{kind} {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    text = " ".join(repr(value).split())
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"


def _is_array(value: Any) -> bool:
    return bool(type(value).__module__.split(".")[0] in ("torch", "numpy") and getattr(value, "shape", ()))


def _differences(left: Any, right: Any) -> Iterator[str]:
    if _is_array(left) or _is_array(right):
        if all(_is_array(side) or isinstance(side, int | float | complex) for side in (left, right)):
            yield from _mismatch(*_alike(left, right))
    elif isinstance(left, set | frozenset) and isinstance(right, set | frozenset):
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
    count = int(unequal.sum())
    if not count:
        return

    def at(position: int) -> str:
        index, rest = [], position
        for length in reversed(shape):
            rest, remainder = divmod(rest, length)
            index.append(remainder)
        one, other = (_element(side, position) for side in (left, right))
        return f"[{', '.join(map(str, reversed(index)))}] {one!r} and {other!r}"

    yield f"{count} of {unequal.shape[0]} elements differ"
    yield f"first at {at(int((unequal * 1).argmax()))}"
    wide = [_wide(side) for side in (left, right)]
    if all(each is not None for each in wide):
        largest = int(abs(wide[0] - wide[1]).reshape(-1).argmax())
        by = abs(_element(left, largest) - _element(right, largest))
        yield f"largest at {at(largest)}, by {by:.3g}"


def _element(side: Any, position: int) -> Any:
    if not _is_array(side):
        return side
    element = side.reshape(-1)[position]
    return element.item() if hasattr(element, "item") else element


def _wide(side: Any) -> Any:
    """Return an array in a dtype in which differences neither overflow nor wrap around; None for no numbers."""
    if not _is_array(side):
        return side
    if "torch" in sys.modules and isinstance(side, sys.modules["torch"].Tensor):
        return side.cdouble() if side.is_complex() else side.double()
    kind = getattr(side.dtype, "kind", "O")
    return side.astype(complex if kind == "c" else float) if kind in "biufc" else None
