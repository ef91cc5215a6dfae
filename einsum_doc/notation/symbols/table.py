"""The symbol table of a page: its tensors, their definitions, and their dependencies."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType
from typing import Any, TypeAlias, TypeGuard

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import Expression, Index, Partial, Tensor
from einsum_doc.notation.matrices.components import Indices, OfMatrix
from einsum_doc.notation.matrices.shapes import Shape
from einsum_doc.notation.proving.prover import Proof
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.lexicon import NOTHING_SAID, Lexicon
from einsum_doc.notation.sums.ranges import Ends, expanded, ranges
from einsum_doc.notation.sums.scope import Scope
from einsum_doc.notation.symbols.domain import Domain

EqualSize: TypeAlias = tuple[Index, Index | int]
"""An index, and another of the same size, or its size: the content of `% size`."""


@dataclass(frozen=True)
class StatementForm:
    """A statement for one choice of how many indices its ranges stand for.

    wide: its sides without dots. sides: the same with every sum written. free: its free indices, sorted.
    """

    wide: tuple[Expression, ...]
    sides: tuple[Expression, ...]
    free: tuple[Index, ...]


@dataclass(eq=False)
class Statement:
    """Sides that share their indices: those of a chain, or the two of the definition that begins it.

    key: distinguishes its indices from those of other statements. chain: the key of its chain.
    equal, kept: from the directives `size` and `no sum` of its text. defines: true if it begins with a new name.
    read: its sides as the text has them, if they are not in components there.
    """

    key: str
    chain: str
    sides: Sequence[Expression]
    scope: Scope
    equal: Sequence[EqualSize]
    kept: Sequence[Index] = ()
    defines: bool = False
    read: Sequence[Expression] = ()
    _written: dict[tuple[int, ...], StatementForm] = field(default_factory=dict, init=False)

    @cached_property
    def ranges(self) -> tuple[Ends, ...]:
        """The ranges of indices in it.

        Raises: NotationError, as `scope.ranges`.
        """
        return ranges(self.sides, self.scope.text)

    def written(self, lengths: Mapping[Ends, int]) -> StatementForm:
        """Write a statement out, with as many indices for each of its ranges as `lengths` says."""
        key = tuple(lengths.values())
        if key not in self._written:
            wide = tuple(expanded(side, lengths) for side in self.sides)
            free = self.scope.free(wide, self.kept)
            if self.defines:
                free |= {index for index in wide[0].own if isinstance(index, Index)}
            sides = tuple(self.scope.side(side, free, self.sides[0]) for side in wide)
            order = sorted(free, key=lambda index: (index.letter, index.primes))
            self._written[key] = StatementForm(wide, sides, tuple(order))
        return self._written[key]

    def fail(self, fault: str, expected: str) -> NotationError:
        """Return an error that points at its left side."""
        return self.scope.fail(fault, self.sides[0].at, expected)


@dataclass(eq=False, kw_only=True)
class ChainStatement(Statement):
    """The sides of a chain, with the symbols that they are about.

    table: the symbols of the page at this chain. signs: of its relations. unmoved: its sides, with differentials as
    they are written. proofs: those that were looked for so far, by the number of the left side.
    """

    table: SymbolTable
    signs: Sequence[str]
    unmoved: Sequence[Expression]
    proofs: dict[int, Proof | None] = field(default_factory=dict, init=False)

    @cached_property
    def dependencies(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The tensors that its numbers depend on, arguments first, and its sinks."""
        return dependencies(self.table, self.sides)


@dataclass(frozen=True, eq=False)
class Code:
    """Python code that gives a tensor, from the directive `let`.

    variables: the tensors in it, each with its name there. parts: those of them that only stand in code, each with its
    own. namespace: the values of the names in it that are no tensors.
    """

    let: Directive
    compiled: CodeType
    variables: Mapping[str, str]
    parts: Mapping[str, Code]
    namespace: Mapping[str, Any]


@dataclass(frozen=True)
class Symbol:
    """A tensor of a page.

    kinds: of its subscripts, "index" or "range"; None while no component of it has been read.
    arguments: the tensors that it is computed from; None for an input.
    definition: its left and right side. code: what gives it instead; without both, it is any smooth function.
    downstream: true if it is computed from gradients of the loss.
    auxiliary: true if the page does not define it, such as the inverse that stands in a row.
    """

    name: str
    kinds: tuple[str, ...] | None
    arguments: tuple[str, ...] | None = None
    definition: Statement | None = None
    code: Code | OfMatrix | None = None
    downstream: bool = False
    auxiliary: bool = False

    @property
    def line(self) -> str:
        """Its definition or its code, for messages."""
        if self.definition is not None:
            return " = ".join(map(str, self.definition.sides))
        return "".join(self.code.let.equation) if isinstance(self.code, Code) else ""


@dataclass
class SymbolTable:
    """The tensors of a page, and the meanings that its texts have given to letters so far.

    scalars: names that are only ever differentiated, each an arbitrary function of other tensors.
    domains: of the inputs that directives name.
    names: those that are never the ranges of indices. capitals: the names of ranges, each with an index.
    count: the chains so far.
    shapes: of names without indices, where the page says them; aliases: names that stand for a component.
    samples: letters that number vectors. matrices: the inverses and determinants so far.
    lexicon: the meanings of letters that reading needs.
    values: the functions that rows define, each with its argument and its value.
    constant: inputs that differentials do not move with.
    square: tensors with two axes of one size, by rows of the page, as a trace or an inverse needs them.
    picks: tensors of indices. whole: letters that are numbers in indices, each with its value if that is known.
    origin: the first value of indices, if it is known. zero: tensors that are 0 outside their ranges.
    reasons: "named" or "checked", by proofs.
    valued: letters of indices that are their values in formulas.
    ranges: other letters than capitals that sums have named ranges by, each with the letters of its indices.
    named: the axes whose number of values has a name.
    ranks: the most indices that the text, or the page above, writes on a name.
    components: names that are those of components of bold ones, each with that one.
    """

    tensors: dict[str, Symbol] = field(default_factory=dict)
    scalars: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    domains: dict[str, Domain] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    capitals: dict[str, Index] = field(default_factory=dict)
    count: int = 0
    shapes: dict[str, Shape] = field(default_factory=dict)
    aliases: dict[str, tuple[Expression, Indices]] = field(default_factory=dict)
    samples: set[str] = field(default_factory=set)
    matrices: dict[Expression, OfMatrix] = field(default_factory=dict)
    lexicon: Lexicon = NOTHING_SAID
    values: dict[str, tuple[Tensor, Expression]] = field(default_factory=dict)
    constant: set[str] = field(default_factory=set)
    square: set[tuple[str, int, int]] = field(default_factory=set)
    picks: set[str] = field(default_factory=set)
    whole: dict[str, int | None] = field(default_factory=dict)
    origin: int | None = None
    reasons: str = ""
    zero: set[str] = field(default_factory=set)
    valued: set[str] = field(default_factory=set)
    ranges: dict[str, set[str]] = field(default_factory=dict)
    named: dict[tuple[Any, ...], str] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    components: dict[str, str] = field(default_factory=dict)

    def copy(self) -> SymbolTable:
        """Return a table that can be changed without changing this one."""
        return SymbolTable(*map(copy, vars(self).values()))

    def depends(self, name: str, x: str, held: Collection[str] = ()) -> bool:
        """Return whether a tensor is computed from x, or is x, other than through tensors that are held fixed."""
        fixed = set(held) - {x}
        seen, rest = {name} - fixed, list({name} - fixed)
        while rest:
            known = self.tensors.get(rest.pop())
            new = set(known.arguments or ()) - seen - fixed if known is not None else set()
            seen |= new
            rest += new
        return x in seen

    def is_gradient(self, part: Expression) -> TypeGuard[Partial]:
        """Return whether a part is a derivative of the arbitrary downstream scalar."""
        return isinstance(part, Partial) and isinstance(part.body, Tensor) and part.body.name in self.scalars

    def gradients(self, expression: Expression) -> list[tuple[str, str, frozenset[str]]]:
        """Return the derivatives of the arbitrary scalar in an expression: its name, the tensor, those held fixed."""
        parts = [part for part in expression.walk() if self.is_gradient(part)]
        return [(part.body.name, part.by.name, frozenset(part.held)) for part in parts if isinstance(part.body, Tensor)]

    def between(self, part: Partial) -> list[str]:
        """Return the tensors that lie on the way from the tensor below a derivative to what it differentiates."""
        ends = (part.by.name, part.body.name if isinstance(part.body, Tensor) else "")
        return [
            name
            for name in self.tensors
            if name not in ends and self.depends(name, part.by.name)
            if any(each in self.scalars or self.depends(each, name) for each in values_in(part.body))
        ]

    def is_capital(self, name: str) -> bool:
        """Return whether a name may be that of a range, as it is the capital of an index."""
        return len(name) == 1 and name.isupper() and self.is_free(name)

    def is_free(self, name: str) -> bool:
        """Return whether a name has no other meaning than that of a range."""
        taken = (self.tensors, self.scalars, self.names, self.domains)
        return not any(name in each for each in taken)


def tensors_in(side: Expression, scalars: Collection[str]) -> tuple[str, ...]:
    """Return the tensors of a side, each once."""
    return tuple(
        dict.fromkeys(part.name for part in side.walk() if isinstance(part, Tensor) and part.name not in scalars)
    )


def values_in(expression: Expression) -> Iterator[str]:
    """Yield the tensors whose values are in an expression: a derivative has none of the tensor by which it is."""
    if isinstance(expression, Tensor):
        yield expression.name
    for part in (expression.body,) if isinstance(expression, Partial) else expression.parts:
        yield from values_in(part)


def dependencies(table: SymbolTable, sides: Sequence[Expression]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tensors that the numbers of a chain depend on, arguments first, and its sinks."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        if name in found:
            return
        for argument in table.tensors[name].arguments or ():
            add(argument)
        found.setdefault(name)

    for side in sides:
        for name in tensors_in(side, table.scalars):
            add(name)
    sinks = _sinks(table, sides, tuple(found))
    for name in sinks:
        add(name)
    return tuple(found), sinks


def _sinks(table: SymbolTable, sides: Sequence[Expression], names: Sequence[str]) -> tuple[str, ...]:
    """Return the tensors that the arbitrary scalar is a function of.

    They depend on a tensor by which the sides differentiate. They are all of these that no definition uses, apart
    from uses inside a derivative; and the last ones by which the sides differentiate, so that a tensor that is
    computed from them later, such as a sum that is always 1, does not hide their gradient.
    """
    definitions = [table.tensors[name].definition for name in names]
    rights = [definition.sides[1] for definition in definitions if definition is not None]
    by = {name for side in (*sides, *rights) for _, name, _ in table.gradients(side)}
    uses = {name: _uses(table, name) for name, symbol in table.tensors.items() if not symbol.downstream}
    while idle := [
        name for name in uses if table.tensors[name].auxiliary and not any(name in each for each in uses.values())
    ]:
        for name in idle:
            del uses[name]
    used = set().union(*uses.values())
    ends = {name for name, arguments in uses.items() if arguments or name in by} - used
    for name in by:
        others = by - {name}
        first = not any(table.depends(name, each) for each in others)
        if not first and not any(table.depends(each, name) for each in others):
            ends.add(name)
    ends |= by - used
    return tuple(name for name in table.tensors if name in ends and any(table.depends(name, each) for each in by))


def _uses(table: SymbolTable, name: str) -> set[str]:
    """Return the tensors that a tensor is computed from, other than by a derivative of them."""
    symbol = table.tensors[name]
    arguments = set(symbol.arguments or ())
    return arguments if symbol.definition is None else arguments & set(_used(symbol.definition.sides[1]))


def _used(side: Expression) -> Iterator[str]:
    if isinstance(side, Tensor):
        yield side.name
    elif not isinstance(side, Partial):
        for part in side.parts:
            yield from _used(part)
