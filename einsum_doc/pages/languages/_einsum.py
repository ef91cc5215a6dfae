"""An `einsum` fence -> its part of the page: derived by the library, checked, its code run, and typeset as HTML.

Everything on it is made from the equation, and nothing is typeset that has not been checked.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from einsum_doc.compute.contraction.binding import read_sizes
from einsum_doc.equation import ELLIPSIS, Equation, Role, parse
from einsum_doc.errors import OperandError
from einsum_doc.notation.expression import Delta, identifier
from einsum_doc.notation.writing.html import prose_html
from einsum_doc.notation.writing.words import listed
from einsum_doc.pages.languages.derivation import rows_html, rows_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import DerivationRow

if TYPE_CHECKING:
    from einsum_doc.compute.contraction.cost import Cost
    from einsum_doc.notation.deriving.derivation import Derivation


def einsum_article(block: Block, show: Sequence[str]) -> tuple[str, tuple[DerivationRow, ...]]:
    """Return the HTML of an `einsum` fence with the parts that `show` names, and the lines of its derivations.

    The gradients are checked against autograd, each line of each derivation with numbers, and the code that is
    shown by running it.
    Raises: EinsumError, for a wrong equation or option; AssertionError, if anything does not hold.
    """
    from einsum_doc import check, cost
    from einsum_doc.compute.checking.derivation import Derivations
    from einsum_doc.notation.deriving.derive import derive
    from einsum_doc.notation.drawing.diagram import diagram

    equation = parse(block.code.strip())
    options = block.options
    output = options.get("output")
    names = options["names"].replace(",", " ").split() if "names" in options else None
    numbers = numbers_of(block, equation)
    first = derive(equation, numbers[0], names=names, output=output)
    sizes = sizes_of(equation, options.get("sizes", ""), first.names)
    # Finite differences and deltas of large tensors would take forever.
    small = sizes_of(equation, names=first.names)

    found = check(equation, small)
    if not found:
        raise AssertionError(str(found))
    picture = diagram(equation, names=first.names, output=first.output)
    parts = {"says": _says(first), "roles": _roles(first, sizes), "picture": _figure(picture)}
    shown = [part for name, part in parts.items() if name in show]
    rows: list[DerivationRow] = []
    # A tensor in several slots has one gradient.
    for number in dict.fromkeys(first.names.index(first.names[number]) for number in numbers):
        derivation = derive(equation, number, names=first.names, output=first.output)
        _run(derivation, number, small)
        lines = Derivations().check(derivation.latex()).lines
        false = [line for line in lines if not line.holds]
        if false:
            raise AssertionError("\n".join([false[0].message, *false[0].details]))
        shown.append(_gradient(derivation, rows_of(lines), show))
        rows += rows_of(lines)
    if "cost" in show:
        shown.append(_cost(cost(equation, sizes)))
    # In the rows each label is a small letter: the page gives a label and its letter one colour.
    letters = {label: str(place) for label, place in first.letters.items() if label != ELLIPSIS}
    others = " ".join(f"{label}{letter}" for label, letter in letters.items() if label != letter)
    written = f' data-written="{others}"' if others else ""
    return f'<div class="einsum"{written}>{"".join(shown)}</div>', tuple(rows)


def numbers_of(block: Block, equation: Equation) -> Sequence[int]:
    """Return the operands whose gradients a fence asks for, by number."""
    text = block.options.get("wrt", "all")
    return range(len(equation.operands)) if text == "all" else [int(each) for each in text.replace(",", " ").split()]


def sizes_of(equation: Equation, text: str = "", names: Sequence[str] | None = None) -> dict[str, int | Sequence[int]]:
    """Return the sizes that are given, and for the other labels small ones, different where they may be.

    names: of the operands, where one tensor stands in several slots.
    Raises: OperandError, for a size of no label, or two where the tensors have one.
    """
    given: Mapping[str, int | Sequence[int]] = read_sizes(",".join(text.replace(",", " ").split())) if text else {}
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


def _run(derivation: Derivation, number: int, sizes: Mapping[str, int | Sequence[int]]) -> None:
    """Run the code that is shown, on random numbers, and compare it with the library."""
    import torch

    from einsum_doc import einsum, vjp

    equation = derivation.differentiated

    def shape(term: Sequence[str]) -> list[int]:
        own = [sizes[label] for label in term]
        return [length for size in own for length in ([size] if isinstance(size, int) else size)]

    made = {
        name: torch.randn(shape(term), dtype=torch.float64)
        for name, term in zip(derivation.names, equation.operands, strict=True)
    }
    operands = [made[name] for name in derivation.names]
    new = {label: sizes[label] for label in equation.output if not any(label in term for term in equation.operands)}
    upstream = torch.randn_like(einsum(str(equation), *operands, sizes=new))
    loss = identifier(derivation.loss)
    name = derivation.names[number]
    own, output = (f"d{loss}d{identifier(tensor)}" for tensor in (name, derivation.output))
    variables: dict[str, object] = {"torch": torch, output: upstream}
    variables |= {identifier(tensor): value for tensor, value in made.items()}
    exec(compile(derivation.lowering.code, "<the code of this fence>", "exec"), variables)
    gradients = vjp(equation, operands, upstream)
    expected = sum(found for found, slot in zip(gradients, derivation.names, strict=True) if slot == name)
    torch.testing.assert_close(variables[own], expected)


def _says(derivation: Derivation) -> str:
    return (
        '<div class="says"><div><p class="part">As an einsum</p>'
        f"<code>{escape(str(derivation.differentiated))}</code>"
        f'<p class="part">In index notation</p><div class="arithmatex">\\[{formula(derivation)}\\]</div></div>'
        f'<div><p class="part">As loops</p><pre><code>{_loops(derivation)}</code></pre></div></div>'
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


def _gradient(derivation: Derivation, rows: Sequence[DerivationRow], show: Sequence[str]) -> str:
    """Return the part about the gradient of one operand, which may stand in several slots."""
    lowering, names, [number] = derivation.lowering, derivation.names, derivation.wrt
    times = [f"{count} × " if count > 1 else "" for count, _ in derivation.multiples]
    parts = []
    if "derivation" in show:
        parts.append(rows_html(rows))
    if "equation" in show:
        codes = [f"<code>{escape(str(summand.equation))}</code>" for _, summand in derivation.multiples]
        equations = " + ".join(map("".join, zip(times, codes, strict=True)))
        parts.append(f'<p class="gradient">{equations} {prose_html(lowering.sentence)}</p>')
    if "picture" in show:
        parts.append(_figure(" + ".join(map("".join, zip(times, _pictures(derivation), strict=True)))))
    if "code" in show:
        code = highlight(lowering.code, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True))
        parts.append(f'<p class="lowering">{prose_html(lowering.words)}</p>{code}')
    if not parts:
        return ""
    return f'<p class="part">The gradient of {_name(names[number])}</p>{"".join(parts)}'


def _pictures(derivation: Derivation) -> Iterator[str]:
    """Yield the picture of each einsum of a gradient."""
    from einsum_doc.notation.drawing.diagram import diagram

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
