"""A tensor -> HTML: a small one as a matrix, a large one as statistics.

For PyTorch's tensors and NumPy's arrays; neither is imported here, since whoever has a value of
theirs has imported them. All of it is text that can be selected and copied.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

LARGEST = 8
"""The longest axis of a tensor that is written out; one with more than two axes never is."""
DECIMALS = 4
"""The most decimals that are written."""


def is_tensor(value: Any) -> bool:
    """Return whether a value is a tensor or an array of plain numbers, on the CPU or another device."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter):
        return value.layout == torch.strided and not (value.is_quantized or value.is_nested)
    return numpy is not None and type(value) is numpy.ndarray and value.dtype.kind in "biufc"


def tensor_html(value: Any) -> str:
    """Return a tensor as HTML.

    >>> import numpy
    >>> tensor_html(numpy.zeros((9, 9), bool)).partition("<figcaption>")[2]
    '<b>array</b> <span>shape (9, 9)</span> <span>bool</span> <span>0 of 81 true</span></figcaption></figure>'
    """
    is_small = len(value.shape) <= 2 and all(0 < length <= LARGEST for length in value.shape)
    facts = list(_facts(value))
    if getattr(value, "is_meta", False):
        return _figure("", [*facts, "without data"])
    if not is_small:
        return _figure("", [*facts, *_summary(value)])
    written = _written(_numbers(value).reshape(-1).tolist())
    if not value.shape:
        return _figure(f'<div class="entries">{written[0]}</div>', facts)
    width = value.shape[-1]
    cells = [written[start : start + width] for start in range(0, len(written), width)]
    return _figure(_table(cells), facts)


def _facts(value: Any) -> Iterator[str]:
    is_torch = hasattr(value, "requires_grad")
    yield "array" if not is_torch else "tensor" if type(value).__name__ == "Tensor" else "parameter"
    yield f"shape {tuple(value.shape)}"
    yield str(value.dtype).removeprefix("torch.")
    if is_torch:
        yield str(value.device)
        if value.requires_grad:
            yield "requires grad"


def _numbers(value: Any) -> Any:
    """Return the tensor in a type for which its library can do everything, apart from autograd."""
    if not hasattr(value, "requires_grad"):
        return value
    torch = sys.modules["torch"]
    value = value.detach().resolve_conj().resolve_neg()
    if value.is_complex():
        return value.to(torch.complex64) if value.dtype.itemsize < 8 else value
    if value.is_floating_point():
        return value.to(torch.float32) if value.dtype.itemsize < 4 else value
    if value.dtype in (torch.uint16, torch.uint32):
        return value.to(torch.int64)
    return value.to(torch.float64) if value.dtype == torch.uint64 else value


def _summary(value: Any) -> Iterator[str]:
    """Yield statistics of many numbers: their range and mean, and how many are infinite or NaN."""
    if 0 in value.shape:
        yield "empty"
        return
    values = _numbers(value)
    library: Any = sys.modules[type(values).__module__.partition(".")[0]]
    if values.dtype == library.bool:
        yield f"{int(values.sum()):,} of {math.prod(values.shape):,} true"
        return
    finite = library.isfinite(values)
    is_complex = "complex" in str(values.dtype)
    wide = library.complex128 if is_complex else library.float64
    missing = [("nan", int(library.isnan(values).sum()))]
    missing.append(("infinite", int((~finite).sum()) - missing[0][1]))
    if any(count for _, count in missing):
        values = values[finite]
    if math.prod(values.shape):
        sizes = abs(values) if is_complex else values
        name = "abs " if is_complex else ""
        yield f"{name}min {_short(sizes.min().item())}"
        yield f"mean {_short(values.mean(dtype=wide).item())}"
        yield f"{name}max {_short(sizes.max().item())}"
    yield from (f"{count:,} {name}" for name, count in missing if count)


def _short(number: complex) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:.4g}"


def _written(numbers: Sequence[Any]) -> list[str]:
    """Return numbers as text, so that they are aligned when they end in one column.

    >>> _written([1.0, 0.25]), _written([3e-9, 1.0e-5]), _written([1 + 2j])
    (['1.00', '0.25'], ['3.000e-09', '1.000e-05'], ['1+2j'])
    >>> _written([1.0, -1e-17])
    ['1.0000', '-0.0000']
    """
    if isinstance(numbers[0], complex):
        parts = _written([number.real for number in numbers] + [number.imag for number in numbers])
        pairs = zip(parts[: len(numbers)], parts[len(numbers) :], strict=True)
        return [f"{real}{'' if imaginary.startswith('-') else '+'}{imaginary}j" for real, imaginary in pairs]
    if not isinstance(numbers[0], float):
        return list(map(str, numbers))
    finite = [number for number in numbers if math.isfinite(number)]
    largest = max(map(abs, finite), default=0.0)
    if largest and not 1e-3 <= largest < 1e5:
        return [f"{number:.3e}" for number in numbers]
    decimals = max(map(_decimals, finite), default=0)
    return [f"{number or 0.0:.{decimals}f}" for number in numbers]


def _decimals(number: float) -> int:
    """Return the number of decimals of a number, DECIMALS at most; one that has more looks rounded."""
    text = f"{number:.{DECIMALS}f}"
    # Digits that float32 lacks were never meant.
    return len(text.rstrip("0").partition(".")[2]) if math.isclose(float(text), number, rel_tol=1e-6) else DECIMALS


def _table(cells: Sequence[Sequence[str]]) -> str:
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
    # A region that scrolls can be reached with the keyboard.
    widths = [max(map(len, column)) + 2 for column in zip(*cells, strict=True)]
    scrolls = ' tabindex="0"' if sum(widths) > 36 else ""
    return f'<div class="entries"{scrolls}><table class="matrix"><tbody>{rows}</tbody></table></div>'


def _figure(entries: str, facts: Sequence[str]) -> str:
    kind, *others = map(escape, facts)
    said = " ".join([f"<b>{kind}</b>", *(f"<span>{fact}</span>" for fact in others)])
    return f'<figure class="tensor">{entries}<figcaption>{said}</figcaption></figure>'
