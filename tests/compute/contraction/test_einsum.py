"""einsum and vjp equal autograd of torch.einsum, case by case and on random equations."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from einsum_strategies import Problem, by_definition, problems
from hypothesis import given, settings
from torch import Tensor
from torch.autograd import forward_ad

from einsum_doc import EinsumError, OperandError, einsum, hvp, jvp, parse, vjp

CASES = json.loads((Path(__file__).parents[2] / "cases" / "einsum_cases.json").read_text(encoding="utf-8"))
VALID = [case for case in CASES if case["valid"]]
# What torch refuses and the closed algebra defines: a repeated output label, and any letter as a label.
CLOSED = {"abce,badf->bcba", "ij->ijij", "ié->i"}
FUNCTIONS: list[Callable[..., Tensor]] = [einsum, torch.einsum]
INVALID = [case for case in CASES if not case["valid"] and case["equation"] not in CLOSED]


def operands_of(case: dict[str, Any]) -> list[Tensor]:
    dtypes = case["dtype"] if isinstance(case["dtype"], list) else [case["dtype"]] * len(case["shapes"])
    torch.manual_seed(0)
    return [
        torch.randn(shape, dtype=getattr(torch, dtype)).requires_grad_()
        for shape, dtype in zip(case["shapes"], dtypes, strict=True)
    ]


def arguments(case: dict[str, Any], operands: Sequence[Tensor]) -> list[Any]:
    """The call in the form that the case says: with an equation, or with sublists."""
    if "sublists" not in case:
        return [case["equation"], *operands]
    *inputs, output = [[... if entry == "..." else entry for entry in own] for own in case["sublists"]]
    return [*(part for pair in zip(operands, inputs, strict=True) for part in pair), output]


def assert_all_close(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> None:
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # torch's own use of it
@pytest.mark.parametrize("case", VALID, ids=lambda case: f"{case['equation']} {case['note']}")
def test_valid_cases_equal_autograd(case: dict[str, Any]) -> None:
    operands = operands_of(case)
    call = arguments(case, operands)
    expected, output = torch.einsum(*call), einsum(*call)
    torch.testing.assert_close(output, expected)
    if "output_shape" in case:
        assert list(output.shape) == case["output_shape"]
    dldz = torch.randn_like(expected).requires_grad_()
    gradients = torch.autograd.grad(expected, operands, dldz, create_graph=True)
    derived = torch.autograd.grad(output, operands, dldz, create_graph=True)
    assert_all_close(derived, gradients)
    fixed, tangents = [operand.detach() for operand in operands], [operand.detach().cos() for operand in operands]
    assert_all_close(vjp(case["equation"], fixed, dldz.detach()), gradients)
    # Second order, and forward mode.
    moved = torch.autograd.grad(gradients, [*operands, dldz], tangents, materialize_grads=True)
    assert_all_close(torch.autograd.grad(derived, [*operands, dldz], tangents, materialize_grads=True), moved)
    assert_all_close(hvp(case["equation"], fixed, dldz.detach(), tangents), moved[:-1])
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(*pair) for pair in zip(fixed, tangents, strict=True)]
        slopes = [forward_ad.unpack_dual(function(*arguments(case, duals))).tangent for function in FUNCTIONS]
    assert_all_close(slopes, [slopes[1]] * 2)
    torch.testing.assert_close(jvp(case["equation"], fixed, tangents), slopes[1])


@pytest.mark.parametrize("case", INVALID, ids=lambda case: f"{case['equation']} {case['note']}")
def test_invalid_cases_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(EinsumError):
        einsum(case["equation"], *operands_of(case))


def test_closed_cases_that_torch_refuses_run() -> None:
    cases = [case for case in CASES if case["equation"] in CLOSED]
    assert len(cases) == len(CLOSED)
    for case in cases:
        einsum(case["equation"], *operands_of(case))


def shares_memory(output: Tensor, operands: Sequence[Tensor]) -> bool:
    storages = {operand.untyped_storage().data_ptr() for operand in operands if operand.numel()}
    return output.untyped_storage().data_ptr() in storages


@settings(max_examples=300, deadline=None)
@given(problems())
def test_what_torch_accepts_equals_torch(problem: Problem) -> None:
    operands = problem.operands()
    expected = torch.einsum(problem.equation, *operands)
    output = einsum(problem.equation, *operands)
    torch.testing.assert_close(output, expected)
    assert shares_memory(expected, operands) or not shares_memory(output, operands)
    dldz = problem.random(expected.shape)
    tensors = list({id(operand): operand for operand in operands}.values())
    assert_all_close(torch.autograd.grad(output, tensors, dldz), torch.autograd.grad(expected, tensors, dldz))
    alone = [operand.detach().requires_grad_() for operand in operands]
    slots = torch.autograd.grad(torch.einsum(problem.equation, *alone), alone, dldz)
    assert_all_close(vjp(problem.equation, operands, dldz), slots)


@settings(max_examples=300, deadline=None)
@given(problems(closed=True, most=3))
def test_the_closed_einsum_follows_its_definition(problem: Problem) -> None:
    operands = problem.operands()
    expected = by_definition(problem, operands)
    output = einsum(problem.equation, *operands, sizes=problem.given)
    torch.testing.assert_close(output, expected)
    dldz = problem.random(expected.shape)
    tensors = list({id(operand): operand for operand in operands}.values())
    theirs = torch.autograd.grad(expected, tensors, dldz)
    assert_all_close(torch.autograd.grad(output, tensors, dldz), theirs)
    alone = [operand.detach().requires_grad_() for operand in operands]
    slots = torch.autograd.grad(by_definition(problem, alone), alone, dldz)
    assert_all_close(vjp(problem.equation, operands, dldz), slots)


@settings(max_examples=300, deadline=None)
@given(problems(most=4))
def test_the_gradient_can_be_differentiated(problem: Problem) -> None:
    operands = problem.operands()
    tensors = list({id(operand): operand for operand in operands}.values())

    def second(output: Tensor) -> tuple[Tensor, ...]:
        dldz = problem.random(output.shape).requires_grad_()
        first = torch.autograd.grad(output, tensors, dldz, create_graph=True)
        loss = sum((gradient * gradient.detach().conj()).sum().real for gradient in first)
        return torch.autograd.grad(loss, [*tensors, dldz], materialize_grads=True)

    assert_all_close(second(einsum(problem.equation, *operands)), second(torch.einsum(problem.equation, *operands)))


def test_sizes_broadcast_a_new_label_and_one_of_size_one() -> None:
    x = torch.tensor([1.0, 2.0])
    assert einsum("i->ij", x, sizes={"j": 3}).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert einsum("i->i", torch.ones(1), sizes={"i": 3}).tolist() == [1, 1, 1]
    assert einsum("i->i...", x, sizes={"...": (2, 1)}).shape == (2, 2, 1)
    assert einsum("->ii", torch.tensor(2.0), sizes={"i": 2}).tolist() == [[2, 0], [0, 2]]
    (gradient,) = vjp("i->ij", (x,), torch.ones(2, 3))
    assert gradient.tolist() == [3, 3]


@pytest.mark.parametrize("equation", ["i->ij", "i->ii", "ij->i", "ij->", "jj->", "j->jj", "j->j", "j...->j"])
@pytest.mark.parametrize("size", [1, 3])
def test_the_output_is_its_own(equation: str, size: int) -> None:
    """Unless it is a view for torch too: also where everything that is summed, new or repeated has size 1."""
    sizes = {"i": 2, "j": size}
    x = torch.zeros([sizes.get(label, 1) for label in parse(equation).operands[0]])
    new = {label: sizes[label] for label in parse(equation).output if label not in parse(equation).operands[0]}
    views = equation == "j->j"
    einsum(equation, x, sizes=new).fill_(1)
    assert bool(x.any()) == views
    assert bool(jvp(equation, (x,), (torch.zeros_like(x),), sizes=new).fill_(1).any())


def test_call_forms() -> None:
    x, y = torch.randn(2, 3), torch.randn(3, 4)
    for call in ((x, [0, 1], y, [1, 2]), (x, [0, 1], y, [1, 2], [2, 0]), ("ij,jk", [x, y])):
        torch.testing.assert_close(einsum(*call), torch.einsum(*call))


@pytest.mark.parametrize("text", ["", "->"])
def test_an_einsum_has_an_operand(text: str) -> None:
    """Both texts are the einsum of one scalar; as for torch, there is none of nothing."""
    assert einsum(text, torch.tensor(2.0)).item() == torch.einsum(text, torch.tensor(2.0)).item() == 2
    for call in ((text,), (text, [])):
        with pytest.raises(ValueError, match="at least one operand"):
            torch.einsum(*call)
        with pytest.raises(OperandError, match="no operands were given"):
            einsum(*call)


def test_a_real_operand_of_a_complex_product_has_a_real_gradient() -> None:
    x = torch.randn(3, dtype=torch.float64, requires_grad=True)
    y = torch.randn(3, 2, dtype=torch.complex128, requires_grad=True)
    dldz = torch.randn(3, 2, dtype=torch.complex128)
    expected = torch.autograd.grad(torch.einsum("i,ij->ij", x, y), (x, y), dldz)
    assert_all_close(torch.autograd.grad(einsum("i,ij->ij", x, y), (x, y), dldz), expected)
    assert_all_close(vjp("i,ij->ij", (x, y), dldz), expected)
    fixed = x.detach(), y.detach()
    moved = torch.autograd.grad(
        torch.autograd.grad(torch.einsum("i,ij->ij", x, y), (x, y), dldz, create_graph=True), (x, y), fixed
    )
    assert_all_close(hvp("i,ij->ij", fixed, dldz, fixed), moved)
    torch.testing.assert_close(jvp("i,ij->ij", fixed, fixed), 2 * torch.einsum("i,ij->ij", *fixed))


@settings(max_examples=100, deadline=None)
@given(problems(least=6, most=10))
def test_many_operands(problem: Problem) -> None:
    """Beyond six operands opt_einsum's finders propose the trees."""
    operands = problem.operands()
    expected, output = torch.einsum(problem.equation, *operands), einsum(problem.equation, *operands)
    assert_close_by_size(output, expected)
    dldz = problem.random(expected.shape)
    tensors = list({id(operand): operand for operand in operands}.values())
    theirs = torch.autograd.grad(expected, tensors, dldz)
    for own, other in zip(torch.autograd.grad(output, tensors, dldz), theirs, strict=True):
        assert_close_by_size(own, other)


def assert_close_by_size(ours: Tensor, theirs: Tensor) -> None:
    """Products of ten random numbers are of any size: compare with the largest."""
    ours, theirs = ours.detach(), theirs.detach()
    assert ours.shape == theirs.shape
    if ours.numel():
        assert (ours - theirs).abs().max() <= 1e-11 * max(1.0, float(theirs.abs().max()))
