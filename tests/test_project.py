"""The project as a whole: its style, its map, and the commands that it tells people to run."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("tool", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=" ".join)
def test_the_tools_have_nothing_to_say(tool: tuple[str, ...]) -> None:
    ended = subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_map_is_true() -> None:
    rows = re.compile(r"^\| `([^`]+)`", re.M)
    places, commands = (ROOT / "docs/contributing.md").read_text().split("\n## Commands\n")
    named = set(rows.findall(places))
    assert named
    assert rows.findall(commands)
    missing = [
        script
        for command in re.findall(r"`python ([^`]+)`", commands)
        for script in [command.split()[0]]
        if script != "-m" and not (ROOT / script).exists()
    ]
    assert not missing
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "einsum_doc").glob("**/*.py")}
    in_a_named_folder = tuple(name for name in named if name.endswith("/"))
    unnamed = {
        module
        for module in modules - named
        if not module.startswith(in_a_named_folder) and not module.endswith("/__init__.py")
    }
    assert not unnamed


def test_the_workflows_are_ones_for_github(tmp_path: Path) -> None:
    page = (ROOT / "docs/adopt.md").read_text("utf-8")
    [workflow] = re.findall(r'```yaml title="\.github/workflows/docs\.yml"\n(.*?)```', page, re.S)
    (tmp_path / "docs.yml").write_text(workflow, "utf-8")
    (tmp_path / "wrong.yml").write_text(workflow.replace("runs-on:", "run-on:"), "utf-8")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    files = (tmp_path / "docs.yml", ROOT / ".github/workflows/publish.yml", tmp_path / "wrong.yml")
    assert [subprocess.run([*check, file], check=False).returncode for file in files] == [0, 0, 1]


def test_pytest_goes_into_every_folder_of_tests(pytestconfig: pytest.Config) -> None:
    """By itself, it would leave out folders called `build`."""
    left_out = pytestconfig.getini("norecursedirs")
    files = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")]
    folders = {folder for path in files if "sites" not in path.parts for folder in path.parent.parts}
    assert "build" in folders
    assert not [folder for folder in folders if any(fnmatch(folder, each) for each in left_out)]


def test_both_commands_go_through_the_constraints() -> None:
    commands = re.findall(r"^```sh\n(.*?)\n```$", (ROOT / "README.md").read_text(), re.M | re.S)
    assert len(commands) == 2
    for command in commands:
        assert "-c constraints.txt" in command
    assert all(re.search(r"-e \"\.\[\w+,torch\]\"", command) for command in commands)
    assert commands[1].endswith("pytest")


def test_torch_comes_with_its_extra_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert not [name for name in project["dependencies"] if name.startswith("torch")]
    assert {name for name, needed in extras.items() if any("torch" in each for each in needed)} == {
        "bench",
        "models",
        "torch",
    }


def test_what_pytest_leaves_out_is_run_by_ci() -> None:
    assert re.search(r"^\.venv/bin/pytest -m slow$", (ROOT / ".ci/run").read_text(), re.M)


def test_nothing_committed_names_another_host_for_packages() -> None:
    lock = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock


SERIES = [ROOT / "docs/index.md", *sorted((ROOT / "docs/posts").glob("*.md"))]
RELATION = re.compile(r"\S\s*(?:[=<>≠≈]|\\(?:n?eq|neq?|equiv|approx|sim|leq?|geq?|propto|to|in)\b)\s*\S")


def claims_inline(text: str) -> list[str]:
    """Return the formulas within lines of text, and in reasons, that say of two sides how they relate."""
    fences = r"^(`{3,}).*?^\1$"
    reasons = [each for fence in re.finditer(fences, text, re.M | re.S) for each in re.findall(r"\\text\{.*", fence[0])]
    words = re.sub(fences + r"|^\$\$.*?\$\$$|`[^`\n]*`", "", text, flags=re.M | re.S)
    found = re.findall(r"\\\((.*?)\\\)", words, re.S)
    found += re.findall(r"(?<![\\$])\$([^$\n]+)\$", "\n".join([words, *reasons]))
    of_two_indices = re.compile(r"[i-k]'*\s*(=|\\neq)\s*[i-k]'*")  # the condition of a case, as that of a delta
    claims = [each for each in found if RELATION.search(each) and not of_two_indices.fullmatch(each.strip())]
    return [each for each in claims if not holds_in_numbers(each)]


def holds_in_numbers(formula: str) -> bool:
    r"""Return whether a formula is an equality of whole numbers that holds, such as `4 \cdot 6 + 3 = 27`."""
    if not re.fullmatch(r"(?:[\d\s()+=-]|\\cdot|\^2)+", formula):
        return False
    sides = formula.replace(r"\cdot", "*").replace("^", "**").split("=")
    return len({eval(side) for side in sides}) == 1


def test_claims_are_found() -> None:
    text = "\\(2 \\cdot 3 + 1 = 7\\), \\(2 + 2 = 5\\). "
    text += "Where \\(i = i'\\), \\(a = b\\) and `\\(c = d\\)`, $e \\leq f$ too: \\(\\neq\\).\n"
    text += "\n$$\ng = h\n$$\n\n"
    text += "```derivation\nm &= n\n  \\text{As $o = p$.}\n```\n"
    assert claims_inline(text) == ["2 + 2 = 5", "a = b", r"e \leq f", "o = p"]


@pytest.mark.parametrize("post", SERIES, ids=lambda path: path.stem)
def test_a_post_claims_nothing_that_is_not_checked(post: Path) -> None:
    _, front, text = post.read_text("utf-8").split("---\n", 2)
    assert "\nchecked: display\n" in front
    assert claims_inline(text) == []
