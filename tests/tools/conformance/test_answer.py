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


@pytest.mark.parametrize(("status", "closed"), [(500, True), (404, False), (200, False)])
def test_connections_on_which_a_server_failed_are_left(status: int, closed: bool) -> None:
    """It closes some of them a moment later, when the next request is on its way."""
    stream = _Stream()
    extensions: dict[str, Any] = {"network_stream": stream}
    answer = httpx.Response(status, extensions=extensions)
    with httpx.Client(transport=httpx.MockTransport(lambda request: answer)) as client:
        read_answer(client, client.build_request("GET", "https://a.example/"), 5)
    assert stream.closed is closed
