"""Pages run by the processes of a cluster, on other machines perhaps, through Python's `Executor`.

An `Order` is sent, and an `Outcome` comes back, each as text. A process of the cluster does what the
build does for a page on its own machine: it starts a fork server, runs the job in a worker, and finds
out what it depended on. All machines see the project in the same folder, as on a shared file system.
"""

from __future__ import annotations

import atexit
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from einsum_doc.pages.cache.cache import evidence_of
from einsum_doc.pages.cache.snapshot import MACHINE, Evidence, Snapshot
from einsum_doc.pages.engine.connection import ForkServer
from einsum_doc.pages.engine.session import run_job
from einsum_doc.pages.record.codec import from_facts, to_json
from einsum_doc.pages.record.messages import Job, WorkerSettings
from einsum_doc.pages.record.options import OptionError
from einsum_doc.pages.record.result import PageResults
from einsum_doc.pages.verdict.redaction import Redaction


@dataclass(frozen=True)
class Order:
    """A job for a process of the cluster."""

    job: Job
    settings: WorkerSettings
    preload: Sequence[str]
    """Modules that its fork server imports."""
    reads: Sequence[str]
    """Patterns of the files that the processes of the page may read; all of the project if there are none."""
    compares: bool
    """True if a block fails whose output differs from its `expected` fence."""
    builder: str = MACHINE["builder"]
    """The digest of the builder's sources, which must be the same on both sides."""


@dataclass(frozen=True)
class Outcome:
    """The results of a job, and the evidence for the cache from where it ran."""

    ran: PageResults
    evidence: Evidence


@dataclass(frozen=True)
class Cluster:
    """An executor in other processes, perhaps on other machines."""

    executor: Executor
    slots: int
    """The number of pages that it can run at a time."""
    close: Callable[[], None]

    def run(self, order: Order) -> Outcome:
        """Run a job and wait for its outcome."""
        answer = self.executor.submit(run_order, to_json(order)).result()
        outcome = from_facts(Outcome, json.loads(answer))
        # The cluster's processes have removed their own secrets.
        clean = Redaction(order.settings.root, shows_paths=order.settings.options.compatible)
        return replace(outcome, ran=replace(outcome.ran, results=list(map(clean.result, outcome.ran.results))))


def connect(address: str) -> Cluster:
    """Return the cluster at an address.

    Raises: OptionError, if there is none, or if the package that speaks to it is not installed.
    """
    kind, colon, place = address.partition("://")
    if kind != "dask" or not colon:
        raise OptionError(f"executor: {address!r} is no address of an engine, such as dask://127.0.0.1:8786")
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise OptionError("executor: Dask is not installed: install einsum-doc[dask]") from None
    try:
        client = Client(f"tcp://{place}", timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OptionError(f"executor: there is no Dask scheduler at {place}: {error}") from None
    slots = sum(client.nthreads().values())
    if not slots:
        client.close()
        raise OptionError(f"executor: the Dask scheduler at {place} has no workers")
    return Cluster(client.get_executor(pure=False, retries=0), slots, client.close)


def run_order(text: str) -> str:
    """Run a job in a process of the cluster."""
    facts = json.loads(text)
    if facts["builder"] != MACHINE["builder"]:
        raise RuntimeError("the engine's process has loaded another version of einsum-doc than the build: restart it")
    order = from_facts(Order, facts)
    job, root = order.job, Path(order.settings.root)
    if not root.is_dir():
        raise RuntimeError("the folder of mkdocs.yml is not to be found where the engine's process runs")
    ran, dependencies = run_job(_server(root, order.preload), order.settings, job, compares=order.compares)
    now = Snapshot(root.resolve(), [], order.settings.options.ignored_variables)
    return to_json(Outcome(ran, evidence_of(now, job.blocks, ran, dependencies, order.reads)))


_servers: list[ForkServer] = []
_starting = threading.Lock()


def _server(root: Path, preload: Sequence[str]) -> ForkServer:
    """Return a fork server of this process for a project; it ends when this process does."""
    with _starting:
        found = next((server for server in _servers if server.root == root and server.serves(preload)), None)
        if found is None:
            found = ForkServer(root, preload, 0)
            atexit.register(found.close)
            _servers.append(found)
        return found
