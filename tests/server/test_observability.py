"""Request ids, the access log, metrics."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from asgi_client import HOST, TOKEN, Client, connected
from connexeo.drivers.interface import Gauge
from connexeo.generated.errors import InfrastructureBusy
from connexeo.server.app import create_app
from connexeo.server.observability import AccessLog, Metrics
from connexeo.settings import Settings
from fake_driver import FakeCapabilities, FakeDriver

MakeClient = Callable[..., Client]


@pytest.mark.parametrize("given", ["abc", "0af7651916cd43dd8448eb211c80319c", "a.b:c-d_e", "x" * 128])
def test_request_id_of_the_client_is_kept(client: Client, given: str) -> None:
    assert client.get("/conformance", headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b', "é", "a\tb", "${jndi}"])
def test_other_request_ids_are_replaced(client: Client, given: str) -> None:
    response = client.get("/conformance", headers={"X-Request-ID": given.encode("latin-1")})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


def test_request_ids_differ(client: Client) -> None:
    assert len({client.get("/conformance").headers["x-request-id"] for _ in range(20)}) == 20


def scope_of(path: str) -> dict[str, Any]:
    return {
        "method": "GET",
        "path": path,
        "query_string": b"signature=abc",
        "headers": [(b"authorization", b"Bearer basic//abc")],
        "client": ("203.0.113.9", 1234),
    }


def test_access_log_as_json() -> None:
    stream = io.BytesIO()
    AccessLog("json", stream).write(scope_of("/files/a\nb"), "id-1", 200, 0.01234)
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert entry.pop("timestamp").endswith("+00:00")
    assert entry == {
        "level": "info",
        "event": "request",
        "request_id": "id-1",
        "method": "GET",
        "path": "/files/a\nb",
        "status": 200,
        "ms": 12.34,
        "client": "203.0.113.9",
    }


@pytest.mark.parametrize("path", ["/files/a\nb", "/files/\x1b[31m", "/files/\u202eevil"])
def test_access_log_as_text_is_one_plain_line(path: str) -> None:
    stream = io.BytesIO()
    AccessLog("text", stream).write(scope_of(path), "id-1", 404, 0.01234)
    line = stream.getvalue().decode("ascii")
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert "GET" in line
    assert " 404 12.3ms id-1" in line


def test_access_log_of_a_server_holds_no_secrets(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    app = create_app(Settings(log_format="json"), driver=FakeDriver())
    with connected(app) as client:
        client.get("/me?token=hush", headers={**TOKEN, "X-Request-ID": "one"})
        client.get("/nowhere?token=hush", headers={"X-Request-ID": "two"})
    captured = capfdbinary.readouterr().err
    lines = [json.loads(line) for line in captured.splitlines()]
    requests = {line["request_id"]: line for line in lines if line["event"] == "request"}
    assert (requests["one"]["path"], requests["one"]["status"]) == ("/me", 200)
    assert (requests["two"]["path"], requests["two"]["status"]) == ("/nowhere", 404)
    assert {"server.ready", "server.stopped"} <= {line["event"] for line in lines}
    assert b"hush" not in captured
    assert b"alice-token" not in captured


def samples(client: Client) -> dict[tuple[str, ...], float]:
    """Counted requests by operation, method and status."""
    text = client.get("/metrics").text
    return {
        (sample.labels["operation"], sample.labels["method"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "connexeo_requests_total"
    }


def test_metrics(make_client: MakeClient) -> None:
    client = make_client(metrics=True, discovery_cache=3600)
    for _ in range(3):
        client.get("/collections")
    client.get("/collections/none")
    client.get("/collections/alpha")
    client.get("/nowhere")
    client.get("/me")
    client.request("BREW", "/collections")
    counted = samples(client)
    assert counted["list-collections", "GET", "200"] == 3
    assert counted["describe-collection", "GET", "404"] == 1
    assert counted["describe-collection", "GET", "200"] == 1
    assert counted["describe-account", "GET", "401"] == 1
    assert counted["-", "GET", "404"] == 1
    assert counted["-", "other", "405"] == 1
    assert "connexeo_request_seconds_bucket" in client.get("/metrics").text


class WatchedCapabilities(FakeCapabilities):
    """Some that have numbers, or cannot tell them."""

    async def gauges(self) -> Sequence[Gauge]:
        if not self.parts["memory"]:
            raise InfrastructureBusy()
        return [
            Gauge("jobs", "Jobs.", {"queued": 3, "running": 0}, label="status"),
            Gauge("workers", "Workers.", {"": 2}),
        ]


def gauges_of(client: Client) -> dict[tuple[str, ...], float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        if family.name in ("connexeo_jobs", "connexeo_workers")
        for sample in family.samples
    }


def test_gauges_of_the_driver(make_client: MakeClient) -> None:
    driver = FakeDriver()
    driver.capabilities = WatchedCapabilities()
    client = make_client(driver, metrics=True)
    client.get("/conformance")
    assert gauges_of(client) == {
        ("connexeo_jobs", "queued"): 3,
        ("connexeo_jobs", "running"): 0,
        ("connexeo_workers",): 2,
    }
    driver.capabilities.parts["memory"] = False
    assert gauges_of(client) == {}
    assert samples(client)["conformance", "GET", "200"] == 1


def test_gauges_are_there_once_for_several_workers(tmp_path: Path) -> None:
    metrics = Metrics(multiprocess_folder=str(tmp_path))
    lines = bytes(metrics.response([Gauge("workers", "Workers.", {"": 2})]).body).decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["connexeo_workers 2.0"]


def test_drivers_without_gauges(make_client: MakeClient) -> None:
    assert gauges_of(make_client(metrics=True)) == {}


def test_metrics_are_not_served_unless_asked_for(client: Client) -> None:
    assert client.get("/metrics").status_code == 404


def test_applications_of_one_process_count_for_themselves(make_client: MakeClient) -> None:
    first, second = make_client(metrics=True), make_client(metrics=True)
    first.get("/conformance")
    assert samples(first)["conformance", "GET", "200"] == 1
    assert ("conformance", "GET", "200") not in samples(second)


def test_process_metrics_are_there() -> None:
    assert b"process_resident_memory_bytes" in bytes(Metrics().response().body)


def test_log_names_the_host_nowhere() -> None:
    stream = io.BytesIO()
    AccessLog("json", stream).write({**scope_of("/"), "client": None}, "i", 200, 0)
    assert HOST.encode() not in stream.getvalue()
    assert json.loads(stream.getvalue())["client"] == "-"
