"""The order of contraction: the best by our own count, whoever proposes it."""

import itertools
import math
from typing import Any

import pytest
import torch

from einsum_doc import cost, einsum, hvp, jvp, parse, vjp
from einsum_doc.compute.contraction import axes as layout
from einsum_doc.compute.contraction import path
from einsum_doc.compute.contraction.binding import bind
from einsum_doc.compute.contraction.path import contraction_cost, find_path
from einsum_doc.compute.contraction.plan import Plan, make_plan


def plan_of(equation: str, *shapes: tuple[int, ...]) -> Plan:
    return make_plan(bind(parse(equation), shapes))


def test_a_vector_is_multiplied_into_a_chain_first() -> None:
    sizes = {"i": 50, "j": 50, "k": 50}
    assert find_path(["ij", "jk", "k"], "i", sizes) == [(1, 2), (0, 3)]


def test_a_weight_joins_the_smaller_tensor() -> None:
    sizes = {"b": 4, "g": 5, "k": 300, "d": 200}
    assert find_path(["bgk", "bkd", "bk"], "bgd", sizes)[0] == (0, 2)


@pytest.mark.parametrize(
    ("operands", "output"),
    [
        (["ab", "bc", "cd", "da"], ""),
        (["ab", "ac", "ad", "a"], "bcd"),
        (["ab", "bcd", "ce", "dfe", "af"], ""),
        (["ab", "bcd", "ce", "dfe", "afb"], "ab"),
    ],
)
def test_it_is_the_cheapest_of_all_trees(operands: list[str], output: str) -> None:
    sizes = {"a": 2, "b": 7, "c": 3, "d": 11, "e": 5, "f": 4}

    def cost(path: list[tuple[int, int]]) -> float:
        tensors = [frozenset(operand) for operand in operands]
        alive, total = set(range(len(tensors))), 0.0
        for left, right in path:
            alive -= {left, right}
            kept = frozenset(output).union(*(tensors[number] for number in alive))
            values = tensors[left] | tensors[right]
            result = values & kept
            each = (values, tensors[left], tensors[right], result)
            total += contraction_cost(*(math.prod(sizes[label] for label in labels) for labels in each))
            alive.add(len(tensors))
            tensors.append(result)
        return total

    def trees(alive: tuple[int, ...], fresh: int) -> list[list[tuple[int, int]]]:
        if len(alive) == 1:
            return [[]]
        return [
            [(left, right), *rest]
            for left, right in itertools.combinations(alive, 2)
            for rest in trees((*(n for n in alive if n not in (left, right)), fresh), fresh + 1)
        ]

    every = trees(tuple(range(len(operands))), len(operands))
    # Of the trees that need no more memory than torch's, which are all of these where no gradient is wanted.
    assert cost(find_path(operands, output, sizes, wanted=())) == pytest.approx(min(map(cost, every)))


def test_no_intermediate_tensor_is_larger_than_there_is_room_for() -> None:
    # Left to right this needs n⁴ numbers: 32 s and 18 GB at n = 200.
    plan = plan_of("ij,jk,kl,jk->il", *[(200, 200)] * 4)
    assert max(each.forward.size for each in plan.contractions) <= 200**2
    assert plan.multiply_adds < 3 * 200**3


@pytest.mark.parametrize(
    ("equation", "sizes"),
    [
        ("ad,bf,ed,ef->ab", {"a": 32, "b": 8, "d": 8, "e": 16, "f": 3}),
        ("ebd,ae,ad,ed,dcf,abc,be,ae->", {"a": 3, "b": 32, "c": 8, "d": 32, "e": 8, "f": 3}),
    ],
)
def test_the_memory_limit_can_be_chosen(equation: str, sizes: dict[str, int]) -> None:
    shapes = [tuple(sizes[label] for label in term) for term in equation.split("->")[0].split(",")]

    def largest(memory_limit: int) -> int:
        contractions = make_plan(bind(parse(equation), shapes), memory_limit=memory_limit).contractions[:-1]
        return max(each.forward.size for each in contractions)

    def multiply_adds(memory_limit: int) -> int:
        return cost(equation, shapes, memory_limit=memory_limit).forward.multiply_adds

    free = largest(10**9)
    assert largest(free - 1) < free
    assert multiply_adds(free - 1) > multiply_adds(free) == multiply_adds(10**9)
    # Where no tree has room, the largest is as small as can be.
    assert largest(1) <= largest(free - 1)

    operands = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    dldz = torch.randn_like(torch.einsum(equation, *operands))
    for limit in (1, free - 1):
        torch.testing.assert_close(einsum(equation, *operands, memory_limit=limit), einsum(equation, *operands))
        for found, expected in (
            (vjp(equation, operands, dldz, memory_limit=limit), vjp(equation, operands, dldz)),
            (jvp(equation, operands, operands, memory_limit=limit), jvp(equation, operands, operands)),
            (hvp(equation, operands, dldz, operands, memory_limit=limit), hvp(equation, operands, dldz, operands)),
        ):
            torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("limit", "call"), [*enumerate((einsum, vjp, jvp, hvp))])
def test_every_sweep_keeps_to_the_memory_limit(limit: int, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    true = layout.find_path
    monkeypatch.setattr(layout, "find_path", lambda *arguments: (given.append(arguments[3]), true(*arguments))[1])
    x = [torch.randn(2, 2) for _ in range(3)]
    arguments = {einsum: x, vjp: [x, x[0]], jvp: [x, x], hvp: [x, x[0], x]}[call]
    call("xy,yz,zw->xw", *arguments, memory_limit=limit)
    assert set(given) == {limit}


def test_a_product_of_vectors_that_no_order_makes_small() -> None:
    assert len(plan_of("a,b,c,d->abcd", (9,), (9,), (9,), (9,)).contractions) == 3


@pytest.mark.parametrize("count", [9, 10, 50, 51, 400])
@pytest.mark.parametrize("shape", ["chain", "ring", "star"])
def test_the_search_is_short(shape: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[float] = []
    monkeypatch.setattr(path, "contraction_cost", lambda *sizes: counted.append(sizes[0]) or contraction_cost(*sizes))
    letters = [chr(0x4E00 + n) for n in range(count + 1)]
    terms = [letters[0 if shape == "star" else n] + letters[n + 1] for n in range(count)]
    if shape == "ring":
        terms[-1] = letters[count - 1] + letters[0]
    output = {"chain": letters[0] + letters[-1], "ring": "", "star": letters[0]}[shape]
    assert len(find_path(terms, output, dict.fromkeys(letters, 3))) == count - 1
    assert len(counted) <= max(45_000, 4 * count)


@pytest.mark.parametrize("count", [7, 12, 20, 40])
def test_long_chains(count: int) -> None:
    equation = ",".join(chr(0x4E00 + n) + chr(0x4E01 + n) for n in range(count))
    plan = plan_of(equation, *[(3, 3)] * count)
    assert plan.multiply_adds == (count - 1) * 27


def test_a_star_stays_a_star() -> None:
    equation = ",".join("h" + chr(0x4E00 + n) for n in range(12)) + "->h"
    assert plan_of(equation, *[(5, 3)] * 12).multiply_adds == 11 * 5


def test_how_an_operand_is_read_does_not_depend_on_names() -> None:
    first, second = plan_of("aab,bc->ac", (2, 2, 3), (3, 4)), plan_of("xxy,yz->xz", (2, 2, 3), (3, 4))
    assert [axes.reading for axes in first.operands] == [axes.reading for axes in second.operands]


def test_the_tree_is_chosen_once_for_an_equation_and_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    true = layout.find_path

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return true(*arguments)

    monkeypatch.setattr(layout, "find_path", counted)
    operands = [torch.randn(3, 5), torch.randn(5, 7), torch.randn(7, 11)]
    for _ in range(3):
        einsum("ab,bc,cd->ad", *operands)
        einsum("ab , bc, cd", *operands)
    assert calls == 1
    einsum("ab,bc,cd->ad", operands[0][:2], *operands[1:])
    assert calls == 2


def test_a_label_of_size_zero_among_many_operands() -> None:
    assert len(plan_of(",,,a,a,b,b->", (), (), (), (0,), (0,), (2,), (2,)).contractions) == 6


@pytest.mark.parametrize("count", [16, 50])
def test_a_long_chain_of_many_sizes_has_its_best_order(count: int) -> None:
    """Matrix chains have the textbook's dynamic programming as an oracle."""
    # Large enough for multiply-adds to outweigh what is moved.
    sizes = [100 * n for n in (7, 2, 9, 3, 11, 4, 13, 5, 2, 8, 6, 12, 3, 10, 2, 9, 5) * 3][: count + 1]
    cost = {(n, n + 1): 0 for n in range(count)}
    for length in range(2, count + 1):
        for start in range(count - length + 1):
            end = start + length
            cost[start, end] = min(
                cost[start, middle] + cost[middle, end] + sizes[start] * sizes[middle] * sizes[end]
                for middle in range(start + 1, end)
            )
    letters = [chr(0x4E00 + n) for n in range(count + 1)]
    equation = ",".join(map("".join, itertools.pairwise(letters)))
    # Without gradients nothing is kept, which would exclude some orders.
    plan = make_plan(bind(parse(equation), [*itertools.pairwise(sizes)]), wanted=())
    assert plan.multiply_adds == cost[0, count]
