"""What code of users can't do, tried in a real sandbox."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connexeo.processing.udf import isolation
from connexeo.processing.udf import pool as pools
from connexeo.processing.udf.limits import UdfLimits
from connexeo.processing.udf.pool import Pool
from connexeo.processing.udf.sandbox import Sandbox, Stopped, probe
from processing.udf.codes import on_cubes

SMALL = UdfLimits(memory=2**28, timeout=60)


class Jail:
    """A sandbox, and a new one when it is used up."""

    def __init__(self, limits: UdfLimits = SMALL) -> None:
        self._limits = limits
        self._sandbox: Sandbox | None = None
        self.logs: list[Any] = []

    def __call__(self, body: str) -> dict[str, Any]:
        """The answer to lines of code."""
        if self._sandbox is None or not self._sandbox.usable:
            self._sandbox = Sandbox(self._limits)
        header: dict[str, Any] = {
            "code": on_cubes(body),
            "context": {},
            "proj": None,
            "cubes": [{"values": 0, "dims": ["x"], "coords": {}, "name": None}],
            "features": None,
            "structured": [],
        }
        self.logs.clear()
        answer, _ = self._sandbox.call(header, [np.ones(3)], self.logs.append)
        return answer

    def close(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()


@pytest.fixture(scope="module")
def jail(sandboxes: Pool) -> Iterator[Jail]:
    jail = Jail()
    yield jail
    jail.close()


def last_line(answer: dict[str, Any]) -> str:
    return str(answer["error"][-1])


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ("open('/etc/shadow')", "No such file"),
        ("open('/etc/passwd')", "No such file"),
        ("open('DATABASE')", "No such file"),
        ("open('SOURCES')", "No such file"),
        ("import os; os.listdir('/proc')", "No such file"),
        ("import os; os.listdir('/sys')", "No such file"),
        ("open('/work', 'w')", "Read-only file system"),
        ("open('/runner.py', 'a')", "Read-only file system"),
        ("open('/dev/shm', 'w')", "Read-only file system"),
        ("open('/libraries/0/new', 'w')", "Read-only file system"),
        ("import os; os.chmod('/tmp/../runner.py', 0o777)", "Read-only file system"),
        ("import socket; socket.create_connection(('127.0.0.1', 80))", "not permitted"),
        ("import socket; socket.socket(socket.AF_UNIX)", "not permitted"),
        ("import os; os.fork()", "not permitted"),
        ("import subprocess; subprocess.run(['/usr/bin/true'])", "not permitted"),
        ("import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))", "not allowed to raise"),
        ("open('/tmp/large', 'wb').write(bytes(80 * 2**20))", "too large"),
        ("import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
         "can't start new thread"),
    ],
)  # fmt: skip
def test_refused(jail: Jail, body: str, refusal: str, tmp_path: Path) -> None:
    database = tmp_path / "connexeo.sqlite"
    database.write_text("secret")
    sources = Path(__file__).parents[3] / "handlers" / "connexeo" / "processing" / "udf" / "limits.py"
    code = body.replace("DATABASE", str(database)).replace("SOURCES", str(sources))
    assert refusal in last_line(jail(code))


CALLS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, *arguments):
    ctypes.set_errno(0)
    return name, getattr(libc, name)(*arguments), ctypes.get_errno()
raise ValueError([
    attempt("ptrace", 16, 1, 0, 0),
    attempt("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    attempt("umount2", b"/tmp", 2),
    attempt("chroot", b"/tmp"),
    attempt("unshare", 0x10000000),
    attempt("memfd_create", b"x", 0),
    attempt("syscall", 321, 0, 0, 0) if "x86_64" in __import__("platform").machine() else ("syscall", -1, 1),
    attempt("syscall", 250, 0, 0, 0) if "x86_64" in __import__("platform").machine() else ("syscall", -1, 1),
])
"""


def test_system_calls_are_refused(jail: Jail) -> None:
    results = last_line(jail(CALLS))
    assert results.count("-1, 1)") == 8, results


def test_no_privileges(jail: Jail) -> None:
    body = (
        "import ctypes\nprctl = ctypes.CDLL(None).prctl\n"
        "raise ValueError(prctl(39, 0, 0, 0, 0), prctl(21), sum(prctl(23, each) for each in range(41)))"
    )
    assert last_line(jail(body)) == "ValueError: (1, 2, 0)", "no new ones, a filter, and no capability left"


def test_nothing_of_ours_is_told(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNEXEO_SECRET", "very-secret")
    jail.close()  # so that the next one starts with the variable around it
    answer = jail(
        "import os, sys\nraise ValueError(dict(os.environ), sys.argv, sys.path, os.getpid(), os.listdir('/'))"
    )
    told = last_line(answer)
    assert "very-secret" not in told
    assert str(Path.home()) not in told
    assert "1, [" in told, "its own process is the only one"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import os; os._exit(3)", "ended the process"),
        ("import ctypes; ctypes.string_at(0)", "crashed"),
        ("import threading, time\nthreading.stack_size(2**15)\n"
         "while True: threading.Thread(target=time.sleep, args=(99,), daemon=True).start()", "more than 256 threads"),
        ("while True: print('x' * 5000)", "more than 16 MB of log entries"),
        ("for i in range(10**7): open(f'/tmp/{i}', 'w').close()", "more than 10000 files"),
        ("import os\nfor i in range(3, 9):\n  try: os.write(i, b'\\xff' * 99)\n  except OSError: pass\nreturn cube",
         "can't be read"),
    ],
)  # fmt: skip
def test_stopped(jail: Jail, body: str, reason: str) -> None:
    with pytest.raises(Stopped, match=reason):
        jail(body)


def test_endless_loop(sandboxes: Pool) -> None:
    jail = Jail(UdfLimits(timeout=1))
    with pytest.raises(Stopped, match="longer than the 1 s that a call may take"):
        jail("while True: pass")


@pytest.mark.parametrize(
    "body",
    [
        "np.ones(10 * 2**30, 'u1')",
        "kept = []\nwhile True: kept.append(bytearray(2**22))",
        "return xr.DataArray(np.broadcast_to(np.float64(1), (2**27,)), dims='x')",
    ],
)
def test_too_much_memory(jail: Jail, body: str) -> None:
    assert jail(body) == {"exceeded": "memory"}


def test_what_code_may_do(jail: Jail) -> None:
    body = (
        "import asyncio, tempfile, threading, scipy.ndimage\n"
        "async def three(): return 3\n"
        "with tempfile.TemporaryFile() as file: file.write(b'x' * 2**20)\n"
        "thread = threading.Thread(target=print, args=('from a thread',))\nthread.start(); thread.join()\n"
        "print(asyncio.run(three()), end='')\n"
        "return cube"
    )
    assert "answer" in jail(body)
    assert [entry["message"] for entry in jail.logs if entry["level"] == "info"] == ["from a thread", "3"]


def test_lines_of_the_user_only(jail: Jail) -> None:
    answer = jail("def inner(n):\n    return 1 / n\nreturn cube.pipe(lambda c: inner(0))")
    text = "\n".join(answer["error"])
    assert 'File "<udf>", line 6, in inner' in text
    assert "return 1 / n" in text
    assert text.endswith("ZeroDivisionError: division by zero")
    assert "/libraries" not in text
    assert answer["loaded"]


def test_log_entries(jail: Jail) -> None:
    body = (
        "import logging, sys\nfrom openeo.udf import inspect\n"
        "inspect(data=[1, 2], message='look', code='Mine', level='warning')\n"
        "inspect(data=object, message='odd', level='debug')\n"
        "logging.getLogger('me').info('value %d', 3)\n"
        "print('one\\ntwo')\nprint('wrong', file=sys.stderr)\nreturn cube"
    )
    assert "answer" in jail(body)
    assert jail.logs == [
        {"level": "warning", "message": "look", "code": "Mine", "data": [1, 2]},
        {"level": "debug", "message": "odd", "code": "User", "data": "<class 'object'>"},
        {"level": "info", "message": "value 3"},
        {"level": "info", "message": "one"},
        {"level": "info", "message": "two"},
        {"level": "warning", "message": "wrong"},
    ]


def test_processor_time_is_counted(jail: Jail) -> None:
    jail("return cube")
    sandbox = jail._sandbox
    assert sandbox is not None
    assert 0 < sandbox.seconds < 60


def test_used_up_before_the_limit_of_processor_time(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    jail("return cube")
    sandbox = jail._sandbox
    monkeypatch.setattr(isolation, "processor_seconds", lambda limits: 0.1)
    assert "answer" in jail("return cube")
    assert sandbox is not None
    assert not sandbox.usable


def test_unused_sandboxes_end(monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]) -> None:
    closed: list[float] = []

    class Idle:
        usable, seconds, idle_since = True, 2.0, 0.0

        def __init__(self, limits: UdfLimits) -> None:
            """Nothing starts."""

        def call(self, header: Any, arrays: Any, on_log: Callable[[Any], None]) -> Any:
            return header, []

        def close(self) -> None:
            closed.append(self.idle_since)

    monkeypatch.setattr(pools, "Sandbox", Idle)
    monkeypatch.setattr(pools, "IDLE", 0.02)
    pool = Pool()
    pool.call("a", SMALL, {}, [], print)
    wait_until(lambda: closed, "the sandbox stays")
    assert pool.close() == 2.0


def test_pool_reuses_and_ends(sandboxes: Pool) -> None:
    pool = Pool()
    header: dict[str, Any] = {
        "code": on_cubes("import os\nopen('/tmp/mark', 'a').close()\nprint(os.stat('/').st_dev)\nreturn cube"),
        "context": {}, "proj": None, "features": None, "structured": [],
        "cubes": [{"values": 0, "dims": ["x"], "coords": {}, "name": None}],
    }  # fmt: skip
    told: list[Any] = []
    for _ in range(2):
        pool.call("node", SMALL, header, [np.ones(3)], told.append)
    assert len({entry["message"] for entry in told}) == 1, "the second call went to the same sandbox"
    assert pool.close() > 0.1
    assert pool.close() == 0.0


def test_no_more_than_may_run_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Lock

    class Counted:
        usable, seconds, idle_since = True, 1.0, 0.0
        running = most = made = 0
        lock = Lock()

        def __init__(self, limits: UdfLimits) -> None:
            Counted.made += 1

        def call(self, header: Any, arrays: Any, on_log: Callable[[Any], None]) -> Any:
            with Counted.lock:
                Counted.running += 1
                Counted.most = max(Counted.most, Counted.running)
            os.sched_yield()
            with Counted.lock:
                Counted.running -= 1
            return header, []

        def close(self) -> None:
            """Nothing to end."""

    monkeypatch.setattr(pools, "Sandbox", Counted)
    shared = Pool()
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(shared.call, "a", UdfLimits(processes=2), {}, [], print) for _ in range(50)]
        assert all(call.result() == ({}, []) for call in calls)
    assert Counted.most <= 2
    assert Counted.made <= 2
    assert shared.close() == Counted.made


@pytest.mark.usefixtures("sandboxes")
def test_a_probe_waits_for_whoever_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine that may be late: the sandbox is there until it has been looked at."""
    look = Sandbox._address_space

    def look_late(sandbox: Sandbox) -> int:
        time.sleep(0.3)
        return look(sandbox)

    monkeypatch.setattr(Sandbox, "_address_space", look_late)
    assert probe() is None
