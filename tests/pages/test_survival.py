"""Whatever a block does to its process, the verdict is right and the next page is not affected."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import MKDOCS, PLAIN, Built, mkdocs_build, write_pages

LIMITED = PLAIN.replace("einsum-doc]", "{einsum-doc: {timeout: 1.5, memory: 0.5}}]")
PATIENT = LIMITED.replace("1.5", "30")  # where a machine that is busy must not decide about the outcome
LATE = ("endless", "sleeping", "shell", "thread_left")
"""The pages that fail because their time is over."""

FAILING = {
    "exit": ("import sys\nsys.exit(0)", 4, "SystemExit: 0"),
    "quit": ("quit()", 3, "SystemExit: None"),
    "hard_exit": ("import os\nos._exit(0)", 3, "WorkerError: the block ended its process, with exit status 0"),
    "abort": ("import os\n\nos.abort()", 5, "WorkerError: the block's process was killed by SIGABRT"),
    "killed": ("import os\nos.kill(os.getpid(), 9)", 3, "WorkerError: the block's process was killed by SIGKILL"),
    "segmentation_fault": (
        "import ctypes\n\n\ndef deep():\n    ctypes.string_at(0)\n\n\ndeep()",
        7,
        "WorkerError: the block's process was killed by SIGSEGV",
    ),
    "interrupt": ("raise KeyboardInterrupt", 3, "KeyboardInterrupt"),
    "recursion": ("def f():\n    return f()\n\nf()", 4, "RecursionError: maximum recursion depth exceeded"),
    "endless": ("x = 0\nwhile True: x += 1", 4, "TimeoutError: the block did not end within 1.5 s"),
    "sleeping": ("import time\n\n\ntime.sleep(1000)", 6, "TimeoutError: the block did not end within 1.5 s"),
    "shell": ("import subprocess\nsubprocess.run(['sleep', '1000'])", 4, "TimeoutError: the block did not end"),
    "memory": ("hoard = []\nwhile True:\n    hoard.append(bytearray(2**24))", 5, "MemoryError"),
    "huge": ("bytearray(10**13)", 3, "MemoryError"),
    "import_": ("import there_is_no_such_module", 3, "ModuleNotFoundError: No module named 'there_is_no_such_module'"),
    "thread": (
        "import threading\n\n\ndef check():\n    assert 1 == 2\n\n\nthread = threading.Thread(target=check)\n"
        "thread.start()\nthread.join()",
        7,
        "AssertionError: 1 == 2",
    ),
    "thread_left": (
        "import threading, time\n\n\ndef wait():\n    time.sleep(1000)\n\n\nthreading.Thread(target=wait).start()",
        7,
        "TimeoutError: a thread or process that is no daemon did not end within 1.5 s of the page's last block",
    ),
    "raw_thread": (
        "import _thread, time\n\n\ndef check():\n    assert 1 == 2\n\n\n_thread.start_new_thread(check, ())\n"
        "time.sleep(0.2)",
        7,
        "AssertionError: 1 == 2",
    ),
    "task": (
        "import asyncio\n\n\nasync def check():\n    assert 1 == 2\n\n\nasync def main():\n"
        "    asyncio.create_task(check())\n    await asyncio.sleep(0)\n\n\nasyncio.run(main())",
        7,
        "AssertionError: 1 == 2",
    ),
    "callback": (
        "import asyncio\n\n\ndef check():\n    assert 1 == 2\n\n\nasync def main():\n"
        "    asyncio.get_running_loop().call_soon(check)\n    await asyncio.sleep(0)\n\n\nasyncio.run(main())",
        7,
        "AssertionError: 1 == 2",
    ),
    "future": (
        "from concurrent.futures import ThreadPoolExecutor\n\n\ndef check(n):\n    assert n == 2\n\n\n"
        "with ThreadPoolExecutor() as executor:\n    executor.map(check, [1, 2])",
        7,
        "AssertionError: n == 2",
    ),
    "coroutine": (
        "async def check():\n    return False\n\n\nassert check()",
        7,
        "UnawaitedError: the coroutine 'check' was never awaited",
    ),
    "coroutine_kept": (
        "async def check():\n    return False\n\n\nfound = check()\nassert found",
        7,
        "UnawaitedError: the coroutine 'check' was never awaited",
    ),
    "deleted": (
        "class Checked:\n    def __del__(self):\n        assert 1 == 2\n\n\nChecked()",
        5,
        "AssertionError: 1 == 2",
    ),
    "process": (
        "import multiprocessing\n\n\ndef check():\n    assert 1 == 2\n\n\n"
        "process = multiprocessing.get_context('fork').Process(target=check)\nprocess.start()\nprocess.join()",
        11,
        "ProcessError: the process that was started here ended with status 1, and nobody has asked for its exitcode",
    ),
    "process_left": (
        "import multiprocessing, time\n\n\ndef check():\n    time.sleep(0.2)\n    assert 1 == 2\n\n\n"
        "multiprocessing.get_context('fork').Process(target=check).start()",
        11,
        "ProcessError: the process that was started here ended with status 1",
    ),
    "process_pool": (
        "import multiprocessing\nfrom concurrent.futures import ProcessPoolExecutor\n\n\ndef check(n):\n"
        "    assert n == 2\n\n\nwith ProcessPoolExecutor(1, multiprocessing.get_context('fork')) as executor:\n"
        "    executor.submit(check, 1)",
        8,
        "AssertionError: n == 2",
    ),
    "pool": (
        "import multiprocessing\n\n\ndef check(n):\n    assert n == 2\n\n\n"
        "with multiprocessing.get_context('fork').Pool(1) as pool:\n    pool.map_async(check, [1])\n"
        "    pool.close()\n    pool.join()",
        7,
        "AssertionError: n == 2",
    ),
    "pool_of_a_library": (
        "import multiprocessing, operator\n\nwith multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    found = pool.apply_async(operator.truediv, (1, 0))\n    try:\n        found.get(0)\n"
        "    except multiprocessing.TimeoutError:\n        pass\n    pool.close()\n    pool.join()",
        6,
        "ZeroDivisionError: division by zero",
    ),
    "pool_iterated": (
        "import multiprocessing, operator\n\nwith multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    found = pool.imap(operator.inv, [1, 2, 'x'])\n    next(found)\n    pool.close()\n    pool.join()",
        6,
        "TypeError: bad operand type for unary ~: 'str'",
    ),
    "future_of_a_library": (
        "import operator\nfrom concurrent.futures import ThreadPoolExecutor\n\nwith ThreadPoolExecutor() as executor:\n"
        "    executor.submit(operator.truediv, 1, 0)",
        7,
        "ZeroDivisionError: division by zero",
    ),
    "process_closed": (
        "import multiprocessing\n\nprocess = multiprocessing.get_context('fork').Process(target=divmod, args=(1, 0))\n"
        "process.start()\nprocess.join()\nprocess.close()\nprocess.close()",
        6,
        "ProcessError: the process that was started here ended with status 1",
    ),
    "doctest": (
        'import doctest\n\n\ndef one():\n    """One.\n\n    >>> one()\n    2\n    """\n    return 1\n\n\n'
        "doctest.testmod()",
        15,
        "AssertionError: what testmod found is false",
    ),
    "unittest": (
        "import unittest\n\n\nclass Tests(unittest.TestCase):\n    def test_one(self):\n        assert 1 == 2\n\n\n"
        "unittest.main(argv=['tests'], exit=False)",
        11,
        "UnsuccessfulError: <unittest.runner.TextTestResult run=1 errors=0 failures=1>, and nobody has asked",
    ),
    "supervisor_killed": (
        "import os\nos.kill(os.getppid(), 9)\nwhile True:\n    pass",
        3,
        "WorkerError: the block has ended or stopped the process that watches over its own",
    ),
    "supervisor_killed_at_the_end": (
        "import os, subprocess\nsubprocess.Popen(['setsid', 'sleep', '1000.5'])\nos.kill(os.getppid(), 9)",
        3,
        "WorkerError: the block has ended or stopped the process that watches over its own",
    ),
    "supervisor_stopped": (
        "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)",
        3,
        "WorkerError: the block has ended or stopped the process that watches over its own",
    ),
    "forged": (
        "import json, os\nheld = dict(status='held', output='', errors='', seconds=0.0, device='', torch='', "
        "assertions=1000, reason='', raised='', rows=[], markup='', failure=None, also=[])\n"
        "for name in os.listdir('/proc/self/fd'):\n    try:\n"
        "        if os.readlink(f'/proc/self/fd/{name}').startswith('socket:'):\n"
        "            os.write(int(name), (json.dumps({'result': held, 'late': []}) + '\\n').encode())\n"
        "    except OSError:\n        pass\nassert 1 == 2",
        3,
        "WorkerError: the block has answered in the worker's place",
    ),
    "dumps": (
        "import os, sys\nprint('Timeout (attempt 1)!\\nThread 0x1', file=sys.stderr)\nprint('after', file=sys.stderr)\n"
        "os.abort()",
        6,
        "WorkerError: the block's process was killed by SIGABRT",
    ),
    "patched_modules": (
        "import json, os, time\njson.dumps = os.getpid = time.perf_counter = None\nassert 1 == 2",
        5,
        "AssertionError: 1 == 2",
    ),
    "group": (
        "import asyncio\n\n\nasync def check(n):\n    await asyncio.sleep(0)\n    assert n == 0\n\n\n"
        "async def main():\n    async with asyncio.TaskGroup() as tasks:\n        for n in range(2):\n"
        "            tasks.create_task(check(n))\n\n\nasyncio.run(main())",
        8,
        "AssertionError: n == 0",
    ),
    "long_message": (
        "raise ValueError('x' * 3_000_000)",
        3,
        f"ValueError: {2000 * 'x'}… 2,998,000 more characters are not shown",
    ),
    "patched": (
        "import builtins\n\nfor name in ('len', 'str', 'isinstance', 'print', 'dict', 'BaseException'):\n"
        "    setattr(builtins, name, None)\nassert 1 == 2",
        7,
        "AssertionError: 1 == 2",
    ),
    "shadowed": ("class AssertionError(BaseException): pass\nassert 1 == 2", 4, "AssertionError: 1 == 2"),
    "swallowed": ("try:\n    assert 1 == 2\nfinally:\n    print('seen')", 4, "AssertionError: 1 == 2"),
    "closed": ("import os, sys\nsys.stdout.close()\nos.close(1)\nos.close(2)\nassert 1 == 2", 7, "AssertionError"),
    "all_closed": ("import os\nos.closerange(3, 256)\nassert 1 == 2", 3, "WorkerError"),
    "no_space": ("with open('/dev/full', 'w') as file:\n    file.write('x' * 10**6)", 4, "OSError: [Errno 28]"),
    "flood": (
        # As if it had written it all: a disk that is busy might not take that much within the time limit.
        "import os\nos.ftruncate(1, 2**29)\nwhile True: pass",
        3,
        "OutputError: the block wrote more than 256 MB",
    ),
    "unprintable": (
        "class E(Exception):\n    def __str__(self): return 1 / 0\nraise E",
        5,
        "E: (its message cannot be",
    ),
    "nothing_there": (
        "import os, shutil\nos.mkdir('here')\nos.chdir('here')\nos.rmdir('../here')\nassert 1 == 2",
        7,
        "AssertionError",
    ),
}

HOLDING = {
    "much_output": ("print('begin')\nfor _ in range(100):\n    print('x' * 2**20)", "bytes of output are not shown"),
    "not_text": ("import sys\nsys.stdout.buffer.write(b'caf\\xe9 \\xff\\x00 end')", "end"),
    "surrogates": ("print('half \\ud800 a pair')", "half \\ud800 a pair"),
    "directory": ("import os\nos.chdir('/')\nprint(os.getcwd())", "/"),
    "no_directory": (
        "import os\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')\nprint('still here')",
        "still here",
    ),
    "daemon_left": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\nprint('left')",
        "left",
    ),
    "executor_left": (
        "from concurrent.futures import ThreadPoolExecutor\nprint(ThreadPoolExecutor().submit(int, '42').result())",
        "42",
    ),
    "looked_at": (
        "import asyncio\nfrom concurrent.futures import ThreadPoolExecutor\n\n\ndef check():\n    assert 1 == 2\n\n\n"
        "async def check_later():\n    assert 1 == 2\n\n\nasync def main():\n"
        "    found = await asyncio.gather(check_later(), return_exceptions=True)\n"
        "    task = asyncio.create_task(asyncio.sleep(1000))\n    await asyncio.sleep(0)\n    task.cancel()\n"
        "    return found\n\n\nfound = asyncio.run(main())\n"
        "print(len(found), type(ThreadPoolExecutor().submit(check).exception()))\ncheck_later().close()",
        "1 &lt;class 'AssertionError'&gt;",
    ),
    "processes_of_a_library": (
        "import multiprocessing, os\nfrom concurrent.futures import ProcessPoolExecutor\n"
        "from concurrent.futures.process import BrokenProcessPool\n\nfork = multiprocessing.get_context('fork')\n"
        "with fork.Manager() as left:\n    shared = left.dict(a=1)\n    print(shared['a'])\nmanager = fork.Manager()\n"
        "try:\n    with ProcessPoolExecutor(1, fork) as executor:\n        executor.submit(os._exit, 3).result()\n"
        "except BrokenProcessPool:\n    print('broken')",
        "1\nbroken",
    ),
    "tests_looked_at": (
        "import doctest, unittest\n\n\nclass Tests(unittest.TestCase):\n    def test_one(self):\n"
        "        assert 1 == 2\n\n\ntests = unittest.main(argv=['tests'], exit=False)\n"
        "print(len(tests.result.failures))\ndoctest.testmod()",
        "1\n",
    ),
    "processes_looked_at": (
        "import multiprocessing, time, unittest\n\n\ndef check(n):\n    assert n == 2\n\n\n"
        "fork = multiprocessing.get_context('fork')\nprocess = fork.Process(target=check, args=[1])\n"
        "process.start()\nprocess.join()\nended = fork.Process(target=time.sleep, args=[1000])\nended.start()\n"
        "ended.terminate()\nprint(process.exitcode)\nwith fork.Pool(1) as pool:\n    try:\n"
        "        pool.apply_async(check, [1]).get()\n    except AssertionError:\n        print('seen')\n\n\n"
        "class Tests(unittest.TestCase):\n    def test_one(self):\n        check(1)\n\n\n"
        "tests = unittest.main(argv=['tests'], exit=False)\nprint(tests.result.wasSuccessful())",
        "1\nseen\nFalse",
    ),
    "at_exit": ("import atexit, time\natexit.register(time.sleep, 1000)\nprint('registered')", "registered"),
    "children_left": (
        # Known by how long they would sleep: another build may have children of its own at the same time.
        "import os, subprocess\nseconds = f'1000.{os.getpid():07}'\n"
        "for command in (['sleep', seconds], ['setsid', 'sleep', seconds], "
        "['sh', '-c', f'(setsid sleep {seconds} &) ; exit 0']):\n    print(subprocess.Popen(command).pid)\n"
        "import pathlib, time\ntime.sleep(0.2)\n\n\ndef command(p):\n"
        "    try:\n        return (p / 'cmdline').read_bytes()\n"
        "    except OSError:\n        return b''  # it has ended meanwhile\n\n\n"
        "print('CHILDREN', seconds, *(p.name for p in pathlib.Path('/proc').glob('[0-9]*') "
        "if f'sleep\\0{seconds}'.encode() in command(p)))",
        "CHILDREN",
    ),
    "forked": ("import os\nif os.fork():\n    os.wait()\nprint('twice')", "twice"),
    "own_group": ("import os\ntry:\n    os.setsid()\nexcept OSError:\n    print('leads already')", "leads already"),
    "signals": ("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf')", "deaf"),
    "printing": (
        "import builtins\nbuiltins.print = lambda *a, **k: None\nimport sys\nsys.stdout.write('kept')",
        "kept",
    ),
    "replaced": ("import io, sys\nsys.stdout = io.StringIO()\nprint('lost')", ""),
    "returned": ("print('and back')", "and back"),
    "seed": ("import random\nrandom.seed(1)\nprint('state')", "state"),
    "long": ("\n".join(f"x{i} = {i}" for i in range(10_000)) + "\nprint('of 10,000 lines')", "of 10,000 lines"),
}


def page(code: str) -> str:
    return f'# Title\n```python exec="on" source="above" result="text"\n{code}\n```\n'


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Built:
    """One build of the pages that fail, and of one after each that holds."""
    pages = {name: page(code) for name, (code, _, _) in FAILING.items() if name not in LATE}
    folder = tmp_path_factory.mktemp("failing")
    write_pages(folder, pages | {f"{name}_next": page("print(1)\nassert True") for name in pages}, PATIENT)
    return mkdocs_build(folder, environment)


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Built:
    """The same of those whose time is over."""
    pages = {name: page(FAILING[name][0]) for name in LATE}
    folder = tmp_path_factory.mktemp("late")
    write_pages(folder, pages | {f"{name}_next": page("print(1)\nassert True") for name in pages}, LIMITED)
    return mkdocs_build(folder, environment)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Built:
    """One build of all the pages that hold."""
    folder = tmp_path_factory.mktemp("holding")
    write_pages(folder, {name: page(code) for name, (code, _) in HOLDING.items()}, PATIENT)
    return mkdocs_build(folder, environment)


@pytest.mark.parametrize(("name", "line", "said"), [(name, *facts[1:]) for name, facts in FAILING.items()], ids=FAILING)
def test_a_block_that_must_fail(request: pytest.FixtureRequest, name: str, line: int, said: str) -> None:
    built: Built = request.getfixturevalue("late" if name in LATE else "failed")
    found = re.findall(rf"^docs/{name}\.md:.*", built.console, re.M)
    assert found, built.console
    assert found[0].startswith(f"docs/{name}.md:{line}: {said}")


def test_no_page_is_affected_by_the_one_before_it(failed: Built, late: Built) -> None:
    # One on each page that follows; the first of the group's and the second of the future's; two coroutines.
    for built, count, more in ((failed, len(FAILING) - len(LATE), 4), (late, len(LATE), 0)):
        assert built.status == 1
        held = f"{count + more} assertions held, {count} failures"
        assert f"{2 * count} pages, {2 * count} blocks, {held}" in built.console
        assert built.pages == []


@pytest.mark.parametrize(("name", "said"), [(name, facts[1]) for name, facts in HOLDING.items()], ids=HOLDING)
def test_a_block_that_must_hold(held: Built, name: str, said: str) -> None:
    assert held.status == 0, held.console
    html = held.page(name)
    assert said in html
    assert '<div class="run held"' in html


def test_what_looks_like_a_dump_is_kept(failed: Built) -> None:
    assert "Timeout (attempt 1)!\n    Thread 0x1\n    after" in failed.console


def test_what_is_cut_is_said(held: Built) -> None:
    html = held.page("much_output")
    assert len(html) < 500_000
    assert "begin" in html
    assert re.search(r"… 104,\d{3},\d{3} more bytes of output are not shown", html)


def test_no_process_is_left_behind(held: Built) -> None:
    found = re.search(r"CHILDREN (1000\.\d+) ([\d ]+)", held.page("children_left"))
    assert found
    seconds, left = found[1].encode(), found[2].split()
    assert len(left) == 3
    for pid in left:
        with suppress(OSError):  # there is none of that number, or it has just ended
            assert seconds not in Path("/proc", pid, "cmdline").read_bytes(), pid


def test_the_device_of_a_block_that_was_stopped(build: Callable[..., Built]) -> None:
    built = build({"index": page("while True: pass")}, "-q", config=LIMITED.replace("1.5,", "0.5, device: cpu,"))
    assert re.search(r"^  block 1 of 1, CPU, 0\.\d\d s$", built.console, re.M), built.console


def test_a_page_of_500_blocks(build: Callable[..., Built]) -> None:
    blocks = "".join(f'```python exec="on"\nx = {i}\nassert x == {i}\n```\n\n' for i in range(500))
    built = build({"index": "# Title\n\n" + blocks})
    assert built.status == 0, built.console
    assert "1 page, 500 blocks, 500 assertions held" in built.console


def test_torch_state_does_not_leak(build: Callable[..., Built]) -> None:
    change = (
        "import torch\ntorch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\n"
        "torch.set_default_device('meta')\ntorch.manual_seed(0)\ntorch.set_num_threads(1)"
    )
    look = (
        "import torch\nassert torch.get_default_dtype() == torch.float32\nassert torch.is_grad_enabled()\n"
        "assert torch.zeros(1).device.type != 'meta'\nassert torch.initial_seed() != 0"
    )
    built = build({"a": page(change), "b": page(look), "index": "# Title"})
    assert built.status == 0, built.console


def test_a_page_collects_its_own_garbage(build: Callable[..., Built]) -> None:
    code = (
        "import gc, torch, weakref\n\n\nclass Ring:\n    pass\n\n\nring = Ring()\nring.ring = ring\n"
        "there = weakref.ref(ring)\ndel ring\nmany = [[] for _ in range(200_000)]\n"
        "assert gc.isenabled()\nassert there() is None  # by itself\n"
        "assert gc.get_freeze_count() > 100_000  # of torch's, which it need not look through"
    )
    built = build({"index": page(code)})
    assert built.status == 0, built.console


def test_an_interrupt_ends_everything(tmp_path: Path, environment: dict[str, str]) -> None:
    write_pages(
        tmp_path, {"index": page("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)")}
    )
    build = subprocess.Popen([MKDOCS, "build", "-q"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    worker = _wait_for_pid(tmp_path / "pid")
    build.send_signal(signal.SIGINT)
    build.communicate(timeout=10)
    assert build.returncode != 0
    _wait_until_gone(worker)


def test_a_killed_build_leaves_no_worker(tmp_path: Path, environment: dict[str, str]) -> None:
    write_pages(tmp_path, {"index": page("import os\nopen('pid', 'w').write(str(os.getpid()))\nwhile True: pass")})
    build = subprocess.Popen([MKDOCS, "build", "-q"], cwd=tmp_path, env=environment)
    worker = _wait_for_pid(tmp_path / "pid")
    build.kill()
    build.wait(10)
    _wait_until_gone(worker)


def test_a_full_disk(tmp_path: Path, environment: dict[str, str]) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        write_pages(tmp_path, {"index": page("print('begin')\nprint('x' * 2**22)"), "next": page("assert True")})
        built = mkdocs_build(tmp_path, environment | {"TMPDIR": str(small)})
    finally:
        subprocess.run(["umount", small], check=True)
    assert built.status == 1
    assert "docs/index.md:4: OSError: [Errno 28] No space left on device" in built.console
    assert "2 pages, 2 blocks, 1 assertion held, 1 failure" in built.console
    assert "begin" in built.console


def _wait_for_pid(path: Path) -> int:
    deadline = time.monotonic() + 30
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(path.read_text())


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "the worker is still there"
        time.sleep(0.02)
