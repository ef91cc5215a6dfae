"""The order of pages: `after` in the front matter of a page names the pages that run before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from einsum_doc.pages.build.page import Page
from einsum_doc.pages.reading.scan import Fault
from einsum_doc.pages.record.block import Location
from einsum_doc.pages.record.result import Failure


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
