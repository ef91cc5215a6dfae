"""A process that has imported torch once and forks a worker for each page, in milliseconds.

Three processes stand between the build and a page's code:

- the *fork server*, started once: it imports the modules that pages are known to need; when a file
  of these has changed, another takes its place, so that the next page sees the edit;
- a *supervisor* for each page, forked from it: it waits for the worker, reports to the build how
  it ended, and kills everything that the page's code has left running;
- the *worker*, forked from the supervisor: it runs the page's blocks (worker.py).

The build holds a socket to each. When the build ends, in whatever way, the sockets close, and
every process below it ends. The children of a killed supervisor become children of the fork
server, which kills them when it ends itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import os
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path

from einsum_doc.pages.worker import worker as page_worker
from einsum_doc.pages.worker.recorder import add_loaded_modules, dates_of_loaded_files, is_installed

DESCRIPTORS = 5
"""The number of descriptors in a message: the worker's socket, the supervisor's, the files of `worker.serve`."""


def main(control: socket.socket, preload: list[str]) -> None:
    """Fork a supervised worker for each message on `control`, until it closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors that have ended leave no zombies
    _adopt_orphans()
    # Modules stay: collecting garbage among them takes a tenth of torch's import, and in a worker it would copy
    # the memory that pages share.
    gc.disable()
    start = time.time() - 0.02  # the dates of files lag behind the clock
    sys.path.append(os.getcwd())  # where pages find modules of the project
    for name in preload:
        # A module that cannot be imported fails in the page that imports it, with its line.
        with contextlib.suppress(Exception):
            # Bytecode is dated by whole seconds: of two edits within one, the second would not be seen.
            sys.dont_write_bytecode = not is_installed(importlib.util.find_spec(name))
            importlib.import_module(name)
    sys.path.pop()
    own = add_loaded_modules()
    dates = dates_of_loaded_files()
    gc.freeze()
    while True:
        message, descriptors, *_ = socket.recv_fds(control, 16, DESCRIPTORS)
        if not message:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _kill_all_below()
            return
        if message == b"state":
            is_current = dates == dates_of_loaded_files() and all(date < start for date in dates.values())
            control.sendall(b"." if is_current else b"!")
            continue
        if os.fork() == 0:
            control.close()
            try:
                _supervise(descriptors, own)
            finally:
                os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
        control.sendall(b".")


def _supervise(descriptors: list[int], own: list[str]) -> None:
    """Fork the worker, wait until it ends or the build closes its socket, and kill everything that is left."""
    talk, life, *files = descriptors
    _adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    worker = os.fork()
    if worker == 0:
        os.close(life)
        _work(talk, files, own)
    for descriptor in (talk, *files):
        os.close(descriptor)
    report = socket.socket(fileno=life)
    report.sendall(f"{os.getpid()} {worker}\n".encode())
    threading.Thread(target=_kill_when_closed, args=(report, worker), daemon=True).start()
    _, status = os.waitpid(worker, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(worker, signal.SIGKILL)
    _kill_all_below()
    with contextlib.suppress(OSError):
        report.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _kill_when_closed(report: socket.socket, worker: int) -> None:
    """Kill the worker when the build has stopped the page, or is gone."""
    with contextlib.suppress(OSError):
        report.recv(1)
        os.kill(worker, signal.SIGKILL)


def _work(talk: int, files: list[int], own: list[str]) -> None:
    """Run as the worker, and never return. `own` are the modules that it consists of."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        # The page imports the library as it is on disk now; the worker keeps its own modules by reference.
        for name in own:
            del sys.modules[name]
        gc.enable()
        with socket.socket(fileno=talk) as connection:
            page_worker.serve(connection, files)
        # Not sys.exit: functions that the page has registered with atexit are not run.
        os._exit(0)
    except BaseException:
        os.write(files[1], traceback.format_exc().encode())
    finally:
        os._exit(70)  # the worker itself failed: EX_SOFTWARE


def _adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has ended, so as to kill them."""
    if sys.platform == "linux":
        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def _kill_all_below() -> None:
    """Kill every child and, on Linux, their descendants, which become children in turn."""
    while True:
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    with contextlib.suppress(OSError):
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    return []


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
    os._exit(0)  # an orderly end of an interpreter with torch would make the build wait for half a second
