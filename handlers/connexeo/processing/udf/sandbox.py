"""One process that runs code of a user."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from connexeo.processing.udf import isolation
from connexeo.processing.udf.channel import Channel, Ended, Garbled, Message, TimeIsUp, Values
from connexeo.processing.udf.limits import UdfLimits

_START = 60.0
"""Seconds until libraries must be loaded."""
_MOST_THREADS = 256
_MOST_FILES = 10_000
"""In `/tmp`, where even empty ones take memory of the kernel."""
_MOST_TOLD = 16 * 2**20
"""Bytes of log entries of one call."""


class Stopped(Exception):
    """A call did not end by itself; the message says why, for users."""


class NotStarted(Exception):
    """There is no sandbox, though there should be one: the machine may lack memory or processes."""


class Sandbox:
    """A process in a sandbox, which runs one call at a time.

    Attributes:
        usable: Whether it can be called once more.
        greeting: The first that it said.
        seconds: Processor time that it has used, as the kernel tells.
        idle_since: When its last call has ended, for those who keep it.
    """

    def __init__(self, limits: UdfLimits, *, probing: bool = False) -> None:
        self._limits = limits
        spawned = _spawn(limits) if probing else _spawner().submit(_spawn, limits).result()
        self._process, self._id, to, from_ = spawned
        self._channel = Channel(to.fileno(), from_.fileno(), self._watch)
        self._pipes = (to, from_)
        self._closing = threading.Lock()
        self._started_up = False
        self.seconds = 0.0
        self.idle_since = 0.0
        self.usable = True
        setup = {
            "limits": isolation.rlimits(limits),
            "paths": isolation.library_paths(),
            "probe": probing,
        }
        self.greeting = self._started(setup)

    def call(
        self, header: Mapping[str, Any], arrays: Sequence[Values], on_log: Callable[[Any], None]
    ) -> Message:
        """What came of a call; see `channel` for the messages.

        Raises:
            Stopped: It hit a limit, or crashed; the sandbox is closed then.
        """
        deadline = time.monotonic() + self._limits.timeout
        try:
            self._channel.send(header, arrays, deadline)
            told = 0
            while True:
                answer, results = self._channel.receive(deadline, self._limits.memory)
                if "log" not in answer:
                    break
                told += len(json.dumps(answer))
                if told > _MOST_TOLD:
                    raise Stopped(f"it wrote more than {_MOST_TOLD // 2**20} MB of log entries")
                on_log(answer["log"])
        except BaseException as error:
            self.usable = False
            reason = self._reason(error)
            self.close()
            if reason is None:
                raise
            raise Stopped(reason) from None
        self._count_seconds()
        if self.seconds > isolation.processor_seconds(self._limits) / 2:
            self.close()  # long before the limit, which counts all calls
        return answer, results

    def kill(self) -> None:
        """End it, so that whoever waits for an answer notices."""
        self._process.kill()

    def close(self) -> None:
        """End it at once."""
        with self._closing:
            self.usable = False
            self._count_seconds()
            for pipe in self._pipes:
                with contextlib.suppress(OSError):
                    pipe.close()
            self._process.kill()
            self._process.wait()

    def _started(self, setup: Mapping[str, Any]) -> dict[str, Any]:
        deadline = time.monotonic() + _START
        try:
            self._channel.send(setup, (), deadline)
            greeting, _ = self._channel.receive(deadline, 0)
        except (Ended, Garbled, TimeIsUp) as error:
            self.close()
            raise NotStarted from error
        except BaseException:
            self.close()
            raise
        # Only now is it known what libraries take; none of the user's code has run yet.
        limit = self._limits.memory + self._address_space()
        resource.prlimit(self._id, resource.RLIMIT_AS, (limit, limit))
        self._started_up = True
        return greeting

    def _address_space(self) -> int:
        pages = int(Path(f"/proc/{self._id}/statm").read_text().split()[0])
        return pages * resource.getpagesize()

    def _watch(self) -> None:
        """Look for what no limit of the kernel holds for root."""
        if not self._started_up:  # it may still see our files instead of its own
            return
        self._count_seconds()
        with contextlib.suppress(OSError):
            threads = len(os.listdir(f"/proc/{self._id}/task"))
            if threads > _MOST_THREADS:
                raise Stopped(f"it has more than {_MOST_THREADS} threads")
            room = os.statvfs(f"/proc/{self._id}/root/tmp")
            if room.f_files - room.f_ffree > _MOST_FILES:
                raise Stopped(f"it has more than {_MOST_FILES} files")

    def _reason(self, error: BaseException) -> str | None:
        match error:
            case Stopped():
                return str(error)
            case TimeIsUp():
                return f"it took longer than the {self._limits.timeout:g} s that a call may take"
            case Garbled():
                return f"it gave what can't be read: {error}"
            case Ended():
                return self._end()
        return None

    def _end(self) -> str:
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        signal = status - 128 if status > 128 else -status if status < 0 else 0
        memory = self._limits.memory / 2**20
        if signal:
            return f"it crashed (signal {signal}); it may need more than the {memory:.0f} MB of memory that it may take"
        return f"it ended the process (status {status})"

    def _count_seconds(self) -> None:
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{self._id}/stat").read_text().rpartition(")")[2].split()
            self.seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def probe() -> str | None:
    """Start a sandbox and try to get out; why it is none, or None if it holds."""
    try:
        sandbox = Sandbox(UdfLimits(), probing=True)
    except (NotStarted, OSError, ValueError) as error:
        return f"a sandbox does not start here ({type(error).__name__})"
    sandbox.close()
    escapes = sandbox.greeting.get("escapes")
    if escapes != []:
        return f"a sandbox does not hold here ({escapes})"
    return None


@cache
def _spawner() -> ThreadPoolExecutor:
    """A thread that lasts: sandboxes die with the thread that has started them."""
    os.register_at_fork(after_in_child=_spawner.cache_clear)
    return ThreadPoolExecutor(1, thread_name_prefix="udf")


def _spawn(limits: UdfLimits) -> tuple[subprocess.Popen[bytes], int, Any, Any]:
    filter_read, filter_write = os.pipe()
    info_read, info_write = os.pipe()
    try:
        os.write(filter_write, isolation.system_calls())
        os.close(filter_write)
        process = subprocess.Popen(  # noqa: S603 - nothing of the command comes from users
            isolation.command(limits, filter_fd=filter_read, info_fd=info_write),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={},
            pass_fds=(filter_read, info_write),
        )
    except BaseException:
        os.close(info_read)
        raise
    finally:
        os.close(filter_read)
        os.close(info_write)
    if (told := _read_within(info_read, _START)) is None:
        with process:
            process.kill()
        raise NotStarted
    return process, json.loads(told)["child-pid"], process.stdin, process.stdout


def _read_within(descriptor: int, seconds: float) -> bytes | None:
    """What comes, all of it, if anything does."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    with os.fdopen(descriptor, "rb") as file:
        return (file.read() or None) if poll.poll(seconds * 1000) else None
