"""An exception -> the failures of a block: the line to edit, and the frames that led there."""

from __future__ import annotations

import itertools
import linecache
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import Failure
from einsum_doc.pages.worker.comparison import UNSET, describe
from einsum_doc.pages.worker.program import ASSERTED, location_in, numbered

_BUILDER = os.path.dirname(os.path.dirname(__file__)) + os.sep
"""The folder of the builder, whose own frames are left out."""
PAGES: set[str] = set()
"""The Markdown files that code has been compiled from, as tracebacks name them."""


def register_sources(sources: Mapping[str, Sequence[str]]) -> None:
    """Register the lines of a page's files, for the source lines of tracebacks and warnings."""
    for file, lines in sources.items():
        PAGES.add(file)
        linecache.cache[file] = (0, None, [line + "\n" for line in lines], file)


def name_of(error: BaseException) -> str:
    """Return the name of an error as its author writes it."""
    return type(error).__qualname__


def is_expected(error: BaseException, expected: str) -> bool:
    """Return whether an error is the one that the option `raises` describes.

    >>> is_expected(ValueError("sizes 3 and 4"), "ValueError: sizes"), is_expected(ValueError("3"), "Value")
    (True, False)

    The name is the error's or, as in `except`, that of one of its bases; its message begins with the pattern.
    """
    name, _, pattern = expected.partition(":")
    name = name.strip()
    names = set()
    for each in type(error).__mro__:
        names |= {each.__name__, each.__qualname__, f"{each.__module__}.{each.__qualname__}"}
    # `json.JSONDecodeError` is what everybody writes, though it is defined in json.decoder.
    module, _, attribute = name.rpartition(".")
    named = getattr(sys.modules.get(module), attribute, None) in type(error).__mro__
    return (named or name in names) and bool(re.match(pattern.lstrip(), message_of(error), re.S))


def failures_of(error: BaseException, block: Block, root: str, location: Location | None = None) -> Iterator[Failure]:
    """Yield the failures of a block that raised: of a group of errors, one for each error in it.

    location: of an error without a frame on a page; by default the block's first line.
    """
    frames = list(_author_frames(error.__traceback__, root))
    made = getattr(error, "einsum_doc_location", block.where)
    if isinstance(error, AssertionError):
        # The line of an assertion in a library says nothing about the page.
        while frames and not frames[-1][2] and frames[-1][0].file.startswith(("torch/", "numpy/", "einsum_doc/")):
            frames.pop()
    location = next((location for location, _, on_page in reversed(frames) if on_page), location or made)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            for failure in failures_of(each, block, root, location):
                yield replace(failure, details=(*failure.details, f"in {_headline(error)}"))
    else:
        yield _failure_of(error, block, location, frames)


def _failure_of(
    error: BaseException, block: Block, location: Location, frames: list[tuple[Location, str, bool]]
) -> Failure:
    details: list[str] = list(getattr(error, "einsum_doc_details", ()))
    if isinstance(error, SyntaxError) and error.filename == block.location.file:
        location = location_in(block, error.lineno or block.location.line + 1)
        message = error.msg
        text = error.text
        if text and block.locations and error.lineno:
            # Python has looked for its text in the block's own file.
            text = (numbered(block).split("\n")[error.lineno - 1 :] or [""])[0]
        if text:
            details.append(text.strip())
            details.append(" " * (len(text.rstrip()[: (error.offset or 1) - 1].lstrip())) + "^")
    else:
        message = message_of(error)
    first, *rest = message.split("\n") or [""]
    test = getattr(error, "einsum_doc_test", "")
    if test and first:
        rest.insert(0, test)
    notes = [line for note in getattr(error, "__notes__", ()) for line in str(note).split("\n")]
    while rest and not rest[0].strip():
        rest.pop(0)
    if isinstance(error, SystemExit):
        details.append("a block must not end the process: a build that stops early checks nothing")
    if error.__cause__ is not None:
        details.append(f"caused by {_headline(error.__cause__)}")
    elif error.__context__ is not None and not error.__suppress_context__:
        details.append(f"while handling {_headline(error.__context__)}")
    if "raises" in block.options:
        details.append(f"expected: {block.options['raises']}: this error, and a message that begins so")
    inner = next(
        (n for n, line in enumerate(block.code.split("\n")) if re.match(r"[> ]*(`{3,}|~{3,})\s*\w", line)), None
    )
    if isinstance(error, SyntaxError) and inner is not None:
        line = block.location_of(inner).line
        details.append(f"its fence takes in another one, which begins at line {line}: is its end missing?")
    details += _sides_of_an_assertion(error)
    return Failure(
        location,
        name_of(error),
        first or test,
        (*rest, *details, *notes),
        tuple(_trace(frames)),
    )


def _headline(error: BaseException) -> str:
    return f"{name_of(error)}: {message_of(error)}".split("\n")[0].removesuffix(": ")


def message_of(error: BaseException) -> str:
    """Return the message of an error, even if its `__str__` raises."""
    try:
        return str(error).strip()
    except Exception as reason:
        return f"(its message cannot be shown: {type(reason).__name__})"


def locations_of(error: BaseException) -> list[Location]:
    """Return the lines of pages that an error has come through, outermost first."""
    return [Location(frame.f_code.co_filename, line) for frame, line in _page_frames(error.__traceback__)]


def _author_frames(trace: TracebackType | None, root: str) -> Iterator[tuple[Location, str, bool]]:
    """Yield the frames from the page's code on: location, source line, and whether it is on a page."""
    inside = False
    for frame, line in _frames(trace):
        file = frame.f_code.co_filename
        on_page = file in PAGES
        inside = inside or on_page
        if not inside or file.startswith(_BUILDER):
            continue
        source = linecache.getline(file, line, frame.f_globals).strip()
        yield Location(_short(file, root), line), f"    {source}" if source else "", on_page


def _frames(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    """Yield the frames of a traceback, without the middle of a very deep one."""
    frames = list(traceback.walk_tb(trace))
    yield from frames if len(frames) <= 100 else [*frames[:50], *frames[-50:]]


def _page_frames(trace: TracebackType | None) -> list[tuple[FrameType, int]]:
    return [(frame, line) for frame, line in _frames(trace) if frame.f_code.co_filename in PAGES]


def _sides_of_an_assertion(error: BaseException) -> list[str]:
    """Return the values that an `assert` compared when something in it raised."""
    frames = _page_frames(error.__traceback__)
    if not frames or isinstance(error, AssertionError):
        return []
    frame, line = frames[-1]
    if line not in ASSERTED.get(frame.f_code.co_filename, ()):
        return []
    if "@2" in frame.f_locals:
        return []  # of several comparisons, it is not known which one raised
    sides = [frame.f_locals.get(name, UNSET) for name in ("@0", "@1")]
    sides = [side for side in sides if side is not UNSET]
    return [", ".join(map(describe, sides))] if sides else []


def _trace(frames: Sequence[tuple[Location, str, bool]]) -> Iterator[str]:
    """Yield the lines of the frames, of a run of equal ones as of one with a count."""
    for (location, source, _), run in itertools.groupby(frames):
        yield str(location)
        yield from [source] if source else []
        repeated = len(list(run)) - 1
        if repeated:
            yield f"    … and again, {repeated} times or more"


def _short(file: str, root: str) -> str:
    """Return a file's name relative to the project, to the packages or to Python, fit to be published."""
    if not os.path.isabs(file):
        return file
    for folder in sorted({root, *sysconfig.get_paths().values()}, key=len, reverse=True):
        if Path(file).is_relative_to(folder):
            return Path(file).relative_to(folder).as_posix()
    return Path(file).name
