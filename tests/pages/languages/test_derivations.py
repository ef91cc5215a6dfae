"""Derivations that an author writes, and those that the library writes, on pages that are built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ..conftest import Built, NewProject, text_of

ROOT = Path(__file__).parents[3]

GRADIENT = r"""
z_{jkp} &= x_{ijk} y_{ip} \text{The einsum.} \\
\frac{\partial l}{\partial x_{i'j'k'}}
  &= \frac{\partial l}{\partial z_{jkp}} \frac{\partial z_{jkp}}{\partial x_{i'j'k'}} \text{Chain rule over $z$.} \\
  &= \frac{\partial l}{\partial z_{jkp}} \delta_{ii'} \delta_{jj'} \delta_{kk'} y_{ip} \\
  &= \frac{\partial l}{\partial z_{j'k'p}} y_{i'p}
""".strip()


def fence(text: str, header: str = "derivation") -> str:
    return f"# Title\n\n```{header}\n{text}\n```\n"


DOUBLE = '```python exec="on"\nimport torch\n\ndef double(tensor):\n    return tensor * 2\n```\n\n'
STATE = (
    '```python exec="on"\nimport torch\ntorch.set_default_device("meta")\ntorch.set_default_dtype(torch.float16)\n'
    "torch.set_grad_enabled(False)\n\ndef double(tensor):\n    return tensor * 2\n```\n\n"
)
TRIPLE = '```python exec="on"\ndef triple(tensor):\n    return tensor * 3\n```\n\n'
SUM = "```derivation\ny_i &= x_i + x_i\n```\n"
HELD = {
    "gradient": fence(GRADIENT),
    "defined": fence("y_i &= 2 x_i") + SUM,
    "alone": SUM,
    "state": STATE + fence(GRADIENT) + TRIPLE + fence("% new\n% let y = triple(x)\ny_i &= 3 x_i"),
    "code": DOUBLE + fence("% let y = double(x)\ny_i &= 2 x_i"),
    "chosen": fence("ij,jk->ik", 'einsum wrt="1" show="derivation equation libraries" names="u v" output="w"'),
}


@pytest.fixture(scope="module")
def held(new_project: NewProject) -> Built:
    """One build of pages that hold, whatever is on them."""
    built = new_project(HELD).build()
    assert built.status == 0, built.console
    return built


@pytest.mark.torch
def test_a_derivation_that_holds(held: Built) -> None:
    assert "6 pages, 11 blocks, 8 assertions held, 17 lines of derivations held, 15 proved" in held.console
    page = held.page("gradient")
    assert "3 derivation lines, 3 proved for all sizes" in page
    assert page.count('<div class="step" role="listitem">') == 4
    assert r"\[z_{jkp} = x_{ijk} y_{ip}\]" in page
    assert r'Chain rule over <span class="arithmatex">\(z\)</span>.' in page
    assert len(re.findall(r">✓✓</summary><span>Proved for all sizes: [^<]{20,}</span></details>", page)) == 3


@pytest.mark.torch
def test_a_kept_verdict_depends_on_the_prover(held: Built) -> None:
    entries = [path.read_text("utf-8") for path in (held.site.parent / ".cache/einsum-doc").glob("*.json")]
    assert len(entries) == len(HELD)
    for entry in entries:
        # By its files, in a checkout, or by the version of the package that it is installed from.
        assert "einsum_doc/notation/proving/prover.py" in entry or '"einsum-doc": "' in entry


FALSE = {
    "swapped": (r"z_{j'k'p}} y", r"z_{k'j'p}} y", 8, "DerivationError: false: "),
    "dropped": (r"\delta_{jj'} \delta", r"\delta", 7, "NotationError: "),
    "crossed": (r"\delta_{ii'} \delta_{jj'}", r"\delta_{ij'} \delta_{ji'}", 7, "DerivationError: false: "),
    "sign": (
        r"&= \frac{\partial l}{\partial z_{j'k'p}}",
        r"&= -\frac{\partial l}{\partial z_{j'k'p}}",
        8,
        "DerivationError: ",
    ),
    "command": (r"\frac{\partial l}{\partial x", r"\fraction{\partial l}{\partial x", 5, "NotationError: "),
}
REFUSED = {
    "stray": ("einsum", "ij,j$k->ik", 4, "EquationError: stray character '$'"),
    "operand": ('einsum wrt="5"', "ij,jk->ik", 4, "OperandError: "),
    "one-size": ('einsum names="x x" sizes="i=2 k=3"', "ij,kj->ik", 4, "OperandError: i and k have one size"),
    "sizes": ('einsum sizes="i=0x"', "ij->i", 3, 'FenceError: sizes="i=0x" is not understood'),
    "show": ('einsum show="pictures"', "ij->i", 3, 'FenceError: show="pictures" is not understood'),
    "exec": ('einsum exec="on"', "ij->i", 3, "FenceError: unknown option 'exec'"),
    "title": ('derivation title="x"', "x_i &= x_i", 3, "FenceError: unknown option 'title'"),
}


@pytest.fixture(scope="module")
def broken(new_project: NewProject) -> Built:
    """One build of all the pages that are wrong: torch is imported once."""
    pages = {name: fence(GRADIENT.replace(old, new)) for name, (old, new, _, _) in FALSE.items()}
    pages |= {name: fence(equation, header) for name, (header, equation, _, _) in REFUSED.items()}
    pages["code"] = DOUBLE.replace("* 2\n", "* 3\n") + fence("% let y = double(x)\ny_i &= 2 x_i")
    pages["several"] = fence("y_i &= 2 x_i \\\\\ny_i &= 3 x_i \\\\\ny_i &= x_i + x_i \\\\\ny_i &= x_i")
    return new_project(pages).build()


@pytest.mark.torch(*FALSE, "stray", "operand", "one-size")
@pytest.mark.parametrize(("name", "facts"), (FALSE | REFUSED).items(), ids=FALSE | REFUSED)
def test_what_is_wrong_is_found_at_its_line(broken: Built, name: str, facts: tuple[str, str, int, str]) -> None:
    *old, _, line, said = facts
    assert name not in FALSE or old[0] in GRADIENT
    assert broken.status == 1
    assert f"\ndocs/{name}.md:{line}: {said}" in broken.console


@pytest.mark.torch
def test_every_false_line_is_listed(broken: Built) -> None:
    assert re.findall(r"^docs/several\.md:(\d+): DerivationError", broken.console, re.M) == ["5", "7"]
    assert broken.pages == []


@pytest.mark.torch
def test_definitions_hold_to_the_end_of_the_page_and_no_further(held: Built) -> None:
    assert re.search(r"\b1 derivation line\b", held.page("defined"))
    # Alone, the line defines y instead of claiming anything of it.
    assert "derivation line" not in held.page("alone")


@pytest.mark.torch
def test_the_state_of_torch_does_not_matter(held: Built) -> None:
    assert "4 derivation lines" in held.page("state")


@pytest.mark.torch
def test_a_tensor_may_be_given_by_code(held: Built, broken: Built) -> None:
    page = held.page("code")
    assert re.search(r"\b1 derivation line</span>", page), "which no rule can prove"
    assert re.search(r">✓</summary><span>Not proved for all sizes\. Held on \d", page)
    assert re.search(r"^docs/code\.md:12: DerivationError: false", broken.console, re.M)


EINSUMS = ("ijk,ip->jkp", "bij,bjk->bik", "ii->", "ij->i", "i,j->ij", "ij,jk,kl->il", "j,j...->...", "i->ij", ",->")
MORE = {
    "shared": ("ij,kj->ik", 'einsum names="x x"'),
    "square": ("i,i->", 'einsum names="x x" wrt="1 0"'),
    "names": ("ij,jk->ik", r'einsum names="\mathbf{W} \hat{x}" output="\mathbf{y}"'),
    "capitals": ("Ab,bC->AC", 'einsum wrt="1"'),
    "greek": ("αβ,βγ->αγ", 'einsum wrt="0"'),
    "diagonal": ("i->ii", "einsum"),
}


@pytest.fixture(scope="module")
def derived(new_project: NewProject) -> Built:
    """One build of a page for each of the einsums."""
    pages = {f"page{number}": fence(equation, "einsum") for number, equation in enumerate(EINSUMS)}
    pages |= {name: fence(*written) for name, written in MORE.items()}
    return new_project(pages).build()


@pytest.mark.torch
@pytest.mark.parametrize("equation", EINSUMS)
def test_an_einsum_is_derived_checked_and_typeset(derived: Built, equation: str) -> None:
    assert derived.status == 0, derived.console
    page = derived.page(f"page{EINSUMS.index(equation)}")
    parts = (
        '<div class="says">',
        '<table class="roles">',
        "tensor-network",
        '<div class="derivation" role="list">',
        'class="cost"',
    )
    for part in parts:
        assert part in page
    operands = equation.split("->")[0].count(",") + 1
    assert page.count('<p class="gradient">') == operands
    assert page.count("<svg") == operands + 1
    assert re.search(r"[1-9]\d* derivation lines", page)


@pytest.mark.torch
def test_a_tensor_in_several_slots_has_one_gradient(derived: Built) -> None:
    page = derived.page("shared")
    [gradient] = re.findall(r'<p class="gradient">.*?</p>', page)
    assert gradient.startswith('<p class="gradient"><code>ik,kj-&gt;ij</code> + <code>ik,ij-&gt;kj</code> The gradient')
    assert page.count("The gradient of <i>x</i>") == 1
    assert re.search(r'<figure class="network"[^>]*><svg.*?</svg> \+ <svg', page, re.S)
    sizes = re.findall(r'ix-(\w)">.</span></td><td>.*?</td><td>.*?</td><td>(\d)</td>', page)
    assert sizes == [("i", "2"), ("j", "3"), ("k", "2")]
    square = derived.page("square")
    assert '<p class="gradient">2 × <code>,i-&gt;i</code> The gradient of' in square
    assert square.count("<svg") == 2
    assert "2 * dldz" in text_of(square)


@pytest.mark.torch
def test_names_are_latex_in_formulas_and_python_in_code(derived: Built) -> None:
    page = derived.page("names")
    assert r"\[\mathbf{y}_{ik} = \sum_{j} \mathbf{W}_{ij} \, \hat{x}_{jk}\]" in page
    assert "y[i, k] += W[i, j] * x_hat[j, k]" in text_of(page)
    assert r'The gradient of <span class="arithmatex">\(\hat{x}\)</span>' in page
    assert 'dldx_hat = torch.einsum("ik,ij-&gt;jk", dldy, W)' in text_of(page)


@pytest.mark.torch
def test_the_sum_is_true_of_a_diagonal_too(derived: Built) -> None:
    assert r"\[z_{ij} = x_{i} \, \delta_{ij}\]" in derived.page("diagonal")


@pytest.mark.torch
def test_a_label_has_one_colour_also_where_the_rows_have_another_letter(derived: Built, browser: Browser) -> None:
    page = browser.new_page()
    script = (ROOT / "docs" / "javascripts" / "labels.js").read_text("utf-8")
    ask = """(label) => [...document.querySelectorAll("code .ix, td .ix, text.ix")]
        .filter((copy) => copy.textContent === label)
        .map((copy) => [copy.dataset.ix, [...copy.classList].find((name) => name.startsWith("ix-"))].join(" "))"""
    for name, label, wanted in (("capitals", "A", "a ix-a"), ("greek", "β", "β ix-β")):
        html = derived.page(name)
        article = html[html.index('<div class="einsum"') :]
        page.set_content(f"<!doctype html><body>{article}")
        page.add_script_tag(content=script)
        found = page.evaluate(ask, label)
        assert len(found) > 8, found
        assert set(found) == {wanted}
    page.close()


@pytest.mark.torch
def test_the_parts_and_names_of_an_einsum_can_be_chosen(held: Built) -> None:
    page = held.page("chosen")
    assert "<svg" not in page
    assert page.count('<p class="gradient">') == 1
    assert "ik,ij-&gt;jk" in page
    assert "w_{" in page
    assert "The gradient of v" in text_of(page)
    for name, module in {"PyTorch": "torch", "NumPy": "np", "JAX": "jnp"}.items():
        code = text_of(page.split(f'<span class="filename">{name}</span>')[1])
        assert f'w = {module}.einsum("ij,jk-&gt;ik", u, v' in code
        assert f'dldv = {module}.einsum("ik,ij-&gt;jk", dldw, u' in code
