"""`pytest docs/`: the blocks of a site's pages as tests, an item each, at its file and line.

It is loaded with every pytest that has einsum-doc installed, so it imports nothing until it
meets a Markdown file of a site that has the plugin.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from einsum_doc.pages.build.page import Page
    from einsum_doc.pages.fronts.site import Site
    from einsum_doc.pages.record.block import Block
    from einsum_doc.pages.record.result import Failure

_SITES = pytest.StashKey[dict[Path, tuple["Site", "dict[str, Page]"]]]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a page of a site as a file of tests."""
    if file_path.suffix != ".md":
        return None
    config = next((folder / "mkdocs.yml" for folder in file_path.parents if (folder / "mkdocs.yml").is_file()), None)
    if config is None or "einsum-doc" not in config.read_text("utf-8", errors="replace"):
        return None
    sites = parent.config.stash.setdefault(_SITES, {})
    if config not in sites:
        from einsum_doc.pages.fronts.mkdocs import load

        sites[config] = load(str(config), lambda name, file: True, {})
    site, pages = sites[config]
    name = file_path.relative_to(config.parent).as_posix()
    if name not in pages:
        return None
    collected: PageFile = PageFile.from_parent(parent, path=file_path)
    collected.site, collected.page = site, pages[name]
    return collected


def pytest_runtestloop(session: pytest.Session) -> None:
    """Run the pages that have a selected item, several at a time."""
    if session.config.option.collectonly:
        return
    files = {item.file.path: item.file for item in session.items if isinstance(item, FenceItem)}
    for site in {id(file.site): file.site for file in files.values()}.values():
        site.build.run([file.page for file in files.values() if file.site is site])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End every process that was started."""
    for site, _ in session.config.stash.get(_SITES, {}).values():
        site.build.cache_notes(explained=False)  # to tidy the cache; pytest does not report the notes
        site.build.runner.close()


class PageFile(pytest.File):
    """A page: its blocks, and the fences on it that are wrong before anything runs."""

    site: Site
    page: Page

    def collect(self) -> Iterator[pytest.Item]:
        """Return an item for each block, and for each fence that is wrong."""
        for block in self.page.blocks:
            title = block.options.get("title") or block.options.get("id") or block.language
            yield self._item(f"{block.number}: {title}", block)
        for fault in self.page.reading.faults:
            yield self._item(f"line {fault.failure.location.line}", fault.failure)

    def _item(self, name: str, tested: Block | Failure) -> FenceItem:
        item: FenceItem = FenceItem.from_parent(self, name=name)
        item.tested = tested
        return item


class FenceItem(pytest.Item):
    """A block, whose page runs in order, once, when the first of them is asked for; or a fence that is wrong."""

    tested: Block | Failure

    @property
    def file(self) -> PageFile:
        """The page."""
        assert isinstance(self.parent, PageFile)
        return self.parent

    def runtest(self) -> None:
        """Wait for the result of a block; fail for a fence that is wrong as it stands."""
        from einsum_doc.pages.record.result import Failure

        if isinstance(self.tested, Failure):
            raise PageFailureError(self.tested)
        result = self.file.site.build.report(self.file.page).results[self.tested.number - 1]
        for name, written in (("stdout", result.output), ("stderr", result.errors)):
            if written:
                self.add_report_section("call", name, written)
        if result.failures:
            raise PageFailureError(*result.failures)
        if result.status != "held":
            pytest.skip(result.reason)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return its location: pytest counts lines from 0."""
        line = self.tested.location.line
        return self.path, line - 1, f"{self.file.page.name}:{line} {self.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the failure as a build shows it."""
        if isinstance(excinfo.value, PageFailureError):
            return "\n\n".join(
                "\n".join([str(failure), *(f"  {line}" for line in failure.trace)])
                for failure in excinfo.value.failures
            )
        return super().repr_failure(excinfo, style)


class PageFailureError(Exception):
    """A block has failed."""

    def __init__(self, *failures: Failure) -> None:
        super().__init__("\n".join(map(str, failures)))
        self.failures = failures
