"""Results for other programs: JUnit XML, JSON, GitHub's annotations."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from typing import Any
from xml.etree import ElementTree

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import Failure, Result
from einsum_doc.pages.record.text import in_line, plain
from einsum_doc.pages.verdict.report import PageReport, summary, told_once, users


def junit(pages: Sequence[PageReport]) -> str:
    """Return the results as JUnit XML: a suite for each page, a case for each block and each other failure."""
    root = ElementTree.Element("testsuites", name="einsum-doc")
    for page in pages:
        if not page.blocks and not page.faults:
            continue
        suite = ElementTree.SubElement(root, "testsuite", name=page.name or page.faults[0].location.file)
        for block, result in zip(page.blocks, page.results, strict=True):
            _add_case(suite, title_of(block), block.location, result)
        for fault in page.faults:
            _add_case(suite, fault.message, fault.location, Result("failed", failures=(fault,)))
        cases = suite.findall("testcase")
        for name, tag in (("failures", "failure"), ("skipped", "skipped")):
            suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
        suite.set("tests", str(len(cases)))
        suite.set("time", f"{sum(result.seconds for result in page.results):.3f}")
        if page.when:
            suite.set("timestamp", _time(page.when))
    ElementTree.indent(root)
    return ElementTree.tostring(root, "unicode", xml_declaration=True) + "\n"


def _add_case(suite: ElementTree.Element, name: str, location: Location, result: Result) -> None:
    attributes = {"classname": suite.get("name", ""), "name": name, "file": location.file}
    attributes |= {"line": str(location.line), "time": f"{result.seconds:.3f}"}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    for failure in result.failures:
        element = ElementTree.SubElement(case, "failure", type=failure.error, message=failure.message)
        element.text = str(failure)
    if result.status in ("skipped", "not run"):
        ElementTree.SubElement(case, "skipped", message=result.reason)
    for tag, written in (("system-out", result.written), ("system-err", result.errors)):
        if written:
            ElementTree.SubElement(case, tag).text = plain(written)


def title_of(block: Block) -> str:
    """Return the number of a block on its page, and its title if it has one."""
    title = block.options.get("title") or block.options.get("id")
    return f"block {block.number}" + (f": {in_line(title)}" if title else "")


def as_json(pages: Sequence[PageReport], commit: str = "") -> str:
    """Return the results as JSON: for each page its blocks with their places, outcomes and failures.

    `library` has each public name of the library, and the pages whose code uses it.
    """
    facts = {
        "summary": summary(pages),
        "commit": commit or None,
        "python": platform.python_version(),
        "builder": builder_version(),
        "library": users(pages),
        "pages": [_page_facts(page) for page in pages],
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _page_facts(page: PageReport) -> dict[str, Any]:
    return {
        "page": page.name or None,
        "ran": _time(page.when) if page.when else None,
        "cached": page.cached,
        "packages": dict(page.packages),
        "blocks": [_block_facts(*pair) for pair in zip(page.blocks, page.results, strict=True)],
        "faults": [*map(_failure_facts, page.faults)],
    }


def _block_facts(block: Block, result: Result) -> dict[str, Any]:
    facts = {"line": block.location.line, "file": block.location.file, "language": block.language} | asdict(result)
    for name in ("markup", "rows", "shown", "failures"):
        del facts[name]
    return facts | {"lines": result.lines, "proved": result.proved, "failures": [*map(_failure_facts, result.failures)]}


def _failure_facts(failure: Failure) -> dict[str, Any]:
    facts = asdict(failure)
    del facts["location"], facts["origin"]
    return {"place": failure.location._asdict()} | facts


def builder_version() -> str:
    """Return the name and version of the builder."""
    try:
        return f"einsum-doc {metadata.version('einsum-doc')}"
    except metadata.PackageNotFoundError:  # it is imported from where it was unpacked
        return "einsum-doc"


def _time(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds")


def github(pages: Sequence[PageReport]) -> str:
    """Return the failures as commands that mark lines of a pull request; empty outside of GitHub's actions."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return ""
    return "".join(_annotation(failure, elsewhere) for _, failure, elsewhere in told_once(pages))


def _annotation(failure: Failure, elsewhere: Sequence[str]) -> str:
    escapes = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
    text = "\n".join([failure.message, *failure.details, *elsewhere]).translate(escapes)
    escapes |= str.maketrans({":": "%3A", ",": "%2C"})  # in the properties
    file, title = failure.location.file.translate(escapes), failure.error.translate(escapes)
    return f"::error file={file},line={failure.location.line},title={title}::{text}\n"
