"""The published site as a reader has it: built by the real mkdocs, served from this machine, in a browser."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from playwright.sync_api import Browser, ConsoleMessage, Page

import einsum_doc

ROOT = Path(__file__).parent.parent
SCREENSHOTS = ROOT / "build" / "screenshots"
POSTS = sorted(path.stem for path in (ROOT / "docs" / "posts").glob("*.md"))
POST = "posts/einsum/"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

TYPESET = """() => [...document.querySelectorAll(".arithmatex")]
    .every((formula) => formula.querySelector("mjx-container"))"""


slow = pytest.mark.slow
EVERY_LOOK = pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (360, "dark"),
        *(pytest.param(*look, marks=slow) for look in [(360, "light"), (1440, "light"), (1440, "dark")]),
    ],
)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The site, built by the first worker of pytest-xdist that needs it."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    folder, done = shared / "published", shared / "published.done"
    with (shared / "published.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            build = subprocess.run(
                [sys.executable, "-m", "mkdocs", "build", "-q", "-d", str(folder)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert build.returncode == 0, build.stdout + build.stderr
            done.touch()
    return folder


@pytest.fixture(scope="session")
def address(site: Path, serve: Callable[[Path], str]) -> str:
    return serve(site)


@pytest.mark.parametrize("name", POSTS)
def test_a_post_says_what_it_is(name: str, site: Path) -> None:
    _, head, text = (ROOT / "docs" / "posts" / f"{name}.md").read_text("utf-8").split("---\n", 2)
    front = yaml.safe_load(head)
    assert set(front) == {"title", "description", "date", "categories", "tags"}
    assert f"# {front['title']}\n" in text
    html = (site / "posts" / name / "index.html").read_text("utf-8")
    assert f"<title>{front['title']} - Gradients for backpropagation</title>" in html


@pytest.mark.parametrize("name", POSTS)
def test_a_post_and_its_series_link_to_each_other(name: str, site: Path) -> None:
    assert f'href="posts/{name}/">' in (site / "index.html").read_text("utf-8").split("<article", 1)[1]
    post = (site / "posts" / name / "index.html").read_text("utf-8").split("<article", 1)[1]
    assert '<p class="kicker" data-search-exclude=""><a href="../../">Gradients for backpropagation</a></p>' in post


@pytest.mark.parametrize("name", POSTS)
def test_each_checked_step_of_a_post_states_its_reason(name: str, site: Path) -> None:
    html = (site / "posts" / name / "index.html").read_text("utf-8")
    assert len(re.findall(r'<div class="why">[^<]*.*?<span class="mark"', html)) > 5
    assert re.findall(r'.{200}<div class="why"><span class="mark"', html, re.S) == []


@dataclass
class View:
    """An open page, and everything that was said and asked for while it opened."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def open(self, url: str) -> View:
        def hear(message: ConsoleMessage) -> None:
            self.said.append(f"{message.type}: {message.text}")

        self.page.on("console", hear)
        self.page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("requestfailed", lambda request: self.missed.append(f"{request.url}: {request.failure}"))
        self.page.on(
            "response",
            lambda response: response.ok or self.missed.append(f"{response.url}: {response.status}"),
        )
        self.page.goto(url)
        self.page.wait_for_function(TYPESET)
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate("document.fonts.ready")
        return self


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((360, "light"), marks=slow),
        (360, "dark"),
        (1440, "light"),
        pytest.param((1440, "dark"), marks=slow),
    ],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def post(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[View]:
    """The einsum post, on a phone and on a wide screen, on paper and on slate."""
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    view = View(context.new_page()).open(address + POST)
    yield view
    context.close()


@pytest.fixture(scope="module")
def desk(browser: Browser, address: str) -> Iterator[View]:
    """The einsum post, to be used."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce", has_touch=True)
    yield View(context.new_page()).open(address + POST)
    context.close()


def test_every_formula_is_typeset(post: View) -> None:
    formulas = post.page.locator(".arithmatex").count()
    bad = "mjx-merror, [data-mjx-error], merror"
    errors = post.page.locator(f".arithmatex:has({bad})").all_inner_texts()
    assert errors == []
    assert post.page.locator(".arithmatex:has(mjx-container)").count() == formulas
    assert formulas > 10


def test_the_console_is_silent(post: View) -> None:
    assert post.said == []


def test_no_request_leaves_the_machine_and_none_fails(post: View) -> None:
    assert {urlsplit(url).hostname for url in post.asked} == {"127.0.0.1"}
    assert post.missed == []


def test_the_page_does_not_scroll_sideways(post: View) -> None:
    width = post.page.viewport_size["width"]
    assert post.page.evaluate("document.documentElement.scrollWidth") <= width
    past = """(width) => [...document.querySelectorAll(".md-content__inner > *")]
        .filter((element) => element.getBoundingClientRect().right > width + 1)
        .map((element) => element.outerHTML.slice(0, 80))"""
    assert post.page.evaluate(past, width) == []
    beyond = """() => [...document.querySelectorAll(".einsum > :not(.derivation)")]
        .filter((part) => part.getBoundingClientRect().right > part.parentElement.getBoundingClientRect().right + 1)
        .map((part) => part.className)"""
    assert post.page.evaluate(beyond) == []


def test_the_relations_of_a_derivation_stand_under_one_another(post: View) -> None:
    spread = """() => [...document.querySelectorAll(".derivation")].map((derivation) => {
        const at = [...derivation.querySelectorAll("mjx-math .relation")].map((x) => x.getBoundingClientRect().x);
        return Math.max(...at) - Math.min(...at);
    })"""
    spreads = post.page.evaluate(spread)
    assert len(spreads) >= 2
    if post.page.viewport_size["width"] >= 960:  # on a phone, long derivations have no room for it
        assert max(spreads) < 1
    else:
        assert min(spreads) < 1


@slow
def test_the_other_posts_and_the_reference_hold_on_a_phone(browser: Browser, site: Path, address: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800}, reduced_motion="reduce")
    wrong = {}
    for path in [*site.glob("posts/*/index.html"), *site.glob("reference/*/index.html")]:
        name = path.parent.relative_to(site).as_posix()
        view = View(context.new_page()).open(f"{address}{name}/")
        errors = view.page.locator("mjx-merror, [data-mjx-error]").all_inner_texts()
        width = view.page.evaluate("document.documentElement.scrollWidth")
        hosts = {urlsplit(url).hostname for url in view.asked} - {"127.0.0.1"}
        wrong[name] = [*errors, *view.said, *view.missed, *hosts, *([f"{width} px wide"] if width > 360 else [])]
        view.page.close()
    context.close()
    assert len(wrong) >= 8
    assert {name: what for name, what in wrong.items() if what} == {}


def test_axe_finds_nothing_serious(post: View) -> None:
    post.page.add_script_tag(path=AXE)
    found = post.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    serious = [
        (violation["id"], node["html"][:200], node["failureSummary"])
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert serious == []


@slow
def test_a_picture_of_it_is_kept(post: View) -> None:
    size = post.page.viewport_size["width"]
    scheme = "dark" if post.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    picture = SCREENSHOTS / f"einsum-{size}-{scheme}.png"
    post.page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 50_000


def point_at_nothing(page: Page) -> None:
    page.mouse.move(0, 0)
    page.locator("h1").hover()


def lit(page: Page) -> set[str]:
    return set(page.eval_on_selector_all(".lit", "(lit) => lit.map((label) => label.dataset.ix)"))


def test_pointing_at_a_label_lights_all_its_copies(desk: View) -> None:
    page = desk.page
    copies = page.locator(".ix[data-ix=j]").count()
    in_formula, in_code = page.locator("mjx-math .ix[data-ix=j]"), page.locator("code .ix[data-ix=j]")
    assert copies == page.locator(".lit").count() + copies > 2
    for point in (
        in_formula.first.hover,
        in_code.first.hover,
        page.locator("code .ix[data-ix=j][tabindex]").focus,
        in_formula.last.tap,
    ):
        point_at_nothing(page)
        assert lit(page) == set()
        point()
        assert lit(page) == {"j"}
        assert page.locator(".lit").count() == copies


def test_a_label_has_one_colour_everywhere(desk: View) -> None:
    colours = """() => {
        const seen = {};
        for (const label of document.querySelectorAll(".md-content :not(mjx-assistive-mml *).ix")) {
            (seen[label.dataset.ix[0]] ??= new Set()).add(getComputedStyle(label).color);
        }
        return Object.values(seen).map((set) => [...set]);
    }"""
    point_at_nothing(desk.page)
    first_five = desk.page.evaluate(colours)[:5]
    assert [len(colours) for colours in first_five] == [1] * 5
    assert len({colours[0] for colours in first_five}) == 5


def test_a_continued_derivation_is_summed_by_its_first_left_side(desk: View) -> None:
    summed = """() => [...document.querySelector(".derivation").children].map((step) =>
        [...new Set([...step.querySelectorAll(".formula mjx-math .ix-dummy")].map((x) => x.dataset.ix))].join(""))"""
    assert desk.page.evaluate(summed) == ["i", "jkp", "jkpi", "jkpi", "jkp", "kp", "p"]


def test_search_finds_the_post(desk: View) -> None:
    desk.page.locator(".md-search__input").click()
    desk.page.keyboard.type("Kronecker")
    found = desk.page.locator(".md-search-result__link[href*='posts/einsum/']").first
    found.wait_for()
    desk.page.wait_for_load_state("networkidle")
    desk.page.screenshot(path=SCREENSHOTS / "search.png")
    desk.page.keyboard.press("Escape")


def test_what_a_search_has_found_is_typeset(desk: View) -> None:
    page = desk.page
    page.locator(".md-search__input").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("x_{ij}")  # is marked where it was found, inside of formulas
    # Each key makes the results anew, and while they are scrolled to, more are added: what is found is asked for
    # as a whole until it holds, since an element of it may be gone by the next question.
    page.wait_for_function(
        r"""() => {
            const found = document.querySelector(
                ".md-search-result__link[href*='matrix-inverse/'][href$='#the-derivative']");
            found?.scrollIntoView();
            return found?.querySelector("mjx-container") && !/\\[()[\]]|_\{/.test(found.innerText);
        }""",
    )
    assert page.locator(".md-search-result :is(mjx-merror, [data-mjx-error])").count() == 0
    page.keyboard.press("Escape")


@EVERY_LOOK
def test_the_report_is_a_page_like_the_others(width: int, scheme: str, browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address + POST)
    page.locator(".stamp a").click()
    page.wait_for_load_state("networkidle")
    assert page.url == f"{address}report/#docs/posts/einsum.md"
    assert page.locator(":target").inner_text() == "Einsum: deriving the gradient for the backward pass"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert [violation["id"] for violation in found if violation["impact"] in ("serious", "critical")] == []
    context.close()


def test_without_javascript_the_page_can_be_read(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + POST)
    for part in (".stamp", ".derivation .formula", ".derivation .why", ".run", ".run .bar"):
        assert page.locator(part).first.is_visible(), part
    assert r"\frac{\partial l}" in page.locator(".derivation .formula").nth(1).inner_text()
    context.close()


@EVERY_LOOK
def test_the_reference_has_every_public_name(browser: Browser, address: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address + "reference/library/#einsum_doc.hvp")
    page.wait_for_function("document.getElementById('einsum_doc.hvp').getBoundingClientRect().top < 200")
    for name in einsum_doc.__all__:
        heading = page.locator(f"[id='einsum_doc.{name}']")
        assert heading.inner_text().removesuffix("¶") == name
        # Its signature, and an example, stand before the next name; above them may stand where it is used.
        parts = heading.evaluate("""(heading) => {
            const parts = [];
            for (let next = heading.nextElementSibling; next && !/^H[23]$/.test(next.tagName);) {
                if (!next.matches(".used")) parts.push(next.innerText);
                next = next.nextElementSibling;
            }
            return parts;
        }""")
        assert name in parts[0]
        assert any(part.lstrip().startswith(">>>") for part in parts[1:])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert [violation["id"] for violation in found if violation["impact"] in ("serious", "critical")] == []
    context.close()


# What is a label, and what is summed: a formula, its labels in order, and those with a dotted rule.
LABELS = {
    "product": (r"\[ z_{ij} = x_{ik} y_{kj} \]", "i j i k k j", "k k"),
    "explicit sum": (r"\[ z_i = \sum_j x_{ij} \]", "i j i j", "j j"),
    "primes": (r"\[ \frac{\partial x_i}{\partial x_{i'}} = \delta_{ii'} \]", "i i' i i'", ""),
    "primes are labels": (r"\[ y_{i'p} = \delta_{ii'} y_{ip} \]", "i' p i i' i p", "i i"),
    "two primes": (r"\[ x_{i'} = \delta_{i'i''} x_{i''} \]", "i' i' i'' i''", "i'' i''"),
    "trace": (r"\[ z = x_{ii} \]", "i i", "i i"),
    "no relation": (r"\[ x_{ik} y_{kj} \]", "i k k j", ""),
    "not equal": (r"\[ z_i \neq x_{ij} y_j \]", "i i j j", "j j"),
    "not an equality": (r"\[ x_{i} \to y_{k} \]", "i k", ""),
    "nothing on its left": (r"\[ = x_{ik} y_{k} \]", "i k k", ""),
    "two statements": (r"\[ a_i = b_{ij}, \quad c_j = d_{ji} \]", "i i j j j i", "j i"),
    "two relations": (r"\[ a_i = b_{ij} c_j = d_i \]", "i i j j i", "j j"),
    "aligned": (r"\[ \begin{aligned} a_i &= b_{ij} \\ &= c_{ik} \end{aligned} \]", "i i j i k", "j k"),
    "a sum on the left": (r"\[ x_{ij} y_{jk} = \delta_{ik} \]", "i j j k i k", "j j"),
    "an explicit sum on the left": (r"\[ \sum_i p_i = 1 \]", "i i", "i i"),
    "a product on the left": (r"\[ s_i (1 - s_i) = s_i - s_i^2 \]", "i i i i", ""),
    "nothing is left": (r"\[ 0 = x_{ij} y_{jk} \]", "i j j k", "j j"),
    "to nothing": (r"\[ x_{ij} y_{jk} = 0 \]", "i j j k", "j j"),
    "a sum of terms on the left": (r"\[ a_i + b_{ij} c_j = d_i \]", "i i j j i", "j j"),
    "numbered": (r"\[ z_{i_1} = x_{i_1 i_2} \]", "i1 i1 i2", "i2"),
    "words": (r"\[ x_{\text{max}} = y_\mathrm{in} + w_\mathrm{T} \]", "", ""),
    "functions and powers": (r"\[ \log_b x^k = \sin_i 2 \]", "", ""),
    "bare letters": (r"\[ k(k - 1) = m x \]", "", ""),
    "in prose": (r"\( x_{ij} \) \( i \) \( i, j' \) \( i = i' \) \( x \)", "i j i i j' i i'", ""),
    "a loss is no label": (r"\( \partial l / \partial x_{il} \) \( l \)", "i l", ""),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_are_found_in_formulas(case: str, desk: View) -> None:
    source, labels, summed = LABELS[case]
    page = desk.page
    found = page.evaluate(
        """async (source) => {
            document.querySelector("#case")?.remove();
            const place = document.createElement("div");
            place.id = "case";
            place.innerHTML = source.replace(/(\\\\[[(].*?\\\\[\\])])/g, '<span class="arithmatex">$1</span>');
            document.querySelector(".md-content__inner").append(place);
            await MathJax.typesetPromise([place]);
            const keys = (selector) => [...place.querySelectorAll(`mjx-math ${selector}`)]
                .map((label) => label.dataset.ix.replaceAll("\\u2032", "'")).join(" ");
            return [keys(".ix"), keys(".ix-dummy")];
        }""",
        source,
    )
    assert found == [labels, summed]
