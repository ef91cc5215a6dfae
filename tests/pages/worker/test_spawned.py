"""Functions and classes of a page in processes that are not forked from it."""

from __future__ import annotations

import pytest

from ..conftest import NewProject, Project, block

POOLS = """\
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

def everywhere(function, *arguments):
    found = [get_context("spawn").Pool(1).map(function, arguments)]
    for method in ("spawn", "forkserver"):
        with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
            found.append(list(pool.map(function, arguments)))
    assert found == found[:1] * 3
    return found[0]
"""
PAGES = {
    "classes": block(
        "from collections import namedtuple\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Point:\n    x: int\n\n    def moved(self):\n        return Pair(Point(self.x + 1), self)\n"
        'Pair = namedtuple("Pair", "new old")\n'
    )
    + block(POOLS + "assert everywhere(Point.moved, Point(1)) == [Pair(Point(2), Point(1))]\n" + "double = Point"),
    # The values are those of now, whatever has made them; a `N = N + 5` is not executed again.
    "values": block(
        "import math as m\nTABLE, N = {}, 1\nTABLE['a'] = 2\nN = N + 5\nsquare = lambda x: x * x\n"
        "class Scale:\n    by = 3\nscale = Scale()\nscale.by = 4\n"
        "def f(x, more=N):\n    return m.sqrt(square(x)) + TABLE['a'] + N + more + scale.by\n"
    )
    + block(POOLS + "assert everywhere(f, 3) == [3 + 2 + 6 + 6 + 4]\nN = 0"),
    "defined_again": block(
        POOLS + "def f(x):\n    return 1\nassert everywhere(f, 0) == [1]\ndef f(x):\n    return 2\n"
        "assert everywhere(f, 0) == [2]"
    ),
    "session": block("def f(x):\n    return 1")
    + block("def f(x):\n    return 2", 'python exec="on" session="other"')
    + block(POOLS + "assert everywhere(f, 0) == [2]", 'python exec="on" session="other"')
    + block(POOLS + "assert everywhere(f, 0) == [1]"),
    "once": block("with open('runs', 'a') as file:\n    file.write('x')\nimport os\ndef f(x):\n    return os.getpid()")
    + block("def note():\n    with open('runs', 'a') as file:\n        file.write('y')\n    return 1\nnote()")
    + block(POOLS.replace("assert", "#") + "everywhere(f, 0)")
    + block("with open('runs') as file:\n    assert file.read() == 'xy'\nos.unlink('runs')"),
    "console": block(
        ">>> def f(x): return x + 1\n...\n>>> from multiprocessing import get_context\n"
        ">>> get_context('spawn').Pool(1).map(f, [1])",
        'pycon exec="on"',
    )
    + block("[2]", "expected"),
    # The branches that were taken, and their decorators.
    "within": block(
        POOLS + "from functools import singledispatch\nimport sys\n"
        "def counted(f):\n    def inner(x):\n        return f(x) + 100\n    return inner\n"
        "try:\n    import nowhere as m\nexcept ImportError:\n    import math as m\nelse:\n    m = None\n"
        "if sys.platform == 'nowhere':\n    import nowhere_else\n    class Case:\n        by = 1\n    f = lambda x: 0\n"
        "else:\n    class Case:\n        by = 2\n    f = lambda x: m.sqrt(x)\n"
        "for start in (1, 2):\n    def added(x, start=start):\n        return x + start\n"
        "with open(__import__('os').devnull):\n    @singledispatch\n    def kind(x):\n        return 'any'\n"
        "    @kind.register\n    def _(x: int):\n        return 'int'\n"
        "    @kind.register\n    def _(x: str):\n        return 'str'\n"
        "    @counted\n    def g(x):\n        def case():\n            return Case.by\n        return case()\n"
    ).replace("def g(x)", "def inside(x)")
    + block(
        "def all_of(x):\n    return f(x), added(x), kind(x), kind('x'), inside(x)\n"
        "assert everywhere(all_of, 4) == [(2, 6, 'int', 'str', 102)]\nassert type(m) is type(sys)"
    ),
    "nested": block(
        POOLS.split("\n\n")[0]
        + "\nN = 1\ndef count(method, depth):\n    global N\n    N += 10 ** depth\n    if not depth:\n"
        "        return [N]\n    with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:\n"
        "        return [N, *pool.submit(count, method, depth - 1).result()]\n"
    )
    + block("assert count('spawn', 2) == [101, 111, 112]\nassert count('forkserver', 1) == [111, 112]"),
    "names": block(
        "import __main__\nassert not hasattr(__main__, '__file__')\nfrom multiprocessing import get_context\n"
        "def f(x):\n    return __name__, f.__module__\n"
        "assert get_context('spawn').Pool(1).map(f, [0]) == [('__main__', '__main__')]"
    ),
}


def test_functions_and_classes_of_a_page(new_project: NewProject) -> None:
    built = new_project(PAGES).build("-q")
    assert built.status == 0, built.console


def test_the_files_that_they_read_are_dependencies(project: Project) -> None:
    read = "def f(name):\n    with open(name) as file:\n        return file.read()\n"
    page = block(f"from multiprocessing import get_context\n{read}print(get_context('spawn').Pool(1).map(f, ['data']))")
    project.write({"index": page + block("['one']", "expected")}, files={"data": "one"})
    assert project.run("einsum-doc", "check").returncode == 0
    project.write({}, files={"data": "two"})
    assert project.run("einsum-doc", "check").returncode == 1


@pytest.mark.slow
def test_workers_of_a_data_loader(project: Project) -> None:
    data = (
        "import torch\nfrom torch.utils.data import DataLoader, Dataset\noffset = torch.tensor(5)\n"
        "class Numbers(Dataset):\n    def __len__(self):\n        return 4\n"
        "    def __getitem__(self, index):\n        return index + offset\n"
        "def joined(items):\n    return torch.stack(items) * 2\n"
    )
    load = (
        "for method in ('spawn', 'forkserver'):\n"
        "    loader = DataLoader(Numbers(), 2, num_workers=1, multiprocessing_context=method, collate_fn=joined)\n"
        "    assert [batch.tolist() for batch in loader] == [[10, 12], [14, 16]]"
    )
    built = project.write({"index": block(data) + block(load)}).build("-q")
    assert built.status == 0, built.console
