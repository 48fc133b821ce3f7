"""Process graphs that a back-end ought to be able to run, as small as can be.

They are made of what it advertises: a collection, a few pixels of its extent, one day, one band, one output format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.extents import instant
from connexeo.tools.conformance.members import is_served
from connexeo.tools.conformance.resources import all_processes, described_collections, file_formats
from connexeo.tools.conformance.shapes import mapping, text, texts
from connexeo.tools.conformance.verdicts import NotTestable

Graph = dict[str, Any]

PIXELS = 8
"""Width and height of what is computed."""

_DAYS = {"M": 35, "Y": 370}
"""Days that have at least one time in them, by the distance of two."""

_NEVER = 9999
"""The year that some write where there is no end."""

RASTER_FORMATS = ("GTiff", "COG", "netCDF", "PNG", "Zarr", "JSON")
"""Output formats for a cube, the most usual first."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What is processed."""

    graph: Graph
    """Loads a little of a collection, reduces it over time, and saves it."""
    collection: str | None = None
    spatial_extent: Mapping[str, float] | None = None
    temporal_extent: tuple[str, str] | None = None
    bands: tuple[str, ...] = ()
    """All bands, empty when the collection has none."""
    time: str | None = None
    """Name of the temporal dimension."""
    format: str | None = None
    """Output format."""


def node(process_id: str, /, **arguments: Any) -> Graph:
    """One node."""
    return {"process_id": process_id, "arguments": arguments}


def of(name: str) -> dict[str, str]:
    """A reference to a node."""
    return {"from_node": name}


def with_result(graph: Graph) -> Graph:
    """The graph with its last node as the result."""
    last = list(graph)[-1]
    return {**graph, last: {**graph[last], "result": True}}


def process(graph: Graph, **properties: Any) -> dict[str, Any]:
    """The body of a request with a process."""
    return {"process": {"process_graph": graph}, **properties}


def has(backend: BackEnd, *names: str) -> bool:
    """Whether all these processes are listed."""
    ids = (each.get("id") for each in backend.once(all_processes))
    listed = {each for each in ids if isinstance(each, str)}
    return set(names) <= listed


def addition(x: Any = 1, y: Any = 2) -> Graph:
    """``1 + 2``: a valid process wherever ``add`` is listed."""
    return with_result({"sum": node("add", x=x, y=y)})


def workload(backend: BackEnd) -> Workload:
    """The process that jobs of a run compute: the user's own, else a small part of a collection.

    Raises:
        NotTestable: when the back-end lists nothing that could be processed.
    """
    if backend.options.process_graph is not None:
        return Workload(backend.options.process_graph)
    if not has(backend, "load_collection", "save_result"):
        raise NotTestable("there is no load_collection and save_result; give a graph with --process-graph")
    candidates = [each for each in _candidates(backend) if each is not None]
    if not candidates:
        raise NotTestable("no collection has an extent that could be loaded; name one with --collection")
    return candidates[0]


def output_format(backend: BackEnd) -> str:
    """An output format for a raster cube, as the back-end spells it.

    Raises:
        NotTestable: when there is none.
    """
    listed: Mapping[str, Any] = backend.once(file_formats)["output"]
    for name in RASTER_FORMATS:
        found = next((each for each in listed if each.lower() == name.lower()), None)
        if found is not None:
            return found
    raster = (
        each for each, about in listed.items() if "raster" in texts(mapping(about).get("gis_data_types"))
    )
    found = next(raster, None)
    if found is None:
        raise NotTestable("there is no output format for raster data")
    return found


def loading(work: Workload, **other: Any) -> Graph:
    """One node that loads what the workload does, except for arguments that are given."""
    arguments = {
        "id": work.collection,
        "spatial_extent": dict(work.spatial_extent or {}) or None,
        "temporal_extent": list(work.temporal_extent) if work.temporal_extent else None,
    }
    if work.bands:
        arguments["bands"] = [work.bands[0]]
    return node("load_collection", **{**arguments, **other})


def _candidates(backend: BackEnd) -> Iterator[Workload | None]:
    wanted = backend.options.collection
    described = [document for document, _ in backend.once(described_collections)]
    # What only back-ends of a federation have that are offline cannot be loaded now.
    described.sort(key=lambda each: (each.get("id") != wanted, not is_served(backend, each)))
    for document in described:
        if wanted is None or document.get("id") == wanted:
            yield _workload(backend, document)


def _workload(backend: BackEnd, collection: Mapping[str, Any]) -> Workload | None:
    dimensions = collection.get("cube:dimensions")
    dimensions = dimensions if isinstance(dimensions, Mapping) else {}
    extent = _place(collection, dimensions)
    if extent is None or not text(collection.get("id")):
        return None
    work = Workload(
        graph={},
        collection=str(collection["id"]),
        spatial_extent=extent,
        temporal_extent=_day(collection),
        bands=_bands(collection, dimensions),
        time=_named(dimensions, "temporal"),
        format=output_format(backend),
    )
    graph = {"load": loading(work)}
    if work.time and has(backend, "reduce_dimension", "first"):
        reducer = {"first": {**node("first", data={"from_parameter": "data"}), "result": True}}
        graph["reduce"] = node(
            "reduce_dimension", data=of("load"), dimension=work.time, reducer={"process_graph": reducer}
        )
    graph["save"] = node("save_result", data=of(list(graph)[-1]), format=work.format)
    return replace(work, graph=with_result(graph))


def _place(collection: Mapping[str, Any], dimensions: Mapping[str, Any]) -> dict[str, float] | None:
    """Some pixels in the middle of the first part of the extent; the overall extent is a box around all parts."""
    boxes = mapping(mapping(collection.get("extent")).get("spatial")).get("bbox")
    if (
        not isinstance(boxes, Sequence)
        or not boxes
        or not isinstance(boxes[-1 if len(boxes) == 1 else 1], Sequence)
    ):
        return None
    box = boxes[0] if len(boxes) == 1 else boxes[1]
    if len(box) not in (4, 6) or not all(isinstance(each, int | float) for each in box):
        return None
    west, south = (float(each) for each in box[:2])
    east, north = (float(each) for each in (box[2:4] if len(box) == 4 else box[3:5]))
    step = _degrees(dimensions) * PIXELS
    width, height = min(step, abs(east - west)), min(step, abs(north - south))
    x, y = (west + east) / 2, (south + north) / 2
    edges = {"west": x - width / 2, "south": y - height / 2, "east": x + width / 2, "north": y + height / 2}
    return {name: round(value, 7) for name, value in edges.items()}


def _degrees(dimensions: Mapping[str, Any]) -> float:
    """Width of a pixel, about; 10 m where nobody says."""
    for about in dimensions.values():
        step = mapping(about).get("step")
        if mapping(about).get("axis") == "x" and isinstance(step, int | float) and step > 0:
            # More than that is metres, of somebody who forgot the reference system.
            geographic = str(about.get("reference_system", 4326)) == "4326" and step <= 2.5
            return float(step) if geographic else step / 111_000
    return 10 / 111_000


def _day(collection: Mapping[str, Any]) -> tuple[str, str] | None:
    """The extent when it is short, else its last ten days, or those before now when it is open."""
    intervals = mapping(mapping(collection.get("extent")).get("temporal")).get("interval")
    if not isinstance(intervals, list) or not intervals or not isinstance(intervals[0], list):
        return None
    start, end = (instant(each) for each in (*intervals[0][:2], None, None)[:2])
    if end is not None and end.year >= _NEVER:
        end = None
    last = (end or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)) + timedelta(days=1)
    first = last - timedelta(days=_DAYS.get(_step(collection), 11))
    if start is not None:
        first = max(first, start)
    return first.date().isoformat(), last.date().isoformat()


def _step(collection: Mapping[str, Any]) -> str:
    """Unit of the distance between two times: ``D``, ``M`` or ``Y``; a day where nobody says."""
    for about in mapping(collection.get("cube:dimensions")).values():
        step = mapping(about).get("step")
        if mapping(about).get("type") == "temporal" and isinstance(step, str) and step.startswith("P"):
            return step.partition("T")[0][-1:]
    return "D"


def _bands(collection: Mapping[str, Any], dimensions: Mapping[str, Any]) -> tuple[str, ...]:
    name = _named(dimensions, "bands")
    if name is not None:
        values = dimensions[name].get("values")
        if isinstance(values, list):
            return tuple(str(value) for value in values)
    return ()


def _named(dimensions: Mapping[str, Any], kind: str) -> str | None:
    return next((name for name, about in dimensions.items() if mapping(about).get("type") == kind), None)
