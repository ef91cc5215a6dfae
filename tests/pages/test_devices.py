"""A block on several devices, and what is shown of a GPU where there is none.

`cpu` and `cpu:0` are two names of PyTorch's for one device: what is done for a block that names several can be
seen with them on any machine. What a GPU would give is put into the records, as a build with one does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from einsum_doc.pages.engine.pool import gpus
from einsum_doc.pages.record.block import Block, Place, Result, Shown
from einsum_doc.pages.verdict.devices import combined
from einsum_doc.pages.verdict.records import Records

from .conftest import PLAIN, Built
from .test_build import text_of

pytestmark = pytest.mark.skipif(bool(gpus()), reason="about what is shown where there is no GPU")
Build = Callable[..., Built]

SETUP = "import torch\nhere = torch.get_default_device().index is not None\n"
DEVICE = 'python exec="on" device="{}"'


def block(code: str, header: str = 'python exec="on"') -> str:
    return f"```{header}\n{code}\n```\n\n"


def test_a_block_runs_on_each_device_and_shows_tabs(build: Build) -> None:
    page = block(SETUP + "x = torch.ones(2, 2) + here * 1e-7\nruns = 0")
    page += block(
        "runs += 1\nassert runs == 1\nprint('on', here)\nx @ x", DEVICE.format("cpu:0, cpu") + ' source="above"'
    )
    page = page.replace("print('on', here)", "print('said')")
    page += block("assert runs == 1")
    built = build({"index": page})
    assert built.status == 0, built.console
    assert "1 page, 3 blocks, 2 assertions held" in built.console
    html = built.page()
    labels = re.findall(r'<label for="([^"]+)">([^<]+)</label>', html)
    assert [name for _, name in labels] == ["cpu:0", "cpu"]
    inputs = re.findall(r'<input( checked)? id="([^"]+)" name="([^"]+)" type="radio">', html)
    assert [each[0] for each in inputs] == [" checked", ""]
    assert [each[1] for each in inputs] == [target for target, _ in labels]
    tabs = html.split('<div class="tabbed-block">')[1:]
    tabs[1], _, bar = tabs[1].rpartition('<div class="bar"')
    assert len(tabs) == 2
    for tab in tabs:
        assert "said" in tab
        assert "<td>2</td><td>2</td>" in tab
        assert "✓ 1 assertion held" in tab
    assert "<span>the same on cpu, cpu:0</span>" in bar
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_the_report_has_a_row_for_each_device(build: Build, tmp_path: Path) -> None:
    config = PLAIN.replace("einsum-doc]", "einsum-doc: {device: cpu, json: results.json}]")
    built = build(
        {"index": block("import torch\ntorch.ones(3)\nassert True", DEVICE.format("cpu,cpu:0"))}, config=config
    )
    assert built.status == 0, built.console
    rows = re.findall(r"<tr><td.*?</tr>", built.page("report"))
    assert [re.findall(r"<td>(1|CPU[^<]*)</td>", row) for row in rows] == [["1", "CPU"], ["1", "CPU (cpu:0)"]]
    [facts] = json.loads((tmp_path / "project/results.json").read_text())["pages"][0]["blocks"]
    assert (facts["on"], facts["assertions"]) == ("cpu", 1)
    assert [(other["on"], other["assertions"]) for other in facts["others"]] == [("cpu:0", 1)]
    assert not {"shown", "rows", "numbers", "markup"} & facts["others"][0].keys()


def test_without_anything_to_see_there_are_no_tabs(build: Build) -> None:
    built = build({"index": block("import torch\nassert True", DEVICE.format("cpu,cpu:0") + ' source="above"')})
    assert built.status == 0, built.console
    assert "tabbed" not in built.page()
    assert "<span>the same on cpu, cpu:0</span>" in built.page()


# What a block does, and what is said of it if it is not the same on both devices.
DIFFERENT = {
    "a tensor": ("torch.ones(3) + here * 1e-3", "3 of 3 numbers differ, the most by 0.001: 1 and 1.00100005"),
    "a large tensor": ("torch.ones(300, 300) * (1 + here * 1e-3)", "90,000 of 90,000 numbers differ"),
    "one of two": ("torch.ones(3), torch.ones(2) * (1 + here)", "2 of 5 numbers differ, the most by 1: 1 and 2"),
    "a shape": ("torch.ones(3 + here)", "the values have different shapes"),
    "not a number": (
        "torch.tensor([1.0, float('nan') if here else 2.0])",
        "1 of 2 numbers differ, the most by nan: 2 and nan",
    ),
    "what is printed": ("print('loss', 0.25 + here * 0.01)", "- loss 0.25\n  + loss 0.26"),
    "a value that is no tensor": ("int(here)", "- 0\n  + 1"),
    "an assertion": ("assert not here", "AssertionError: not here\n  on cpu:0"),
    "what is expected": (
        "print(0.25 + here)\n```\n\n```expected\n0.25",
        "OutputError: the output is not what is expected",
    ),
}
SAME = {
    "rounding": "torch.ones(3) + here * 1e-7",
    "a small one among large ones": "torch.tensor([1e6, here * 1e-3])",
    "none in the same place": "torch.tensor([float('nan'), float('inf'), 1.0])",
    "the last digit that is printed": "print(torch.tensor([0.12344, 0.12346][here]).item().__format__('.4f'))",
    "what says its device": "print(repr(torch.ones(2))[:-1] + (\", device='cuda:0')\" if here else ')'))",
    "nothing": "x = here",
}


def test_results_that_differ_are_a_failure(build: Build) -> None:
    pages = {
        name.replace(" ", "-"): block(SETUP) + block(code, DEVICE.format("cpu,cpu:0"))
        for name, (code, _) in DIFFERENT.items()
    }
    built = build(pages, "-q")
    assert built.status == 1
    for name, (_, said) in DIFFERENT.items():
        part = built.console.partition(f"docs/{name.replace(' ', '-')}.md:")[2].partition("\n\n")[0]
        assert said in part, name
        assert "on cpu:0" in part, name
    assert built.console.count("DeviceError: on cpu:0 the result is not what it is on cpu") == 7


def test_results_that_differ_within_tolerance_are_none(build: Build) -> None:
    page = block(SETUP) + "".join(block(code, DEVICE.format("cpu,cpu:0")) for code in SAME.values())
    page += block(DIFFERENT["a tensor"][0], DEVICE.format("cpu,cpu:0") + ' tolerance="1e-2"')
    built = build({"index": page})
    assert built.status == 0, built.console


def test_a_block_before_that_fails_there_fails(build: Build) -> None:
    page = block(SETUP + "assert not here") + block("1", DEVICE.format("cpu,cpu:0")) + block("2")
    built = build({"index": page}, "-q")
    assert built.status == 1
    assert "docs/index.md:4: AssertionError: not here\n  on cpu:0" in built.console


def test_one_device_is_that_of_its_block_alone(build: Build) -> None:
    page = block(SETUP + "assert not here")
    page += block("assert torch.get_default_device().index == 0\ny = torch.ones(1)", DEVICE.format("cpu:0"))
    page += block("assert torch.get_default_device().index is None\nassert y == 1")
    built = build({"index": page})
    assert built.status == 0, built.console
    assert "3 assertions held" not in built.console
    assert "4 assertions held" in built.console


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ('device="gpu"', 'device="gpu" is not understood\n  expected devices as PyTorch calls them, as in "cpu,cuda"'),
        ('device="cpu,cpu"', 'device="cpu,cpu" is not understood\n  expected each device once'),
        ('device="cpu" tolerance="1e-3"', "unknown option 'tolerance'\n  it belongs to an `expected` fence"),
        ('device="cpu,cuda" tolerance="much"', 'tolerance="much" is not understood'),
    ],
)
def test_an_option_that_cannot_be(build: Build, header: str, line: str) -> None:
    built = build({"index": block("1", f'python exec="on" {header}')}, "-q")
    assert built.status == 1
    assert line in built.console


def test_a_shell_has_no_device(build: Build) -> None:
    built = build({"index": block("true", 'bash exec="on" device="cpu"')}, "-q")
    assert "option 'device' does nothing for bash" in built.console


def test_both_runs_come_from_the_cache(build: Build, tmp_path: Path) -> None:
    page = {
        "index": block(SETUP + "open('data.txt').read() if here else None") + block("6 * 7", DEVICE.format("cpu,cpu:0"))
    }
    (tmp_path / "project").mkdir()
    (tmp_path / "project/data.txt").write_text("one")
    first, second = build(page), build(page)
    assert "1 page from the cache" in second.console
    assert second.page().count('<pre class="value">42</pre>') == first.page().count('<pre class="value">42</pre>') == 2
    (tmp_path / "project/data.txt").write_text("two")  # which only the run on the other device has read
    assert "from the cache" not in build(page).console


# ---- Where there is no GPU -----------------------------------------------------------------------------------

GPU_PAGE = {
    'python exec="on" source="above" device="cuda"': "print('said')\n6 * 7",
    'python exec="on" source="above" skip-if="no-gpu"': "x = 8",
    'python exec="on" source="above" device="cpu,cuda"': "import torch\ntorch.ones(1)",
}
GPU_RESULTS = [
    Result("held", output="said on the GPU\n", value="42", shown=(Shown("text", "42"),), on="cuda"),
    Result("held", output="a skipped one\n"),
    Result("held", on="cuda", shown=(Shown("html", "<i>on the GPU</i>"),), others=(Result("held", on="cpu"),)),
]
WHEN = 1_717_400_000.0  # 3 June 2024


def gpu_page(change: str = "6 * 7") -> dict[str, str]:
    return {"index": "".join(block(code, header) for header, code in GPU_PAGE.items()).replace("6 * 7", change)}


def record(folder: Path) -> None:
    """Record what a build with a GPU would."""
    blocks = []
    for number, (header, code) in enumerate(GPU_PAGE.items(), 1):
        options = dict(re.findall(r'([\w-]+)="([^"]*)"', header.replace("skip-if", "skip_if")))
        blocks.append(Block(Place("docs/index.md", number), number, "python", code, options))
    results = [replace(each, device="NVIDIA H100", torch="2.13.0", assertions=3) for each in GPU_RESULTS]
    records = Records(folder, lambda: "abc1234")
    assert records.completed("docs/index.md", blocks, results, WHEN) == results
    assert len(list(folder.iterdir())) == 3


CONFIG = PLAIN.replace("einsum-doc]", "{einsum-doc: {records: verified, allow_empty: true}}]")


def test_without_a_record_it_is_skipped(build: Build) -> None:
    built = build(gpu_page(), config=CONFIG)
    assert built.status == 0, built.console
    assert "3 blocks, 0 assertions held, 3 skipped (no GPU)" in built.console
    assert built.page().count("<b>– skipped</b><span>no GPU</span>") == 3
    assert "<span>3 skipped</span>" in built.page()


def test_what_held_on_a_gpu_is_shown_with_its_date(build: Build, tmp_path: Path) -> None:
    record(tmp_path / "project/verified")
    for built in (build(gpu_page(), config=CONFIG), build(gpu_page(), config=CONFIG)):  # the second from the cache
        assert built.status == 0, built.console
        assert (
            "3 blocks, 0 assertions held, 3 skipped (no GPU)" in built.console
        )  # nothing of it is counted as held now
        seen = text_of(built.page())
        assert "said on the GPU" in seen
        assert '<pre class="value">42</pre>' in built.page()
        assert "<i>on the GPU</i>" in built.page()
        stamp = ["<b>✓ verified on 3 June 2024</b>", "no GPU in this build", "NVIDIA H100", "commit abc1234"]
        assert built.page().count("</span><span>".join(stamp).replace("</b></span>", "</b>") + "</span>") == 3
        assert "<span>3 verified earlier on a GPU</span>" in built.page()
        assert "– skipped" not in built.page()
        told = re.findall(r"<td><b class=\"skipped\">(.*?)</td>", built.page("report"))
        assert told == ["✓ verified on 3 June 2024</b>: no GPU in this build"] * 3
        assert "<td>NVIDIA H100</td>" in built.page("report")


def test_a_record_of_other_code_is_not_shown(build: Build, tmp_path: Path) -> None:
    record(tmp_path / "project/verified")
    built = build(gpu_page("6 * 9"), config=CONFIG)
    assert built.status == 0, built.console
    assert "verified on 3 June" not in built.page()  # nor of the blocks after it


def test_a_record_that_was_edited_is_ignored_with_a_word(build: Build, tmp_path: Path) -> None:
    record(tmp_path / "project/verified")
    for path in (tmp_path / "project/verified").iterdir():
        path.write_text(path.read_text().replace("said on", "said by"))
    built = build(gpu_page(), config=CONFIG)
    assert built.status == 0, built.console
    assert "a record of what held on a GPU, is damaged, and ignored" in built.console
    assert "said by" not in built.page()


@pytest.mark.parametrize("how", ["option", "variable"])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_gpu_can_be_required(
    build: Build, tmp_path: Path, environment: dict[str, str], how: str, recorded: bool
) -> None:
    if recorded:
        record(tmp_path / "project/verified")
    config = CONFIG.replace("allow_empty", "require_gpu: true, allow_empty") if how == "option" else CONFIG
    if how == "variable":
        environment["EINSUM_DOC_REQUIRE_GPU"] = "1"
    try:
        built = build(gpu_page(), "-q", config=config)
    finally:
        environment.pop("EINSUM_DOC_REQUIRE_GPU", None)
    assert built.status == 1
    lines = re.findall(
        r"^docs/index\.md:\d+: DeviceError: the block needs cuda, which is not here$", built.console, re.M
    )
    assert len(lines) == 3


def test_records_of_blocks_that_have_changed_are_removed_where_there_is_a_gpu(tmp_path: Path) -> None:
    folder = tmp_path / "verified"
    record(folder)
    (folder / "docs-index-of-names-0123456789abcdef0123.json").write_text("of another page")
    before = {path.name for path in folder.iterdir()}
    changed = Block(Place("docs/index.md", 1), 1, "python", "1", {"exec": "on", "device": "cuda"})
    Records(folder).completed("docs/index.md", [changed], [Result("held", on="cuda")], WHEN + 1)
    after = {path.name for path in folder.iterdir()}
    assert len(after) == 2
    assert after & before == {"docs-index-of-names-0123456789abcdef0123.json"}


def test_a_later_result_takes_the_place_of_the_record(tmp_path: Path) -> None:
    asked = Block(Place("docs/index.md", 1), 1, "python", "1", {"exec": "on", "device": "cuda"})
    records = Records(tmp_path)
    for when, output in ((WHEN, "first"), (WHEN + 9, "second"), (WHEN, "from the cache")):
        records.completed("docs/index.md", [asked], [Result("held", output=output, on="cuda")], when)
    (shown,) = records.completed("docs/index.md", [asked], [Result("skipped", reason="no GPU")], WHEN + 99)
    assert (shown.output, shown.status, shown.when) == ("second", "skipped", WHEN + 9)


def test_what_failed_on_a_gpu_is_no_record(tmp_path: Path) -> None:
    asked = Block(Place("docs/index.md", 1), 1, "python", "1", {"exec": "on", "device": "cuda"})
    Records(tmp_path / "none").completed("docs/index.md", [asked], [Result("failed", on="cuda")], WHEN)
    assert not (tmp_path / "none").exists()


def test_a_differing_gpu_is_the_one_that_is_named() -> None:
    asked = Block(Place("docs/index.md", 7), 1, "python", "1", {"exec": "on", "device": "cpu,cuda"})
    cpu, cuda = Result("held", output="1.5\n", on="cpu"), Result("held", output="1.6\n", on="cuda")
    (result,) = combined([asked], [cpu], {"cuda": [cuda]})
    assert result.failure is not None
    assert str(result.failure) == (
        "docs/index.md:7: DeviceError: on cuda the result is not what it is on cpu\n  - 1.5\n  + 1.6"
    )
