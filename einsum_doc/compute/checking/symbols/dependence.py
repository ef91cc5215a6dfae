"""The tensors that a chain depends on, and those that the arbitrary downstream scalar is a function of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from einsum_doc.compute.checking.symbols.table import SymbolTable
from einsum_doc.notation.expression import Expression, Partial, Tensor


def tensors_in(side: Expression, scalars: Collection[str]) -> tuple[str, ...]:
    """Return the tensors of a side, each once."""
    return tuple(
        dict.fromkeys(part.name for part in side.walk() if isinstance(part, Tensor) and part.name not in scalars)
    )


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

    Of those tensors that depend on one that is differentiated by: all that no definition uses, a use
    inside a derivative not counted; and the last ones that are themselves differentiated by, so that
    a tensor that is computed from them later, such as their sum that is always 1, does not hide their gradient.
    """
    definitions = [table.tensors[name].definition for name in names]
    rights = [definition.sides[1] for definition in definitions if definition is not None]
    by = {name for side in (*sides, *rights) for _, name in table.gradients(side)}
    uses = {name: _uses(table, name) for name, symbol in table.tensors.items() if not symbol.downstream}
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
