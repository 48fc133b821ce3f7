"""Synchronous computations, in the world of a child process."""

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.transform import Affine

from connexeo.drivers.local.computing.result import compute
from connexeo.drivers.local.computing.world import World
from connexeo.generated.errors import OpenEOError

CORNER = {
    "proj:code": "EPSG:32632",
    "proj:shape": [4, 4],
    "proj:transform": [10, 0, 600_000, 0, -10, 5_000_000],
}


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A folder with a collection of two images of 4 x 4 pixels."""
    folder = tmp_path / "catalogue" / "images"
    folder.mkdir(parents=True)
    extent = {
        "spatial": {"bbox": [[9, 44, 11, 46]]},
        "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
    }
    collection = {
        "type": "Collection",
        "id": "images",
        "stac_version": "1.0.0",
        "description": "Two images.",
        "license": "other",
    }
    (folder / "collection.json").write_text(json.dumps({**collection, "extent": extent, "links": []}))
    for day in (1, 2):
        write_item(folder / f"day{day}", day)
    return folder.parent


def write_item(folder: Path, day: int) -> None:
    folder.mkdir()
    profile = {
        "driver": "GTiff",
        "width": 4,
        "height": 4,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:32632",
    }
    with rasterio.open(
        folder / "B04.tif", "w", **profile, transform=Affine(10, 0, 600_000, 0, -10, 5_000_000)
    ) as file:
        file.write(np.full((1, 4, 4), day, np.float32))
    band = {"name": "B04", "common_name": "red"}
    asset = {"href": "./B04.tif", "type": "image/tiff", "roles": ["data"], "eo:bands": [band]}
    box = [10.26, 45.14, 10.28, 45.16]
    corners = [[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]], [box[0], box[1]]]
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": folder.name,
        "collection": "images",
        "bbox": box,
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "properties": {"datetime": f"2020-01-0{day}T00:00:00Z", **CORNER},
        "assets": {"B04": asset},
        "links": [],
    }
    (folder / f"{folder.name}.json").write_text(json.dumps(item))


class Counter:
    """A host that only wants to know how many pixels are read."""

    def __init__(self) -> None:
        self.pixels: list[int] = []

    def tell(self, message: Mapping[str, Any]) -> None:
        self.pixels.append(message["usage"]["pixels"])

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Any:
        raise AssertionError(name)


def node(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments}


def computed(
    folder: Path, catalogue: Path | None = None, host: Counter | None = None, **nodes: dict[str, Any]
) -> dict[str, Any]:
    """The answer of the task."""
    sources: dict[str, list[str]] = {"catalogues": [], "process_modules": [], "process_definitions": []}
    if catalogue is not None:
        sources["catalogues"] = [str(catalogue)]
    process = {"process_graph": nodes}
    request = {"process": process, "folder": str(folder), "sources": sources, "max_bytes": 2**20}
    return compute(request, World(request, host or Counter()))


def saved(source: str, format_name: str, **options: Any) -> dict[str, Any]:
    return node("save_result", data={"from_node": source}, format=format_name, options=options)


LOAD = node("load_collection", id="images", spatial_extent=None, temporal_extent=None)
MEAN = {"process_graph": {"n": {**node("mean", data={"from_parameter": "data"}), "result": True}}}


def test_pixels_are_counted(tmp_path: Path, catalogue: Path) -> None:
    host = Counter()
    computed(
        tmp_path / "result", catalogue, host, load=LOAD, save={**saved("load", "netcdf"), "result": True}
    )
    assert host.pixels == [2 * 4 * 4]


def test_several_results_are_one_archive(tmp_path: Path, catalogue: Path) -> None:
    mean = node("reduce_dimension", data={"from_node": "load"}, reducer=MEAN, dimension="t")
    flat = node("reduce_dimension", data={"from_node": "mean"}, reducer=MEAN, dimension="bands")
    answer = computed(
        tmp_path / "result",
        catalogue,
        load=LOAD,
        first=saved("load", "netcdf"),
        mean=mean,
        flat=flat,
        second=saved("flat", "netcdf"),
        last={**saved("mean", "gtiff"), "result": True},
    )
    assert answer["media_type"] == "application/x-tar"
    with tarfile.open(answer["files"][0]) as archive:
        assert archive.getnames() == ["openEO.nc", "openEO-2.nc", "openEO.tif"]
        archive.extractall(tmp_path, filter="data")
    with xr.open_dataset(tmp_path / "openEO.nc") as dataset:
        assert dataset["B04"].values[:, 0, 0].tolist() == [1, 2]
    with xr.open_dataset(tmp_path / "openEO-2.nc") as dataset:
        assert {name for name, variable in dataset.data_vars.items() if variable.ndim} == {"data"}
        assert (dataset["data"] == 1.5).all()
    with rasterio.open(tmp_path / "openEO.tif") as image:
        assert image.descriptions == ("B04",)
        assert (image.read(1) == 1.5).all()


def test_images_without_bands_have_no_band_names(tmp_path: Path, catalogue: Path) -> None:
    flat = node("reduce_dimension", data={"from_node": "load"}, reducer=MEAN, dimension="bands")
    first = node("reduce_dimension", data={"from_node": "flat"}, reducer=MEAN, dimension="t")
    answer = computed(
        tmp_path / "result",
        catalogue,
        load=LOAD,
        flat=flat,
        first=first,
        save={**saved("first", "gtiff"), "result": True},
    )
    with rasterio.open(answer["files"][0]) as image:
        assert image.descriptions == (None,)


def test_what_is_not_saved_is_written_all_the_same(tmp_path: Path) -> None:
    answer = computed(tmp_path, sum={**node("sum", data=[1, 2]), "result": True})
    assert answer["media_type"] == "application/json"
    assert Path(answer["files"][0]).read_bytes() == b"3"


def test_geometries_are_written_as_geojson(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [15.5, 47.1]}
    answer = computed(tmp_path, load={**node("load_geojson", data=point), "result": True})
    assert answer["media_type"] == "application/geo+json"
    (feature,) = json.loads(Path(answer["files"][0]).read_bytes())["features"]
    assert feature["geometry"] == point


def test_errors_name_their_node(tmp_path: Path) -> None:
    clip = {**node("clip", x=1, min=3, max=2), "result": True}
    with pytest.raises(OpenEOError, match=r"node 'limited'") as caught:
        computed(tmp_path, limited=clip)
    assert caught.value.code == "MinMaxSwapped"
