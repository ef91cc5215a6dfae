"""check says what held, and is false when something did not."""

import numpy as np
import pytest
import torch

from einsum_doc import ArgumentError, OperandError, check
from einsum_doc.compute.checking import gradients as verify


@pytest.mark.parametrize(
    ("equation", "sizes"),
    [
        ("ijk,ip->jkp", {"i": 4, "j": 3, "k": 2, "p": 5}),
        ("ij,ij->j", [(10, 2), (1, 2)]),
        ("...i,ij->...j", {"...": (2, 3), "i": 4, "j": 5}),
        ("i->iij", {"i": 3, "j": 2}),
        ("i->iij", [(3,), (3, 3, 2)]),
        ("->...", [(), (2, 3)]),
        ("ab,bc,cd,da->", {"a": 2, "b": 3, "c": 4, "d": 5}),
        ("αβ,βγ->αγ", {"α": 2, "β": 3, "γ": 2}),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_it_holds(equation: str, sizes: object, dtype: torch.dtype) -> None:
    found = check(equation, sizes, dtype=dtype)  # type: ignore[arg-type]
    assert found, str(found)
    assert found.max_error < 1e-12


def test_the_table() -> None:
    lines = str(check("ij,jk->ik", {"i": 2, "j": 3, "k": 4})).splitlines()
    assert lines[0] == "ij,jk->ik  i=2 j=3 k=4  float64"
    assert [line.split()[0] for line in lines[1:]] == [
        "output",
        "gradient",
        "gradient",
        "second",
        "adjoint",
        "gradcheck",
    ]
    assert "ik,jk->ij" in lines[2]
    assert all(line.endswith("held") for line in lines[1:])


def test_a_wrong_gradient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    true = verify.vjp
    monkeypatch.setattr(verify, "vjp", lambda *call: tuple(1.001 * gradient for gradient in true(*call)))
    found = check("ij,jk->ik", {"i": 2, "j": 3, "k": 4})
    assert not found
    assert [row.held for row in found.rows] == [True, False, False, True, False, True]
    assert "BROKEN" in str(found)


def test_a_wrong_second_derivative_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    true = verify.hvp
    monkeypatch.setattr(verify, "hvp", lambda *call: tuple(1.001 * moved for moved in true(*call)))
    found = check("ij,jk->ik", {"i": 2, "j": 3, "k": 4})
    assert [row.held for row in found.rows] == [True, True, True, False, True, True]
    assert check("ij->i", {"i": 2, "j": 3}), "a linear einsum has no second derivative"


def test_sizes_are_whole_numbers_of_any_kind() -> None:
    assert check("ij,jk->ik", {"i": np.int64(2), "j": 3, "k": 4}).sizes == {"i": 2, "j": 3, "k": 4}


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_only_long_numbers_tell_an_error_from_rounding(dtype: torch.dtype) -> None:
    with pytest.raises(ArgumentError, match=f"not in {dtype}"):
        check("ij->i", {"i": 2, "j": 3}, dtype=dtype)


def test_a_label_without_a_size() -> None:
    with pytest.raises(OperandError, match="label 'k' has no size"):
        check("ij,jk->ik", {"i": 2, "j": 3})
