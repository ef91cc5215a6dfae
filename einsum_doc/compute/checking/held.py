"""A relation that is false -> the tensors that would have to be held fixed for it to hold, and how that is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, combinations, islice
from typing import TypeAlias

from einsum_doc.compute.checking.cases import Case, Cases
from einsum_doc.notation.expression import Expression, Partial, Position, Tensor, plain, rebuilt
from einsum_doc.notation.matrices.nodes import Differential
from einsum_doc.notation.symbols.resolution import localised
from einsum_doc.notation.symbols.table import SymbolTable, values_in
from einsum_doc.notation.writing.latex import latex
from einsum_doc.notation.writing.words import listed

TRIALS = 40
"""The most readings of a relation that are tried."""

MOST = 3
"""The most tensors that are held fixed in one reading, unless all derivatives are local."""

Reading: TypeAlias = Mapping[Position, tuple[str, ...]]
"""The tensors that derivatives hold fixed besides those that they hold as written, by the derivative's position."""


def held_if(cases: Cases, number: int, agree: Callable[[Case], bool]) -> str:
    """Return what has to be held fixed for side `number` and the next to agree, in words; "" if they never do."""
    sides = cases.statement.sides[number : number + 2]
    local = {part.at: part.held for part in localised(cases.table, sides, cases.table.tensors)[1]}
    for reading in islice(_readings(cases.table, sides, local), TRIALS):
        fixed = [_held(side, reading) for side in sides]
        if _depends(cases.table, fixed, reading) and all(
            agree(replace(case, sides=tuple(_held(side, reading) for side in case.sides), values={}))
            for case in cases.all
        ):
            names = dict.fromkeys(plain(name) for held in reading.values() for name in held)
            are = "is" if len(names) == 1 else "are"
            read = {part.at: part for part in _partials(cases.statement.read) if isinstance(part.body, Tensor)}
            written = listed(_written(sides, fixed, reading, read)) + (", or '% local'" if reading == local else "")
            return f"holds only if {listed(names)} {are} held fixed: write {written}"
    return ""


def _readings(table: SymbolTable, sides: Sequence[Expression], local: Reading) -> Iterator[Reading]:
    """Yield readings of two sides: with one tensor held fixed, with all derivatives local, with more tensors."""
    single: dict[tuple[Position, str], None] = {}
    for part in _partials(sides):
        if not table.is_gradient(part):
            # The nearest first: the arguments in its definition, and then what they are computed from.
            single |= {(part.at, name): None for name in reversed(table.between(part)) if name not in part.held}

    def several(count: int) -> Iterator[Reading]:
        for chosen in combinations(single, count):
            yield {at: tuple(name for place, name in chosen if place == at) for at, _ in chosen}

    yield from several(1)
    yield local
    yield from chain.from_iterable(several(count) for count in range(2, MOST + 1))


def _partials(sides: Sequence[Expression]) -> list[Partial]:
    every = [part for side in sides for part in side.walk()]
    inside = {id(part) for each in every if isinstance(each, Differential) for part in each.walk()}
    return [part for part in every if isinstance(part, Partial) and id(part) not in inside]


def _held(side: Expression, reading: Reading) -> Expression:
    """Return a side as it is read."""

    def fixed(part: Expression) -> Expression:
        names = reading.get(part.at, ()) if isinstance(part, Partial) else ()
        return replace(part, held=(*part.held, *names)) if isinstance(part, Partial) and names else part

    return rebuilt(side, fixed)


def _depends(table: SymbolTable, sides: Sequence[Expression], reading: Reading) -> bool:
    """Return whether no derivative vanishes by what it holds fixed, in a reading that holds anything fixed."""
    return bool(reading) and all(
        any(table.depends(name, part.by.name, part.held) for name in values_in(part.body))
        for part in _partials(sides)
        if part.at in reading
    )


def _written(
    sides: Sequence[Expression], fixed: Sequence[Expression], reading: Reading, read: Mapping[Position, Partial]
) -> Iterator[str]:
    """Yield each derivative that holds something fixed, with its side if the other side has the same one.

    read: the derivatives of a name that the text has in another notation, by their positions.
    """
    found: dict[Position, tuple[str, str]] = {}
    for before, after, where in zip(sides, fixed, ("left", "right"), strict=True):
        for bare, part in zip(before.walk(), after.walk(), strict=True):
            if isinstance(part, Partial) and part.at in reading:
                other = sides[where == "left"]
                text = latex(replace(read.get(part.at, part), held=part.held))
                found.setdefault(part.at, (text, f" on the {where}" if bare in other.walk() else ""))
    yield from dict.fromkeys(text + where for text, where in found.values())
