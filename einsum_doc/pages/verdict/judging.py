"""Results as they came out -> results as they count: held against what is expected, and against the GPUs they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from einsum_doc.pages.reading.fence import gpu_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Failure, PageResults, Result
from einsum_doc.pages.verdict.expected import held_against


def judged(blocks: Sequence[Block], ran: PageResults, *, compares: bool, requires_gpu: bool) -> PageResults:
    """Return the results of a page's blocks as they count; the blocks after one that failed do not count as run.

    compares: whether a block fails that writes something else than is expected; not while that is being rewritten.
    requires_gpu: whether a block fails that was skipped for want of a GPU.
    """
    results: list[Result] = []
    for block, result in zip(blocks, ran.results, strict=False):
        results.append(held_against(block, result) if compares else result)
        if results[-1] is not result:
            break
        if requires_gpu and result.status == "skipped":
            message = f"the block needs {gpu_of(block.options)}, which is not here"
            failure = Failure(block.location, "DeviceError", message)
            results[-1] = replace(result, status="failed", failure=failure)
    failed = next((pair for pair in zip(blocks, results, strict=False) if pair[1].failure), None)
    if failed is not None:
        reason = f"block {failed[0].number} failed at {failed[1].failures[0].location}"
        results += [Result("not run", reason=reason)] * (len(blocks) - len(results))
    return replace(ran, results=results)
