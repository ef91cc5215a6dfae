"""Derivation: the derivative of an einsum as steps, with the einsums of the last one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from einsum_doc.derivatives import Summand
from einsum_doc.equation import Equation
from einsum_doc.errors import EquationError
from einsum_doc.notation.deriving.letters import accented
from einsum_doc.notation.expression import Subscript, Tensor, identifier
from einsum_doc.notation.step import Step
from einsum_doc.notation.writing.html import derivation_html, row_html
from einsum_doc.notation.writing.latex import latex, latex_relation, latex_rows
from einsum_doc.notation.writing.lowering import Lowering, Mode
from einsum_doc.notation.writing.text import rows, spoken, wrapped


@dataclass(frozen=True)
class Derivation:
    """A derivative of an einsum, line by line. `str()` is its text for a terminal.

    >>> from einsum_doc import derive
    >>> print(derive("->", wrt=0))
    ->: the gradient of x is ->
    <BLANKLINE>
     1  z     = x             Definition.
     2  ∂z/∂x = ∂x/∂x         Put in the definition of z.
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
    summands: the einsums that the last line with indices adds up, each with the tensors in its slots.
    multiples: the same, equal terms only once, each with the number of times that it is there.
    names: of the operands; a name that stands twice is one tensor in several slots.
    letters: the subscript of each label in the lines.
    """

    differentiated: Equation
    mode: Mode
    wrt: tuple[int, ...]
    steps: tuple[Step, ...]
    summands: tuple[Summand, ...]
    multiples: tuple[tuple[int, Summand], ...]
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
    def directives(self) -> tuple[str, ...]:
        """The `let` directives without which the lines cannot be checked, as comments, which MathJax does not show."""
        if not self.complex:
            return ()
        used = {part.name for step in self.steps for part in step.right.walk() if isinstance(part, Tensor)}
        said = []
        for name in dict.fromkeys(self.names):
            one, other = accented("bar", name), name
            if one not in used:
                continue
            if name == self.names[self.wrt[0]]:
                # The arbitrary l is a function of all that is computed from x, which must not include its conjugate.
                one, other = other, one
            said.append(f"% let {one} = {identifier(other)}.conj()")
        return tuple(said)

    def latex(self) -> str:
        """Return the lines of a `derivation` fence: one row for each step."""
        return "\n".join([*self.directives, latex_rows(self.steps)])

    def text(self, width: int = 120) -> str:
        """Return the derivation as a terminal shows it."""
        lines = [self.heading, "", *rows(self.steps, width), ""]
        for sentence in (self.sentence, spoken(self.lowering.words)):
            lines += [*wrapped(sentence, width), ""]
        return "\n".join([*lines, *(f"    {line}" for line in self.lowering.code.splitlines())])

    @cached_property
    def lowering(self) -> Lowering:
        """The last line in words, and the way torch runs it, in words and in code."""
        tensors = self.names, self.output, self.loss
        return Lowering(self.differentiated, self.mode, self.wrt, *tensors, self.complex, self.multiples)

    @property
    def heading(self) -> str:
        """The name of the derivative, and its equations."""
        found = " + ".join(f"{count} × " * (count > 1) + str(it.equation) for count, it in self.multiples)
        return f"{self.differentiated}: {spoken(self.lowering.subject)} is {found or 0}"

    @property
    def sentence(self) -> str:
        """The last line, read aloud."""
        return spoken(self.lowering.sentence)

    def markdown(self) -> str:
        """Return Markdown for a page: a heading, the fence with the lines, the last line in words, and its code."""
        lowered = self.lowering
        fence = f"```derivation\n% new\n{self.latex()}\n```"
        code = f"```python\n{lowered.code}\n```"
        return "\n\n".join([f"### {self.heading}", fence, lowered.sentence, lowered.words, code])

    def facts(self) -> dict[str, Any]:
        """Return the whole derivation as values that JSON can hold."""
        return {
            "equation": str(self.differentiated),
            "mode": self.mode,
            "wrt": list(self.wrt),
            "names": list(self.names),
            "output": self.output,
            "loss": self.loss,
            "complex": self.complex,
            "letters": {label: str(index) for label, index in self.letters.items()},
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
        return derivation_html(row_html(latex_relation(step), step.reason) for step in self.steps)

    def __str__(self) -> str:
        return self.text()
