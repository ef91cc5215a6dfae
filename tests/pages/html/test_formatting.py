"""Headings that blocks write, and texts that no Markdown extension reads; test_markdown_exec.py compares the HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path
from typing import Any

import markdown_exec
import pytest
from markdown import Markdown

from einsum_doc.pages.html.formatting import Converters, format_block
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import Result, Shown

from ..conftest import Build, block

CONFIG = """\
site_name: A site
theme: mkdocs
markdown_extensions: [abbr, admonition, attr_list, def_list, footnotes, md_in_html, tables, pymdownx.superfences,
  pymdownx.inlinehilite, pymdownx.snippets, {pymdownx.tabbed: {alternate_style: true}},
  {pymdownx.highlight: {anchor_linenums: true, line_spans: __span}}, {toc: {permalink: true}}]
plugins: [%s]
"""


def test_headings_of_blocks_that_markdown_exec_formats_itself(build: Build) -> None:
    blocks = {"python": "print('## One')", "md": "## Two", "tree": "a\n  b", "py": "print('## Three')"}
    fences = [f'```{language} exec="on"\n{code}\n```' for language, code in blocks.items()]
    built = build({"index": "# Title\n\n" + "\n\n".join(fences)}, config=CONFIG % "markdown-exec, einsum-doc")
    assert built.status == 0, built.console
    assert re.findall(r'class="nav-link">(\w+)', built.page()) == ["Title", "One", "Two", "Three"]
    assert re.findall(r"<h2[^>]*>(\w+)", built.page()) == ["One", "Two", "Three"]
    assert not re.search(r"<p>\s*<(?:div|h2)", built.page())


def test_a_block_within_markdown_that_is_executed(build: Build) -> None:
    """It is converted while the other one is."""
    inner = "```python exec='on' source='above'\nprint('## Inner')\n```"
    page = f'# Title\n\n{inner}\n\n````md exec="on"\n{inner}\n\n## Outer\n````\n'
    ours = build({"index": page}, config=CONFIG % "markdown-exec, einsum-doc")
    assert ours.status == 0, ours.console
    html = ours.page()
    assert re.findall(r"<h2[^>]*>(Inner|Outer)", html) == ["Inner", "Inner", "Outer"]
    numbers = re.findall(r'<h2 id="exec-(\d+)-', html)
    assert len({*numbers}) == 3, numbers
    assert "einsum_doc=" not in html


# What a block writes, and the HTML of its page.
LINKS = {
    "a page": ("[a](other.md#part)", '<a href="../other/#part">a</a>'),
    "a picture": ("![a](a.png)", 'src="../a.png"'),
    "a definition of the page": ("[a][target]", '<a href="../other/">a</a>'),
    "a definition of its own": ("[a][own]\\n\\n[own]: other.md", '<a href="../other/">a</a>'),
    "its own comes first": ("[a][target]\\n\\n[target]: page.md", '<a href="./">a</a>'),
    "a definition in a fence": ("[a][shown]", "<p>[a][shown]</p>"),
    "a heading of its own": ("## B\\n\\n[a](#b)", '<a href="#exec-7--b">a</a>'),
}
WRONG_LINKS = {
    "[a](none.md)": "link 'none.md', but the target 'sub/none.md' is not found",
    "[a](other.md#none)": "link 'other.md#none', but the doc 'sub/other.md' does not contain an anchor '#none'",
    "[a](#none)": "link '#exec-10--none', but there is no such anchor on this page",
}


@pytest.mark.parametrize("is_wrong", [False, True])
def test_links_in_output_are_those_of_the_page(is_wrong: bool, build: Build) -> None:
    texts = [text for text, _ in LINKS.values()] + [*WRONG_LINKS] * is_wrong
    page = (
        "".join(block(f'print("{text}")') for text in texts) + "```text\n[shown]: other.md\n```\n\n[target]: other.md\n"
    )
    page += block('print("Words\\n{ #known }")', 'python exec="on" idprefix=""')
    other = "# Other\n\n## Part\n\n[a](page.md#known)\n"
    pages = {"sub/page": "# Title\n\n" + page, "sub/other": other}
    config = CONFIG % "markdown-exec, einsum-doc" + "validation: {anchors: warn}\n"
    built = build(pages, "--strict", config=config, files={"docs/sub/a.png": ""})
    warnings = [line for line in built.console.split("\n") if line.startswith("WARNING")]
    assert [message in line for message, line in zip(WRONG_LINKS.values(), warnings, strict=False)] == [
        True
    ] * 3 * is_wrong, warnings
    if not is_wrong:
        assert built.status == 0, built.console
        found = built.page("sub/page").split('data-block="')[1:]
        for (name, (_, html)), each in zip(LINKS.items(), found, strict=False):
            assert html in each, name


EXTENSIONS = (
    "abbr admonition attr_list def_list footnotes md_in_html nl2br smarty tables wikilinks "
    "pymdownx.arithmatex pymdownx.betterem pymdownx.blocks.html pymdownx.caret pymdownx.critic pymdownx.details "
    "pymdownx.emoji pymdownx.escapeall pymdownx.inlinehilite pymdownx.keys pymdownx.magiclink pymdownx.mark "
    "pymdownx.progressbar pymdownx.smartsymbols pymdownx.snippets pymdownx.superfences pymdownx.tabbed "
    "pymdownx.tasklist pymdownx.tilde"
)
READ = r"""--8<-- "pyproject.toml"
  ;--8<-- "pyproject.toml"
--8<--
pyproject.toml
--8<--
HTML :smile: ++ctrl+a++ (c) --> 1/2 ~~no~~ ^^i^^ ==m== {++a++} {--b--} $x < y$ \\(z\\) `a` #!python x`
https://example.org user@example.org #12 [[link]] "quoted" ... -- --- \* <b>bold</b> &amp; {% raw %} {{ x }}
# heading {: #id .c }
[^1] and [x]{: .k }
??? note "x"
    text

=== "tab"
    a

/// html | div
x
///

- [x] task
[=85% "85%"]
````````
`````````
~~~
*[HTML]: Other
[^1]: note
``` {.python}
x
```"""
"""A text in which every extension finds something."""
TAKEN = [
    'result="text"',
    'result="json" source="above"',
    'result="text" source="block"',
    'result="text" source="tabbed-left"',
    'result="text" source="below" linenums="1"',
    'source="console"',
    'html="on"',
    'html="on" source="tabbed-right"',
    'html="on" source="console"',
]


@pytest.fixture(params=[False, True], ids=["spaces", "tabs"])
def formatted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Return the HTML of a block of Python with some options and a result, on a page with every extension."""
    (tmp_path / "words.txt").write_text("*[HTML]: Hypertext")
    snippets = {"auto_append": ["words.txt"], "base_path": [".", str(tmp_path)]}
    settings = markdown_exec.MarkdownConfig()
    monkeypatch.setattr(settings, "exts", ["toc", *EXTENSIONS.split()])
    superfences = {"preserve_tabs": request.param}
    configs = {"pymdownx.snippets": snippets, "pymdownx.superfences": superfences}
    monkeypatch.setattr(settings, "exts_config", configs)

    def formatted(written: str, code: str, **result: Any) -> str:
        inputs, options = dict(re.findall(r'(\w+)="(.*?)"', f'exec="on" {written}')), {}
        assert markdown_exec.validator("python", inputs, options, {}, Markdown())
        found = Block(Location("docs/a.md", 1), 1, "python", code)
        return format_block(
            found, Result("held", **result), LANGUAGES["python"], Markdown(), options, Converters(), "docs/a.md"
        )

    return formatted


@pytest.mark.parametrize("options", TAKEN)
def test_no_extension_reads_output_that_is_no_markdown_nor_source(options: str, formatted: Callable[..., str]) -> None:
    code = f"print('''\n{READ}''')"
    html = formatted(options, code, output=READ + "\n")
    if "html" in options and "console" not in options:
        assert READ in html
        html = html.replace(READ, "")
    else:
        assert READ in seen_in(html)
    assert (code in seen_in(html)) == ("source" in options)


def seen_in(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def test_no_extension_reads_values_and_errors(formatted: Callable[..., str]) -> None:
    html = formatted("", "", shown=(Shown("text", READ), Shown("html", f"<pre>{READ}</pre>")), errors=READ, raised=READ)
    assert html.count(escape(READ)) == 3
    assert f"<pre>{READ}</pre>" in html


@pytest.mark.parametrize("options", ["", 'source="above"', 'source="tabbed-left"'])
def test_snippets_read_no_markdown_that_is_written(options: str, formatted: Callable[..., str]) -> None:
    """But a site appends its abbreviations to it."""
    text = 'Some *text* of HTML.\n\n--8<-- "pyproject.toml"'
    for html in (
        formatted(options, "x", output=text),
        formatted(options, "x", shown=(Shown("markdown", text),)),
    ):
        assert re.search(
            r'<p>Some <em>text</em> of <abbr title="Hypertext">HTML</abbr>.</p>\s*<p>.*pyproject.toml.*</p>', html
        )
