"""Display formulas as arithmatex finds them, each with its lines, among the fences of their page."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from markdown import Markdown
from markdown.extensions import Extension
from pymdownx.arithmatex import arithmatex_fenced_format

from einsum_doc.pages.build.reader import PageReader
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading.formulas import with_formulas
from einsum_doc.pages.reading.language import Languages
from einsum_doc.pages.reading.numbering import FenceNumbers, named
from einsum_doc.pages.reading.scan import PageReading, normalize, read, scan
from einsum_doc.pages.record.block import DISPLAY, Block, Location

MATH = {"name": "math", "class": "arithmatex", "format": arithmatex_fenced_format(mode="generic")}
EXTENSIONS = ["admonition", "def_list", "footnotes", "md_in_html", "tables", "pymdownx.details", "pymdownx.tabbed"]

FOUND = {
    "on lines of its own": ("Text.\n\n$$\nx = y\n$$\n", {2: "$$\nx = y\n$$"}),
    "on one line": ("$$x = y$$", {0: "$$x = y$$"}),
    "between brackets": ("\\[\nx = y\n\\]", {0: "\\[\nx = y\n\\]"}),
    "an environment": (
        "\\begin{align}\nx &= y\n\\end{align}",
        {0: "\\begin{align}\nx &= y\n\\end{align}"},
    ),
    "twice the same": ("$$x = y$$\n\n$$x = y$$", {0: "$$x = y$$", 2: "$$x = y$$"}),
    "in an item": ("- Text.\n\n    $$\n    x = y\n    $$\n", {2: "$$\nx = y\n$$"}),
    "at the start of an item": ("1. $$x = y$$\n2. Text.", {0: "$$x = y$$"}),
    "in an item in an item": ("- Text.\n\n    - Text.\n\n        $$x = y$$", {4: "$$x = y$$"}),
    "in an admonition": ("!!! note\n\n    $$x = y$$", {2: "$$x = y$$"}),
    "under the title of an admonition": ("??? note\n    $$x = y$$", {1: "$$x = y$$"}),
    "in a tab": ('=== "One"\n\n    $$x = y$$', {2: "$$x = y$$"}),
    "in a quotation": ("> $$\n> x = y\n> $$", {0: "$$\nx = y\n$$"}),
    "in a footnote": ("Text.[^1]\n\n[^1]: Text.\n\n    $$x = y$$", {4: "$$x = y$$"}),
    "in a definition": ("Word\n:   $$x = y$$", {1: "$$x = y$$"}),
    "in HTML that is Markdown": ('<div markdown="1">\n\n$$x = y$$\n\n</div>', {2: "$$x = y$$"}),
    "a fence of arithmatex": ("```math\nx = y\n```", {0: "$$\nx = y\n$$"}),
    "after a fence": ("```py\nf()\n```\n\n$$x = y$$", {4: "$$x = y$$"}),
    "before docstrings": ("::: package\n\n$$x = y$$", {2: "$$x = y$$"}),
}
NOT_FOUND = {
    "in a paragraph": "Text $$x = y$$ and text.",
    "under a paragraph": "Text\n$$\nx = y\n$$",
    "with a blank line": "$$\nx = y\n\nz = w\n$$",
    "without an end": "$$\nx = y",
    "escaped": "\\$$x = y$$",
    "in an indented code block": "Text.\n\n    $$x = y$$",
    "in a code block in an item": "- Text.\n\n        $$x = y$$",
    "in a span of code": "`$$x = y$$`",
    "in a fence": "```\n$$\nx = y\n$$\n```",
    "in a fence of Markdown": '````md exec="on"\n$$\nx = y\n$$\n````',
    "in a comment": "<!--\n$$x = y$$\n-->",
    "a fence in a comment": "<!--\n```math\nx = y\n```\n-->",
    "in raw HTML": "<div>\n$$x = y$$\n</div>",
    "in a line": r"Text \(x = y\) and $x = y$.",
}


def markdown(*more: Extension) -> Markdown:
    extensions = [*EXTENSIONS, "pymdownx.superfences", "pymdownx.arithmatex", *more]
    configs = {"pymdownx.superfences": {"custom_fences": [MATH]}, "pymdownx.arithmatex": {"generic": True}}
    return Markdown(extensions=extensions, extension_configs=configs)


def reading_of(text: str) -> PageReading:
    lines = normalize(text)
    md = markdown()
    locations = [Location("docs/a.md", number + 4) for number in range(len(lines))]
    languages = Languages(LANGUAGES, {"python", "md"})
    fences = scan(lines, languages, md)
    return with_formulas(read(lines, locations, languages, md), lines, locations, fences, md)


@pytest.mark.parametrize(("text", "found"), FOUND.values(), ids=FOUND)
def test_formulas_are_found_where_arithmatex_finds_them(text: str, found: dict[int, str]) -> None:
    formulas = reading_of(text).formulas
    assert {line: block.code for line, block in formulas.items()} == found
    for line, block in formulas.items():
        assert block.language == DISPLAY
        assert block.where == Location("docs/a.md", line + 4)
        assert block.location_of(1).line == line + 4 + ("\n" in block.code)


@pytest.mark.parametrize("text", NOT_FOUND.values(), ids=NOT_FOUND)
def test_other_text_is_no_formula(text: str) -> None:
    assert not reading_of(text).formulas


TEXTS = {name: text for name, (text, _) in FOUND.items()} | NOT_FOUND
del TEXTS["in a fence of Markdown"]  # whose header gets a number


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_page_is_the_same_around_its_formulas(text: str) -> None:
    page = SimpleNamespace(name="docs/a.md", lines=normalize(text), reading=reading_of(text))
    shown: list[int] = []

    def formula_html(page: object, block: Block, md: Markdown) -> str:
        shown.append(block.number)
        return markdown().convert(block.code)

    md = markdown(FenceNumbers({"a.md": page}, lambda md, lines: lines, formula_html))
    # As with the HTML of a fence, lines and the paragraph around it may differ.
    apart = r"\s*\n\s*|</?p>|&#160;"
    assert re.sub(apart, "", md.convert(named("docs/a.md", text))) == re.sub(apart, "", markdown().convert(text))
    assert shown == [block.number for block in page.reading.blocks if block.language == DISPLAY]


def test_formulas_and_fences_are_numbered_together() -> None:
    text = """\
$$a = b$$

```python exec="on"
print(1)
```

$$c = d$$

```expected
1
```

```pyhton exec="on"
```

$$e = f$$
"""
    reading = reading_of(text)
    assert [block.number for block in reading.blocks] == [1, 2, 3, 4]
    assert [block.language for block in reading.blocks] == [DISPLAY, "python", DISPLAY, DISPLAY]
    assert reading.blocks[1].expected, "the output is that of the fence, though a formula stands between"
    assert reading.numbered[2] is reading.blocks[1]
    assert [(fault.failure.location.line, fault.after) for fault in reading.faults] == [(16, 2)]


CHECKED = {
    "display": "",
    "dispaly": "docs/a.md:3: FrontMatterError: checked: dispaly\n  did you mean 'display'?",
    "2026-11-25": "",
    "no arithmatex": "docs/a.md:3: FrontMatterError: checked: display: no formulas are found\n"
    "  add pymdownx.arithmatex to markdown_extensions",
}


@pytest.mark.parametrize(("checked", "told"), CHECKED.items())
def test_front_matter_asks_for_the_check(checked: str, told: str) -> None:
    extensions = ["pymdownx.superfences", FenceNumbers({}, lambda md, lines: lines, lambda *_: "")]
    if checked != "no arithmatex":
        extensions.append("pymdownx.arithmatex")
    value = "display" if checked == "no arithmatex" else checked
    reader = PageReader(Path(), Languages(LANGUAGES, {"python"}), extensions, {}, {})
    body = "$$a = b$$\n"
    page = reader.read("docs/a.md", f"---\ntitle: A\nchecked: {value}\n---\n{body}", body, checked=value)
    assert "\n\n".join(str(fault.failure) for fault in page.reading.faults) == told
    assert [str(block.location) for block in page.blocks] == (["docs/a.md:5"] if checked == "display" else [])
