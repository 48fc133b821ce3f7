"""Secondary web services: their list, their creation, and what they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import (
    Answer,
    Change,
    assert_found,
    assert_kept,
    cases,
    drop,
    edit,
    header,
    put,
    reply,
    status,
)
from conformance.orders import ordering, refusing, without
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

LIST = "/services"
ONE = "/services/[^/]+"
SHOWN = "/services/[^/]+/xyz/.*"
ERROR = {"id": "1", "code": "NotFound", "message": "There is nothing."}
UNKNOWN = "/services/conformance_no_such.*"


def _taking_all(request: httpx.Request, send: Answer) -> httpx.Response:
    """Nothing that is ordered is refused."""
    response = send(request)
    made = {"location": "http://127.0.0.1/services/s-0", "openeo-identifier": "s-0"}
    return httpx.Response(201, headers=made) if response.status_code == 400 else response


def _picture(content: bytes, media_type: str = "image/png") -> Change:
    answered = httpx.Response(200, headers={"content-type": media_type}, content=content)
    return Change("GET", SHOWN, lambda request, send: answered)


PNG = b"\x89PNG\r\n\x1a\n" + bytes(5000)

TAKES_ALL = Change("POST", LIST, _taking_all)

WITHOUT_TILES = edit("/service_types", lambda found: found.pop("XYZ") and None)


FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.614": [
        *[(drop(LIST, "services", 0, key),) for key in ("id", "url", "type", "enabled")],
        (put(LIST, "services", 0, "enabled", value="yes"),),
        (put(LIST, "services", 0, "type", value="gopher"),),
    ],
    "profile.615": [
        (edit(LIST, lambda found: [each.pop("title", None) for each in found["services"]] and None),),
        (edit(LIST, lambda found: [each.update(title="Other") for each in found["services"]] and None),),
    ],
    "profile.616": [(_picture(PNG),)],
    "profile.617": [(refusing(LIST, "load_result"),)],
    "profile.630": [
        (reply(LIST, 500, ERROR, method="POST"),),
        (reply(LIST, 400, ERROR, method="POST"),),
        (header(LIST, method="POST", location=None, openeo_identifier=None),),
        (put(ONE, "id", value="another"),),
    ],
    "profile.631": [(TAKES_ALL,)],
    "profile.632": [
        (TAKES_ALL,),
        (without(LIST, "configuration"),),
        (put(ONE, "configuration", value={}),),
    ],
    "profile.633": [(TAKES_ALL,), (refusing(LIST, '"xyz"'),)],
    "profile.635": [(without(LIST, "log_level"),), (drop(ONE, "log_level"),)],
    "profile.636": [
        (put(ONE, "title", value="Other"),),
        (drop(ONE, "description"),),
        (ordering(LIST, lambda body: body.update(enabled=True)),),
    ],
    "profile.637": [(refusing(LIST, "conformance:further"),)],
    "profile.638": [
        (header(LIST, method="POST", location=None),),
        (header(LIST, method="POST", location="/services/1"),),
        (header(LIST, method="POST", location="https://a.example/elsewhere"),),
        (status(LIST, 200, method="POST"),),
        (header(LIST, method="POST", openeo_identifier=None),),
    ],
    "services.same-in-list": [
        (put(ONE, "type", value="WMTS"),),
        (put(ONE, "url", value="https://a.example"),),
    ],
    "services.unknown": [
        (reply(UNKNOWN, 200, {}),),
        (reply(UNKNOWN, 400, ERROR, method="PATCH"),),
        (reply(UNKNOWN, 404, ERROR, method="DELETE"),),
        (reply(f"{UNKNOWN}/logs", 200, {"logs": [], "links": []}),),
    ],
    "services.unknown-type": [
        (refusing(LIST, "no_such"),),
        (refusing(LIST, "no_such", code=422),),
    ],
    "services.enabled-by-default": [(put(ONE, "enabled", value=False),)],
    "services.process-kept": [
        (put(ONE, "process", "process_graph", "load", "process_id", value="load_stac"),),
        (drop(ONE, "process", "process_graph", "load"),),
        (put(ONE, "process", "process_graph", "load", "arguments", "id", value="other"),),
        (put(ONE, "process", "process_graph", "load", "arguments", "bands", value=[]),),
    ],
    "services.created": [
        (put(ONE, "created", value="yesterday"),),
        (put(ONE, "created", value="2019-01-01T00:00:00Z"),),
        (put(ONE, "created", value="2024-06-01"),),
    ],
    "services.answers": [
        (reply(SHOWN, 500, ERROR),),
        (reply(SHOWN, 404, ERROR),),
        (reply(SHOWN, 400, ERROR),),
        (reply(SHOWN, 200, {"tile": 1}),),
        (_picture(b"<svg/>"),),
        (_picture(b"\xff\xd8\xff" + bytes(3000), "image/jpeg"),),
        (WITHOUT_TILES, reply("/services/[^/]+/wmts.*", 200, {})),
        (WITHOUT_TILES, reply("/services/[^/]+/wmts.*", 502, ERROR)),
    ],
    "services.disabled": [(_picture(PNG),), (ordering(LIST, lambda body: body.update(enabled=True)),)],
    "services.deleted": [
        (_picture(PNG),),
        (Change("DELETE", ONE, lambda request, send: httpx.Response(204)),),
    ],
}


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], look: Look) -> None:
    assert_found(look(check_id, *changes))


HEALTHY = {"profile.634", *FAULTS}


@pytest.mark.parametrize("check_id", sorted(HEALTHY))
def test_our_server_is_healthy(check_id: str, look: Look) -> None:
    result = look(check_id)
    expected = State.NOT_APPLICABLE if check_id == "profile.634" else State.PASS
    assert result.state is expected, (result.reason, [finding.message for finding in result.findings])


def _without_title(found: dict[str, Any]) -> None:
    for each in found["services"]:
        each.pop("title", None)


def _encoded(found: dict[str, Any]) -> None:
    found["url"] = found["url"].replace("{", "%7B").replace("}", "%7D")


UNHURT: list[tuple[str, Change]] = [
    # Not there at all: that is for others to say.
    ("services.unknown", reply(UNKNOWN, 501, ERROR, method="PATCH")),
    ("services.same-in-list", edit(LIST, _without_title)),
    # Nodes may have more arguments than were given.
    (
        "services.process-kept",
        put(ONE, "process", "process_graph", "load", "arguments", "properties", value={}),
    ),
    ("services.answers", WITHOUT_TILES),
    ("services.disabled", WITHOUT_TILES),
    ("services.answers", edit(ONE, _encoded)),
    # Tiles of vectors.
    ("services.answers", _picture(b"\x1a\x2c\x0a", "application/vnd.mapbox-vector-tile")),
]


@pytest.mark.parametrize(("check_id", "change"), UNHURT)
def test_what_is_sound_passes(check_id: str, change: Change, look: Look) -> None:
    assert_kept(look(check_id, change))


def _without_load_result(found: dict[str, Any]) -> None:
    found["processes"] = [each for each in found["processes"] if each["id"] != "load_result"]


CLAIMS_NOTHING: list[tuple[str, tuple[Change, ...]]] = [
    ("services.created", (drop(ONE, "created"),)),
    ("services.answers", (put(ONE, "url", value="none"), put(ONE, "attributes", value=[]))),
    (
        "services.answers",
        (put(ONE, "url", value="https://a.example/{river}"), put(ONE, "attributes", value={})),
    ),
    ("services.disabled", (reply(SHOWN, 500, ERROR),)),
    ("profile.616", (_picture(b"\x89PNG\r\n\x1a\n"),)),
    ("profile.612", (put(LIST, "services", value=[{"id": "one"}]),)),
    ("profile.617", (edit("/processes", _without_load_result),)),
]


@pytest.mark.parametrize(("check_id", "changes"), CLAIMS_NOTHING)
def test_what_cannot_be_told(check_id: str, changes: tuple[Change, ...], look: Look) -> None:
    result = look(check_id, *changes)
    assert result.state in {State.NOT_TESTABLE, State.NOT_APPLICABLE}, [
        each.message for each in result.findings
    ]
    assert result.reason


def test_nothing_is_created_unless_allowed(look: Look) -> None:
    created: list[httpx.Request] = []

    def watch(request: httpx.Request, send: Answer) -> httpx.Response:
        created.append(request)
        return send(request)

    for check_id in FAULTS:
        result = look(check_id, Change("POST", LIST, watch), write=False)
        assert result.state is not State.ERROR, (check_id, result.reason)
    assert not created


def test_another_process_is_tried_where_one_is_refused(look: Look) -> None:
    with_log = refusing(LIST, "inspect")
    assert look("profile.630", with_log).state is State.PASS
    without_saving = refusing(LIST, "save_result")
    assert look("profile.630", without_saving).state is State.PASS
    only_wmts = refusing(LIST, '"XYZ"')
    assert look("profile.630", only_wmts).state is State.PASS


ODD: list[Any] = [
    {},
    {"id": 5, "url": 7, "type": None, "process": [], "configuration": "none", "created": 3, "enabled": []},
]


@pytest.mark.parametrize("check_id", sorted(FAULTS.keys() - {"profile.617"}))
def test_documents_of_any_shape(check_id: str, look: Look) -> None:
    """Nothing but violations comes of what is no service at all."""
    for document in ODD:
        result = look(check_id, put(LIST, "services", value=[document, 5]), reply(ONE, 200, document))
        assert result.state is not State.ERROR, (document, result.reason)


def test_any_process_can_be_served(look: Look) -> None:
    """Nothing is held against a back-end that is given a process without data."""
    graph = {
        "save": {"process_id": "add", "arguments": {"x": 1, "y": 2}},
        "sum": {"process_id": "add", "arguments": {"x": {"from_node": "save"}, "y": 2}, "result": True},
    }
    for check_id in (
        "profile.617",
        "profile.630",
        "profile.661",
        "services.answers",
        "services.process-kept",
    ):
        result = look(check_id, process_graph=graph)
        assert result.state in {State.PASS, State.NOT_TESTABLE}, (check_id, result.reason)
