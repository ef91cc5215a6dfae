"""What is kept between the passes, and the peak of both, is no more than torch's, whichever operands are wanted."""

import random
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import prod
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from einsum_doc import einsum
from einsum_doc.compute.contraction.sweep import memory_of

TABLE = """
ij,jk->ik  ij,jk,kl->il  ij,jk,kl,lm->im  ab,bc,cd,de,ef->af  bld,dn,bln->bldn  bhid,bhjd->bhij  bihd,bjhd->bhij
bhij,bjhd->bihd  ijk,ip->jkp  zyij,jk->zyik  i,j->ij  i,j,k->ijk  nc,nc->n  ij,ij->  ij,ji->  bij,bji->b  bij,bj->bi
ij,j->i  mi,mi,mi->m  ij,j->ij  ij,i->ij  bij,bj->bij  ij,jk->j  ij->i  ii->i  iij,jk->ik  bn,anm,bm->ba
abc,ia,jb,kc->ijk  bgk,bkd,bk->bgd  ab,ac,ad->bcd  ha,hb,hc,hd->h  ij,jk,kl,jk->il  bijk,bilm->bjklm  oc,bchw->bohw
vw,bcvt->bcwt  ab,cd->acbd  bcdk,bd->ckb  ab,cb->acb  bi,bj->ijb  ijkl,jk->il  ij,kl->  bld,bnl,dn->bn
btd,dhk,bshk->bhts  bqd,bkd,bkv->bqv  ai,bj,ij->ab  ijk,jkl,klm->im  bsd,dr,re->bse  bd,rd,re,be->b
pq,qrs,st,tup->ru  ijk,il,jm,kn->lmn  i,ij,jk,k->  bi,ij,bj->b  bhqk,bkhd,hdo->bqo
"""

CHAIN = "ab,bc,cd,de,ef,fg,gh,hi->ai"


class Memory(TorchDispatchMode):
    """The most bytes of new tensors that are alive at a time."""

    def __init__(self, known: Sequence[Tensor]) -> None:
        super().__init__()
        self.alive = {tensor.untyped_storage()._cdata: 0 for tensor in known}
        self.peak = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            storage = result.untyped_storage()
            if storage._cdata not in self.alive:
                self.alive[storage._cdata] = storage.nbytes()
                self.peak = max(self.peak, sum(self.alive.values()))
                weakref.finalize(storage, self.alive.pop, storage._cdata)
        return result


UPSTREAM: list[Callable[[Tensor], Tensor]] = [
    lambda output: torch.ones(output.shape, dtype=output.dtype),
    lambda output: torch.ones((), dtype=output.dtype).expand(output.shape),  # that of a sum
    torch.ones_like,  # that of an elementwise operation: it lies in memory as the output does
]


def measured(
    function: Callable[..., Tensor],
    equation: str,
    operands: Sequence[Tensor],
    wanted: Sequence[int],
    upstream: Callable[[Tensor], Tensor],
) -> tuple[list[Tensor], int, int]:
    """Return the output and the gradients, the bytes kept for them beyond the operands, and the peak."""
    own = {tensor.untyped_storage()._cdata for tensor in operands}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
        return tensor

    leaves = [operand.detach().requires_grad_(number in wanted) for number, operand in enumerate(operands)]
    dldz = upstream(function(equation, *leaves).detach())
    with Memory([*operands, dldz]) as memory, torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = function(equation, *leaves)
        gradients = torch.autograd.grad(output, [leaves[number] for number in wanted], dldz)
    return [output.detach(), *gradients], sum(kept.values()), memory.peak


def assert_no_more_than_torch(
    equation: str, shapes: Sequence[Sequence[int]], subsets: Sequence[Sequence[int]], kinds: int = 2
) -> None:
    operands = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    for wanted in subsets:
        for number, upstream in enumerate(UPSTREAM[:kinds]):
            ours, kept, peak = measured(einsum, equation, operands, wanted, upstream)
            theirs, most_kept, most = measured(torch.einsum, equation, operands, wanted, upstream)
            torch.testing.assert_close(ours, theirs)
            assert kept <= most_kept, (equation, shapes, wanted, number)
            assert peak <= most, (equation, shapes, wanted, number)


def shapes_of(equation: str, sizes: Sequence[int]) -> list[list[int]]:
    labels = sorted(set(equation) - set(",->"))
    size = {label: sizes[number % len(sizes)] for number, label in enumerate(labels)}
    return [[size[label] for label in term] for term in equation.split("->")[0].split(",")]


@pytest.mark.parametrize("equation", TABLE.split())
@pytest.mark.parametrize("sizes", [(4, 12, 6, 3, 16, 2, 8), pytest.param((16, 3, 8, 4, 2, 12), marks=pytest.mark.slow)])
def test_whichever_operands_are_wanted(equation: str, sizes: tuple[int, ...]) -> None:
    count = equation.count(",") + 1
    subsets = [wanted for number in range(1, count + 1) for wanted in combinations(range(count), number)]
    assert_no_more_than_torch(equation, shapes_of(equation, sizes), subsets)


@pytest.mark.parametrize("sizes", [(8,), (3, 12, 5, 2, 9, 4, 7), (16, 2, 12, 3, 8, 6, 4, 10)])
def test_long_chains(sizes: tuple[int, ...]) -> None:
    assert_no_more_than_torch(CHAIN, shapes_of(CHAIN, sizes), [[*range(8)], [0], [7], [3], [0, 7], [1, 4, 5]])


def test_no_copy_of_an_operand_is_kept_for_a_product_that_torch_derives() -> None:
    shapes = shapes_of("ijk,jkl,klm->im", (6, 2, 8, 12, 12))
    assert_no_more_than_torch("ijk,jkl,klm->im", shapes, [[0], [1], [2], [0, 1, 2]])


def drawn(count: int, generator: random.Random) -> Iterator[tuple[str, list[list[int]], list[int]]]:
    """Yield random equations, shapes of the operands, and operands whose gradients are wanted.

    In a few places a label is repeated or its size broadcasts; many labels are in one operand only.
    """
    while count:
        labels = "abcdef"[: generator.randint(2, 6)]
        terms: list[list[str]] = [[] for _ in range(generator.choices([1, 2, 3, 4], [1, 5, 3, 2])[0])]
        for label in labels:
            for term in [term for term in terms if generator.random() < 0.5] or [generator.choice(terms)]:
                term.append(label)
        if not all(terms):
            continue
        for term in terms:
            term += generator.sample(term, generator.random() < 0.1)
            generator.shuffle(term)
        output = generator.sample(labels, generator.randint(0, len(labels)))
        sizes = {label: generator.choice([2, 3, 4, 6, 8, 12, 16]) for label in labels}
        shapes = []
        for term in terms:
            ones = {label for label in term if generator.random() < 0.06}
            shapes.append([1 if label in ones else sizes[label] for label in term])
        if prod(sizes.values()) < 100_000:
            wanted = generator.sample(range(len(terms)), generator.randint(1, len(terms)))
            yield ",".join(map("".join, terms)) + "->" + "".join(output), shapes, sorted(wanted)
            count -= 1


@pytest.mark.parametrize("count", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_random_equations(count: int) -> None:
    for equation, shapes, wanted in drawn(count, random.Random(count)):
        assert_no_more_than_torch(equation, shapes, [wanted], kinds=3)


def test_products_without_numbers_lie_in_memory_as_those_with_numbers() -> None:
    """So the copies of them that are measured are those that will be made; axes of length 1 decide, too."""
    generator = random.Random(0)

    def strided(shape: list[int]) -> tuple[list[int], list[int]]:
        lengths = [generator.choice([1, length, length]) for length in shape]
        strides, step = [0] * len(shape), 1
        for axis in generator.sample(range(len(shape)), len(shape)):
            strides[axis], step = step, step * lengths[axis]
            strides[axis] = generator.choices([strides[axis], 0, generator.choice([1, 2, 4, 16])], [8, 1, 1])[0]
        return lengths, strides

    pairs = [[([1, 3, 3, 1], [8, 1, 3, 16])] * 2]  # as channels_last
    for _ in range(1000):
        shape = [generator.choice([1, 2, 3, 4]) for _ in range(generator.randint(1, 6))]
        pairs.append([strided(shape)] * 2 if generator.random() < 0.2 else [strided(shape), strided(shape)])
    for layouts in pairs:
        found: list[tuple[int, ...]] = []

        def multiply(left: Tensor, right: Tensor, found: list[tuple[int, ...]] = found) -> Tensor:
            product = left * right
            found.append(product.stride())
            return product

        multiply(*(torch.empty_strided(*layout) for layout in layouts))
        without = [torch.empty_strided(*layout, device="meta", requires_grad=True) for layout in layouts]
        memory_of(multiply, without, without, torch.ones_like)
        assert found[0] == found[1], layouts


def test_a_program_does_not_notice_that_memory_is_measured() -> None:
    """Neither its modes nor its hooks see the tensors; and anomalies are not looked for in their numbers."""
    x, y = torch.randn(5, 31, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    saved: list[Tensor] = []
    hooks = torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: saved.append(tensor) or tensor, lambda tensor: tensor
    )
    peaks = []
    for _ in range(2):  # It is measured the first time.
        with torch.autograd.set_detect_anomaly(True), hooks, Memory([x, y]) as memory:
            output = einsum("bij,bj->bi", x, y)
            torch.autograd.grad(output, [x, y], torch.ones(5, 31))
        peaks.append(memory.peak)
    assert peaks[0] == peaks[1]
    assert len(saved) == 4
    with torch.autograd.graph.disable_saved_tensors_hooks("they are disabled"):
        assert einsum("ibj,bj->bi", x, torch.randn(31, 3)).shape == (31, 5)
    output = checkpoint(lambda *own: einsum("bji,bj->bi", *own), x, torch.randn(5, 31), use_reentrant=False)
    assert torch.autograd.grad(output.sum(), x)[0].shape == x.shape


def test_measuring_does_not_import_the_compiler() -> None:
    """That takes a second."""
    program = """
import sys, torch, einsum_doc
einsum_doc.einsum("iij,bj->b", *(torch.randn(shape, requires_grad=True) for shape in ((2, 2, 3), (5, 3)))).sum()
assert not {"sympy", "torch._dynamo"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_needs_more_memory_is_left_to_torch() -> None:
    """Where the output is a sum of a product as large as an operand, and that operand is a sum, too."""
    x, y = torch.randn(2, 16, 16, requires_grad=True), torch.randn(16, 16)
    output = einsum("bac,ac->c", x, y)
    assert nodes(output) == nodes(torch.einsum("bac,ac->c", x, y))
    with torch.no_grad():
        torch.testing.assert_close(einsum("bac,ac->c", x, y), output)


def nodes(output: Tensor) -> list[str]:
    """The names of the nodes of autograd's graph, along the first edges."""
    names, node = [], output.grad_fn
    while node is not None:
        names.append(node.name())
        node = next((before for before, _ in node.next_functions if before is not None), None)
    return names
