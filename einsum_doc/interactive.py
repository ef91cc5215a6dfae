"""What a reader types into the page `try/` -> its answer, as JSON: everything without PyTorch, in a browser.

What is typed is data: it is read by the library's own readers, and only what these have made of it is written again,
as HTML that is escaped.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from math import prod
from typing import Any

from einsum_doc.article import Article, sizes_of
from einsum_doc.equation import ELLIPSIS, Equation, parse
from einsum_doc.errors import EinsumError, EquationError, NotationError, OperandError
from einsum_doc.notation.deriving.derivation import Derivation
from einsum_doc.notation.deriving.derive import derive
from einsum_doc.notation.statements.checked import CheckedDerivation
from einsum_doc.notation.statements.statements import prove
from einsum_doc.notation.writing.html import derivation_html, row_html

PARTS = ("says", "roles", "picture", "derivation", "equation", "cost", "libraries")

MOST = {"characters": 2_000, "operands": 8, "labels": 16, "rows": 60}
"""The most that is derived in a browser."""

_FIELDS = ("einsum", "names", "sizes", "also")


def answer(question: str) -> str:
    """Answer a question, both as JSON.

    >>> json.loads(answer('{"einsum": "ij,jk->ik"}'))["says"]
    'ij,jk->ik: 2 gradients, 16 lines, 16 proved for all sizes.'
    >>> print(json.loads(answer('{"einsum": "ij,j1->i"}'))["error"])
    stray character '1'
      ij,j1->i
          ^

    A question has `einsum`, with `names`, `sizes` and `also` if they are wanted, or `derivation`. An answer has `html`
    and, in one sentence, `says`; or `error` and the `field` at fault, "" if that is not known.
    """
    asked: Mapping[str, str] = json.loads(question)
    try:
        if "derivation" in asked:
            found = _derivation(asked["derivation"])
        else:
            found = _einsum(*(asked.get(field, "") for field in _FIELDS))
    except (EinsumError, NotationError) as error:
        [field] = getattr(error, "__notes__", [""])
        found = {"error": str(error), "field": field}
    except RecursionError:
        found = {"error": "too deeply nested"}
    return json.dumps(found)


def _einsum(text: str, names: str, sizes: str, also: str) -> dict[str, str]:
    """Return all about an einsum. also: "tangent", "second" or "numbers" for what is shown besides."""
    with _about("einsum"):
        if not text.strip():
            raise EquationError("type an einsum, such as ij,jk->ik")
        _limit(len(text), "characters")
        equation = parse(text.strip())
        _limit(len(equation.operands), "operands")
        _limit(len(equation.labels), "labels")
    named = names.replace(",", " ").split() or None
    with _about("names" if named else "einsum"):
        _limit(len(names), "characters")
        article = Article(equation, names=named)
    with _about("sizes"):
        article.sizes = sizes_of(equation, sizes, article.first.names)
    checked = [prove(derivation.latex()) for derivation in article.derivations]
    html = article.html(PARTS, map(_rows, checked), _code)
    match also:
        case "tangent":
            html += _further(
                "How the output moves with its operands", [derive(equation, mode="tangent", **_called(article))]
            )
        case "second":
            slots = range(len(equation.operands))
            pairs = [pair for pair in itertools.product(slots, slots) if pair[0] != pair[1]] or [(0, 0)]
            second = [derive(equation, wrt, wrt2=other, mode="second", **_called(article)) for wrt, other in pairs]
            html += _further("The second derivatives", second)
        case "numbers":
            with _about("also"):
                html += _numbers(article)
    gradients, lines = len(article.derivations), [line for each in checked for line in each.lines]
    implied = "" if "->" in text else " (without an arrow, the output is the labels that occur once)"
    return {"html": html, "says": f"{equation}{implied}: {_count(gradients, 'gradient')}, {_verdicts(lines)}."}


def _derivation(text: str) -> dict[str, str]:
    """Return the lines of a derivation, each with its verdict."""
    _limit(len(text), "characters")
    _limit(text.count(r"\\") + 1, "rows")
    try:
        checked = prove(text)
    except NotationError as error:
        rows = [row for row in text.split("\n") if "=" in row and not row.lstrip().startswith("%")]
        if all(row.rstrip().endswith(r"\\") for row in rows[:-1]):
            raise
        return {"error": f"{error}\n  hint: a row ends with \\\\, and not with its line"}
    defined = sum(line.verdict == "defined" for line in checked.lines)
    said = [_count(defined, "definition")] if defined else []
    said += [_verdicts(checked.lines) if defined < len(checked.lines) else "no claim to prove"]
    return {"html": _rows(checked), "says": f"{'; '.join(said)}."}


@contextmanager
def _about(field: str) -> Iterator[None]:
    """Note of an error which field it is about."""
    try:
        yield
    except EinsumError as error:
        error.add_note(field)
        raise


def _limit(number: int, kind: str) -> None:
    if number > MOST[kind]:
        raise EquationError(f"{number:,} {kind}: at most {MOST[kind]:,} are derived here, and more on your own machine")


def _called(article: Article) -> dict[str, Any]:
    return {"names": article.first.names, "output": article.first.output}


def _rows(checked: CheckedDerivation) -> str:
    """Return lines as HTML."""
    rows = []
    for line in checked.lines:
        said = "; ".join(filter(None, dict.fromkeys([line.checked, line.message, *line.details])))
        row = row_html(line.latex, line.reason, line.verdict, said)
        # Nobody looks for a counterexample behind a sign.
        rows.append(row if line.holds else row.replace("<details ", "<details open ", 1))
    return derivation_html(rows, checked.note)


def _further(heading: str, derivations: Iterable[Derivation]) -> str:
    """Return derivations that are asked for besides."""
    parts = (
        f'<p class="gradient">{" + ".join(f"<code>{escape(str(equation))}</code>" for equation in each.equations)}</p>'
        + _rows(prove(each.latex()))
        for each in derivations
    )
    return f'<div class="einsum"><p class="part">{escape(heading)}</p>{"".join(parts)}</div>'


def _code(code: str, title: str) -> str:
    head = f'<span class="filename">{escape(title)}</span>' if title else ""
    return f'<div class="highlight">{head}<pre><code>{escape(code, quote=False)}</code></pre></div>'


def _verdicts(lines: Sequence[Any]) -> str:
    """Return how many lines there are, and of which verdict."""
    names = {"proved": "proved for all sizes", "false": "false", "open": "not proved here"}
    counts = [(sum(line.verdict == verdict for line in lines), name) for verdict, name in names.items()]
    claims = [line for line in lines if line.verdict != "defined"]
    return ", ".join([_count(len(claims), "line"), *(f"{count} {name}" for count, name in counts if count)])


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


# ---- Small whole numbers ---------------------------------------------------------------------------------------


def _numbers(article: Article) -> str:
    """Return the einsum and its gradients worked out, with two values for each label."""
    equation, names = article.equation, article.first.names
    if ELLIPSIS in equation.labels:
        raise OperandError("an ellipsis has no numbers here: write its labels out")
    digits = itertools.cycle([1, 2, 0, 3, -1, 2, 1])
    made: dict[str, dict[tuple[int, ...], int]] = {}
    for name, term in zip(names, equation.operands, strict=True):
        made.setdefault(name, {place: next(digits) for place in _places(len(term))})
    operands = [made[name] for name in names]
    upstream = {place: next(digits) for place in _places(len(equation.output))}
    shown = [*made.items(), (article.first.output, _einsum_of(equation, operands))]
    shown.append((rf"\frac{{\partial {article.first.loss}}}{{\partial {article.first.output}}}", upstream))
    for derivation in article.derivations:
        name = names[derivation.wrt[0]]
        total = dict.fromkeys(made[name], 0)
        for slot in (slot for slot, other in enumerate(names) if other == name):
            others = [operand for number, operand in enumerate(operands) if number != slot]
            terms = [equation.output, *(term for number, term in enumerate(equation.operands) if number != slot)]
            found = _einsum_of(equation, [upstream, *others], terms, equation.operands[slot])
            total = {place: number + found[place] for place, number in total.items()}
        shown.append((rf"\frac{{\partial {article.first.loss}}}{{\partial {name}}}", total))
    tables = "".join(
        f'<div class="arithmatex">\\[{escape(name)} = {_matrix(values)}\\]</div>' for name, values in shown
    )
    return f'<div class="einsum numbers"><p class="part">With two values for each label</p>{tables}</div>'


def _places(rank: int) -> Iterator[tuple[int, ...]]:
    return itertools.product(range(2), repeat=rank)


def _einsum_of(
    equation: Equation,
    operands: Sequence[Mapping[tuple[int, ...], int]],
    terms: Sequence[Sequence[str]] | None = None,
    output: Sequence[str] | None = None,
) -> dict[tuple[int, ...], int]:
    """Return a closed einsum of numbers, by its loops: an entry to which no values lead is 0."""
    terms = equation.operands if terms is None else terms
    output = equation.output if output is None else output
    found = dict.fromkeys(_places(len(output)), 0)
    for values in _places(len(equation.labels)):
        at = dict(zip(equation.labels, values, strict=True))
        place = tuple(at[label] for label in output)
        factors = zip(terms, operands, strict=True)
        found[place] += prod(operand[tuple(at[label] for label in term)] for term, operand in factors)
    return found


def _matrix(values: Mapping[tuple[int, ...], int]) -> str:
    """Return a tensor of numbers in LaTeX: as matrices of its last two axes, one for each place in the others."""
    rank = len(next(iter(values)))
    if rank == 0:
        return str(values[()])
    rows = [" & ".join(str(values[(*place, column)]) for column in range(2)) for place in _places(rank - 1)]
    matrices = [rows] if rank == 1 else [rows[n : n + 2] for n in range(0, len(rows), 2)]
    return r" \;\; ".join(rf"\begin{{pmatrix}} {each} \end{{pmatrix}}" for each in map(r" \\ ".join, matrices))
