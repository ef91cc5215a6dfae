"""What a block writes stands on the page as markdown-exec would have put it there, whatever came before it."""

from __future__ import annotations

import re

from ..conftest import Build

CONFIG = """\
site_name: A site
theme: mkdocs
markdown_extensions: [abbr, admonition, attr_list, def_list, footnotes, md_in_html, tables, pymdownx.superfences,
  pymdownx.inlinehilite, pymdownx.snippets, {pymdownx.tabbed: {alternate_style: true}},
  {pymdownx.highlight: {anchor_linenums: true, line_spans: __span}}, {toc: {permalink: true}}]
plugins: [%s]
"""
TEXT = r"""
print('''
## A heading with `code`

=== "One"

    Text[^1] of *one* and [a link][there].

=== "Two"

    !!! note
        HTML

[^1]: A note.
[there]: https://example.org
*[HTML]: Hypertext

| a | b |
|---|---|
| 1 | 2 |
''')
"""
"""A program that writes Markdown with everything in it that a converter might remember."""
LATER = "\nprint('[^1] and [a link][there] and HTML\\n\\n## A heading with `code`\\n')\n"
"""One whose text would be another if something were remembered."""
HEADERS = [
    "",
    'source="above"',
    'source="below" result="text"',
    'source="tabbed-left"',
    'source="tabbed-right" tabs="Code|What it writes" title="t.py" linenums="1"',
    'source="block"',
    'source="console" result="pycon"',
    'html="on" source="above" id="i"',
    'id="own" idprefix="prefix-"',
    'id="other"',
    'updatetoc="off"',
    'result="json"',
]
PAGE = "# Title\n\nText[^1] and HTML.\n\n[^1]: Of the page.\n\n" + "\n\n".join(
    f'```python exec="on" {header}{code}```' for header in HEADERS for code in (TEXT, LATER)
)


def content(page: str) -> str:
    """What stands between the title and the end of a page, without what says what became of its blocks."""
    page = re.sub(
        r'<div class="(?:run|said) held" data-block="\d+">(.*?)<div class="bar".*?</div></div>', r"\1", page, flags=re.S
    )
    page = re.sub(r'<div class="stamp".*?</div>', "", page, flags=re.S)
    return page[page.index("<h1") : page.index("<footer")]


def test_a_block_is_shown_as_markdown_exec_shows_it(build: Build) -> None:
    pages = {"index": PAGE, "second": PAGE}
    ours = build(pages, config=CONFIG % "markdown-exec, einsum-doc")
    assert ours.status == 0, ours.console
    found = {name: ours.page(name) for name in pages}
    theirs = build(pages, config=CONFIG % "markdown-exec")
    assert theirs.status == 0, theirs.console
    for name in pages:
        assert content(found[name]) == content(theirs.page(name))
        # The table of contents of the theme, with the headings of the blocks.
        menus = [
            re.findall(r'<a href="#[^"]*" class="nav-link">.*?</a>', html) for html in (found[name], theirs.page(name))
        ]
        assert menus[0] == menus[1]
        assert len(menus[0]) > len(HEADERS)


def test_headings_of_blocks_that_markdown_exec_formats_itself(build: Build) -> None:
    blocks = {"python": "print('## One')", "md": "## Two", "tree": "a\n  b", "py": "print('## Three')"}
    fences = [f'```{language} exec="on"\n{code}\n```' for language, code in blocks.items()]
    built = build({"index": "# Title\n\n" + "\n\n".join(fences)}, config=CONFIG % "markdown-exec, einsum-doc")
    assert built.status == 0, built.console
    assert re.findall(r'class="nav-link">(\w+)', built.page()) == ["Title", "One", "Two", "Three"]
    assert re.findall(r"<h2[^>]*>(\w+)", built.page()) == ["One", "Two", "Three"]


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
