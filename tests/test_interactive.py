"""What the page `try/` answers, without a browser."""

from __future__ import annotations

import json
import re

import pytest

from einsum_doc.interactive import answer

TWO_ROWS = r"z_{ik} = x_{ij} y_{jk}", r"\frac{\partial l}{\partial x_{ij}} = \frac{\partial l}{\partial z_{ik}} y_{jk}"


def asked(**question: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(answer(json.dumps(question)))
    return found


@pytest.mark.parametrize(
    "name", [r"\mathrm{query}", r"W_{\text{q}}", r"W_{\text{q}}^{(1)}", "x^{(1)}", r"\hat{x}", r"\mathbf{W}", r"\Gamma"]
)
@pytest.mark.parametrize("also", ["", "tangent", "second", "numbers"])
def test_an_operand_has_any_name_that_a_derivation_takes(name: str, also: str) -> None:
    found = asked(einsum="ij,jk->ik", names=f"{name}, u", also=also)
    assert found["says"] == "ij,jk->ik: 2 gradients, 16 lines, 16 proved for all sizes."
    assert 'class="mark proved"' in found["html"]
    assert not re.search(r"(?:false|not proved): details", found["html"])
    assert "_" not in name or f"{name}_" not in found["html"]  # TeX takes no second subscript


def test_a_name_stays_data() -> None:
    for also in ("", "tangent", "second", "numbers"):
        found = asked(einsum="ij,jk->ik", names=r"W_{\text{<img/src=x>}} \mathrm{u}", also=also)
        assert "&lt;img/src=x&gt;" in found["html"]
        assert "<img" not in found["html"]


@pytest.mark.parametrize(
    ("question", "field", "fault"),
    [
        ({"einsum": " "}, "einsum", "type an einsum, such as ij,jk->ik"),
        ({"einsum": "ij,jk→ik"}, "einsum", "stray character '→': an arrow is written '->'\n  ij,jk→ik\n       ^"),
        ({"einsum": "ij,jk->ik", "names": "W_q x"}, "names", r"write W_{\text{q}}"),
        ({"einsum": "ij,jk->ik", "names": "A"}, "names", "1 name for 2 operands"),
        ({"einsum": "ij,jk->ik", "sizes": "q=3"}, "sizes", "no label of ij,jk->ik"),
        ({"einsum": "ij,jk->ik", "sizes": "i=3 i=2"}, "sizes", "the size of 'i' is given twice"),
        ({"einsum": "...i->i", "also": "numbers"}, "also", "an ellipsis has no numbers here"),
        ({"derivation": "dL/dW = x^T dL/dy"}, "", r"expected: \frac{dL}{dW}"),
        ({"derivation": "∂l/∂x_{i} = y_i"}, "", r"expected: LaTeX, as in \frac{\partial l}"),
        ({"derivation": "\n".join(TWO_ROWS)}, "", r"hint: a row ends with \\"),
    ],
)
def test_a_fault_is_said_of_its_field_and_with_its_remedy(question: dict[str, str], field: str, fault: str) -> None:
    found = asked(**question)
    assert fault in found["error"]
    assert found.get("field", "") == field


def test_sizes_may_have_blanks() -> None:
    assert "<td>16</td>" in asked(einsum="ij,jk->ik", sizes="i = 16, j= 3")["html"]


def test_an_implied_output_is_said() -> None:
    assert asked(einsum="ij,jk")["says"].startswith("ij,jk->ik (without an arrow, the output is the labels that occur")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([TWO_ROWS[0]], "1 definition; no claim to prove."),
        (TWO_ROWS, "1 definition; 1 line, 1 proved for all sizes."),
        ([r"\delta_{ij} \delta_{jk} = \delta_{ik}"], "1 line, 1 proved for all sizes."),
        (
            ["% matrix X W Y\nY = X W", r"\frac{\partial l}{\partial W} = X^T \frac{\partial l}{\partial Y}"],
            "1 definition; 1 line, 1 proved for all sizes.",
        ),
    ],
)
def test_all_rows_are_counted(rows: list[str], says: str) -> None:
    assert asked(derivation=" \\\\\n".join(rows))["says"] == says


def test_a_counterexample_is_in_view() -> None:
    html = asked(derivation=r"y_i = x_i^2 \\ \frac{\partial y_i}{\partial x_j} = x_j \delta_{ij} \\ y_i = x_i x_i")[
        "html"
    ]
    false, proved = re.findall(r"<details( open)? class", html)
    assert (false, proved) == (" open", "")
    assert asked(derivation=r"\log(ab) = \log a + \log b")["html"].count("Not proved for all sizes") == 1
