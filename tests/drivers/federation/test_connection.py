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
    seen: list[tuple[str, str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers["host"], request.headers.get("authorization")))
        if request.url.path == "/api/jobs":
            return httpx.Response(status, headers={"location": f"https://{PUBLIC}/jobs"})
        if request.url.host == PUBLIC:
            return httpx.Response(status, headers={"location": "https://alps.example/api/other"})
        return httpx.Response(200, json={})

    answered = fetch(answer, Call("GET", "/jobs", authorization="Bearer secret"))
    assert seen == [
        ("alps.example", "alps.example", "Bearer secret"),
        (PUBLIC, PUBLIC, None),
        ("alps.example", "alps.example", "Bearer secret"),
    ]
    assert answered.url == "https://alps.example/api/other"


PUBLIC = "93.184.216.34"


def redirecting(location: str, seen: list[httpx.Request]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/api/jobs":
            return httpx.Response(307, headers={"location": location})
        return httpx.Response(200, json={})

    return answer


@pytest.mark.parametrize("other", [f"https://{PUBLIC}:444/x", f"//{PUBLIC}/x", "https://8.8.8.8./x"])
def test_nor_do_those_to_another_port(other: str) -> None:
    seen: list[httpx.Request] = []
    fetch(redirecting(other, seen), Call("GET", "/jobs", authorization="Bearer secret"))
    assert len(seen) == 2
    assert not any("secret" in value for value in seen[1].headers.values())


PRIVATE = ("10.0.0.1", "127.0.0.1", "192.168.1.1", "[::1]", "[fd00::1]", "[::ffff:10.0.0.1]")
CLOSED = ("169.254.169.254", "100.100.100.200", "0.0.0.0", "[fe80::1]")


@pytest.mark.parametrize("host", [*PRIVATE, *CLOSED])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_is_sent_into_private_networks(host: str, method: str) -> None:
    seen: list[httpx.Request] = []
    call = Call(method, "/jobs", authorization="Bearer secret", json={})
    with pytest.raises(Garbled, match="another host, whose address is not allowed"):
        fetch(redirecting(f"https://{host}/x", seen), call)
    assert len(seen) == 1


@pytest.mark.parametrize("host", PRIVATE)
def test_but_where_the_operator_allows_it(host: str) -> None:
    seen: list[httpx.Request] = []
    call = Call("GET", "/jobs", authorization="Bearer secret")
    fetch(redirecting(f"https://{host}/x", seen), call, allow_private=True)
    assert [each.headers.get("authorization") for each in seen] == ["Bearer secret", None]


@pytest.mark.parametrize("host", CLOSED)
def test_and_never_to_metadata_services(host: str) -> None:
    with pytest.raises(Garbled, match="is not allowed"):
        fetch(redirecting(f"https://{host}/x", []), allow_private=True)


def test_the_host_of_the_back_end_may_be_anywhere() -> None:
    seen: list[httpx.Request] = []
    call = Call("GET", "/jobs", authorization="Bearer secret")
    fetch(redirecting("/x", seen), call, url="http://10.0.0.1:8080/api")
    assert [each.headers.get("authorization") for each in seen] == ["Bearer secret"] * 2
    # But not other services of its machine.
    with pytest.raises(Garbled, match="is not allowed"):
        fetch(redirecting("http://10.0.0.1:9200/x", seen), call, url="http://10.0.0.1:8080/api")


@pytest.mark.parametrize(
    ("url", "location", "following"),
    [
        ("http://10.0.0.1/api", "https://10.0.0.1/x", "https://10.0.0.1/x"),
        # Whoever is behind a proxy may not know that it is reached by HTTPS.
        ("https://10.0.0.1/api", "http://10.0.0.1/x", "https://10.0.0.1/x"),
        ("https://ALPS.example:443/api", "https://alps.example/x", "https://alps.example/x"),
    ],
)
def test_one_host_may_be_written_in_several_ways(url: str, location: str, following: str) -> None:
    seen: list[httpx.Request] = []
    fetch(redirecting(location, seen), Call("GET", "/jobs", authorization="Bearer secret"), url=url)
    assert str(seen[1].url) == following
    assert seen[0].headers["authorization"] == "Bearer secret"
    assert ("authorization" in seen[1].headers) == url.startswith("https")


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "no web address"),
        ("https://a:b@alps.example/x", "user name or password"),
        (f"http://{PUBLIC}/x", "from https to http"),
        ("http://alps.example:8080/x", "from https to http"),
        ("https://[broken", "malformed"),
        (f"https://{PUBLIC}:99999999/", "malformed"),
        ("https://xn--/x", "malformed"),
    ],
)
def test_redirects_that_nobody_should_follow(location: str, reason: str) -> None:
    seen: list[httpx.Request] = []
    with pytest.raises(Garbled, match=reason):
        fetch(redirecting(location, seen))
    assert len(seen) == 1


def test_redirects_end() -> None:
    with pytest.raises(Garbled, match="redirects more than"):
        fetch(lambda request: httpx.Response(302, headers={"location": "/api/jobs"}))


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
