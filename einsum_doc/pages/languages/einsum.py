"""`einsum`: an equation, which the library derives, checks and typesets as an article."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from einsum_doc.pages.reading.fence import OptionCheck, matching, one_of
from einsum_doc.pages.reading.language import Language, PageProcess
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Result

PARTS = ("says", "roles", "picture", "derivation", "equation", "code", "cost", "libraries")
"""The parts of an article, in order. The last is on request: it has the code that is already there, and more."""


def _parts(value: str) -> None:
    for word in value.split():
        one_of(word, PARTS, "some of " + " ".join(PARTS))


_SIZE = r"(?:[^\W\d_]|\.\.\.)=\d+(x\d+)*"
_OPTIONS: dict[str, OptionCheck] = {
    "wrt": matching(r"all|\d+([ ,]+\d+)*", '"all" or the numbers of operands, as in "0 1"'),
    "show": _parts,
    "names": str,
    "output": str,
    "sizes": matching(rf"{_SIZE}(?:[ ,]+{_SIZE})*", 'the sizes of labels, as in "i=4 j=3"'),
}


class EinsumLanguage(Language):
    """One einsum, about which everything is made by the library."""

    def run(self, block: Block, process: PageProcess) -> Result:
        """Make the article of an einsum.

        Raises: EinsumError, for a wrong equation or option; AssertionError, if anything on it does not hold.
        """
        from einsum_doc.pages.languages._einsum import einsum_article

        markup, rows = einsum_article(block, block.options["show"].split() if "show" in block.options else PARTS[:-1])
        return Result("held", rows=rows, markup=markup)

    def setup(self, block: Block) -> Sequence[str]:
        return "import einsum_doc", ""

    def standalone(self, block: Block) -> Iterator[str]:
        from einsum_doc.article import sizes_of
        from einsum_doc.equation import parse
        from einsum_doc.pages.languages._einsum import numbers_of

        equation = parse(block.code.strip())
        named = ""
        if "names" in block.options:
            named += f", names={block.options['names'].replace(',', ' ').split()}"
        if "output" in block.options:
            named += f", output={block.options['output']!r}"
        yield f"for _number in {list(numbers_of(block, equation))}:"
        yield f"    _derivation = einsum_doc.derive({equation.text!r}, _number{named})"
        yield '    print(_derivation, end="\\n\\n")'
        yield "    assert einsum_doc.verify(_derivation.latex())"
        yield f"assert einsum_doc.check({equation.text!r}, {sizes_of(equation)})"


LANGUAGES = (EinsumLanguage("einsum", _OPTIONS, ours=True, uses_torch=True),)
