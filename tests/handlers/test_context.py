"""What handlers get."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from connexeo.drivers.interface import User
from connexeo.handlers.context import Context, Service
from connexeo.settings import Settings
from fake_driver import FakeDriver


def make_context(user: User | None = None, **settings: Any) -> Context:
    scope = {
        "type": "http",
        "scheme": "https",
        "path": "/ignored",
        "query_string": b"",
        "headers": [(b"host", b"eo.test")],
        "state": {"request_id": "r1"},
    }
    service = Service(Settings(**settings), FakeDriver(), "1.3.0", "1.0", {}, [])
    return Context(Request(scope), user, service)


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({}, "https://eo.test"),
        ({"base_path": "/api/"}, "https://eo.test/api"),
        ({"public_url": "https://public.example/v1/", "base_path": "/api"}, "https://public.example/v1"),
    ],
)
def test_urls(settings: dict[str, Any], base: str) -> None:
    context = make_context(**settings)
    assert context.url() == f"{base}/"
    assert context.url("") == base
    assert context.url("/collections/a b/ü") == f"{base}/collections/a%20b/%C3%BC"
    assert context.url("/x", limit=3, offset="a&b", nothing=None) == f"{base}/x?limit=3&offset=a%26b"


def test_account_is_the_user() -> None:
    assert make_context(User("alice")).account.id == "alice"
    with pytest.raises(AssertionError, match="token"):
        _ = make_context().account


def test_request_id() -> None:
    assert make_context().request_id == "r1"


def test_repr_shows_no_service() -> None:
    assert "Settings" not in repr(make_context())
