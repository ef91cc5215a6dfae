"""The order of pages: `after` in the front matter of a page names the pages that run before it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from einsum_doc.pages.build.page import Page, page_named
from einsum_doc.pages.reading.scan import Fault
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import Failure, Result
from einsum_doc.pages.verdict.report import PageReport


def fault_of(page: Page, pages: Mapping[str, Page], is_page: Callable[[str], bool]) -> Fault | None:
    """Return the fault of a page that cannot come after the pages that it names; None if it can.

    pages: those of the build, by their paths in docs_dir. is_page: asked about others, which are not to be run.
    """
    if not isinstance(page.after, list) or not all(isinstance(uri, str) for uri in page.after):
        message = f"after: expected a list of pages, such as [index.md], not {page.after!r}"
    elif missing := [uri for uri in page.after if uri not in pages and not is_page(uri)]:
        message = f"after: there is no page {missing[0]} in the folder of pages"
    elif circle := _circle([page], pages):
        message = f"after: the pages wait for one another: {' → '.join(each.name for each in circle)}"
    else:
        return None
    line = next((n for n, text in enumerate(page.text.split("\n"), 1) if re.match(r"after\s*:", text)), 1)
    return Fault(Failure(Location(page.name, line), "OrderError", message), 0)


def _circle(path: Sequence[Page], pages: Mapping[str, Page]) -> Sequence[Page]:
    """Return the pages from the first of a path to itself; none if it does not come after itself."""
    for before in before_it(path[-1], pages):
        if before is path[0]:
            return [*path, before]
        if before not in path and (found := _circle([*path, before], pages)):
            return found
    return ()


def before_it(page: Page, pages: Mapping[str, Page]) -> list[Page]:
    """Return the pages of the build that a page names as coming before it."""
    return [pages[uri] for uri in page.after if uri in pages] if isinstance(page.after, list) else []


def in_order(chosen: Iterable[Page], pages: Mapping[str, Page]) -> list[Page]:
    """Return pages, each after those among them that it comes after; the others stay in their order."""
    left, found = list(chosen), list[Page]()

    def add(page: Page) -> None:
        if page in left:
            left.remove(page)
            for before in before_it(page, pages):
                add(before)
            found.append(page)

    while left:
        add(left[0])
    return found


def with_writers(reports: Sequence[PageReport], pages: Mapping[str, Page]) -> list[PageReport]:
    """Return reports whose failures name the page of this build that has written the file that they speak of."""
    writers = [(uri, page.name, page.ran.wrote) for uri, page in pages.items() if page.kind == "page"]
    written = [(uri, name, file) for uri, name, files in writers for file in files]

    def hinted(block: Block, result: Result, report: PageReport) -> Result:
        page = page_named(report.name, pages)
        after = page.after if page else ()
        folder = block.options.get("workdir", ".")
        for uri, name, file in written:
            texts = chain((result.output, result.errors), *((f.message, *f.details) for f in result.failures))
            if name != report.name and uri not in after and _speaks_of(file, folder, "\n".join(texts)):
                hint = f"{name} writes {file}; to run this page after it, write `after: [{uri}]` in its front matter"
                first, *others = result.failures
                return replace(result, failures=(replace(first, details=(*first.details, hint)), *others))
        return result

    def judged(report: PageReport) -> PageReport:
        pairs = zip(report.blocks, report.results, strict=False)
        results = [hinted(block, result, report) if result.failures else result for block, result in pairs]
        return replace(report, results=results)

    return [judged(report) if report.failures and written else report for report in reports]


def _speaks_of(file: str, folder: str, text: str) -> bool:
    """Return whether a text names a file, from the folder of the project or from another one, or as a module."""
    names = (re.escape(file), re.escape(os.path.relpath(file, folder)))
    module = re.escape(file.removesuffix(".py").replace("/", "."))
    return bool(
        re.search(rf"(?<![\w-])(?<!\w/)(?:{'|'.join(names)})(?![\w/-]|\.\w)", text)
        or (file.endswith(".py") and re.search(rf"No module named '{module}'", text))
    )
