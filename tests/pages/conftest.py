"""Whole small sites, built by the real mkdocs, or another real builder, each in a process of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

SITES = Path(__file__).parent.parent / "sites"
MKDOCS = str(Path(sys.executable).with_name("mkdocs"))
PLAIN = """\
site_name: A site
markdown_extensions: [admonition, attr_list, pymdownx.superfences]
plugins: [markdown-exec, einsum-doc]
"""
SHOWING = "values: true, figures: true, bars: true, stderr: true"
"""The options that add to a page what is not added by default."""
SHOWN = PLAIN.replace("einsum-doc]", f"{{einsum-doc: {{{SHOWING}}}}}]")
EXTENSION = "{einsum_doc.pages.extension: {cache: !!python/name:einsum_doc.pages.extension.never }}"
"""What the list of Markdown extensions must begin with, for Zensical to run blocks."""
BUILDERS = {
    "mkdocs": ["mkdocs", "build"],
    # The theme of the small sites, which come without one, is a package of its own for ProperDocs.
    "properdocs": ["properdocs", "build", "--theme", "material", "-f", "mkdocs.yml"],
    "zensical": ["zensical", "build"],
}


@dataclass(frozen=True)
class Built:
    """What a person has after `mkdocs build`."""

    status: int
    console: str
    site: Path

    def page(self, name: str = "index") -> str:
        """The HTML of a page."""
        path = self.site / ("index.html" if name == "index" else f"{name}/index.html")
        return path.read_text("utf-8")

    @property
    def pages(self) -> list[str]:
        """The pages that were written."""
        return sorted(str(path.relative_to(self.site)) for path in self.site.rglob("*.html"))


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Of a terminal that is none: no colours, no width, Material's banner silenced, and pytest without Hypothesis."""
    silent = {"NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "", "PYTEST_ADDOPTS": "-p no:hypothesispytest"}
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")} | silent


# The loop of a process that has loaded what these programs load, which takes as long as a small site.
_FORKING = """
import json, os, signal, sys
import jinja2, material, mkdocs.__main__, mkdocs.commands.build
import einsum_doc.cli, einsum_doc.pages.fronts.mkdocs
programs = {"mkdocs": mkdocs.__main__.cli, "einsum-doc": einsum_doc.cli.main}
sys.path.insert(0, os.path.dirname(sys.executable))
for line in sys.stdin:
    program, arguments, folder, variables, consoles = json.loads(line)
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    signal.alarm(300)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for standard, console in enumerate(consoles, 1):
        os.dup2(os.open(console, os.O_WRONLY | os.O_CREAT | os.O_APPEND), standard)
    os.chdir(folder)
    os.environ.update(variables)
    sys.argv = [program, *arguments]
    sys.exit(programs[program]())
"""


class Forking:
    """A process of which each run of `mkdocs` or `einsum-doc` is a fork, one after another."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.consoles = [folder / "output", folder / "errors"]
        command, pipe = [sys.executable, "-P", "-c", _FORKING], subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, encoding="utf-8")

    def run(self, request: tuple[str, Sequence[str], Path, Mapping[str, str]], *, merged: bool) -> tuple[int, str, str]:
        """Run a program; return its exit status, its output, and its errors, which may be merged into the output."""
        assert self.process.stdin
        assert self.process.stdout
        output, errors = self.consoles
        for console in self.consoles:
            console.write_bytes(b"")
        consoles = [output, output if merged else errors]
        self.process.stdin.write(json.dumps([*request, consoles], default=str) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()), output.read_text("utf-8"), errors.read_text("utf-8")


@pytest.fixture(scope="session")
def forking(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Forking]:
    """The process of which runs are forks."""
    forking = Forking(environment, tmp_path_factory.mktemp("forking"))
    with forking.process:
        yield forking


@dataclass(frozen=True)
class Project:
    """A folder with a site, and the environment in which programs run there."""

    folder: Path
    environment: Mapping[str, str]
    forking: Forking

    def write(self, pages: Mapping[str, str], config: str = SHOWN, files: Mapping[str, str] | None = None) -> Project:
        """Write pages, named without their ending, the configuration, and files beside them."""
        texts = {f"docs/{name}.md": text for name, text in pages.items()} | {"mkdocs.yml": config} | (files or {})
        for name, text in texts.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8"))
        return self

    def copy(self, site: str) -> Project:
        """Copy a site of tests/sites/."""
        shutil.copytree(SITES / site, self.folder, dirs_exist_ok=True)
        return self

    def build(self, *options: str, builder: str = "mkdocs", **variables: str) -> Built:
        """Build the site by one of `BUILDERS`, with its console in a pipe or a file."""
        ended = self._run(*BUILDERS[builder], *options, variables=variables, merged=True)
        return Built(ended.returncode, ended.stdout, self.folder / "site")

    def build_on_a_terminal(self, *options: str, **variables: str) -> str:
        """Return what the build writes to a terminal of 40 columns."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 40, 0, 0))
        command, environment = [MKDOCS, "build", *options], {**self.environment, **variables}
        process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=theirs, stderr=theirs)
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux's way to say that nobody is at the other end any more
                break
            if not part:
                break
            seen += part
        process.wait(10)
        os.close(ours)
        return seen.decode()

    def run(self, program: str, *options: str, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment: a script, or Python itself."""
        return self._run(program, *options, typed=typed, variables=variables)

    def _run(
        self, program: str, *options: str, variables: Mapping[str, str], typed: str = "", merged: bool = False
    ) -> subprocess.CompletedProcess[str]:
        # Other variables may be read when a module is loaded.
        is_loaded = program in ("mkdocs", "einsum-doc") and all(name.startswith("EINSUM_DOC_") for name in variables)
        if is_loaded and not typed:
            told = self.forking.run((program, options, self.folder, variables), merged=merged)
            return subprocess.CompletedProcess(program, *told)
        return subprocess.run(
            [str(Path(sys.executable).with_name(program)), *options],
            cwd=self.folder,
            env={**self.environment, **variables},
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            encoding="utf-8",
            timeout=300,
            check=False,
        )


NewProject = Callable[..., Project]
Build = Callable[..., Built]


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], forking: Forking) -> NewProject:
    """A function that writes a project into a folder of its own: `new_project({"index": "# Title"}, config)`."""

    def new_project(pages: Mapping[str, str], config: str = SHOWN, files: Mapping[str, str] | None = None) -> Project:
        folder = tmp_path_factory.mktemp("site") / "project"
        return Project(folder, environment, forking).write(pages, config, files)

    return new_project


@pytest.fixture
def project(tmp_path: Path, environment: dict[str, str], forking: Forking) -> Project:
    """The project of a test, without anything in it."""
    return Project(tmp_path / "project", environment, forking)


@pytest.fixture
def build(project: Project) -> Build:
    """Build one of tests/sites/, or pages, in the project: `build("ok", "-q")`, `build({"index": "# Title"})`."""

    def build(
        site: str | Mapping[str, str],
        *options: str,
        config: str = SHOWN,
        files: Mapping[str, str] | None = None,
        **variables: str,
    ) -> Built:
        (project.copy(site) if isinstance(site, str) else project.write(site, config, files))
        return project.build(*options, **variables)

    return build


def block(code: str, header: str = 'python exec="on"') -> str:
    """A fence."""
    return f"```{header}\n{code}\n```\n\n"


def text_of(html: str) -> str:
    """The text that a reader sees of some HTML, without the mark-up."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))
