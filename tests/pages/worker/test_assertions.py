"""Assertions are counted when they hold, and say what they compared when they do not: without a build."""

from __future__ import annotations

import ast
import builtins
import sys
from pathlib import Path

import pytest

from einsum_doc.pages.worker import assertions
from einsum_doc.pages.worker.assertions import AssertionRewriter, Tally


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Tally:
    """A count of its own, with the functions that rewritten assertions call."""
    tally = Tally()
    for name, function in tally.names().items():
        monkeypatch.setattr(builtins, name, function, raising=False)
    return tally


def run(code: str) -> dict[str, object]:
    """Run code with its assertions rewritten; return its names."""
    tree = ast.fix_missing_locations(AssertionRewriter("docs/a.md").visit(ast.parse(code)))
    names: dict[str, object] = {}
    exec(compile(tree, "docs/a.md", "exec"), names)
    return names


@pytest.mark.parametrize(
    ("code", "count"),
    {
        "assert 1 == 1": 1,
        "assert True\nassert 1 < 2 < 3": 2,
        "for n in range(3): assert n < 3": 3,
        "class C:\n    assert 1 == 1": 1,
        "try:\n    assert 1 == 2\nexcept AssertionError: pass": 0,
        "if False: assert True": 0,
    }.items(),
)
def test_an_assertion_that_holds_counts_when_it_is_executed(tally: Tally, code: str, count: int) -> None:
    run(code)
    assert tally.count == count


@pytest.mark.parametrize(
    ("code", "test", "details"),
    [
        ("assert [1, 2] == [1, 3]", "[1, 2] == [1, 3]", ["left [1, 2], right [1, 3]"]),
        ("assert not (x := [1])", "not (x := [1])", ["value [1]"]),
        ("assert 1 == 1 and 2 == 3", "1 == 1 and 2 == 3", ["2 == 3", "left 2, right 3"]),
        ("assert any([0, 0])", "any([0, 0])", ["value [0, 0]"]),
        ("assert 'a' in {'b': 1}", "'a' in {'b': 1}", ["left 'a', right {'b': 1}"]),
        ("assert eval('1 == 2')", "eval('1 == 2')", []),
        ("class C:\n    assert 1 == 2", "1 == 2", []),
    ],
)
def test_an_assertion_that_fails_shows_its_values(tally: Tally, code: str, test: str, details: list[str]) -> None:
    with pytest.raises(AssertionError) as raised:
        run(code)
    assert raised.value.einsum_doc_test == test  # type: ignore[attr-defined]
    assert raised.value.einsum_doc_details == details  # type: ignore[attr-defined]
    assert tally.count == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_function_counts_whenever_and_however_it_is_imported(
    tally: Tally, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    module = f"asserting_{when}"
    (tmp_path / f"{module}.py").write_text("def check(outcome): return outcome\ndef other(outcome): return outcome\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(assertions, "ASSERTING", {module: "check"})
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    if when == "before":
        __import__(module)
    tally.watch_imports()
    run(f"import {module}\nfrom {module} import check, check as alias\n{module}.check([1]); check(None); alias(1)")
    assert tally.count == 3
    run(f"from {module} import check, other\nassert check([1])\nother([1])\nfound = check([])")
    assert tally.count == 4  # an assertion of a call is one, and what is false is none
    with pytest.raises(AssertionError, match="what check found is false"):
        run(f"from {module} import check\ncheck([])")
