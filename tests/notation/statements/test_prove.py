"""A text is proved line by line without numbers: it has the same lines as with them, and the same proofs."""

from __future__ import annotations

from pathlib import Path

import pytest

from einsum_doc import NotationError, prove, verify

FOLDER = Path(__file__).parents[2] / "derivations"
CODE = "% let y = torch.linalg.inv(x)\n% let s = (x * x).sum()\n"
TEXT = CODE + r"x_{ij} y_{jk} &= \delta_{ik} \tag{$y$ is the inverse} \\ s &= x_{ij} x_{ij} \\ z_i &\neq 2 z_i"
LOCAL = (
    r"% local" + "\n" + r"m &= \mathbf{1}_i x_i \\ d_i &= x_i - m \\ \frac{\partial d_i}{\partial x_p} &= \delta_{ip}"
)
REASONED = r"x_i \delta_{ip} a_p &= a_i x_i \tag{multiply out} \\ y_i x_i &= x_j y_j"
TEXTS = {"code": TEXT, "local": LOCAL}
TEXTS |= {f"reasons {word}": f"% reasons {word}\n{REASONED}" for word in ("named", "checked")}
TEXTS |= {name: (FOLDER / f"{name}.tex").read_text("utf-8") for name in ("matrix_inverse", "two_operands")}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_lines_are_those_of_the_numbers(text: str) -> None:
    proved, checked = prove(text), verify(text)
    assert proved.note == checked.note
    for ours, theirs in zip(proved.lines, checked.lines, strict=True):
        assert (ours.line, ours.row, ours.latex, ours.text) == (theirs.line, theirs.row, theirs.latex, theirs.text)
        assert (ours.kind, ours.reason, ours.step) == (theirs.kind, theirs.reason, theirs.step)
        assert ours.verdict == theirs.verdict or (ours.verdict, theirs.verdict) == ("open", "held")
        assert ours.holds == (ours.verdict != "open" and theirs.holds)


def test_a_line_that_is_not_proved_is_open() -> None:
    found = prove(CODE + r"a_i b_i &= b_j a_j \\ x_{ij} y_{jk} &= \delta_{ik} \\ s &= x_{ij} x_{ij}")
    assert [line.verdict for line in found.lines] == ["proved", "proved", "open"]
    assert not found
    assert prove(r"x_i y_i &= y_j x_j")
    assert "open     s = x_{ij} x_{ij}\n       Not proved for all sizes" in str(found)
    assert '<summary aria-label="not proved: details">' in found._repr_html_()


def test_a_line_is_about_what_stands_above_it() -> None:
    equal, trace = r"I x_{ij} &= J x_{ij}", r"t &= x_{ii}"  # A trace makes a matrix square.
    assert [line.verdict for line in verify(rf"{equal} \\ {trace}").lines] == ["false", "defined"]
    assert [line.verdict for line in verify(rf"{trace} \\ {equal}").lines] == ["defined", "proved"]


@pytest.mark.parametrize(
    ("text", "fault", "position"),
    [
        ("x_i &= y_i \\\\\nx_i &= )", "cannot stand here", (1, 7)),
        ("z_i &= x_i y_i \\\\\nz_{ij} &= x_i", "z has 1 index, not 2 indices", (1, 0)),
        ("% let y = f(x)\ny_i &= x_i", "f in the code of y is not known", (0, 0)),
    ],
)
def test_what_has_no_meaning_is_refused_at_its_position(text: str, fault: str, position: tuple[int, int]) -> None:
    with pytest.raises(NotationError, match=fault) as caught:
        prove(text)
    assert caught.value.position == position
