"""Markdown -> its fences, each with its line: found by superfences itself.

Two readers of Markdown would disagree on some page, so there is only one: the class that
pymdownx.superfences renders with is run over the lines, and its decisions are written down
instead of acted on. What it would silently abandon (a header it cannot read, a fence that
is never closed) is written down too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.attr_list import get_attrs
from markdown.preprocessors import Preprocessor
from pymdownx.superfences import RE_OPTIONS, SuperFencesBlockPreprocessor, SuperFencesCodeExtension

from einsum_doc.pages import fence
from einsum_doc.pages.block import Block, Expected, Failure, Place


@dataclass(frozen=True)
class Fence:
    """A fence as superfences reads it."""

    line: int
    """The index of its opening line, from 0."""
    end: int
    """The index of the line after its closing one; of the line after its opening, if it has none."""
    header: fence.Header
    code: str
    """Dedented, tabs expanded: what a formatter is given."""
    closed: bool = True
    commented: bool = False
    """Inside an HTML comment: text, though superfences would run it."""


def scan(lines: Sequence[str], *, tab_length: int = 4) -> list[Fence]:
    """The fences of a page, from the lines that superfences would be given.

    >>> [found] = scan(["Text.", "", "```python exec='on'", "x = 1", "```"])
    >>> found.line, found.header.options, found.code
    (2, {'exec': 'on'}, 'x = 1')

    An opening that superfences gives up is returned with `closed` false, where it says that
    it wants to be executed or is written as an option list; else it is text and left out.
    """
    reader = _Reader(Markdown(tab_length=tab_length))
    return reader.read(lines)


def normalize(text: str, *, tab_length: int = 4) -> list[str]:
    r"""The lines of a page's text as Python-Markdown hands them on: one for each of the text's.

    >>> normalize("a\n\tb\n   \n")
    ['a', '    b', '', '']
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(tab_length)
    return [line if line.strip(" ") else "" for line in text.split("\n")]


@dataclass(frozen=True)
class Fault:
    """A fence that is wrong before anything is run."""

    header: fence.Header
    failure: Failure
    after: int
    """How many of the page's blocks stand before it."""


@dataclass(frozen=True)
class Comment:
    """A fence in an HTML comment, which is text, though superfences would have it formatted."""

    fence: Fence
    after: int
    """How many of the page's blocks stand before it."""


@dataclass(frozen=True)
class Languages:
    """Which fences a site executes."""

    runnable: Collection[str]
    """The languages that markdown-exec is configured for."""
    always: Collection[str] = ()
    """Those that run without `exec="on"`: markdown-exec's MARKDOWN_EXEC_AUTO."""
    foreign: Collection[str] = ()
    """Those that another plugin or extension has a fence for; their options are its business."""


@dataclass(frozen=True)
class Reading:
    """What a page holds that this builder is answerable for."""

    blocks: Sequence[Block] = ()
    faults: Sequence[Fault] = ()
    comments: Sequence[Comment] = ()


def read(lines: Sequence[str], places: Sequence[Place], languages: Languages) -> Reading:
    """The blocks of a page, and the fences that are wrong.

    `lines` are what superfences will be given, and `places` where each of them comes from.
    """
    blocks: list[Block] = []
    faults: list[Fault] = []
    comments: list[Comment] = []

    def fault(found: Fence, message: str, *details: str) -> None:
        failure = Failure(places[found.line], "FenceError", message, details)
        faults.append(Fault(found.header, failure, len(blocks)))

    for found in _with_nested(scan(lines), languages):
        language, options = found.header.language, found.header.options
        if found.commented:
            comments.append(Comment(found, len(blocks)))
            continue
        if language in set(languages.foreign) - set(languages.runnable):
            continue
        try:
            runs = fence.executes(found.header, languages.runnable, languages.always)
        except fence.FenceError as error:
            fault(found, error.message, *filter(None, [error.hint]))
            continue
        if not found.closed:
            if runs or language == fence.EXPECTED:
                fault(found, "the block is never closed", f"its opening: {lines[found.line].strip()}")
        elif language == fence.EXPECTED:
            if not blocks or blocks[-1].expected is not None:
                fault(found, "there is no block before it whose output it could be")
            else:
                tolerance = float(options.get("tolerance", Expected.tolerance))
                blocks[-1] = replace(blocks[-1], expected=Expected(places[found.line], found.code, tolerance))
        elif runs and language not in fence.SHOWN_ONLY:
            blocks.append(Block(places[found.line], len(blocks) + 1, language, found.code, dict(options)))
    return Reading(blocks, faults, comments)


def _with_nested(fences: Iterable[Fence], languages: Languages) -> Iterator[Fence]:
    """The fences and, where one is Markdown that is executed, those inside it."""
    for found in fences:
        yield found
        options = found.header.options
        if found.header.language in ("md", "markdown") and fence.is_on(options.get("exec")) and not found.commented:
            for each in scan(with_underscores(found.code.split("\n"))):
                shift = found.line + 1
                yield from _with_nested([replace(each, line=each.line + shift, end=each.end + shift)], languages)


class _Reader(SuperFencesBlockPreprocessor):  # type: ignore[misc]  # pymdownx has no types
    """superfences' reader of fences, which notes them down and formats nothing."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self.config = SuperFencesCodeExtension().getConfigs()
        self.header: fence.Header | None = None
        self.found: list[Fence] = []
        self.at = 0
        self.opened = 0
        self.in_comment = False

    def read(self, lines: Sequence[str]) -> list[Fence]:
        self.clear()
        self.search_nested(self._numbered(lines))
        if self.fence is not None:
            self._abandon(len(lines))
        return sorted(self.found, key=lambda each: each.line)

    def _numbered(self, lines: Sequence[str]) -> Iterator[str]:
        commented = False
        for self.at, line in enumerate(lines):
            if self.fence is None:
                # Only a comment that begins a line is a block of its own in Python-Markdown.
                if not commented and re.match(r" {0,3}<!--", line):
                    commented = True
                if commented and "-->" in line:
                    self.in_comment = commented = False
                    yield line
                    continue
                self.in_comment = commented
            yield line

    def _open(self, header: fence.Header) -> bool:
        self.header, self.opened, self.lang = header, self.at, header.language
        return True

    def parse_options(self, m: re.Match[str]) -> bool:
        values = {}
        repeated = ""
        for option in RE_OPTIONS.finditer(m.group("options") or ""):
            key, value = option.group("key"), option.group("value")
            repeated = repeated or (key if key in values else "")
            values[key] = key if value is None else value
        return self._open(fence.Header(m.group("lang") or "", values, repeated=repeated))

    def handle_attrs(self, m: re.Match[str]) -> bool:
        classes, values = [], {}
        for key, value in get_attrs(m.group("attrs")):
            if key == ".":
                classes.append(value)
            elif key != "id":
                values[key] = value
        return self._open(fence.Header(m.group("lang") or (classes or [""])[0], values, braced=True))

    def handle_unrecognized(self, m: re.Match[str]) -> bool:
        # superfences publishes such a fence as raw text. Where it was meant as one, it is read
        # on to its end, so that the fences after it are still found and judged.
        header = fence.Header(m.group("lang") or "", {}, unread=m.group("unrecognized"))
        return header.is_option_list and self._open(header)

    def process_nested_block(self, ws: str, content: str, start: int, end: int) -> None:
        assert self.header is not None
        code = self.rebuild_block(self.code)
        self.found.append(Fence(start, end, self.header, code, commented=self.in_comment))
        self.header = None
        self.clear()

    def clear(self) -> None:
        if getattr(self, "header", None) is not None:
            self._abandon(self.at)
        super().clear()

    def _abandon(self, at: int) -> None:
        assert self.header is not None
        self.found.append(Fence(self.opened, self.opened + 1, self.header, "", closed=False, commented=self.in_comment))
        self.header = None

    def reassemble(self, lines: Iterable[str]) -> Any:
        return lines


class HyphenatedOptions(Extension):  # type: ignore[misc]  # Python-Markdown has no types
    """Lets a fence say `skip-if="no-gpu"`: superfences knows no hyphens in the names of options."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register a preprocessor that runs right before superfences."""
        md.preprocessors.register(_Underscores(md), "einsum_doc_options", 25.5)


class _Underscores(Preprocessor):  # type: ignore[misc]
    def run(self, lines: list[str]) -> list[str]:
        return with_underscores(lines)


def with_underscores(lines: list[str]) -> list[str]:
    """The lines with `skip-if` written as superfences can read it, in the headers of fences alone.

    >>> with_underscores(["```python skip-if='no-gpu'", "```", "~~~~", "``` python skip-if='no-gpu'", "~~~~"])
    ["```python skip_if='no-gpu'", '```', '~~~~', "``` python skip-if='no-gpu'", '~~~~']
    """
    if not any("skip-if=" in line for line in lines):
        return lines
    changed = list(lines)
    for found in scan(lines):
        changed[found.line] = re.sub(r"(?<=[ \t])skip-if=", "skip_if=", changed[found.line])
    return changed
