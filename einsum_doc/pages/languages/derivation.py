"""`derivation`: lines of index notation, which the library checks with numbers and the page shows as numbered rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from einsum_doc.pages.reading.language import Language, PageProcess, literal
from einsum_doc.pages.record.block import DISPLAY, Block
from einsum_doc.pages.record.result import NOT_CHECKED, DerivationRow, Failure, Result

if TYPE_CHECKING:
    from einsum_doc.compute.checking.derivation import Derivations
    from einsum_doc.notation.statements.checked import CheckedLine


class DerivationLanguage(Language):
    """Derivations of a page; each may use the definitions of those before it."""

    def run(self, block: Block, process: PageProcess) -> Result:
        """Check a derivation; each line that is false is a failure."""
        from einsum_doc.compute.checking.derivation import Derivations
        from einsum_doc.errors import NotationError

        checker: Derivations = process.kept.setdefault("derivation", Derivations())
        checker.namespace.update(process.namespace)  # the names that the page's code has defined by now
        try:
            derivation = checker.check(block.code)
        except NotationError as error:
            error.einsum_doc_location = block.location_of(error.position[0])  # type: ignore[attr-defined]
            raise
        lines = derivation.lines
        rows = rows_of(lines)
        false = tuple(
            Failure(block.location_of(line.line), "DerivationError", line.message, line.details)
            for line in lines
            if not line.holds
        )
        return Result("held", rows=rows, markup=rows_html(rows, derivation.note), failures=false)

    def words(self, result: Result) -> str:
        lines = []
        for row in result.rows:
            formula = row.latex if "&" in row.latex.partition(r"\begin")[0] else f"&{row.latex}"
            lines.append(formula + (rf" && \text{{{row.reason}}}" if row.reason else ""))
        return "$$\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n$$" if lines else ""

    def setup(self, block: Block) -> Sequence[str]:
        return "from einsum_doc.compute.derivation import Derivations", "", "_derivations = Derivations()"

    def standalone(self, block: Block) -> Iterator[str]:
        code = f"\n{block.code}\n"
        if re.search(r"^\s*% let ", block.code, re.M):
            yield "_derivations.namespace.update(globals())"
        yield f"_checked = _derivations.check({literal(code)})"
        yield "print(_checked)"
        yield "assert _checked, _checked"


class DisplayLanguage(DerivationLanguage):
    """Display formulas of a page, which are checked where they hold relations that can be read."""

    def run(self, block: Block, process: PageProcess) -> Result:
        from einsum_doc.errors import NotationError
        from einsum_doc.notation.writing.html import mark_html

        text = rows_in(block.code)
        left_out = re.search(r"(?<!\\)% unchecked:?(?=\s|\Z)(.*)", text)
        if left_out:
            return _not_checked(left_out[1].strip() or "left out by the author")
        try:
            result = super().run(replace(block, code=text), process)
        except NotationError as error:
            return _not_checked(error.fault + (f"; expected: {error.expected}" if error.expected else ""))
        claims = [row for row in result.rows if row.verdict != "defined"]
        if not claims:
            return replace(result, markup="")
        verdict = min((row.verdict for row in claims), key=("false", "held", "proved").index)
        return replace(result, markup=mark_html(verdict, "; ".join(dict.fromkeys(row.checked for row in claims))))

    def words(self, result: Result) -> str:
        return ""  # it stands among the words of the page

    def standalone(self, block: Block) -> Iterator[str]:
        return super().standalone(replace(block, code=rows_in(block.code)))


def _not_checked(reason: str) -> Result:
    from einsum_doc.notation.writing.html import mark_html

    mark = mark_html("not checked", f"Not checked: {reason}")
    return Result("skipped", reason=f"{NOT_CHECKED}: {reason}", markup=mark)


_OUTSIDE = re.compile(
    r"(?P<blank>\s*)(?:\$\$(.*)\$\$|\\\[(.*)\\\]"
    r"|\\begin\{(?P<name>(?:equation|align|aligned|gather|gathered|split)\*?)\}(.*)\\end\{(?P=name)\})\s*",
    re.DOTALL,
)


def rows_in(formula: str) -> str:
    r"""Return the rows of a display formula, each on its line, without delimiters and environments around them.

    >>> rows_in("$$\n\\begin{aligned}\nx &= y\n\\end{aligned}\n$$")
    '\n\nx &= y\n'
    """
    while found := _OUTSIDE.fullmatch(formula):
        formula = "\n" * found["blank"].count("\n") + next(filter(None, found.group(2, 3, 5)), "")
    return formula


def rows_of(lines: Iterable[CheckedLine]) -> tuple[DerivationRow, ...]:
    """Return the checked lines of a derivation as the rows of its fence."""
    return tuple(DerivationRow(line.latex, line.reason, line.checked, line.verdict) for line in lines)


def rows_html(rows: Iterable[DerivationRow], note: str = "") -> str:
    """Return the numbered rows of a derivation as HTML."""
    from einsum_doc.notation.writing.html import derivation_html, row_html

    return derivation_html((row_html(row.latex, row.reason, row.verdict, row.checked) for row in rows), note)


LANGUAGES = (
    DerivationLanguage("derivation", ours=True, uses_torch=True, comment=r"(?<!\\)%.*"),
    DisplayLanguage(DISPLAY, ours=True, uses_torch=True),
)
