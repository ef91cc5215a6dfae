"""Long errors cut to what a person reads, with a note of what is missing."""

from __future__ import annotations

from dataclasses import replace

from einsum_doc.pages.record.result import Failure, Result
from einsum_doc.pages.record.text import plain

CHARACTERS = 2000
"""How many characters of an error's message, and of each line about it, are kept."""
LINES = 100
"""How many lines about an error are kept."""


def shortened(result: Result) -> Result:
    """Return a result with its errors shortened."""
    return replace(result, raised=_cut(result.raised), failures=tuple(map(shortened_failure, result.failures)))


def shortened_failure(failure: Failure) -> Failure:
    """Return a failure with its message and details shortened."""
    details = [_cut(line) for line in failure.details[:LINES]]
    if len(failure.details) > LINES:
        details.append(f"… {len(failure.details) - LINES:,} more lines are not shown")
    return replace(failure, message=_cut(failure.message), details=tuple(details))


def _cut(text: str) -> str:
    text = plain(text)
    more = f"… {len(text) - CHARACTERS:,} more characters are not shown"
    return text if len(text) <= CHARACTERS else text[:CHARACTERS] + more
