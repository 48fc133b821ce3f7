"""Tiles of services: found again, or drawn by a child process, once for all who ask at the same time."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import structlog
from sqlalchemy import RowMapping

from connexeo.drivers.interface import Tile
from connexeo.drivers.local.computing.failures import ChildDied
from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.services import accounting, logs, store
from connexeo.drivers.local.services.caching import TileCache
from connexeo.drivers.local.services.empty import empty_picture
from connexeo.drivers.local.services.flights import Flights
from connexeo.drivers.local.services.matrices import WEB_MERCATOR, Place, place_of, set_identifier
from connexeo.drivers.local.services.types import MEDIA_TYPES, WMTS, leaves_nothing_open
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.logbook import LEVELS
from connexeo.generated.errors import InfrastructureBusy, NotFound, OpenEOError, RequestTimeout
from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.services")

Json = Mapping[str, Any]

WAITING = 512
"""Tiles that are drawn or wait for it; a screen of a map has some twenty, all asked for at once."""
MARGIN = 0.5
"""How far `spatial_extent` goes beyond each edge of the tile, in tiles: pixels of the data that reach into the tile may
have their centres outside of it."""

_DEGREES = frozenset({"EPSG:4326", "OGC:CRS84"})

_UNREADY = (InfrastructureBusy, RequestTimeout)
"""Errors that say nothing about the service."""


class Drawing(Protocol):
    """Child processes."""

    async def run(
        self,
        task: str,
        user_id: str | None,
        request: Json,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it belongs to the task
        on_log: Callable[[Json], None] = ...,
        on_usage: Callable[[Json], None] = ...,
    ) -> Json:
        """The answer of a task of `connexeo.drivers.local.services.drawing`."""
        ...

    async def stop(self) -> None:
        """Kill those that wait for work."""
        ...


class Tiles:
    """Draws tiles of services.

    Args:
        settings: How long drawing may take, and how many processes draw.
        state: The database.
        computing: Child processes.
        cache: Tiles that were drawn before.
    """

    def __init__(self, settings: Settings, state: State, computing: Drawing, cache: TileCache) -> None:
        self._timeout = settings.tile_timeout
        self._billing = Billing.from_settings(settings)
        self._state = state
        self._computing = computing
        self._cache = cache
        self._slots = asyncio.Semaphore(settings.tile_processes)
        self._flights: Flights[bytes] = Flights(WAITING)
        self._surveys: Flights[Json] = Flights(WAITING)
        self._gate = logs.Gate()
        self._resting: dict[tuple[str, int], float] = {}

    async def tile(
        self, service: RowMapping, matrix_set: str | None, zoom: int, column: int, row: int
    ) -> Tile:
        """A tile of a service.

        Args:
            service: The row of the service.
            matrix_set: Identifier of a tile matrix set of the service; None where it can have only one.
            zoom: Zoom level.
            column: Counted from the left.
            row: Counted from the top.

        Raises:
            NotFound: when there is no such tile.
            PaymentRequired: when the budget of the service is spent.
            InfrastructureBusy: when too many tiles wait already.
            RequestTimeout: when it took too long.
            OpenEOError: whatever the process or the data is at fault for, without what only the owner may know.
        """
        settings = service["configuration"]
        name = _matrix_set(service, matrix_set)
        if not settings["min_zoom"] <= zoom <= settings["max_zoom"]:
            raise NotFound(
                f"The service has tiles of the zoom levels {settings['min_zoom']} to {settings['max_zoom']}."
            )
        if name == WEB_MERCATOR:
            place = place_of(name, zoom, column, row)
        else:  # morecantile may have to be imported
            place = await asyncio.to_thread(place_of, name, zoom, column, row)
        if _is_outside(place, settings, service["survey"]):
            return _as_tile(b"", settings)
        key = f"{name}/{zoom}/{column}/{row}"
        content = await asyncio.to_thread(self._cache.load, service["id"], service["version"], key)
        if content is None:
            self._check_rested(service)
            accounting.check_budget(service)
            numbers = {"zoom": zoom, "x": column, "y": row}
            content = await self._flights.join(
                f"{service['id']}/{service['version']}/{key}",
                lambda: self._draw(service, place, numbers, key),
            )
        return _as_tile(content, settings)

    async def survey(self, service: RowMapping) -> Json:
        """Where the data of a service lies and which values it has; empty where that cannot be told now."""
        try:
            return await self._survey(service)
        except InfrastructureBusy:
            return {}

    async def stop(self) -> None:
        """End what is being drawn."""
        await self._flights.stop()
        await self._surveys.stop()

    def _check_rested(self, service: RowMapping) -> None:
        """Refuse tiles of a service of which one has just taken too long: the others shall have their turn."""
        if time.monotonic() < self._resting.get((service["id"], service["version"]), 0.0):
            raise self._too_slow()

    def _rest(self, service: RowMapping) -> None:
        now = time.monotonic()
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        self._resting[service["id"], service["version"]] = now + self._timeout

    def _too_slow(self) -> RequestTimeout:
        return RequestTimeout(
            f"Drawing tiles of this service takes longer than the {self._timeout:.0f} s that are allowed for "
            "one. Zoom in, or try again later."
        )

    async def _draw(self, service: RowMapping, place: Place, numbers: Json, key: str) -> bytes:
        """The content of a tile, which is kept; errors are logged for the owner of the service."""
        entries: list[Json] = []
        await self._turn()
        try:
            async with asyncio.timeout(self._timeout):
                self._flights.begin(f"{service['id']}/{service['version']}/{key}")
                survey = await self._survey(service)
                content = b""
                if not _is_outside(place, service["configuration"], survey):
                    content = await self._compute(service, place, numbers, survey, entries)
        except TimeoutError:
            self._rest(service)
            error = self._too_slow()
            entries.append(_entry(error, numbers))
            raise error from None
        except OpenEOError as error:
            entries.append(_entry(error, numbers))
            raise _for_strangers(error) from error
        finally:
            self._slots.release()
            await self._log(service, entries)
        await asyncio.to_thread(self._cache.save, service["id"], service["version"], key, content)
        return content

    async def _turn(self) -> None:
        """Wait for a process that is free; it must be released afterwards.

        Raises:
            InfrastructureBusy: when that takes as long as drawing may take.
        """
        try:
            async with asyncio.timeout(self._timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise InfrastructureBusy() from None

    async def _compute(
        self, service: RowMapping, place: Place, numbers: Json, survey: Json, entries: list[Json]
    ) -> bytes:
        size = service["configuration"]["tile_size"]
        window = {"bounds": place.bounds, "crs": place.crs, "width": size, "height": size}
        request = {
            "process": service["process"],
            "parameters": {"spatial_extent": _surroundings(place), **numbers},
            "window": window,
            "settings": service["configuration"],
            "range": survey.get("range"),
        }
        usage: dict[str, float] = {}
        run = partial(
            self._computing.run,
            "tile",
            service["user_id"],
            request,
            on_log=entries.append,
            on_usage=usage.update,
        )
        try:
            answer = await run()
        except ChildDied:
            # It may have been dead already, or been the one that the system ended for want of memory.
            answer = await run()
        await self._charge(service, usage, tiles=1)
        picture: str | None = answer["picture"]
        return b"" if picture is None else base64.b64decode(picture)

    async def _survey(self, service: RowMapping) -> Json:
        """Where the data of a service lies and which values it has; found out once for each version."""
        known: Json | None = service["survey"]
        if known is not None:
            return known
        if leaves_nothing_open(service["configuration"]):
            return {}
        key = f"{service['id']}/{service['version']}"
        return await self._surveys.join(key, lambda: self._look_over(service))

    async def _look_over(self, service: RowMapping) -> Json:
        request = {
            "process": service["process"],
            "parameters": {"spatial_extent": None, "zoom": 0, "x": 0, "y": 0},
            "settings": service["configuration"],
        }
        usage: dict[str, float] = {}
        try:
            survey: Json = await self._computing.run(
                "survey", service["user_id"], request, timeout=self._timeout, on_usage=usage.update
            )
        except OpenEOError as error:
            if isinstance(error, InfrastructureBusy):
                raise
            # Tiles may be drawn all the same, if the configuration leaves nothing open.
            survey = {"bounds": None, "range": None, "bands": []}
            entry = {
                "level": "warning",
                "code": error.code,
                "message": (
                    "It could not be found out where the data of this service lies and which values it has. Set "
                    f"'bounds', 'min' and 'max' in its configuration. The reason was: {error.message}"
                ),
            }
            await self._log(service, [entry])
        await self._charge(service, usage, tiles=0)
        await self._state.write(store.keep_survey, service["id"], service["version"], survey)
        return survey

    async def _charge(self, service: RowMapping, usage: Mapping[str, float], *, tiles: int) -> None:
        try:
            await self._state.write(
                accounting.charge, service["id"], usage.get("cpu", 0.0), tiles, self._billing
            )
        except InfrastructureBusy:
            # The tile is there all the same.
            logger.warning("services.usage_lost", service_id=service["id"], **usage)

    async def _log(self, service: RowMapping, entries: Sequence[Json]) -> None:
        least = LEVELS[service["log_level"]]
        kept = [
            entry
            for entry in entries
            if LEVELS[entry["level"]] >= least and self._gate.passes(service["id"], entry)
        ]
        if not kept:
            return
        try:
            await self._state.write(logs.append, service["id"], kept)
        except InfrastructureBusy:
            # The tile is there all the same.
            logger.warning("services.log_lost", service_id=service["id"], entries=len(kept))


def _matrix_set(service: RowMapping, identifier: str | None) -> str:
    """The name of a tile matrix set of a service, by its identifier there."""
    if service["type"] != WMTS:
        return WEB_MERCATOR
    settings = service["configuration"]
    for name in settings["tile_matrix_sets"]:
        if identifier == set_identifier(name, settings["tile_size"]):
            return str(name)
    raise NotFound("The service has no tile matrix set of this name. Its capabilities document lists them.")


def _is_outside(place: Place, settings: Json, survey: Json | None) -> bool:
    """Whether the tile is known to be empty, without looking."""
    bounds = settings.get("bounds") or (survey or {}).get("bounds")
    if place.degrees is None or bounds is None:
        return False
    west, south, east, north = place.degrees
    return bool(bounds[0] >= east or bounds[2] <= west or bounds[1] >= north or bounds[3] <= south)


def _surroundings(place: Place) -> dict[str, Any]:
    """The extent of a tile with a margin, as processes take it."""
    west, south, east, north = place.bounds
    x, y = (east - west) * MARGIN, (north - south) * MARGIN
    west, south, east, north = west - x, south - y, east + x, north + y
    if place.crs not in _DEGREES:
        code = int(place.crs.removeprefix("EPSG:"))
        return {"west": west, "south": south, "east": east, "north": north, "crs": code}
    west, south, east, north = max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0)
    return {"west": west, "south": south, "east": east, "north": north}


def _as_tile(content: bytes, settings: Json) -> Tile:
    picture = content or empty_picture(settings["tile_size"], settings["format"])
    etag = hashlib.blake2b(picture, digest_size=12).hexdigest()
    return Tile(picture, MEDIA_TYPES[settings["format"]], etag)


def _entry(error: OpenEOError, numbers: Json) -> dict[str, Any]:
    """An entry for the log of the service."""
    return {
        "level": "error",
        "code": error.code,
        "message": error.message,
        "data": {"tile": dict(numbers)},
    }


def _for_strangers(error: OpenEOError) -> OpenEOError:
    """The error as those see it who look at a map, and who may not be meant to know how it is made."""
    if isinstance(error, _UNREADY):
        return error
    return type(error)("This tile cannot be drawn. The owner of the service finds the reason in its logs.")
