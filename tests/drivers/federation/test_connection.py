"""Requests to one back-end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from connexeo.drivers.federation.connection import Call
from connexeo.drivers.federation.faults import Busy, Garbled, Refused, TooSlow, Unreachable, UpstreamFault
from drivers.federation.upstreams import connected


class Trickle(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)


def fetch(handler: Any, call: Call | None = None, deadline: float = 5.0, **settings: Any) -> Any:
    async def run() -> Any:
        connection = connected(handler, **settings)
        try:
            return await connection.fetch(call or Call("GET", "/jobs"), deadline)
        finally:
            await connection.close()

    return asyncio.run(run())


def test_the_deadline_is_for_the_whole_answer() -> None:
    with pytest.raises(TooSlow, match=r"within 0\.2 s"):
        fetch(lambda request: httpx.Response(200, stream=Trickle()), deadline=0.2)


def test_the_deadline_is_for_errors_too() -> None:
    with pytest.raises(TooSlow):
        fetch(lambda request: httpx.Response(404, stream=Trickle()), deadline=0.2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_to_another_host_get_no_credentials(status: int) -> None:
    seen: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers.get("authorization")))
        if request.url.path == "/api/jobs":
            return httpx.Response(status, headers={"location": "https://elsewhere.example/jobs"})
        if request.url.host == "elsewhere.example":
            return httpx.Response(status, headers={"location": "https://alps.example/api/other"})
        return httpx.Response(200, json={})

    fetch(answer, Call("GET", "/jobs", authorization="Bearer secret"))
    assert seen == [
        ("alps.example", "Bearer secret"),
        ("elsewhere.example", None),
        ("alps.example", "Bearer secret"),
    ]


@pytest.mark.parametrize(
    "other",
    ["http://alps.example/x", "https://alps.example:444/x", "https://a:b@alps.example/x", "//evil.example/x"],
)
def test_nor_do_those_to_another_port_or_scheme(other: str) -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        if request.url.path == "/api/jobs":
            return httpx.Response(302, headers={"location": other})
        return httpx.Response(200, json={})

    fetch(answer, Call("GET", "/jobs", authorization="Bearer secret"))
    assert "secret" not in (seen[1] or "")


def test_redirects_end() -> None:
    with pytest.raises(Garbled, match="redirects more than"):
        fetch(lambda request: httpx.Response(302, headers={"location": "/api/jobs"}))
    with pytest.raises(Garbled, match="no web address"):
        fetch(lambda request: httpx.Response(302, headers={"location": "file:///etc/passwd"}))


def test_cookies_are_never_kept() -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        return httpx.Response(200, json={}, headers={"set-cookie": "user=ana; Path=/"})

    async def run() -> None:
        connection = connected(answer)
        for _ in range(3):
            await connection.fetch(Call("GET", "/jobs"), 5)
        await connection.close()

    asyncio.run(run())
    assert seen == [None] * 3


def test_an_answer_has_so_many_bytes_at_most() -> None:
    assert fetch(lambda request: httpx.Response(200, content=b"x" * 10_000)).body == b"x" * 10_000
    with pytest.raises(Garbled, match="more than 10000 bytes"):
        fetch(lambda request: httpx.Response(200, content=b"x" * 10_001))


def test_nor_after_unpacking() -> None:
    import gzip

    packed = gzip.compress(b"x" * 10**6)
    with pytest.raises(Garbled, match="more than 10000 bytes"):
        fetch(lambda request: httpx.Response(200, content=packed, headers={"content-encoding": "gzip"}))
    odd = httpx.ByteStream(b"no gzip at all")
    with pytest.raises(Garbled, match="compressed"):
        fetch(lambda request: httpx.Response(200, stream=odd, headers={"content-encoding": "gzip"}))


@pytest.mark.parametrize(
    ("method", "headers", "tries"),
    [
        ("GET", {}, 2),
        ("GET", {"retry-after": "0"}, 2),
        ("GET", {"retry-after": "60"}, 1),
        ("GET", {"retry-after": "soon"}, 2),
        ("POST", {}, 1),
        ("DELETE", {}, 1),
    ],
)
def test_a_busy_back_end_is_asked_once_more(method: str, headers: dict[str, str], tries: int) -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(503, headers=headers)

    with pytest.raises(Busy) as caught:
        fetch(answer, Call(method, "/jobs"))
    assert len(seen) == tries
    assert caught.value.retry_after == (
        float(headers["retry-after"]) if headers.get("retry-after", "x").isdigit() else None
    )


def broken(error: type[Exception]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("at 10.0.0.1")

    return answer


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectTimeout]
)
def test_what_is_wrong_with_the_connection_is_told_without_addresses(error: type[Exception]) -> None:
    with pytest.raises(Unreachable) as caught:
        fetch(broken(error))
    assert "10.0.0.1" not in caught.value.reason


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        (httpx.Response(404, json={"code": "JobNotFound", "message": "Gone."}), Refused),
        (httpx.Response(500, content=b"<html>"), Refused),
        (httpx.Response(404, json=["odd"]), Refused),
        (httpx.Response(304), Refused),
        (httpx.Response(300), Garbled),
        (httpx.Response(429), Busy),
    ],
)
def test_errors_of_back_ends(response: httpx.Response, fault: type[UpstreamFault]) -> None:
    with pytest.raises(fault) as caught:
        fetch(lambda request: response, Call("POST", "/jobs"))
    if isinstance(caught.value, Refused) and caught.value.code:
        assert (caught.value.status, caught.value.code, caught.value.message) == (404, "JobNotFound", "Gone.")
