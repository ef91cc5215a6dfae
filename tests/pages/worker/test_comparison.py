"""Assertions on pages that are built: the sides of those that fail are said, and those that hold are counted."""

from __future__ import annotations

import re

import pytest

from ..conftest import Build, Built, NewProject, block

CAUSED = "try:\n    raise ValueError('a')\nexcept ValueError as error:\n    raise KeyError('b'){}"
# The code of a page, and what is said of it.
SIDES: dict[str, tuple[str, str]] = {
    "raises": (
        "import numpy as np\n\nassert np.allclose(np.zeros(2), np.zeros((3, 3)))",
        "ValueError: operands could not be broadcast together with shapes (2,) (3,3)\n"
        "  array (2,) float64, array (3, 3) float64\n",
    ),
    "raises_early": ("assert no.sum() == 3", "NameError: name 'no' is not defined\n  block"),
    "raises_late": ("x = {}\nassert x == {} and x['a'] == 3", "KeyError: 'a'\n  block"),
    "sets": ("assert {1, 2} == {2, 3}", "\n  only left {1}, only right {3}\n"),
    "dicts": (
        "assert {'a': 1, 'b': 2} == {'a': 1, 'b': 3}",
        "\n  only left {'b': 2}\n  only right {'b': 3}\n",
    ),
    "and": ("x = 3\nassert x > 2 and x < 3 and x", "x > 2 and x < 3 and x\n  x < 3\n  left 3, right 3\n"),
    "flag": ("x, flag = 3, False\nassert x > 2 and flag", "x > 2 and flag\n  flag\n  block"),
    "name": ("found = []\nassert found", "found\n  value []\n"),
    "not": ("found = [1]\nassert not found", "not found\n  value [1]\n"),
    "generator": ("assert all(x > 1 for x in [1])", "all((x > 1 for x in [1]))\n  block"),
    "list": ("x = [*range(300)]\nassert x == x[:250] + [7] + x[251:]", "…\n  first differ at [250]: 250 and 7\n"),
    "longer": ("x = [*range(300)]\nassert x == x + [1]", "…\n  left has 300 elements, right has 301\n"),
    "text": ("x = 'x' * 300\nassert x + 'left' == x + 'right'", "…\n  first differ at [300]: 'left' and 'right'\n"),
    "member": ("x = 'x' * 300\nassert x + 'y' in x", f"left '{'x' * 158}…, right '{'x' * 158}…\n  block"),
    "wraps_around": (
        "import torch\nx = torch.tensor([1, 250], dtype=torch.uint8)\nassert torch.all(x == x.flip(0) - x.flip(0) + 2)",
        "left tensor (2,) uint8, right tensor (2,) uint8\n  2 of 2 elements differ\n"
        "  first at [0] 1 and 2\n  largest at [1] 250 and 2, by 248\n",
    ),
    "infinite": (
        "import torch\nassert (torch.tensor([torch.inf, 0.0]) == 0).all()",
        "left tensor (2,) float32, right 0\n  1 of 2 elements differ\n  first at [0] inf and 0\n"
        "  largest at [0] inf and 0, by inf\n",
    ),
    "two_libraries": (
        "import numpy, torch\nassert numpy.allclose(numpy.ones(2), torch.zeros(2))",
        "left array (2,) float64, right tensor (2,) float32\n  2 of 2 elements differ\n"
        "  first at [0] 1.0 and 0.0\n  largest at [0] 1.0 and 0.0, by 1\n",
    ),
    "words": (
        "import numpy\nassert (numpy.array(['a', 'b']) == numpy.array(['a', 'c'])).all()",
        "left array (2,) <U1, right array (2,) <U1\n  1 of 2 elements differ\n  first at [1] 'b' and 'c'\n  block",
    ),
    "no_repr": (
        "class A:\n    def __repr__(self): return 1 / 0\nassert A() == 1",
        "A() == 1\n  more of its values cannot be shown: ZeroDivisionError('division by zero')\n",
    ),
    "message": (
        "a, b = 3, 4\nassert a + 1 > b, 'too small'",
        "AssertionError: too small\n  a + 1 > b\n  left 4, right 4",
    ),
    "blanks": (
        "assert 'a    b' == 'a  b'",
        "left 'a    b', right 'a  b'\n  they look alike, and differ in U+0020 SPACE and U+0062 LATIN SMALL LETTER B\n",
    ),
    "accents": (
        "assert ['\\u00e9'] == ['e\\u0301']",
        "left ['\u00e9'], right ['e\u0301']\n  they look alike, and differ in U+00E9 LATIN SMALL LETTER E WITH ACUTE"
        " and U+0065 LATIN SMALL LETTER E, U+0301 COMBINING ACUTE ACCENT\n",
    ),
    "chain": ("assert 1 < 5 < 3", "AssertionError: 1 < 5 < 3\n  1, 5, 3"),
    "empty": ("x = []\nassert x", "AssertionError: x\n"),
    "not_any": ("assert not any([0, 1])", "AssertionError: not any([0, 1])\n  value [0, 1]"),
    "all_equal": (
        "import numpy as np\na = np.zeros((2, 3), np.float32)\nb = a.copy()\nb[0, 2] = 1\nb[1, 1] = -4\n"
        "assert (a == b).all()",
        "AssertionError: (a == b).all()\n  left array (2, 3) float32, right array (2, 3) float32\n"
        "  2 of 6 elements differ\n  first at [0, 2] 0.0 and 1.0\n  largest at [1, 1] 0.0 and -4.0, by 4",
    ),
    "shapes": (
        "import numpy as np\nassert np.array_equal(np.zeros(2), np.zeros(3))",
        "left array (2,) float64, right array (3,) float64\n  the shapes differ",
    ),
    "error_from": (CAUSED.format(" from error"), ":5: KeyError: 'b'\n  caused by ValueError: a\n  block"),
    "error_within": (CAUSED.format(""), ":5: KeyError: 'b'\n  while handling ValueError: a\n  block"),
    "error_alone": (CAUSED.format(" from None"), ":5: KeyError: 'b'\n  block"),
}


@pytest.fixture(scope="module")
def compared(new_project: NewProject) -> Built:
    """All those assertions, each on its page, built once."""
    return new_project({name: block(code) for name, (code, _) in SIDES.items()}).build("-q")


@pytest.mark.torch("infinite", "two_libraries", "wraps_around")
@pytest.mark.parametrize(("page", "said"), [(page, said) for page, (_, said) in SIDES.items()], ids=SIDES)
def test_the_sides_of_an_assertion(compared: Built, page: str, said: str) -> None:
    found = re.search(rf"^docs/{page}\.md:\d+: (.+\n)+", compared.console, re.M)
    assert found, compared.console
    assert said in found[0]


def test_an_assertion_that_holds_leaves_no_trace_and_is_counted(build: Build) -> None:
    code = (
        "x = 1\nassert x\nassert x and x == 1\nassert not (not x)\nassert (lambda: 1)()\n"
        "assert all(i for i in [1])\nassert x == 1 == x\nassert (y := x) == 1 and y\nclass A:\n    assert x and 1\n"
        "print([name for name in dir() if name.startswith('@')], [name for name in vars() if name.startswith('@')])"
    )
    shown = 'python exec="on" source="above"'
    counted = (
        "import numpy as np\nfrom numpy.testing import assert_allclose\n"
        "for i in range(5):\n    assert i >= 0, 'never'\n"
        "def never():\n    assert False\n"
        "assert_allclose(np.ones(3), np.ones(3))\n"
        "try:\n    assert 1 == 2\nexcept AssertionError:\n    pass\n"
    )
    built = build({"index": block(code, shown) + block("[] []", "expected") + block(counted, shown)})
    assert built.status == 0, built.console
    assert re.findall(r"<b>✓ (\d) assertions</b>", built.page()) == ["8", "6"]


@pytest.mark.slow
def test_an_assertion_in_what_torch_compiles(build: Build) -> None:
    code = (
        "import torch\n\ndef f(x):\n    assert x.shape[0] == 3\n    return x + 1\n\n"
        "compiled = torch.compile(f, fullgraph=True, backend='eager')\n"
        "assert torch.equal(compiled(torch.ones(3)), f(torch.ones(3)))"
    )
    built = build({"index": block(code)})
    assert built.status == 0, built.console
    assert "2 assertions held" in built.console  # the one outside, and that in `f` where it is not compiled
    failed = build({"index": block(code.replace("== 3", "== 4"))})
    assert failed.status == 1
    assert "in f\n      assert x.shape[0] == 4" in failed.console or "docs/index.md:5: " in failed.console
