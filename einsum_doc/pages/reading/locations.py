"""The location of each line of a page, after plugins and snippets have changed it.

The text that superfences reads is not the text of the file: front matter is gone, other plugins
have rewritten lines, snippets have been inserted. A failure is reported at the line that an
author can edit, so each line carries its location.
"""

from __future__ import annotations

import difflib
import os
import traceback
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from markdown import Markdown

from einsum_doc.pages.reading.scan import normalize
from einsum_doc.pages.record.block import Location
from einsum_doc.pages.record.text import in_line


class Line(str):
    """A line with its location, which it keeps when it is indented.

    >>> ("    " + Line("Text.", Location("docs/a.md", 3))).location
    Location(file='docs/a.md', line=3)
    """

    __slots__ = ("location",)
    location: Location

    def __new__(cls, text: str, location: Location) -> Line:
        self = super().__new__(cls, text)
        self.location = location
        return self

    def __radd__(self, before: str) -> Line:
        return Line(before + str(self), self.location)

    def replace(self, *args: Any) -> Line:
        """Return the line with a text replaced."""
        return Line(super().replace(*args), self.location)


def located(name: str, text: str, markdown: str) -> list[Line]:
    """Return the lines of a page as plugins have changed it, with their locations in the file `name` of this text."""
    written = markdown.split("\n")
    indices = _aligned(text.split("\n"), written)
    return [Line(line, Location(name, index + 1)) for line, index in zip(written, indices, strict=True)]


def read(lines: list[Line], md: Markdown) -> tuple[Sequence[str], Sequence[Location]]:
    """Return the lines that superfences will be given for those of a page, and the location of each.

    md: the Markdown that will render it.
    """
    superfences = md.preprocessors["fenced_code_block"]
    for preprocessor in takewhile(lambda each: each is not superfences, md.preprocessors):
        lines = _located(lines, preprocessor.run(list(lines)))
    return lines, [line.location for line in lines]


def _aligned(source: Sequence[str], final: Sequence[str]) -> list[int]:
    """Return for each line the index of the source line that it was made from, or at which it was inserted.

    >>> _aligned(["---", "title: T", "---", "One.", "Two."], ["One.", "New.", "Two."])
    [3, 4, 4]
    """
    shift = len(source) - len(final)
    if shift >= 0 and list(final) == list(source[shift:]):
        return [shift + index for index in range(len(final))]
    found: list[int] = []
    matcher = difflib.SequenceMatcher(None, source, final, autojunk=False)
    for kind, from_, _, first, last in matcher.get_opcodes():
        here = min(from_, len(source) - 1)
        found += range(from_, from_ + last - first) if kind == "equal" else [here] * (last - first)
    return found


def trace(md: Markdown, root: Path) -> None:
    """Make the lines of snippets carry their locations; their files are named relative to `root`."""
    if "snippet" not in md.preprocessors:
        return
    snippets = md.preprocessors["snippet"]
    lines_of, dedent = snippets.read_lines, snippets.dedent

    def read_lines(path: str) -> list[Line]:
        name = os.path.relpath(path, root) if Path(path).is_relative_to(root) else os.path.basename(path)
        file = in_line(Path(name).as_posix())
        return [Line(line, Location(file, index + 1)) for index, line in enumerate(lines_of(path))]

    def dedent_lines(lines: list[Line]) -> list[Line]:
        return [Line(line, old.location) for line, old in zip(dedent(lines), lines, strict=False)]

    snippets.read_lines, snippets.dedent = read_lines, dedent_lines


def _located(before: Sequence[Line], after: Sequence[str]) -> list[Line]:
    """Return the lines that a preprocessor has made, each with its location."""
    if any(isinstance(line, Line) for line in after):
        location = before[0].location
        found = []
        for index, line in enumerate(after):
            if isinstance(line, Line):
                location = line.location
            elif len(after) == len(before):  # a line that has been changed where it stands
                location = before[index].location
            found.append(line if isinstance(line, Line) else Line(line, location))
        return found
    plain = normalize("\n".join(before))  # of more lines, if there are carriage returns in them
    same = list(after[: len(plain)]) == plain
    indices = [min(index, len(before) - 1) for index in (range(len(after)) if same else _aligned(plain, after))]
    return [
        before[index] if line == before[index] else Line(line, before[index].location)
        for index, line in zip(indices, after, strict=True)
    ]


def reached(error: BaseException) -> Location | None:
    """Return the location of the line that snippets were reading when they raised an error."""
    lines = [frame.f_locals.get("line") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return next((line.location for line in reversed(lines) if isinstance(line, Line)), None)
