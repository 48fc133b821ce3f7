"""Lists in pages that break."""

from __future__ import annotations

from typing import Any, NamedTuple

from conformance.mutations.edits import Edit, document, each, requests
from conformance.mutations.fault import Apply, Fault, Turn
from conformance.mutations.message import Answer, Request
from connexeo.tools.conformance.verdicts import Severity

_RULE = "openEO API, Pagination"


class _List(NamedTuple):
    path: str
    entries: str
    layer: str


_COLLECTIONS = _List("/collections", "collections", "collections")
_JOBS = _List("/jobs", "jobs", "jobs")
_PROCESSES = _List("/process_graphs", "processes", "udp")
_SERVICES = _List("/services", "services", "services")


def _no_limit(request: Request) -> None:
    request.set_query({name: value for name, value in request.query.items() if name != "limit"})


def _paged(*edits: Edit) -> Apply:
    """Changes answers to requests for pages only."""

    async def apply(turn: Turn) -> Answer:
        found = await turn.send(turn.request)
        found.asked = turn.request.origin + turn.request.target
        if found.ok and "limit" in turn.request.query:
            for edit in edits:
                edit(found)
        return found

    return apply


def _without_next(found: Any) -> None:
    found["links"] = [link for link in found["links"] if link["rel"] != "next"]


def _loop(found: Answer) -> None:
    def change(document: Any) -> None:
        for link in document["links"]:
            if link["rel"] == "next":
                link["href"] = found.asked

    document(change)(found)


def _relative(found: Any) -> None:
    for link in found["links"]:
        if link["rel"] == "next":
            link["href"] = link["href"].partition("?")[2] and "?" + link["href"].partition("?")[2]


def _repeat(entries: str) -> Apply:
    """The last entry of a page is the first of the next, too."""

    async def apply(turn: Turn) -> Answer:
        found = await turn.send(turn.request)
        listed = found.json
        if not found.ok or "limit" not in turn.request.query or not listed[entries]:
            return found
        key = str(turn.request.header("authorization"))
        before = turn.memory.get(key)
        turn.memory[key] = listed[entries][-1]
        if before is not None and "offset" in turn.request.query:
            listed[entries][0] = before
            found.write(listed)
        return found

    return apply


def _lose(entries: str) -> Apply:
    """The first entry of each further page is lost."""

    async def apply(turn: Turn) -> Answer:
        found = await turn.send(turn.request)
        if found.ok and "offset" in turn.request.query:
            each(entries, lambda listed: listed[1:])(found)
        return found

    return apply


def _fault(of: _List, what: str, title: str, rule: str, apply: Apply, *shown: str) -> Fault:
    return Fault(
        f"{of.layer}-{what}",
        title,
        (f"GET {of.path}",),
        (of.layer, "profiles"),
        f"{_RULE}, GET {of.path}: {rule}",
        Severity.MAJOR,
        apply,
        shown or (f"GET {of.path}?limit=1",),
    )


_LIMIT = (
    "limit-ignored",
    "A page has more entries than `limit`",
    "at most `limit` entries",
    requests(_no_limit),
)
_NEXT = ("next-missing", "The first page looks like the last", "`next` leads to the rest")
_LOOP = ("next-loops", "`next` leads to the same page", "`next` leads to the next page", _paged(_loop))
_TWICE = ("page-repeats", "The last entry of a page is on the next page, too", "each entry is listed once")
_LOST = ("page-loses", "An entry between two pages is on neither", "each entry is listed once")


def _second(of: _List) -> tuple[str, str]:
    return f"GET {of.path}?limit=1", "GET {next}"


FAULTS = (
    _fault(_COLLECTIONS, *_LIMIT),
    _fault(_JOBS, *_LIMIT),
    _fault(_PROCESSES, *_LIMIT),
    _fault(_SERVICES, *_LIMIT),
    _fault(_COLLECTIONS, *_NEXT, _paged(document(_without_next))),
    _fault(_JOBS, *_NEXT, _paged(document(_without_next))),
    _fault(_COLLECTIONS, *_LOOP),
    _fault(_JOBS, *_LOOP),
    _fault(
        _JOBS, "next-relative", "`next` is relative", "`href` is an absolute URL", _paged(document(_relative))
    ),
    _fault(_COLLECTIONS, *_TWICE, _repeat("collections"), *_second(_COLLECTIONS)),
    _fault(_JOBS, *_TWICE, _repeat("jobs"), *_second(_JOBS)),
    _fault(_COLLECTIONS, *_LOST, _lose("collections"), *_second(_COLLECTIONS)),
    _fault(_JOBS, *_LOST, _lose("jobs"), *_second(_JOBS)),
)
