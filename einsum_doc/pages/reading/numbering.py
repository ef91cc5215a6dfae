"""Fences numbered for superfences: a formatter is told which fence it is given, and of which page.

superfences hands a formatter the text of a fence, which may stand on a page twice, and on two pages. The
Markdown of a page therefore begins with a comment that names the page, which stays with the text wherever
another plugin renders it, as a blog does for its excerpts. Right before superfences reads the page, the
comment is taken out, and the header of each fence that the builder answers for is given the name of the page
and its number. A text without a name, such as a docstring or the output of a block, is no page: the build
makes one of it.

A display formula that is checked is no fence: its HTML is put aside right there, as superfences does with that of
its fences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

from einsum_doc.pages.reading.formulas import OPENING
from einsum_doc.pages.reading.scan import Fence, PageReading, with_underscores
from einsum_doc.pages.record.block import Block

NumberOthers = Callable[[Markdown, list[str]], list[str]]
FormulaHtml = Callable[[Any, Block, Markdown], str]

NUMBER = "einsum_doc"
"""The option of a fence's header that holds the name of its page and its number, the index of its opening line."""
EXTENSION = "einsum_doc_fences"

_NAME = re.compile(r"<!-- einsum-doc: (\S+) -->")
_INNER = "-"
"""The name of the text in a fence of Markdown, whose fences have the numbers that they have on the page."""


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


def numbered(lines: list[str], page: str, numbers: Mapping[int, int]) -> list[str]:
    """Return lines with the numbers of fences in their headers.

    >>> numbered(["Text.", '```python exec="on"', "1", "```", '~~~{.py exec="on"}'], "a b.md", {1: 1, 4: 4})
    ['Text.', '```python exec="on" einsum_doc="a%20b.md:1"', '1', '```', '~~~{.py exec="on" einsum_doc="a%20b.md:4"}']

    page: the name of their page. numbers: those of the fences that open on lines, by the indices of these.
    """
    found = list(lines)
    for index, number in numbers.items():
        line = found[index].rstrip()
        end = len(line) - line.endswith("}")
        found[index] = f'{line[:end]} {NUMBER}="{quote(page)}:{number}"{line[end:]}'
    return found


def page_and_number(option: str) -> tuple[str, int]:
    """Return the name of the page and the number in the header of a fence.

    >>> page_and_number("a%20b.md:4")
    ('a b.md', 4)
    """
    name, _, number = option.rpartition(":")
    return unquote(name), int(number)


class FenceNumbers(Extension):  # type: ignore[misc]  # Python-Markdown has no types
    """Numbers the fences of a page right before superfences reads it.

    pages: the pages that have been read, by any key, each with its `name`, its `lines` and its `reading`.
    number_others: returns the lines of a text that is no page with the numbers of their fences.
    formula_html: returns the HTML of a display formula that is checked.
    """

    def __init__(self, pages: Mapping[str, Any], number_others: NumberOthers, formula_html: FormulaHtml) -> None:
        super().__init__()
        self.pages, self.number_others, self.formula_html = pages, number_others, formula_html

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register the preprocessor."""
        md.preprocessors.register(_Numbers(md, self), EXTENSION, 25.5)


class _Numbers(Preprocessor):  # type: ignore[misc]
    def __init__(self, md: Markdown, given: FenceNumbers) -> None:
        super().__init__(md)
        self.given = given
        self.reads_only = False
        """True if the fences of a page are to be read, and get no number."""

    def run(self, lines: list[str]) -> list[str]:
        superfences = self.md.preprocessors["fenced_code_block"]
        if superfences.config.get("preserve_tabs"):
            lines = superfences.restore_raw_text(lines)  # the fences, which it has put aside
        lines = with_underscores(lines)
        if self.reads_only:
            return lines
        names = ((index, _NAME.fullmatch(line.strip())) for index, line in enumerate(lines))
        start, name = next(((index, unquote(name[1])) for index, name in names if name), (0, ""))
        if name:
            lines = [*lines[:start], *lines[start + 1 :]]
            if name == _INNER:
                return lines
        # Another plugin may render a page that has no name yet, or none any more. The output of a block is no page.
        is_output = hasattr(self.md, "_original_md")
        page = self._page("name", name) if name else None if is_output else self._page("lines", lines)
        if page is None:
            return self.given.number_others(self.md, lines)
        # Another plugin may have put lines before the name. A fence that one has changed gets no number.
        numbers = {start + number: number for number in _numbers_in(page.reading)}
        same = {index: number for index, number in numbers.items() if lines[index : index + 1] == [page.lines[number]]}
        return self._with_formulas(numbered(lines, page.name, same), page, start)

    def _with_formulas(self, lines: list[str], page: Any, start: int) -> list[str]:
        """Return the lines of a page with the HTML of its checked formulas, stashed as superfences does with its own.

        start: the number of lines that another plugin has put before the page.
        """
        stashed = list[tuple[int, int, str]]()
        for line, block in page.reading.formulas.items():
            first, count = start + line, block.code.count("\n") + 1
            if lines[first : first + count] == list(page.lines[line : line + count]):
                before = OPENING.split(lines[first])[0]
                html = self.given.formula_html(page, block, self.md)
                stashed.append((first, count, before + self.md.htmlStash.store(html)))
        for first, count, text in reversed(stashed):
            lines[first : first + count] = [text]
        return lines

    def _page(self, attribute: str, value: object) -> Any:
        """Return the page with this value of an attribute; None, if there is none."""
        return next((page for page in self.given.pages.values() if getattr(page, attribute) == value), None)


def _numbers_in(reading: PageReading, outer: Fence | None = None) -> list[int]:
    """Return the numbers of the fences that stand in the text of a page, or of a fence, and not in one within that."""
    first, end = (outer.line, outer.end) if outer else (-1, max(reading.numbered, default=0) + 1)
    others = [each for each in reading.numbered.values() if isinstance(each, Fence) and first < each.line < end]
    inside = [number for number in reading.numbered if first < number < end]
    return [number for number in inside if not any(other.line < number < other.end for other in others)]


def numbered_text(text: str, outer: Fence, page: Any) -> str:
    """Return the text of a fence that is Markdown itself, with the numbers of the fences in it."""
    numbers = {number - outer.line - 1: number for number in _numbers_in(page.reading, outer)}
    return named(_INNER, "\n".join(numbered(text.split("\n"), page.name, numbers)))
