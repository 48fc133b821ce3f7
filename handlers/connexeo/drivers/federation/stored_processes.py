"""Stored processes: they live at the federation, and may call whatever its back-ends have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connexeo.drivers.federation.inlining.flattening import flattened
from connexeo.drivers.federation.routing.structure import faults_of_form
from connexeo.drivers.federation.snapshots.kinds import PROCESSES
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.views.loading import EntriesView
from connexeo.drivers.interface import Json, User
from connexeo.drivers.local.state import State
from connexeo.drivers.local.stored_processes.checking import ProcessChecks
from connexeo.drivers.local.stored_processes.finding import ProcessFinder
from connexeo.drivers.local.stored_processes.scheduling import scheduled
from connexeo.generated.errors import OpenEOError
from connexeo.processing.definitions import Definitions, ProcessDefinition, read_parameters
from connexeo.settings import Settings


class MergedDefinitions(Definitions):
    """The processes of all back-ends as they are now.

    Args:
        snapshots: What the back-ends say.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        super().__init__(())
        self._snapshots = snapshots
        self._view: EntriesView | None = None

    def __getitem__(self, process_id: str) -> Mapping[str, Any]:
        return self._entries()[process_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._entries())

    def read(self, process_id: str) -> ProcessDefinition | None:
        """The prepared definition; where a back-end has sent a schema that is none, anything is accepted."""
        entries = self._entries()
        known = self._read.get(process_id)
        if known is None and process_id in entries:
            known = self._read[process_id] = ProcessDefinition.from_json(sound(entries[process_id]))
        return known

    def _entries(self) -> Mapping[str, Mapping[str, Any]]:
        view = self._snapshots.view(PROCESSES)
        if view is not self._view:
            self._view = view if isinstance(view, EntriesView) else None
            self._read = {}
        return {} if self._view is None else self._view.entries


class FederatedFinder(ProcessFinder):
    """Finds stored processes where what is predefined changes while it runs.

    Args:
        settings: As for `ProcessFinder`.
        state: The database.
        definitions: The predefined processes.
    """

    def __init__(self, settings: Settings, state: State, definitions: Definitions) -> None:
        super().__init__(settings, state)
        self._definitions = definitions

    async def without_namesake(self) -> frozenset[str]:
        """None: a back-end may have added a process since a user stored one of this name."""
        return frozenset()

    async def namesakes(self) -> frozenset[str]:
        """All, for the same reason."""
        return frozenset(self._definitions)


class FederatedChecks(ProcessChecks):
    """Checks by the definitions of all back-ends, each of which may see arguments differently."""

    async def faults(self, user: User | None, process: Json) -> tuple[Sequence[OpenEOError], bool]:
        """All faults, and whether some of them are such that no back-end has to be asked.

        Types that do not fit are not: back-ends describe their processes more or less exactly.
        """
        certain = await scheduled(process, faults_of_form, process)
        if certain:
            return certain, True
        return await self.validate(user, process), False

    async def check_storable(self, user: User, process_id: str, process: Json) -> None:
        """Refuse what can never be run; arguments are the business of the back-ends.

        Raises:
            OpenEOError: its first fault; also when it calls itself, be it through others.
        """
        for fault in await scheduled(process, faults_of_form, process):
            raise fault
        named = {**process, "id": process_id}
        known = {**await self._finder.used_by(user.id, process), process_id: named}
        given: dict[str, Any] = {"user_processes": known, "definitions": self._definitions}
        await scheduled([process, known], flattened, named, **given)


def sound(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """A definition in which schemas that are none allow anything."""
    parameters = definition.get("parameters")
    if not isinstance(parameters, list):
        return definition
    return {**definition, "parameters": [_sound(each) for each in parameters]}


def _sound(parameter: Any) -> Any:
    try:
        for each in read_parameters([parameter]).values():
            # Looking at these makes them.
            _ = (each.kinds, each.callback, each.callbacks, each.subtypes, each.constrained)
            _ = (each.is_valid, each.is_valid_with_references)
    except (ValueError, TypeError, KeyError, AttributeError):
        return {key: parameter[key] for key in ("name", "optional", "default") if key in parameter} | {
            "schema": {}
        }
    return parameter
