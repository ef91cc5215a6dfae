"""The symbol table of a page: its tensors, and what each of them stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeGuard

from einsum_doc.compute.checking.symbols.statements import Statement
from einsum_doc.notation.expression import Expression, Partial, Tensor
from einsum_doc.notation.reading.directives import Directive

Code: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""A function from the values of tensors to the value of another."""


@dataclass(frozen=True)
class Symbol:
    """A tensor of a page.

    kinds: of its places, "index" or "range"; None while no component of it has been read.
    arguments: the tensors that it is computed from; None for an input.
    definition: its left and right side. code: the function that gives it instead, from the directive `let`.
    line: the definition or the code, for messages. downstream: it is computed from gradients of the loss.
    """

    name: str
    kinds: tuple[str, ...] | None
    arguments: tuple[str, ...] | None = None
    definition: Statement | None = None
    code: Code | None = None
    line: str = ""
    downstream: bool = False
    let: Directive | None = None


@dataclass
class SymbolTable:
    """The tensors of a page, and what its texts have said of letters so far.

    scalars: names that are only ever differentiated, each an arbitrary function of what is upstream.
    capitals: the names of ranges, each with the key of its chain. count: the chains so far.
    """

    tensors: dict[str, Symbol] = field(default_factory=dict)
    scalars: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    positive: set[str] = field(default_factory=set)
    capitals: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def copy(self) -> SymbolTable:
        """Return a table that can be changed without changing this one."""
        return SymbolTable(*map(copy, vars(self).values()))

    def depends(self, name: str, x: str) -> bool:
        """Return whether a tensor is computed from x, or is x."""
        seen, rest = {name}, [name]
        while rest:
            known = self.tensors.get(rest.pop())
            new = set(known.arguments or ()) - seen if known is not None else set()
            seen |= new
            rest += new
        return x in seen

    def is_gradient(self, part: Expression) -> TypeGuard[Partial]:
        """Return whether a part is a derivative of the arbitrary downstream scalar."""
        return isinstance(part, Partial) and isinstance(part.body, Tensor) and part.body.name in self.scalars

    def gradients(self, expression: Expression) -> list[tuple[str, str]]:
        """Return the derivatives of the arbitrary scalar in an expression: its name, and the tensor."""
        parts = [part for part in expression.walk() if self.is_gradient(part)]
        return [(part.body.name, part.by.name) for part in parts if isinstance(part.body, Tensor)]

    def is_capital(self, name: str) -> bool:
        """Return whether a name may be that of a range."""
        return len(name) == 1 and name.isupper() and name not in self.tensors and name not in self.scalars
