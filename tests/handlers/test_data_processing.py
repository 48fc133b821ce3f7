"""Validation and synchronous computation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from asgi_client import TOKEN, Client
from connexeo.drivers.interface import ComputedResult, Json, User
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
