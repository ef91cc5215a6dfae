"""The dependencies of code are recorded where it runs, and a change of one is seen: without a build."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from einsum_doc.pages.cache import installed
from einsum_doc.pages.cache.snapshot import Snapshot
from einsum_doc.pages.record.codec import from_facts
from einsum_doc.pages.record.messages import Dependencies

RECORD = """\
import sys
from einsum_doc.pages.record.codec import to_json
from einsum_doc.pages.worker.recorder import Recorder, add_loaded_modules

add_loaded_modules()
sys.path.append(sys.argv[2])
recorder = Recorder(sys.argv[2])
exec(sys.argv[1])
print(to_json(recorder.dependencies()))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with links to files, folders, a module and a package, each of which has two versions."""
    root = tmp_path / "project"
    for version in ("one", "two"):
        for name in ("numbers.txt", "module.py", "pack/__init__.py", "pack/inner.py"):
            path = root / "versions" / version / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("# the same in each\n")
    links = {
        "data": "versions/one",
        "numbers.txt": "versions/one/numbers.txt",
        "module.py": "versions/one/module.py",
        "pack": "versions/one/pack",
        "latest": "data",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    # The way to the project is a link as well, and none of its dependencies.
    (tmp_path / "link").symlink_to("project")
    return tmp_path / "link"


def recorded(project: Path, code: str) -> Dependencies:
    """Run code in a process that records its dependencies."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-P", "-c", RECORD, code, str(project)]
    ran = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert not ran.returncode, ran.stderr
    return from_facts(Dependencies, json.loads(ran.stdout.splitlines()[-1]))


def change_after(
    project: Path, code: str, change: Callable[[], object], reads: Sequence[str] = (), ignored: Sequence[str] = ()
) -> str:
    """Return the reason to run code again after a change, as the cache words it."""
    root = Path(os.path.realpath(project))
    evidence = Snapshot(root, [], ignored).evidence(recorded(project, code), [], float("inf"), reads)
    assert Snapshot(root, [], ignored).change(evidence, [], reads) == ""
    change()
    return Snapshot(root, [], ignored).change(evidence, [], reads)


@pytest.mark.parametrize(
    ("code", "link"),
    {
        "open('numbers.txt')": "numbers.txt",
        "open('data/numbers.txt')": "data",
        "open('latest/numbers.txt')": "data",
        "open('latest/../one/numbers.txt')": "data",
        "import os; os.listdir('data')": "data",
        "import os; os.path.exists('data/numbers.txt')": "data",
        "import os; os.path.exists('data/there_is_none')": "data",
        "from pathlib import Path; Path('data/new').mkdir()": "data",
        "import module": "module.py",
        "import pack.inner": "pack",
        "import data.pack": "data",
    }.items(),
)
def test_a_link_that_leads_elsewhere_now(project: Path, code: str, link: str) -> None:
    def relink() -> None:
        target = os.readlink(project / link).replace("one", "two")
        (project / link).unlink()
        (project / link).symlink_to(target)

    target = os.readlink(project / link).replace("one", "two")
    assert change_after(project, code, relink) == f"{link} is a link to {target} now"


def test_a_link_in_whose_place_is_a_file(project: Path) -> None:
    def replace() -> None:
        (project / "numbers.txt").unlink()
        (project / "numbers.txt").write_text("# the same in each\n")

    assert change_after(project, "open('numbers.txt')", replace) == "numbers.txt is no link any more"


@pytest.mark.parametrize("reads", [(), ("data",), ("data/numbers.txt",), ("*/numbers.txt",)])
def test_a_link_that_leads_a_process_elsewhere(project: Path, reads: tuple[str, ...]) -> None:
    def relink() -> None:
        (project / "data").unlink()
        (project / "data").symlink_to("versions/two")

    (project / "versions/two/numbers.txt").write_text("2\n")
    (project / "versions/two/up").symlink_to("../..")  # which a walk must not follow
    reason = change_after(project, "import subprocess; subprocess.run(['cat', 'data/numbers.txt'])", relink, reads)
    assert (
        reason == f"it starts processes, and a file {'that they may read' if reads else 'of the project'} has changed"
    )


@pytest.mark.parametrize(
    ("code", "read"),
    {
        "open('new.txt', 'w').close(); open('new.txt'); os.path.exists('new.txt')": "",
        "open('new.txt', 'w').close(); os.replace('new.txt', 'other.txt'); open('other.txt')": "",
        "open('versions/one/numbers.txt', 'a').close()": "versions/one/numbers.txt",
        "os.symlink('versions/one/numbers.txt', 'own'); open('own')": "versions/one/numbers.txt",
        "os.link('versions/one/numbers.txt', 'own'); open('own')": "versions/one/numbers.txt",
        "os.makedirs('versions', exist_ok=True); os.listdir('versions')": "versions",
    }.items(),
)
def test_what_a_page_has_written_itself(project: Path, code: str, read: str) -> None:
    found = recorded(project, f"import os; {code}")
    paths = {os.path.relpath(path, os.path.realpath(project)) for path in (*found.files, *found.folders, *found.asked)}
    assert not paths & {"new.txt", "other.txt"}
    assert not read or read in paths


@pytest.mark.parametrize("own", [False, True])
def test_a_link_that_is_changed_while_a_page_runs(project: Path, own: bool) -> None:
    link = "import os; os.symlink('versions/two', 'new'); os.replace('new', 'data')"
    code = link if own else f"import subprocess, sys; subprocess.run([sys.executable, '-c', {link!r}])"
    since = time.time()
    found = recorded(project, f"open('data/numbers.txt'); {code}")
    evidence = Snapshot(Path(os.path.realpath(project)), []).evidence(found, [], since, ("nothing",))
    assert evidence["unsettled"] == ("" if own else "data was changed while it ran")


def test_links_that_are_not_followed_are_no_dependencies(project: Path) -> None:
    assert recorded(project, "open('versions/one/numbers.txt')").links == ()
    assert recorded(project, "open('data/numbers.txt')").links == (os.path.realpath(project) + "/data",)


WHOLE = [
    "dict(os.environ)",
    "{**os.environ}",
    "os.environ.copy()",
    "os.environ.items() == 0; [*os.environ.items()]",
    "[*os.environ.values()]",
    "[*os.environ.keys()]",
    "for name in os.environ: break",
    "'NOT_LOOKED_UP' in [*os.environ]",
    "len(os.environ)",
    "assert os.environ",
    "repr(os.environ)",
    "os.environ == {}",
    "dict(os.environb)",
    "os.environ | {}",
    "{} | os.environ",
    "{}.update(os.environ)",
    "import json; json.dumps(dict(os.environ))",
    "import copy; copy.copy(os.environ).items() == 0; len(copy.copy(os.environ))",
    "import posix; dict(posix.environ)",
    "import posix; posix.environ.copy()",
    "import posix; posix.environ.get(b'NOT_LOOKED_UP')",
    "import posix; len(posix.environ)",
    "from posix import environ; [*environ]",
    "from os import environ; dict(environ)",
    "import subprocess; subprocess.run(['true'], env={**os.environ, 'X': '1'})",
    "os.environ._data.get(b'NOT_LOOKED_UP')",
    "b'NOT_LOOKED_UP' in os.environb._data",
    "os.environ.popitem()",
]


READ = [
    "os.environ.get('{}')",
    "'{}' in os.environ",
    "'{}' in os.environ.keys()",
    "os.getenv('{}')",
    "os.environ.setdefault('{}', '')",
    "os.environ.pop('{}', 0)",
    "os.getenvb(b'{}')",
    "b'{}' in os.environb",
    "try: del os.environ['{}']\nexcept KeyError: pass",
    "try: del os.environb[b'{}']\nexcept KeyError: pass",
]


def test_every_way_to_read_the_environment_is_recorded(project: Path) -> None:
    named = [each.format("SSH_TTY") for each in READ]
    codes = dict.fromkeys(WHOLE, "") | dict.fromkeys(named, "SSH_TTY")
    codes |= {f"dict(os.environ)\n{code}": "SSH_TTY" for code in named}
    codes |= {f"[*os.environb]\n{code}": "SSH_TTY" for code in named}
    script = (
        "import os, posix\n"
        "wrong = []\n"
        f"for code, name in {codes!r}.items():\n"
        "    recorder.environment = False\n"
        "    recorder.variables.clear()\n"
        "    exec(code, {'os': os})\n"
        "    if recorder.environment is (code in named) or recorder.variables - {'PATH'} != {*filter(None, [name])}:\n"
        "        wrong.append((code, recorder.environment, recorder.variables.copy()))\n"
        "assert not wrong, wrong\n"
        "assert not hasattr(posix, 'there_is_none')\n"
    )
    assert recorded(project, f"named = {named!r}\n{script}").environment


def test_a_variable(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os; dict(os.environ); os.getenv('SSH_TTY')"
    assert change_after(project, code, lambda: monkeypatch.setenv("OTHER", "1")) == "the environment has changed"
    changed = change_after(project, code, lambda: monkeypatch.setenv("SSH_TTY", "1"))
    assert changed == "the variable SSH_TTY has changed"
    assert change_after(project, "import os; os.getenv('NAME')", lambda: monkeypatch.setenv("ANOTHER", "1")) == ""


@pytest.mark.parametrize("code", ["import os; {**os.environ}", "import subprocess; subprocess.run(['true'])"])
def test_variables_that_mean_nothing(project: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    def other() -> None:
        for name in ("_", "PWD", "OLDPWD", "SHLVL", "TERM", "COLUMNS", "SSH_TTY", "GITHUB_RUN_ID", "OWN_NUMBER"):
            monkeypatch.setenv(name, "other")

    assert change_after(project, code, other, ignored=("OWN_*",)) == ""
    changed = change_after(project, code, lambda: monkeypatch.setenv("OWN_NUMBER", "1"))
    assert changed.endswith("environment has changed")


def test_a_package_that_is_installed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's folder is last on the path: what is installed comes before its modules."""
    packages = tmp_path / "packages"
    monkeypatch.setattr(installed, "PACKAGES", {str(packages)})

    def reason() -> str:
        return Snapshot(tmp_path, []).change(evidence, [], ())

    evidence = Snapshot(tmp_path, []).evidence(Dependencies(names=("extra",)), [], float("inf"), ())
    packages.mkdir()
    (packages / "other.py").touch()
    assert reason() == ""
    (packages / "extra").mkdir()
    assert reason() == "extra is installed now"
    evidence["installed"] = ["extra", "gone"]
    assert reason() == "gone is installed no more"


@pytest.mark.parametrize(
    ("code", "noticed"),
    {
        "os.listdir()": ["new.py", "new.txt", "new/", "new-1.dist-info"],
        "list(os.walk('.'))": ["new.py", "new.txt", "new/"],
        "list(os.scandir())": ["new.py", "new.txt"],
        "glob.glob('*.py')": ["new.py"],
        "glob.glob(b'*.py')": ["new.py"],
        "glob.glob('*/*.py')": ["new/", "versions/new.py"],
        "list(Path().glob('*.py'))": ["new.py"],
        "list(Path().glob('*.[pt]*'))": ["new.py", "new.txt"],
        "list(Path().rglob('*.py'))": ["new.py", "new/", "versions/new.py", "versions/new/"],
        "tempfile.TemporaryDirectory().cleanup() or glob.glob('*.py')": ["new.py"],
        "os.listdir(os.open('versions', os.O_RDONLY)) and glob.glob('*.txt')": [
            "new.txt",
            *(f"versions/{name}" for name in ("new.py", "new.txt", "new/", "new-1.dist-info")),
        ],
        "list(Path().iterdir())": ["new.py", "new.txt", "new/"],
        "list(importlib.metadata.distributions(path=['.']))": ["new-1.dist-info"],
    }.items(),
)
def test_a_page_depends_on_the_names_that_it_looks_for_in_a_folder(
    project: Path, code: str, noticed: list[str]
) -> None:
    root = Path(os.path.realpath(project))
    imports = "import glob, importlib.metadata, os, tempfile; from pathlib import Path"
    evidence = Snapshot(root, []).evidence(recorded(project, f"{imports}; {code}"), [], float("inf"), ())
    found = []
    for folder in ("", "versions/"):
        for name in ("new.py", "new.txt", "new/", "new-1.dist-info"):
            path = root / folder / name
            path.mkdir() if name == "new/" else path.touch()
            if reason := Snapshot(root, []).change(evidence, [], ()):
                short = f"{folder}{name}".removesuffix("/")
                assert reason == f"{short} is there now, in a folder that it listed"
                found.append(f"{folder}{name}")
            path.rmdir() if name == "new/" else path.unlink()
    assert set(noticed) <= set(found)
    if "*" in code or "metadata" in code:
        assert found == noticed
