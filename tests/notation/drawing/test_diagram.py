"""Tensor-network pictures: what is drawn, that nothing touches a label, and what is said of them."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

from einsum_doc import Equation, EquationError, OperandError, gradient, parse
from einsum_doc.equation import ELLIPSIS
from einsum_doc.notation.drawing.diagram import _network, _shown, _width, diagram
from einsum_doc.notation.drawing.layout import HEIGHT, LETTER, Box, layout

ROOT = Path(__file__).parents[3]
SVG = "{http://www.w3.org/2000/svg}"
CASES = json.loads((ROOT / "tests" / "cases" / "einsum_cases.json").read_text(encoding="utf-8"))
VALID = sorted({case["equation"] for case in CASES if case["valid"]})


class Picture:
    """A diagram, read back from its SVG."""

    def __init__(self, equation: Equation | str, wrt: int | None = None, **names: object) -> None:
        self.svg = diagram(equation, wrt=wrt, **names)  # type: ignore[arg-type]
        self.root = ElementTree.fromstring(self.svg)
        self.labels = [
            (text.text or "", self._box(text))
            for text in self.root.iter(SVG + "text")
            if {"ix", "ellipsis"} & set(text.get("class", "").split())
        ]
        self.circles = [
            (complex(float(circle.get("cx", "")), float(circle.get("cy", ""))), float(circle.get("r", "")))
            for circle in self.root.iter(SVG + "circle")
        ]

    @staticmethod
    def _box(text: ElementTree.Element) -> Box:
        x, baseline = float(text.get("x", "")), float(text.get("y", ""))
        return Box(complex(x, baseline + 0.29 * LETTER - HEIGHT / 2), _width(text.text or ""), HEIGHT)

    def classed(self, tag: str, *names: str) -> list[ElementTree.Element]:
        return [own for own in self.root.iter(SVG + tag) if {*names} <= set(own.get("class", "").split())]

    @property
    def words(self) -> str:
        title, desc = self.root[:2]
        return f"{title.text} {desc.text}"

    @property
    def names(self) -> list[str]:
        return ["".join(text.itertext()) for text in self.classed("text", "name")]

    def legs(self, label: str) -> list[ElementTree.Element]:
        name = "ellipsis" if label == ELLIPSIS else f"ix-{label}"
        return [leg for group in self.classed("g", name) for leg in group if leg.get("class") == "leg"]

    def dots(self, label: str) -> int:
        return sum(own.get("class") == "dot" for group in self.classed("g", f"ix-{label}") for own in group)

    def touching(self) -> Iterator[str]:
        """Every label that touches something it must not."""
        _, _, width, height = map(float, self.root.get("viewBox", "").split())
        for (one, box), (other, second) in combinations(self.labels, 2):
            if box.meets(second):
                yield f"labels {one} and {other}"
        for label, box in self.labels:
            if any(box.meets_circle(centre, radius) for centre, radius in self.circles):
                yield f"label {label} and a node or a dot"
            left, top = box.centre.real - box.width / 2, box.centre.imag - box.height / 2
            if left < 0 or top < 0 or left + box.width > width or top + box.height > height:
                yield f"label {label} and the border"


def legs_through_labels(equation: Equation, wrt: int | None = None) -> list[str]:
    shown, nodes, *_ = _shown(equation, wrt, None, "z", "l")
    placed = layout(_network(shown, nodes))
    points = [leg.at(k / 500)[0] for leg in placed.legs for k in range(501)]
    return [label for label, box in placed.captions if any(box.meets_circle(point, 0.1) for point in points)]


letters = st.sampled_from("abcdefgh")
terms = st.tuples(st.lists(letters, max_size=4), st.integers(0, 12)).map(
    lambda drawn: (*drawn[0][: drawn[1]], ELLIPSIS, *drawn[0][drawn[1] :]) if drawn[1] < 4 else tuple(drawn[0])
)
equations = st.builds(Equation, st.lists(terms, min_size=1, max_size=6).map(tuple), terms)


# ---- No label touches anything ---------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(equations)
def test_no_label_touches_anything(equation: Equation) -> None:
    assert not list(Picture(equation).touching())


@pytest.mark.parametrize("equation", VALID)
def test_no_label_touches_anything_nor_is_crossed_in_the_cases(equation: str) -> None:
    for wrt in (None, *range(len(parse(equation).operands))):
        assert not list(Picture(equation, wrt).touching())
        assert not legs_through_labels(parse(equation), wrt)


@pytest.mark.parametrize(
    "equation",
    [
        "ab,ac,ad,ae,bc,bd,be,cd,ce,de->",
        "abcd,abcd,abcd,abcd,abcd,abcd->abcd",
        "MW,WM,MWж->MMWWж",
        "abcdefghijkl->lkjihgfedcba",
    ],
)
def test_no_label_touches_anything_where_it_is_crowded(equation: str) -> None:
    assert not list(Picture(equation).touching())


# ---- What is drawn -----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(equations, st.integers(-1, 5))
def test_every_label_stands_at_every_open_end_or_once(equation: Equation, number: int) -> None:
    wrt = number if 0 <= number < len(equation.operands) else None
    shown = equation if wrt is None else gradient(equation, wrt)
    wanted = {label.replace(ELLIPSIS, "…"): max(1, shown.output.count(label)) for label in shown.labels}
    picture = Picture(equation, wrt)
    assert Counter(label for label, _ in picture.labels) == wanted
    for label in shown.labels:
        assert picture.legs(label)
        assert all(("stroke-dasharray" in leg.attrib) == (label not in shown.output) for leg in picture.legs(label))
    assert all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", picture.words) for name in wanted)


@pytest.mark.parametrize(
    ("equation", "label", "legs", "dots", "texts"),
    [
        ("ik,kj->ij", "k", 1, 0, 1),  # joined and summed
        ("ik,kj->ij", "i", 1, 0, 1),  # free
        ("ij->i", "j", 1, 1, 1),  # summed alone: ends in a dot
        ("ii->", "i", 1, 0, 1),  # a trace: a loop
        ("ii->i", "i", 3, 1, 1),  # a diagonal: two legs and an open one
        ("i->ii", "i", 3, 1, 2),  # a diagonal written: forks
        ("i->ij", "j", 1, 0, 1),  # broadcast: a leg of the one-tensor
        ("->ii", "i", 3, 1, 2),
        ("bij,bjk->bik", "b", 3, 1, 1),  # batch
        ("ir,jr,kr->ijk", "r", 3, 1, 1),  # three operands
        ("ir,jr,kr->ijkr", "r", 4, 1, 1),
        ("iii->", "i", 3, 1, 1),
        ("...i->...", "...", 1, 0, 1),
    ],
)
def test_how_a_label_is_drawn(equation: str, label: str, legs: int, dots: int, texts: int) -> None:
    picture = Picture(equation)
    assert len(picture.legs(label)) == legs
    assert picture.dots(label) == dots
    assert [own for own, _ in picture.labels].count(label.replace(ELLIPSIS, "…")) == texts


def test_parallel_legs_are_bowed_apart() -> None:
    paths = [leg.get("d", "") for label in "abc" for leg in Picture("abc,abc->").legs(label)]
    assert len(set(paths)) == 3
    assert ["C" in path for path in paths] == [True, False, True]


@pytest.mark.parametrize(
    ("equation", "wrt", "names"),
    [
        ("ik,kj->ij", None, ["x", "y"]),
        ("ik,kj->ij", 0, ["∂l", "∂z", "y"]),
        ("ik,kj->ij", 1, ["∂l", "∂z", "x"]),
        ("ij,jk,kl->il", 1, ["∂l", "∂z", "x", "w"]),
        ("ij->i", 0, ["∂l", "∂z", "1"]),
        ("i->ij", None, ["x", "1"]),
        ("", None, ["x"]),
        (",,", None, ["x", "y", "w"]),
    ],
)
def test_nodes(equation: str, wrt: int | None, names: list[str]) -> None:
    assert Picture(equation, wrt).names == names


def test_a_gradient_is_the_network_of_its_equation() -> None:
    picture = Picture("ijk,ip->jkp", 0)
    assert {label: len(picture.legs(label)) for label in "ijkp"} == dict.fromkeys("ijkp", 1)
    dotted = {label for label in "ijkp" if "stroke-dasharray" in picture.legs(label)[0].attrib}
    assert dotted == {"p"}


def test_names_of_the_author() -> None:
    picture = Picture("ik,kj->ij", names=["W_1", "<&>"], output="h_{10}")
    assert picture.names == ["W1", "<&>"]
    assert [tspan.text for tspan in picture.root.iter(SVG + "tspan")] == ["1"]
    assert Picture("ik,kj->ij", 0, names=["W_1", "b"], output="h_{10}").names == ["∂l", "∂h10", "b"]
    assert Picture("ik,kj->ij", 1, names=[r"\theta_{12}", r"\mathbf{W}"], output=r"\bar{h}", loss="E").names == [
        "∂E",
        "∂h\u0304",
        "θ12",
    ]
    assert "W has the legs" in Picture("ik,kj->ij", names=[r"\theta", r"\mathbf{W}"]).words
    wide = Picture("ik,kj->ij", names=["weights", "b"])
    assert wide.circles[0][1] > wide.circles[1][1]
    assert not list(wide.touching())


def test_an_open_leg_of_a_dot_does_not_run_into_the_next_dot() -> None:
    dots = [centre for centre, radius in Picture("bij,bij->bij").circles if radius < 5]
    assert len(dots) == 3
    assert min(abs(one - other) for one, other in combinations(dots, 2)) >= 46


def test_a_chain_is_a_level_line_that_reads_like_the_equation() -> None:
    picture = Picture("ij,jk,kl,lm->im")
    centres = [centre for centre, _ in picture.circles]
    assert len({centre.imag for centre in centres}) == 1
    assert [centre.real for centre in centres] == sorted(centre.real for centre in centres)
    assert [label for label, _ in sorted(picture.labels, key=lambda entry: entry[1].centre.real)] == [*"ijklm"]


def test_open_legs_of_an_operand_stand_in_the_order_of_the_output() -> None:
    picture = Picture("abcd->dbca")
    assert [label for label, _ in sorted(picture.labels, key=lambda entry: entry[1].centre.real)] == [*"dbca"]


def test_a_ring_is_regular_and_a_star_is_level() -> None:
    ring = [centre for centre, _ in Picture("ab,bc,cd,da->").circles]
    sides = [abs(one - other) for one, other in zip(ring, ring[1:] + ring[:1], strict=True)]
    assert max(sides) - min(sides) < 1
    star = [centre for centre, _ in Picture("abc,ia,jb,kc->ijk").circles]
    assert abs(star[1].imag - star[3].imag) < 1
    assert star[1].real < star[2].real < star[3].real


def test_twelve_operands() -> None:
    chain = ",".join(one + other for one, other in zip("abcdefghijkl", "bcdefghijklm", strict=True))
    shared = ",".join(["abcdefgh"] * 12)
    for equation in (f"{chain}->am", ",".join("abcdefghijkl"), ",".join(["ab", "bc", "ca"] * 4), "," * 11, shared):
        picture = Picture(equation)
        assert len(picture.names) == 12
        assert not list(picture.touching())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"equation": "ij,j$"}, EquationError, "stray character '$'"),
        ({"equation": "ij,jk", "wrt": 2}, OperandError, "there is no operand 2"),
        ({"equation": "ij,jk", "names": ["x"]}, OperandError, "1 name for 2 operands: x"),
        ({"equation": "ij,jk", "names": []}, OperandError, "0 names for 2 operands"),
    ],
)
def test_what_is_refused(call: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        diagram(**call)  # type: ignore[arg-type]


# ---- In words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equation", "wrt", "words"),
    [
        ("ii->", None, "x has the legs i, i. Summed: i. The output z has no legs."),
        ("ij->i", None, "x has the legs i, j. Summed: j. The output z has the leg i."),
        ("i->ij", None, "x has the leg i; 1 has the leg j. The output z has the legs i, j."),
        ("i->ii", None, "x has the leg i. The output z has the legs i, i."),
        ("bij,bjk->bik", None, "x has the legs b, i, j; y has the legs b, j, k. Summed: j."),
        ("...i->...", None, "x has the legs …, i. Summed: i. The output z has the leg …."),
        (",i->i", None, "x has no legs; y has the leg i."),
        (
            "ik,kj->ij",
            0,
            "Tensor network of ij,kj->ik, the gradient of x in ik,kj->ij. ∂l/∂z has the legs i, j; "
            "y has the legs k, j. Summed: j. The output ∂l/∂x has the legs i, k.",
        ),
    ],
)
def test_words(equation: str, wrt: int | None, words: str) -> None:
    picture = Picture(equation, wrt)
    assert words in picture.words
    assert [own.tag for own in picture.root[:2]] == [SVG + "title", SVG + "desc"]
    assert picture.root.get("role") == "img"


def test_the_names_are_in_the_words() -> None:
    words = Picture("ik,kj->ij", 0, names=["A", "B"], output="C").words
    assert all(name in words for name in ("gradient of A", "B has", "∂l/∂C has"))


# ---- The same everywhere, legible everywhere -----------------------------------------------------------


def test_the_same_equation_is_always_drawn_the_same() -> None:
    program = (
        "from einsum_doc.notation.drawing.diagram import diagram\n"
        "print(diagram('abhe,hidj,jgba,hiab,gab->deij'), diagram('bij,bjk->bik', wrt=1))"
    )
    seeds = ("0", "1")
    drawn = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in seeds
    }
    assert len(drawn) == 1


def test_coordinates_are_rounded() -> None:
    numbers = re.findall(r"\d+\.(\d+)", re.sub(r"<style>.*</style>", "", diagram("abhe,hidj,jgba,hiab,gab->deij")))
    assert numbers
    assert max(map(len, numbers)) == 1
    assert "-0 " not in diagram("abc,ia,jb,kc->ijk")


def test_no_colour_is_fixed() -> None:
    for equation in ("bij,bjk->bik", "ii->", "ij->i"):
        svg = diagram(equation)
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", svg)
        assert set(re.findall(r'(?:fill|stroke|color)="([^"]*)"', svg)) <= {"none", "currentColor"}


def test_colours_and_light_come_from_the_page(browser: Browser) -> None:
    css = (ROOT / "docs" / "stylesheets" / "site.css").read_text(encoding="utf-8")
    script = (ROOT / "docs" / "javascripts" / "labels.js").read_text(encoding="utf-8")
    ask = """(selector) => {
        const { stroke, fill, strokeWidth } = getComputedStyle(document.querySelector(selector));
        return [stroke, fill, strokeWidth];
    }"""
    colours = {}
    page = browser.new_page()
    for scheme in ("paper", "slate"):
        body = f'<body data-md-color-scheme="{scheme}"><div class="md-content md-typeset">{diagram("ik,kj->ij")}</div>'
        page.set_content(f"<!doctype html><style>{css}</style>{body}<script>{script}</script>")
        leg, text = page.evaluate(ask, ".ix-i .leg"), page.evaluate(ask, "text.ix-i")
        node = page.evaluate(ask, "circle.node")
        assert leg[0] == text[1] != node[0]
        colours[scheme] = (leg[0], node[0])
        page.hover("text.ix-i")
        assert page.evaluate(ask, ".ix-i .leg")[2] == "3px"
        assert page.evaluate(ask, ".ix-k .leg")[2] != "3px"
        # Between two dots of a dotted leg there is still the leg.
        box = page.locator(".ix-k .leg").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2 + 1.5, box["y"] + box["height"] / 2 + 3)
        assert page.evaluate(ask, ".ix-k .leg")[2] == "3px"
    assert colours["paper"] == ("rgb(18, 87, 181)", "rgb(28, 27, 26)")
    assert colours["slate"] == ("rgb(111, 177, 255)", "rgb(230, 227, 220)")
    # Alone, in the scheme of who looks at it.
    picture = diagram("ik,kj->ij")
    for preferred, ink in (("light", "rgb(0, 0, 0)"), ("dark", "rgb(255, 255, 255)")):
        page.emulate_media(color_scheme=preferred)  # type: ignore[arg-type]
        page.goto("data:image/svg+xml;charset=utf-8," + quote(picture))
        assert page.evaluate(ask, ".leg")[0] == ink
    page.close()
