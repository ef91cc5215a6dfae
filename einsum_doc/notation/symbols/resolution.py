"""The sides of a chain as written -> the same with every letter recognised, and their tensors in the symbol table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, NoReturn

from einsum_doc.notation.expression import (
    Affine,
    Bounded,
    Coordinate,
    Delta,
    Expression,
    Extent,
    Fixed,
    Index,
    Indicator,
    Negative,
    NewIndex,
    Number,
    One,
    Ordinal,
    Partial,
    Picked,
    Piecewise,
    Position,
    Product,
    Range,
    RangeProduct,
    Reduction,
    Size,
    Subscript,
    Sum,
    Summation,
    Tensor,
    Whole,
    letters,
    plain,
    rebuilt,
    subscripts,
    with_indices,
)
from einsum_doc.notation.matrices.nodes import Differential
from einsum_doc.notation.reading.parse import Chain
from einsum_doc.notation.subscripts import inner
from einsum_doc.notation.sums.arithmetic import Placed, Placement, arithmetic_of
from einsum_doc.notation.sums.scope import Scope
from einsum_doc.notation.symbols.table import Statement, Symbol, SymbolTable, tensors_in


def name_tensors(table: SymbolTable, chains: Sequence[Chain], scope: Scope) -> None:
    """Note the names that a text defines, differentiates, or differentiates by: they are never the ranges of indices.

    Note how many indices names have, too.

    Raises: NotationError, if one was a range further up on the page.
    """
    ranges = letters(index for chain in chains for side in chain.sides for index in subscripts(side))
    for chain in chains:
        head, right, *_ = chain.sides
        parts = [part for side in chain.sides for part in side.walk()]
        for part in (part for part in parts if isinstance(part, Tensor) and part.name.lower() not in ranges):
            if part.indices and all(isinstance(index, Index) for index in part.indices):
                table.ranks[part.name] = max(len(part.indices), table.ranks.get(part.name, 0))
        changing = [part for part in parts if isinstance(part, Partial | Differential)]
        found = [each for part in changing for each in part.parts if isinstance(each, Tensor)]
        values = {part.name for part in right.walk() if isinstance(part, Tensor)}
        # Without values on the right, as in N = \mathbf{1}_n \mathbf{1}_n, the row is about the number of values.
        if isinstance(head, Tensor) and chain.relations[0].sign == "=" and values and head.name not in values:
            found.append(head)
        for tensor in found:
            if tensor.name in table.capitals:
                fault = f"{tensor.name} was the range of {table.capitals[tensor.name]} further up on this page"
                raise scope.fail(fault, tensor.at, "another letter, or % new")
            table.names.add(tensor.name)


def resolved(
    sides: Sequence[Expression], table: SymbolTable, scope: Scope, named: Mapping[str, Collection[str]]
) -> list[Expression]:
    """Return the sides of a chain with its constant indices and its capitals recognised.

    named: other letters for ranges, each with the letters of its indices.

    Raises: NotationError, where a letter has two meanings.
    """
    resolution = _Resolution(list(sides), table, scope, named)
    return [rebuilt(side, resolution.part) for side in resolution.sides]


class _Resolution:
    """The letters of one chain."""

    def __init__(
        self,
        sides: list[Expression],
        table: SymbolTable,
        scope: Scope,
        named: Mapping[str, Collection[str]],
    ) -> None:
        self.sides = sides
        self.named = named
        self.table = table
        self.fail = scope.fail
        written = [subscript for side in sides for subscript in subscripts(side) if not isinstance(subscript, NewIndex)]
        arithmetic = [index for side in sides for part in side.walk() for index in arithmetic_of(part)]
        limits = [part.limits for side in sides for part in side.walk() if isinstance(part, Summation) and part.limits]
        numbers = letters(inner([*arithmetic, *(end for ends in limits for end in ends)]))
        self.numbers = {letter for letter in numbers if self._is_number(letter)}
        self.numbers |= letters(written) & named.keys()
        written = [index for index in written if not isinstance(index, Index) or index.letter not in self.numbers]
        self.letters = letters(written)
        self.indices = {index for index in written if isinstance(index, Index)}
        partials = (part for side in sides for part in side.walk() if isinstance(part, Partial | Differential))
        self.differentiated = {id(part) for partial in partials for part in partial.parts}

    def _is_number(self, letter: str) -> bool:
        """Return whether a letter in index arithmetic is a number: one that is declared, or the number of values."""
        return letter in self.table.whole or letter in self.named or self.table.is_capital(letter)

    def part(self, part: Expression) -> Expression:
        """Return a part with the letters that stand on itself resolved."""
        match part:
            case Tensor(_, ()) if id(part) not in self.differentiated:
                return self._scalar(part)
            case Delta(indices) | Indicator(indices):
                return replace(part, indices=tuple(map(self._end, indices)))
            case Tensor(_, indices) | One(indices):
                return replace(part, indices=tuple(map(self._subscript, indices)))
            case Summation():
                return self._summation(part)
            case RangeProduct(first, last):
                last = replace(last, indices=tuple(map(self._subscript, last.indices)))
                return replace(part, first=None if first is None else self.part(first), last=last)
            case _:
                return part

    def _subscript(self, subscript: Any) -> Any:
        if isinstance(subscript, Affine):
            return replace(
                subscript,
                terms=tuple((number, tuple(map(self._atom, atoms))) for number, atoms in subscript.terms),
            )
        if isinstance(subscript, Picked):
            if subscript.name not in self.table.picks:
                expected = f"'% index {subscript.name}', if its components are values of an index"
                raise self.fail(f"{subscript} as an index", subscript.at, expected)
            return replace(subscript, indices=tuple(map(self._subscript, subscript.indices)))
        if isinstance(subscript, Coordinate) and self.table.origin == 1:
            if not subscript.value:
                raise self.fail("0 as an index, where they count from 1", subscript.at, "'% origin 0'")
            return replace(subscript, value=subscript.value - 1)
        inside = (subscript.first, subscript.last) if isinstance(subscript, Range) else (subscript,)
        for end in inside:
            if not isinstance(end, Index):
                continue
            if end.letter in self.table.fixed:
                if end.primes or isinstance(subscript, Range):
                    fault = f"{plain(end.letter)} is a constant index"
                    raise self.fail(fault, end.at, "it alone, without primes")
                return Fixed(end.letter, at=end.at)
            if len(end.letter) == 1 and end.letter.isupper():
                expected = f"'% fixed {end.letter}', if it is a constant index"
                raise self.fail(f"the capital {end.letter} as an index", end.at, expected)
        return subscript

    def _end(self, index: Any) -> Any:
        """Return an index of a delta or a condition, which may be a number."""
        number = isinstance(index, Index) and index.letter in self.numbers
        return self._subscript(Affine(((1, (index,)),), str(index), at=index.at) if number else index)

    def _atom(self, atom: Any) -> Any:
        """Return a letter of index arithmetic: a number, if it is one."""
        if not isinstance(atom, Index) or atom.letter not in self.numbers:
            return self._subscript(atom)
        if atom.letter in self.table.whole:
            return Whole(atom.letter, at=atom.at)
        if not isinstance(size := self._scalar(Tensor(atom.letter, at=atom.at)), Size):
            fault = f"nothing says which range {plain(atom.letter)} is"
            raise self.fail(fault, atom.at, f"'% size i = {atom.letter}' for the index i; '% integer {atom.letter}'")
        return Extent(size.name, size.index, at=atom.at)

    def _scalar(self, part: Tensor) -> Expression:
        """Return the size that a capital stands for; a scalar as it is."""
        name = part.name
        known = self.table.capitals.get(name, Index(name.lower()))
        owners = self.named.get(name, [known.letter])
        if name.rstrip("'") in self.letters | self.table.fixed:
            index = Index(name.rstrip("'"), name.count("'"), at=part.at)
            if index.letter in self.table.valued and index in self.indices:
                return Ordinal((index,), self._first(index, part.at), at=part.at)
            expected = f"'% value {index}', if that is meant; another letter for one of them"
            raise self.fail(f"{plain(name)} is an index here, and has no value", part.at, expected)
        if name in self.table.whole:
            raise self.fail(f"{plain(name)} is a number in indices, and has no value here", part.at, "another letter")
        if not self.table.is_capital(name) and name not in self.named:
            return part
        if not self.letters.isdisjoint(owners):
            candidates = [index for index in self.indices if index.letter in owners]
            if not candidates:
                raise self.fail(f"{name} is the range of an index with dots", part.at, "an index of its own")
            index = min(candidates, key=lambda index: (index.primes, index.letter))
            self.table.capitals.setdefault(name, index)
            return Size(name, index, at=part.at)
        if name in self.table.capitals or name in self.named:
            letter = min(owners)
            if part is self.sides[0]:
                fault = f"{name} was the range of {letter}, and no {letter} is here"
                raise self.fail(fault, part.at, f"another letter; or '% size {letter} = 3', if {name} is 3")
            return Size(name, Index(letter), at=part.at)
        return part

    def _summation(self, part: Summation) -> Expression:
        first, *_ = part.indices
        found = tuple(map(self._subscript, part.indices))
        if any(isinstance(subscript, Fixed) for subscript in found):
            raise self.fail("a sum over a constant index", part.at, "an index that is not fixed")
        if part.limits and (part.capital in self.letters or not part.capital):
            return self._limited(replace(part, limits=None, capital=""), *map(self._subscript, part.limits))
        part = replace(part, limits=None)
        if part.capital:
            letter = first.letter if isinstance(first, Index) else ""
            if part.capital != letter.upper() and letter not in self.named.get(part.capital, ()):
                expected = f"another letter for one of two ranges, '% size {first} = {part.capital}' for all values"
                raise self.fail("a sum over a part of the range", part.at, expected)
            if part.capital in self.named:
                return replace(part, indices=found)
            if not self.table.is_capital(part.capital) or part.capital in self.table.fixed:
                fault = f"{part.capital} has a meaning already, and is not the range of {first}"
                raise self.fail(fault, part.at, rf"\sum_{{{first}}}, or another letter")
            self.table.capitals.setdefault(part.capital, Index(letter))
        return replace(part, indices=found)

    def _limited(self, part: Summation, low: Affine, high: Affine) -> Expression:
        """Return a sum over a part of the range: an index with limits, or conditions where these are not constant."""
        (index,) = part.indices
        assert isinstance(index, Index)
        if not any(isinstance(each, Index | Fixed | Picked) for each in inner((low, high))):
            self._first(index, part.at)
            bounded = Bounded(index.letter, index.primes, low, high, at=index.at)
            return with_indices(part, {index: bounded})
        first = Affine(((self.table.origin or 0, ()),))
        conditions = [Indicator((index, high), "≤", at=part.at)]
        if low.terms != first.terms and not (not low.terms and not self.table.origin):
            conditions.insert(0, Indicator((low, index), "≤", at=part.at))
        if not isinstance(part, Reduction):
            return replace(part, body=Product((*conditions, part.body), at=part.body.at))
        if part.sign != "∏":
            raise self.fail(f"{part.sign} over a part of the range", part.at, "all values of an index")
        one = Number(Fraction(1), at=part.at)
        rest = Sum((part.body, Negative(one, at=part.at)), at=part.body.at)
        return replace(part, body=Sum((one, Product((*conditions, rest), at=part.at)), at=part.at))

    def _first(self, index: Index, at: Position) -> int:
        """Return the first value of an index, which must be known."""
        if self.table.origin is None:
            expected = "'% origin 0' or '% origin 1': the first value of an index"
            raise self.fail(f"does {index} count from 0 or from 1?", at, expected)
        return self.table.origin


def is_definition(table: SymbolTable, head: Expression, right: Expression, sign: str, scope: Scope) -> bool:
    """Return whether a left side is a new name, alone.

    Raises: NotationError, if it is one with an index twice.
    """
    if isinstance(head, Placed) and sign == "=":
        tensor = next(part for part in head.walk() if isinstance(part, Tensor | Partial))
        if isinstance(tensor, Tensor) and tensor.name not in table.tensors:
            _refuse_recursion(head, scope)
    if not isinstance(head, Tensor) or head.name in table.tensors or head.name in table.scalars:
        return False
    itself = any(isinstance(part, Tensor) and part.name == head.name for part in right.walk())
    if itself and any(isinstance(part, Placement) and part.tensor == head.name for part in right.walk()):
        _refuse_recursion(head, scope)
    if isinstance(right, Piecewise) and right.values[-1] == head:  # A condition stands after the equation.
        raise scope.fail(f"{head} would be defined where a condition holds only", head.at, r"\begin{cases}")
    if sign != "=" or itself or not all(isinstance(index, Index | Range) for index in head.indices):
        return False
    if len(set(head.indices)) < len(head.indices):
        raise scope.fail(f"{head} would define a diagonal only", head.at, "each index once on the left")
    return True


def _refuse_recursion(head: Expression, scope: Scope) -> NoReturn:
    """Refuse a row that gives components of a tensor by others of it, or only some of them."""
    letter = next((index for index in head.own or subscripts(head) if not isinstance(index, NewIndex)), "t")
    expected = f"'% label {letter}', if they are tensors of their own, such as steps; or {letter} alone on the left"
    raise scope.fail(f"{head} on the left, and other components of the same tensor", head.at, expected)


def define(table: SymbolTable, definition: Statement) -> None:
    """Put a definition into the table.

    Raises: NotationError, if a directive gives its tensor a domain.
    """
    head, right = definition.sides
    assert isinstance(head, Tensor)
    if head.name in table.domains:
        domain = table.domains[head.name]
        raise definition.fail(f"{plain(head.name)} is said to be {domain}, but is no input", "directives about inputs")
    own = tensors_in(right, table.scalars)
    downstream = bool(table.gradients(right)) or any(table.tensors[name].downstream for name in own)
    table.tensors[head.name] = Symbol(head.name, kinds_of(head.indices), own, definition, downstream=downstream)


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
    holding: dict[Position, list[Partial]] = {}
    for part in side.walk():
        if isinstance(part, Partial):
            _check_derivative(table, part, scope)
            if part.held:
                holding.setdefault(part.at, []).append(part)
    for fraction in holding.values():
        _check_held(table, fraction, scope)


def _register_tensor(table: SymbolTable, part: Tensor, scope: Scope) -> None:
    if part.name in table.scalars:
        raise scope.fail(
            f"{plain(part.name)} is the arbitrary downstream scalar, whose value is not known",
            part.at,
            f"only derivatives of it; or a definition of {plain(part.name)} before them, or % new",
        )
    if part.name in table.picks:
        raise scope.fail(f"{plain(part.name)} is a tensor of indices, and has no value here", part.at, "another letter")
    kinds = kinds_of(part.indices)
    known = table.tensors.get(part.name)
    if known is None:
        table.tensors[part.name] = Symbol(part.name, kinds)
    elif known.kinds is None:
        table.tensors[part.name] = replace(known, kinds=kinds)
    elif known.kinds != kinds:
        has = _count(known.kinds)
        where = f", as in {known.line}" if known.line else ""
        number = next((index.value for index in part.indices if isinstance(index, Coordinate)), None)
        product = rf"; {number} \cdot i for an index that is {number} times another" if number else ""
        raise scope.fail(
            f"{plain(part.name)} has {has}, not {_count(kinds)}",
            part.at,
            f"{has}{where}; or % new, to forget what the page has said" + product,
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


def _check_held(table: SymbolTable, fraction: Sequence[Partial], scope: Scope) -> None:
    """Refuse to hold a tensor fixed that is not between those of a derivative: of any in a fraction of higher order."""
    part = fraction[-1]
    between = [name for each in fraction for name in table.between(each)]
    by, body = plain(part.by.name), plain(part.body.name) if isinstance(part.body, Tensor) else "the bracket"
    for name in part.held:
        if name in between:
            inner = [each for each in part.body.walk() if isinstance(each, Partial) and name not in each.held]
            total = [each for each in inner if name in table.between(each)]
            if total:
                fault = f"{plain(name)} is held fixed, but not in {total[0]} inside"
                raise scope.fail(fault, part.at, f"{plain(name)} held fixed in it too")
            continue
        fault = f"{plain(name)} is held fixed, but is not on the way from {by} to {body}"
        if name not in table.tensors:
            fault = f"{plain(name)} is held fixed, but there is no {plain(name)} above"
        elif plain(name) in (by, body):
            fault = f"{plain(name)} is held fixed in its own derivative"
        ways = " or ".join(dict.fromkeys(map(plain, between)))
        raise scope.fail(fault, part.at, f"{ways}, from which {body} is computed" if ways else "no bar")


def localised(
    table: SymbolTable, sides: Sequence[Expression], names: Collection[str]
) -> tuple[list[Expression], list[Partial]]:
    """Return sides in which derivatives by an argument hold the other arguments of the definition fixed, and these.

    names: the tensors of which they are. A derivative with a bar, or a d, stays.
    """
    found: list[Partial] = []

    def local(part: Expression) -> Expression:
        if not isinstance(part, Partial) or part.held or part.total:
            return part
        body = part.body
        while isinstance(body, Partial):
            body = body.body
        if not isinstance(body, Tensor) or body.name not in names or body.name not in table.tensors:
            return part
        arguments = table.tensors[body.name].arguments or ()
        held = tuple(name for name in table.between(part) if name in arguments) if part.by.name in arguments else ()
        if held:
            part = replace(part, held=held)
            found.append(part)
        return part

    return [rebuilt(side, local) for side in sides], found


def kinds_of(indices: tuple[Subscript, ...]) -> tuple[str, ...]:
    """Return the kind of each subscript of a tensor: "index" or "range"."""
    return tuple("range" if isinstance(index, Range) else "index" for index in indices)


def _count(kinds: tuple[str, ...]) -> str:
    single, wide = kinds.count("index"), kinds.count("range")
    words = [f"{single} {'index' if single == 1 else 'indices'}"] if single or not wide else []
    if wide:
        words.append(f"{wide} {'range' if wide == 1 else 'ranges'} of indices")
    return " and ".join(words) + f" in the order {', '.join(kinds)}" * (single > 0 < wide)
