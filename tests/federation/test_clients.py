"""What a user of the openEO Python client does with a federation: one workflow at each back-end, one at two of them.

The federation takes one of the two demo collections of each of its back-ends. Each of these has both, so that it can
compute alone what the federation has computed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
import xarray as xr
from openeo.processes import process
from openeo.rest import OpenEoApiError
from openeo.rest.connection import connect

from federation.harness import BASIC, front_end_starter
from federation.proxy import FaultProxy
from federation.two_back_ends import Federation, Wait, computing, frozen, run
from graphs import BOX, COLLECTION
from oidc_issuer import OidcIssuer
from served import Server, StartServer

CLIMATE = "climate-monthly-demo"
SUMMER = ["2024-06-01", "2024-08-01"]
EUROPE = {"west": 9, "south": 44, "east": 14, "north": 50}
TIMES_TEN = {
    "product": {
        "process_id": "multiply",
        "arguments": {"x": {"from_parameter": "x"}, "y": 10},
        "result": True,
    }
}
X = [{"name": "x", "description": "Any number.", "schema": {"type": "number"}}]


@pytest.fixture(scope="module")
def federation(
    start_server: StartServer,
    start_oidc_issuer: Callable[..., OidcIssuer],
    demo_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Federation]:
    issuer = start_oidc_issuer()
    oidc = [issuer.provider()]

    def start(name: str) -> Server:
        data = tmp_path_factory.mktemp(name)
        (data / "demo").symlink_to(demo_data / "demo")
        private, known = name == "alps", json.dumps(oidc)
        return start_server("--demo", data=data, workers=1, allow_private_network=private, oidc=known)

    with ThreadPoolExecutor() as pool:
        alps, coast = pool.map(start, ("alps", "coast"))
    proxy = FaultProxy(coast.url)
    # Whatever else decides, jobs of both are joined in the alps, which may load from their own network.
    upstreams = [
        {"id": "alps", "url": alps.url, "weight": 1000.0, "collections": {"allow": [COLLECTION]}, **BASIC},
        {"id": "coast", "url": proxy.url, "collections": {"deny": [COLLECTION]}, **BASIC},
    ]
    patient = {"deadline": 3.0, "request_timeout": 20.0, "job_interval": 0.2}
    start_front_end = front_end_starter(start_server, lambda: tmp_path_factory.mktemp("front"))
    front_end = start_front_end(upstreams, users=["ana"], oidc=oidc, workers=2, **patient)
    folder = tmp_path_factory.mktemp("downloads")
    yield Federation(alps, coast, proxy, issuer, front_end, start_server, folder)
    proxy.close()


def ndvi(connection: Any) -> Any:
    cube = connection.load_collection(COLLECTION, BOX, SUMMER, ["B04", "B08"])
    return cube.ndvi(nir="B08", red="B04").reduce_dimension(dimension="t", reducer="mean")


def warmth(connection: Any) -> Any:
    cube = connection.load_collection(CLIMATE, EUROPE, SUMMER, ["t2m"])
    return cube.reduce_dimension(dimension="t", reducer="mean")


def both(green: Any, warm: Any) -> Any:
    """What none of the back-ends has alone; it is joined where more is done before, or else in the alps."""
    grid = {"resolution": 0.001, "projection": 4326}
    other = warm.reduce_dimension(dimension="bands", reducer="mean").resample_spatial(**grid)
    return green.resample_spatial(**grid).merge_cubes(other, overlap_resolver="sum").save_result("GTiff")


def usual(connection: Any) -> Any:
    return both(ndvi(connection), warmth(connection))


def longer(cube: Any, steps: int) -> Any:
    """More to do, which makes no difference."""
    for _ in range(steps):
        cube = cube.apply(lambda x: x + 0)
    return cube


def pixels(path: Path) -> Any:
    with rasterio.open(path) as image:
        return image.read()


@pytest.fixture(scope="module")
def whole(federation: Federation) -> Any:
    """What a back-end that has both collections computes alone."""
    path = federation.folder / "whole.tif"
    usual(federation.directly("alps")).download(path)
    return pixels(path)


@pytest.mark.parametrize(("home", "workflow"), [("alps", ndvi), ("coast", warmth)])
def test_a_workflow_at_one_back_end(
    federation: Federation, wait_until: Wait, home: str, workflow: Callable[[Any], Any], tmp_path: Path
) -> None:
    connection = federation.connection()
    homes = {each["id"]: each["federation:backends"] for each in connection.list_collections()}
    assert homes == {COLLECTION: ["alps"], CLIMATE: ["coast"]}
    cube = workflow(connection)
    assert cube.validate() == []
    job = cube.save_result("GTiff").create_job(title="mine")
    assert job.job_id.startswith(f"{home}~")
    job.start()
    cube.download(tmp_path / "result.tif", format="GTiff")
    cube.download(tmp_path / "result.nc", format="netCDF")
    workflow(federation.directly(home)).download(tmp_path / "direct.tif", format="GTiff")
    expected = pixels(tmp_path / "direct.tif")
    assert np.isfinite(expected).any()
    np.testing.assert_array_equal(pixels(tmp_path / "result.tif"), expected)
    with xr.open_dataset(tmp_path / "result.nc") as dataset:
        (values,) = [each.values for each in dataset.values() if each.ndim >= 2]
        np.testing.assert_allclose(np.squeeze(values), np.squeeze(expected))
    results = run(job, wait_until)
    assert results.get_metadata()["federation:backends"] == [home]
    (path,) = results.download_files(tmp_path / "results", include_stac_metadata=False)
    np.testing.assert_array_equal(pixels(path), expected)
    assert any("complete" in each["message"] for each in job.logs(level="info"))
    assert job.job_id in {each["id"] for each in connection.list_jobs()}
    job.delete()
    assert job.job_id not in {each["id"] for each in connection.list_jobs()}


def test_a_back_end_that_is_chosen(federation: Federation) -> None:
    connection = federation.connection()
    graph = {"sum": {"process_id": "add", "arguments": {"x": 3, "y": 5}, "result": True}}
    for home in ("alps", "coast"):
        job = connection.create_job(graph, additional={"federation:backends": [home]})
        assert job.job_id.startswith(f"{home}~")
        job.delete()


def test_a_stored_process(federation: Federation, tmp_path: Path) -> None:
    connection = federation.connection()
    stored = connection.save_user_defined_process("times_ten", process_graph=TIMES_TEN, parameters=X)
    warmth(connection).apply(lambda x: process("times_ten", x=x)).download(tmp_path / "ten.tif")
    warmth(connection).download(tmp_path / "one.tif")
    np.testing.assert_allclose(pixels(tmp_path / "ten.tif"), 10 * pixels(tmp_path / "one.tif"), rtol=1e-6)
    stored.delete()
    assert connection.list_user_defined_processes() == []
    assert federation.directly("coast").list_user_defined_processes() == []


def test_a_service(federation: Federation) -> None:
    connection = federation.connection()
    service = connection.create_service(ndvi(connection).flat_graph(), type="XYZ", title="NDVI", enabled=True)
    assert service.service_id.startswith("alps~")
    described = service.describe_service()
    tile = described["url"].format(z=12, x=2169, y=1431)
    assert httpx.get(tile, timeout=90).headers["content-type"] == "image/png"
    service.delete_service()
    assert connection.list_services() == []


def test_a_workflow_at_two_back_ends_of_which_one_goes_down(
    federation: Federation, wait_until: Wait, whole: Any
) -> None:
    connection = federation.connection()
    cube = usual(connection)
    assert cube.validate() == []
    with pytest.raises(OpenEoApiError, match="As a batch job it can be split among alps, coast"):
        cube.download(federation.folder / "none.tif")
    federation.warm_up(wait_until)
    with frozen(federation.coast):
        job = cube.create_job(title="of two")
        job.start()
        wait_until(lambda: federation.status_at("coast", job) == "running", "no part comes to the coast")
        (listed,) = connection.list_jobs()
        assert (listed["id"], listed["title"]) == (job.job_id, "of two")
        assert listed["federation:backends"] == ["alps", "coast"]
        federation.proxy.refuse()
        told = "The part 'part-1' waits for 'coast'"
        wait_until(lambda: any(told in each["message"] for each in job.logs()), "the log says nothing")
        assert job.status() in ("queued", "running")
        federation.proxy.heal()
    results = run(job, wait_until)
    (path,) = results.download_files(federation.folder / "of-two", include_stac_metadata=False)
    np.testing.assert_allclose(pixels(path), whole)
    assert results.get_metadata()["title"] == "of two"
    logs = list(job.logs())
    computed = [each["federation:backends"] for each in logs if "results are complete" in each["message"]]
    assert computed == [["coast"], ["alps"]]
    assert {name: len(found) for name, found in federation.parts(job).items()} == {"alps": 1, "coast": 1}
    connection.load_stac_from_job(job).download(federation.folder / "loaded.tif", format="GTiff")
    np.testing.assert_allclose(pixels(federation.folder / "loaded.tif"), whole)
    federation.kept["of two"] = job


def test_a_login_that_ends(federation: Federation, wait_until: Wait, whole: Any) -> None:
    def told(text: str) -> bool:
        return any(text in each["message"] for each in job.logs())

    connection: Any = connect(federation.front_end.url, auto_validate=False)
    first = federation.issuer.opaque("ana")
    connection.authenticate_oidc_access_token(first, provider_id="river")
    job = usual(connection).create_job(title="long")
    federation.proxy.refuse()
    job.start()
    wait_until(lambda: told("waits for 'coast'"), "the log says nothing of the coast")
    federation.issuer.revoke(first)
    federation.proxy.heal()
    wait_until(lambda: told("'coast' does not accept the login"), "the log says nothing of the login")
    assert job.status() == "queued"
    connection.authenticate_oidc_access_token(federation.issuer.opaque("ana"), provider_id="river")
    (path,) = run(job, wait_until).download_files(federation.folder / "long", include_stac_metadata=False)
    np.testing.assert_allclose(pixels(path), whole)
    job.delete()


def test_a_front_end_that_is_killed(federation: Federation, wait_until: Wait, whole: Any) -> None:
    job = usual(federation.connection()).create_job(title="interrupted")
    federation.warm_up(wait_until)
    with frozen(federation.coast):
        job.start()
        wait_until(lambda: job.status() == "running", "the part at the coast does not run")
        federation.kill()
        assert federation.status_at("coast", job) == "running"
        assert federation.status_at("alps", job) is None
    federation.start_again()
    results = run(job, wait_until)
    (path,) = results.download_files(federation.folder / "interrupted", include_stac_metadata=False)
    np.testing.assert_allclose(pixels(path), whole)
    assert {name: len(found) for name, found in federation.parts(job).items()} == {"alps": 1, "coast": 1}
    messages = [each["message"] for each in job.logs()]
    assert sum("has become the job" in each for each in messages) == 2
    # What had been computed before is there, too.
    former = federation.kept["of two"].get_results()
    (path,) = former.download_files(federation.folder / "again", include_stac_metadata=False)
    np.testing.assert_allclose(pixels(path), whole)
    for each in (job, federation.kept["of two"]):
        delete(federation, each, wait_until)
    assert federation.connection().list_jobs() == []


def delete(federation: Federation, job: Any, wait_until: Wait) -> None:
    """Delete a split job, and see that its parts go as well."""
    job.delete()
    assert job.job_id not in {each["id"] for each in federation.connection().list_jobs()}
    wait_until(lambda: not any(federation.parts(job).values()), "parts are left at the back-ends")


def test_canceling(federation: Federation, wait_until: Wait) -> None:
    connection = federation.connection()
    warm = connection.load_collection(CLIMATE, bands=["t2m"]).resample_spatial(0.02, projection=4326)
    warm = warm.apply(lambda x: x.sin().cos().sin().cos()).reduce_dimension(dimension="t", reducer="mean")
    # The coast computes for minutes.
    job = both(longer(ndvi(connection), 4), warm.filter_bbox(EUROPE)).create_job(title="endless")
    job.start()
    wait_until(lambda: federation.status_at("coast", job) == "running", "no part runs at the coast")
    wait_until(lambda: computing(federation.coast), "nobody computes at the coast")
    at_it = computing(federation.coast)
    job.stop()
    assert job.status() == "canceled"
    wait_until(
        lambda: federation.status_at("coast", job) not in ("queued", "running"), "the part is not canceled"
    )
    wait_until(lambda: not set(at_it) & set(computing(federation.coast)), "the part goes on")
    assert federation.status_at("alps", job) is None
    delete(federation, job, wait_until)


def test_a_part_that_fails(federation: Federation, wait_until: Wait) -> None:
    connection = federation.connection()
    winter = connection.load_collection(CLIMATE, EUROPE, ["2019-01-01", "2019-02-01"], ["t2m"])
    job = both(ndvi(connection), winter.reduce_dimension(dimension="t", reducer="mean")).create_job()
    job.start()
    wait_until(lambda: job.status() == "error", "the job does not fail")
    last = list(job.logs(level="error"))[-1]
    assert last["federation:backends"] == ["coast"]
    assert last["message"].startswith("The part 'part-1' at 'coast' has failed. ")
    with pytest.raises(OpenEoApiError, match="has failed"):
        job.get_results().get_metadata()
    assert federation.status_at("alps", job) is None
    delete(federation, job, wait_until)


def test_results_that_a_back_end_must_not_load(federation: Federation, wait_until: Wait) -> None:
    connection = federation.connection()
    job = both(ndvi(connection), longer(warmth(connection), 2)).create_job()
    job.start()
    wait_until(lambda: job.status() == "error", "the job does not fail")
    last = list(job.logs(level="error"))[-1]
    assert last["message"].startswith("The part 'main' at 'coast' has failed. ")
    assert "is a private one (see the setting `allow_private_network`)" in last["message"]
    delete(federation, job, wait_until)
