"""cost says beforehand what is counted afterwards."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from einsum_strategies import Products
from torch import Tensor

from einsum_doc import OperandError, cost, einsum
from einsum_doc.compute.contraction.binding import Binding
from einsum_doc.compute.contraction.plan import Plan, make_plan


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(3, 4), (4, 5)]),
        ("ijk,ip->jkp", [(4, 3, 2), (4, 5)]),
        ("ab,bc,cd,de->ae", [(2, 3), (3, 4), (4, 5), (5, 6)]),
        ("bi,bi->b", [(4, 3), (4, 3)]),
        ("i,j->ij", [(4,), (5,)]),
        ("bij,bj->bi", [(3, 4, 5), (3, 5)]),
        ("ab,ac,ad->bcd", [(2, 3), (2, 4), (2, 5)]),
        ("cij,cjk->cik", [(3, 4, 5), (3, 1, 6)]),
    ],
)
def test_multiply_adds_are_those_that_are_done(equation: str, shapes: list[tuple[int, ...]]) -> None:
    operands: list[Tensor] = [torch.randn(shape, requires_grad=True) for shape in shapes]
    found = cost(equation, shapes)
    with Products() as products:
        output = einsum(equation, *operands)
        assert products.multiply_adds == found.forward.multiply_adds
        output.backward(torch.ones_like(output))
    assert products.multiply_adds == found.sweep.multiply_adds


def test_a_chain_one_by_one_is_quadratic() -> None:
    letters = [chr(0x4E00 + n) for n in range(17)]
    equation = ",".join(a + b for a, b in pairwise(letters))
    found = cost(equation, dict.fromkeys(letters, 4))
    assert found.sweep.multiply_adds == 3 * found.forward.multiply_adds == 3 * 15 * 64
    assert found.naive.multiply_adds == (15 + 16 * 15) * 64


def test_gradients_one_by_one_are_planned_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    bindings: list[Binding] = []

    def counted(binding: Binding, **options: Any) -> Plan:
        bindings.append(binding)
        return make_plan(binding, **options)

    monkeypatch.setattr("einsum_doc.compute.contraction.cost.make_plan", counted)
    found = cost("ij,jk,kl->il", dict.fromkeys("ijkl", 3))
    assert len(bindings) == 1
    assert found.naive == found.naive
    assert len(bindings) == 4


def test_the_peak_of_an_outer_product() -> None:
    found = cost("i,j->ij", {"i": 100, "j": 50}, itemsize=8)
    assert found.forward.peak == 100 * 50 * 8
    assert found.sweep.peak == (100 * 50 + 100 + 50) * 8


def test_what_is_expanded_is_written_and_its_gradient_is_summed() -> None:
    found = cost("i->ij", {"i": 100, "j": 50}, itemsize=8)
    assert found.forward.moved == (100 + 100 * 50) * 8
    assert found.forward.peak == 100 * 50 * 8
    assert found.sweep.moved == 2 * found.forward.moved
    assert found.sweep.peak == (100 * 50 + 100) * 8


def test_new_labels_and_missing_sizes() -> None:
    assert cost("i->iij", {"i": 3, "j": 2}).forward.multiply_adds == 0
    assert cost("i->iij", [(3,), (3, 3, 2)]).sizes == {"i": 3, "j": 2}
    with pytest.raises(OperandError, match="label 'j' has no size"):
        cost("ij->i", {"i": 3})
    with pytest.raises(OperandError, match="a size is given for 'k', which is no label"):
        cost("ij->i", {"i": 3, "j": 2, "k": 4})


def test_the_table() -> None:
    lines = str(cost("ij,jk->ik", {"i": 10, "j": 20, "k": 30})).splitlines()
    assert lines[0] == "ij,jk->ik  i=10 j=20 k=30"
    assert lines[1].split() == ["multiply-adds", "bytes", "moved", "peak", "bytes"]
    assert lines[2].split()[:2] == ["output", "6,000"]
    assert "18,000" in lines[3]
