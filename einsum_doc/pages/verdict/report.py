"""The report of each page, and the text on the console at the end of a build."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import Failure, PageResults, Result
from einsum_doc.pages.record.text import count, plain

Kind = Literal["page", "docstring", "output", "text"]
"""The kind of text that blocks stand in: a page, a docstring, the output of a block, or another text of a plugin."""
AGAIN = 2.0
"""The time that pages may take to import a package again, in seconds, before the summary says so."""


@dataclass(frozen=True)
class PageReport(PageResults):
    """The results of one page, and everything that is wrong on it."""

    blocks: Sequence[Block] = ()
    faults: Sequence[Failure] = ()
    """Failures of its fences apart from those of the blocks that ran."""
    name: str = ""
    """Its file, relative to the folder of mkdocs.yml; for another kind of text, more after `::`."""
    kind: Kind = "page"
    home: str = ""
    """The name of the page that shows it, if that is another one."""
    left: int = 0
    """The number of blocks in docstrings and in output on it that were left to markdown-exec."""

    @property
    def ran(self) -> bool:
        """True if a block of it was executed."""
        return any(result.status in ("held", "failed") for result in self.results)

    @property
    def failures(self) -> list[Failure]:
        """All failures of this page, in the order of its lines."""
        found = [*self.faults, *(failure for result in self.results for failure in result.failures)]
        return sorted(found, key=lambda failure: failure.location)


def joined(pages: Sequence[PageReport]) -> PageReport:
    """Return the report of a page together with those of docstrings and of output that it shows."""
    ran = [page for page in pages if page.ran]
    return replace(
        pages[0],
        results=[result for page in pages for result in page.results],
        blocks=[block for page in pages for block in page.blocks],
        faults=[fault for page in pages for fault in page.faults],
        cached=bool(ran) and all(page.cached for page in ran),
        when=max((page.when for page in ran), default=0.0),
    )


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


def repeated_imports(pages: Sequence[PageReport]) -> Iterator[str]:
    """Yield the packages that pages import again and again, if that takes long, with the option that helps.

    >>> list(repeated_imports([PageReport((), imports={"torch": 2.5, "yaml": 0.1})] * 3))
    ['3 pages took 7.5 s to import torch: with torch in the option `preload`, it is imported once']
    """
    times: dict[str, list[float]] = {}
    for page in pages:
        for name, seconds in page.imports.items():
            times.setdefault(name, []).append(seconds)
    for name, each in times.items():
        if sum(each) - max(each) >= AGAIN:
            took = f"{len(each)} pages took {sum(each):.1f} s to import {name}"
            yield f"{took}: with {name} in the option `preload`, it is imported once"


RED, BOLD, FAINT, PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"


def coloured(text: str) -> str:
    """Return the text of failures with colours for a terminal, for each location and error."""
    head = re.compile(r"^(?P<location>\S.*?:\d+): (?P<error>\w+)", re.M)
    facts = re.compile(r"^  (?:block \d+ of \d+, .*|\d+ later blocks? .*)$", re.M)
    text = head.sub(lambda found: f"{BOLD}{found['location']}: {RED}{found['error']}{PLAIN}", text)
    return facts.sub(lambda found: f"{FAINT}{found[0]}{PLAIN}", text)


def failures_text(pages: Sequence[PageReport]) -> str:
    """Return every failure of the build: location, error and message on one line, details below it."""
    return "\n\n".join("\n  ".join([_paragraph(page, failure), *others]) for page, failure, others in told_once(pages))


def told_once(pages: Sequence[PageReport]) -> Iterator[tuple[PageReport, Failure, list[str]]]:
    """Yield every failure with its page and, in words, the locations of the same one on other pages.

    An error of the project's source may break many pages: it is told once.
    """
    found: dict[object, list[tuple[PageReport, Failure]]] = {}
    for page, failure in ((each, failure) for each in pages for failure in each.failures):
        key = (failure.error, failure.message, failure.origin) if failure.origin else len(found)
        found.setdefault(key, []).append((page, failure))
    for (page, failure), *others in found.values():
        elsewhere = [f"  {other.location}" for _, other in others]
        yield page, failure, [f"the same error, from {failure.origin}, at", *elsewhere] if others else []


def _paragraph(page: PageReport, failure: Failure) -> str:
    text = [str(failure)]
    if page.kind == "docstring":
        text.append(f"  in the docstring of {page.name.partition('::')[2] or 'the module'}")
    if page.kind == "output":
        text.append("  in a block that this one prints")
    if page.name and failure.location.file != (page.home or page.name):
        text.append(f"  on the page {page.home or page.name}")  # which includes the file as a snippet
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


def _kinds(numbers: Mapping[Kind, int]) -> list[str]:
    """Return the numbers of texts of each kind in words."""
    words: dict[Kind, str] = {"page": "page", "docstring": "docstring", "output": "printed block", "text": "text"}
    return [count(numbers[kind], word) for kind, word in words.items() if numbers.get(kind)]


def lines_told(results: Sequence[Result], what: str, more: str = "") -> str:
    """Return how many lines of derivations hold, and how many of them are proved, in words; empty if none holds."""
    lines, proved = sum(result.lines for result in results), sum(result.proved for result in results)
    told = count(lines, what) + more if lines else ""
    return f"{told}, {proved} proved for all sizes" if proved else told


def summary(pages: Sequence[PageReport]) -> str:
    """Return the build in one line.

    >>> summary([])
    '0 pages, 0 blocks, 0 assertions held'
    """
    results = [result for page in pages for result in page.results]
    reasons = Counter(result.reason.partition(":")[0] for result in results if result.status == "skipped")
    told = Counter(page.kind for page in pages if page.name and (page.blocks or page.faults))
    parts = [
        count(told.pop("page", 0), "page"),
        *_kinds(told),
        count(len(results), "block"),
        f"{count(sum(result.assertions for result in results), 'assertion')} held",
        *filter(None, [lines_told(results, "line", " of derivations held")]),
        *(f"{number} skipped ({reason})" for reason, number in sorted(reasons.items())),
    ]
    kept = Counter(page.kind for page in pages if page.cached)
    if kept:
        parts.append(f"{' and '.join(_kinds(kept))} from the cache")
    left = sum(page.left for page in pages)
    if left:
        parts.append(f"{count(left, 'block')} left to markdown-exec")
    failures = sum(len(page.failures) for page in pages)
    not_run = sum(result.status == "not run" for result in results)
    if failures:
        parts.append(count(failures, "failure"))
    if not_run:
        parts.append(f"{not_run} not run")
    return ", ".join(parts)
