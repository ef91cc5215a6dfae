"""Pages -> Results: which runs when, on what device, with how much memory.

Pages are submitted as soon as they are read and run in the background, several at a time,
each in a session of its own (session.py); the builder collects each result where the block
is rendered.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from einsum_doc.pages.cache.cache import Cache
from einsum_doc.pages.engine.executor import Engine, connect
from einsum_doc.pages.engine.progress import Progress
from einsum_doc.pages.engine.session import ForkServer, Limits, Page, gpus, run_page
from einsum_doc.pages.reading.fence import DERIVATION, EINSUM
from einsum_doc.pages.record.result import PageResults
from einsum_doc.pages.verdict.judging import judged


@dataclass(frozen=True)
class PoolSettings:
    """How the pages of a site are run."""

    root: Path
    """The folder of mkdocs.yml: the working directory of blocks, and first on their import path."""
    device: str = "auto"
    limits: Limits = field(default_factory=Limits)
    preload: tuple[str, ...] = ("torch",)
    """Modules to import once, before the first fork, if a page mentions them."""
    jobs: int = 0
    """How many pages may run at a time; 0 for one on each core or, where blocks run on GPUs, on each of those."""
    executor: str = ""
    """Where pages run instead of on this machine: the address of a Dask cluster, such as `dask://127.0.0.1:8786`."""
    library: tuple[str, ...] = ()
    """The packages whose public names are looked for in each page's code."""
    compares: bool = True
    """Whether a block fails that writes something else than is expected."""
    requires_gpu: bool = False
    """Whether a block fails that needs a GPU which is not there."""


class Pool:
    """Runs pages in workers, and stops every process it started when it is closed."""

    def __init__(self, settings: PoolSettings) -> None:
        self.settings = settings
        self.progress = Progress()
        self._gpus = [] if settings.device == "cpu" else gpus()
        self._jobs = settings.jobs or len(self._gpus) or cores()
        self._waiting: list[_Waiting] = []
        self._servers: list[ForkServer] = []
        self._dismissed: list[ForkServer] = []
        self._engine: Engine | None = None
        self._preloads: set[str] = set()
        self._closed = False
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._free = 0
        self._blas = 1

    def submit(self, pages: Sequence[Page], cache: Cache) -> list[Future[PageResults]]:
        """For each page, the results of its blocks once they have run; they are kept in the cache.

        Raises: ExecutorError, if pages are to run on an engine that cannot be had.
        """
        futures: list[Future[PageResults]] = [Future() for _ in pages]
        both = zip(pages, futures, strict=True)
        waiting = [_Waiting(page, future, cache, cache.last(page.name)) for page, future in both]
        if self.settings.executor and self._engine is None:
            self._engine = connect(self.settings.executor)
            self._jobs = self.settings.jobs or self._engine.slots
        # einsum_doc brings torch with it, whose import is what takes the time.
        blocks = [block for each in waiting for block in each.page.blocks]
        code = "\n".join(block.code for block in blocks)
        derives = any(
            block.language in (DERIVATION, EINSUM) or block.options.keys() & {"skip_if", "device"} for block in blocks
        )
        with self._changed:
            self._preloads |= {
                name for name in self.settings.preload if derives or re.search(rf"\b({name}|einsum_doc)\b", code)
            }
            # Longest first, so that no core is left alone with a long one at the end; unknown ones before all.
            if not self._waiting and not self.progress.running:
                self.progress.done = self.progress.total = 0
            self.progress.total += len(waiting)
            self._waiting = sorted(
                self._waiting + waiting, key=lambda each: each.last.seconds or float("inf"), reverse=True
            )
            busy = min(self._jobs, len(self._waiting))
            self._blas = 0 if "OMP_NUM_THREADS" in os.environ else max(1, cores() // busy)
            while len(self._threads) < busy:
                # Daemons, so that an interrupted build need not wait for the blocks that are running.
                gpu = self._gpus[len(self._threads) % len(self._gpus)] if len(self._gpus) > 1 else ""
                thread = threading.Thread(target=self._work, args=(gpu,), name="einsum-doc pages", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()
        return futures

    def dismiss(self) -> None:
        """Have the fork servers end, of which no page is needed any more: that takes them a while."""
        with self._changed:
            for server in self._servers:
                server.dismiss()
            self._dismissed += self._servers
            self._servers = []

    def close(self) -> None:
        """End the fork servers and, with them, every worker."""
        with self._changed:
            self._closed = True
            self.dismiss()
            for server in self._dismissed:
                server.close()
            self._dismissed = []
            if self._engine is not None:
                self._engine.close()
                self._engine = None
            self._changed.notify_all()

    def _work(self, gpu: str) -> None:
        while True:
            waiting = self._next()
            if waiting is None:
                return
            name = waiting.page.name
            try:
                waiting.future.set_result(self._run_page(waiting, gpu))
            except BaseException as error:
                waiting.future.set_exception(error)
            with self._changed:
                self._free += waiting.memory
                self.progress.running.pop(name, None)
                self.progress.done += 1
                self._changed.notify_all()

    def _next(self) -> _Waiting | None:
        """The next page to run, when there is memory for it; None when the pool is closed."""
        with self._changed:
            while not self._closed:
                if not self.progress.running:
                    self._free = available_memory()
                for waiting in self._waiting:
                    if self._engine or not self.progress.running or waiting.memory <= self._free:
                        self._waiting.remove(waiting)
                        self._free -= waiting.memory
                        self.progress.running[waiting.page.name] = ""
                        return waiting
                self._changed.wait()
        return None

    def _run_page(self, waiting: _Waiting, gpu: str) -> PageResults:
        page, cache, limits, compares = waiting.page, waiting.cache, self.settings.limits, self.settings.compares
        if self._engine is not None:
            reads = cache.reads.get(page.name, ())
            preload = sorted(self._preloads)
            ran, evidence = self._engine.run(page, self.settings, preload, reads, compares=compares)
        else:
            settings = {
                "root": str(self.settings.root),
                "device": self.settings.device,
                "memory": limits.bytes,
                "threads": self._blas,
                "gpu": gpu,
                "library": self.settings.library,
            }

            def tell(progress: str) -> None:
                self.progress.running[page.name] = progress

            server = self._ready_server()
            ran, dependencies = run_page(server, settings, page, limits, compares=compares, tell=tell)
            evidence = cache.evidence(page.name, page.blocks, ran, dependencies)
        if isinstance(evidence, dict):
            ran = replace(ran, packages=evidence["packages"])
        cache.keep(page.name, page.blocks, ran, evidence)
        return judged(page.blocks, ran, compares=compares, requires_gpu=self.settings.requires_gpu)

    def _ready_server(self) -> ForkServer:
        with self._changed:
            if self._closed:
                raise RuntimeError("the pool is closed")
            preload = sorted(self._preloads)
            if not self._servers or not self._servers[-1].serves(preload):
                # Not in the place of the last one: pages that it has started may still be running.
                self._servers.append(ForkServer(self.settings.root, preload, self._blas))
            return self._servers[-1]


@dataclass
class _Waiting:
    """A page that is to be run."""

    page: Page
    future: Future[PageResults]
    cache: Cache
    last: PageResults
    """How it was when it last held."""

    @property
    def memory(self) -> int:
        """How much memory it will want, in bytes: what it held before, and a little more."""
        return self.last.memory * 5 // 4 or 2**30


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_memory() -> int:
    """How much memory could be had now, in bytes; without a limit where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return sys.maxsize
