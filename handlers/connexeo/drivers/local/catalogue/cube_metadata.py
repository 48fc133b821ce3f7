"""`cube:dimensions` and `summaries` for collections that lack them, from their item assets, extents and items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connexeo.processing.reading.bands import SourceBand, collection_bands

Document = Mapping[str, Any]

DATACUBE = "https://stac-extensions.github.io/datacube/v2.2.0/schema.json"

MOST_VALUES = 30
"""A property with more different texts is not summarised: it is a name rather than a kind."""

_NOT_SUMMARISED = frozenset(
    {
        "datetime",
        "start_datetime",
        "end_datetime",
        "created",
        "updated",
        "title",
        "description",
        "license",
        "providers",
    }
)


def complete(collection: Document, items: Sequence[Document], *, all_items: bool) -> dict[str, Any]:
    """The collection with `cube:dimensions` and `summaries`; what it declares itself is kept.

    Args:
        collection: a public collection.
        items: some or all of its items.
        all_items: whether these are all, so that ranges and sets of values can be told from them.
    """
    completed = dict(collection)
    summaries = dict(collection.get("summaries") or {})
    if all_items:
        summaries = {**summarise(items), **summaries}
    if "bands" not in collection and "bands" not in summaries and "eo:bands" not in summaries:
        bands = collection_bands(collection, items)
        if bands:
            summaries["eo:bands"] = [_described(band) for band in bands]
    completed["summaries"] = summaries
    if not completed.get("cube:dimensions"):
        completed["cube:dimensions"] = derive_dimensions(collection, items)
    extensions = completed.get("stac_extensions") or []
    if not any("datacube" in str(each) for each in extensions):
        extensions = [*extensions, DATACUBE]
    completed["stac_extensions"] = extensions
    return completed


def derive_dimensions(collection: Document, items: Sequence[Document]) -> dict[str, Any]:
    """The dimensions x, y, t and, where bands are known, bands."""
    dimensions = _horizontal(collection, items)
    dimensions["t"] = {"type": "temporal", "extent": list(collection["extent"]["temporal"]["interval"][0])}
    bands = collection_bands(collection, items)
    if bands:
        dimensions["bands"] = {"type": "bands", "values": [band.name for band in bands]}
    return dimensions


def summarise(items: Sequence[Document]) -> dict[str, Any]:
    """Ranges of numbers and sets of texts that the properties of items have."""
    values: dict[str, list[Any]] = {}
    for item in items:
        for name, value in (item.get("properties") or {}).items():
            if name not in _NOT_SUMMARISED and not name.startswith("proj:"):
                values.setdefault(name, []).extend(value if isinstance(value, list) else [value])
    summaries: dict[str, Any] = {}
    for name, found in values.items():
        if all(isinstance(each, int | float) and not isinstance(each, bool) for each in found) and found:
            summaries[name] = {"minimum": min(found), "maximum": max(found)}
        elif all(isinstance(each, str) for each in found) and 0 < len(set(found)) <= MOST_VALUES:
            summaries[name] = sorted(set(found))
    codes = sorted({code for item in items if (code := _code(item.get("properties") or {})) is not None})
    if codes:
        summaries["proj:code"] = [f"EPSG:{code}" for code in codes]
    return summaries


def _horizontal(collection: Document, items: Sequence[Document]) -> dict[str, Any]:
    """Dimensions x and y: on the grid of the items where all share one reference system, else in degrees."""
    box = collection["extent"]["spatial"]["bbox"][0]
    half = len(box) // 2
    grids = [grid for item in items if (grid := _grid(item)) is not None]
    codes = {code for code, *_ in grids}
    if len(codes) == 1 and len(grids) == len(items):
        extents = (
            [min(g[1] for g in grids), max(g[3] for g in grids)],
            [min(g[2] for g in grids), max(g[4] for g in grids)],
        )
        steps = {g[5] for g in grids}
        extra = {"step": steps.pop()} if len(steps) == 1 else {}
        system = codes.pop()
    else:
        extents, extra, system = ([box[0], box[half]], [box[1], box[half + 1]]), {}, 4326
    return {
        axis: {"type": "spatial", "axis": axis, "extent": extent, "reference_system": system, **extra}
        for axis, extent in zip("xy", extents, strict=True)
    }


def _grid(item: Document) -> tuple[int, float, float, float, float, float] | None:
    """EPSG code, west, south, east, north and pixel width of an item's finest asset."""
    properties = item.get("properties") or {}
    assets = [asset for asset in (item.get("assets") or {}).values() if isinstance(asset, Mapping)]
    found = []
    for source in (properties, *assets):
        code = _code(source) or _code(properties)
        shape = source.get("proj:shape") or properties.get("proj:shape")
        transform = source.get("proj:transform") or properties.get("proj:transform")
        if code and isinstance(shape, list) and isinstance(transform, list) and len(transform) >= 6:
            a, b, west, d, e, north = transform[:6]
            if not b and not d and a > 0 > e:
                found.append((code, west, north + e * shape[0], west + a * shape[1], north, a))
    return min(found, key=lambda grid: grid[5]) if found else None


def _code(properties: Document) -> int | None:
    code = properties.get("proj:code")
    if isinstance(code, str) and code.upper().startswith("EPSG:") and code[5:].isdigit():
        return int(code[5:])
    epsg = properties.get("proj:epsg")
    return epsg if isinstance(epsg, int) else None


def _described(band: SourceBand) -> dict[str, Any]:
    described: dict[str, Any] = {"name": band.name}
    if band.common_name:
        described["common_name"] = band.common_name
    if band.center_wavelength:
        described["center_wavelength"] = band.center_wavelength
    return described
