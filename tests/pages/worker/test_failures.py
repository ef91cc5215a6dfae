"""What an exception of a block says, and the line that it names: without a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.worker.failures import failures_of, is_expected, register_sources
from einsum_doc.pages.worker.program import compile_block

PAGE = "docs/failures.md"


def failures(code: str, root: Path, **options: str) -> list[str]:
    """Run a block that stands below line 2 of its page; return its failures as they are printed."""
    block = Block(Location(PAGE, 2), 1, "python", code, options=options)
    register_sources({PAGE: ["# Title", "```python", *code.split("\n"), "```"]})
    try:
        for piece in compile_block(block):
            exec(piece, {})
    except BaseException as error:
        return [str(failure) for failure in failures_of(error, block, str(root))]
    return []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = 1\n1 / 0", [f"{PAGE}:4: ZeroDivisionError: division by zero"]),
        ("def f():\n    raise ValueError\nf()", [f"{PAGE}:4: ValueError"]),
        ("raise ValueError('one\\ntwo\\n')", [f"{PAGE}:3: ValueError: one\n  two"]),
        ("import json\njson.loads('{')", [f"{PAGE}:4: JSONDecodeError: Expecting property name"]),
        ("x = 1\nfor n in range(3)\n    print(n)", [f"{PAGE}:4: SyntaxError: expected ':'\n  for n in range(3)\n  "]),
        ("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('two') from error",
         [f"{PAGE}:6: ValueError: two\n  caused by ZeroDivisionError: division by zero"]),
        ("try:\n    1 / 0\nfinally:\n    int('two')",
         [f"{PAGE}:6: ValueError: invalid literal for int() with base 10: 'two'\n  while handling ZeroDivisionError"]),
        ("raise ExceptionGroup('both', [ValueError('a'), KeyError('b')])",
         [f"{PAGE}:3: ValueError: a\n  in ExceptionGroup: both",
          f"{PAGE}:3: KeyError: 'b'\n  in ExceptionGroup: both"]),
        ("import sys\nsys.exit(3)", [f"{PAGE}:4: SystemExit: 3\n  a block must not end the process"]),
        ("error = ValueError('a')\nerror.add_note('see b')\nraise error", [f"{PAGE}:5: ValueError: a\n  see b"]),
        ("class E(Exception):\n    def __str__(self): return 1 / 0\nraise E",
         [f"{PAGE}:5: E: (its message cannot be shown: ZeroDivisionError)"]),
        ("import numpy\nnumpy.testing.assert_equal(1, 2)", [f"{PAGE}:4: AssertionError: Items are not equal:"]),
        ("x = 1", []),
    ],
)  # fmt: skip
def test_the_failures_of_a_block(tmp_path: Path, code: str, expected: list[str]) -> None:
    found = failures(code, tmp_path)
    assert len(found) == len(expected)
    for text, beginning in zip(found, expected, strict=True):
        assert text.startswith(beginning)


@pytest.mark.parametrize(
    ("expected", "is_one"),
    {
        "ValueError": True,
        "ValueError: sizes": True,
        "ValueError: .* and 4": True,
        "Exception: sizes": True,
        "builtins.ValueError": True,
        "ValueError: 3": False,
        "Value": False,
        "KeyError": False,
    }.items(),
)
def test_an_error_that_is_expected(expected: str, is_one: bool) -> None:
    assert is_expected(ValueError("sizes 3 and 4"), expected) is is_one
