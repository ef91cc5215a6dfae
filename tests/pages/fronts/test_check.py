"""`einsum-doc check`: the verdict on pages without a site, and what other programs are given of it."""

from __future__ import annotations

import functools
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import pytest

from einsum_doc.cli import main

from ..conftest import PLAIN, SHOWN, Project, block

BLOCK = '```python exec="on"{}\n{}\n```\n\n'
PAGES = {
    "index": "# Welcome\n\n" + BLOCK.format("", "assert 1 == 1"),
    "posts/wrong": "---\ntitle: A wrong one\n---\n\n# Wrong\n\n"
    + BLOCK.format("", "x = 1\nprint('before')")
    + BLOCK.format(' title="the <sum>"', "assert x == 2")
    + BLOCK.format("", "never = 1"),
    "posts/later": "# Later\n\n"
    + BLOCK.format("", "assert True")
    + BLOCK.format("", "raise ValueError('a, b:\\nc %')"),
    "prose": "# Prose\n",
}

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(project: Project) -> Run:
    """Run the command in a small project."""
    return functools.partial(project.write(PAGES).run, "einsum-doc", "check")


def test_everything_is_checked_and_nothing_is_built(run: Run, project: Project) -> None:
    told = run()
    assert told.returncode == 1
    assert re.findall(r"^docs/.*", told.stderr, re.M) == [
        "docs/posts/later.md:8: ValueError: a, b:",
        "docs/posts/wrong.md:13: AssertionError: x == 2",
    ]
    assert told.stdout == "3 pages, 6 blocks, 2 assertions held, 2 failures, 1 not run\n"
    assert not (project.folder / "site").exists()


def test_pages_are_chosen(run: Run) -> None:
    assert run("docs/index.md").returncode == 0
    assert run("index.md").stdout == "1 page, 1 block, 1 assertion held, 1 page from the cache\n"
    assert run("posts/later.md:4").stdout == "1 page, 1 block, 1 assertion held\n"
    assert "1 failure" in run("posts/wrong.md").stdout


def test_a_name_of_a_page_that_is_not_checked(run: Run, project: Project) -> None:
    project.write({"uses": block("print(area)", 'python exec="on" session="s"')})
    project.write({"a": block("area = 1"), "b": block("area = 2", 'python exec="on" session="s"')})
    (project.folder / "docs/c.md").write_bytes(b"\xff")
    told = run("uses.md")
    assert "  `area` is defined on the page docs/b.md; each page has a session 's' of its own\n" in told.stderr
    assert told.stdout == "1 page, 1 block, 0 assertions held, 1 failure\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("nowhere.md",), "there is no page nowhere.md in"),
        (("prose.md",), "none of these pages has a block that runs"),
        (("-f", "elsewhere.yml"), "elsewhere.yml"),
    ],
)
def test_what_is_not_there(options: tuple[str, ...], said: str, run: Run) -> None:
    told = run(*options)
    assert told.returncode == 2
    assert said in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("jobs", ["-1", "0", "x"])
def test_jobs_are_counted_from_1(jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--jobs", jobs])
    assert ended.value.code == 2
    assert f"argument --jobs: expected a whole number from 1, not '{jobs}'" in capsys.readouterr().err


def test_a_fence_that_cannot_run_is_named(run: Run, project: Project) -> None:
    project.write({"ruby": block("puts 1", 'ruby exec="on"')})
    told = run("ruby.md")
    assert told.returncode == 1
    assert "docs/ruby.md:1: FenceError: 'ruby' cannot be executed" in told.stderr


def test_it_agrees_with_a_build_on_pages_that_are_left_out(project: Project) -> None:
    page, false = block("assert 1 == 1"), block("assert 1 == 2")
    left_out = {"folder/README": page, "templates/page": page, ".hidden": page}
    pages = {"index": page, "folder/index": page, "drafts/draft": false, "words": "# Words\n"}
    project.write(pages | left_out, PLAIN + "exclude_docs: drafts/\n")
    checked, built = project.run("einsum-doc", "check"), project.build("-q", EINSUM_DOC_NO_CACHE="1")
    for said in (checked.stderr, built.console):
        assert sorted(re.findall(r"^docs/(.*)\.md:1: FenceError: the block would never run", said, re.M)) == [
            ".hidden",
            "folder/README",
            "templates/page",
        ]
    assert checked.stdout == "5 pages, 2 blocks, 2 assertions held, 3 failures\n"
    assert checked.stdout in built.console + "\n"
    # A page that is named is checked.
    assert "docs/drafts/draft.md:2: AssertionError" in project.run("einsum-doc", "check", "drafts/draft.md").stderr
    assert "never run" in project.run("einsum-doc", "check", "templates/page.md").stderr


def test_it_says_why(run: Run) -> None:
    run("index.md")
    assert run("index.md", "--explain").stderr == "docs/index.md: from the cache\n"
    assert run("index.md", "--explain", "--no-cache").stderr == "docs/index.md: ran: no result of it is kept\n"


def test_the_debugger_stops_where_a_block_raises(run: Run) -> None:
    told = run("posts/wrong.md", "--pdb", typed="p x + 40\nq\n")
    assert told.returncode == 1
    assert "docs/posts/wrong.md(13)" in told.stdout
    assert "(Pdb) 41" in told.stdout


def test_the_debugger_leaves_a_block_alone_that_ends_its_process(run: Run, project: Project) -> None:
    project.write({"ended": block("import os\nos._exit(0)")})
    assert run("ended.md", "--pdb").returncode == 1


def test_it_has_a_version(project: Project) -> None:
    project.folder.mkdir()
    assert re.fullmatch(r"einsum-doc \d+\.\d+\.\d+\n", project.run("einsum-doc", "--version").stdout)


def test_other_programs_read_it(run: Run, project: Project) -> None:
    told = run("--junit", "results.xml", "--json", "results.json", GITHUB_ACTIONS="true")
    annotations = [line for line in told.stdout.split("\n") if line.startswith("::")]
    assert annotations == [
        "::error file=docs/posts/later.md,line=8,title=ValueError::a, b:%0Ac %25",
        "::error file=docs/posts/wrong.md,line=13,title=AssertionError::x == 2%0Aleft 1, right 2",
    ]
    suites = ElementTree.parse(project.folder / "results.xml").getroot()
    counts = {suite.get("name"): [suite.get(name) for name in ("tests", "failures", "skipped")] for suite in suites}
    assert counts == {
        "docs/index.md": ["1", "0", "0"],
        "docs/posts/later.md": ["2", "1", "0"],
        "docs/posts/wrong.md": ["3", "1", "1"],
    }
    case = suites.find(".//testcase[@name='block 2: the <sum>']")
    assert case is not None
    assert case.get("line") == "12"
    failure = case.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("AssertionError", "x == 2")
    assert "left 1, right 2" in (failure.text or "")
    assert suites.findtext(".//testcase[@name='block 1'][@file='docs/posts/wrong.md']/system-out") == "before\n"

    facts = json.loads((project.folder / "results.json").read_text())
    assert facts["summary"] == told.stdout.strip().split("\n")[-1]
    pages = {page["page"]: page for page in facts["pages"]}
    assert [block["status"] for block in pages["docs/posts/wrong.md"]["blocks"]] == ["held", "failed", "not run"]
    assert pages["docs/posts/wrong.md"]["blocks"][1]["failures"][0]["place"] == {
        "file": "docs/posts/wrong.md",
        "line": 13,
    }


def test_it_watches(project: Project) -> None:
    folder = project.write(PAGES).folder
    command = [Path(sys.executable).with_name("einsum-doc"), "check", "--watch", "index.md"]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, cwd=folder, env=project.environment, stdout=pipe, stderr=pipe, text=True) as watching,
        ExitStack() as ending,
    ):
        ending.callback(watching.kill)
        assert watching.stdout is not None
        assert watching.stderr is not None
        errors = iter(watching.stderr.readline, "")

        def edit(name: str, text: str) -> None:
            assert "waiting for a change\n" in errors
            (folder / name).write_text(text)

        assert watching.stdout.readline() == "1 page, 1 block, 1 assertion held\n"
        edit("docs/index.md", PAGES["index"].replace("1 == 1", "1 == 2"))
        assert watching.stdout.readline() == "1 page, 1 block, 0 assertions held, 1 failure\n"
        # Files that are half written are told, and waited for.
        edit("mkdocs.yml", "plugins: [einsum-doc\n")
        assert any("error parsing the configuration file" in line for line in errors)
        edit("mkdocs.yml", "site_name: A site\nplugins: [einsum-doc, nowhere]\n")
        assert any('The "nowhere" plugin is not installed' in line for line in errors)
        edit("docs/index.md", "# Welcome\n")  # seen while mkdocs.yml does not load
        edit("mkdocs.yml", SHOWN)
        assert any("none of these pages has a block that runs" in line for line in errors)
        edit("docs/index.md", PAGES["index"])
        assert watching.stdout.readline() == "1 page, 1 block, 1 assertion held, 1 page from the cache\n"
        watching.send_signal(signal.SIGINT)
        assert watching.wait(60) == 130


LIMITED = {
    "time": ("open('docs/data').read() == 'new' or time.sleep(100)", "TimeoutError: the block did not end within 1 s"),
    "memory": ("bytearray(1 if open('docs/data').read() == 'new' else 10**13) and None", "MemoryError"),
    "output": ("print('x' * (1 if open('docs/data').read() == 'new' else 3 * 2**20))", "OutputError: the block wrote"),
    "value": ("'x' * (1 if open('docs/data').read() == 'new' else 3 * 2**20)", "ShownError: values take"),
}


def test_a_page_that_reached_a_limit_runs_again_when_a_dependency_has_changed(project: Project) -> None:
    pages = {name: f"# Title\n\n{block(f'import time; {code}')}" for name, (code, _) in LIMITED.items()}
    config = PLAIN.replace("einsum-doc]", "{einsum-doc: {timeout: 1, output_limit: 2, values: true}}]")
    docs = project.write({**pages, "error": block("1 / 0")}, config, {"docs/data": "old"}).folder / "docs"
    command = [Path(sys.executable).with_name("einsum-doc"), "check", "--watch", "--explain"]
    pipe, environment = subprocess.PIPE, project.environment
    with subprocess.Popen(
        command, cwd=project.folder, env=environment, stdout=pipe, stderr=pipe, text=True
    ) as watching:
        assert watching.stderr is not None
        assert watching.stdout is not None
        told = []
        try:
            for changed in ({}, {f"{name}.md": f"A line\n\n{text}" for name, text in pages.items()}, {"data": "new"}):
                time.sleep(0.5)
                for name, text in changed.items():
                    (docs / name).write_text(text)
                told.append("".join(iter(watching.stderr.readline, "waiting for a change\n")))
                told[-1] += watching.stdout.readline()
        finally:
            watching.send_signal(signal.SIGINT)
    for name, (_, said) in LIMITED.items():
        assert f"\ndocs/{name}.md:4: {said}" in told[0]
        assert f"\ndocs/{name}.md:6: {said}" in told[1]
    assert "\n5 pages, 5 blocks, 0 assertions held, 5 failures\n" in told[0]
    assert "\n5 pages, 5 blocks, 0 assertions held, 4 pages from the cache, 5 failures\n" in told[1]
    assert "\n5 pages, 5 blocks, 0 assertions held, 1 failure\n" in told[2]


def test_a_gpu_can_be_required(run: Run, project: Project) -> None:
    project.write({"gpu": "# GPU\n\n" + BLOCK.format(' skip-if="no-gpu"', "assert True")})
    options = ("docs/gpu.md", "--device", "cpu")
    assert run(*options).returncode == 0
    told = run(*options, "--require-gpu")
    assert told.returncode == 1
    assert "docs/gpu.md:3: DeviceError: the block needs cuda, which is not here" in told.stderr


def test_the_results_of_a_build_are_left_alone(project: Project) -> None:
    config = PLAIN.replace("einsum-doc]", "{einsum-doc: {junit: results.xml, json: results.json}}]")
    project.write({"index": block("assert True")}, config)
    assert project.build("-q").status == 0
    assert project.run("einsum-doc", "check").returncode == 0
    assert project.run("pytest", "docs", "-n", "0").returncode == 0
    assert (project.folder / "results.xml").exists()
    assert (project.folder / "results.json").exists()
