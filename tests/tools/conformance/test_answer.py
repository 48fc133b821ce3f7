from __future__ import annotations

from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.answer import read_answer


def _closing(times: int) -> tuple[httpx.Client, list[str]]:
    """A server that closes connections so many times before it answers, and the methods that it was asked with."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        if len(asked) <= times:
            raise httpx.ReadError("Connection reset by peer", request=request)
        return httpx.Response(200, json={})

    return httpx.Client(transport=httpx.MockTransport(answer)), asked


@pytest.mark.parametrize(
    ("method", "path", "times", "repeated"),
    [
        ("GET", "/", 1, True),
        ("DELETE", "/jobs/1", 1, True),
        ("TRACE", "/", 1, True),
        ("POST", "/validation", 1, True),
        ("POST", "/jobs", 1, False),
        ("GET", "/", 2, False),
    ],
)
def test_requests_on_closed_connections(method: str, path: str, times: int, repeated: bool) -> None:
    """What may be asked twice is, once: servers close connections without a word after errors of theirs."""
    client, asked = _closing(times)
    with client:
        answer = read_answer(client, client.build_request(method, f"https://a.example{path}"), 5)
    assert (answer.status == 200) is repeated
    assert (answer.failure is None) is repeated
    assert asked == [method] * (2 if method == "GET" or repeated else 1)


class _Stream:
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("status", "method", "closed"),
    [(500, "POST", True), (400, "POST", True), (500, "GET", False), (200, "POST", False)],
)
def test_connections_that_may_be_closed_take_no_request_that_cannot_be_repeated(
    status: int, method: str, closed: bool
) -> None:
    """Some servers close a connection after an error, a moment after the answer."""
    stream = _Stream()
    extensions: dict[str, Any] = {"network_stream": stream}
    answer = httpx.Response(status, extensions=extensions)
    with httpx.Client(transport=httpx.MockTransport(lambda request: answer)) as client:
        read_answer(client, client.build_request("GET", "https://a.example/"), 5)
        assert not stream.closed
        read_answer(client, client.build_request(method, "https://a.example/jobs"), 5)
    assert stream.closed is closed
