"""Equation -> tensor-network SVG: operands are nodes, labels are legs, and a leg that joins is a product."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape

from einsum_doc.derivatives import gradient
from einsum_doc.equation import ELLIPSIS, Equation, Role, parse
from einsum_doc.errors import OperandError
from einsum_doc.notation.drawing.layout import DOT, LETTER, Join, Layout, Leg, Loop, Network, Point, Tail, layout
from einsum_doc.notation.expression import GREEK

_NAMES = "xywvutsrqpnmhgfdcba"
_ONE = "1"
_NODE = 17.0  # the radius of a node
_FRACTION = 0.8  # the size of a name above or below a bar, as a share of a name's own
_SUBSCRIPT = 0.72
_ACCENTS = {"bar": "\u0304", "dot": "\u0307", "hat": "\u0302", "tilde": "\u0303"}

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
"""What a node is called: a name, or the two names above and below a bar."""


def diagram(
    equation: Equation | str,
    *,
    wrt: int | None = None,
    names: Sequence[str] | None = None,
    output: str = "z",
    loss: str = "l",
) -> str:
    """The SVG of an equation's tensor network, or with `wrt` of the gradient of that operand.

    >>> picture = diagram("ik,kj->ij")
    >>> picture[:41], picture.count("<text")
    ('<svg xmlns="http://www.w3.org/2000/svg" c', 5)

    An operand is a node, a label a leg: solid if it is in the output, dotted if it is summed. Where more than
    two ends of one label meet, they meet in a dot; a label summed alone ends in one. A trace is a loop. A label
    that is only in the output is a leg of the one-tensor, 1. With `wrt`, that operand is taken out, and the
    upstream gradient is plugged onto the output's legs. Legs and labels carry the classes `ix ix-k`, and `ix-dummy`
    if summed, by which a page colours and lights them.
    names, output, loss: what the tensors are called, as in LaTeX; the operands are x, y, w, v, ... .
    Raises: EquationError, if the text is no equation; OperandError, if there is no operand `wrt`, or the names
    are not as many as the operands.
    Source: Penrose's diagrams; the dot is the copy tensor of Biamonte and Bergholm, Tensor Networks in a Nutshell
    (2017).
    """
    return _diagram(parse(equation), wrt, None if names is None else tuple(names), output, loss)


def description(
    equation: Equation | str,
    *,
    wrt: int | None = None,
    names: Sequence[str] | None = None,
    output: str = "z",
    loss: str = "l",
) -> str:
    """The picture in words, for those who do not see it.

    >>> print(description("ik,kj->ij"))
    Tensor network of ik,kj->ij. x has the legs i, k; y has the legs k, j. i is an open leg of x. k joins x and y \
and is summed. j is an open leg of y. Open legs, in the order of z: i, j.

    Takes what `diagram` takes, and raises what it raises.
    """
    title, *sentences = _sentences(parse(equation), wrt, None if names is None else tuple(names), output, loss)
    return " ".join([title, *sentences])


# ---- The equation as a network ---------------------------------------------------------------------


def _shown(
    equation: Equation, wrt: int | None, names: tuple[str, ...] | None, output: str, loss: str
) -> tuple[Equation, tuple[Name, ...], Name]:
    """The equation that is drawn, what its operands are called, and what its output is."""
    count = len(equation.operands)
    if names is None:
        names = (*_NAMES[:count], *(f"x_{number}" for number in range(len(_NAMES), count)))
    elif len(names) != count:
        called = f"{len(names)} {'name' if len(names) == 1 else 'names'}"
        given = f": {', '.join(names)}" if names else ""
        raise OperandError(f"{called} for {count} {'operand' if count == 1 else 'operands'}{given}", text=equation.text)
    names, output, loss = tuple(map(_unicode, names)), _unicode(output), _unicode(loss)
    if wrt is None:
        return equation, tuple((name,) for name in names), (output,)
    own = gradient(equation, wrt)
    others = tuple((name,) for number, name in enumerate(names) if number != wrt)
    return own, ((f"∂{loss}", f"∂{output}"), *others), (f"∂{loss}", f"∂{names[wrt]}")


def _unicode(name: str) -> str:
    r"""A name in LaTeX as text: `\theta_1` is θ_1, and `\bar{x}` is x with a bar. Fonts are left out."""

    def read(command: re.Match[str]) -> str:
        word, body = command.groups(default="")
        if word in GREEK:
            return GREEK[word] + (f"{{{body}}}" if body else "")
        return unicodedata.normalize("NFC", body + _ACCENTS.get(word, ""))

    return re.sub(r"\\([A-Za-z]+)\s*(?:\{([^{}]*)\})?", read, name)


def _network(equation: Equation, names: tuple[Name, ...]) -> tuple[Network, tuple[Name, ...]]:
    """The network of an equation, and the names of its nodes: the operands, then the one-tensor if there is one."""
    holders = {
        label: [number for number, term in enumerate(equation.operands) for own in term if own == label]
        for label in equation.labels
    }
    if not all(holders.values()):
        names = (*names, (_ONE,))
    dots: list[str] = []
    joins: list[Join] = []
    tails: list[Tail] = []
    loops: list[Loop] = []
    for label, held in holders.items():
        held = held or [len(names) - 1]
        ranks = [rank for rank, own in enumerate(equation.output) if own == label]
        vertex = held[0]
        if len(held) + len(ranks) > 2:
            vertex = len(names) + len(dots)
            dots.append(label)
            joins += [Join(label, number, vertex) for number in held]
        elif len(held) == 2:
            one, other = held
            if one == other:
                loops.append(Loop(label, one))
            else:
                joins.append(Join(label, one, other))
        elif not ranks:
            tails.append(Tail(label, vertex, None))
        tails += [Tail(label, vertex, rank) for rank in ranks]
    radii = [_radius(name) for name in names]
    widths = {label: _width(_letter(label)) for label in equation.labels}
    return Network(radii, dots, joins, tails, loops, widths), names


def _letter(label: str) -> str:
    return "…" if label == ELLIPSIS else label


def _width(text: str, size: float = LETTER) -> float:
    """The width of a text. STIX Two Text, Times and DejaVu Serif all set it narrower, overhang included."""
    return round(size * sum(map(_ems, text)), 2)


def _ems(character: str) -> float:
    if unicodedata.combining(character):
        return 0
    if character in "iltI1,.'":
        return 0.54
    if not character.isascii():
        return 1.0 if character in "…∂" else 1.26
    if character.isupper() or character in "mw":
        return 1.24 if character in "MW" else 1.06
    return 0.8 if character == "j" else 0.7


def _radius(name: Name) -> float:
    """A circle around a name. Its width is a fair guess, where that of a label is a bound."""
    if len(name) == 1:
        return max(_NODE, 0.4 * _name_width(name[0]) + 5)
    return max(_NODE + 3, 0.4 * _FRACTION * max(map(_name_width, name)) + 6)


def _name_width(name: str) -> float:
    base, below = _subscript(name)
    return _width(base) + _SUBSCRIPT * _width(below)


def _subscript(name: str) -> tuple[str, str]:
    """A name and its subscript: 'x_1' and 'x_{12}' have one."""
    base, _, below = name.partition("_")
    return (base, below.removeprefix("{").removesuffix("}")) if base and below else (name, "")


# ---- The network as SVG ------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _diagram(equation: Equation, wrt: int | None, names: tuple[str, ...] | None, output: str, loss: str) -> str:
    shown, called, _ = _shown(equation, wrt, names, output, loss)
    network, called = _network(shown, called)
    drawn = layout(network)
    title, *sentences = _sentences(equation, wrt, names, output, loss)
    width, height = _number(drawn.size.real), _number(drawn.size.imag)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="tensor-network" role="img" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(' '.join(sentences))}</desc>",
            f"<style>{_STYLE}</style>",
            '<g fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round">',
            *_legs(shown, network, drawn),
            "</g>",
            '<g fill="none" stroke="currentColor" stroke-width="1.4">',
            *(
                f'<circle class="node" cx="{_number(centre.real)}" cy="{_number(centre.imag)}" r="{_number(radius)}"/>'
                for centre, radius in zip(drawn.centres, network.radii, strict=False)
            ),
            "</g>",
            '<g fill="currentColor" text-anchor="middle" font-style="italic"'
            f' font-family="STIX Two Text, STIX Two Math, Times New Roman, serif" font-size="{_number(LETTER)}">',
            *(line for centre, name in zip(drawn.centres, called, strict=False) for line in _name(name, centre)),
            *(
                f'<text class="{_classes(shown, label)}" x="{_number((box.left + box.right) / 2)}"'
                f' y="{_number(box.bottom - 0.29 * LETTER)}">{escape(_letter(label))}</text>'
                for label, box in drawn.captions
            ),
            "</g>",
            "</svg>",
        ]
    )


def _classes(equation: Equation, label: str) -> str:
    """By these a page colours a label and lights its copies. An ellipsis is no label of its own: it stays in ink."""
    own = "ellipsis" if label == ELLIPSIS else f"ix ix-{label}"
    return own if label in equation.output else f"{own} ix-dummy"


def _legs(equation: Equation, network: Network, drawn: Layout) -> Iterable[str]:
    """Per label its legs and dots, in one group."""
    dots = list(zip(network.dots, drawn.centres[len(network.radii) :], strict=True)) + list(drawn.stops)
    for label in equation.labels:
        yield f'<g class="{_classes(equation, label)}">'
        # Round dots: a dash of no length with round ends.
        dotted = "" if label in equation.output else ' stroke-width="2.4" stroke-dasharray="0 5"'
        for leg in drawn.legs:
            if leg.label == label:
                path = _path(leg)
                # Wider than what is seen, and without gaps: what the pointer has to hit.
                yield f'<path class="near" d="{path}" stroke-opacity="0" stroke-width="11"/>'
                yield f'<path class="leg" d="{path}"{dotted}/>'
        for own, centre in dots:
            if own == label:
                x, y = _number(centre.real), _number(centre.imag)
                yield f'<circle class="dot" cx="{x}" cy="{y}" r="{_number(DOT)}" fill="currentColor" stroke="none"/>'
        yield "</g>"


def _path(leg: Leg) -> str:
    places = [f"{_number(point.real)} {_number(point.imag)}" for point in leg.points]
    if len(places) == 2:
        return f"M{places[0]} L{places[1]}"
    return f"M{places[0]} C{' '.join(places[1:])}"


def _name(name: Name, centre: Point) -> Iterable[str]:
    """The text of a node, with the height of its small letters on the middle of the node."""
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
    """To a tenth of a pixel, as short as it goes."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


# ---- The network in words ----------------------------------------------------------------------------


def _sentences(equation: Equation, wrt: int | None, names: tuple[str, ...] | None, output: str, loss: str) -> list[str]:
    shown, called, result = _shown(equation, wrt, names, output, loss)
    spoken = ["/".join(name) for name in called]
    if wrt is None:
        sentences = [f"Tensor network of {equation}."]
    else:
        forward, taken = called[0][1].removeprefix("∂"), result[1].removeprefix("∂")
        sentences = [
            f"Tensor network of {shown}, the gradient of {taken} in {equation}.",
            f"{taken} is taken out, and the upstream gradient {spoken[0]} is plugged onto the legs of {forward}.",
        ]
    sentences.append("; ".join(map(_operand, spoken, shown.operands)) + ".")
    sentences += [_sentence(shown, label, spoken) for label in shown.labels]
    if len(shown.output) == 1:
        sentences.append(f"Open leg of {'/'.join(result)}: {_listed(shown.output)}.")
    elif shown.output:
        sentences.append(f"Open legs, in the order of {'/'.join(result)}: {_listed(shown.output)}.")
    else:
        sentences.append(f"No leg is open: {'/'.join(result)} is a scalar.")
    return sentences


def _operand(name: str, term: Sequence[str]) -> str:
    if not term:
        return f"{name} is a scalar, without legs"
    return f"{name} has the {'leg' if len(term) == 1 else 'legs'} {_listed(term)}"


def _listed(labels: Iterable[str]) -> str:
    return ", ".join(map(_letter, labels))


def _sentence(equation: Equation, label: str, names: Sequence[str]) -> str:
    """What a label does, by its roles."""
    roles = equation.roles[label]
    counts = [(name, term.count(label)) for name, term in zip(names, equation.operands, strict=True) if label in term]
    holders = [name if count == 1 else f"{name} ({count} times)" for name, count in counts]
    held = " and ".join(filter(None, [", ".join(holders[:-1]), *holders[-1:]]))
    ends = equation.output.count(label)
    own = f"the ellipsis {_letter(label)}" if label == ELLIPSIS else label
    if Role.BROADCAST in roles:
        said = f"{own} is an open leg of the one-tensor 1: the result is repeated along it"
    elif Role.FREE in roles:
        again = counts[0][1] > 1
        said = f"{own} {'is the diagonal' if again else 'is an open leg'} of {counts[0][0]}"
        said += ": its legs meet in a dot, and stay open" if again else ""
    elif Role.BATCH in roles:
        said = f"{own} joins {held} in a dot and stays open"
    elif Role.CONTRACTED in roles:
        said = f"{own} joins {held}{' in a dot' if sum(count for _, count in counts) > 2 else ''} and is summed"
    elif Role.REPEATED in roles:
        said = f"{own} is a loop on {counts[0][0]}: its diagonal is summed"
        said = (
            said if counts[0][1] == 2 else f"{own} joins {counts[0][1]} legs of {counts[0][0]} in a dot and is summed"
        )
    else:
        said = f"{own} of {counts[0][0]} ends in a dot: it is summed alone"
    if ends > 1:
        said += f"; it forks into {ends} open legs, the diagonal of the output"
    return said[0].upper() + said[1:] + "." if label == ELLIPSIS else said + "."
