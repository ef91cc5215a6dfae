"""The random equations reach what they are for."""

from collections.abc import Callable

import pytest
from einsum_strategies import Problem, problems
from hypothesis import Phase, given, settings

from einsum_doc import Role, parse

REACHED: dict[str, Callable[[Problem], bool]] = {
    **{
        f"a label that is {role}": lambda problem, role=role: any(
            role in roles for roles in parse(problem.equation).roles.values()
        )
        for role in Role
    },
    **{f"{count} operands": lambda problem, count=count: len(problem.shapes) == count for count in range(1, 6)},
    "a scalar": lambda problem: () in problem.shapes,
    "an axis of size zero": lambda problem: any(0 in shape for shape in problem.shapes),
    "an axis of size 1 that broadcasts": lambda problem: any(
        size == 1 != problem.sizes[label]
        for term, shape in zip(problem.axes, problem.shapes, strict=False)
        for label, size in zip(term, shape, strict=True)
    ),
    "one tensor in two slots": lambda problem: problem.shared and len(set(problem.shapes)) < len(problem.shapes),
    "complex numbers": lambda problem: problem.dtype.is_complex,
    "ellipses of different ranks": lambda problem: (
        len({sum(axis.isdigit() for axis in term) for term in problem.axes[:-1] if any(map(str.isdigit, term))}) > 1
    ),
    "an ellipsis that is summed": lambda problem: (
        any(axis.isdigit() for term in problem.axes[:-1] for axis in term)
        and "..." not in problem.equation.split("->")[1]
    ),
    "a repeated label in the output": lambda problem: len(set(problem.axes[-1])) < len(problem.axes[-1]),
}


@pytest.fixture(scope="module")
def drawn() -> list[Problem]:
    """As many problems as one of the tests draws."""
    found: list[Problem] = []

    @settings(max_examples=600, database=None, deadline=None, phases=[Phase.generate])
    @given(problems(closed=True))
    def draw(problem: Problem) -> None:
        found.append(problem)

    draw()
    return found


@pytest.mark.parametrize("what", REACHED)
def test_random_equations_have(what: str, drawn: list[Problem]) -> None:
    assert sum(map(REACHED[what], drawn)) > 0
