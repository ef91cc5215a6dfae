"""The emitted source text runs, and gives the gradient."""

import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from einsum_doc import EquationError, emit

EQUATIONS = {
    "ijk,ip->jkp": [(2, 3, 4), (2, 5)],
    "ij->i": [(3, 4)],
    "ii->": [(3, 3)],
    "iij,jk->ik": [(3, 3, 4), (4, 2)],
    "iiik,k->": [(2, 2, 2, 3), (3,)],
    "...ij,jk->...ik": [(2, 3, 4), (4, 5)],
    "i...j,kk->": [(2, 3, 5, 4), (3, 3)],
    "...ii->": [(2, 4, 3, 3)],
    "...ij,...jk->...ik": [(2, 3, 4), (2, 4, 5)],
    "j,k...jl->k": [(4,), (2, 3, 4, 5)],
    "αβ,βγ->αγ": [(2, 3), (3, 4)],
    ",a->a": [(), (3,)],
}


def have_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX where it is installed; else NumPy in its place, which has the calls that are emitted, and one difference.

    jax.numpy's einsum sums an ellipsis that the output has not, as NumPy's does with optimize=True.
    """
    if find_spec("jax") is not None:
        import_module("jax").config.update("jax_enable_x64", True)
        return
    jax = ModuleType("jax")
    jax.numpy = ModuleType("jax.numpy")  # type: ignore[attr-defined]
    vars(jax.numpy).update(eye=np.eye, ones=np.ones, einsum=partial(np.einsum, optimize=True))
    monkeypatch.setitem(sys.modules, "jax", jax)
    monkeypatch.setitem(sys.modules, "jax.numpy", jax.numpy)


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("library", ["torch", "numpy", "jax"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex128])
def test_it_runs(equation: str, library: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    plain = equation.translate(str.maketrans("αβγ", "abc"))
    operands = [torch.randn(shape, dtype=dtype).requires_grad_() for shape in EQUATIONS[equation]]
    output = torch.einsum(plain, *operands)
    dldz = torch.randn_like(output)
    # JAX has the gradient without conjugates, of the same upstream gradient.
    through = operands if library != "jax" else [operand.detach().conj().requires_grad_() for operand in operands]
    expected = torch.autograd.grad(torch.einsum(plain, *through), through, dldz)
    if library == "jax":
        have_jax(monkeypatch)
    for number, gradient in enumerate(expected):
        space: dict[str, Any] = {}
        exec(emit(equation, number, library), space)
        call = [dldz.detach(), *(operand.detach() for operand in operands)]
        if library != "torch":
            call = [tensor.numpy() for tensor in call]
        found = space[f"gradient_{number}"](*call)
        found = found if library == "torch" else torch.from_numpy(np.array(found))
        torch.testing.assert_close(found, gradient)


def test_the_text_says_what_it_is_for() -> None:
    assert "The ellipsis has the same axes in each operand." in emit("...i,...i->...", 0)
    assert "The ellipsis" not in emit("...i,i->...", 0)


def test_what_cannot_be_emitted() -> None:
    with pytest.raises(EquationError, match="no library 'cupy'"):
        emit("i->", 0, "cupy")
    many = "".join(chr(0x4E00 + n) for n in range(60))
    with pytest.raises(EquationError, match="more labels than letters"):
        emit(many, 0)
