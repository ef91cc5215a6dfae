"""What fences promise: every one is executed, skipped with a reason, or plain, and nothing else passes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading.language import Languages
from einsum_doc.pages.reading.scan import normalize, read
from einsum_doc.pages.record.block import Location

from ..build.test_build import on_a_terminal, text_of
from ..conftest import MKDOCS, PLAIN, Built, mkdocs_build, write_pages

Build = Callable[..., Built]
REWRITE = [sys.executable, "-m", "einsum_doc.pages.expected"]


def block(code: str, header: str = 'python exec="on"') -> str:
    return f"```{header}\n{code}\n```\n\n"


def test_text_is_not_run_and_not_counted(build: Build) -> None:
    page = (
        "# Title\n\n<!--\n"
        + block("1 / 0")
        + "-->\n\n`````md\n"
        + block("1 / 0")
        + "`````\n\n"
        + block("1 / 0", 'python exec="off" source="above"')
        + block("1 / 0", 'python title="shown.py" hl_lines="1"')
        + block("1 / 0", "mermaid")
        + block("print('run')")
    )
    built = build({"index": page})
    assert built.status == 0, built.console
    assert "1 page, 1 block, 0 assertions held" in built.console
    assert "```python exec" in text_of(built.page())  # inside the longer fence, as text


def test_the_formats_of_markdown_exec_go_on_working(build: Build) -> None:
    config = PLAIN.replace("pymdownx.superfences]", "pymdownx.superfences, {pymdownx.tabbed: {alternate_style: true}}]")
    page = (
        "# Title\n\n"
        + block("echo shell $((1 + 1))", 'bash exec="on" result="text"')
        + block("$ echo console\nignored", 'console exec="on" source="console"')
        + block(">>> x = 20\n>>> print(x + 1)\n...", 'pycon exec="on" source="console"')
        + block("root\n  leaf", "tree")
        + block("print('in a tab')", 'python exec="on" source="tabbed-left" tabs="Code|Output"')
        + block("print('<b>bold</b>')", 'python exec="on" html="on"')
        + block(
            "print('hidden')  # markdown-exec: hide\nprint('seen')", 'python exec="on" source="above" result="text"'
        )
        + block("print('## From a block')")
        + block("exit 3", 'sh exec="on" returncode="3"')
        + block("import os; print(os.environ['COLUMNS'])", 'python exec="on" width="33"')
        + block("import os; print(os.path.basename(os.getcwd()))", 'python exec="on" workdir="docs"')
        + block("print(x)", 'python exec="on" session="other"')
    )
    broken = build({"index": page}, "-q", config=config)
    assert broken.status == 1
    assert "NameError: name 'x' is not defined" in broken.console  # a session has a namespace of its own
    built = build({"index": page.replace("print(x)", "print('other')")}, config=config)
    assert built.status == 0, built.console
    seen = text_of(built.page())
    for written in ("shell 2", "console", "21", "└── ", "Code", "Output", "in a tab", "33", "docs", "other"):
        assert written in seen, written
    assert "<b>bold</b>" in built.page()
    assert "hidden" in seen  # printed, though its line is not shown
    assert "markdown-exec: hide" not in seen
    assert 'href="#exec-' in built.page()  # the heading is in the table of contents


@pytest.mark.parametrize(
    ("header", "code", "line"),
    [
        (
            'bash exec="on"',
            "echo out; exit 3",
            "docs/index.md:4: ExecutionError: the command ended with status 3, not 0",
        ),
        ('console exec="on"', "$ false", "docs/index.md:4: ExecutionError: the command ended with status 1"),
        ('pycon exec="on"', ">>> 1 / 0", "docs/index.md:4: ZeroDivisionError: division by zero"),
        ('md exec="on"', "``` {.python exec='on'}\n1/0\n```", "docs/index.md:5: ZeroDivisionError"),
    ],
)
def test_a_failure_in_another_language_counts(build: Build, header: str, code: str, line: str) -> None:
    built = build({"index": f"# Title\n\n````{header}\n{code}\n````\n"}, "-q")
    assert built.status == 1
    assert f"\n{line}" in built.console


def test_a_fence_that_another_extension_has_taken(build: Build) -> None:
    built = build({"index": "# Title\n\nText.\n\n    ```python exec='on'\n    x = 1\n    ```\n"}, "-q")
    assert built.status == 1
    assert "\ndocs/index.md:5: FenceError: the block ran but did not reach the page" in built.console


def test_a_page_that_was_never_rendered(build: Build, tmp_path: Path) -> None:
    hook = "def on_files(files, config):\n    files.remove(files.get_file_from_path('gone.md'))\n"
    (tmp_path / "project").mkdir()
    # After ours, which has read the pages by then.
    (tmp_path / "project/hook.py").write_text("import mkdocs.plugins\n\n@mkdocs.plugins.event_priority(-200)\n" + hook)
    pages = {"index": block("assert True"), "gone": "# Gone\n\n" + block("assert True")}
    built = build(pages, "-q", config=PLAIN + "hooks: [hook.py]\n")
    assert built.status == 1
    assert "\ndocs/gone.md:3: FenceError: the block ran but did not reach the page" in built.console
    assert "its page was never rendered" in built.console


def test_a_plugin_that_changes_a_block_has_the_changed_one_run(build: Build, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/hook.py").write_text(
        "def on_page_markdown(markdown, **_):\n    return 'Put in.\\n\\n' + markdown.replace('WORD', '1 == 2')\n"
    )
    built = build({"index": "# Title\n\n" + block("x = 1\nassert WORD")}, "-q", config=PLAIN + "hooks: [hook.py]\n")
    assert built.status == 1
    assert "AssertionError: 1 == 2" in built.console
    assert "WORD" not in built.console.split("block 1")[0]


@pytest.mark.parametrize(
    ("page", "allowed"),
    [("# Only text\n", False), ("# Only text\n", True), (block("1", 'python exec="on" skip-if="no-gpu"'), False)],
)
def test_a_build_that_executed_nothing(build: Build, page: str, allowed: bool) -> None:
    config = PLAIN.replace("einsum-doc]", f"{{einsum-doc: {{device: cpu, allow_empty: {str(allowed).lower()}}}}}]")
    built = build({"index": page}, "-q", config=config)
    assert built.status == (0 if allowed else 1)
    assert ("mkdocs.yml:1: NothingRanError: nothing was executed in this build" in built.console) is not allowed


def test_an_error_that_is_expected(build: Build) -> None:
    page = block("raise ValueError('the sizes disagree: 3 and 4')", 'python exec="on" raises="ValueError: .*sizes"')
    page += block("import json\njson.loads('{')", 'python exec="on" raises="json.JSONDecodeError: Expecting"')
    built = build({"index": page + block("int('x')", 'python exec="on" source="above" raises="Exception"')})
    assert built.status == 0, built.console
    assert '<pre class="raised">ValueError: the sizes disagree: 3 and 4</pre>' in built.page()
    assert text_of(built.page()).count("✓ raised, as expected") == 3


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = 1", "docs/index.md:1: NothingRaisedError: the block should raise ValueError: .*sizes"),
        ("raise ValueError('shapes')", "docs/index.md:2: ValueError: shapes"),
        ("raise TypeError('sizes')", "docs/index.md:2: TypeError: sizes"),
        ("import os; os._exit(1)", "docs/index.md:2: WorkerError: the block ended its process"),
        (
            "raise ExceptionGroup('both', [ValueError('a')])",
            "docs/index.md:2: ValueError: a\n  expected: ValueError: .*sizes: this error, and a message that begins "
            "so\n  in ExceptionGroup: both (1 sub-exception)\n",
        ),
    ],
)
def test_an_expected_error_must_come(build: Build, code: str, line: str) -> None:
    built = build({"index": block(code, 'python exec="on" raises="ValueError: .*sizes"')}, "-q")
    assert built.status == 1
    assert f"\n{line}" in built.console


def test_the_place_of_a_fence_with_a_hyphen(build: Build) -> None:
    page = "# Title\n\n" + block("1", 'python exec="on" source="above" skip-if="no-gpu"')
    page += block("2", 'python exec="on" raises="E"')
    built = build({"index": page}, "-q")
    assert "\ndocs/index.md:7: NothingRaisedError" in built.console
    held = build({"index": page.replace(' raises="E"', "")})
    assert "<span>docs/index.md:3</span>" in held.page()


@pytest.mark.parametrize("header", ['raises="ValueError("', 'raises="lower case"', 'skip-if="rain"', 'skip_if="rain"'])
def test_ill_typed_options_of_our_own(build: Build, header: str) -> None:
    built = build({"index": block("1", f'python exec="on" {header}')}, "-q")
    assert built.status == 1
    assert "\ndocs/index.md:1: FenceError: " in built.console


def test_skipped_with_its_reason(build: Build) -> None:
    config = PLAIN.replace("einsum-doc]", "{einsum-doc: {device: cpu}}]")
    page = block("1 / 0", 'python exec="on" source="above" skip-if="no-gpu"') + block("assert True")
    built = build({"index": page}, config=config)
    assert built.status == 0, built.console
    assert "1 page, 2 blocks, 1 assertion held, 1 skipped (no GPU)" in built.console
    assert "<b>– skipped</b><span>no GPU</span>" in built.page()
    assert "<span>1 skipped</span>" in built.page()


EXPECTED = """\
# Title

- In a list:

    ```python exec="on" source="above"
    import math

    print("pi", math.pi)
    print("three lines")
    print(12)
    ```

    ```expected tolerance="1e-4"
    pi 3.1416
    three lines
    12
    ```
"""


def test_expected_output_that_is_met(build: Build) -> None:
    built = build({"index": EXPECTED})
    assert built.status == 0, built.console
    assert '<pre class="expected">pi 3.1416\nthree lines\n12</pre>' in built.page()
    assert "3.14159" not in built.page()


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("pi 3.1416", "pi 3.1516", "  - pi 3.1516\n  + pi 3.141592653589793\n    three lines\n    12"),
        ("    12\n    ```", "    13\n    ```", "    pi 3.1416\n    three lines\n  - 13\n  + 12"),
        ("    three lines\n    12", "    12", "    pi 3.1416\n  + three lines\n    12"),
    ],
)
def test_expected_output_that_is_not_met(build: Build, old: str, new: str, difference: str) -> None:
    built = build({"index": EXPECTED.replace(old, new)}, "-q")
    assert built.status == 1
    wanted = f"\ndocs/index.md:13: OutputError: the output is not what is expected\n{difference}\n"
    assert wanted in built.console


def test_expected_output_needs_a_block(build: Build) -> None:
    built = build({"index": block("1", "expected") + block("print(1)") + block("1", "expected tolerance='x'")}, "-q")
    assert "\ndocs/index.md:1: FenceError: there is no block before it" in built.console
    assert '\ndocs/index.md:9: FenceError: tolerance="x" is not understood' in built.console


def test_expected_output_is_rewritten_in_place(tmp_path: Path, build: Build) -> None:
    stale = EXPECTED.replace("three lines\n    12\n", "two\n    lines\n").replace("\n", "\r\n")
    stale += "\r\n" + block("print('x\\n\\ny')").replace("\n", "\r\n") + block("old", "expected").replace("\n", "\r\n")
    write_pages(tmp_path, {"index": stale})
    told = subprocess.run(REWRITE, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stderr.count("rewritten") == 2
    text = (tmp_path / "docs/index.md").read_bytes().decode()
    assert "    pi 3.141592653589793\r\n    three lines\r\n    12\r\n    ```\r\n" in text
    assert "```expected\r\nx\r\n\r\ny\r\n```" in text
    assert "\n" not in text.replace("\r\n", "")
    assert build({"index": text}, "-q").status == 0


@pytest.mark.parametrize("ending", ["\r", "\r\n", "\n"], ids=["cr", "crlf", "lf"])
def test_a_rewritten_fence_keeps_the_ending_of_its_lines(tmp_path: Path, ending: str) -> None:
    page = block("print('\\033[31mred\\033[0m')\nprint('10 %', end='\\r')\nprint('99 %')")
    write_pages(tmp_path, {"index": page + block("old", "expected").replace("\n", ending)})
    subprocess.run(REWRITE, cwd=tmp_path, capture_output=True, check=True)
    text = (tmp_path / "docs/index.md").read_bytes().decode()
    assert text == page + block("red\n10 %\n99 %", "expected").replace("\n", ending)
    assert mkdocs_build(tmp_path, os.environ, "-q").status == 0


def test_what_is_expected_elsewhere_is_not_overwritten(tmp_path: Path) -> None:
    pages = {
        "snippet": block("print(1)") + block('--8<-- "old.txt"', "expected"),
        "written": block("print(2)") + "{{ fence }}\n",
        "written_in": block("print(3)") + block("{{ old }}", "expected"),
    }
    write_pages(tmp_path, {"index": "# Title\n", **pages}, SITE + "hooks: [hook.py]\n")
    (tmp_path / "old.txt").write_text("old\n")
    (tmp_path / "hook.py").write_text(
        "def on_page_markdown(markdown, **_):\n"
        "    return markdown.replace('{{ fence }}', '```expected\\nold\\n```').replace('{{ old }}', 'old')\n"
    )
    told = subprocess.run(REWRITE, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    for page, text in pages.items():
        assert (tmp_path / f"docs/{page}.md").read_text() == text
        assert (
            f"docs/{page}.md:5: OutputError: the output is not what is expected, and cannot be written" in told.stderr
        )
    assert "einsum-doc: 3 pages, 3 blocks, 0 assertions held" in told.stderr
    assert " 3 failures" in told.stderr


def test_a_failure_is_mere_text(build: Build, tmp_path: Path, environment: dict[str, str]) -> None:
    code = "print('seen\\x1b[2J\\x1b]0;title\\x07 \\x08still')\nraise ValueError('\\x1b[31mred\\r\\x1b[H\\0')"
    built = build({"index": block(code)}, "-q")
    assert "docs/index.md:3: ValueError: red\n" in built.console
    assert "output before it:\n    seen still\n" in built.console
    # On a terminal, it neither clears the screen nor has colours of its own.
    shown = on_a_terminal([MKDOCS, "build", "-q"], tmp_path / "project", environment | {"NO_COLOR": "1"})
    assert "docs/index.md:3: ValueError: red\r\n" in shown
    assert not any(code in shown for code in ("\x1b[2J", "\x1b]0", "\x1b[31m", "\x1b[H", "\x08"))


def test_colours_of_a_terminal_are_rendered(build: Build) -> None:
    code = "print('\\033[31mred\\033[0m')\nimport sys\nprint('\\033[1mbold\\033[0m', file=sys.stderr)"
    built = build({"index": block(code, 'python exec="on" source="above" result="text"')})
    assert built.status == 0, built.console
    assert "\x1b" not in built.page()
    assert "-Color-Red" in built.page()
    assert "-Color-Bold" in built.page()


def test_warnings_and_standard_error_are_shown(build: Build) -> None:
    code = "import sys, warnings\nprint('out')\nwarnings.warn('mind the gap')\nprint('err', file=sys.stderr)"
    built = build({"index": block(code)})
    assert built.status == 0
    page = built.page()
    error = page[page.index('<pre class="err">') :].split("</pre>")[0]
    assert "docs/index.md:4: UserWarning: mind the gap" in error
    assert error.endswith("err")


def test_python_warns_of_a_line_once(build: Build) -> None:
    page = build({"index": block("x = 1\nif x is 1: pass")}).page()
    assert page.count("docs/index.md:3: SyntaxWarning") == 1


def test_no_secret_and_no_path_of_this_machine_is_published(
    build: Build, environment: dict[str, str], tmp_path: Path
) -> None:
    environment["SITE_TOKEN"] = "c0ffee-and-cream"
    try:
        code = (
            "import os, pathlib, sys\nprint(os.environ['SITE_TOKEN'], pathlib.Path().absolute() / 'x.txt')\n"
            "print(pathlib.Path.home() / 'secrets', file=sys.stderr)\nopen(pathlib.Path().absolute() / 'gone')"
        )
        built = build({"index": block(code, 'python exec="on" source="above" raises="FileNotFoundError"')})
        assert built.status == 0, built.console
        page = built.page()
        failed = build({"index": block("import os\nassert os.environ['SITE_TOKEN'] == 1")}, "-q")
    finally:
        del environment["SITE_TOKEN"]
    for text in (page, failed.console):
        assert "c0ffee" not in text
        assert str(tmp_path) not in text
        assert str(Path.home()) + "/" not in text
    assert "[SITE_TOKEN] x.txt" in page
    assert "~/secrets" in page
    assert "left '[SITE_TOKEN]', right 1" in failed.console


def test_the_path_behind_a_link_is_not_published(tmp_path: Path, environment: dict[str, str]) -> None:
    write_pages(tmp_path / "real", {"index": block("import os\nprint(os.getcwd(), os.path.realpath('x'))")})
    (tmp_path / "link").symlink_to("real")
    built = mkdocs_build(tmp_path, environment, "-q", "-f", "link/mkdocs.yml")
    assert (built.status, built.console) == (0, "")
    page = (tmp_path / "real/site/index.html").read_text()
    assert str(tmp_path) not in page
    assert "<p>. x</p>" in page


def test_every_namespace_is_the_main_program(build: Build) -> None:
    header = 'python exec="on" session="other"'
    code = (
        "import pickle\nfrom dataclasses import dataclass\n@dataclass\nclass Point:\n    x: 'int'\n"
        "assert pickle.loads(pickle.dumps(Point(1))) == Point(1)"
    )
    guarded = "if __name__ == '__main__':\n    assert 1 == 2"
    built = build({"index": block(code) + block(code, header) + block(guarded, header)}, "-q")
    assert built.status == 1
    assert "docs/index.md:21: AssertionError: 1 == 2" in built.console
    assert "2 assertions held" in built.console


def test_assertions_are_counted_as_they_are_executed(build: Build) -> None:
    code = (
        "import numpy as np\nfrom numpy.testing import assert_allclose\n"
        "for i in range(5):\n    assert i >= 0, 'never'\n"
        "def never():\n    assert False\n"
        "assert_allclose(np.ones(3), np.ones(3))\n"
        "try:\n    assert 1 == 2\nexcept AssertionError:\n    pass\n"
    )
    built = build({"index": block(code)})
    assert built.status == 0, built.console
    assert "6 assertions held" in built.console


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("a, b = 3, 4\nassert a + 1 > b, 'too small'", "AssertionError: too small\n  a + 1 > b\n  left 4, right 4"),
        ("assert 1 < 5 < 3", "AssertionError: 1 < 5 < 3\n  1, 5, 3"),
        ("x = []\nassert x", "AssertionError: x\n"),
        ("assert not any([0, 1])", "AssertionError: not any([0, 1])\n  value [0, 1]"),
        (
            "import numpy as np\na = np.zeros((2, 3), np.float32)\nb = a.copy()\nb[0, 2] = 1\nb[1, 1] = -4\n"
            "assert (a == b).all()",
            "AssertionError: (a == b).all()\n  left array (2, 3) float32, right array (2, 3) float32\n"
            "  2 of 6 elements differ\n  first at [0, 2] 0.0 and 1.0\n  largest at [1, 1] 0.0 and -4.0, by 4",
        ),
        (
            "import numpy as np\nassert np.array_equal(np.zeros(2), np.zeros(3))",
            "left array (2,) float64, right array (3,) float64\n  the shapes differ",
        ),
    ],
)
def test_a_failed_assertion_shows_its_values(build: Build, code: str, said: str) -> None:
    built = build({"index": block(code)}, "-q")
    assert built.status == 1
    assert said in built.console


def test_a_hyphen_is_left_alone_where_it_is_text(build: Build) -> None:
    shown = '````md\n```python exec="on" skip-if="no-gpu"\n```\n````\n\n'
    printed = block("print('''\n~~~ python skip-if=1\n''')", 'python exec="on" source="above" result="text"')
    built = build({"index": shown + printed})
    assert built.status == 0, built.console
    assert text_of(built.page()).count("skip-if=") == 3
    assert "skip_if" not in built.page()


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ('exec="on" exec="off"', "option 'exec' is given twice"),
        ('exec="on" returncode="3"', "option 'returncode' does nothing for Python"),
        ('exec="on" tabs="A|B"', "option 'tabs' does nothing without tabs"),
        ('exec="on" source = "above"', "option 'source' has no value"),
        ('exec="on" tolerance="1"', "unknown option 'tolerance'\n  it belongs to an `expected` fence"),
    ],
)
def test_options_that_would_do_nothing(build: Build, header: str, said: str) -> None:
    built = build({"index": block("assert True") + block("1", f"python {header}")}, "-q")
    assert built.status == 1
    assert said in built.console


def test_blocks_after_a_wrong_fence_are_not_run(build: Build) -> None:
    page = block("x = 1") + block("x = 2", 'python exce="on"') + block("assert x == 2") + block("1 / 0")
    built = build({"index": page}, "-q")
    assert built.status == 1
    assert "ZeroDivisionError" not in built.console
    assert "1 page, 3 blocks, 0 assertions held, 1 failure, 2 not run" in built.console


def test_a_wrong_fence_is_reported_once(build: Build) -> None:
    # superfences rejects the first header, and takes its closing line for an opening one.
    built = build({"index": block("print(1)", 'python3 exec="on"') + "Text.\n\n" + block("assert True")}, "-q")
    assert built.status == 1
    assert "docs/index.md:1: FenceError: 'python3' cannot be executed" in built.console
    assert "1 failure" in built.console


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("timeout: 0", "expected a number above 0, not 0"),
        ("timeout: -1", "expected a number above 0, not -1"),
        ("memory: -1", "expected a number from 0, not -1"),
        ("timeuot: 5", "unknown option 'timeuot' in mkdocs.yml"),
    ],
)
def test_options_in_mkdocs_yml(build: Build, option: str, said: str) -> None:
    built = build(
        {"index": block("assert True")}, "-q", config=PLAIN.replace("einsum-doc]", f"{{einsum-doc: {{{option}}}}}]")
    )
    assert built.status == 1
    assert said in built.console


def test_a_secret_is_taken_out_of_a_repr(build: Build, environment: dict[str, str]) -> None:
    environment["MY_TOKEN"] = "s3c'r\\3t-value"
    try:
        built = build({"index": block("import os\nassert os.environ['MY_TOKEN'] == 'no'")}, "-q")
    finally:
        del environment["MY_TOKEN"]
    assert "r\\3t" not in built.console
    assert "r\\\\3t" not in built.console
    assert "[MY_TOKEN]" in built.console


def test_zero_is_met_within_the_tolerance(build: Build) -> None:
    assert build({"index": block("print(1.2e-17)") + block("0.0", "expected")}, "-q").status == 0
    assert build({"index": block("print(1.2e-3)") + block("0.0", "expected")}, "-q").status == 1
    assert build({"index": block("print(3e-7)") + block("1e-7", "expected")}, "-q").status == 1


def test_output_that_holds_a_fence_is_rewritten_in_a_longer_one(tmp_path: Path, build: Build) -> None:
    pages = {"index": block("print('a\\n```\\nb')") + block("old", "expected") + "After.\n"}
    write_pages(tmp_path, pages)
    subprocess.run(REWRITE, cwd=tmp_path, capture_output=True, check=True)
    text = (tmp_path / "docs/index.md").read_text()
    assert "\n````expected\na\n```\nb\n````\n\nAfter.\n" in text
    assert build({"index": text}, "-q").status == 0


def test_a_site_built_by_a_block_is_not_rewritten_along(tmp_path: Path) -> None:
    write_pages(tmp_path, {"index": block("import os\nassert 'EINSUM_DOC_REWRITE' not in os.environ")})
    assert subprocess.run(REWRITE, cwd=tmp_path, check=False).returncode == 0


SIDES: dict[str, tuple[str, str]] = {
    "raises": (
        "import numpy as np\n\nassert np.allclose(np.zeros(2), np.zeros((3, 3)))",
        "ValueError: operands could not be broadcast together with shapes (2,) (3,3)\n"
        "  array (2,) float64, array (3, 3) float64\n",
    ),
    "raises_early": ("assert x.sum() == 3", "NameError: name 'x' is not defined\n  block"),
    "raises_late": ("x = {}\nassert x == {} and x['a'] == 3", "KeyError: 'a'\n  block"),
    "sets": ("assert {1, 2} == {2, 3}", "\n  only left {1}, only right {3}\n"),
    "dicts": (
        "assert {'a': 1, 'b': 2} == {'a': 1, 'b': 3}",
        "\n  only left {'b': 2}\n  only right {'b': 3}\n",
    ),
    "and": ("x = 3\nassert x > 2 and x < 3 and x", "x > 2 and x < 3 and x\n  x < 3\n  left 3, right 3\n"),
    "flag": ("x, flag = 3, False\nassert x > 2 and flag", "x > 2 and flag\n  flag\n  block"),
    "name": ("found = []\nassert found", "found\n  value []\n"),
    "not": ("found = [1]\nassert not found", "not found\n  value [1]\n"),
    "generator": ("assert all(x > 1 for x in [1])", "all((x > 1 for x in [1]))\n  block"),
    "list": ("x = [*range(300)]\nassert x == x[:250] + [7] + x[251:]", "…\n  first differ at [250]: 250 and 7\n"),
    "longer": ("x = [*range(300)]\nassert x == x + [1]", "…\n  left has 300 elements, right has 301\n"),
    "text": ("x = 'x' * 300\nassert x + 'left' == x + 'right'", "…\n  first differ at [300]: 'left' and 'right'\n"),
    "member": ("x = 'x' * 300\nassert x + 'y' in x", f"left '{'x' * 158}…, right '{'x' * 158}…\n  block"),
    "wraps_around": (
        "import torch\nx = torch.tensor([1, 250], dtype=torch.uint8)\nassert torch.all(x == x.flip(0) - x.flip(0) + 2)",
        "left tensor (2,) uint8, right tensor (2,) uint8\n  2 of 2 elements differ\n"
        "  first at [0] 1 and 2\n  largest at [1] 250 and 2, by 248\n",
    ),
    "infinite": (
        "import torch\nassert (torch.tensor([torch.inf, 0.0]) == 0).all()",
        "left tensor (2,) float32, right 0\n  1 of 2 elements differ\n  first at [0] inf and 0\n"
        "  largest at [0] inf and 0, by inf\n",
    ),
    "two_libraries": (
        "import numpy, torch\nassert numpy.allclose(numpy.ones(2), torch.zeros(2))",
        "left array (2,) float64, right tensor (2,) float32\n  2 of 2 elements differ\n"
        "  first at [0] 1.0 and 0.0\n  largest at [0] 1.0 and 0.0, by 1\n",
    ),
    "words": (
        "import numpy\nassert (numpy.array(['a', 'b']) == numpy.array(['a', 'c'])).all()",
        "left array (2,) <U1, right array (2,) <U1\n  1 of 2 elements differ\n  first at [1] 'b' and 'c'\n  block",
    ),
    "no_repr": (
        "class A:\n    def __repr__(self): return 1 / 0\nassert A() == 1",
        "A() == 1\n  more of its values cannot be shown: ZeroDivisionError('division by zero')\n",
    ),
}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Built:
    """All those assertions, each on its page, built once."""
    folder = tmp_path_factory.mktemp("sides")
    write_pages(folder, {name: block(code) for name, (code, _) in SIDES.items()})
    return mkdocs_build(folder, environment, "-q")


@pytest.mark.parametrize(("page", "said"), [(page, said) for page, (_, said) in SIDES.items()], ids=SIDES)
def test_the_sides_of_an_assertion(compared: Built, page: str, said: str) -> None:
    found = re.search(rf"^docs/{page}\.md:\d+: (.*\n)+", compared.console, re.M)
    assert found, compared.console
    assert said in found[0]


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("raise KeyError('b') from error", "KeyError: 'b'\n  caused by ValueError: a\n  block"),
        ("raise KeyError('b')", "KeyError: 'b'\n  while handling ValueError: a\n  block"),
        ("raise KeyError('b') from None", "KeyError: 'b'\n  block"),
    ],
)
def test_what_an_error_came_from(build: Build, raised: str, said: str) -> None:
    code = f"try:\n    raise ValueError('a')\nexcept ValueError as error:\n    {raised}"
    assert f"docs/index.md:5: {said}" in build({"index": block(code)}, "-q").console


def test_an_assertion_that_holds_leaves_no_trace(build: Build) -> None:
    code = (
        "x = 1\nassert x\nassert x and x == 1\nassert not (not x)\nassert (lambda: 1)()\n"
        "assert all(i for i in [1])\nassert x == 1 == x\nassert (y := x) == 1 and y\nclass A:\n    assert x and 1\n"
        "print([name for name in dir() if name.startswith('@')], [name for name in vars() if name.startswith('@')])"
    )
    built = build({"index": block(code) + block("[] []", "expected")})
    assert built.status == 0, built.console
    assert "1 page, 1 block, 8 assertions held" in built.console


def test_an_assertion_in_what_torch_compiles(build: Build) -> None:
    code = (
        "import torch\n\ndef f(x):\n    assert x.shape[0] == 3\n    return x + 1\n\n"
        "compiled = torch.compile(f, fullgraph=True, backend='eager')\n"
        "assert torch.equal(compiled(torch.ones(3)), f(torch.ones(3)))"
    )
    built = build({"index": block(code)})
    assert built.status == 0, built.console
    assert "2 assertions held" in built.console  # the one outside, and that in `f` where it is not compiled
    failed = build({"index": block(code.replace("== 3", "== 4"))})
    assert failed.status == 1
    assert "in f\n      assert x.shape[0] == 4" in failed.console or "docs/index.md:5: " in failed.console


def test_a_fence_that_takes_in_another(build: Build) -> None:
    built = build({"index": '```python exec="on"\nx = 1\n\nText.\n\n' + block("y = 1")}, "-q")
    assert "docs/index.md:4: SyntaxError" in built.console
    assert "its fence takes in another one, which begins at line 6: is its end missing?" in built.console


FAILING = '```python exec="on"\nassert 1 == 2\n```\n'
INDENTED = "".join(f"    {line}\n" for line in FAILING.splitlines())
BEFORE = "a block that is not read as one"
TAKEN = "the fence has taken in the block at line"
NOTHING = "there is nothing in it to run"

SITE = """\
site_name: A site
markdown_extensions: [attr_list, def_list, footnotes, md_in_html, pymdownx.superfences, pymdownx.snippets]
plugins: [markdown-exec, einsum-doc]
"""
WRONG: dict[str, tuple[str, str]] = {
    # Something stands before the opening on its line.
    "list": ("- " + FAILING, f"1: FenceError: {BEFORE}"),
    "ordered_list": ("1. " + FAILING, f"1: FenceError: {BEFORE}"),
    "definition": ("Term\n:   " + FAILING, f"2: FenceError: {BEFORE}"),
    "footnote": ("Text[^1]\n\n[^1]: " + FAILING, f"3: FenceError: {BEFORE}"),
    "heading": ("# T " + FAILING, f"1: FenceError: {BEFORE}"),
    "text_before": ("Run `this`: " + FAILING, f"1: FenceError: {BEFORE}"),
    "html": ('<div markdown="1">' + FAILING + "</div>\n", f"1: FenceError: {BEFORE}"),
    "zero_width": ("\u200b" + FAILING, f"1: FenceError: {BEFORE}"),
    "no_break_space": ("\u00a0" + FAILING, f"1: FenceError: {BEFORE}"),
    "form_feed": ("\x0c" + FAILING, f"1: FenceError: {BEFORE}"),
    "line_separator": ("x\u2028" + FAILING, f"1: FenceError: {BEFORE}"),
    "tilde": ("- ~~~{.python exec=1}\n  1/0\n  ~~~\n", f"1: FenceError: {BEFORE}"),
    "derivation": ("- ```derivation\n  x_i &= y_i\n  ```\n", f"1: FenceError: {BEFORE}"),
    "metadata": ("Note: this\n" + INDENTED + "\n# Title\n", "2: FenceError: a block that is read as metadata"),
    # A fence before it has no end, or not the one that was meant.
    "unclosed": ("```text\nhello\n\n" + FAILING + "\nmore\n\n" + FAILING, f"1: FenceError: {TAKEN} 4"),
    "unclosed_longer": ("````text\nhello\n\n" + FAILING, "1: FenceError: the fence is never closed, and has taken in"),
    "unclosed_other": ("```mermaid\nx\n\n````python exec='1'\n1\n```\n", f"1: FenceError: {TAKEN} 4"),
    "unclosed_in_browser": ("```pyodide\nx\n\n" + FAILING, f"1: FenceError: {TAKEN} 4"),
    "unclosed_in_markdown": ("````md exec='1'\n```text\n\n" + FAILING + "````\n", f"2: FenceError: {TAKEN} 4"),
    "quoted": ("> ```text\n> x\n" + FAILING, "1: FenceError: the fence is never closed, and has taken in"),
    # An opening that is none, or of another language.
    "two_backticks": (FAILING[1:], "3: FenceError: the fence is never closed"),
    "backtick_in_header": (block("1 / 0", 'python ex`ec="on"'), "3: FenceError: the fence is never closed"),
    "no_value": (block("1 / 0", "{.python exec=}"), "1: FenceError: option 'exec' has no value"),
    "no_value_in_braces": (block("1 / 0", "{.python exec}"), "1: FenceError: option 'exec' has no value"),
    "bare_in_braces": (block("1 / 0", "{python}"), "1: FenceError: 'python' in braces is no language"),
    "class_in_braces": (block("1 / 0", "{.python .exec}"), "1: FenceError: the options .python .exec cannot be read"),
    "lost_in_braces": (block("1 / 0", '{.py}thon exec="on"}'), "1: FenceError: the options .py}thon exec="),
    "language": ("```derivaton\nx_i &= y_i\n```\n", "1: FenceError: unknown language 'derivaton'"),
    "language_expected": (
        block("print(1)") + block("2", "expceted"),
        "5: FenceError: unknown language 'expceted'",
    ),
    # What is no comment for Python-Markdown hides nothing.
    "comment_unclosed": ("<!-- TODO\n\n" + FAILING, "4: AssertionError"),
    "comment_misspelt": ("<!-- TODO ->\n\nText.\n\n" + FAILING, "6: AssertionError"),
    "comment_in_raw_html": ("<pre>\n<!--\n</pre>\n\n" + FAILING, "6: AssertionError"),
    "comment_in_list": ("- a\n\n    <!--\n\n" + INDENTED + "\n    -->\n", "6: AssertionError"),
    "comment_after_text": ("Text <!--\n\n" + FAILING + "\n-->\n", "4: AssertionError"),
    # Blocks that run nothing, or half.
    "no_prompt": (block("false", 'console exec="on"'), f"1: FenceError: {NOTHING}"),
    "other_prompt": (block("me@host:~$ false", 'console exec="on"'), f"1: FenceError: {NOTHING}"),
    "no_blank": (block(">>>1 / 0", 'pycon exec="on"'), f"1: FenceError: {NOTHING}"),
    "continued": (block("$ true && \\\n  false", 'console exec="on"'), "2: ExecutionError"),
    "continued_prompt": (block("$ true |\n> false", 'console exec="on"'), "2: ExecutionError"),
    "document": (block("$ sh << E\nexit 3\nE\nout", 'console exec="on"'), "2: ExecutionError"),
    "empty": ('```python exec="on"\n```\n', f"1: FenceError: {NOTHING}"),
    "only_a_comment": (block("# assert 1 == 2"), f"1: FenceError: {NOTHING}"),
    "empty_shell": (block("# false", 'sh exec="on"'), f"1: FenceError: {NOTHING}"),
    "empty_derivation": ("```derivation\n% x_i &= y_i\n```\n", f"1: FenceError: {NOTHING}"),
    "empty_einsum": ("```einsum\n```\n", f"1: FenceError: {NOTHING}"),
    "snippet_missing": ('# T\n\n--8<-- "gone.md"\n', "3: SnippetMissingError: Snippet at path 'gone.md'"),
    "snippet_missing_in_block": (block('x = 1\n--8<-- "gone.py"'), "3: SnippetMissingError"),
    # Options of our own languages.
    "braced_einsum": ('```{.einsum wrrt="0"}\nij->i\n```\n', "1: FenceError: unknown option 'wrrt'"),
    "expected_options": (
        block("print(1)") + block("1", 'expected source="above"'),
        "5: FenceError: unknown option 'source'",
    ),
    "einsum_size": ('```einsum sizes="q=4"\nij->i\n```\n', "2: OperandError: the size of 'q' is given"),
    "infinite": (block("print('1e400')") + block("2e400", "expected"), "5: OutputError"),
    # Pages that MkDocs leaves out of the site.
    "folder/README": (FAILING, "1: FenceError: the block would never run: MkDocs leaves its page out"),
    "templates/page": (FAILING, "1: FenceError: the block would never run: MkDocs leaves its page out"),
    ".hidden": (FAILING, "1: FenceError: the block would never run: MkDocs leaves its page out"),
}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Built:
    """All those pages, built once."""
    folder = tmp_path_factory.mktemp("wrong")
    pages = {name: text for name, (text, _) in WRONG.items()}
    write_pages(folder, pages | {"index": "# Title\n", "folder/index": "# Title\n"}, SITE)
    return mkdocs_build(folder, environment, "-q")


@pytest.mark.parametrize(("page", "said"), [(page, said) for page, (_, said) in WRONG.items()], ids=WRONG)
def test_no_block_passes_unseen(wrong: Built, page: str, said: str) -> None:
    found = [line for line in wrong.console.splitlines() if line.startswith(f"docs/{page}.md:")]
    assert len(found) == 1, "\n".join(found) or wrong.console
    assert found[0].startswith(f"docs/{page}.md:{said}")


LETTERS_OF = [
    block("1 / 0"),
    block("1 / 0", "{.python exec='1'}"),
    block("1 / 0", "{ .python .numbered exec=on }").replace("`", "~"),
    "```derivation\nz_i &= 1 \\\\\nz_i &= 2\n```\n",
]


def slips(text: str) -> Iterator[str]:
    """A fence with each letter of its first and last line left out, doubled, swapped with the next, or another."""
    first, *body, last = text.rstrip("\n").split("\n")
    for line in (first, last):
        for at in range(len(line)):
            left, letter, right = line[:at], line[at], line[at + 1 :]
            for wrong in {
                left + right,
                left + letter + letter + right,
                left + right[:1] + letter + right[1:],
                left + ("y" if letter == "x" else "x") + right,
            } - {line}:
                yield "\n".join([wrong, *body, last] if line is first else [first, *body, wrong]) + "\n"


def verdict_of(page: str) -> str:
    """What becomes of a page: its blocks, and what is wrong with it before any is run."""
    languages = Languages(LANGUAGES, {"python", "py", "pycon", "sh", "bash", "console", "tree", "md", "markdown"})
    lines = normalize(page)
    found = read(lines, [Location("docs/a.md", number + 1) for number in range(len(lines))], languages)
    if found.faults:
        return "wrong"
    return "runs" if found.blocks else "is never run"


@pytest.mark.parametrize("text", LETTERS_OF, ids=["plain", "braces", "tildes", "derivation"])
def test_no_slip_takes_a_block_out_of_sight(text: str) -> None:
    assert verdict_of(text) == "runs"
    unseen = [slip for slip in slips(text) if verdict_of(slip) == "is never run"]
    # Of "on", only "no" is left out on purpose, for all that anyone can know, and so is nothing of "1".
    assert [slip for slip in unseen if not re.search(r"""exec=("no"|no\b|'')""", slip)] == []


RIGHT = {
    "longer": "````md\n" + FAILING + "````\n",
    "longer_inside": '```text\n````python exec="on"\n1/0\n````\n```\n',
    "other_character": "~~~text\n" + FAILING + "~~~\n",
    "span": 'A fence with `` ```python exec="on" `` runs; with ```` ```python exec="off" ```` it does not.\n',
    "comment": "<!--\n- " + FAILING + "\n" + FAILING + "-->\n",
    "comments": "<!-- a --> <!--\n" + FAILING + "-->\n",
    "comment_of_one_line": "<!-- ```python exec='on' -->\n",
    "metadata": '---\ntitle: T\ndescription: |\n    ```python exec="on"\n---\n\nText.\n',
    "session": block(
        "$ echo one \\\n>   two\none two\n$ cat <<'E'\nit's $ text\nE\nit's $ text\n$ echo '<a'\n> a",
        'console exec="on"',
    )
    + block("one two\nit's $ text\n<a", "expected"),
    "tabs": block("print('a\\tb\\t\\tc')") + block("a\tb\t\tc", "expected") + INDENTED.replace('"on"', '"off"'),
    "out_of_use": block("print(1)") + block("print(2)", 'python exec="off"') + block("2", "expected"),
    "custom": block("print(3)") + block("3", "expected"),
    "appended": block("print('**text**')"),
    "drafts/README": FAILING,
}


def test_what_is_right_passes(build: Build, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/appended.md").write_text(block("print('appended')", 'python exec="on" source="above"'))
    (tmp_path / "project/words.md").write_text("*[text]: a word\n")
    config = SITE.replace(
        "pymdownx.superfences, pymdownx.snippets]",
        "abbr, {pymdownx.superfences: {preserve_tabs: true, custom_fences: [{name: expected, class: x}]}}, "
        "{pymdownx.snippets: {auto_append: [appended.md, words.md]}}]\nexclude_docs: drafts/README.md",
    )
    built = build({"index": "# Title\n", **RIGHT, "drafts/index": "# Drafts\n"}, config=config)
    assert built.status == 0, built.console
    # On each page, the report among them, is the block that is appended to it.
    assert f"{len(RIGHT) + 2} pages, {len(RIGHT) + 7} blocks" in built.console
    assert built.page("appended").count('data-block="') == 2
    assert '<abbr title="a word">text</abbr>' in built.page("appended")


HOOK = """\
import markdown
from mkdocs.plugins import event_priority

def on_page_markdown(markdown, **_):
    return markdown.replace('```chart kind="bar"\\nA\\n```', "(a chart)").replace("{{ two }}", "2").replace("42", "43")

def on_page_content(html, page, **_):
    return "" if page.file.src_uri == "taken_away.md" else html
"""


def test_a_plugin_that_changes_what_is_wrong_or_expected(build: Build, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/hook.py").write_text(HOOK)
    pages = {
        "chart": '```chart kind="bar"\nA\n```\n\n' + FAILING,
        "now_met": block("print(1 + 1)") + block("{{ two }}", "expected"),
        "no_longer_met": block("print(6 * 7)") + block("42", "expected"),
        "taken_away": block("assert True"),
    }
    built = build(pages, "-q", config=PLAIN + "hooks: [hook.py]\n")
    assert built.status == 1
    assert "docs/chart.md:6: AssertionError: 1 == 2" in built.console
    assert "docs/no_longer_met.md:5: OutputError: the output is not what is expected\n  - 43\n  + 42" in built.console
    assert "docs/taken_away.md:1: FenceError: the block ran but did not reach the page" in built.console
    assert " 3 failures" in built.console


LATE = {
    "on_env": "def on_env(env, config, files):\n    page = files.get_file_from_path('index.md').page\n"
    "    page.markdown = page.markdown.replace('x = 1', 'x = 2')\n    page.render(config, files)\n",
    "on_post_page": "import markdown\n\ndef on_post_page(output, page, config):\n"
    "    md = markdown.Markdown(extensions=config.markdown_extensions, extension_configs=config.mdx_configs)\n"
    "    return output + md.convert(page.markdown.replace('x = 1', 'x = 2'))\n",
}


@pytest.mark.parametrize("event", LATE)
def test_what_is_rendered_apart_from_its_page_must_be_known(build: Build, tmp_path: Path, event: str) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/hook.py").write_text(LATE[event])
    page = block("x = 1\nprint(x, 'once')", 'python exec="on" source="above"')
    built = build({"index": page}, "-q", config=PLAIN + "hooks: [hook.py]\n")
    assert built.status == 1
    assert ".yml:1: " in built.console or "docs/index.md:1: " in built.console
    assert "FenceError: a block that stands on no page" in built.console
    assert "in the block that begins: \"x = 2\\nprint(x, 'once')\"" in built.console
    assert built.pages == ["404.html"] * (event == "on_post_page")


def test_the_variable_that_rewrites_is_for_one_build(build: Build, environment: dict[str, str], tmp_path: Path) -> None:
    environment["EINSUM_DOC_REWRITE"] = "1"
    try:
        built = build({"index": EXPECTED.replace("3.1416", "3")}, "-q")
    finally:
        del environment["EINSUM_DOC_REWRITE"]
    assert built.status == 1
    assert "EINSUM_DOC_REWRITE is set" in built.console
    assert (tmp_path / "project/docs/index.md").read_text() == EXPECTED.replace("3.1416", "3")
