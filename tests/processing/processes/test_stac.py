"""`load_stac` and `load_result` on files of a folder, which a web and a workspace of the tests hand out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.transform import Affine

from connexeo.drivers.local.environment import Sources, load_definitions
from connexeo.fetch import FetchFailed, FetchRefused
from connexeo.generated.errors import (
    FeatureUnsupported,
    Internal,
    JobNotFound,
    NoDataAvailable,
    ProcessParameterInvalid,
    TemporalExtentEmpty,
)
from connexeo.processing.definitions import Definitions
from connexeo.processing.environment import Environment, LogEntry
from connexeo.processing.evaluation import evaluate
from connexeo.processing.planning.dry_run import DryRun, PixelsNeeded
from connexeo.processing.planning.planner import plan
from connexeo.processing.reading.gaps import Gaps
from working import node, process

BASE = "https://stac.example"
WEST, NORTH, SIZE, STEP = 600000.0, 5300000.0, 32, 10.0
BOX = [10.33, 47.84, 10.36, 47.86]


class Web:
    """Documents and files at URLs; nothing else exists."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents: dict[str, Any] = {}
        self.copied: list[str] = []
        self.here: dict[str, list[dict[str, Any]]] = {}
        """Items of our own results, by URL."""

    def document(self, url: str) -> Any:
        if not url.startswith(BASE):
            raise FetchRefused("the address is not allowed")
        found = self.documents.get(url.partition("?")[0])
        if found is None:
            raise FetchFailed("the server answers with status 404", 404)
        return found

    def file(self, url: str) -> Path:
        if not url.startswith(BASE):
            raise FetchRefused("the address is not allowed")
        self.copied.append(url.rpartition("/")[2])
        return self.folder / url.rpartition("/")[2]

    def results(self, url: str) -> list[dict[str, Any]] | None:
        return self.here.get(url)

    def tif(self, name: str, seed: int, dtype: str = "uint16") -> np.ndarray:
        values = np.random.default_rng(seed).integers(1, 200, (SIZE, SIZE)).astype(dtype)
        transform = Affine(STEP, 0, WEST, 0, -STEP, NORTH)
        with rasterio.open(
            self.folder / name, "w", driver="GTiff", width=SIZE, height=SIZE, count=1, dtype=dtype,
            crs="EPSG:32632", transform=transform,
        ) as target:  # fmt: skip
            target.write(values, 1)
        return values


class Workspace:
    """Results of the job ``j-1`` of the user."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.items = items

    def results(self, job_id: str) -> list[dict[str, Any]]:
        if job_id != "j-1":
            raise JobNotFound(identifier=job_id)
        return self.items

    def file(self, path: str) -> Path:
        raise NotImplementedError

    def save(self, path: str, source: Path) -> None:
        raise NotImplementedError


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(tmp_path)


@pytest.fixture
def world(environment: Environment, web: Web) -> Environment:
    return replace(environment, web=web)


def scene(web: Web, number: int, **properties: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A scene of two bands on one day of May 2024, which also has a picture."""
    values = {
        band: web.tif(f"s{number}_{band}.tif", seed) for seed, band in enumerate(("B04", "B08"), 10 * number)
    }
    assets = {
        band: {"href": f"files/s{number}_{band}.tif", "type": "image/tiff", "eo:bands": [{"name": band}]}
        for band in values
    }
    assets["thumbnail"] = {"href": "picture.png", "type": "image/png", "roles": ["thumbnail"]}
    item = {
        "type": "Feature",
        "id": f"s{number}",
        "bbox": BOX,
        "properties": {"datetime": f"2024-05-0{number}T10:00:00Z", **properties},
        "assets": assets,
    }
    return item, values


@pytest.fixture
def catalogue(web: Web) -> list[dict[str, np.ndarray]]:
    """A static collection of three scenes; gives their values."""
    scenes = [scene(web, number, **{"eo:cloud_cover": 20 * number}) for number in (1, 2, 3)]
    for item, _ in scenes:
        web.documents[f"{BASE}/{item['id']}"] = item
    web.documents[f"{BASE}/c"] = {
        "type": "Collection",
        "id": "c",
        "links": [{"rel": "item", "href": f"./{item['id']}"} for item, _ in scenes],
    }
    return [values for _, values in scenes]


def load(world: Environment, process_id: str = "load_stac", **arguments: Any) -> xr.DataArray:
    graph = {"load": {"process_id": process_id, "arguments": arguments, "result": True}}
    value = evaluate({"process_graph": graph}, environment=world)
    assert isinstance(value, xr.DataArray)
    return value.compute()


def test_a_static_collection(world: Environment, web: Web, catalogue: list[dict[str, np.ndarray]]) -> None:
    cube = load(world, url=f"{BASE}/c")
    assert cube.dims == ("t", "bands", "y", "x")
    assert cube.coords["bands"].values.tolist() == ["B04", "B08"]
    expected = np.stack([np.stack([one["B04"], one["B08"]]) for one in catalogue])
    np.testing.assert_array_equal(cube.values, expected)
    assert cube.coords["x"].values[0] == WEST + STEP / 2
    assert "picture.png" not in web.copied


def test_only_what_is_asked_for_is_copied(
    world: Environment, web: Web, catalogue: list[dict[str, np.ndarray]]
) -> None:
    condition = {
        "c": {"process_id": "lte", "arguments": {"x": {"from_parameter": "value"}, "y": 50}, "result": True}
    }
    cube = load(
        world,
        url=f"{BASE}/c",
        bands=["B08"],
        temporal_extent=["2024-05-02", None],
        properties={"eo:cloud_cover": {"process_graph": condition}},
    )
    assert web.copied == ["s2_B08.tif"]
    np.testing.assert_array_equal(cube.values[0, 0], catalogue[1]["B08"])


def test_spatial_extent(world: Environment, catalogue: list[dict[str, np.ndarray]]) -> None:
    extent = {"west": WEST + 50, "east": WEST + 100, "south": NORTH - 80, "north": NORTH - 20, "crs": 32632}
    cube = load(world, url=f"{BASE}/c", spatial_extent=extent, bands=["B04"])
    np.testing.assert_array_equal(cube.values[2, 0], catalogue[2]["B04"][2:8, 5:10])


def test_an_item(world: Environment, catalogue: list[dict[str, np.ndarray]]) -> None:
    cube = load(world, url=f"{BASE}/s1", bands=["B08", "B04"])
    np.testing.assert_array_equal(cube.values[0, 0], catalogue[0]["B08"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"url": f"{BASE}/c", "temporal_extent": ["2020-01-01", "2021-01-01"]}, NoDataAvailable, "extents"),
        ({"url": f"{BASE}/c", "temporal_extent": ["2021-01-01", "2020-01-01"]}, TemporalExtentEmpty, "later"),
        ({"url": f"{BASE}/c", "bands": ["B99"]}, ProcessParameterInvalid, "'load_stac'.*'B99'.*B04"),
        (
            {"url": f"{BASE}/gone?key=secret"},
            ProcessParameterInvalid,
            "'https://stac.example/gone' cannot.*404",
        ),
        ({"url": "http://10.0.0.1/c"}, ProcessParameterInvalid, "not allowed"),
        ({"url": "file:///etc/passwd"}, ProcessParameterInvalid, "url"),
        ({"url": f"{BASE}/nothing"}, ProcessParameterInvalid, "no STAC"),
    ],
)
def test_what_cannot_be_loaded(
    world: Environment,
    web: Web,
    catalogue: Any,
    arguments: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    web.documents[f"{BASE}/nothing"] = {"type": "nothing"}
    with pytest.raises(error, match=message) as caught:
        load(world, **arguments)
    assert "secret" not in str(caught.value)


def test_files_elsewhere_are_copied_within_the_limits_too(world: Environment, web: Web) -> None:
    item, _ = scene(web, 1)
    item["assets"]["B04"]["href"] = "http://10.0.0.1/s1_B04.tif"
    web.documents[f"{BASE}/s1"] = item
    with pytest.raises(ProcessParameterInvalid, match="not allowed"):
        load(world, url=f"{BASE}/s1", bands=["B04"])
    assert web.copied == []


@pytest.mark.parametrize("href", ["/etc/passwd", "file:///etc/passwd", "s3://bucket/a.tif", "/vsizip/a.tif"])
def test_paths_of_this_machine_are_never_opened(
    world: Environment, web: Web, href: str, tmp_path: Path
) -> None:
    item, _ = scene(web, 1)
    item["assets"] = {"B04": {**item["assets"]["B04"], "href": href}}
    web.documents[f"{BASE}/s1"] = item
    # What looks like a path is one of the server that the document comes from; there is no file with it.
    with pytest.raises((FeatureUnsupported, Internal)) as caught:
        load(world, url=f"{BASE}/s1")
    assert "root:" not in str(caught.value)
    assert set(web.copied) <= {"passwd", "a.tif"}
    assert (href.startswith("/")) == bool(web.copied)


@pytest.mark.parametrize("external", [False, True])
def test_netcdf_that_reads_other_files_of_the_machine(
    world: Environment, web: Web, tmp_path: Path, external: bool
) -> None:
    import h5py

    secret = tmp_path / "secret"
    secret.write_bytes(b"twelve bytes")
    with h5py.File(web.folder / "a.nc", "w") as root:
        for name, labels in (("lat", [47.5, 47.4, 47.3]), ("lon", [11.0, 11.1, 11.2, 11.3])):
            root.create_dataset(name, data=np.array(labels)).make_scale(name)
        place: dict[str, Any] = {"external": [(str(secret), 0, 12)]} if external else {}
        heat = root.create_dataset("heat", shape=(3, 4), dtype="u1", **place)
        for axis, name in enumerate(("lat", "lon")):
            heat.dims[axis].attach_scale(root[name])
    item, _ = scene(web, 1)
    del item["bbox"]
    item["assets"] = {"heat": {"href": "a.nc", "type": "application/x-netcdf", "bands": [{"name": "heat"}]}}
    web.documents[f"{BASE}/s1"] = item
    if external:
        with pytest.raises(ProcessParameterInvalid, match="holds all its values itself"):
            load(world, url=f"{BASE}/s1")
    else:
        assert load(world, url=f"{BASE}/s1").shape == (1, 1, 3, 4)


def test_documents_that_lie_about_their_form(world: Environment, web: Web, catalogue: Any) -> None:
    web.documents[f"{BASE}/c"] |= {
        "cube:dimensions": [1],
        "item_assets": 5,
        "summaries": {"eo:bands": 3},
        "bands": 7,
    }
    assert load(world, url=f"{BASE}/c").sizes["t"] == 3


def test_a_dry_run_copies_nothing(world: Environment, web: Web, catalogue: Any) -> None:
    with pytest.raises((PixelsNeeded, Internal)) as caught:
        load(replace(world, dry_run=DryRun()), url=f"{BASE}/c")
    assert isinstance(caught.value, PixelsNeeded) or isinstance(caught.value.__cause__, PixelsNeeded)
    assert web.copied == []


def result_items(web: Web) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Items of a job that has made a file of one band for each of two dates."""
    items, values = [], []
    for number in (1, 2):
        name = f"openEO_2024-05-0{number}.tif"
        values.append(web.tif(name, number, dtype="float32"))
        asset = {"href": str(web.folder / name), "type": "image/tiff; application=geotiff", "roles": ["data"]}
        properties = {"datetime": f"2024-05-0{number}T00:00:00Z"}
        items.append(
            {"type": "Feature", "id": name, "bbox": BOX, "properties": properties, "assets": {name: asset}}
        )
    return items, values


def test_results_of_a_job(environment: Environment, web: Web) -> None:
    items, values = result_items(web)
    world = replace(environment, workspace=Workspace(items))
    cube = load(world, "load_result", id="j-1")
    assert cube.dims == ("t", "y", "x")
    np.testing.assert_array_equal(cube.values, np.stack(values))
    assert load(world, "load_result", id="j-1", temporal_extent=["2024-05-02", None]).sizes["t"] == 1
    with pytest.raises(JobNotFound, match="j-2"):
        load(world, "load_result", id="j-2")


def test_results_with_bands(environment: Environment, web: Web) -> None:
    items, values = result_items(web)
    for item in items:
        (asset,) = item["assets"].values()
        asset["bands"] = [{"name": "ndvi"}]
    cube = load(replace(environment, workspace=Workspace(items)), "load_result", id="j-1", bands=["ndvi"])
    assert cube.dims == ("t", "bands", "y", "x")
    np.testing.assert_array_equal(cube.values[:, 0], np.stack(values))


@pytest.mark.parametrize(("process_id", "parameter"), [("load_stac", "url"), ("load_result", "id")])
def test_addresses_of_our_own_results(world: Environment, web: Web, process_id: str, parameter: str) -> None:
    url = "https://us.example/results/j-1/permission"
    web.here[url], values = result_items(web)
    cube = load(world, process_id, **{parameter: url})
    np.testing.assert_array_equal(cube.values, np.stack(values))
    assert web.copied == []


def test_without_a_web_or_a_workspace(environment: Environment) -> None:
    for process_id, arguments in (("load_stac", {"url": BASE}), ("load_result", {"id": "j-1"})):
        with pytest.raises(FeatureUnsupported):
            load(environment, process_id, **arguments)


@pytest.fixture
def shared(web: Web) -> tuple[Path, np.ndarray]:
    """A folder with a collection of one scene; gives the values of its band B04, too."""
    folder = web.folder / "shared data"
    (folder / "files").mkdir(parents=True)
    item, values = scene(web, 1)
    for band in values:
        (web.folder / f"s1_{band}.tif").rename(folder / "files" / f"s1_{band}.tif")
    (folder / "item.json").write_text(json.dumps(item))
    collection = {"type": "Collection", "id": "c", "links": [{"rel": "item", "href": "./item.json"}]}
    (folder / "collection.json").write_text(json.dumps(collection))
    return folder, values["B04"]


def test_folders_of_the_deployment(environment: Environment, shared: tuple[Path, np.ndarray]) -> None:
    folder, values = shared
    world = replace(environment, folders=(folder,), definitions=with_paths())
    for url in (str(folder / "collection.json"), (folder / "item.json").as_uri()):
        cube = load(world, url=url, bands=["B04"])
        np.testing.assert_array_equal(cube.isel(t=0, bands=0).values, values)
    # Nothing has to be copied to tell what it takes.
    graph = {"load": {"process_id": "load_stac", "arguments": {"url": url}, "result": True}}
    assert plan({"process_graph": graph}, world).pixels == 2 * SIZE * SIZE


def test_nothing_is_read_outside_of_these_folders(
    environment: Environment, shared: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    folder, _ = shared
    secret = tmp_path / "secret.json"
    secret.write_text((folder / "item.json").read_text())
    (folder / "link.json").symlink_to(secret)
    world = replace(environment, folders=(folder,), definitions=with_paths())
    refused = "it is in none of the folders that this back-end lets users load from"
    places = [secret, folder / "link.json", folder / ".." / "secret.json", tmp_path / "missing.json"]
    for place in [*map(str, places), "file://elsewhere.example/a.json"]:
        with pytest.raises(ProcessParameterInvalid, match=refused):
            load(world, url=place)
    with pytest.raises(ProcessParameterInvalid, match="it does not exist"):
        load(world, url=str(folder / "missing.json"))
    # Documents there do not lead elsewhere either.
    item = json.loads(secret.read_text())
    for asset in item["assets"].values():
        asset["href"] = f"../{asset['href'].rpartition('/')[2]}"
    (folder / "item.json").write_text(json.dumps(item))
    with pytest.raises(ProcessParameterInvalid, match=refused):
        load(world, url=str(folder / "item.json"))


def test_paths_are_refused_without_such_folders(environment: Environment, shared: Any) -> None:
    with pytest.raises(ProcessParameterInvalid):
        load(environment, url=str(shared[0] / "item.json"))
    with pytest.raises(ProcessParameterInvalid, match="none of the folders"):
        load(replace(environment, definitions=with_paths()), url=str(shared[0] / "item.json"))


def with_paths() -> Definitions:
    """The definitions of a deployment that has such folders."""
    return load_definitions(Sources(stac_folders=("/data",)))


def test_files_that_cannot_be_copied_are_named_or_gaps(
    world: Environment, web: Web, catalogue: list[dict[str, np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def file(url: str) -> Path:
        if url.endswith("s2_B04.tif"):
            raise FetchFailed("the server answers with status 404", 404)
        return web.folder / url.rpartition("/")[2]

    monkeypatch.setattr(web, "file", file)
    message = "'B04' of the item 's2' at stac.example' cannot be loaded: the server answers with status 404"
    with pytest.raises(ProcessParameterInvalid, match=message):
        load(world, url=f"{BASE}/c")
    logs: list[LogEntry] = []
    cube = load(replace(world, gaps=Gaps(1.0, logs.append)), url=f"{BASE}/c")
    assert [entry.data["item"] for entry in logs] == ["s2"]
    assert np.isnan(cube.sel(bands="B04").values[1]).all()
    np.testing.assert_array_equal(cube.sel(bands="B08").values[1], catalogue[1]["B08"])
    with pytest.raises(Internal, match="1 of 6 assets"):
        load(replace(world, gaps=Gaps(0.1, logs.append)), url=f"{BASE}/c")


def test_items_are_chosen_by_their_ids_too(world: Environment, catalogue: Any) -> None:
    is_second = {"same": node("eq", x={"from_parameter": "value"}, y="s2")}
    cube = load(world, url=f"{BASE}/c", properties={"id": process(**is_second)})
    assert cube.t.dt.day.values.tolist() == [2]
