"""A page run once more in this process, where a debugger can stop in it: `--pdb`."""

from __future__ import annotations

from collections.abc import Iterator

from einsum_doc.pages.build.build import Build
from einsum_doc.pages.build.page import Page
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Failure
from einsum_doc.pages.worker.failures import register_sources
from einsum_doc.pages.worker.worker import Worker


class _Debugged(Worker):
    """A worker in this very process, which keeps the errors of its blocks."""

    def __init__(self, build: Build) -> None:
        super().__init__(build.runner.settings)
        self.errors: list[BaseException] = []

    def _failures(self, error: BaseException, block: Block) -> Iterator[Failure]:
        self.errors.append(error)
        return super()._failures(error, block)


def raised_by(build: Build, page: Page) -> BaseException | None:
    """Run a page that has failed, in this process, and return the error that its first failing block raises.

    It is None if the block fails without one, as by its output, or if it has ended its process, which this one is now.
    """
    if any(failure.error == "WorkerError" for result in page.results for failure in result.failures):
        return None
    register_sources(page.sources(build.project.root))
    worker = _Debugged(build)
    next((block for block in page.runnable if worker.run(block).failures), None)
    return worker.errors[0] if worker.errors else None
