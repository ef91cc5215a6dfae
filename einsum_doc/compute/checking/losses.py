"""A loss that a page adds to another without a definition -> an arbitrary function of what is computed above."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from einsum_doc.compute.checking.evaluation.code import arbitrary
from einsum_doc.compute.checking.symbols.table import SymbolTable
from einsum_doc.notation.expression import Expression, Partial, Sum, Tensor
from einsum_doc.notation.reading.vocabulary import LOSSES


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
            tensors[term.name] = arbitrary(term.name, ends)
