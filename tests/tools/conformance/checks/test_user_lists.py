"""Lists of what users have: files, stored processes, jobs, services."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, assert_kept, cases, drop, edit, put, reply
from conformance.orders import ERROR, paged, unpaged
from conformance.stock import Stock
from connexeo.tools.conformance.verdicts import State

LISTS = {
    400: ("/process_graphs", "processes"),
    500: ("/files", "files"),
    610: ("/services", "services"),
    710: ("/jobs", "jobs"),
}
"""Number of the first requirement → the list."""

NEXT = {"rel": "next", "href": "https://a.example/more?page=2"}


def _faults(first: int, path: str, key: str) -> dict[str, list[tuple[Change, ...]]]:
    return {
        f"profile.{first}": [(reply(path, 403, ERROR),)],
        f"profile.{first + 1}": [(drop(path, "links"),), (put(path, key, value={}),)],
        f"profile.{first + 2}": [
            (unpaged(path),),
            (paged(path, lambda found: found.update(links=[])),),
            (paged(path, lambda found: found.update({key: found[key] * 3})),),
            (paged(path, lambda found: found.update({key: []})),),
            (paged(path, lambda found: found.update({key: found[key][:1] * 2})),),
        ],
        f"profile.{first + 3}": [
            (edit(path, lambda found: found["links"].append(NEXT)),),
            (put(path, key, value=[]),),
            (edit(path, lambda found: found.update({key: found[key] * 2})),),
        ],
    }


FAULTS = {
    check_id: faults
    for first, (path, key) in LISTS.items()
    for check_id, faults in _faults(first, path, key).items()
}
FIRST = {f"profile.{first + number}": path for first, (path, _) in LISTS.items() for number in range(4)}
"""Check → the list that it is about."""


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], stock: Stock) -> None:
    assert_found(stock.look(check_id, *changes))


@pytest.mark.parametrize("check_id", FAULTS)
def test_our_server_is_healthy(check_id: str, stock: Stock) -> None:
    assert_kept(stock.look(check_id))


def test_a_long_list_is_read_to_its_end(stock: Stock) -> None:
    """Back-ends may give fewer entries than were asked for."""
    many = [{"id": f"j-{number}", "status": "finished"} for number in range(100)]

    def answer(request: httpx.Request, send: Answer) -> httpx.Response:
        number = int(request.url.params.get("page", 0))
        target = str(request.url.copy_merge_params({"page": number + 1}))
        links = [{"rel": "next", "href": target}] if number + 1 < len(many) else []
        return httpx.Response(200, json={"jobs": many[number : number + 1], "links": links})

    result = stock.look("profile.712", Change("GET", "/jobs", answer))
    assert result.state is State.PASS, [finding.message for finding in result.findings]


def test_what_others_do_meanwhile_is_no_fault(stock: Stock) -> None:
    """Something new that comes while pages are read, and something that goes."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request, send: Answer) -> httpx.Response:
        asked.append(request)
        response = send(request)
        document = response.json()
        if "limit" not in request.url.params:
            passing = {"id": f"j-passing-{len(asked)}", "status": "created"}
            document["jobs"] = [passing, *document["jobs"]]
        return httpx.Response(200, json=document)

    result = stock.look("profile.712", Change("GET", "/jobs", answer))
    assert result.state is State.PASS, [finding.message for finding in result.findings]


def test_too_little_shows_no_pages(stock: Stock) -> None:
    result = stock.look("profile.712", put("/jobs", "jobs", value=[]))
    assert result.state is State.NOT_TESTABLE
    assert result.reason


@pytest.mark.parametrize(
    "document",
    [{}, [], "none", {"jobs": [5, {}, {"id": []}], "links": 7}, {"files": [None], "links": [5]}],
    ids=str,
)
def test_documents_of_any_shape(document: Any, stock: Stock) -> None:
    for check_id, path in FIRST.items():
        result = stock.look(check_id, reply(path, 200, document))
        assert result.state is not State.ERROR, (check_id, result.reason)
