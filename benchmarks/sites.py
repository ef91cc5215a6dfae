"""Other people's sites with stock markdown-exec, and with the builder added in compatible mode: is the HTML the same?

    python benchmarks/sites.py [--only markdown-exec depictr pyqtorch] [--cache ~/.cache/einsum-doc-sites]

Downloads the sources of the projects from the package index, installs their requirements into an environment on top of
this one, and builds the documentation of each in copies at the same path, in turn: stock, and with the builder, cold
and warm. The copies seed what their pages draw at random. Prints the differences of pages, then a Markdown table:
pages, times of whole processes and the peak memory of all processes of a build, on Linux. Exits with 1 if a page
differs in more than `RANDOM`, or if a build fails. With everything to be downloaded it takes ten minutes.
"""

import argparse
import difflib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

OPTIONS = {"compatible": True, "device": "cpu", "report": ""}
"""The options of the builder; `report` is a page of its own."""
RANDOM = {
    r"\b0x[0-9a-f]{6,16}\b": "the address of an object in memory",
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b": "an id that a library draws for an element",
    r"\b(?:[mp]|image|C[0-9a-f]+_[0-9a-f]+_)[0-9a-f]{10}\b": "an id that matplotlib draws for a part of an image",
    r"\s+(?=<)": "white space around elements, which nobody sees",
    r"<dc:date>[^<]*": "the time at which matplotlib has drawn an image",
    r"\bd\d+-(?=[\w-])": "a number that depictr counts up in one process, in the order of the build",
}
"""What depends on the time, on the process or on numbers that cannot be seeded, and why."""


def from_zensical(folder: Path) -> None:
    """Write mkdocs.yml for a site of Zensical: the same pages and extensions, with Material for MkDocs."""
    project = tomllib.loads((folder / "zensical.toml").read_text())["project"]
    extensions = dict(flattened(project.pop("markdown_extensions")))
    del extensions["zensical.extensions.preview"]
    emoji = extensions["pymdownx.emoji"]
    emoji.update(emoji_generator="!!python/name:material.extensions.emoji.to_svg")
    emoji.update(emoji_index="!!python/name:material.extensions.emoji.twemoji")
    extensions["pymdownx.superfences"]["custom_fences"][0]["format"] = (
        "!!python/name:pymdownx.superfences.fence_code_format"
    )
    theme = project.pop("theme") | {"name": "material"}
    if not (folder / theme["custom_dir"]).is_dir():
        del theme["custom_dir"]  # it is not in the archive
    plugins = [{name: options} for name, options in project.pop("plugins").items() if name != "markdown-exec"]
    plugins[0]["mkdocstrings"]["handlers"]["python"].pop("inventories")  # from the network
    settings = project | {"theme": theme, "plugins": ["search", "markdown-exec", *plugins]}
    settings["markdown_extensions"] = [{name: options} for name, options in extensions.items()]
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    remove(
        folder / "docs/gallery.md", *(rf'[^\n]*id="{name}"' for name in ("d2", "diagrams", "pydeps"))
    )  # not of Python
    remove(folder / "docs/usage/pyodide.md", r"[^\n]*\nimport subprocess\n")  # asks the network
    subprocess.run(["git", "init", "-q", folder], check=True)  # a block shows the configuration
    (folder / "mkdocs.yml").write_text(re.sub(r"'(!!python/name:[\w.]+)'", r"\1", text))


def remove(page: Path, *beginnings: str) -> None:
    """Take the blocks with these beginnings out of a page: they need what is not installed here."""
    text = page.read_text()
    for beginning in beginnings:
        text, count = re.subn(rf"^```python {beginning}.*?^```\n", "", text, flags=re.M | re.S)
        assert count == 1, (page, beginning)
    page.write_text(text)


def shorten(folder: Path) -> None:
    """Train for two epochs: a hundred take many minutes, and show the same kinds of blocks."""
    for page in (folder / "docs").glob("*.md"):
        page.write_text(re.sub(r"(?i)(\bn?_?epochs *= *)\d+", r"\g<1>2", page.read_text()))


def seed(folder: Path, statement: str) -> None:
    """Seed what each page draws, in a hidden line of its first block.

    With markdown-exec alone, all pages share a process and its random numbers: without a seed of its own, a page shows
    what the pages before it have left. So two stock builds agree where one page has a seed, and no page built by itself
    agrees with them.
    """
    line = f"{statement}  # markdown-exec: hide\n"
    header = r"^( *)(```+|~~~+) *python\b[^\n]*\bexec=[^\n]*\n(?:\1from __future__ [^\n]*\n)*"
    for page in (folder / "docs").rglob("*.md"):
        page.write_text(re.sub(header, rf"\g<0>\g<1>{line}", page.read_text(), count=1, flags=re.M))


def flattened(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the extensions in the nested tables of zensical.toml."""
    for name, table in tables.items():
        if prefix + name in ("pymdownx", "pymdownx.blocks", "zensical", "zensical.extensions"):
            yield from flattened(table, f"{prefix}{name}.")
        else:
            yield prefix + name, table


@dataclass(frozen=True)
class Project:
    """A project whose documentation is built."""

    name: str
    version: str
    requirements: tuple[str, ...] = ()
    """The packages that its documentation needs."""
    prepare: Callable[[Path], None] = lambda folder: None
    """Changes a copy of it, so that it can be built here."""
    seed: str = ""
    """The statement that seeds what its pages draw at random, if they do."""
    path: str = "src"
    """The folder of its modules."""


PROJECTS = (
    Project(
        "markdown-exec",
        "1.12.6",
        (
            "chalk-diagrams",
            "drawsvg",
            "duty",
            "hyperbolic",
            "markdown-callouts",
            "pandas",
            "pipdeptree",
            "plotly",
            "qrcode",
            "rich",
            "textual",
        ),
        from_zensical,
    ),
    Project(
        "depictr",
        "0.3.0",
        ("lifelines", "mkdocs-redirects", "plotnine", "scikit-learn", "statsmodels"),
        seed="import numpy; numpy.random.seed(0)",
    ),
    Project(
        "pyqtorch",
        "1.7.8",
        ("matplotlib", "mkdocs-jupyter", "mkdocs-section-index", "torch"),
        shorten,
        "import numpy, torch; numpy.random.seed(0); torch.manual_seed(0)",
        path=".",
    ),
)


def main() -> int:
    """Build each site with and without the builder; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[project.name for project in PROJECTS])
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/einsum-doc-sites").expanduser())
    arguments = parser.parse_args()
    projects = [project for project in PROJECTS if project.name in arguments.only]
    cache = arguments.cache.absolute()
    cache.mkdir(parents=True, exist_ok=True)
    python = environment(cache, projects)
    rows, is_wrong = [], False
    for project in projects:
        row, differences = compare(project, cache, python)
        rows.append(row)
        is_wrong |= bool(differences)
        for page, lines in differences.items():
            print(f"\n{project.name}: {page} differs", *lines, sep="\n")
    print("\n| site | pages | the same | stock | cold | warm | memory of stock | cold | warm |")
    print("|" + "---|" * 9)
    print(*rows, sep="\n")
    return int(is_wrong)


def environment(cache: Path, projects: list[Project]) -> Path:
    """Return a Python with the requirements of the projects, on top of the packages of this one."""
    folder = cache / "environment"
    python = folder / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    # Always: an environment that was kept may be on top of another one.
    [packages] = folder.glob("lib/python*/site-packages")
    own = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "parent.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in own))
    # A program named `mkdocs`, as its name is shown on a page of markdown-exec.
    program = python.with_name("mkdocs")
    program.write_text(f"#!{python}\nfrom mkdocs.__main__ import cli\n\ncli()\n")
    program.chmod(0o755)
    constraints = Path(__file__).parents[1] / "constraints.txt"
    wanted = sorted({each for project in projects for each in project.requirements})
    install = ["-m", "pip", "--python", python, "install", "-q", "-c", constraints, *wanted]
    subprocess.run([sys.executable, *install], check=True)
    return python


def sources(project: Project, cache: Path) -> Path:
    """Return the archive of a project, downloaded unless it is there."""
    pattern = f"{project.name.replace('-', '?')}-{project.version}.tar.gz"
    if not list(cache.glob(pattern)):
        options = ["--no-binary", ":all:", "--no-deps", "-d", cache]
        wanted = f"{project.name}=={project.version}"
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", *options, wanted], check=True)
    [archive] = cache.glob(pattern)
    return archive


def compare(project: Project, cache: Path, python: Path) -> tuple[str, dict[str, list[str]]]:
    """Build a site with and without the builder; return its row of the table, and the differences of its pages."""
    sites, built = {}, {}
    folder = cache / "build" / project.name
    for name in ("stock", "ours"):
        shutil.rmtree(folder, ignore_errors=True)
        with tarfile.open(sources(project, cache)) as archive:
            archive.extractall(folder.parent, filter="data")
            (folder.parent / archive.getnames()[0].split("/")[0]).rename(folder)
        project.prepare(folder)
        if project.seed:
            seed(folder, project.seed)
        config = folder / "mkdocs.yml"
        if name == "ours":
            added = rf"\g<0>\n\1- einsum-doc: {json.dumps(OPTIONS)}"
            config.write_text(re.sub(r"^( *)- markdown-exec$", added, config.read_text(), flags=re.M))
        for temperature in ("cold", "warm") if name == "ours" else ("cold",):
            shutil.rmtree(folder / "site", ignore_errors=True)
            key = f"{name}, {temperature}"
            built[key] = build(folder, python, project.path, cache / f"{project.name}, {key}.log")
            sites[key] = {
                path.relative_to(folder / "site").as_posix(): path.read_text()
                for path in sorted((folder / "site").rglob("*.html"))
            }
            shutil.rmtree(kept := cache / "sites" / f"{project.name}, {key}", ignore_errors=True)
            if (folder / "site").exists():
                shutil.copytree(folder / "site", kept)
    stock, *others = sites.values()
    differences: dict[str, list[str]] = {}
    for temperature, site in zip(("cold", "warm"), others, strict=True):
        for page in sorted(stock.keys() | site.keys()):
            if lines := difference(stock.get(page, ""), site.get(page, "")):
                differences[f"{page}, {temperature}"] = lines
    cells = [project.name, str(len(stock)), str(len(stock) - len({each.split(", ")[0] for each in differences}))]
    cells += [f"{seconds:.1f} s" for seconds, _ in built.values()]
    cells += [f"{memory:.0f} MiB" for _, memory in built.values()]
    return f"| {' | '.join(cells)} |", differences


def difference(stock: str, ours: str) -> list[str]:
    """Return the lines that differ between a page of markdown-exec and ours, apart from what is random."""
    texts = [re.sub(r"(<(?!/))", r"\n\1", without_random(text)).split("\n") for text in (stock, ours)]
    lines = itertools.islice(difflib.unified_diff(*texts, n=0, lineterm=""), 2, None)
    return [line[:300] for line in lines if not line.startswith("@@")]


def without_random(html: str) -> str:
    """Return the HTML of a page with what is random replaced by the order in which it occurs."""
    for pattern in RANDOM:
        seen: dict[str, str] = {}
        html = re.sub(pattern, lambda found, seen=seen: seen.setdefault(found[0], f"random-{len(seen)}"), html)
    return html


def build(folder: Path, python: Path, path: str, log: Path) -> tuple[float, float]:
    """Build a site; return the time in seconds, and the peak memory of its processes in MiB."""
    variables = os.environ | {
        "PYTHONPATH": str(folder / path),
        "PYTHONHASHSEED": "0",
        "NO_MKDOCS_2_WARNING": "1",
        "OMP_NUM_THREADS": "1",
    }
    variables |= {"DISABLE_MKDOCS_2_WARNING": "true"}
    paths = (str(python.parent), str(Path(sys.executable).parent), variables["PATH"])
    variables |= {"PATH": os.pathsep.join(paths)}
    start, peak = time.perf_counter(), 0.0
    with log.open("w") as file:
        process = subprocess.Popen(
            [python.with_name("mkdocs"), "build"], cwd=folder, stdout=file, stderr=file, env=variables
        )
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.2)
    if process.returncode:
        sys.exit(f"{log.read_text()[-3000:]}\nThe build ended with status {process.returncode}; all of it is in {log}.")
    return time.perf_counter() - start, peak / 1024


def memory_of(root: int) -> float:
    """Return the memory of a process and its descendants in KiB; shared pages are counted once."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    family = [root]
    for each in family:
        family += [child for child, parent in parents.items() if parent == each]
    total = 0.0
    for each in family:
        try:
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        total += float(re.findall(r"^Pss:\s+(\d+)", text, re.M)[0])
    return total


if __name__ == "__main__":
    sys.exit(main())
