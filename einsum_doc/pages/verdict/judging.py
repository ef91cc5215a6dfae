"""Results as they came out -> results as they count: held against what is expected, and with what held on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from einsum_doc.pages.cache.cache import Ran
from einsum_doc.pages.record.block import Block, Result
from einsum_doc.pages.verdict.expected import held_against
from einsum_doc.pages.verdict.records import Records


class Judgement(NamedTuple):
    """How the results of a page are judged, whether it has been run or they were kept."""

    records: Records
    """What has held on a GPU."""
    rewriting: bool = False
    """Whether what is expected is going to be rewritten, and nothing is held against it."""

    def of(self, page: str, blocks: Sequence[Block], ran: Ran) -> Ran:
        """The results of a page's blocks as they count; what follows one that failed does not count as run."""
        judged: list[Result] = []
        for block, result in zip(blocks, ran.results, strict=False):
            judged.append(result if self.rewriting else held_against(block, result))
            if judged[-1] is not result:
                break
        judged = self.records.completed(page, blocks, judged, ran.when)
        failed = next((pair for pair in zip(blocks, judged, strict=False) if pair[1].failure), None)
        if failed is not None:
            reason = f"block {failed[0].number} failed at {failed[1].failures[0].place}"
            judged += [Result("not run", reason=reason)] * (len(blocks) - len(judged))
        return replace(ran, results=judged)
