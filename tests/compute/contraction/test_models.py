"""Small models of other people, trained, traced, exported and compiled with our einsum in the place of torch's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import einsum_doc

pytestmark = [
    pytest.mark.slow,
    # Of the packages, and of torch about them.
    pytest.mark.filterwarnings("ignore"),
]

Model = tuple[nn.Module, Callable[[int], tuple[Tensor, ...]]]
"""A model, and its inputs of a length."""


def x_transformer() -> Model:
    from x_transformers import Decoder, TransformerWrapper

    layers = Decoder(dim=32, depth=2, heads=2, attn_dim_head=16, rotary_pos_emb=True)
    return TransformerWrapper(num_tokens=32, max_seq_len=64, attn_layers=layers), tokens


def perceiver() -> Model:
    from perceiver_pytorch import Perceiver

    sizes = {"num_latents": 8, "latent_dim": 16, "cross_dim_head": 8, "latent_dim_head": 8, "latent_heads": 2}
    model = Perceiver(num_freq_bands=4, depth=2, max_freq=8.0, input_channels=3, input_axis=1, num_classes=5, **sizes)
    return model, lambda length: (torch.randn(2, length, 3),)


def linear_attention() -> Model:
    from linear_attention_transformer import LinearAttentionTransformerLM

    sizes = {"num_tokens": 32, "dim": 32, "heads": 2, "depth": 2, "max_seq_len": 64}
    return LinearAttentionTransformerLM(**sizes, causal=True, blindspot_size=8), tokens


def performer() -> Model:
    from performer_pytorch import Performer

    model = Performer(dim=32, depth=2, heads=2, dim_head=16, nb_features=8)
    return model, lambda length: (torch.randn(2, length, 32),)


def rotary() -> Model:
    from rotary_embedding_torch import RotaryEmbedding

    class Attention(nn.Module):
        """Attention with positions by rotation."""

        def __init__(self) -> None:
            super().__init__()
            self.rotary = RotaryEmbedding(dim=8, cache_if_possible=False, learned_freq=True)
            self.project = nn.Linear(16, 48)

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.project(x).chunk(3, dim=-1)
            q, k = (self.rotary.rotate_queries_or_keys(part) for part in (q, k))
            weights = torch.einsum("bid,bjd->bij", q, k).softmax(-1)
            return torch.einsum("bij,bjd->bid", weights, v)

    return Attention(), lambda length: (torch.randn(2, length, 16),)


def tokens(length: int) -> tuple[Tensor, ...]:
    return (torch.randint(0, 32, (2, length)),)


MODELS = {
    "x_transformers": x_transformer,
    "perceiver_pytorch": perceiver,
    "linear_attention_transformer": linear_attention,
    "performer_pytorch": performer,
    "rotary_embedding_torch": rotary,
}


class Calls:
    """Our einsum, and the number of its calls."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *arguments: Any) -> Tensor:
        self.count += 1
        return einsum_doc.einsum(*arguments)


@pytest.fixture
def replaced() -> Iterator[Callable[[Callable[..., Tensor]], pytest.MonkeyPatch]]:
    """Replace `torch.einsum` wherever a module has it, until it is undone."""
    true = torch.einsum
    patch = pytest.MonkeyPatch()

    def replace(einsum: Callable[..., Tensor]) -> pytest.MonkeyPatch:
        for module in [*sys.modules.values()]:
            if vars(module).get("einsum") is true:
                patch.setattr(module, "einsum", einsum)
        return patch

    yield replace
    patch.undo()


def made(name: str) -> Model:
    pytest.importorskip(name, reason=f"{name} is in the extra `models`")
    torch.manual_seed(0)
    return MODELS[name]()


def trained(name: str, *, length: int = 24) -> list[float]:
    """Return the losses of three steps."""
    model, inputs = made(name)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        loss = model(*inputs(length)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", MODELS)
def test_the_losses_are_the_same(name: str, replaced: Any) -> None:
    expected = trained(name)
    calls = Calls()
    replaced(calls)
    assert trained(name) == pytest.approx(expected, rel=1e-4)
    assert calls.count
    assert expected[0] != expected[-1]


# torch cannot export the others for any length, with its own einsum: they use it as a constant.
ANY_LENGTH = ["x_transformers", "rotary_embedding_torch"]


@pytest.mark.parametrize(
    ("way", "name"),
    [*product(["trace", "export"], MODELS), *product(["export, any length"], ANY_LENGTH)],
)
def test_it_is_written_down(name: str, way: str, replaced: Any) -> None:
    for einsum in (torch.einsum, einsum_doc.einsum):
        model, inputs = made(name)
        model.eval()
        example, other = inputs(24), inputs(16 if way != "export" else 24)
        patch = replaced(einsum)
        expected = [model(*given) for given in (example, other)]
        if way == "trace":
            written = torch.jit.trace(model, example, check_trace=False)
        else:
            length = torch.export.Dim("length", min=2, max=64)
            dynamic = tuple({1: length} for _ in example) if way != "export" else None
            written = torch.export.export(model, example, dynamic_shapes=dynamic).module()
        patch.undo()
        for given, result in zip((example, other), expected, strict=True):
            torch.testing.assert_close(written(*given), result, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_it_is_compiled_for_two_lengths(name: str, replaced: Any) -> None:
    from torch._dynamo.testing import CompileCounterWithBackend

    graphs = []
    for einsum in (torch.einsum, einsum_doc.einsum):
        torch._dynamo.reset()
        model, inputs = made(name)
        patch = replaced(einsum)
        counter = CompileCounterWithBackend("aot_eager")
        compiled = torch.compile(model, backend=counter)
        for length in (16, 24, 32):
            given = inputs(length)
            found, expected = compiled(*given), model(*given)
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
            found.square().mean().backward()
        patch.undo()
        graphs.append(counter.frame_count)
    assert graphs[1] <= graphs[0]
