"""The options and languages of markdown-exec: the HTML is the same with the builder and without it."""

from __future__ import annotations

import re
from itertools import product

import pytest

from ..conftest import NewProject, block

SITES = {
    "mkdocs": """\
site_name: A site
theme: mkdocs
markdown_extensions: [admonition, pymdownx.superfences, pymdownx.tabbed]
plugins: [%s]
""",
    "material": """\
site_name: A site
theme: {name: material, font: false}
markdown_extensions: [abbr, admonition, attr_list, def_list, footnotes, md_in_html, tables, pymdownx.superfences,
  pymdownx.inlinehilite, pymdownx.snippets, {pymdownx.tabbed: {alternate_style: true}},
  {pymdownx.highlight: {anchor_linenums: true, line_spans: __span}}, {toc: {permalink: true}}]
plugins: [%s]
""",
}
PLACES = ("", "above", "below", "block", "material-block", "tabbed-left", "tabbed-right", "console")
WRITTEN = "print('**bold** and `code`')\nprint()\nprint('## A heading')"
LITERATE = "## Title\n\nsome *a* and\n\n- b"
CODE = {
    "python": WRITTEN,
    "py": "print('*x*')",
    "pycon": ">>> x = 3\n>>> print('<i>*a*</i>')\nshown\n>>> for i in range(2):\n...     print(i)",
    "bash": "echo '*a*'  # c\necho b",
    "sh": "echo '*a*'",
    "console": "$ echo '*a*'\n*a*\n$ echo b",
    "md": LITERATE,
    "markdown": LITERATE,
    "tree": "root/  # c\n    a.py\n    b\n        Dockerfile\n    c/\n    d.rb\nother\n    x.md",
    "pyodide": "x = 1 < 2\nprint(x)",
}
"""A program in each language."""


def fences(language: str, headers: str) -> list[str]:
    """Fences with the program of a language, for a header on each line."""
    return [block(CODE[language], f"{language} {header}".strip()) for header in headers.split("\n")]


# What is shown, in every language that is run.
SAME = [
    block(CODE[language], f'{language} exec="on" source="{place}" {options}')
    for language in [*CODE][:-2]
    for place, options in product(PLACES, ("", 'result="text"', 'html="on"'))
    if language in ("python", "console", "md") or place in ("", "above")
    if "html" not in options or place not in ("below", "console")
]
SAME += [
    block(WRITTEN, f'python exec="on" source="{place}" {options}')
    for place, options in product(
        PLACES[1:], ('title="a.py" linenums="3"', 'hl_lines="1"', 'result="json" title="a.py" linenums="1 2 2"')
    )
]

# The other options.
for language in ("python", "md"):
    SAME += fences(
        language,
        """\
exec="true"
exec="1"
exec="yes"
exec="On"
exec=""
exec="0"
exec="no"
exec="False"
exec="on" id="own"
exec="on" idprefix="prefix-"
exec="on" idprefix=""
exec="on" id="other" idprefix="both-"
exec="on" source="above" html="1" id="html"
exec="on" html="no"
exec="on" result="unknown"
exec="on" updatetoc="no"
exec="on" session="s"
exec="on" source="tabbed-left" tabs="Code | Output"
exec="on" source="tabbed-right" tabs="a \\| b | c\\|d"
exec="on" source="above" title="a <b>"
exec="on" source="above" title="a <b>" title_mode="html\"""",
    )
SAME += [
    block(WRITTEN, '{.python .annotate exec="on" source="above"}'),
    block(WRITTEN, '{ .python exec="on" source="above" #an-id title="x" }'),
    block("echo '*a*'\nexit 3", 'bash exec="on" returncode="3"'),
    block("echo $COLUMNS", 'bash exec="on" width="33"'),
    block("basename $PWD", 'bash exec="on" workdir="docs"'),
    block("import os\nprint(os.path.basename(os.getcwd()))", 'python exec="on" workdir="docs"'),
    block("% echo '*a*'\n% echo b", 'console exec="on" source="console" linenums="1"'),
]
SAME += fences(
    "tree",
    """\

icons="auto"
icons="basic"
icons="material"
icons="none"
result="javascript"
title="t" linenums="1"
exec="on"
exec="off"
source="above\"""",
)
SAME += fences(
    "pyodide",
    """\

height="auto"
height="0"
height="10"
height="5-"
height="-20"
height="5-20"
session="s"
install="griffe,dependenpy"
assets="no"
theme="ambiance"
theme="ambiance,chaos"
version="v0.26.4"
exec="off"
id="p\"""",
)

# Markdown with everything in it that a converter might remember, and Markdown that would then be another.
EVERYTHING = """
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

### Own {#own-heading .c}

~~~python
x = 1
~~~
"""
LATER = "\n[^1] and [a link][there] and HTML\n\n## A heading with `code`\n"
SAME += [
    block(f"print('''{text}''')", f'python exec="on" {options}')
    for options, text in product(("", 'source="tabbed-right"', 'id="i"', 'updatetoc="off"'), (EVERYTHING, LATER))
]

# Other output, and other places.
SAME += [
    block(
        r'print("a\tb\n\tc\n\n  \n   d  \n\n<b>&amp;</b> é ∂ 🎉", "x" * 3000, end="")', 'python exec="on" result="text"'
    ),
    block('print("no newline", end="")', 'python exec="on" source="console"'),
    block(
        "import os  # markdown-exec: hide\n\nx = 1\nprint(x)  # markdown-exec: hide", 'python exec="on" source="above"'
    ),
    block("6 * 7", 'python exec="on" source="above"'),
    block(">>> 6 * 7", 'pycon exec="on" source="console"'),
    block("import matplotlib.pyplot as plt\nplt.plot([1])\nprint(plt.rcParams['figure.figsize'])", 'python exec="on"'),
    block("y = 1\n", 'python exec="on"') + block("print('y' in globals())", 'python exec="on"'),
    block("y = 1\n", 'python exec="on" session="y"') + block("print(y)", 'python exec="on" session="y"'),
    block('print("<pre>x</pre>")', 'python exec="on" html="on"'),
    block('print("<i>x</i> and")', 'python exec="on" html="on"'),
    block(r'print("\033[31mred\033[0m plain")', 'python exec="on" result="ansi"'),
    block("echo a >&2\necho b\nbasename $MKDOCS_CONFIG_DIR", 'bash exec="on" result="text"'),
    *(block("x = 1", f'python exec="on" source="{place}"') for place in PLACES[1:]),
    "~~~python exec='on' source='above'\nprint('*x*')\n~~~\n\n",
    "- item\n\n" + re.sub("(?m)^(?=.)", "    ", block(WRITTEN, 'python exec="on" source="above"')),
    re.sub("(?m)^", "> ", block(WRITTEN, 'python exec="on" source="tabbed-left"').strip()) + "\n\n",
    "!!! note\n\n" + re.sub("(?m)^(?=.)", "    ", block(WRITTEN, 'python exec="on" result="text"')),
    "`````md exec='1' source='tabbed-left' tabs='Markdown|Rendered'\n"
    "````md exec='1' source='material-block' title='x'\n"
    f"""{block("print('<i>b</i>')", 'python exec="on" html="on" id="z"')}````\n`````\n\n""",
]

PLACEHOLDER = "markdown-exec shows a placeholder in place of the output"
PARAGRAPH = "markdown-exec's HTML is wrong: a paragraph that holds a code block"
DIFFERENT = {
    **{
        block(f"{prompt}print('<i>b</i>')", f'{language} exec="on" html="on" source="console"'): (PLACEHOLDER, "b")
        for language, prompt in {"python": "", "pycon": ">>> "}.items()
    },
    block("print('<i>b</i>')", 'python exec="on" html="on" source="below"'): (PARAGRAPH, "<p><i>b</i>\n</p>"),
    block("x = 1", 'python exec="on" source="above" result="text"'): ("an empty box is no result", "</pre></div>"),
    block("$ true\n% true", 'console exec="on" source="above"'): ("each command keeps its prompt", '"gp">$ </span>'),
    block("import sys\nprint(1, file=sys.stderr)", 'python exec="on"'): ("it is no output", "<p></p>"),
    block("import sys\n_ = sys.stdout.write('*o*')", 'python exec="on"'): ("whoever writes it", "<em>o</em>"),
    block("print(1, 2, sep='-')", 'python exec="on"'): ("`print` is Python's own", "<p>1-2</p>"),
    block(r"print('\033[31mred')", 'python exec="on" result="text"'): ("colours are shown", "-Color-Red"),
    block("print(__name__)", 'python exec="on"'): ("it is a program", "<strong>main</strong>"),
}
"""The fences that differ on purpose: the reason, and a part of their HTML."""


def parts(page: str) -> list[str]:
    """The HTML of a page, before its first fence, of each fence, and after its last one."""
    page = re.sub(r"Build Date UTC : .*", "", page)
    return [part.strip() for part in re.split(r"<p>Fence \d+\.</p>", page)]


@pytest.mark.parametrize("theme", SITES)
def test_a_fence_is_shown_as_markdown_exec_shows_it(theme: str, new_project: NewProject) -> None:
    found = [*SAME, *(each for each in DIFFERENT if theme == "mkdocs")]
    numbered = [f"Fence {number}.\n\n{each}" for number, each in enumerate(found)]
    half = len(found) // 2  # what a converter might remember, it would from page to page
    pages = {"index": numbered[:half], "second": numbered[half:]}
    texts = {name: f"# Title\n\n{''.join(each)}Fence 0.\n" for name, each in pages.items()}
    built = {}
    files = []
    for plugins in ("markdown-exec", "markdown-exec, {einsum-doc: {compatible: true}}"):
        site = new_project(texts, SITES[theme] % plugins).build()
        assert site.status == 0, site.console
        built[plugins] = [site.page(name) for name in pages]
        files.append({str(path.relative_to(site.site)) for path in site.site.rglob("*")})
    assert files[0] == files[1]
    theirs, ours = ([part for page in each for part in parts(page)] for each in built.values())
    around = ["the beginning of a page", *numbered[:half], "the rest of a page"]
    around += ["the beginning of a page", *numbered[half:], "the rest of a page"]
    assert len(around) == len(theirs) == len(ours)
    fences = [each.partition("\n\n")[2] or each for each in around]
    wrong = {fence: each for fence, *each in zip(fences, theirs, ours, strict=True) if each[0] != each[1]}
    assert {fence: each for fence, each in wrong.items() if fence not in DIFFERENT} == {}
    # The table of contents, with the headings of the blocks.
    theirs, ours = (
        re.findall(r'<a href="#[^"]*" class="\S*nav.*?</a>', "".join(each), re.S) for each in built.values()
    )
    assert theirs == ours
    assert len(ours) > 20
    if theme == "mkdocs":
        assert wrong.keys() == DIFFERENT.keys()
        for fence, (_, part) in DIFFERENT.items():
            assert part in wrong[fence][1], fence
