"""LaTeX -> Document: the rows of a derivation, as chains of relations, and its directives.

A text that cannot be read is an error, at its line and column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from einsum_doc.errors import NotationError
from einsum_doc.notation.expression import (
    GREEK,
    Affine,
    Delta,
    Expression,
    Function,
    Indicator,
    Partial,
    Picked,
    Piecewise,
    Position,
    Summation,
    Tensor,
    is_zero,
    letters,
    rebuilt,
    subscripts,
)
from einsum_doc.notation.matrices.nodes import Constant
from einsum_doc.notation.reading.cursor import Cursor
from einsum_doc.notation.reading.directives import Directive, directive
from einsum_doc.notation.reading.indices import compared, condition, value_of
from einsum_doc.notation.reading.lexicon import NOTHING_SAID, Lexicon
from einsum_doc.notation.reading.names import extended
from einsum_doc.notation.reading.terms import Terms
from einsum_doc.notation.reading.tokens import Token
from einsum_doc.notation.reading.vocabulary import ASSIGNS, CONNECTIVES, LOSSES
from einsum_doc.notation.subscripts import atoms_of


@dataclass(frozen=True)
class Relation:
    r"""One `=` or `\neq` and its right side.

    row: the number of the row that `\\` ends; at: the position of the sign.
    latex: the row's text up to the end of the right side, from the row's start or the relation before.
    reason: from a `\tag` or a trailing `\text`, on the last relation of its row.
    """

    sign: str
    right: Expression
    row: int
    latex: str
    reason: str
    at: Position


@dataclass(frozen=True)
class Chain:
    """A left side and the relations that follow it, over one or more rows.

    explains: true after "where", as its definition belongs to what stands before.
    """

    head: Expression
    relations: tuple[Relation, ...]
    explains: bool = False

    @property
    def sides(self) -> list[Expression]:
        """Its left side and all right sides."""
        return [self.head, *(relation.right for relation in self.relations)]


@dataclass(frozen=True)
class Document:
    """The chains and directives of a text, in order, and what the page has said of its letters by now."""

    text: str
    entries: tuple[Chain | Directive, ...]
    lexicon: Lexicon = NOTHING_SAID


def parse_notation(text: str, scalars: Iterable[str] = (), lexicon: Lexicon = NOTHING_SAID) -> Document:
    r"""Read the lines of a derivation; `scalars` and `lexicon` are what its page has said so far.

    >>> [chain] = parse_notation(r"z_{ik} &= x_{ij} y_{jk} \\ &= y_{jk} x_{ij}").entries
    >>> print(chain.head, "=", chain.relations[1].right)
    z_{ik} = y_{jk} x_{ij}

    Raises: NotationError, at the first sign that cannot be read.
    """
    if not isinstance(text, str):
        raise NotationError(f"a derivation is text, not {type(text).__name__}")
    reader = Terms(text, scalars)
    found = [directive(reader, token) for token in reader.removed if token.kind == "directive"]
    lexicon = extended(reader, found, NOTHING_SAID if any(each.word == "new" for each in found) else lexicon)
    reader.lexicon = lexicon
    reader.stationary = any(each.word == "stationary" for each in found)
    reader.scalars.update(_factors(reader.tokens), *(each.names for each in found if each.word == "scalar"))
    chains = [_with_values(chain, lexicon.picks) for chain in _chains(reader)]
    found_at: list[tuple[Position, Chain | Directive]] = [(each.at, each) for each in found]
    found_at += [(chain.head.at, chain) for chain in chains]
    return Document(text, tuple(each for _, each in sorted(found_at, key=lambda pair: pair[0])), lexicon)


def _factors(tokens: Sequence[Token]) -> Iterator[str]:
    r"""Yield the Greek letters that stand before a factor, as λ in `2 \lambda \mathbf{w}`: no function does."""
    for number, token in enumerate(tokens[:-1]):
        before, after = tokens[number - 1].text, tokens[number + 1].kind
        greek = token.text[:1] == "\\" and token.text[1:] in GREEK and token.text not in LOSSES
        if greek and after in ("letter", "style", "fraction") and before not in (r"\partial", "_"):
            yield token.text


def _with_values(chain: Chain, picks: Collection[str]) -> Chain:
    """Return a chain in which a condition without an index of the chain is about values, as x > 0."""
    parts = [part for side in chain.sides for part in side.walk()]
    if not any(isinstance(part, Indicator) for part in parts):
        return chain
    indices: set[str] = set()
    for part in parts:
        own = () if isinstance(part, Indicator) else part.own
        indices |= letters((*own, *(part.indices if isinstance(part, Summation) else ())))

    def meant(part: Expression) -> Expression:
        if not isinstance(part, Indicator):
            return part
        atoms = [atom for end in part.indices for atom in (atoms_of(end) if isinstance(end, Affine) else (end,))]
        known = any(isinstance(atom, Picked) and atom.name in picks for atom in atoms)
        if known or not letters(atom for atom in atoms if not isinstance(atom, Picked)).isdisjoint(indices):
            return Delta(part.indices, at=part.at) if part.sign == "=" else part
        left, right = map(value_of, part.indices)
        return compared(left, part.sign, right, part.at)

    found = [replace(each, right=rebuilt(each.right, meant)) for each in chain.relations]
    return replace(chain, head=rebuilt(chain.head, meant), relations=tuple(found))


def in_order(entries: Sequence[Chain | Directive]) -> list[int]:
    """Return the numbers of entries in the order of their check.

    A definition comes before what uses it, after "where" and in rows without derivatives: these are along definitions
    above them.
    """
    order: list[int] = []
    group: list[int] = []
    row = -1
    for number, step in enumerate(entries):
        together = isinstance(step, Chain) and (step.explains or step.relations[0].row == row)
        if not together and not all(_defines(entries[each]) for each in (*group, number)):
            order += _sorted(group, entries)
            group = []
        group.append(number)
        row = step.relations[0].row if isinstance(step, Chain) else -1
    return order + _sorted(group, entries)


def _defines(step: Chain | Directive) -> bool:
    """Return whether a step is a row in the form of a definition, without derivatives."""
    if not isinstance(step, Chain) or not isinstance(step.head, Tensor):
        return False
    return not any(isinstance(part, Partial) for side in step.sides for part in side.walk())


def _sorted(group: list[int], entries: Sequence[Chain | Directive]) -> list[int]:
    """Return chains so that each comes after those that define what stands in it, as far as that is possible."""
    defining: dict[str, int] = {}
    used: dict[int, set[str]] = {}
    for number, chain in [(number, step) for number in group if isinstance(step := entries[number], Chain)]:
        used[number] = {p.name for side in chain.sides for p in side.walk() if isinstance(p, Tensor | Function)}
        if isinstance(chain.head, Tensor | Function):
            defining.setdefault(chain.head.name, number)
    found: list[int] = []
    rest = list(group)
    while rest:
        needs = {number: {defining.get(name, number) for name in used.get(number, ())} - {number} for number in rest}
        found.append(next((number for number in rest if needs[number].isdisjoint(rest)), rest[0]))
        rest.remove(found[-1])
    return found


def parse_expression(text: str) -> Expression:
    r"""Read one expression.

    >>> print(parse_expression(r"\frac{\partial l}{\partial x_{i'}} + 2 a_{i'}"))
    ∂l/∂x_{i'} + 2 a_{i'}
    """
    reader = Terms(text)
    found = reader.expression()
    if reader.next.kind != "end":
        raise reader.error("this does not belong to the expression", expected="an operator or the end")
    return found


def _chains(reader: Terms) -> Iterator[Chain]:
    """Read all rows; a row without a left side continues the chain of the row before."""
    head: Expression | None = None
    relations: list[Relation] = []
    row, explains = 0, False
    while not reader.sees("end"):
        if not reader.sees("break"):
            for left, found, after_where in _row(reader, row):
                if left is not None:
                    if head is not None:
                        yield Chain(head, tuple(relations), explains)
                    head, relations, explains = left, [], after_where
                elif head is None:
                    raise reader.error(
                        "the first row has no left side", expected="an expression before the sign", at=found[0].at
                    )
                relations += found
            if not reader.sees("break") and not reader.sees("end"):
                raise reader.misplaced(r"an operator, =, \\ or the end")
        reader.accept("break")
        row += 1
    if head is not None:
        yield Chain(head, tuple(relations), explains)


_Equation: TypeAlias = tuple[Expression | None, list[Relation]]


def _row(reader: Terms, number: int) -> Iterator[tuple[Expression | None, list[Relation], bool]]:
    """Read the equations of a row, each a left side, if it has one, and its relations; tell if "where" is before it."""
    start = reader.next.start
    explains = "where" in _connectives(reader)
    found = _equation(reader, number, start)
    own: set[str] = set()
    while True:
        found = _only_where(reader, *found)
        left, relations = found
        sides = [each for each in (left, *(relation.right for relation in relations)) if each is not None]
        if isinstance(left, Tensor) and not left.indices and left.name in own:
            expected = "one condition, directly after its equation, on indices of its left side"
            raise reader.error(f"{left} is an index in this row", expected=expected, at=left.at)
        own |= letters(index for side in sides for index in subscripts(side))
        if last := reader.accept("symbol", ",", ".", ";"):
            found[1][-1] = replace(found[1][-1], latex=found[1][-1].latex + last.text)
        start = reader.next.start
        words = _connectives(reader)
        if not words and not reader.starts_factor() and not reader.sees("symbol", "+", "-"):
            found[1][-1] = replace(found[1][-1], reason=_reason(reader))
            yield *found, explains
            return
        yield *found, explains
        explains = explains or "where" in words
        found = _equation(reader, number, start)


def _only_where(reader: Terms, left: Expression | None, relations: list[Relation]) -> _Equation:
    r"""Read the condition on indices that may follow an equation, `\text{if } i = j`; where it fails, nothing is said.

    There, the right side is the left one. Without a word, both of its letters have to be indices of the equation.
    """
    mark, end = reader.mark(), reader.end
    reader.accept("symbol", ",")
    reader.skip_ampersands()
    word = reader.accept("text")
    known = word is None or word.text.strip(" ,").lower() in ("if", "for", "when")
    after = reader.peek(3)
    alone = after.kind in ("break", "end", "text", "tag") or after.text in (",", ".", ";", "&")
    found = condition(reader) if known and alone else None
    sides = [each for each in (left, *(relation.right for relation in relations)) if each is not None]
    own = letters(index for side in sides for index in subscripts(side))
    if found is None or left is None or not letters(found.indices) or not letters(found.indices) <= own:
        reader.back(mark)
        return left, relations
    last = relations[-1]
    relations[-1] = replace(last, latex=f"{last.latex} {_latex(reader, end, reader.end)}")
    return left, [replace(each, right=Piecewise((each.right, left), (found,), at=each.right.at)) for each in relations]


def _connectives(reader: Terms) -> list[str]:
    """Read the words and signs that may stand before an equation and say nothing, such as "so" or ⇒."""
    found = []
    while reader.sees("so") or (reader.sees("text") and not _ends_row(reader)):
        if reader.sees("text") and reader.next.text.strip(" ,:").lower() not in CONNECTIVES:
            raise reader.error("a text before a row can change what it says", expected=r"the text at the row's end")
        found.append(reader.take().text.strip(" ,:").lower())
    reader.skip_ampersands()
    return found


def _ends_row(reader: Terms) -> bool:
    """Return whether only texts are left in the row: then they are its reason."""
    ahead = 0
    while reader.peek(ahead).kind in ("text", "tag") or reader.peek(ahead).text in (",", ".", ";", "&"):
        ahead += 1
    return reader.peek(ahead).kind in ("break", "end")


def _equation(reader: Terms, number: int, start: int) -> _Equation:
    sign = _sign(reader)
    left = None
    if sign is None:
        left = reader.expression()
        reader.skip_ampersands()
        sign = _sign(reader)
        if isinstance(left, Tensor) and sign is not None and sign.text == "=":
            reader.values.add(left.name)
    if sign is None and (reader.sees("break") or reader.sees("end")):
        raise reader.error("a row without a claim", expected=r"= or \neq")
    if sign is None:
        raise reader.misplaced(r"= or \neq")
    found: list[Relation] = []
    while sign is not None:
        reader.skip_ampersands()
        reader.in_right = True
        right = reader.expression()
        reader.in_right = False
        if left in right.walk() and isinstance(left, Tensor) and reader.text.startswith(ASSIGNS, sign.start):
            fault = f"{left} on both sides of := is an assignment, with an old and a new value"
            raise reader.error(
                fault, expected=rf"another name for the new value, as {left.name}_{{\text{{new}}}}", at=sign.at
            )
        end = reader.end
        reader.skip_ampersands()
        latex = _latex(reader, start, end)
        above = [*filter(None, [left]), *(each.right for each in found)]
        if sign.text == "=" and reader.stationary and found and _is_set_to_zero(above, right):
            found[-1] = replace(found[-1], latex=f"{found[-1].latex} {latex}")
        else:
            found.append(Relation("=" if sign.text == "=" else "≠", right, number, latex, "", sign.at))
        start, sign = end, _sign(reader)
    return left, found


def _is_set_to_zero(sides: Sequence[Expression], right: Expression) -> bool:
    """Return whether a derivative is set to zero, which says where it vanishes, and not that it does everywhere."""
    derivative = any(isinstance(part, Partial) for side in sides for part in side.walk())
    derivative = derivative and any(isinstance(part, Tensor) for part in sides[-1].walk())  # 2 = 0 holds nowhere.
    return derivative and (is_zero(right) or (isinstance(right, Constant) and right.sign == "0"))


def _sign(reader: Terms) -> Token | None:
    """Read the sign of a relation, if one is next."""
    return reader.accept("symbol", "=") or reader.accept("unequal")


def _reason(reader: Terms) -> str:
    """Read the texts and tags at the end of a row; a tag comes first."""
    reasons = []
    reader.skip_ampersands()
    while reader.sees("text") or reader.sees("tag"):
        token = reader.take()
        reasons.append((token.kind != "tag", token.text.strip()))
        reader.accept("symbol", ",", ".", ";")
        reader.skip_ampersands()
    return " ".join(text for _, text in sorted(reasons, key=lambda reason: reason[0]) if text)


def _latex(cursor: Cursor, start: int, end: int) -> str:
    """Return the text between two offsets, without comments."""
    kept, position = [], start
    for token in cursor.removed:
        if start <= token.start < end:
            style = token.kind == "silent" and token.text == r"\displaystyle"
            kept.append(cursor.text[position : token.end if style else token.start])
            position = token.end
    kept.append(cursor.text[position:end])
    return " ".join("".join(kept).split())
