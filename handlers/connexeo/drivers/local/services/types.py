"""The types of services, and the configurations that they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from connexeo.drivers.local.services.matrices import MATRIX_SETS, WEB_MERCATOR
from connexeo.generated.errors import (
    ServiceConfigInvalid,
    ServiceConfigRequired,
    ServiceConfigUnsupported,
    ServiceUnsupported,
)
from connexeo.processing.formats import find_format

Json = Mapping[str, Any]

XYZ = "XYZ"
WMTS = "WMTS"

MAX_ZOOM = 24

MEDIA_TYPES: Mapping[str, str] = {"png": "image/png", "webp": "image/webp"}
"""By format of tiles."""

_NO_SCHEMA = frozenset({"required", "default", "description", "experimental"})


@dataclass(frozen=True)
class ServiceType:
    """A type of services."""

    name: str
    title: str
    description: str
    configuration: Mapping[str, Json]
    """Settings by name, as JSON Schema."""
    links: tuple[Json, ...]

    def described(self) -> dict[str, Any]:
        """As ``GET /service_types`` has it."""
        return {
            "title": self.title,
            "description": self.description,
            "configuration": {name: dict(schema) for name, schema in self.configuration.items()},
            "process_parameters": [dict(parameter) for parameter in PROCESS_PARAMETERS],
            "links": [dict(link) for link in self.links],
        }


PROCESS_PARAMETERS: tuple[Json, ...] = (
    {
        "name": "spatial_extent",
        "description": (
            "Surroundings of the tile, as a bounding box in the reference system of the tile: the tile with a "
            "margin, so that no pixel at its edges is missing. Processes that do not use it show all that they "
            "load: of every collection just the tile is read in either case."
        ),
        "schema": {"type": "object", "subtype": "bounding-box"},
        "optional": True,
        "default": None,
    },
    {
        "name": "zoom",
        "description": "Zoom level of the tile.",
        "schema": {"type": "integer", "minimum": 0},
        "optional": True,
        "default": 0,
    },
    {
        "name": "x",
        "description": "Column of the tile, counted from the left.",
        "schema": {"type": "integer", "minimum": 0},
        "optional": True,
        "default": 0,
    },
    {
        "name": "y",
        "description": "Row of the tile, counted from the top.",
        "schema": {"type": "integer", "minimum": 0},
        "optional": True,
        "default": 0,
    },
)
"""What a process can refer to by `from_parameter`; each has a value for every tile."""

PARAMETER_NAMES = tuple(parameter["name"] for parameter in PROCESS_PARAMETERS)


@cache
def service_types() -> Mapping[str, ServiceType]:
    """All types by name."""
    tiles = _tile_settings()
    xyz = ServiceType(
        XYZ,
        "XYZ tiles",
        "Square map tiles in Web Mercator, drawn when they are asked for: `{z}/{x}/{y}`, counted from the north-west.",
        tiles,
        (
            {
                "rel": "about",
                "href": "https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames",
                "title": "How tiles are numbered",
            },
        ),
    )
    sets = {
        "description": "Tile matrix sets that are offered, the preferred one first.",
        "type": "array",
        "items": {"type": "string", "enum": list(MATRIX_SETS)},
        "minItems": 1,
        "uniqueItems": True,
        "default": [WEB_MERCATOR],
    }
    wmts = ServiceType(
        WMTS,
        "OGC Web Map Tile Service",
        "Map tiles by WMTS 1.0.0, drawn when they are asked for, in several projections, by paths and key-value pairs.",
        {"tile_matrix_sets": sets, **tiles},
        (
            {
                "rel": "about",
                "href": "https://www.ogc.org/standards/wmts",
                "title": "The standard of WMTS",
            },
        ),
    )
    return {each.name: each for each in (xyz, wmts)}


def find_type(name: str) -> ServiceType:
    """The type of a name, without regard to case.

    Raises:
        ServiceUnsupported: when there is none.
    """
    for known, each in service_types().items():
        if known.casefold() == name.casefold():
            return each
    raise ServiceUnsupported(type=name[:100])


def resolve_configuration(service_type: ServiceType, given: Json | None) -> dict[str, Any]:
    """The settings of a service: those that were given, and the defaults of the others that have one.

    Raises:
        ServiceConfigUnsupported: when the type has no such setting.
        ServiceConfigInvalid: when a value is not acceptable.
        ServiceConfigRequired: when one is missing.
    """
    given = {} if given is None else given
    for name in given:
        if name not in service_type.configuration:
            raise ServiceConfigUnsupported(parameter=name[:100])
    complete: dict[str, Any] = {}
    for name, schema in service_type.configuration.items():
        value = given.get(name)
        if value is None:
            value = schema.get("default")
            if value is None and schema.get("required"):
                raise ServiceConfigRequired(parameter=name)
        else:
            _check(name, schema, value)
        if value is not None:
            complete[name] = value
    _check_together(complete)
    return complete


def leaves_nothing_open(settings: Json) -> bool:
    """Whether a configuration says where the data is and which values become which colours: nobody must look."""
    limited = settings.get("min") is not None and settings.get("max") is not None
    return "bounds" in settings and (limited or isinstance(settings.get("colormap"), Mapping))


def _tile_settings() -> dict[str, Json]:
    """Settings of both types. Names and values are those of the format PNG, where that has them."""
    png = find_format("PNG").parameters
    zoom = {"type": "integer", "minimum": 0, "maximum": MAX_ZOOM}
    return {
        "tile_size": {
            "description": "Width and height of a tile in pixels.",
            "type": "integer",
            "enum": [256, 512],
            "default": 256,
        },
        "format": {
            "description": "Format of the tiles, both without loss.",
            "type": "string",
            "enum": list(MEDIA_TYPES),
            "default": "png",
        },
        "min_zoom": {"description": "Least zoom level that has tiles.", **zoom, "default": 0},
        "max_zoom": {"description": "Greatest zoom level that has tiles.", **zoom, "default": 18},
        "bounds": {
            "description": (
                "West, south, east and north of what is shown, in degrees: tiles outside are empty. Without it, "
                "it is where the data lies."
            ),
            "type": "array",
            "items": {"type": "number", "minimum": -180, "maximum": 180},
            "minItems": 4,
            "maxItems": 4,
        },
        "bands": {
            "description": (
                "Bands to show: one; three as red, green and blue; or four with the last one as opacity. "
                "Without it, all bands are shown, which then must be as many."
            ),
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": 4,
        },
        "min": {
            **png["min"],
            "description": (
                "Value that becomes black, or the first colour: a number, or one for each of red, green, blue. "
                "Without it, it is chosen from a sample of all values, the same for all tiles."
            ),
        },
        "max": {
            **png["max"],
            "description": (
                "Value that becomes white, or the last colour: a number, or one for each of red, green, blue. "
                "Without it, it is chosen from a sample of all values, the same for all tiles."
            ),
        },
        "colormap": dict(png["colormap"]),
    }


def _check(name: str, schema: Json, value: Any) -> None:
    import jsonschema_rs

    rules = {key: part for key, part in schema.items() if key not in _NO_SCHEMA}
    fault = next(jsonschema_rs.Draft7Validator(rules).iter_errors(value), None)
    if fault is not None:
        place = "".join(f"[{step!r}]" for step in fault.instance_path)
        reason = (
            f"{place and f'at {place}: '}{fault.message[:300].rstrip('.')}. It is: {schema['description']}"
        )
        raise ServiceConfigInvalid(parameter=name, reason=reason)


def _check_together(settings: Json) -> None:
    """What schemas cannot say."""
    if settings["min_zoom"] > settings["max_zoom"]:
        raise ServiceConfigInvalid(
            parameter="min_zoom",
            reason=f"{settings['min_zoom']} is more than 'max_zoom', which is {settings['max_zoom']}.",
        )
    if "bounds" in settings:
        west, south, east, north = settings["bounds"]
        if west >= east or south >= north or south < -90 or north > 90:
            raise ServiceConfigInvalid(
                parameter="bounds", reason="west must be less than east, and south less than north."
            )
    shown = len(settings.get("bands", ())) or None
    if shown == 2:
        raise ServiceConfigInvalid(parameter="bands", reason="one, three or four bands can be shown.")
    if "colormap" in settings:
        _check_colormap(settings["colormap"], shown)
    _check_limits(settings, shown)


def _check_colormap(colormap: Any, shown: int | None) -> None:
    from connexeo.generated.errors import OpenEOError
    from connexeo.processing.formats.colours import resolve_colormap

    if shown not in (None, 1):
        raise ServiceConfigInvalid(parameter="colormap", reason="it is for a single band.")
    try:
        resolve_colormap(colormap)
    except OpenEOError as error:
        raise ServiceConfigInvalid(
            parameter="colormap", reason="it must give 1 to 255 numbers a colour each."
        ) from error


def _check_limits(settings: Json, shown: int | None) -> None:
    low, high = (_as_list(settings.get(name)) for name in ("min", "max"))
    colours = None if shown is None else min(shown, 3)
    for name, limits in (("min", low), ("max", high)):
        if len(limits) > 1 and len(limits) != (colours or 3):
            raise ServiceConfigInvalid(
                parameter=name, reason="it must be one number, or as many as there are colours."
            )
    pairs = zip(low * (3 if len(low) == 1 else 1), high * (3 if len(high) == 1 else 1), strict=False)
    if any(least >= most for least, most in pairs):
        raise ServiceConfigInvalid(parameter="min", reason="it must be less than 'max'.")


def _as_list(limit: float | list[float] | None) -> list[float]:
    if limit is None:
        return []
    return list(limit) if isinstance(limit, list) else [limit]
