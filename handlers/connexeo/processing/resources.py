"""Checks of what a process graph wants from outside: collections, bands and file formats that exist.

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


Found = tuple[str, Mapping[str, Json]]
"""A node and its id."""


def nodes_to_check(process: Json) -> list[Found]:
    """The nodes that load or save data, child process graphs included; the process need not be valid."""
    try:
        waiting = [process_graph_of(process)]
    except OpenEOError:
        return []
    found: list[Found] = []
    while waiting:
        graph = waiting.pop()
        if not isinstance(graph, dict):
            continue
        for node_id, node in graph.items():
            if not isinstance(node, dict):
                continue
            process_id, arguments = node.get("process_id"), node.get("arguments")
            if not isinstance(process_id, str) or not isinstance(arguments, dict):
                continue
            if process_id in _CHECKS:
                found.append((node_id, node))
            for value in arguments.values():
                if isinstance(value, dict) and "from_node" not in value and "from_parameter" not in value:
                    # A child process graph, or an object of such.
                    children = [value] if "process_graph" in value else value.values()
                    waiting += [child["process_graph"] for child in children if is_child_graph(child)]
    return found


def collections_of(nodes: Iterable[Found]) -> list[str]:
    """Ids of the collections that nodes load, as far as they stand in the graph."""
    found: dict[str, None] = {}
    for _, node in nodes:
        id = node["arguments"].get("id")
        if node["process_id"] == "load_collection" and isinstance(id, str):
            found[id] = None
    return list(found)


def resource_faults(
    nodes: Iterable[Found],
    *,
    definitions: Mapping[str, Json],
    user_processes: Mapping[str, Json],
    collections: Collections,
) -> list[OpenEOError]:
    """Faults of nodes, other than those that `validation` finds.

    Args:
        nodes: From `nodes_to_check`.
        definitions: The predefined processes.
        user_processes: User-defined processes by id, which may have the same names.
        collections: What is known of the collections that are loaded.
    """
    return list(islice(_faults(nodes, definitions, user_processes, collections), MAX_FAULTS))


def _faults(
    nodes: Iterable[Found],
    definitions: Mapping[str, Json],
    user_processes: Mapping[str, Json],
    collections: Collections,
) -> Iterator[OpenEOError]:
    for node_id, node in nodes:
        process_id = node["process_id"]
        if namespace_of(process_id, node.get("namespace"), definitions, user_processes) == "backend":
            for fault in _CHECKS[process_id](node["arguments"], collections):
                yield placed(fault, f"{fault.message.rstrip('.')} (node '{node_id}').")


def _load(arguments: Mapping[str, Json], collections: Collections) -> Iterator[OpenEOError]:
    id = arguments.get("id")
    if isinstance(id, str) and id in collections:
        known = collections[id]
        if known is None:
            yield CollectionNotFound(identifier=id)
        elif known.bands:
            yield from _bands(arguments.get("bands"), known.bands)


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
    "save_result": _save,
}
