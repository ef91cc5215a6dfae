"""Equation -> Derivation: what a patient teacher writes on the board, one reason a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from einsum_doc.derivatives import Summand
from einsum_doc.equation import Equation, parse
from einsum_doc.errors import EquationError
from einsum_doc.notation.deriving.board import Board, alike
from einsum_doc.notation.deriving.board import Step as Step
from einsum_doc.notation.deriving.letters import accented
from einsum_doc.notation.deriving.lowering import Lowering, identifier, lowering
from einsum_doc.notation.expression import Product, Subscript, Sum, Tensor
from einsum_doc.notation.writing.html import row_html
from einsum_doc.notation.writing.latex import Mark, latex, latex_derivation, latex_relation, written
from einsum_doc.notation.writing.text import heading, spoken, text

Mode: TypeAlias = Literal["gradient", "tangent", "second"]


@dataclass(frozen=True)
class Derivation:
    """A derivative of an einsum, line by line. `str()` is its text for a terminal.

    >>> print(derive("->", wrt=0))
    ->: the gradient of x is ->
    <BLANKLINE>
     1  z     = x             Definition.
     2  ∂z/∂x = ∂x/∂x         Put in the definition.
     3        = 1             The derivative of the number x by itself is 1.
     4  ∂l/∂x = ∂l/∂z ∂z/∂x   Chain rule.
     5        = ∂l/∂z         Put in the derivative found above.
     6  ∂l/∂x = ∂l/∂z         This is the einsum ->.
    <BLANKLINE>
    The gradient of x is the upstream gradient.
    <BLANKLINE>
    The upstream gradient as it is.
    <BLANKLINE>
        dldx = dldz.clone()

    differentiated: the equation that was differentiated.
    steps: the lines, each with the rule that made it.
    summands: the einsums that the last line says, in all their generality, and what stands in their slots.
    names: of the operands; a name that stands twice is one tensor in several slots.
    letters: how each label is written in the lines.
    """

    differentiated: Equation
    mode: Mode
    wrt: tuple[int, ...]
    steps: tuple[Step, ...]
    summands: tuple[Summand, ...]
    names: tuple[str, ...]
    output: str
    loss: str
    complex: bool
    letters: Mapping[str, Subscript]

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The closed equations that are added up in the last line; none, if the derivative is zero."""
        return tuple(summand.equation for summand in self.summands)

    @property
    def equation(self) -> Equation:
        """The closed equation of the last line, equal to `gradient(equation, wrt)`.

        Raises: EquationError, if the last line adds several, or none: see `equations`.
        """
        if len(self.summands) != 1:
            number = "zero, the sum of no einsums" if not self.summands else f"the sum of {len(self.summands)} einsums"
            raise EquationError(f"this derivative is {number}", text=self.differentiated.text)
        return self.summands[0].equation

    @property
    def multiples(self) -> tuple[tuple[int, Summand], ...]:
        """The einsums of the last line, those that are the same term only once, each with how often it is there."""
        last = self.steps[-1].right
        terms = last.terms if isinstance(last, Sum) else (last,)
        factors = [term.factors if isinstance(term, Product) else (term,) for term in terms]
        return tuple((count, self.summands[number]) for count, number in alike(factors) if self.summands)

    @property
    def directives(self) -> tuple[str, ...]:
        """What the reader of the lines has to be told: comments, which MathJax does not show."""
        if not self.complex:
            return ()
        used = {part.name for step in self.steps for part in step.right.walk() if isinstance(part, Tensor)}
        said = []
        for name in dict.fromkeys(self.names):
            one, other = accented("bar", name), name
            if one not in used:
                continue
            if name == self.names[self.wrt[0]]:
                # What is computed from x is in the reach of l: of a conjugate of x, l is to know nothing.
                one, other = other, one
            said.append(f"% let {one} = {identifier(other)}.conj()")
        return tuple(said)

    def latex(self, mark: Mark = written) -> str:
        """The lines of a `derivation` fence; `mark` writes each index, say in its colour."""
        return latex_derivation(self, mark)

    @cached_property
    def lowering(self) -> Lowering:
        """How torch is made to run the last line, in words and in code, and the last line in words."""
        return lowering(self)

    @property
    def sentence(self) -> str:
        """The last line, read aloud."""
        return spoken(self.lowering.sentence)

    def markdown(self) -> str:
        """A part of a page: a heading, the fence with the lines, the last line read aloud, how torch runs it."""
        lowered = self.lowering
        fence = f"```derivation\n% new\n{self.latex()}\n```"
        code = f"```python\n{lowered.code}\n```"
        return "\n\n".join([f"### {heading(self)}", fence, lowered.sentence, lowered.words, code])

    def facts(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {
            "equation": str(self.differentiated),
            "mode": self.mode,
            "wrt": list(self.wrt),
            "names": list(self.names),
            "output": self.output,
            "loss": self.loss,
            "complex": self.complex,
            "letters": {label: str(place) for label, place in self.letters.items()},
            "steps": [
                {
                    "left": None if step.left is None else latex(step.left),
                    "right": latex(step.right),
                    "rule": step.rule,
                    "reason": step.reason,
                }
                for step in self.steps
            ],
            "equations": list(map(str, self.equations)),
            "arguments": [list(summand.arguments) for summand in self.summands],
            "sentence": self.sentence,
            "words": spoken(self.lowering.words),
            "code": self.lowering.code,
        }

    def _repr_html_(self) -> str:
        rows = " ".join(row_html(latex_relation(step), step.reason) for step in self.steps)
        return f'<div class="derivation">{rows}</div>'

    def __str__(self) -> str:
        return text(self)


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
    board = Board(parse(equation), names, output, loss)
    by: tuple[int, ...]
    match mode:
        case "gradient":
            by = (board.operand(wrt),)
            board.gradient(*by, complex)
        case "tangent":
            by = () if wrt is None else (board.operand(wrt),)
            board.tangent(*by or (None,))
        case "second":
            if complex:
                raise EquationError("the second derivative is derived for real operands", text=board.equation.text)
            by = (board.operand(wrt), board.other_operand(wrt, wrt2))
            board.second(*by)
        case _:
            raise ValueError(f"there is no mode {mode!r}: gradient, tangent, second")
    return Derivation(
        board.equation,
        mode,
        by,
        tuple(board.steps),
        board.summands,
        board.names,
        board.output,
        board.loss,
        complex,
        dict(board.place),
    )
