"""A page -> a program and a notebook that run on their own, and assert what the page does.

Prose and mathematics go with the code. A derivation is checked line by line where it stands, an
`einsum` fence derives and checks its equation, a shell's commands are run, and the error or the
output that a block must have is asked for.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from einsum_doc.equation import parse
from einsum_doc.pages.build.page import Page
from einsum_doc.pages.languages.einsum import numbers_of, sizes_of
from einsum_doc.pages.reading import scan
from einsum_doc.pages.reading.fence import DERIVATION, EINSUM, EXPECTED, gpu_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import DerivationRow
from einsum_doc.pages.worker.values import last_value
from einsum_doc.pages.worker.worker import SHELLS

Link = Callable[[str], str]
"""Where the target of a relative link is on the web; empty if that is not known."""


@dataclass(frozen=True)
class Cell:
    """A piece of a page: words, or a program."""

    text: str
    code: bool = False


def cells(page: Page, link: Link = lambda target: "") -> list[Cell]:
    """Return a page as words and programs, in order; the blocks of a fence that is Markdown itself come after it."""
    found: list[Cell] = []
    lines, numbered, results = page.lines, page.reading.numbered, page.results
    ready: set[str] = set()
    start = 0
    for each in scan.scan(lines, unasked={DERIVATION, EINSUM, EXPECTED}):
        here = isinstance(numbered.get(each.line), Block)
        blocks = [block for number, block in sorted(numbered.items()) if each.line <= number < each.end]
        if each.commented or not (blocks or each.header.language == EXPECTED):
            continue
        found.append(Cell(_words(lines[start : each.line if here else each.end], link)))
        start = each.end
        for block in blocks:
            if isinstance(block, Block):
                if block.language == DERIVATION:
                    found.append(Cell(_displayed(results[block.number - 1].rows)))
                found.append(Cell("\n".join(_program(block, ready)), code=True))
    found.append(Cell(_words(lines[start:], link)))
    return list(_joined(found))


def _joined(found: Iterable[Cell]) -> Iterator[Cell]:
    """The cells that say something; words that follow words are one."""
    for code, run in itertools.groupby((cell for cell in found if cell.text), lambda cell: cell.code):
        texts = [cell.text for cell in run]
        yield from (Cell(text, code) for text in (texts if code else ["\n\n".join(texts)]))


def as_program(about: Sequence[str], found: Sequence[Cell]) -> str:
    """The page as a Python program, in the cells that editors know by `# %%`; `about` is a comment above it.

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
    """The page as a Jupyter notebook, whose cells have not been run.

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


def _words(lines: Sequence[str], link: Link) -> str:
    r"""Prose as notebooks read it: mathematics between dollars, boxes as quotations, links that lead somewhere."""
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
        found.append(_line(line, link))
    return "\n".join(found).strip("\n")


def _line(line: str, link: Link) -> str:
    # The attributes of a heading, or of the paragraph above.
    line = re.sub(r"^(#+ .*?|)\s*\{:?\s*[#.][^}]*\}\s*$", r"\1", line)
    pieces = re.split(r"(`+[^`]+`+|\\\(.+?\\\))", line)
    for index, piece in enumerate(pieces):
        if piece.startswith(r"\("):
            pieces[index] = f"${piece[2:-2].strip()}$"
        elif not piece.startswith("`"):
            pieces[index] = re.sub(r"\\[\[\]]", "$$", piece)
    return re.sub(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])+)\]\((?P<to>[^)\s]+)\)", _resolved(link), "".join(pieces))


def _resolved(link: Link) -> Callable[[re.Match[str]], str]:
    def resolved(found: re.Match[str]) -> str:
        target = found["to"] if re.match(r"\w+:", found["to"]) else link(found["to"])
        return f"[{found['text']}]({target})" if target else found["text"]

    return resolved


def _displayed(rows: Sequence[DerivationRow]) -> str:
    lines = []
    for row in rows:
        formula = row.latex if "&" in row.latex else f"&{row.latex}"
        lines.append(formula + (rf" && \text{{{row.reason}}}" if row.reason else ""))
    return "$$\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\n$$" if rows else ""


# ---- Programs ----------------------------------------------------------------------------------------------


def _program(block: Block, ready: set[str]) -> Iterator[str]:
    """The lines that do what a block does. `ready` is what the page has imported or made for such lines before."""

    def once(*lines: str) -> Iterator[str]:
        for line in lines:
            if line not in ready:
                ready.add(line)
                yield line

    body = list(_body(block))
    options = block.options
    if block.language == DERIVATION:
        yield from once("from einsum_doc.compute.derivation import Derivations", "", "_derivations = Derivations()")
    elif block.language == EINSUM:
        yield from once("import einsum_doc", "")
    elif block.language in SHELLS:
        yield from once("import subprocess", "")
    elif options.get("session"):
        yield from once("_sessions = {}")
    if "width" in options:
        yield from once("import os", "")
        body = [f'os.environ["COLUMNS"] = "{options["width"]}"', *body, 'del os.environ["COLUMNS"]']
    if "workdir" in options:
        yield from once("import contextlib", "")
        body = _below(f"with contextlib.chdir({options['workdir']!r}):", body)
    if block.expected is not None:
        names = "shows, writes" if any("shows(" in line for line in body) else "writes"
        yield from once(f"from einsum_doc.pages.claims import {names}", "")
        tolerance = block.expected.tolerance
        more = "" if tolerance == type(block.expected).tolerance else f", tolerance={tolerance}"
        body = _below(f"with writes({_literal(block.expected.text)}{more}):", body)
    if "raises" in options:
        yield from once("from einsum_doc.pages.claims import raises", "")
        body = _below(f"with raises({options['raises']!r}):", body)
    if "device" in options:
        body = _below(f"with torch.device({options['device']!r}):", body)
    if "device" in options or gpu_of(options):
        yield from once("import torch", "")
    if gpu_of(options):
        body = _below("if torch.cuda.is_available():", body)
    yield from body


def _body(block: Block) -> Iterator[str]:
    if block.language == DERIVATION:
        code = f"\n{block.code}\n"
        if re.search(r"^\s*% let ", block.code, re.M):
            yield "_derivations.namespace.update(globals())"
        yield f"_checked = _derivations.check({_literal(code)})"
        yield "print(_checked)"
        yield "assert _checked, _checked"
    elif block.language == EINSUM:
        yield from _einsum(block)
    elif block.language in SHELLS:
        command = ", ".join(map(repr, SHELLS[block.language]))
        yield f"_ended = subprocess.run([{command}, {_literal(block.program)}])"
        yield f"assert _ended.returncode == {block.options.get('returncode', '0')}, _ended"
    else:
        code = block.program
        if block.language == "pycon":
            code = "\n".join(block.typed.values())
        if block.expected is not None:
            code = _with_values(code, every=block.language == "pycon")
        if block.options.get("session"):
            yield f"exec({_literal(code)}, _sessions.setdefault({block.options['session']!r}, {{}}))"
        else:
            yield from code.split("\n")


def _with_values(code: str, *, every: bool) -> str:
    r"""The code with `shows` around its last expression, or around every one: what is expected holds their values.

    >>> _with_values("x = 1\nx + 1  # two", every=False)
    'x = 1\nshows(x + 1)  # two'
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:  # which may be what is expected of it
        return code
    last = last_value(tree, code)
    found = [each for each in tree.body if isinstance(each, ast.Expr)] if every else [last] if last else []
    lines = [line.encode() for line in code.split("\n")]
    for each in reversed(found):
        before, after = (b"shows((", b"))") if isinstance(each.value, ast.Tuple) else (b"shows(", b")")
        # The end first: it may stand on the same line.
        ends = (each.end_lineno or 0, each.end_col_offset or 0, after), (each.lineno, each.col_offset, before)
        for line, column, text in ends:
            lines[line - 1] = lines[line - 1][:column] + text + lines[line - 1][column:]
    return b"\n".join(lines).decode()


def _einsum(block: Block) -> Iterator[str]:
    equation = parse(block.code.strip())
    options = [equation.text]
    named = ""
    if "names" in block.options:
        named += f", names={block.options['names'].replace(',', ' ').split()}"
    if "output" in block.options:
        named += f", output={block.options['output']!r}"
    numbers = numbers_of(block, equation)
    yield f"for _number in {list(numbers)}:"
    yield f"    _derivation = einsum_doc.derive({options[0]!r}, _number{named})"
    yield '    print(_derivation, end="\\n\\n")'
    yield "    assert einsum_doc.verify(_derivation.latex())"
    yield f"assert einsum_doc.check({options[0]!r}, {sizes_of(equation)})"


def _below(head: str, body: Sequence[str]) -> list[str]:
    """The body as that of a statement. Lines within a string stay as they are: blanks would become part of it."""
    text = "\n".join(body)
    try:
        tree = ast.parse(text)
    except SyntaxError:  # which may be what is expected of it
        return [head, f"    exec({_literal(text)})"]
    within = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno is not None
        for line in range(node.lineno, node.end_lineno)
    }
    lines = text.split("\n")
    return [head, *(f"    {line}" if line and number not in within else line for number, line in enumerate(lines))]


def _literal(text: str) -> str:
    """The text as Python writes it, over several lines if it has several."""
    if "\n" not in text or '"""' in text or text.endswith(('"', "\\")):
        return repr(text)
    return f'r"""{text}"""' if "\\" in text else f'"""{text}"""'
