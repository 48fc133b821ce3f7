"""What a federation lists and describes, and how its documents say which back-ends have a part in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.caller import NoAnswer
from connexeo.tools.conformance.checks.federation_members import member_states
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.members import BACKENDS
from connexeo.tools.conformance.resources import all_collections, object_of
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Skipped
from connexeo.tools.conformance.workload import addition, has

MISSING = "federation:missing"

TELLING = (
    "GET /collections",
    "GET /processes",
    "GET /file_formats",
    "GET /process_graphs",
    "GET /jobs",
    "GET /services",
)
"""Lists that the extension has ``federation:missing`` for."""

LISTS = (*TELLING, "GET /files", "GET /service_types", "GET /udf_runtimes")
"""Lists that all back-ends of a federation have a part in."""

Documents = Mapping[str, tuple[Exchange, Mapping[str, Any]]]
"""Operation → its answer, with the document in it; that is empty when there is none."""


def lists(backend: BackEnd) -> Documents:
    """The first page of each list that is offered, in the user's name when there is one.

    Where no answer comes the exchange says why.
    """
    found: dict[str, tuple[Exchange, Mapping[str, Any]]] = {}
    for operation in LISTS:
        known = backend.contract.operation(operation)
        if known is None or not backend.offers(operation) or (known.secured and backend.account is None):
            continue
        try:
            answer = backend.reader.get(known.path)
        except NoAnswer as error:
            answer = error.exchange
        found[operation] = (answer, object_of(answer) or {})
    return found


def first_pages(backend: BackEnd) -> Documents:
    """The same, made once; it ends a check of whoever is no federation."""
    member_states(backend)
    return backend.once(lists)


def descriptions(backend: BackEnd) -> list[tuple[Exchange, Mapping[str, Any]]]:
    """Descriptions of a few collections, and a validation: single documents that tell who has a part in them."""
    found: list[tuple[Exchange, Mapping[str, Any]]] = []
    if backend.offers("GET /collections"):
        for entry in chosen_collections(backend):
            answer = backend.reader.get(f"/collections/{encoded(str(entry['id']))}")
            document = object_of(answer)
            if document is not None:
                found.append((answer, document))
    if backend.offers("POST /validation") and has(backend, "add"):
        answer = backend.reader.post("/validation", {"process_graph": addition()})
        document = object_of(answer)
        if document is not None:
            found.append((answer, document))
    return found


_OF_USERS = (
    ("GET /jobs", "jobs", ("/jobs/{job_id}", "/jobs/{job_id}/logs", "/jobs/{job_id}/results")),
    ("GET /services", "services", ("/services/{service_id}", "/services/{service_id}/logs")),
    ("GET /process_graphs", "processes", ("/process_graphs/{process_graph_id}",)),
)
"""Lists of what users have, with the property of the entries, and documents about one of these."""


def belongings(backend: BackEnd) -> list[tuple[Exchange, Mapping[str, Any]]]:
    """Documents about one job, service and stored process of the user, where there are any."""
    found: list[tuple[Exchange, Mapping[str, Any]]] = []
    pages = first_pages(backend)
    for operation, key, paths in _OF_USERS:
        listed = pages[operation][1].get(key) if operation in pages else None
        entries = [
            each
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, Mapping) and isinstance(each.get("id"), str) and each["id"]
        ]
        # What is finished has more to tell; of the rest the first.
        entries.sort(key=lambda each: each.get("status") != "finished")
        for path in paths if entries else ():
            if not backend.offers(f"GET {path}"):
                continue
            try:
                answer = backend.reader.get(re.sub(r"{\w+}", encoded(entries[0]["id"]), path))
            except NoAnswer:
                continue
            document = object_of(answer) if answer.ok else None
            if document is not None:
                found.append((answer, document))
    return found


def chosen_collections(backend: BackEnd) -> list[dict[str, Any]]:
    """Up to five collections of the list."""
    listed = [each for each in backend.once(all_collections) if each.get("id")]
    return backend.random("federation").sample(listed, min(5, len(listed)))


def all_documents(backend: BackEnd) -> list[tuple[Exchange, Mapping[str, Any]]]:
    """Lists, and single documents as far as there are any."""
    found = [*first_pages(backend).values(), *backend.once(belongings)]
    try:
        return [*found, *backend.once(descriptions)]
    except (NotApplicable, NotTestable, Skipped):
        return found


def tagged_objects(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object in a document that says which back-ends have it, with its place; however deep it is."""
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, Mapping) and BACKENDS in value:
            yield place or "/", value
        below = [(f"{place}/{name}", entry) for name, entry in _parts(value)]
        waiting += reversed(below)


def _parts(value: Any) -> list[tuple[Any, Any]]:
    """What is in an object or a list, by name; entries of a list that have an id by that."""
    if isinstance(value, Mapping):
        return list(value.items())
    if not isinstance(value, list):
        return []
    return [
        (each.get("id", number) if isinstance(each, Mapping) else number, each)
        for number, each in enumerate(value)
    ]
