"""A job run in a worker of its own, with a result for each block even if a block ends the process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self

from einsum_doc.pages.engine.connection import UNWATCHED, Connection, ForkServer, NoAnswerError, location_in_dump
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.messages import BlockAnswer, Dependencies, Job, LateFailure, PageAnswer, WorkerSettings
from einsum_doc.pages.record.result import Failure, PageResults, Result
from einsum_doc.pages.verdict.judging import compared, shortened, shortened_failure
from einsum_doc.pages.verdict.redaction import Redaction
from einsum_doc.pages.worker.resources import cpu_name


def run_job(
    server: ForkServer,
    settings: WorkerSettings,
    job: Job,
    *,
    compares: bool = True,
    tell: Callable[[str], None] = lambda progress: None,
) -> tuple[PageResults, Dependencies | None]:
    """Run blocks up to the first that fails; return their results and, if none failed, their dependencies.

    compares: a block whose output differs from its `expected` fence fails. tell: called with the progress.
    """
    when = time.time()
    with Session(server, settings, job) as session:
        for block in job.blocks:
            tell(f"{block.number}/{len(job.blocks)}")
            session.run(block)
            if block is job.blocks[-1] and not session.failed:
                session.finish()
            if compares:
                session.results[-1] = compared(block, session.results[-1])
            if session.failed:
                break
    dependencies = None if session.failed else session.page.dependencies
    return PageResults(session.results, when, time.time() - when, used=session.page.used), dependencies


class Session:
    """The results of a job, as its worker answers."""

    def __init__(self, server: ForkServer, settings: WorkerSettings, job: Job) -> None:
        self.job = job
        self.seconds = settings.seconds
        self.device = cpu_name() if settings.device == "cpu" else ""
        """The device of blocks, as far as it is known before the worker has answered."""
        self.results: list[Result] = []
        self.page = PageAnswer("", 0)
        """The worker's answer at the end of the page."""
        self.clean = Redaction(settings.root)
        self.worker = Connection(server, settings, job)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop()
        if self.worker.end is None and not self.failed:
            self._fail(self.job.blocks[len(self.results) - 1], "WorkerError", UNWATCHED)
        self.worker.close()

    @property
    def failed(self) -> bool:
        """True if a block has failed."""
        return any(result.failures for result in self.results)

    def run(self, block: Block) -> None:
        """Add the result of a block, however it ends."""
        start = time.monotonic()
        self.results.append(Result("held"))
        try:
            answer = self.worker.ask(BlockAnswer, block, f"the block did not end within {self.seconds:g} s")
        except NoAnswerError as stopped:
            self._stop(block, stopped, time.monotonic() - start)
        else:
            self.results[-1] = shortened(self.clean.result(answer.result))
            self._add_late(answer.late)
        self._take_output()

    def finish(self) -> None:
        """Wait for the threads that the page has left running, and for its dependencies."""
        within = f"within {self.seconds:g} s of the page's last block"
        try:
            self.page = self.worker.ask(PageAnswer, None, f"a thread that is no daemon did not end {within}")
        except NoAnswerError as stopped:
            self._stop(self.job.blocks[-1], stopped, self.results[-1].seconds)
        else:
            self._add_late(self.page.late)
            # Threads have executed assertions since the last block's result.
            counted = sum(result.assertions for result in self.results)
            last = self.results[-1]
            self.results[-1] = replace(last, assertions=last.assertions + self.page.held - counted)
        self._take_output()

    def _stop(self, block: Block, stopped: NoAnswerError, seconds: float) -> None:
        """Stop the page at a block that did not come to its end."""
        self.worker.stop()
        device = next((result.device for result in reversed(self.results) if result.device), self.device)
        self.results[-1] = replace(self.results[-1], seconds=seconds, device=device)
        # A block that was stopped for its output may have reached the time limit too, or not: its line is not known.
        dump = "" if stopped.error == "OutputError" else self.worker.dump.read()
        self._fail(block, stopped.error, stopped.message, location_in_dump(dump, self.job.sources))

    def _fail(self, block: Block, error: str, message: str, location: Location | None = None) -> None:
        self._add(block.number, Failure(location or block.where, error, message))

    def _add_late(self, late: Sequence[LateFailure]) -> None:
        for each in late:
            self._add(each.block, each.failure)

    def _add(self, number: int, failure: Failure) -> None:
        index = next(index for index, block in enumerate(self.job.blocks) if block.number == number)
        failures = (*self.results[index].failures, shortened_failure(self.clean.failure(failure)))
        self.results[index] = replace(self.results[index], status="failed", failures=failures)

    def _take_output(self) -> None:
        """Add the output that has been written since the last call to the last result."""
        output, errors, _ = (file.read() for file in self.worker.files)
        last = self.results[-1]
        last = replace(last, output=last.output + output, errors=last.errors + errors)
        self.results[-1] = self.clean.result(last)
