"""Derivation -> how torch is made to run its last line, and the last line read aloud."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from einsum_doc.derivatives import Summand
from einsum_doc.equation import ELLIPSIS, Equation, Term
from einsum_doc.notation.deriving.board import times
from einsum_doc.notation.expression import ACCENTS

if TYPE_CHECKING:
    from einsum_doc.notation.deriving.derive import Derivation

_ASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Lowering:
    """How torch, which can neither broadcast along a new label nor write a diagonal, runs a closed einsum.

    words: the three moves, as far as they are needed: contract, expand, write the diagonal.
    code: the same in torch, for operands of one dtype whose sizes are equal where their labels are.
    sentence: the result in words.

    Mathematics in words and sentence stands between dollars, in LaTeX, as in the reason of a step.
    """

    words: str
    code: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.words}\n\n{self.code}"


def lowering(derivation: Derivation) -> Lowering:
    """How torch runs the last line of a derivation."""
    found = _Program(derivation)
    return Lowering(found.words(), found.code(), found.sentence())


def identifier(name: str) -> str:
    r"""A name in LaTeX, as Python can spell it.

    >>> identifier("x"), identifier(r"\mathbf{x}"), identifier(r"\hat{x}'"), identifier(r"\lambda")
    ('x', 'x', 'x_hat_prime', 'lambda_')
    """
    bare = name.rstrip("'")
    primes = "_prime" * (len(name) - len(bare))
    if bare.endswith("}"):
        command, _, inner = bare[1:-1].partition("{")
        found = identifier(inner) + (f"_{command}" if command in ACCENTS else "")
    else:
        found = bare.removeprefix("\\")
    found += primes
    return found + "_" if keyword.iskeyword(found) else found


def words(items: Iterable[str]) -> str:
    """A list in words: 'i, j and k'."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


class _Program:
    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        self.names = derivation.names
        self.complex = derivation.complex and derivation.mode == "gradient"
        self.letters = _in_ascii(derivation.differentiated.labels)

    # -- names

    def spoken(self, argument: str) -> str:
        """What stands in a slot, in words."""
        if argument == "dldz":
            return "the upstream gradient"
        number = int(argument.lstrip("dx"))
        name = _maths(self.names[number])
        if argument.startswith("d"):
            return f"the tangent of {name}"
        return f"the conjugate of {name}" if self.complex else name

    def variable(self, argument: str) -> str:
        if argument == "dldz":
            return f"d{self.loss}d{identifier(self.derivation.output)}"
        name = identifier(self.names[int(argument.lstrip("dx"))])
        if argument.startswith("d"):
            return f"d{name}"
        return f"{name}.conj()" if self.complex else name

    @property
    def loss(self) -> str:
        found = identifier(self.derivation.loss)
        return found if len(found) == 1 else "l"

    @property
    def target(self) -> str:
        """The variable that is computed."""
        by = [identifier(self.names[number]) for number in self.derivation.wrt]
        match self.derivation.mode:
            case "gradient":
                return f"d{self.loss}d{by[0]}"
            case "tangent":
                return f"d{identifier(self.derivation.output)}"
            case "second":
                return f"d2{self.loss}d{by[0]}d{by[1]}"

    @property
    def shape(self) -> str:
        """The shape of what is computed."""
        by = [identifier(self.names[number]) for number in self.derivation.wrt]
        match self.derivation.mode:
            case "gradient":
                return f"{by[0]}.shape"
            case "tangent":
                return f"{identifier(self.derivation.output)}.shape"
            case "second":
                return f"(*{by[0]}.shape, *{by[1]}.shape)"

    # -- words

    def sentence(self) -> str:
        said = [self._said(*multiple) for multiple in self.derivation.multiples]
        by = [_maths(self.names[number]) for number in self.derivation.wrt]
        match self.derivation.mode:
            case "gradient":
                what = f"the gradient of {by[0]}"
            case "tangent":
                what = f"the tangent of {_maths(self.derivation.output)}"
            case "second":
                what = f"the second derivative by {by[0]} and {by[1]}"
        if not said:
            return f"{what[0].upper()}{what[1:]} is zero."
        if len(said) > 1:
            parts = "; plus ".join(f"{each}{what}" if each else what for each, what in said)
            return f"{what[0].upper()}{what[1:]} is a sum: {parts}."
        each, said_what = said[0]
        text = f"{each}{what} is {said_what}."
        return text[0].upper() + text[1:]

    def _said(self, count: int, summand: Summand) -> tuple[str, str]:
        """For which labels, and what is computed, and how often it is added."""
        equation = summand.equation
        terms = [*equation.operands, equation.output]
        batch = [label for label in equation.labels if all(term.count(label) == 1 for term in terms)]
        if len(terms) == 2 and len(batch) == len(equation.labels):
            batch = []
        places = ["place under the ellipsis" if label == ELLIPSIS else _maths(label) for label in batch]
        each = f"for each {words(places)}, " if batch else ""
        slots = zip(equation.operands, map(self.spoken, summand.arguments), strict=True)
        text = " times ".join(f"the diagonal of {what}" if len(set(term)) < len(term) else what for term, what in slots)
        summed = [label for label in equation.labels if label not in equation.output]
        if len(equation.operands) == 1 and _core(equation) != equation.operands[0] and not summed:
            once = dict.fromkeys(equation.operands[0])
            text += "" if _core(equation) == tuple(once) else " with its axes in another order"
        if summed:
            text += f", summed over {words(map(_label, summed))}"
        repeated = _repeated(equation)
        alone = [label for label in _alone(equation) if label not in repeated]
        if alone:
            text += f", repeated along {words(map(_label, alone))}"
        if repeated:
            diagonal = "the diagonal" if len(repeated) == 1 else "the diagonals"
            text += f", written on {diagonal} of {words(map(_label, repeated))}, with zeros elsewhere"
        return each, text if count == 1 else f"{times(count)} {text}"

    def words(self) -> str:
        moves = [self._moves(*multiple) for multiple in self.derivation.multiples]
        if not moves:
            return "There is nothing to compute."
        first, *others = moves
        if others == [first] * len(others) and others:
            return f"For each term {first}; then add them up."
        added = [f"add to it{' ' if move.startswith('one ') else ': '}{move}" for move in others]
        return " ".join(f"{text[0].upper()}{text[1:]}." for text in [first, *added])

    def _moves(self, count: int, summand: Summand) -> str:
        equation = summand.equation
        alone, repeated = _alone(equation), _repeated(equation)
        core = Equation(equation.operands, _core(equation))
        what = self.spoken(summand.arguments[0])
        moves = []
        if len(equation.operands) > 1 or core.output != equation.operands[0]:
            moves.append(f"contract by {core}" if alone or repeated else f"one torch.einsum: {core}")
            what = "it"
        if alone:
            moves.append(f"expand {what} along {words(map(_label, alone))}")
            what = "it"
        if repeated:
            moves.append(f"write {what} on the diagonal of {words(map(_label, repeated))}")
        return (", then ".join(moves) or f"{what} as it is") + (f", taken {times(count)}" if count > 1 else "")

    # -- code

    def code(self) -> str:
        if not self.derivation.summands:
            first = identifier(self.names[0])
            return f"{self.target} = {first}.new_zeros({self.shape})"
        lines: list[str] = []
        foreign = [label for label, letter in self.letters.items() if letter not in ("", label)]
        if foreign:
            are = "is" if len(foreign) == 1 else "are"
            written = words(self.letters[label] for label in foreign)
            lines.append(f"# torch knows the letters A to Z alone: {words(foreign)} {are} {written}")
        for number, multiple in enumerate(self.derivation.multiples):
            lines += self._summand(*multiple, number)
        return "\n".join(lines)

    def _summand(self, count: int, summand: Summand, number: int) -> list[str]:
        """The lines that compute one einsum, or a multiple of it, into the target or onto it."""
        arguments = list(map(self.variable, summand.arguments))
        first = arguments[0]
        if count > 1:
            arguments[0] = f"{count} * {first}"
        sign = "=" if number == 0 else "+="
        if not all(self.letters.values()):
            equation = summand.equation
            call = f'einsum_doc.einsum("{equation}", {", ".join(arguments)}'
            sizes = self._sizes(equation)
            return [f"{self.target} {sign} {call}{f', sizes={{{sizes}}}' if sizes else ''})  # torch has 52 letters"]
        equation = self._in_ascii(summand.equation)
        core, alone, repeated = _core(equation), _alone(equation), _repeated(equation)
        axes = self._index(equation.output, core)
        if len(arguments) > 1 or core != equation.operands[0]:
            text = ",".join(map("".join, equation.operands)) + "->" + "".join(core)
            value = f'torch.einsum("{text}", {", ".join(arguments)})'
        elif count > 1:
            value = f"({arguments[0]})" if axes or (alone and not repeated) else arguments[0]
        else:
            value = first if alone or repeated else f"{first}.clone()"
        if not repeated:
            if alone:
                value += f"{axes}.expand({self.shape})"
            several = number == 0 and len(self.derivation.multiples) > 1 and alone
            return [f"{self.target} {sign} {value}{'.clone()' if several else ''}"]
        unique = "".join(dict.fromkeys(equation.output))
        view = f'torch.einsum("{"".join(equation.output)}->{unique}", {self.target})'
        lines = [] if number else [f"{self.target} = {first.removesuffix('.conj()')}.new_zeros({self.shape})"]
        return [*lines, f"{view}.{'add_' if number else 'copy_'}({value}{axes})"]

    def _index(self, output: Sequence[str], core: Sequence[str]) -> str:
        """The subscript that gives the core an axis of size 1 for each label that it lacks."""
        labels = list(dict.fromkeys(output))
        while labels and labels[0] not in core:
            labels.pop(0)
        if all(label in core for label in labels):
            return ""
        parts = []
        for label in labels:
            if label == ELLIPSIS:
                parts.append("..." if label in core else f"*[None] * (len({self.shape}) - {len(output) - 1})")
            else:
                parts.append(":" if label in core else "None")
        if any(part.startswith("*") for part in parts):
            parts = ["slice(None)" if part == ":" else part for part in parts]
        return f"[{', '.join(parts)}]"

    def _in_ascii(self, equation: Equation) -> Equation:
        return Equation(
            tuple(tuple(self.letters[label] for label in term) for term in equation.operands),
            tuple(self.letters[label] for label in equation.output),
        )

    def _sizes(self, equation: Equation) -> str:
        return ", ".join(
            f'"{label}": {self.shape}[{equation.output.index(label)}]'
            for label in _alone(equation)
            if label != ELLIPSIS
        )


def _core(equation: Equation) -> Term:
    """The labels of the output that an operand has, each once."""
    held = {label for term in equation.operands for label in term}
    return tuple(label for label in dict.fromkeys(equation.output) if label in held)


def _alone(equation: Equation) -> list[str]:
    """The labels that are only in the output."""
    core = _core(equation)
    return [label for label in dict.fromkeys(equation.output) if label not in core]


def _repeated(equation: Equation) -> list[str]:
    """The labels that are in the output more than once."""
    return [label for label in dict.fromkeys(equation.output) if equation.output.count(label) > 1]


def _maths(name: str) -> str:
    return f"${name}$"


def _label(label: str) -> str:
    return "the axes under the ellipsis" if label == ELLIPSIS else _maths(label)


def _in_ascii(labels: Sequence[str]) -> dict[str, str]:
    """Each label in a letter that torch knows; in none, if they are too few."""
    spare = (letter for letter in _ASCII if letter not in labels)
    return {label: label if label.isascii() else next(spare, "") for label in labels}
