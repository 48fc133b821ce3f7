"""Runs computations in child processes that can be stopped for certain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from connexeo.generated.errors import InfrastructureBusy, Internal, RequestTimeout

logger = structlog.get_logger("connexeo.processing")

MODULE = "connexeo.drivers.local.child"

# Inherited by the child: what Python, GDAL and the network need, none of our secrets.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TZ")
PASSED_ON_PREFIXES = ("GDAL_", "CPL_", "PROJ_", "AWS_", "OMP_", "NUMBA_", "DASK_")


class Runner:
    """A few child processes of one web worker, started when they are first needed and then kept."""

    def __init__(self, *, processes: int = 1, waiting: int = 16, timeout: float) -> None:
        self._free: list[_Child] = []
        self._slots = asyncio.Semaphore(processes)
        self._waiting = waiting
        self._queued = 0
        self._timeout = timeout

    async def run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Compute in a child; when this is cancelled or takes too long, the child is killed.

        Raises:
            InfrastructureBusy: when too many computations wait already.
            RequestTimeout: when it took too long.
            Internal: when the child died.
        """
        if self._queued >= self._waiting:
            raise InfrastructureBusy()
        self._queued += 1
        try:
            async with asyncio.timeout(self._timeout), self._slots:
                return await self._run(request)
        except TimeoutError:
            raise RequestTimeout(
                f"The computation took longer than the {self._timeout:.0f} s that synchronous processing allows. "
                "Ask for a smaller extent, fewer bands or dates, or a batch job."
            ) from None
        finally:
            self._queued -= 1

    async def _run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        child = self._idle() or await _Child.start()
        try:
            answer = await child.ask(request)
        except BaseException:
            await child.kill()
            raise
        self._free.append(child)
        return answer

    def _idle(self) -> _Child | None:
        """A child that waits for work; one may have died meanwhile, when the machine ran out of memory."""
        while self._free:
            child = self._free.pop()
            if child.alive:
                return child
        return None

    async def stop(self) -> None:
        """Kill the children."""
        while self._free:
            await self._free.pop().kill()


class _Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @classmethod
    async def start(cls) -> _Child:
        environment = {
            key: value
            for key, value in os.environ.items()
            if key in PASSED_ON or key.startswith(PASSED_ON_PREFIXES)
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            MODULE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=2**26,
            # Signals of the terminal are the server's to handle.
            start_new_session=True,
        )
        return cls(process)

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(orjson.dumps(request) + b"\n")
            await self._process.stdin.drain()
            line = await self._process.stdout.readline()
        except (BrokenPipeError, ConnectionResetError):
            line = b""
        if not line:
            status = await self._process.wait()
            logger.error("result.child_died", status=status)
            raise Internal(
                "The computation ended unexpectedly; it may have needed more memory than there is."
            )
        answer: dict[str, Any] = orjson.loads(line)
        return answer

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
