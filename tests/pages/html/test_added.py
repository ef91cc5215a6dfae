"""What a site shows beside source and output is what its options ask for; a failure is always shown as a whole."""

from __future__ import annotations

import re
from typing import Any

import pytest

from einsum_doc.pages.fronts.config import EinsumDocConfig, options_from
from einsum_doc.pages.html.render import STYLE_SHEET
from einsum_doc.pages.record.options import Options

from ..conftest import PLAIN, Build, NewProject, block, text_of

PAGE = (
    "# Title\n\n"
    + block("import sys\nassert 1\nprint('out', file=sys.stderr)\n'a value'", 'python exec="on" source="above"')
    + block("import matplotlib.pyplot as plt\n_ = plt.plot([1])")
    + block("from IPython.display import HTML, display\ndisplay(HTML('<i>shown</i>'))")
    + block("'compared'", 'python exec="on" source="above"')
    + block("'compared'", "expected")
    + block("1", 'python exec="on" source="above" skip-if="missing:nowhere"')
)
PARTS = {
    "stamp": '<div class="stamp"',
    "bars": "✓ 1 assertion</b>",
    "values": '<pre class="value">&#x27;a value&#x27;</pre>',
    "figures": '<figure class="value"',
    "stderr": '<pre class="err">out</pre>',
}
"""The options, and what each of them adds."""


def asked_for(text: str) -> str:
    return PLAIN.replace("einsum-doc]", f"{{einsum-doc: {{{text}}}}}]")


# The options of a site, and those that are on.
SITES = {
    "": ["stamp"],
    "stamp: false, bars: true": ["bars"],
    "values: true": ["stamp", "values"],
    "figures: true": ["stamp", "figures"],
    "stderr: true, compatible: true": ["stderr"],
}


@pytest.mark.parametrize("options", SITES)
def test_a_page_shows_what_is_asked_for(options: str, build: Build) -> None:
    built = build({"index": PAGE}, config=asked_for(options).replace("markdown-exec", "search, markdown-exec"))
    assert built.status == 0, built.console
    page = built.page()
    assert [name for name, part in PARTS.items() if part in page] == SITES[options]
    assert ("<i>shown</i>" in page) == ("values" in options)
    # As without the option, IPython writes that there is something.
    assert ("IPython.core.display.HTML object" in page) == ("values" not in options)
    assert page.count('class="bar"') == (4 if "bars" in options else 1)
    assert re.search(r'class="run skipped".*– skipped</b> · <span>nowhere is not installed', page, re.S)
    assert " hidden></span>" not in page


def options(**given: Any) -> Options:
    config = EinsumDocConfig()
    config.load_dict(given)
    assert config.validate() == ([], [])
    return options_from(config)


def test_compatible_changes_the_defaults_of_options_that_are_not_given() -> None:
    assert options() == Options()
    assert options(compatible=True) == Options(compatible=True, stamp=False, report="")
    given = {"compatible": True, "stamp": True, "report": "r.md", "values": True}
    assert options(**given) == Options(**given)
    assert options(compatible=False, stamp=False) == Options(stamp=False)


@pytest.mark.torch
def test_the_style_sheet_comes_before_those_of_the_site(new_project: NewProject) -> None:
    own = new_project({"index": block("assert 1")}, PLAIN + "extra_css: [own.css]\n", {"docs/own.css": ""}).build()
    sheets = re.findall(r'<link href="([\w/.-]+)" rel="stylesheet"', own.page())
    assert sheets[-2:] == ["assets/einsum-doc.css", "own.css"]
    assert (own.site / "assets/einsum-doc.css").read_text("utf-8") == STYLE_SHEET.read_text("utf-8")
    # One in its place; and a site that is to stay as it is needs one for what markdown-exec does not have.
    derivation = "```derivation\ny_i &= 2 x_i \\\\\n&= x_i + x_i\n```\n"
    replaced = new_project({"index": derivation}, asked_for("compatible: true"), {"docs/assets/einsum-doc.css": "/**/"})
    built = replaced.build()
    assert "assets/einsum-doc.css" in built.page()
    assert (built.site / "assets/einsum-doc.css").read_text() == "/**/"
    (replaced.folder / "docs/assets/einsum-doc.css").unlink()
    assert "assets/einsum-doc.css" in replaced.build().page()


def test_what_is_added_can_be_read_without_a_style_sheet(new_project: NewProject) -> None:
    seen = text_of(new_project({"index": "# Title\n\n" + block("assert 1\n5")}).build().page())
    assert re.search(r"✓ verified by this build · 1 block · 1 assertion ·( \S.* ·)? report", seen)
    assert re.search(r"✓ 1 assertion · \d\.\d\d s ·( \S.* ·)? docs/index\.md:3", seen)
