"""What is not ours says the same: finite differences, sympy, NumPy and opt_einsum."""

import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import opt_einsum
import pytest
import sympy
import torch
from einsum_strategies import Problem, problems
from hypothesis import given, settings

from einsum_doc import cost, einsum, gradient, parse

CASES = json.loads((Path(__file__).parents[2] / "cases" / "einsum_cases.json").read_text(encoding="utf-8"))
VALID = [case for case in CASES if case["valid"] and "sublists" not in case]


@pytest.mark.parametrize("case", VALID, ids=lambda case: f"{case['equation']} {case['note']}")
def test_finite_differences_of_first_and_second_order_and_forward_mode(case: dict[str, Any]) -> None:
    torch.manual_seed(0)
    dtype = getattr(torch, case["dtype"])
    operands = tuple(torch.randn(shape, dtype=dtype).requires_grad_() for shape in case["shapes"])

    def function(*tensors: torch.Tensor) -> torch.Tensor:
        return einsum(case["equation"], *tensors)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
        assert torch.autograd.gradcheck(function, operands, fast_mode=True, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(function, operands, fast_mode=True, check_fwd_over_rev=True)


@pytest.mark.parametrize(
    "equation",
    [
        "ij,jk->ik",
        "ij->i",
        "ii->",
        "ii->i",
        "i->ii",
        "i->ij",
        "iij,jk->ik",
        "bi,bi->b",
        "i,j->ij",
        "ij,jk,k->i",
        "i,i,i->",
    ],
)
def test_sympy_derives_the_gradient_equation(equation: str) -> None:
    """sympy differentiates ⟨dldz, z⟩, a sum of products of symbols, by each number of an operand."""
    whole, size = parse(equation), 2
    values = list(itertools.product(range(size), repeat=len(whole.labels)))
    bases = [sympy.IndexedBase(f"x{number}") for number in range(len(whole.operands))]
    upstream = sympy.IndexedBase("dldz")

    def entry(base: sympy.IndexedBase, term: tuple[str, ...], value: dict[str, int]) -> sympy.Expr:
        return base[tuple(value[label] for label in term)] if term else sympy.Symbol(str(base))

    def summed(
        bases_of: list[sympy.IndexedBase], terms: tuple[tuple[str, ...], ...], fixed: dict[str, int]
    ) -> sympy.Expr:
        total = sympy.Integer(0)
        for numbers in values:
            value = dict(zip(whole.labels, numbers, strict=True))
            if all(value[label] == number for label, number in fixed.items()):
                total += sympy.prod(entry(base, term, value) for base, term in zip(bases_of, terms, strict=True))
        return total

    loss = summed([upstream, *bases], (whole.output, *whole.operands), {})
    for wrt, base in enumerate(bases):
        found = gradient(equation, wrt)
        others = [upstream, *bases[:wrt], *bases[wrt + 1 :]]
        for numbers in itertools.product(range(size), repeat=len(found.output)):
            variable = base[numbers] if numbers else sympy.Symbol(str(base))
            fixed = dict(zip(found.output, numbers, strict=True))
            on_diagonal = all(fixed[label] == number for label, number in zip(found.output, numbers, strict=True))
            expected = summed(others, found.operands, fixed) if on_diagonal else sympy.Integer(0)
            assert sympy.expand(sympy.diff(loss, variable) - expected) == 0


@settings(max_examples=400, deadline=None)
@given(problems())
def test_numpy_and_opt_einsum_have_the_same_output(problem: Problem) -> None:
    operands = [operand.detach() for operand in problem.operands()]
    arrays = [operand.numpy() for operand in operands]
    ours = einsum(problem.equation, *operands).numpy()
    if "..." not in problem.equation or "..." in problem.equation.split("->")[1]:
        np.testing.assert_allclose(ours, np.einsum(problem.equation, *arrays), atol=1e-12, rtol=1e-12)
    if all(1 not in shape for shape in problem.shapes) and "..." not in problem.equation:
        np.testing.assert_allclose(ours, opt_einsum.contract(problem.equation, *arrays), atol=1e-12, rtol=1e-12)


@settings(max_examples=400, deadline=None)
@given(problems(closed=True))
def test_the_shared_sweep_costs_at_most_three_forward_passes(problem: Problem) -> None:
    found = cost(problem.equation, [*problem.shapes, [problem.sizes[label] for label in problem.axes[-1]]])
    assert found.sweep.multiply_adds <= 3 * found.forward.multiply_adds
