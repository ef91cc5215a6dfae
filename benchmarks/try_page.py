"""How long the page `try/` takes in a browser until Python is ready, and until an einsum is derived.

    mkdocs build -d site && python benchmarks/try_page.py site

Cold: a browser that has nothing of the site. Warm: the same browser, once more. Medians of the rounds, in seconds.
"""

import argparse
import functools
import http.server
import shutil
import statistics
import threading
import time

from playwright.sync_api import Page, sync_playwright

EINSUMS = ("ij,jk->ik", "bhtd,bhsd->bhts", "abc,ia,jb,kc->ijk")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def until(page: Page, text: str) -> None:
    """Wait until the page says this."""
    page.wait_for_function("(text) => document.querySelector('#try-status').textContent.includes(text)", arg=text)


def seconds(page: Page, address: str) -> float:
    """Return how long the page takes until Python is ready."""
    start = time.perf_counter()
    page.goto(address)
    until(page, "Ready")
    return time.perf_counter() - start


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("site", help="the folder of the built site")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=options.site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/try/"
    times: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(options.rounds):
            context = browser.new_context()
            page = context.new_page()
            page.set_default_timeout(120_000)
            times.setdefault("ready, cold", []).append(seconds(page, address))
            times.setdefault("ready, warm", []).append(seconds(page, address))
            for einsum in EINSUMS:
                start = time.perf_counter()
                page.fill("#try-einsum", einsum)
                until(page, f"{einsum}:")
                times.setdefault(einsum, []).append(time.perf_counter() - start)
            context.close()
        browser.close()
    server.shutdown()
    for name, each in times.items():
        print(f"{name:<20} {statistics.median(each):6.2f} s   (from {min(each):.2f} to {max(each):.2f})")


if __name__ == "__main__":
    main()
