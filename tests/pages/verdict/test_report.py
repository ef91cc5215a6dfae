"""The text at the end of a build, and the results for other programs."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import DerivationRow, Failure, Result
from einsum_doc.pages.verdict.export import as_json, github, junit
from einsum_doc.pages.verdict.report import PageReport, coloured, failures_text, summary, users

PAGE = "docs/a.md"
WRONG = Failure(Location(PAGE, 4), "AssertionError", "x == 4, 50 %", ("left 3",), ("one", "two", "three"))
FAULT = Failure(Location("docs/b,c.md", 2), "FenceError", "unknown option")
BLOCKS = [
    Block(Location(PAGE, 3), 1, "python", "assert x == 4", {"title": "first"}),
    Block(Location(PAGE, 8), 2, "derivation", "x &= y"),
    Block(Location(PAGE, 12), 3, "python", "y"),
]
RESULTS = [
    Result("failed", "out\x00\n", "err\n", seconds=0.25, device="CPU", assertions=2, failures=(WRONG,)),
    Result(
        "skipped", reason="no GPU", rows=(DerivationRow("x", "", "", "proved"), DerivationRow("y", "", "", "defined"))
    ),
    Result("not run", reason="block 1 failed"),
]
REPORT = PageReport(
    RESULTS, 86400.0, packages={"torch": "2"}, used={"l.one": True}, blocks=BLOCKS, faults=[FAULT], name=PAGE
)
GREEN = PageReport(
    [Result("held", assertions=1)], cached=True, used={"l.one": False}, blocks=BLOCKS[:1], name="docs/b.md"
)


def test_the_summary_counts_everything() -> None:
    assert summary([REPORT, GREEN]) == (
        "2 pages, 4 blocks, 3 assertions held, 1 line of derivations held, 1 proved for all sizes, "
        "1 skipped (no GPU), "
        "1 page from the cache, 2 failures, 1 not run"
    )


def test_the_pages_that_use_a_name() -> None:
    assert users([REPORT, GREEN]) == {"l.one": [PAGE]}


FAILURES = """\
docs/a.md:4: AssertionError: x == 4, 50 %
  left 3
  block 1 of 3, CPU, 0.25 s
  one
  two
  three
  output before it:
    out\\x00
  standard error before it:
    err
  1 later block of the page not run

docs/b,c.md:2: FenceError: unknown option
  on the page docs/a.md"""


def test_each_failure_is_told_with_its_location_and_what_is_known() -> None:
    assert failures_text([REPORT, GREEN]) == FAILURES
    lines = coloured(FAILURES).split("\n")
    assert lines[0] == "\x1b[1mdocs/a.md:4: \x1b[31mAssertionError\x1b[0m: x == 4, 50 %"
    assert lines[1] == "  left 3"
    assert lines[2] == "\x1b[2m  block 1 of 3, CPU, 0.25 s\x1b[0m"


def test_an_error_of_the_library_is_told_once_with_all_its_locations(monkeypatch: pytest.MonkeyPatch) -> None:
    origin, trace = Location("library.py", 2), ("docs/a.md:4", "library.py:2", "    raise ValueError")

    def page(name: str, message: str = "bad", origin: Location | None = origin) -> PageReport:
        failure = Failure(Location(name, 4), "ValueError", message, ("left 3",), trace, origin)
        block = Block(Location(name, 3), 1, "python", "")
        return PageReport([Result("failed", failures=(failure,))], blocks=[block], name=name)

    pages = [page("docs/a.md"), page("docs/b.md"), page("docs/c.md", "worse"), page("docs/d.md")]
    text = failures_text([*pages, page("docs/e.md", origin=None), page("docs/f.md", origin=None)])
    assert text.count("left 3") == 4
    first = text.split("\n\n")[0].split("\n")
    assert first[0] == "docs/a.md:4: ValueError: bad"
    assert first[-3:] == ["  the same error, from library.py:2, at", "    docs/b.md:4", "    docs/d.md:4"]
    assert as_json(pages).count('"place"') == 4
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert github(pages).split("\n") == [
        "::error file=docs/a.md,line=4,title=ValueError::bad%0Aleft 3"
        "%0Athe same error, from library.py:2, at%0A  docs/b.md:4%0A  docs/d.md:4",
        "::error file=docs/c.md,line=4,title=ValueError::worse%0Aleft 3",
        "",
    ]


def test_junit_has_a_case_for_each_block_and_each_other_failure() -> None:
    root = ElementTree.fromstring(junit([REPORT, PageReport(()), GREEN]))
    first, second = root
    assert dict(first.items()) == {
        "name": PAGE,
        "failures": "2",
        "skipped": "2",
        "tests": "4",
        "time": "0.250",
        "timestamp": "1970-01-02T00:00:00+00:00",
    }
    assert second.get("tests") == "1"
    case, skipped, not_run, fault = first
    assert dict(case.items()) == {
        "classname": PAGE,
        "name": "block 1: first",
        "file": PAGE,
        "line": "3",
        "time": "0.250",
    }
    assert [(each.tag, each.text) for each in case] == [
        ("failure", f"{WRONG}"),
        ("system-out", "out\\x00\n"),
        ("system-err", "err\n"),
    ]
    assert [dict(each[0].items()) for each in (skipped, not_run)] == [
        {"message": "no GPU"},
        {"message": "block 1 failed"},
    ]
    assert (fault.get("name"), fault.get("file"), fault.get("time")) == ("unknown option", "docs/b,c.md", "0.000")
    assert dict(fault[0].items()) == {"type": "FenceError", "message": "unknown option"}


def test_json_has_the_facts_of_each_block() -> None:
    facts = json.loads(as_json([REPORT, PageReport((), faults=[FAULT])], "c0ffee"))
    assert (facts["commit"], facts["library"]) == ("c0ffee", {"l.one": [PAGE]})
    page, other = facts["pages"]
    assert (page["page"], page["ran"], page["cached"]) == (PAGE, "1970-01-02T00:00:00+00:00", False)
    assert (other["page"], other["ran"]) == (None, None)
    assert page["packages"] == {"torch": "2"}
    assert [block["status"] for block in page["blocks"]] == ["failed", "skipped", "not run"]
    assert page["blocks"][0] == {
        "line": 3,
        "file": PAGE,
        "language": "python",
        "status": "failed",
        "output": "out\x00\n",
        "errors": "err\n",
        "value": "",
        "seconds": 0.25,
        "device": "CPU",
        "torch": "",
        "assertions": 2,
        "reason": "",
        "raised": "",
        "lines": 0,
        "proved": 0,
        "failures": [
            {
                "place": {"file": PAGE, "line": 4},
                "error": "AssertionError",
                "message": "x == 4, 50 %",
                "details": ["left 3"],
                "trace": ["one", "two", "three"],
            }
        ],
    }
    assert (page["blocks"][1]["lines"], page["blocks"][1]["proved"]) == (1, 1)
    assert [fault["error"] for fault in page["faults"]] == ["FenceError"]


def test_annotations_are_escaped_and_only_for_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert github([REPORT]) == ""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert github([REPORT]) == (
        "::error file=docs/a.md,line=4,title=AssertionError::x == 4, 50 %25%0Aleft 3\n"
        "::error file=docs/b%2Cc.md,line=2,title=FenceError::unknown option\n"
    )


def test_control_characters_of_a_failure_reach_no_file_and_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = "<b>\0\x1b[2J\x9b\ufffe\ud800\u202a\u2069"
    failure = Failure(Location(PAGE, 3), f"{texts}\nE", texts, (texts,), (texts,))
    block = Block(Location(PAGE, 3), 1, "python", "", {"title": texts})
    pages = [PageReport([Result("failed", texts, texts, failures=(failure,))], blocks=[block], name=PAGE)]
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for text in (failures_text(pages), junit(pages), github(pages)):
        assert "\\x00" in text
        assert not re.search("[\0\x1b\x9b\ufffe\ud800\u202a\u2069]", text)
    (case,) = ElementTree.fromstring(junit(pages)).iter("testcase")
    assert case.get("name") == "block 1: <b>\\x00\\x1b[2J\\x9b\\ufffe\\ud800\\u202a\\u2069"
    assert case[0].get("type") == "<b>\\x00\\x1b[2J\\x9b\\ufffe\\ud800\\u202a\\u2069\\nE"
