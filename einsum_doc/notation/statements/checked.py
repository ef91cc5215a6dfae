"""The outcome of a check, or of a proof: a verdict for each line, as a table and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from einsum_doc.notation.writing.html import derivation_html, row_html, unescaped
from einsum_doc.notation.writing.text import spoken

Judgement: TypeAlias = Literal["defined", "proved", "held", "open", "false"]
"""A definition; a claim that is proved for all sizes, holds by numbers, or is neither; or what is false."""


class Verdict(NamedTuple):
    """The outcome of a check. message: one line, unless it holds. checked: what was checked, in words.

    step: of a claim that is proved, the rules by which one side becomes the other.
    """

    verdict: Judgement
    message: str
    details: tuple[str, ...]
    checked: str
    step: str = ""

    @property
    def holds(self) -> bool:
        """True unless it is false, or open."""
        return self.verdict not in ("false", "open")


PROVED = "Proved for all sizes: both sides have the same normal form, so they are equal wherever both have a value"
COUNTEREXAMPLE = "Both sides have a value for these numbers, and differ"
NOT_PROVED = "Not proved for all sizes"
DEFINED = Verdict("defined", "", (), "a definition")


@dataclass(frozen=True)
class CheckedLine:
    r"""One relation of a derivation, and the verdict on it.

    line: the line of the text where it starts, from 0. row: the row it is in; rows end with `\\`.
    latex: the relation for MathJax, without `\\`, comments and reason; those of one row, put together, are
    the row. text: the same as plain text. reason: the author's, from a `\tag` or a trailing `\text`.
    kind: "definition" or "claim". verdict: "proved" for all sizes, "held" on random tensors, "false" or "defined";
    without PyTorch, "open" for what is neither proved nor false.
    message: one line, unless it holds. details: both values at the worst component, the sizes, and the reason if
    shapes differ. checked: the check, in words. step: of a proved line, the rules by which one side becomes the other.
    """

    line: int
    latex: str
    reason: str
    kind: str
    verdict: Judgement
    message: str
    details: tuple[str, ...]
    checked: str
    step: str = ""
    row: int = 0
    text: str = ""

    @property
    def holds(self) -> bool:
        """True unless it is false, or open."""
        return self.verdict not in ("false", "open")


@dataclass(frozen=True)
class CheckedDerivation:
    """The lines of a derivation: true if every claim holds; `str()` is a small table.

    note: the derivatives that are local, for the reader; empty if there are none.
    """

    lines: tuple[CheckedLine, ...]
    note: str = ""

    def __bool__(self) -> bool:
        return all(line.holds for line in self.lines)

    def _repr_html_(self) -> str:
        rows = (row_html(line.latex, line.reason, line.verdict, line.checked) for line in self.lines)
        return derivation_html(rows, self.note)

    def __str__(self) -> str:
        rows = [spoken(self.note)] if self.note else []
        for number, line in enumerate(self.lines, 1):
            verdict = {"held": "holds", "false": "FALSE"}.get(line.verdict, line.verdict)
            reason = f"   ({unescaped(line.reason)})" if line.reason else ""
            rows.append(f"{number:>3}  {verdict:<7}  {line.text}{reason}")
            if not line.holds:
                rows += [f"       {part}" for part in (line.message, *line.details)]
        return "\n".join(rows)
