"""Markdown -> its display formulas, each with its line: found by arithmatex itself.

The lines are read once more by the site's Markdown, as far as its blocks, without fences, which superfences takes
out before. Lines on which a formula may begin are marked with their numbers, so that each formula that arithmatex
finds, in a list, an admonition or a footnote, tells where it stands; one in code or in a comment is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import dropwhile
from typing import Any

from markdown import Markdown
from markdown.blockprocessors import BlockProcessor

from einsum_doc.pages.reading.scan import Fence, PageReading
from einsum_doc.pages.record.block import DISPLAY, Block, Location

ARITHMATEX = "arithmatex-block"
"""The block processor that finds display formulas; the site's Markdown may not have it."""
OPENING = re.compile(r"\$\$|\\\[|\\begin\{|```|~~~")
"""The beginning of a display formula, or of a fence that is one."""

_MARK = re.compile("\x02einsum_doc:(\\d+)\x03")
_NAME = "einsum_doc_formulas"


def with_formulas(
    reading: PageReading, lines: Sequence[str], locations: Sequence[Location], fences: Iterable[Fence], md: Markdown
) -> PageReading:
    """Return the fences that the builder handles with the display formulas of their page, numbered together.

    lines: those that superfences will be given. locations: the location of each. fences: all fences among the lines.
    md: the Markdown of the site, with arithmatex; its preprocessors have read the page.
    """
    formulas = {}
    for line, text in _find(lines, fences, md).items():
        own = tuple(locations[line : line + text.count("\n") + 1])
        formulas[line] = Block(own[0], 0, DISPLAY, text, locations=own)
    others = {line: each for line, each in reading.numbered.items() if isinstance(each, Block)}
    ordered = enumerate(sorted((others | formulas).items()), 1)
    both = {line: replace(block, number=number) for number, (line, block) in ordered}
    numbers = [0, *(both[line].number for line in sorted(others))]
    return PageReading(
        [*both.values()],
        [fault._replace(after=numbers[fault.after]) for fault in reading.faults],
        {line: both.get(line, each) for line, each in reading.numbered.items()},
        {line: both[line] for line in formulas},
    )


def _find(lines: Sequence[str], fences: Iterable[Fence], md: Markdown) -> dict[int, str]:
    """Return the display formulas among the lines, with their delimiters, by the indices of their first lines."""
    # mkdocstrings would collect what its lines name.
    text = ["" if re.match(" *::: ", line) else line for line in lines]
    text = [f"{line}\x02einsum_doc:{number}\x03" if OPENING.search(line) else line for number, line in enumerate(text)]
    found = dict[int, str]()
    for each in sorted(fences, key=lambda each: -each.line):
        if each.closed:
            if each.header.language in _languages(md) and not each.commented:
                found[each.line] = f"$$\n{each.code}\n$$"
            text[each.line : each.end] = [re.sub("[^> ].*", "A fence.", lines[each.line])]
    reader = _FormulaReader(md)
    md.parser.blockprocessors.register(reader, _NAME, 79.95)  # right before arithmatex
    superfences = md.preprocessors["fenced_code_block"]
    for preprocessor in [*dropwhile(lambda each: each is not superfences, md.preprocessors)][1:]:
        text = preprocessor.run(text)
    root = md.parser.parseDocument(text).getroot()
    if "footnote" in md.treeprocessors:  # which reads the text of footnotes
        md.treeprocessors["footnote"].run(root)
    md.parser.blockprocessors.deregister(_NAME)
    return found | reader.found


def _languages(md: Markdown) -> list[str]:
    """Return the languages whose fences arithmatex formats."""
    found = []
    for each in md.preprocessors["fenced_code_block"].extension.superfences:
        formatter = getattr(each["formatter"], "keywords", {}).get("_fmt")
        if getattr(getattr(formatter, "func", formatter), "__module__", "") == "pymdownx.arithmatex":
            found.append(each["name"])
    return found


class _FormulaReader(BlockProcessor):  # type: ignore[misc]  # Python-Markdown has no types
    """Takes what arithmatex would make a formula of, and records it."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md.parser)
        self.site = md.parser.blockprocessors[ARITHMATEX]
        self.found: dict[int, str] = {}

    def test(self, parent: Any, block: str) -> bool:
        return bool(_MARK.search(block) and self.site.test(parent, _MARK.sub("", block)))

    def run(self, parent: Any, blocks: list[str]) -> None:
        block = blocks.pop(0)
        mark = _MARK.search(block)
        assert mark is not None
        self.found[int(mark[1])] = text = _MARK.sub("", block).rstrip()
        self.site.run(parent, [text])  # what is indented below may belong to what stands above, without it
