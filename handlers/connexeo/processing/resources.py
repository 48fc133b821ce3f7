"""Checks of what a process graph wants from outside: collections, bands and file formats that exist, areas that do.

They need no evaluation and load nothing heavy: web workers run them. Whether a collection exists is the caller's to
find out (`collections_of`), as that may take time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from connexeo.generated.errors import CollectionNotFound, OpenEOError, ProcessParameterInvalid
from connexeo.processing.faults import placed
from connexeo.processing.formats.options import resolve_options
from connexeo.processing.formats.registry import find_format
from connexeo.processing.graph import MAX_FAULTS, is_child_graph
from connexeo.processing.reading.bands import SourceBand, collection_bands
from connexeo.processing.validation import namespace_of, process_graph_of

Json = Any

_SHOWN = 50
"""Bands that a message names."""


@dataclass(frozen=True)
class KnownCollection:
    """What is known of a collection that exists."""

    bands: tuple[SourceBand, ...] = ()
    """Empty where the collection leaves them to its items."""

    @classmethod
    def from_stac(cls, document: Mapping[str, Json]) -> KnownCollection:
        """What a STAC Collection tells by itself."""
        return cls(collection_bands(document) if document.get("item_assets") else ())


Collections = Mapping[str, KnownCollection | None]
"""By id; None for those that do not exist. Those that are left out are not known, and not checked."""


def collections_of(process: Json) -> list[str]:
    """Ids of the collections that a process loads, as far as they stand in the graph; it need not be valid."""
    found: dict[str, None] = {}
    for _, node in _nodes(process):
        id = node["arguments"].get("id")
        if node["process_id"] == "load_collection" and isinstance(id, str):
            found[id] = None
    return list(found)


def resource_faults(
    process: Json,
    *,
    definitions: Mapping[str, Json],
    user_processes: Mapping[str, Json],
    collections: Collections,
) -> list[OpenEOError]:
    """Faults of the nodes that load, limit or save data, child process graphs included.

    Args:
        process: A process object, or a graph; the faults that `validation` finds are not repeated.
        definitions: The predefined processes.
        user_processes: User-defined processes by id, which may have the same names.
        collections: What is known of the collections that are loaded.
    """
    return list(islice(_faults(process, definitions, user_processes, collections), MAX_FAULTS))


def _faults(
    process: Json,
    definitions: Mapping[str, Json],
    user_processes: Mapping[str, Json],
    collections: Collections,
) -> Iterator[OpenEOError]:
    for node_id, node in _nodes(process):
        process_id = node["process_id"]
        if process_id not in _CHECKS:
            continue
        source = namespace_of(process_id, node.get("namespace"), definitions, user_processes)
        if source == "backend":
            for fault in _CHECKS[process_id](node["arguments"], collections):
                yield placed(fault, f"{fault.message.rstrip('.')} (node '{node_id}').")


def _nodes(process: Json) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Nodes that look like some, with their ids, outer graphs before those in their arguments."""
    try:
        waiting = [process_graph_of(process)]
    except OpenEOError:
        return
    while waiting:
        graph = waiting.pop()
        if not isinstance(graph, dict):
            continue
        for node_id, node in graph.items():
            if not isinstance(node, dict) or not isinstance(node.get("arguments"), dict):
                continue
            if isinstance(node.get("process_id"), str):
                yield node_id, node
            waiting.extend(_graphs_in(node["arguments"]))


def _graphs_in(arguments: Mapping[str, Json]) -> Iterator[Json]:
    """Child process graphs: arguments, or properties of arguments."""
    for value in arguments.values():
        if is_child_graph(value):
            yield value["process_graph"]
        elif isinstance(value, dict):
            yield from (inner["process_graph"] for inner in value.values() if is_child_graph(inner))


def _load(arguments: Mapping[str, Json], collections: Collections) -> Iterator[OpenEOError]:
    id = arguments.get("id")
    if isinstance(id, str) and id in collections:
        known = collections[id]
        if known is None:
            yield CollectionNotFound(identifier=id)
        elif known.bands:
            yield from _bands(arguments.get("bands"), known.bands)
    yield from _box("load_collection", "spatial_extent", arguments.get("spatial_extent"))


def _bands(names: Json, bands: Iterable[SourceBand]) -> Iterator[OpenEOError]:
    if not isinstance(names, list):
        return
    existing = {band.name for band in bands} | {band.common_name for band in bands}
    for name in names:
        if isinstance(name, str) and name not in existing:
            told = ", ".join(
                f"{band.name} ({band.common_name})" if band.common_name else band.name
                for band in islice(bands, _SHOWN)
            )
            yield ProcessParameterInvalid(
                parameter="bands",
                process="load_collection",
                reason=f"there is no band '{name}'; available bands: {told}.",
            )


def _filter_box(arguments: Mapping[str, Json], _: Collections) -> Iterator[OpenEOError]:
    yield from _box("filter_bbox", "extent", arguments.get("extent"))


def _box(process_id: str, parameter: str, box: Json) -> Iterator[OpenEOError]:
    """A bounding box with nothing in it."""
    if not isinstance(box, dict):
        return
    edges: list[Any] = [box.get(name) for name in ("west", "south", "east", "north")]
    if not all(isinstance(edge, int | float) for edge in edges):
        return
    west, south, east, north = edges
    if south > north:
        reason = "south is greater than north."
    elif west > east:
        reason = "west is greater than east; boxes across the antimeridian are not supported."
    else:
        return
    yield ProcessParameterInvalid(parameter=parameter, process=process_id, reason=reason)


def _save(arguments: Mapping[str, Json], _: Collections) -> Iterator[OpenEOError]:
    name, options = arguments.get("format"), arguments.get("options")
    if not isinstance(name, str):
        return
    try:
        target = find_format(name)
        if isinstance(options, dict) and not any(isinstance(value, dict) for value in options.values()):
            resolve_options(target, options)
    except OpenEOError as error:
        yield error


_CHECKS: dict[str, Callable[[Mapping[str, Json], Collections], Iterator[OpenEOError]]] = {
    "load_collection": _load,
    "filter_bbox": _filter_box,
    "save_result": _save,
}
