"""The output of a block compared with its `expected` fence, and that fence rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from einsum_doc.pages.record.block import Expected, Location
from einsum_doc.pages.verdict.expected import differs, rewrite

ALIKE = "they look alike, and differ in"
HERE = Location("docs/a.md", 2)


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        ("a\nb", "a\nb\n"),
        ("a", "\na  \n\n"),
        ("red", "\x1b[31mred\x1b[0m"),
        ("a   b", "a\tb"),
        ("a  b", "a\tb"),
        ("a\tb", "a\tb"),
        ("loss 0.5", "loss 0.500004"),
        ("0.3", "0.30000000000000004"),
        ("1.0e3", "1.000001E+03"),
        ("0.0", "0.000009"),
        ("x=0.5, 50.0%.", "x=0.500001, 50.00001%."),
        ("(0.5-2.5j)", "(0.500001-2.500001j)"),
        ("[1. .5]", "[1.000001 .500001]"),
        ("[0.1, -2.5]", "[0.1000004, -2.50001]"),
        ("3 of 4", "3 of 4"),
        ("nan inf", "nan inf"),
    ],
)
def test_an_output_is_as_expected(expected: str, output: str) -> None:
    assert differs(output, Expected(HERE, expected)) is None


@pytest.mark.parametrize(
    ("expected", "output", "difference"),
    [
        ("a", "b", ("- a", "+ b")),
        ("a", "", ("- a", "+ ")),
        ("a", "a\nb", ("  a", "+ b")),
        ("  a", "a", ("-   a", "+ a")),
        ("3", "4", ("- 3", "+ 4")),
        ("100000", "100001", ("- 100000", "+ 100001")),
        ("0.5", "0.50001", ("- 0.5", "+ 0.50001")),
        ("0.0", "0.00002", ("- 0.0", "+ 0.00002")),
        ("0.0", "1.2e-3", ("- 0.0", "+ 1.2e-3")),
        ("0.0", "1.2e-17", ("- 0.0", "+ 1.2e-17")),
        ("0.0", "1e-05", ("- 0.0", "+ 1e-05")),
        ("1e3", "1000.001", ("- 1e3", "+ 1000.001")),
        ("100000", "1e5", ("- 100000", "+ 1e5")),
        ("1000000", "1000001", ("- 1000000", "+ 1000001")),
        ("1e-7", "3e-7", ("- 1e-7", "+ 3e-7")),
        ("1.0e999", "2.0e999", ("- 1.0e999", "+ 2.0e999")),
        ("2.1.0", "2.10.0", ("- 2.1.0", "+ 2.10.0")),
        ("2.1", "2.10", ("- 2.1", "+ 2.10")),
        ("7", "7.0", ("- 7", "+ 7.0")),
        ("7.", "7.0", ("- 7.", "+ 7.0")),
        ("file_1.1.txt", "file_1.10.txt", ("- file_1.1.txt", "+ file_1.10.txt")),
        ("torch-2.5", "torch-2.500001", ("- torch-2.5", "+ torch-2.500001")),
        ("v2.5", "v2.500001", ("- v2.5", "+ v2.500001")),
        ("2.5+cpu", "2.500001+cpu", ("- 2.5+cpu", "+ 2.500001+cpu")),
        ("2.5rc1", "2.500001rc1", ("- 2.5rc1", "+ 2.500001rc1")),
        ("runs/0.5/log", "runs/0.500001/log", ("- runs/0.5/log", "+ runs/0.500001/log")),
        ("10.0.0.1", "10.0.0.1000001", ("- 10.0.0.1", "+ 10.0.0.1000001")),
        ("a b  c", "a\tb c", ("- a b  c", "+ a\tb c", f"{ALIKE} U+0020 SPACE and U+0009 '\\t'")),
        ("0.5 s", "0.5 m", ("- 0.5 s", "+ 0.5 m")),
        (
            "a\nx b\nc",
            "a\nx\xa0b\nd",
            ("  a", "- x b", "- c", "+ x\xa0b", "+ d", f"{ALIKE} U+0020 SPACE and U+00A0 NO-BREAK SPACE"),
        ),
        ("0.5\na", "0.500001\nb", ("  0.5", "- a", "+ b")),
        ("e" * 10**6 + "1", "e" * 10**6 + "2", ("- " + "e" * 1000 + "1", "+ " + "e" * 1000 + "2")),
        ("1\n" * 10**5 + "a", "1\n" * 10**5 + "b" + "\n1" * 10**5, (*["  1"] * 100, "- a", "+ b", *["+ 1"] * 99)),
    ],
)
def test_an_output_is_not_as_expected(expected: str, output: str, difference: tuple[str, ...]) -> None:
    failure = differs(output, Expected(HERE, expected))
    assert failure is not None
    assert (failure.location, failure.error) == (HERE, "OutputError")
    assert failure.details == difference


def test_the_tolerance_is_that_of_the_fence() -> None:
    assert differs("0.6", Expected(HERE, "0.5", 0.3)) is None
    assert differs("0.6", Expected(HERE, "0.5", 0.1)) is not None


@pytest.mark.parametrize(
    ("before", "old", "output", "after"),
    [
        ("one\n```expected\nold\n```\n", "old\n", "new\nlines\n", "one\n```expected\nnew\nlines\n```\n"),
        ("one\r\n```expected\r\nold\r\n```\r\n", "old\n", "new\n", "one\r\n```expected\r\nnew\r\n```\r\n"),
        ("one\n> ~~~expected\n> old\n> ~~~\n", "old\n", "new\n\nx", "one\n> ~~~expected\n> new\n>\n> x\n> ~~~\n"),
        ("one\n```expected\nold\n```\n", "old\n", "````\n", "one\n`````expected\n````\n`````\n"),
        ("one\n```expected\nold\n```\n", "old\n", "```\n", "one\n````expected\n```\n````\n"),
    ],
    ids=["lines", "line endings", "in a quote", "a longer fence", "a fence as long"],
)
def test_a_fence_is_rewritten_in_place(tmp_path: Path, before: str, old: str, output: str, after: str) -> None:
    page = tmp_path / "docs/a.md"
    page.parent.mkdir()
    page.write_bytes(before.encode())
    fence = Expected(HERE, old)
    assert rewrite(tmp_path, [(fence, output)]) == ([fence], [])
    assert page.read_bytes().decode() == after


def test_a_fence_that_is_met_stays_as_it_is(tmp_path: Path) -> None:
    assert rewrite(tmp_path, [(Expected(HERE, "0.5"), "0.500001")]) == ([], [])


def test_a_fence_from_elsewhere_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("one\n```expected\nsomething else\n```\n")
    rewritten, [failure] = rewrite(tmp_path, [(Expected(HERE, "old"), "new")])
    assert not rewritten
    assert (failure.location, failure.error) == (HERE, "OutputError")
    assert (tmp_path / "docs/a.md").read_text() == "one\n```expected\nsomething else\n```\n"
