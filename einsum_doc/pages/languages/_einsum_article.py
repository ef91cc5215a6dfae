"""An einsum -> its part of a page: its forms, gradients, pictures, cost and code, as HTML.

An `einsum` fence becomes this article. Everything is made from the equation; nothing is
typeset that the worker has not checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from einsum_doc.equation import ELLIPSIS, Equation, Role
from einsum_doc.notation.expression import Delta
from einsum_doc.notation.writing.html import prose_html
from einsum_doc.notation.writing.lowering import identifier
from einsum_doc.pages.languages.derivation import rows_html
from einsum_doc.pages.record.result import DerivationRow

if TYPE_CHECKING:
    from einsum_doc.compute.contraction.cost import Cost
    from einsum_doc.notation.deriving.derivation import Derivation


@dataclass(frozen=True)
class Addend:
    """One einsum of a gradient: how often it is added, and its picture."""

    count: int
    equation: Equation
    picture: str


@dataclass(frozen=True)
class Slot:
    """The part of an article about the gradient of one operand."""

    derivation: Derivation
    rows: Sequence[DerivationRow]
    addends: Sequence[Addend]
    """More than one, if one tensor stands in several slots."""


@dataclass(frozen=True)
class Article:
    """The contents of an article."""

    derivation: Derivation
    """Of any operand; it has the names."""
    sizes: Mapping[str, object]
    picture: str
    cost: Cost
    slots: Sequence[Slot]

    @property
    def equation(self) -> Equation:
        return self.derivation.differentiated

    @property
    def names(self) -> Sequence[str]:
        return self.derivation.names

    @property
    def output(self) -> str:
        return self.derivation.output


def article_html(article: Article, show: Sequence[str]) -> str:
    """Return the article as HTML, with the parts that `show` names."""
    makers: Mapping[str, Callable[[Article], str]] = {"says": _says, "roles": _roles, "picture": _picture}
    parts = [maker(article) for part, maker in makers.items() if part in show]
    parts += [_slot(slot, article, show) for slot in article.slots]
    parts += [_cost(article)] if "cost" in show else []
    # Labels that are no small letters are written as such in the rows: the page gives both one colour.
    letters = {label: str(place) for label, place in article.derivation.letters.items() if label != ELLIPSIS}
    others = " ".join(f"{label}{letter}" for label, letter in letters.items() if label != letter)
    written = f' data-written="{others}"' if others else ""
    return f'<div class="einsum"{written}>{"".join(parts)}</div>'


def _says(article: Article) -> str:
    return (
        '<div class="says"><div><p class="part">As an einsum</p>'
        f"<code>{escape(str(article.equation))}</code>"
        f'<p class="part">In index notation</p><div class="arithmatex">\\[{formula(article.derivation)}\\]</div></div>'
        f'<div><p class="part">As loops</p><pre><code>{_loops(article)}</code></pre></div></div>'
    )


def formula(derivation: Derivation) -> str:
    r"""Return the equation as a sum in LaTeX.

    >>> from einsum_doc.notation.deriving.derive import derive
    >>> formula(derive("ij,jk->ik", 0)), formula(derive("i->ii", 0))
    ('z_{ik} = \\sum_{j} x_{ij} \\, y_{jk}', 'z_{ij} = x_{i} \\, \\delta_{ij}')
    """
    equation, [definition, *_] = derivation.differentiated, derivation.steps
    labels = {str(place): label for label, place in derivation.letters.items()}

    def component(name: str, places: Iterable[object]) -> str:
        parts = [labels.get(str(place), str(place)) for place in places]
        indices = "".join(r"\dots " if part == ELLIPSIS else part for part in parts).strip()
        return f"{name}_{{{indices}}}" if indices else name

    factors = list(map(component, derivation.names, equation.operands))
    for factor in definition.right.walk():
        if isinstance(factor, Delta):
            factors.append(component(r"\delta", factor.indices))
    new = [label for label in equation.labels if Role.BROADCAST in equation.roles[label]]
    factors += [component(r"\mathbf{1}", [label]) for label in new]
    summed = [label for label in equation.labels if label not in equation.output]
    total = component(r"\sum", summed) + " " if summed else ""
    assert definition.left is not None
    return rf"{component(derivation.output, definition.left.own)} = {total}" + r" \, ".join(factors)


def _loops(article: Article) -> str:
    """Return the loops, each label with the class by which the page colours it."""
    names = [*map(identifier, article.names)]
    written = re.sub(r"\bx(\d+)(?=\[)", lambda found: names[int(found[1])], article.equation.as_loops())
    # Two blanks a level: loops over many labels are deep, and a phone is narrow.
    text = escape(re.sub(r"\bout(?=\[)", identifier(article.output), written), quote=False).replace("    ", "  ")
    summed = {label for label in article.equation.labels if label not in article.equation.output}

    def label_span(found: re.Match[str]) -> str:
        label = found[0]
        dummy = " ix-dummy" if label in summed else ""
        return f'<span class="ix ix-{label}{dummy}">{label}</span>'

    letters = "|".join(re.escape(label) for label in article.equation.labels if label != ELLIPSIS)
    if not letters:
        return text
    # A label stands in the loops after `for`, and between brackets.
    return re.sub(rf"(?<=for )(?:{letters})(?= in)|(?<=[\[ ,])(?:{letters})(?=[\],])", label_span, text)


def _roles(article: Article) -> str:
    rows = []
    for label in article.equation.labels:
        roles = ", ".join(sorted(str(role) for role in article.equation.roles[label] if role != Role.ELLIPSIS))
        places = [article.names[n] for n, term in enumerate(article.equation.operands) if label in term]
        if label in article.equation.output:
            places.append(article.output)
        shown = "…" if label == ELLIPSIS else f'<span class="ix ix-{label}">{label}</span>'
        size = article.sizes.get(label, "")
        size = " × ".join(map(str, size)) if isinstance(size, Sequence) and not isinstance(size, str) else size
        rows.append(
            f"<tr><td>{shown}</td><td>{roles}</td><td>{', '.join(map(_name, dict.fromkeys(places)))}</td>"
            f"<td>{size}</td></tr>"
        )
    head = "<tr><th>label</th><th>role</th><th>in</th><th>size</th></tr>"
    return f'<table class="roles"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def _picture(article: Article) -> str:
    return _figure(article.picture)


def _figure(picture: str) -> str:
    return f'<figure class="network" data-search-exclude>{picture}</figure>'


def _slot(slot: Slot, article: Article, show: Sequence[str]) -> str:
    lowering, [number] = slot.derivation.lowering, slot.derivation.wrt
    times = [f"{addend.count} × " if addend.count > 1 else "" for addend in slot.addends]
    parts = []
    if "derivation" in show:
        parts.append(rows_html(slot.rows))
    if "equation" in show:
        codes = [f"<code>{escape(str(addend.equation))}</code>" for addend in slot.addends]
        equations = " + ".join(map("".join, zip(times, codes, strict=True)))
        parts.append(f'<p class="gradient">{equations} {prose_html(lowering.sentence)}</p>')
    if "picture" in show:
        pictures = [addend.picture for addend in slot.addends]
        parts.append(_figure(" + ".join(map("".join, zip(times, pictures, strict=True)))))
    if "code" in show:
        code = highlight(lowering.code, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True))
        parts.append(f'<p class="lowering">{prose_html(lowering.words)}</p>{code}')
    if not parts:
        return ""
    return f'<p class="part">The gradient of {_name(slot.derivation.names[number])}</p>{"".join(parts)}'


def _name(name: str) -> str:
    """Return the name of a tensor, as the formulas have it."""
    return f"<i>{name}</i>" if len(name) == 1 else f'<span class="arithmatex">\\({escape(name)}\\)</span>'


def _cost(article: Article) -> str:
    ways = (
        ("the output", article.cost.forward),
        ("output and gradients, in one sweep", article.cost.sweep),
        ("output and gradients, one by one", article.cost.naive),
    )
    rows = "".join(
        f"<tr><td>{name}</td><td>{work.multiply_adds:,}</td><td>{work.moved:,}</td><td>{work.peak:,}</td></tr>"
        for name, work in ways
    )
    head = (
        "<tr><th>at these sizes, float32</th><th>multiply-adds</th><th>bytes moved</th><th>bytes at the peak</th></tr>"
    )
    return f'<p class="part">Cost</p><table class="cost"><thead>{head}</thead><tbody>{rows}</tbody></table>'
