"""A page -> a program and a notebook that run on their own, and assert what the page does.

They contain prose and mathematics too. A derivation is checked line by line in its place, an
`einsum` fence derives and checks its equation, a shell's commands are run, and the expected error
or output of a block is checked.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from einsum_doc.pages.build.page import Page
from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading import scan
from einsum_doc.pages.reading.fence import gpu_of, module_of
from einsum_doc.pages.reading.language import Languages, literal
from einsum_doc.pages.record.block import Block


@dataclass(frozen=True)
class Cell:
    """A piece of a page: words, or a program."""

    text: str
    code: bool = False


def cells(page: Page, link: Callable[[str], str]) -> list[Cell]:
    """Return a page as words and programs, in order; the blocks inside a fence of Markdown come after it.

    link: returns the address on the web of a relative link on the page; "", if that is not known.
    """
    found: list[Cell] = []
    lines, numbered, results = page.lines, page.reading.numbered, page.results
    ready: set[str] = set()
    start = 0
    languages = Languages(LANGUAGES, ())
    defined = filter(None, map(_DEFINITION.match, page.definitions.split("\n")))
    link = partial(_linked, definitions={each["label"].lower(): each for each in defined}, address=link)
    fences = ((each.line, each) for each in scan.scan(lines, languages))
    both: list[tuple[int, scan.Fence | Block]] = [*fences, *page.reading.formulas.items()]
    for line, each in sorted(both, key=lambda each: each[0]):
        if isinstance(each, Block):
            if results[each.number - 1].status == "held":
                end = line + each.code.count("\n") + 1
                found += [Cell(_words(lines[start:end], link)), Cell("\n".join(_program(each, ready)), code=True)]
                start = end
            continue
        here = isinstance(numbered.get(each.line), Block)
        blocks = [block for number, block in sorted(numbered.items()) if each.line <= number < each.end]
        if each.commented or not (blocks or languages.of(each.header.language).role == "expect"):
            continue
        found.append(Cell(_words(lines[start : each.line if here else each.end], link)))
        start = each.end
        for block in blocks:
            if isinstance(block, Block):
                found.append(Cell(LANGUAGES[block.language].words(results[block.number - 1])))
                found.append(Cell("\n".join(_program(block, ready)), code=True))
    found.append(Cell(_words(lines[start:], link)))
    return list(_joined(found))


def _joined(found: Iterable[Cell]) -> Iterator[Cell]:
    """Return the cells that say something; words that follow words are one."""
    for code, run in itertools.groupby((cell for cell in found if cell.text), lambda cell: cell.code):
        texts = [cell.text for cell in run]
        yield from (Cell(text, code) for text in (texts if code else ["\n\n".join(texts)]))


def as_program(about: Sequence[str], found: Sequence[Cell]) -> str:
    """Return the page as a Python program, in the cells that editors know by `# %%`; `about` is a comment above it.

    >>> print(as_program(["A page."], [Cell("# Title"), Cell("assert 1 + 1 == 2", code=True)]))
    # A page.
    <BLANKLINE>
    # %% [markdown]
    # # Title
    <BLANKLINE>
    # %%
    assert 1 + 1 == 2
    <BLANKLINE>
    """
    parts = [_comment("\n".join(about))]
    # Python takes these at the top of a file alone.
    future = re.compile(r"^from __future__ import .*\n?", re.M)
    asked = sorted({line.strip() for cell in found if cell.code for line in future.findall(cell.text)})
    if asked:
        parts.append("\n".join(asked))
    for cell in found:
        parts.append(f"# %%\n{future.sub('', cell.text)}" if cell.code else f"# %% [markdown]\n{_comment(cell.text)}")
    return "\n\n".join(parts) + "\n"


def as_notebook(found: Sequence[Cell]) -> str:
    """Return the page as a Jupyter notebook, whose cells have not been run.

    Source: the format of notebooks, version 4.5, https://nbformat.readthedocs.io.
    """
    written = []
    for number, cell in enumerate(found):
        facts: dict[str, Any] = {
            "cell_type": "code" if cell.code else "markdown",
            "id": f"cell-{number}",
            "metadata": {},
            "source": cell.text.splitlines(keepends=True),
        }
        written.append(facts | {"execution_count": None, "outputs": []} if cell.code else facts)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": written, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _comment(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.split("\n"))


# ---- Words -------------------------------------------------------------------------------------------------


def _words(lines: Sequence[str], linked: Callable[[str], str]) -> str:
    """Return prose as notebooks read it: formulas between dollars, boxes as quotations, links that lead somewhere."""
    shown = {number for each in scan.scan(lines) for number in range(each.line, each.end)}
    found: list[str] = []
    depth = ""
    for number, line in enumerate(lines):
        if number in shown:
            found.append(line)
            continue
        box = re.match(r'(?:!!!|\?\?\?\+?|===)\s+(?P<kind>[\w -]*?)\s*(?:"(?P<title>.*)")?\s*$', line)
        if box:
            title = box["kind"].capitalize() if box["title"] is None else box["title"]
            depth = "> " if line[0] != "=" else ""
            found += ["", f"{depth}**{title}**"] if title else [""]
            continue
        if line.startswith("    ") and depth:
            line = depth + line[4:]
        elif line:
            depth = ""
        found.append(_line(line, linked))
    return "\n".join(found).strip("\n")


_DEFINITION = re.compile(r" {0,3}\[(?P<label>[^^\[\]][^\[\]]*)\]: *<?(?P<to>[^\s>]+)>?(?P<title>\s+(\".*\"|'.*'))?\s*$")
"""The definition of a reference; a label that begins with `^` is that of a footnote."""
_LINK = re.compile(
    r"(?P<code>`+[^`]+`+)|(?P<sign>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]"
    r"(?:\((?P<to>[^)\s]+)(?P<title>\s+(?:\"[^\"]*\"|'[^']*'))?\)|(?P<reference> ?\[(?P<label>[^\[\]]*)\])|)"
)
"""A link or an image in a line, or code, which has none."""


def _linked(line: str, definitions: Mapping[str, re.Match[str]], address: Callable[[str], str]) -> str:
    """Return a line with the addresses of its links: references too, as a notebook reads each cell by itself.

    definitions: those of references on the page by their labels, in lower case.
    """
    if _DEFINITION.match(line):
        return ""

    def resolved(found: re.Match[str]) -> str:
        if found["code"]:
            return found[0]
        text = _LINK.sub(resolved, found["text"])  # which may be an image
        defined = found if found["to"] else definitions.get((found["label"] or found["text"]).lower())
        if not defined:
            return f"{found['sign']}[{text}]{found['reference'] or ''}"
        target = defined["to"] if re.match(r"\w+:", defined["to"]) else address(defined["to"])
        return f"{found['sign']}[{text}]({target}{defined['title'] or ''})" if target else text

    return _LINK.sub(resolved, line)


def _line(line: str, linked: Callable[[str], str]) -> str:
    # The attributes of a heading, or of the paragraph above.
    line = re.sub(r"^(#+ .*?|)\s*\{:?\s*[#.][^}]*\}\s*$", r"\1", line)
    pieces = re.split(r"(`+[^`]+`+|\\\(.+?\\\))", line)
    for index, piece in enumerate(pieces):
        if piece.startswith(r"\("):
            pieces[index] = f"${piece[2:-2].strip()}$"
        elif not piece.startswith("`"):
            pieces[index] = re.sub(r"\\[\[\]]", "$$", piece)
    return linked("".join(pieces))


# ---- Programs ----------------------------------------------------------------------------------------------


def _program(block: Block, ready: set[str]) -> Iterator[str]:
    """Yield the lines that do the same as a block; `ready` are the lines that the page needs once, and has already."""

    def once(*lines: str) -> Iterator[str]:
        for line in lines:
            if line not in ready:
                ready.add(line)
                yield line

    language, options, expected = LANGUAGES[block.language], block.options, block.expected
    body = list(language.standalone(block))
    yield from once(*language.setup(block))
    contexts = []
    if "device" in options or gpu_of(options):
        yield from once("import torch", "")
    if "device" in options:
        contexts.append(f"torch.device({options['device']!r})")
    if "raises" in options:
        yield from once("from einsum_doc.pages.claims import raises", "")
        contexts.append(f"raises({options['raises']!r})")
    if expected is not None:
        names = "shows, writes" if any("shows(" in line for line in body) else "writes"
        yield from once(f"from einsum_doc.pages.claims import {names}", "")
        more = "" if expected.tolerance == type(expected).tolerance else f", tolerance={expected.tolerance}"
        contexts.append(f"writes({literal(expected.text)}{more})")
    if "workdir" in options:
        yield from once("import contextlib", "")
        contexts.append(f"contextlib.chdir({options['workdir']!r})")
    if "width" in options:
        yield from once("from unittest import mock", "")
        contexts.append(f'mock.patch.dict("os.environ", COLUMNS="{options["width"]}")')
    if contexts:
        body = _below(f"with {', '.join(contexts)}:", body)
    if gpu_of(options):
        body = _below("if torch.cuda.is_available():", body)
    if modules := module_of(options):
        yield from once("import importlib.util", "")
        body = _below(f"if all(map(importlib.util.find_spec, {modules})):", body)
    yield from body


def _below(head: str, body: Sequence[str]) -> list[str]:
    """Return the body as that of a statement. Lines within a string stay: blanks would become part of it."""
    text = "\n".join(body)
    try:
        tree = ast.parse(text)
    except SyntaxError:  # which may be what is expected of it
        return [head, f"    exec({literal(text)})"]
    within = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno is not None
        for line in range(node.lineno, node.end_lineno)
    }
    lines = text.split("\n")
    return [head, *(f"    {line}" if line and number not in within else line for number, line in enumerate(lines))]
