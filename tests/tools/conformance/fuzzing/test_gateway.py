"""What goes out to a back-end, whatever somebody thinks up."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Stage = Callable[..., Any]

JOB = b'{"process": {"process_graph": {}}}'

FOREIGN = (
    ("DELETE", "/jobs/theirs"),
    ("DELETE", "/jobs/1"),
    ("PATCH", "/jobs/theirs"),
    ("DELETE", "/jobs/theirs/results"),
    ("DELETE", "/jobs/made-here-1%2F..%2Ftheirs"),
    ("DELETE", "/jobs/own-1/../theirs"),
    ("DELETE", "/jobs/%2e%2e/services/theirs"),
    ("DELETE", "/jobs/own-1%2F..%2Ftheirs"),
    ("DELETE", "/jobs/"),
    ("DELETE", "/jobs"),
    ("PUT", "/jobs/own-1"),
    ("POST", "/jobs/own-1/results"),
    ("POST", "/result"),
    ("GET", "/credentials/basic"),
    ("PATCH", "/services/theirs"),
    ("DELETE", "/services/theirs"),
    ("PUT", "/files/..%2Ftheirs"),
    ("PUT", "/files/a/../../theirs"),
    ("PUT", "/files/%252e%252e%252ftheirs"),
    ("DELETE", "/files/..%5Ctheirs"),
    ("DELETE", "/files/"),
    ("DELETE", "/files"),
    ("DELETE", "/process_graphs/x%2F..%2Ftheirs"),
    ("DELETE", "/process_graphs"),
    ("DELETE", "/me"),
    ("POST", "/anything/else"),
    ("DELETE", "https://elsewhere.example/jobs/theirs"),
    ("DELETE", "//elsewhere.example/jobs/theirs"),
)
"""Requests that could harm, or cost."""


@pytest.mark.parametrize(("method", "path"), FOREIGN)
def test_what_could_harm_is_not_sent(stage: Stage, method: str, path: str) -> None:
    here = stage(write=True, allow_costs=True)
    assert here.send(method, path, JOB, **{"Content-Type": "application/json"}) == 404
    asked = [request for request in here.pretender.asked if request.url.path.endswith("theirs")]
    assert asked == []
    # An alias in the path may have been given a meaning; nothing else happened.
    assert {change.partition(" ")[0] for change in here.pretender.changes} <= {"POST"}
    assert here.gateway.refused == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/jobs"),
        ("PATCH", "/jobs/own-1"),
        ("PUT", "/files/a"),
        ("DELETE", "/files/own-1.txt"),
        ("PUT", "/process_graphs/a"),
        ("POST", "/services"),
    ],
)
def test_nothing_is_changed_unless_that_is_allowed(stage: Stage, method: str, path: str) -> None:
    here = stage()
    assert here.send(method, path, JOB) == 404
    assert here.pretender.asked == []


def test_reading_and_validating_are_always_allowed(stage: Stage) -> None:
    here = stage()
    body = b'{"process_graph": {}}'
    assert here.send("POST", "/validation", body, **{"Content-Type": "application/json"}) == 200
    assert here.send("GET", "/jobs/theirs") == 200
    assert [str(request.url.path) for request in here.pretender.asked] == [
        "/openeo/1.3/validation",
        "/openeo/1.3/jobs/theirs",
    ]


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("PUT", "/files/some/file.txt", "PUT /files/{mine}fuzz/some/file.txt"),
        ("PUT", "/files/%2Fetc", "PUT /files/{mine}fuzz//etc"),
        ("DELETE", "/files/a%20b", "DELETE /files/{mine}fuzz/a%20b"),
        ("PUT", "/process_graphs/evi", "PUT /process_graphs/{mine}fuzz_evi"),
        ("DELETE", "/process_graphs/evi", "DELETE /process_graphs/{mine}fuzz_evi"),
    ],
)
def test_names_that_a_request_chooses_become_ours(stage: Stage, method: str, path: str, sent: str) -> None:
    here = stage(write=True)
    here.send(method, path, b"{}")
    assert here.pretender.changes == [sent.format(mine=here.mine)]


def test_files_go_where_the_back_end_wants_them(stage: Stage) -> None:
    here = stage(write=True)
    here.gateway.belongings.start = "alpine/"
    here.send("PUT", "/files/some/file.txt", b"{}")
    here.send("PUT", "/files/own-1.txt", b"{}")
    assert here.pretender.changes == [
        f"PUT /files/alpine/{here.mine}fuzz/{name}" for name in ("some/file.txt", "own-1.txt", "own-1.txt")
    ]


def test_files_of_the_user_are_not_downloaded(stage: Stage) -> None:
    here = stage()
    here.send("GET", "/files/theirs.tif")
    (request,) = here.pretender.asked
    assert request.url.path == f"/openeo/1.3/files/{here.mine}fuzz/theirs.tif"


def test_what_is_named_after_an_alias_is_made_when_it_is_needed(stage: Stage) -> None:
    here = stage(write=True)
    assert here.send("PATCH", "/jobs/own-1", b"{}") == 204
    assert here.send("PATCH", "/jobs/own-1", b"{}") == 204
    assert here.send("DELETE", "/jobs/own-1") == 204
    assert here.send("PATCH", "/jobs/own-1", b"{}") == 204
    assert here.pretender.changes == [
        "POST /jobs",
        "PATCH /jobs/made-here-1",
        "PATCH /jobs/made-here-1",
        "POST /jobs",
        "DELETE /jobs/made-here-2",
        "PATCH /jobs/made-here-1",
    ]
    assert set(here.backend.ledger.there) == {("job", "made-here-1")}


def test_what_random_requests_create_is_remembered_and_does_not_pile_up(stage: Stage) -> None:
    here = stage(write=True)
    for _ in range(15):
        assert here.send("POST", "/jobs", JOB) == 201
    names = {f"made-here-{number}" for number in range(4, 16)}
    assert {name for _, name in here.backend.ledger.there} == names
    assert here.pretender.changes.count("POST /jobs") == 15
    assert [change for change in here.pretender.changes if change.startswith("DELETE")] == [
        f"DELETE /jobs/made-here-{number}" for number in (1, 2, 3)
    ]
    assert here.send("DELETE", "/jobs/made-here-9") == 204
    assert ("job", "made-here-9") not in here.backend.ledger.there


def test_a_stored_thing_is_remembered_before_it_is_sent(stage: Stage) -> None:
    here = stage(write=True)
    path = f"/process_graphs/{here.mine}fuzz_a"
    here.pretender.answers["PUT", path] = httpx.ReadTimeout("too slow")
    assert here.send("PUT", "/process_graphs/a", b"{}") == 503
    assert ("process", f"{here.mine}fuzz_a") in here.backend.ledger.there
    here.pretender.answers["PUT", f"{path}b"] = httpx.Response(400, json={})
    assert here.send("PUT", "/process_graphs/ab", b"{}") == 400
    assert set(here.backend.ledger.there) == {("process", f"{here.mine}fuzz_a")}


def test_a_stored_thing_stays_known_when_it_is_not_replaced(stage: Stage) -> None:
    here = stage(write=True)
    path = f"/process_graphs/{here.mine}fuzz_a"
    assert here.send("PUT", "/process_graphs/a", b"{}") == 200
    here.pretender.answers["PUT", path] = httpx.Response(400, json={})
    assert here.send("PUT", "/process_graphs/a", b"{}") == 400
    assert ("process", f"{here.mine}fuzz_a") in here.backend.ledger.there


def test_what_has_an_alias_is_not_in_the_way(stage: Stage) -> None:
    here = stage(write=True)
    for name in ("own_1", *(f"other_{number}" for number in range(15))):
        assert here.send("PUT", f"/process_graphs/{name}", b"{}") == 200
    removed = [change for change in here.pretender.changes if change.startswith("DELETE")]
    assert removed == [f"DELETE /process_graphs/{here.mine}fuzz_other_{number}" for number in range(3)]


def test_what_cannot_be_removed_is_not_created_again(stage: Stage) -> None:
    here = stage(write=True)
    here.pretender.answers["DELETE", "/jobs/made-here-1"] = httpx.Response(500, json={})
    assert {here.send("POST", "/jobs", JOB) for _ in range(13)} == {201}
    assert here.send("POST", "/jobs", JOB) == 404
    assert here.send("PATCH", "/jobs/own-1", b"{}") == 404
    assert here.pretender.created == 13


def test_nothing_is_created_where_nothing_can_be_removed(stage: Stage) -> None:
    here = stage(write=True, without=("DELETE /jobs/{job_id}", "DELETE /files/{path}"))
    assert here.send("POST", "/jobs", JOB) == 404
    assert here.send("PATCH", "/jobs/own-1", b"{}") == 404
    assert here.send("PUT", "/files/a", b"a") == 404
    assert here.pretender.asked == []


def test_what_should_not_have_been_accepted_does_not_stay(stage: Stage) -> None:
    here = stage(write=True)
    typed = {"Content-Type": "application/json"}
    here.send("POST", "/jobs", b'{"title": 5, "process": {"process_graph": {}}}', **typed)
    here.send("PUT", "/process_graphs/a", b'{"process_graph": 5}', **typed)
    here.send("PATCH", "/services/own-1", b'{"enabled": "perhaps"}', **typed)
    assert here.backend.ledger.there == {}
    assert [change for change in here.pretender.changes if change.startswith("DELETE")] == [
        "DELETE /jobs/made-here-1",
        f"DELETE /process_graphs/{here.mine}fuzz_a",
        "DELETE /services/made-here-2",
    ]


def test_who_does_not_tell_what_is_new_is_not_asked_again(stage: Stage) -> None:
    here = stage(write=True)
    here.pretender.answers["POST", "/jobs"] = httpx.Response(201)
    assert here.send("POST", "/jobs", JOB) == 201
    assert here.send("POST", "/jobs", JOB) == 404
    assert here.pretender.changes == ["POST /jobs"]


def test_the_token_is_added_here_and_marks_are_taken_off(stage: Stage) -> None:
    here = stage()
    headers = {
        "Authorization": "Bearer guessed",
        "X-Schemathesis-TestCaseId": "abc",
        "X-HTTP-Method-Override": "DELETE",
    }
    here.send("GET", "/jobs", **headers)
    (request,) = here.pretender.asked
    assert request.headers["authorization"] == "Bearer basic//secret"
    assert not any("schemathesis" in name or "override" in name for name in request.headers)


def test_redirects_do_not_lead_past_the_gateway(stage: Stage) -> None:
    here = stage(write=True)
    here.pretender.answers["POST", "/validation"] = httpx.Response(
        307, headers={"Location": "https://elsewhere.example/"}
    )
    status, headers, _ = here.gateway.reply("POST", "/validation", {}, b"{}")
    assert status == 307
    assert "location" not in {name.lower() for name in headers}


def test_what_cannot_be_sent_is_no_fault_of_the_back_end(stage: Stage) -> None:
    here = stage()
    assert here.send("GET", "/jobs", Accept="a\0b") == 404
    assert here.send("GET", f"/jobs/{'a' * 70_000}") == 404
    assert here.pretender.asked == []


def test_it_ends_when_the_requests_are_used_up(stage: Stage) -> None:
    here = stage(requests=2)
    assert [here.send("GET", "/jobs") for _ in range(4)] == [200, 200, 503, 503]
    assert here.gateway.stopped == "2 random requests were sent; more with --max-requests"
    assert here.backend.budget.sent == 2


def test_it_ends_when_the_back_end_does_not_answer(stage: Stage) -> None:
    here = stage()
    here.pretender.answers["GET", "/jobs"] = httpx.ConnectError("refused")
    for _ in range(3):
        assert here.send("GET", "/jobs") == 503
    assert here.gateway.stopped == "the back-end does not answer any more"
    assert len(here.pretender.asked) == 3


def test_it_listens_on_the_loopback_interface_only(stage: Stage) -> None:
    here = stage()
    with here.gateway as gateway:
        assert gateway.url.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=gateway.url) as client:
            assert client.get("/jobs").json() == {}
            assert client.request("TRACE", "/jobs").status_code == 200
            assert client.delete("/jobs/theirs").status_code == 404
        url = httpx.URL(gateway.url)
    with (
        pytest.raises(OSError, match="refused"),
        socket.create_connection(("127.0.0.1", url.port or 0), timeout=5),
    ):
        pass
