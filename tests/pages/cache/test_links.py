"""A link that points elsewhere now is seen by the next build, of whatever kind it is: a site is built twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..conftest import PLAIN, Built, NewProject, block
from .test_cache import reasons

PYTHON = {
    "module": "import module\nprint(module.version)",
    "package": "import pack.inner\nprint(pack.inner.version)",
    "name_in_folder": "import sys\nsys.path.insert(0, 'library')\nimport inside\nprint(inside.version)",
    "file": "print(open('version.txt').read())",
    "folder": "print(open('data/version.txt').read())",
    "there": "import os\nprint('one' if os.path.exists('there/only_one') else 'two')",
    "listing": "import os\nprint('one' if 'only_one' in os.listdir('listed') else 'two')",
    "entries": "import os\nprint('one' if any(each.is_dir() for each in os.scandir('box')) else 'two')",
    "walk": "import os\nprint('one' if 'only_one' in [*os.walk('walked')][0][2] else 'two')",
    "pattern": "import glob\nprint('one' if glob.glob('matched/only_o*') else 'two')",
    "target": "import os\nprint(os.path.basename(os.readlink('current')))",
    "resolved": "from pathlib import Path\nprint(Path('resolved').resolve().name)",
    "chain": "print(open('latest/version.txt').read())",
    "outside": "print(open('../release/version.txt').read())",
    "below": "print(open('../way/releases/version.txt').read())",
}
SHELL = {
    "command": "cat shell/version.txt",
    "command_limited": "cat named/version.txt",
    "command_limited_to_file": "cat named.txt",
}
PAGES = {name: block(code) for name, code in PYTHON.items()} | {
    name: block(code, 'sh exec="on"') for name, code in SHELL.items()
}
LINKS = {
    "module.py": "versions/one/module.py",
    "pack": "versions/one/pack",
    "library": "versions/one",
    "version.txt": "versions/one/version.txt",
    "data": "versions/one",
    "there": "versions/one",
    "listed": "versions/one",
    "box/each": "../versions/one/pack",
    "walked": "versions/one",
    "matched": "versions/one",
    "current": "versions/one",
    "resolved": "versions/one",
    "latest": "last",
    "last": "versions/one",
    "../release": "project/versions/one",
    "../way/releases": "../project/versions/one",
    "shell": "versions/one",
    "named": "versions/one",
    "named.txt": "versions/one/version.txt",
}
CONFIG = PLAIN.replace(
    "einsum-doc]",
    "einsum-doc: {device: cpu, processes: {command_limited.md: [named], command_limited_to_file.md: [named.txt]}}]",
)


def point(link: Path, target: str) -> None:
    """Do as `ln -sfn` does."""
    new = link.with_name("new")
    new.symlink_to(target)
    new.replace(link)


@pytest.fixture(scope="module")
def linked(new_project: NewProject) -> Built:
    """A project that has been built, and built again with every link pointing elsewhere."""
    files = {}
    for version in ("one", "two"):
        for name in ("module.py", "pack/__init__.py", "pack/inner.py", "inside.py"):
            files[f"versions/{version}/{name}"] = f"version = {version!r}\n"
        files |= {f"versions/{version}/{name}": version for name in ("version.txt", f"only_{version}")}
    project = new_project({name: f"# {name}\n\n{text}" for name, text in PAGES.items()}, CONFIG, files)
    for name, target in LINKS.items():
        (project.folder / name).parent.mkdir(exist_ok=True)
        (project.folder / name).symlink_to(target)
    first, still = project.build(EINSUM_DOC_EXPLAIN="1"), project.build("-q", EINSUM_DOC_EXPLAIN="1")
    assert first.status == 0, first.console
    assert set(reasons(still).values()) == {"from the cache"}
    for name, target in LINKS.items():
        two = "../versions/two/version.txt" if name == "box/each" else target.replace("one", "two")
        point(project.folder / name, two)
    return project.build(EINSUM_DOC_EXPLAIN="1")


@pytest.mark.parametrize("page", PAGES)
def test_a_link_that_points_elsewhere(linked: Built, page: str) -> None:
    assert reasons(linked)[page] != "from the cache"
    assert ">two</p>" in linked.page(page).replace("\n", "")
