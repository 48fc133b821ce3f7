"""Checks of federations: our server looks like one, healthy and at fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from conformance.doctored import (
    Answer,
    Change,
    assert_found,
    assert_kept,
    cases,
    doctored,
    drop,
    edit,
    examine,
    header,
    put,
    reply,
)
from conformance.mutations import Proxy, start_proxy
from connexeo.tools.conformance import caller
from connexeo.tools.conformance.answer import read_answer
from connexeo.tools.conformance.checks import federation
from connexeo.tools.conformance.registry import load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.runner import run_check
from connexeo.tools.conformance.verdicts import State
from connexeo.tools.conformance.workload import workload
from served import Server

Look = Callable[..., Result]

BACKENDS = "federation:backends"
MISSING = "federation:missing"
HOME = "/"
LIST = "/collections"
ONE = "/collections/sentinel-2-l2a-demo"
ANY = "/collections/[^/]+"
LISTS = "/(collections|file_formats|jobs|process_graphs|processes|services)"
ERROR = {"id": "1", "code": "Internal", "message": "Something went wrong."}
EARLIER, LATER = "2024-05-01T12:00:00Z", "2024-07-01T12:00:00Z"


@pytest.fixture(scope="module")
def federated(demo_server: Server, demo_token: str) -> Iterator[Proxy]:
    """Our server with the answers of a federation of two; its user has a job and a stored process."""
    graph = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
    with start_proxy(demo_server.url) as proxy, httpx.Client(base_url=demo_server.url, timeout=60) as client:
        client.headers["authorization"] = f"Bearer {demo_token}"
        client.post("/jobs", json={"process": {"process_graph": graph}}).raise_for_status()
        client.put("/process_graphs/my_sum", json={"process_graph": graph}).raise_for_status()
        proxy.switch(dress="federation")
        yield proxy
        for job in client.get("/jobs").json()["jobs"]:
            client.delete(f"/jobs/{job['id']}").raise_for_status()
        client.delete("/process_graphs/my_sum").raise_for_status()


@pytest.fixture
def look_at(federated: Proxy, demo_token: str) -> Look:
    """Runs one check against the federation, with changed answers."""

    def run(check_id: str, *changes: Change) -> Result:
        return examine(federated.url, check_id, *changes, token=demo_token)

    return run


def _member(**said: Any) -> Change:
    return edit(HOME, lambda found: found["federation"]["baltic"].update(said))


OFFLINE = _member(status="offline", last_successful_check=EARLIER)
TOLD = put(LISTS, MISSING, value=["baltic"])


def _hosted(*members: str) -> Change:
    """Say of all collections in the list that these members have them; without any, say nothing."""

    def change(found: Any) -> None:
        for each in found["collections"]:
            each.pop(BACKENDS)
            each.update({BACKENDS: list(members)} if members else {})

    return edit(LIST, change)


HOSTED = put(ANY, BACKENDS, value=["alpine"])


def _keeping(value: str) -> tuple[Change, ...]:
    return OFFLINE, TOLD, header(LIST, cache_control=value)


FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "federation.members": [
        (drop(HOME, "federation", "baltic"),),
        (put(HOME, "federation", value={}),),
        (_member(url="http://["),),
        (_member(url=None),),
        (_member(url="/openeo/1.3"),),
    ],
    "federation.class": [
        (drop(HOME, "federation"),),
        (put(HOME, "conformsTo", value=[]),),
    ],
    "federation.description": [
        (_member(title=""),),
        (_member(title=None, last_status_check=None, last_successful_check=None),),
        (_member(last_successful_check=None),),
        # That it has never been there is no reason to say nothing else.
        (_member(status="offline", last_status_check=None, last_successful_check=None),),
    ],
    "federation.check-times": [
        (_member(last_successful_check=LATER),),
        (_member(last_successful_check=EARLIER),),
        (_member(status="offline", last_successful_check=LATER),),
        (_member(last_successful_check="2024-06-01T12:00:00+01:00"),),
    ],
    "federation.missing-known": [
        (put(LIST, MISSING, value=["nobody"]),),
        (put("/jobs", MISSING, value="baltic"),),
        (put(ANY, MISSING, value=["baltic", 5]),),
        (put("/validation", MISSING, value=["https://baltic.example"], method="POST"),),
        (put("/jobs/[^/]+/logs", MISSING, value=["nobody"]),),
    ],
    "federation.missing-offline": [
        (OFFLINE,),
        (OFFLINE, TOLD, put("/services", MISSING, value=["alpine"])),
        (OFFLINE, TOLD, drop("/jobs", MISSING)),
    ],
    "federation.backends-known": [
        (put("/processes", "processes", 0, BACKENDS, value=["nobody"]),),
        (put("/processes", "processes", 0, "parameters", 0, BACKENDS, value=[]),),
        (put("/service_types", "XYZ", BACKENDS, value=["nobody"]),),
        (put(LIST, "collections", 0, BACKENDS, value="alpine"),),
        (put(ANY, BACKENDS, value=["alpine", "alpine"]),),
        (put("/validation", BACKENDS, value=["nobody"], method="POST"),),
        (put("/jobs/[^/]+", BACKENDS, value=["nobody"]),),
        (put("/process_graphs/my_sum", BACKENDS, value=[]),),
        (put("/jobs/[^/]+/logs", "logs", value=[{"id": "1", BACKENDS: ["nobody"]}]),),
    ],
    "federation.both": [
        (put(ANY, MISSING, value=["baltic"]),),
        (put(ANY, MISSING, value=["baltic"]), drop(ANY, BACKENDS)),
        (put("/validation", MISSING, value=["alpine"], method="POST"),),
        (put("/processes", "processes", 0, MISSING, value=["alpine"]),),
        (put("/jobs/[^/]+", BACKENDS, value=["alpine"]), put("/jobs/[^/]+", MISSING, value=["alpine"])),
    ],
    "federation.collections": [
        (_hosted(), HOSTED),
        (HOSTED,),
        (drop(ANY, BACKENDS), drop(ANY, "summaries", BACKENDS), _hosted("baltic")),
    ],
    "federation.reachable": [
        (OFFLINE, reply(ANY, 404, ERROR)),
        (OFFLINE, _hosted("baltic"), reply(ONE, 503, ERROR)),
    ],
    "federation.lists": [
        (reply("/processes", 502, ERROR),),
        (OFFLINE, reply("/jobs", 503, ERROR)),
        (reply("/service_types", 504),),
    ],
    "federation.freshness": [
        (OFFLINE, TOLD, header(LISTS, cache_control="public, max-age=3600")),
        _keeping("s-maxage=61"),
        _keeping('max-age=0, S-MaxAge="900"'),
    ],
    "federation.validation": [
        (drop("/validation", BACKENDS, method="POST"),),
        (put("/validation", BACKENDS, value="alpine", method="POST"),),
        (put("/validation", BACKENDS, value=["nobody"], method="POST"),),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], look_at: Look) -> None:
    assert_found(look_at(check_id, *changes))


CHECKS = [check for check in load_checks() if check.layer == "federation" and check.run is not None]
ONLY_WITH_OFFLINE = {"federation.missing-offline", "federation.reachable", "federation.freshness"}


def test_each_check_is_shown_failing() -> None:
    assert {check.id for check in CHECKS} == {*FAULTS, "federation.in-time"}


def _all(url: str, token: str, *changes: Change) -> dict[str, Result]:
    """What all checks say, one after the other as in a run."""
    with doctored(url, *changes, token=token) as backend:
        return {check.id: run_check(backend, check) for check in CHECKS}


def test_a_federation_with_all_members_passes(federated: Proxy, demo_token: str) -> None:
    for check_id, result in _all(federated.url, demo_token).items():
        expected = State.NOT_TESTABLE if check_id in ONLY_WITH_OFFLINE else State.PASS
        assert result.state is expected, (check_id, result.reason, result.findings)


def test_a_federation_that_lacks_a_member_passes(federated: Proxy, demo_token: str) -> None:
    for check_id, result in _all(federated.url, demo_token, OFFLINE, TOLD).items():
        assert result.state is State.PASS, (check_id, result.reason, result.findings)


@pytest.mark.parametrize("members", [None, [], "alpine"])
def test_who_is_no_federation_is_not_judged(members: Any, demo_server: Server, demo_token: str) -> None:
    changes = () if members is None else (put(HOME, "federation", value=members),)
    for check_id, result in _all(demo_server.url, demo_token, *changes).items():
        assert result.state is State.NOT_APPLICABLE, (check_id, result.reason)
        assert "no federation" in result.reason


UNHURT: list[tuple[str, tuple[Change, ...]]] = [
    # Whoever was never there has no time of success.
    ("federation.description", (_member(status="offline", last_successful_check=None),)),
    # The same time in another zone, and texts that are no time.
    ("federation.check-times", (_member(last_successful_check="2024-06-01T14:00:00+02:00"),)),
    ("federation.check-times", (_member(last_successful_check="2024-05-01T12:00:00"),)),
    ("federation.check-times", (_member(status="offline", last_status_check="9999-12-31T23:00:00-14:00"),)),
    # The class came with version 1.2.
    ("federation.class", (edit(HOME, lambda found: found.update(api_version="1.1.0", conformsTo=[])),)),
    # The list does not say it as the description has everybody.
    (
        "federation.collections",
        (_hosted(),),
    ),
    # In the summaries only, as in the extension's example.
    ("federation.collections", (drop(ANY, BACKENDS),)),
    # Not there after all, or broken: others say so.
    ("federation.lists", (reply("/services", 501, ERROR), reply("/processes", 500, ERROR))),
    ("federation.freshness", _keeping("no-store, max-age=3600")),
    ("federation.freshness", _keeping("private, max-age=60")),
    ("federation.freshness", _keeping("max-age=soon, max-age")),
]  # fmt: skip


@pytest.mark.parametrize(("check_id", "changes"), UNHURT)
def test_what_is_sound_passes(check_id: str, changes: tuple[Change, ...], look_at: Look) -> None:
    assert_kept(look_at(check_id, *changes))


UNTOLD: list[tuple[str, tuple[Change, ...]]] = [
    ("federation.check-times", (drop(HOME, "federation", "alpine", "last_status_check"), _member(last_status_check=5))),
    ("federation.missing-offline", (TOLD,)),
    # Those of who is offline are not listed.
    (
        "federation.reachable",
        (OFFLINE, _hosted("alpine")),
    ),
    ("federation.freshness", (OFFLINE,)),
    ("federation.validation", (edit("/processes", lambda found: found.update(processes=[])),)),
    ("federation.validation", (reply("/validation", 500, ERROR, method="POST"),)),
]  # fmt: skip


@pytest.mark.parametrize(("check_id", "changes"), UNTOLD)
def test_what_cannot_be_told(check_id: str, changes: tuple[Change, ...], look_at: Look) -> None:
    result = look_at(check_id, *changes)
    assert result.state is State.NOT_TESTABLE, [finding.message for finding in result.findings]
    assert result.reason


def test_what_nobody_serves_now_is_not_asked_for(federated: Proxy, demo_token: str, look_at: Look) -> None:
    elsewhere = put(ONE, BACKENDS, value=["baltic"])
    silent = reply(f"{ONE}/queryables", 503, ERROR)
    assert_found(look_at("profile.330", elsewhere, silent))
    assert_kept(look_at("profile.330", OFFLINE, elsewhere, silent))
    hosts = (
        put(ONE, BACKENDS, value=["alpine"]),
        put("/collections/climate-monthly-demo", BACKENDS, value=["baltic"]),
    )
    for changes, loaded in ((), "climate-monthly-demo"), ((OFFLINE,), "sentinel-2-l2a-demo"):
        with doctored(federated.url, *changes, *hosts, token=demo_token) as backend:
            assert backend.once(workload).collection == loaded


def _silent(request: httpx.Request, send: Answer) -> httpx.Response:
    raise httpx.ConnectError("refused")


def _half() -> Iterator[bytes]:
    yield b'{"jobs": ['
    raise httpx.ReadError("gone")


def _halved(request: httpx.Request, send: Answer) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "application/json"}, content=_half())


SILENT, HALVED = Change("GET", "/jobs", _silent), Change("GET", "/jobs", _halved)


@pytest.mark.parametrize("change", [SILENT, HALVED])
@pytest.mark.parametrize("check_id", ["federation.lists", "federation.in-time"])
def test_a_list_without_an_answer_is_said(check_id: str, change: Change, look_at: Look) -> None:
    result = look_at(check_id, change)
    assert (result.state, result.reason) == (State.NOT_TESTABLE, "no answer to GET /jobs")


def test_a_list_without_an_answer_hides_no_other(look_at: Look) -> None:
    assert look_at("federation.missing-known", SILENT).state is State.PASS
    assert look_at("federation.missing-offline", OFFLINE, TOLD, HALVED).state is State.PASS
    assert (
        look_at("federation.missing-known", SILENT, put(LIST, MISSING, value=["nobody"])).state is State.FAIL
    )


BOUND = federation.DEADLINE
TIMES: list[tuple[dict[str, list[float]], tuple[str, ...]]] = [
    ({"/jobs": [BOUND + 1, BOUND + 9]}, ("GET /jobs",)),
    ({LIST: [59.0, 40.0], "/jobs": [BOUND - 1], "/services": [30.0, 31.0]}, (f"GET {LIST}", "GET /services")),
    # Once only, or just in time: a network or a machine that has much to do.
    ({"/jobs": [BOUND + 30, 1.0]}, ()),
    ({path: [BOUND] for path in (LIST, "/jobs", "/processes", "/services")}, ()),
]


@pytest.mark.parametrize(("times", "places"), TIMES)
def test_lists_that_take_long(
    times: dict[str, list[float]], places: tuple[str, ...], look_at: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits, and no clock is asked: the times are given."""
    given = {path: iter(each) for path, each in times.items()}

    def read(client: httpx.Client, request: httpx.Request, total: float) -> Any:
        answer = read_answer(client, request, total)
        answer.seconds = next(given.get(request.url.path, iter(())), 0.0)
        return answer

    monkeypatch.setattr(caller, "read_answer", read)
    result = look_at("federation.in-time")
    assert result.state is (State.WARNING if places else State.PASS), result.reason
    # The message has the bound and not what was measured: two runs say the same.
    said = [(finding.message, finding.places) for finding in result.findings]
    assert said == ([(f"takes more than {BOUND:g} s, twice", places)] if places else [])


ODD_MEMBERS: list[Any] = [
    {},
    {"alpine": None, "baltic": 5, "": []},
    {
        "alpine": {"url": 7, "title": [], "status": {}, "last_status_check": 5, "last_successful_check": "never"},
        "baltic": {"url": "http://[::", "status": "offline", "last_status_check": "", "last_successful_check": {}},
    },
]  # fmt: skip
ODD: list[Any] = [
    [],
    "none",
    {MISSING: {"a": 1}, BACKENDS: 5, "collections": 7, "processes": [], "links": {}},
    {
        MISSING: [None, [], {}],
        BACKENDS: [{}, ["baltic"], None],
        "summaries": [BACKENDS],
        "collections": [
            {"id": {}, BACKENDS: [[]], "summaries": {BACKENDS: {}}},
            {"id": 5, "summaries": 3},
            7,
        ],
        "processes": [{"id": ["add"]}, {"id": "add", "parameters": {BACKENDS: None}}],
        "links": [5],
    },
]


@pytest.mark.parametrize("members", ODD_MEMBERS)
@pytest.mark.parametrize("document", ODD)
def test_documents_of_any_shape(members: Any, document: Any, federated: Proxy, demo_token: str) -> None:
    """Nothing but violations comes of what is no federation at all."""
    odd = reply("/(?!conformance|.well-known).+", 200, document, method="GET|POST")
    for result in _all(federated.url, demo_token, odd, put(HOME, "federation", value=members)).values():
        assert result.state is not State.ERROR, (result.check.id, result.reason)


def test_documents_of_any_depth(federated: Proxy, demo_token: str) -> None:
    depth = 1000
    deep = b'{"collections":' + b"[" * depth + b'{"federation:backends":["nobody"]}' + b"]" * depth + b"}"
    answered = httpx.Response(200, headers={"content-type": "application/json"}, content=deep)
    results = _all(federated.url, demo_token, Change("GET", LISTS, lambda request, send: answered))
    assert not [result.reason for result in results.values() if result.state is State.ERROR]
    assert results["federation.backends-known"].state is State.FAIL
