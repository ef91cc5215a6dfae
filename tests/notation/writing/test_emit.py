"""The emitted source text runs, and gives the gradient."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from einsum_doc import ArgumentError, EquationError, derive, einsum, emit
from einsum_doc.notation.expression import identifier
from einsum_doc.notation.writing.emit import program

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


def by_jax(equation: str, operands: list[Tensor], dldz: Tensor) -> list[Tensor]:
    """The gradients that JAX derives itself; it has them without conjugates."""
    import jax  # half a second, for the worker that runs this

    jax.config.update("jax_enable_x64", True)
    _, pullback = jax.vjp(partial(jax.numpy.einsum, equation), *(operand.detach().numpy() for operand in operands))
    return [torch.from_numpy(np.array(gradient)) for gradient in pullback(dldz.detach().numpy())]


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("library", ["torch", "numpy", "jax"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex128])
def test_it_runs(equation: str, library: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    plain = equation.translate(str.maketrans("αβγ", "abc"))
    operands = [torch.randn(shape, dtype=dtype).requires_grad_() for shape in EQUATIONS[equation]]
    output = torch.einsum(plain, *operands)
    dldz = torch.randn_like(output)
    expected: Sequence[Tensor] = torch.autograd.grad(output, operands, dldz)
    if library == "jax":
        expected = by_jax(equation, operands, dldz)
    for number, gradient in enumerate(expected):
        space: dict[str, Any] = {}
        exec(emit(equation, number, library), space)
        call = [dldz.detach(), *(operand.detach() for operand in operands)]
        if library != "torch":
            call = [tensor.numpy() for tensor in call]
        found = space[f"gradient_{number}"](*call)
        found = found if library == "torch" else torch.from_numpy(np.array(found))
        torch.testing.assert_close(found, gradient)


PROGRAMS = {
    ("i->ii", "x"): [(3,)],
    ("ii->", "x"): [(3, 3)],
    ("ij,ij->", "x x"): [(3, 4)],
    ("i,ij,j->", "x A x"): [(3,), (3, 3)],
    ("i...α,αk->i...k", r"\hat{x} W"): [(2, 3, 4), (4, 5)],
    (",i->ij", "a x"): [(), (3,)],
}


@pytest.mark.parametrize(("equation", "names"), PROGRAMS)
@pytest.mark.parametrize("library", ["torch", "numpy", "jax"])
def test_a_program_has_the_output_and_all_gradients(equation: str, names: str, library: str) -> None:
    torch.manual_seed(0)
    called, sizes = names.split(), {"j": 5}
    shapes = dict(zip(dict.fromkeys(called), PROGRAMS[equation, names], strict=True))
    made = {name: torch.randn(shape, dtype=torch.float64).requires_grad_() for name, shape in shapes.items()}
    output = einsum(equation, *(made[name] for name in called), sizes=sizes if equation == ",i->ij" else None)
    dldz = torch.randn_like(output)
    gradients = torch.autograd.grad(output, list(made.values()), dldz)
    expected = {"z": output} | {f"dld{identifier(name)}": each for name, each in zip(made, gradients, strict=True)}
    space: dict[str, Any] = {identifier(name): tensor.detach() for name, tensor in made.items()} | {"dldz": dldz}
    if library == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    if library != "torch":
        space = {name: tensor.detach().numpy() for name, tensor in space.items()}
    lowerings = [derive(equation, called.index(name), names=called).lowering for name in made]
    exec(program(lowerings, library, sizes), space)
    for name, value in expected.items():
        found = space[name] if library == "torch" else torch.from_numpy(np.array(space[name]))
        torch.testing.assert_close(found, value.detach())


def test_the_text_says_what_it_is_for() -> None:
    assert "The ellipsis has the same axes in each operand." in emit("...i,...i->...", 0)
    assert "The ellipsis" not in emit("...i,i->...", 0)


def test_what_cannot_be_emitted() -> None:
    with pytest.raises(ArgumentError, match="no library 'cupy'"):
        emit("i->", 0, "cupy")
    many = "".join(chr(0x4E00 + n) for n in range(60))
    with pytest.raises(EquationError, match="more labels than letters"):
        emit(many, 0)
