"""Pages -> their results: kept ones from the cache, and the others from the pool that runs pages."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from einsum_doc.pages.build.order import before_it
from einsum_doc.pages.build.page import Page
from einsum_doc.pages.cache.cache import Cache
from einsum_doc.pages.record.messages import Job, WorkerSettings
from einsum_doc.pages.record.options import NO_CACHE, REQUIRE_GPU, OptionError, Options, Project, is_set
from einsum_doc.pages.verdict.judging import judged

if TYPE_CHECKING:
    from einsum_doc.pages.engine.pool import Pool  # not loaded by a build that runs no page


class Runner:
    """Runs the pages of a build, if their results are not kept.

    pages: all that have been read, by their paths in docs_dir.
    compares: true if a block fails whose output is not the expected one.
    """

    def __init__(self, project: Project, options: Options, pages: Mapping[str, Page], *, compares: bool) -> None:
        self.project, self.pages = project, pages
        self.options = replace(options, require_gpu=options.require_gpu or is_set(REQUIRE_GPU))
        self.settings = WorkerSettings(str(project.root), self.options)
        """The conditions under which pages run."""
        self.pool: Pool | None = None
        """The pool; it is replaced if its settings differ."""
        self.stopped: dict[str, dict[str, Any]] = {}
        """The entries of pages that have reached a limit, for later builds of this process."""
        self.cache: Cache | None = None
        self.compares = compares

    def follow(self, earlier: Runner) -> None:
        """Take over from an earlier build of this process: its pool, and the pages that have reached a limit."""
        self.pool, self.stopped = earlier.pool, earlier.stopped

    def start(self, pages: Iterable[Page]) -> None:
        """Run the blocks of pages in the background, unless they run already, or their results are kept.

        Raises: OptionError, if an option names something that does not exist.
        """
        pages = [page for page in pages if page.runnable and not page.is_started]
        if not pages:
            return
        if self.cache is None:
            self.cache = self._open_cache()
        missing = list[Page]()
        for page in pages:
            # One that comes after a page that has to run is looked up when that has ended.
            if not any(before in missing or before.future for before in before_it(page, self.pages)):
                kept = self.cache.find(page.name, page.runnable)
                gpu = self.options.require_gpu
                page.kept = kept and judged(page.runnable, kept, compares=self.compares, requires_gpu=gpu)
            missing += [page] if page.kept is None else []
        if missing:
            self._submit(missing, self.cache)

    def _submit(self, pages: Sequence[Page], cache: Cache) -> None:
        from einsum_doc.pages.engine.pool import Pool

        if self.pool is None or self.pool.settings != self.settings:
            self.close()  # under `serve`, mkdocs.yml may have changed since the last build
            self.pool = Pool(self.settings, compares=self.compares)
        futures = self.pool.submit(list(map(self._job, pages)), cache)
        for page, future in zip(pages, futures, strict=True):
            page.future = future

    def _job(self, page: Page) -> Job:
        before = tuple(each.name for each in before_it(page, self.pages) if each.kept is None)
        return Job(page.name, page.runnable, page.sources(self.project.root), before)

    def wait(self, page: Page) -> None:
        """Wait for a page, if it runs, and show the progress on a terminal."""
        if page.future is not None and self.pool is not None:
            self.pool.progress.wait(page.future)

    @property
    def cache_folder(self) -> Path | None:
        """The folder in which results are kept; None, if none are."""
        return self.project.root / self.options.cache if self.options.cache and not is_set(NO_CACHE) else None

    @property
    def shows_progress(self) -> bool:
        """True if the running pages are shown on a terminal."""
        return self.pool is not None and self.pool.progress.is_shown

    def forget_files(self) -> None:
        """Look at the files of the project again: they have changed since the pages were read."""
        self.cache = None

    def dismiss(self) -> None:
        """Ask the processes that run pages to exit; do not wait."""
        if self.pool is not None:
            self.pool.dismiss()

    def close(self) -> None:
        """End every process that was started."""
        if self.pool is not None:
            self.pool.close()
            self.pool = None

    def _open_cache(self) -> Cache:
        cache = Cache(
            self.cache_folder,
            self.project,
            self.options,
            reads=self._reads(),
            awaited=[before.name for page in self.pages.values() for before in before_it(page, self.pages)],
            stopped=self.stopped,
        )
        for pattern in cache.unread():
            raise OptionError(f"processes: there is no file {pattern} in the project")
        return cache

    def _reads(self) -> dict[str, list[str]]:
        """Return the patterns of the files that the processes of each page may read, where `processes` names it."""
        named: dict[str, list[str]] = defaultdict(list)
        for pattern, files in self.options.processes.items():
            for page in [page for uri, page in self.pages.items() if fnmatch(uri, pattern)]:
                named[page.name] += [posixpath.normpath(file) for file in files]
        return {name: [] if "." in files else files for name, files in named.items()}
