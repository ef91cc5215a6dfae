"""An equation -> all that a page says of it, part by part, as HTML: derived, and neither checked nor run here."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from typing import TypeAlias

from einsum_doc.compute.contraction.binding import read_sizes
from einsum_doc.compute.contraction.cost import Cost, cost
from einsum_doc.equation import ELLIPSIS, Equation, Role, parse
from einsum_doc.errors import OperandError
from einsum_doc.notation.deriving.derivation import Derivation
from einsum_doc.notation.deriving.derive import derive
from einsum_doc.notation.drawing.diagram import diagram
from einsum_doc.notation.expression import Delta, identifier
from einsum_doc.notation.writing.emit import program
from einsum_doc.notation.writing.html import prose_html
from einsum_doc.notation.writing.latex import indexed
from einsum_doc.notation.writing.words import listed

LIBRARIES = {"torch": "PyTorch", "numpy": "NumPy", "jax": "JAX"}

GivenSizes: TypeAlias = Mapping[str, int | Sequence[int]]
Highlighter: TypeAlias = Callable[[str, str], str]
"""Python code, and what stands above it -> HTML."""


class Article:
    """Everything about an einsum, of which each part can be had by itself.

    >>> article = Article("ij,jk->ik", sizes="i=2 j=3 k=4")
    >>> [str(derivation.equation) for derivation in article.derivations]
    ['ik,jk->ij', 'ik,ij->jk']

    numbers: the operands whose gradients it has; all, if None. names, output: of the tensors, in LaTeX. sizes: of
    labels, such as "i=4 j=3"; the others are small, and different where they may be.
    Raises: EinsumError, for what is wrong with any of these.
    """

    def __init__(
        self,
        equation: Equation | str,
        numbers: Sequence[int] | None = None,
        *,
        names: Sequence[str] | None = None,
        output: str | None = None,
        sizes: str = "",
    ) -> None:
        self.equation = parse(equation)
        numbers = range(len(self.equation.operands)) if numbers is None else numbers
        self.first = derive(self.equation, numbers[0], names=names, output=output)
        self.sizes = sizes_of(self.equation, sizes, self.first.names)
        # Finite differences and deltas of large tensors would take forever.
        self.small = sizes_of(self.equation, names=self.first.names)
        # A tensor in several slots has one gradient.
        slots = dict.fromkeys(self.first.names.index(self.first.names[number]) for number in numbers)
        self.derivations = tuple(
            derive(self.equation, slot, names=self.first.names, output=self.first.output) for slot in slots
        )

    @cached_property
    def programs(self) -> Mapping[str, str]:
        """The einsum and its gradients as code for each library."""
        lowerings = [derivation.lowering for derivation in self.derivations]
        return {library: program(lowerings, library, self.small) for library in LIBRARIES}

    def html(self, show: Collection[str], rows: Iterable[str], highlighted: Highlighter) -> str:
        """Return the parts that `show` names. rows: of each derivation, as HTML."""
        picture = diagram(self.equation, names=self.first.names, output=self.first.output)
        parts = {"says": _says(self.first), "roles": _roles(self.first, self.sizes), "picture": _figure(picture)}
        shown = [part for name, part in parts.items() if name in show]
        shown += [_gradient(*each, highlighted, show) for each in zip(self.derivations, rows, strict=True)]
        if "cost" in show:
            shown.append(_cost(cost(self.equation, self.sizes)))
        if "libraries" in show:
            codes = "".join(highlighted(code, LIBRARIES[library]) for library, code in self.programs.items())
            summary = "<summary>In PyTorch, NumPy and JAX</summary>"
            shown.append(f'<details class="libraries" data-search-exclude>{summary}{codes}</details>')
        # In the rows each label is a small letter: the page gives a label and its letter one colour.
        letters = {label: str(place) for label, place in self.first.letters.items() if label != ELLIPSIS}
        others = " ".join(f"{label}{letter}" for label, letter in letters.items() if label != letter)
        written = f' data-written="{others}"' if others else ""
        return f'<div class="einsum"{written}>{"".join(shown)}</div>'


def sizes_of(equation: Equation, text: str = "", names: Sequence[str] | None = None) -> dict[str, int | Sequence[int]]:
    """Return the sizes that are given, and for the other labels small ones, different where they may be.

    names: of the operands, where one tensor stands in several slots.
    Raises: OperandError, for a size of no label, or two where the tensors have one.
    """
    parts = re.sub(r"\s*=\s*", "=", text).replace(",", " ").split()
    given: Mapping[str, int | Sequence[int]] = read_sizes(",".join(parts))
    for label in given.keys() - set(equation.labels):
        raise OperandError(f"the size of {label!r} is given, which is no label of {equation}", label=label)
    # If a tensor is in several slots, the labels of one of its axes share the name of the first.
    names = names or [str(number) for number in range(len(equation.operands))]
    same = {label: label for label in equation.labels}
    for name, term in zip(names, equation.operands, strict=True):
        for first, other in zip(equation.operands[names.index(name)], term, strict=True):
            same = {label: same[first] if called == same[other] else called for label, called in same.items()}
    free = itertools.cycle(size for size in range(2, 8) if size not in given.values())
    sizes: dict[str, int | Sequence[int]] = {}
    for called in dict.fromkeys(same.values()):
        labels = [label for label in equation.labels if same[label] == called]
        wanted = [given[label] for label in labels if label in given]
        if any(size != wanted[0] for size in wanted):
            raise OperandError(f"{listed(labels)} have one size: they stand in the same place of one tensor")
        if not wanted:
            wanted = [(next(free), next(free)) if labels[0] == ELLIPSIS else next(free)]
        sizes |= dict.fromkeys(labels, wanted[0])
    return {label: sizes[label] for label in equation.labels}


def _says(derivation: Derivation) -> str:
    total = escape(formula(derivation), quote=False)
    return (
        '<div class="says"><div><p class="part">As an einsum</p>'
        f"<code>{escape(str(derivation.differentiated))}</code>"
        f'<p class="part">In index notation</p><div class="arithmatex">\\[{total}\\]</div></div>'
        f'<div data-search-exclude><p class="part">As loops</p><pre><code>{_loops(derivation)}</code></pre></div></div>'
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
        return indexed(name, f"_{{{indices}}}" if indices else "")

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


def _loops(derivation: Derivation) -> str:
    """Return the loops, each label with the class by which the page colours it."""
    equation = derivation.differentiated
    names = [*map(identifier, derivation.names)]
    written = re.sub(r"\bx(\d+)(?=\[)", lambda found: names[int(found[1])], equation.as_loops())
    # Two blanks a level: loops over many labels are deep, and a phone is narrow.
    text = escape(re.sub(r"\bout(?=\[)", identifier(derivation.output), written), quote=False).replace("    ", "  ")
    summed = {label for label in equation.labels if label not in equation.output}

    def label_span(found: re.Match[str]) -> str:
        label = found[0]
        dummy = " ix-dummy" if label in summed else ""
        return f'<span class="ix ix-{label}{dummy}">{label}</span>'

    letters = "|".join(re.escape(label) for label in equation.labels if label != ELLIPSIS)
    if not letters:
        return text
    # A label stands in the loops after `for`, and between brackets.
    return re.sub(rf"(?<=for )(?:{letters})(?= in)|(?<=[\[ ,])(?:{letters})(?=[\],])", label_span, text)


def _roles(derivation: Derivation, sizes: Mapping[str, object]) -> str:
    equation, rows = derivation.differentiated, []
    for label in equation.labels:
        roles = ", ".join(sorted(str(role) for role in equation.roles[label] if role != Role.ELLIPSIS))
        places = [derivation.names[n] for n, term in enumerate(equation.operands) if label in term]
        if label in equation.output:
            places.append(derivation.output)
        shown = "…" if label == ELLIPSIS else f'<span class="ix ix-{label}">{label}</span>'
        size = sizes.get(label, "")
        size = " × ".join(map(str, size)) if isinstance(size, Sequence) and not isinstance(size, str) else size
        rows.append(
            f"<tr><td>{shown}</td><td>{roles}</td><td>{', '.join(map(_name, dict.fromkeys(places)))}</td>"
            f"<td>{size}</td></tr>"
        )
    head = "<tr><th>label</th><th>role</th><th>in</th><th>size</th></tr>"
    return f'<table class="roles"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def _figure(picture: str) -> str:
    return f'<figure class="network" data-search-exclude>{picture}</figure>'


def _gradient(derivation: Derivation, rows: str, highlighted: Highlighter, show: Collection[str]) -> str:
    """Return the part about the gradient of one operand, which may stand in several slots."""
    lowering, names, [number] = derivation.lowering, derivation.names, derivation.wrt
    times = [f"{count} × " if count > 1 else "" for count, _ in derivation.multiples]
    parts = []
    if "derivation" in show:
        parts.append(rows)
    if "equation" in show:
        codes = [f"<code>{escape(str(summand.equation))}</code>" for _, summand in derivation.multiples]
        equations = " + ".join(map("".join, zip(times, codes, strict=True)))
        parts.append(f'<p class="gradient">{equations} {prose_html(lowering.sentence)}</p>')
    if "picture" in show:
        parts.append(_figure(" + ".join(map("".join, zip(times, _pictures(derivation), strict=True)))))
    if "code" in show:
        parts.append(f'<p class="lowering">{prose_html(lowering.words)}</p>{highlighted(lowering.code, "")}')
    if not parts:
        return ""
    return f'<p class="part">The gradient of {_name(names[number])}</p>{"".join(parts)}'


def _pictures(derivation: Derivation) -> Iterator[str]:
    """Yield the picture of each einsum of a gradient."""
    names, [number] = derivation.names, derivation.wrt
    slots = [slot for slot, name in enumerate(names) if name == names[number]]
    for _, summand in derivation.multiples:
        slot = slots[derivation.summands.index(summand)]
        yield diagram(derivation.differentiated, wrt=slot, names=names, output=derivation.output, loss=derivation.loss)


def _name(name: str) -> str:
    """Return the name of a tensor, as the formulas have it."""
    return f"<i>{name}</i>" if len(name) == 1 else f'<span class="arithmatex">\\({escape(name)}\\)</span>'


def _cost(cost: Cost) -> str:
    ways = (
        ("the output", cost.forward),
        ("output and gradients, in one sweep", cost.sweep),
        ("output and gradients, one by one", cost.naive),
    )
    rows = "".join(
        f"<tr><td>{name}</td><td>{work.multiply_adds:,}</td><td>{work.moved:,}</td><td>{work.peak:,}</td></tr>"
        for name, work in ways
    )
    head = (
        "<tr><th>at these sizes, float32</th><th>multiply-adds</th><th>bytes moved</th><th>bytes at the peak</th></tr>"
    )
    return f'<p class="part">Cost</p><table class="cost"><thead>{head}</thead><tbody>{rows}</tbody></table>'
