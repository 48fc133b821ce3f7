"""Finds the definitions that a process graph needs beside the predefined ones, wherever they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.secret import load_secrets
from connexeo.drivers.local.stored_processes import store
from connexeo.drivers.local.stored_processes.elsewhere import fetch_definition, refused
from connexeo.drivers.local.stored_processes.namespaces import Json, with_namespaces
from connexeo.drivers.local.stored_processes.permissions import SHARED, Permissions, Shared
from connexeo.drivers.local.stored_processes.scheduling import scheduled
from connexeo.drivers.local.stored_processes.use import used_by
from connexeo.drivers.oidc.caching import ExpiringCache
from connexeo.fetch import FetchPolicy, GuardedClient
from connexeo.generated.errors import ProcessGraphComplexity, ProcessGraphNotFound, ProcessUnsupported
from connexeo.processing.calls import Call, calls_of, is_remote
from connexeo.processing.validation import MAX_CALLS
from connexeo.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_ELSEWHERE = 20
"""Processes by their addresses that one graph may use."""
TIMEOUT = 20.0
"""Seconds until all of them must have been fetched."""
FETCHED_LIFETIME = 60.0
"""Seconds for which a definition that was fetched is not fetched again: each tile of a service may ask for it."""
_KEPT = 64


class ProcessFinder:
    """Looks among the stored processes of the user, those that others share, and at addresses on the web.

    Args:
        settings: The secrets of the permissions, the own address, and whether private addresses may be read.
        state: The database.
        predefined: Ids of the predefined processes.
    """

    def __init__(self, settings: Settings, state: State, predefined: Iterable[str] = ()) -> None:
        self._settings = settings
        self._state = state
        self._predefined = frozenset(predefined)
        self._certain: frozenset[str] | None = None
        self._permissions: Permissions | None = None
        policy = FetchPolicy(allow_private=settings.allow_private_network, max_bytes=2**20, timeout=TIMEOUT)
        self._client = GuardedClient(policy)
        self._fetched: ExpiringCache[Json] = ExpiringCache(
            FETCHED_LIFETIME, size=_KEPT, failures=(ProcessUnsupported,), failure_lifetime=5.0
        )

    async def used_by(self, user_id: str | None, process: Any) -> dict[str, Json]:
        """The definitions that a process needs, by their names among user-defined processes.

        Raises:
            ProcessGraphComplexity: they are too many.
            ProcessUnsupported: a definition that is named by its address cannot be had.
        """
        certain = await self.without_namesake() if user_id is not None else self._predefined
        calls = await scheduled(process, _calls, [process])
        if all(call.process_id in certain and call.namespace in (None, "backend") for call in calls):
            return {}
        found: dict[str, Json] = {}
        if user_id is not None:
            found, further = await self._state.read(_stored, user_id, process, certain)
            calls |= further
        elsewhere = set(filter(_is_elsewhere, calls))
        if not elsewhere:
            return found
        try:
            async with asyncio.timeout(TIMEOUT):
                return found | await self._elsewhere(elsewhere)
        except TimeoutError:
            raise ProcessUnsupported(
                "The processes that the process graph calls by their addresses cannot be read in time."
            ) from None

    async def without_namesake(self) -> frozenset[str]:
        """Predefined processes that no user has stored one of the same id of, so that nobody has to look for it.

        None is stored once a process is predefined; one may have been before.
        """
        if self._certain is None:
            taken = await self._state.read(store.ids_of_anybody, self._predefined)
            self._certain = self._predefined - taken
        return self._certain

    async def namesakes(self) -> frozenset[str]:
        """Predefined processes of whose id some user has stored one."""
        return self._predefined - await self.without_namesake()

    async def permissions(self) -> Permissions:
        """Gives and reads permissions for shared processes."""
        if self._permissions is None:
            self._permissions = Permissions(await asyncio.to_thread(load_secrets, self._settings))
        return self._permissions

    async def shared(self, shared: Shared) -> Json:
        """A stored process as others see it: it calls further ones of its author by the addresses of those.

        The addresses are paths below that of the API.

        Raises:
            ProcessGraphNotFound: it is gone.
        """
        permissions = await self.permissions()
        definition, ids = await self._state.read(_with_own_calls, shared)

        def namespace_of(call: Call) -> str | None:
            if call.namespace in (None, "user") and call.process_id in ids:
                return SHARED + permissions.grant(Shared(shared.user_id, call.process_id))
            return call.namespace

        return with_namespaces(definition, namespace_of)

    async def _elsewhere(self, wanted: set[Call]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for _ in range(MAX_CALLS + 1):
            new = [call for call in wanted if call.key not in found]
            if len(found) + len(new) > MAX_ELSEWHERE:
                raise ProcessGraphComplexity(
                    f"The process graph calls more than {MAX_ELSEWHERE} processes by their addresses."
                )
            definitions = await asyncio.gather(*map(self._definition, new))
            found |= {call.key: one for call, one in zip(new, definitions, strict=True)}
            wanted = set(filter(_is_elsewhere, _calls(definitions)))
        return found

    async def _definition(self, call: Call) -> Json:
        assert call.namespace is not None
        shared = (await self.permissions()).read_address(call.namespace)
        if shared is not None:
            return await self._own(call, shared)
        own = self._settings.public_url
        if not is_remote(call.namespace) or (own is not None and call.namespace.startswith(f"{own}/")):
            raise refused(call, "is not there: the link is not complete, or not one to a shared process")
        return await self._fetched.get(call, lambda: fetch_definition(self._client, call, self._predefined))

    async def _own(self, call: Call, shared: Shared) -> Json:
        """A process that is shared here: no need to ask ourselves over the network."""
        if shared.process_id != call.process_id:
            raise refused(call, f"is not there; the link leads to '{shared.process_id}'")
        try:
            definition = await self.shared(shared)
        except ProcessGraphNotFound as error:
            raise refused(call, "is not there any longer: its author has deleted it") from error
        return with_namespaces(definition, lambda inner: _foreign(inner, str(call.namespace)))


def _foreign(call: Call, address: str) -> str:
    """Where a call in somebody else's process leads: never to the stored processes of those who use it."""
    if call.namespace is None:
        return "backend"
    return f"user of {address}" if call.namespace == "user" else call.namespace


def _is_elsewhere(call: Call) -> bool:
    return call.namespace is not None and (is_remote(call.namespace) or call.namespace.startswith(SHARED))


def _calls(processes: Iterable[Any]) -> set[Call]:
    return {call for process in processes for call in calls_of(process)}


def _stored(
    connection: Connection, user_id: str, process: Any, besides: frozenset[str]
) -> tuple[dict[str, Json], set[Call]]:
    """The stored processes that are used, and all that these call."""
    found = used_by(connection, user_id, process, besides=besides)
    return found, _calls(found.values())


def _with_own_calls(connection: Connection, shared: Shared) -> tuple[Json, set[str]]:
    definition = store.find(connection, shared.user_id, shared.process_id)
    called = {call.process_id for call in calls_of(definition) if call.namespace in (None, "user")}
    return definition, store.ids_among(connection, shared.user_id, called)
