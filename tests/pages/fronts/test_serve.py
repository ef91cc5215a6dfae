"""What an author with `mkdocs serve` open sees: a failure in the page, and a server that lives on."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pytest

from ..conftest import BUILDERS, EXTENSION, MKDOCS, PLAIN, SHOWING, Project, block
from ..engine.test_survival import FAILING, HOLDING, page
from ..engine.test_survival import SITE as SURVIVAL
from ..reading.test_fences import SITE, WRONG

GOOD = '# Title\n\n```python exec="on" source="above"\nimport library\n\nassert library.answer() == 42\n```\n'
LIBRARY = "import sys\n\ndef answer():\n    print('noted', file=sys.stderr)\n    return 42\n"


OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in BUILDERS if name != "mkdocs"]
ALL = pytest.mark.parametrize("served", ["mkdocs", *OTHERS], indirect=True)


@pytest.fixture(params=["mkdocs"])
def served(request: pytest.FixtureRequest, project: Project) -> Iterator[Callable[..., str]]:
    """A project, served from the first call on; called with some text and a path, it returns the page that has it."""
    config = PLAIN.replace(": [", f": [{EXTENSION}, ", 1) if request.param == "zensical" else PLAIN
    project.write({"index": GOOD}, config + "watch: [library.py]\n", {"library.py": LIBRARY})
    folder, log = project.folder, project.folder / "console"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    program, _, *options = BUILDERS[request.param]
    command = [Path(MKDOCS).with_name(program), "serve", "--dev-addr", address, *options]
    started: list[subprocess.Popen[bytes]] = []

    def page_with(text: str, path: str = "") -> str:
        if not started:
            with log.open("wb") as console:
                started.append(
                    subprocess.Popen(command, cwd=folder, env=project.environment, stdout=console, stderr=console)
                )
        deadline = time.monotonic() + 60
        page = ""
        while time.monotonic() < deadline:
            assert started[0].poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(f"http://{address}/{path}", timeout=5) as answer:
                    page = answer.read().decode()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                page = ""
            if text in page:
                return page
            time.sleep(0.05)
        raise AssertionError(f"{text!r} did not appear\n{page}\n{log.read_text()}")

    yield page_with
    for server in started:
        server.send_signal(signal.SIGINT)  # as an author ends it: it then takes its folder away
        server.wait(10)


@ALL
def test_a_failure_is_shown_where_it_happened_and_mended(served: Callable[[str], str], project: Project) -> None:
    index = project.folder / "docs/index.md"
    other = {"reads": block("open('made.txt')"), "writes": block("import time; time.sleep(1); open('made.txt', 'w')")}
    project.write(other, (project.folder / "mkdocs.yml").read_text())
    assert "noted" not in served("<span>1 assertion</span>")
    assert "\n  docs/writes.md writes made.txt; to run this page after it" in served("FileNotFoundError", "reads/")

    index.write_text(GOOD.replace("42", "41"))
    shown = served("docs/index.md:6: AssertionError: library.answer() == 41")
    assert "left 42, right 41" in shown
    assert '<pre class="err">noted</pre>' in shown
    assert "✓ verified" not in shown
    assert '<a href="#einsum-doc-failure"><b>✗ 1 failure on this page</b></a>' in shown
    assert shown.count('id="einsum-doc-failure"') == 1
    assert "docs/index.md:6: AssertionError" in (project.folder / "console").read_text()

    index.write_text(GOOD.replace("source=", "sauce="))
    assert "did you mean &#x27;source&#x27;?" in served("docs/index.md:3: FenceError: unknown option")

    index.write_text(GOOD)
    served("✓ verified")


@ALL
def test_an_edit_to_the_library_is_seen(served: Callable[[str], str], project: Project) -> None:
    served("<span>1 assertion</span>")
    (project.folder / "library.py").write_text("def answer():\n    return 43\n")
    assert "left 43, right 42" in served("AssertionError: library.answer() == 42")


@pytest.mark.slow
def test_a_site_that_is_broken_from_the_start_is_served(project: Project, served: Callable[[str], str]) -> None:
    with (project.folder / "mkdocs.yml").open("a") as config:
        config.write("strict: true\n")
    (project.folder / "docs/index.md").write_text("# Title\n\n```python exec=on\n1 / 0\n```\n")
    served("the options exec=on cannot be read")
    assert "\neinsum-doc: 1 page, 0 blocks, 0 assertions held, 1 failure\n" in (project.folder / "console").read_text()
    (project.folder / "docs/index.md").write_text(GOOD)
    served("<span>1 assertion</span>")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys\nsys.exit(0)", "docs/index.md:5: SystemExit: 0"),
        ("import os\nos._exit(0)", "docs/index.md:4: WorkerError: the block ended its process"),
        (
            "import ctypes\nctypes.string_at(0)",
            "docs/index.md:5: WorkerError: the block&#x27;s process was killed by SIGSEGV",
        ),
        ("while True: pass", "docs/index.md:4: TimeoutError: the block did not end within 1 s"),
        ("hoard = []\nwhile True: hoard.append(bytearray(2**24))", "MemoryError"),
    ],
    ids=["exit", "hard exit", "crash", "endless", "memory"],
)
def test_the_server_survives(served: Callable[[str], str], project: Project, code: str, said: str) -> None:
    limited = PLAIN.replace("einsum-doc]", "{einsum-doc: {timeout: 1, memory: 0.5}}]")
    (project.folder / "mkdocs.yml").write_text(limited)
    index = project.folder / "docs/index.md"
    index.write_text(f'# Title\n\n```python exec="on"\n{code}\n```\n')
    served(said)
    index.write_text(GOOD)
    served("<span>1 assertion</span>")


@pytest.mark.slow
def test_the_tables_hold_for_a_site_that_is_served(served: Callable[..., str], project: Project) -> None:
    """Each failure is shown on its page, the page after it holds, and once it is mended it holds as well.

    What holds is shown as it is in a build.
    """
    limits = f"{{einsum-doc: {{timeout: 30, memory: 0.5, {SHOWING}}}}}]"
    shown = {name: f"docs/{name}.md:{facts['line']}: {facts['fails']}" for name, facts in FAILING.items()}
    shown |= {name: f"docs/{name}.md:{said}" for name, (_, said) in WRONG.items()}
    left_out = [name for name, (_, said) in WRONG.items() if "MkDocs leaves its page out" in said]
    pages = {name: (SURVIVAL / f"failing/docs/{name}.md").read_text("utf-8") for name in FAILING}
    pages |= {name: text for name, (text, _) in WRONG.items()}
    pages |= {f"{name}_next": page("assert True") for name in FAILING}
    pages |= {f"held/{name}": (SURVIVAL / f"holding/docs/{name}.md").read_text("utf-8") for name in HOLDING}
    pages |= {"index": "# Title\n", "folder/index": "# Title\n"}
    project.write(pages, SITE.replace("einsum-doc]", limits))
    served("<h1")
    console = (project.folder / "console").read_text()
    for name, said in shown.items():
        assert f"\n{said}" in console
        if name not in left_out:
            html = unescape(served('<div class="stamp failed">', f"{name}/"))
            assert said in html, name
    for name in FAILING:
        served("<span>1 assertion</span>", f"{name}_next/")
    for name, facts in HOLDING.items():
        assert facts["shows"] in served('<div class="run held"', f"held/{name}/"), name

    project.write(
        {name: page("assert True") for name in shown} | {"index": "# Mended\n"}, SITE.replace("einsum-doc]", limits)
    )
    served("Mended")
    for name in shown.keys() - set(left_out):
        served("<span>1 assertion</span>", f"{name}/")


@pytest.mark.slow
def test_a_page_that_is_deleted_is_forgotten(served: Callable[[str], str], project: Project) -> None:
    (project.folder / "docs/other.md").write_text('# Other\n\n```python exec="on"\n1 / 0\n```\n')
    served("<span>1 assertion</span>")
    (project.folder / "docs/other.md").unlink()
    (project.folder / "docs/index.md").write_text(GOOD + "\nAnd a word.\n")
    served("And a word.")
    assert (project.folder / "console").read_text().split("Detected file changes")[-1].count("ZeroDivisionError") == 0


@pytest.mark.slow
def test_a_change_of_mkdocs_yml_is_seen(served: Callable[[str], str], project: Project) -> None:
    served("<span>1 assertion</span>")
    (project.folder / "docs/index.md").write_text(
        '# Title\n\n```python exec="on" source="above"\nimport time\ntime.sleep(1)\n```\n'
    )
    served("<span>1 block</span>")
    (project.folder / "mkdocs.yml").write_text(PLAIN.replace("einsum-doc]", "{einsum-doc: {timeout: 0.5}}]"))
    served("TimeoutError: the block did not end within 0.5 s")


@pytest.mark.slow
@pytest.mark.parametrize("served", BUILDERS, indirect=True)
def test_a_page_that_reached_its_limit_waits_for_a_dependency(served: Callable[..., str], project: Project) -> None:
    code = "import time\nopen('begun', 'w').write(str(time.time_ns()))\n"
    code += "'new' in open('library.py').read() or time.sleep(9)"
    config = (project.folder / "mkdocs.yml").read_text().replace("einsum-doc]", "{einsum-doc: {timeout: 1}}]")
    project.write({"late": "# Late\n\n" + block(code)}, config)
    late, begun = project.folder / "docs/late.md", project.folder / "begun"
    said = "TimeoutError: the block did not end within 1 s"
    served(f"docs/late.md:6: {said}", "late/")
    first = begun.read_text()
    project.write({"index": GOOD + "\nAn edit.\n"}, config)
    served("An edit.")
    late.write_text("A line.\n\n" + late.read_text())
    served(f"docs/late.md:8: {said}", "late/")
    assert begun.read_text() == first
    (project.folder / "library.py").write_text(LIBRARY + "\n\nnew = 1\n")
    served("✓ verified", "late/")
    assert begun.read_text() != first
