"""Contractions are matrix products without copies where there is such an order, and one copy where not."""

from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from einsum_doc import einsum, hvp, jvp, vjp
from einsum_doc.compute.contraction.axes import order_tree
from einsum_doc.compute.contraction.calls import choose_call


class Copies(TorchDispatchMode):
    """Counts the numbers that are copied from one order to another."""

    def __init__(self) -> None:
        super().__init__()
        self.copied = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if function.overloadpacket.__name__ in ("clone", "copy_", "contiguous"):
            self.copied += result.numel()
        return result


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(6, 7), (7, 8)]),
        ("bhid,bhjd->bhij", [(2, 3, 4, 5), (2, 3, 6, 5)]),
        ("bihd,bjhd->bhij", [(2, 4, 3, 5), (2, 6, 3, 5)]),
        ("bhij,bjhd->bihd", [(2, 3, 4, 6), (2, 6, 3, 5)]),
        ("bijk,bilm->bjklm", [(1, 2, 3, 4), (5, 2, 3, 4)]),
        ("ijk,ip->jkp", [(4, 3, 2), (4, 5)]),
        ("ijk,jkl->il", [(4, 3, 2), (3, 2, 5)]),
        ("...ij,jk->...ik", [(2, 3, 4, 5), (5, 6)]),
        ("bij,bj->bi", [(4, 3, 5), (4, 5)]),
        ("bn,anm,bm->ba", [(4, 3), (2, 3, 5), (4, 5)]),
        ("ab,bc,cd,de->ae", [(2, 3), (3, 4), (4, 5), (5, 6)]),
    ],
)
def test_no_more_is_copied_than_by_torch(equation: str, shapes: list[tuple[int, ...]]) -> None:
    copied = []
    for function in (einsum, torch.einsum):
        operands = [torch.randn(shape, requires_grad=True) for shape in shapes]
        dldz = torch.randn(torch.einsum(equation, *operands).shape)
        with Copies() as copies:
            torch.autograd.grad(function(equation, *operands), operands, dldz)
        copied.append(copies.copied)
    assert copied[0] <= copied[1]


def test_what_the_next_contraction_wants_decides() -> None:
    sizes = dict.fromkeys("anbm", 4) | {"b": 64}
    layout = order_tree([("b", "n"), ("a", "n", "m"), ("b", "m")], ("b", "a"), sizes, wanted=())
    # Whatever is contracted first, the batch of the second contraction leads its result.
    assert layout.tensors[3][0] == "b"


def test_an_operand_in_order_is_left_as_it_is() -> None:
    sizes = dict.fromkeys("bijk", 3)
    for leaf in (("b", "i", "j"), ("b", "j", "i"), ("i", "b", "j"), ("j", "b", "i")):
        assert order_tree([leaf, ("b", "j", "k")], ("b", "i", "k"), sizes).tensors[0] == leaf
    for leaf in (("i", "j", "b"), ("j", "i", "b")):
        assert order_tree([leaf, ("b", "j", "k")], ("b", "i", "k"), sizes, wanted=[0]).tensors[0][0] == "b"
        # Torch keeps no copy of it for the other gradient.
        assert order_tree([leaf, ("b", "j", "k")], ("b", "i", "k"), sizes).tensors[0] == leaf


def test_vectors_and_matrices_that_lie_between_each_other_are_multiplied_and_summed() -> None:
    """`bmm` would copy each of them: three times the time of eager mode, for the gradients of 'ac,bc->bac'."""
    sizes = dict.fromkeys("abcd", 3)

    def aligned(left: str, right: str, result: str) -> bool:
        return choose_call(tuple(left), tuple(right), tuple(result), sizes).alignment is not None

    assert aligned("bac", "bc", "ac")
    assert aligned("bc", "bac", "ca")
    assert aligned("abc", "ac", "bc")
    assert not aligned("cba", "ca", "cb")  # one matrix after the other
    assert not aligned("bca", "ca", "cb")  # or their rows
    assert not aligned("ba", "a", "b")  # a single one
    assert not aligned("abc", "dac", "bcd")  # two matrices


def test_the_order_of_operands_decides_nothing() -> None:
    sizes = dict.fromkeys("bij", 3)
    for leaves in (("bij", "bj"), ("bj", "bij")):
        assert order_tree([tuple(leaf) for leaf in leaves], ("i", "b"), sizes).copies_upstream
        assert not order_tree([tuple(leaf) for leaf in leaves], ("b", "i"), sizes).copies_upstream


@pytest.mark.parametrize(
    ("equation", "shapes", "ours"),
    [
        ("ij,jk->ik", [(6, 7), (7, 8)], False),
        ("ij,ij->ij", [(6, 7), (6, 7)], False),
        ("bhid,bhjd->bhij", [(2, 3, 4, 5), (2, 3, 6, 5)], False),
        ("bhij,bjhd->bihd", [(2, 3, 4, 6), (2, 6, 3, 5)], False),
        ("bij,bjd->ibd", [(2, 3, 4), (2, 4, 5)], False),
        ("bij,bjd->dib", [(2, 3, 4), (2, 4, 5)], False),
        ("bcij,bcjd->dicb", [(2, 3, 4, 5), (2, 3, 5, 6)], False),
        ("ij,j->ij", [(6, 7), (7,)], True),  # The vector's gradient is a product with a matrix, not a sum of one.
        ("bij,bj->bi", [(2, 3, 4), (2, 4)], True),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], False),
    ],
)
def test_what_torch_derives_as_well_is_left_to_it(equation: str, shapes: list[tuple[int, ...]], *, ours: bool) -> None:
    operands = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    output = einsum(equation, *operands)
    assert ("_ContractionNodeBackward" in nodes(output.grad_fn)) == ours
    expected = torch.einsum(equation, *operands)
    dldz = torch.randn(output.shape, dtype=torch.float64)
    found = torch.autograd.grad(output, operands, dldz)
    torch.testing.assert_close(found, torch.autograd.grad(expected, operands, dldz))


def test_of_a_square_one_gradient_is_computed() -> None:
    x = torch.randn(4, 4, requires_grad=True)
    with Results() as results:
        torch.autograd.grad(einsum("ij,ij->ij", x, x), x, torch.ones(4, 4))
    assert len(results.sizes) == 3  # The square, its gradient, and twice that.


def nodes(node: Any) -> set[str]:
    """The names of a node of autograd's graph and of those before it."""
    return set() if node is None else {node.name()}.union(*(nodes(before) for before, _ in node.next_functions))


@pytest.mark.parametrize("shape", [(5, 16, 16), (2, 8, 32, 24)])
def test_what_the_output_parts_is_a_batch_and_nothing_is_copied(shape: tuple[int, ...]) -> None:
    b, i, *k = shape
    equation = "ij,bikl->bjkl" if len(k) == 2 else "ij,bik->bjk"
    operands = [torch.randn(i, 16, requires_grad=True), torch.randn(b, i, *k, requires_grad=True)]
    with Copies() as copies:
        output = einsum(equation, *operands)
        torch.autograd.grad(output, operands, torch.ones(output.shape))
    assert copies.copied == 0
    assert output.is_contiguous()


@pytest.mark.parametrize("output", [*map("".join, permutations("bjk"))])
def test_every_order_of_axes_gives_the_same(output: str) -> None:
    sizes = {"b": 5, "i": 16, "j": 17, "k": 18}
    for left in map("".join, permutations("ij")):
        for right in map("".join, permutations("bik")):
            for terms in ((left, right), (right, left)):
                equation = ",".join(terms) + "->" + output
                shapes = [[sizes[label] for label in term] for term in (*terms, output)]
                x, y, dldz = (torch.randn(shape, dtype=torch.float64) for shape in shapes)
                assert_equals_torch(equation, (x, y), dldz)


def assert_equals_torch(equation: str, operands: tuple[Tensor, ...], dldz: Tensor) -> None:
    operands = tuple(operand.requires_grad_() for operand in operands)
    ours, theirs = einsum(equation, *operands), torch.einsum(equation, *operands)
    torch.testing.assert_close(ours, theirs)
    expected = torch.autograd.grad(theirs, operands, dldz, create_graph=True)
    for found in (torch.autograd.grad(ours, operands, dldz, create_graph=True), vjp(equation, operands, dldz)):
        torch.testing.assert_close(found, expected)
    second = torch.autograd.grad(expected, operands, operands, materialize_grads=True)
    torch.testing.assert_close(hvp(equation, operands, dldz, operands), second)
    torch.testing.assert_close(jvp(equation, operands, operands), len(operands) * theirs)


class Sums(TorchDispatchMode):
    """Collects, for each sum, the strides of the axes that are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[list[int]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function.overloadpacket.__name__ == "sum":
            tensor, summed = args[:2]
            self.kept.append([stride for axis, stride in enumerate(tensor.stride()) if axis not in summed])
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("equation", ["vw,bcvt->bcwt", "iab,iab->ba", "abi,abi->ba", "iab->ba"])
def test_what_is_summed_is_kept_in_the_order_of_memory(equation: str) -> None:
    """Across it torch takes ten times as long: 2 ms, not 0.15, for the lent labels of the first."""
    sizes = {"a": 20, "b": 21, "c": 3, "i": 300, "t": 19, "v": 17, "w": 18}
    terms = equation.split("->")[0].split(",")
    operands = [torch.randn([sizes[label] for label in term], dtype=torch.float64) for term in terms]
    if len(operands) == 1:
        operands = [operands[0].transpose(-1, -2).contiguous().transpose(-1, -2)]
    with Sums() as sums:
        output = einsum(equation, *operands)
        vjp(equation, operands, torch.ones(output.shape, dtype=torch.float64))
    assert sums.kept
    assert all(kept == sorted(kept, reverse=True) for kept in sums.kept)
    torch.testing.assert_close(output, torch.einsum(equation, *operands))


@pytest.mark.parametrize("equation", ["ij,j->i", "j,ij->i", "bij,bj->bi", "bj,bij->ib"])
def test_the_smaller_gradient_is_made_first(equation: str) -> None:
    """The matrix that it reads is still in the cache, which the larger one overwrites."""
    sizes = {"b": 2, "i": 3, "j": 4}
    terms, output = equation.split("->")
    operands = [torch.randn([sizes[label] for label in term]) for term in terms.split(",")]
    with Results() as results:
        vjp(equation, operands, torch.randn([sizes[label] for label in output]))
    assert results.sizes == sorted(operand.numel() for operand in operands)


class Results(TorchDispatchMode):
    """Collects how many numbers each product has."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if function.overloadpacket.__name__ in ("mm", "bmm", "mul"):
            self.sizes.append(result.numel())
        return result
