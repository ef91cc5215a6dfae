"""The reasons of the steps: for each rule its name and why the line is true, in words.

Mathematics in a reason stands between dollars, in LaTeX.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from einsum_doc.derivatives import Summand
from einsum_doc.equation import ELLIPSIS
from einsum_doc.notation.deriving.indexed import IndexedEquation
from einsum_doc.notation.deriving.letters import accented, letter_of
from einsum_doc.notation.deriving.rules import Elimination, Factors, like_terms, renamed, with_dots
from einsum_doc.notation.expression import Delta, Expression, Index, One, Partial, Range, Subscript, Tensor
from einsum_doc.notation.writing.latex import latex, latex_index
from einsum_doc.notation.writing.words import capitalized, listed, ordinal, times

Reason: TypeAlias = tuple[str, str]
"""The rule that makes a line, and why the line is true."""


def _indices(*subscripts: Subscript) -> str:
    return listed(f"${latex_index(subscript)}$" for subscript in subscripts)


def _formula(expression: Expression) -> str:
    return f"${latex(with_dots(expression))}$"


def _is_one(subscripts: Sequence[Subscript]) -> bool:
    """Return whether these are a single index: a range is several."""
    return len(subscripts) == 1 and isinstance(subscripts[0], Index)


# ---- The definition --------------------------------------------------------------------------------


def definition(given: IndexedEquation) -> Reason:
    """Explain the definition in index notation, role by role."""
    return "definition", " ".join(_about_the_sum(given))


def _about_the_sum(given: IndexedEquation) -> Iterator[str]:
    equation, subscripts = given.equation, given.subscripts
    yield "Definition."
    if ELLIPSIS in subscripts:
        several = sum(ELLIPSIS in term for term in equation.operands) > 1
        same = ", the same wherever it stands" if several else ""
        yield f"{_indices(subscripts[ELLIPSIS])} are the axes under the ellipsis, any number of them{same}."
    others = [label for label in subscripts if label != ELLIPSIS and letter_of(label) is None]
    if others:
        called = listed(f"${label}$" for label in others)
        labels = f"label {called} is" if len(others) == 1 else f"labels {called} are"
        yield f"The {labels} written {_indices(*map(subscripts.__getitem__, others))}."
    ones = [one.indices[0] for one in given.ones]
    alone = [index for index in ones if index not in given.z.indices]
    summed = [subscripts[label] for label in equation.labels if label not in equation.output]
    together = [index for index in summed if index not in alone]
    if together:
        are, they = ("is", "it is") if _is_one(together) else ("are", "they are")
        yield f"{_indices(*together)} {are} not on the left: {they} summed."
    if alone:
        are, they = ("is", "it is") if _is_one(alone) else ("are", "they are")
        tensors = "one-tensor" if _is_one(alone) else "one-tensors"
        formulas = listed(_formula(One((index,))) for index in alone)
        yield f"{_indices(*alone)} {are} summed alone, so {they} contracted with the {tensors} {formulas}."
    new = [index for index in ones if index not in alone]
    if new:
        formulas = listed(_formula(One((index,))) for index in new)
        hold = f"one-tensor {formulas} holds" if _is_one(new) else f"one-tensors {formulas} hold"
        them = "it" if _is_one(new) else "them"
        yield f"Only the {hold} {_indices(*new)}: all along {them} the result is the same."
    for delta in given.deltas:
        kept, fresh = delta.indices
        yield (
            f"The output has the label {_indices(kept)} again, for an axis that is called {_indices(fresh)} here: "
            f"{_formula(delta)} is zero off the diagonal."
        )


# ---- Differentiation -------------------------------------------------------------------------------


def _new_indices(by: Tensor) -> str:
    are_new = "is new: it names" if _is_one(by.indices) else "are new: they name"
    return f"{_indices(*by.indices)} {are_new} the entry of ${by.name}$ that we differentiate by."


def factors(given: IndexedEquation, slots: Sequence[int], by: Tensor) -> Reason:
    """Say how a product is differentiated: by the product rule, or only one factor depends on the tensor."""
    fresh = f"{_new_indices(by)} " if by.indices else ""
    others = list(dict.fromkeys(f"${name}$" for name in given.names if name != by.name))
    if len(slots) > 1:
        turns = f"${by.name}$ is a factor {times(len(slots))}, and each has its turn."
        return "product rule", f"{fresh}Product rule: {turns}"
    if not others:
        return "constant factors", f"{fresh}Put in the definition."
    named = f"The factors {listed(others)} do" if len(others) < 5 else "The other factors do"
    if len(others) == 1:
        named = f"The factor {others[0]} does"
    return "constant factors", f"{fresh}{named} not depend on ${by.name}$."


def deltas(slots: Sequence[int], by: Tensor) -> Reason:
    """Say why the derivative of a tensor by itself is a product of deltas."""
    if not by.indices:
        return "deltas", f"The derivative of the number ${by.name}$ by itself is 1."
    each = "one delta for each axis" + (", in each term." if len(slots) > 1 else ".")
    return "deltas", f"An entry of ${by.name}$ depends on itself alone: {each}"


def deltas_as_well(by: Tensor) -> Reason:
    """Say why the second derivative is a product of deltas too."""
    new = f" {_new_indices(by)}" if by.indices else ""
    return "deltas", f"Differentiate by ${by.name}$ as well.{new}"


def linearity(given: IndexedEquation, name: str) -> Reason:
    """Say why a second derivative is zero."""
    return "linearity", f"${given.output}$ is linear in ${name}$: no ${name}$ is left to differentiate."


# ---- The chain rule --------------------------------------------------------------------------------


def _over_the_output(given: IndexedEquation) -> str:
    return f", over every entry of ${given.output}$" if given.z.indices else ""


def chain_rule(given: IndexedEquation) -> Reason:
    """Say how the loss moves with the output."""
    return "chain rule", f"Chain rule{_over_the_output(given)}."


def chain_rule_conjugated(given: IndexedEquation, wrt: int, real: bool) -> Reason:
    """Say how the loss moves with the output of complex tensors; `real`: there are deltas or one-tensors."""
    others = dict.fromkeys(name for number, name in enumerate(given.names) if number != wrt)
    bars = listed(f"${name}$ becomes ${accented('bar', name)}$" for name in others)
    stay = " Deltas and one-tensors are real." if real else ""
    return "conjugate", (
        f"Chain rule{_over_the_output(given)}. A complex gradient points to where ${given.loss}$ grows fastest, "
        f"and for that the derivative is conjugated: {bars}.{stay}"
    )


def chain_rule_for_tangents(given: IndexedEquation, moving: Sequence[str]) -> Reason:
    """Say how the output moves with some tensors."""
    dots = listed(f"${accented('dot', name)}$" for name in moving)
    every = "Each tensor moves" if len(moving) > 1 else f"${moving[0]}$ moves"
    return "chain rule", f"Chain rule. {every} ${given.output}$ by its derivative times its tangent, {dots}."


def chain_rule_held(name: str) -> Reason:
    """Name the term that a second derivative of the loss leaves out."""
    return "chain rule", f"Chain rule, with the upstream gradient held fixed; the result is called ${name}$."


def substitution(count: int = 1) -> Reason:
    """Say that derivatives found above are put in."""
    return "substitution", f"Put in the derivative{'s' * (count > 1)} found above."


# ---- Deltas ----------------------------------------------------------------------------------------


def eliminated(elimination: Elimination, free: frozenset[Subscript], several: str) -> Reason:
    """Say how a delta is eliminated.

    several: why a delta stays whose indices are both free, with `{index}` for the index.
    """
    delta, old, new, holders = elimination
    letter = str(old).rstrip("'")
    after = ", one after another" if isinstance(old, Range) else ""
    reason = [f"sum over {_indices(old)}: eliminate {_formula(delta)}{after}."]
    other_deltas = [factor for factor in holders if isinstance(factor, Delta)]
    places = ["the upstream gradient"] if any(isinstance(factor, Partial) for factor in holders) else []
    places += dict.fromkeys(f"${factor.name}$" for factor in holders if isinstance(factor, Tensor))
    if other_deltas:
        places.append("the other delta" if len(other_deltas) == 1 else "the other deltas")
    if places:
        becomes = "become" if isinstance(old, Range) else "becomes"
        there = capitalized(listed(f"in {place}" for place in places))
        reason.append(f"{there}, {_indices(old)} {becomes} {_indices(new)}.")
    rule = f"delta of {letter}"
    if any(isinstance(factor, One) for factor in holders):
        rule = f"one-tensor of {letter}"
        reason.append(
            f"Nothing but the one-tensor holds {_indices(old)}, and it becomes {_formula(One((new,)))}: "
            f"the result is the same all along {_indices(new)}."
        )
    staying = [renamed(other, elimination.change) for other in other_deltas]
    staying = [other for other in staying if all(index in free for index in other.own)]
    if staying:
        rule = f"surviving delta of {letter}"
        stays = "stays" if len(staying) == 1 else "stay"
        reason.append(f"{listed(map(_formula, staying))} {stays}: {several.format(index=_indices(old))}.")
    return rule, " ".join(reason)


def eliminated_in_the_same_way(rule: str, first: Subscript, last: Expression) -> Reason:
    """Say how the other deltas over a range, as far as the last, are eliminated after the first."""
    rule = rule.replace(" of " + str(first).rstrip("'"), " of " + str(last.own[0]).rstrip("'"))
    return rule, f"in the same way, one after another, as far as {_formula(last)}."


def in_term(number: int, terms: int) -> str:
    """Return the beginning of a reason that is about one term of several."""
    return f"in the {ordinal(number)} term, " if terms > 1 else ""


# ---- The last line ---------------------------------------------------------------------------------


def primes_dropped(all_dropped: bool, away: Sequence[Mapping[Subscript, Subscript]]) -> str:
    """Say which primes are dropped and, term by term, which summed indices have a new letter."""
    new = [
        f"the summed {_indices(*change)} of the {ordinal(number)} term {'is' if len(change) == 1 else 'are'} "
        f"called {_indices(*change.values())} now"
        for number, change in enumerate(away)
        if change
    ]
    primes = "drop the primes" if all_dropped else "take one prime off each"
    return f"{primes}{f'; {listed(new)}' if new else ''}: "


def einsums(given: IndexedEquation, summands: Sequence[Summand], terms: Sequence[Factors], conjugate: bool) -> str:
    """Name the einsums of a line."""
    if not summands:
        return "it is zero."
    if len(summands) == 1:
        return " ".join(_about_the_einsum(given, summands[0], terms[0], conjugate))
    parts = []
    for count, number in like_terms(terms):
        arguments = [_argument(given, argument, conjugate) for argument in summands[number].arguments]
        often = f"{times(count)} " if count > 1 else ""
        parts.append(f"{often}the einsum {summands[number].equation} of {listed(arguments)}")
    return f"this is {', plus '.join(parts)}."


def in_matrix_form() -> Reason:
    """Name a line without indices."""
    return "matrix form", "In matrix form."


def _about_the_einsum(given: IndexedEquation, summand: Summand, term: Factors, conjugate: bool) -> Iterator[str]:
    equation = summand.equation
    bars = dict.fromkeys(_argument(given, argument) for argument in summand.arguments[1:]) if conjugate else {}
    yield f"this is the einsum {equation}{f', with {listed(bars)} conjugated' if bars else ''}."
    inputs = {label for operand in equation.operands for label in operand}
    new = [label for label in equation.output if label not in inputs and equation.output.count(label) == 1]
    if ELLIPSIS in new:
        yield "Its ellipsis, only in the output, stands for the one-tensors."
        new.remove(ELLIPSIS)
    if new:
        labels, tensors = ("label", "is the one-tensor") if len(new) == 1 else ("labels", "are the one-tensors")
        yield f"Its {labels} {listed(f'${label}$' for label in new)}, only in the output, {tensors}."
    for label in dict.fromkeys(equation.output):
        count = equation.output.count(label)
        if count > 1 and any(isinstance(factor, Delta) for factor in term):
            are = "is the delta" if count == 2 else "makes the deltas"
            yield f"Its label ${label}$, {times(count)} in the output, {are}."


def _argument(given: IndexedEquation, argument: str, conjugate: bool = False) -> str:
    """Return the name of the tensor in a slot of an einsum."""
    if argument == "dldz":
        return "the upstream gradient"
    name = given.names[int(argument.lstrip("dx"))]
    if argument.startswith("d"):
        name = accented("dot", name)
    return f"${accented('bar', name) if conjugate else name}$"
