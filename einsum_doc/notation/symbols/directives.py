"""The directives of a text, except `let` -> entries of the symbol table, and properties of the text's indices."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from einsum_doc.notation.expression import Index, One, Summation, Tensor, identifier, letters, plain, subscripts
from einsum_doc.notation.reading.components import canonical
from einsum_doc.notation.reading.directives import Directive
from einsum_doc.notation.reading.parse import Chain
from einsum_doc.notation.subscripts import inner
from einsum_doc.notation.sums.arithmetic import arithmetic_of
from einsum_doc.notation.sums.scope import Scope
from einsum_doc.notation.symbols.domain import FREE
from einsum_doc.notation.symbols.matrices import declare, shape_of
from einsum_doc.notation.symbols.resolution import kinds_of
from einsum_doc.notation.symbols.table import EqualSize, SymbolTable

PROPERTIES = {"positive": "positive", "small": "small", "symmetric": "symmetric", "positive definite": "definite"}
"""The directives that give each of their inputs a property, with its name in Domain."""


class Directives:
    """The names that directives of a text may use, and the indices that `size` and `no sum` have named.

    local: the tensors whose derivatives are local.
    ranges: the letters that `size`, or the upper end of a sum, names ranges by, each with the letters of its indices.
    """

    def __init__(self, chains: Sequence[Chain], lets: Sequence[Directive], table: SymbolTable, scope: Scope) -> None:
        self.table = table
        self.scope = scope
        self.fail = scope.fail
        self.kept: list[Index] = []
        self.equal: list[EqualSize] = []
        self.local: set[str] = set()
        self.ranges = {name: set(own) for name, own in table.ranges.items()}
        sides = [side for chain in chains for side in chain.sides]
        self.tensors = [part for side in sides for part in side.walk() if isinstance(part, Tensor)]
        self.bounds = {part.capital for side in sides for part in side.walk() if isinstance(part, Summation)}
        defined = [name for name, symbol in table.tensors.items() if symbol.arguments is not None]
        heads = [chain.head.name for chain in chains if isinstance(chain.head, Tensor)]
        self.defined = {*defined, *heads, *(step.equation[0] for step in lets)}
        self.parts_of_code = self._parts_of_code([step.equation for step in lets])
        self.indices = {index for side in sides for index in subscripts(side) if isinstance(index, Index)}
        parts = [part for side in sides for part in side.walk()]
        computed = letters(inner(index for part in parts for index in arithmetic_of(part)))
        limits = letters(inner(end for part in parts if isinstance(part, Summation) for end in part.limits or ()))
        alone = letters(
            index
            for part in parts
            for index in (part.indices if isinstance(part, Tensor | Summation | One) else ())
            if isinstance(index, Index)
        )
        self.in_arithmetic = (computed | limits) - alone

    def apply(self, step: Directive) -> None:
        """Apply a directive to the whole text.

        Raises: NotationError, if it cannot be read, or names something that is not there.
        """
        if step.word in ("fixed", "no sum", "constant", *PROPERTIES):
            names = step.names
            if not names:
                raise self.fail(f"'% {step.word}' without a name", step.at, "one or more names")
            for name in names:
                if step.word in PROPERTIES:
                    self._restrict(name, step, **{PROPERTIES[step.word]: True})
                elif step.word == "constant":
                    self.table.constant.add(self.tensor(name, step))
                elif step.word == "fixed":
                    self.table.fixed.add(self._index(name, step).letter)
                else:
                    self.kept.append(self._index(name, step))
        elif step.word == "size":
            self._size(step)
        elif step.word in ("matrix", "vector", "samples"):
            declare(step, self.table, self.scope, lambda name: self.tensor(name, step, name))
        elif step.word == "local":
            names = step.names
            every = {*self.table.tensors, *(part.name for part in self.tensors)}
            self.local |= {self._local(name, step) for name in names} if names else every
        elif step.word == "interval":
            self._interval(step)
        elif step.word == "sums to one":
            name, _, index = (part.strip() for part in step.body.partition(" over "))
            self._restrict(name, step, total=self._axis(name, index, step))
        elif step.word in ("value", "index", "integer", "origin", "zero outside"):
            self._of_arithmetic(step)
        elif step.word == "reasons":
            if step.body not in ("named", "checked"):
                raise self.fail(f"unknown '% reasons {step.body}'", step.at, "% reasons named, or % reasons checked")
            self.table.reasons = step.body
        elif step.word == "new" and step.body:
            raise self.fail("'% new' with something after it", step.at, "% new alone")

    def _of_arithmetic(self, step: Directive) -> None:
        """Apply a directive about index arithmetic."""
        left, equals, right = step.equation
        names = [left] if equals else step.names
        number = int(right) if right.isdecimal() and right.isascii() else None
        if step.word == "origin":
            if step.body not in ("0", "1"):
                raise self.fail("'% origin' without a number", step.at, "% origin 0, or % origin 1")
            self.table.origin = int(step.body)
        elif not names or (equals and (step.word != "integer" or number is None or not 0 <= number <= 9)):
            raise self.fail(f"'% {step.word}' without a name", step.at, "one or more names; % integer s = 2")
        elif step.word == "zero outside":
            self.table.zero |= {self.tensor(name, step) for name in names}
        elif step.word == "value":
            self.table.valued |= {self._index(name, step).letter for name in names}
        elif step.word == "integer":
            self.table.whole |= dict.fromkeys(names, number)
        else:
            self.table.picks |= {canonical(name, self.table.lexicon) for name in names}

    def find_origin(self, chains: Sequence[Chain]) -> None:
        """Note the first value of indices, where a text with index arithmetic tells it by its sums.

        Raises: NotationError, if it tells two.
        """
        parts = [part for each in chains for side in each.sides for part in side.walk()]
        sums = [(part, *part.limits) for part in parts if isinstance(part, Summation) and part.limits]
        ends = [part.capital for part, *_ in sums]
        partial = (not end or (end.islower() and end not in self.ranges) for end in ends)
        arithmetic = any(True for part in parts for _ in arithmetic_of(part))
        if self.table.origin is not None or not (arithmetic or self.table.valued or any(partial)):
            return
        found: dict[int, Summation] = {}
        for part, low, high in sums:
            own = letters(inner([high]))
            numbers = {letter for letter in own if letter.isupper() or letter in (*self.ranges, *self.table.whole)}
            if not low.terms:
                found[0] = part
            elif len(high.terms) == 1 or (low.terms == ((1, ()),) and own > numbers):
                found[1] = part
        if len(found) > 1:
            expected = "'% origin 0' or '% origin 1': the first value of every index"
            raise self.fail("some sums count from 0, and others from 1", found[0].at, expected)
        self.table.origin = next(iter(found), None)

    def _parts_of_code(self, lets: Sequence[tuple[str, str, str]]) -> list[str]:
        """Return the names that only stand in code: each is given by one `let`, and used by another."""
        known = {identifier(name) for name in (*self.table.tensors, *(part.name for part in self.tensors))}
        names = {left for left, _, _ in lets} - known
        used = {left: set(re.findall(r"\w+", code)) for left, _, code in lets}
        return [name for name in names if any(name in used[other] for other in used if other != name)]

    def let(self, step: Directive, given: Collection[str]) -> str:
        """Return the tensor that a `let` gives; `given` are those of the lets before it."""
        left, equals, code = step.equation
        if not equals or not code or code.startswith("="):
            raise self.fail("'% let' without '='", step.at, "% let y = torch.linalg.inv(x)")
        name = self.tensor(left, step)
        if name in self.table.tensors or name in given:
            raise self.fail(f"{left} has a meaning already", step.at, "a new name, or % new")
        return name

    def _size(self, step: Directive) -> None:
        left, equals, right = step.equation
        if not equals:
            raise self.fail("'% size' without '='", step.at, "% size i = k, or % size i = 3")
        number = int(right) if right.isdecimal() and right.isascii() else None
        if number is not None and not 1 <= number <= 64:
            raise self.fail("a size that cannot be checked", step.at, "a number from 1 to 64")
        index = self._index(left, step)
        scalars = {part.name for part in self.tensors if not part.indices} | self.bounds
        if number is None and (right in self.in_arithmetic or (right in scalars and Index(right) not in self.indices)):
            self._name_range(index, right, step)
        else:
            self.equal.append((index, self._index(right, step) if number is None else number))

    def name_ranges(self, chains: Sequence[Chain]) -> None:
        r"""Let the upper end of a sum be the number of values of its index, as n in `\sum_{i=1}^{n}`.

        It is if all sums over the index that go to a letter go to this one, and the letter means nothing else.
        Raises: NotationError, if an index is summed over a set and without one, or from 0 and from 1.
        """
        ends: dict[str, set[str]] = {name: set(own) for name, own in self.ranges.items()}
        parts = [part for each in chains for side in each.sides for part in side.walk()]
        sums = [part for part in parts if isinstance(part, Summation)]
        for part in (part for part in sums if part.capital):
            ends.setdefault(part.capital, set()).update(letters(part.indices))
        sets = [part.capital for part in sums if part.limits == ()]
        sets += [name for name in ends if name.startswith("\\")]
        for part in sums:
            own = letters(part.indices)
            if not part.capital and any(own & ends[name] - {name.lower()} for name in sets):
                expected = "the set below each sum over the index, or below none"
                raise self.fail("a sum over a set, or over all values?", part.at, expected)
            if part.limits and any(
                own == letters(other.indices) and not part.limits[0].terms and other.limits[0].terms == ((1, ()),)
                for other in sums
                if other.limits and other.capital == part.capital != ""
            ):
                expected = "the same first value in both; another letter for one index"
                raise self.fail(f"sums over {min(own)} count from 0, and from 1", part.at, expected)
        for name, own in ends.items():
            own = own.difference(*(found for other, found in ends.items() if other != name))
            taken = letters(self.indices) | self.table.fixed | self.table.whole.keys()
            new = self.table.is_free(name) and name not in taken and own - {name.lower()}
            if new or name in self.ranges:
                for index in sorted((index for index in self.indices if index.letter in own), key=str):
                    self._let_range(index, name)
                self.table.ranges[name] = self.ranges[name]

    def _name_range(self, index: Index, name: str, step: Directive) -> None:
        """Let a letter stand for the number of values of an index."""
        if name in self.table.tensors or name in self.table.scalars or name in self.table.fixed:
            raise self.fail(f"{name} has a meaning already", step.at, "a new letter, or % new")
        self._let_range(index, name)

    def _let_range(self, index: Index, name: str) -> None:
        """Give an index, and all others with this range, one size; all with the same letter have it."""
        own = {index for index in self.indices if index.letter == name.lower()}
        letters = self.ranges.setdefault(name, {each.letter for each in own})
        own |= {each for each in self.indices if each.letter in letters}
        self.equal += [(index, each) for each in own]
        letters.add(index.letter)

    def _interval(self, step: Directive) -> None:
        name, equals, ends = step.equation
        try:
            low, high = map(float, ends.replace(",", " ").split())
        except ValueError:
            low = high = math.nan
        if not equals or not -math.inf < low < high < math.inf:
            raise self.fail("'% interval' without two ends", step.at, "% interval p = 0 1")
        self._restrict(name, step, interval=(low, high))

    def _axis(self, name: str, index: str, step: Directive) -> int:
        """Return the axis of a tensor at which the text writes an index; without an index, its only axis."""
        tensor = self.tensor(name, step)
        parts = [part.indices for part in self.tensors if part.name == tensor]
        axes = {axis for indices in parts for axis, each in enumerate(indices) if index in (str(each), "")}
        if not index and self.kinds(tensor) == ("index",):
            axes = {0}
        if len(axes) != 1 or "range" in (self.kinds(tensor) or ()):
            fault = f"{index or 'the index'} is not one axis of {plain(tensor)}"
            raise self.fail(fault, step.at, "% sums to one p over i, with i in one place of p")
        return axes.pop()

    def _restrict(self, name: str, step: Directive, **properties: Any) -> None:
        """Give an input a domain, in addition to what other directives say."""
        tensor = self.tensor(name, step)
        known = self.table.tensors.get(tensor)
        if known is not None and known.arguments is not None:
            raise self.fail(f"{plain(tensor)} is defined, so it is as its arguments make it", step.at, "an input")
        domain = replace(self.table.domains.get(tensor, FREE), **properties)
        kinds = self.kinds(tensor) or (known.kinds if known is not None else None) or ()
        if domain.square and kinds[-2:] != ("index", "index"):
            raise self.fail(f"{plain(tensor)} has no two indices at its end", step.at, "a matrix, or several of them")
        if not domain.possible:
            raise self.fail(f"{plain(tensor)} cannot be {domain}", step.at, "fewer directives about it")
        self.table.domains[tensor] = domain

    def _local(self, name: str, step: Directive) -> str:
        tensor = self.tensor(name, step)
        if not {tensor, identifier(tensor)} & self.defined:
            raise self.fail(f"{plain(tensor)} is an input, so it has no local derivative", step.at, "a defined tensor")
        return tensor

    def _index(self, name: str, step: Directive) -> Index:
        bare = name.rstrip("'")
        found = Index(bare, len(name) - len(bare))
        greek = Index("\\" + bare, found.primes)
        if found not in self.indices and greek in self.indices:
            found = greek
        if found not in self.indices and step.word != "fixed":
            raise self.fail(f"{name or 'nothing'} is no index of this text", step.at, "an index")
        letter = bare.lstrip("\\").isalpha() or bare in self.table.lexicon.names
        if step.word == "fixed" and (not letter or found.primes):
            raise self.fail(f"{name} is no index", step.at, "a letter")
        return found

    def tensor(self, name: str, step: Directive, later: str = "") -> str:
        """Return the tensor that a directive names, in LaTeX or as in code; `later` for one of no row yet."""
        names = self.names_in_code()
        exact = canonical("".join(name.split()), self.table.lexicon)
        if any(exact in found for found in names.values()):
            return exact
        if name in names:
            return self.only(names[name], step)
        if later:
            return later
        raise self.fail(f"{name} is no tensor of this text", step.at, "a tensor")

    def names_in_code(self) -> dict[str, dict[str, None]]:
        """Return the tensors of this page by their names in code."""
        found: dict[str, dict[str, None]] = {}
        for name in (*self.table.tensors, *self.parts_of_code, *(part.name for part in self.tensors)):
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
        found = next((part for part in self.tensors if part.name == name), None)
        if found is None:
            return None
        return (*kinds_of(found.indices), *["index"] * sum(shape_of(self.table, found)))
