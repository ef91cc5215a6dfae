"""torch's own description of einsum, its OpInfo, with our einsum in the place of torch's.

For each kind of samples that it draws, a check that passes with `torch.einsum` passes with ours. It has no samples
of errors: those are in tests/test_arguments.py.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from einsum_doc import einsum

# Importing torch's OpInfos takes seconds.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]

GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"))
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def opinfo() -> Any:
    from torch.testing._internal.common_methods_invocations import op_db

    [found] = [operator for operator in op_db if operator.name == "einsum"]
    return found


def ours(tensors: Sequence[Tensor], equation: str) -> Tensor:
    return einsum(equation, *tensors)


def theirs(tensors: Sequence[Tensor], equation: str) -> Tensor:
    result: Tensor = torch.einsum(equation, tensors)
    return result


def samples(opinfo: Any, device: str, dtype: torch.dtype, **options: bool) -> Iterator[tuple[tuple[Tensor, ...], str]]:
    """Yield the operands and the equation of each sample."""
    for sample in opinfo.sample_inputs(device, dtype, **options):
        yield tuple(sample.input), sample.args[0]


def tracks(run: Run, operands: Sequence[Tensor], equation: str, *, second: bool = False, forward: bool = True) -> None:
    """Check the first or second derivative of all modes by finite differences, batched and not."""
    check = gradgradcheck if second else gradcheck
    modes = (
        {"check_fwd_over_rev": forward}
        if second
        else {"check_forward_ad": forward, "check_batched_forward_grad": forward}
    )
    assert check(lambda *tensors: run(tensors, equation), tuple(operands), check_batched_grad=True, **modes)


def is_vectorized(run: Run, operands: Sequence[Tensor], equation: str) -> None:
    """Check vmap over each set of operands, against a loop; and vmap of it."""
    for mapped in range(1, 2 ** len(operands)):
        dims = tuple(0 if mapped >> number & 1 else None for number in range(len(operands)))
        stacks = [torch.stack([x, x.cos()]) if dim == 0 else x for x, dim in zip(operands, dims, strict=True)]
        rows = [[x[row] if dim == 0 else x for x, dim in zip(stacks, dims, strict=True)] for row in range(2)]
        found = torch.func.vmap(lambda *tensors: run(tensors, equation), dims)(*stacks)
        torch.testing.assert_close(found, torch.stack([theirs(row, equation) for row in rows]))


def is_traced(run: Run, operands: Sequence[Tensor], equation: str) -> None:
    """Check torch.jit.trace, with gradients."""
    traced = torch.jit.trace(lambda *tensors: run(tensors, equation), tuple(operands), check_trace=False)
    assert_same(traced(*operands), theirs(operands, equation), operands)


def is_made_fx(mode: str, run: Run, operands: Sequence[Tensor], equation: str) -> None:
    from torch.testing._internal.optests import make_fx_check

    make_fx_check(lambda *tensors: run(tensors, equation), tuple(operands), {}, mode)


def is_lowered(dynamic: bool, run: Run, operands: Sequence[Tensor], equation: str) -> None:
    from torch.testing._internal.optests import aot_autograd_check

    aot_autograd_check(lambda *tensors: run(tensors, equation), tuple(operands), {}, dynamic)


def is_fake(run: Run, operands: Sequence[Tensor], equation: str) -> None:
    """Check that the result has the same strides, dtype and device without memory."""
    from torch.testing._internal.optests import fake_check

    fake_check(lambda *tensors: run(tensors, equation), tuple(operands), {})


def is_composite(run: Run, operands: Sequence[Tensor], equation: str) -> None:
    """Check that tensor subclasses with a dispatch of their own pass through."""
    from torch.testing._internal import composite_compliance

    call = (run, (list(operands), equation), {})
    composite_compliance.check_with_mode(*call, torch.testing.assert_close)
    composite_compliance.check_all_permutations(*call, torch.testing.assert_close)
    composite_compliance.check_backward_formula(*call, assert_equal_fn=torch.testing.assert_close)
    composite_compliance.check_forward_ad_formula(*call, assert_equal_fn=torch.testing.assert_close)


def assert_same(own: Tensor, other: Tensor, operands: Sequence[Tensor]) -> None:
    torch.testing.assert_close(own, other, equal_nan=True)
    wanted = [operand for operand in operands if operand.requires_grad]
    if wanted:
        dldz = torch.ones_like(other)
        for pair in zip(torch.autograd.grad(own, wanted, dldz), torch.autograd.grad(other, wanted, dldz), strict=True):
            torch.testing.assert_close(*pair, equal_nan=True)


CHECKS: dict[str, Run] = {
    "gradcheck": tracks,
    "gradgradcheck": partial(tracks, second=True),
    "vmap": is_vectorized,
    "trace": is_traced,
    **{f"make_fx {mode}": partial(is_made_fx, mode) for mode in ("real", "fake", "symbolic")},
    "AOTAutograd": partial(is_lowered, False),
    "AOTAutograd, dynamic": partial(is_lowered, True),
    "fake tensors": is_fake,
    "composite": is_composite,
}


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_samples_of_every_dtype(opinfo: Any, device: str) -> None:
    compared = 0
    for dtype in sorted(opinfo.supported_dtypes(device), key=str):
        grad = dtype.is_floating_point or dtype.is_complex
        for sample in opinfo.sample_inputs(device, dtype, requires_grad=grad):
            for own in (sample, sample.noncontiguous()):
                assert_same(ours(own.input, *own.args), theirs(own.input, *own.args), own.input)
                compared += 1
    assert compared >= 200


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_conjugate_and_negative_views(opinfo: Any, device: str) -> None:
    for operands, equation in samples(opinfo, device, torch.complex128):
        for view in (torch.conj, torch._neg_view):
            viewed = [view(operand).requires_grad_() for operand in operands]
            assert_same(ours(viewed, equation), theirs(viewed, equation), viewed)


@pytest.mark.parametrize("device", ["cpu", GPU])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("name", CHECKS)
def test_a_check_that_passes_with_torchs(opinfo: Any, name: str, dtype: torch.dtype, device: str) -> None:
    checked = 0
    for operands, equation in samples(opinfo, device, dtype, requires_grad=True):
        try:
            CHECKS[name](theirs, *copy.deepcopy((operands, equation)))
        except Exception:
            continue
        CHECKS[name](ours, operands, equation)
        checked += 1
    assert checked >= 8
