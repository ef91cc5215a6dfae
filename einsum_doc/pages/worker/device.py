"""The device of a worker's blocks."""

from __future__ import annotations

import re
import sys
from typing import Any

from einsum_doc.pages.languages.all import LANGUAGES
from einsum_doc.pages.reading.fence import gpu_of
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.worker.resources import cpu_name


def _count_gpus() -> int:
    """Return how many GPUs torch finds; none, if it is not installed."""
    try:
        count: int = _torch_for("counting GPUs").cuda.device_count()
    except TorchMissingError:
        return 0
    return count


class TorchMissingError(Exception):
    """A block needs PyTorch, which is not installed."""


def _torch_for(user: str) -> Any:
    """Import torch for something that needs it.

    Raises: TorchMissingError, if it is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        raise TorchMissingError(f"{user} needs PyTorch: pip install 'einsum-doc[torch]'") from None
    return torch


class DeviceError(Exception):
    """The device that mkdocs.yml asks for is not there."""


class Device:
    """The default device of torch in this process; `wanted` is `auto`, `cpu` or `cuda`."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self._cpu = cpu_name()
        self._is_chosen = False
        self._before: Any = None
        """The default device before that of the block that runs, if it names one."""

    def use(self, block: Block) -> bool:
        """Make the device of a block the default one; return False if it needs a GPU that is not there.

        Raises: DeviceError, if `wanted` is a GPU and there is none; TorchMissingError, if the block needs torch.
        """
        if LANGUAGES[block.language].uses_torch:
            _torch_for(f"the fence `{block.language}`")
        self._choose(block)
        gpu = gpu_of(block.options)
        if gpu and (self.wanted == "cpu" or int(gpu.partition(":")[2] or 0) >= _count_gpus()):
            return False
        if "device" in block.options:
            torch = _torch_for("the option `device`")
            self._before = torch.get_default_device()
            torch.set_default_device(block.options["device"])
        return True

    def stamp(self) -> tuple[str, str]:
        """Return the version of torch, empty if it is not loaded, and the name of the default device."""
        torch = sys.modules.get("torch")
        if torch is None or not hasattr(torch, "cuda"):
            return "", self._cpu
        on_gpu = torch.get_default_device().type == "cuda"
        return str(torch.__version__), torch.cuda.get_device_name() if on_gpu else self._cpu

    def restore(self) -> None:
        """Make the device from before the block the default one again."""
        if self._before is not None:
            sys.modules["torch"].set_default_device(self._before)
            self._before = None

    def _choose(self, block: Block) -> None:
        """Make the site's device the default one, once torch is there; never in the fork server."""
        if self._is_chosen or self.wanted == "cpu":
            return
        torch = sys.modules.get("torch")
        if torch is None and self.wanted != "auto" and re.search(r"\b(torch|einsum_doc)\b", block.code):
            torch = _torch_for("`device: cuda` in mkdocs.yml")
        if torch is not None:
            self._is_chosen = True
            if torch.cuda.is_available():
                torch.set_default_device("cuda")
            elif self.wanted == "cuda":
                raise DeviceError("device: cuda was asked for, and torch finds no GPU")
