"""Which names of the library the pages use: in the report, in the JSON, and on the pages that explain them."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from ..conftest import PLAIN, Build, Built, NewProject, Project, text_of

CONFIG = PLAIN.replace(
    "einsum-doc]", "einsum-doc: {device: cpu, stderr: true, library: [library], json: results.json}]"
)
LIBRARY = """\
from library import shapes as geometry
from library.shapes import Shape, ShapeError, area, halved, scaled, sides, used_within, wrong

__all__ = ["Shape", "ShapeError", "area", "halved", "later", "scaled", "sides", "unused", "used_within", "wrong"]


def unused():
    pass


def __getattr__(name):
    if name != "later":
        raise AttributeError(name)
    from library.late import later

    return later
"""
SHAPES = """\
class ShapeError(Exception):
    pass


class Shape:
    kind = "square"


def used_within():
    return 4


def sides():
    return used_within()


def area(side=1):
    return side * side


def halved(side):
    return side / 2


def scaled(side):
    return 2 * side


def wrong():
    raise ShapeError
"""

# The code of a page, and the names of the library that it uses.
USES: dict[str, tuple[str, str]] = {
    "from": ("from library import area\nassert area(2) == 4", "area"),
    "as": ("from library import area as a\nassert a(2) == 4", "area"),
    "module": ("import library\nassert library.area(2) == 4", "area"),
    "module as": ("import library as l\nassert l.area(2) == 4", "area"),
    "submodule": ("import library.shapes\nassert library.shapes.area(2) == 4", "area"),
    "from its home": ("from library.shapes import area\nassert area(2) == 4", "area"),
    "home": ("from library import shapes\nassert shapes.area(2) == 4", "area"),
    "star": ("from library import *\nassert area(2) == 4", "area"),
    "late": ("import library\nassert library.later() == 1", "later"),
    "what it calls itself": ("from library import sides\nassert sides() == 4", "sides"),
    "handed on": ("from library import area\nassert list(map(area, [1, 2])) == [1, 4]", "area"),
    "in a function": ("from library import area\ndef twice():\n    return 2 * area()\nassert twice() == 2", "area"),
    "another block": ("from library import area\n```\n\n```python exec='on'\nassert area() == 1", "area"),
    "in a console": ("x = 1\n```\n\n```pycon exec='on'\n>>> from library import area\n>>> area()\n1", "area"),
    "class": ("from library import Shape\nassert Shape().kind == 'square'", "Shape"),
    "attribute": ("from library import Shape\nassert Shape.kind == 'square'", "Shape"),
    "error": (
        "from library import ShapeError, wrong\ntry:\n    wrong()\nexcept ShapeError:\n    x = 1\nassert x",
        "ShapeError wrong",
    ),
    "base": ("from library import Shape\nclass Square(Shape):\n    pass\nassert Square.kind", "Shape"),
    "pattern": (
        "from library import Shape, area\nmatch area(2):\n    case Shape():\n        x = 1\n    case 4 if area(1):\n"
        "        x = 2\nassert x == 2",
        "Shape area",
    ),
    "decorator": (
        "from library import scaled\n@lambda make: scaled(make())\ndef two():\n    return 1\nassert two == 2",
        "scaled",
    ),
    "annotation": (
        "from __future__ import annotations\nfrom library import Shape\ndef f(x: Shape) -> Shape:\n    y: Shape = x\n"
        "    return y\nassert f.__annotations__ == {'x': 'Shape', 'return': 'Shape'}",
        "Shape",
    ),
    "never called": ("from library import area\ndef f():\n    return area()\nassert f", "area"),
    "not reached": ("from library import area\nif not True:\n    area()\nassert True", "area"),
    "of a module's own name": ("import library\nassert library.geometry.area(2) == 4", "area"),
    "what cannot be read": (
        "from library import area\narea()\n```\n\n```python exec='on' raises='SyntaxError'\nx =",
        "area",
    ),
    "what Python warns of": (
        "import warnings\nwarnings.simplefilter('always')\n```\n\n```python exec='on'\nfrom library import area\n"
        "assert area() and '\\d'",
        "area",
    ),
    # What does not use them.
    "imported": ("from library import area\nassert True", ""),
    "another of that name": ("import library\ndef area():\n    return 3\nassert area() == 3", ""),
    "another module's": ("import library\nfrom library.late import area\nassert area() == 2", ""),
    "fetched": ("import library\nassert getattr(library, 'area')(2) == 4", ""),
    "set": ("import library\nlibrary.area = 3\nassert True", ""),
    "words": ("import library\nassert 'area' # area()", ""),
}
API = (
    "# API\n\n```python exec='on'\nfrom library import halved\nassert halved(2) == 1\n```\n\n"
    "## area {#library.area}\n\nIts area.\n\n## `Shape` {: #library.Shape }\n\nText.\n\n"
    "## unused {#library.unused}\n\nText.\n\n## halved {#library.halved}\n\nText.\n\n## other {#other.area}\n"
)


@pytest.fixture(scope="module")
def built(new_project: NewProject) -> Built:
    """A page for each of them, and one that explains the library."""
    pages = {f"uses/{name}": f'# {name}\n\n```python exec="on"\n{code}\n```\n' for name, (code, _) in USES.items()}
    files = {
        "library/__init__.py": LIBRARY,
        "library/shapes.py": SHAPES,
        "library/late.py": "def later():\n    return 1\n\n\ndef area():\n    return 2\n",
    }
    return new_project({"index": "# Title\n", "reference/api": API, **pages}, CONFIG, files).build()


def used(built: Built) -> dict[str, list[str]]:
    """For each public name of the library, the pages that use it, as the JSON has them."""
    facts = json.loads((built.site.parent / "results.json").read_text())
    found: dict[str, list[str]] = facts["library"]
    return found


@pytest.mark.parametrize("name", USES)
def test_what_a_page_uses(built: Built, name: str) -> None:
    assert built.status == 0, built.console
    mine = [each.removeprefix("library.") for each, pages in used(built).items() if f"docs/uses/{name}.md" in pages]
    assert sorted(mine) == USES[name][1].split()


def test_what_python_warns_of_is_not_told_again(built: Built) -> None:
    told = re.findall(r"(\S+): \w+: invalid escape sequence", text_of(built.page("uses/what Python warns of")))
    assert set(told) == {"of.md:10"}


def test_every_public_name_is_told_of(built: Built) -> None:
    listed = re.search(r"__all__ = \[(.*)\]", LIBRARY)
    assert listed
    assert sorted(used(built)) == sorted(f"library.{name}" for name in re.findall(r"\w+", listed[1]))


def test_the_report_has_what_no_page_uses(built: Built) -> None:
    part = built.page("report").split('<h2 id="library">')[1]
    assert "Of 10 public names, the code of the pages uses 8." in part
    assert "The code of no page uses library.unused, library.used_within." in text_of(part)
    assert '<a href="../reference/api/#library.unused"><code>library.unused</code></a>' in part
    assert '<td><code>library.later</code></td><td><a href="../uses/late/">late</a></td>' in part


def test_where_a_name_is_explained_stand_the_pages_that_use_it(built: Built) -> None:
    page = built.page("reference/api")
    parts = re.split(r"(?=<h2)", page)[1:]
    shown = [re.findall(r'<p class="used"[^>]*>(.*?)</p>', part) for part in parts]
    classes = ["annotation", "attribute", "base", "class", "pattern"]
    links = ", ".join(f'<a href="../../uses/{name}/">{name}</a>' for name in classes)
    assert shown[1] == [f"Used in {links}"]
    assert [len(each) for each in shown] == [1, 1, 0, 0, 0]  # the page itself is none of those that use it
    assert re.search(r'id="library.Shape".*?</h2>\s*<p class="used"', parts[1], re.S)


def test_it_survives_the_cache_and_any_number_of_workers(built: Built, project: Project) -> None:
    first = used(built)
    shutil.copytree(built.site.parent, project.folder)
    again = project.build()
    assert f"{len(USES) + 1} pages from the cache" in again.console
    assert used(again) == first
    assert re.sub(r"\d+\.\d\d", "", text_of(again.page("report")).split("The library")[-1]) == re.sub(
        r"\d+\.\d\d", "", text_of(built.page("report")).split("The library")[-1]
    )
    shutil.rmtree(project.folder / ".cache")
    assert used(project.write({}, CONFIG.replace("device: cpu", "device: cpu, jobs: 1")).build()) == first


def test_an_edit_to_the_library_is_seen(built: Built, project: Project) -> None:
    shutil.copytree(built.site.parent, project.folder)
    project.write({}, CONFIG, {"library/__init__.py": LIBRARY.replace('"unused", ', "")})
    assert "library.unused" not in used(project.build())


@pytest.mark.slow
def test_what_torch_compiles_is_none_the_worse_for_it(build: Build) -> None:
    library = "class Of:\n    pass\n\n\ndef twice(x):\n    return x * 2\n"
    code = (
        "import torch\nfrom library import Of, twice\ndef f(x, Of=Of):\n    return twice(x) + x * isinstance(x, Of)\n\n"
        "x = torch.ones(3)\nassert torch.equal(torch.compile(f, fullgraph=True, backend='eager')(x), x * 2)"
    )
    built = build({"index": f'# T\n\n```python exec="on"\n{code}\n```\n'}, config=CONFIG, files={"library.py": library})
    assert built.status == 0, built.console


def test_a_library_that_no_page_loads(build: Build) -> None:
    built = build({"index": '# T\n\n```python exec="on"\nassert True\n```\n'}, config=CONFIG)
    assert "No page has loaded <code>library</code>." in built.page("report")


def test_a_library_without_a_list_of_its_names(build: Build) -> None:
    text = (
        "from os.path import join\nfrom math import pi\n\n\ndef one():\n    return 1\n\n\ndef _two():\n    return 2\n"
    )
    page = {"index": '# T\n\n```python exec="on"\nimport library\nassert library.one()\n```\n'}
    built = build(page, config=CONFIG, files={"library.py": text})
    assert built.status == 0, built.console
    assert used(built) == {"library.one": ["docs/index.md"]}


def test_without_a_library_nothing_is_said_of_one(build: Build) -> None:
    built = build({"index": '# T\n\n```python exec="on"\nimport json\nassert json.loads("1")\n```\n'})
    assert built.status == 0
    assert 'id="library"' not in built.page("report")
