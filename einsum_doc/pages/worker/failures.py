"""An exception -> the failures of a block: the line to edit, and the frames that led there."""

from __future__ import annotations

import importlib
import io
import itertools
import linecache
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import NamedTuple

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import Failure
from einsum_doc.pages.record.text import in_line
from einsum_doc.pages.worker.comparison import UNSET, describe
from einsum_doc.pages.worker.program import ASSERTED, location_in, numbered

_BUILDER = os.path.dirname(os.path.dirname(__file__)) + os.sep
"""The folder of the builder, whose own frames are left out."""
_IMPORTLIB = os.path.dirname(importlib.__file__) + os.sep
_INSTALLED = re.compile(rf"{re.escape(sysconfig.get_paths()['stdlib'])}[\\/]|.*[\\/](site|dist)-packages[\\/]|<")
"""The files that are not the project's."""
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
    if isinstance(error, AssertionError) and message_of(error):
        # The lines of an installed library that asserts something say no more than its message.
        while frames and not frames[-1].is_own:
            frames.pop()
    location = next((frame.location for frame in reversed(frames) if frame.on_page), location or made)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            for failure in failures_of(each, block, root, location):
                yield replace(failure, details=(*failure.details, f"in {_headline(error)}"))
    else:
        yield _failure_of(error, block, location, root, frames)


def _failure_of(error: BaseException, block: Block, location: Location, root: str, frames: list[_Frame]) -> Failure:
    details: list[str] = list(getattr(error, "einsum_doc_details", ()))
    own = next((frame for frame in reversed(frames) if frame.is_own), None)
    origin = own.location if own and not own.on_page else None
    hints = [*_hints(error, block)]
    message = message_of(error) + ("" if hints else _suggestion(error))
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        message = error.msg
        if error.filename == block.location.file:
            location = location_in(block, error.lineno)
        else:
            written = Location(_short(error.filename, root), error.lineno)
            origin = None if _INSTALLED.match(error.filename) else written
            details.append(str(written))
        details += _marked(error, block)
    first, *rest = message.split("\n") or [""]
    test = getattr(error, "einsum_doc_test", "")
    if test and first:
        rest.insert(0, test)
    notes = [line for note in getattr(error, "__notes__", ()) for line in str(note).split("\n")]
    while rest and not rest[0].strip():
        rest.pop(0)
    if error.__cause__ is not None:
        details.append(f"caused by {_headline(error.__cause__)}")
    elif error.__context__ is not None and not error.__suppress_context__:
        details.append(f"while handling {_headline(error.__context__)}")
    if "raises" in block.options:
        details.append(f"expected: {block.options['raises']}: this error, and a message that begins so")
    details += [*hints, *_sides_of_an_assertion(error)]
    trace = tuple(_trace(frames))
    return Failure(location, name_of(error), first or test, (*rest, *details, *notes), trace, origin)


def _marked(error: SyntaxError, block: Block) -> Iterator[str]:
    """Yield the line of a syntax error, and a caret under the position."""
    text = error.text
    if error.lineno and error.filename == block.location.file:
        # Python has looked for its text in that file, where the block may come from elsewhere.
        text = (numbered(block).split("\n")[error.lineno - 1 :] or [""])[0]
    if text:
        yield text.strip()
        yield re.sub(r"[^\t]", " ", text.rstrip()[: (error.offset or 1) - 1].lstrip()) + "^"


def _suggestion(error: BaseException) -> str:
    """Return the end of Python's own message on a name that does not exist: the one that may be meant."""
    if not isinstance(error, NameError | AttributeError | ImportError):
        return ""
    shown = io.StringIO()
    with redirect_stderr(shown):
        sys.__excepthook__(type(error), error, None)  # which alone knows it before Python 3.12
    found = re.search(r"\. Did you [^@]+\?$", shown.getvalue().rstrip())
    return found[0] if found else ""


def _hints(error: BaseException, block: Block) -> Iterator[str]:
    """Yield what to do about errors of which Python does not know that they are a page's."""
    if isinstance(error, SystemExit):
        yield "a block must not end the process: a build that stops early checks nothing"
    if isinstance(error, NameError) and error.name == "__file__":
        yield "a block is in no file: relative paths begin in the folder of mkdocs.yml"
    if isinstance(error, SyntaxError):
        if re.match(r"'(await|async \w+)' outside|asynchronous comprehension outside", str(error.msg)):
            yield "write it in a function, `async def main():`, and call `asyncio.run(main())`"
        lines = enumerate(block.code.split("\n"))
        inner = next((index for index, line in lines if re.match(r"[> ]*(`{3,}|~{3,})\s*\w", line)), None)
        if inner is not None:
            opened, line = block.location.line, block.location_of(inner).line
            yield f"its fence, opened at line {opened}, takes in the one at line {line}: is its end missing?"


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


class _Frame(NamedTuple):
    """A frame of a traceback, from the page's code on."""

    location: Location
    source: str
    on_page: bool
    is_own: bool
    """True on a page or in the project's source; false in what is installed."""


def _author_frames(trace: TracebackType | None, root: str) -> Iterator[_Frame]:
    """Yield the frames from the page's code on, without those of the builder and of Python's imports."""
    inside = False
    for frame, line in _frames(trace):
        file = frame.f_code.co_filename
        on_page = file in PAGES
        inside = inside or on_page
        if not inside or file.startswith((_BUILDER, "<frozen ", _IMPORTLIB)):
            continue
        source = linecache.getline(file, line, frame.f_globals).strip()
        location = Location(_short(file, root), line)
        yield _Frame(location, f"    {source}" if source else "", on_page, not _INSTALLED.match(file))


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


def _trace(frames: Sequence[_Frame]) -> Iterator[str]:
    """Yield the lines of the frames, of a run of equal ones as of one with a count."""
    for frame, run in itertools.groupby(frames):
        yield str(frame.location)
        yield from [frame.source] if frame.source else []
        repeated = len(list(run)) - 1
        if repeated:
            yield f"    … and again, {repeated} times or more"


def _short(file: str, root: str) -> str:
    """Return a file's name relative to the project, to the packages or to Python, fit to be published."""
    if not os.path.isabs(file):
        return file
    for folder in sorted({root, *sysconfig.get_paths().values()}, key=len, reverse=True):
        if Path(file).is_relative_to(folder):
            return in_line(Path(file).relative_to(folder).as_posix())
    return in_line(Path(file).name)
