"""Display formulas of pages with `checked: display`, on sites that are built."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape

import pytest
from markdown import Markdown

from einsum_doc.pages.languages.derivation import rows_in

from ..conftest import EXTENSION, PLAIN, Built, NewProject

CONFIG = PLAIN.replace("superfences]", "superfences, {pymdownx.arithmatex: {generic: true}}]")
CONFIG = CONFIG.replace("einsum-doc]", "einsum-doc: {downloads: [index.md]}]")
FORMULAS = r"""# Title

$$
z_{ik} = x_{ij} y_{jk}
$$

A true one, of what is defined above it:

$$\frac{\partial z_{ik}}{\partial x_{pq}} = \delta_{ip} y_{qk}$$

- In a list:

    $$
    \begin{aligned}
    z_{ik} &= x_{ij} y_{jk} \\
    &= y_{jk} x_{ij}
    \end{aligned}
    $$

- $$z_{ik} < 2 x_{ij} y_{jk}$$

!!! note

    \[
    w = \mathcal{L}(\theta)
    \]

$$x_{ij} y_{jk}$$

\begin{align}
a_i &= 2 x_{ij} w_j \\
a_i &= x_{ij} w_j + a_i / 2 \\
\sin(2 a_i) &= 2 \sin(a_i) \cos(a_i)
\end{align}

    $$c_i = 1$$

`$$c_i = 2$$`

$$
% unchecked: a product of matrices
Y = X Y
$$

```derivation
a_i &= 2 w_j x_{ij}
  \text{The definition of a formula holds below it.}
```
"""
WRONG = r"""---
checked: display
---
# Title

```derivation
z_{ik} &= x_{ij} y_{jk}
```

1.  In a list:

    $$
    \begin{aligned}
    z_{ik} &= y_{jk} x_{ij} \\
    &= y_{kj} x_{ij}
    \end{aligned}
    $$
"""


def marks_of(page: str) -> list[str]:
    """Return the mark beside each formula of a page, and the text that it opens to."""
    marks = r'<div class="checked display .*?<summary[^>]*>(.*?)</summary><span>(.*?)</span>'
    return [f"{mark}: {unescape(text)}" for mark, text in re.findall(marks, page, re.S)]


@pytest.fixture(
    scope="module",
    params=["mkdocs", *(pytest.param(each, marks=pytest.mark.slow) for each in ("properdocs", "zensical"))],
)
def built(request: pytest.FixtureRequest, new_project: NewProject) -> Built:
    config = CONFIG.replace(": [", f": [{EXTENSION}, ", 1) if request.param == "zensical" else CONFIG
    pages = {"index": f"---\nchecked: display\n---\n{FORMULAS}", "other": FORMULAS.split("```")[0]}
    return new_project(pages, config).build(builder=request.param)


@pytest.mark.torch
def test_formulas_are_checked_or_say_that_they_are_not(built: Built) -> None:
    assert built.status == 0, built.console
    page = built.page()
    found = marks_of(page)
    assert [mark.partition(":")[0] for mark in found] == [
        "✓✓",
        "✓✓",
        "not checked",
        "not checked",
        "not checked",
        "✓",
        "not checked",
    ]
    assert "random instances" in found[0]
    assert "'<' cannot stand here" in found[2]
    assert r"expected: \operatorname{L}" in found[3]
    assert "a row without a claim" in found[4]
    assert "Proved for all sizes" in found[5], "one of its rows, but the mark is that of the weakest"
    assert "; Not proved for all sizes. Held on 4 random instances" in found[5]
    assert found[6] == "not checked: Not checked: a product of matrices"
    assert "4 formulas not checked" in page
    assert page.count('<div class="arithmatex">') == 9, "those of the derivation among them, and none that is code"
    if "einsum-doc:" in built.console:
        assert "6 lines of derivations held, 5 proved for all sizes, 4 skipped (formula not checked)" in built.console


@pytest.mark.torch
def test_a_page_that_does_not_ask_is_left_alone(built: Built) -> None:
    extensions = ["admonition", "attr_list", "pymdownx.superfences", "pymdownx.arithmatex"]
    md = Markdown(extensions=extensions, extension_configs={"pymdownx.arithmatex": {"generic": True}})
    html = md.convert(FORMULAS.split("```")[0]).partition("</h1>")[2]
    assert html in built.page("other")


@pytest.mark.torch
def test_a_download_checks_what_was_checked(built: Built) -> None:
    code = re.sub(r"(?m)^#.*", "", (built.site / "index.py").read_text("utf-8"))
    assert code.count("_derivations.check(") == 5
    assert "mathcal" not in code
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.torch
def test_a_false_formula_fails_at_its_line(new_project: NewProject) -> None:
    project = new_project({"index": WRONG}, CONFIG)
    told = "docs/index.md:15: DerivationError: false: z_{ik} = y_{kj} x_{ij}"
    built = project.build()
    assert built.status == 1
    assert told in built.console
    checked = project.run("einsum-doc", "check", "docs/index.md:13")  # the formula that this line is in
    assert checked.returncode == 1
    assert told in checked.stderr


@pytest.mark.torch
@pytest.mark.slow
def test_a_false_formula_fails_under_pytest(new_project: NewProject) -> None:
    ended = new_project({"index": WRONG}, CONFIG).run("pytest", "-p", "no:cacheprovider", "docs")
    assert "docs/index.md:15: DerivationError" in ended.stdout
    assert "1 failed, 1 passed" in ended.stdout


ROWS = {
    "$$x$$": "x",
    "\\[\nx\n\\]": "\nx\n",
    "\\begin{align*}\nx &= y\n\\end{align*}": "\nx &= y\n",
    "$$\n\\begin{equation}\n\\begin{split}\nx\n\\end{split}\n\\end{equation}\n$$": "\n\n\nx\n",
    "$$\\begin{aligned} x \\end{aligned} = \\begin{aligned} y \\end{aligned}$$": (
        " x \\end{aligned} = \\begin{aligned} y "
    ),
    "$$$$": "",
}


@pytest.mark.parametrize(("formula", "rows"), ROWS.items())
def test_the_rows_of_a_formula_stay_on_their_lines(formula: str, rows: str) -> None:
    assert rows_in(formula) == rows
