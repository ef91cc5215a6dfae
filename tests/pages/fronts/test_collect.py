"""`pytest docs/`: blocks as tests, with their files and lines."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Callable

import pytest

from ..conftest import Project

PAGES = {
    "index": '# Welcome\n\n```python exec="on" title="one"\nassert 1 == 1\n```\n',
    "posts/wrong": '# Wrong\n\n```python exec="on"\nx = 1\nprint("before")\n```\n\n'
    '```python exec="on" title="two"\nassert x == 2\n```\n\n```python exec="on"\nnever = 1\n```\n',
    "faulty": '# Faulty\n\n```python exec="on"\nassert 1\n```\n\n```python exec="on" sauce="above"\n```\n',
    "derived": "# Derived\n\n```derivation\n"
    "y_i &= x_i x_i \\\\\n\\frac{\\partial y_i}{\\partial x_j} &= x_i \\delta_{ij}\n```\n",
    "prose": "# Prose\n",
}
Told = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def told(project: Project) -> Told:
    """What pytest says of a small project."""
    files = {
        "README.md": '```python exec="on"\nassert False\n```\n',  # is no page of the site
        "pytest.ini": "[pytest]\nfilterwarnings = error\n",
    }
    run = project.write(PAGES, files=files).run
    return functools.partial(run, "python", "-m", "pytest", "-p", "no:cacheprovider", "-rA", "--color=no")


def test_each_block_is_a_test(told: Told) -> None:
    ran = told("docs")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    outcomes = dict(reversed(line.split(" ", 1)) for line in re.findall(r"^(?:PASSED|FAILED) .*", ran.stdout, re.M))
    assert {name.split(" - ")[0]: outcome for name, outcome in outcomes.items()} == {
        "docs/index.md::1: one": "PASSED",
        "docs/posts/wrong.md::1: python": "PASSED",
        "docs/posts/wrong.md::2: two": "FAILED",
        "docs/faulty.md::1: python": "PASSED",
        "docs/faulty.md::line 7": "FAILED",
        "docs/derived.md::1: derivation": "FAILED",
    }
    assert ": block 2 failed at docs/posts/wrong.md:9" in ran.stdout
    assert "docs/posts/wrong.md:9: AssertionError: x == 2\n  left 1, right 2\n" in ran.stdout
    assert "docs/faulty.md:7: FenceError: unknown option 'sauce'\n  did you mean 'source'?" in ran.stdout
    assert "docs/derived.md:5: DerivationError: false" in ran.stdout
    assert "README" not in ran.stdout


def test_they_are_selected_by_page_and_title(told: Told) -> None:
    assert "1 passed" in told("docs/index.md").stdout
    assert "1 passed, 6 deselected" in told("docs", "-k", "one").stdout
    assert "1 passed, 2 deselected" in told("docs/posts", "-k", "1").stdout
    assert "1 passed" in told("docs/posts/wrong.md::1: python").stdout


def test_it_runs_nothing_to_collect(told: Told, project: Project) -> None:
    project.write({"index": '```python exec="on"\nopen("made", "w")\n```\n'})
    assert "docs/index.md::1: python" in told("docs", "--collect-only", "-q").stdout
    assert not (project.folder / "made").exists()


def test_without_a_site_it_does_nothing(told: Told, project: Project) -> None:
    (project.folder / "mkdocs.yml").unlink()
    assert told("docs").returncode == pytest.ExitCode.NO_TESTS_COLLECTED
