"""What is expected of every answer of a real server."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
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


def assert_discreet(text: str, server: Server) -> None:
    """An answer must not hold paths of the server, or what a programmer would like to read."""
    source = Path(__file__).parents[2]
    for secret in (str(server.data), str(source), sys.prefix, "Traceback", 'File "', "site-packages"):
        assert secret not in text, text
