"""The published site as a reader has it: built by the real mkdocs, served from this machine, in a browser."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from playwright.sync_api import Browser, ConsoleMessage, Page

import einsum_doc

ROOT = Path(__file__).parent.parent
SCREENSHOTS = ROOT / "build" / "screenshots"
POSTS = sorted(path.stem for path in (ROOT / "docs" / "posts").glob("*.md"))
POST = "posts/einsum/"
ADDRESS = os.environ.get("SITE_URL", "http://127.0.0.1:8000/")
"""Where the site will be, for what has to say so."""
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

VALIDATOR = ROOT / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
# The rules of the standard, without those of style, of style sheets, and of accessibility, which axe has.
STYLE = """attribute-boolean-style doctype-style element-case long-title no-inline-style no-trailing-whitespace
    prefer-native-element presentation-role-style void-style wcag/h32"""
RULES: dict[str, object] = dict.fromkeys(STYLE.split(), "off")
RULES |= {"valid-id": ["error", {"relaxed": True}], "element-name": ["error", {"pattern": "^mjx-[A-Za-z-]+$"}]}
THE_THEMES_OWN = {
    ("attribute-allowed-values", 'Attribute "tabindex" has invalid value ""'),
    ("valid-autocomplete", 'autocomplete attribute cannot be used on <input type="checkbox">'),
}

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
    assert set(front) == {"title", "description", "date", "checked", "categories", "tags"}
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
    assert len(re.findall(r'<div class="why">[^<]*.*?<details class="mark', html)) > 5
    assert re.findall(r'.{200}<div class="why"><details class="mark', html, re.S) == []


@pytest.mark.parametrize("name", POSTS)
def test_each_display_formula_of_a_post_has_held(name: str, site: Path) -> None:
    html = (site / "posts" / name / "index.html").read_text("utf-8")
    source = (ROOT / "docs" / "posts" / f"{name}.md").read_text("utf-8")
    assert html.count('<div class="checked display held"') == source.count("\n$$\n") // 2
    assert html.count("checked display") == html.count("checked display held")


@pytest.mark.parametrize("name", POSTS)
def test_a_post_tells_search_engines_and_friends_what_it_is(name: str, site: Path) -> None:
    html = (site / "posts" / name / "index.html").read_text("utf-8")
    address = f"{ADDRESS}posts/{name}/"
    said = dict(re.findall(r'<meta property="([\w:]+)" content="([^"]*)">', html))
    assert f'<link rel="canonical" href="{address}">' in html
    assert said["og:url"] == address
    assert said["og:type"] == "article"
    assert said["og:title"] in html.split("<h1", 1)[1]
    assert said["og:description"]
    card = site / said["og:image"].removeprefix(ADDRESS)
    assert card.read_bytes()[16:24] == struct.pack(">II", 1200, 630)
    assert f"<loc>{address}</loc>" in (site / "sitemap.xml").read_text("utf-8")
    assert re.search(r'<p class="byline" data-search-exclude>Part \d of \d · \d+ minutes · <time', html)


@pytest.mark.parametrize("name", POSTS)
def test_a_download_says_what_it_needs(name: str, site: Path) -> None:
    program = (site / "posts" / name / f"{name}.py").read_text("utf-8")
    assert re.search(r"^# It held with: pip install einsum_doc( matplotlib==[\d.]+)? torch==[\d.]+$", program, re.M)


@slow
@pytest.mark.parametrize("name", POSTS)
def test_a_download_runs_as_it_is(name: str, site: Path, tmp_path: Path) -> None:
    program = shutil.copy(site / "posts" / name / f"{name}.py", tmp_path)
    run = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_post_links_the_names_of_the_library_to_their_entries(site: Path) -> None:
    reference = (site / "reference" / "library" / "index.html").read_text("utf-8")
    imported = 0
    for name in POSTS:
        html = (site / "posts" / name / "index.html").read_text("utf-8")
        imports = "".join(re.findall(r">einsum_doc<.*?>import<.*", html))
        named = re.findall(r'(<a [^>]*>)?<span class="n">(\w+)<', imports)
        imported += len(named)
        named += re.findall(r"(<a [^>]*>)?<code>(?:einsum_doc\.)?(\w+)</code>", html)
        for link, each in named:
            if each in einsum_doc.__all__:
                assert link == f'<a href="../../reference/library/#einsum_doc.{each}">'
                assert f'id="einsum_doc.{each}"' in reference
    assert imported > 5


def test_the_feed_has_every_post_with_its_formulas(site: Path) -> None:
    feed = ElementTree.parse(site / "feed.xml").getroot()
    atom = "{http://www.w3.org/2005/Atom}"
    entries = {entry.findtext(f"{atom}title"): entry for entry in feed.findall(f"{atom}entry")}
    assert len(entries) == len(POSTS)
    for entry in entries.values():
        content = entry.findtext(f"{atom}content") or ""
        assert content.count("<math") > 20
        assert "mjx-" not in content
        assert entry.findtext(f"{atom}updated") >= entry.findtext(f"{atom}published")


def test_the_archive_lists_every_post_by_date_and_by_tag(site: Path) -> None:
    archive = (site / "archive" / "index.html").read_text("utf-8").split("<article", 1)[1]
    assert all(archive.count(f'href="../posts/{name}/"') >= 2 for name in POSTS)
    assert 'id="tag:einsum"' in archive


@slow
def test_every_page_is_valid_html(site: Path, tmp_path: Path) -> None:
    """But for what the theme does; no page adds to that."""
    settings = tmp_path / "rules.json"
    settings.write_text(json.dumps({"root": True, "extends": ["html-validate:standard"], "rules": RULES}))
    node = Path(sys.executable).with_name("node")
    pages = [str(page) for page in site.rglob("*.html")]
    found = tmp_path / "found.json"
    command = [node, VALIDATOR, "--config", settings, "--formatter", "json", *pages]
    with found.open("w") as file:  # of what it writes into a pipe, it drops the end
        subprocess.run(command, stdout=file, check=False)
    wrong = [(page["filePath"], fault) for page in json.loads(found.read_text()) for fault in page["messages"]]
    assert len(pages) > 25
    assert {(fault["ruleId"], fault["message"]) for _, fault in wrong} >= THE_THEMES_OWN  # it has read the pages
    assert [
        f"{name}:{fault['line']}: {fault['message']}"
        for name, fault in wrong
        if (fault["ruleId"], fault["message"]) not in THE_THEMES_OWN
    ] == []


def test_the_gallery_leads_to_each_of_its_entries(site: Path) -> None:
    overview = (site / "gallery" / "index.html").read_text("utf-8")
    addresses = re.findall(r'<li data-words="[^"]+"><a href="([\w-]+/)#([\w-]+)"><svg', overview)
    assert len(set(addresses)) == len(addresses) >= 40
    for folder in {folder for folder, _ in addresses}:
        html = (site / "gallery" / folder / "index.html").read_text("utf-8")
        assert len(html) < 400_000
        *entries, compared = re.split(r'<h2 [^>]*\bid="', html)[1:]
        assert [entry.split('"')[0] for entry in entries] == [a for f, a in addresses if f == folder]
        assert re.search(r"(\d+) einsums agree with other code\.", compared)[1] == str(len(entries))
        for entry in entries:
            parts = ("As an einsum", "<mjx-container", "As loops", 'class="network"', 'class="gradient"', "In PyTorch,")
            assert [part for part in parts if part not in entry] == []


def test_a_missing_page_leads_on(site: Path) -> None:
    page = (site / "404.html").read_text("utf-8")
    assert 'archive/">All posts</a>' in page


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
    if request.param == (1440, "light"):
        yield request.getfixturevalue("desk")
        return
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
    assert {urlsplit(url).hostname for url in post.asked if not url.startswith("data:")} == {"127.0.0.1"}
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
    spread = """() => {
        const folds = [...document.querySelectorAll("details:not(.mark):not([open])")];
        folds.forEach((each) => { each.open = true; });
        const spreads = [...document.querySelectorAll(".derivation")].map((derivation) => {
            const at = [...derivation.querySelectorAll("mjx-math .relation")].map((x) => x.getBoundingClientRect().x);
            return Math.max(...at) - Math.min(...at);
        });
        folds.forEach((each) => { each.open = false; });
        return spreads;
    }"""
    spreads = post.page.evaluate(spread)
    assert len(spreads) >= 8
    if post.page.viewport_size["width"] >= 960:  # on a phone, long derivations have no room for it
        assert max(spreads) < 1
    else:
        assert min(spreads) < 1


# 1.6 Mbit/s, and a processor that takes four times as long.
SLOW_LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 100_000}
SHIFTS = """new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifted = (window.shifted ?? 0) + entry.value;
}).observe({ type: "layout-shift", buffered: true })"""


@slow
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1440, "light")])
def test_every_page_holds(width: int, scheme: str, browser: Browser, site: Path, address: str) -> None:
    """On a phone with a slow line, nothing moves while a page comes."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    wrong = {}
    for path in site.rglob("index.html"):
        name = path.parent.relative_to(site).as_posix()
        page = context.new_page()
        page.add_init_script(SHIFTS)
        chrome = context.new_cdp_session(page)
        if width < 400 and name != "try":  # which loads Python after it is there
            chrome.send("Network.enable")
            chrome.send("Network.emulateNetworkConditions", SLOW_LINE)
            chrome.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        view = View(page).open(f"{address}{name}/")
        shifted = page.evaluate("window.shifted ?? 0")
        chrome.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        errors = page.locator("mjx-merror, [data-mjx-error]").all_inner_texts()
        wide = page.evaluate("document.documentElement.scrollWidth")
        hosts = {urlsplit(url).hostname for url in view.asked if not url.startswith("data:")} - {"127.0.0.1"}
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        wrong[name] = [*errors, *view.said, *view.missed, *hosts, *([f"{wide} px wide"] if wide > width else [])]
        wrong[name] += [f"moved by {shifted:.2f}"] if shifted >= 0.1 else []
        wrong[name] += [f"{each['id']}: {each['nodes'][0]['html'][:100]}" for each in found]
        page.close()
    context.close()
    assert len(wrong) >= 25
    assert {name: what for name, what in wrong.items() if what} == {}


# A first visit, in bytes: text as gzip sends it, fonts as they are.
BUDGET = 280_000


def compressed(page: Path) -> int:
    return len(gzip.compress(page.read_bytes()))


@pytest.mark.parametrize("name", [None, *(pytest.param(name, marks=slow) for name in POSTS)])
def test_a_first_visit_of_a_post_transfers_little(name: str | None, browser: Browser, site: Path, address: str) -> None:
    """By default, that of the largest post, which transfers most: besides HTML, posts differ by a font or two."""
    name = name or max(POSTS, key=lambda name: compressed(site / "posts" / name / "index.html"))
    context = browser.new_context(viewport={"width": 360, "height": 800})
    view = View(context.new_page()).open(f"{address}posts/{name}/")
    context.close()
    sizes = {}
    for url in set(view.asked):
        if url.startswith("data:"):
            continue
        path = site / urlsplit(url).path.lstrip("/")
        path = path / "index.html" if path.is_dir() else path
        sizes[url] = path.stat().st_size if path.suffix in (".woff2", ".png") else compressed(path)
    assert len(sizes) > 10
    assert sum(sizes.values()) <= BUDGET, sizes


def test_formulas_are_in_the_html_of_every_page(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = re.sub(r"<(code|pre|script|svg|textarea)\b.*?</\1>", "", path.read_text("utf-8"), flags=re.DOTALL)
        tex = re.findall(r"\\\(.{20}|\\\[.{20}|\\frac.{20}", re.sub("<[^>]*>", "", text))
        assert tex == [], path


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
    page.locator(".md-content h1").hover()


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
        page.locator("mjx-math .ix[data-ix=j]:visible").last.tap,
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
    summed = """() => [...document.querySelector("#the-derivation ~ .checked .derivation").children].map((step) =>
        [...new Set([...step.querySelectorAll(".formula mjx-math .ix-dummy")].map((x) => x.dataset.ix))].join(""))"""
    assert desk.page.evaluate(summed) == ["i", "jkp", "jkpi", "jkpi", "jkp", "kp", "p"]


def test_on_paper_reasons_are_not_covered_and_no_last_row_is_alone(desk: View) -> None:
    page = desk.page
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # the theme opens what can be opened
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    details = page.locator(".mark > span, .bar > span, .md-code__nav, .headerlink, .downloads")
    assert details.count() > 100
    assert details.evaluate_all("(all) => all.filter((each) => each.getClientRects().length)") == []
    assert page.locator(".why").last.is_visible()
    broken = """() => [...document.querySelectorAll(".derivation > .step:last-child, .checked > .bar")]
        .filter((row) => getComputedStyle(row).breakBefore !== "avoid").length"""
    assert page.evaluate(broken) == 0
    assert page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="screen", color_scheme="light")
    page.reload()


def test_search_finds_the_post(desk: View) -> None:
    desk.page.locator(".md-search__input").click()
    desk.page.keyboard.type("Kronecker")
    found = desk.page.locator(".md-search-result__link[href*='posts/einsum/']").first
    found.wait_for()
    desk.page.wait_for_load_state("networkidle")
    desk.page.screenshot(path=SCREENSHOTS / "search.png")
    desk.page.keyboard.press("Escape")


def test_a_search_finds_a_formula_and_shows_no_tex(desk: View) -> None:
    page = desk.page
    page.locator(".md-search__input").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("yrixij")
    page.wait_for_function(
        """() => document.querySelector(
            ".md-search-result__link[href*='matrix-inverse/'][href$='#the-derivative']")?.innerText.includes("yrixij")""",
    )
    assert not re.search(r"\\\\[()[\]]|_\{", page.locator(".md-search-result__list").inner_text())
    page.keyboard.press("Escape")


def test_the_gallery_is_filtered_by_words_and_by_einsums(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 900}, reduced_motion="reduce")
    page.goto(f"{address}gallery/", wait_until="networkidle")
    names, said = page.locator(".gallery li:visible a > span"), page.locator(".filter [aria-live]")
    count = names.count()
    assert said.inner_text() == f"{count} operations"
    page.get_by_label("Find an operation").focus()
    for typed, first, others in (
        ("  Trace of a PRODUCT", "Trace of a product", {"Expectation by a density matrix"}),
        ("torch.bmm", "Batched matrix product", {"Attention output"}),
        ("ab, bc -> ac", "Matrix product", {"Second term of a commutator"}),
        ("pq,qr→pr product", "Matrix product", {"Second term of a commutator"}),
        ("xyz,ty", "Mode product", set()),
    ):
        page.keyboard.press("Control+A")
        page.keyboard.type(typed)
        found = names.all_inner_texts()
        assert (found[0], set(found[1:]) >= others) == (first, True), (typed, found)
        assert said.inner_text() == f"{len(found)} of {count} operations"
        assert page.locator("h2:has(+ .gallery):visible").count() == page.locator(".gallery:visible").count() < 8
    page.keyboard.press("Control+A")
    page.keyboard.type("matmul, batched")
    for key in ("Tab", "Tab", "Tab", "Enter"):  # past the two links of a heading
        page.keyboard.press(key)
    page.wait_for_url("**/gallery/products/#batched-matmul")
    assert page.locator(":target").inner_text().startswith("Batched matrix product")
    page.go_back(wait_until="networkidle")
    page.get_by_label("Find an operation").fill("no such thing")
    assert said.inner_text() == "No operation matches."
    assert page.locator(":is(.gallery, h2:has(+ .gallery)):visible").count() == 0
    page.get_by_label("Find an operation").fill("")
    assert names.count() == count
    page.close()


def found(page: Page, words: str) -> list[str]:
    """The addresses that a search finds first, as it shows them."""
    field, said = page.locator(".md-search__input"), page.locator(".md-search-result__meta")
    field.click()
    for text in ("", words):
        field.fill(text)
        field.press("Shift")  # the theme reads what is typed when a key is released
        is_empty = "([said, empty]) => (said.innerText === 'Type to start searching') === empty"
        page.wait_for_function(is_empty, arg=[said.element_handle(), not text])
    links = page.locator(".md-search-result__link")
    addresses = links.evaluate_all("(links) => links.map((link) => link.pathname.slice(1) + link.hash)")
    page.keyboard.press("Escape")
    return list(addresses)


_OTHERWISE = ["ijk,ip->jkp", "->ijk", "jkp, ip -> ijk", '"jkp,ip->ijk"']


@pytest.mark.parametrize(
    "typed", ["jkp,ip->ijk", "ip->ijk", *(pytest.param(each, marks=pytest.mark.slow) for each in _OTHERWISE)]
)
def test_search_keeps_an_einsum_whole(typed: str, desk: View, site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    equation = typed.replace(" ", "").strip('"').replace(">", "&gt;")
    with_it = {each["location"].split("#")[0] for each in index["docs"] if equation in each["text"]}
    assert "posts/einsum/" in with_it
    assert {address.split("#")[0] for address in found(desk.page, typed)} == with_it
    assert "Missing" not in desk.page.locator(".md-search-result__list").inner_text()


def test_search_finds_no_other_einsum_of_the_same_letters(desk: View) -> None:
    assert found(desk.page, "jkp,ip") != []
    assert found(desk.page, "jkp,ip->kij") == []


def test_search_finds_an_operation_of_the_gallery(desk: View) -> None:
    first, *_ = (address for address in found(desk.page, "Khatri–Rao product") if "#" in address)
    assert first == "gallery/tensors/#khatri-rao"


def test_search_finds_what_a_reader_calls_an_option(desk: View) -> None:
    first, *_ = (address for address in found(desk.page, "skip a block") if "#" in address)
    assert first == "reference/fences/#skip-if"


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


def test_heads_of_columns_and_numbers_of_lines_are_level(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    uneven = """(rows) => rows.filter((row) => new Set([...row.children].map((cell) => {
        const [walker, text] = [document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), document.createRange()];
        do walker.nextNode(); while (!walker.currentNode.data.trim());
        text.selectNodeContents(walker.currentNode);
        return Math.round(text.getBoundingClientRect().y);
    })).size > 1).length"""
    for name, rows in (("reference/languages/", "article thead tr"), ("reference/fences/", ".highlighttable tr")):
        page.goto(address + name)
        assert page.locator(rows).count() > 0
        assert page.locator(rows).evaluate_all(uneven) == 0
    page.close()


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("name", [POST, "404.html"])
def test_a_link_leads_the_keyboard_into_the_article(width: int, name: str, browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page.goto(address + name, wait_until="networkidle")  # Scripts that are still to run could move the focus.
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to content"
    assert skip.evaluate("(link) => getComputedStyle(link).opacity") == "1"
    assert skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator("article :focus").count() == 1
    page.close()


def test_without_javascript_the_page_can_be_read(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + POST)
    for part in (".stamp", ".derivation .formula", ".derivation .why", ".run", ".run .bar"):
        assert page.locator(part).first.is_visible(), part
        assert page.locator(f"{part} .arithmatex").count() == page.locator(f"{part} mjx-container").count()
    assert (
        page.locator("mjx-math .ix-i").first.evaluate("(label) => getComputedStyle(label).color") == "rgb(18, 87, 181)"
    )
    page.goto(f"{address}gallery/")
    assert page.locator(".gallery a:visible").count() >= 40
    assert not page.locator(".filter").is_visible()
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
