"""Pages -> results: the order in which they run, on this machine's GPUs and within its memory.

Pages are submitted as soon as they are read and run in the background, several at a time, each in
a worker of its own (session.py); the builder waits for the results of a page where it renders it.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from einsum_doc.pages.cache.cache import Cache
from einsum_doc.pages.engine.executor import Cluster, Order, Outcome, connect
from einsum_doc.pages.engine.forkclient import ForkServer
from einsum_doc.pages.engine.progress import Progress
from einsum_doc.pages.engine.resources import available_memory, cores, gpus
from einsum_doc.pages.engine.session import run_job
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.messages import Job, WorkerSettings
from einsum_doc.pages.record.result import PageResults
from einsum_doc.pages.verdict.judging import judged


@dataclass(frozen=True)
class PoolSettings:
    """How the pages of a site are run."""

    worker: WorkerSettings
    preload: tuple[str, ...] = ("torch",)
    """Modules to import once, before the first fork, if a page mentions them."""
    jobs: int = 0
    """How many pages may run at a time; 0 for one on each core or, where blocks run on GPUs, on each of those."""
    executor: str = ""
    """The address of a Dask cluster, such as `dask://127.0.0.1:8786`, if pages run there and not on this machine."""
    compares: bool = True
    """Whether a block fails whose output differs from its `expected` fence."""
    requires_gpu: bool = False
    """Whether a block fails that needs a GPU which is not there."""


class Pool:
    """Runs pages in workers, and stops every process it started when it is closed."""

    def __init__(self, settings: PoolSettings) -> None:
        self.settings = settings
        self.progress = Progress()
        self._gpus = [] if settings.worker.device == "cpu" else gpus()
        self._jobs = settings.jobs or len(self._gpus) or cores()
        self._waiting: list[_WaitingJob] = []
        self._servers: list[ForkServer] = []
        self._dismissed: list[ForkServer] = []
        self._cluster: Cluster | None = None
        self._preloads: set[str] = set()
        self._closed = False
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._free = 0
        """Memory that is left for further pages, in bytes."""
        self._blas = 1
        """How many threads the linear algebra of a page may start."""

    def submit(self, jobs: Sequence[Job], cache: Cache) -> list[Future[PageResults]]:
        """Run jobs in the background, keep their results in the cache, and return a future of each.

        Raises: ExecutorError, if pages are to run on a cluster that cannot be reached.
        """
        waiting = [_WaitingJob(job, Future(), cache, cache.last(job.page)) for job in jobs]
        if self.settings.executor and self._cluster is None:
            self._cluster = connect(self.settings.executor)
            self._jobs = self.settings.jobs or self._cluster.slots
        with self._changed:
            self._preloads |= self._preloads_of([block for job in jobs for block in job.blocks])
            if not self._waiting and not self.progress.running:
                self.progress.done = self.progress.total = 0
            self.progress.total += len(waiting)
            # Longest first, so that none runs alone at the end; those whose time is not known before all.
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
        return [each.future for each in waiting]

    def _preloads_of(self, blocks: Sequence[Block]) -> set[str]:
        """Return the modules to preload for blocks: those that they mention."""
        code = "\n".join(block.code for block in blocks)
        # einsum_doc imports torch, and so do derivations and blocks with a device.
        derives = any(
            LANGUAGES[block.language].uses_torch or block.options.keys() & {"skip_if", "device"} for block in blocks
        )
        return {name for name in self.settings.preload if derives or re.search(rf"\b({name}|einsum_doc)\b", code)}

    def dismiss(self) -> None:
        """Ask the fork servers to exit; do not wait."""
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
            if self._cluster is not None:
                self._cluster.close()
                self._cluster = None
            self._changed.notify_all()

    def _work(self, gpu: str) -> None:
        while (waiting := self._next()) is not None:
            try:
                waiting.future.set_result(self._run(waiting, gpu))
            except BaseException as error:
                waiting.future.set_exception(error)
            with self._changed:
                self._free += waiting.memory
                self.progress.running.pop(waiting.job.page, None)
                self.progress.done += 1
                self._changed.notify_all()

    def _next(self) -> _WaitingJob | None:
        """Return the next job when there is memory for it, and None when the pool is closed."""
        with self._changed:
            while not self._closed:
                if not self.progress.running:
                    self._free = available_memory()
                for waiting in self._waiting:
                    if self._cluster or not self.progress.running or waiting.memory <= self._free:
                        self._waiting.remove(waiting)
                        self._free -= waiting.memory
                        self.progress.running[waiting.job.page] = ""
                        return waiting
                self._changed.wait()
        return None

    def _run(self, waiting: _WaitingJob, gpu: str) -> PageResults:
        """Run a job, keep its results, and return them as they count."""
        job, cache, settings = waiting.job, waiting.cache, self.settings
        if self._cluster is not None:
            reads = cache.reads.get(job.page, ())
            order = Order(job, settings.worker, sorted(self._preloads), reads, settings.compares)
            outcome = self._cluster.run(order)
        else:

            def tell(progress: str) -> None:
                self.progress.running[job.page] = progress

            worker = replace(settings.worker, threads=self._blas, gpu=gpu)
            ran, dependencies = run_job(self._ready_server(), worker, job, compares=settings.compares, tell=tell)
            outcome = Outcome(ran, cache.evidence(job.page, job.blocks, ran, dependencies))
        ran = outcome.ran
        if isinstance(outcome.evidence, dict):
            ran = replace(ran, packages=outcome.evidence["packages"])
        cache.keep(job.page, job.blocks, ran, outcome.evidence)
        return judged(job.blocks, ran, compares=settings.compares, requires_gpu=settings.requires_gpu)

    def _ready_server(self) -> ForkServer:
        """Return a fork server that has imported all that pages need by now."""
        with self._changed:
            if self._closed:
                raise RuntimeError("the pool is closed")
            preload = sorted(self._preloads)
            if not self._servers or not self._servers[-1].serves(preload):
                # The last one is not ended: pages that it has started may still be running.
                self._servers.append(ForkServer(Path(self.settings.worker.root), preload, self._blas))
            return self._servers[-1]


@dataclass
class _WaitingJob:
    """A job that has been submitted."""

    job: Job
    future: Future[PageResults]
    cache: Cache
    last: PageResults
    """The time and memory of its page when that last held."""

    @property
    def memory(self) -> int:
        """The memory that it will probably need, in bytes: that of the last time, and a quarter more."""
        return self.last.memory * 5 // 4 or 2**30
