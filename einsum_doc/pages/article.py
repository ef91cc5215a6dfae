"""An einsum -> its part of a page: what it says, its gradients, pictures, cost and code, as HTML.

This is what an `einsum` fence becomes. Everything is made from the equation; nothing is
typeset that the worker has not checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from einsum_doc.equation import ELLIPSIS, Equation, Role, Term
from einsum_doc.pages.block import Row
from einsum_doc.pages.fence import PARTS
from einsum_doc.pages.render import derivation_html, prose_html

if TYPE_CHECKING:
    from einsum_doc.compute.cost import Cost


@dataclass(frozen=True)
class Slot:
    """What an article says about the gradient of one operand."""

    name: str
    equation: Equation
    rows: Sequence[Row]
    sentence: str
    lowering: str
    """How torch is made to run it, in words."""
    code: str
    picture: str


@dataclass(frozen=True)
class Article:
    """What an article is made of."""

    equation: Equation
    names: Sequence[str]
    output: str
    sizes: Mapping[str, object]
    picture: str
    cost: Cost
    slots: Sequence[Slot]


def article_html(article: Article, show: Sequence[str] = PARTS) -> str:
    """The article, with the parts that `show` names."""
    makers = {"says": _says, "roles": _roles, "picture": _picture, "cost": _cost}
    parts = []
    for part in PARTS:
        if part in show and part in makers:
            parts.append(makers[part](article))
        elif part == "derivation":
            parts += [_slot(slot, article, show) for slot in article.slots]
    return f'<div class="einsum">{"".join(parts)}</div>'


def _says(article: Article) -> str:
    return (
        '<div class="says"><div><p class="part">As an einsum</p>'
        f"<code>{escape(str(article.equation))}</code>"
        f'<p class="part">In index notation</p><div class="arithmatex">\\[{formula(article)}\\]</div></div>'
        f'<div><p class="part">As loops</p><pre><code>{_loops(article)}</code></pre></div></div>'
    )


def formula(article: Article) -> str:
    r"""The equation as a sum in LaTeX.

    >>> from einsum_doc.equation import parse
    >>> formula(Article(parse("ij,jk->ik"), ("x", "y"), "z", {}, "", None, ()))
    'z_{i k} = \\sum_{j} x_{i j} \\, y_{j k}'
    """
    equation = article.equation
    summed = [label for label in equation.labels if label not in equation.output]
    factors = [_component(*pair) for pair in zip(article.names, equation.operands, strict=True)]
    new = [label for label in equation.labels if Role.BROADCAST in equation.roles[label]]
    factors += [_component(r"\\mathbf{1}".replace("\\\\", "\\"), (label,)) for label in new]
    total = rf"\sum_{{{_indices(tuple(summed))}}} " if summed else ""
    return rf"{_component(article.output, equation.output)} = {total}" + r" \, ".join(factors)


def _component(name: str, term: Term) -> str:
    return f"{name}_{{{_indices(term)}}}" if term else name


def _indices(term: Term) -> str:
    return " ".join(r"\dots" if label == ELLIPSIS else label for label in term)


def _loops(article: Article) -> str:
    """The loops, each label with the class by which the page colours it."""
    written = re.sub(r"\bx(\d+)(?=\[)", lambda found: article.names[int(found[1])], article.equation.as_loops())
    # Two blanks a level: loops over many labels are deep, and a phone is narrow.
    text = escape(re.sub(r"\bout(?=\[)", article.output, written), quote=False).replace("    ", "  ")
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
            f"<tr><td>{shown}</td><td>{roles}</td><td>{', '.join(f'<i>{name}</i>' for name in places)}</td>"
            f"<td>{size}</td></tr>"
        )
    head = "<tr><th>label</th><th>role</th><th>in</th><th>size</th></tr>"
    return f'<table class="roles"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def _picture(article: Article) -> str:
    return _figure(article.picture)


def _figure(picture: str) -> str:
    return f'<figure class="network" data-search-exclude>{picture}</figure>'


def _slot(slot: Slot, article: Article, show: Sequence[str]) -> str:
    parts = []
    if "derivation" in show:
        parts.append(derivation_html(slot.rows, ""))
    if "equation" in show:
        parts.append(f'<p class="gradient"><code>{escape(str(slot.equation))}</code> {prose_html(slot.sentence)}</p>')
    if "picture" in show:
        parts.append(_figure(slot.picture))
    if "code" in show:
        code = highlight(slot.code, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True))
        parts.append(f'<p class="lowering">{prose_html(slot.lowering)}</p>{code}')
    if not parts:
        return ""
    return f'<p class="part">The gradient of <i>{escape(slot.name)}</i></p>{"".join(parts)}'


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
