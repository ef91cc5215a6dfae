"""Equation -> Derivation: a derivative as a patient teacher writes it down, one reason a line."""

from __future__ import annotations

from collections.abc import Sequence

from einsum_doc.derivatives import second_derivative, shared_gradient, tangent
from einsum_doc.equation import Equation, parse
from einsum_doc.errors import EquationError
from einsum_doc.notation.deriving import reasons
from einsum_doc.notation.deriving.definition import Definition
from einsum_doc.notation.deriving.derivation import Derivation
from einsum_doc.notation.deriving.letters import GREEK_LETTERS, NAMES, accented
from einsum_doc.notation.deriving.rules import Factors, product, total
from einsum_doc.notation.deriving.steps import Steps
from einsum_doc.notation.expression import Delta, Expression, One, Partial, Tensor
from einsum_doc.notation.writing.lowering import Mode


def derive(
    equation: Equation | str,
    wrt: int | None = None,
    *,
    names: Sequence[str] | None = None,
    output: str | None = None,
    complex: bool = False,
    loss: str | None = None,
    mode: Mode = "gradient",
    wrt2: int | None = None,
) -> Derivation:
    """Derive the gradient of operand `wrt`, one delta a line.

    >>> derivation = derive("ij,jk->ik", wrt=0)
    >>> print(derivation.equation, "|", derivation.steps[-1].right)
    ik,jk->ij | ∂l/∂z_{ik} y_{jk}
    >>> print(derivation.sentence)
    The gradient of x is the upstream gradient times y, summed over k.

    names: of the operands, in LaTeX. A name that stands twice is one tensor in several slots, and what is
    derived is the gradient of that tensor. The names that are not given are x, y, w, ..., z for the output and
    l for the loss, each unless a label has that letter.
    complex: the operands are complex, and the gradient is torch's: the other operands are conjugated.
    mode: "gradient"; "tangent", how the output moves with operand `wrt`, or with all if it is None; "second",
    the derivative by operand `wrt2` of the gradient of operand `wrt`, with the upstream gradient held fixed and
    its deltas kept.
    Raises: EquationError, if the text is no equation, or there are not letters enough to write it with;
    OperandError, if there is no such operand, or the names do not fit the operands.
    Source: docs/posts/einsum.md.
    """
    definition = Definition(parse(equation), names, output, loss)
    steps = Steps(definition)
    by: tuple[int, ...]
    match mode:
        case "gradient":
            by = (definition.operand(wrt),)
            _gradient(steps, *by, complex)
        case "tangent":
            by = () if wrt is None else (definition.operand(wrt),)
            _tangent(steps, *by or (None,))
        case "second":
            if complex:
                raise EquationError("the second derivative is derived for real operands", text=definition.equation.text)
            by = (definition.operand(wrt), definition.other_operand(wrt, wrt2))
            _second(steps, *by)
        case _:
            raise ValueError(f"there is no mode {mode!r}: gradient, tangent, second")
    return Derivation(
        definition.equation,
        mode,
        by,
        tuple(steps.written),
        steps.summands,
        definition.names,
        definition.output,
        definition.loss,
        complex,
        dict(definition.subscripts),
    )


def _gradient(steps: Steps, wrt: int, complex: bool) -> None:
    """Derive the gradient of the tensor that is operand `wrt`."""
    given = steps.definition
    name = given.names[wrt]
    slots = given.slots(name)
    by = Tensor(name, given.primed_indices(wrt))
    left = Partial(Tensor(given.loss), by)
    terms = [[given.upstream, *term] for term in steps.differentiate(slots, by)]
    if complex and len(given.names) > 1:
        given.check_accents("bar", given.names, "a conjugate")
        terms = [list(map(_conjugate, term)) for term in terms]
        real = any(isinstance(factor, Delta | One) for term in terms for factor in term)
        steps.write(left, total(terms), reasons.chain_rule_conjugated(given, wrt, real))
    else:
        steps.write(left, product([given.upstream, Partial(given.z, by)]), reasons.chain_rule(given))
        steps.write(None, total(terms), reasons.substitution())
    several = f"${name}$ has {{index}} more than once, and off that diagonal its gradient is zero"
    if len(slots) > 1:
        several = f"in this place ${name}$ has {{index}} more than once"
    steps.eliminate(terms, frozenset(by.indices), several)
    steps.finish(left, terms, "gradient equation", shared_gradient(given.equation, slots), complex)


def _conjugate(factor: Expression) -> Expression:
    return Tensor(accented("bar", factor.name), factor.indices) if isinstance(factor, Tensor) else factor


def _tangent(steps: Steps, wrt: int | None) -> None:
    """Derive how the output moves with one tensor, or with all."""
    given = steps.definition
    moving = [given.names[wrt]] if wrt is not None else list(dict.fromkeys(given.names))
    left = Tensor(accented("dot", given.output), given.z.indices)
    given.check_accents("dot", [*moving, given.output], "a tangent")
    derivatives: list[Factors] = []
    terms: list[list[Expression]] = []
    slots = {name: given.slots(name) for name in moving}
    for name in moving:
        by = Tensor(name, given.primed_indices(slots[name][0]))
        moved = Tensor(accented("dot", name), by.indices)
        steps.differentiate(slots[name], by)
        derivatives.append([Partial(given.z, by), moved])
        terms += [given.factors({slot: [*given.deltas_in(slot, by), moved]}) for slot in slots[name]]
    steps.write(left, total(derivatives), reasons.chain_rule_for_tangents(given, moving))
    steps.write(None, total(terms), reasons.substitution(len(moving)))
    steps.eliminate(terms, frozenset(given.z.indices), "both its indices are on the left")
    everything = tangent(given.equation)
    steps.finish(left, terms, "tangent equation", tuple(everything[slot] for name in moving for slot in slots[name]))


def _second(steps: Steps, wrt: int, wrt2: int) -> None:
    """Derive the derivative by one operand of the gradient of another, at a fixed upstream gradient."""
    given = steps.definition
    first, second = given.names[wrt], given.names[wrt2]
    pairs = [(one, other) for one in given.slots(first) for other in given.slots(second) if one != other]
    indices = given.primed_indices(wrt, wrt2)
    rank = len(given.terms[wrt])
    by, by2 = Tensor(first, indices[:rank]), Tensor(second, indices[rank:])
    steps.differentiate(given.slots(first), by)
    terms = [given.factors({one: given.deltas_in(one, by), other: given.deltas_in(other, by2)}) for one, other in pairs]
    twice = Partial(Partial(given.z, by), by2)
    steps.write(twice, total(terms), reasons.deltas_as_well(by2) if terms else reasons.linearity(given, first))
    name = given.letters.first_of("hgqmnu", NAMES, GREEK_LETTERS)
    left = Tensor(name, indices)
    steps.write(left, product([given.upstream, twice]), reasons.chain_rule_held(name))
    terms = [[given.upstream, *term] for term in terms]
    steps.write(None, total(terms), reasons.substitution())
    steps.eliminate(terms, frozenset(indices), "where its indices differ, the second derivative is zero")
    summands = tuple(summand for pair in pairs for summand in second_derivative(given.equation, *pair))
    steps.finish(left, terms, "second derivative equation", summands)
