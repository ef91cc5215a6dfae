"""A block on a device of its own, and blocks that need a GPU where there is none.

`cpu` and `cpu:0` are two names of PyTorch's for one device: that a block is put on another can be seen with them on
any machine.
"""

from __future__ import annotations

import re

import pytest

from einsum_doc.pages.worker.resources import gpus

from ..conftest import PLAIN, Build, Project, block

pytestmark = pytest.mark.skipif(bool(gpus()), reason="about what is shown where there is no GPU")

DEVICE = 'python exec="on" device="{}"'


@pytest.mark.torch
def test_one_device_is_that_of_its_block_alone(build: Build) -> None:
    page = block("import torch\nassert torch.get_default_device().index is None")
    page += block("assert torch.get_default_device().index == 0\ny = torch.ones(1)", DEVICE.format("cpu:0"))
    page += block("assert torch.get_default_device().index is None\nassert y == 1")
    built = build({"index": page})
    assert built.status == 0, built.console
    assert "4 assertions held" in built.console


REFUSED = {
    "gpu": (
        block("1", 'python exec="on" device="gpu"'),
        'device="gpu" is not understood\n  expected one device as PyTorch calls it, as in "cuda" or "cuda:1"',
    ),
    "two": (
        block("1", 'python exec="on" device="cpu,cuda"'),
        'device="cpu,cuda" is not understood\n  expected one device as PyTorch calls it',
    ),
    "shell": (block("true", 'bash exec="on" device="cpu"'), "option 'device' does nothing for bash"),
}


def test_an_option_that_cannot_be(build: Build) -> None:
    built = build({name: text for name, (text, _) in REFUSED.items()}, "-q")
    assert built.status == 1
    for name, (_, said) in REFUSED.items():
        assert f"docs/{name}.md:1: FenceError: {said}" in built.console


# ---- Where there is no GPU -----------------------------------------------------------------------------------

GPU_PAGE = {
    'python exec="on" source="above" device="cuda"': "print('said')\n6 * 7",
    'python exec="on" source="above" skip-if="no-gpu"': "x = 8",
    'python exec="on" source="above" device="cpu" skip-if="no-gpu"': "1 / 0",
}
NEEDY = {"index": "".join(block(code, header) for header, code in GPU_PAGE.items())}
CONFIG = PLAIN.replace("einsum-doc]", "{einsum-doc: {allow_empty: true}}]")


def test_without_a_gpu_it_is_skipped_unless_one_is_required(project: Project) -> None:
    built = project.write(NEEDY | {"more": NEEDY["index"] + block("1")}, CONFIG).build()
    assert built.status == 0, built.console
    assert "7 blocks, 0 assertions held, 6 skipped (no GPU)" in built.console
    assert built.page().count("<b>– skipped</b> · <span>no GPU</span>") == 3
    assert "said" not in re.sub(r"<pre.*?</pre>", "", built.page(), flags=re.S)
    assert "<span>3 skipped</span>" in built.page("more")
    # Their results are kept, and no longer enough.
    required = CONFIG.replace("allow_empty", "require_gpu: true, allow_empty")
    for config, variables in ((CONFIG, {"EINSUM_DOC_REQUIRE_GPU": "1"}), (required, {})):
        built = project.write({}, config).build("-q", **variables)
        assert built.status == 1
        failure = r"^docs/index\.md:\d+: DeviceError: the block needs cuda, which is not here$"
        assert len(re.findall(failure, built.console, re.M)) == 3
