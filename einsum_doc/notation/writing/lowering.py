"""The einsums of a derivative -> the code with which torch runs them, and a description of both in words."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from einsum_doc.derivatives import Summand
from einsum_doc.equation import ELLIPSIS, Equation, Term
from einsum_doc.notation.expression import identifier
from einsum_doc.notation.writing.words import capitalized, listed, times

Mode: TypeAlias = Literal["gradient", "tangent", "second"]


@dataclass(frozen=True)
class Lowering:
    """The code of a closed einsum for torch, which can neither broadcast along a new label nor write a diagonal.

    equation: the equation that was differentiated, by the operands `wrt`.
    names, output, loss: of the tensors, in LaTeX.
    multiples: the einsums that are added up, each with its count.

    Mathematics in `words` and `sentence` stands between dollars, in LaTeX, as in the reason of a step.
    """

    equation: Equation
    mode: Mode
    wrt: tuple[int, ...]
    names: tuple[str, ...]
    output: str
    loss: str
    complex: bool
    multiples: tuple[tuple[int, Summand], ...]

    # -- names

    @cached_property
    def _letters(self) -> dict[str, str]:
        return in_ascii(self.equation.labels)[0]

    @property
    def _conjugates(self) -> bool:
        return self.complex and self.mode == "gradient"

    def _spoken(self, argument: str) -> str:
        """Return the tensor in a slot, in words."""
        if argument == "dldz":
            return "the upstream gradient"
        number = int(argument.lstrip("dx"))
        name = _maths(self.names[number])
        if argument.startswith("d"):
            return f"the tangent of {name}"
        return f"the conjugate of {name}" if self._conjugates else name

    def variable(self, argument: str) -> str:
        """Return the variable of the tensor in a slot, with its conjugate where the gradient has that."""
        if argument == "dldz":
            return f"d{self._loss_variable}d{identifier(self.output)}"
        name = identifier(self.names[int(argument.lstrip("dx"))])
        if argument.startswith("d"):
            return f"d{name}"
        return f"{name}.conj()" if self._conjugates else name

    @property
    def _loss_variable(self) -> str:
        found = identifier(self.loss)
        return found if len(found) == 1 else "l"

    @property
    def target(self) -> tuple[str, str]:
        """The variable that is computed, and its shape."""
        by = [identifier(self.names[number]) for number in self.wrt]
        match self.mode:
            case "gradient":
                return f"d{self._loss_variable}d{by[0]}", f"{by[0]}.shape"
            case "tangent":
                return f"d{identifier(self.output)}", f"{identifier(self.output)}.shape"
            case "second":
                return f"d2{self._loss_variable}d{by[0]}d{by[1]}", f"(*{by[0]}.shape, *{by[1]}.shape)"

    # -- words

    @property
    def subject(self) -> str:
        """The derivative that is computed: 'the gradient of $x$'."""
        by = [_maths(self.names[number]) for number in self.wrt]
        match self.mode:
            case "gradient":
                return f"the gradient of {by[0]}"
            case "tangent":
                return f"the tangent of {_maths(self.output)}"
            case "second":
                return f"the second derivative by {by[0]} and {by[1]}"

    @cached_property
    def sentence(self) -> str:
        """The result in words."""
        what, said = self.subject, [self._said(*multiple) for multiple in self.multiples]
        if not said:
            return f"{capitalized(what)} is zero."
        if len(said) > 1:
            parts = "; plus ".join(f"{each}{what}" if each else what for each, what in said)
            return f"{capitalized(what)} is a sum: {parts}."
        [(each, said_what)] = said
        return capitalized(f"{each}{what} is {said_what}.")

    def _said(self, count: int, summand: Summand) -> tuple[str, str]:
        """Return the labels that an einsum is computed for one by one, and the einsum, in words."""
        equation = summand.equation
        terms = [*equation.operands, equation.output]
        batch = [label for label in equation.labels if all(term.count(label) == 1 for term in terms)]
        if len(terms) == 2 and len(batch) == len(equation.labels):
            batch = []
        places = ["place under the ellipsis" if label == ELLIPSIS else _maths(label) for label in batch]
        each = f"for each {listed(places)}, " if batch else ""
        slots = zip(equation.operands, map(self._spoken, summand.arguments), strict=True)
        text = " times ".join(f"the diagonal of {what}" if len(set(term)) < len(term) else what for term, what in slots)
        summed = [label for label in equation.labels if label not in equation.output]
        if len(equation.operands) == 1 and _core(equation) != equation.operands[0] and not summed:
            once = dict.fromkeys(equation.operands[0])
            text += "" if _core(equation) == tuple(once) else " with its axes in another order"
        if summed:
            text += f", summed over {listed(map(_label, summed))}"
        repeated = _repeated(equation)
        alone = [label for label in _alone(equation) if label not in repeated]
        if alone:
            text += f", repeated along {listed(map(_label, alone))}"
        if repeated:
            diagonal = "the diagonal" if len(repeated) == 1 else "the diagonals"
            text += f", written on {diagonal} of {listed(map(_label, repeated))}, with zeros elsewhere"
        return each, text if count == 1 else f"{times(count)} {text}"

    @cached_property
    def words(self) -> str:
        """The three moves, as far as they are needed: contract, expand, write the diagonal."""
        moves = [self._moves(*multiple) for multiple in self.multiples]
        if not moves:
            return "There is nothing to compute."
        first, *others = moves
        if others == [first] * len(others) and others:
            return f"For each term {first}; then add them up."
        added = [f"add to it{' ' if move.startswith('one ') else ': '}{move}" for move in others]
        return " ".join(f"{capitalized(text)}." for text in [first, *added])

    def _moves(self, count: int, summand: Summand) -> str:
        equation = summand.equation
        alone, repeated = _alone(equation), _repeated(equation)
        core = Equation(equation.operands, _core(equation))
        what = self._spoken(summand.arguments[0])
        moves = []
        if len(equation.operands) > 1 or core.output != equation.operands[0]:
            moves.append(f"contract by {core}" if alone or repeated else f"one torch.einsum: {core}")
            what = "it"
        if alone:
            moves.append(f"expand {what} along {listed(map(_label, alone))}")
            what = "it"
        if repeated:
            moves.append(f"write {what} on the diagonal of {listed(map(_label, repeated))}")
        return (", then ".join(moves) or f"{what} as it is") + (f", taken {times(count)}" if count > 1 else "")

    # -- code

    @cached_property
    def code(self) -> str:
        """The code for torch, for operands of one dtype whose sizes are equal where their labels are."""
        if not self.multiples:
            target, shape = self.target
            return f"{target} = {identifier(self.names[0])}.new_zeros({shape})"
        lines: list[str] = []
        foreign = [label for label, letter in self._letters.items() if letter not in ("", label)]
        if foreign:
            are = "is" if len(foreign) == 1 else "are"
            written = listed(self._letters[label] for label in foreign)
            lines.append(f"# torch knows the letters A to Z alone: {listed(foreign)} {are} {written}")
        for number, multiple in enumerate(self.multiples):
            lines += self._summand(*multiple, number)
        return "\n".join(lines)

    def _summand(self, count: int, summand: Summand, number: int) -> list[str]:
        """Return the lines that compute one einsum, or a multiple of it, into the target or onto it."""
        target, shape = self.target
        arguments = list(map(self.variable, summand.arguments))
        first = arguments[0]
        if count > 1:
            arguments[0] = f"{count} * {first}"
        sign = "=" if number == 0 else "+="
        if not all(self._letters.values()):
            equation = summand.equation
            call = f'einsum_doc.einsum("{equation}", {", ".join(arguments)}'
            sizes = _sizes(equation, shape)
            return [f"{target} {sign} {call}{f', sizes={{{sizes}}}' if sizes else ''})  # torch has 52 letters"]
        equation = self._renamed(summand.equation)
        core, alone, repeated = _core(equation), _alone(equation), _repeated(equation)
        axes = _index(equation.output, core, shape)
        if len(arguments) > 1 or core != equation.operands[0]:
            text = ",".join(map("".join, equation.operands)) + "->" + "".join(core)
            value = f'torch.einsum("{text}", {", ".join(arguments)})'
        elif count > 1:
            value = f"({arguments[0]})" if axes or (alone and not repeated) else arguments[0]
        else:
            value = first if alone or repeated else f"{first}.clone()"
        if not repeated:
            if alone:
                value += f"{axes}.expand({shape})"
            several = number == 0 and len(self.multiples) > 1 and alone
            return [f"{target} {sign} {value}{'.clone()' if several else ''}"]
        unique = "".join(dict.fromkeys(equation.output))
        view = f'torch.einsum("{"".join(equation.output)}->{unique}", {target})'
        lines = [] if number else [f"{target} = {first.removesuffix('.conj()')}.new_zeros({shape})"]
        return [*lines, f"{view}.{'add_' if number else 'copy_'}({value}{axes})"]

    def _renamed(self, equation: Equation) -> Equation:
        return Equation(
            tuple(tuple(self._letters[label] for label in term) for term in equation.operands),
            tuple(self._letters[label] for label in equation.output),
        )


def _index(output: Term, core: Term, shape: str) -> str:
    """Return the subscript that gives the core an axis of size 1 for each label that it lacks."""
    labels = list(dict.fromkeys(output))
    while labels and labels[0] not in core:
        labels.pop(0)
    if all(label in core for label in labels):
        return ""
    parts = []
    for label in labels:
        if label == ELLIPSIS:
            parts.append("..." if label in core else f"*[None] * (len({shape}) - {len(output) - 1})")
        else:
            parts.append(":" if label in core else "None")
    if any(part.startswith("*") for part in parts):
        parts = ["slice(None)" if part == ":" else part for part in parts]
    return f"[{', '.join(parts)}]"


def _sizes(equation: Equation, shape: str) -> str:
    return ", ".join(
        f'"{label}": {shape}[{equation.output.index(label)}]' for label in _alone(equation) if label != ELLIPSIS
    )


def _core(equation: Equation) -> Term:
    """Return the labels of the output that an operand has, each once."""
    held = {label for term in equation.operands for label in term}
    return tuple(label for label in dict.fromkeys(equation.output) if label in held)


def _alone(equation: Equation) -> list[str]:
    """Return the labels that are only in the output."""
    core = _core(equation)
    return [label for label in dict.fromkeys(equation.output) if label not in core]


def _repeated(equation: Equation) -> list[str]:
    """Return the labels that are in the output more than once."""
    return [label for label in dict.fromkeys(equation.output) if equation.output.count(label) > 1]


def _maths(name: str) -> str:
    return f"${name}$"


def _label(label: str) -> str:
    return "the axes under the ellipsis" if label == ELLIPSIS else _maths(label)


def in_ascii(labels: Sequence[str]) -> tuple[dict[str, str], Iterator[str]]:
    """Return each label as an ASCII letter, or as "" where these are too few, and the letters that are left."""
    spare = (letter for letter in string.ascii_letters if letter not in labels)
    return {label: label if label.isascii() else next(spare, "") for label in labels}, spare
