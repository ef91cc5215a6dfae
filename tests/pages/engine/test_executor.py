"""Pages that run on a Dask cluster of two workers, processes of their own, from the same cache."""

from __future__ import annotations

import functools
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from einsum_doc.pages.engine.executor import run_order

from ..conftest import PLAIN, Build, Project

BLOCK = '```python exec="on" result="text"\n{}\n```\n'
NAMES = ("a", "b", "c")
# Each waits until another one has begun: only if two run at a time do they end.
MEETING = (
    "import os, pathlib, time\nfolder = pathlib.Path({folder!r})\n(folder / '{name}').touch()\n"
    "end = time.monotonic() + 40\nwhile len(list(folder.iterdir())) < 2:\n    assert time.monotonic() < end\n"
    "    time.sleep(0.01)\nprint('in', os.environ['ENGINE'])"
)


@contextmanager
def started(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """The address of a scheduler with two workers of one thread each."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        location = f"127.0.0.1:{free.getsockname()[1]}"
    port = location.partition(":")[2]
    common = ["--no-dashboard", "--host", "127.0.0.1"]
    commands = [["scheduler", "--port", port, *common]]
    commands += [["worker", f"tcp://{location}", "--nthreads", "1", "--no-nanny", *common]] * 2
    with ExitStack() as running:
        for number, command in enumerate(commands):
            log = running.enter_context((folder / f"{number}.log").open("w"))
            process = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + command[0], *command[1:]],
                cwd=folder,
                env=environment | {"ENGINE": f"worker {number}"},
                stdout=log,
                stderr=log,
            )
            running.callback(process.wait)
            running.callback(process.terminate)
        from distributed import Client

        with Client(f"tcp://{location}", timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield location


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[str]:
    """The address of a cluster."""
    with started(tmp_path_factory.mktemp("dask"), environment) as location:
        yield location


def on(location: str, *more: str) -> str:
    """Return the configuration of a site whose pages run on a cluster."""
    return PLAIN.replace("einsum-doc]", f"einsum-doc: {{executor: 'dask://{location}'{', '.join(['', *more])}}}]")


@pytest.fixture
def cluster_build(build: Build, cluster: str) -> Build:
    """Build pages on the cluster."""
    return functools.partial(build, config=on(cluster))


@pytest.mark.slow
def test_pages_run_on_its_workers_at_the_same_time(cluster_build: Build, tmp_path: Path) -> None:
    (tmp_path / "met").mkdir()
    pages = {name: BLOCK.format(MEETING.format(folder=str(tmp_path / "met"), name=name)) for name in NAMES}
    built = cluster_build({"index": "# Home\n"} | pages)
    assert built.status == 0, built.console
    where = {line for name in NAMES for line in built.page(name).splitlines() if "in worker" in line}
    assert {line[line.index("in worker") :][:11] for line in where} == {"in worker 1", "in worker 2"}


@pytest.mark.slow
def test_results_are_kept_and_what_they_depend_on_is_heard(cluster_build: Build) -> None:
    pages = {"index": BLOCK.format("import own\nprint('value', own.value)"), "b": BLOCK.format("assert True")}
    first = cluster_build(pages, files={"own.py": "value = 1\n"})
    assert "2 pages, 2 blocks, 1 assertion held\n" in first.console
    assert "2 pages from the cache" in cluster_build(pages).console
    again = cluster_build(pages, files={"own.py": "value = 22\n"})
    assert "1 page from the cache" in again.console
    assert "value 22" in again.page()


@pytest.mark.slow
def test_what_pages_use_and_with_what_they_ran_comes_back(cluster: str, project: Project) -> None:
    page = {"index": BLOCK.format("import own, yaml\nassert own.one()")}
    own = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
    project.write(page, on(cluster, "library: [own]", "json: told.json"), {"own.py": own})
    assert project.build().status == 0
    facts = json.loads((project.folder / "told.json").read_text())
    assert facts["library"] == {"own.one": ["docs/index.md"], "own.two": []}
    assert "pyyaml" in facts["pages"][0]["packages"]


@pytest.mark.slow
def test_a_failure_has_its_file_and_line(cluster_build: Build) -> None:
    built = cluster_build(
        {
            "index": "# Home\n\n" + BLOCK.format("assert 1 == 2"),
            "gone": BLOCK.format("import os\nos._exit(0)"),
            "expected": BLOCK.format("print(1)") + "\n```expected\n2\n```\n",
        }
    )
    assert built.status == 1
    assert "docs/index.md:4: AssertionError: 1 == 2\n  left 1, right 2\n" in built.console
    assert "docs/gone.md:2: WorkerError: the block ended its process, with exit status 0" in built.console
    assert "docs/expected.md:5: OutputError" in built.console


@pytest.mark.slow
def test_with_nothing_to_run_no_engine_is_needed(build: Build, tmp_path: Path, environment: dict[str, str]) -> None:
    with started(tmp_path, environment) as location:
        page = {"index": BLOCK.format("assert True")}
        assert build(page, config=on(location)).status == 0
    assert "1 page from the cache" in build(page, config=on(location)).console
    told = build({"index": BLOCK.format("assert 1")}, config=on(location))
    assert told.status == 1
    assert f"einsum-doc: executor: there is no Dask scheduler at {location}" in told.console


def test_an_engine_with_another_builder_is_refused() -> None:
    with pytest.raises(RuntimeError, match="another version of einsum-doc"):
        run_order(json.dumps({"builder": "another", "root": "/", "limits": {}}))


def test_what_is_no_engine_is_said(build: Build) -> None:
    told = build({"index": BLOCK.format("1")}, config=PLAIN.replace("einsum-doc]", "einsum-doc: {executor: dsk}]"))
    assert told.status == 1
    assert "'dsk' is no address of an engine, such as dask://127.0.0.1:8786" in told.console
