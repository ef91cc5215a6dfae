"""What an exception of a block says, and the line that it names: without a build."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import Failure
from einsum_doc.pages.worker.failures import failures_of, is_expected, register_sources
from einsum_doc.pages.worker.program import compile_block

PAGE = "docs/failures.md"


def found(code: str, root: Path) -> list[Failure]:
    """Run a block that stands below line 2 of its page; return its failures."""
    block = Block(Location(PAGE, 2), 1, "python", code)
    register_sources({PAGE: ["# Title", "```python", *code.split("\n"), "```"]})
    try:
        for piece in compile_block(block):
            exec(piece, {"@executed": lambda *position: None})
    except BaseException as error:
        return list(failures_of(error, block, str(root)))
    return []


def failures(code: str, root: Path) -> list[str]:
    """Return the failures as they are printed."""
    return list(map(str, found(code, root)))


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
        ("raise SyntaxError", [f"{PAGE}:3: SyntaxError"]),
        ("eval('1 +')", [f"{PAGE}:3: SyntaxError: invalid syntax\n  <string>:1\n  1 +\n  "]),
        ("number = 3\nnumbr", [f"{PAGE}:4: NameError: name 'numbr' is not defined. Did you mean: 'number'?"]),
        ("import math\nmath.sqr", [f"{PAGE}:4: AttributeError: module 'math' has no attribute 'sqr'. Did you mean"]),
        ("globals()['@show'] = 1\nshow", [f"{PAGE}:4: NameError: name 'show' is not defined"]),
        ("__file__", [f"{PAGE}:3: NameError: name '__file__' is not defined\n  a block is in no file: relative paths"]),
        ("await f()", [f"{PAGE}:3: SyntaxError: 'await' outside function\n  await f()\n  ^\n  write it in a function"]),
        ("async with f: pass", [f"{PAGE}:3: SyntaxError: 'async with' outside async function\n"
          "  async with f: pass\n  ^\n  write it in a function"]),
        ("x = 1", []),
    ],
)  # fmt: skip
def test_the_failures_of_a_block(tmp_path: Path, code: str, expected: list[str]) -> None:
    texts = failures(code, tmp_path)
    assert len(texts) == len(expected)
    for text, beginning in zip(texts, expected, strict=True):
        assert text.startswith(beginning)
        assert "@" not in text


SOURCES = {
    "library_broken.py": "x = 1\ndef f(:\n    pass\n",
    "library_raising.py": "def f():\n    raise ValueError('bad')\n\ndef call(g): g()\n",
    "library_failing.py": "import library_raising\nlibrary_raising.f()\n",
    "site-packages/testing_installed.py": "def check(): inside()\n\ndef inside(): raise AssertionError('not close')\n",
}


@pytest.mark.parametrize(
    ("code", "origin", "trace"),
    [
        ("import library_raising as r\nr.f()", "library_raising.py:2",
         (f"{PAGE}:4", "    r.f()", "library_raising.py:2", "    raise ValueError('bad')")),
        ("import importlib\nimportlib.import_module('library_failing')", "library_raising.py:2",
         (f"{PAGE}:4", "    importlib.import_module('library_failing')", "library_failing.py:2",
          "    library_raising.f()", "library_raising.py:2", "    raise ValueError('bad')")),
        ("import library_raising\nlibrary_raising.call(lambda: 1 / 0)", None, None),
        ("import library_broken", "library_broken.py:2", (f"{PAGE}:3", "    import library_broken")),
        ("import json\njson.loads('{')", None, None),
        ("import testing_installed as t\nt.check()", None, (f"{PAGE}:4", "    t.check()")),
        ("1 / 0", None, (f"{PAGE}:3", "    1 / 0")),
    ],
    ids=["raises", "while it is imported", "of a page's own", "broken", "of Python", "an assertion", "on the page"],
)  # fmt: skip
def test_the_origin_of_an_error_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, origin: str | None, trace: tuple[str, ...] | None
) -> None:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "site-packages"), *sys.path])
    for name in ("library_raising", "testing_installed"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    [failure] = found(code, tmp_path)
    assert (failure.origin and str(failure.origin)) == origin
    assert trace is None or failure.trace == trace


def test_a_syntax_error_of_a_module_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "library_broken.py").write_text(SOURCES["library_broken.py"])
    monkeypatch.syspath_prepend(tmp_path)
    assert failures("import library_broken", tmp_path) == [
        f"{PAGE}:3: SyntaxError: invalid syntax\n  library_broken.py:2\n  def f(:\n        ^"
    ]


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
