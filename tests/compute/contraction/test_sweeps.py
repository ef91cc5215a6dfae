"""jvp and hvp equal torch.func's, and one tensor in several slots is worked on once."""

from itertools import pairwise

import pytest
import torch
from einsum_strategies import Problem, Products, problems
from hypothesis import given, settings
from torch import Tensor

from einsum_doc import OperandError, einsum, hvp, jvp, vjp


@settings(max_examples=300, deadline=None)
@given(problems(most=4))
def test_jvp_and_hvp_equal_torch(problem: Problem) -> None:
    drawn = problem.operands()
    alone = {id(operand): operand.detach() for operand in drawn}
    operands = tuple(alone[id(operand)] for operand in drawn)
    # One tensor in several slots moves as one, or in every slot by itself.
    directions = {id(operand): problem.random(operand.shape) for operand in operands}
    together = problem.seed % 2
    tangents = tuple(
        directions[id(operand)] if together else (number + 1) * directions[id(operand)]
        for number, operand in enumerate(operands)
    )
    # Forward over reverse of torch's own einsum, by finite directions of autograd alone.
    scale = torch.zeros((), dtype=torch.float64, requires_grad=True)
    moved = [operand + scale * tangent for operand, tangent in zip(operands, tangents, strict=True)]
    output = torch.einsum(problem.equation, *moved)
    dldz = problem.random(output.shape)
    parts = [output.real, output.imag] if output.is_complex() else [output]
    slopes = [_slope(part, scale) for part in parts]
    expected = torch.complex(*slopes) if output.is_complex() else slopes[0]
    torch.testing.assert_close(jvp(problem.equation, operands, tangents), expected)

    gradients = torch.autograd.grad(output, moved, dldz, create_graph=True, materialize_grads=True)
    for own, gradient in zip(hvp(problem.equation, operands, dldz, tangents), gradients, strict=True):
        parts = [gradient.real, gradient.imag] if gradient.is_complex() else [gradient]
        slopes = [_slope(part, scale) for part in parts]
        torch.testing.assert_close(own, torch.complex(*slopes) if gradient.is_complex() else slopes[0])


def _slope(values: Tensor, scale: Tensor) -> Tensor:
    """The derivative of every value by a number, by reverse mode over reverse mode."""
    if not values.requires_grad:
        return torch.zeros_like(values)
    weights = torch.zeros_like(values, requires_grad=True)
    (total,) = torch.autograd.grad(values, scale, weights, create_graph=True, materialize_grads=True)
    if not total.requires_grad:
        return torch.zeros_like(values)
    (slope,) = torch.autograd.grad(total, weights, materialize_grads=True, retain_graph=True)
    return slope


def test_what_does_not_move_has_no_tangent() -> None:
    x, y = torch.randn(2, 3), torch.randn(3)
    assert jvp("ij,j->i", (x, y), (None, None)).tolist() == [0, 0]
    assert all(not h.any() for h in hvp("ij,j->i", (x, y), torch.ones(2), (None, None)))
    torch.testing.assert_close(jvp("ij,j->i", (x, y), (None, y)), x @ y)
    assert jvp("i->ij", (y,), (y,), sizes={"j": 2}).shape == (3, 2)


def test_a_whole_number_does_not_move() -> None:
    x, n = torch.randn(3), torch.arange(3)
    torch.testing.assert_close(jvp("i,i->i", (x, n), (x, None)), x * n)
    with pytest.raises(OperandError, match="dtype int64, which has no gradient"):
        jvp("i,i->i", (x, n), (x, n))


def test_tangents_have_to_fit() -> None:
    x = torch.randn(3)
    with pytest.raises(OperandError, match="there are 1 operands, but 2 tangents"):
        jvp("i->", (x,), (x, x))
    with pytest.raises(OperandError, match=r"the tangent of operand 0 has shape \(2,\)"):
        jvp("i->", (x,), (x[:2],))
    with pytest.raises(OperandError, match="float64"):
        hvp("i->", (x,), torch.tensor(1.0), (x.double(),))


def count(equation: str, operands: list[Tensor], *, backward: bool) -> Products:
    output_shape = einsum(equation, *operands).shape
    with Products() as products:
        output = einsum(equation, *operands)
        if backward:
            output.backward(torch.ones(output_shape))
    return products


@pytest.mark.parametrize("length", [2, 3, 8, 32])
def test_a_chain_costs_three_times_its_forward_pass(length: int) -> None:
    letters = [chr(ord("A") + n) if n < 26 else chr(ord("a") + n - 26) for n in range(length + 1)]
    equation = ",".join(a + b for a, b in pairwise(letters)) + f"->{letters[0]}{letters[-1]}"
    operands = [torch.randn(4, 4, requires_grad=True) for _ in range(length)]
    forward = count(equation, operands, backward=False)
    both = count(equation, operands, backward=True)
    assert forward.calls == length - 1
    assert both.calls == 3 * (length - 1)
    assert both.multiply_adds <= 3 * forward.multiply_adds


def test_the_gradient_of_one_operand_costs_what_it_needs() -> None:
    operands = [torch.randn(4, 4) for _ in range(8)]
    operands[3].requires_grad_()
    equation = "ab,bc,cd,de,ef,fg,gh,hi->ai"
    both = count(equation, operands, backward=True)
    assert both.calls <= 7 + 3


def test_vjp_does_not_compute_the_output() -> None:
    x, y = torch.randn(4, 4), torch.randn(4, 4)
    with Products() as products:
        vjp("ij,jk->ik", (x, y), x)
    assert products.calls == 2


def test_one_tensor_in_two_slots_is_worked_on_once() -> None:
    x = torch.randn(5, requires_grad=True)
    dot = count("i,i->", [x, x], backward=True)
    assert dot.calls <= 1 + 2
    torch.testing.assert_close(x.grad, 2 * x.detach())
    y = torch.randn(4, 4, requires_grad=True)
    # Four in a row are two pairs, and the pairs are one: two products, not three, and four back, not six.
    fourth = count("ab,bc,cd,de->ae", [y, y, y, y], backward=True)
    assert fourth.calls == 2 + 4
    z = y.detach().requires_grad_()
    torch.linalg.matrix_power(z, 4).backward(torch.ones(4, 4))
    torch.testing.assert_close(y.grad, z.grad)


@pytest.mark.parametrize(
    ("equation", "count", "products"),
    [
        ("ij,ij->", 2, 1),  # one gradient for both slots
        ("ij,ji->", 2, 1),
        ("ni,nj->ij", 2, 2),  # two different ones
        ("ij,ij,kl,kl->", 4, 1 + 1 + 1),  # one inner product, its gradient, and that of x
        ("ab,bc,cd,de->ae", 4, 1 + 2 + 4),  # the pairs are one product, and have two gradients
        ("ij,ij->ij", 2, 1),
    ],
)
def test_slots_that_can_trade_places_have_one_gradient(equation: str, count: int, products: int) -> None:
    x = torch.randn(3, 3, dtype=torch.float64)
    operands = [x] * count
    dldz = torch.randn_like(torch.einsum(equation, *operands))
    with Products() as counted:
        found = vjp(equation, operands, dldz)
    assert counted.calls == products
    alone = [x.clone().requires_grad_() for _ in operands]
    torch.testing.assert_close(found, torch.autograd.grad(torch.einsum(equation, *alone), alone, dldz))


def test_slots_that_move_alike_are_moved_once() -> None:
    x, v, w, one = *(torch.randn(3, 3) for _ in range(3)), torch.tensor(1.0)
    for tangents, products in (((v, v), 1), ((v, w), 2), ((None, None), 0)):
        with Products() as counted:
            hvp("ij,ij->", (x, x), one, tangents)
        assert counted.calls == products
    with Products() as counted:
        found = jvp("ij,ij->", (x, x), (v, v))
    assert counted.multiply_adds == x.numel() + 1  # and doubled
    torch.testing.assert_close(found, 2 * (x * v).sum())
    with Products() as counted:
        hvp("ij,jk->ik", (x, w), x, (v, v))
    assert counted.calls == 2


def test_one_tensor_in_different_slots() -> None:
    x, v = torch.randn(2, 3, 3, dtype=torch.complex128)
    x.requires_grad_()
    for equation in ("ij,ji->", "ii,ij->j", "ij,ij->i", "ni,nj->ij", "ij,ik,il->jkl", "ij,ij,ij->", "ii,jj->ij"):
        operands = [x] * (equation.count(",") + 1)
        ours, theirs = einsum(equation, *operands), torch.einsum(equation, *operands)
        dldz = torch.randn_like(theirs)
        first = torch.autograd.grad(ours, x, dldz, create_graph=True)
        second = torch.autograd.grad(theirs, x, dldz, create_graph=True)
        torch.testing.assert_close(first, second)
        seconds = torch.autograd.grad(second, x, x)
        torch.testing.assert_close(torch.autograd.grad(first, x, x), seconds)
        fixed = [x.detach()] * len(operands)
        torch.testing.assert_close(sum(hvp(equation, fixed, dldz, fixed)), seconds[0])
        each = [[v if n == slot else x for n, x in enumerate(fixed)] for slot in range(len(fixed))]
        moved = sum(torch.einsum(equation, *slots) for slots in each)
        torch.testing.assert_close(jvp(equation, fixed, [v] * len(fixed)), moved)
