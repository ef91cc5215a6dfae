"""What fences promise: every one is executed, skipped with a reason, or plain, and nothing else passes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading.language import Languages
from einsum_doc.pages.reading.scan import normalize, read
from einsum_doc.pages.record.block import Location

from ..conftest import PLAIN, SHOWING, Build, Built, NewProject, Project, block, text_of

CLAIMING = """\
def claimed(language, inputs, options, attrs, md):
    if "reason" not in inputs or inputs.get("exec") != "false":
        return False
    inputs.clear()
    return True

def on_config(config):
    config.mdx_configs["pymdownx.superfences"]["custom_fences"].append(
        {"name": "python", "class": "python", "validator": claimed}
    )
"""
RAISING = 'python exec="on" raises="ValueError: .*sizes"'
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
DIFFERS = ":13: OutputError: the output is not what is expected\n"


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


def test_a_page_that_was_never_rendered(build: Build) -> None:
    hook = "def on_files(files, config):\n    files.remove(files.get_file_from_path('gone.md'))\n"
    # After ours, which has read the pages by then.
    files = {"hook.py": "import mkdocs.plugins\n\n@mkdocs.plugins.event_priority(-200)\n" + hook}
    pages = {"index": block("assert True"), "gone": "# Gone\n\n" + block("assert True")}
    built = build(pages, "-q", config=PLAIN + "hooks: [hook.py]\n", files=files)
    assert built.status == 1
    assert "\ndocs/gone.md:3: FenceError: the block ran but did not reach the page" in built.console
    assert "its page was never rendered" in built.console


def test_a_plugin_that_changes_a_block_has_the_changed_one_run(build: Build) -> None:
    hook = "def on_page_markdown(markdown, **_):\n    return 'Put in.\\n\\n' + markdown.replace('WORD', '1 == 2')\n"
    page = {"index": "# Title\n\n" + block("x = 1\nassert WORD")}
    built = build(page, "-q", config=PLAIN + "hooks: [hook.py]\n", files={"hook.py": hook})
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


def test_skipped_with_its_reason(build: Build) -> None:
    config = PLAIN.replace("einsum-doc]", "{einsum-doc: {device: cpu}}]")
    page = "# Title\n\n" + block("1 / 0", 'python exec="on" source="above" skip-if="no-gpu"') + block("assert True")
    built = build({"index": page}, config=config)
    assert built.status == 0, built.console
    assert "1 page, 2 blocks, 1 assertion held, 1 skipped (no GPU)" in built.console
    assert "<b>– skipped</b> · <span>no GPU</span>" in built.page()
    assert "<span>1 skipped</span>" in built.page()
    assert "<span>docs/index.md:3</span>" in built.page()


def test_skipped_without_a_module(project: Project) -> None:
    config = PLAIN.replace("einsum-doc]", "{einsum-doc: {preload: []}}]")
    torch = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"
    header = 'python exec="on" source="above" skip-if="{}"'
    page = block("import later.part", header.format("missing:later.part")) + block(
        "import torch", header.format("no-gpu")
    )
    page += block("import json.decoder\nassert json", header.format("missing:json.decoder"))
    files = {"lib/torch.py": torch}
    library = str(project.write({"index": page}, config, files).folder / "lib")
    built = project.build(PYTHONPATH=library, EINSUM_DOC_REQUIRE_GPU="")
    assert built.status == 0, built.console
    assert "3 blocks, 1 assertion held, 1 skipped (later.part is not installed), 1 skipped (no GPU)" in built.console
    assert "<b>– skipped</b> · <span>later.part is not installed</span>" in built.page()
    project.write({}, config, {"lib/later/part.py": "x = 1\n"})
    built = project.build(PYTHONPATH=library, EINSUM_DOC_EXPLAIN="1")
    assert "docs/index.md: ran: later is installed now" in built.console
    assert "3 blocks, 1 assertion held, 1 skipped (no GPU)" in built.console
    required = project.build(PYTHONPATH=library, EINSUM_DOC_REQUIRE_GPU="1").console
    assert "DeviceError: the block needs cuda, which is not here" in required
    assert "1 failure" in required


# A page, and what is said of it. Built once, on a page each.
FAILURES: dict[str, tuple[str, str]] = {
    "bash": (block("echo out; exit 3", 'bash exec="on"'), ":2: ExecutionError: the command ended with status 3, not 0"),
    "console": (block("$ false", 'console exec="on"'), ":2: ExecutionError: the command ended with status 1"),
    "pycon": (block(">>> 1 / 0", 'pycon exec="on"'), ":2: ZeroDivisionError: division by zero"),
    "markdown": (
        "````md exec=\"on\"\n``` {.python exec='on'}\n1/0\n```\n````\n",
        ":3: ZeroDivisionError: division by zero",
    ),
    "indented_code": (
        "# Title\n\nText.\n\n    ```python exec='on'\n    x = 1\n    ```\n",
        ":5: FenceError: the block ran but did not reach the page",
    ),
    "takes_in_another": (
        '```python exec="on"\nx = 1\n\nText.\n\n' + block("y = 1"),
        ":4: SyntaxError: invalid syntax\n  Text.\n       ^\n"
        "  its fence, opened at line 1, takes in the one at line 6: is its end missing?",
    ),
    "name_of_another": (
        block("x"),
        ":2: NameError: name 'x' is not defined\n"
        "  `x` is defined on the page docs/indented_code.md; each page has a namespace of its own\n",
    ),
    # Options that cannot be, or would do nothing.
    "raises_what": (block("1", 'python exec="on" raises="ValueError("'), ":1: FenceError: "),
    "raises_in_lower_case": (block("1", 'python exec="on" raises="lower case"'), ":1: FenceError: "),
    "skip_if_what": (block("1", 'python exec="on" skip-if="rain"'), ":1: FenceError: "),
    "skip_if_of_ours": (block("1", 'python exec="on" skip_if="rain"'), ":1: FenceError: "),
    "twice": (block("1", 'python exec="on" exec="off"'), "option 'exec' is given twice"),
    "returncode": (block("1", 'python exec="on" returncode="3"'), "option 'returncode' does nothing for Python"),
    "tabs": (block("1", 'python exec="on" tabs="A|B"'), "option 'tabs' does nothing without tabs"),
    "blanks": (block("1", 'python exec="on" source = "above"'), 'options exec="on" source = "above" cannot be read'),
    "tolerance": (
        block("1", 'python exec="on" device="cpu" tolerance="1"'),
        "unknown option 'tolerance'\n  it belongs to an `expected` fence",
    ),
    "after_an_option_of_ours": (
        "# Title\n\n" + block("1", 'python exec="on" source="above" skip-if="no-gpu"') + block("2", RAISING),
        ":7: NothingRaisedError",
    ),
    # An error that is expected must come.
    "raises_nothing": (block("x = 1", RAISING), ":1: NothingRaisedError: the block should raise ValueError: .*sizes"),
    "raises_without_the_words": (block("raise ValueError('shapes')", RAISING), ":2: ValueError: shapes"),
    "raises_another": (block("raise TypeError('sizes')", RAISING), ":2: TypeError: sizes"),
    "ends_instead": (block("import os; os._exit(1)", RAISING), ":2: WorkerError: the block ended its process"),
    "raises_a_group": (
        block("raise ExceptionGroup('both', [ValueError('a')])", RAISING),
        ":2: ValueError: a\n  expected: ValueError: .*sizes: this error, and a message that begins so\n"
        "  in ExceptionGroup: both (1 sub-exception)\n",
    ),
    # Output that is expected must come.
    "a_number": (
        EXPECTED.replace("pi 3.1416", "pi 3.1516"),
        f"{DIFFERS}  - pi 3.1516\n  + pi 3.141592653589793\n    three lines\n    12\n",
    ),
    "a_word": (
        EXPECTED.replace("    12\n    ```", "    13\n    ```"),
        f"{DIFFERS}    pi 3.1416\n    three lines\n  - 13\n  + 12\n",
    ),
    "a_line": (
        EXPECTED.replace("    three lines\n    12", "    12"),
        f"{DIFFERS}    pi 3.1416\n  + three lines\n    12\n",
    ),
    "nothing_before": (block("1", "expected"), ":1: FenceError: there is no block before it"),
    "tolerance_what": (
        block("print(1)") + block("1", "expected tolerance='x'"),
        ':5: FenceError: tolerance="x" is not understood',
    ),
}


@pytest.fixture(scope="module")
def failed(new_project: NewProject) -> Built:
    return new_project({name: text for name, (text, _) in FAILURES.items()}).build("-q")


@pytest.mark.parametrize(("page", "said"), [(page, said) for page, (_, said) in FAILURES.items()], ids=FAILURES)
def test_a_failure_and_its_line(failed: Built, page: str, said: str) -> None:
    assert failed.status == 1
    found = re.search(rf"^docs/{page}\.md:\d+: (.+\n)+", failed.console, re.M)
    assert found, failed.console
    assert said in found[0]


@pytest.fixture(scope="module")
def held(new_project: NewProject) -> Built:
    """One build of pages that hold."""
    pages = {
        "colours": block(
            "print('\\033[31mred\\033[0m')\nimport sys\nprint('\\033[1mbold\\033[0m', file=sys.stderr)",
            'python exec="on" source="above" result="text"',
        ),
        "warnings": block(
            "import sys, warnings\nprint('out')\nwarnings.warn('mind the gap')\nprint('err', file=sys.stderr)"
        ),
        "syntax_warning": block("x = 1\nif x is 1: pass"),
        "raises": block("raise ValueError('the sizes disagree: 3 and 4')", RAISING)
        + block("import json\njson.loads('{')", 'python exec="on" raises="json.JSONDecodeError: Expecting"')
        + block("int('x')", 'python exec="on" source="above" raises="Exception"'),
        "expected": EXPECTED,
        "of_other_tools": block("shown", 'python exec="false" reason="no GPU"')
        + block("shown", 'python {test="skip"}')
        + block("print('run')", 'python exec="on" source="above" owner="docs team"')
        + "<td>```python\nshown\n```\n</td>\n",
        "hyphens": '````md\n```python exec="on" skip-if="no-gpu"\n```\n````\n\n'
        + block("print('''\n~~~ python skip-if=1\n''')", 'python exec="on" source="above" result="text"'),
    }
    config = (
        PLAIN.replace("einsum-doc]", f"{{einsum-doc: {{fence_options: [owner], {SHOWING}}}}}]")
        + "hooks: [claiming.py]\n"
    )
    built = new_project(pages, config, {"claiming.py": CLAIMING}).build()
    assert built.status == 0, built.console
    return built


def test_colours_of_a_terminal_are_rendered(held: Built) -> None:
    assert "\x1b" not in held.page("colours")
    assert "-Color-Red" in held.page("colours")
    assert "-Color-Bold" in held.page("colours")


def test_warnings_and_standard_error_are_shown(held: Built) -> None:
    page = held.page("warnings")
    error = page[page.index('<pre class="err">') :].split("</pre>")[0]
    assert "docs/warnings.md:4: UserWarning: mind the gap" in error
    assert error.endswith("err")


def test_python_warns_of_a_line_once(held: Built) -> None:
    assert held.page("syntax_warning").count("docs/syntax_warning.md:3: SyntaxWarning") == 1


def test_an_error_that_is_expected(held: Built) -> None:
    assert '<pre class="raised">ValueError: the sizes disagree: 3 and 4</pre>' in held.page("raises")
    assert text_of(held.page("raises")).count("✓ raised, as expected") == 3


def test_expected_output_that_is_met(held: Built) -> None:
    assert '<pre class="expected">pi 3.1416\nthree lines\n12</pre>' in held.page("expected")
    assert "3.14159" not in held.page("expected")


def test_fences_of_other_tools_are_left_alone(held: Built) -> None:
    seen = text_of(held.page("of_other_tools"))
    assert seen.count("shown") == 3
    assert "run" in seen
    assert "owner" not in seen
    assert "reason" not in seen  # the hook has the fence that it has claimed


def test_a_hyphen_is_left_alone_where_it_is_text(held: Built) -> None:
    assert text_of(held.page("hyphens")).count("skip-if=") == 3
    assert "skip_if" not in held.page("hyphens")


def test_a_failure_is_mere_text(build: Build, project: Project) -> None:
    code = "print('seen\\x1b[2J\\x1b]0;title\\x07 \\x08still')\nraise ValueError('\\x1b[31mred\\r\\x1b[H\\0')"
    built = build({"index": block(code)}, "-q")
    assert "docs/index.md:3: ValueError: red\n" in built.console
    assert "output before it:\n    seenstill\n" in built.console
    # On a terminal, it neither clears the screen nor has colours of its own.
    shown = project.build_on_a_terminal("-q", NO_COLOR="1")
    assert "docs/index.md:3: ValueError: red\r\n" in shown
    assert not any(code in shown for code in ("\x1b[2J", "\x1b]0", "\x1b[31m", "\x1b[H", "\x08"))


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
    "not_accepted": ("```python test='a'\nx\n```\n\n" + FAILING, f"3: FenceError: {TAKEN} 5"),
    "quoted": ("> ```text\n> x\n" + FAILING, "1: FenceError: the fence is never closed, and has taken in"),
    # An opening that is none, or of another language.
    "two_backticks": (FAILING[1:], f"1: FenceError: {BEFORE}"),
    "backtick_in_header": (block("1 / 0", 'python ex`ec="on"'), f"1: FenceError: {BEFORE}"),
    "no_value": (block("1 / 0", "{.python exec=}"), "1: FenceError: option 'exec' has no value"),
    "no_value_in_braces": (block("1 / 0", "{.python exec}"), "1: FenceError: option 'exec' has no value"),
    "bare_in_braces": (block("1 / 0", "{python exec=on}"), "1: FenceError: 'python' in braces is no language"),
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
    # The output that is expected of a wrong block is not that of the block before it.
    "misspelt": (block("1") + block("2", 'python exec="on" sorce="above"') + block("2", "expected"), "5: FenceError"),
    "misspelt_alone": (block("2", 'python exec="on" sorce="above"') + block("2", "expected"), "1: FenceError"),
    "other_language": (block("1") + block("2", 'ruby exec="on"') + block("2", "expected"), "5: FenceError"),
    "nothing": (block("1") + block("# 2") + block("2", "expected"), "5: FenceError"),
    "misspelt_ours": (block("1") + block("i->", 'einsum wrrt="0"') + block("2", "expected"), "5: FenceError"),
    # Pages that MkDocs leaves out of the site.
    "folder/README": (FAILING, "1: FenceError: the block would never run: MkDocs leaves its page out"),
    "templates/page": (FAILING, "1: FenceError: the block would never run: MkDocs leaves its page out"),
    ".hidden": (FAILING, "1: FenceError: the block would never run: MkDocs leaves its page out"),
}


@pytest.fixture(scope="module")
def wrong(new_project: NewProject) -> Built:
    """All those pages, built once."""
    pages = {name: text for name, (text, _) in WRONG.items()}
    return new_project(pages | {"index": "# Title\n", "folder/index": "# Title\n"}, SITE).build("-q")


@pytest.mark.torch("einsum_size")
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


def test_what_is_right_passes(build: Build) -> None:
    appended = block("print('appended')", 'python exec="on" source="above"')
    files = {"appended.md": appended, "words.md": "*[text]: a word\n"}
    config = SITE.replace(
        "pymdownx.superfences, pymdownx.snippets]",
        "abbr, {pymdownx.superfences: {preserve_tabs: true, custom_fences: [{name: expected, class: x}]}}, "
        "{pymdownx.snippets: {auto_append: [appended.md, words.md]}}]\nexclude_docs: drafts/README.md",
    )
    built = build({"index": "# Title\n", **RIGHT, "drafts/index": "# Drafts\n"}, config=config, files=files)
    assert built.status == 0, built.console
    # On each page, the report among them, is the block that is appended to it.
    assert f"{len(RIGHT) + 2} pages, {len(RIGHT) + 7} blocks" in built.console
    assert "<p>appended</p>" in built.page("appended")
    assert '<abbr title="a word">text</abbr>' in built.page("appended")


HOOK = """\
import markdown
from mkdocs.plugins import event_priority

def on_page_markdown(markdown, **_):
    return markdown.replace('```chart kind="bar"\\nA\\n```', "(a chart)").replace("{{ two }}", "2").replace("42", "43")

def on_page_content(html, page, **_):
    return "" if page.file.src_uri == "taken_away.md" else html
"""


def test_a_plugin_that_changes_what_is_wrong_or_expected(build: Build) -> None:
    pages = {
        "chart": '```chart kind="bar"\nA\n```\n\n' + FAILING,
        "now_met": block("print(1 + 1)") + block("{{ two }}", "expected"),
        "no_longer_met": block("print(6 * 7)") + block("42", "expected"),
        "taken_away": block("assert True"),
    }
    built = build(pages, "-q", config=PLAIN + "hooks: [hook.py]\n", files={"hook.py": HOOK})
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
def test_what_is_rendered_apart_from_its_page_must_be_known(build: Build, event: str) -> None:
    page = block("x = 1\nprint(x, 'once')", 'python exec="on" source="above"')
    built = build({"index": page}, "-q", config=PLAIN + "hooks: [hook.py]\n", files={"hook.py": LATE[event]})
    assert built.status == 1
    assert ".yml:1: " in built.console or "docs/index.md:1: " in built.console
    assert "FenceError: a block that is changed after its page was read is not run" in built.console
    assert "in the block that begins: \"x = 2\\nprint(x, 'once')\"" in built.console
    assert built.pages == ["404.html"] * (event == "on_post_page")
