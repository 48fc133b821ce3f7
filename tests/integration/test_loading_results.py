"""Results of batch jobs in further computations: by id, and by the addresses that the API gives out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio

COLLECTION = "sentinel-2-l2a-demo"
BOX = {"west": 623000, "south": 5267000, "east": 623500, "north": 5267500, "crs": 32632}
PASSWORD = "a rather long sentence"

Graph = dict[str, Any]


@pytest.fixture(scope="module")
def users(
    demo_server: Any, token_of: Callable[..., str], run_command: Callable[..., Any]
) -> Iterator[dict[str, httpx.Client]]:
    clients = {}
    for name in ("mia", "nils"):
        added = run_command(
            "users", "add", name, "--password-stdin", data=demo_server.data, text=f"{PASSWORD}\n"
        )
        assert added.returncode == 0, added.stderr
        headers = {"Authorization": f"Bearer {token_of(demo_server, name, PASSWORD)}"}
        clients[name] = httpx.Client(base_url=demo_server.url, headers=headers, timeout=120)
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture(scope="module")
def mia(users: dict[str, httpx.Client]) -> httpx.Client:
    """Whose job it is."""
    return users["mia"]


@pytest.fixture(scope="module")
def nils(users: dict[str, httpx.Client]) -> httpx.Client:
    """Another user."""
    return users["nils"]


def loading(process_id: str, **arguments: Any) -> Graph:
    save = {"data": {"from_node": "load"}, "format": "netCDF"}
    return {
        "load": {"process_id": process_id, "arguments": arguments},
        "save": {"process_id": "save_result", "arguments": save, "result": True},
    }


@pytest.fixture(scope="module")
def job(mia: httpx.Client, wait_until: Callable[..., None]) -> str:
    """A job with a GeoTIFF of two bands for each date."""
    when = ["2024-05-01", "2024-08-01"]
    graph = loading(
        "load_collection", id=COLLECTION, spatial_extent=BOX, temporal_extent=when, bands=["B04", "B08"]
    )
    graph["save"]["arguments"]["format"] = "GTiff"
    created = mia.post("/jobs", json={"process": {"process_graph": graph}})
    job_id = str(created.headers["openeo-identifier"])
    assert mia.post(f"/jobs/{job_id}/results").status_code == 202
    wait_until(
        lambda: mia.get(f"/jobs/{job_id}").json()["status"] in ("finished", "error"), "the job did not end"
    )
    assert mia.get(f"/jobs/{job_id}").json()["status"] == "finished", mia.get(f"/jobs/{job_id}/logs").text
    return job_id


@pytest.fixture(scope="module")
def canonical(mia: httpx.Client, job: str) -> str:
    """The signed address of the job's results."""
    links = mia.get(f"/jobs/{job}/results").json()["links"]
    return str(next(link["href"] for link in links if link["rel"] == "canonical"))


def compute(client: httpx.Client, process_id: str, **arguments: Any) -> httpx.Response:
    return client.post("/result", json={"process": {"process_graph": loading(process_id, **arguments)}})


def opened(answer: httpx.Response, path: Path) -> dict[str, np.ndarray]:
    """Values of a netCDF answer, by variable."""
    import xarray as xr

    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    with xr.open_dataset(path, engine="netcdf4") as dataset:
        bands = {str(name): variable.values for name, variable in dataset.data_vars.items()}
    return {name: values for name, values in bands.items() if values.ndim == 3}


@pytest.fixture(scope="module")
def expected(mia: httpx.Client, canonical: str, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Pixels `(t, bands, y, x)` of the job's files, downloaded and read without us."""
    folder = tmp_path_factory.mktemp("files")
    assets = httpx.get(canonical).json()["assets"]
    dates = []
    for name in sorted(name for name, asset in assets.items() if asset["type"].startswith("image/tiff")):
        (folder / name).write_bytes(httpx.get(assets[name]["href"]).content)
        with rasterio.open(folder / name) as source:
            dates.append(source.read())
    assert len(dates) > 1
    return np.stack(dates)


@pytest.mark.parametrize(
    "way", ["load_result by id", "load_result", "load_stac", "load_stac at the endpoint"]
)
def test_results_come_back(
    way: str,
    demo_server: Any,
    mia: httpx.Client,
    job: str,
    canonical: str,
    expected: np.ndarray,
    tmp_path: Path,
) -> None:
    process_id, _, by = way.partition(" ")
    place = {"by id": job, "at the endpoint": f"{demo_server.url}/jobs/{job}/results"}
    parameter = {"load_result": "id", "load_stac": "url"}[process_id]
    values = opened(compute(mia, process_id, **{parameter: place.get(by, canonical)}), tmp_path / "loaded.nc")
    assert list(values) == ["B04", "B08"]
    np.testing.assert_allclose(np.stack(list(values.values()), axis=1), expected)


def test_extents_and_bands(mia: httpx.Client, job: str, expected: np.ndarray, tmp_path: Path) -> None:
    box = {**BOX, "east": BOX["west"] + 100}
    limits = {"spatial_extent": box, "temporal_extent": ["2024-06-01", None], "bands": ["B08"]}
    values = opened(compute(mia, "load_result", id=job, **limits), tmp_path / "loaded.nc")
    assert list(values) == ["B08"]
    count = len(values["B08"])
    assert 0 < count < len(expected)
    np.testing.assert_allclose(values["B08"], expected[-count:, 1, :, :10])
    answer = compute(mia, "load_result", id=job, bands=["B99"])
    assert answer.json()["code"] == "ProcessParameterInvalid"
    assert "B04, B08" in answer.json()["message"]


def test_others_need_the_signed_address(
    demo_server: Any, nils: httpx.Client, job: str, canonical: str, tmp_path: Path
) -> None:
    unknown = compute(nils, "load_result", id="j-" + "0" * 32).json()
    foreign = compute(nils, "load_result", id=job).json()
    assert foreign["code"] == unknown["code"] == "JobNotFound"
    assert foreign["message"].replace(job, "") == unknown["message"].replace("j-" + "0" * 32, "")
    refused = compute(nils, "load_stac", url=f"{demo_server.url}/jobs/{job}/results")
    assert refused.status_code == 400
    assert refused.json()["code"] == "ProcessParameterInvalid"
    assert opened(compute(nils, "load_stac", url=canonical, bands=["B04"]), tmp_path / "a.nc").keys() == {
        "B04"
    }
    cut = compute(nils, "load_stac", url=canonical[:-1]).json()
    assert "use a public address" in cut["message"] or "not allowed" in cut["message"]


def test_jobs_without_results(mia: httpx.Client) -> None:
    graph = loading("load_collection", id=COLLECTION, spatial_extent=BOX, temporal_extent=None)
    created = mia.post("/jobs", json={"process": {"process_graph": graph}})
    answer = compute(mia, "load_result", id=created.headers["openeo-identifier"]).json()
    assert answer["code"] == "JobNotFinished"


def test_jobs_load_results_of_jobs(
    demo_server: Any, mia: httpx.Client, job: str, wait_until: Callable[..., None]
) -> None:
    ids = []
    for graph in (
        loading("load_result", id=job),
        loading("load_stac", url=f"{demo_server.url}/jobs/{job}/results"),
    ):
        created = mia.post("/jobs", json={"process": {"process_graph": graph}})
        ids.append(created.headers["openeo-identifier"])
        mia.post(f"/jobs/{ids[-1]}/results")
    for job_id in ids:
        wait_until(
            lambda one=job_id: mia.get(f"/jobs/{one}").json()["status"] in ("finished", "error"),
            "it did not end",
        )
        assert mia.get(f"/jobs/{job_id}").json()["status"] == "finished", mia.get(f"/jobs/{job_id}/logs").text


FIELDS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [10.6355 + 0.0007 * step, 47.547]},
            "properties": {"target": step % 3},
        }
        for step in range(8)
    ],
}


def test_models_are_trained_saved_and_used(
    mia: httpx.Client, nils: httpx.Client, wait_until: Callable[..., None], tmp_path: Path
) -> None:
    """A job trains; what it saves is found by its id and by its address, and only by those who may."""
    load = loading(
        "load_collection", id=COLLECTION, spatial_extent=BOX, temporal_extent=None, bands=["B04", "B08"]
    )
    mean = {"m": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}
    over = {"data": {"from_node": "load"}, "dimension": "t", "reducer": {"process_graph": mean}}
    load["t"] = {"process_id": "reduce_dimension", "arguments": over}
    sites = {"data": {"from_node": "t"}, "geometries": FIELDS, "reducer": {"process_graph": mean}}
    fit = {"predictors": {"from_node": "sites"}, "target": FIELDS, "num_trees": 5, "seed": 1}
    training: Graph = {
        "load": load["load"],
        "t": load["t"],
        "sites": {"process_id": "aggregate_spatial", "arguments": sites},
        "fit": {"process_id": "fit_class_random_forest", "arguments": fit},
        "save": {"process_id": "save_ml_model", "arguments": {"data": {"from_node": "fit"}}, "result": True},
    }
    created = mia.post("/jobs", json={"process": {"process_graph": training}})
    assert created.status_code == 201, created.text
    job_id = str(created.headers["openeo-identifier"])
    mia.post(f"/jobs/{job_id}/results")
    wait_until(lambda: mia.get(f"/jobs/{job_id}").json()["status"] in ("finished", "error"), "it did not end")
    assert mia.get(f"/jobs/{job_id}").json()["status"] == "finished", mia.get(f"/jobs/{job_id}/logs").text
    links = mia.get(f"/jobs/{job_id}/results").json()["links"]
    item = httpx.get(next(link["href"] for link in links if link["rel"] == "item")).json()
    assert item["properties"]["ml-model:prediction_type"] == "classification"
    canonical = next(link["href"] for link in links if link["rel"] == "canonical")

    model = {"from_parameter": "context"}
    predict = {
        "process_id": "predict_random_forest",
        "arguments": {"data": {"from_parameter": "data"}, "model": model},
    }
    bands = {"data": {"from_node": "t"}, "dimension": "bands", "context": {"from_node": "model"}}
    bands["reducer"] = {"process_graph": {"p": {**predict, "result": True}}}
    for place in (job_id, canonical):
        prediction: Graph = {
            **load,
            "model": {"process_id": "load_ml_model", "arguments": {"id": place}},
            "classes": {"process_id": "reduce_dimension", "arguments": bands},
        }
        save = {**load["save"]["arguments"], "data": {"from_node": "classes"}, "format": "GTiff"}
        prediction["save"] = {**load["save"], "arguments": save}
        answer = mia.post("/result", json={"process": {"process_graph": prediction}})
        assert answer.status_code == 200, answer.text
        (tmp_path / "classes.tif").write_bytes(answer.content)
        with rasterio.open(tmp_path / "classes.tif") as source:
            assert set(np.unique(source.read()).tolist()) == {0, 1, 2}
    prediction["model"]["arguments"]["id"] = job_id
    refused = nils.post("/result", json={"process": {"process_graph": prediction}})
    assert refused.json()["code"] == "JobNotFound"
