"""Random equations with sizes, an oracle that follows the definition, and a count of multiply-adds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

LABELS = "abcdeF"


@dataclass(frozen=True)
class Problem:
    """An equation, the shapes of its operands, the size of each label, and which operands are one tensor.

    axes: per operand and then for the output, the label of each axis; '1', '2', ... under an ellipsis.
    """

    equation: str
    shapes: tuple[tuple[int, ...], ...]
    sizes: Mapping[str, int]
    axes: tuple[tuple[str, ...], ...]
    closed: bool
    dtype: torch.dtype
    shared: bool
    seed: int

    def operands(self) -> list[Tensor]:
        """Random operands that require a gradient; those of one shape are one tensor, if they are shared."""
        generator = torch.Generator().manual_seed(self.seed)
        made: dict[tuple[int, ...], Tensor] = {}
        operands = []
        for shape in self.shapes:
            tensor = made.get(shape) if self.shared else None
            if tensor is None:
                tensor = torch.randn(shape, dtype=self.dtype, generator=generator).requires_grad_()
                made[shape] = tensor
            operands.append(tensor)
        return operands

    def random(self, shape: Sequence[int]) -> Tensor:
        """Other random numbers, say for the upstream gradient."""
        return torch.randn(tuple(shape), dtype=self.dtype, generator=torch.Generator().manual_seed(~self.seed % 2**31))

    @property
    def given(self) -> dict[str, int]:
        """The sizes that have to be given, of labels only in the output."""
        held = {label for term in self.axes[:-1] for label in term}
        return {label: self.sizes[label] for label in self.axes[-1] if label not in held}


@st.composite
def problems(draw: st.DrawFn, *, closed: bool = False, least: int = 1, most: int = 5) -> Problem:
    """Any einsum of `least` to `most` operands; with `closed`, also outputs that torch cannot write."""
    count = draw(st.integers(least, most))
    sizes = {label: draw(st.sampled_from([2, 3, 2, 3, 1, 0] if label == "a" else [2, 3, 1])) for label in LABELS}
    ellipsis = draw(st.lists(st.sampled_from([2, 3, 1]), max_size=2)) if draw(st.booleans()) else None
    axes: list[tuple[str, ...]] = []
    texts: list[str] = []
    shapes: list[tuple[int, ...]] = []
    for _ in range(count):
        own = draw(st.lists(st.sampled_from(LABELS), max_size=3))
        single = {label for label in own if draw(st.integers(0, 5)) == 0}
        term, text = list(own), list(own)
        if ellipsis is not None and draw(st.integers(0, 3)):
            rank = draw(st.integers(0, len(ellipsis)))
            dotted = [str(axis) for axis in range(rank, 0, -1)]
            place = draw(st.integers(0, len(own)))
            term[place:place], text[place:place] = dotted, ["..."]
            single |= {axis for axis in dotted if draw(st.integers(0, 4)) == 0}
        full = dict(sizes) | {str(n): size for n, size in enumerate(reversed(ellipsis or []), 1)}
        axes.append(tuple(term))
        texts.append("".join(text))
        shapes.append(tuple(1 if label in single else full[label] for label in term))
    actual: dict[str, int] = {}
    for term, shape in zip(axes, shapes, strict=True):
        for label, size in zip(term, shape, strict=True):
            actual[label] = size if actual.get(label, 1) == 1 else actual[label]
    letters = sorted(label for label in actual if label.isalpha())
    output = draw(st.lists(st.sampled_from(letters), unique=True)) if letters else []
    extended = closed and draw(st.booleans())
    if extended:
        output += draw(st.lists(st.sampled_from([*letters, *"aF"]), max_size=2))
    term, text = list(output), list(output)
    if any("..." in own for own in texts) and draw(st.booleans()):
        rank = max(sum(label.isdigit() for label in own) for own in axes)
        place = draw(st.integers(0, len(output)))
        term[place:place] = [str(axis) for axis in range(rank, 0, -1)]
        text[place:place] = ["..."]
    for label in output:
        actual.setdefault(label, sizes[label])
    return Problem(
        equation=",".join(texts) + "->" + "".join(text),
        shapes=tuple(shapes),
        sizes=actual,
        axes=(*axes, tuple(term)),
        closed=extended,
        dtype=draw(st.sampled_from([torch.float64, torch.complex128])),
        shared=draw(st.booleans()),
        seed=draw(st.integers(0, 10_000)),
    )


def by_definition(problem: Problem, operands: Sequence[Tensor]) -> Tensor:
    """Loop over every value of every label, all at once: multiply, and add at the output's place."""
    labels = list(problem.sizes)
    grid = torch.meshgrid(*(torch.arange(problem.sizes[label]) for label in labels), indexing="ij") if labels else ()
    value = dict(zip(labels, (axis.flatten() for axis in grid), strict=True))
    one = torch.zeros(1, dtype=torch.long)
    product = torch.ones(one.shape if not labels else value[labels[0]].shape, dtype=problem.dtype)
    for term, operand in zip(problem.axes[:-1], operands, strict=True):
        index = tuple(
            value[label] if size > 1 else torch.zeros_like(value[label])
            for label, size in zip(term, operand.shape, strict=True)
        )
        product = product * (operand[index] if index else operand)
    output_shape = [problem.sizes[label] for label in problem.axes[-1]]
    output = torch.zeros(output_shape, dtype=problem.dtype)
    index = tuple(value[label] for label in problem.axes[-1])
    return output.index_put(index, product, accumulate=True) if index else product.sum()


class Products(TorchDispatchMode):
    """Counts the calls and the multiply-adds of matrix products, dot products and elementwise products."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.multiply_adds = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        if name in ("mm", "bmm", "dot", "mv"):
            self.calls += 1
            self.multiply_adds += result.numel() * args[0].shape[-1]
        elif name == "mul":
            self.calls += 1
            self.multiply_adds += result.numel()
        return result
