"""tangent, second_derivative and shared_gradient, as equations, give what autograd gives."""

import pytest
import torch
from torch import Tensor

from einsum_doc import EquationError, OperandError, Summand, einsum, parse, second_derivative, shared_gradient, tangent

SIZES = {"i": 2, "j": 3, "k": 4, "b": 5}


def operands_of(equation: str) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    terms = parse(equation).operands
    return [
        torch.randn([SIZES[label] for label in term], dtype=torch.float64, generator=generator).requires_grad_()
        for term in terms
    ]


def evaluate(found: tuple[Summand, ...], names: dict[str, Tensor]) -> Tensor | float:
    return sum(
        einsum(
            str(summand.equation),
            *(names[argument] for argument in summand.arguments),
            sizes={label: SIZES[label] for label in summand.equation.output},
        )
        for summand in found
    )


EQUATIONS = ["ij,jk->ik", "ij,jk->", "bi,bi->b", "ij,j->", "i,j->ij", "iij,jk->ik", "ij,jk,k->i", "i,i,i->i", "ii,jj->"]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_second_derivative_is_the_mixed_block_of_the_hessian(equation: str) -> None:
    operands = operands_of(equation)
    dldz = torch.randn_like(torch.einsum(equation, *operands))
    names = {f"x{number}": operand.detach() for number, operand in enumerate(operands)} | {"dldz": dldz}

    def loss(*x: Tensor) -> Tensor:
        return (torch.einsum(equation, *x) * dldz).sum()

    hessian = torch.autograd.functional.hessian(loss, tuple(operands))
    for first in range(len(operands)):
        for second in range(len(operands)):
            found = evaluate(second_derivative(equation, first, second), names)
            block = hessian[first][second]
            if first == second:
                assert found == 0
                assert not block.any()
            else:
                torch.testing.assert_close(found, block)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_the_tangent_is_the_directional_derivative(equation: str) -> None:
    operands = [operand.detach() for operand in operands_of(equation)]
    tangents = [torch.randn_like(operand) for operand in operands]
    names = {f"x{n}": operand for n, operand in enumerate(operands)} | {f"dx{n}": v for n, v in enumerate(tangents)}
    _, expected = torch.autograd.functional.jvp(lambda *x: torch.einsum(equation, *x), tuple(operands), tuple(tangents))
    torch.testing.assert_close(evaluate(tangent(equation), names), expected)


def test_one_tensor_in_several_slots_has_the_sum_of_their_gradients() -> None:
    x = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    y = torch.randn(3, dtype=torch.float64)
    dldz = torch.randn(3, dtype=torch.float64)
    (expected,) = torch.autograd.grad(torch.einsum("ij,j,kj->k", x, y, x), x, dldz)
    found = shared_gradient("ij,j,kj->k", slots=[0, 2])
    names = {"x0": x.detach(), "x1": y, "x2": x.detach(), "dldz": dldz}
    total = sum(
        einsum(str(summand.equation), *(names[argument] for argument in summand.arguments), sizes=sizes)
        for summand, sizes in zip(found, ({"i": 3}, {}), strict=True)
    )
    torch.testing.assert_close(total, expected)


def test_what_cannot_be_written() -> None:
    with pytest.raises(EquationError, match="two ellipses"):
        second_derivative("...i,...i->...", 0, 1)
    with pytest.raises(OperandError, match="there is no operand 2"):
        second_derivative("i,i->", 0, 2)
    with pytest.raises(OperandError):
        shared_gradient("i,i->", [0, 2])
    assert str(second_derivative("...i,i->...", 0, 1)[0].equation) == "...->...ii"
