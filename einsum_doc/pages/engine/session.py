"""A job run in a worker of its own, with a result for each block even if a block ends the process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from einsum_doc.pages.engine.connection import (
    SHOWN,
    UNWATCHED,
    Connection,
    ForkServer,
    NoAnswerError,
    location_in_dump,
    too_much,
)
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.messages import BlockAnswer, Dependencies, Job, LateFailure, PageAnswer, WorkerSettings
from einsum_doc.pages.record.result import Failure, PageResults, Result
from einsum_doc.pages.record.text import on_terminal
from einsum_doc.pages.verdict.judging import compared, shortened, shortened_failure
from einsum_doc.pages.verdict.redaction import Redaction
from einsum_doc.pages.worker.resources import cpu_name

_LIMITS = {"MemoryError", "_ArrayMemoryError", "ShownError"}
"""The errors that a block raises when it reaches its limit of memory or output."""
_NO_MEMORY = "annot allocate memory"
"""The message of other errors for want of memory: those of the system and of PyTorch."""


def run_job(
    server: ForkServer,
    settings: WorkerSettings,
    job: Job,
    *,
    compares: bool = True,
    tell: Callable[[str], None] = lambda progress: None,
) -> tuple[PageResults, Dependencies | None]:
    """Run blocks up to the first that fails; return their results and, perhaps, their dependencies.

    These are not known of a page that failed, unless it reached a limit.
    compares: a block whose output differs from its `expected` fence fails. tell: called with the progress.
    """
    when = time.time()
    with Session(server, settings, job) as session:
        for block in job.blocks:
            tell(f"{block.number}/{len(job.blocks)}")
            session.run(block)
            if compares:
                session.results[-1] = compared(block, session.results[-1])
            if session.failed:
                break
    dependencies = session.dependencies if session.failed else session.page.dependencies
    root = os.path.realpath(settings.root)
    written = [Path(each) for each in dependencies.written] if dependencies else []
    wrote = tuple(str(path.relative_to(root) if path.is_relative_to(root) else path) for path in written)
    page, seconds = session.page, time.time() - when
    return PageResults(session.results, when, seconds, used=page.used, wrote=wrote, imports=page.imports), dependencies


class Session:
    """The results of a job, as its worker answers."""

    def __init__(self, server: ForkServer, settings: WorkerSettings, job: Job) -> None:
        self.job = job
        self.options = settings.options
        self.limits = self.options
        """The options, with the limits of the last block that has begun."""
        self.device = cpu_name() if settings.options.device == "cpu" else ""
        """The device of blocks, as far as it is known before the worker has answered."""
        self.results: list[Result] = []
        self.page = PageAnswer("", 0)
        """The worker's answer at the end of the page."""
        self.dependencies: Dependencies | None = None
        """The dependencies of a page that has reached a limit."""
        self.clean = Redaction(settings.root, shows_paths=settings.options.compatible)
        self.worker = Connection(server, settings, job)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop()
        if self.worker.end is None and not self.failed:
            self._fail(self.job.blocks[len(self.results) - 1], NoAnswerError("WorkerError", UNWATCHED))
        self.worker.close()

    @property
    def failed(self) -> bool:
        """True if a block has failed."""
        return any(result.failures for result in self.results)

    def run(self, block: Block) -> None:
        """Add the result of a block, however it ends."""
        start = time.monotonic()
        self.results.append(Result("held"))
        limits = self.limits = self.options.of(block)
        try:
            late = f"the block did not end within {limits.timeout:g} s"
            answer = self.worker.ask(BlockAnswer, block, limits, late)
        except NoAnswerError as stopped:
            self._stop(block, stopped, time.monotonic() - start)
        else:
            self.results[-1] = shortened(self.clean.result(answer.result))
            self._add_late(answer.late)
            if any(each.error in _LIMITS or _NO_MEMORY in each.message for each in self.results[-1].failures):
                self.dependencies = self.worker.dependencies()
        if block is self.job.blocks[-1] and not self.failed:
            self._finish()
        self._take_output(block)

    def _finish(self) -> None:
        """Wait for the threads that the page has left running, and for its dependencies."""
        block = self.job.blocks[-1]
        within = f"within {self.limits.timeout:g} s of the page's last block"
        late = f"a thread that is no daemon did not end {within}"
        try:
            self.page = self.worker.ask(PageAnswer, None, self.limits, late)
        except NoAnswerError as stopped:
            self._stop(block, stopped, self.results[-1].seconds)
        else:
            self._add_late(self.page.late)
            # Threads have executed assertions since the last block's result.
            counted = sum(result.assertions for result in self.results)
            last = self.results[-1]
            self.results[-1] = replace(last, assertions=last.assertions + self.page.held - counted)

    def _stop(self, block: Block, stopped: NoAnswerError, seconds: float) -> None:
        """Stop the page at a block that did not come to its end."""
        if stopped.option:
            self.dependencies = self.worker.dependencies()
        self.worker.stop()
        device = next((result.device for result in reversed(self.results) if result.device), self.device)
        self.results[-1] = replace(self.results[-1], seconds=seconds, device=device)
        # A block that was stopped for its output may have reached the time limit too, or not: its line is not known.
        dump = "" if stopped.error == "OutputError" else self.worker.dump.read(SHOWN)[0]
        self._fail(block, stopped, location_in_dump(dump, self.job.sources))

    def _fail(self, block: Block, error: NoAnswerError, location: Location | None = None) -> None:
        self._add(block.number, Failure(location or block.where, error.error, error.message, error.details))

    def _add_late(self, late: Sequence[LateFailure]) -> None:
        for each in late:
            self._add(each.block, each.failure)

    def _add(self, number: int, failure: Failure) -> None:
        index = next(index for index, block in enumerate(self.job.blocks) if block.number == number)
        failures = (*self.results[index].failures, shortened_failure(self.clean.failure(failure)))
        self.results[index] = replace(self.results[index], status="failed", failures=failures)

    def _take_output(self, block: Block) -> None:
        """Add the output that has been written since the last call to the last result; fail if it is too much."""
        files = self.worker.output, self.worker.errors
        (output, all_output), (errors, all_errors) = (file.read(self.limits.output_bytes) for file in files)
        output, errors = (self.clean.shown(on_terminal(text)) for text in (output, errors))
        last = self.results[-1] = replace(self.results[-1], output=output, errors=errors)
        if not (all_output and all_errors) and all(each.error != "OutputError" for each in last.failures):
            self.dependencies = self.worker.dependencies()
            self._fail(block, too_much(self.limits))
