"""Derivations, line by line: what holds, what does not, and what an author is told."""

from pathlib import Path

import pytest

from einsum_doc import NotationError, verify
from einsum_doc.compute.checking.derivation import Derivations

WRITTEN = sorted((Path(__file__).parents[2] / "derivations").glob("*.tex"))


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_a_derivation_written_by_hand_holds(path: Path) -> None:
    derivation = verify(path.read_text("utf-8"))
    assert derivation, str(derivation)


TWO_OPERANDS = (Path(__file__).parents[2] / "derivations" / "two_operands.tex").read_text("utf-8")


def test_the_lines_of_the_example() -> None:
    derivation = verify(TWO_OPERANDS)
    assert [(line.line, line.row, line.kind, line.holds) for line in derivation.lines] == [
        (0, 0, "definition", True),
        (2, 1, "claim", True),
        (3, 2, "claim", True),
        (5, 3, "claim", True),
        (6, 3, "claim", True),
    ]
    assert derivation.lines[1].latex == (
        r"\frac{\partial z_{jkp}}{\partial x_{i'j'k'}} &= \delta_{ii'} \delta_{jj'} \delta_{kk'} y_{ip}"
    )
    assert derivation.lines[2].latex == r"&= \delta_{jj'} \delta_{kk'} y_{i'p}"
    assert str(derivation).splitlines()[0] == "  1  defined  z_{jkp} = x_{ijk} y_{ip}"


def test_a_swapped_index_is_found_and_explained() -> None:
    derivation = verify(TWO_OPERANDS.replace("z_{j'k'p}", "z_{k'j'p}"))
    assert [line.holds for line in derivation.lines] == [True, True, True, True, False]
    line = derivation.lines[-1]
    assert line.message == "false: ∂l/∂x_{i'j'k'} = ∂l/∂z_{k'j'p} y_{i'p}"
    assert line.details[0] == "equal up to exchanging j' and k'"
    assert line.details[1].startswith("at i'=")
    assert line.details[2].startswith("sizes: i'=")
    assert line.details[3] == (
        "shapes differ: j' is index 2 of x, which is j where it is defined, "
        "and index 2 of z, which is k where it is defined"
    )


def test_a_definition_holds_to_the_end_of_the_page() -> None:
    page = Derivations()
    assert page.check("z_i &= 2 x_i")
    assert page.check(r"\frac{\partial z_i}{\partial x_p} &= 2 \delta_{ip}")
    assert not page.check(r"\frac{\partial z_i}{\partial x_p} &= 3 \delta_{ip}")
    with pytest.raises(NotationError, match="z has 1 index, not 2"):
        page.check("z_{ij} &= x_i y_j")
    assert page.check("% new\nz_{ij} &= x_i y_j")
    assert page.check("z_{ij} y_i &= x_i y_i y_j")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 9))
def test_what_is_true_holds_at_any_seed(seed: int) -> None:
    """`benchmarks/derivation.py --seeds 2000` asks all lines at many more."""
    for path in WRITTEN:
        if path.stem != "any_two_operands":
            derivation = verify(path.read_text("utf-8"), seed=seed)
            assert derivation, str(derivation)
