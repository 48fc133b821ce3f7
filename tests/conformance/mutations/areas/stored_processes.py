"""Stored processes of users that are not what was stored."""

from __future__ import annotations

import json
import re
from typing import Any

from conformance.mutations.edits import answers, each, html, put, status, without
from conformance.mutations.fault import Apply, Fault, Turn
from conformance.mutations.message import Answer, answer
from connexeo.tools.conformance.verdicts import Severity

_LIST = "GET /process_graphs"
_READ = "GET /process_graphs/{process_graph_id}"
_WRITE = "PUT /process_graphs/{process_graph_id}"
_DELETE = "DELETE /process_graphs/{process_graph_id}"


def _fault(id: str, title: str, on: str, rule: str, apply: Apply, *shown: str) -> Fault:
    rule = f"openEO API, {on}: {rule}"
    return Fault(f"udp-{id}", title, (on,), ("udp", "schema"), rule, Severity.MAJOR, apply, shown)


async def _merges(turn: Turn) -> Answer:
    headers = [pair for pair in turn.request.headers if pair[0] in {"host", "authorization"}]
    before = await turn.send(turn.request.other(method="GET", body=b"", headers=headers))
    given = turn.request.json
    request = turn.request.other()
    if before.ok and isinstance(given, dict):
        kept = {key: value for key, value in before.json.items() if key not in {"links", "id"}}
        request.set_body(json.dumps(kept | given).encode())
    return await turn.send(request)


async def _id_of_body(turn: Turn) -> Answer:
    given = turn.request.json
    request = turn.request.other()
    if isinstance(given, dict) and re.fullmatch(r"\w+", str(given.get("id", ""))):
        request.target = f"/process_graphs/{given['id']}"
    return await turn.send(request)


async def _anything(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    return answer(200) if found.status == 400 else found


async def _kept(turn: Turn) -> Answer:
    found = await turn.send(turn.request.other(method="GET", body=b""))
    return answer(204) if found.ok else found


async def _without_parameters(turn: Turn) -> Answer:
    request, given = turn.request.other(), turn.request.json
    if isinstance(given, dict):
        for name in ("parameters", "returns", "summary", "description"):
            given.pop(name, None)
        request.set_body(json.dumps(given).encode())
    return await turn.send(request)


def _as_text(graph: Any) -> str:
    return json.dumps(graph)


_CLEAN = "DELETE /process_graphs/passing"
_PUT = "PUT /process_graphs/passing <udp>"
_GET = "GET /process_graphs/passing"

FAULTS = (
    _fault(
        "put-merges",
        "What was stored before stays beside what is stored",
        _WRITE,
        "the process is replaced",
        _merges,
        _PUT,
        "PUT /process_graphs/passing <graph>",
        _GET,
        _CLEAN,
    ),
    _fault(
        "id-of-body",
        "The id in the body counts",
        _WRITE,
        "the id in the path counts",
        _id_of_body,
        "PUT /process_graphs/passing <udp-other-id>",
        _GET,
        _CLEAN,
    ),
    _fault(
        "anything-accepted",
        "A process without a process graph is stored",
        _WRITE,
        "`process_graph` is required",
        _anything,
        "PUT /process_graphs/passing <empty>",
    ),
    _fault(
        "metadata-lost",
        "Only the process graph is stored",
        _WRITE,
        "what was given is kept",
        _without_parameters,
        _PUT,
        _GET,
        _CLEAN,
    ),
    _fault("put-201", "Storing is answered with 201", _WRITE, "200", answers(status(201)), _PUT, _CLEAN),
    _fault(
        "null-fields",
        "Fields that were not given are null",
        _READ,
        "left out",
        answers(put("categories", None), put("deprecated", None), put("exceptions", None)),
        "GET /process_graphs/{udp}",
    ),
    _fault(
        "without-graph",
        "A stored process has no process graph",
        _READ,
        "`process_graph` is required",
        answers(without("process_graph")),
        "GET /process_graphs/{udp}",
    ),
    _fault(
        "graph-text",
        "The process graph is a text",
        _READ,
        "`process_graph` is an object",
        answers(each("process_graph", _as_text)),
        "GET /process_graphs/{udp}",
    ),
    _fault(
        "missing-fails",
        "An unknown process is a failure of the server",
        _READ,
        "404 ProcessGraphNotFound",
        answers(html(500, "Internal Server Error"), status=404),
        "GET /process_graphs/nothing",
    ),
    _fault(
        "not-found-code",
        "An unknown process has the code of unknown paths",
        _READ,
        "404 ProcessGraphNotFound",
        answers(put("code", "NotFound"), status=404),
        "GET /process_graphs/nothing",
    ),
    _fault(
        "listed-without-id",
        "Listed processes have no id",
        _LIST,
        "`id` is required",
        answers(without("processes/*/id")),
        _LIST,
    ),
    _fault(
        "listed-null-fields",
        "Fields of listed processes that were not given are null",
        _LIST,
        "left out",
        answers(put("processes/*/categories", None), put("processes/*/deprecated", None)),
        _LIST,
    ),
    _fault(
        "delete-ignored",
        "Deleted processes stay",
        _DELETE,
        "204 when the process is gone",
        _kept,
        _PUT,
        _CLEAN,
        _GET,
    ),
)
