"""torch.jit.trace and the exporters of ONNX trace einsum as calls of torch.einsum, for other sizes too."""

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import Parameter

from einsum_doc import einsum

Einsum = Callable[..., Tensor]
EQUATIONS = ["ij,jk->ik", "ij,j->i", "ij,ij->i", "ij,j->ij", "ij->ji", "ij->i", "ii->i", "iij,jk->ik", "...j,jk->...k"]
EQUATIONS += ["bij,bjk->bik", "bij,bj->bi", "bi,bi->b", "ij,jk,kl->il", "ij,jk,jl->ikl", "bi,bij,bj->b"]


@pytest.fixture(autouse=True)
def deprecated() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.* is deprecated", DeprecationWarning)
        yield


def operands_of(equation: str, sizes: Mapping[str, int]) -> list[Tensor]:
    terms = equation.replace("...", "b").split("->")[0].split(",")
    return [torch.randn([sizes[label] for label in term], requires_grad=True) for term in terms]


SIZES = dict(zip("bijkl", range(2, 7), strict=True))
OTHERS = dict(zip("bijkl", (6, 4, 7, 3, 5), strict=True))


@pytest.mark.parametrize("equation", EQUATIONS)
def test_a_trace_holds_for_other_sizes(equation: str) -> None:
    ours = torch.jit.trace(lambda *x: einsum(equation, *x), operands_of(equation, SIZES))
    if equation.count(",") < 2:
        theirs = torch.jit.trace(lambda *x: torch.einsum(equation, *x), operands_of(equation, SIZES))
        kinds = [[node.kind() for node in traced.graph.nodes()] for traced in (ours, theirs)]
        assert kinds[0] == kinds[1]
    operands = operands_of(equation, OTHERS)
    output, expected = ours(*operands), torch.einsum(equation, *operands)
    torch.testing.assert_close(output, expected)
    dldz = torch.randn_like(expected)
    gradients = torch.autograd.grad(output, operands, dldz)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, operands, dldz))


def test_the_order_is_that_for_the_sizes_of_the_example() -> None:
    def text(*sizes: int) -> str:
        x, y, z = (torch.ones(shape) for shape in pairwise(sizes))
        return str(torch.jit.trace(lambda *x: einsum("ij,jk,kl->il", *x), (x, y, z)).graph)

    assert 'value="jk,kl->jl"' in text(9, 9, 9, 2)
    assert 'value="ij,jk->ik"' in text(2, 9, 9, 9)


def test_what_torch_cannot_write_holds_for_other_sizes() -> None:
    def closed(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        new = {"k": y.shape[1], "...": (2, y.shape[0])}
        return einsum("ij->kjjk...", x, sizes=new), einsum("ij,αj->αjiα", x, y), einsum("ij->ij", x[:1], sizes={"i": 4})

    traced = torch.jit.trace(closed, (torch.randn(3, 4), torch.randn(2, 4)))
    x, y = torch.randn(6, 7), torch.randn(5, 7)
    for ours, expected in zip(traced(x, y), closed(x, y), strict=True):
        torch.testing.assert_close(ours, expected)


class Layer(nn.Module):
    """A layer with einsums of two and of three operands."""

    def __init__(self, function: Einsum) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.function = function
        self.down, self.up = Parameter(torch.randn(4, 3)), Parameter(torch.randn(3, 5))

    def forward(self, x: Tensor) -> Tensor:
        scores = self.function("bid,bjd->bij", x, x).softmax(-1)
        return self.function("bij,bjd->bid", scores, self.function("bid,dr,re->bie", x, self.down, self.up))


def test_a_module_is_traced() -> None:
    ours, theirs = Layer(einsum), Layer(torch.einsum)
    traced = torch.jit.trace(ours, (torch.randn(2, 6, 4),))
    x = torch.randn(5, 7, 4)
    torch.testing.assert_close(traced(x), theirs(x))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("dynamo", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["torch.jit", "dynamo"])
def test_onnx_has_a_dynamic_batch(dynamo: bool) -> None:
    import onnx
    from onnx.reference import ReferenceEvaluator

    file = io.BytesIO()
    options: dict[str, Any] = {"dynamic_axes": {"x": {0: "b"}, "z": {0: "b"}}}
    if dynamo:
        options = {"dynamic_shapes": {"x": {0: "b"}}, "verbose": False}
    torch.onnx.export(
        Layer(einsum), (torch.randn(2, 6, 4),), file, dynamo=dynamo, input_names=["x"], output_names=["z"], **options
    )
    model = onnx.load_from_string(file.getvalue())
    x = torch.randn(5, 6, 4)
    (found,) = ReferenceEvaluator(model).run(None, {"x": x.numpy()})
    expected = Layer(torch.einsum)(x).detach()
    torch.testing.assert_close(torch.from_numpy(np.asarray(found)), expected, rtol=1e-4, atol=1e-4)
