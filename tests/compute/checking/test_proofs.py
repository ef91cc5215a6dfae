"""Each row of a derivation is proved, held, false or a definition, and says what that means."""

from __future__ import annotations

import pytest

from einsum_doc import NotationError, verify
from einsum_doc.compute.checking import claims
from einsum_doc.compute.checking.derivation import Derivations

PRODUCT = r"z_{ik} &= x_{ij} y_{jk} \\ "
ROWS = {
    "a definition": (r"z_{ik} &= x_{ij} y_{jk}", "defined"),
    "a definition without a value": (r"z_i &= \log (-x_i^2)", "false"),
    "a renamed dummy": (r"x_{ij} y_{jk} &= y_{mk} x_{im}", "proved"),
    "a derivative": (PRODUCT + r"\frac{\partial z_{ik}}{\partial x_{pq}} &= \delta_{ip} y_{qk}", "proved"),
    "of the loss": (
        PRODUCT + r"\frac{\partial l}{\partial x_{pq}} &= \frac{\partial l}{\partial z_{pk}} y_{qk}",
        "proved",
    ),
    "another index": (PRODUCT + r"\frac{\partial z_{ik}}{\partial x_{pq}} &= \delta_{ip} y_{kq}", "false"),
    "any number of indices": (r"x_{a \dots b} y_{a \dots b} &= y_{c \dots d} x_{c \dots d}", "proved"),
    "one that differs": (r"a_i b_i &\neq 2 a_i b_i", "held"),
    "two that do not differ": (r"a_i b_i &\neq b_j a_j", "false"),
    "given by code": ("% let s = (x * x).sum()\ns &= x_i x_i", "held"),
    "a square root of one sign only": (r"\sqrt{x_i^2} &= x_i", "false"),
    "another domain": (r"\log (x_i^2) &= 2 \log x_i", "false"),
    "the same domain": ("% positive x\n" + r"\log (x_i^2) &= 2 \log x_i", "proved"),
}


@pytest.mark.parametrize(("text", "verdict"), ROWS.values(), ids=ROWS)
def test_the_verdict_on_a_row(text: str, verdict: str) -> None:
    derivation = verify(text)
    line = derivation.lines[-1]
    assert line.verdict == verdict, line
    assert line.holds == (verdict != "false")
    shown = {"held": "holds", "false": "FALSE"}.get(verdict, verdict)
    assert f"  {shown:<7}  " in str(derivation).splitlines()[len(derivation.lines) - 1]


def test_a_row_says_what_its_verdict_means() -> None:
    proved, held, differs = verify(
        "% let s = (x * x).sum()\nx_i y_i &= y_j x_j \\\\ s &= x_i x_i \\\\ x_i &\\neq 2 x_i"
    ).lines
    assert proved.checked.startswith("Proved for all sizes: both sides have the same normal form, so they are equal ")
    step = "Step: factors, terms or names of indices in another order"
    assert f" wherever both have a value. {step}. Held on 4 random instances in float64; i=" in proved.checked
    assert held.checked.startswith("Not proved for all sizes. Held on ")
    assert differs.checked.startswith("The sides differ, which one counterexample decides. Held on ")


def test_each_verdict_has_a_mark_and_a_name_for_those_who_hear_it() -> None:
    text = r"% let s = (x * x).sum()" + "\n" + r"y &= x_i z_i \\ y &= z_j x_j \\ s &= x_i x_i \\ s &= 2 x_i x_i"
    defined, *rows = verify(text)._repr_html_().split('role="listitem"')[1:]
    assert "<summary" not in defined
    marks = [row.partition("<summary")[2].partition("</summary>")[0] for row in rows]
    assert marks == [
        ' aria-label="proved for all sizes: details">✓✓',
        ' aria-label="holds: details">✓',
        ' aria-label="false: details">✗',
    ]


FALSE = r"y_i &= x_i^2 \\ \frac{\partial y_i}{\partial x_p} &= x_i \delta_{ip}"
BEYOND = r"\operatorname{relu}(x_i - 100 \cdot 1_i) &= 0 x_i"
REFUSED = r"e_i &= y_i - w_j x_{ij} \\ s &= e_i e_i + w_j w_j \\ \frac{\partial s}{\partial w_j} &= 2 w_j"


@pytest.mark.parametrize("text", [FALSE, BEYOND], ids=["false", "false beyond a constant"])
def test_a_proof_against_the_numbers_is_an_error_of_its_own(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = verify(text).lines[-1]
    monkeypatch.setattr(claims, "proved", lambda *_: True)
    line = verify(text).lines[-1]
    assert line.verdict == "false"
    assert line.message.startswith("internal error of einsum_doc: ")
    assert line.message.endswith(" is proved for all sizes, but its values differ")
    assert line.details[0].endswith("please report this row, with its definitions")
    assert before.details[-1] in line.details


@pytest.mark.parametrize(
    "text",
    [r"a_i &\neq a_i", r"\log (x_i^2) &= 2 \log x_i", REFUSED],
    ids=["differs", "cannot be checked", "holds only if something is fixed"],
)
def test_no_proof_is_asked_of_what_the_numbers_do_not_find_false(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message = verify(text).lines[-1].message
    monkeypatch.setattr(claims, "proved", lambda *_: True)
    assert verify(text).lines[-1].message == message != ""


REASONED = (
    r"y_i &= x_i^2 \\ \frac{\partial y_i}{\partial x_p} &= 2 x_i \delta_{ip} %s \\ "
    r"x_i \delta_{ip} a_p &= a_i x_i %s"
)


def test_a_line_without_a_reason_gets_its_step() -> None:
    lines = verify("% reasons named\n" + REASONED % (r"\tag{by definition}", "")).lines
    assert [line.reason for line in lines] == ["", "by definition", "δ eliminated"]
    assert [line.step for line in lines] == ["", "power rule, definition of y put in", "δ eliminated"]
    assert [line.reason for line in verify(REASONED % ("", "")).lines] == ["", "", ""]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("eliminate the δ", ""),
        ("the chain rule, and then the δ is eliminated", ""),
        ("because it is so", ""),
        ("product rule", "product rule"),
        ("Multiply out.", "multipl"),
        ("put in the definition of $y$", "put in"),
    ],
)
def test_a_reason_that_names_another_step_is_false(reason: str, words: str) -> None:
    line = verify("% reasons checked\n" + REASONED % ("", rf"\tag{{{reason}}}")).lines[-1]
    assert line.verdict == ("false" if words else "proved")
    if words:
        assert line.message.startswith("false: the reason says '")
        assert line.message.endswith("', and the step is: δ eliminated")
    assert verify(REASONED % ("", rf"\tag{{{reason}}}"))


def test_reasons_are_named_or_checked_on_the_rest_of_a_page() -> None:
    page = Derivations()
    page.check("% reasons checked\n" + REASONED % ("", ""))
    assert not page.check("% new\n" + REASONED % ("", r"\tag{product rule}"))
    with pytest.raises(NotationError, match="unknown '% reasons all'"):
        verify("% reasons all\n" + REASONED % ("", ""))
