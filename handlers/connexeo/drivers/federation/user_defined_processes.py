"""Stored processes, with the back-ends that each can run at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from connexeo.drivers.federation.merging import BACKENDS, MISSING, in_order
from connexeo.drivers.federation.routing.router import ProcessRouter
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.interface import Json, Page, User
from connexeo.drivers.local.state import State
from connexeo.drivers.local.stored_processes.checking import ProcessChecks
from connexeo.drivers.local.stored_processes.finding import ProcessFinder
from connexeo.drivers.local.stored_processes.user_defined_processes import LocalUserDefinedProcesses
from connexeo.generated.errors import OpenEOError
from connexeo.processing.definitions import Definitions


class FederatedUserDefinedProcesses(LocalUserDefinedProcesses):
    """Implements ``UserDefinedProcesses``: they live here, and run elsewhere.

    Args:
        state: The database.
        definitions: The processes of all back-ends.
        finder: Finds stored processes.
        checks: What can be stored.
        router: Finds the back-ends for a process.
        snapshots: Whether the back-ends are there.
        told: Waits, right after the start, for the back-ends to say which processes they have.
    """

    def __init__(
        self,
        state: State,
        definitions: Definitions,
        finder: ProcessFinder,
        checks: ProcessChecks,
        router: ProcessRouter,
        snapshots: Snapshots,
        told: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(state, definitions, finder, checks)
        self._router = router
        self._snapshots = snapshots
        self._told = told

    async def list_custom_processes(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """All of them are here; back-ends that are offline are named all the same, as the extension asks for."""
        page = await super().list_custom_processes(user, limit=limit, offset=offset)
        offline = [each for each, state in self._snapshots.states.items() if state.online is False]
        return Page(page.items, page.next_offset, extra={**page.extra, MISSING: offline})

    async def describe_custom_process(self, user: User, process_graph_id: str) -> Json:
        """As it was stored; whom it can run at is not said where that is nobody, or nobody by itself."""
        process = await super().describe_custom_process(user, process_graph_id)
        described = {key: value for key, value in process.items() if key not in (BACKENDS, MISSING)}
        try:
            analysis = await self._router.analyse(user, described)
        except OpenEOError:
            return described
        able = in_order(analysis.candidates, list(analysis.reasons))
        return {**described, BACKENDS: able} if able else described

    async def store_custom_process(self, user: User, process_graph_id: str, process: Json) -> None:
        """Check the process, then store it; which names are taken, the back-ends have to say first."""
        if self._told is not None:
            await self._told()
        await super().store_custom_process(user, process_graph_id, process)
