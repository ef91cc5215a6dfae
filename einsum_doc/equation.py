"""Text -> Equation: operands, output, each label's role and place in the text."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from html import escape
from types import EllipsisType, MappingProxyType
from typing import Any, NamedTuple

from einsum_doc.errors import ArgumentError, EquationError, sequence, shown, whole

ELLIPSIS = "..."

Term = tuple[str, ...]
"""The labels of one operand, or of the output, in order; an ellipsis is the label '...'."""

PlacedTerm = tuple[tuple[str, int], ...]
"""A term as it was written: its labels, each with its position in the text."""


class Role(StrEnum):
    """The role of a label in an equation. Every label has one of the first five; the others come on top.

    >>> {label: sorted(roles) for label, roles in parse("bij,bj->bi").roles.items()}
    {'b': [<Role.BATCH: 'batch'>], 'i': [<Role.FREE: 'free'>], 'j': [<Role.CONTRACTED: 'contracted'>]}
    """

    FREE = "free"
    """In one operand and in the output."""
    BATCH = "batch"
    """In several operands and in the output."""
    CONTRACTED = "contracted"
    """In several operands and not in the output: their products are summed over it."""
    SUMMED = "summed alone"
    """In one operand and not in the output: that operand is summed over it, and its gradient broadcasts."""
    BROADCAST = "broadcast"
    """Only in the output: the result is repeated along it (the one-tensor). Its size has to be given."""
    REPEATED = "repeated"
    """Several times in one term: an operand's diagonal is read, the output's diagonal is written."""
    ELLIPSIS = "ellipsis"
    """The ellipsis: any number of axes, aligned from the right."""


class Occurrence(NamedTuple):
    """One place of a label: `operand` is a number, or None for the output; `axis` counts within the term."""

    operand: int | None
    axis: int


@dataclass(frozen=True)
class Equation:
    """An einsum: the labels of its operands and of its output. `str()` is its canonical text.

    >>> equation = parse("ijk, ip -> jkp")
    >>> str(equation), equation.operands, equation.output
    ('ijk,ip->jkp', (('i', 'j', 'k'), ('i', 'p')), ('j', 'k', 'p'))

    The einsum is *closed*: a label that is several times in the output writes the diagonal, and a label
    that is only in the output broadcasts. `text` is what was written; it does not take part in `==`.
    Raises: EquationError, if a label is not one letter or '...', or a term has two of the latter.
    """

    operands: tuple[Term, ...]
    output: Term
    text: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        terms = (*sequence(self.operands, "operands", "terms"), self.output)
        if not all(isinstance(term, tuple) for term in terms):
            raise ArgumentError(f"a term is a tuple of labels; text is read by `parse`: {shown(terms)}")
        for label in (label for term in terms for label in term):
            if label != ELLIPSIS and not _is_label(label):
                raise EquationError(f"a label is one letter or '...', not {label!r}", label=label)
        if not self.operands:
            raise EquationError("an einsum has one operand or more")
        if any(term.count(ELLIPSIS) > 1 for term in terms):
            raise EquationError("a second ellipsis in a term", label=ELLIPSIS)
        if not self.text:
            object.__setattr__(self, "text", str(self))

    def __str__(self) -> str:
        return ",".join(map("".join, self.operands)) + "->" + "".join(self.output)

    def __repr__(self) -> str:
        return f"parse({str(self)!r})"

    def _repr_html_(self) -> str:
        return f"<code>{escape(str(self))}</code>"

    def __reduce__(self) -> tuple[type["Equation"], tuple[tuple[Term, ...], Term, str]]:
        return Equation, (self.operands, self.output, self.text)

    @cached_property
    def labels(self) -> Term:
        """Every label once, in order of first appearance.

        >>> parse("ik,kj->ij").labels
        ('i', 'k', 'j')
        """
        return tuple(dict.fromkeys(label for term in (*self.operands, self.output) for label in term))

    @cached_property
    def roles(self) -> Mapping[str, frozenset[Role]]:
        """The roles of each label.

        >>> sorted(parse("iij,jk->ik").roles["i"])
        [<Role.FREE: 'free'>, <Role.REPEATED: 'repeated'>]
        """
        return MappingProxyType({label: self._roles(label) for label in self.labels})

    def _roles(self, label: str) -> frozenset[Role]:
        holders = sum(label in term for term in self.operands)
        kept = label in self.output
        if holders == 0:
            roles = {Role.BROADCAST}
        elif holders == 1:
            roles = {Role.FREE if kept else Role.SUMMED}
        else:
            roles = {Role.BATCH if kept else Role.CONTRACTED}
        if any(term.count(label) > 1 for term in (*self.operands, self.output)):
            roles.add(Role.REPEATED)
        if label == ELLIPSIS:
            roles.add(Role.ELLIPSIS)
        return frozenset(roles)

    def occurrences(self, label: str) -> tuple[Occurrence, ...]:
        """Return the occurrences of a label, operands first.

        >>> parse("ii->i").occurrences("i")
        (Occurrence(operand=0, axis=0), Occurrence(operand=0, axis=1), Occurrence(operand=None, axis=0))
        """
        terms = [*enumerate(self.operands), (None, self.output)]
        return tuple(
            Occurrence(number, axis) for number, term in terms for axis, own in enumerate(term) if own == label
        )

    def positions(self, label: str, operand: int | EllipsisType | None = ...) -> tuple[int, ...]:
        """Return the positions of a label in the text; `operand` restricts them to one operand, or None to the output.

        >>> parse("ik, kj -> ij").positions("j", operand=None)
        (11,)

        An implicit output has none.
        """
        return tuple(
            position
            for number, term in self._written
            for own, position in term
            if own == label and (operand is ... or number == operand)
        )

    def span(self, operand: int | None) -> tuple[int, ...]:
        """Return the positions in the text of the labels of an operand, or with None of the output.

        >>> parse("ik, kj -> ij").span(1)
        (4, 5)
        """
        return tuple(position for number, term in self._written if number == operand for _, position in term)

    def in_words(self) -> str:
        """Describe the einsum in a sentence.

        >>> parse("ij,jk->ik").in_words()
        'Multiply x0 and x1 where their labels are equal, sum over j, and keep i and k.'
        """
        names = [f"x{number}" for number in range(len(self.operands))]
        parts = [f"multiply {_listed(names)} where their labels are equal" if len(names) > 1 else f"take {names[0]}"]
        repeated = [label for label in self.labels if any(term.count(label) > 1 for term in self.operands)]
        if repeated:
            parts.append(f"on the diagonal of {_listed(repeated)}")
        summed = [label for label in self.labels if label not in self.output]
        if summed:
            parts.append(f"sum over {_listed(summed)}")
        new = [label for label in dict.fromkeys(self.output) if Role.BROADCAST in self.roles[label]]
        kept = [label for label in dict.fromkeys(self.output) if label not in new]
        if new:
            parts.append(f"repeat along {_listed(new)}")
        if any(self.output.count(label) > 1 for label in self.output):
            parts.append("write the diagonal")
        parts.append(f"and keep {_listed(kept)}" if kept else "and keep no label")
        sentence = ", ".join(parts)
        return sentence[0].upper() + sentence[1:] + "."

    def as_sum(self) -> str:
        """Write the einsum as a formula: δ stands for a repeated label of the output, 1 for a new one.

        >>> parse("ij,jk->ik").as_sum(), parse("i->iij").as_sum()
        ('z[i,k] = Σ_j x0[i,j] x1[j,k]', "z[i,i',j] = x0[i] δ[i,i'] 1[j]")
        """
        output: list[str] = []
        factors = [f"x{number}[{','.join(term)}]" for number, term in enumerate(self.operands)]
        for label in self.output:
            name = label
            while name in output:
                name += "'"
            if name != label:
                factors.append(f"δ[{label},{name}]")
            elif Role.BROADCAST in self.roles[label]:
                factors.append(f"1[{label}]")
            output.append(name)
        summed = ",".join(label for label in self.labels if label not in self.output)
        return f"z[{','.join(output)}] = " + (f"Σ_{summed} " if summed else "") + " ".join(factors)

    def as_loops(self) -> str:
        """Write the einsum as nested loops: runnable Python on NumPy arrays `x0`, `x1`, … and zeros `out`.

        >>> print(parse("ij,j->i").as_loops())
        for i in range(size["i"]):
            for j in range(size["j"]):
                out[i] += x0[i, j] * x1[j]

        The axes under an ellipsis have no loop: NumPy goes along them, and sums them if the output has none.
        """
        loops = [*dict.fromkeys(self.output), *(label for label in self.labels if label not in self.output)]
        lines = [f'for {_variable(label)} in range(size["{label}"]):' for label in loops if label != ELLIPSIS]
        product = " * ".join(f"x{number}[{_index(term)}]" for number, term in enumerate(self.operands))
        if ELLIPSIS in self.labels and ELLIPSIS not in self.output:
            product = f"({product}).sum()"
        lines.append(f"out[{_index(self.output)}] += {product}")
        return "\n".join("    " * depth + line for depth, line in enumerate(lines))

    @cached_property
    def _written(self) -> tuple[tuple[int | None, PlacedTerm], ...]:
        """For each term of the text, its number and its labels with their positions."""
        inputs, output = _read(self.text)
        written: list[tuple[int | None, PlacedTerm]] = list(enumerate(inputs))
        if output is not None:
            written.append((None, output))
        return tuple(written)


def parse(text: str | bytes | Equation) -> Equation:
    """Read an equation.

    >>> parse("ij,jk")
    parse('ij,jk->ik')
    >>> parse("i...j, ij... -> ...ij").output
    ('...', 'i', 'j')

    A label is one letter of any alphabet, upper or lower case, or a symbol of opt_einsum, such as `×`; blanks are
    ignored. Without an arrow the output is the ellipsis, if there is one, and then the labels that occur once,
    capitals first.
    Raises: EquationError, at a stray character, a dot that is no ellipsis, or a second ellipsis or arrow.
    Source: `torch.einsum` and `numpy.einsum`, documentation.
    """
    if isinstance(text, Equation):
        return text
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    if not isinstance(text, str):
        raise ArgumentError(f"an equation is text such as 'ij,jk->ik', not {shown(text)}")
    return _parse(text)


@lru_cache(maxsize=1024)
def _parse(text: str) -> Equation:
    inputs, output = _read(text)
    operands = tuple(map(_labels, inputs))
    return Equation(operands, _implicit_output(operands) if output is None else _labels(output), text)


def _labels(term: PlacedTerm) -> Term:
    return tuple(label for label, _ in term)


def from_sublists(
    operands: Sequence[Sequence[int | EllipsisType]], output: Sequence[int | EllipsisType] | None = None
) -> Equation:
    """Return the equation of a call in the sublist form, where labels are numbers or `...`.

    >>> from_sublists([[0, 1], [..., 0]], [1, ...])
    parse('AB,...A->B...')

    As in torch, 0 to 25 are `A` to `Z` and 26 to 51 `a` to `z`; larger numbers are further letters.
    Raises: EquationError, if something in a sublist is neither a whole number from 0 on nor `...`.
    """
    text = ",".join(map(_letters, sequence(operands, "operands", "sublists")))
    if output is not None:
        text += "->" + _letters(output)
    return parse(text)


def _listed(names: Sequence[str]) -> str:
    names = ["the ellipsis" if name == ELLIPSIS else name for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _index(term: Term) -> str:
    return ", ".join(map(_variable, term)) or "()"


def _variable(label: str) -> str:
    return label if label == ELLIPSIS or label.isidentifier() else f"label{ord(label)}"


def _implicit_output(operands: tuple[Term, ...]) -> Term:
    everything = Counter(label for term in operands for label in term)
    once = sorted(label for label, count in everything.items() if label != ELLIPSIS and count == 1)
    return ((ELLIPSIS,) if ELLIPSIS in everything else ()) + tuple(once)


def _read(text: str) -> tuple[list[PlacedTerm], PlacedTerm | None]:
    """Split text into its terms: those of the operands, and the output's or None if there is no arrow."""
    terms: list[list[tuple[str, int]]] = [[]]
    arrow: int | None = None
    for token, position in _tokens(text):
        if token == "->":
            if arrow is not None:
                raise EquationError("a second arrow", text=text, places=(arrow, position))
            arrow = position
            terms.append([])
        elif token == ",":
            if arrow is not None:
                raise EquationError("a comma in the output", text=text, places=[position])
            terms.append([])
        else:
            earlier = [place for label, place in terms[-1] if label == token == ELLIPSIS]
            if earlier:
                where = "the output" if arrow is not None else f"operand {len(terms) - 1}"
                raise EquationError(f"a second ellipsis in {where}", text=text, places=[*earlier, position])
            terms[-1].append((token, position))
    written = [tuple(term) for term in terms]
    return (written, None) if arrow is None else (written[:-1], written[-1])


_TOKEN = re.compile(r"\.{3}|->|.", re.DOTALL)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Yield the labels, ellipses, commas and arrows of a text, each with its position."""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if not (token in (ELLIPSIS, "->", ",", " ") or _is_label(token)):
            raise EquationError(_stray(token), text=text, places=[match.start()])
        if token != " ":
            yield token, match.start()


def _is_label(text: str) -> bool:
    """Return whether a text is a letter, or one of the first 8,000 symbols of opt_einsum, not all of which are."""
    return len(text) == 1 and (text.isalpha() or ("\xc0" <= text < "\u2000" and not text.isspace()))


def _stray(character: str) -> str:
    if character == ".":
        return "a dot that is not part of an ellipsis '...'"
    if character in "->":
        return f"a {character!r} that is not part of an arrow '->'"
    # As they are copied from a page.
    hints = {
        "→⟶⇒−–—=": "an arrow is written '->'",
        "…⋯": "an ellipsis is written '...'",
        ";*·": "operands are separated by ','",
    }
    hint = next((f": {hint}" for signs, hint in hints.items() if character in signs), "")
    return f"stray character {character!r}{hint}"


_ASCII = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _letters(sublist: Any) -> str:
    return "".join(map(_letter, sequence(sublist, "a sublist", "numbers, such as [0, 1]")))


def _letter(entry: Any) -> str:
    if entry is ...:
        return ELLIPSIS
    number = whole(entry, "an entry of a sublist is '...' or")
    if number >= len(_ASCII) + len(_beyond_ascii()):
        raise EquationError("there are not so many letters")
    return _ASCII[number] if number < len(_ASCII) else _beyond_ascii()[number - len(_ASCII)]


@cache
def _beyond_ascii() -> str:
    """Return the letters after those of ASCII."""
    return "".join(filter(str.isalpha, map(chr, range(0xC0, sys.maxunicode + 1))))
