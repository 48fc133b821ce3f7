"""The process that computes: reads messages, writes messages, one JSON object a line.

Run as ``python -m connexeo.drivers.local.computing.child``. What is said is described in `host`.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import queue
import resource
import select
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import orjson

from connexeo.drivers.local.computing.failures import error_from_json, error_to_json
from connexeo.drivers.local.computing.tasks import TASKS
from connexeo.drivers.local.computing.world import World
from connexeo.generated.errors import OpenEOError, ProcessGraphComplexity

END_WITH_HOST = "--end-with-host"
"""Argument: the child is killed at the moment the host dies, whatever it is busy with, and may leave its folders."""

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Do tasks until standard input ends."""
    if END_WITH_HOST in sys.argv:
        _end_with_host()
    channel = _Channel(_private_stdout())
    tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(tasks, channel), daemon=True).start()
    while True:
        task = tasks.get()
        channel.tell({"begun": True})
        _limit_memory(task["request"]["memory"])
        usage = _Usage()
        answer = _answer(task["task"], task["request"], channel)
        channel.tell({"usage": usage.so_far(_end_sandboxes())})
        channel.tell(answer)


class _Channel:
    """To the host; several threads of a task may use it."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[Mapping[str, Any]]] = {}

    def tell(self, message: Mapping[str, Any]) -> None:
        line = orjson.dumps(message, default=str, option=orjson.OPT_SERIALIZE_NUMPY)
        with self._lock:
            self._output.write(line + b"\n")
            self._output.flush()

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Any:
        number = next(self._numbers)
        replies: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._waiting[number] = replies
        self.tell({"question": number, "name": name, "arguments": arguments})
        reply = replies.get()
        del self._waiting[number]
        if "error" in reply:
            raise error_from_json(reply["error"])
        return reply["value"]

    def replied(self, message: Mapping[str, Any]) -> None:
        """Hand a reply to the thread that waits for it."""
        self._waiting[message["reply"]].put(message)


def _read(tasks: queue.SimpleQueue[dict[str, Any]], channel: _Channel) -> None:
    """Read ahead, to notice the death of the host: nobody waits for answers then, or removes folders."""
    folders: list[str] = []
    messages = _Input()
    for message in messages:
        if "lease" in message:
            messages.end = _now() + message["lease"]
        elif "reply" in message:
            channel.replied(message)
        else:
            known = filter(os.path.exists, folders)
            folders = [*dict.fromkeys([*known, *message.get("remove", ())])]
            tasks.put(message)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    # At once, in the middle of whatever the main thread and those of dask do.
    os._exit(0)


class _Input:
    """Messages of standard input, until it ends, or a moment has come and nothing more is there.

    What has come until then counts, even when a library kept this thread from running.

    Attributes:
        end: The moment.
    """

    def __init__(self) -> None:
        self.end: float | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rest = bytearray()
        poll = select.poll()
        poll.register(0, select.POLLIN)
        while poll.poll(None if self.end is None else max(self.end - _now(), 0) * 1000):
            chunk = os.read(0, 2**20)
            if not chunk:
                return
            *lines, last = chunk.split(b"\n")
            for line in lines:
                yield orjson.loads(rest + line)
                rest.clear()
            rest += last


def _now() -> float:
    """Seconds that no clock setting changes, and that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _end_with_host() -> None:
    host = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != host:
        os._exit(0)


def _limit_memory(limit: int) -> None:
    """Let allocations fail before the machine runs out of memory, and other processes suffer."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _private_stdout() -> IO[bytes]:
    """Keep standard output for messages: whatever libraries print goes to standard error."""
    sys.stdout.flush()
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def _answer(name: str, request: Mapping[str, Any], channel: _Channel) -> dict[str, Any]:
    task = TASKS[name]
    try:
        return {"value": task.load()(request, World(request, channel))}
    except OpenEOError as error:
        told = error_to_json(error)
        if isinstance(error.__cause__, MemoryError):
            # The process engine tells in which node it happened, not what it means.
            told |= error_to_json(ProcessGraphComplexity(task.too_large)) | {"node": told["node"]}
        return {"error": told}
    except MemoryError:
        return {"error": error_to_json(ProcessGraphComplexity(task.too_large))}
    except Exception:  # noqa: BLE001 - the boundary of the process: the host logs it and answers Internal
        return {"failure": traceback.format_exc()}


def _end_sandboxes() -> float:
    """End what ran code of the user, if anything did; gives the processor time that it took, in seconds."""
    pool = sys.modules.get("connexeo.processing.udf.pool")
    return 0.0 if pool is None else pool.close_sandboxes()


class _Usage:
    """Processor time and the most memory from the moment that it is made."""

    def __init__(self) -> None:
        # Resets the peak that the kernel keeps; where that is not possible, it is the one of all tasks.
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            self._resets = False
        else:
            self._resets = True
        self._cpu = time.process_time()

    def so_far(self, elsewhere: float) -> dict[str, float]:
        """``cpu`` in seconds, with those of other processes, ``memory`` in bytes."""
        memory = _peak() if self._resets else None
        if memory is None:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {"cpu": time.process_time() - self._cpu + elsewhere, "memory": memory}


def _peak() -> int | None:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


if __name__ == "__main__":
    main()
