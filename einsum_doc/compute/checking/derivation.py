"""A derivation's text -> a CheckedLine for each of its relations, with the outcome of its check."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch

from einsum_doc.compute.checking.cases import Cases, Draws
from einsum_doc.compute.checking.claims import Judgement, Verdict, claim, definition
from einsum_doc.compute.checking.evaluation.code import let as given_by_code
from einsum_doc.compute.checking.evaluation.code import of_matrix
from einsum_doc.compute.checking.losses import add_loss
from einsum_doc.compute.checking.proofs import unfounded
from einsum_doc.compute.checking.symbols.differentials import in_directions, refuse_unlike, unsaid
from einsum_doc.compute.checking.symbols.directives import Directives
from einsum_doc.compute.checking.symbols.matrices import in_components, is_of_tensors, magnitudes
from einsum_doc.compute.checking.symbols.resolution import (
    define,
    is_definition,
    localised,
    name_tensors,
    register,
    resolved,
    sides_of,
)
from einsum_doc.compute.checking.symbols.table import Statement, SymbolTable
from einsum_doc.compute.checking.symbols.unification import equal_axes
from einsum_doc.compute.checking.symbols.vanishing import refuse_vanishing
from einsum_doc.errors import ArgumentError, NotationError, sequence, shown, whole
from einsum_doc.notation.expression import (
    Comparison,
    Expression,
    Function,
    Index,
    Partial,
    Piecewise,
    Tensor,
    plain,
    subscripts,
)
from einsum_doc.notation.functions import Applications, Definitions
from einsum_doc.notation.matrices.components import OfMatrix
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.parse import Chain, Document, in_order, parse_notation
from einsum_doc.notation.reading.vocabulary import FUNCTIONS
from einsum_doc.notation.sums.arithmetic import Arithmetic
from einsum_doc.notation.sums.scope import Scope
from einsum_doc.notation.writing.html import derivation_html, row_html, unescaped
from einsum_doc.notation.writing.text import spoken
from einsum_doc.notation.writing.words import listed


@dataclass(frozen=True)
class CheckedLine:
    r"""One relation of a derivation, and the verdict on it.

    line: the line of the text where it starts, from 0. row: the row it is in; rows end with `\\`.
    latex: the relation for MathJax, without `\\`, comments and reason; those of one row, put together, are
    the row. text: the same as plain text. reason: the author's, from a `\tag` or a trailing `\text`.
    kind: "definition" or "claim". verdict: "proved" for all sizes, "held" on random tensors, "false" or "defined".
    message: of a false claim, one line. details: both values at the worst component, the sizes, and the reason if
    shapes differ. checked: the check, in words. step: of a proved line, the rules by which one side becomes the other.
    """

    line: int
    latex: str
    reason: str
    kind: str
    verdict: Judgement
    message: str
    details: tuple[str, ...]
    checked: str
    step: str = ""
    row: int = 0
    text: str = ""

    @property
    def holds(self) -> bool:
        """True unless it is false."""
        return self.verdict != "false"


@dataclass(frozen=True)
class CheckedDerivation:
    """The lines of a derivation: true if every claim holds; `str()` is a small table.

    note: the derivatives that are local, for the reader; empty if there are none.
    """

    lines: tuple[CheckedLine, ...]
    note: str = ""

    def __bool__(self) -> bool:
        return all(line.holds for line in self.lines)

    def _repr_html_(self) -> str:
        rows = (row_html(line.latex, line.reason, line.verdict, line.checked) for line in self.lines)
        return derivation_html(rows, self.note)

    def __str__(self) -> str:
        rows = [spoken(self.note)] if self.note else []
        for number, line in enumerate(self.lines, 1):
            verdict = {"held": "holds", "false": "FALSE"}.get(line.verdict, line.verdict)
            reason = f"   ({unescaped(line.reason)})" if line.reason else ""
            rows.append(f"{number:>3}  {verdict:<7}  {line.text}{reason}")
            if not line.holds:
                rows += [f"       {part}" for part in (line.message, *line.details)]
        return "\n".join(rows)


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
    words: list[Directive] = []
    for name, code in (let or {}).items():
        if callable(code):
            page.namespace[f"_let_{len(words)}"] = code
            try:
                parameters = inspect.signature(code).parameters
            except ValueError:
                raise ArgumentError(
                    f"the parameters of {shown(code)} are not known: give text, such as 'f(x)'"
                ) from None
            code = f"_let_{len(words)}({', '.join(parameters)})"
        words.append(Directive("let", f"{name} = {code}", (0, 0)))
    for name, ends in (interval or {}).items():
        listed = map(str, sequence(ends, "interval", "two numbers"))
        words.append(Directive("interval", f"{name} = {' '.join(listed)}", (0, 0)))
    words += [Directive("size", f"{index} = {other}", (0, 0)) for index, other in (size or {}).items()]
    words += [Directive("sums to one", f"{name} over {index}", (0, 0)) for name, index in (sums_to_one or {}).items()]
    words += _about("fixed", fixed) + _about("no sum", no_sum) + _about("positive", positive) + _about("small", small)
    words += _about("symmetric", symmetric) + _about("positive definite", positive_definite)
    words += [Directive("local", "", (0, 0))] * local if isinstance(local, bool) else _about("local", local)
    return page.check(latex, words)


def _about(word: str, names: str | Iterable[str]) -> list[Directive]:
    """Return a directive about each of some names."""
    listed = names.split() if isinstance(names, str) else sequence(names, word, "names")
    return [Directive(word, str(name), (0, 0)) for name in listed]


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
        # Numbers are drawn and compared on the CPU, with gradients, whatever settings of torch the page has changed.
        # `torch.device` runs Python at each call of torch, so it is entered only if the default is another device.
        here = nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu")
        try:
            scalars = [name for name, symbol in self.table.tensors.items() if symbol.kinds == ()]
            document = parse_notation(text, scalars, self.table.lexicon)
            table = self.table.copy()
            table.lexicon = document.lexicon
            derivation = DerivationCheck(document, directives, table, self.namespace, self.seed)
            with here, torch.enable_grad():
                lines = tuple(derivation.lines())
        except RecursionError as error:
            raise NotationError(
                "too deeply nested", text=text, position=(0, 0), expected="shorter formulas, and fewer definitions"
            ) from error
        self.table = derivation.table
        return CheckedDerivation(lines, derivation.note)


class DerivationCheck:
    """The check of one text: its directives, then its chains in order."""

    def __init__(
        self,
        document: Document,
        directives: Sequence[Directive],
        table: SymbolTable,
        namespace: Mapping[str, Any],
        seed: int,
    ) -> None:
        self.entries = (*directives, *document.entries)
        self.functions = set(document.lexicon.functions.values()) - FUNCTIONS.keys()
        self.table = table
        self.namespace = namespace
        self.scope = Scope(document.text)
        self.draws = Draws(seed, document.entries)
        self.given: dict[str, Directive] = {}
        self.checked: list[Cases] = []
        self.local: list[Partial] = []
        chains = [step for step in document.entries if isinstance(step, Chain)]
        parts = [part for chain in chains for side in sides_of(chain) for part in side.walk()]
        self.partials = [part for part in parts if isinstance(part, Partial) and isinstance(part.body, Tensor)]
        self.heads = {chain.head.name for chain in chains if isinstance(chain.head, Tensor)}

    @property
    def note(self) -> str:
        """The derivatives that are local in the text, in words."""
        held: dict[str, dict[str, None]] = {}
        for part in self.local:
            body = part.body.name if isinstance(part.body, Tensor) else None
            if body is not None:
                held[rf"$\partial {body} / \partial {part.by.name}$"] = dict.fromkeys(part.held)
        each = [f"{name} with {listed(f'${other}$' for other in others)} held fixed" for name, others in held.items()]
        return f"Derivatives are local here: {'; '.join(each)}." if each else ""

    def lines(self) -> Iterator[CheckedLine]:
        """Check each relation in order.

        Raises: NotationError, at the first formula without a meaning.
        """
        chains = [step for step in self.entries if isinstance(step, Chain)]
        if not chains:
            raise self.scope.fail("nothing to check", (0, 0), "a row such as z_i &= x_{ij} y_j")
        first = True
        for step in self.entries:
            if isinstance(step, Directive) and step.word == "new":
                if not first:
                    fault = "'% new' after something else"
                    raise self.scope.fail(fault, step.at, "'% new' before everything else of its text")
                self.table = SymbolTable(count=self.table.count, lexicon=self.table.lexicon, reasons=self.table.reasons)
            first = first and isinstance(step, Directive) and step.word in ("", "new")
        lets = [step for step in self.entries if isinstance(step, Directive) and step.word == "let"]
        name_tensors(self.table, chains, self.scope)
        self.table.names.update(step.equation[0] for step in lets)
        directives = Directives(chains, lets, self.table, self.scope)
        for step in self.entries:
            if isinstance(step, Directive):
                directives.apply(step)
        directives.find_origin(chains)
        lines: dict[int, list[CheckedLine]] = {}
        for number in in_order(self.entries):
            step = self.entries[number]
            if isinstance(step, Chain):
                for name in [part.name for side in sides_of(step) for part in side.walk() if isinstance(part, Tensor)]:
                    self._give(name, directives)
                lines[number] = list(self._chain(step, directives))
            elif step.word == "let":
                self.given[directives.let(step, self.given)] = step
        for name in list(self.given):
            self._give(name, directives)
        yield from (line for number in sorted(lines) for line in lines[number])

    def _give(self, name: str, directives: Directives) -> None:
        """Put a tensor into the symbol table if it is given by code.

        It is put there late, before the first row with it, as rows above that one may define what the code uses.
        """
        step = self.given.pop(name, None)
        if step is not None:
            given_by_code(step, directives, self.namespace, lambda argument: self._give(argument, directives))

    def _function(self, chain: Chain) -> CheckedLine | None:
        """Read a row that defines a function; return None if it does not."""
        head, relation = chain.head, chain.relations[0]
        if not isinstance(head, Function) or head.name not in self.functions - self.table.values.keys():
            return None
        argument = head.argument
        if not isinstance(argument, Tensor) or argument.indices or head.order or relation.sign != "=":
            return None
        (value,) = self._applied([magnitudes(self.table, relation.right)], self.table.values)
        self.table.values[head.name] = argument, value
        return CheckedLine(
            relation.at[0],
            relation.latex,
            relation.reason,
            "definition",
            "defined",
            "",
            (),
            "a definition",
            row=relation.row,
            text=f"{head} = {relation.right}",
        )

    def _applied(self, sides: Sequence[Expression], functions: Definitions) -> list[Expression]:
        """Return sides with functions of the page replaced by their values."""
        used: dict[str, int] = {}
        for index in (index for side in sides for index in subscripts(side) if isinstance(index, Index)):
            used[index.letter] = max(index.primes, used.get(index.letter, 0))
        table = self.table
        applications = Applications(functions, used, table.fixed, table.depends, self.scope.fail)
        return [applications.replaced(side) for side in sides]

    def _of_matrix(
        self, found: OfMatrix, argument: Expression, body: Expression, key: str, directives: Directives
    ) -> None:
        """Put an inverse or a determinant into the symbol table, with the matrix that it is of."""
        register(self.table, body, self.scope)
        kept = [index for index in found.argument.indices if isinstance(index, Index)]
        equal = [*directives.equal, *found.square]
        matrix = Statement(f"{key}, {found.name}", key, (argument, body), self.scope, equal, kept, True)
        define(self.table, matrix)
        self.table.square.update(equal_axes(matrix))
        self.table.tensors[found.argument.name] = replace(self.table.tensors[found.argument.name], auxiliary=True)
        self.table.tensors[found.name] = of_matrix(found)

    def _claim(self, cases: Cases, number: int, signs: Sequence[str], unmoved: Sequence[Expression]) -> Verdict:
        """Return the verdict on a claim; one that holds only if inputs are constant is refused with this question.

        unmoved: the sides, with differentials as they are written.
        """
        verdict = claim(cases, number, signs)
        names = [] if verdict.holds else unsaid(unmoved, self.table, self.scope)
        if not names:
            return verdict
        try:
            sides = in_directions(unmoved, self.table, self.scope, self.table.constant.union(names))
        except NotationError:
            return verdict
        other = Cases(replace(cases.statement, sides=sides, _written={}), self.table, self.draws)
        if not claim(other, number, signs).holds:
            return verdict
        left, right = cases.statement.sides[number : number + 2]
        are = f"{listed(map(plain, names))} {'is' if len(names) == 1 else 'are'} constant"
        message = f"refused: {left} = {right} holds only if {are}: write '% constant {' '.join(names)}'"
        return verdict._replace(message=message, details=())

    def _sides(
        self, chain: Chain, key: str, directives: Directives
    ) -> tuple[list[Expression], tuple[Index, ...], Sequence[Expression]]:
        """Return the sides of a chain in components, the indices that matrices get, and the sides as they are read."""
        written = [magnitudes(self.table, side) for side in sides_of(chain)]
        refuse_unlike(written, self.table, self.scope)
        for part in (part for side in written for part in side.walk() if isinstance(part, Comparison | Piecewise)):
            if is_of_tensors(self.table, part):
                raise self.scope.fail("cases of vectors or matrices", part.at, "components")
        # A function of a number applies to each component, so that it is replaced where these are written.
        values = self.table.values
        of_tensors = {name: parts for name, parts in values.items() if any(is_of_tensors(self.table, x) for x in parts)}
        taken = {index.letter for index, _ in directives.equal}
        replaced = self._applied(written, of_tensors)
        components, free, matrices = in_components(replaced, self.table, self.scope, taken)
        components = self._applied(components, values)
        bodies = self._applied([part for each in matrices for part in (each.argument, each.body)], values)
        every = resolved([*components, *bodies], self.table, self.scope, directives.ranges)
        arithmetic = Arithmetic(self.table.origin or 0, self.table.zero, self.scope.fail)
        every = [arithmetic.lowered(side) for side in every]
        sides, bodies = every[: len(written)], every[len(written) :]
        for each, argument, body in zip(matrices, bodies[::2], bodies[1::2], strict=True):
            self._of_matrix(each, argument, body, key, directives)
        return sides, free, () if components == written else written

    def _reasoned(self, reason: str, verdict: Verdict) -> tuple[str, Verdict]:
        """Return the reason of a line, and the verdict: false if its reason is another step than the one proved."""
        if self.table.reasons == "named" and not reason:
            return verdict.step, verdict
        rule = unfounded(reason, verdict.step) if self.table.reasons == "checked" else ""
        if rule:
            message = f"false: the reason says {rule!r}, and the step is: {verdict.step}"
            verdict = verdict._replace(verdict="false", message=message)
        return reason, verdict

    def _chain(self, chain: Chain, directives: Directives) -> Iterator[CheckedLine]:
        """Check the lines of one chain."""
        self.table.count += 1
        key = f"chain {self.table.count}"
        if defined_function := self._function(chain):
            yield defined_function
            chain = Chain(chain.relations[0].right, chain.relations[1:])
            if not chain.relations:
                return
        sides, free, read = self._sides(chain, key, directives)
        sides, local = localised(self.table, sides, directives.local)
        self.local += local
        unmoved, sides = sides, in_directions(sides, self.table, self.scope, self.table.constant)
        signs = [relation.sign for relation in chain.relations]
        head, right, *_ = sides
        add_loss(self.table, head, right, self.heads, self.partials)
        above = set(self.table.tensors)
        defines = is_definition(self.table, head, right, signs[0], self.scope)
        if defines:
            register(self.table, right, self.scope)
            statement = Statement(f"{key}, left", key, (head, right), self.scope, directives.equal, free, True)
            define(self.table, statement)
        for side in sides[2 if defines else 0 :]:
            register(self.table, side, self.scope)
        refuse_vanishing(self.table, sides, above, self.scope, defines)
        kept = [*directives.kept, *free]
        statement = Statement(key, key, sides, self.scope, directives.equal, kept, defines, read)
        self.table.square.update(equal_axes(statement))
        cases = Cases(statement, self.table, self.draws)
        self.checked.append(cases)
        said = f"; local: {', '.join(dict.fromkeys(map(str, local)))}" if local else ""
        for number, relation in enumerate(chain.relations):
            defined = defines and number == 0
            verdict = definition(cases) if defined else self._claim(cases, number, signs, unmoved)
            reason, verdict = self._reasoned(relation.reason, verdict)
            shown_sides = read or sides
            text = f"{shown_sides[number] if number == 0 else '   '} {relation.sign} {shown_sides[number + 1]}"
            yield CheckedLine(
                relation.at[0],
                relation.latex,
                reason,
                "definition" if defined else "claim",
                *verdict._replace(checked=verdict.checked + said),
                relation.row,
                text,
            )
