"""Values that cross processes arrive as they were sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from einsum_doc.pages.engine.executor import Order, Outcome
from einsum_doc.pages.record.block import Block, Expected, Location
from einsum_doc.pages.record.codec import from_facts, to_json
from einsum_doc.pages.record.messages import (
    BlockAnswer,
    Dependencies,
    Job,
    LateFailure,
    PageAnswer,
    Request,
    Start,
    WorkerSettings,
)
from einsum_doc.pages.record.options import Options
from einsum_doc.pages.record.result import DerivationRow, Failure, PageResults, Result, Shown

LOCATION = Location("docs/a.md", 3)
FAILURE = Failure(LOCATION, "AssertionError", "x == 4", ("left 3, right 4",), ("docs/a.md:4", "    x == 4"))
BLOCK = Block(LOCATION, 1, "python", "x = 1\n", {"title": "é"}, Expected(LOCATION, "1\n"), (LOCATION, LOCATION))
RESULT = Result(
    "failed",
    "out\x1b[1m\ud800",
    shown=(Shown("svg", "<svg/>"),),
    seconds=0.1 + 0.2,
    rows=(DerivationRow("x", verdict="false"),),
    failures=(FAILURE, FAILURE),
)
OPTIONS = Options("cpu", 1.5, library=["library"], environment={"ignore": ["OWN_*"]}, processes={"*": ["a.py"]})
SETTINGS = WorkerSettings("/site", OPTIONS, 2, "0")
JOB = Job("docs/a.md", [BLOCK], {"docs/a.md": ["# A", ""]})
RAN = PageResults([RESULT], 1.0, 2.0, packages={"torch": "2"}, used={"library.one": True})


@pytest.mark.parametrize(
    "message",
    [
        JOB,
        Start(SETTINGS, JOB.sources),
        Request("7f", BLOCK),
        Request("7f"),
        BlockAnswer("7f", RESULT, (LateFailure(1, FAILURE),)),
        PageAnswer("7f", 3, Dependencies(("/site/a.py",), processes=True), {"library.one": False}),
        PageAnswer("7f", 0),
        Order(JOB, SETTINGS, ["torch"], [], compares=False),
        Outcome(RAN, {"files": {"a.py": "digest"}}),
        Outcome(RAN, "its dependencies are not known"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_arrives_as_it_was_sent(message: Any) -> None:
    line = to_json(message)
    assert "\n" not in line
    received = from_facts(type(message), json.loads(line))
    assert received == message
    assert repr(received) == repr(message)


@pytest.mark.parametrize("facts", [{}, {"nonce": "7f", "number": 2}], ids=["missing", "unknown"])
def test_a_message_with_other_fields_is_refused(facts: dict[str, str]) -> None:
    with pytest.raises((KeyError, TypeError)):
        from_facts(Request, facts)
