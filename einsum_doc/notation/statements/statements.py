"""A derivation's text -> its lines, each a part of a statement, and which of them are proved, or false."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    Expression,
    Function,
    Index,
    Partial,
    Piecewise,
    Product,
    Tensor,
    plain,
    subscripts,
)
from einsum_doc.notation.functions import Applications, Definitions
from einsum_doc.notation.matrices.components import OfMatrix
from einsum_doc.notation.reading.components import canonical
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.parse import Chain, Document, Relation, in_order, parse_notation
from einsum_doc.notation.reading.vocabulary import FUNCTIONS
from einsum_doc.notation.statements.checked import (
    COUNTEREXAMPLE,
    DEFINED,
    NOT_PROVED,
    PROVED,
    CheckedDerivation,
    CheckedLine,
    Verdict,
)
from einsum_doc.notation.statements.counterexamples import counterexample
from einsum_doc.notation.statements.proofs import LENGTH, proved
from einsum_doc.notation.step import unfounded
from einsum_doc.notation.sums.arithmetic import Arithmetic
from einsum_doc.notation.sums.scope import Scope
from einsum_doc.notation.symbols.code import add_loss, let
from einsum_doc.notation.symbols.differentials import in_directions, refuse_unlike
from einsum_doc.notation.symbols.directives import Directives
from einsum_doc.notation.symbols.matrices import in_components, is_of_tensors, magnitudes, refuse_labels, tied
from einsum_doc.notation.symbols.resolution import define, is_definition, localised, name_tensors, register, resolved
from einsum_doc.notation.symbols.table import ChainStatement, Statement, Symbol, SymbolTable
from einsum_doc.notation.symbols.unification import equal_axes, name_axes
from einsum_doc.notation.symbols.vanishing import refuse_vanishing
from einsum_doc.notation.writing.words import listed


@dataclass(frozen=True)
class DerivationLine:
    """One relation of a derivation.

    text: in plain text. statement: the sides of its chain; None if it defines a function, which has no numbers.
    number: of its left side. local: the derivatives in the chain that are local.
    """

    relation: Relation
    text: str
    statement: ChainStatement | None = None
    number: int = 0
    local: Sequence[Partial] = ()

    @property
    def defines(self) -> bool:
        """True if it is a definition."""
        return self.statement is None or (self.statement.defines and self.number == 0)

    def checked(self, verdict: Verdict) -> CheckedLine:
        """Return it with a verdict: false if its reason is another step than the one proved."""
        relation, reason = self.relation, self.relation.reason
        asked = self.statement.table.reasons if self.statement is not None else ""
        rule = unfounded(reason, verdict.step) if asked == "checked" else ""
        if rule:
            message = f"false: the reason says {rule!r}, and the step is: {verdict.step}"
            verdict = verdict._replace(verdict="false", message=message)
        if self.local:
            said = f"{verdict.checked}; local: {', '.join(dict.fromkeys(map(str, self.local)))}"
            verdict = verdict._replace(checked=said)
        reason = reason or (verdict.step if asked == "named" else "")
        kind = "definition" if self.defines else "claim"
        return CheckedLine(relation.at[0], relation.latex, reason, kind, *verdict, relation.row, self.text)


def prove(latex: str) -> CheckedDerivation:
    r"""Prove the lines of a derivation for all sizes, where PyTorch is not at hand, as in a browser.

    >>> print(prove(r"z_{ik} &= x_{ij} y_{jk} \\ z_{ik} &= y_{mk} x_{im} \\ z_{ik} &= x_{ik} y_{ik}"))
      1  defined  z_{ik} = x_{ij} y_{jk}
      2  proved   z_{ik} = y_{mk} x_{im}
      3  FALSE    z_{ik} = x_{ik} y_{ik}
           false: z_{ik} = x_{ik} y_{ik}
           at x = [[1, 2], [3, 4]], y = [[3, 2], [4, 1]]: left 11, right 3
           component i=1, k=1, counted from 1; sizes: i=2, k=2

    A line is false by a counterexample, small numbers for which both sides have values that differ. One with neither a
    proof nor a counterexample is open, and `verify` decides it. Code that is not one inverse, determinant or einsum
    says nothing here. It is true if every claim is proved, or holds by an example as `≠` does.
    Raises: NotationError, at the first formula that cannot be read or has no meaning.
    """
    statements = read_statements(latex)
    return CheckedDerivation(tuple(line.checked(_verdict(line)) for line in statements.lines), statements.note)


def _verdict(line: DerivationLine) -> Verdict:
    """Return the verdict on a line; that two sides differ is shown by an example, and refuted by a proof."""
    if line.defines or line.statement is None:
        return DEFINED
    statement, number, sign = line.statement, line.number, line.relation.sign
    proof = proved(statement, number)
    if proof and sign == "=":
        return Verdict("proved", "", (), f"{PROVED}. Step: {proof}", str(proof))
    left, right = statement.sides[number : number + 2]
    if proof:
        return Verdict("false", f"false: {left} {sign} {right}", (f"{PROVED}. Step: {proof}",), PROVED)
    if example := counterexample(statement, number):
        if sign == "≠":
            return Verdict("held", "", (), "; ".join([COUNTEREXAMPLE, *example.lines]))
        return Verdict("false", f"false: {left} = {right}", example.lines, COUNTEREXAMPLE)
    return Verdict("open", NOT_PROVED, (), NOT_PROVED)


def read_statements(
    text: str,
    directives: Sequence[Directive] = (),
    table: SymbolTable | None = None,
    namespace: Mapping[str, Any] | None = None,
) -> Statements:
    """Read a text; the directives are as if they stood at its begin.

    table: what the page has said before, which stays as it is. namespace: the values of names in code.
    Raises: NotationError, at the first formula without a meaning.
    """
    table = table or SymbolTable()
    with refusing_depth(text):
        scalars = [name for name, symbol in table.tensors.items() if symbol.kinds == ()]
        document = parse_notation(text, scalars, table.lexicon)
        return Statements(document, directives, table.copy(), namespace or {})


@contextmanager
def refusing_depth(text: str) -> Iterator[None]:
    """Turn the error about too many calls in each other into one about the text."""
    try:
        yield
    except RecursionError as error:
        expected = "shorter formulas, and fewer definitions"
        raise NotationError("too deeply nested", text=text, position=(0, 0), expected=expected) from error


class Statements:
    """The statements of one text: its directives, and then its chains, with definitions before what uses them.

    lines: in the order of the text. table: the symbols of its page after it.
    Raises: NotationError, at the first formula without a meaning.
    """

    def __init__(
        self, document: Document, directives: Sequence[Directive], table: SymbolTable, namespace: Mapping[str, Any]
    ) -> None:
        self.document = document
        self.functions = set(document.lexicon.functions.values()) - FUNCTIONS.keys()
        self.applied: set[str] = set()
        self.table = table
        self.table.lexicon = document.lexicon
        self.entries: Sequence[Chain | Directive] = (*directives, *document.entries)
        self.namespace = namespace
        self.scope = Scope(document.text)
        self.given: dict[str, Directive] = {}
        self.local: list[Partial] = []
        self._renew()
        self.entries = tied(self.entries, self.table, self.scope)
        self.chains = [step for step in self.entries if isinstance(step, Chain)]
        refuse_labels(self.chains, self.table, self.scope)
        parts = [part for chain in self.chains for side in chain.sides for part in side.walk()]
        self.partials = [part for part in parts if isinstance(part, Partial) and isinstance(part.body, Tensor)]
        self.heads = {chain.head.name for chain in self.chains if isinstance(chain.head, Tensor)}
        self.lines = tuple(self._lines())

    @property
    def note(self) -> str:
        """What the directives of the text say to a reader: the derivatives that are local, or set to 0."""
        held: dict[str, dict[str, None]] = {}
        for part in self.local:
            body = part.body.name if isinstance(part.body, Tensor) else None
            if body is not None:
                held[rf"$\partial {body} / \partial {part.by.name}$"] = dict.fromkeys(part.held)
        each = [f"{name} with {listed(f'${other}$' for other in others)} held fixed" for name, others in held.items()]
        said = [f"Derivatives are local here: {'; '.join(each)}."] if each else []
        if any(isinstance(step, Directive) and step.word == "stationary" for step in self.entries):
            said.append("Where a row ends in $= 0$, its derivative is set to 0; this is not checked.")
        return " ".join(said)

    def _renew(self) -> None:
        """Forget what the page has said, where the text begins with `% new`."""
        first = True
        for step in self.entries:
            if isinstance(step, Directive) and step.word == "new":
                if not first:
                    fault = "'% new' after something else"
                    raise self.scope.fail(fault, step.at, "'% new' before everything else of its text")
                self.table = SymbolTable(count=self.table.count, lexicon=self.table.lexicon, reasons=self.table.reasons)
            first = first and isinstance(step, Directive) and step.word in ("", "new")

    def _lines(self) -> Iterator[DerivationLine]:
        if not self.chains:
            raise self.scope.fail("nothing to check", (0, 0), "a row such as z_i &= x_{ij} y_j")
        lets = [step for step in self.entries if isinstance(step, Directive) and step.word == "let"]
        name_tensors(self.table, self.chains, self.scope)
        self.table.names.update(step.equation[0] for step in lets)
        self.directives = Directives(self.chains, lets, self.table, self.scope)
        said = [step for step in self.entries if isinstance(step, Directive)]
        # Others need to know the shapes.
        for each in sorted(said, key=lambda each: each.word not in ("samples", "matrix", "vector")):
            self.directives.apply(each)
        self.directives.name_ranges(self.chains)
        self.directives.find_origin(self.chains)
        lines: dict[int, list[DerivationLine]] = {}
        for number in in_order(self.entries):
            step = self.entries[number]
            if isinstance(step, Chain):
                for name in [part.name for side in step.sides for part in side.walk() if isinstance(part, Tensor)]:
                    self._give(name)
                lines[number] = list(self._chain(step))
            elif step.word == "let":
                self.given[self.directives.let(step, self.given)] = step
        for name in list(self.given):
            self._give(name)
        for number in sorted(lines):
            yield from lines[number]

    def _give(self, name: str) -> None:
        """Put a tensor into the symbol table if it is given by code.

        It is put there late, before the first row with it, as rows above that one may define what the code uses.
        """
        step = self.given.pop(name, None)
        if step is not None:
            let(step, self.directives, self.namespace, self._give)

    def _function(self, chain: Chain) -> DerivationLine | None:
        """Read a row that defines a function; return None if it does not."""
        head, relation = chain.head, chain.relations[0]
        if not isinstance(head, Function) or head.name not in self.functions - self.table.values.keys():
            return None
        argument = head.argument
        if not isinstance(argument, Tensor) or argument.indices or head.order or relation.sign != "=":
            return None
        (value,) = self._applied([magnitudes(self.table, relation.right)], self.table.values)
        if head.name in self.applied.union(part.name for part in value.walk() if isinstance(part, Function)):
            expected = r"its definition before what uses it, or after \text{where}"
            raise self.scope.fail(f"{head.name} is used above its definition, or in it", head.at, expected)
        self.table.values[head.name] = argument, value
        return DerivationLine(relation, f"{head} = {relation.right}")

    def _applied(self, sides: Sequence[Expression], functions: Definitions) -> list[Expression]:
        """Return sides with functions of the page replaced by their values."""
        used: dict[str, int] = {}
        for index in (index for side in sides for index in subscripts(side) if isinstance(index, Index)):
            used[index.letter] = max(index.primes, used.get(index.letter, 0))
        table = self.table
        applications = Applications(functions, used, table.fixed, table.depends, self.scope.fail)
        return [applications.replaced(side) for side in sides]

    def _of_matrix(self, found: OfMatrix, argument: Expression, body: Expression, key: str) -> None:
        """Put an inverse or a determinant into the symbol table, with the matrix that it is of."""
        register(self.table, body, self.scope)
        kept = [index for index in found.argument.indices if isinstance(index, Index)]
        equal = [*self.directives.equal, *found.square]
        matrix = Statement(f"{key}, {found.name}", key, (argument, body), self.scope, equal, kept, True)
        define(self.table, matrix)
        self.table.square.update(equal_axes(matrix))
        tensors, name = self.table.tensors, found.argument.name
        tensors[name] = replace(tensors[name], auxiliary=True)
        count = len(found.argument.indices if found.function == "inv" else found.open)
        tensors[found.name] = Symbol(found.name, ("index",) * count, (name,), code=found, auxiliary=True)

    def _sides(self, chain: Chain, key: str) -> tuple[list[Expression], tuple[Index, ...], Sequence[Expression]]:
        """Return the sides of a chain in components, the indices that matrices get, and the sides as they are read."""
        written = [magnitudes(self.table, side) for side in chain.sides]
        refuse_unlike(written, self.table, self.scope)
        for part in (part for side in written for part in side.walk() if isinstance(part, Piecewise)):
            if is_of_tensors(self.table, part):
                raise self.scope.fail("cases of vectors or matrices", part.at, "components")
        # A function of a number applies to each component, so that it is replaced where these are written.
        values = self.table.values
        of_tensors = {name: parts for name, parts in values.items() if any(is_of_tensors(self.table, x) for x in parts)}
        taken = {index.letter for index, _ in self.directives.equal}
        replaced = self._applied(written, of_tensors)
        components, free, matrices = in_components(replaced, self.table, self.scope, taken)
        components = self._applied(components, values)
        bodies = self._applied([part for each in matrices for part in (each.argument, each.body)], values)
        every = resolved([*components, *bodies], self.table, self.scope, self.directives.ranges)
        arithmetic = Arithmetic(self.table.origin or 0, self.table.zero, self.scope.fail)
        every = [arithmetic.lowered(side) for side in every]
        sides, bodies = every[: len(written)], every[len(written) :]
        for each, argument, body in zip(matrices, bodies[::2], bodies[1::2], strict=True):
            self._of_matrix(each, argument, body, key)
        return sides, free, () if components == written else written

    def _refuse_word(self, chain: Chain) -> None:
        r"""Refuse a word on the left whose letters mean nothing, as in `MSE = a`: a name, or a product of inputs?"""
        word = re.match(r"([A-Za-z]{2,})\s*&?\s*=", chain.relations[0].latex)
        if not word or not isinstance(chain.head, Product):
            return
        parts = [part for relation in chain.relations for part in relation.right.walk()]
        known = {part.name for part in parts if isinstance(part, Tensor)} | self.heads | self.directives.ranges.keys()
        known.update(self.table.tensors, self.table.scalars, self.table.shapes)
        known.update(index.letter.upper() for index in self.directives.indices)
        if known.isdisjoint(word[1]):
            fault = f"{word[1]} on the left could be one name, or a product of inputs"
            expected = rf"\text{{{word[1]}}}, or '% name {word[1]}', for a name; blanks in between for a product"
            raise self.scope.fail(fault, chain.head.at, expected)

    def _refuse_two_meanings(self, head: Expression) -> None:
        """Refuse L(w, u) with u computed from w: its derivative by w could hold u fixed. Refuse y' beside y, too."""
        assert isinstance(head, Tensor)
        base = head.name.rstrip("'")
        known = self.table.tensors.get(base)
        if base != head.name and not head.indices and known and known.definition:
            fault = f"is {head} the derivative of {plain(base)}, or a name of its own?"
            raise self.scope.fail(
                fault, head.at, rf"\frac{{d{base}}}{{d…}} for a derivative, \tilde{{{base}}} for a name"
            )
        lexicon = self.table.lexicon
        for text in (text for text, letter in lexicon.names.items() if (letter, "(" in text) == (str(head), True)):
            arguments = [canonical(each.strip(), lexicon) for each in text.partition("(")[2].strip(")").split(",")]
            for name, by in permutations(arguments, 2):
                if name != by and self.table.depends(name, by):
                    fault = f"{plain(name)}, an argument of {head}, is computed from {plain(by)}, which is another"
                    expected = f"{head} without {plain(name)} in its brackets, or another letter in its place"
                    raise self.scope.fail(fault, head.at, expected)

    def _chain(self, chain: Chain) -> Iterator[DerivationLine]:
        """Read the lines of one chain."""
        self.table.count += 1
        key = f"chain {self.table.count}"
        if defined_function := self._function(chain):
            yield defined_function
            chain = Chain(chain.relations[0].right, chain.relations[1:])
            if not chain.relations:
                return
        self.applied |= {part.name for side in chain.sides for part in side.walk() if isinstance(part, Function)}
        sides, free, read = self._sides(chain, key)
        unmoved, local = localised(self.table, sides, self.directives.local)
        self.local += local
        sides = in_directions(unmoved, self.table, self.scope, self.table.constant)
        self._refuse_word(chain)
        signs = [relation.sign for relation in chain.relations]
        equal, (head, right, *_) = self.directives.equal, sides
        add_loss(self.table, head, right, self.heads, self.partials)
        above = set(self.table.tensors)
        defines = is_definition(self.table, head, right, signs[0], self.scope)
        if defines:
            register(self.table, right, self.scope)
            define(self.table, Statement(f"{key}, left", key, (head, right), self.scope, equal, free, True))
            self._refuse_two_meanings(head)
        for side in sides[2 if defines else 0 :]:
            register(self.table, side, self.scope)
        refuse_vanishing(self.table, sides, above, self.scope, defines)
        common = (key, key, sides, self.scope, equal, [*self.directives.kept, *free], defines, read)
        statement = ChainStatement(*common, table=self.table, signs=signs, unmoved=unmoved)
        statement.written(dict.fromkeys(statement.ranges, LENGTH))
        self.table.square.update(equal_axes(statement))
        name_axes(statement, self.directives.ranges, self.table.named)
        statement.table = self.table.copy()
        for name in statement.dependencies[0]:
            if self.table.tensors[name].kinds is None:
                fault = f"nothing says how many indices {plain(name)} has"
                raise statement.fail(fault, "a component of it in the text")
        shown = read or sides
        for number, relation in enumerate(chain.relations):
            text = f"{shown[number] if number == 0 else '   '} {relation.sign} {shown[number + 1]}"
            yield DerivationLine(relation, text, statement, number, local)
