"""A derivation's text -> a CheckedLine for each of its relations, with the outcome of its check."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch

from einsum_doc.compute.checking.cases import Cases, Draws
from einsum_doc.compute.checking.claims import claim, definition
from einsum_doc.errors import ArgumentError, NotationError, sequence, shown, whole
from einsum_doc.notation.expression import plain
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.statements.checked import DEFINED, CheckedDerivation, CheckedLine, Verdict
from einsum_doc.notation.statements.statements import DerivationLine, Statements, read_statements, refusing_depth
from einsum_doc.notation.symbols.differentials import in_directions, unsaid
from einsum_doc.notation.symbols.table import ChainStatement, SymbolTable
from einsum_doc.notation.writing.words import listed


def verify(
    latex: str,
    *,
    let: Mapping[str, str | Callable[..., Any]] | None = None,
    size: Mapping[str, str | int] | None = None,
    fixed: str | Iterable[str] = (),
    no_sum: str | Iterable[str] = (),
    positive: str | Iterable[str] = (),
    local: bool | str | Iterable[str] = (),
    small: str | Iterable[str] = (),
    symmetric: str | Iterable[str] = (),
    positive_definite: str | Iterable[str] = (),
    interval: Mapping[str, tuple[float, float]] | None = None,
    sums_to_one: Mapping[str, str] | None = None,
    namespace: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> CheckedDerivation:
    r"""Check a derivation written by hand, line by line, and prove its lines for all sizes where that is possible.

    >>> print(verify(r"z_{ik} &= x_{ij} y_{jk} \\ \frac{\partial z_{ik}}{\partial x_{pq}} &= \delta_{ip} y_{qk}"))
      1  defined  z_{ik} = x_{ij} y_{jk}
      2  proved   ∂z_{ik}/∂x_{pq} = δ_{ip} y_{qk}

    let: tensors given by code, such as {"y": "torch.linalg.inv(x)"}; names in it that are neither tensors of
    the text nor torch's are looked up in `namespace`. size: {"i": "k"} makes two indices equally long,
    {"i": 3} says how long. fixed: constant indices. no_sum: indices that are never summed. positive, small,
    symmetric, positive_definite: inputs that are so. interval: {"p": (0, 1)} bounds the components of an input.
    sums_to_one: {"p": "i"} says over which index they sum to one. local: tensors whose derivatives are local;
    True for all. Each says the same as the directive of that name.
    Raises: NotationError, at the first formula that cannot be read or has no meaning.
    """
    if not isinstance(latex, str):
        raise ArgumentError(f"a derivation is text in LaTeX, not {shown(latex)}")
    mappings = {"let": let, "size": size, "interval": interval, "sums_to_one": sums_to_one, "namespace": namespace}
    for argument, value in mappings.items():
        if value is not None and not isinstance(value, Mapping):
            raise ArgumentError(f"{argument} is a dict, not {shown(value)}")
    page = Derivations(namespace, whole(seed, "seed is"))
    said: list[tuple[str, str]] = []
    for name, code in (let or {}).items():
        if callable(code):
            page.namespace[f"_let_{len(said)}"] = code
            try:
                parameters = inspect.signature(code).parameters
            except ValueError:
                raise ArgumentError(
                    f"the parameters of {shown(code)} are not known: give text, such as 'f(x)'"
                ) from None
            code = f"_let_{len(said)}({', '.join(parameters)})"
        said.append(("let", f"{name} = {code}"))
    for name, ends in (interval or {}).items():
        said.append(("interval", f"{name} = {' '.join(map(str, sequence(ends, 'interval', 'two numbers')))}"))
    said += [("size", f"{index} = {other}") for index, other in (size or {}).items()]
    said += [("sums to one", f"{name} over {index}") for name, index in (sums_to_one or {}).items()]
    about = {"fixed": fixed, "no sum": no_sum, "positive": positive, "small": small, "symmetric": symmetric}
    about |= {"positive definite": positive_definite, "local": [""] * local if isinstance(local, bool) else local}
    for word, names in about.items():
        each = names.split() if isinstance(names, str) else sequence(names, word, "names")
        said += [(word, str(name)) for name in each]
    return page.check(latex, [Directive(word, body, (0, 0)) for word, body in said])


class Derivations:
    """The derivations of one page: a definition in one of them holds in those after it.

    namespace: the values of names in `% let` that are no tensors. seed: the seed of all random numbers.
    """

    def __init__(self, namespace: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.namespace: dict[str, Any] = dict(namespace or {})
        self.seed = seed
        self.table = SymbolTable()

    def check(self, text: str, directives: Sequence[Directive] = ()) -> CheckedDerivation:
        """Check one derivation.

        Raises: NotationError; the page is then as it was before.
        """
        statements = read_statements(text, directives, self.table, self.namespace)
        lines = NumericCheck(statements, self.seed).lines()
        self.table = statements.table
        return CheckedDerivation(lines, statements.note)


class NumericCheck:
    """The numbers of one text, with random tensors of a seed.

    cases: of each of its statements so far.
    """

    def __init__(self, statements: Statements, seed: int) -> None:
        self.statements = statements
        self.draws = Draws(seed, statements.document.entries)
        self.cases: dict[ChainStatement, Cases] = {}

    def lines(self) -> tuple[CheckedLine, ...]:
        """Check each line in order.

        Raises: NotationError, if code does not fit the indices of its tensor.
        """
        # Numbers are drawn and compared on the CPU, with gradients, whatever settings of torch the page has changed.
        # `torch.device` runs Python at each call of torch, so it is entered only if the default is another device.
        here = nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu")
        with refusing_depth(self.statements.document.text), here, torch.enable_grad():
            return tuple(line.checked(self._verdict(line)) for line in self.statements.lines)

    def _verdict(self, line: DerivationLine) -> Verdict:
        """Return the verdict on a line; a claim that holds only if inputs are constant is refused with this remedy."""
        statement, number = line.statement, line.number
        if statement is None:
            return DEFINED
        if statement not in self.cases:
            self.cases[statement] = Cases(statement, self.draws)
        cases = self.cases[statement]
        if line.defines:
            return definition(cases)
        verdict = claim(cases, number)
        unmoved, table = statement.unmoved, statement.table
        names = [] if verdict.holds else unsaid(unmoved, table, statement.scope)
        if not names:
            return verdict
        try:
            sides = in_directions(unmoved, table, statement.scope, table.constant.union(names))
        except NotationError:
            return verdict
        if not claim(Cases(replace(statement, sides=sides), self.draws), number).holds:
            return verdict
        left, right = statement.sides[number : number + 2]
        are = f"{listed(map(plain, names))} {'is' if len(names) == 1 else 'are'} constant"
        message = f"refused: {left} = {right} holds only if {are}: write '% constant {' '.join(names)}'"
        return verdict._replace(message=message, details=())
