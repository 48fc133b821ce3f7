"""Makes views of snapshots: the merged documents, serialised as far as they will be needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import structlog

from connexeo.drivers.federation.garbage import no_search_for_garbage
from connexeo.drivers.federation.merging import Kind, Listing, Part, brief, merge_capabilities, merge_lists
from connexeo.drivers.federation.snapshots.kinds import (
    CAPABILITIES,
    COLLECTIONS,
    FILE_FORMATS,
    PROCESSES,
    PROVIDERS,
    SERVICE_TYPES,
    UDF_RUNTIMES,
)
from connexeo.drivers.federation.snapshots.store import SnapshotStore
from connexeo.generated import load_processes
from connexeo.settings import Agreement, Federation, Selection

logger = structlog.get_logger("connexeo.federation")

Documents = Mapping[str, Any]
"""What each back-end said, by its id."""


def make_views(kind: str, store: SnapshotStore, federation: Federation) -> None:
    """Make the view of a kind anew, and keep it."""
    with no_search_for_garbage():
        store.put_view(kind, _view(kind, store, federation))


def _view(kind: str, store: SnapshotStore, federation: Federation) -> bytes:
    known = {upstream.id for upstream in federation.upstreams}
    snapshots = store.snapshots(kind)
    documents = {
        each: orjson.loads(snapshots[each].body)
        for each in federation.order
        if each in snapshots and each in known
    }
    return orjson.dumps({"upstreams": list(documents), **_MAKERS[kind](documents, federation)})


def _merged_collections(documents: Documents, federation: Federation) -> Listing:
    """The collections of all back-ends, as far as they are taken, by id."""
    taken = _taken(documents, {upstream.id: upstream.collections for upstream in federation.upstreams})
    urls = {upstream.id: upstream.url for upstream in federation.upstreams}
    listing = merge_lists(Kind.COLLECTION, taken, federation.order, urls=urls)
    return _agreed(listing, taken, federation.merge.collections)


def _merged_processes(documents: Documents, federation: Federation) -> Listing:
    """The processes of all back-ends, as far as they are taken, by id."""
    taken = _taken(documents, {upstream.id: upstream.processes for upstream in federation.upstreams})
    standard = {each["id"]: each for each in load_processes()}
    listing = merge_lists(Kind.PROCESS, taken, federation.order, standard=standard)
    return _agreed(listing, taken, federation.merge.processes)


def _collections(documents: Documents, federation: Federation) -> dict[str, Any]:
    listing = _merged_collections(documents, federation)
    _tell(listing)
    entries = [
        # Serialised property by property, so that links can be added without looking at the rest.
        [name, list(merged.upstreams), _serialised(brief(merged.document))]
        for name, merged in listing.entries.items()
    ]
    return {"entries": entries}


def _serialised(document: Mapping[str, Any]) -> dict[str, str]:
    return {key: orjson.dumps(value).decode() for key, value in document.items()}


def _processes(documents: Documents, federation: Federation) -> dict[str, Any]:
    listing = _merged_processes(documents, federation)
    _tell(listing)
    entries = {name: merged.document for name, merged in listing.entries.items()}
    return {
        "entries": entries,
        "having": {name: list(each.upstreams) for name, each in listing.entries.items()},
    }


def _formats(documents: Documents, federation: Federation) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for side in ("input", "output"):
        parts = {upstream: _object(document).get(side, {}) for upstream, document in documents.items()}
        listing = merge_lists(Kind.FORMAT, parts, federation.order)
        listing = _agreed(listing, documents, federation.merge.file_formats)
        _tell(listing)
        made[side] = {name: merged.document for name, merged in listing.entries.items()}
        made[f"having_{side}"] = {name: list(each.upstreams) for name, each in listing.entries.items()}
    return made


def _named(kind: Kind, documents: Documents, federation: Federation, wanted: Agreement) -> dict[str, Any]:
    parts = {upstream: document for upstream, document in documents.items() if document is not None}
    listing = _agreed(merge_lists(kind, parts, federation.order), parts, wanted)
    _tell(listing)
    return {
        "entries": {name: merged.document for name, merged in listing.entries.items()},
        "having": {name: list(each.upstreams) for name, each in listing.entries.items()},
        "names": {name: dict(each.names) for name, each in listing.entries.items()},
    }


def _runtimes(documents: Documents, federation: Federation) -> dict[str, Any]:
    return _named(Kind.RUNTIME, documents, federation, federation.merge.udf_runtimes)


def _service_types(documents: Documents, federation: Federation) -> dict[str, Any]:
    return _named(Kind.SERVICE_TYPE, documents, federation, federation.merge.service_types)


def _providers(documents: Documents, federation: Federation) -> dict[str, Any]:
    return {
        "providers": {
            # By address: should another back-end get the id of a former one, no token goes to it for that.
            known.url: [each for each in document if isinstance(each, dict)]
            for upstream, document in documents.items()
            if isinstance(document, list) and (known := federation.upstream(upstream)) is not None
        }
    }


def _capabilities(documents: Documents, federation: Federation) -> dict[str, Any]:
    parts = [Part(upstream, _object(document)) for upstream, document in documents.items()]
    merged = merge_capabilities(parts, federation.order).document if parts else {}
    return {
        "document": merged,
        "titles": {
            part.upstream: part.document["title"]
            for part in parts
            if isinstance(part.document.get("title"), str)
        },
        "versions": {part.upstream: str(part.document.get("api_version", "")) for part in parts},
        "endpoints": {part.upstream: _endpoints(part.document) for part in parts},
        "billing": {part.upstream: part.document["billing"] for part in parts if "billing" in part.document},
    }


def _endpoints(capabilities: Mapping[str, Any]) -> list[str]:
    """``GET /jobs`` and the like, with nameless path parameters."""
    found: list[str] = []
    endpoints = capabilities.get("endpoints")
    for endpoint in endpoints if isinstance(endpoints, list) else ():
        if isinstance(endpoint, dict) and isinstance(endpoint.get("path"), str):
            path = "/".join("{}" if each.startswith("{") else each for each in endpoint["path"].split("/"))
            methods = endpoint.get("methods")
            methods = methods if isinstance(methods, list) else []
            found += [f"{method.upper()} {path}" for method in methods if isinstance(method, str)]
    return sorted(set(found))


def _taken(documents: Documents, selections: Mapping[str, Selection]) -> dict[str, Any]:
    """What back-ends list, as far as the operator takes it; those that have no such list are left out."""
    return {
        upstream: _selected(document, selections[upstream])
        for upstream, document in documents.items()
        if upstream in selections and document is not None
    }


def _selected(entries: Any, selection: Selection) -> Any:
    """Entries that are taken; what is no list of objects is judged later."""
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return entries
    return [
        each
        for each in entries
        if not (isinstance(each, dict) and isinstance(each.get("id"), str)) or selection.takes(each["id"])
    ]


def _agreed(listing: Listing, asked: Collection[str], wanted: Agreement) -> Listing:
    """Without what only some of the back-ends have, if that is not wanted."""
    if wanted == "union":
        return listing
    entries = {name: each for name, each in listing.entries.items() if len(each.upstreams) == len(asked)}
    return replace(listing, entries=entries)


def _object(document: Any) -> Mapping[str, Any]:
    return document if isinstance(document, Mapping) else {}


def _tell(listing: Listing) -> None:
    for fault in listing.faults:
        event = "federation.repaired" if fault.repaired else "federation.left_out"
        logger.info(event, upstream=fault.upstream, kind=str(fault.kind), id=fault.id, reason=fault.text)


_MAKERS = {
    CAPABILITIES: _capabilities,
    COLLECTIONS: _collections,
    PROCESSES: _processes,
    FILE_FORMATS: _formats,
    UDF_RUNTIMES: _runtimes,
    SERVICE_TYPES: _service_types,
    PROVIDERS: _providers,
}
