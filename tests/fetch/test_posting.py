"""Sending something to a URL: to a real server on loopback."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connexeo.fetch import (
    FetchError,
    FetchFailed,
    FetchPolicy,
    FetchRefused,
    FetchTimeout,
    FetchTooLarge,
    GuardedClient,
)
from loopback_site import LoopbackSite

client = GuardedClient(FetchPolicy(allow_private=True, timeout=5, max_bytes=1000))


@pytest.fixture
def site() -> Iterator[LoopbackSite]:
    site = LoopbackSite()
    yield site
    site.close()


def test_body_and_headers(site: LoopbackSite) -> None:
    site.pages["/echo"] = lambda body: {"got": json.loads(body)}
    answer = client.post(
        f"{site.url}/echo?key=a", b"[1, 2]", {"Content-Type": "application/json", "Host": "b"}
    )
    assert (answer.status, json.loads(answer.body)) == (200, {"got": [1, 2]})
    ((method, path, headers),) = site.requests
    assert (method, path) == ("POST", "/echo")
    assert (headers["content-type"], headers["content-length"], headers["host"]) == (
        "application/json",
        "6",
        site.host,
    )
    assert not headers.keys() & {"authorization", "cookie"}


def test_an_empty_body_is_sent_too(site: LoopbackSite) -> None:
    site.pages["/echo"] = lambda body: {"length": len(body)}
    assert json.loads(client.post(f"{site.url}/echo", b"").body) == {"length": 0}
    assert site.requests[0][0] == "POST"


def test_redirects_are_not_followed(site: LoopbackSite) -> None:
    for status in (301, 302, 303, 307, 308):
        site.pages["/there"] = (status, f"{site.url}/else")
        assert client.post(f"{site.url}/there", b"{}").status == status
    assert {path for _, path, _ in site.requests} == {"/there"}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{port}/", "address of 127.0.0.1 is not allowed"),
        ("http://169.254.169.254/latest", "not allowed"),
        ("file:///etc/passwd", "scheme"),
        ("http://me:secret@example.org/", "user name"),
        ("http://[/", "malformed"),
    ],
)
def test_what_must_not_be_reached(site: LoopbackSite, url: str, reason: str) -> None:
    with pytest.raises(FetchRefused, match=reason):
        GuardedClient(FetchPolicy()).post(url.format(port=site.host.rpartition(":")[2]), b"{}")
    assert not site.requests


def test_too_much_and_too_late(site: LoopbackSite) -> None:
    site.pages["/long"] = ["x" * 2000]
    with pytest.raises(FetchTooLarge):
        client.post(f"{site.url}/long", b"{}")
    wait = threading.Event()
    site.pages["/slow"] = lambda _: wait.wait(5)
    with pytest.raises(FetchTimeout, match=r"within 0\.2 seconds"):
        GuardedClient(FetchPolicy(allow_private=True, timeout=0.2)).post(f"{site.url}/slow", b"{}")
    wait.set()


def test_servers_may_be_silent_while_they_compute(
    site: LoopbackSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a document would be given up, a computation is not."""
    monkeypatch.setattr("connexeo.fetch.client._SILENCE", 0.05)

    def compute(_: bytes) -> Any:
        time.sleep(0.2)
        return [1]

    site.pages["/compute"] = compute
    assert client.post(f"{site.url}/compute", b"{}").body == b"[1]"
    with pytest.raises(FetchFailed, match="does not answer properly"):
        client.get_bytes(f"{site.url}/compute")


def _raised(call: Callable[[], Any]) -> FetchError:
    with pytest.raises(FetchError) as raised:
        call()
    return raised.value


def test_only_what_was_not_sent_may_be_sent_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        def hang_up() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)

        thread = threading.Thread(target=hang_up)
        thread.start()
        lost = _raised(lambda: client.post(url, b"{}"))
        thread.join()
    assert isinstance(lost, FetchFailed)
    assert not lost.passing
    refused = _raised(lambda: client.post(url, b"{}"))
    assert isinstance(refused, FetchFailed)
    assert refused.passing
