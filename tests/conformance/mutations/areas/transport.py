"""What is wrong with answers whatever they are about: errors, media types, encodings, methods, redirects."""

from __future__ import annotations

import gzip
import json

from conformance.mutations.edits import Edit, answers, error, header, html, put, without
from conformance.mutations.fault import Fault, Turn
from conformance.mutations.message import Answer, answer
from connexeo.tools.conformance.verdicts import Severity

_ANY = ("* /*",)
_ERRORS = "openEO API, Errors"


def _detail(found: Answer) -> None:
    found.write({"detail": "Not Found"})


def _latin(found: Answer) -> None:
    document = found.json
    document["collections"][0]["title"] = "Klima in Österreich"
    found.set_body(json.dumps(document, ensure_ascii=False).encode("latin-1", "replace"))


def _nan(found: Answer) -> None:
    found.set_body(found.body.replace(b'"step":10.0', b'"step":NaN').replace(b'"step":null', b'"step":NaN'))


def _packed(found: Answer) -> None:
    found.set_body(gzip.compress(found.body, mtime=0))


def _failed_where(number: int) -> Edit:
    return html(500 if number != 400 else 400, "Internal Server Error")


async def _cookie_wanted(turn: Turn) -> Answer:
    if "seen=1" in (turn.request.header("cookie") or ""):
        return await turn.send(turn.request)
    return answer(302, headers=[("location", turn.request.target), ("set-cookie", "seen=1; Path=/; Secure")])


async def _slash_loop(turn: Turn) -> Answer:
    path = turn.request.path
    there = path.rstrip("/") if path.endswith("/") else path + "/"
    return answer(307, headers=[("location", there)])


async def _no_head(turn: Turn) -> Answer:
    refused = answer(405, headers=[("allow", "GET"), ("content-type", "application/json")])
    refused.write({"code": "MethodNotAllowed", "message": "Use GET.", "id": "0"})
    return refused


async def _garbage_fails(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    if turn.request.body and turn.request.json is None and found.status in {400, 415, 422}:
        html(500, "Internal Server Error")(found)
    return found


FAULTS = (
    Fault(
        "not-found-as-page",
        "What is not there is answered with a web page",
        _ANY,
        ("schema", "profiles"),
        f"{_ERRORS}: errors are JSON objects",
        Severity.MAJOR,
        answers(html(404, "Not Found"), status=404),
        ("GET /collections/nothing",),
    ),
    Fault(
        "not-found-as-detail",
        "Errors have the form that FastAPI gives them",
        _ANY,
        ("schema", "profiles"),
        f"{_ERRORS}: `code` and `message` are required",
        Severity.MAJOR,
        answers(_detail, status=404),
        ("GET /collections/nothing",),
    ),
    Fault(
        "error-without-code",
        "Errors have no code",
        _ANY,
        ("schema", "profiles"),
        f"{_ERRORS}: `code` is required",
        Severity.MAJOR,
        answers(without("code"), status=404),
        ("GET /collections/nothing",),
    ),
    Fault(
        "error-without-message",
        "Errors have no message",
        _ANY,
        ("schema", "profiles"),
        f"{_ERRORS}: `message` is required",
        Severity.MAJOR,
        answers(without("message"), status=404),
        ("GET /collections/nothing",),
    ),
    Fault(
        "error-code-number",
        "The code of errors is the status",
        _ANY,
        ("schema", "profiles"),
        f"{_ERRORS}: `code` is a text",
        Severity.MAJOR,
        answers(put("code", 404), status=404),
        ("GET /collections/nothing",),
    ),
    Fault(
        "collection-unknown-fails",
        "An unknown collection is a failure of the server, with a web page",
        ("GET /collections/{collection_id}",),
        ("collections", "schema"),
        "openEO API, GET /collections/{collection_id}: 404 CollectionNotFound",
        Severity.MAJOR,
        answers(html(500, "Internal Server Error"), status=404),
        ("GET /collections/nothing",),
    ),
    Fault(
        "collection-not-found-code",
        "An unknown collection has the code of unknown paths",
        ("GET /collections/{collection_id}",),
        ("collections",),
        f"{_ERRORS}: CollectionNotFound",
        Severity.MAJOR,
        answers(put("code", "NotFound"), status=404),
        ("GET /collections/nothing",),
    ),
    Fault(
        "processes-as-text",
        "The list of processes is called plain text",
        ("GET /processes",),
        ("schema", "profiles"),
        "openEO API, GET /processes: application/json",
        Severity.MAJOR,
        answers(header("content-type", "text/plain; charset=utf-8")),
        ("GET /processes",),
    ),
    Fault(
        "text-in-latin-1",
        "JSON has the bytes of Latin-1",
        ("GET /collections",),
        ("collections", "schema"),
        "RFC 8259, 8.1: JSON is UTF-8",
        Severity.MAJOR,
        answers(_latin),
        ("GET /collections",),
    ),
    Fault(
        "json-with-nan",
        "JSON has NaN, as Python writes it",
        ("GET /collections/{collection_id}",),
        ("collections", "schema"),
        "RFC 8259, 6: numbers are finite",
        Severity.MAJOR,
        answers(_nan),
        ("GET /collections/sentinel-2-l2a-demo",),
    ),
    Fault(
        "packed-without-notice",
        "Answers are compressed, and do not say so",
        ("GET /file_formats",),
        ("schema", "profiles"),
        "RFC 9110, 8.4: Content-Encoding",
        Severity.MAJOR,
        answers(_packed),
        ("GET /file_formats",),
    ),
    Fault(
        "cookie-demanded",
        "Who has no cookie is sent round in circles",
        ("GET /collections",),
        ("collections", "schema"),
        "openEO API: clients need no cookies",
        Severity.MAJOR,
        _cookie_wanted,
        ("GET /collections",),
    ),
    Fault(
        "slash-loop",
        "Paths with and without a slash at the end redirect to each other",
        ("GET /jobs", "GET /jobs/"),
        ("jobs", "schema"),
        "openEO API, GET /jobs: 200",
        Severity.MAJOR,
        _slash_loop,
        ("GET /jobs",),
    ),
    Fault(
        "head-refused",
        "HEAD is refused where GET is served",
        ("HEAD /*",),
        ("security", "schema"),
        "RFC 9110, 9.1: servers support GET and HEAD",
        Severity.MINOR,
        _no_head,
        ("HEAD /",),
    ),
    Fault(
        "wrong-method-fails",
        "A method that a path does not have is a failure of the server",
        _ANY,
        ("security", "schema"),
        "RFC 9110, 15.5.6: 405",
        Severity.MAJOR,
        answers(_failed_where(405), status=405),
        ("PUT /jobs <job>",),
    ),
    Fault(
        "broken-body-fails",
        "A body that is no JSON is a failure of the server",
        ("POST /*", "PUT /process_graphs/{id}", "PATCH /*"),
        ("security", "schema"),
        "openEO API, Errors: 400 for what the client did wrong",
        Severity.MAJOR,
        _garbage_fails,
        ("POST /validation <garbage>",),
    ),
    Fault(
        "wrong-query-fails",
        "A query parameter that is not valid is a failure of the server",
        ("GET /*",),
        ("schema", "security"),
        "openEO API, Errors: 400 for what the client did wrong",
        Severity.MAJOR,
        answers(error(500, "Internal"), status=400),
        ("GET /jobs?limit=x",),
    ),
)
