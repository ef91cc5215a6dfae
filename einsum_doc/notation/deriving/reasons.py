"""The reasons of the steps: the rules of each, and why the line is true, in words.

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
from einsum_doc.notation.step import RULES, definition_of
from einsum_doc.notation.writing.latex import latex, latex_index
from einsum_doc.notation.writing.words import capitalized, listed, ordinal, times

Rules: TypeAlias = tuple[str, ...]
"""The rules that make a line, as the prover counts them; none of a definition."""

Reason: TypeAlias = tuple[Rules, str]
"""The rules that make a line, and why the line is true."""


def _said(rule: str, of: str = "") -> str:
    return RULES[rule].said.format(of)


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
    return (), " ".join(_about_the_sum(given))


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
    if not by.indices:
        return ""
    are_new = "is new: it names" if _is_one(by.indices) else "are new: they name"
    return f" {_indices(*by.indices)} {are_new} the entry of ${by.name}$ that we differentiate by."


def factors(given: IndexedEquation, slots: Sequence[int], by: Tensor) -> Reason:
    """Say how a product is differentiated: by the product rule, or only one factor depends on the tensor."""
    words = f"{_said('put in', f'definition of ${given.output}$')}.{_new_indices(by)}"
    rules = differentiated(given, len(slots))
    others = list(dict.fromkeys(f"${name}$" for name in given.names if name != by.name))
    if len(slots) > 1:
        turns = f"${by.name}$ is a factor {times(len(slots))}, and each has its turn."
        return rules, f"{words} {capitalized(_said('product'))}: {turns}"
    if not others:
        return rules, words
    named = f"The factors {listed(others)} do" if len(others) < 5 else "The other factors do"
    if len(others) == 1:
        named = f"The factor {others[0]} does"
    return rules, f"{words} {named} not depend on ${by.name}$."


def differentiated(given: IndexedEquation, terms: int) -> Rules:
    """Return the rules by which the output has a derivative of so many terms."""
    return (*(["product"] if terms > 1 else []), definition_of(given.output))


def deltas(slots: Sequence[int], by: Tensor) -> Reason:
    """Say why the derivative of a tensor by itself is a product of deltas."""
    if not by.indices:
        return ("itself",), f"The derivative of the number ${by.name}$ by itself is 1."
    each = "one delta for each axis" + (", in each term." if len(slots) > 1 else ".")
    return ("itself",), f"{_said('itself', f'${by.name}$')}: {each}"


def deltas_as_well(given: IndexedEquation, by: Tensor, terms: int) -> Reason:
    """Say why the second derivative is a product of deltas too, or zero."""
    words = f"{_said('put in', 'derivative found above')}, and differentiate by ${by.name}$ as well.{_new_indices(by)}"
    if not terms:
        linear = f"${given.output}$ is linear in ${by.name}$: no ${by.name}$ is left to differentiate."
        words = f"{_said('put in', 'derivative found above')}. {linear}"
    return differentiated(given, terms), words


# ---- The chain rule --------------------------------------------------------------------------------


def _over_the_output(given: IndexedEquation) -> str:
    return f", over every entry of ${given.output}$" if given.z.indices else ""


def chain_rule(given: IndexedEquation) -> Reason:
    """Say how the loss moves with the output."""
    return ("chain",), f"{_said('chain')}{_over_the_output(given)}."


def chain_rule_conjugated(given: IndexedEquation, wrt: int, terms: int, real: bool) -> Reason:
    """Say how the loss moves with the output of complex tensors; `real`: there are deltas or one-tensors."""
    others = dict.fromkeys(name for number, name in enumerate(given.names) if number != wrt)
    bars = listed(f"${name}$ becomes ${accented('bar', name)}$" for name in others)
    stay = " Deltas and one-tensors are real." if real else ""
    return ("chain", *differentiated(given, terms)), (
        f"{_said('chain')}{_over_the_output(given)}. A complex gradient points to where ${given.loss}$ grows fastest, "
        f"and for that the derivative is conjugated: {bars}.{stay}"
    )


def chain_rule_for_tangents(given: IndexedEquation, moving: Sequence[str]) -> Reason:
    """Say how the output moves with some tensors."""
    dots = listed(f"${accented('dot', name)}$" for name in moving)
    every = "Each tensor moves" if len(moving) > 1 else f"${moving[0]}$ moves"
    return (), f"{_said('chain')}. {every} ${given.output}$ by its derivative times its tangent, {dots}."


def chain_rule_held(name: str) -> Reason:
    """Name the term that a second derivative of the loss leaves out."""
    return (), f"{_said('chain')}, with the upstream gradient held fixed; the result is called ${name}$."


def substitution(given: IndexedEquation, terms: int, count: int = 1) -> Reason:
    """Say that derivatives found above are put in; terms: the number of those of one, at most."""
    derivatives = "derivatives found above" if count > 1 else "derivative found above"
    return differentiated(given, terms), f"{_said('put in', derivatives)}."


# ---- Deltas ----------------------------------------------------------------------------------------


def eliminated(elimination: Elimination, free: frozenset[Subscript], several: str) -> str:
    """Say how a delta is eliminated.

    several: why a delta stays whose indices are both free, with `{index}` for the index.
    """
    delta, old, new, holders = elimination
    after = ", one after another" if isinstance(old, Range) else ""
    reason = [f"sum over {_indices(old)}: {_said('δ', _formula(delta))}{after}."]
    other_deltas = [factor for factor in holders if isinstance(factor, Delta)]
    places = ["the upstream gradient"] if any(isinstance(factor, Partial) for factor in holders) else []
    places += dict.fromkeys(f"${factor.name}$" for factor in holders if isinstance(factor, Tensor))
    if other_deltas:
        places.append("the other delta" if len(other_deltas) == 1 else "the other deltas")
    if places:
        becomes = "become" if isinstance(old, Range) else "becomes"
        there = capitalized(listed(f"in {place}" for place in places))
        reason.append(f"{there}, {_indices(old)} {becomes} {_indices(new)}.")
    if any(isinstance(factor, One) for factor in holders):
        reason.append(
            f"Nothing but the one-tensor holds {_indices(old)}, and it becomes {_formula(One((new,)))}: "
            f"the result is the same all along {_indices(new)}."
        )
    staying = [renamed(other, elimination.change) for other in other_deltas]
    staying = [other for other in staying if all(index in free for index in other.own)]
    if staying:
        stays = "stays" if len(staying) == 1 else "stay"
        reason.append(f"{listed(map(_formula, staying))} {stays}: {several.format(index=_indices(old))}.")
    return " ".join(reason)


def eliminated_in_the_same_way(last: Expression) -> str:
    """Say how the other deltas over a range, as far as the last, are eliminated after the first."""
    return f"in the same way, {_said('δ', 'the others')}, one after another, as far as {_formula(last)}."


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
