"""Child processes as their host has them.

Host and child tell each other JSON objects, one a line:

========================================  ============================================================
host to child
========================================  ============================================================
``{task, request, remove}``               A task to do; ``remove``: folders to remove if the host dies.
``{reply, value}``, ``{reply, error}``    The answer to a question with this number.
``{lease}``                               Seconds until the child ends, unless there is another lease before.
child to host
``{begun}``                               The child is at the task; before, it was at nothing.
``{log}``, ``{progress}``                 What happens.
``{question, name, arguments}``           What only the host can do: databases and storage are its own.
``{usage}``                               What the task takes: ``pixels`` that it will read; in the end ``cpu`` in
                                          seconds and ``memory`` in bytes.
``{value}``, ``{error}``, ``{failure}``   The answer, which ends the task.
========================================  ============================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from connexeo.drivers.local.computing.child import END_WITH_HOST
from connexeo.drivers.local.computing.failures import ChildDied, TaskFailed, error_from_json, error_to_json
from connexeo.generated.errors import FeatureUnsupported, Internal, OpenEOError, StorageFailure

logger = structlog.get_logger("connexeo.processing")

Json = Mapping[str, Any]

MODULE = "connexeo.drivers.local.computing.child"

# Inherited by the child: what Python, GDAL and the network need, none of our secrets.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TZ")
PASSED_ON_PREFIXES = ("GDAL_", "CPL_", "PROJ_", "AWS_", "OMP_", "NUMBA_", "DASK_")

LONGEST_LINE = 2**26


def ignore(_: Any) -> None:
    """For what nobody wants to hear."""


def _refuse(name: str, arguments: Json) -> Any:
    raise FeatureUnsupported("There are no files and results of a user here.")


@dataclass(frozen=True)
class Listener:
    """Who hears what a child says while it works; the functions are called in the event loop."""

    on_log: Callable[[Json], None] = ignore
    on_progress: Callable[[float], None] = ignore
    on_usage: Callable[[Json], None] = ignore
    answer: Callable[[str, Json], Any] = _refuse
    """Answers a question by its name and arguments; blocking, and so called in a thread."""


class Child:
    """A process that does one task after another."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._idle = True

    @classmethod
    async def start(
        cls,
        *,
        end_with_host: bool = False,
        inherited: Sequence[int] = (),
        variables: Mapping[str, str] | None = None,
    ) -> Child:
        """A new process.

        Args:
            end_with_host: Whether it is killed the moment that the thread which starts it ends, or its process.
            inherited: File descriptors that it keeps open, and does nothing with.
            variables: Further environment variables, which yield to those of this process.
        """
        environment = dict(variables or {}) | {
            key: value
            for key, value in os.environ.items()
            if key in PASSED_ON or key.startswith(PASSED_ON_PREFIXES)
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            MODULE,
            *([END_WITH_HOST] if end_with_host else []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=LONGEST_LINE,
            pass_fds=inherited,
            # Signals of the terminal are the server's to handle.
            start_new_session=True,
        )
        return cls(process)

    @property
    def idle(self) -> bool:
        """Whether it lives and waits for a task."""
        return self._idle and self._process.returncode is None

    async def ask(
        self, task: str, request: Json, *, listener: Listener, remove: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The answer of a task; when the child is not idle afterwards, nobody but `kill` can make use of it.

        Args:
            task: A name of `tasks.TASKS`.
            request: What to do.
            listener: Hears what happens meanwhile.
            remove: Folders that the child removes if this process dies.

        Raises:
            OpenEOError: what the task raised.
            ChildDied: when the child ended instead.
            TaskFailed: when the task failed as nobody expected.
        """
        questions: set[asyncio.Task[None]] = set()
        self._idle = False
        begun = False
        try:
            await self._send({"task": task, "request": request, "remove": remove})
            while True:
                message = await self._receive()
                if "begun" in message:
                    begun = True
                elif "question" in message:
                    questions.add(asyncio.create_task(self._reply(message, listener)))
                elif "log" in message:
                    listener.on_log(message["log"])
                elif "progress" in message:
                    listener.on_progress(message["progress"])
                elif "usage" in message:
                    listener.on_usage(message["usage"])
                else:
                    # Libraries keep files open that they could not write, and so the room that these take.
                    self._idle = message.get("error", {}).get("code") != StorageFailure.code
                    return _value(message)
        except ChildDied as error:
            error.begun = begun
            raise
        finally:
            for question in questions:
                question.cancel()

    def lease(self, seconds: float) -> None:
        """Let the child live for some more seconds; it ends by itself if it hears nothing of its host until then."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(orjson.dumps({"lease": seconds}) + b"\n")

    async def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _send(self, message: Json) -> None:
        assert self._process.stdin is not None
        if self._process.stdin.is_closing():  # uvloop refuses to write to it, with a RuntimeError
            raise await self._died()
        try:
            self._process.stdin.write(orjson.dumps(message, default=str) + b"\n")
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise await self._died() from None

    async def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        try:
            line = await self._process.stdout.readline()
        except ConnectionResetError:
            line = b""
        except ValueError:
            raise Internal("The computation gave more data than can be handed on.") from None
        if not line.endswith(b"\n"):
            raise await self._died()
        message: dict[str, Any] = orjson.loads(line)
        return message

    async def _died(self) -> ChildDied:
        status = await self._process.wait()
        logger.error("computing.child_died", status=status)
        return ChildDied(status)

    async def _reply(self, question: Json, listener: Listener) -> None:
        reply: dict[str, Any] = {"reply": question["question"]}
        try:
            reply["value"] = await asyncio.to_thread(listener.answer, question["name"], question["arguments"])
        except OpenEOError as error:
            reply["error"] = error_to_json(error)
        except Exception:
            logger.exception("computing.question_failed", question=question["name"])
            reply["error"] = error_to_json(Internal("The server failed to provide what the process needs."))
        # A child that is dead is noticed by whoever waits for its answer.
        with contextlib.suppress(ChildDied):
            await self._send(reply)


def _value(message: Json) -> dict[str, Any]:
    if "failure" in message:
        raise TaskFailed(message["failure"])
    if "error" in message:
        raise error_from_json(message["error"])
    value: dict[str, Any] = message["value"]
    return value
