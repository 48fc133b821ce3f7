"""The microservice of secondary services: checks what users ask for, and hands tiles to whoever looks at a map."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, RowMapping

from connexeo.drivers.interface import Json, LogPage, Page, Tile, TileSource, User
from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.jobs.times import rfc3339
from connexeo.drivers.local.properties import Properties
from connexeo.drivers.local.services import logs, matrices, store
from connexeo.drivers.local.services.caching import TileCache
from connexeo.drivers.local.services.tiles import Drawing, Tiles
from connexeo.drivers.local.services.types import (
    MEDIA_TYPES,
    PARAMETER_NAMES,
    WMTS,
    find_type,
    resolve_configuration,
    service_types,
)
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.paging import newest_first
from connexeo.drivers.local.state.tables import services
from connexeo.generated.errors import ProcessParameterRequired
from connexeo.settings import Settings

CheckProcess = Callable[[User, Json], Awaitable[None]]
"""Raises the first fault of a process, as a user may use it."""

_PROPERTIES = Properties(
    known=frozenset(
        ("title", "description", "process", "enabled", "configuration", "plan", "budget", "log_level")
    ),
    ours=frozenset(("id", "url", "type", "attributes", "created", "costs", "usage", "links")),
)
_REDRAWN = frozenset(("process", "configuration"))
"""Properties that decide how tiles look."""


class LocalServices:
    """Services in the database, drawn by child processes.

    Args:
        settings: The deployment's settings.
        state: The database.
        computing: Child processes that draw.
        check: Checks processes, which may use `PARAMETER_NAMES`.
    """

    def __init__(self, settings: Settings, state: State, computing: Drawing, check: CheckProcess) -> None:
        self._state = state
        self._check = check
        self._billing = Billing.from_settings(settings)
        self._computing = computing
        self._cache = TileCache(
            settings.data.resolve() / "tiles", size=settings.tile_cache, lifetime=settings.tile_lifetime
        )
        self._tiles = Tiles(settings, state, computing, self._cache)

    async def list_service_types(self, user: User | None) -> Json:
        """The types; they are the same for every user."""
        return {name: each.described() for name, each in service_types().items()}

    async def list_services(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's services, newest first; pages start behind the time and id of a service."""
        return await newest_first(
            self._state, services, store.SUMMARY, user.id, _summary, limit=limit, offset=offset
        )

    async def create_service(self, user: User, request: Json) -> str:
        """Identifier of a new service, whose process and configuration have no faults."""
        _PROPERTIES.check_storable(request)
        service_type = find_type(request["type"])
        configuration = resolve_configuration(service_type, request.get("configuration"))
        await self._check_process(user, request["process"])
        values = {
            **_PROPERTIES.values_of(request, self._billing),
            "type": service_type.name,
            "enabled": request.get("enabled", True),
            "configuration": configuration,
            "created": datetime.now(UTC),
        }
        return await self._state.write(store.create, user.id, values)

    async def describe_service(self, user: User, service_id: str) -> Json:
        """Everything about a service, with the properties that only its creator knows."""
        row = await self._state.read(store.find, user.id, service_id)
        return {
            **(row["extra"] or {}),
            **_summary(row),
            "process": row["process"],
            "configuration": row["configuration"],
            "attributes": _attributes(row),
            **({} if row["usage"] is None else {"usage": row["usage"]}),
        }

    async def update_service(self, user: User, service_id: str, changes: Json) -> None:
        """Change what is given; a configuration replaces the former one as a whole."""
        row = await self._state.read(store.find, user.id, service_id)
        _PROPERTIES.check_changes(changes)
        resolved = {}
        if "configuration" in changes:
            service_type = find_type(row["type"])
            resolved["configuration"] = resolve_configuration(service_type, changes["configuration"])
        if "process" in changes:
            await self._check_process(user, changes["process"])
        values = _PROPERTIES.changed_values(changes, self._billing) | resolved
        extra = _PROPERTIES.extra_of(changes)
        redrawn = any(key in values and values[key] != row[key] for key in _REDRAWN)
        change = partial(store.change, redrawn=redrawn)
        await self._state.write(change, user.id, service_id, values, extra)
        if redrawn:
            await asyncio.to_thread(self._cache.forget, service_id)

    async def delete_service(self, user: User, service_id: str) -> None:
        """Remove a service with its log and its tiles."""
        await self._state.write(store.remove, user.id, service_id)
        await asyncio.to_thread(self._cache.forget, service_id)

    async def debug_service(
        self, user: User, service_id: str, *, limit: int | None, offset: str | None, level: str | None
    ) -> LogPage:
        """Log entries behind the one that the offset names."""
        return await self._state.read(_read_logs, user.id, service_id, limit, offset, level)

    async def describe_tiles(self, service_id: str, service_type: str) -> TileSource:
        """What the tiles of a service show."""
        row = await self._state.read(store.find_published, service_id, service_type)
        settings = row["configuration"]
        sets = await asyncio.to_thread(_matrix_sets, settings) if row["type"] == WMTS else ()
        return TileSource(
            title=row["title"] or f"{row['type']} service {row['id']}",
            description=row["description"],
            media_type=MEDIA_TYPES[settings["format"]],
            min_zoom=settings["min_zoom"],
            max_zoom=settings["max_zoom"],
            bounds=_bounds(settings, await self._tiles.survey(row)),
            tile_matrix_sets=sets,
        )

    async def draw_tile(
        self, service_id: str, service_type: str, *, matrix_set: str | None, zoom: int, column: int, row: int
    ) -> Tile:
        """A tile, drawn now or before."""
        service = await self._state.read(store.find_published, service_id, service_type)
        return await self._tiles.tile(service, matrix_set, zoom, column, row)

    async def stop(self) -> None:
        """End what is being drawn."""
        await self._tiles.stop()
        await self._computing.stop()

    async def _check_process(self, user: User, process: Json) -> None:
        """Refuse a process with faults, or one that asks for what no service can give it.

        Raises:
            OpenEOError: the first fault.
        """
        await self._check(user, process)
        for parameter in process.get("parameters") or ():
            if not parameter.get("optional") and parameter["name"] not in PARAMETER_NAMES:
                raise ProcessParameterRequired(
                    f"The parameter '{parameter['name']}' of the process has no value in a service. Make it optional "
                    f"with a default, or use one of: {', '.join(PARAMETER_NAMES)}."
                )


def _read_logs(
    connection: Connection,
    user_id: str,
    service_id: str,
    limit: int | None,
    offset: str | None,
    level: str | None,
) -> LogPage:
    kept = store.find(connection, user_id, service_id)["log_level"]
    return logs.page(connection, service_id, kept, limit=limit, offset=offset, level=level)


def _matrix_sets(settings: Json) -> list[Json]:
    return [
        matrices.describe(name, settings["tile_size"], settings["min_zoom"], settings["max_zoom"])
        for name in settings["tile_matrix_sets"]
    ]


def _summary(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A service as the list shows it; what is not known is left out."""
    plain = ("id", "title", "description", "type", "enabled", "plan", "budget", "costs", "log_level")
    shown = {key: row[key] for key in plain if row[key] is not None}
    return {**shown, "created": rfc3339(row["created"])}


def _attributes(row: RowMapping) -> dict[str, Any]:
    """What follows from the configuration, and from the data once somebody has looked at it."""
    settings = row["configuration"]
    attributes: dict[str, Any] = {
        "min_zoom": settings["min_zoom"],
        "max_zoom": settings["max_zoom"],
        "tile_size": settings["tile_size"],
        "media_type": MEDIA_TYPES[settings["format"]],
    }
    survey = row["survey"] or {}
    bounds = _bounds(settings, survey)
    if bounds is not None:
        attributes["bounds"] = list(bounds)
    if survey.get("bands"):
        attributes["bands"] = survey["bands"]
    if survey.get("range") is not None:
        attributes["range"] = survey["range"]
    return attributes


def _bounds(settings: Json, survey: Json) -> tuple[float, float, float, float] | None:
    bounds = settings.get("bounds") or survey.get("bounds")
    return None if bounds is None else (bounds[0], bounds[1], bounds[2], bounds[3])
