"""A page that uses a name of another page names that one in its failure."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from einsum_doc.pages.build.page import Page
from einsum_doc.pages.reading.scan import PageReading
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import Failure, PageResults, Result

DEFINING = {
    "docs/a.md": (("python", "def area(side): local = side", ""), ("sh", "total=1", "")),
    "docs/b.md": (("pycon", ">>> from math import pi as circle", "x"), ("python", "circle = total = 3", "")),
    "docs/c.md": (("python", "total = 4", "x"),),
}
OWN = "a namespace of its own"
MISSING = "name 'area' is not defined"


def hints(message: str, session: str = "", code: str = "", error: str = "NameError", origin: str = "") -> list[str]:
    """What is said of an error on a page, in a build with those above."""
    site: dict[str, Page] = {}

    def add(name: str, blocks: tuple[tuple[str, str, str], ...], *results: Result) -> Page:
        options: list[Mapping[str, str]] = [{"session": session} if session else {} for *_, session in blocks]
        read = [
            Block(Location(name, 3), number, language, code, options[number - 1])
            for number, (language, code, _) in enumerate(blocks, 1)
        ]
        site[name] = Page(name, "", "", "", PageReading(read), kept=PageResults(results), site=site)
        return site[name]

    failure = Failure(Location("docs/0.md", 4), error, message, origin=Location(origin, 1) if origin else None)
    failing = add("docs/0.md", (("python", code, session),), Result("failed", failures=(failure,)))
    for name, blocks in DEFINING.items():
        add(name, blocks)
    [result] = failing.results
    return [*result.failures[0].details]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (hints(MISSING), f"`area` is defined on the page docs/a.md; each page has {OWN}"),
        (hints(f"{MISSING}. Did you mean: 'are'?"), f"`area` is defined on the page docs/a.md; each page has {OWN}"),
        (hints("name 'circle' is not defined"), f"`circle` is defined on the page docs/b.md; each page has {OWN}"),
        (
            hints("name 'total' is not defined", session="x"),
            "`total` is defined on the page docs/c.md; each page has a session 'x' of its own",
        ),
        (hints(MISSING, session="y"), f"`area` is defined on the page docs/a.md; each page has {OWN}"),
    ],
    ids=["function", "suggestion", "import", "session", "no such session"],
)
def test_the_page_is_named_that_defines_a_missing_name(found: list[str], said: str) -> None:
    assert found == [said]


@pytest.mark.parametrize(
    "found",
    [
        hints("name 'local' is not defined"),
        hints(MISSING, code="del area\narea = 2"),
        hints(MISSING, origin="library.py"),
        hints(MISSING, error="ValueError"),
    ],
    ids=["of a function", "of this page", "in the library", "another error"],
)
def test_no_page_is_named_for_another_mistake(found: list[str]) -> None:
    assert found == []
