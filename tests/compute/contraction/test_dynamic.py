"""Symbolic sizes: einsum is compiled, exported and traced for every size, also where torch.einsum is for one only."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
import torch._dynamo
from einsum_strategies import Problem, by_definition, problems
from hypothesis import given, settings
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.export import Dim, export
from torch.fx.experimental.proxy_tensor import make_fx

from einsum_doc import einsum, hvp, jvp, parse, vjp
from einsum_doc.compute.contraction.pairwise import contract_in_pairs, hvp_in_pairs, jvp_in_pairs, vjp_in_pairs

Einsum = Callable[..., Tensor]
LENGTHS = range(10, 24)
SHAPES: dict[str, Sequence[Sequence[Any]]] = {
    "bij,bjk->bik": [("n", 3, 4), ("n", 4, 5)],
    "bi,bi->b": [("n", 3), (1, 3)],
    "iij,jk->ik": [("n", "n", 4), (4, "n")],
    "ij,jk,kl->il": [("n", 4), (4, "n"), ("n", 5)],
    "a,ab,abc->c": [("n",), ("n", 3), ("n", 3, 4)],
}


def operands_of(equation: str, length: int) -> list[Tensor]:
    shapes = SHAPES[equation]
    return [torch.randn([length if size == "n" else size for size in shape], requires_grad=True) for shape in shapes]


def graphs(function: Einsum, equation: str, dynamic: bool | None, backend: str = "eager") -> int:
    """Return the number of graphs that are compiled over fourteen lengths."""
    torch._dynamo.reset()
    counter = CompileCounterWithBackend(backend)
    compiled = torch.compile(lambda *x: function(equation, *x), fullgraph=True, backend=counter, dynamic=dynamic)
    for length in LENGTHS:
        operands = operands_of(equation, length)
        output, expected = compiled(*operands), torch.einsum(equation, *operands)
        torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-4)
        gradients = (torch.autograd.grad(z, operands, expected.detach()) for z in (output, expected))
        torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-3)
    return counter.frame_count


@pytest.mark.parametrize("equation", SHAPES)
def test_fourteen_lengths_are_two_graphs_and_one_if_asked(equation: str) -> None:
    if equation.count(",") < 2:
        assert [graphs(torch.einsum, equation, dynamic) for dynamic in (None, True)] == [2, 1]
    assert [graphs(einsum, equation, dynamic) for dynamic in (None, True)] == [2, 1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.parametrize("equation", ["bij,bjk->bik", "ij,jk,kl->il"])
def test_so_they_are_for_other_backends(equation: str, backend: str) -> None:
    assert [graphs(einsum, equation, dynamic, backend) for dynamic in (None, True)] == [2, 1]


def test_a_size_that_is_marked_as_dynamic_stays_so() -> None:
    torch._dynamo.reset()
    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(lambda *x: einsum("ij,jk,kl->il", *x), fullgraph=True, backend=counter)
    y, z = torch.randn(4, 5), torch.randn(5, 6)
    for length in (8, 12, 9):
        x = torch.randn(length, 4)
        torch._dynamo.mark_dynamic(x, 0)
        torch.testing.assert_close(compiled(x, y, z), x @ y @ z)
    assert counter.frame_count == 1


def test_a_size_of_another_tensor_stays_symbolic() -> None:
    torch._dynamo.reset()
    counter = CompileCounterWithBackend("aot_eager")
    closed = lambda x, y: einsum("i->jii...", x, sizes={"j": y.shape[0], "...": (2, y.shape[1])})  # noqa: E731
    compiled = torch.compile(closed, fullgraph=True, backend=counter, dynamic=True)
    for length in LENGTHS:
        x, y = torch.randn(length), torch.randn(length + 1, length + 2)
        torch.testing.assert_close(compiled(x, y), closed(x, y))
    assert counter.frame_count == 1


@settings(max_examples=100, deadline=None)
@given(problems(closed=True, most=4))
def test_the_pairs_follow_the_definition(problem: Problem) -> None:
    operands = problem.operands()
    output = contract_in_pairs(parse(problem.equation), operands, problem.given, None)
    expected = by_definition(problem, operands)
    torch.testing.assert_close(output, expected)
    tensors = list({id(operand): operand for operand in operands}.values())
    gradients = (torch.autograd.grad(z, tensors, problem.random(expected.shape)) for z in (output, expected))
    torch.testing.assert_close(*gradients)


class Chain(nn.Module):
    """An einsum of three operands, which torch.einsum specialises to their sizes."""

    def forward(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return einsum("bij,jk,bkl->bil", x, y, z)


EXAMPLE = torch.randn(3, 4, 5), torch.randn(5, 6), torch.randn(3, 6, 7)
OTHER = torch.randn(8, 4, 5), torch.randn(5, 9), torch.randn(8, 9, 7)


@pytest.mark.parametrize(
    ("n", "m", "strict"), [(Dim("n"), Dim("m"), False), (Dim.AUTO, Dim.AUTO, True)], ids=["Dim", "AUTO, strict"]
)
def test_an_export_takes_other_sizes(n: Any, m: Any, strict: bool) -> None:
    program = export(Chain(), EXAMPLE, dynamic_shapes=({0: n}, {1: m}, {0: n, 1: m}), strict=strict)
    torch.testing.assert_close(program.module()(*OTHER), Chain()(*OTHER))


def test_an_export_takes_a_size_that_is_only_known_at_run_time() -> None:
    class Rows(nn.Module):
        def forward(self, mask: Tensor, x: Tensor) -> Tensor:
            return einsum("ij,jk,kl->il", x[torch.nonzero(mask)[:, 0]], x.mT, x)

    mask, x = torch.tensor([0, 1, 1, 0, 1]), torch.randn(5, 3)
    program = export(Rows(), (mask, x))
    for other in (mask, 1 - mask):
        torch.testing.assert_close(program.module()(other, x), Rows()(other, x))


def test_a_graph_of_symbolic_sizes_takes_other_sizes() -> None:
    graph = make_fx(Chain(), tracing_mode="symbolic")(*EXAMPLE)
    torch.testing.assert_close(graph(*OTHER), Chain()(*OTHER))


def test_an_export_for_one_size_has_the_calls_of_the_plan() -> None:
    class Product(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return einsum("ij,jk->ik", x, y)

    program = export(Product(), (torch.randn(3, 4), torch.randn(4, 5)))
    calls = [node.target for node in program.graph.nodes if node.op == "call_function"]
    assert calls == [torch.ops.aten.mm.default]


DERIVATIVES: dict[str, Callable[..., Any]] = {
    "vjp": lambda equation, x, t, dldz: vjp(equation, x, dldz),
    "jvp": lambda equation, x, t, dldz: jvp(equation, x, [t[0], *[None] * (len(x) - 1)]),
    "hvp": lambda equation, x, t, dldz: hvp(equation, x, dldz, t),
}


def arguments_of(equation: str, length: int) -> tuple[list[Tensor], list[Tensor], Tensor]:
    operands = [operand.detach().double() for operand in operands_of(equation, length)]
    return operands, [torch.randn_like(x) for x in operands], torch.randn_like(torch.einsum(equation, *operands))


@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_derivatives_are_compiled_and_traced_for_every_size(derivative: str) -> None:
    equation = "a,ab,abc->c"
    function = partial(DERIVATIVES[derivative], equation)
    graph = make_fx(function, tracing_mode="symbolic")(*arguments_of(equation, 6))
    for dynamic, graphs in ((None, 2), (True, 1)):
        torch._dynamo.reset()
        counter = CompileCounterWithBackend("eager")
        compiled = torch.compile(function, fullgraph=True, backend=counter, dynamic=dynamic)
        for length in LENGTHS[:4]:
            arguments = arguments_of(equation, length)
            torch.testing.assert_close(compiled(*arguments), function(*arguments))
            torch.testing.assert_close(graph(*arguments), function(*arguments))
        assert counter.frame_count == graphs


def test_derivatives_are_exported_for_other_sizes() -> None:
    class Curvature(nn.Module):
        def forward(self, x: Tensor, y: Tensor, z: Tensor, dldz: Tensor) -> tuple[Tensor, ...]:
            return hvp("bij,jk,bkl->bil", (x, y, z), dldz, (x, None, z))

    n, m = Dim("n"), Dim("m")
    shapes = {0: n}, {1: m}, {0: n, 1: m}, {0: n}
    program = export(Curvature(), (*EXAMPLE, Chain()(*EXAMPLE)), dynamic_shapes=shapes)
    other = *OTHER, Chain()(*OTHER)
    torch.testing.assert_close(program.module()(*other), Curvature()(*other), rtol=1e-4, atol=1e-4)


@settings(max_examples=50, deadline=None)
@given(problems(closed=True, most=3))
def test_derivatives_in_pairs_are_those_of_the_plan(problem: Problem) -> None:
    equation, operands = parse(problem.equation), problem.operands()
    tangents = [torch.randn_like(operand) for operand in operands]
    dldz = problem.random([problem.sizes[label] for label in problem.axes[-1]])
    for found, expected in (
        (vjp_in_pairs(equation, operands, dldz, None), vjp(equation, operands, dldz)),
        (
            jvp_in_pairs(equation, operands, tangents, problem.given, None),
            jvp(equation, operands, tangents, sizes=problem.given),
        ),
        (hvp_in_pairs(equation, operands, dldz, tangents, None), hvp(equation, operands, dldz, tangents)),
    ):
        torch.testing.assert_close(found, expected)
