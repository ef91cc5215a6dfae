"""An `einsum` fence -> its part of the page: derived by the library, checked, and its code run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from einsum_doc.compute.contraction.binding import read_sizes
from einsum_doc.equation import ELLIPSIS, Equation, parse
from einsum_doc.errors import OperandError
from einsum_doc.notation.writing.lowering import identifier
from einsum_doc.notation.writing.words import listed
from einsum_doc.pages.languages._einsum_article import Addend, Article, Slot, article_html
from einsum_doc.pages.languages.derivation import rows_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import DerivationRow

if TYPE_CHECKING:
    from einsum_doc.notation.deriving.derivation import Derivation


def einsum_article(block: Block, show: Sequence[str]) -> tuple[str, tuple[DerivationRow, ...]]:
    """Return the HTML of an `einsum` fence with the parts that `show` names, and the lines of its derivations.

    Everything on it is checked first: the gradients against autograd, each line of each
    derivation with numbers, and the code that is shown by running it.
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
    # A tensor in several slots has one gradient.
    tensors = dict.fromkeys(first.names.index(first.names[number]) for number in numbers)
    slots = []
    for number in tensors:
        derivation = derive(equation, number, names=first.names, output=first.output)
        _run(derivation, number, small)
        lines = Derivations().check(derivation.latex()).lines
        false = [line for line in lines if not line.holds]
        if false:
            raise AssertionError("\n".join([false[0].message, *false[0].details]))
        slots.append(Slot(derivation, rows_of(lines), tuple(_addends(derivation, number))))
    picture = diagram(equation, names=first.names, output=first.output)
    article = Article(first, sizes, picture, cost(equation, sizes), slots)
    return article_html(article, show), tuple(row for slot in slots for row in slot.rows)


def _addends(derivation: Derivation, number: int) -> Iterator[Addend]:
    """Yield the einsums of a gradient, each with its picture."""
    from einsum_doc.notation.drawing.diagram import diagram

    names = derivation.names
    slots = [slot for slot, name in enumerate(names) if name == names[number]]
    for count, summand in derivation.multiples:
        slot = slots[derivation.summands.index(summand)]
        picture = diagram(
            derivation.differentiated, wrt=slot, names=names, output=derivation.output, loss=derivation.loss
        )
        yield Addend(count, summand.equation, picture)


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
    free = _small_sizes(given)
    sizes: dict[str, int | Sequence[int]] = {}
    for labels in _of_one_size(equation, names or range(len(equation.operands))):
        wanted = [given[label] for label in labels if label in given]
        if any(size != wanted[0] for size in wanted):
            raise OperandError(f"{listed(labels)} have one size: they stand in the same place of one tensor")
        sizes |= dict.fromkeys(labels, wanted[0] if wanted else _size(labels[0], free))
    return {label: sizes[label] for label in equation.labels}


def _of_one_size(equation: Equation, names: Sequence[object]) -> list[list[str]]:
    """Return the labels in groups: those that stand in one place of a tensor in several slots are together."""
    groups = [[label] for label in equation.labels]
    for name, term in zip(names, equation.operands, strict=True):
        for pair in zip(equation.operands[names.index(name)], term, strict=True):
            together = [group for group in groups if set(pair) & set(group)]
            groups = [group for group in groups if group not in together] + [[*itertools.chain(*together)]]
    in_order = [sorted(group, key=equation.labels.index) for group in groups]
    return sorted(in_order, key=lambda group: equation.labels.index(group[0]))


def _size(label: str, free: Iterator[int]) -> int | Sequence[int]:
    return (next(free), next(free)) if label == ELLIPSIS else next(free)


def _small_sizes(given: Mapping[str, object]) -> Iterator[int]:
    return itertools.cycle(size for size in range(2, 8) if size not in given.values())


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
