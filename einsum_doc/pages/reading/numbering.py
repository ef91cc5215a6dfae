"""Fences numbered for superfences: a formatter is told which fence it is given, and of which page.

superfences hands a formatter the text of a fence, which may stand on a page twice, and on two pages. The
Markdown of a page therefore begins with a comment that names it, which stays with the text wherever
another plugin renders it, as a blog does for its excerpts. Right before superfences reads the page, the
comment is taken out, and the header of each fence that the builder answers for is given its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

from einsum_doc.pages.reading.scan import Fence, PageReading, with_underscores

NUMBER = "einsum_doc"
"""The option of a fence's header that holds its number: the index of its opening line, from 0."""
EXTENSION = "einsum_doc_fences"

_NAME = re.compile(r"<!-- einsum-doc: (\S+) -->")


def named(name: str, markdown: str) -> str:
    r"""Return the Markdown of a page with its name.

    >>> named("docs/a--b.md", "# Title")
    '<!-- einsum-doc: docs/a%2D%2Db.md -->\n# Title'
    """
    return f"<!-- einsum-doc: {quote(name).replace('-', '%2D')} -->\n{markdown}"


def unnamed(markdown: str) -> str:
    """Return the Markdown of a page without its name."""
    lines = markdown.split("\n")
    return "\n".join(line for line in lines if not _NAME.fullmatch(line))


def numbered(lines: list[str], numbers: Iterable[int], shift: int = 0) -> list[str]:
    """Return the lines of a page with their numbers in the headers of fences.

    >>> numbered(["Text.", '```python exec="on"', "1", "```", '~~~{.python exec="on"}'], [1, 4])
    ['Text.', '```python exec="on" einsum_doc="1"', '1', '```', '~~~{.python exec="on" einsum_doc="4"}']

    shift: how many lines the page has before these.
    """
    found = list(lines)
    for number in numbers:
        line = found[number - shift].rstrip()
        end = len(line) - line.endswith("}")
        found[number - shift] = f'{line[:end]} {NUMBER}="{number}"{line[end:]}'
    return found


class FenceNumbers(Extension):  # type: ignore[misc]  # Python-Markdown has no types
    """Numbers the fences of a page right before superfences reads it.

    pages: the pages that have been read, by any key, each with its `name`, its `lines` and its `reading`.
    While it is rendered, the page is the attribute `einsum_doc_page` of the Markdown.
    """

    def __init__(self, pages: Mapping[str, Any]) -> None:
        super().__init__()
        self.pages = pages

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register the preprocessor."""
        md.preprocessors.register(_Numbers(md, self.pages), EXTENSION, 25.5)


class _Numbers(Preprocessor):  # type: ignore[misc]
    def __init__(self, md: Markdown, pages: Mapping[str, Any]) -> None:
        super().__init__(md)
        self.pages = pages

    def run(self, lines: list[str]) -> list[str]:
        superfences = self.md.preprocessors["fenced_code_block"]
        if superfences.config.get("preserve_tabs"):
            lines = superfences.restore_raw_text(lines)  # the fences, which it has put aside
        lines = with_underscores(lines)
        start, page = 0, None
        for index, line in enumerate(lines):
            name = _NAME.fullmatch(line.strip())
            if name:
                start, page = index, self._page("name", unquote(name[1]))
                lines = [*lines[:start], *lines[start + 1 :]]
                break
        else:
            # Another plugin may render a page that has no name yet, or none any more. The output of a block is no page.
            if not hasattr(self.md, "_original_md"):
                page = self._page("lines", lines)
        self.md.einsum_doc_page = page
        if page is None:
            return lines
        # Another plugin may have put lines before the name. A fence that one has changed gets no number.
        numbers = _numbers_in(page.reading)
        same = [number for number in numbers if lines[start + number : start + number + 1] == [page.lines[number]]]
        return lines[:start] + numbered(lines[start:], same)

    def _page(self, attribute: str, value: object) -> Any:
        """Return the page with this value of an attribute; None, if there is none."""
        return next((page for page in self.pages.values() if getattr(page, attribute) == value), None)


def _numbers_in(reading: PageReading, outer: Fence | None = None) -> list[int]:
    """Return the numbers of the fences that stand in the text of a page, or of a fence, and not in one within that."""
    first, end = (outer.line, outer.end) if outer else (-1, max(reading.numbered, default=0) + 1)
    others = [each for each in reading.numbered.values() if isinstance(each, Fence) and first < each.line < end]
    inside = [number for number in reading.numbered if first < number < end]
    return [number for number in inside if not any(other.line < number < other.end for other in others)]


def numbered_text(text: str, outer: Fence, reading: PageReading) -> str:
    """Return the text of a fence that is Markdown itself, with the numbers of the fences in it."""
    return "\n".join(numbered(text.split("\n"), _numbers_in(reading, outer), outer.line + 1))


def page_of(md: Markdown) -> Any:
    """Return the page that is being rendered; None for a text that stands on no page, such as a docstring."""
    # Within the output of a block, markdown-exec and the builder keep the Markdown of the page.
    return getattr(getattr(md, "_original_md", md), "einsum_doc_page", None)
