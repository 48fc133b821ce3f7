"""Health, readiness, and the description of the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from asgi_client import Client, connected
from connexeo.server.app import create_app
from connexeo.settings import Settings
from fake_driver import FakeDriver

MakeClient = Callable[..., Client]


def test_health(client: Client) -> None:
    response = client.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["cache-control"] == "no-store"


def test_ready_tells_what_is_missing(make_client: MakeClient) -> None:
    driver = FakeDriver()
    client = make_client(driver)
    assert client.get("/ready").status_code == 200
    driver.capabilities.parts = {"database": False, "catalogue": True}
    response = client.get("/ready")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "parts": {"database": False, "catalogue": True}}
    assert client.get("/health").status_code == 200


def test_operational_addresses_stay_at_the_root(make_client: MakeClient) -> None:
    client = make_client(base_path="/api")
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 200
    assert client.get("/api/health").status_code == 404


def test_driver_is_started_and_stopped() -> None:
    driver = FakeDriver()
    app = create_app(Settings(access_log=False), driver=driver)
    running = [driver.running]
    with connected(app):
        running.append(driver.running)
    running.append(driver.running)
    assert running == [False, True, False]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_operational_addresses_are_only_read(client: Client, method: str) -> None:
    assert client.request(method, "/health").status_code == 404
    assert client.request(method, "/openapi.json").status_code == 405
