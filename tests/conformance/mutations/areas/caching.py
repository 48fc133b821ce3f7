"""Caches of clients keep what is gone, or show it to others."""

from __future__ import annotations

from conformance.mutations.edits import answers, header, requests
from conformance.mutations.fault import Fault, Turn
from conformance.mutations.message import Answer, Request
from connexeo.tools.conformance.verdicts import Severity

_HTTP = "RFC 9110, 8.8.3 and 13.1.2"
_LISTS = (
    "GET /jobs",
    "GET /jobs/{job_id}",
    "GET /process_graphs",
    "GET /process_graphs/{id}",
    "GET /services",
)
_NAME = "GET /process_graphs/{udp}"


async def _stale(turn: Turn) -> Answer:
    """The first ETag of each resource for ever."""
    request = turn.request.other()
    asked = request.header("if-none-match")
    request.drop_header("if-none-match")
    found = await turn.send(request)
    current = found.header("etag")
    if not found.ok or current is None:
        return found
    key = (request.header("authorization"), request.target)
    tag = turn.memory.setdefault(str(key), current)
    found.set_header("etag", tag)
    return _not_modified(found) if asked == tag else found


async def _always_unchanged(turn: Turn) -> Answer:
    request = turn.request.other()
    asked = request.header("if-none-match")
    request.drop_header("if-none-match")
    found = await turn.send(request)
    return _not_modified(found) if asked and found.ok else found


async def _new_each_time(turn: Turn) -> Answer:
    request = turn.request.other()
    request.drop_header("if-none-match")
    found = await turn.send(request)
    number = turn.memory["number"] = turn.memory.get("number", 0) + 1
    if found.header("etag"):
        found.set_header("etag", f'"{number}"')
    return found


def _not_modified(found: Answer) -> Answer:
    found.status, found.body = 304, b""
    found.drop_header("content-length")
    return found


def _unconditional(request: Request) -> None:
    request.drop_header("if-none-match", "if-modified-since")


FAULTS = (
    Fault(
        "etag-stale",
        "The ETag stays although the content has changed",
        _LISTS,
        ("security", "profiles", "udp", "jobs"),
        f"{_HTTP}: another content has another ETag",
        Severity.MAJOR,
        _stale,
        (_NAME, "PUT /process_graphs/{udp} <udp-renamed>", _NAME, "PUT /process_graphs/{udp} <udp>"),
        raw=True,
    ),
    Fault(
        "etag-any-unchanged",
        "Whatever ETag a client has, nothing has changed",
        ("GET /*",),
        ("security", "profiles"),
        f"{_HTTP}: 304 only for the ETag of the content",
        Severity.MAJOR,
        _always_unchanged,
        ('GET /collections | If-None-Match: "other"',),
        raw=True,
    ),
    Fault(
        "etag-ignored",
        "Answers have ETags that nobody compares",
        ("GET /*",),
        ("security", "profiles"),
        f"{_HTTP}: 304 for the ETag of the content",
        Severity.MINOR,
        requests(_unconditional),
        ("GET /collections | If-None-Match: {etag}",),
        raw=True,
    ),
    Fault(
        "etag-new-each-time",
        "The same content has another ETag each time",
        ("GET /*",),
        ("security", "profiles"),
        f"{_HTTP}: 304 for the ETag of the content",
        Severity.MINOR,
        _new_each_time,
        ("GET /collections | If-None-Match: {etag}",),
        raw=True,
    ),
    Fault(
        "etag-unquoted",
        "ETags have no quotation marks",
        ("GET /collections", "GET /processes", "GET /"),
        ("security", "profiles"),
        f"{_HTTP}: an ETag is quoted",
        Severity.MINOR,
        answers(header("etag", "8794bc8656a19adb63284c50")),
        ("GET /collections",),
        raw=True,
    ),
    Fault(
        "private-cached-for-all",
        "Caches that many share may keep a user's list",
        ("GET /jobs", "GET /files", "GET /services", "GET /process_graphs", "GET /me"),
        ("security",),
        "RFC 9111, 3.5: answers to requests with tokens are shared only when they are public",
        Severity.MAJOR,
        answers(header("cache-control", "public, max-age=3600, s-maxage=3600")),
        ("GET /jobs?limit=1",),
    ),
)
