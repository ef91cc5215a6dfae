"""einsum is a drop-in under every transform of torch: each gives what it gives for torch.einsum."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap

import einsum_doc
from einsum_doc import EquationError, einsum

Einsum = Callable[..., Tensor]
EQUATIONS = {
    "ij,jk,ki->ik": [(3, 4), (4, 5), (5, 3)],
    "iij,jk->k": [(3, 3, 2), (2, 4)],
    "bi,bi->b": [(4, 3), (1, 3)],
    "i...,j->...": [(3, 2), (4,)],
    "a,ab,abc->c": [(2,), (2, 3), (2, 3, 4)],
    "ij,j->ij": [(3, 4), (4,)],
}


def operands_of(equation: str, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, dtype=dtype, generator=generator) for shape in EQUATIONS[equation]]


def flat(values: Any) -> list[Tensor]:
    return [values] if isinstance(values, Tensor) else [tensor for value in values for tensor in flat(value)]


def assert_same(what: Callable[[Einsum], Any]) -> None:
    with warnings.catch_warnings():
        # torch's own forward-mode decompositions are scripted, and say so.
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
        ours, theirs = flat(what(einsum)), flat(what(torch.einsum))
    assert len(ours) == len(theirs)
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other)


@pytest.mark.parametrize("equation", EQUATIONS)
class TestFunc:
    """torch.func."""

    def test_reverse_and_forward(self, equation: str) -> None:
        operands = operands_of(equation)
        every = tuple(range(len(operands)))
        for transform in (jacrev, jacfwd):
            assert_same(lambda e, t=transform: t(lambda *x: e(equation, *x), argnums=every)(*operands))

    def test_second_order(self, equation: str) -> None:
        operands = operands_of(equation)
        every = tuple(range(len(operands)))
        for transform in (hessian, lambda f, argnums: jacrev(jacrev(f, argnums), argnums)):
            assert_same(lambda e, t=transform: t(lambda *x: e(equation, *x).sin().sum(), argnums=every)(*operands))

    def test_vmap(self, equation: str) -> None:
        operands = [torch.stack([operand, 2 * operand]) for operand in operands_of(equation)]
        assert_same(lambda e: vmap(lambda *x: e(equation, *x))(*operands))
        assert_same(lambda e: vmap(grad(lambda *x: e(equation, *x).sin().sum()))(*operands))
        first = (0, *[None] * (len(operands) - 1))
        assert_same(lambda e: vmap(lambda *x: e(equation, *x), in_dims=first)(operands[0], *operands_of(equation)[1:]))

    def test_jvp(self, equation: str) -> None:
        operands = tuple(operands_of(equation))
        tangents = tuple(operand.cos() for operand in operands)
        assert_same(lambda e: jvp(lambda *x: e(equation, *x), operands, tangents))


@pytest.mark.parametrize("equation", EQUATIONS)
def test_forward_mode_with_a_graph(equation: str) -> None:
    """Dual numbers that also require a gradient: the gradient's tangent must not be lost."""

    def what(e: Einsum) -> Any:
        operands = [operand.requires_grad_() for operand in operands_of(equation)]
        with forward_ad.dual_level():
            duals = [forward_ad.make_dual(operand, operand.detach().cos()) for operand in operands]
            output = e(equation, *duals)
            gradients = torch.autograd.grad(output.sin().sum(), duals)
            return [forward_ad.unpack_dual(output).tangent] + [forward_ad.unpack_dual(g).tangent for g in gradients]

    assert_same(what)


@pytest.mark.parametrize("equation", ["ij,jk,ki->ik", "ij,j->ij"])
def test_a_level_entered_after_the_forward_pass(equation: str) -> None:
    def what(e: Einsum) -> Any:
        operands = [operand.requires_grad_() for operand in operands_of(equation)]
        output = e(equation, *operands)
        with forward_ad.dual_level():
            upstream = forward_ad.make_dual(torch.ones_like(output), output.detach())
            gradients = torch.autograd.grad(output, operands, upstream)
            return [forward_ad.unpack_dual(gradient).tangent for gradient in gradients]

    assert_same(what)


@pytest.mark.parametrize("equation", ["ij,jk,ki->ik", "iij,jk->k"])
@pytest.mark.parametrize("dynamic", [False, True])
def test_compile_in_one_graph(equation: str, dynamic: bool) -> None:
    def what(e: Einsum) -> Any:
        torch._dynamo.reset()
        compiled = torch.compile(
            lambda *x: e(equation, *x).sin().sum(), fullgraph=True, backend="aot_eager", dynamic=dynamic
        )
        operands = [operand.requires_grad_() for operand in operands_of(equation)]
        output = compiled(*operands)
        return output, torch.autograd.grad(output, operands)

    assert_same(what)


def test_compile_takes_sublists_and_sizes() -> None:
    torch._dynamo.reset()
    x = torch.randn(3, 4)
    compiled = torch.compile(
        lambda x: einsum(x, [0, 1], x, [0, 2], [1, 2]) + einsum("ij->jk", x, sizes={"k": 4}),
        fullgraph=True,
        backend="aot_eager",
    )
    torch.testing.assert_close(compiled(x), x.T @ x + x.sum(0)[:, None].expand(4, 4))


@pytest.mark.parametrize("dynamic", [False, True])
def test_compile_takes_the_derivatives(dynamic: bool) -> None:
    torch._dynamo.reset()
    x, y, dldz = torch.randn(3, 4), torch.randn(4, 5), torch.randn(3, 5)

    def derivatives(x: Tensor, y: Tensor, dldz: Tensor) -> Any:
        moved = einsum_doc.jvp("ij,jk->ik", (x, y), (None, y)), einsum_doc.hvp("ij,jk->ik", (x, y), dldz, (x, None))
        return [*einsum_doc.vjp("ij,jk->ik", (x, y), dldz), moved[0], *moved[1]]

    compiled = torch.compile(derivatives, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    found = compiled(x, y, dldz)
    torch.testing.assert_close(found, [dldz @ y.T, x.T @ dldz, x @ y, torch.zeros_like(x), x.T @ dldz])


@pytest.mark.parametrize("equation", ["ij,jk->ik", "bi,bi->b", "i,i->", "i,i->i", "ij->i", "ij,j->ij"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_autocast(equation: str, dtype: torch.dtype) -> None:
    sizes = {"b": 4, "i": 3, "j": 5, "k": 2}
    shapes = [[sizes[label] for label in term] for term in equation.split("->")[0].split(",")]

    def what(e: Einsum) -> Any:
        generator = torch.Generator().manual_seed(0)
        operands = [torch.randn(shape, generator=generator).to(dtype).requires_grad_() for shape in shapes]
        with torch.autocast("cpu", torch.bfloat16):
            output = e(equation, *operands)
        return output, torch.autograd.grad(output.sum(), operands)

    assert_same(what)


def test_autocast_makes_dtypes_one() -> None:
    x, y = torch.randn(3, 4), torch.randn(4, 5, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(einsum("ij,jk->ik", x, y), torch.einsum("ij,jk->ik", x, y))


def test_the_upstream_gradient_has_the_dtype_that_autocast_gave_the_output() -> None:
    x, y = torch.randn(3, 4, requires_grad=True), torch.randn(4, 5, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        expected = torch.einsum("ij,jk->ik", x, y)
        dldz = expected.detach()
        found = einsum_doc.vjp("ij,jk->ik", (x.detach(), y.detach()), dldz)
    torch.testing.assert_close(found, torch.autograd.grad(expected, (x, y), dldz), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients(mode: Callable[[], Any]) -> None:
    x, y = torch.randn(3, 4, requires_grad=True), torch.randn(4, 5)
    with mode():
        output = einsum("ij,jk->ik", x, y)
    assert not output.requires_grad
    assert output.is_inference() == (mode is torch.inference_mode)


def saved_by(call: Callable[[], Tensor]) -> Sequence[Tensor]:
    saved: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (saved.append(t), t)[1], lambda t: t):
        call()
    return saved


def test_nothing_is_kept_for_an_operand_without_a_gradient() -> None:
    a, b, c, d = (torch.randn(8, 8) for _ in range(4))
    assert saved_by(lambda: einsum("ij,jk,kl,lm->im", a, b, c, d)) == []
    b.requires_grad_()
    kept = {id(tensor) for tensor in saved_by(lambda: einsum("ij,jk->ik", a, b))}
    assert kept == {id(a)}


def test_no_input_is_modified() -> None:
    operands = [torch.randn(3, 3, requires_grad=True) for _ in range(3)]
    before = [(operand.detach().clone(), operand._version) for operand in operands]
    output = einsum("ij,jk,kk->i", *operands)
    torch.autograd.grad(output, operands, torch.ones(3), create_graph=True)
    for operand, (value, version) in zip(operands, before, strict=True):
        assert operand._version == version
        assert torch.equal(operand, value)


@pytest.mark.parametrize("equation", ["ij->ji", "ij->ij", "ii->i", "i...->...i"])
def test_a_view_is_a_view_where_it_is_for_torch(equation: str) -> None:
    x = torch.randn(3, 3)
    ours, theirs = einsum(equation, x), torch.einsum(equation, x)
    assert ours is not x
    assert ours._base is x
    assert theirs._base is x
    assert ours.stride() == theirs.stride()


def test_layouts_do_not_matter() -> None:
    x, y = torch.randn(4, 3).t(), torch.randn(1, 4, 1).expand(3, 4, 5)
    z = torch.randn(10, 12)[::2, ::3]
    assert_same(lambda e: e("ij,ijk->ik", x, y))
    assert_same(lambda e: e("ij,kj->ik", x, z))
    assert_same(lambda e: e("ij,ijk,kj->i", x, y, z))


def test_module_level_errors_while_compiling_are_ours() -> None:
    with pytest.raises(EquationError):
        einsum("i$->i", torch.ones(2))


def test_tensors_without_data() -> None:
    x, y = torch.empty(3, 4, device="meta", requires_grad=True), torch.empty(4, 5, device="meta")
    output = einsum("ij,jk->ik", x, y)
    output.sum().backward()
    assert output.shape == (3, 5)
    assert x.grad is not None
    assert x.grad.shape == (3, 4)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_a_batch_of_upstream_gradients(equation: str) -> None:
    def what(e: Einsum) -> Any:
        operands = [operand.requires_grad_() for operand in operands_of(equation)]
        output = e(equation, *operands)
        upstream = torch.stack([output.detach(), output.detach().cos()])
        return torch.autograd.grad(output, operands, upstream, is_grads_batched=True)

    assert_same(what)
