"""`pytest docs/`: blocks as tests, with their files and lines."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Callable

import pytest

from ..conftest import PLAIN, Project, block

PAGES = {
    "index": '# Welcome\n\n```python exec="on" title="one"\nassert 1 == 1\n```\n',
    "posts/wrong": '# Wrong\n\n```python exec="on"\nx = 1\nprint("before")\n```\n\n'
    '```python exec="on" title="two"\nassert x == 2\n```\n\n```python exec="on"\nnever = 1\n```\n',
    "faulty": '# Faulty\n\n```python exec="on"\nassert 1\n```\n\n```python exec="on" sauce="above"\n```\n',
    "prose": "# Prose\n",
}
OURS = """\
import sys

def test_the_plugin_loads_nothing():
    ours = {name for name in sys.modules if name.split(".")[0] in ("einsum_doc", "mkdocs", "markdown", "torch")}
    assert ours == {"einsum_doc", "einsum_doc.pages", "einsum_doc.pages.fronts", "einsum_doc.pages.fronts.pytest"}
"""
Told = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def told(project: Project) -> Told:
    """What pytest says of a small project."""
    false = '```python exec="on"\nassert False\n```\n'
    files = {
        "README.md": false,  # none of these is a page of the site
        "tests/cases.md": false,
        "tests/test_ours.py": OURS,
        "pytest.ini": "[pytest]\nfilterwarnings = error\n",
    }
    run = project.write(PAGES, files=files).run
    return functools.partial(run, "python", "-m", "pytest", "-p", "no:cacheprovider", "-rA", "--color=no")


def outcomes(ran: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the outcome of each item."""
    found = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) (.*?)(?: - .*)?$", ran.stdout, re.M)
    return {name: outcome for outcome, name in found}


OUTCOMES = {
    "docs/index.md::1: one": "PASSED",
    "docs/posts/wrong.md::1: python": "PASSED",
    "docs/posts/wrong.md::2: two": "FAILED",
    "docs/posts/wrong.md::3: python": "FAILED",
    "docs/faulty.md::1: python": "PASSED",
    "docs/faulty.md::line 7": "FAILED",
}


def test_each_block_is_a_test(told: Told) -> None:
    ran = told("docs")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert outcomes(ran) == OUTCOMES
    assert "docs/posts/wrong.md:12: WorkerError: the block was not run: block 2 failed at docs/posts/wr" in ran.stdout
    assert "docs/posts/wrong.md:9: AssertionError: x == 2\n  left 1, right 2\n" in ran.stdout
    assert "docs/faulty.md:7: FenceError: unknown option 'sauce'\n  did you mean 'source'?" in ran.stdout
    assert "README" not in ran.stdout


def test_they_are_selected_by_page_and_title(told: Told) -> None:
    names = ["docs/index.md::1: one", "docs/posts/wrong.md::1: python", "docs/posts/wrong.md::3: python"]
    assert outcomes(told("docs/index.md", *names[1:])) == {name: OUTCOMES[name] for name in names}
    ran = told("docs/posts/..", "-k", "one or posts and 1")
    assert outcomes(ran) == dict.fromkeys(names[:2], "PASSED")
    assert "2 passed, 4 deselected" in ran.stdout


def test_pytest_ini_asks_for_them_and_nothing_runs_to_collect_them(told: Told, project: Project) -> None:
    project.write({"index": '```python exec="on"\nopen("made", "w")\n```\n'})
    asked = re.findall(r"^.*\.md::.*", told("-o", "einsum_doc=true", "--collect-only", "-q").stdout, re.M)
    assert sorted(asked) == sorted({*OUTCOMES, "docs/index.md::1: python"} - {"docs/index.md::1: one"})
    assert not (project.folder / "made").exists()


def test_workers_of_xdist_run_them_a_page_each(told: Told, project: Project) -> None:
    # Two blocks of a page at a time would make one folder twice.
    made = '```python exec="on"\nimport os, time\nos.mkdir("busy")\ntime.sleep(0.5)\nos.rmdir("busy")\n```\n\n'
    project.write({"alone": made + '```python exec="on"\nassert 1\n```\n' * 3})
    project.write({}, files={"pytest.ini": "[pytest]\naddopts = -n 2\nfilterwarnings = error\n"})
    ran = told("docs")
    assert ran.returncode == 1
    assert outcomes(ran) == OUTCOMES | {f"docs/alone.md::{number}: python": "PASSED" for number in range(1, 5)}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["loadfile", "loadscope", "loadgroup", "worksteal", "each"])
def test_every_distribution_of_xdist_runs_them(told: Told, project: Project, mode: str) -> None:
    project.write({"counted": block("open('runs', 'a').write('x')\nassert False") + block("assert True") * 9})
    ran = told("docs", "-n", "2", "--dist", mode)
    assert ran.returncode == 1
    assert outcomes(ran) == OUTCOMES | {f"docs/counted.md::{number}: python": "FAILED" for number in range(1, 11)}
    if mode == "loadfile":  # which keeps a page in one worker
        assert (project.folder / "runs").read_text() == "x"


def test_a_plain_run_leaves_them_alone(told: Told) -> None:
    assert outcomes(told()) == {"tests/test_ours.py::test_the_plugin_loads_nothing": "PASSED"}


def test_docs_dir_is_the_folder_that_mkdocs_reads(told: Told, project: Project) -> None:
    (project.folder / "docs").rename(project.folder / "pages")
    base = (project.folder / "mkdocs.yml").read_text() + "docs_dir: 'pages/'  # theirs\n"
    project.write({}, "INHERIT: base.yml\n", {"base.yml": base})
    assert outcomes(told("pages", "-k", "one")) == {"pages/index.md::1: one": "PASSED"}


def test_a_site_that_does_not_load_fails_its_pages(told: Told, project: Project) -> None:
    sites = {
        "text": (
            "plugins: [einsum-doc\n",
            "ConfigurationError: the site cannot be loaded: MkDocs encountered an error",
        ),
        "plugin": (
            PLAIN.replace("[markdown-exec", "[nowhere, markdown-exec"),
            "cannot be loaded: Config value 'plugins': The \"nowhere\" plugin",
        ),
        "stack": (PLAIN.replace("markdown-exec, ", ""), "PluginError: the site cannot be loaded: einsum-doc runs"),
        "hook": (PLAIN + "hooks: [hook.py]\n", "SystemExit: the site cannot be loaded: 3"),
        "cluster": (PLAIN.replace("einsum-doc]", "{einsum-doc: {executor: x}}]"), "PluginError: einsum-doc: executor"),
    }
    for name, (config, _) in sites.items():
        files = {f"{name}/mkdocs.yml": config, f"{name}/docs/index.md": PAGES["index"]}
        project.write({}, files=files | {f"{name}/hook.py": "raise SystemExit(3)\n"})
    (project.folder / "tests/test_ours.py").write_text("def test_ours():\n    pass\n")
    ran = told(*(f"{name}/docs" for name in sites), "tests")
    assert "5 failed, 1 passed" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
    for name, (_, said) in sites.items():
        assert re.search(rf"^FAILED {name}/docs/index.md::", ran.stdout, re.M)
        assert said in ran.stdout


def test_the_debugger_stops_in_the_page(told: Told) -> None:
    ran = told("docs/posts/wrong.md", "docs/faulty.md", "--pdb", typed="p x + 40\nc\n")
    assert ran.stdout.count("entering PDB") == 1
    assert re.search(r"docs/posts/wrong\.md\(9\)<module>\(\)\n-> assert x == 2\n\(Pdb\) 41\n", ran.stdout)
    assert "3 failed, 2 passed" in ran.stdout


def test_without_a_site_it_does_nothing(told: Told, project: Project) -> None:
    (project.folder / "mkdocs.yml").unlink()
    ran = told("tests", "docs", "-o", "einsum_doc=true")
    assert outcomes(ran) == {"tests/test_ours.py::test_the_plugin_loads_nothing": "PASSED"}
