"""What a site shows beside source and output is what its options ask for; a failure is always shown as a whole."""

from __future__ import annotations

import re
from typing import Any

import pytest

from einsum_doc.pages.build.options import Options
from einsum_doc.pages.fronts.config import EinsumDocConfig, options_from

from ..conftest import PLAIN, Build, block

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
    "bars": "✓ 1 assertion held</b>",
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
    assert re.search(r'class="run skipped".*– skipped</b><span>nowhere is not installed', page, re.S)
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
