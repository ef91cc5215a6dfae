"""Texts that rendering meets and that are no pages, docstrings and the output of blocks -> pages of their own.

Pages run before they are rendered; these start when they are met. The blocks of a docstring share a process, and
each block that a block prints has its own, or that of its session.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from markdown import Markdown

from einsum_doc.pages.build.page import Page, page_named
from einsum_doc.pages.build.reader import PageReader
from einsum_doc.pages.reading import fence, scan
from einsum_doc.pages.reading.docstrings import Docstring, docstrings
from einsum_doc.pages.reading.numbering import numbered
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.files import write
from einsum_doc.pages.verdict.report import Kind

LEFT = ""
"""The name of the page whose blocks are left to markdown-exec."""


class FoundPages:
    """The pages that rendering has found.

    pages: all pages of the build, by any key; those that are found are added by their names.
    run: starts to run pages. name_of: returns the name of a file in messages. leaves: true if their blocks are left to
    markdown-exec. memory: the file in which a build keeps the names of the docstrings on each page for the next.
    """

    def __init__(
        self,
        reader: PageReader,
        pages: dict[str, Page],
        run: Callable[[Iterable[Page]], None],
        name_of: Callable[[str], str],
        *,
        leaves: bool,
        memory: Path | None,
    ) -> None:
        self.reader, self.pages, self.run, self.name_of = reader, pages, run, name_of
        self.leaves, self.memory = leaves, memory
        self.home: Page | None = None
        """The page that is being rendered."""
        self._docstrings = cache(lambda file: docstrings(reader.root / file, file))
        self._made: dict[str, Page] = {}
        """The pages made of docstrings, by name."""
        self._fences: dict[str, list[scan.Fence]] = {}
        """The fences of each docstring, by the name of its page; the next to be rendered is the first."""

    def number(self, md: Markdown, lines: list[str]) -> list[str]:
        """Return the lines of a text that is no page, with the numbers of its fences in the pages made of it."""
        fences = self.reader.fences(lines)
        if not fences:
            return lines
        home = self.home.name if self.home else ""
        if self.leaves:
            left = self._reading(lines, Location(home, 1))
            if self.home:
                self.home.left += len(left.blocks)
            return numbered(lines, LEFT, {number: number for number in left.numbered})
        printer: tuple[str, Block] | None = getattr(md, "einsum_doc_printer", None)
        if printer:
            return self._numbered_by(self.printed(*printer, lines), lines)
        context = _context(md)
        if context is None:
            page = self._new(f"{home}::", self._reading(lines, Location(home, 1)), "text")
            return self._numbered_by([self._kept(page)], lines)
        file = self.name_of(str(context.filepath))
        for each in sorted(self._docstrings(file), key=lambda each: each.line != context.lineno):
            page = self._page_of(each, file)
            numbers = self._numbers(page, fences)
            if numbers is not None:
                return self._numbered_by([page], lines, numbers)
        # It is made by an extension, or is not in a file of Python.
        reading = self._reading(lines, Location(file, max(1, context.lineno)))
        page = self._new(f"{file}::{context.origin}", reading, "docstring")
        return self._numbered_by([self._kept(page)], lines)

    def printed_on(self, page: Page) -> list[Page]:
        """Return the pages of the blocks in the output of a page that is not rendered, but has run."""
        found = []
        for block, result in zip(page.blocks, page.results, strict=True):
            options = block.options
            is_markdown = not (fence.is_on(options.get("html")) or options.get("result") or result.failures)
            is_shown = options.get("source") != "console" and not block.expected
            if is_markdown and is_shown and not self.leaves:
                found += self.printed(page.name, block, scan.normalize(result.output))
        for each in found:
            each.home = page.name
        return found

    def printed(self, name: str, block: Block, lines: Sequence[str]) -> list[Page]:
        """Return the pages of the blocks in the output of a block: one for each session, and one for wrong fences.

        A block without a session has its own page. Before the others, the blocks of theirs up to this one run again.
        name: the page of the block.
        """
        reading = self._reading(lines, block.location)
        groups: dict[str, dict[int, Block]] = {}
        for number, found in reading.numbered.items():
            if isinstance(found, Block):
                session = found.options.get("session", "")
                groups.setdefault(f"session {session}" if session else str(number), {})[number] = found
        pages = []
        for group in groups.values():
            first = next(iter(group.values()))
            before = self._session(name, first.options.get("session", ""), block)
            blocks = [replace(each, number=at) for at, each in enumerate([*before, *group.values()], 1)]
            own = scan.PageReading(blocks, (), dict(zip(group, blocks[len(before) :], strict=True)))
            page = self._new(f"{name}::{block.number}.{first.number}", own, "output")
            pages.append(replace(page, prelude=len(before)))
        others = {number: each for number, each in reading.numbered.items() if not isinstance(each, Block)}
        if others or reading.faults:
            rest = reading._replace(blocks=(), numbered=others)
            pages.append(self._new(f"{name}::{block.number}", rest, "output"))
        return [self._kept(page) for page in pages]

    def _session(self, name: str, session: str, last: Block) -> list[Block]:
        """Return the blocks of a session on a page, up to one of them."""
        page = page_named(name, self.pages)
        earlier = page.blocks[: last.number] if page and session else ()
        return [each for each in earlier if each.options.get("session", "") == session]

    # ---- Docstrings of the last build ------------------------------------------------------------------------

    @cached_property
    def known(self) -> dict[str, list[str]]:
        """The names of the pages made of docstrings that each page has shown in the last build."""
        try:
            return dict(json.loads(self.memory.read_text("utf-8"))) if self.memory else {}
        except (OSError, ValueError):
            return {}

    def known_on(self, page: Page) -> list[Page]:
        """Return the pages of the docstrings that a page has shown in the last build, if they are still there."""
        found = []
        for name in [] if self.leaves else self.known.get(page.name, ()):
            file, _, qualified = name.partition("::")
            same = [each for each in self._docstrings(file) if each.name == qualified]
            found += [self._page_of(each, file) for each in same[:1]]
        for each in found:
            each.home = each.home or page.name
        return found

    def unknown(self, pages: Iterable[Page]) -> list[str]:
        """Return the names of the pages whose docstrings are not known, as no build has rendered them."""
        asking = [page.name for page in pages if _asks_for_docstrings(page) and not self.leaves]
        return [name for name in asking if name not in self.known]

    def remember(self, pages: Collection[Page]) -> None:
        """Keep the names of the docstrings on pages that have been rendered, for the next build."""
        before, left = self.known, {page.name for page in self.pages.values()} - {page.name for page in pages}
        shown = [page for page in pages if page.met or _asks_for_docstrings(page)]
        self.known = {name: found for name, found in before.items() if name in left}
        self.known |= {page.name: [each.name for each in page.met if each.name in self._made] for page in shown}
        if self.memory and self.known != before:
            with suppress(OSError):  # the folder of the cache cannot be written to, which the cache reports
                self.memory.parent.mkdir(parents=True, exist_ok=True)
                write(self.memory, json.dumps(self.known, sort_keys=True))

    # ---- Pages -----------------------------------------------------------------------------------------------

    def _numbered_by(self, pages: Sequence[Page], lines: list[str], own: Mapping[int, int] | None = None) -> list[str]:
        """Run pages, add them to the page being rendered, and return lines with the numbers of their fences."""
        for page in pages:
            self.pages[page.name] = page
            page.complete = True  # when it is rendered is not known
            if self.home and all(page is not each for each in self.home.met):
                page.home = page.home or self.home.name
                self.home.met.append(page)
            numbers = {number: number for number in page.reading.numbered} if own is None else own
            lines = numbered(lines, page.name, numbers)
        self.run(pages)
        return lines

    def _kept(self, page: Page) -> Page:
        """Return a page, or the same one of another rendering of its text; no two have one name."""
        while (other := self.pages.get(page.name)) and not other.runs_the_same(page):
            page.name += "'"
        return other or page

    def _new(self, name: str, reading: scan.PageReading, kind: Kind) -> Page:
        return Page(name, "", "", "", reading, kind=kind, site=self.pages, unread=self.reader.unread)

    def _reading(self, lines: Sequence[str], location: Location) -> scan.PageReading:
        return self.reader.reading(lines, [location] * len(lines))

    def _page_of(self, docstring: Docstring, file: str) -> Page:
        """Return the page made of a docstring."""
        name = f"{file}::{docstring.name}"
        if name not in self._made:
            lines, reading = self.reader.read_lines(docstring.lines)
            self._fences[name] = self.reader.fences(lines)
            self._made[name] = replace(self._new(name, reading, "docstring"), lines=lines)
        return self._made[name]

    def _numbers(self, page: Page, fences: Sequence[scan.Fence]) -> dict[int, int] | None:
        """Return the number of each fence in a section of a docstring; None, if they do not stand in it.

        The same fence may stand in it twice: sections are rendered in order, and perhaps on several pages.
        """
        own = self._fences[page.name]
        found = {}
        for each in fences:
            index = next((at for at, other in enumerate(own) if _same(other, each)), None)
            if index is None:
                return None
            found[each.line] = own[index].line
            own = [*own[index + 1 :], *own[: index + 1]]
        self._fences[page.name] = own
        return {line: number for line, number in found.items() if number in page.reading.numbered}


def _asks_for_docstrings(page: Page) -> bool:
    return re.search(r"^[ ]*::: ", page.markdown, re.M) is not None


def _same(one: scan.Fence, other: scan.Fence) -> bool:
    return (one.header, one.code, one.closed) == (other.header, other.code, other.closed)


def _context(md: Markdown) -> Any:
    """Return the object whose docstring mkdocstrings is rendering: `filepath`, `lineno`, `origin`; None without one."""
    name = "mkdocs-autorefs"
    hook = getattr(md.inlinePatterns[name], "hook", None) if name in md.inlinePatterns else None
    return hook and hook.get_context()
