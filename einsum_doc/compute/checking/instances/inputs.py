"""One instance: sizes for the axes and indices, and a random tensor for each input."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor as Array

from einsum_doc.compute.checking.instances.schedule import AGAIN, WIDE, odd
from einsum_doc.compute.checking.instances.undecided import check_size
from einsum_doc.notation.expression import Expression, Index

SMALLEST, SMALL, GREAT, GREATEST = 0.05, 0.5, 3.2, 5.0
"""The magnitudes of the inputs of a wide instance; where they decide nothing, it is drawn again without."""


@dataclass(frozen=True)
class Definition:
    """The value of a tensor: an expression over its indices, or code; `arguments` are the tensors in it.

    chain: the key of the statement that the indices are from.
    """

    name: str
    arguments: tuple[str, ...]
    chain: str = ""
    indices: tuple[Index, ...] = ()
    expression: Expression | None = None
    code: Callable[[Mapping[str, Array]], Array] | None = None


@dataclass(frozen=True)
class Instance:
    """One choice of sizes and of random tensors.

    definitions: of all names that are no inputs. places: the sizes of each tensor's axes. sizes: of the
    indices of each statement. fixed: the value of each constant index. sinks: the tensors that the downstream
    scalar is a function of. seed and number: the source of all random numbers.
    signs: for each input the bits of the number that its sign depends on; chance for one without.
    """

    definitions: Mapping[str, Definition]
    places: Mapping[str, tuple[int, ...]]
    sizes: dict[tuple[str, Index], int]
    fixed: Mapping[str, int]
    positive: frozenset[str]
    sinks: tuple[str, ...]
    seed: int
    number: int
    signs: Mapping[str, int]

    @property
    def wide(self) -> bool:
        """Whether the inputs have all magnitudes."""
        return self.number < AGAIN and bool(self.number & WIDE)

    def random(self, name: str, shape: Sequence[int]) -> Array:
        """Return numbers away from zero, between ½ and 1½ in size, of both signs."""
        numbers = self._uniform(name, shape)
        return torch.where(numbers[1] < 0.5, numbers[0] + 0.5, -numbers[0] - 0.5)

    def _uniform(self, name: str, shape: Sequence[int]) -> Array:
        """Return two numbers from 0 to 1 for each component."""
        check_size(shape)
        generator = torch.Generator().manual_seed(zlib.crc32(f"{self.seed}/{self.number}/{name}".encode()))
        return torch.rand((2, *shape), generator=generator, dtype=torch.float64)

    def input(self, name: str) -> Array:
        """Return an input, of both signs unless its name is positive.

        Its first component is what a scalar has. Its sign, and in wide instances whether it is great or
        small, are no chance: over the instances they meet in all ways, also with the signs of other inputs.
        """
        numbers = self._uniform(name, self.places[name])
        size = _spread(numbers[0]) if self.wide else numbers[0] + 0.5
        row = self.signs.get(name)
        turn = self.number % AGAIN
        if self.wide and size.numel() and row is not None:
            other = (1, 2, 3, 1)[row & 3]
            low, high = (SMALLEST, SMALL) if odd(other & turn) else (GREAT, GREATEST)
            size.view(-1)[0] = low + (high - low) * numbers[0].reshape(-1)[0]
        if name in self.positive:
            return size
        upward = numbers[1] < 0.5
        if upward.numel() and row is not None:
            upward.view(-1)[0] = not odd(row & turn)
        return torch.where(upward, size, -size)


def _spread(numbers: Array) -> Array:
    """Return magnitudes from SMALLEST to GREATEST, as many of each order, from numbers from 0 to 1."""
    count = max(numbers.numel(), 1)
    ranks = numbers.reshape(-1).argsort().argsort().to(torch.float64)
    even = (ranks + 0.5) / count
    return (SMALLEST * (GREATEST / SMALLEST) ** even * (0.9 + 0.2 * numbers.reshape(-1))).reshape(numbers.shape)
