"""Which rows are proved, and that no false one is: derivations by hand, of the field, of the library, and mutants."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import derivation_mutants as mutation
import pytest

from einsum_doc import NotationError, derive, verify
from einsum_doc.compute.checking import derivation as checking
from einsum_doc.compute.checking.cases import Cases
from einsum_doc.compute.checking.claims import Verdict
from einsum_doc.compute.checking.derivation import DerivationCheck, Derivations
from einsum_doc.compute.checking.proofs import proved
from einsum_doc.compute.checking.symbols.table import SymbolTable
from einsum_doc.notation.reading.parse import parse_notation

FOLDER = Path(__file__).parents[2] / "derivations"
FIELD = [case for case in json.loads((FOLDER / "of_the_field.json").read_text("utf-8")) if case["rewritten"]]
PUBLISHED = json.loads((FOLDER / "published.json").read_text("utf-8"))

HELD = {
    "∂σ_i/∂A_{pq} = U_{pi} W_{iq}": "the singular values are given by code",
    "det(I + u ψᵀ) = 1 + Σ_m u_m ψ_m": "a determinant of a sum has no rule",
    "det(I + u vᵀ) = 1 + Σ_k u_k v_k": "a determinant of a sum has no rule",
    "(A + C B Cᵀ)⁻¹_{ij} =": "two inverses of sums",
    "(A + b cᵀ)⁻¹_{ij} =": "two inverses of sums",
}
"""How the rows of the field begin that hold and are not proved, with why."""

EQUATIONS = (
    *("i->", "i->i", "ii->", "ii->i", "i->ii", "ij->i", "ij->ji", "i,i->i", "i,i->", "i,j->ij", "ij,j->i"),
    *("ij,jk->ik", "ij,jk->ki", "ijk,ip->jkp", "bij,bjk->bik", "bhqd,bhkd->bhqk", "ij,ij->", "ij,ij->ij"),
    *("iij,jk->ik", "ii,ii->i", "ij,jk,kl->il", "ij,jk,kl,lm->im", "i,i,i->", "ij,ik,il->jkl", "i,ij,j->"),
    *("abc,cd,de->abe", "ij,kl->ijkl", "ijkl,kl->ij", "ir,jr,kr->ijk", "a,b,c->abc", "ab,ab->a", "aab,bc->ac"),
    *(",->", "i,->i", "ij->iijj", "i->ij", "ij,ij,ij->i", "bi,oi->bo", "ijk,jil->kl", "ab,bc,ca->"),
)


@contextmanager
def only_proofs(judge: Callable[[Cases, int], None]) -> Iterator[None]:
    """No numbers are compared: each equality is given to `judge`."""

    def claim(cases: Cases, number: int, signs: list[str]) -> Verdict:
        if signs[number] == "=":
            judge(cases, number)
        return Verdict("held", "", (), "")

    with (
        patch.object(checking, "claim", claim),
        patch.object(checking, "definition", lambda cases: Verdict("defined", "", (), "")),
    ):
        yield


def rows(text: str) -> dict[str, bool]:
    """The equalities of a text, and whether each is proved."""
    found: dict[str, bool] = {}

    def judge(cases: Cases, number: int) -> None:
        left, right = cases.statement.sides[number : number + 2]
        found[f"{left} = {right}"] = proved(cases.statement, cases.table, number) is not None

    with only_proofs(judge):
        Derivations().check(text)
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.tex")), ids=lambda path: path.stem)
def test_every_row_written_by_hand_is_proved(path: Path) -> None:
    found = rows(path.read_text("utf-8"))
    assert found
    assert [row for row, is_proved in found.items() if not is_proved] == []


def test_the_rows_of_the_field_are_proved_but_for_those_named() -> None:
    found: dict[str, bool] = {}
    for case in FIELD:
        found |= rows(case["rewritten"])
    for case in PUBLISHED:
        added = case["added"]
        found |= rows(
            "\n".join([*added, case["literal"]] if isinstance(added, list) else [added or "", case["literal"]])
        )
    held = [row for row, is_proved in found.items() if not is_proved]
    assert [row for row in held if not row.startswith(tuple(HELD))] == []
    assert len(held) >= len(HELD)
    assert len(held) <= 0.05 * len(found)


@pytest.mark.parametrize(
    "equation",
    [
        equation if place % 5 == 2 else pytest.param(equation, marks=pytest.mark.slow)
        for place, equation in enumerate(EQUATIONS)
    ],
)
def test_every_row_of_a_derivation_by_the_library_is_proved(equation: str) -> None:
    count = equation.count(",") + 1
    texts = [derive(equation, wrt).latex() for wrt in range(count)]
    texts.append(derive(equation, 0, mode="tangent").latex())
    texts += [derive(equation, 0, mode="second", wrt2=count - 1).latex()] * (count > 1)
    for text in texts:
        found = rows(text)
        assert [row for row, is_proved in found.items() if not is_proved] == []


MEAN = r"m &= \mathbf{1}_i x_i \\ d_i &= x_i - \mathbf{1}_i m \\ "
TRAPS = {
    "a δ in a denominator": r"\frac{\delta_{ip} e^{x_i}}{\mathbf{1}_j e^{x_j} \delta_{ip}} &= \delta_{ip}",
    "a δ over itself": r"\frac{\delta_{ij}}{\delta_{ij}} &= \mathbf{1}_i \mathbf{1}_j",
    "nothing over itself": r"\frac{x_i - x_i}{x_i - x_i} &= \mathbf{1}_i",
    "a difference that a δ makes 0": r"\frac{\delta_{ij}}{x_i - x_j} &= \delta_{ij}",
    "the root of a square": r"(x_i^2)^{1/2} &= x_i",
    "the root of a product": r"\sqrt{x_i y_i} &= \operatorname{abs}(x_i)",
    "the logarithm of a square": r"\log(x_i^2) &= 2 \log(x_i)",
    "the root of a fourth power": r"(x_i^4)^{1/4} &= x_i",
    "an odd root of an even power": r"(x_i^6)^{1/6} &= x_i",
    "two indices of a function": r"\operatorname{f}(x_i - x_j) \delta_{ij} &= \operatorname{f}(x_i) \delta_{ij}",
    "a transpose": r"\operatorname{f}(a_{ij}) b_{ij} &= \operatorname{f}(a_{ji}) b_{ij}",
    "two sums under one sign": r"(x_i y_i) (x_j y_j) &= x_i x_i y_j y_j",
    "a square of a sum": r"\left( \sum_i x_i \right)^2 &= \sum_i x_i^2",
    "an exponential of a sum": r"\exp(x_i + y_i) &= \exp(x_i) + \exp(y_i)",
    "a function of a sum": r"\mathbf{1}_i \operatorname{f}(x_i) &= \operatorname{f}(\mathbf{1}_i x_i)",
    "the size of another index": r"\mathbf{1}_i \mathbf{1}_i x_j &= \mathbf{1}_k \mathbf{1}_k x_j",
    "a derivative held fixed": MEAN + r"\frac{\partial d_i}{\partial x_j} &= \delta_{ij}",
    "a derivative of another path": r"y &= x^2 \\ z &= x y \\ \frac{\partial z}{\partial x} &= y",
    "the inverse of another": "% let q = x @ x\n% let y = torch.linalg.inv(q)\n" r"x_{ij} y_{jk} &= \delta_{ik}",
    "a transposed inverse": "% let y = torch.linalg.inv(x)\n" r"x_{ij} y_{kj} &= \delta_{ik}",
    "a name that is positive elsewhere": "% positive x\n" r"\operatorname{relu}(2 - x) &= 2 - x",
    "an integer power of a negative number": r"\sqrt{(x_i^{2 J})} y_j y_j &= x_i^J y_j y_j",
    "an order of indices": r"\sum_{i < j} a_{ij} &= \sum_{i \ne j} a_{ij}",
}


@pytest.mark.parametrize("text", TRAPS.values(), ids=TRAPS)
def test_no_trap_is_proved(text: str) -> None:
    try:
        found = rows(text)
    except NotationError:
        return
    assert not list(found.values())[-1]


def false_and_proved(every: int, seed: int) -> tuple[int, list[str]]:
    """How many mutants are proved, one in `every` of them, and those that are false."""
    count, false = 0, []
    for name, text in mutation.texts().items():
        rng = random.Random(f"proofs {name} {seed}")
        for mutant in mutation.mutants(parse_notation(text)):
            if rng.randrange(every):
                continue
            found: list[bool] = []

            def judge(cases: Cases, number: int) -> None:
                if number == mutant.relation:  # noqa: B023 (it is called in this turn)
                    found.append(proved(cases.statement, cases.table, number) is not None)  # noqa: B023

            try:
                with only_proofs(judge):
                    list(DerivationCheck(mutant.document, (), SymbolTable(), {}, 0).lines())
            except NotationError:
                continue
            if found and found[-1]:
                count += 1
                if mutation.verdict(mutant, 0)[0] != "held":
                    false.append(f"{name}: {mutant.kind}: {mutant.document.entries[-1].head} = {mutant.right}")
    return count, false


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_false_mutant_of_many_is_proved(seed: int) -> None:
    assert false_and_proved(8, seed + 1)[1] == []


def test_a_proof_names_its_step() -> None:
    text = (
        r"y_i &= x_i^2 \\ \frac{\partial y_i}{\partial x_p} &= 2 x_i \delta_{ip} \\"
        r"x_i \delta_{ip} a_p &= a_i x_i \\ (x_i + a_i) b_i &= b_i x_i + a_i b_i \\ a_i x_i &= x_j a_j"
    )
    steps = [str(proof) for proof in _proofs(text)]
    assert steps == [
        "product rule, definition of y put in",
        "δ eliminated",
        "multiplied out",
        "factors, terms or names of indices in another order",
    ]


def _proofs(text: str) -> list[object]:
    found: list[object] = []
    with only_proofs(lambda cases, number: found.append(proved(cases.statement, cases.table, number))):
        verify(text)
    return found
