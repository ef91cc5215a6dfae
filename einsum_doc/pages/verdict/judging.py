"""Results of a run -> results that count for the verdict, with errors no longer than a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from einsum_doc.pages.reading.fence import NO_GPU, gpu_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Failure, PageResults, Result
from einsum_doc.pages.record.text import plain
from einsum_doc.pages.verdict.expected import differs

CHARACTERS = 2000
"""The number of characters that are kept of an error's message, and of each line about it."""
LINES = 100
"""The number of lines about an error that are kept."""


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
        if requires_gpu and result.reason == NO_GPU:
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


def shortened(result: Result) -> Result:
    """Return a result with its errors shortened."""
    return replace(result, raised=_cut(plain(result.raised)), failures=tuple(map(shortened_failure, result.failures)))


def shortened_failure(failure: Failure) -> Failure:
    """Return a failure with its message and details shortened."""
    details = [_cut(line) for line in failure.details[:LINES]]
    if len(failure.details) > LINES:
        details.append(f"… {len(failure.details) - LINES:,} more lines are not shown")
    return replace(failure, message=_cut(failure.message), details=tuple(details))


def _cut(text: str) -> str:
    more = f"… {len(text) - CHARACTERS:,} more characters are not shown"
    return text if len(text) <= CHARACTERS else text[:CHARACTERS] + more
