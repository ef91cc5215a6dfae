"""Derivations of blogs, notes and papers, rewritten in the notation: they hold, and with a slip of the pen they do not.

`literal` is the text of the source, `rewritten` the same in the notation, `false_variant` has one mistake.
"""

import json
from pathlib import Path

import pytest
from derivation_mutants import count

from einsum_doc import NotationError, verify

PATH = Path(__file__).parents[2] / "derivations" / "of_the_field.json"
UNEXPLAINED = (
    "karpathy bessel batchnorm",  # N/(N - 1)
    "rmsnorm WRONG (chrisjob)",  # w under the sum, not before it
    "GELU erf",  # a factor of the root of 2
    "cookbook a^T X^T X b",  # two terms taken for twice one
)
"""False variants whose mistake is no single slip that the message could name."""

CASES = [case for case in json.loads(PATH.read_text("utf-8")) if case["rewritten"]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_derivation_of_the_field_holds_and_its_false_variant_does_not(case: dict[str, str]) -> None:
    derivation = verify(case["rewritten"])
    assert derivation, str(derivation)
    if case["name"] == "rc einsum dots":  # Without its deltas, the indices are left alone.
        with pytest.raises(NotationError, match="occurs once and is not free"):
            verify(case["false_variant"])
        return
    false = [line for line in verify(case["false_variant"]).lines if not line.holds]
    assert len(false) == 1
    assert false[0].message.startswith("false: ")
    assert "cannot be checked" not in false[0].message
    assert (case["name"] in UNEXPLAINED) == false[0].details[0].startswith(("at ", "left "))


def test_a_sample_of_the_mutants_of_the_field_is_found_out() -> None:
    outcome = count(every=60, only="field: ", share=0)
    assert outcome.made.total() > 30
    assert outcome.rate == 1, str(outcome)


@pytest.mark.slow
def test_all_mutants_of_the_field_are_found_out() -> None:
    outcome = count(only="field: ", jobs=2)
    assert outcome.made.total() > 2000
    assert outcome.rate == 1, str(outcome)
    assert not outcome.alarms, str(outcome)
