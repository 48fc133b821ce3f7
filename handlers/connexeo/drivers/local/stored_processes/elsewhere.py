"""Definitions of processes that lie elsewhere: the namespace of a call is the address of a document."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from connexeo.drivers.local.stored_processes.namespaces import Json, with_namespaces
from connexeo.fetch import FetchError, FetchRefused
from connexeo.generated.errors import ProcessUnsupported
from connexeo.processing.calls import Call, is_remote
from connexeo.processing.graph import check_depth

_LONGEST_SHOWN = 200


class DocumentClient(Protocol):
    """Fetches JSON documents; `connexeo.fetch.GuardedClient` is one."""

    async def aget_json(self, url: str) -> Any:
        """The document at a URL.

        Raises:
            FetchError: it cannot be had.
        """


async def fetch_definition(client: DocumentClient, call: Call, predefined: Collection[str] = ()) -> Json:
    """The definition of a process, which calls only predefined ones, and others by their addresses.

    The document is a process, or an object with ``processes``, like those that ``GET /process_graphs`` of a back-end
    gives: then its processes may call each other. Such lists need not have process graphs; the one that lacks is asked
    for below the address of the list, as ``GET /process_graphs/{id}`` gives it.

    Args:
        client: Fetches documents.
        call: The process and the address.
        predefined: Ids of processes that a list without process graphs may have besides those of users.

    Raises:
        ProcessUnsupported: there is no such document, or not this process in it; says what to change.
    """
    assert call.namespace is not None
    document = await _document(client, call, call.namespace)
    found = _process_in(document, call)
    if not isinstance(found.get("process_graph"), dict) and call.process_id in _several(document):
        complete = await _document(client, call, _below(call.namespace, call.process_id))
        found = complete if isinstance(complete, dict) else found
    if not isinstance(found.get("process_graph"), dict):
        raise refused(call, "has no process graph, so it cannot be run here")
    return with_namespaces(found, _namespaces(document, call, predefined))


async def _document(client: DocumentClient, call: Call, url: str) -> Any:
    try:
        document = await client.aget_json(url)
    except FetchRefused as error:
        raise refused(call, f"is not read: {error}; use a public address with https") from error
    except FetchError as error:
        raise refused(call, f"cannot be read: {error}") from error
    if check_depth(document) is not None:
        raise refused(call, "is nested too deeply")
    return document


def _below(url: str, process_id: str) -> str:
    """The address of a process below that of the list that it is in."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{quote(process_id, safe='')}"))


def refused(call: Call, reason: str) -> ProcessUnsupported:
    """The error that a call cannot be followed."""
    namespace = str(call.namespace)[:_LONGEST_SHOWN]
    message = f"The definition of process '{call.process_id[:_LONGEST_SHOWN]}' at '{namespace}' {reason}."
    return ProcessUnsupported(message, process=call.process_id, namespace=namespace)


def _process_in(document: Any, call: Call) -> Json:
    if not isinstance(document, dict):
        raise refused(call, "is not a process")
    found = _several(document).get(call.process_id)
    if found is None and "process_graph" in document and document.get("id") in (None, call.process_id):
        found = document
    if found is None:
        known = list(_several(document)) or [str(document.get("id"))]
        names = ", ".join(f"'{name[:40]}'" for name in known[:10])
        raise refused(call, f"is not there; the document defines {names}")
    return found


def _several(document: Mapping[str, Any]) -> dict[str, Json]:
    processes = document.get("processes")
    entries = processes if isinstance(processes, list) else []
    return {one["id"]: one for one in entries if isinstance(one, dict) and isinstance(one.get("id"), str)}


def _namespaces(document: Json, call: Call, predefined: Collection[str]) -> Callable[[Call], str | None]:
    """Where what the definition calls is found: never among the stored processes of those who use it."""
    siblings = {
        name
        for name, one in _several(document).items()
        if isinstance(one.get("process_graph"), dict) or name not in predefined
    }

    def namespace_of(inner: Call) -> str:
        if is_remote(inner.namespace):
            return str(inner.namespace)
        if inner.namespace != "backend" and inner.process_id in siblings:
            return str(call.namespace)
        return "backend" if inner.namespace in (None, "backend") else f"{inner.namespace} of {call.namespace}"

    return namespace_of
