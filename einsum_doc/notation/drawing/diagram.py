"""Equation -> tensor-network SVG: operands are nodes, labels are legs, and a leg that joins is a product."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from einsum_doc.derivatives import gradient
from einsum_doc.equation import ELLIPSIS, Equation, Term, parse
from einsum_doc.errors import OperandError
from einsum_doc.notation.deriving.letters import NAMES
from einsum_doc.notation.drawing.layout import DOT, HEIGHT, LETTER, Join, Layout, Leg, Network, Point, Tail, layout
from einsum_doc.notation.writing.text import spoken

_NODE = 17.0  # the radius of a node
_FRACTION = 0.8  # the size of a name above or below a bar, as a share of a name's own
_SUBSCRIPT = 0.72

# Colours are the page's, by its variables; alone, a picture is ink on paper in the scheme of its reader. The
# zero specificity of `:where` leaves a lit label to the style sheet of the page.
_STYLE = (
    ":where(.tensor-network){color:var(--ink,inherit);max-width:100%;height:auto}"
    ":root:where(.tensor-network){color-scheme:light dark;color:CanvasText}"
    ":where(.tensor-network .ix){color:var(--label,inherit)}"
    ".tensor-network text{font-variant-numeric:lining-nums}"
    ".tensor-network .lit path:not(.near){stroke-width:3}"
    ".tensor-network text.lit{paint-order:stroke;stroke:var(--tint,none);stroke-width:7px;stroke-linejoin:round}"
)

Name = tuple[str, ...]
"""The name of a node, or the two names above and below a bar."""


class Node(NamedTuple):
    """A tensor of the network: its name and its legs."""

    name: Name
    term: Term


def diagram(
    equation: Equation | str,
    *,
    wrt: int | None = None,
    names: Sequence[str] | None = None,
    output: str = "z",
    loss: str = "l",
) -> str:
    """Return the SVG of an equation's tensor network, or with `wrt` of the gradient of that operand.

    >>> picture = diagram("ik,kj->ij")
    >>> picture[:41], picture.count("<text")
    ('<svg xmlns="http://www.w3.org/2000/svg" c', 5)

    An operand is a node, a label a leg: solid if it is in the output, dotted if it is summed. Where more than
    two ends of one label meet, they meet in a dot; a label summed alone ends in one. A trace is a loop. A label
    that is only in the output is a leg of the one-tensor, 1. With `wrt`, that operand is taken out, and the
    upstream gradient is plugged onto the output's legs. The SVG's title and description say the same in words.
    Legs and labels carry the classes `ix ix-k`, and `ix-dummy` if summed, by which a page colours and lights them.
    names, output, loss: the names of the tensors, as in LaTeX; the operands are x, y, w, v, ... .
    Raises: EquationError, if the text is no equation; OperandError, if there is no operand `wrt`, or the names
    are not as many as the operands.
    Source: Penrose's diagrams; the dot is the copy tensor of Biamonte and Bergholm, Tensor Networks in a Nutshell
    (2017).
    """
    shown, nodes, result, title = _shown(parse(equation), wrt, names, output, loss)
    network = _network(shown, nodes)
    drawn = layout(network)
    width, height = _number(drawn.size.real), _number(drawn.size.imag)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="tensor-network" role="img" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(_description(shown, nodes, result))}</desc>",
            f"<style>{_STYLE}</style>",
            '<g fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round">',
            *_legs(shown, drawn),
            "</g>",
            '<g fill="none" stroke="currentColor" stroke-width="1.4">',
            *(
                f'<circle class="node" cx="{_number(centre.real)}" cy="{_number(centre.imag)}" r="{_number(radius)}"/>'
                for centre, radius in zip(drawn.centres, network.radii, strict=False)
            ),
            "</g>",
            '<g fill="currentColor" text-anchor="middle" font-style="italic"'
            f' font-family="STIX Two Text, STIX Two Math, Times New Roman, serif" font-size="{_number(LETTER)}">',
            *(line for centre, node in zip(drawn.centres, nodes, strict=True) for line in _name(node.name, centre)),
            *(
                f'<text class="{_classes(shown, label)}" x="{_number(box.centre.real)}"'
                f' y="{_number(box.centre.imag + HEIGHT / 2 - 0.29 * LETTER)}">{escape(_letter(label))}</text>'
                for label, box in drawn.captions
            ),
            "</g>",
            "</svg>",
        ]
    )


# ---- The equation as a network ---------------------------------------------------------------------


def _shown(
    equation: Equation, wrt: int | None, names: Sequence[str] | None, output: str, loss: str
) -> tuple[Equation, list[Node], Name, str]:
    """Return the equation that is drawn, its nodes, the name of its output, and the title of the picture.

    The nodes are the operands, and a one-tensor for the labels that are only in the output.
    """
    count = len(equation.operands)
    if names is None:
        names = (*NAMES[:count], *(f"x_{number}" for number in range(len(NAMES), count)))
    elif len(names) != count:
        found = f"{len(names)} {'name' if len(names) == 1 else 'names'}"
        given = f": {', '.join(names)}" if names else ""
        raise OperandError(f"{found} for {count} {'operand' if count == 1 else 'operands'}{given}", text=equation.text)
    *names, output, loss = map(_unicode, (*names, output, loss))
    called: list[Name] = [(name,) for name in names]
    result: Name = (output,)
    if wrt is None:
        shown = equation
        title = f"Tensor network of {equation}."
    else:
        shown, result = gradient(equation, wrt), (f"∂{loss}", f"∂{names[wrt]}")
        called.pop(wrt)
        called.insert(0, (f"∂{loss}", f"∂{output}"))
        title = f"Tensor network of {shown}, the gradient of {names[wrt]} in {equation}."
    nodes = list(map(Node, called, shown.operands))
    new = [label for label in shown.labels if not any(label in term for term in shown.operands)]
    return shown, nodes + ([Node(("1",), tuple(new))] if new else []), result, title


def _description(equation: Equation, nodes: Sequence[Node], result: Name) -> str:
    """Return the picture in words, for those who do not see it."""

    def legs(term: Sequence[str]) -> str:
        return f"the leg{'s' * (len(term) > 1)} {', '.join(map(_letter, term))}" if term else "no legs"

    summed = [label for label in equation.labels if label not in equation.output]
    tensors = "; ".join(f"{'/'.join(name)} has {legs(term)}" for name, term in nodes)
    sums = f" Summed: {', '.join(map(_letter, summed))}." if summed else ""
    return f"{tensors}.{sums} The output {'/'.join(result)} has {legs(equation.output)}."


def _unicode(name: str) -> str:
    r"""Return a name in LaTeX as text: `\theta_1` is θ_1, and `\bar{x}` is x with a bar. Fonts are left out."""
    return unicodedata.normalize("NFC", spoken(f"${name}$"))


def _network(equation: Equation, nodes: Sequence[Node]) -> Network:
    radii = [_radius(node.name) for node in nodes]
    dots: dict[int, str] = {}
    joins: list[Join] = []
    tails: list[Tail] = []
    for label in equation.labels:
        held = [number for number, node in enumerate(nodes) for own in node.term if own == label]
        ranks = [rank for rank, own in enumerate(equation.output) if own == label]
        vertex = held[0]
        if len(held) + len(ranks) > 2:
            vertex = len(radii)
            radii.append(DOT)
            dots[vertex] = label
            joins += [Join(label, number, vertex) for number in held]
        elif len(held) == 2:
            joins.append(Join(label, *held))
        elif not ranks:
            tails.append(Tail(label, vertex, None))
        tails += [Tail(label, vertex, rank) for rank in ranks]
    widths = {label: _width(_letter(label)) for label in equation.labels}
    return Network(radii, dots, joins, tails, widths)


def _letter(label: str) -> str:
    return "…" if label == ELLIPSIS else label


def _width(text: str) -> float:
    """Return a width in which STIX Two Text, Times and DejaVu Serif set a text, overhang included."""
    return round(LETTER * sum(map(_ems, text)), 2)


def _ems(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if not letter.isascii() or letter in "MW":
        return 1.26
    return 1.06 if letter.isupper() or letter in "mw" else 0.8


def _radius(name: Name) -> float:
    """Return the radius of a circle around a name. Its width is a fair guess, where that of a label is a bound."""
    if len(name) == 1:
        return max(_NODE, 0.4 * _name_width(name[0]) + 5)
    return max(_NODE + 3, 0.4 * _FRACTION * max(map(_name_width, name)) + 6)


def _name_width(name: str) -> float:
    base, below = _subscript(name)
    return _width(base) + _SUBSCRIPT * _width(below)


def _subscript(name: str) -> tuple[str, str]:
    """Split a name from its subscript: 'x_1' and 'x_{12}' have one."""
    base, _, below = name.partition("_")
    return (base, below.removeprefix("{").removesuffix("}")) if base and below else (name, "")


# ---- The network as SVG ------------------------------------------------------------------------------


def _classes(equation: Equation, label: str) -> str:
    """Return the classes by which a page colours a label and lights its copies; an ellipsis stays in ink."""
    own = "ellipsis" if label == ELLIPSIS else f"ix ix-{label}"
    return own if label in equation.output else f"{own} ix-dummy"


def _legs(equation: Equation, drawn: Layout) -> Iterable[str]:
    """Return a group for each label, with its legs and dots."""
    for label in equation.labels:
        yield f'<g class="{_classes(equation, label)}">'
        # Round dots: a dash of no length with round ends.
        dotted = "" if label in equation.output else ' stroke-width="2.4" stroke-dasharray="0 5"'
        for leg in drawn.legs:
            if leg.label == label:
                path = _path(leg)
                # An invisible line for the pointer to hit: wider than the visible one, and without gaps.
                yield f'<path class="near" d="{path}" stroke-opacity="0" stroke-width="11"/>'
                yield f'<path class="leg" d="{path}"{dotted}/>'
        for own, centre in drawn.dots:
            if own == label:
                x, y = _number(centre.real), _number(centre.imag)
                yield f'<circle class="dot" cx="{x}" cy="{y}" r="{_number(DOT)}" fill="currentColor" stroke="none"/>'
        yield "</g>"


def _path(leg: Leg) -> str:
    start, *others = (f"{_number(point.real)} {_number(point.imag)}" for point in leg.points)
    return f"M{start} {'C' if len(others) > 1 else 'L'}{' '.join(others)}"


def _name(name: Name, centre: Point) -> Iterable[str]:
    """Return the text of a node, its small letters centred on the node."""
    x = _number(centre.real)
    if len(name) == 1:
        upright = ' font-style="normal"' if name[0].isdecimal() else ""
        drop = (0.33 if name[0].isdecimal() or name[0].isupper() else 0.24) * LETTER
        yield f'<text class="name" x="{x}" y="{_number(centre.imag + drop)}"{upright}>{_markup(name[0])}</text>'
        return
    size = _FRACTION * LETTER
    half = 0.4 * _FRACTION * max(map(_name_width, name)) + 1
    above, below = _number(centre.imag - 0.3 * size), _number(centre.imag + 0.95 * size)
    small = f'class="name" font-size="{_number(size)}"'
    yield f'<text {small} x="{x}" y="{above}">{_markup(name[0])}</text>'
    left, right, y = _number(centre.real - half), _number(centre.real + half), _number(centre.imag)
    yield f'<path d="M{left} {y} L{right} {y}" stroke="currentColor"/>'
    yield f'<text {small} x="{x}" y="{below}">{_markup(name[1])}</text>'


def _markup(name: str) -> str:
    base, below = _subscript(name)
    if not below:
        return escape(name)
    upright = ' font-style="normal"' if below.isdecimal() else ""
    size = _number(100 * _SUBSCRIPT)
    return f'{escape(base)}<tspan dy="0.22em" font-size="{size}%"{upright}>{escape(below)}</tspan>'


def _number(value: float) -> str:
    """Return a number rounded to a tenth of a pixel, as short as possible."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")
