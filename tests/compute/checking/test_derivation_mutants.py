"""One thing changed in a checked line is found out; `derivation_mutants.py` counts all, this a part."""

import pytest
from derivation_mutants import count, mutants, texts

from einsum_doc.notation.reading.parse import parse_notation

pytestmark = pytest.mark.slow


def test_mutants_are_found_out() -> None:
    outcome = count(every=40, seed=1)
    assert outcome.made.total() > 100
    assert outcome.rate >= 0.995, str(outcome)
    assert not outcome.alarms, str(outcome)


def test_every_kind_of_change_is_made() -> None:
    outcome = count(only="attention", every=12)
    assert {mutant.kind for mutant in mutants(parse_notation(texts()["attention"]))} == {
        "swap two indices",
        "rename an index",
        "drop a factor",
        "drop a delta",
        "add a factor",
        "flip a sign",
        "change a power",
        "hold nothing fixed",
    }
    assert outcome.rate == 1
    assert not outcome.alarms
