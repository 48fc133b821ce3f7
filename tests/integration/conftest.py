"""What is expected of every answer of a real server."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from served import Server


@pytest.fixture(scope="session")
def expect_error() -> Callable[..., str]:
    """Checks that an answer is a proper openEO error that tells nothing about the server; gives its message."""

    def check(response: httpx.Response, server: Server, status: int, code: str, says: str = "") -> str:
        text = response.text
        assert (response.status_code, response.headers["content-type"]) == (status, "application/json"), text
        error = response.json()
        assert error["code"] == code, text
        assert re.search(says, error["message"]), text
        assert len(text) < 5000
        assert response.headers["access-control-allow-origin"] == "*"
        assert error["id"] == response.headers["x-request-id"]
        assert_discreet(text, server)
        return str(error["message"])

    return check


@pytest.fixture(scope="module")
def token(demo_server: Server, token_of: Callable[..., str]) -> str:
    """Of the demo account."""
    return token_of(demo_server)


@pytest.fixture(scope="module")
def client(demo_server: Server, token: str) -> Iterator[httpx.Client]:
    """Somebody who is logged in at the demo server."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=demo_server.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def without_faults(demo_server: Server) -> Iterator[None]:
    """No test of a module makes the demo server fail, whatever it answers."""
    before = demo_server.log.stat().st_size
    yield
    log = demo_server.log.read_bytes()[before:].decode()
    assert "request.failed" not in log
    assert "Traceback" not in log


def assert_discreet(text: str, server: Server) -> None:
    """An answer must not hold paths of the server, or what a programmer would like to read."""
    source = Path(__file__).parents[2]
    demo = str((server.data / "demo").resolve())
    for secret in (str(server.data), demo, str(source), sys.prefix, "Traceback", 'File "', "site-packages"):
        assert secret not in text, text
