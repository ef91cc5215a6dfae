"""Every dtype, layout and mixture gives what torch.einsum gives, or is refused where torch refuses it."""

from itertools import permutations, product

import pytest
import torch
from torch import Tensor

from einsum_doc import OperandError, einsum, vjp

EQUATIONS = {
    "ij->i": [(3, 4)],
    "ii->": [(3, 3)],
    "ij->ji": [(3, 4)],
    "ij,jk->ik": [(3, 4), (4, 5)],
    "i,i->i": [(3,), (3,)],
    "i,j->ij": [(3,), (4,)],
    "i,j->j": [(3,), (4,)],
    "bi,bi->b": [(3, 4), (3, 4)],
    "i,i->": [(600,), (600,)],
    "bij,bj->bi": [(2, 3, 4), (2, 4)],
    "ij,jk,kl->il": [(3, 4), (4, 5), (5, 2)],
    "i,i,i->": [(3,), (3,), (3,)],
    "cij,cjk->cik": [(3, 4, 1), (1, 5, 6)],
    "ij,ij->j": [(4, 2), (1, 2)],
    ",->": [(), ()],
    "ni,ni->n": [(2, 600), (2, 600)],
    "bi,bi->b ": [(3, 0), (3, 0)],
    "ij->i ": [(3, 1)],
    "ii-> ": [(1, 1)],
    "ij,jk->": [(3, 4), (4, 5)],
    "ac,bc->bac": [(3, 4), (5, 4)],
    "cb,dab->bca": [(3, 4), (5, 2, 4)],
    "dec,dbec->ceb": [(2, 3, 4), (2, 5, 3, 4)],
    "ab,cd->acbd": [(3, 4), (5, 2)],
}
FLOATING = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128]
WHOLE = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 6e-2, torch.float32: 2e-4, torch.complex64: 2e-4}


def make(shape: tuple[int, ...], dtype: torch.dtype, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if dtype.is_floating_point or dtype.is_complex:
        wide = torch.complex128 if dtype.is_complex else torch.float64
        return torch.randn(shape, dtype=wide, generator=generator).to(dtype)
    if dtype == torch.bool:
        return torch.rand(shape, generator=generator) > 0.4
    return torch.randint(0, 4, shape, generator=generator).to(dtype)


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    tolerance = TOLERANCE.get(theirs.dtype, 1e-10)
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("dtype", FLOATING)
def test_output_and_gradients(equation: str, dtype: torch.dtype) -> None:
    operands = [make(shape, dtype, n).requires_grad_() for n, shape in enumerate(EQUATIONS[equation])]
    ours, theirs = einsum(equation, *operands), torch.einsum(equation, *operands)
    assert_close(ours, theirs)
    dldz = make(tuple(theirs.shape), dtype, 9)
    expected = torch.autograd.grad(theirs, operands, dldz)
    for found in (torch.autograd.grad(ours, operands, dldz), vjp(equation, operands, dldz)):
        for own, other in zip(found, expected, strict=True):
            assert_close(own, other)


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("dtype", WHOLE)
def test_whole_numbers_forward(equation: str, dtype: torch.dtype) -> None:
    operands = [make(shape, dtype, n) for n, shape in enumerate(EQUATIONS[equation])]
    ours, theirs = einsum(equation, *operands), torch.einsum(equation, *operands)
    assert ours.dtype == theirs.dtype
    assert torch.equal(ours, theirs)


def test_booleans_are_multiplied_and_not_contracted() -> None:
    x, y = make((3,), torch.bool), make((3,), torch.bool, 1)
    assert torch.equal(einsum("i,i->i", x, y), torch.einsum("i,i->i", x, y))
    assert torch.equal(einsum("i->", x), torch.einsum("i->", x))
    with pytest.raises(OperandError, match="dtype bool cannot be contracted on cpu"):
        einsum("i,i->", x, y)


@pytest.mark.parametrize("dtypes", [(torch.bool, torch.bool), (torch.bool, torch.int64), (torch.int16, torch.int64)])
def test_what_is_summed_alone_first_is_int64(dtypes: tuple[torch.dtype, torch.dtype]) -> None:
    operands = [make(shape, dtype, n) for n, (shape, dtype) in enumerate(zip([(3, 4), (4, 5)], dtypes, strict=True))]
    ours, theirs = einsum("ij,jk->", *operands), torch.einsum("ij,jk->", *operands)
    assert ours.dtype == theirs.dtype
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("equation", ["i,i->i", "i,j->ij", "i,j->j"])
@pytest.mark.parametrize(
    "dtypes",
    [
        (torch.float32, torch.float64),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.complex64),
        (torch.float64, torch.complex64),
    ],
)
def test_a_product_promotes(equation: str, dtypes: tuple[torch.dtype, torch.dtype]) -> None:
    operands = [make((3,), dtype, n).requires_grad_() for n, dtype in enumerate(dtypes)]
    ours, theirs = einsum(equation, *operands), torch.einsum(equation, *operands)
    assert_close(ours, theirs)
    dldz = make(tuple(theirs.shape), theirs.dtype, 9)
    expected = torch.autograd.grad(theirs, operands, dldz)
    for found in (torch.autograd.grad(ours, operands, dldz), vjp(equation, operands, dldz)):
        for own, other in zip(found, expected, strict=True):
            torch.testing.assert_close(own, other, rtol=1e-2, atol=1e-2)


def test_a_whole_number_beside_one_that_has_a_gradient() -> None:
    x, y = torch.randn(3, requires_grad=True), torch.arange(3)
    einsum("i,i->i", x, y).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, y.float())


SINGLE, DOUBLE = torch.float32, torch.float64


@pytest.mark.parametrize(
    "equation", ["i,i,i->", "i,i,j->j", "ij,jk,i->ik", "i,ij,jk->ik", "ij,jk,k->ik", "ij,jk,kl->il"]
)
@pytest.mark.parametrize("dtypes", [*product((SINGLE, DOUBLE), repeat=3)])
def test_three_operands_of_two_dtypes(equation: str, dtypes: tuple[torch.dtype, ...]) -> None:
    """What torch accepts is accepted, and what it refuses in every order is refused."""
    shapes = [(3,) * len(term) for term in equation.split("->")[0].split(",")]
    operands = [
        make(shape, dtype, n).requires_grad_() for n, (shape, dtype) in enumerate(zip(shapes, dtypes, strict=True))
    ]
    orders = [_in_order(equation, operands, order) for order in permutations(range(3))]
    theirs = next((output for output in orders if output is not None), None)
    if theirs is None:
        with pytest.raises(OperandError, match="are contracted, which need one dtype"):
            einsum(equation, *operands)
        return
    ours = einsum(equation, *operands)
    dldz = make(tuple(theirs.shape), theirs.dtype, 9)
    expected = torch.autograd.grad(theirs, operands, dldz)
    for found in (torch.autograd.grad(ours, operands, dldz), vjp(equation, operands, dldz)):
        # What is computed in the shorter dtype depends on the order.
        torch.testing.assert_close((ours, *found), (theirs, *expected), rtol=1e-4, atol=1e-4)


def _in_order(equation: str, operands: list[Tensor], order: tuple[int, ...]) -> Tensor | None:
    """torch's einsum from left to right, after its operands are put in this order."""
    terms, output = equation.split("->")
    swapped = ",".join(terms.split(",")[number] for number in order) + "->" + output
    try:
        with torch.backends.opt_einsum.flags(enabled=False):
            return torch.einsum(swapped, *(operands[number] for number in order))
    except RuntimeError:
        return None


@pytest.mark.parametrize(
    "dtypes", [(torch.float32, torch.float64), (torch.float32, torch.complex64), (torch.int32, torch.float32)]
)
def test_a_contraction_does_not_mix(dtypes: tuple[torch.dtype, torch.dtype]) -> None:
    operands = [make((3,), dtype) for dtype in dtypes]
    with pytest.raises(RuntimeError):
        torch.einsum("i,i->", *operands)
    with pytest.raises(OperandError, match="which need one dtype"):
        einsum("i,i->", *operands)
