"""`einsum-doc derive`: what it prints, and what it says when something is wrong."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from einsum_doc import derive
from einsum_doc.cli import main
from einsum_doc.compute.checking.derivation import Derivations
from einsum_doc.notation.drawing.diagram import diagram


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


def test_the_command_prints_a_derivation_for_each_operand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "ij,jk->ik"]) == 0
    printed = capsys.readouterr().out
    assert printed == f"{derive('ij,jk->ik', 0)}\n\n\n{derive('ij,jk->ik', 1)}\n"


def test_the_command_prints_other_forms(capsys: pytest.CaptureFixture[str]) -> None:
    derivation = derive("ij,kj->ik", 0, names=("a", "a"), output="c")
    arguments = ["derive", "ij,kj->ik", "--wrt", "0", "--names", "a,a", "--output", "c"]
    assert main([*arguments, "--latex"]) == 0
    assert capsys.readouterr().out == derivation.latex() + "\n"
    assert main([*arguments, "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "### ij,kj->ik: the gradient of a is ik,kj->ij + ik,ij->kj\n\n```derivation\n% new\nc_{ik} &= "
    )
    assert derivation.latex() in printed
    assert main([*arguments, "--json"]) == 0
    [facts] = json.loads(capsys.readouterr().out)
    assert facts["equations"] == ["ik,kj->ij", "ik,ij->kj"]
    assert facts["steps"][0]["rule"] == "definition"
    assert main([*arguments, "--svg"]) == 0
    assert capsys.readouterr().out.startswith("<svg")


def test_the_command_keeps_to_the_width_of_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    assert main(["derive", "ij,jk->ik", "--wrt", "0"]) == 0
    printed = capsys.readouterr().out
    assert printed == derive("ij,jk->ik", 0).text(72) + "\n"
    assert max(map(len, printed.splitlines())) <= 72


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--names", "x,x"], [{"wrt": 0, "names": ("x", "x")}]),
        (["--names", "x,x", "--wrt", "1", "--loss", "E"], [{"wrt": 1, "names": ("x", "x"), "loss": "E"}]),
        (["--complex", "--wrt", "1"], [{"wrt": 1, "complex": True}]),
        (["--mode", "tangent"], [{"mode": "tangent"}]),
        (["--mode", "tangent", "--wrt", "1"], [{"mode": "tangent", "wrt": 1}]),
        (["--mode", "second"], [{"mode": "second", "wrt": 0, "wrt2": 1}]),
        (["--mode", "second", "--names", "x,x"], [{"mode": "second", "wrt": 0, "wrt2": 0, "names": ("x", "x")}]),
        (["--mode", "second", "--wrt", "1"], [{"mode": "second", "wrt": 1, "wrt2": 0}]),
        (["--mode", "second", "--wrt", "0", "--wrt2", "0"], [{"mode": "second", "wrt": 0, "wrt2": 0}]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value[0], str) else "",
)
def test_what_is_derived_can_be_chosen(
    arguments: list[str], wanted: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["derive", "ij,jk->ik", *arguments, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts == [derive("ij,jk->ik", **options).facts() for options in wanted]


def test_the_second_derivative_of_one_operand_is_the_zero_that_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "ij->i", "--mode", "second"]) == 0
    assert "The second derivative by x and x is zero." in capsys.readouterr().out


def test_the_picture_has_the_names_of_the_derivation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "xl,lz->xz", "--svg", "--wrt", "1"]) == 0
    derivation = derive("xl,lz->xz", 1)
    assert "x" not in derivation.names
    assert capsys.readouterr().out == diagram("xl,lz->xz", wrt=1, names=derivation.names, output="u", loss="L") + "\n"
    assert main(["derive", "ij,jk->ik", "--svg", "--wrt", "0", "--complex"]) == 0
    assert ">y\u0304<" in unicodedata.normalize("NFD", capsys.readouterr().out)


def test_an_equation_may_begin_with_its_arrow(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "->ij"]) == 0
    assert capsys.readouterr().out.startswith("->ij: the gradient of x is ij->\n")
    assert main(["gradient", "->i!"]) == 2
    assert capsys.readouterr().err == "EquationError: stray character '!'\n  ->i!\n     ^\n"


def test_a_derivation_is_all_in_its_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "Aj,jk->Ak", "--wrt", "0", "--json", "--complex"]) == 0
    [facts] = json.loads(capsys.readouterr().out)
    assert (facts["mode"], facts["complex"], facts["names"], facts["loss"]) == ("gradient", True, ["x", "y"], "l")
    assert facts["letters"] == {"A": "a", "j": "j", "k": "k"}
    assert (facts["equations"], facts["arguments"]) == (["Ak,jk->Aj"], [["dldz", "x1"]])
    assert (facts["sentence"], facts["words"]) == (
        derive("Aj,jk->Ak", 0, complex=True).sentence,
        "One torch.einsum: Ak,jk->Aj.",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--wrt", "2"], "OperandError: there is no operand 2"),
        (["--mode", "second", "--wrt", "5"], "OperandError: there is no operand 5"),
        (["--wrt2", "1"], "OperandError: --wrt2 is for --mode second, not for the gradient"),
        (["--mode", "tangent", "--svg"], "OperandError: --svg draws an equation or a gradient, not the tangent"),
        (["--names", "x"], "OperandError: 1 name for 2 operands: x"),
        (["--complex", "--mode", "second"], "EquationError: the second derivative is derived for real operands"),
    ],
    ids=" ".join,
)
def test_the_command_says_what_is_wrong(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "ij,jk->ik", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(said)
    assert printed.out == ""


def test_the_markdown_of_a_derivation_can_stand_on_a_page_with_others() -> None:
    page = Derivations()
    for wrt in (0, 1):
        fence = derive("ij,jk->ik", wrt).markdown().split("```derivation\n")[1].split("\n```")[0]
        assert page.check(fence)
