"""Everything is computed where the operands are: on a GPU, if there is one, and on torch's device without numbers.

On `meta` a tensor has a shape and a dtype and no memory: whatever is made elsewhere on the way, torch refuses to
combine with it.
"""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from test_dtypes import EQUATIONS, FLOATING, assert_close, make
from test_einsum import VALID, arguments, operands_of
from torch import Tensor
from torch.autograd import forward_ad

from einsum_doc import OperandError, check, einsum, hvp, jvp, vjp

GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"))


def everything(case: dict[str, Any], device: str) -> list[Tensor]:
    """What the library computes of a case: output, gradients, their derivatives, tangents."""
    operands = [operand.detach().to(device).requires_grad_() for operand in operands_of(case)]
    output = einsum(*arguments(case, operands))
    dldz = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape).to(device).requires_grad_()
    gradients = torch.autograd.grad(output, operands, dldz, create_graph=True)
    fixed, tangents = [operand.detach() for operand in operands], [operand.detach().cos() for operand in operands]
    second = torch.autograd.grad(gradients, [*operands, dldz], tangents, materialize_grads=True)
    found = [output, *gradients, *second]
    dldz = dldz.detach()
    found += [*vjp(case["equation"], fixed, dldz), *hvp(case["equation"], fixed, dldz, tangents)]
    found.append(jvp(case["equation"], fixed, tangents))
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(*pair) for pair in zip(fixed, tangents, strict=True)]
        found.append(forward_ad.unpack_dual(einsum(*arguments(case, duals))).tangent)
    return found


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # torch's own use of it
@pytest.mark.parametrize("case", VALID, ids=lambda case: f"{case['equation']} {case['note']}")
@pytest.mark.parametrize("device", ["meta", GPU])
def test_every_case_stays_on_its_device(case: dict[str, Any], device: str) -> None:
    for there, here in zip(everything(case, device), everything(case, "cpu"), strict=True):
        assert (there.device.type, there.dtype, there.shape) == (device, here.dtype, here.shape)
        if device != "meta":
            torch.testing.assert_close(there.cpu(), here, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("device", ["meta", GPU])
def test_every_dtype_stays_on_its_device(equation: str, dtype: torch.dtype, device: str) -> None:
    operands = [make(shape, dtype, n).to(device).requires_grad_() for n, shape in enumerate(EQUATIONS[equation])]
    ours, theirs = einsum(equation, *operands), torch.einsum(equation, *operands)
    dldz = torch.ones_like(theirs)
    assert_alike([ours], [theirs])
    expected = torch.autograd.grad(theirs, operands, dldz)
    assert_alike(torch.autograd.grad(ours, operands, dldz), expected)
    assert_alike(vjp(equation, operands, dldz), expected)


def assert_alike(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> None:
    for own, other in zip(ours, theirs, strict=True):
        assert (own.device, own.dtype, own.shape) == (other.device, other.dtype, other.shape)
        if not own.is_meta:
            assert_close(own, other)


@pytest.mark.parametrize("device", ["meta", GPU])
def test_operands_on_two_devices_are_refused(device: str) -> None:
    with pytest.raises(OperandError, match="the operands are on different devices"):
        einsum("i,i->", torch.ones(3), torch.ones(3, device=device))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, when it compiles
@pytest.mark.parametrize("device", [GPU])
@pytest.mark.parametrize("equation", ["ijk,ip->jkp", "bhij,bjhd->bihd", "ij,j->ij", "iij,jk->ik", "ij,jk,kl->il"])
def test_compiled_and_checked_on_a_gpu(device: str, equation: str) -> None:
    terms = equation.split("->")[0].split(",")
    sizes = {label: size for size, label in enumerate(dict.fromkeys("".join(terms)), 2)}
    with torch.device(device):
        assert check(equation, sizes)
        operands = [torch.randn([sizes[label] for label in term], requires_grad=True) for term in terms]
        compiled = torch.compile(lambda *x: einsum(equation, *x), fullgraph=True)(*operands)
        torch.testing.assert_close(compiled, torch.einsum(equation, *operands))
