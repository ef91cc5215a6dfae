"""Run the property tests on as many random equations as one likes, and count them.

    python tests/compute/contraction/many_examples.py [examples of each, 2000 without it] [seed]

Exits with an error at the first equation that fails, after making it as small as it can.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import test_einsum
import test_oracles
import test_sweeps
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

PROPERTIES: list[Callable[..., None]] = [
    test_einsum.test_what_torch_accepts_equals_torch,
    test_einsum.test_the_closed_einsum_follows_its_definition,
    test_einsum.test_many_operands,
    test_einsum.test_the_gradient_can_be_differentiated,
    test_sweeps.test_jvp_and_hvp_equal_torch,
    test_oracles.test_numpy_and_opt_einsum_have_the_same_output,
    test_oracles.test_the_shared_sweep_costs_at_most_three_forward_passes,
]


def run(prop: Any, examples: int, start: int) -> int:
    """Run one property; how many equations it was run on."""
    count = 0

    def counted(problem: Any) -> None:
        nonlocal count
        count += 1
        prop.hypothesis.inner_test(problem)

    strategy: st.SearchStrategy[Any] = prop.hypothesis._given_kwargs["problem"]
    phases = (Phase.generate, Phase.shrink)
    quiet = settings(
        max_examples=examples, deadline=None, database=None, phases=phases, suppress_health_check=[*HealthCheck]
    )
    seed(start)(quiet(given(problem=strategy)(counted)))()
    return count


def main() -> None:
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    start = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 2**32
    print(f"seed {start}")
    total = 0
    for prop in PROPERTIES:
        count = run(prop, examples, start)
        total += count
        print(f"{count:>8}  {prop.__name__}", flush=True)
    print(f"{total:>8}  random equations, none failed")


if __name__ == "__main__":
    main()
