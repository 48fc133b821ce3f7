"""The microservice of stored processes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from connexeo.drivers.interface import Json, Page, User
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.paging import page_size
from connexeo.drivers.local.stored_processes import store
from connexeo.drivers.local.stored_processes.checking import ProcessChecks
from connexeo.drivers.local.stored_processes.finding import ProcessFinder
from connexeo.drivers.local.stored_processes.permissions import Shared
from connexeo.drivers.local.stored_processes.use import LONGEST_ID
from connexeo.generated.errors import (
    PredefinedProcessExists,
    ProcessGraphNotFound,
    ProcessInvalid,
    RequestInvalid,
    RequestTooLarge,
)
from connexeo.processing.definitions import Definitions

MAX_BYTES = 2**20
"""Of a stored process, as JSON."""
MAX_SUMMARY = 2**16
"""Bytes of what a list shows of it."""

_LEFT_OUT = frozenset({"process_graph", "exceptions", "examples", "links"})
"""What lists do not show."""


class LocalUserDefinedProcesses:
    """Implements ``UserDefinedProcesses``."""

    def __init__(
        self, state: State, definitions: Definitions, finder: ProcessFinder, checks: ProcessChecks
    ) -> None:
        self._state = state
        self._definitions = definitions
        self._finder = finder
        self._checks = checks

    async def list_custom_processes(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """Ids are the places of the pages, so that what is stored meanwhile moves nothing."""
        after = offset or ""
        if "\0" in after or len(after) > LONGEST_ID:
            raise RequestInvalid("The offset is not one of a `next` link. Follow the links, or leave it out.")
        wanted = page_size(limit)
        found = await self._state.read(store.page, user.id, wanted + 1, after)
        shown = found[:wanted]
        return Page(shown, shown[-1]["id"] if len(found) > wanted else None)

    async def describe_custom_process(self, user: User, process_graph_id: str) -> Json:
        """All of it, as it was stored."""
        return await self._state.read(store.find, user.id, process_graph_id)

    async def store_custom_process(self, user: User, process_graph_id: str, process: Json) -> None:
        """Check the process, then store it."""
        if process_graph_id in self._definitions:
            raise PredefinedProcessExists()
        if len(process_graph_id) > LONGEST_ID:
            raise ProcessInvalid(f"Identifiers of processes have at most {LONGEST_ID} characters.")
        await self._checks.check_storable(user, process_graph_id, process)
        definition = {**process, "id": process_graph_id}
        _check_size(definition)
        summary = {key: value for key, value in definition.items() if key not in _LEFT_OUT}
        if len(orjson.dumps(summary)) > MAX_SUMMARY:
            raise ProcessInvalid(
                f"Everything but the process graph, examples, exceptions and links may have {MAX_SUMMARY} bytes. "
                "Shorten the description."
            )
        now = datetime.now(UTC)
        await self._state.write(store.put, user.id, process_graph_id, definition, summary, now)

    async def delete_custom_process(self, user: User, process_graph_id: str) -> None:
        """Jobs and services that call it stay, and fail when they run."""
        await self._state.write(store.delete, user.id, process_graph_id)

    async def share_custom_process(self, user: User, process_graph_id: str) -> str:
        """The same permission each time; it is worth nothing before the process exists."""
        return (await self._finder.permissions()).grant(Shared(user.id, process_graph_id))

    async def describe_shared_process(self, permission: str) -> Json:
        """The process; namespaces of others of its author are paths of this API."""
        shared = (await self._finder.permissions()).read(permission)
        try:
            if shared is not None:
                return await self._finder.shared(shared)
        except ProcessGraphNotFound:
            shared = None
        raise ProcessGraphNotFound(
            "The link leads to no process: it is not complete, or the process has been deleted."
        )


def _check_size(definition: dict[str, Any]) -> None:
    try:
        size = len(orjson.dumps(definition))
    except orjson.JSONEncodeError as error:
        raise ProcessInvalid("The process is nested too deeply.") from error
    if size > MAX_BYTES:
        raise RequestTooLarge(limit=MAX_BYTES)
