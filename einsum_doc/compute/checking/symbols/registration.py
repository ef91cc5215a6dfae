"""A side of a chain -> its tensors in the symbol table, each used as before and differentiated with a meaning."""

from __future__ import annotations

from dataclasses import replace

from einsum_doc.compute.checking.symbols.dependence import tensors_in
from einsum_doc.compute.checking.symbols.statements import Statement
from einsum_doc.compute.checking.symbols.table import Symbol, SymbolTable
from einsum_doc.notation.expression import Expression, Index, Partial, Range, Subscript, Tensor, plain
from einsum_doc.notation.reading.scope import Scope


def is_definition(table: SymbolTable, head: Expression, right: Expression, sign: str, scope: Scope) -> bool:
    """Return whether a left side is a new name, alone.

    Raises: NotationError, if it is one with an index twice.
    """
    if not isinstance(head, Tensor) or head.name in table.tensors or head.name in table.scalars:
        return False
    alone = all(isinstance(index, Index | Range) for index in head.indices)
    itself = any(isinstance(part, Tensor) and part.name == head.name for part in right.walk())
    if not (alone and sign == "=" and not itself):
        return False
    if len(set(head.indices)) < len(head.indices):
        expected = "each index once on the left of a definition"
        raise scope.fail(f"{head} would define a diagonal only", head.at, expected)
    return True


def define(table: SymbolTable, definition: Statement) -> None:
    """Put a definition into the table.

    Raises: NotationError, if its tensor is said to be positive.
    """
    head, right = definition.sides
    assert isinstance(head, Tensor)
    if head.name in table.positive:
        raise definition.fail(f"{plain(head.name)} is said to be positive, but is no input", "'% positive' of inputs")
    own = tensors_in(right, table.scalars)
    downstream = bool(table.gradients(right)) or any(table.tensors[name].downstream for name in own)
    table.tensors[head.name] = Symbol(
        head.name, kinds_of(head.indices), own, definition, line=f"{head} = {right}", downstream=downstream
    )


def register(table: SymbolTable, side: Expression, scope: Scope) -> None:
    """Put the tensors of a side into the table.

    Raises: NotationError, if one is used otherwise than before, or a derivative has no meaning.
    """
    bodies: set[int] = set()
    for part in side.walk():
        if isinstance(part, Partial) and isinstance(part.body, Tensor) and not part.body.indices:
            name = part.body.name
            if name not in table.tensors and name != part.by.name:
                table.scalars.add(name)
            if name in table.scalars:
                bodies.add(id(part.body))
    for part in side.walk():
        if isinstance(part, Tensor) and id(part) not in bodies:
            _register_tensor(table, part, scope)
    for part in side.walk():
        if isinstance(part, Partial):
            _check_derivative(table, part, scope)


def _register_tensor(table: SymbolTable, part: Tensor, scope: Scope) -> None:
    if part.name in table.scalars:
        raise scope.fail(
            f"{plain(part.name)} is the arbitrary downstream scalar, whose value is not known",
            part.at,
            f"only derivatives of it; or a definition of {plain(part.name)} before them, or % new",
        )
    kinds = kinds_of(part.indices)
    known = table.tensors.get(part.name)
    if known is None:
        table.tensors[part.name] = Symbol(part.name, kinds)
    elif known.kinds is None:
        table.tensors[part.name] = replace(known, kinds=kinds)
    elif known.kinds != kinds:
        has = _count(known.kinds)
        where = f", as in {known.line}" if known.line else ""
        raise scope.fail(
            f"{plain(part.name)} has {has}, not {_count(kinds)}",
            part.at,
            f"{has}{where}; or % new, to forget what the page has said",
        )


def _check_derivative(table: SymbolTable, part: Partial, scope: Scope) -> None:
    """Refuse a derivative that has no meaning here."""
    by = part.by.name
    if table.is_gradient(part):
        if table.tensors[by].downstream:
            raise scope.fail("a derivative by a gradient", part.at, "a derivative by a tensor that l depends on")
        return
    inner = [each.name for each in part.body.walk() if isinstance(each, Tensor)]
    if table.gradients(part.body) or any(
        name in table.tensors and table.tensors[name].downstream for name in (*inner, by)
    ):
        fault = "a second derivative of the arbitrary downstream scalar"
        raise scope.fail(fault, part.at, "first derivatives of it")
    if not isinstance(part.body, Tensor) or part.body.name == by:
        return
    body = part.body.name
    if table.depends(by, body) and not table.depends(body, by):
        fault = f"{plain(by)} is computed from {plain(body)}, not the other way round"
        raise scope.fail(fault, part.at, "a derivative by an argument")
    known = table.tensors.get(body)
    computed = table.tensors[by].arguments is not None
    if known is not None and known.arguments is None and (computed or not part.body.indices):
        raise scope.fail(
            f"{plain(body)} is an input, so it is not computed from {plain(by)}",
            part.at,
            f"a definition of {plain(body)} before this; or a scalar that is only ever differentiated",
        )


def kinds_of(indices: tuple[Subscript, ...]) -> tuple[str, ...]:
    """Return the kind of each subscript of a tensor: "index" or "range"."""
    return tuple("range" if isinstance(index, Range) else "index" for index in indices)


def _count(kinds: tuple[str, ...]) -> str:
    single, wide = kinds.count("index"), kinds.count("range")
    words = [f"{single} {'index' if single == 1 else 'indices'}"] if single or not wide else []
    if wide:
        words.append(f"{wide} {'range' if wide == 1 else 'ranges'} of indices")
    order = f" in the order {', '.join(kinds)}" if single and wide else ""
    return " and ".join(words) + order
