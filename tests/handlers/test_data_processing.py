"""Validation and synchronous computation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from asgi_client import TOKEN, Client
from connexeo.drivers.interface import ComputedResult, Json, Page, StreamedResult, User
from fake_driver import FakeDriver, FakeProcessing

MakeClient = Callable[..., Client]
GRAPH = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}


def test_validation_is_always_answered_with_200(client: Client) -> None:
    assert client.post("/validation", json={"process_graph": GRAPH}).json() == {"errors": []}
    wrong = {"process_graph": {"a": {"process_id": "unheard_of", "arguments": {}}}}
    response = client.post("/validation", json=wrong)
    assert response.status_code == 200
    assert [error["code"] for error in response.json()["errors"]] == ["ProcessUnsupported"]


class KeepingProcessing(FakeProcessing):
    """Computes files in a folder of the test's."""

    folder: Path
    request_id = ""

    async def compute_result(self, user: User, request: Json, *, request_id: str) -> ComputedResult:
        self.request_id = request_id
        self.folder.mkdir()
        path = self.folder / "grüße.tif"
        path.write_bytes(bytes(range(256)) * 100)
        return ComputedResult(self.folder, [path], "image/tiff; application=geotiff")


@pytest.fixture
def processing(tmp_path: Path) -> KeepingProcessing:
    processing = KeepingProcessing()
    processing.folder = tmp_path / "result"
    return processing


def test_result_is_sent_and_deleted(make_client: MakeClient, processing: KeepingProcessing) -> None:
    driver = FakeDriver()
    driver.data_processing = processing
    body = {"process": {"process_graph": GRAPH}}
    response = make_client(driver).post("/result", json=body, headers={**TOKEN, "X-Request-ID": "mine"})
    assert response.status_code == 200
    assert response.content == bytes(range(256)) * 100
    assert response.headers["content-type"] == "image/tiff; application=geotiff"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["openeo-costs"] == "0"
    assert "gr%C3%BC%C3%9Fe.tif" in response.headers["content-disposition"]
    assert response.headers["access-control-allow-origin"] == "*"
    assert not processing.folder.exists()
    assert processing.request_id == "mine"


def test_error_of_a_computation(client: Client) -> None:
    response = client.post("/result", json={"process": {"process_graph": {}}}, headers=TOKEN)
    assert (response.status_code, response.json()["code"]) == (400, "ProcessGraphMissing")


class StreamingProcessing(FakeProcessing):
    """Passes on what another back-end computes."""

    async def compute_result(self, user: User, request: Json, *, request_id: str) -> Any:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"4"
            yield b"2"

        log_id = "alps~r-7" if request.get("log_level") else None
        return StreamedResult(chunks(), "text/plain", size=2, log_id=log_id, costs=1.5)

    async def debug_result(self, user: User, log_id: str) -> Page:
        entry = {"id": "1", "level": "info", "message": log_id, "federation:backends": ["alps"]}
        return Page([entry], extra={"federation:missing": []})


def test_result_of_another_back_end_and_its_log(make_client: MakeClient) -> None:
    driver = FakeDriver()
    driver.data_processing = StreamingProcessing()
    client = make_client(driver)
    body = {"process": {"process_graph": GRAPH}, "log_level": "info"}
    response = client.post("/result", json=body, headers=TOKEN)
    assert (response.status_code, response.content) == (200, b"42")
    assert (response.headers["content-length"], response.headers["openeo-costs"]) == ("2", "1.5")
    assert response.headers["openeo-identifier"] == "alps~r-7"
    link = response.headers["link"]
    assert link.endswith('/logs/alps~r-7>; rel="monitor"')
    log = client.get("/logs/alps~r-7", headers=TOKEN).json()
    assert [entry["message"] for entry in log["logs"]] == ["alps~r-7"]
    assert log["federation:missing"] == []
    assert log["links"][0]["href"] in link

    without = client.post("/result", json={"process": {"process_graph": GRAPH}}, headers=TOKEN)
    assert without.status_code == 200
    assert not {"link", "openeo-identifier"} & set(without.headers)
