"""What tests of built sites share: a browser, and a server for a folder."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

# A shell that starts something in the background has it ignore interrupts, and so would the servers that tests end by
# them. One that is handled here is what it should be in a child.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# One thread for torch, here and in what tests start: they use all cores already, and threads that wait for a core spin.
os.environ.setdefault("OMP_NUM_THREADS", "1")

collect_ignore = ["sites"]  # sites that tests build; many of their pages are wrong on purpose


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect tests marked `torch` to fail where it is not installed: all cases of a test, or those that are named."""
    if find_spec("torch") is not None:
        return
    for item in items:
        for marker in item.iter_markers("torch"):
            if not marker.args or item.name.partition("[")[2].removesuffix("]") in marker.args:
                item.add_marker(pytest.mark.xfail(reason="PyTorch is not installed"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium. Without one, skipped with the reason; in CI, a failure."""
    program = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    if program is None:
        reason = "no browser: install Debian's chromium, or another Chromium, to run the tests of built pages"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    """A function: a folder -> the address, on this machine, at which it is served."""
    with ExitStack() as running:

        def start(folder: Path) -> str:
            handler = functools.partial(_Quiet, directory=str(folder))
            server = running.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            running.callback(thread.join)
            running.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}/"

        yield start
