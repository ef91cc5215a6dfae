"""Pages -> results: several pages at a time, on this machine's cores and GPUs or on a cluster.

Pages are submitted as soon as they are read and run in the background, several at a time, each in
a worker of its own (session.py); the builder waits for the results of a page where it renders it.
"""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

from einsum_doc.pages.cache.cache import AROUND, Cache, evidence_of
from einsum_doc.pages.engine.connection import ForkServer
from einsum_doc.pages.engine.executor import Cluster, Order, Outcome, connect
from einsum_doc.pages.engine.progress import Progress
from einsum_doc.pages.engine.session import run_job
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading.fence import gpu_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.messages import Job, WorkerSettings
from einsum_doc.pages.record.result import PageResults
from einsum_doc.pages.verdict.judging import judged
from einsum_doc.pages.worker.resources import cores, gpus

_Waiting = tuple[Job, Cache, Future[PageResults]]


class Pool:
    """Runs pages in workers, and stops every process it started when it is closed.

    compares: true if a block fails whose output differs from its `expected` fence.
    """

    def __init__(self, settings: WorkerSettings, *, compares: bool) -> None:
        self.settings, self.compares = settings, compares
        options = settings.options
        self._gpus = [] if options.device == "cpu" else gpus()
        self._jobs = options.jobs or len(self._gpus) or cores()
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue()
        self._futures: dict[str, Future[PageResults]] = {}
        """The results of the pages that have been submitted last, by page."""
        self.progress = Progress(self._waiting)
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        """Held while the fork servers change."""
        self._servers: list[ForkServer] = []
        self._cluster: Cluster | None = None
        self._preloads = set(options.preload)
        self._closed = False
        self._starts = 0
        """The number of pages that have started to run."""
        self._blas = 1
        """The number of threads that the linear algebra of a page may start."""

    def submit(self, jobs: Sequence[Job], cache: Cache) -> list[Future[PageResults]]:
        """Run jobs in the background, keep their results in the cache, and return a future of each.

        Raises: OptionError, if pages are to run on a cluster that cannot be reached.
        """
        options = self.settings.options
        if options.executor and self._cluster is None:
            self._cluster = connect(options.executor)
            self._jobs = options.jobs or self._cluster.slots
        self._preloads |= {"torch"} if any(_uses_torch(block) for job in jobs for block in job.blocks) else set()
        self.progress.total = self._waiting.unfinished_tasks + len(jobs)
        waiting: list[_Waiting] = [(job, cache, Future()) for job in jobs]
        self._futures |= {job.page: future for job, _, future in waiting}
        # Longest first, so that none runs alone at the end; those whose time is not known before all.
        longest = sorted(waiting, key=lambda each: cache.last_seconds(each[0].page), reverse=True)
        for each in waiting if self._jobs == 1 else longest:
            self._put(each, [self._futures[page] for page in each[0].after if page in self._futures])
        busy = min(self._jobs, self.progress.total)
        self._blas = 0 if "OMP_NUM_THREADS" in os.environ else max(1, cores() // busy)
        while len(self._threads) < busy:
            # Daemons, so that an interrupted build need not wait for the blocks that are running.
            gpu = self._gpus[len(self._threads) % len(self._gpus)] if len(self._gpus) > 1 else ""
            self._threads.append(threading.Thread(target=self._work, args=(gpu,), daemon=True))
            self._threads[-1].start()
        return [future for _, _, future in waiting]

    def _put(self, waiting: _Waiting, before: Sequence[Future[PageResults]]) -> None:
        """Queue a job when those before it have ended."""
        if before:
            before[0].add_done_callback(lambda _: self._put(waiting, before[1:]))
        else:
            self._waiting.put(waiting)

    def dismiss(self) -> None:
        """Ask the fork servers to exit; do not wait."""
        with self._lock:
            for server in self._servers:
                server.dismiss()

    def close(self) -> None:
        """End the fork servers and, with them, every worker."""
        self._closed = True
        with self._lock:
            for server in self._servers:
                server.close()
        if self._cluster is not None:
            self._cluster.close()
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self, gpu: str) -> None:
        while (waiting := self._waiting.get()) is not None:
            job, cache, future = waiting
            self.progress.running[job.page] = ""
            try:
                future.set_result(self._run(job, cache, gpu))
            except BaseException as error:
                future.set_exception(error)
            self.progress.running.pop(job.page, None)
            self._waiting.task_done()

    def _run(self, job: Job, cache: Cache, gpu: str) -> PageResults:
        """Run a job, keep its results, and return them as they count."""
        compares = self.compares
        judge = partial(judged, job.blocks, compares=compares, requires_gpu=self.settings.options.require_gpu)
        if job.after:
            time.sleep(AROUND)  # what the pages before it have just written is not changed while it runs
            kept = cache.find(job.page, job.blocks, anew=True)
            if kept is not None:
                return judge(kept)
        alone, reads = False, cache.reads.get(job.page, ())
        if self._cluster is not None:
            outcome = self._cluster.run(Order(job, self.settings, sorted(self._preloads), reads, compares))
        else:
            worker = replace(self.settings, threads=self._blas, gpu=gpu)
            tell = partial(self.progress.running.__setitem__, job.page)
            self._starts += 1
            start, alone = self._starts, len(self.progress.running) == 1
            ran, dependencies = run_job(self._ready_server(), worker, job, compares=compares, tell=tell)
            alone = alone and start == self._starts
            outcome = Outcome(ran, evidence_of(cache.now, job.blocks, ran, dependencies, reads))
        ran = outcome.ran
        if isinstance(outcome.evidence, dict):
            ran = replace(ran, packages=outcome.evidence["packages"])
        cache.keep(job.page, job.blocks, ran, outcome.evidence, alone=alone)
        return judge(ran)

    def _ready_server(self) -> ForkServer:
        """Return a fork server that has imported all that pages need by now, as it is on disk."""
        while True:
            with self._lock:
                if self._closed:
                    raise RuntimeError("the pool is closed")
                preload = sorted(self._preloads)
                if not self._servers or not self._servers[-1].serves(preload):
                    # The last one is not ended: pages that it has started may still be running.
                    self._servers.append(ForkServer(Path(self.settings.root), preload, self._blas))
                server = self._servers[-1]
            if server.is_current():  # asked without the lock: it may still be importing
                return server


def _uses_torch(block: Block) -> bool:
    """Return whether a block mentions torch, or something that imports it."""
    language, options = LANGUAGES[block.language], block.options
    by_itself = language.uses_torch or "device" in options or gpu_of(options)
    return bool(by_itself or re.search(r"\b(torch|einsum_doc)\b", block.code))
