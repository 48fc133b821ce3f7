"""Process discovery, validation and synchronous processing of the local driver."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import orjson
import structlog

from connexeo.drivers.interface import ComputedResult, Json, User
from connexeo.drivers.local.environment import Sources
from connexeo.drivers.local.result_logs import ResultLogs
from connexeo.drivers.local.runner import Runner
from connexeo.generated import errors as generated
from connexeo.generated.errors import Internal, OpenEOError, StorageFailure
from connexeo.processing.definitions import Definitions
from connexeo.processing.validation import check, validate
from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.processing")

T = TypeVar("T")

LARGE = 65_536
"""Bytes of a process graph above which it is validated beside the event loop."""


class LocalProcessDiscovery:
    """The definitions of the processes that have an implementation."""

    def __init__(self, definitions: Definitions) -> None:
        self._processes = [definitions[process_id] for process_id in sorted(definitions)]

    async def list_processes(self, user: User | None) -> Sequence[Json]:
        """All of them; they are the same for every user."""
        return self._processes


class LocalProcessing:
    """Validates in the worker, computes in child processes."""

    def __init__(self, settings: Settings, sources: Sources, definitions: Definitions) -> None:
        self._settings = settings
        self._sources = asdict(sources)
        self._definitions = definitions
        self._logs = ResultLogs(settings.data.resolve() / "result-logs")
        self._runner = Runner(timeout=settings.result_timeout)

    async def validate_custom_process(self, user: User | None, process: Json) -> Sequence[Json]:
        """All faults of the process, in the order of the document."""
        faults = await self._off_the_loop_if_large(process, validate)
        return [{"code": fault.code, "message": fault.message} for fault in faults]

    async def compute_result(self, user: User, request: Json, *, request_id: str) -> ComputedResult:
        """Check the process, then compute it in a child process."""
        process: Mapping[str, Any] = request["process"]
        await self._off_the_loop_if_large(process, check)
        folder = _temporary_folder()
        try:
            answer = await self._runner.run(
                {
                    "process": process,
                    "folder": str(folder),
                    "sources": self._sources,
                    "max_bytes": self._settings.result_memory,
                }
            )
            result = _computed(answer, folder, request_id)
            log_id = await asyncio.to_thread(self._logs.save, user.id, answer["logs"])
            return replace(result, log_id=log_id)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    async def _off_the_loop_if_large(self, process: Json, function: Callable[..., T]) -> T:
        """Validate at once what takes a fraction of a millisecond, and in a thread what may take longer."""
        if _is_small(process):
            return function(process, definitions=self._definitions)
        return await asyncio.to_thread(function, process, definitions=self._definitions)

    async def debug_result(self, user: User, log_id: str) -> Sequence[Json]:
        """What the processes of one of the user's computations logged."""
        return await asyncio.to_thread(self._logs.load, user.id, log_id)

    async def stop(self) -> None:
        """End running computations."""
        await self._runner.stop()


def _is_small(process: Json) -> bool:
    try:
        return len(orjson.dumps(process)) < LARGE
    except orjson.JSONEncodeError:
        # Nested more deeply than orjson writes, though it reads as much.
        return False


def _temporary_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="connexeo-result-"))
    except OSError as error:
        raise StorageFailure() from error


def _computed(answer: Mapping[str, Any], folder: Path, request_id: str) -> ComputedResult:
    if "failure" in answer:
        logger.error("result.failed", request_id=request_id, traceback=answer["failure"])
        raise Internal(
            f"The computation failed. The provider finds the reason in the logs, under {request_id}."
        )
    if "error" in answer:
        raise error_of(answer["error"]["code"], answer["error"]["message"])
    return ComputedResult(
        folder=folder,
        files=[Path(name) for name in answer["files"]],
        media_type=answer["media_type"],
    )


@cache
def _error_classes() -> dict[str, type[OpenEOError]]:
    return {
        value.code: value
        for value in vars(generated).values()
        if isinstance(value, type) and issubclass(value, OpenEOError)
    }


def error_of(code: str, message: str) -> OpenEOError:
    """The error that a child process reported; ``Internal`` when its code is none of the contract's."""
    return _error_classes().get(code, Internal)(message)
