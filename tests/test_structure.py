"""The tree as docs/contributing.md draws it: imports run downwards, and nothing grows beyond its room."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in ROOT.glob("einsum_doc/**/*.py")}
FOLDERS = sorted({name.rpartition("/")[0] for name in SOURCES})


@cache
def tree_of(name: str) -> ast.Module:
    """Return the syntax tree of a file: only the worker that runs these tests needs them."""
    return ast.parse(SOURCES[name])


def rooms() -> list[str]:
    """Return the files and folders of the map, from the top down: each may import only what stands above it."""
    text = (ROOT / "docs/contributing.md").read_text("utf-8").split("\n## Commands\n")[0]
    return [name for name in re.findall(r"^\| `([^`]+)`", text, re.M) if name.startswith("einsum_doc/")]


ROOMS = rooms()


def room_of(name: str) -> int:
    """Return the position in the map of the row that a file belongs to: its own, or that of its folder."""
    found = [
        position for position, room in enumerate(ROOMS) if name == room or (name.startswith(room) and room[-1] == "/")
    ]
    assert found, f"{name} is in no row of the map"
    return max(found, key=lambda position: len(ROOMS[position]))


@cache
def imports_of(name: str) -> set[str]:
    """Return the files of the project that a file imports, for type checking too."""
    return {*_imported(name)} - {name}


def _imported(name: str) -> Iterator[str]:
    for node in ast.walk(tree_of(name)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for each in names:
            parts = each.split(".")
            while parts and parts[0] == "einsum_doc":
                path = "/".join(parts)
                file = next((file for file in (f"{path}.py", f"{path}/__init__.py") if file in SOURCES), None)
                if file:
                    yield file
                    break
                parts.pop()


def test_every_room_is_there() -> None:
    assert ROOMS
    assert not [room for room in ROOMS if not (ROOT / room).exists()]


@pytest.mark.parametrize("name", SOURCES)
def test_imports_run_downwards(name: str) -> None:
    if name.endswith("/__init__.py") and name != "einsum_doc/__init__.py":
        assert not imports_of(name)
        return
    here = room_of(name)
    assert not [other for other in imports_of(name) if not other.endswith("/__init__.py") and room_of(other) > here]


def test_no_circle() -> None:
    left = {name: imports_of(name) for name in SOURCES}
    while free := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in free}
    assert not sorted(left)


def test_only_the_languages_import_the_library() -> None:
    builder = [name for name in SOURCES if name.startswith("einsum_doc/pages/")]
    others = [name for name in builder if not name.startswith("einsum_doc/pages/languages/")]
    outside = {name: [each for each in imports_of(name) if not each.startswith("einsum_doc/pages/")] for name in others}
    assert not {name: each for name, each in outside.items() if each}


def test_only_the_fronts_import_mkdocs() -> None:
    pattern = re.compile(r"^\s*(?:from|import) mkdocs\b", re.M)
    assert {name.rpartition("/")[0] for name, text in SOURCES.items() if pattern.search(text)} == {
        "einsum_doc/pages/fronts"
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_has_one_promise_and_at_most_a_dozen_files(folder: str) -> None:
    promise = ast.get_docstring(tree_of(f"{folder}/__init__.py")) or ""
    assert promise.split("\n")[0].endswith(".")
    files = [name for name in SOURCES if name.rpartition("/")[0] == folder and not name.endswith("/__init__.py")]
    assert len(files) <= 12


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_is_too_long_to_be_read(name: str) -> None:
    assert len(SOURCES[name].splitlines()) <= 450
    for node in ast.walk(tree_of(name)):
        lines = (getattr(node, "end_lineno", None) or 0) - getattr(node, "lineno", 0) + 1
        if isinstance(node, ast.ClassDef):
            assert lines <= 300, node.name
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert lines <= 60, node.name


def test_one_word_for_one_thing() -> None:
    homes = defaultdict(list)
    for name in SOURCES:
        for node in tree_of(name).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name.lstrip("_")].append(name)
    assert not {name: files for name, files in homes.items() if len(files) > 1}


# How a docstring begins that is no sentence with a verb: it names a thing, or asks.
NO_VERB = re.compile(
    r"(?:A|All|An|Another|Are|As|By|Each|Every|Everything|For|Have|Here|How|If|In|Is|Its|No|Nothing|Of|On|One|Some|The|"
    r"Those|To|Two|What|Whatever|When|Where|Whether|Which|Who|Why)\b|[`'\w.]+,"
)


@pytest.mark.parametrize("name", SOURCES)
def test_the_docstring_of_a_function_begins_with_a_verb(name: str) -> None:
    functions = [node for node in ast.walk(tree_of(name)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    texts = {
        f"{name}:{function.lineno}": ast.get_docstring(function) or ""
        for function in functions
        if not any("property" in ast.unparse(decorator) for decorator in function.decorator_list)
    }
    assert not {place: text.split("\n")[0] for place, text in texts.items() if NO_VERB.match(text)}
