"""Tensors that no row defines -> entries of the symbol table: those that code gives, and a loss."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from einsum_doc.notation.expression import Expression, Partial, Sum, Tensor
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.vocabulary import LOSSES
from einsum_doc.notation.symbols.directives import Directives
from einsum_doc.notation.symbols.table import Code, Symbol, SymbolTable


def let(step: Directive, directives: Directives, namespace: Mapping[str, Any], before: Callable[[str], None]) -> None:
    """Put a tensor that is given by code into the symbol table.

    before: called with each tensor in the code, to put it there first if it is given by code too.
    Raises: NotationError, if the code cannot be read, or uses a name that is not known.
    """
    tensors, fail = directives.table.tensors, directives.fail
    left, _, code = step.equation
    name = directives.tensor(left, step)
    try:
        tree = ast.parse(code, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        raise fail(f"the code of {left} cannot be read: {why}", step.at, "a Python expression") from None
    known = directives.names_in_code()
    variables: dict[str, str] = {}
    for used in _free_names(tree):
        if used in known:
            variables[directives.only(known[used], step)] = used
        elif used not in namespace and used != "torch" and not hasattr(builtins, used):
            fault = f"{used} in the code of {left} is not known"
            raise fail(fault, step.at, "a tensor or a name of the page")
    parts: dict[str, Code] = {}
    arguments: dict[str, None] = {}
    for argument in variables:
        before(argument)
        symbol = tensors.setdefault(argument, Symbol(argument, directives.kinds(argument)))
        if isinstance(symbol.code, Code) and symbol.kinds is None:  # No component of it is in any text.
            parts[argument] = symbol.code
        arguments |= dict.fromkeys((symbol.arguments or ()) if argument in parts else (argument,))
    if name in tensors:
        raise fail(f"{left} is in its own code", step.at, "code of other tensors")
    read = Code(step, compile(tree, "<let>", "eval"), variables, parts, dict(namespace))
    tensors[name] = Symbol(name, directives.kinds(name), tuple(arguments), code=read)


def _free_names(tree: ast.AST) -> list[str]:
    parts = list(ast.walk(tree))
    bound = {part.arg for part in parts if isinstance(part, ast.arg)}
    names = [part for part in parts if isinstance(part, ast.Name)]
    bound |= {part.id for part in names if isinstance(part.ctx, ast.Store)}
    return [part.id for part in names if part.id not in bound]


def add_loss(
    table: SymbolTable, head: Expression, right: Expression, heads: Collection[str], partials: Iterable[Partial]
) -> None:
    """Put a loss that nothing defines into the symbol table, as L in J = L + s.

    It is a function of all that is computed above and used by nothing, if it or J is differentiated by a tensor on
    which J would not depend without it. For a usual name of a loss, any that these are computed from will do.

    heads: the names that the text defines. partials: the derivatives in it.
    """
    tensors = table.tensors
    if not isinstance(head, Tensor) or head.name in tensors or not isinstance(right, Sum):
        return
    own = {part.name for part in right.walk() if isinstance(part, Tensor)}
    known = {*tensors, *table.scalars, *heads}
    computed = {name for name, symbol in tensors.items() if symbol.arguments is not None}
    used = {name for symbol in tensors.values() for name in symbol.arguments or ()}
    ends = [name for name in tensors if name in computed - used - own and not tensors[name].downstream]
    for term in right.terms:
        if not isinstance(term, Tensor) or term.indices or term.name in known:
            continue
        by = {part.by.name for part in partials if part.body in (Tensor(head.name), Tensor(term.name))}
        by = {name for name in by if any(table.depends(end, name) for end in ends)}
        alone = {name for name in by & computed if not any(table.depends(each, name) for each in own)}
        if alone or (by and term.name in LOSSES):
            tensors[term.name] = Symbol(term.name, (), tuple(ends))
