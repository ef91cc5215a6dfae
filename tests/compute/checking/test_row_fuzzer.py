"""No random row that is proved is false by any numbers; `row_fuzzer.py` judges 10,000 of them, this a part."""

from collections import Counter

import pytest
from row_fuzzer import judged


@pytest.mark.parametrize("first", range(0, 160, 40))
def test_no_false_row_is_proved(first: int) -> None:
    found = [judged(seed) for seed in range(first, first + 40)]
    assert [row for _, row, verdict in found if verdict == "PROVED"] == []
    kinds = Counter((kind, verdict) for kind, _, verdict in found)
    assert kinds["rewriting", "proved"] > 5  # The prover has something to do.
    assert kinds["mutant", "false"] + kinds["wrong rule", "false"] > 5
