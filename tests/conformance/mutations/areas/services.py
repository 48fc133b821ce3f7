"""Web services that are not what was ordered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from conformance.mutations.edits import answers, put, requests, status, without, without_headers
from conformance.mutations.fault import Apply, Fault, Turn
from conformance.mutations.message import Answer, Request, answer
from connexeo.tools.conformance.verdicts import Severity

_TYPES = "GET /service_types"
_LIST = "GET /services"
_ONE = "GET /services/{service_id}"
_CREATE = "POST /services"
_CHANGE = "PATCH /services/{service_id}"
_DELETE = "DELETE /services/{service_id}"


def _fault(id: str, title: str, on: str, rule: str, apply: Apply, *shown: str) -> Fault:
    rule = f"openEO API, {on}: {rule}"
    layers = ("services", "schema")
    return Fault(f"service-{id}", title, (on,), layers, rule, Severity.MAJOR, apply, shown)


def _given(change: Callable[[dict[str, Any]], Any]) -> Apply:
    """Changes what is ordered."""

    def edit(request: Request) -> None:
        body = request.json
        if isinstance(body, dict):
            change(body)
            request.set_body(json.dumps(body).encode())

    return requests(edit)


async def _exact_type(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    body = turn.request.json
    wanted = body.get("type") if isinstance(body, dict) else None
    if found.ok and wanted not in {"XYZ", "WMTS"}:
        await turn.send(
            turn.request.other(method="DELETE", target=f"/services/{found.header('openeo-identifier')}")
        )
        found.refuse(400, "ServiceUnsupported", "The type is unknown.")
    return found


async def _any_type(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    if found.status == 400 and b"ServiceUnsupported" in found.body:
        made = [("location", f"{turn.request.origin}/services/s-0"), ("openeo-identifier", "s-0")]
        return answer(201, headers=made)
    return found


async def _not_done(turn: Turn) -> Answer:
    found = await turn.send(turn.request.other(method="GET", body=b""))
    return answer(204) if found.ok else found


_MADE = ("POST /services <service>", "GET {made}", "DELETE {made}")

FAULTS = (
    _fault(
        "created-200",
        "Creation is answered with 200",
        _CREATE,
        "201",
        answers(status(200)),
        _MADE[0],
        _MADE[2],
    ),
    _fault(
        "without-location",
        "No Location",
        _CREATE,
        "Location is required",
        answers(without_headers("location")),
        _MADE[0],
    ),
    _fault(
        "without-identifier",
        "No OpenEO-Identifier",
        _CREATE,
        "it is required",
        answers(without_headers("openeo-identifier")),
        _MADE[0],
        _MADE[2],
    ),
    _fault(
        "enabled-ignored",
        "Services that shall be off are on",
        _CREATE,
        "`enabled` holds",
        _given(lambda body: body.update(enabled=True)),
        *_MADE,
    ),
    _fault(
        "configuration-dropped",
        "The configuration is dropped",
        _CREATE,
        "`configuration` holds",
        _given(lambda body: body.pop("configuration", None)),
        *_MADE,
    ),
    _fault(
        "type-case-sensitive",
        "Types count only in their exact spelling",
        _CREATE,
        "`type` is case-insensitive",
        _exact_type,
        "POST /services <service-lower>",
        "DELETE {made}",
    ),
    _fault(
        "type-any",
        "A service of an unknown type is created",
        _CREATE,
        "400 ServiceUnsupported",
        _any_type,
        "POST /services <service-unknown>",
    ),
    _fault(
        "without-url",
        "A service has no URL",
        _ONE,
        "`url` is required",
        answers(without("url")),
        "GET /services/{service}",
    ),
    _fault(
        "without-process",
        "A service has no process",
        _ONE,
        "`process` is required",
        answers(without("process")),
        "GET /services/{service}",
    ),
    _fault(
        "enabled-text",
        "`enabled` is a text",
        _ONE,
        "`enabled` is a boolean",
        answers(put("enabled", "yes")),
        "GET /services/{service}",
    ),
    _fault(
        "without-attributes",
        "A service has no attributes",
        _ONE,
        "`attributes` is required",
        answers(without("attributes")),
        "GET /services/{service}",
    ),
    _fault(
        "not-found-code",
        "An unknown service has the code of unknown paths",
        _ONE,
        "404 ServiceNotFound",
        answers(put("code", "NotFound"), status=404),
        "GET /services/s-nothing",
    ),
    _fault(
        "patch-ignored",
        "Changes are not made",
        _CHANGE,
        "204 when the service was changed",
        _not_done,
        _MADE[0],
        "PATCH {made} <title>",
        "GET {made}",
        _MADE[2],
    ),
    _fault(
        "delete-ignored",
        "Deleted services stay",
        _DELETE,
        "204 when the service is gone",
        _not_done,
        _MADE[0],
        _MADE[2],
        "GET {made}",
    ),
    _fault(
        "listed-without-type",
        "Listed services have no type",
        _LIST,
        "`type` is required",
        answers(without("services/*/type")),
        "GET /services?limit=1",
    ),
    _fault(
        "listed-without-url",
        "Listed services have no URL",
        _LIST,
        "`url` is required",
        answers(without("services/*/url")),
        "GET /services?limit=1",
    ),
    _fault(
        "types-without-configuration",
        "Types do not tell how they are configured",
        _TYPES,
        "`configuration` is required",
        answers(without("*/configuration")),
        _TYPES,
    ),
)
