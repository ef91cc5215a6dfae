"""`pytest docs/`: the blocks of a site's pages as tests, an item each, at its file and line.

It is loaded with every pytest that has einsum-doc installed, so it imports nothing until it is asked for a Markdown
file in the `docs_dir` of a site that has the plugin.
"""

from __future__ import annotations

import contextlib
import os
import re
from bdb import BdbQuit
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from einsum_doc.pages.build.page import Page
    from einsum_doc.pages.fronts.site import Site
    from einsum_doc.pages.record.block import Block, Location
    from einsum_doc.pages.record.result import Failure, Result

_SITES = pytest.StashKey[dict[Path, "tuple[Site, dict[str, Page]] | Failure"]]()
"""The sites by their mkdocs.yml, each with its pages, or the reason why it cannot be loaded."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of pytest.ini."""
    parser.addini("einsum_doc", "collect the pages of a site without a path to them being given", "bool", False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a Markdown file of a site, if pytest.ini or a path on the command line asks for it."""
    if file_path.suffix != ".md":
        return None
    config = next((path for folder in file_path.parents if (path := folder / "mkdocs.yml").is_file()), None)
    text = _text(config) if config else ""
    if config is None or "einsum-doc" not in text:
        return None
    docs = config.parent / _value("docs_dir", text, "docs")
    asked = parent.config.getini("einsum_doc") or any(
        file_path.is_relative_to(path) and path.is_relative_to(docs) for path in _given(parent.config)
    )
    if not asked or not file_path.is_relative_to(docs):
        return None
    file: PageFile = PageFile.from_parent(parent, path=file_path)
    file.config_file = config
    return file


def _text(config: Path) -> str:
    """Return the text of a mkdocs.yml, and of those that it inherits from."""
    text = config.read_text("utf-8", errors="replace") if config.is_file() else ""
    base = _value("INHERIT", text, "")
    return f"{text}\n{_text(config.parent / base)}" if base else text


def _value(option: str, text: str, default: str) -> str:
    """Return an option of a mkdocs.yml, which may not be valid."""
    found = re.search(rf"""^{option}:\s*["']?([^"'#\n]*[^"'#\s])""", text, re.M)
    return os.path.normpath(found[1]) if found else default


def _given(config: pytest.Config) -> list[Path]:
    """Return the paths on the command line."""
    return [Path(os.path.abspath(argument.partition("::")[0])) for argument in config.args]


def _load(config: pytest.Config, file: Path) -> tuple[Site, dict[str, Page]] | Failure:
    """Load a site. A page that is left out of its builds is tested only if its own path is given."""
    given = _given(config)
    try:
        from einsum_doc.pages.fronts.mkdocs import load

        return load(
            str(file), lambda _, page: page.inclusion.is_included() or Path(page.abs_src_path or "") in given, {}
        )
    except (Exception, SystemExit) as error:  # whatever a plugin raises: the other tests are to run
        from einsum_doc.pages.record.block import Location

        return _failure(Location(file.name, 1), type(error).__name__, f"the site cannot be loaded: {error}")


def _failure(where: Location, error: str, message: str) -> Failure:
    from einsum_doc.pages.record.result import Failure  # not loaded where pytest meets no site

    return Failure(where, error, message)


def _sites(session: pytest.Session) -> list[Site]:
    """Return the sites that have been loaded."""
    return [each[0] for each in session.config.stash.get(_SITES, {}).values() if isinstance(each, tuple)]


def pytest_runtestloop(session: pytest.Session) -> None:
    """Run the pages that have a selected item, several at a time.

    A worker of pytest-xdist has a loop of its own, and does not call this: there, a page runs at its first item.
    """
    if session.config.option.collectonly:
        return
    for site in _sites(session):
        items = [item for item in session.items if isinstance(item, BlockItem) and item.site is site]
        with contextlib.suppress(Exception):  # each item meets it again
            site.run({item.page.name: item.page for item in items}.values())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End every process that was started."""
    for site in _sites(session):
        site.build.cache_notes()  # to tidy the cache; pytest does not report the notes
        site.build.runner.close()


class PageFile(pytest.File):
    """A page: its blocks, and the fences on it that are wrong before anything runs."""

    config_file: Path
    """The mkdocs.yml of its site."""

    def collect(self) -> Iterator[pytest.Item]:
        """Return an item for each block, and for each fence that is wrong; or one, if the site cannot be loaded."""
        sites = self.config.stash.setdefault(_SITES, {})
        if self.config_file not in sites:
            sites[self.config_file] = _load(self.config, self.config_file)
        loaded = sites[self.config_file]
        if not isinstance(loaded, tuple):
            yield FenceItem.of(self, self.config_file.name, loaded.location, [loaded])
            return
        site, pages = loaded
        page = pages.get(self.path.relative_to(self.config_file.parent).as_posix())
        if page is None:
            return
        for each in (page, *site.build.found.known_on(page)):
            # Docstrings stand in files of their own.
            owner = f"{each.name} " if each is not page else ""
            for block in each.blocks:
                title = block.options.get("title") or block.options.get("id") or block.language
                item = BlockItem.of(self, f"{owner}{block.number}: {title}", block.location)
                item.site, item.page, item.block = site, each, block
                yield item
        for each in (page, *site.build.found.known_on(page)):
            for fault in each.reading.faults:
                where = fault.failure.location
                yield FenceItem.of(self, f"line {where.line}", where, [fault.failure])


class FenceItem(pytest.Item):
    """A fence that is wrong as it stands."""

    where: Location
    failures: Sequence[Failure]

    @classmethod
    def of(cls, parent: PageFile, name: str, where: Location, failures: Sequence[Failure] = ()) -> Self:
        """Return an item of a page."""
        item: Self = cls.from_parent(parent, name=name)
        item.where, item.failures = where, failures
        return item

    def runtest(self) -> None:
        """Fail."""
        raise PageFailureError

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return its location: pytest counts lines from 0."""
        return self.path, self.where.line - 1, f"{self.where} {self.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the failures as a build shows them."""
        if self.failures:
            return "\n\n".join("\n".join([str(each), *map("  {}".format, each.trace)]) for each in self.failures)
        return super().repr_failure(excinfo, style)


class BlockItem(FenceItem):
    """A block, whose page runs in order, once, when the first of them is asked for."""

    site: Site
    page: Page
    block: Block

    def runtest(self) -> None:
        """Wait for the result of the block."""
        result = self._result()
        for name, written in (("stdout", result.output), ("stderr", result.errors)):
            if written:
                self.add_report_section("call", name, written)
        if result.status == "skipped":
            pytest.skip(result.reason)
        self.failures = result.failures
        if result.status == "not run":  # a test that cannot be made has not been passed
            self.failures = [_failure(self.where, "WorkerError", f"the block was not run: {result.reason}")]
        if result.failures and self.config.getoption("usepdb"):
            from einsum_doc.pages.fronts.debugger import raised_by

            error = raised_by(self.site.build, self.page)
            if error:
                raise error
        if self.failures:
            raise PageFailureError

    def _result(self) -> Result:
        """Return the result of the block; run its page if that does not run already."""
        import fcntl

        with self.path.open() as file:
            if not self.page.is_started:
                # Two workers of pytest-xdist may come to this page, whose blocks expect to be alone with their files.
                with contextlib.suppress(OSError):  # not every file system has locks
                    fcntl.flock(file, fcntl.LOCK_EX)
                try:
                    self.site.run([self.page])
                except Exception as error:
                    self.failures = [_failure(self.where, type(error).__name__, str(error))]
                    raise PageFailureError from None
            own, *found = self.site.build.reports(self.page)
            result = own.results[self.block.number - 1]
            printed = (failure for each in found if each.kind == "output" for failure in each.failures)
            here = (failure for failure in printed if failure.location == self.where)
            return replace(result, failures=(*result.failures, *here))


class PageFailureError(BdbQuit):
    """A fence is wrong. At an error of this class, pytest does not stop in the debugger: it is raised far from it."""
