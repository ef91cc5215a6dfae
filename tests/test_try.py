"""The page `try/` in a browser: it gives what Python gives, to readers of all kinds, and nothing leaves the machine."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from docs.gallery.entries import PAGES, read
from einsum_doc.interactive import answer
from tests.test_published_site import AXE, address, site  # noqa: F401  (fixtures)

ROOT = Path(__file__).parent.parent
START = 60_000
"""The most milliseconds in which Python starts in the browser, where much else runs."""

WORKER = """(questions) => new Promise((resolve, reject) => {
    const worker = new Worker("../javascripts/try-worker.mjs", { type: "module" });
    const answers = [];
    worker.onerror = (fault) => reject(fault.message);
    worker.onmessage = ({ data }) => {
        if (data.answer !== undefined) answers.push(data.answer);
        if (answers.length === questions.length) resolve(answers);
        if (data.ready) questions.forEach((question, id) => worker.postMessage({ id, question }));
    };
})"""
"""Ask the worker of the page."""

ABSURD = [
    "<img src=x onerror=alert(1)>->i",
    "i,<b>j</b>->ij",
    r"\require{html}\href{javascript:alert(1)}{x}->i",
    ",".join(["abcdefghijklmnop"] * 60) + "->a",
    "i" * 10_000 + "->i",
    "i\u202ej,jk->ik",
    "",
    "->",
    ",,,,->",
    "…->i",
    "ij,jk->ik->ij",
    "\0i->i",
]

FALSE = [
    r"y_i &= x_{ij} w_j \\ y_i &= x_{ji} w_j",
    r"s &= x_i x_i \\ \frac{\partial s}{\partial x_k} &= x_k",
    r"<script>alert(1)</script> &= x_i",
    r"\href{javascript:alert(1)}{x} &= 1",
    "x" * 10_000,
    r"x_i &= " + "(" * 500 + "x_i" + ")" * 500,
]


FROM_THE_BEGINNING = ("/einsum_doc.zip", "/python_stdlib.zip")
"""What is asked for only where Python cannot start from the memory that the build has prepared."""


def of_text(answer: str) -> object:
    """Return an answer without its pictures, whose places are rounded otherwise on other machines."""
    return json.loads(re.sub(r"<svg.*?</svg>", "", answer))


def equations() -> list[str]:
    """Those of the gallery, random ones, and some that are wrong."""
    found = [entry.equation for page in PAGES for entry in read(page)[1]]
    rng = random.Random(0)
    while len(found) < 190:
        labels = "ijkp"[: rng.randint(1, 4)]
        operands = ["".join(rng.choices(labels, k=rng.randint(0, 3))) for _ in range(rng.randint(1, 3))]
        output = "".join(rng.sample(labels, rng.randint(0, len(labels))))
        found.append(f"{','.join(operands)}->{output}")
    return [*found, *ABSURD]


def derivations() -> list[str]:
    """Texts that hold and texts that do not."""
    published = json.loads((ROOT / "tests/derivations/published.json").read_text("utf-8"))
    short = sorted(published, key=lambda case: len(case["literal"]))[:15]
    return [case["added"] + case[kind] for case in short for kind in ("literal", "false_variant")] + FALSE


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(START)
    page.goto(f"{address}try/")
    yield page
    context.close()


def status(page: Page, text: str, part: str = "try") -> None:
    """Wait until the page says this."""
    expect(page.locator(f"#{part}-status")).to_contain_text(text, timeout=START)


def test_what_is_typed_is_derived_and_proved(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    assert page.locator("#try-result .derivation").count() == 2  # made by the build, until Python is there
    page.fill("#try-einsum", "ij,jk->ik")
    status(page, "ij,jk->ik: 2 gradients, 16 lines, 16 proved for all sizes.")
    result = page.locator("#try-result")
    assert result.locator(".mark.proved").count() == 16
    assert result.locator("mjx-container").count() > 20
    assert result.locator("mjx-merror, [data-mjx-error]").count() == 0
    assert page.url.endswith("try/?einsum=ij%2Cjk-%3Eik")
    page.fill("#try-einsum", "ij,j1->i")
    status(page, "stray character")
    assert page.inner_text("#try-error").split("\n")[1:3] == ["  ij,j1->i", "      ^"]
    assert page.get_attribute("#try-einsum", "aria-invalid") == "true"
    page.fill("#try-einsum", "ij,jk->ik")
    page.fill("#try-names", "W_q x")
    status(page, r"write W_{\text{q}}")
    fields = [page.get_attribute(f"#try-{field}", "aria-invalid") for field in ("einsum", "names", "sizes")]
    assert fields == ["false", "true", "false"]
    assert page.locator("#try-names ~ #try-error").is_visible()
    assert result.evaluate("result => result.inert")  # it is of what was typed before
    page.select_option("#try-example", label="Attention scores")
    status(page, "btd,bsd->bts: 2 gradients")
    assert page.input_value("#try-names") == "Q K"
    page.fill("#try-einsum", "td,sd->ts")
    assert page.locator("#try-example option:checked").inner_text() == "one of your own"
    button = page.locator("#try-own button")
    paint = "button => [button, document.body].map(part => getComputedStyle(part).backgroundColor)"
    assert len({"rgba(0, 0, 0, 0)", *button.evaluate(paint)}) == 3  # it is seen before it is pressed
    button.click()
    status(page, "1 definition; 2 lines", "try-own")
    assert page.locator("#try-own-result .derivation .step").count() == 3
    assert page.locator("#try-own-result .step.false").get_by_text("component j=").is_visible()
    assert faults == []
    assert not [url for url in asked if urlsplit(url).path.endswith(FROM_THE_BEGINNING)]
    assert {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} == {"127.0.0.1"}


@pytest.mark.slow
def test_the_browser_answers_as_python_does(page: Page) -> None:
    questions = [json.dumps({"einsum": text}) for text in equations()]
    questions += [json.dumps({"einsum": "ijk,ip->jkp", "also": also}) for also in ("tangent", "second", "numbers")]
    questions += [json.dumps({"derivation": text}) for text in derivations()]
    assert len(questions) > 230
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    answers = page.evaluate(WORKER, questions)
    assert any(path.endswith("/einsum_doc.snapshot") for path in asked)
    assert not [path for path in asked if path.endswith(FROM_THE_BEGINNING)]
    differ = [each for each, found in zip(questions, answers, strict=True) if of_text(found) != of_text(answer(each))]
    assert differ == []


@pytest.mark.slow
def test_what_is_typed_is_data(page: Page) -> None:
    """No tag that is typed becomes one, and nothing that is typed runs."""
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: said.append(str(error)))
    for text in ABSURD:
        page.fill("#try-einsum", text)
        page.fill("#try-names", "<b> <img/src=x>")
        page.wait_for_function("!document.querySelector('#try-result').hasAttribute('aria-busy')")
    for text in FALSE:
        page.fill("#try-derivation", text)
        page.click("#try-own button")
        page.wait_for_function("!document.querySelector('#try-own-result').hasAttribute('aria-busy')")
    assert (
        page.locator("#try-result img, #try-result script, #try-own-result script, #try-own-result a[href]").count()
        == 0
    )
    assert said == []


@pytest.mark.slow
def test_an_answer_that_takes_too_long_is_given_up(page: Page) -> None:
    status(page, "Ready")
    page.evaluate("window.PYTHON_LIMIT = 1")
    page.fill("#try-einsum", "abc,bcd,cde,def->abf")
    status(page, "takes longer")
    page.evaluate("window.PYTHON_LIMIT = undefined")
    page.fill("#try-einsum", "ij->i")
    status(page, "ij->i: 1 gradient")


@pytest.mark.slow
@pytest.mark.parametrize("taken", ["refused", "not there", "of another Python"])
def test_without_the_memory_of_the_build_python_starts_from_the_beginning(
    taken: str,
    browser: Browser,
    address: str,  # noqa: F811
) -> None:
    context = browser.new_context()
    faults: list[str] = []
    context.on("weberror", lambda fault: faults.append(str(fault.error)))
    answers = {"not there": {"status": 404}, "of another Python": {"body": gzip.compress(bytes(64))}}
    context.route(
        "**/einsum_doc.snapshot*", lambda route: route.fulfill(**answers[taken]) if taken in answers else route.abort()
    )
    page = context.new_page()
    page.goto(f"{address}try/?einsum=ij%2Cjk-%3Eik")
    status(page, "ij,jk->ik: 2 gradients, 16 lines, 16 proved for all sizes.")
    assert faults == []
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_for_every_reader(width: int, scheme: str, browser: Browser, address: str) -> None:  # noqa: F811
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(START)
    page.goto(f"{address}try/?einsum=bhtd%2Cbhsd-%3Ebhts")
    status(page, "bhtd,bhsd->bhts: 2 gradients")
    assert page.get_by_role("heading", name="The gradient of").count() == 2
    page.click("#try-own button")
    status(page, "1 false", "try-own")
    page.fill("#try-names", "query")
    status(page, "is no name")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa'] })")
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]] == []
    page.focus("#try-einsum")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "try-example"
    context.close()


def test_without_javascript_it_says_what_to_do(browser: Browser, address: str) -> None:  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}try/")
    assert "pip install einsum-doc" in page.inner_text("article")
    assert page.locator("#try").is_hidden()
    context.close()


def test_every_operation_of_the_gallery_can_be_selected(site: Path) -> None:  # noqa: F811
    html = (site / "try" / "index.html").read_text("utf-8")
    [select] = re.findall(r'<select id="try-example">.*?</select>', html, re.DOTALL)
    for title, entries in map(read, PAGES):
        [group] = re.findall(rf'<optgroup label="{title}">(.*?)</optgroup>', select)
        assert re.findall(r">([^<]+)</option>", group) == [entry.name for entry in entries]


def test_an_exercise_opens_with_its_beginning(page: Page, site: Path) -> None:  # noqa: F811
    html = (site / "posts" / "einsum" / "index.html").read_text("utf-8")
    assert html.count('<a class="try" href="../../try/?exercise=einsum-') >= 3
    assert '<a class="try" href="../../try/?einsum=ijk%2Cip-%3Ejkp"' in html
    page.goto(f"{page.url.split('?')[0]}?exercise=einsum-2")
    rows = page.locator("#try-derivation")
    expect(rows).to_have_value(re.compile("^z.*&= $", re.DOTALL), timeout=START)
    expect(rows).to_be_focused()
    status(page, "Exercise 2 of the post einsum", "try-own")
    text = rows.input_value()
    rows.fill(text + r"\frac{\partial l}{\partial z_{i'j'}} \, y_{i'j'}")
    page.click("#try-own button")
    status(page, "1 line, 1 proved for all sizes.", "try-own")


def test_no_file_is_that_of_another_build(page: Page, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.syspath_prepend(ROOT / "docs" / "hooks")
    trying = import_module("trying")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    status(page, "Ready")
    versions = {Path(urlsplit(url).path).name: urlsplit(url).query for url in asked}
    own = ["try.mjs", "try-worker.mjs", "einsum_doc.snapshot"]
    assert [versions[name] for name in own] == [trying.version()] * 3
    monkeypatch.setattr(trying, "PURE", trying.PURE[1:])
    assert trying.version() != versions["try.mjs"]


def test_what_is_not_there_is_asked_for() -> None:
    assert "nothing to check" in json.loads(answer('{"derivation": " "}'))["error"]
