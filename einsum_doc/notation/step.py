"""Step: one line of a derivation, as a frozen value; and the rules by which lines are made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from einsum_doc.notation.expression import Expression, plain


class Rule(NamedTuple):
    """A rule, in words.

    called: the pattern of what a reason may call it; empty if reasons are not held against it.
    said: how `derive` says it, with a place for what the rule is applied to.
    """

    words: str
    called: str = ""
    said: str = ""


RULES = {
    "chain": Rule("chain rule", r"\bchain rule", "chain rule"),
    "product": Rule("product rule", r"\bproduct rule", "product rule"),
    "power": Rule("power rule", r"\b(power|product|chain) rule"),  # A power is a product, and a function.
    "root": Rule("derivative of a root or power", r"\b(power|chain) rule"),
    "quotient": Rule("quotient rule", r"\b(quotient|power|chain) rule"),
    "function": Rule("derivative of a function", r"\bderivative of a function|\bchain rule"),
    "itself": Rule("derivative of a tensor by itself: δ", "", "an entry of {} depends on itself alone"),
    "δ": Rule("δ eliminated", r"\beliminat", "eliminate {}"),
    "1": Rule("sum of a constant"),
    "inverse": Rule("a matrix beside its inverse"),
    "determinant": Rule("determinant of I + u vᵀ"),
    "multiply out": Rule("multiplied out", r"\bmultipl\w+ out|\bexpand|\bdistribut"),
    "cancel": Rule("cancelled"),
    "put in": Rule("definition of", r"\bdefinition|\bput in\b|\binsert|\bsubstitut", "put in the {}"),
}
"""The rules of which steps are made, of the prover and of `derive`."""


def definition_of(name: str) -> str:
    """Return the rule that puts in the definition of a tensor; it is its own words."""
    return f"{RULES['put in'].words} {plain(name)} put in"


def in_words(rules: Iterable[str]) -> tuple[str, ...]:
    """Return the words of rules, in the order of `RULES`, and then the definitions."""
    own = dict.fromkeys(rules)
    return (*(RULES[rule].words for rule in RULES if rule in own), *(rule for rule in own if rule not in RULES))


def unfounded(reason: str, step: str) -> str:
    """Return the words of a reason for a rule, if it names some and the step consists of none of them.

    >>> unfounded("Eliminate the delta.", "definition of y put in")
    'Eliminat'
    """
    found = {
        rule.words: match[0]
        for rule in RULES.values()
        if rule.called and (match := re.search(rule.called, reason, re.IGNORECASE))
    }
    return "" if not step or not found or any(words in step for words in found) else next(iter(found.values()))


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    >>> from einsum_doc import derive
    >>> step = derive("ij,jk->ik", wrt=0).steps[0]
    >>> print(step.left, "=", step.right, "|", step.reason)
    z_{ik} = x_{ij} y_{jk} | Definition. $j$ is not on the left: it is summed.

    left: the side left of the `=`; None where the line continues the one before.
    right: the side right of it.
    rule: "definition", or the rules that made the line, in the words of a proof: "chain rule", "δ eliminated",
    "product rule, definition of z put in". Those of a line that says the last one without primes, or without indices,
    are those of all lines from its left side on.
    reason: the reason why the line is true, in words; mathematics in it stands between dollars, in LaTeX.
    """

    left: Expression | None
    right: Expression
    rule: str
    reason: str
