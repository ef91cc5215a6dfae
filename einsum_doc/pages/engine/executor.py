"""Pages run on an engine that is there already, through Python's `Executor`: on the machines of a Dask cluster.

An *order* is sent, and an *outcome* comes back, each as text. The engine's process does what the
build would have done here: it starts a fork server, has the page run in a session, and notes what
it has depended on. All machines see the project in the same place, as on a shared file system.
"""

from __future__ import annotations

import atexit
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from einsum_doc.pages.cache.cache import Cache
from einsum_doc.pages.cache.snapshot import MACHINE, Evidence
from einsum_doc.pages.engine.session import ForkServer, Limits, Page, run_page
from einsum_doc.pages.record.codec import from_facts, to_json
from einsum_doc.pages.record.result import PageResults, Result
from einsum_doc.pages.verdict.redaction import Redaction

if TYPE_CHECKING:
    from einsum_doc.pages.engine.pool import PoolSettings


class ExecutorError(Exception):
    """The engine that pages are to run on cannot be had."""


@dataclass(frozen=True)
class Engine:
    """An executor in other processes, perhaps on other machines."""

    executor: Executor
    slots: int
    """How many pages it can run at a time."""
    close: Callable[[], None]

    def run(
        self, page: Page, settings: PoolSettings, preload: Sequence[str], reads: Sequence[str], *, compares: bool
    ) -> tuple[PageResults, Evidence]:
        """Have a page run; its results, and what they depended on where they were made."""
        order = {
            "builder": MACHINE["builder"],
            "root": str(settings.root),
            "device": settings.device,
            "limits": asdict(settings.limits),
            "preload": list(preload),
            "reads": list(reads),
            "compares": compares,
            "library": list(settings.library),
            "page": asdict(page),
        }
        outcome = json.loads(self.executor.submit(run_order, to_json(order)).result())
        clean = Redaction(str(settings.root))  # the engine's processes have taken out the secrets of their own
        results = [clean.result(from_facts(Result, facts)) for facts in outcome["ran"].pop("results")]
        return PageResults(results, **outcome["ran"]), outcome["evidence"]


def connect(address: str) -> Engine:
    """The engine at an address.

    Raises: ExecutorError, if there is none, or if what is needed to speak to it is not installed.
    """
    kind, colon, place = address.partition("://")
    if kind != "dask" or not colon:
        raise ExecutorError(f"{address!r} is no address of an engine, such as dask://127.0.0.1:8786")
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ExecutorError("Dask is not installed: install einsum-doc[dask]") from None
    try:
        client = Client(f"tcp://{place}", timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ExecutorError(f"there is no Dask scheduler at {place}: {error}") from None
    slots = sum(client.nthreads().values())
    if not slots:
        client.close()
        raise ExecutorError(f"the Dask scheduler at {place} has no workers")
    return Engine(client.get_executor(pure=False, retries=0), slots, client.close)


def run_order(order: str) -> str:
    """Run a page in a process of the engine."""
    facts: dict[str, Any] = json.loads(order)
    root, limits = Path(facts["root"]), Limits(**facts["limits"])
    if facts["builder"] != MACHINE["builder"]:
        raise RuntimeError("the engine's process has loaded another version of einsum-doc than the build: restart it")
    if not root.is_dir():
        raise RuntimeError("the folder of mkdocs.yml is not to be found where the engine's process runs")
    page = from_facts(Page, facts["page"])
    settings = {name: facts[name] for name in ("root", "device", "library")}
    settings |= {"memory": limits.bytes, "threads": 0, "gpu": ""}
    server = _server(root, facts["preload"])
    ran, dependencies = run_page(server, settings, page, limits, compares=facts["compares"])
    cache = Cache(None, root, {}, reads={page.name: facts["reads"]})
    evidence = cache.evidence(page.name, page.blocks, ran, dependencies)
    return to_json({"ran": asdict(ran), "evidence": evidence})


_servers: list[ForkServer] = []
_starting = threading.Lock()


def _server(root: Path, preload: Sequence[str]) -> ForkServer:
    """A fork server of this process for a project; it ends when this process does."""
    with _starting:
        found = next((server for server in _servers if server.root == root and server.serves(preload)), None)
        if found is None:
            found = ForkServer(root, preload, 0)
            atexit.register(found.close)
            _servers.append(found)
        return found
