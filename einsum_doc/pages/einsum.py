"""An `einsum` fence -> its part of the page: derived by the library, checked, and its code run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from einsum_doc.equation import ELLIPSIS, Equation, parse
from einsum_doc.errors import OperandError
from einsum_doc.pages.article import Article, Slot, article_html
from einsum_doc.pages.block import Block, Row
from einsum_doc.pages.fence import PARTS

if TYPE_CHECKING:
    from einsum_doc.notation.derive import Derivation


def einsum_article(block: Block) -> tuple[str, tuple[Row, ...]]:
    """The HTML of an `einsum` fence, and the lines of its derivations.

    Everything on it is checked first: the gradients against autograd, each line of each
    derivation with numbers, and the code that is shown by running it.
    Raises: EinsumError, for what the fence says; AssertionError, if anything does not hold.
    """
    from einsum_doc import check, cost
    from einsum_doc.compute.derivation import Derivations
    from einsum_doc.notation.derive import derive
    from einsum_doc.notation.diagram import diagram

    equation = parse(block.code.strip())
    options = block.options
    sizes = sizes_of(equation, options.get("sizes", ""))
    small = sizes_of(equation)  # finite differences and deltas of large tensors would take forever
    show = tuple(options["show"].split()) if "show" in options else PARTS
    output = options.get("output")
    names = options["names"].replace(",", " ").split() if "names" in options else None
    numbers = numbers_of(block, equation)

    found = check(equation, small)
    if not found:
        raise AssertionError(str(found))
    first = derive(equation, numbers[0] if numbers else 0, names=names, output=output)
    names, output = list(first.names), first.output
    slots = []
    for number in numbers:
        derivation = derive(equation, number, names=names, output=output)
        _run(derivation, number, small)
        lines = Derivations().check(derivation.latex()).lines
        false = [line for line in lines if not line.holds]
        if false:
            raise AssertionError("\n".join([false[0].message, *false[0].details]))
        rows = tuple(Row(line.latex, line.reason, line.checked, claim=line.kind == "claim") for line in lines)
        slots.append(
            Slot(
                names[number],
                derivation.equation,
                rows,
                derivation.sentence,
                derivation.lowering.words,
                derivation.lowering.code,
                diagram(equation, wrt=number, names=names, output=output, loss=derivation.loss),
            )
        )
    article = Article(
        equation,
        names,
        output,
        sizes,
        diagram(equation, names=names, output=output),
        cost(equation, sizes),
        slots,
    )
    return article_html(article, show), tuple(row for slot in slots for row in slot.rows)


def numbers_of(block: Block, equation: Equation) -> Sequence[int]:
    """The operands whose gradients a fence is about, by number."""
    text = block.options.get("wrt", "all")
    return range(len(equation.operands)) if text == "all" else [int(each) for each in text.replace(",", " ").split()]


def sizes_of(equation: Equation, text: str = "") -> dict[str, int | Sequence[int]]:
    """The sizes that are written, and for the other labels different small ones."""
    from einsum_doc.cli import read_sizes

    given: Mapping[str, int | Sequence[int]] = read_sizes(",".join(text.replace(",", " ").split())) if text else {}
    for label in given.keys() - set(equation.labels):
        raise OperandError(f"the size of {label!r} is given, which is no label of {equation}", label=label)
    free = _small_sizes(given)
    return {label: given[label] if label in given else _size(label, free) for label in equation.labels}


def _size(label: str, free: Iterator[int]) -> int | Sequence[int]:
    return (next(free), next(free)) if label == ELLIPSIS else next(free)


def _small_sizes(given: Mapping[str, object]) -> Iterator[int]:
    return itertools.cycle(size for size in range(2, 8) if size not in given.values())


def _run(derivation: Derivation, number: int, sizes: Mapping[str, int | Sequence[int]]) -> None:
    """Run the code that is shown, on random numbers, and hold it against the library."""
    import torch

    from einsum_doc import einsum, vjp
    from einsum_doc.notation.lowering import identifier

    equation = derivation.differentiated

    def shape(term: Sequence[str]) -> list[int]:
        own = [sizes[label] for label in term]
        return [length for size in own for length in ([size] if isinstance(size, int) else size)]

    operands = [torch.randn(shape(term), dtype=torch.float64) for term in equation.operands]
    new = {label: sizes[label] for label in equation.output if not any(label in term for term in equation.operands)}
    upstream = torch.randn_like(einsum(str(equation), *operands, sizes=new))
    loss = identifier(derivation.loss)
    own, output = (f"d{loss}d{identifier(name)}" for name in (derivation.names[number], derivation.output))
    variables: dict[str, object] = {"torch": torch, output: upstream}
    variables |= dict(zip(map(identifier, derivation.names), operands, strict=True))
    exec(compile(derivation.lowering.code, "<the code of this fence>", "exec"), variables)
    torch.testing.assert_close(variables[own], vjp(equation, operands, upstream)[number])
