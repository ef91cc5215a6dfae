"""A page's results on several devices -> one result for each block, held against each other.

The page has been run on each device from its beginning. What a block gave on the others is kept
with its result, and is a failure if it is not the same within the block's tolerance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from einsum_doc.pages.reading.fence import devices_of
from einsum_doc.pages.record.block import Block, Expected, Failure, Result
from einsum_doc.pages.verdict.expected import differs


def others(
    blocks: Sequence[Block], results: Sequence[Result], present: Sequence[Sequence[str]]
) -> Mapping[str, Sequence[Block]]:
    """The devices, apart from its own, that a page is to be run on again, and its blocks up to the last for each."""
    found: dict[str, Sequence[Block]] = {}
    for number, (block, result, there) in enumerate(zip(blocks, results, present, strict=True), 1):
        for device in there if len(devices_of(block.options)) > 1 else ():
            if device != result.on:
                found[device] = blocks[:number]
    return found


def combined(
    blocks: Sequence[Block], results: Sequence[Result], elsewhere: Mapping[str, Sequence[Result]]
) -> list[Result]:
    """The results, with those on other devices; a block that failed on one of these, or differs there, has failed."""
    found: list[Result] = []
    for position, (block, result) in enumerate(zip(blocks, results, strict=True)):
        failures: list[Failure] = []
        runs = []
        for device, ran in elsewhere.items():
            if position >= len(ran):
                continue
            other = ran[position]
            failures += (replace(each, details=(*each.details, f"on {device}")) for each in other.failures)
            if len(devices_of(block.options)) > 1 and device in devices_of(block.options):
                runs.append(replace(other, numbers=()))
                if not other.failures:
                    failures += _differences(block, result, other)
        result = replace(result, others=tuple(runs), numbers=())
        if failures:
            result = replace(result, status="failed", failure=failures[0], also=tuple(failures[1:]))
        found.append(result)
    return found


def on_devices(block: Block, result: Result) -> list[tuple[str, Result]]:
    """Of a block that names several devices, the result on each, in the order of its option; else nothing."""
    names = devices_of(block.options)
    if len(names) < 2:
        return []
    runs = {each.on: each for each in (result, *result.others)}
    return [(name, replace(runs[name], others=())) for name in names if name in runs]


def _differences(block: Block, one: Result, other: Result) -> list[Failure]:
    """A failure, if a block gave something else on another device."""
    tolerance = float(block.options.get("tolerance", Expected.tolerance))
    if one.numbers or other.numbers:
        wrong = _unequal(one.numbers, other.numbers, tolerance)
        texts = one.output, other.output
    else:
        wrong, texts = [], (one.written, other.written)
    # What a tensor says of its device is no difference, nor is the last digit of a number that has been rounded.
    wanted, given = (re.sub(r", device='[^']*'", "", text) for text in texts)
    unlike = differs(given, Expected(block.place, wanted, tolerance), rounded=True)
    details = [*(unlike.details if unlike else ()), *wrong]
    if not details:
        return []
    message = f"on {other.on} the result is not what it is on {one.on}"
    return [Failure(block.place, "DeviceError", message, tuple(details))]


def _unequal(one: Sequence[float], other: Sequence[float], tolerance: float) -> list[str]:
    """In words, where the numbers of a value differ by more than the tolerance, relative to the largest of them.

    >>> _unequal([1.0, 100.0], [1.0001, 100.0], 1e-5), _unequal([1.0, 2.0], [1.5, 2.0], 1e-5)
    ([], ['1 of 2 numbers differ, the most by 0.5: 1 and 1.5'])
    """
    if len(one) != len(other):
        return ["the values have different shapes"]
    sizes = [abs(number) for number in (*one, *other) if math.isfinite(number)]
    allowed = tolerance * max(sizes, default=0.0)
    # Two numbers are equal, or both are none, or their difference is small; it is none if one of them is.
    unequal = [
        (abs(a - b), a, b)
        for a, b in zip(one, other, strict=True)
        if not (a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= allowed)
    ]
    if not unequal:
        return []
    by, a, b = max(unequal, key=lambda each: math.inf if math.isnan(each[0]) else each[0])
    return [f"{len(unequal):,} of {len(one):,} numbers differ, the most by {by:.3g}: {a:.9g} and {b:.9g}"]
