"""The tests of packages that call `torch.einsum`, with ours in its place: none fails that passes with torch's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from einsum_doc import einsum

RUN = """
import json, sys
import pytest, torch

whose, *tests = sys.argv[1:]
calls, failed = 0, []
einsum = torch.einsum
if whose == "ours":
    from einsum_doc import einsum

def counted(*arguments):
    global calls
    calls += 1
    return einsum(*arguments)

if whose == "ours":
    torch.einsum = torch.functional.einsum = counted

class Recorder:
    def pytest_runtest_logreport(self, report):
        if report.failed:
            failed.append(report.nodeid)

options = ["-q", "-c", "pytest.ini", "-p", "no:cacheprovider", "-p", "no:einsum-doc", "-p", "no:xdist", *tests]
status = pytest.main(options, [Recorder()])
print("\\n" + json.dumps([status, calls, failed]))
"""

ALLOWED = {"test_torch_layers_scripting"}
"""Tests that fail with ours for what is documented: no Python function that takes any arguments can be scripted."""


def run(whose: str, tests: Path, *names: str, folder: Path) -> tuple[int, int, set[str]]:
    """Run tests in a folder; return the status of pytest, the number of calls of einsum, and the names that failed."""
    environment = {**os.environ, "EINOPS_TEST_BACKENDS": "numpy,torch", "OMP_NUM_THREADS": "1"}
    (folder / "pytest.ini").write_text("[pytest]\n")
    chosen = [f"{tests}/{name}" for name in names] or [str(tests)]
    command = [sys.executable, "-c", RUN, whose, f"--rootdir={tests}", *chosen]
    ended = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    status, calls, failed = json.loads(ended.stdout.splitlines()[-1])
    return status, calls, set(failed)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of tracing
def test_it_does_not_call_itself_in_torchs_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "einsum", einsum)
    x, y = torch.randn(2, 3), torch.randn(3, 4)
    torch.testing.assert_close(torch.einsum("ij,jk->ik", x, y), x @ y)
    traced = torch.jit.trace(lambda x, y: torch.einsum("ij,jk->ik", x, y), (x, y))
    torch.testing.assert_close(traced(x, y), x @ y)


@pytest.mark.slow
@pytest.mark.parametrize("package", ["opt_einsum", "einops"])
def test_no_test_fails_that_passes_with_torchs(package: str, tmp_path: Path) -> None:
    tests = Path(pytest.importorskip(f"{package}.tests").__file__ or "").parent
    status, calls, failed = run("ours", tests, folder=tmp_path)
    assert status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    assert calls
    suspects = sorted(name for name in failed if name.rpartition("::")[2] not in ALLOWED)
    if suspects:
        _, _, with_torchs = run("torch", tests, *suspects, folder=tmp_path)
        assert set(suspects) <= with_torchs
