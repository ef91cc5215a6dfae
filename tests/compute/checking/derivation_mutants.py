"""Change one thing in every checked line; count how many of the false ones are found out.

    python tests/compute/checking/derivation_mutants.py [--every N] [--seed N] [--only TEXT] [--jobs N] [--share P]

Swaps two indices, renames one, drops or adds a factor, flips a sign, changes a power, drops a delta. A mutant
that is accepted is put to the oracle of derivation_oracle.py, and discarded if it is true. Of the rejected
ones a sample is put to it too: a true one among them is a false alarm, and so is a proof of a false one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from unittest.mock import patch

import torch
from derivation_oracle import Oracle, UnreadError
from derivation_texts import texts

from einsum_doc import NotationError
from einsum_doc.compute.checking import claims
from einsum_doc.compute.checking.derivation import NumericCheck
from einsum_doc.notation.expression import (
    Delta,
    Expression,
    Index,
    Negative,
    Number,
    One,
    Partial,
    Power,
    Product,
    Range,
    Subscript,
    Sum,
    Tensor,
    mapped,
    subscripts,
)
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.parse import Chain, Document, parse_notation
from einsum_doc.notation.statements.statements import Statements
from einsum_doc.notation.symbols.table import SymbolTable


@dataclass(frozen=True)
class Mutant:
    """A document in which one right side is changed."""

    kind: str
    document: Document
    chain: int
    relation: int
    right: Expression


def mutants(document: Document) -> Iterator[Mutant]:
    """Every change of every claim, after the definitions and directives before it."""
    kept: list[Chain | Directive] = [step for step in document.entries if isinstance(step, Directive)]
    chains = [number for number, step in enumerate(document.entries) if isinstance(step, Chain)]
    defined: set[str] = set()
    for number in chains:
        chain = document.entries[number]
        assert isinstance(chain, Chain)
        first = 0
        before = tuple(kept)
        if isinstance(chain.head, Tensor) and chain.head.name not in defined:
            itself = any(
                isinstance(part, Tensor) and part.name == chain.head.name for part in chain.relations[0].right.walk()
            )
            first = 0 if itself else 1
            if first:
                kept.append(Chain(chain.head, chain.relations[:1]))
        for side in (chain.head, *(relation.right for relation in chain.relations)):
            defined |= {part.name for part in side.walk() if isinstance(part, Tensor)}
        for position, relation in enumerate(chain.relations):
            if position < first or relation.sign != "=":
                continue
            for kind, right in changed(chain, relation.right):
                relations = list(chain.relations)
                relations[position] = replace(relation, right=right)
                # Later relations of the chain would compare with the mutant: they are left out.
                changed_chain = Chain(chain.head, tuple(relations[: position + 1]))
                steps = (*before, changed_chain)
                yield Mutant(kind, Document(document.text, steps), number, position, right)


def changed(chain: Chain, right: Expression) -> Iterator[tuple[str, Expression]]:
    """Every change of one side."""
    everywhere = [place for side in (chain.head, right) for place in subscripts(side)]
    letters = list(dict.fromkeys(place for place in everywhere if isinstance(place, Index)))
    wide = list(dict.fromkeys(place for place in everywhere if isinstance(place, Range)))
    leaves = [part for part in right.walk() if isinstance(part, Tensor | Delta)]
    parts = list(right.walk())
    scalars = {id(part.body) for part in parts if isinstance(part, Partial)}
    bys = {id(part.by) for part in parts if isinstance(part, Partial)}

    def swapped(target: Expression, other: Expression) -> Expression:
        return replaced(right, target, other)

    for part in parts:
        if isinstance(part, Tensor | Delta | One):
            own = part.indices
            for first in range(len(own)):
                for second in range(first + 1, len(own)):
                    if own[first] != own[second] and not isinstance(part, Delta | One):
                        turned = list(own)
                        turned[first], turned[second] = own[second], own[first]
                        yield "swap two indices", swapped(part, replace(part, indices=tuple(turned)))
                pool: list[Subscript] = [*wide] if isinstance(own[first], Range) else [*letters]
                for other in pool:
                    if other != own[first]:
                        renamed = (*own[:first], other, *own[first + 1 :])
                        yield "rename an index", swapped(part, replace(part, indices=renamed))
            if isinstance(part, Tensor) and id(part) not in scalars and id(part) not in bys:
                yield "change a power", swapped(part, Power(part, Number(Fraction(2)), at=part.at))
        elif isinstance(part, Product):
            for position, factor in enumerate(part.factors):
                rest = (*part.factors[:position], *part.factors[position + 1 :])
                kind = "drop a delta" if isinstance(factor, Delta) else "drop a factor"
                yield kind, swapped(part, replace(part, factors=rest) if len(rest) > 1 else rest[0])
            for extra in leaves:
                if id(extra) not in scalars and id(extra) not in bys:
                    yield "add a factor", swapped(part, replace(part, factors=(*part.factors, extra)))
            yield "add a factor", swapped(part, replace(part, factors=(Number(Fraction(2)), *part.factors)))
        elif isinstance(part, Sum):
            for position, term in enumerate(part.terms):
                terms = list(part.terms)
                terms[position] = term.body if isinstance(term, Negative) else Negative(term)
                yield "flip a sign", swapped(part, replace(part, terms=tuple(terms)))
        elif isinstance(part, Partial) and part.held:
            yield "hold nothing fixed", swapped(part, replace(part, held=()))
        elif isinstance(part, Power) and isinstance(part.exponent, Number):
            for exponent in (part.exponent.value + 1, -part.exponent.value):
                yield "change a power", swapped(part, replace(part, exponent=Number(exponent)))
    yield "flip a sign", right.body if isinstance(right, Negative) else Negative(right)


def replaced(whole: Expression, target: Expression, other: Expression) -> Expression:
    """The same expression with one part, the very one, replaced."""
    if whole is target:
        return other
    if not any(each is target for each in whole.walk()):
        return whole
    return mapped(whole, lambda part: replaced(part, target, other))


def verdict(mutant: Mutant, seed: int) -> tuple[str, NumericCheck | None]:
    """What the checker says of a mutant: "held", "false", "refused", or "contradicted" if a false one is proved."""
    try:
        derivation = NumericCheck(Statements(mutant.document, (), SymbolTable(), {}), seed)
        with patch.object(claims, "explanation", return_value=[]):  # The slip is known.
            line = derivation.lines()[-1]
    except NotationError:
        return "refused", None
    says = "contradicted" if line.message.startswith("internal error") else "held" if line.holds else "false"
    return says, derivation


def true(mutant: Mutant, derivation: NumericCheck) -> bool:
    """What the oracle says of it."""
    *_, cases = derivation.cases.values()
    return all(
        Oracle(case, f"oracle {number}").true(mutant.relation, mutant.relation + 1)
        for number, case in enumerate(cases.all)
        if not (case.lengths and sum(case.lengths.values()) > 3)
    )


@dataclass
class Count:
    """How the mutants fared."""

    made: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    false: int = 0
    true: int = 0
    asked: int = 0
    unread: int = 0
    survived: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()

    def __add__(self, other: Count) -> Count:
        return Count(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def rate(self) -> float:
        """The share of the false mutants that are rejected."""
        rejected = self.refused + self.false
        return rejected / (rejected + len(self.survived))

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind}: {number}" for kind, number in sorted(self.made.items()))
        lines = [
            f"{self.made.total()} mutants ({kinds})",
            f"refused as text {self.refused}, false {self.false}, held {self.true + self.unread + len(self.survived)}",
            f"of those that held, true by the oracle {self.true}, false {len(self.survived)}, not read {self.unread}",
            f"rejected, of the false ones: {self.rate:.4%}",
            f"rejected ones put to the oracle: {self.asked}, true after all: {len(self.alarms)}",
        ]
        return "\n".join([*lines, *self.survived, *self.alarms])


def count(every: int = 1, seed: int = 0, only: str = "", jobs: int = 1, share: float = 0.1) -> Count:
    """Make mutants, one in `every`, and judge them; a share of the rejected ones is put to the oracle too."""
    work = [(name, text, every, seed, share) for name, text in texts().items() if only in name]
    if jobs == 1:
        return sum(map(judged, work), Count())
    with multiprocessing.Pool(jobs) as workers:
        return sum(workers.imap(judged, work), Count())


def judged(job: tuple[str, str, int, int, float]) -> Count:
    """The mutants of one text."""
    torch.set_num_threads(1)
    name, text, every, seed, share = job
    found = Count()
    rng = random.Random(f"{name}/{seed}")
    for mutant in mutants(parse_notation(text)):
        if rng.randrange(every):
            continue
        found.made[mutant.kind] += 1
        says, derivation = verdict(mutant, seed)
        label = f"{name}: {mutant.kind}: {mutant.document.entries[-1].head} = {mutant.right}"
        if says == "contradicted":
            found.alarms += (f"PROVED {label}",)
        elif says == "refused":
            found.refused += 1
        elif says == "false":
            found.false += 1
            assert derivation is not None
            if rng.random() < share:
                found.asked += 1
                if _asked(mutant, derivation):
                    found.alarms += (f"FALSE ALARM {label}",)
        elif derivation is not None:
            answer = _asked(mutant, derivation)
            found.true += answer is True
            found.unread += answer is None
            found.survived += (f"SURVIVED {label}",) if answer is False else ()
    return found


def _asked(mutant: Mutant, derivation: NumericCheck) -> bool | None:
    """What the oracle says of a mutant; None if it cannot read it."""
    try:
        return true(mutant, derivation)
    except UnreadError:
        return None
    except (ZeroDivisionError, TypeError, ValueError):  # Where a side has no value, or is not real, it is not true.
        return False


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="make one mutant in so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="derivations whose name has this in it")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--share", type=float, default=0.1, help="the share of rejected mutants put to the oracle")
    arguments = parser.parse_args()
    outcome = count(**vars(arguments))
    print(outcome)
    sys.exit(outcome.rate < 0.995 or bool(outcome.alarms))
