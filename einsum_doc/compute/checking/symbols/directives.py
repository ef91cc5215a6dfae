"""The directives of a text, except `let` -> entries of the symbol table, and properties of the text's indices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from einsum_doc.compute.checking.symbols.resolution import kinds_of, sides_of
from einsum_doc.compute.checking.symbols.table import EqualSize, SymbolTable
from einsum_doc.notation.expression import Index, Tensor, identifier, plain, subscripts
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.parse import Chain
from einsum_doc.notation.reading.scope import Scope


class Directives:
    """The names that directives of a text may use, and the indices that `size` and `no sum` have named."""

    def __init__(self, chains: Sequence[Chain], table: SymbolTable, scope: Scope) -> None:
        self.table = table
        self.fail = scope.fail
        self.kept: list[Index] = []
        self.equal: list[EqualSize] = []
        sides = [side for chain in chains for side in sides_of(chain)]
        self.tensors = [part for side in sides for part in side.walk() if isinstance(part, Tensor)]
        self.indices = {index for side in sides for index in subscripts(side) if isinstance(index, Index)}

    def apply(self, step: Directive) -> None:
        """Apply a directive to the whole text.

        Raises: NotationError, if it cannot be read, or names something that is not there.
        """
        if step.word in ("fixed", "no sum", "positive"):
            names = step.body.replace(",", " ").split()
            if not names:
                raise self.fail(f"'% {step.word}' without a name", step.at, "one or more names")
            for name in names:
                if step.word == "positive":
                    self._positive(name, step)
                elif step.word == "fixed":
                    self.table.fixed.add(self._index(name, step).letter)
                else:
                    self.kept.append(self._index(name, step))
        elif step.word == "size":
            self._size(step)
        elif step.word == "new" and step.body:
            raise self.fail("'% new' with something after it", step.at, "% new alone")

    def _size(self, step: Directive) -> None:
        left, equals, right = (part.strip() for part in step.body.partition("="))
        if not equals:
            raise self.fail("'% size' without '='", step.at, "% size i = k, or % size i = 3")
        number = int(right) if right.isdecimal() and right.isascii() else None
        if number is not None and not 1 <= number <= 64:
            raise self.fail("a size that cannot be checked", step.at, "a number from 1 to 64")
        self.equal.append((self._index(left, step), self._index(right, step) if number is None else number))

    def _positive(self, name: str, step: Directive) -> None:
        tensor = self.tensor(name, step)
        known = self.table.tensors.get(tensor)
        if known is not None and known.arguments is not None:
            raise self.fail(f"{plain(tensor)} is defined, so it is as its arguments make it", step.at, "an input")
        self.table.positive.add(tensor)

    def _index(self, name: str, step: Directive) -> Index:
        bare = name.rstrip("'")
        found = Index(bare, len(name) - len(bare))
        greek = Index("\\" + bare, found.primes)
        if found not in self.indices and greek in self.indices:
            found = greek
        if found not in self.indices and step.word != "fixed":
            raise self.fail(f"{name or 'nothing'} is no index of this text", step.at, "an index")
        if step.word == "fixed" and (not bare.lstrip("\\").isalpha() or found.primes):
            raise self.fail(f"{name} is no index", step.at, "a letter")
        return found

    def tensor(self, name: str, step: Directive) -> str:
        """Return the tensor that a directive names, in LaTeX or as in code."""
        names = self.names_in_code()
        exact = "".join(name.split())
        if any(exact in found for found in names.values()):
            return exact
        if name in names:
            return self.only(names[name], step)
        raise self.fail(f"{name} is no tensor of this text", step.at, "a tensor")

    def names_in_code(self) -> dict[str, dict[str, None]]:
        """Return the tensors of this page by their names in code."""
        found: dict[str, dict[str, None]] = {}
        for name in (*self.table.tensors, *(part.name for part in self.tensors)):
            found.setdefault(identifier(name), {})[name] = None
        return found

    def only(self, names: Iterable[str], step: Directive) -> str:
        """Return the tensor that a name in code means.

        Raises: NotationError, if there are several.
        """
        first, *others = names
        if others:
            both = " or ".join((first, *others))
            raise self.fail(f"{identifier(first)} could be {both}", step.at, "names that differ without their style")
        return first

    def kinds(self, name: str) -> tuple[str, ...] | None:
        """Return the kinds of the subscripts of a tensor at its first place in the text."""
        return next((kinds_of(part.indices) for part in self.tensors if part.name == name), None)
