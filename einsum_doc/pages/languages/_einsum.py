"""An `einsum` fence -> its part of the page: derived by the library, checked, its code run, and typeset as HTML.

Everything on it is made from the equation, and nothing is typeset that has not been checked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from einsum_doc.article import Article, GivenSizes
from einsum_doc.equation import Equation, parse
from einsum_doc.notation.expression import identifier
from einsum_doc.pages.languages.derivation import rows_html, rows_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import DerivationRow

if TYPE_CHECKING:
    from einsum_doc.notation.writing.lowering import Lowering


def einsum_article(block: Block, show: Collection[str]) -> tuple[str, tuple[DerivationRow, ...]]:
    """Return the HTML of an `einsum` fence with the parts that `show` names, and the lines of its derivations.

    The gradients are checked against autograd, each line of each derivation with numbers, and the code that is
    shown by running it.
    Raises: EinsumError, for a wrong equation or option; AssertionError, if anything does not hold.
    """
    from einsum_doc import check
    from einsum_doc.compute.checking.derivation import Derivations

    options = block.options
    equation = parse(block.code.strip())
    names = options["names"].replace(",", " ").split() if "names" in options else None
    article = Article(
        equation,
        numbers_of(block, equation),
        names=names,
        output=options.get("output"),
        sizes=options.get("sizes", ""),
    )
    found = check(equation, article.small)
    if not found:
        raise AssertionError(str(found))
    lowerings = [derivation.lowering for derivation in article.derivations]
    rows = []
    for derivation in article.derivations:
        _run([derivation.lowering], derivation.lowering.code, article.small)
        lines = Derivations().check(derivation.latex()).lines
        false = [line for line in lines if not line.holds]
        if false:
            raise AssertionError("\n".join([false[0].message, *false[0].details]))
        rows.append(rows_of(lines))
    for library, code in article.programs.items() if "libraries" in show else ():
        _, _, run = code.partition("\n")  # its first line imports the library
        _run(lowerings, run, article.small, library)
    html = article.html(show, map(rows_html, rows), _highlighted)
    return html, tuple(row for each in rows for row in each)


def _highlighted(code: str, title: str) -> str:
    name = {"filename": title} if title else {}
    return str(highlight(code, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True, **name)))


def numbers_of(block: Block, equation: Equation) -> Sequence[int]:
    """Return the operands whose gradients a fence asks for, by number."""
    text = block.options.get("wrt", "all")
    return range(len(equation.operands)) if text == "all" else [int(each) for each in text.replace(",", " ").split()]


def _run(lowerings: Sequence[Lowering], code: str, sizes: GivenSizes, library: str = "") -> None:
    """Run code that is shown, on random numbers, and compare its gradients with those of the library.

    library: of a program, which computes the output too. Those for NumPy and JAX run on NumPy: they call nothing
    that is not the same in both.
    """
    import torch

    from einsum_doc import einsum, vjp

    equation, names = lowerings[0].equation, lowerings[0].names

    def shape(term: Sequence[str]) -> list[int]:
        own = [sizes[label] for label in term]
        return [length for size in own for length in ([size] if isinstance(size, int) else size)]

    made = {
        name: torch.randn(shape(term), dtype=torch.float64) for name, term in zip(names, equation.operands, strict=True)
    }
    operands = [made[name] for name in names]
    new = {label: sizes[label] for label in equation.output if not any(label in term for term in equation.operands)}
    output = einsum(str(equation), *operands, sizes=new)
    upstream = torch.randn_like(output)
    gradients = vjp(equation, operands, upstream)
    expected: dict[str, Any] = {identifier(lowerings[0].output): output} if library else {}
    for lowering in lowerings:
        own = lowering.names[lowering.wrt[0]]
        expected[lowering.target[0]] = sum(found for found, slot in zip(gradients, names, strict=True) if slot == own)
    variables: dict[str, Any] = {identifier(name): tensor for name, tensor in made.items()}
    variables[lowerings[0].variable("dldz")] = upstream
    if library in ("numpy", "jax"):
        import numpy

        variables = {name: tensor.numpy() for name, tensor in variables.items()}
        variables |= {"np": numpy, "jnp": numpy}
    variables["torch"] = torch
    exec(compile(code, "<the code of this fence>", "exec"), variables)
    for name, value in expected.items():
        torch.testing.assert_close(torch.as_tensor(variables[name]), value)
