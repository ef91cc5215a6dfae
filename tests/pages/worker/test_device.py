"""The name of the device that results are from."""

from __future__ import annotations

from pathlib import Path

import pytest

from einsum_doc.pages.worker.device import Device


@pytest.mark.parametrize(("gpus", "said"), [("0", "CPU"), ("", "")])
def test_the_cpu_is_named_where_there_is_another_device(monkeypatch: pytest.MonkeyPatch, gpus: str, said: str) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: [Path("/dev/nvidia0")])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    assert Device("cpu").stamp()[1] == said
