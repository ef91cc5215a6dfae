"""Whatever a block does to its process, the verdict is right and the next page is not affected."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..conftest import MKDOCS, PLAIN, SITES, Build, Built, NewProject, Project

LIMITED = PLAIN.replace("einsum-doc]", "{einsum-doc: {timeout: 0.5, device: cpu}}]")
SITE = SITES / "survival"
LONG = "\n".join(f"x{i} = {i}" for i in range(10_000)) + "\nprint('of 10,000 lines')"


def cases(name: str) -> dict[str, dict[str, Any]]:
    """Return the pages of a site, by name, each with its front matter: the outcome that it must have."""
    pages = sorted((SITE / name / "docs").glob("*.md"))
    return {path.stem: next(yaml.safe_load_all(path.read_text("utf-8").split("\n```")[0])) for path in pages}


FAILING, LATE, HOLDING = map(cases, ("failing", "late", "holding"))


def page(code: str) -> str:
    return f'# Title\n```python exec="on" source="above" result="text"\n{code}\n```\n'


def following(names: Iterable[str]) -> dict[str, str]:
    """Return a page that holds for each of these pages, to be run after it."""
    return {f"docs/{name}_next.md": page("print(1)\nassert True") for name in names}


@pytest.fixture(scope="module")
def failed(new_project: NewProject) -> Built:
    """One build of the pages that fail, and of one after each that holds."""
    return new_project({}, files=following(FAILING)).copy("survival/failing").build()


@pytest.fixture(scope="module")
def late(new_project: NewProject) -> Built:
    """One build of the pages that fail because their time is over, and of one after each that holds."""
    return new_project({}, files=following(LATE)).copy("survival/late").build()


@pytest.fixture(scope="module")
def held(new_project: NewProject) -> Built:
    """One build of all the pages that hold."""
    return new_project({"long": page(LONG)}).copy("survival/holding").build()


@pytest.mark.parametrize("name", [*FAILING, *LATE])
def test_a_block_that_must_fail(request: pytest.FixtureRequest, name: str) -> None:
    built: Built = request.getfixturevalue("late" if name in LATE else "failed")
    expected = (FAILING | LATE)[name]
    found = re.findall(rf"^docs/{name}\.md:.*", built.console, re.M)
    assert found, built.console
    assert found[0].startswith(f"docs/{name}.md:{expected['line']}: {expected['fails']}")


def test_no_page_is_affected_by_the_one_before_it(failed: Built, late: Built) -> None:
    # One on each page that follows; the first of the group's and the second of the future's; two coroutines.
    for built, count, more in ((failed, len(FAILING), 4), (late, len(LATE), 0)):
        assert built.status == 1
        held = f"{count + more} assertions held, {count} failures"
        assert re.search(rf"{2 * count} pages, \d+ blocks, {held}", built.console)
        assert built.pages == []


@pytest.mark.parametrize("name", [*HOLDING, "long"])
def test_a_block_that_must_hold(held: Built, name: str) -> None:
    assert held.status == 0, held.console
    html = held.page(name)
    assert HOLDING.get(name, {"shows": "of 10,000 lines"})["shows"] in html
    assert '<div class="run held"' in html


def test_what_looks_like_a_dump_is_kept(failed: Built) -> None:
    assert "Timeout (attempt 1)!\n    Thread 0x1\n    after" in failed.console


def test_what_is_cut_of_an_error_is_said(failed: Built) -> None:
    assert f": ValueError: {2000 * 'x'}… 2,998,000 more characters are not shown\n" in failed.console


def test_a_progress_bar_is_its_last_line(held: Built, failed: Built) -> None:
    assert "  output before it:\n    300 of 300\n" in failed.console
    assert "299 of 300" not in held.page("progress") + failed.console


def test_output_is_published_whole(held: Built) -> None:
    html = held.page("much_output")
    for what in ("of it</pre>", "of the output", "of the value&#x27;</pre>"):
        assert f"the end {what}" in html


def test_no_process_is_left_behind(held: Built) -> None:
    found = re.search(r"CHILDREN (1000\.\d+) ([\d ]+)", held.page("children_left"))
    assert found
    seconds, left = found[1].encode(), found[2].split()
    assert len(left) == 3
    for pid in left:
        with suppress(OSError):  # there is none of that number, or it has just ended
            assert seconds not in Path("/proc", pid, "cmdline").read_bytes(), pid


def test_the_only_device_of_a_machine_is_not_told(build: Build) -> None:
    built = build({"index": page("while True: pass")}, "-q", config=LIMITED, CUDA_VISIBLE_DEVICES="")
    assert re.search(r"^  block 1 of 1, 0\.\d\d s$", built.console, re.M), built.console


def test_a_page_of_500_blocks(build: Build) -> None:
    blocks = "".join(f'```python exec="on"\nx = {i}\nassert x == {i}\n```\n\n' for i in range(500))
    built = build({"index": "# Title\n\n" + blocks})
    assert built.status == 0, built.console
    assert "1 page, 500 blocks, 500 assertions held" in built.console


@pytest.mark.torch
def test_torch_state_does_not_leak_and_a_page_collects_its_own_garbage(build: Build) -> None:
    change = (
        "import torch\ntorch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\n"
        "torch.set_default_device('meta')\ntorch.manual_seed(0)\ntorch.set_num_threads(1)"
    )
    look = (
        "import torch\nassert torch.get_default_dtype() == torch.float32\nassert torch.is_grad_enabled()\n"
        "assert torch.zeros(1).device.type != 'meta'\nassert torch.initial_seed() != 0"
    )
    collects = (
        "import gc, torch, weakref\n\n\nclass Ring:\n    pass\n\n\nring = Ring()\nring.ring = ring\n"
        "there = weakref.ref(ring)\ndel ring\nmany = [[] for _ in range(200_000)]\n"
        "assert gc.isenabled()\nassert there() is None  # by itself\n"
        "assert gc.get_freeze_count() > 100_000  # of torch's, which it need not look through"
    )
    built = build({"a": page(change), "b": page(look), "index": page(collects)})
    assert built.status == 0, built.console


def test_an_interrupt_ends_everything(project: Project, environment: dict[str, str]) -> None:
    project.write({"index": page("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)")})
    build = subprocess.Popen(
        [MKDOCS, "build", "-q"], cwd=project.folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    worker = _wait_for_pid(project.folder / "pid")
    build.send_signal(signal.SIGINT)
    build.communicate(timeout=10)
    assert build.returncode != 0
    _wait_until_gone(worker)


def test_a_killed_build_leaves_no_worker(project: Project, environment: dict[str, str]) -> None:
    project.write({"index": page("import os\nopen('pid', 'w').write(str(os.getpid()))\nwhile True: pass")})
    build = subprocess.Popen([MKDOCS, "build", "-q"], cwd=project.folder, env=environment)
    worker = _wait_for_pid(project.folder / "pid")
    build.kill()
    build.wait(10)
    _wait_until_gone(worker)


def test_a_full_disk(build: Build, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        pages = {"index": page("print('begin')\nprint('x' * 2**22)"), "next": page("assert True")}
        built = build(pages, TMPDIR=str(small))
    finally:
        subprocess.run(["umount", small], check=True)
    assert built.status == 1
    assert "docs/index.md:4: OSError: [Errno 28] No space left on device" in built.console
    assert "2 pages, 2 blocks, 1 assertion held, 1 failure" in built.console
    assert "begin" in built.console


def _wait_for_pid(path: Path) -> int:
    deadline = time.monotonic() + 30
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(path.read_text())


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "the worker is still there"
        time.sleep(0.02)
