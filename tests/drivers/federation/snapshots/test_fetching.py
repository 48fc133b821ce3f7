"""What is asked of one back-end in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from connexeo.drivers.federation.faults import Garbled, TooSlow, UpstreamFault
from connexeo.drivers.federation.snapshots.fetching import Fetching, next_link
from connexeo.drivers.federation.snapshots.kinds import COLLECTIONS, KINDS, UDF_RUNTIMES
from connexeo.drivers.federation.snapshots.store import Snapshot
from drivers.federation.upstreams import connected

HERE = "https://alps.example/api/jobs"


@pytest.mark.parametrize(
    ("href", "found"),
    [
        ("?page=2", f"{HERE}?page=2"),
        ("/api/jobs/2", "https://alps.example/api/jobs/2"),
        ("http://alps.example/api/jobs?page=2", f"{HERE}?page=2"),
        ("http://other.example/jobs", "http://other.example/jobs"),
    ],
)
def test_next_pages(href: str, found: str) -> None:
    assert next_link({"links": [None, {"rel": "next"}, {"rel": "next", "href": href}]}, HERE) == found
    assert next_link({"links": {"next": href}}, HERE) is None


def fetch(
    answer: Callable[[httpx.Request], Any],
    kind: str = COLLECTIONS,
    known: Snapshot | None = None,
    **settings: Any,
) -> Snapshot:
    async def run() -> Snapshot:
        connection = connected(answer, **settings)
        return await Fetching(connection, connection.upstream, timeout=0.5).all_of(KINDS[kind], known)

    return asyncio.run(run())


def test_all_pages_are_read() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params.get("page", 1))
        links = [{"rel": "next", "href": f"?page={page + 1}"}] if page < 3 else []
        return httpx.Response(200, json={"collections": [{"id": str(page)}], "links": links})

    assert orjson.loads(fetch(answer).body) == [{"id": "1"}, {"id": "2"}, {"id": "3"}]


def test_what_has_not_changed_is_not_sent_again() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("if-none-match"))
        return httpx.Response(304)

    known = Snapshot("alps", COLLECTIONS, "", b"[1]", 5.0, '"tag"')
    found = fetch(answer, known=known)
    assert (found.body, found.etag, seen) == (b"[1]", '"tag"', ['"tag"'])
    assert found.fetched > 5.0


@pytest.mark.parametrize("status", [404, 405, 501])
def test_what_a_back_end_does_not_have(status: int) -> None:
    assert fetch(lambda request: httpx.Response(status), UDF_RUNTIMES).body == b"null"


@pytest.mark.parametrize("document", [[], {"collections": {}}, {"links": []}, 5, None])
def test_what_is_no_list(document: Any) -> None:
    with pytest.raises(Garbled):
        fetch(lambda request: httpx.Response(200, content=orjson.dumps(document)))


def test_pages_that_lead_elsewhere_get_no_token() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        links = [{"rel": "next", "href": "https://evil.example/collections"}]
        return httpx.Response(200, json={"collections": [], "links": links})

    with pytest.raises(UpstreamFault):
        fetch(answer, token="secret")
    assert seen == ["alps.example"]


def test_all_pages_share_one_deadline() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.1)
        page = int(request.url.params.get("page", 1))
        links = [{"rel": "next", "href": f"?page={page + 1}"}]
        return httpx.Response(200, json={"collections": [], "links": links})

    with pytest.raises(TooSlow, match="collections"):
        fetch(answer)
