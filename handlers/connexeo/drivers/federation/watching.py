"""Sees to it that one watch runs for a data folder, whichever web worker starts it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pickle
import sys
from pathlib import Path

import structlog

from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.federation")

LOCK = "federation.lock"
TURN = 0.5
"""Seconds between attempts to get the lock, while another worker has it."""
READY_WITHIN = 10.0
"""Seconds that a server waits for its watch when it starts."""
SHORTEST = 0.5
LONGEST = 30.0
"""Seconds until a watch that has ended is started anew; doubled each time."""


class Watching:
    """Starts the watch when nobody else has, and again should it end.

    Args:
        settings: The deployment's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Return when the back-ends are being asked, by this worker's watch or by another's."""
        self._task = asyncio.create_task(self._take_turns())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_WITHIN):
                await self._ready.wait()

    async def stop(self) -> None:
        """End the watch, if it is ours."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _take_turns(self) -> None:
        while True:
            descriptor = await asyncio.to_thread(try_to_lock, self._settings.data / LOCK)
            if descriptor is None:
                self._ready.set()
                await asyncio.sleep(TURN)
                continue
            try:
                await self._keep_running()
            finally:
                os.close(descriptor)

    async def _keep_running(self) -> None:
        delay = SHORTEST
        while True:
            started = asyncio.get_running_loop().time()
            status = await self._run()
            lived = asyncio.get_running_loop().time() - started
            delay = SHORTEST if lived > LONGEST else min(2 * delay, LONGEST)
            logger.error("federation.watch_ended", status=status, again_in=delay)
            await asyncio.sleep(delay)

    async def _run(self) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "connexeo.drivers.federation.watch",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write(pickle.dumps(self._settings))
                await process.stdin.drain()
            process.stdin.close()
            await process.stdout.readline()
            self._ready.set()
            # It writes nothing else; its end is the end of its output.
            await process.stdout.read()
            return await process.wait()
        finally:
            await _end(process)


def try_to_lock(path: Path) -> int | None:
    """The open file that holds the lock; None when somebody else has it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a child that may have ended already."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(5.0):
            await asyncio.shield(process.wait())
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
