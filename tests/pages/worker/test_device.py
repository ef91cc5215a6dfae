"""The device of blocks, and the name of the one that results are from."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.worker.device import Device, TorchMissingError


@pytest.mark.parametrize(("gpus", "said"), [("0", "CPU"), ("", "")])
def test_the_cpu_is_named_where_there_is_another_device(monkeypatch: pytest.MonkeyPatch, gpus: str, said: str) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: [Path("/dev/nvidia0")])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    assert Device("cpu").stamp()[1] == said


@pytest.mark.parametrize(
    ("language", "options", "wanted", "user"),
    [
        ("derivation", {}, "auto", "the fence `derivation`"),
        ("einsum", {}, "cpu", "the fence `einsum`"),
        ("python", {"device": "cpu"}, "auto", "the option `device`"),
        ("python", {}, "cuda", "`device: cuda` in mkdocs.yml"),
    ],
)
def test_a_block_that_needs_torch_says_how_it_is_installed(
    language: str, options: Mapping[str, str], wanted: str, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    block = Block(Location("docs/index.md", 1), 1, language, "import torch", options)
    with pytest.raises(TorchMissingError) as error:
        Device(wanted).use(block)
    assert str(error.value) == f"{user} needs PyTorch: pip install 'einsum-doc[torch]'"


def test_a_block_needs_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for options, found in (({}, True), ({"skip_if": "no-gpu"}, False), ({"device": "cuda:0"}, False)):
        assert Device("auto").use(Block(Location("docs/index.md", 1), 1, "python", "1", options)) is found
