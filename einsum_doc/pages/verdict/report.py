"""The report of each page, and the text on the console at the end of a build."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import Failure, PageResults
from einsum_doc.pages.record.text import count, plain


@dataclass(frozen=True)
class PageReport(PageResults):
    """The results of one page, and everything that is wrong on it."""

    blocks: Sequence[Block] = ()
    faults: Sequence[Failure] = ()
    """Failures of its fences apart from those of the blocks that ran."""
    name: str = ""
    """Its file, relative to the folder of mkdocs.yml."""

    @property
    def ran(self) -> bool:
        """True if a block of it was executed."""
        return any(result.status in ("held", "failed") for result in self.results)

    @property
    def failures(self) -> list[Failure]:
        """All failures of this page, in the order of its lines."""
        found = [*self.faults, *(failure for result in self.results for failure in result.failures)]
        return sorted(found, key=lambda failure: failure.location)


def users(pages: Sequence[PageReport]) -> dict[str, list[str]]:
    """Return the pages that use each public name of the library; nothing if no page has loaded it.

    >>> users([PageReport((), name="docs/a.md", used={"library.one": True, "library.two": False})])
    {'library.one': ['docs/a.md'], 'library.two': []}
    """
    found: dict[str, list[str]] = {}
    for page in pages:
        for name, is_used in page.used.items():
            found.setdefault(name, []).extend([page.name] if is_used else [])
    return found


RED, BOLD, FAINT, PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"


def coloured(text: str) -> str:
    """Return the text of failures with colours for a terminal, for each location and error."""
    head = re.compile(r"^(?P<location>\S.*?:\d+): (?P<error>\w+)", re.M)
    facts = re.compile(r"^  (?:block \d+ of \d+, .*|\d+ later blocks? .*)$", re.M)
    text = head.sub(lambda found: f"{BOLD}{found['location']}: {RED}{found['error']}{PLAIN}", text)
    return facts.sub(lambda found: f"{FAINT}{found[0]}{PLAIN}", text)


def failures_text(pages: Sequence[PageReport]) -> str:
    """Return every failure of the build: location, error and message on one line, details below it."""
    return "\n\n".join(_paragraph(page, failure) for page in pages for failure in page.failures)


def _paragraph(page: PageReport, failure: Failure) -> str:
    text = [str(failure)]
    if page.name and failure.location.file != page.name:
        text.append(f"  on the page {page.name}")  # which includes the file as a snippet
    for block, result in zip(page.blocks, page.results, strict=True):
        if failure not in result.failures:
            continue
        facts = [f"block {block.number} of {len(page.blocks)}", result.device, f"{result.seconds:.2f} s"]
        text.append("  " + ", ".join(fact for fact in facts if fact))
        if len(failure.trace) > 2:
            text += ["  " + line for line in failure.trace]
        for name, written in (("output", result.output), ("standard error", result.errors)):
            if written.strip() and failure.error != "OutputError":  # whose details show the output
                text.append(f"  {name} before it:")
                text += ["    " + line[:2000] for line in plain(written).rstrip().split("\n")[-20:]]
        not_run = sum(each.status == "not run" for each in page.results)
        if not_run:
            text.append(f"  {count(not_run, 'later block')} of the page not run")
    return "\n".join(text)


def nothing_ran(config: str) -> Failure:
    """Return the failure of a build that executed no block."""
    why = "no page has a block that runs here; if that is as it should be, set `allow_empty: true` for einsum-doc"
    return Failure(Location(config, 1), "NothingRanError", "nothing was executed in this build", (why,))


def summary(pages: Sequence[PageReport]) -> str:
    """Return the build in one line.

    >>> summary([])
    '0 pages, 0 blocks, 0 assertions held'
    """
    results = [result for page in pages for result in page.results]
    lines = sum(result.lines for result in results)
    reasons = Counter(result.reason for result in results if result.status == "skipped")
    parts = [
        count(sum(bool(page.name and (page.blocks or page.faults)) for page in pages), "page"),
        count(len(results), "block"),
        f"{count(sum(result.assertions for result in results), 'assertion')} held",
        *([f"{count(lines, 'line')} of derivations held"] if lines else []),
        *(f"{number} skipped ({reason})" for reason, number in sorted(reasons.items())),
    ]
    kept = sum(page.cached for page in pages)
    if kept:
        parts.append(f"{count(kept, 'page')} from the cache")
    failures = sum(len(page.failures) for page in pages)
    not_run = sum(result.status == "not run" for result in results)
    if failures:
        parts.append(count(failures, "failure"))
    if not_run:
        parts.append(f"{not_run} not run")
    return ", ".join(parts)
