"""matplotlib's figures become SVG that can be read on light pages and on dark ones; and values, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from ..conftest import SHOWN, Build, Built, NewProject

ROOT = Path(__file__).parents[3]


def block(code: str, header: str = 'python exec="on"') -> str:
    return f"Block.\n\n```{header}\n{code}\n```\n\n"


def figures(html: str) -> list[str]:
    return re.findall(r'<figure class="value" data-search-exclude>(<svg.*?</svg>)</figure>', html, re.S)


PLOT = """\
import matplotlib.pyplot as plt
plt.plot([1, 3, 2], label='$x_i$')
plt.title('A < B')
plt.ylabel('loss')
plt.legend()
"""

# What a block does, how many figures there are of it, and what else is shown.
DRAWN = {
    "a plot": (PLOT, 1, ""),
    "two figures": ("plt.plot([1])\nplt.figure()\nplt.plot([2])", 2, ""),
    "none left open": ("plt.plot([1])\nplt.close()", 0, ""),
    "shown": (PLOT + "plt.show()", 1, ""),
    "the figure as the value": ("fig, ax = plt.subplots()\nfig", 1, ""),
    "a figure that is closed": ("plt.close(fig)\nfig", 1, ""),
    "displayed, open and closed": (
        PLOT + "from IPython.display import display\ndisplay(plt.gcf())\nplt.close(fig)\ndisplay(fig)",
        2,
        "",
    ),
    "a figure without pyplot": ("from matplotlib.figure import Figure\nFigure()", 1, ""),
    "what hist returns": ("plt.hist([1, 2, 2])", 1, ""),
    "what boxplot returns": ("plt.boxplot([1, 2, 2])", 1, ""),
    "an array of axes": ("import numpy\nplt.subplots(2, 2)[1]", 1, ""),
    "a value that is no part of it": ("plt.plot([1])\n6 * 7", 1, '<pre class="value">42</pre>'),
    "in a console": (">>> _ = plt.plot([1])", 1, ""),
    "saved": (PLOT + "import io\nplt.savefig(io.BytesIO())", 0, ""),
    "saved, and the value": ("plt.figure().savefig(io.BytesIO())\nplt.gcf()", 1, ""),
    "what was expected": ("plt.plot([1])\nprint('said')", 1, '<pre class="expected">said</pre>'),
}


@pytest.fixture(scope="module")
def drawn(new_project: NewProject) -> tuple[dict[str, str], Built]:
    """Of each case, what is on the page of its block; built on a machine with a screen that no one can reach."""
    page = ""
    for name, (code, _, _) in DRAWN.items():
        page += block(code, f'{"pycon" if code.startswith(">") else "python"} exec="on"')
        page += "```expected\nsaid\n```\n\n" if "expected" in name else ""
    built = new_project({"index": page}).build(DISPLAY=":99", MPLBACKEND="module://of_an_editor")
    assert built.status == 0, built.console
    return dict(zip(DRAWN, built.page().split("<p>Block.</p>")[1:], strict=True)), built


@pytest.mark.parametrize("case", DRAWN)
def test_the_figures_that_a_block_leaves_open_are_shown(case: str, drawn: tuple[dict[str, str], Built]) -> None:
    part = drawn[0][case]
    _, number, also = DRAWN[case]
    assert len(figures(part)) == number
    assert also in part
    assert ('<pre class="value">' in part) is ('class="value"' in also)
    assert '<pre class="err">' not in part


def test_their_text_is_text_and_their_names_are_their_own(drawn: tuple[dict[str, str], Built]) -> None:
    parts, built = drawn
    (plot,) = figures(parts["a plot"])
    assert ">A &lt; B</text>" in plot
    assert 'role="img" aria-label="A &lt; B, loss"' in plot
    assert "<style" not in plot  # which would be that of the whole page
    assert "<metadata" not in plot
    ids = re.findall(r'\bid="([^"]+)"', built.page())
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#(v[^")]+)', plot)) <= set(ids)


@pytest.mark.slow
def test_a_build_draws_what_the_last_one_drew(build: Build) -> None:
    page = {"index": block(PLOT) + block("plt.scatter([1, 2], [3, 4])")}
    first, second = (figures(build(page, config=SHOWN.replace("values:", "cache: '', values:")).page()) for _ in "12")
    assert len(first) == 2
    assert first == second


# What an author chooses, and what is in the figure, or must not be.
CHOICES = {
    "defaults": ("", ["currentColor", "var(--label-1", "var(--paper"], ["#000000", "#ffffff", "#1c1b1a"]),
    "black and white": (
        "plt.axhline(2, color='k')\nplt.plot([2], 'o', mfc='w')",
        ["var(--paper"],
        ["#000000", "#ffffff"],
    ),
    "a colour": ("plt.plot([2], color='#123456')", ["#123456"], []),
    "an image": (
        "plt.imshow([[0, 1]])\nplt.text(0, 0, 'on it', color='k')\nplt.text(1, 0, 'on it', color='w')",
        ["fill: #000001", "fill: #fffffe"],
        [],
    ),
    "a white background": ("plt.gcf().set_facecolor('white')", ["currentColor", "var(--paper"], ["#ffffff"]),
    "a background": ("plt.gcf().set_facecolor('#eeeeee')", ["#eeeeee", "#1c1b1a", "#1257b5"], ["var(", "currentColor"]),
    "axes with a background": ("plt.gca().set_facecolor('black')", ["#ffffff", "#1c1b1a"], ["var(", "currentColor"]),
    "matplotlib's defaults": ("", ["currentColor", "var(--paper", "#1f77b4"], ["#000000", "#ffffff"]),
}


def test_a_figure_adapts_unless_it_brings_a_background(build: Build) -> None:
    page = ""
    for name, (code, _, _) in CHOICES.items():
        code = f"plt.plot([1, 3, 2], label='one')\nplt.legend()\n{code}\n"
        if name == "matplotlib's defaults":
            code = "plt.rcdefaults()\n" + code
        page += block(f"import matplotlib.pyplot as plt\n{code}")
    built = build({"index": page})
    assert built.status == 0, built.console
    for (name, (_, there, missing)), figure in zip(CHOICES.items(), figures(built.page()), strict=True):
        assert [text for text in there if text not in figure] == [], name
        assert [text for text in missing if text in figure] == [], name


def test_what_a_matplotlibrc_says_is_left_alone(build: Build) -> None:
    green = "figure.figsize: 2, 1\naxes.edgecolor: 00ff00\nbackend: agg\n"
    built = build({"index": block(PLOT)}, files={"matplotlibrc": green})
    assert built.status == 0, built.console
    (figure,) = figures(built.page())
    assert "stroke: #00ff00" in figure
    assert "currentColor" in figure
    assert float(re.search(r'width="([\d.]+)pt"', figure)[1]) < 200  # type: ignore[index]
    again = build({"index": block(PLOT)}, files={"matplotlibrc": "axes.edgecolor: 0000ff\n"})
    assert "stroke: #0000ff" in again.page()  # it is not taken from the cache


def test_a_figure_that_is_too_large_or_cannot_be_drawn(build: Build) -> None:
    large = "import matplotlib.pyplot as plt\nplt.plot(*zip(*[(i, i % 7) for i in range(20_000)]), 'o', ms=1)"
    built = build(
        {
            "large": block(large, 'python exec="on" output_limit="0.2"'),
            "bad": block("import matplotlib.pyplot as plt\nplt.title(r'$\\frac$')"),
        },
        "-q",
    )
    assert built.status == 1
    assert re.search(r"ShownError: values and figures take [\d.]+ MiB, and at most 0\.2 MiB are shown", built.console)
    assert "draw fewer points, or those with rasterized=True" in built.console
    assert re.search(r"docs/bad\.md:\d+: ValueError", built.console)


def test_a_block_that_raises_leaves_no_figure_to_the_next(build: Build) -> None:
    page = block(PLOT + "raise ValueError", 'python exec="on" raises="ValueError"') + block("1 + 1")
    built = build({"index": page})
    assert built.status == 0, built.console
    assert figures(built.page()) == []


VALUES = """\
# Values

Block.

```python exec="on" source="above"
import torch

torch.manual_seed(0)
torch.randn(8, 8)
```

```python exec="on"
torch.randn(64, 128, requires_grad=True)
```

```python exec="on" source="above"
import matplotlib.pyplot as plt

for n in range(5):
    plt.plot(range(1, 20), [1 / (s + n) for s in range(1, 20)], label=f"run {n}")
plt.axhline(0.5, color="k")
plt.xlabel("step")
plt.title("Loss")
plt.legend()
```

```python exec="on" source="above"
class Formula:
    def _repr_latex_(self):
        return "$x_{ij} y_j$"

Formula()
```

```python exec="on" source="tabbed-left"
torch.get_default_device().type
```
"""


@pytest.fixture(scope="module")
def address(new_project: NewProject, serve: Callable[[Path], str]) -> str:
    """A page of values that looks like the published ones."""
    whole = (ROOT / "mkdocs.yml").read_text()
    config = "".join(
        whole[whole.index(f"\n{part}:") :].partition("\n\n")[0] + "\n"
        for part in ("theme", "markdown_extensions", "plugins", "extra_css", "extra_javascript")
    )
    config = re.sub(r"\n +processes:\n( {8}\S.*\n)+", "\n", config)  # of pages that are not here
    project = new_project({"index": VALUES}, f"site_name: A site\n{config}")
    for name in ("node_modules", "docs/stylesheets", "docs/javascripts", "docs/overrides"):
        (project.folder / name).symlink_to(ROOT / name)
    built = project.build()
    assert built.status == 0, built.console
    return serve(built.site)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((360, "light"), marks=[pytest.mark.torch, pytest.mark.slow]),
        pytest.param((360, "dark"), marks=pytest.mark.torch),
        pytest.param((1440, "light"), marks=pytest.mark.torch),
        pytest.param((1440, "dark"), marks=[pytest.mark.torch, pytest.mark.slow]),
    ],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def seen(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    page.wait_for_function("document.querySelectorAll('.value mjx-container').length === 1")
    yield page
    context.close()


CONTRASTS = """(selector) => {
    const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
        const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = colour.slice(0, 3).map((c) => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = light(rgb(getComputedStyle(document.body).backgroundColor));
    return [...document.querySelectorAll(selector)].map((element) => {
        const style = getComputedStyle(element);
        const paint = element.matches("svg text") ? style.fill : element.matches("path") ? style.stroke : style.color;
        const own = light(rgb(paint));
        return (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05);
    });
}"""


def test_a_figure_can_be_read(seen: Page) -> None:
    text = seen.evaluate(CONTRASTS, ".value svg text")
    assert len(text) > 15
    assert min(text) > 4.5
    curves = seen.evaluate(CONTRASTS, ".value svg g[id*='line2d'] > path[clip-path]")
    assert len(curves) == 6
    assert min(curves) > 4.5
    sizes = seen.evaluate(
        "[...document.querySelectorAll('.value svg text')].map((text) => text.getBoundingClientRect().height)"
    )
    assert min(sizes) > 9


def test_a_tensor_can_be_read(seen: Page) -> None:
    assert min(seen.evaluate(CONTRASTS, ".matrix td, .tensor figcaption *")) > 4.5
    size = seen.evaluate("parseFloat(getComputedStyle(document.querySelector('.matrix td')).fontSize)")
    assert size >= 12
    # The numbers of a column end at one place, and so do their points.
    ends = seen.evaluate(
        """[...document.querySelectorAll(".matrix tr")].map((row) => [...row.cells].map((cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return range.getBoundingClientRect().right;
        }))"""
    )
    assert [len(row) for row in ends] == [8] * 8
    assert all(max(column) - min(column) < 0.5 for column in zip(*ends, strict=True))


def test_the_page_does_not_scroll_sideways_but_a_wide_matrix_does(seen: Page) -> None:
    width = seen.viewport_size["width"]  # type: ignore[index]
    assert seen.evaluate("document.documentElement.scrollWidth") <= width
    scrolls = "(e => e.scrollWidth > e.clientWidth)(document.querySelector('.tensor .entries'))"
    assert seen.evaluate(scrolls) is (width == 360)
    assert seen.locator(".tensor .entries").get_attribute("tabindex") == "0"


def test_all_of_it_can_be_selected(seen: Page) -> None:
    selected = seen.evaluate(
        """[".matrix", ".said .tensor", ".value svg"].map((selector) => {
            const selection = getSelection();
            selection.selectAllChildren(document.querySelector(selector));
            return selection.toString();
        })"""
    )
    matrix, summary, figure = selected
    assert len([float(number) for number in matrix.split()]) == 64
    assert re.fullmatch(
        r"tensor shape \(64, 128\) float32 cpu requires grad min -\S+ mean \S+ max \S+", " ".join(summary.split())
    )
    assert "Loss" in figure
    assert "step" in figure


def test_one_tab_is_seen_at_a_time(seen: Page) -> None:
    labels, blocks = seen.locator(".tabbed-labels label"), seen.locator(".tabbed-block")
    assert labels.all_inner_texts() == ["Source", "Result"]
    for chosen, said in ((1, "'cpu'"), (0, "get_default_device")):
        labels.nth(chosen).click()
        assert [block.is_visible() for block in blocks.all()] == [chosen == 0, chosen == 1]
        assert said in blocks.nth(chosen).inner_text()


def test_axe_finds_nothing_serious(seen: Page) -> None:
    seen.add_script_tag(path=ROOT / "node_modules/axe-core/axe.min.js")
    found = seen.evaluate("axe.run('.md-content', { resultTypes: ['violations'] })")["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
