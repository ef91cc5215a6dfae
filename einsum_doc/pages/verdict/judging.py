"""Results as they came out -> results as they count for the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from einsum_doc.pages.reading.fence import gpu_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Failure, PageResults, Result
from einsum_doc.pages.verdict.expected import differs


def compared(block: Block, result: Result) -> Result:
    """Return the result of a block, failed if its output differs from its `expected` fence."""
    if block.expected is None or result.status != "held":
        return result
    failure = differs(result.written, block.expected)
    return result if failure is None else replace(result, status="failed", failures=(failure,))


def judged(blocks: Sequence[Block], ran: PageResults, *, compares: bool, requires_gpu: bool) -> PageResults:
    """Return the results of a page as they count, one for every block: those after a failed one are not run.

    compares: false while a build rewrites `expected` fences; kept results may be older than these.
    requires_gpu: a block that was skipped because it needs a GPU fails.
    """
    results: list[Result] = []
    for block, result in zip(blocks, ran.results, strict=False):
        if requires_gpu and result.status == "skipped":
            message = f"the block needs {gpu_of(block.options)}, which is not here"
            failures = (Failure(block.location, "DeviceError", message),)
            results.append(replace(result, status="failed", failures=failures))
            continue
        results.append(compared(block, result) if compares else result)
        if results[-1] is not result:
            break
    failed = next((pair for pair in zip(blocks, results, strict=False) if pair[1].failures), None)
    if failed is not None:
        reason = f"block {failed[0].number} failed at {failed[1].failures[0].location}"
        results += [Result("not run", reason=reason)] * (len(blocks) - len(results))
    return replace(ran, results=results)
