"""Requirements of synchronous processing, and of the ways to process data altogether."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import httpx
import pytest
import rasterio

from profiles.api import Api, denied, refused
from profiles.graphs import FAULTY, Graph, add, inspecting, load, ndvi, process, save, with_result
from profiles.requirement import requirement

MEDIA_TYPES = {
    "GTiff": ("image/tiff", b"II*\0"),
    "netCDF": ("application/x-netcdf", b"\x89HDF"),
    "PNG": ("image/png", b"\x89PNG"),
    "JSON": ("application/json", b"{"),
}


def ways(client: httpx.Client) -> set[str]:
    endpoints = client.get("/").json()["endpoints"]
    offered = {f"{method} {each['path']}" for each in endpoints for method in each["methods"]}
    return offered & {"POST /result", "POST /jobs", "POST /services"}


@requirement(701)
def test_one_way_to_process(anonymous: httpx.Client, user: httpx.Client) -> None:
    assert "POST /result" in ways(anonymous)
    assert user.post("/result", json=process(add())).json() == 3


@requirement(702)
def test_two_ways_to_process(anonymous: httpx.Client) -> None:
    assert ways(anonymous) == {"POST /result", "POST /jobs", "POST /services"}


@requirement(900)
def test_computes_for_users(user: httpx.Client, anonymous: httpx.Client) -> None:
    answer = user.post("/result", json=process(ndvi()))
    assert answer.status_code == 200, answer.text
    denied(anonymous.post("/result", json=process(ndvi())))


@requirement(901)
@pytest.mark.parametrize("name", FAULTY)
def test_faulty_process(name: str, user: httpx.Client) -> None:
    graph, code = FAULTY[name]
    refused(user.post("/result", json=process(graph)), 400, code)


@requirement(905)
def test_success_and_failure(user: httpx.Client) -> None:
    answer = user.post("/result", json=process(ndvi()))
    assert answer.status_code == 200
    with rasterio.open(io.BytesIO(answer.content)) as result:
        assert (result.width, result.height) == (50, 50)
        assert result.crs.to_epsg() == 32632
    failures: dict[str, tuple[Any, int, str]] = {
        "no process": ({}, 400, "ProcessGraphMissing"),
        "no collection": (process(ndvi(id="nowhere")), 404, "CollectionNotFound"),
        "no data": (process(ndvi(temporal_extent=["1950-01-01", "1951-01-01"])), 400, "NoDataAvailable"),
        "no band": (process(ndvi(bands=["B99"])), 400, "ProcessParameterInvalid"),
        "no format": (process(ndvi("WORD")), 400, "ProcessParameterInvalid"),
    }
    for name, (given, status, code) in failures.items():
        assert refused(user.post("/result", json=given), status, code), name


@requirement(906)
@pytest.mark.parametrize("name", MEDIA_TYPES)
def test_media_types(name: str, user: httpx.Client) -> None:
    media_type, magic = MEDIA_TYPES[name]
    answer = user.post("/result", json=process(ndvi(name)))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.content.startswith(magic)


@requirement(902)
def test_billing(user: httpx.Client) -> None:
    for properties in ({"plan": "paid", "budget": 100}, {"plan": "PAID"}, {"plan": None, "budget": None}):
        answer = user.post("/result", json=process(add(), **properties))
        assert answer.status_code == 200, answer.text
    refused(user.post("/result", json=process(add(), plan="golden")), 400, "BillingPlanInvalid")
    refused(user.post("/result", json=process(add(), plan="paid", budget=0)), 400, "BudgetInvalid")


def logs_of(user: httpx.Client, answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    return list(user.get(answer.links["monitor"]["url"]).json()["logs"])


@requirement(903)
def test_log_level(user: httpx.Client) -> None:
    def levels(**properties: Any) -> list[str]:
        answer = user.post("/result", json=process(inspecting(level="warning"), **properties))
        if "monitor" not in answer.links:
            return []
        return [each["level"] for each in logs_of(user, answer)]

    assert "warning" in levels(log_level="warning")
    assert "warning" in levels(log_level="debug")
    assert levels(log_level="error") == []


@requirement(904)
def test_further_properties(user: httpx.Client) -> None:
    answer = user.post("/result", json=process(add(), title="A sum", river={"name": "Lech"}))
    assert answer.json() == 3


@requirement(907)
def test_costs(user: httpx.Client) -> None:
    free = user.post("/result", json=process(ndvi(), plan="free"))
    assert float(free.headers["openeo-costs"]) == 0
    paid = user.post("/result", json=process(ndvi(), plan="paid"))
    assert float(paid.headers["openeo-costs"]) > 0


@requirement(908)
def test_link_to_logs(user: httpx.Client, api: Api) -> None:
    answer = user.post("/result", json=process(inspecting()))
    (entry,) = logs_of(user, answer)
    assert (entry["level"], entry["message"]) == ("warning", "the sum")
    target = answer.links["monitor"]["url"]
    assert target.startswith(api.url)
    denied(httpx.get(target))
    refused(api.user().get(target), 404, "NotFound")


@requirement(909)
def test_several_files(user: httpx.Client) -> None:
    graph: Graph = {"load": load(), "first": save("load"), "second": save("load", "netCDF")}
    answer = user.post("/result", json=process(with_result(graph)))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        names = archive.getnames()
        first = archive.extractfile(next(name for name in names if name.endswith(".tif")))
        assert first is not None
        assert first.read(4) == MEDIA_TYPES["GTiff"][1]
    assert len(set(names)) == len(names) >= 2


@requirement(910)
def test_unpaid(user: httpx.Client) -> None:
    assert user.post("/result", json=process(ndvi(), plan="paid", budget=1000)).status_code == 200
    refused(user.post("/result", json=process(ndvi(), plan="paid", budget=0.000001)), 402, "PaymentRequired")
    assert user.post("/result", json=process(ndvi(), plan="free", budget=0.000001)).status_code == 200
