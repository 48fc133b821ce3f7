"""Exceptions as responses: openEO error objects, whatever happened."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from asgi_client import TOKEN, Client
from connexeo.drivers.interface import Json, Page, User
from connexeo.generated import errors
from connexeo.generated.errors import HTTP_STATUS, OpenEOError
from connexeo.logs import configure_logging
from connexeo.server.errors import Errors, error_object, error_response
from connexeo.server.observability import AccessLog, Requests
from connexeo.settings import Settings
from fake_driver import FakeDiscovery, FakeDriver

MakeClient = Callable[..., Client]

SCOPE = {"path": "/jobs", "method": "GET", "state": {"request_id": "r1"}}


class FailingDiscovery(FakeDiscovery):
    """Raises what the test says."""

    exception: BaseException

    async def list_collections(self, user: User | None, *, limit: int | None, offset: str | None) -> Page:
        raise self.exception

    async def describe_collection(self, user: User | None, collection_id: str) -> Json:
        raise self.exception


def failing(exception: BaseException) -> FakeDriver:
    driver = FakeDriver()
    driver.data_discovery = FailingDiscovery({})
    driver.data_discovery.exception = exception
    return driver


@pytest.mark.parametrize(
    "request_",
    [
        ("GET", "/nowhere", {}),
        ("PUT", "/collections", {}),
        ("GET", "/collections/none", {}),
        ("GET", "/collections?limit=0", {}),
        ("GET", "/me", {}),
        ("GET", "/me", {"headers": {"Authorization": "Bearer basic//no"}}),
        ("GET", "/me", {"headers": {"Authorization": "Digest x"}}),
        ("GET", "/jobs/none", {"headers": TOKEN}),
        ("POST", "/validation", {"content": b"{"}),
    ],
    ids=lambda request_: " ".join(request_[:2]),
)
def test_error_has_id_code_message_and_cors_headers(client: Client, request_: tuple[str, str, Any]) -> None:
    method, path, options = request_
    response = client.request(method, path, **options)
    assert response.status_code >= 400
    body = response.json()
    assert set(body) == {"id", "code", "message"}
    assert body["id"] == response.headers["x-request-id"]
    assert HTTP_STATUS[body["code"]] == response.status_code
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["access-control-allow-origin"] == "*"
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert {"Link", "Location", "OpenEO-Costs", "OpenEO-Identifier", "Content-Range"} <= set(exposed)
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_unexpected_exception_is_logged_but_not_told(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, log_format: str
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    client = make_client(failing(RuntimeError("/secret/path")), log_format=log_format)
    response = client.get("/collections", headers={**TOKEN, "Cookie": "crumbs"})
    assert response.status_code == 500
    assert response.json()["code"] == "Internal"
    assert "secret" not in response.text
    assert "RuntimeError" not in response.text
    assert response.headers["x-request-id"] in response.json()["message"]
    logged = log.getvalue()
    assert "/secret/path" in logged
    assert "list_collections" in logged
    assert response.headers["x-request-id"] in logged
    # Local variables of the traceback would hold the headers.
    assert "alice-token" not in logged
    assert "crumbs" not in logged


def test_exception_after_the_answer_has_begun_is_logged_with_the_request_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    configure_logging(Settings(log_format="json"))
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("the disk is gone")

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    with pytest.raises(RuntimeError, match="the disk is gone"):
        asyncio.run(Errors(app)({**SCOPE, "type": "http"}, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start"]
    (entry,) = map(json.loads, log.getvalue().splitlines())
    assert (entry["event"], entry["request_id"], entry["path"]) == ("request.failed", "r1", "/jobs")
    assert entry["exception"][0]["exc_value"] == "the disk is gone"


@pytest.mark.parametrize("begun", [False, True])
def test_client_that_went_away_is_logged_as_499(begun: bool) -> None:
    access = io.BytesIO()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ClientDisconnect

    async def send(message: Message) -> None:
        pass

    async def receive() -> Message:
        raise AssertionError

    scope: Scope = {"type": "http", "path": "/result", "method": "POST", "headers": []}
    around = Requests(Errors(app), access_log=AccessLog("json", access), metrics=None)
    asyncio.run(around(scope, receive, send))
    assert json.loads(access.getvalue())["status"] == 499


def test_error_of_the_driver_keeps_code_and_message(make_client: MakeClient) -> None:
    client = make_client(failing(errors.CollectionNotFound(identifier="<b>")))
    response = client.get("/collections/some")
    assert response.status_code == 404
    assert response.json()["code"] == "CollectionNotFound"
    assert "<b>" in response.json()["message"]


def test_busy_infrastructure_says_when_to_come_back(make_client: MakeClient) -> None:
    response = make_client(failing(errors.InfrastructureBusy())).get("/collections")
    assert response.status_code == HTTP_STATUS["InfrastructureBusy"]
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize("code", sorted(HTTP_STATUS))
def test_every_code_has_its_status(code: str) -> None:
    error = getattr(errors, code)()
    assert isinstance(error, OpenEOError)
    response = error_response(error, dict(SCOPE))
    assert response.status_code == HTTP_STATUS[code]
    assert 400 <= response.status_code < 600


@pytest.mark.parametrize(
    ("path", "scheme"),
    [("/jobs", "Bearer"), ("/credentials/basic", "Basic"), ("/base/credentials/basic", "Basic")],
)
def test_authentication_scheme_that_is_asked_for(path: str, scheme: str) -> None:
    response = error_response(errors.AuthenticationRequired(), {**SCOPE, "path": path})
    assert response.headers["www-authenticate"].startswith(scheme)


def test_error_object_without_a_request() -> None:
    assert error_object(errors.NotFound("gone")) == {"code": "NotFound", "message": "gone"}


def test_message_of_not_allowed_names_the_alternatives(client: Client) -> None:
    message = client.request("PATCH", "/jobs").json()["message"]
    assert re.search(r"PATCH.*GET.*POST", message)
