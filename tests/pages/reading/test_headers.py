"""Fences of other tools are left alone, with the options that those have; a misspelt `exec` is not."""

from __future__ import annotations

from typing import Any

import markdown_exec
import pytest
from markdown import Markdown

from einsum_doc.pages.build.fences import Fences
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading.language import Languages
from einsum_doc.pages.reading.numbering import FenceNumbers
from einsum_doc.pages.reading.scan import PageReading, normalize, read
from einsum_doc.pages.record.block import Location
from einsum_doc.pages.record.options import Options

from ..conftest import block

ALONE = "left alone"
RUNS = "runs"
MEANT = "did you mean 'exec'? an option of another tool is declared in `fence_options`, in mkdocs.yml"
UNREADABLE = 'write them as name="value", with blanks between them and none around ='
UNDECLARED = "an option of another tool is declared in `fence_options`, in mkdocs.yml"

# A header, and what becomes of its fence: it is left alone, it runs, or the hint of the error.
HEADERS = {
    # Tools that test the code of documentation, each as its pages have it.
    'python test="true" session="gpu-demo" markers="gpu" source="above"': ALONE,
    'python test="true" session="s3demo" markers="s3" source="above"': ALONE,
    'python exec="false" reason="requires dask, which is not in the docs test environment"': ALONE,
    'python exec="0"': ALONE,
    'python exec="false"': ALONE,
    '{.python exec="false" source="above" caption="x"}': ALONE,
    'python {test="skip" lint="skip"}': ALONE,
    'py {title="main.py" test="skip" upgrade="skip" group="a"}': ALONE,
    'py title="main.py" hl_lines="8 17" skip-run="true" skip-reason="server-start"': ALONE,
    'py title="main.py" hl_lines="8 17" skip_run="true"': ALONE,
    "python notest": ALONE,
    "python continuation": ALONE,
    "python fixture:capsys": ALONE,
    "python name=test_basic_example": ALONE,
    "python tags=[skip, slow]": ALONE,
    '{.python pytest="true" timeout="3"}': ALONE,
    "python doctest": ALONE,
    # Literate notebooks.
    "{python}": ALONE,
    "{python, echo=FALSE}": ALONE,
    "{r, fig.width=6}": ALONE,
    "{code-cell} python": ALONE,
    "{code-cell} ipython3": ALONE,
    "{code-block} python": ALONE,
    "{eval-rst}": ALONE,
    "python {.marimo}": ALONE,
    'python {.marimo hide_code="true"}': ALONE,
    # Themes and highlighters.
    "python { .annotate }": ALONE,
    "{ .yaml .annotate .no-copy }": ALONE,
    "{ .python .no-copy .select }": ALONE,
    '{.python data-lang="py" data-exec="later"}': ALONE,
    'py title="bubble_sort.py" linenums="1" hl_lines="2 3"': ALONE,
    'python hl_lines="1,3"': ALONE,
    'python linenums="on"': ALONE,
    "python title=bubble_sort.py": ALONE,
    "python title=executor.py": ALONE,
    "python showLineNumbers {1,3-5}": ALONE,
    '{.python #listing width="80%" caption="A listing"}': ALONE,
    "console { .termynal }": ALONE,
    'bash { data-termynal="" }': ALONE,
    "mermaid": ALONE,
    'mermaid title="A graph"': ALONE,
    'codapi sandbox="python" editor="basic"': ALONE,
    'vegalite source="data.json"': ALONE,
    "json title=exec.json": ALONE,
    'js width="300" session="a"': ALONE,
    'chart kind="bar" result="svg" id="a"': ALONE,
    "diff": ALONE,
    # Markdown-exec's, which execute.
    'python exec="on"': RUNS,
    'python exec="true" session="arrays" source="above" result="ansi"': RUNS,
    'python exec="1" html="1"': RUNS,
    "python exec": RUNS,
    '{.python exec="on"}': RUNS,
    '{.python exec="on" test="skip"}': RUNS,
    'bash {exec="on" .no-copy}': RUNS,
    'python exec="on" html="true" workdir="docs"': RUNS,
    # Meant to be.
    'python exce="on"': MEANT,
    'python excec="on" source="above"': MEANT,
    'python exe="on"': MEANT,
    'python xec="true" test="true"': MEANT,
    'python Exec="on"': MEANT,
    'python EXEC="1"': MEANT,
    'python exec_="on"': MEANT,
    'python execute="true"': MEANT,
    'pythonexec="on"': MEANT,
    "python exce": MEANT,
    'js exce="on"': MEANT,
    '{.python exce="on"}': MEANT,
    '{.python .annotate exe="on"}': MEANT,
    'python {execc="on"}': MEANT,
    '{.python EXEC="on"}': MEANT,
    "{.python exce=on}": MEANT,
    "{python exce=on}": MEANT,
    "python exec=on": UNREADABLE,
    "python exe=on": UNREADABLE,
    "python exec=off": UNREADABLE,
    "python exec:on": UNREADABLE,
    "python exec”on”": UNREADABLE,
    "python exec=”on”": UNREADABLE,
    'python exec="on" name=test_a': UNREADABLE,
    'python exec=""on"': UNREADABLE,
    'python {exec="on"} {.annotate}': RUNS,
    '{.python} exec="on"': UNREADABLE,
    "{.python .exec}": UNREADABLE,
    "tree icons=none": UNREADABLE,
    "einsum wrt=0": UNREADABLE,
    '{python exec="on"}': 'write python exec="on", or {.python exec="on"}, or python alone',
    "{.python exec}": 'write exec="…", with straight quotes and no blanks around =',
    'python exec="maybe"': 'expected "on" or "off"',
    'python exec="on" exec="off"': "",
    'python source="above" session="a"': 'add exec="on"',
    'python title="a.py" raises="ValueError"': 'add exec="on"',
    'python exec="on" test="true"': UNDECLARED,
    'python exec="on" sorce="above"': "did you mean 'source'?",
    '{.python exec="on" sorce="above"}': "did you mean 'source'?",
    'python exec="off" execute="off"': ALONE,
    'python execute="false"': ALONE,
}
RUNNABLE = frozenset(markdown_exec.formatters)


def reading(page: str, md: Markdown | None = None, **kwargs: Any) -> PageReading:
    """The fences of a page."""
    lines = normalize(page)
    locations = [Location("docs/a.md", number + 1) for number in range(len(lines))]
    return read(lines, locations, Languages(LANGUAGES, RUNNABLE, **kwargs), md)


def outcome(header: str, **kwargs: Any) -> str:
    """What becomes of a fence with a header."""
    found = reading(f"```{header}\n$ x\n```\n", **kwargs)
    if found.faults:
        assert not found.blocks
        return "".join(found.faults[0].failure.details)
    return RUNS if found.blocks else ALONE


@pytest.mark.parametrize(("header", "expected"), HEADERS.items(), ids=HEADERS)
def test_a_header(header: str, expected: str) -> None:
    assert outcome(header) == expected


def test_what_a_site_declares_is_another_tools() -> None:
    declared = {"execute", "session", "test", "exec"}
    assert outcome('python execute="true"', declared=declared) == ALONE
    assert outcome('python session="a"', declared=declared) == ALONE
    assert outcome('python exec="on" test="true" session="a"', declared=declared) == RUNS
    assert outcome('python exce="on" test="true"', declared=declared) == MEANT
    assert outcome('einsum test="true"', declared=declared) == ""


def claimed(language: str, inputs: dict[str, str], options: Any, attrs: Any, md: Markdown) -> bool:
    """Accept, for a plugin of a site's own, what is marked as tested or not to be executed."""
    if "test" not in inputs and inputs.get("exec") != "false":
        return False
    options["seen"] = dict(inputs)
    inputs.clear()
    return True


def shown(source: str, language: str, css_class: str, options: Any, md: Markdown, **kwargs: Any) -> str:
    """Show the options that a fence has been accepted with."""
    return f"<pre>{options}</pre>"


STOCK = [
    {"name": name, "class": name, "validator": markdown_exec.validator, "format": markdown_exec.formatter}
    for name in markdown_exec.formatters
]
SITES: dict[str, dict[str, Any]] = {
    "plain": {"fences": STOCK},
    "relaxed": {"fences": STOCK, "relaxed_headers": True},
    "plugin": {"fences": [*STOCK, {"name": "python", "class": "python", "validator": claimed, "format": shown}]},
}


def markdown(fences: list[dict[str, Any]], **config: Any) -> Markdown:
    """A Markdown with superfences."""
    return Markdown(
        extensions=["attr_list", "pymdownx.highlight", "pymdownx.superfences"],
        extension_configs={"pymdownx.superfences": {"custom_fences": fences, **config}},
    )


@pytest.mark.parametrize("site", SITES)
def test_what_is_left_alone_is_rendered_as_without_this_builder(site: str) -> None:
    ours = Fences({}, lambda page: None, Options(), "mkdocs.yml").custom_fences(Languages(LANGUAGES, RUNNABLE))
    stock = markdown(**SITES[site])
    built = markdown(**{**SITES[site], "fences": SITES[site]["fences"] + ours})
    FenceNumbers({}, lambda md, lines: lines, lambda *_: "").extendMarkdown(built)
    for header in (header for header, expected in HEADERS.items() if expected == ALONE):
        page = f"Text.\n\n```{header}\nx = 1\n```\n\nMore.\n\n~~~python exec='off'\ny = 2\n~~~\n"
        assert built.reset().convert(page) == stock.reset().convert(page), header


TESTED = '```python test="true"\nx = 1\n```\n\n'
UNCLOSED = "```text\nnever closed\n"
TAKEN = "the fence has taken in the block at line 5, which would never run"


def test_a_fence_that_superfences_does_not_accept_may_take_in_a_block() -> None:
    # Its end then begins another fence, which ends with the next one.
    [fault] = reading(TESTED + block("y = 2"), markdown(STOCK)).faults
    assert (fault.failure.location.line, fault.failure.message) == (3, TAKEN)
    assert "does not accept the options of the fence at line 1: is this its end?" in fault.failure.details[0]
    # Two of them are text, with a fence between them.
    found = reading(TESTED + TESTED + block("y = 2"), markdown(STOCK))
    assert [block.location.line for block in found.blocks] == [9]
    assert not found.faults


@pytest.mark.parametrize("site", ["relaxed", "plugin"])
def test_a_fence_that_the_site_accepts_takes_in_nothing(site: str) -> None:
    found = reading(TESTED + block("y = 2"), markdown(**SITES[site]))
    assert [block.location.line for block in found.blocks] == [5]
    assert not found.faults


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("```\nno language\n```\n\n" + block("1"), False),
        (block("1") + UNCLOSED, False),
        (block("1") + "```\n" + UNCLOSED, False),
        (block("1") + "<td>```python\nx\n```\n</td>\n", False),
        (block("1") + "<details>\n\n```python\nx\n```</details>\n", False),
        (block("1") + "<pre>\n```python\nx\n```</pre>\n", False),
        (block("1") + "Of ``python exec='on'`` and\n``python exec='on' `` text.\n", False),
        (block("1") + "``expected'' is a word, ``einsum\ntoo``.\n", False),
        (block("1") + "<!--\n``python exec='on'\n1\n```\n-->\n", False),
        (block("1") + UNCLOSED + block("2"), True),
        (block("1") + "<td>```python\nx\n```\n</td>\n\n" + block("2"), True),
        (block("1") + "``python exec='on'\n1 / 0\n```\n\n" + UNCLOSED + "```\n", True),
        (block("1") + '<td>```python exec="on"\n1 / 0\n```\n</td>\n', True),
    ],
)
def test_a_plain_fence_is_wrong_only_if_it_takes_in_a_block(page: str, wrong: bool) -> None:
    found = reading(page, markdown(STOCK))
    assert (len(found.blocks), len(found.faults)) == (1, int(wrong))
