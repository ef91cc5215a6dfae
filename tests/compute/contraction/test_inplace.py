"""A result is changed in place as one of torch.einsum: the same values, the same gradients, the same errors."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from einsum_doc import einsum

Change = Callable[[Tensor], Any]

SIZES = {label: size for size, label in enumerate("acdegjlmnpiksbh", 2)} | {"b": 2, "h": 2, "j": 4, "i": 3}
EQUATIONS = [
    *("ij->ij", "ij->ji", "ii->i", "iij->ji", "ij->i", "ij->j", "ijk->ki", "ij->", "bij->bji", "i...->...i"),
    *("i,j->ij", "ij,j->ij", "ij,i->ji", "ij,ij->ij", "ij,ij->ji", "bij,j->bji", "bij,bj->bij", "i,->i"),
    *("i,i->", "ij,ij->", "ij,ji->", "ij,ij->i", "bij,bij->bi", "bid,bid->bi", "bij,bji->b", "ii,i->"),
    *("ij,j->i", "bij,bj->bi", "bij,j->bi", "ij,jk->ik", "ij,jk->ki", "ij,kj->ik", "ij,jk->j", "ab,cd->acbd"),
    *("bij,bjk->bik", "bij,jk->bik", "ij,bjk->bik", "bihd,bjhd->bhij", "bhij,bjhd->bihd", "...ij,jk->...ik"),
    *("ij,jk,kl->il", "ij,jk,jl->ikl", "a,ab,abc->c", "mi,mi,mi->m", "bn,anm,bm->ba", "bgk,bkd,bk->bgd"),
    "ij,jk,kl,lm->im",
]
CHANGES: dict[str, Change] = {
    "y += 1": lambda y: y.add_(1),
    "y *= y": lambda y: y.mul_(y.detach().clone()),
    "y[..., 0] = 0": lambda y: y.__setitem__((..., 0) if y.dim() else (), 0),
    "masked_fill_": lambda y: y.masked_fill_(y.detach() > 0, -1),
    "relu": lambda y: functional.relu(y, inplace=True),
    "dropout": lambda y: functional.dropout(y, 1.0, inplace=True),
    "a view of it": lambda y: y.unsqueeze(0)[0].mul_(2),
    "by another graph": lambda y: y.mul_(torch.full_like(y, 2.0).requires_grad_()),
}


def operands_of(equation: str) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    terms = equation.replace("...", "b").split("->")[0].split(",")
    return [torch.randn([SIZES[label] for label in term], generator=generator).double() for term in terms]


def outcome(function: Callable[..., Tensor], equation: str, change: Change, *, leaf: bool) -> Any:
    """Return the result after a change, the gradients, and those of their norm; or the error."""
    leaves = [operand.requires_grad_() for operand in operands_of(equation)]
    try:
        y = function(equation, *(leaves if leaf else [operand * 1 for operand in leaves]))
        change(y)
        first = torch.autograd.grad(y.sin().sum(), leaves, create_graph=True, materialize_grads=True)
        norm = sum((gradient.square().sum() for gradient in first), torch.zeros((), dtype=torch.float64))
        second = torch.autograd.grad(norm, leaves, materialize_grads=True) if norm.requires_grad else ()
    except RuntimeError as error:
        return type(error), str(error).split(".")[0]
    return y, first, second


@pytest.mark.parametrize("equation", EQUATIONS)
def test_a_result_is_changed(equation: str) -> None:
    for name, change in CHANGES.items():
        for leaf in (True, False) if name == "y += 1" else (False,):
            ours, theirs = (outcome(function, equation, change, leaf=leaf) for function in (einsum, torch.einsum))
            if isinstance(ours[0], type) or isinstance(theirs[0], type):
                assert ours == theirs, name
            else:
                torch.testing.assert_close(ours, theirs, msg=lambda text, name=name: f"{name}: {text}")


def test_errors_of_such_changes_are_seen() -> None:
    """The table above compares some."""
    assert outcome(einsum, "ij->ji", CHANGES["y += 1"], leaf=True)[0] is RuntimeError
    assert outcome(einsum, "ij->ji", CHANGES["y += 1"], leaf=False)[0] is not RuntimeError


@pytest.mark.parametrize("equation", EQUATIONS)
def test_a_result_that_was_made_without_a_graph_is_changed_in_one(equation: str) -> None:
    """Torch refuses where its own result is a view; ours refuses only where it is a view of an operand, as torch's."""
    operands = operands_of(equation)
    with torch.no_grad():
        y, theirs = einsum(equation, *operands), torch.einsum(equation, *operands)
    if theirs._base is operands[0]:
        assert y._base is operands[0]
        with pytest.raises(RuntimeError, match="created in no_grad mode"):
            y.mul_(torch.full_like(y, 2.0).requires_grad_())
    else:
        factor = torch.full_like(y, 2.0).requires_grad_()
        y.mul_(factor).sum().backward()
        torch.testing.assert_close(factor.grad, theirs)


def test_a_change_through_a_view_reaches_the_operand() -> None:
    ours, theirs = torch.zeros(2, 3), torch.zeros(2, 3)
    einsum("ij->ji", ours)[0, 1] = 1
    torch.einsum("ij->ji", theirs)[0, 1] = 1
    assert torch.equal(ours, theirs)
    assert ours.any()


@pytest.mark.parametrize("equation", ["bij,bj->bi", "ij,ij->i", "ij,j->ij"])
def test_a_change_of_what_was_kept_is_noticed(equation: str) -> None:
    for function in (einsum, torch.einsum):
        first, *others = operands_of(equation)
        y = function(equation, first.requires_grad_(), *others)
        others[0].add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()
