"""A page from its reading to its verdict: its blocks, their results, and what of them reached the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from einsum_doc.pages.verdict import report

from einsum_doc.pages.reading import scan
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Failure, Result
from einsum_doc.pages.record.result import PageResults

if TYPE_CHECKING:
    from concurrent.futures import Future  # which a build that runs nothing does not need


@dataclass
class Run:
    """A page from its reading to its verdict."""

    name: str
    """Its file, relative to the folder of mkdocs.yml."""
    text: str
    markdown: str
    """Its Markdown as it was read: if other plugins leave it so, it need not be read again."""
    reading: scan.Reading
    lines: Sequence[str] = ()
    """What superfences will be given of it."""
    kept: PageResults | None = None
    """Its results, if they are those of an earlier build."""
    future: Future[PageResults] | None = None
    """Its results, if it is run."""
    rendered: set[int] = field(default_factory=set)
    """The numbers of the blocks that have reached the page."""
    seen: set[int] = field(default_factory=set)
    """Those of the fences in comments that the page has been asked for."""
    lost: list[Failure] = field(default_factory=list)
    """What went wrong while the page was rendered."""
    complete: bool = False
    """Whether it has been rendered."""

    @property
    def blocks(self) -> Sequence[Block]:
        """Its blocks, in order."""
        return self.reading.blocks

    @property
    def runnable(self) -> Sequence[Block]:
        """Its blocks up to the first fence that is wrong: those after it may need what that one would have done."""
        return self.blocks[: min((fault.after for fault in self.reading.faults), default=len(self.blocks))]

    @property
    def is_started(self) -> bool:
        """Whether its results are there, or will be."""
        return self.kept is not None or self.future is not None

    @property
    def ran(self) -> PageResults:
        """What running it gave, waited for."""
        if self.future is None:
            return self.kept or PageResults(())
        try:
            return self.future.result()
        except Exception as error:
            failure = Failure(self.blocks[0].where, "WorkerError", f"the page could not be run: {error}")
            missing = Result("not run", reason="the page could not be run")
            return PageResults([Result("failed", failures=(failure,)), *[missing] * (len(self.runnable) - 1)])

    @property
    def results(self) -> list[Result]:
        """The results of its blocks, waited for."""
        results = list(self.ran.results)
        return results + [Result("not run", reason="a fence before it is wrong")] * (len(self.blocks) - len(results))

    def report(self) -> report.PageReport:
        """Everything that is known of it; once it has been rendered, what has not reached the page is wrong too."""
        why = "something else has taken its fence: an indented code block, or another extension"
        if not self.complete:
            why = "its page was never rendered"
        faults = [fault.failure for fault in self.reading.faults]
        # After a fence that superfences rejects, its closing line opens another: what that takes is no news.
        unseen = [
            Failure(block.location, "FenceError", "the block ran but did not reach the page", (why,))
            for block in self.blocks
            if block.number not in self.rendered and not faults
        ]
        ran, results = self.ran, self.results
        if not faults and all(not result.failures for result in results):
            # Whatever the reason, a block that was not run has not been verified.
            faults = [
                Failure(block.location, "WorkerError", f"the block was not run: {result.reason}")
                for block, result in zip(self.blocks, results, strict=True)
                if result.status == "not run"
            ]
        wrong = [*faults, *self.lost, *unseen]
        return report.PageReport(self.blocks, results, wrong, self.name, ran.cached, ran.when, ran.packages, ran.used)

    def equal_to(self, language: str, options: Mapping[str, str], code: str) -> list[Block]:
        """Its blocks that are written like this one."""
        asked = (language, options, code)
        return [block for block in self.blocks if (block.language, block.options, block.code) == asked]

    def asked_for(self, language: str, options: Mapping[str, str], code: str) -> Block | scan.Fence | None:
        """The block that superfences asks for, or the fence in a comment.

        Of several equal ones it is the first that has not been asked for yet: superfences goes from top to bottom.
        """
        asked = (language, options, code)
        blocks = self.equal_to(language, options, code)
        waiting: list[tuple[int, Block | scan.Fence]] = [
            (2 * block.number, block) for block in blocks if block.number not in self.rendered
        ]
        for position, comment in enumerate(self.reading.comments):
            header = comment.fence.header
            if (header.language, header.options, comment.fence.code) == asked and position not in self.seen:
                waiting.append((2 * comment.after + 1, comment.fence))
        if not waiting:
            return blocks[-1] if blocks else None
        _, found = min(waiting, key=lambda each: each[0])
        if isinstance(found, Block):
            self.rendered.add(found.number)
        else:
            self.seen.add(next(n for n, each in enumerate(self.reading.comments) if each.fence is found))
        return found
