"""A page from its reading to its verdict: its blocks, their results, and those that reached the page."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading import scan
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Failure, PageResults, Result
from einsum_doc.pages.verdict import report

if TYPE_CHECKING:
    from concurrent.futures import Future  # which a build that runs nothing does not need


@dataclass
class Page:
    """A page from its reading to its verdict."""

    name: str
    """Its file, relative to the folder of mkdocs.yml."""
    text: str
    body: str
    """Its text without the front matter."""
    markdown: str
    """The body as other plugins have changed it by now."""
    reading: scan.PageReading
    lines: Sequence[str] = ()
    """The lines that superfences will be given."""
    after: Any = field(default_factory=list)
    """The pages that run before it, by their paths in docs_dir, as its front matter has them."""
    checked: Any = None
    """`display`, if its front matter says that its display formulas are checked."""
    kept: PageResults | None = None
    """Its results, if they come from the cache."""
    future: Future[PageResults] | None = None
    """Its results, if it is run."""
    rendered: set[int] = field(default_factory=set)
    """The blocks that have reached the page, by their position on it, from 1."""
    lost: list[Failure] = field(default_factory=list)
    """The failures while the page was rendered."""
    complete: bool = False
    """True when it has been rendered."""
    kind: report.Kind = "page"
    """The kind of text that it is made of."""
    home: str = ""
    """The name of the page that shows it, if that is another one."""
    met: list[Page] = field(default_factory=list)
    """The pages made of docstrings and of output that were met while it was rendered."""
    left: int = 0
    """The number of blocks in these that were left to markdown-exec."""
    prelude: int = 0
    """The number of blocks at its beginning that have run on another page before, and run here for their session."""
    site: Mapping[str, Page] = field(default_factory=dict, repr=False, compare=False)
    """All pages of the build: one of them may have what is missing here."""
    unread: Callable[[], Iterable[Page]] = field(default=tuple, repr=False, compare=False)
    """Reads the other pages of the site, if the build is of a part of it."""

    @property
    def blocks(self) -> Sequence[Block]:
        """The blocks of the page, in order."""
        return self.reading.blocks

    @property
    def runnable(self) -> Sequence[Block]:
        """The blocks up to the first fence that is wrong: later ones may depend on it."""
        return self.blocks[: min((fault.after for fault in self.reading.faults), default=len(self.blocks))]

    @cached_property
    def definitions(self) -> str:
        """The lines of the page that define links, which its blocks may use in their output."""
        found = [number for number, line in enumerate(self.lines) if re.match(r" {0,3}\[[^]^][^]]*\]:", line)]
        fences = scan.scan(self.lines) if found else []
        return "\n".join(self.lines[each] for each in found if not any(f.line < each < f.end for f in fences))

    def sources(self, root: Path) -> Mapping[str, list[str]]:
        """Return the lines of each file that its code stands in; `root` is the folder of mkdocs.yml."""
        sources = {self.name: self.text.split("\n")}
        locations = {location for block in self.blocks for location in (block.location, *block.locations)}
        for name in {location.file for location in locations} - sources.keys():
            path = root / name
            sources[name] = path.read_text("utf-8-sig", errors="replace").split("\n") if path.is_file() else []
        return sources

    @property
    def is_started(self) -> bool:
        """True if its results are there, or are being computed."""
        return self.kept is not None or self.future is not None

    @property
    def ran(self) -> PageResults:
        """The results of the page; waits for them."""
        if self.future is None:
            return self.kept or PageResults(())
        try:
            return self.future.result()
        except Exception as error:
            failure = Failure(self.blocks[0].where, "WorkerError", f"the page could not be run: {error}")
            missing = Result("not run", reason="the page could not be run")
            return PageResults([Result("failed", failures=(failure,)), *[missing] * (len(self.runnable) - 1)])

    @property
    def results(self) -> list[Result]:
        """The results of all its blocks; waits for them."""
        return list(map(self.result_of, self.blocks))

    def result_of(self, block: Block) -> Result:
        """Return the result of one of its blocks; wait for it."""
        results = self.ran.results
        if block.number > len(results):
            return Result("not run", reason="a fence before it is wrong")
        return self._hinted(block, results[block.number - 1])

    @property
    def mark(self) -> str:
        """The attribute with the number of a block: a page may show another page's block of the same number."""
        return "data-block" if self.kind == "page" else f"data-{self.kind}-block"

    def begin(self) -> None:
        """Note that it is about to be rendered, for the first time or again."""
        self.rendered, self.lost, self.complete, self.met, self.left = set(), [], False, [], 0

    def rendered_as(self, html: str) -> None:
        """Note that it has been rendered, and which of its blocks have reached it."""
        # A fence in an indented code block is formatted, and then given back as text.
        self.rendered = {number for number in self.rendered if f'{self.mark}="{number}"' in html}
        self.complete = True

    def read_only(self) -> None:
        """Note that it is not rendered in this build, so that no block is missed on it."""
        self.rendered = {block.number for block in self.blocks}
        self.complete = True

    def report(self) -> report.PageReport:
        """Return the report of the page; blocks that have not reached it are among its faults."""
        why = "something else has taken its fence: an indented code block, or another extension"
        if not self.complete:
            why = "its page was never rendered"
        faults = [fault.failure for fault in self.reading.faults]
        # The closing line of a fence that superfences rejects opens another, whose blocks need no failure of their own.
        unseen = [
            Failure(block.location, "FenceError", "the block ran but did not reach the page", (why,))
            for block in self.blocks
            if self.kind == "page" and block.number not in self.rendered and not faults
        ]
        results = self.results
        if not faults and all(not result.failures for result in results):
            # Whatever the reason, a block that was not run has not been verified.
            faults = [
                Failure(block.location, "WorkerError", f"the block was not run: {result.reason}")
                for block, result in zip(self.blocks, results, strict=True)
                if result.status == "not run"
            ]
        wrong = [*faults, *self.lost, *unseen]
        blocks = self.blocks
        if not any(result.failures for result in results[: self.prelude]):
            blocks, results = blocks[self.prelude :], results[self.prelude :]
        facts: dict[str, Any] = vars(replace(self.ran, results=results))
        facts |= {"name": self.name, "kind": self.kind, "home": self.home, "left": self.left}
        return report.PageReport(**facts, blocks=blocks, faults=wrong)

    def _hinted(self, block: Block, result: Result) -> Result:
        """Return a result whose failures name the pages that define a missing name, or write a missing file."""
        if not result.failures:
            return result
        first, *others = (self._hint(block, failure) for failure in result.failures)
        hint = self._writer(block, result)
        return replace(result, failures=(replace(first, details=(*first.details, *hint)), *others))

    def _writer(self, block: Block, result: Result) -> tuple[str, ...]:
        """Return the hint at the page that has written a file which a failed block speaks of; waits for all pages."""
        text = "\n".join(
            [result.output, result.errors, *(line for f in result.failures for line in (f.message, *f.details))]
        )
        for uri, page in self.site.items():
            if page is not self and page.kind == "page" and uri not in self.after:
                for file in page.ran.wrote:
                    if _speaks_of(file, block.options.get("workdir", "."), text):
                        order = f"to run this page after it, write `after: [{uri}]` in its front matter"
                        return (f"{page.name} writes {file}; {order}",)
        return ()

    def _hint(self, block: Block, failure: Failure) -> Failure:
        missing = re.match(r"name '(\w+)' is not defined", failure.message)
        session = block.options.get("session", "")
        if failure.error != "NameError" or not missing or failure.origin or self._defines(missing[1], session):
            return failure
        # First where the session has the same name: the first page that is found is named, without parsing the rest.
        for where, pages in product((session, None), (self.site.values, self.unread)):
            for page in pages():
                if page is not self and page._defines(missing[1], where):
                    own = f"session {session!r}" if session and where else "namespace"
                    hint = f"`{missing[1]}` is defined on the page {page.name}; each page has a {own} of its own"
                    return replace(failure, details=(*failure.details, hint))
        return failure

    def _defines(self, name: str, session: str | None = None) -> bool:
        """Return whether a block of the page, or of one of its sessions, defines a name."""
        return any(
            LANGUAGES[block.language].defines(block.code, name)
            for block in self.blocks
            if session in (None, block.options.get("session", ""))
        )

    def runs_the_same(self, other: Page) -> bool:
        """Return whether another reading of the page has the same blocks, and so the same results."""
        return list(map(_question, self.runnable)) == list(map(_question, other.runnable))


def page_named(name: str, pages: Mapping[str, Page]) -> Page | None:
    """Return the page of a name among pages, which have any keys; None, if there is none."""
    return next((page for page in pages.values() if page.name == name), None)


def _speaks_of(file: str, folder: str, text: str) -> bool:
    """Return whether a text names a file, from the folder of the project or from another one, or as a module."""
    if Path(file).stem not in text:
        return False
    names = (re.escape(file), re.escape(os.path.relpath(file, folder)))
    module = re.escape(file.removesuffix(".py").replace("/", "."))
    return bool(
        re.search(rf"(?<![\w-])(?<!\w/)(?:{'|'.join(names)})(?![\w/-]|\.\w)", text)
        or (file.endswith(".py") and re.search(rf"No module named '{module}'", text))
    )


def _question(block: Block) -> tuple[object, ...]:
    """Return the parts of a block that decide its result: its program, options and expected output."""
    expected = block.expected and (block.expected.text, block.expected.tolerance)
    return block.language, block.code, block.options, expected
