"""What is kept from one build to the next, and what makes a page run again, and it alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from einsum_doc.pages.cache import installed
from einsum_doc.pages.cache.installed import _packages_of
from einsum_doc.pages.worker import recorder

from ..conftest import PLAIN, Built, NewProject, Project

FENCE = '```python exec="on"\n{}\n```\n'
PAGES = {
    "plain": 'import json\nassert json.loads("1") == 1',
    "imports": "import library\nassert library.one()",
    "through": "import outer\nassert outer.one()",
    "package": "import pack.inner\nassert pack.inner.one()",
    "reads": 'assert open("data/numbers.txt").read()',
    "missing": "import os\ntry:\n    open('data/later.txt')\nexcept FileNotFoundError:\n    pass",
    "asks": "import os\nassert os.path.exists('data/later.txt') in (True, False)",
    "sizes": "from pathlib import Path\nassert Path('data/numbers.txt').stat().st_size < 9",
    "environment": "import os\nassert os.environ.get('LOOKED_FOR', 'x')",
    "lists": "import os\nassert os.listdir('data')",
    "optional": "try:\n    import extra\nexcept ImportError:\n    extra = None\nassert True",
    "installed": "import yaml\nassert yaml",
    "writes": 'open("made.txt", "w").write("made")\nassert True',
    "warns": "import warnings\nwarnings.warn('look')\nassert True",
    "starts": "import subprocess\nsubprocess.run(['cat', 'data/numbers.txt'], check=True)\nassert True",
    "snippet": '--8<-- "data/code.py"',
    "session": 'x = 1\n```\n\nProse.\n\n```python exec="on"\nassert x == 1',
}
CONFIG = PLAIN.replace("pymdownx.superfences]", "pymdownx.superfences, pymdownx.snippets]")
ALL = set(PAGES)
Again = Callable[..., tuple[Built, dict[str, str]]]


@pytest.fixture(scope="session")
def warm(new_project: NewProject) -> Path:
    """A project that has been built once."""
    files = {
        "library.py": "def one():\n    return 1\n",
        "outer.py": "from library import one\n",
        "pack/inner.py": "def one():\n    return 1\n",
        "data/numbers.txt": "1 2 3\n",
        "data/code.py": "assert 1\n",
    }
    pages = {name: f"# {name}\n\nProse.\n\n{FENCE.format(code)}" for name, code in PAGES.items()}
    warm = new_project(pages, CONFIG, files)
    built = warm.build(EINSUM_DOC_EXPLAIN="1")
    assert built.status == 0, built.console
    assert set(reasons(built)) == ALL
    assert not any("from the cache" in reason for reason in reasons(built).values())
    # One page has written a file while or after another one ran that depends on all of them.
    settled = reasons(warm.build(EINSUM_DOC_EXPLAIN="1"))
    assert {page for page, reason in settled.items() if reason != "from the cache"} <= {"starts"}
    return warm.folder


@pytest.fixture
def again(warm: Path, project: Project) -> Again:
    """Build a copy of it again: what the build says, and for each page that ran, why."""
    shutil.copytree(warm, project.folder)

    def again(*options: str, **variables: str) -> tuple[Built, dict[str, str]]:
        built = project.build(*options, EINSUM_DOC_EXPLAIN="1", **variables)
        said = reasons(built)
        assert set(said) == ALL, built.console
        return built, {page: reason for page, reason in said.items() if reason != "from the cache"}

    return again


@pytest.fixture
def folder(again: Again, project: Project) -> Path:
    """The folder of the copy."""
    return project.folder


def reasons(built: Built) -> dict[str, str]:
    """For each page, what `EINSUM_DOC_EXPLAIN` says of it."""
    said = re.findall(r"einsum-doc: docs/(\w+)\.md: (?:ran: )?(?!\d)(.*)", built.console)
    return dict(said)


def test_nothing_runs_that_has_not_changed(folder: Path, again: Again) -> None:
    first = (folder / "site/warns/index.html").read_text()
    built, ran = again()
    assert ran == {}
    assert built.status == 0
    assert f"{len(ALL)} pages from the cache" in built.console
    assert "unchanged since" in built.page("warns")
    without_stamp = re.compile(r'<div class="stamp.*?</div>')
    assert without_stamp.sub("", built.page("warns")) == without_stamp.sub("", first)


def edit(name: str, text: str) -> Callable[[Path], None]:
    """Write a file of the project."""

    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        # As if it had been saved a while ago: nobody edits within the millisecond before a build.
        os.utime(folder / name, (1e9, 1e9))

    return write


def edit_page(page: str, before: str, after: str) -> Callable[[Path], None]:
    """Replace something in a page."""

    def replace(folder: Path) -> None:
        path = folder / f"docs/{page}.md"
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))

    return replace


Change = tuple[Callable[[Path], object], Mapping[str, str]]
CHANGES: Mapping[str, Mapping[str, Change]] = {
    "each page": {
        "prose": (edit_page("session", "Prose.", "Other prose,\n\nof more lines."), {}),
        "prose, above lines that were written out": (
            edit_page("warns", "Prose.", "Prose.\n\nMore."),
            {"warns": "its lines have moved, and what it wrote names them"},
        ),
        "the code of a block": (edit_page("plain", "== 1", "== True"), {"plain": "block 1 has changed"}),
        "a module": (
            edit("library.py", "def one():\n    return 2\n"),
            {"imports": "library.py has changed", "through": "library.py has changed"},
        ),
        "a module of a package": (
            edit("pack/inner.py", "def one():\n    return 2\n"),
            {"package": "pack/inner.py has changed"},
        ),
        "a module that was not there": (edit("extra.py", ""), {"optional": "the project has other modules: extra"}),
        "a file": (
            edit("data/numbers.txt", "1 2\n"),
            {"reads": "data/numbers.txt has changed", "sizes": "data/numbers.txt has changed"},
        ),
        "a file that was not there": (
            edit("data/later.txt", ""),
            {
                "missing": "data/later.txt is there now",
                "asks": "data/later.txt is there now",
                "lists": "data/later.txt is there now, in a folder that it listed",
            },
        ),
        "a snippet": (edit("data/code.py", "assert 2\n"), {"snippet": "block 1 has changed"}),
    },
    "some pages": {
        "a block before another": (edit_page("session", "x = 1\n", "x = 1.0\n"), {"session": "block 1 has changed"}),
        "a block more": (
            edit_page("plain", "# plain", '# plain\n\n```python exec="on"\nx = 1\n```'),
            {"plain": "block 1 has changed"},
        ),
        "an option": (edit_page("asks", 'exec="on"', 'exec="on" session="s"'), {"asks": "block 1 has changed"}),
        "a folder that becomes a package": (edit("pack/__init__.py", ""), {"package": "pack/__init__.py is there now"}),
        "a package in a module's place": (
            edit("library/__init__.py", "def one():\n    return 2\n"),
            {"imports": "library/__init__.py is there now", "through": "library/__init__.py is there now"},
        ),
        "a module in an installed one's place": (
            edit("yaml.py", ""),
            {"installed": "the project has other modules: yaml"},
        ),
        "a file, and not its size": (edit("data/numbers.txt", "1 2 4\n"), {"reads": "data/numbers.txt has changed"}),
        "a file that a page wrote": (lambda folder: (folder / "made.txt").unlink(), {"writes": "made.txt is gone"}),
    },
    "no page": {
        "a page's dates alone": (lambda folder: os.utime(folder / "docs/plain.md"), {}),
        "a module's dates alone": (lambda folder: os.utime(folder / "library.py"), {}),
    },
}
"""Changes with the pages that run again, each for one reason; of those that are made at once, no two have a page."""


@pytest.mark.parametrize("at_once", CHANGES)
def test_what_depends_on_it_runs_again(at_once: str, folder: Path, again: Again) -> None:
    expected: dict[str, str] = {}
    for change, reasons_again in CHANGES[at_once].values():
        change(folder)
        expected |= reasons_again
    built, ran = again()
    assert built.status == 0, built.console
    if expected:
        # What a process reads cannot be heard: such a page depends on every file of the project.
        assert ran.pop("starts").startswith("it starts processes")
    assert ran == expected


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("device: cpu", "device has changed"),
        ("timeout: 50", "timeout has changed"),
        ("memory: 5", "memory has changed"),
    ],
)
def test_options_that_a_result_depends_on(option: str, reason: str, folder: Path, again: Again) -> None:
    config = (folder / "mkdocs.yml").read_text()
    (folder / "mkdocs.yml").write_text(config.replace("einsum-doc]", f"einsum-doc: {{{option}}}]"))
    _, ran = again()
    assert set(ran.values()) == {reason}
    assert set(ran) == ALL


def test_options_that_no_result_depends_on(folder: Path, again: Again) -> None:
    config = (folder / "mkdocs.yml").read_text()
    (folder / "mkdocs.yml").write_text(config.replace("einsum-doc]", "einsum-doc: {jobs: 1, cache_size: 9}]"))
    assert set(again()[1]) == {"starts"}


def test_variables_of_the_environment(again: Again) -> None:
    assert again(LOOKED_FOR="1")[1] == {
        "environment": "the variable LOOKED_FOR has changed",
        "starts": "it starts processes, and their environment has changed",
    }
    assert set(again(LOOKED_FOR="1", PYTHONHASHSEED="1")[1].values()) == {"a variable of Python's has changed"}


def test_versions(folder: Path, again: Again) -> None:
    for entry in entries(folder):
        _, text = entry.read_text().split("\n", 1)
        changes = (
            (sys.version.split()[0], "3.0.0"),
            ('"pyyaml": "', '"pyyaml": "0.'),
        )
        for before, after in changes:
            if before == sys.version.split()[0] and '"page": "docs/plain.md"' not in text:
                continue
            text = text.replace(before, after)
        if '"page": "docs/optional.md"' in text:
            text = text.replace('"installed": [', '"installed": ["extra", ').replace('", ]', '"]')
        sign(entry, text)
    _, ran = again()
    assert ran.keys() == {"plain", "installed", "optional"}
    assert ran["optional"] == "extra is installed no more"
    assert ran["plain"] == "the version of Python has changed"
    assert re.fullmatch(r"pyyaml is [\d.]+, and was 0\.[\d.]+", ran["installed"])


def entries(folder: Path) -> list[Path]:
    """The files of the cache."""
    found = sorted((folder / ".cache/einsum-doc").glob("*.json"))
    assert found
    return found


def sign(entry: Path, text: str) -> None:
    """Write an entry as the cache would have done."""
    from einsum_doc.pages.cache.snapshot import digest_of

    entry.write_text(f"{digest_of(text.removesuffix(chr(10)))}\n{text}")


DAMAGES: Mapping[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:300]),
    "emptied": lambda path: path.write_bytes(b""),
    "edited": lambda path: path.write_text(path.read_text().replace('"held"', '"skipped"', 1)),
    "not text": lambda path: path.write_bytes(b"\xff" * 300),
}


def test_a_damaged_entry_is_ignored_with_a_word(folder: Path, again: Again) -> None:
    pages = dict(zip(DAMAGES, ("plain", "imports", "reads", "asks"), strict=True))
    damaged = []
    for name, page in pages.items():
        damaged += [path for path in entries(folder) if f'"page": "docs/{page}.md"'.encode() in path.read_bytes()]
        DAMAGES[name](damaged[-1])
    built, ran = again("--strict")
    assert built.status == 0
    assert sorted(ran) == sorted(pages.values())
    assert len(damaged) == len(DAMAGES)
    assert all(f"{entry.name} in the cache is damaged, and ignored" in built.console for entry in damaged)
    assert "is damaged" not in again()[0].console


def test_an_entry_of_another_version_is_ignored(folder: Path, again: Again) -> None:
    for entry in entries(folder):
        sign(entry, entry.read_text().split("\n", 1)[1].replace('"format": 2', '"format": 1'))
    names = [entry.name for entry in entries(folder)]
    built, ran = again()
    assert set(ran) == ALL
    assert all(f"{name} in the cache is of another version, and ignored" in built.console for name in names)


def test_it_may_be_deleted(folder: Path, again: Again) -> None:
    shutil.rmtree(folder / ".cache")
    assert set(again()[1]) == ALL
    assert again()[1].keys() <= {"starts"}  # it depends on all files, of which another page may just have written one


def test_without_a_place_to_write_everything_runs(folder: Path, again: Again) -> None:
    shutil.rmtree(folder / ".cache")
    (folder / ".cache").write_text("not a folder")
    built, ran = again("--strict")
    assert built.status == 0
    assert set(ran) == ALL
    assert built.console.count("the cache cannot be written (Not a directory)") == 1


def test_without_the_cache_everything_runs(folder: Path, again: Again) -> None:
    before = [path.stat().st_mtime_ns for path in entries(folder)]
    assert set(again(EINSUM_DOC_NO_CACHE="1")[1]) == ALL
    assert [path.stat().st_mtime_ns for path in entries(folder)] == before


def test_its_size_is_limited(folder: Path, again: Again) -> None:
    oldest = entries(folder)[3]
    os.utime(oldest, (1, 1))
    config = (folder / "mkdocs.yml").read_text()
    (folder / "mkdocs.yml").write_text(config.replace("einsum-doc]", "einsum-doc: {cache_size: 0.02}]"))
    edit_page("plain", "== 1", "== True")(folder)
    again()
    assert sum(path.stat().st_size for path in entries(folder)) <= 0.02 * 2**20


def test_a_branch_and_back_runs_nothing(folder: Path, again: Again) -> None:
    one, two = (folder / "library.py").read_text(), "def one():\n    return 2\n"
    edit("library.py", two)(folder)
    assert {"imports", "through"} <= set(again()[1])
    edit("library.py", one)(folder)
    assert set(again()[1]) == set()
    edit("library.py", two)(folder)
    assert set(again()[1]) == set()


def test_failures_are_never_kept(folder: Path, again: Again) -> None:
    edit("library.py", "def one():\n    return 0\n")(folder)
    for _ in range(2):
        built, ran = again()
        assert built.status == 1
        assert set(ran) - {"starts"} == {"imports", "through"}
        assert "docs/imports.md:7: AssertionError" in built.console


def test_what_is_expected_is_held_against_kept_results(folder: Path, again: Again) -> None:
    page = folder / "docs/reads.md"
    page.write_text(page.read_text() + "\n```expected\nnothing of the kind\n```\n")
    built, ran = again()
    assert built.status == 1
    assert "reads" not in ran
    assert "docs/reads.md:9: OutputError" in built.console


def test_a_file_that_was_edited_while_its_page_ran_is_no_evidence(folder: Path, again: Again) -> None:
    touching = "import os\nassert open('data/numbers.txt').read()\nos.utime('data/numbers.txt')"
    page = f"# Edited\n\n{FENCE.format(touching)}"
    (folder / "docs/imports.md").write_text(page)
    (folder / "docs/reads.md").write_text(f"{page}\n```python exce='on'\n```\n")
    built, _ = again()
    assert "FenceError: unknown option 'exce'" in built.console
    assert "results of docs/reads.md" not in built.console  # it fails: that they are not kept is no news
    assert "the results of docs/imports.md are not kept: data/numbers.txt was changed while it ran" in built.console
    assert "imports" in again()[1]


def test_the_library_is_a_dependency_though_the_builder_is_made_of_it() -> None:
    """What the fork server has loaded is looked at once, but for what each page imports anew."""
    code = (
        "import json, sys\n"
        "from einsum_doc.pages.worker import recorder\n"
        "recorder.add_loaded_modules()\n"
        "import einsum_doc.equation, yaml\n"
        "found = recorder.Recorder('.').dependencies()\n"
        "print(any(file.endswith('einsum_doc/equation.py') for file in found.files), 'yaml' in found.packages)\n"
    )
    root = Path(__file__).parents[3]
    told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert told.stdout == "True True\n"


def test_what_runs_pages_is_not_loaded_where_none_has_to_run(project: Project) -> None:
    project.write({"index": "# One\n\n" + FENCE.format("assert 1")})
    code = (
        "import sys\nfrom mkdocs.__main__ import cli\ncli(['build', '-q'], standalone_mode=False)\n"
        "print(*(name.removeprefix('einsum_doc.') for name in sys.modules if name.startswith('einsum_doc')))"
    )
    loaded = []
    for _ in range(2):
        loaded.append(set(project.run("python", "-c", code).stdout.split()))
    runs = {f"pages.engine.{name}" for name in ("pool", "session", "connection", "executor")}
    assert "pages.cache.cache" in loaded[1]
    assert runs <= loaded[0]
    assert not loaded[1] & {*runs, "pages.worker.worker", "pages.build.download", "notation.reading.parse", "compute"}


def test_what_is_built_is_none_of_what_a_page_lists(project: Project) -> None:
    config = PLAIN.replace("einsum-doc]", "einsum-doc: {device: cpu, explain: true}]")
    project.write({"index": "# Lists\n\n" + FENCE.format("import os\nassert os.listdir()")}, config).build()
    assert reasons(project.build("-q")) == {"index": "from the cache"}
    (project.folder / "new.txt").touch()
    assert reasons(project.build()) == {"index": "new.txt is there now, in a folder that it listed"}


def test_what_the_processes_of_a_page_may_read_can_be_named(project: Project) -> None:
    def ran(processes: str = "{sta*.md: [data, lib*.py]}") -> str:
        config = PLAIN.replace("einsum-doc]", f"einsum-doc: {{device: cpu, processes: {processes}}}]")
        edit("mkdocs.yml", config)(project.folder)
        built = project.build(EINSUM_DOC_EXPLAIN="1")
        return reasons(built).get("starts", built.console)

    project.write({"starts": f"# T\n\n{FENCE.format(PAGES['starts'])}"})
    for name in ("data/numbers.txt", "other.txt", "library.py"):
        edit(name, "1")(project.folder)
    assert ran() == "no result of it is kept"
    edit("other.txt", "2")(project.folder)
    assert ran() == "from the cache"
    for name in ("data/numbers.txt", "library.py"):
        edit(name, "2")(project.folder)
        assert ran() == "it starts processes, and a file that they may read has changed"
    assert ran("{starts.md: [data]}") == "what its processes may read has changed"
    assert ran("{}") == "what its processes may read has changed"
    assert ran("{starts.md: [./data/, data/../library.py]}") == "what its processes may read has changed"
    edit("library.py", "3")(project.folder)
    changed = "it starts processes, and a file that they may read has changed"
    assert ran("{starts.md: [./data/, data/../library.py]}") == changed
    assert ran("{starts.md: [.]}") == "what its processes may read has changed"
    edit("other.txt", "3")(project.folder)
    assert ran("{starts.md: [.]}") == "it starts processes, and a file of the project has changed"
    assert "einsum-doc: processes: there is no page stars.md" in ran("{stars.md: [data]}")
    assert "einsum-doc: processes: there is no file date in the project" in ran("{starts.md: [date]}")
    assert "einsum-doc: processes: there is no file .cache in the project" in ran("{starts.md: [.cache]}")


def test_a_page_can_be_checked_alone_though_others_start_processes(project: Project) -> None:
    config = PLAIN.replace("einsum-doc]", "einsum-doc: {processes: {starts.md: [data]}}]")
    pages = {"index": f"# T\n\n{FENCE.format('assert True')}", "starts": f"# S\n\n{FENCE.format(PAGES['starts'])}"}
    told = project.write(pages, config, {"data/numbers.txt": "1"}).run("einsum-doc", "check", "docs/index.md")
    assert told.stdout == "1 page, 1 block, 1 assertion held\n"


def test_a_distribution_that_does_not_say_what_it_has_installed(tmp_path: Path) -> None:
    (tmp_path / "top_level.txt").write_text("")
    (tmp_path / "RECORD").write_text("odd/__init__.py,sha256=x,1\n_odd.cpython-311.so,,\n../../bin/odd,,\n")
    assert {"odd", "_odd"} <= _packages_of(tmp_path)
    (tmp_path / "top_level.txt").write_text("other\n")
    assert _packages_of(tmp_path) == {"other"}


def test_a_distribution_that_a_page_installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "PACKAGES", {str(tmp_path)})
    (tmp_path / "One_A-1.0.dist-info").mkdir()
    here = installed.Installed()
    assert here.owners(["one_a"]) == {"one_a": "1.0"}
    (tmp_path / "Other-2.0.dist-info").mkdir()
    (tmp_path / "Other-2.0.dist-info/top_level.txt").write_text("thing\n")
    # Its version is learnt by the next build, which therefore runs the page again.
    assert here.owners(["one_a.py", "thing"]) == {"one_a": "1.0", "other": ""}
    assert installed.Installed().owners(["thing"]) == {"other": "2.0"}


def test_a_link_among_packages_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib/site-packages/own").mkdir(parents=True)
    (tmp_path / "source").mkdir()
    (tmp_path / "lib/site-packages/linked").symlink_to(tmp_path / "source")
    monkeypatch.setattr(recorder, "_STANDARD", {str(tmp_path / "lib")})
    monkeypatch.setattr(recorder, "PACKAGES", {str(tmp_path / "lib/site-packages")})
    modules = {name: ModuleType(name) for name in ("linked", "own", "standard")}
    for name, folder in (("linked", "site-packages/linked/"), ("own", "site-packages/own/"), ("standard", "")):
        modules[name].__file__ = str(tmp_path / f"lib/{folder}x.py")
    loaded = recorder._Loaded()
    loaded.add(modules)
    assert loaded.packages == {"own"}
    assert str(tmp_path / "source/x.py") in loaded.files
    assert not any("standard" in file or "own" in file for file in loaded.files)


def test_a_module_that_is_none_does_not_end_the_fork_server(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        def __getattr__(self, name: str) -> object:
            raise ImportError(name)

    monkeypatch.setattr(recorder, "_before", recorder._Loaded())
    monkeypatch.setitem(sys.modules, "odd", Odd())  # type: ignore[arg-type]
    recorder.add_loaded_modules()
    assert "odd" not in recorder._before.modules
    assert "pytest" in recorder._before.packages


def test_two_builds_at_once(project: Project) -> None:
    pages = {f"p{n}": f"# T\n\n{FENCE.format(f'print({n} * 1000)')}" for n in range(6)}
    project.write(pages, PLAIN.replace("einsum-doc]", "einsum-doc: {device: cpu, junit: r.xml, json: r.json}]"))
    folders = [str(project.folder.parent / f"site{n}") for n in range(2)]  # MkDocs empties its own at the start
    with ThreadPoolExecutor() as both:
        for ended in both.map(lambda folder: project.run("python", "-m", "mkdocs", "build", "-d", folder), folders):
            assert ended.returncode == 0, ended.stderr
    told = {page["page"] for page in json.loads((project.folder / "r.json").read_text())["pages"]}
    assert {f"docs/{name}.md" for name in pages} <= told
    assert (project.folder / "r.xml").read_text().count("<testcase") == len(pages)
    assert {path.suffix for path in (project.folder / ".cache/einsum-doc").iterdir()} == {".json"}
    built = project.build("--strict", EINSUM_DOC_EXPLAIN="1")
    assert set(reasons(built).values()) == {"from the cache"}
    assert "damaged" not in built.console


def test_a_process_that_writes_the_same_each_time(project: Project) -> None:
    """Nobody sees who has changed a file while a page ran: its next run must begin and end with the same files."""
    project.write({"index": "# T\n\n" + FENCE.replace("python", "sh").format("echo {} > made.txt\ncat made.txt")})
    page, changed = project.folder / "docs/index.md", "made.txt was changed while it ran"
    page.write_text(page.read_text().replace("{}", "1"))

    def ran() -> tuple[str, bool]:
        built = project.build(EINSUM_DOC_EXPLAIN="1")
        return reasons(built)["index"], f"the results of docs/index.md are not kept: {changed}" in built.console

    assert ran() == ("no result of it is kept", True)
    assert ran() == (f"{changed} last", False)
    assert ran() == ("from the cache", False)
    edit("made.txt", "2\n")(project.folder)
    assert ran() == ("it starts processes, and a file of the project has changed", True)
    page.write_text(page.read_text().replace("echo 1 >", "date +%N >"))
    assert ran() == ("block 1 has changed", True)
    assert ran() == (f"{changed} last", True)
    assert ran() == (f"{changed} last", True)
