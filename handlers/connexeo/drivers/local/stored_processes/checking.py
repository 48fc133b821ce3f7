"""Checks of processes as a user may use them: with what the user, or others, have defined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from connexeo.drivers.interface import Json, User
from connexeo.drivers.local.known_collections import KnownCollections
from connexeo.drivers.local.stored_processes.finding import ProcessFinder
from connexeo.drivers.local.stored_processes.scheduling import scheduled
from connexeo.generated.errors import OpenEOError, ProcessGraphComplexity, ProcessUnsupported
from connexeo.processing import resources, validation
from connexeo.processing.definitions import Definitions
from connexeo.processing.graph import MAX_FAULTS

T = TypeVar("T")


class ProcessChecks:
    """Validation for whoever takes processes from users.

    Args:
        finder: Finds user-defined processes.
        definitions: The predefined ones.
        collections: Which collections exist; None: that is not checked.
    """

    def __init__(
        self,
        finder: ProcessFinder,
        definitions: Definitions,
        collections: KnownCollections | None = None,
    ) -> None:
        self._finder = finder
        self._definitions = definitions
        self._collections = collections

    async def check(self, user: User, process: Json, *, parameters: Sequence[str] = ()) -> None:
        """Make sure that a process can be run.

        Args:
            user: Who wants to run it.
            process: The process.
            parameters: Names of parameters that will have a value, besides those that it lists.

        Raises:
            OpenEOError: its first fault.
        """
        if await self._is_plain(user, process):
            return
        known = await self._finder.used_by(user.id, process)
        await self._run(validation.check, process, known, parameters=parameters)

    async def validate(self, user: User | None, process: Json) -> Sequence[OpenEOError]:
        """All faults of a process. Parameters that it does not list are no faults."""
        if await self._is_plain(user, process):
            return await self._resource_faults(process, {})
        try:
            known = await self._finder.used_by(None if user is None else user.id, process)
        except (ProcessGraphComplexity, ProcessUnsupported) as error:
            return [error]
        faults = await self._run(validation.validate, process, known, unlisted=True)
        return [*faults, *await self._resource_faults(process, known)][:MAX_FAULTS]

    async def _is_plain(self, user: User | None, process: Json) -> bool:
        """Whether there is certainly no fault, and nothing to be found beside the predefined processes."""
        others = frozenset[str]() if user is None else await self._finder.namesakes()
        known = {"definitions": self._definitions, "others": others}
        return await scheduled(process, validation.is_plain, process, **known)

    async def _resource_faults(self, process: Json, known: Mapping[str, Json]) -> Sequence[OpenEOError]:
        if self._collections is None:
            return []
        nodes = await scheduled([process], resources.nodes_to_check, process)
        if not nodes:
            return []
        collections = await self._collections.of(resources.collections_of(nodes))
        return resources.resource_faults(
            nodes, definitions=self._definitions, user_processes=known, collections=collections
        )

    async def check_storable(self, user: User, process_id: str, process: Json) -> None:
        """Make sure that others can call a process, when it is stored with this id.

        Raises:
            OpenEOError: its first fault; also when it calls itself, be it through others.
        """
        named = {**process, "id": process_id}
        known = await self._finder.used_by(user.id, process)
        await self._run(validation.check, named, {**known, process_id: named}, unlisted=True)

    async def _run(
        self, function: Callable[..., T], process: Json, known: Mapping[str, Json], **more: Any
    ) -> T:
        given = {"definitions": self._definitions, "user_processes": known, **more}
        return await scheduled([process, known], function, process, **given)
