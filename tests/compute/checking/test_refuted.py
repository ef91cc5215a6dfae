"""What random tensors find false has a counterexample in small numbers, and what they find to hold has none."""

from __future__ import annotations

import random

import derivation_mutants as mutation
import pytest
from test_derivation_false import GRADIENTS, TABLES
from test_derivation_slips import NOT_DEFINED, SLIPS, UNEXPLAINED

from einsum_doc import NotationError, prove
from einsum_doc.notation.reading.parse import parse_notation
from einsum_doc.notation.statements.counterexamples import counterexample
from einsum_doc.notation.statements.proofs import proved
from einsum_doc.notation.statements.statements import Statements
from einsum_doc.notation.symbols.table import SymbolTable

FALSE = TABLES | {f"gradients: {name}": text for name, text in GRADIENTS.items()}
FALSE |= {f"slips: {name}": text for name, (text, _) in (SLIPS | NOT_DEFINED).items()}
FALSE |= {f"unexplained: {name}": text for name, text in UNEXPLAINED.items()}

NOT_REFUTED = {
    "signs: logarithms of squares": "both sides have a value for one sign only",
    "small: the arc tangent at its limit": "the difference is too small to be seen beside the rounding",
    "small: a hyperbolic function far out": "the same",
    "gradients: nothing but zero": "the derivative is 0, so that the line holds, and says nothing",
    "gradients: two names for zero": "the same",
}
"""The false lines of the tables without a counterexample, with why."""


def test_a_false_line_of_the_tables_has_a_counterexample() -> None:
    kept = [name for name, text in FALSE.items() if "false" not in [line.verdict for line in prove(text).lines]]
    assert kept == list(NOT_REFUTED)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_mutant_has_a_counterexample_if_it_is_false(seed: int) -> None:
    refuted, false, wrong = 0, 0, []
    for name, text in mutation.texts().items():
        rng = random.Random(f"examples {name} {seed}")
        for mutant in mutation.mutants(parse_notation(text)):
            if rng.randrange(60):
                continue
            try:
                *_, line = Statements(mutant.document, (), SymbolTable(), {}).lines
            except NotationError:
                continue
            if line.statement is None or line.number != mutant.relation:
                continue
            example = counterexample(line.statement, line.number)
            is_false = mutation.verdict(mutant, 0)[0] == "false"
            if example is not None and (not is_false or proved(line.statement, line.number)):
                wrong.append(f"{name}: {mutant.kind}: {line.text}: {example}")
            refuted += example is not None
            false += is_false
    assert wrong == []
    assert refuted >= 0.95 * false > 50
