"""Runs tasks in a few child processes of this process."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from connexeo.drivers.local.accounts.limits import quota_of
from connexeo.drivers.local.computing.failures import ChildDied
from connexeo.drivers.local.computing.host import Child, Listener, ignore
from connexeo.drivers.local.computing.questions import Questions
from connexeo.drivers.local.computing.tasks import MEMORY_FOR_LIBRARIES, TASKS
from connexeo.drivers.local.computing.udfs import udf_limits
from connexeo.drivers.local.computing.web import web_limits
from connexeo.drivers.local.environment import Sources, load_definitions
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.secret import load_secrets
from connexeo.drivers.local.storage import Storage
from connexeo.drivers.local.stored_processes.finding import ProcessFinder
from connexeo.drivers.local.temporary import TemporaryFolder
from connexeo.generated.errors import InfrastructureBusy, RequestTimeout
from connexeo.settings import Settings

Json = Mapping[str, Any]

COPIES = 4
"""How often the largest result that is allowed may be in memory: read, computed and encoded."""
WAITING = 16
"""Computations that run or wait; more are refused."""


class Computing:
    """Child processes, started when they are first needed and then kept.

    Long tasks and quick ones have children of their own, so that a tile does not wait for a large result.

    Args:
        settings: ``result_memory`` decides how much memory a child may take.
        sources: Collections and processes.
        state: The database, for the stored processes and files of users.
        storage: Where files and results lie.
        processes: Children that work at a time on long tasks, and as many again on quick ones.
        temporary: For files of tasks; who gives one removes it.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Sources,
        state: State,
        storage: Storage,
        *,
        processes: int = 1,
        temporary: TemporaryFolder | None = None,
    ) -> None:
        self._memory = MEMORY_FOR_LIBRARIES + COPIES * settings.result_memory
        self._quota = quota_of(settings)
        self._sources = asdict(sources)
        self._web = web_limits(settings)
        self._udf = udf_limits(settings)
        self._secrets = partial(load_secrets, settings)
        self._finder = ProcessFinder(settings, state, load_definitions(sources))
        self._state = state
        self._storage = storage
        self._temporary = temporary or TemporaryFolder()
        self._owns_temporary = temporary is None
        self._free: list[Child] = []
        self._lanes = {quick: _Lane(processes) for quick in (False, True)}

    async def run(
        self,
        task: str,
        user_id: str | None,
        request: Json,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - waiting for a child is told apart from other timeouts
        on_log: Callable[[Json], None] = ignore,
        on_progress: Callable[[float], None] = ignore,
        on_usage: Callable[[Json], None] = ignore,
    ) -> Json:
        """The answer of a task, computed in a child process; cancelling kills the child.

        Args:
            task: A name of `tasks.TASKS`.
            user_id: Whose stored processes, files and results can be used.
            request: What to do, in JSON. Sources and, of its ``process``, the stored processes that it uses are
                added. The child removes the ``folder``, if there is one, should this process die.
            timeout: Seconds after which it is stopped; waiting for a free child counts.
            on_log: Takes each log entry, as soon as it is written.
            on_progress: Takes the fraction that is done.
            on_usage: Takes what it used: ``pixels``, ``cpu`` in seconds, ``memory`` in bytes, as soon as each is known.

        Raises:
            OpenEOError: what the task raised.
            InfrastructureBusy: when too many computations wait already.
            RequestTimeout: when it took too long.
            ChildDied: when the child died.
            TaskFailed: when the task failed for a reason that is not the user's.
        """
        scratch = self._temporary.name("inputs")
        complete = await self._completed(user_id, request)
        listener = Listener(on_log=on_log, on_progress=on_progress, on_usage=on_usage)
        if user_id is not None:
            questions = Questions(
                self._state.engine,
                self._storage,
                user_id,
                scratch,
                quota=self._quota,
                secrets=self._secrets,
            )
            listener = replace(listener, answer=questions)
        remove = [str(self._temporary.path), *([request["folder"]] if "folder" in request else [])]
        try:
            async with asyncio.timeout(timeout), self._lanes[TASKS[task].quick].turn():
                return await self._ask(task, complete, listener, remove)
        except TimeoutError:
            raise RequestTimeout(
                f"The computation took longer than the {timeout:.0f} s that are allowed for it. Ask for a smaller "
                "extent, fewer bands or dates, or a batch job."
            ) from None
        finally:
            if scratch.exists():
                await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def stop(self) -> None:
        """Kill the children that wait for work."""
        while self._free:
            await self._free.pop().kill()
        if self._owns_temporary:
            await asyncio.to_thread(self._temporary.remove)

    async def _completed(self, user_id: str | None, request: Json) -> dict[str, Any]:
        complete = {"memory": self._memory, **request, "user": user_id, "sources": self._sources}
        complete |= {"web": self._web, "udf": self._udf}
        if user_id is not None and "process" in request:
            complete["user_processes"] = await self._finder.used_by(user_id, request["process"])
        return complete

    async def _ask(self, task: str, request: Json, listener: Listener, remove: list[str]) -> dict[str, Any]:
        child = self._idle()
        if child is not None:
            try:
                return await self._ask_child(child, task, request, listener, remove)
            except ChildDied as error:
                # It may have died a moment ago, while it waited: then this task is not to blame.
                if error.begun:
                    raise
        child = await Child.start(inherited=[self._temporary.descriptor])
        return await self._ask_child(child, task, request, listener, remove)

    async def _ask_child(
        self, child: Child, task: str, request: Json, listener: Listener, remove: list[str]
    ) -> dict[str, Any]:
        try:
            return await child.ask(task, request, listener=listener, remove=remove)
        finally:
            if child.idle:
                self._free.append(child)
            else:
                await child.kill()

    def _idle(self) -> Child | None:
        """A child that waits for work; one may have died meanwhile, when the machine ran out of memory."""
        while self._free:
            child = self._free.pop()
            if child.idle:
                return child
        return None


class _Lane:
    """Tasks that wait for each other."""

    def __init__(self, processes: int) -> None:
        self._slots = asyncio.Semaphore(processes)
        self._present = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One's turn, after those who came before."""
        if self._present >= WAITING:
            raise InfrastructureBusy()
        self._present += 1
        try:
            async with self._slots:
                yield
        finally:
            self._present -= 1
