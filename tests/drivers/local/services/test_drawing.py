"""Tiles of the demo collections, pixel by pixel, as child processes draw them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from pyproj import Transformer

from connexeo.drivers.local.computing.world import World
from connexeo.drivers.local.services.drawing import _environment, compute, survey
from connexeo.drivers.local.services.matrices import place_of
from connexeo.drivers.local.services.types import find_type, resolve_configuration
from connexeo.generated.errors import FeatureUnsupported, OpenEOError

SENTINEL = "sentinel-2-l2a-demo"
JULY = ["2024-07-01", "2024-07-02"]
"""A day without clouds."""
INSIDE = (14, 8678, 5724)

Task = Callable[..., dict[str, Any]]


class Silence:
    """A channel that nobody listens at."""

    def tell(self, message: Any) -> None:
        pass

    def ask(self, name: str, arguments: Any) -> Any:
        raise AssertionError("nothing is asked")


@pytest.fixture
def world(demo_data: Path) -> World:
    sources = {"catalogues": [str(demo_data / "demo")], "process_modules": [], "process_definitions": []}
    return World({"sources": sources, "user": "ana"}, Silence())


def node(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments}


def process(
    *, extent: Any = None, time: Any = JULY, bands: Any = ("B04", "B08"), **nodes: Any
) -> dict[str, Any]:
    """A process that loads the collection, and does more with it."""
    load = node(
        "load_collection", id=SENTINEL, spatial_extent=extent, temporal_extent=time, bands=list(bands)
    )
    graph = {"load": load, **nodes}
    graph[list(graph)[-1]]["result"] = True
    return {"process_graph": graph}


def ndvi(**options: Any) -> dict[str, Any]:
    data = {"from_parameter": "data"}
    reducer = {
        "nir": node("array_element", data=data, label="B08"),
        "red": node("array_element", data=data, label="B04"),
        "ndvi": {
            **node("normalized_difference", x={"from_node": "nir"}, y={"from_node": "red"}),
            "result": True,
        },
    }
    reduce = node(
        "reduce_dimension", data={"from_node": "load"}, dimension="bands", reducer={"process_graph": reducer}
    )
    return process(**options, ndvi=reduce)


def request(of: dict[str, Any], tile: tuple[int, int, int] = INSIDE, **settings: Any) -> dict[str, Any]:
    """The request for a tile."""
    configuration = resolve_configuration(find_type("XYZ"), settings)
    place, size = place_of("WebMercatorQuad", *tile), configuration["tile_size"]
    west, south, east, north = place.bounds
    margin = (east - west) / 2
    extent = {
        "west": west - margin,
        "south": south - margin,
        "east": east + margin,
        "north": north + margin,
        "crs": 3857,
    }
    return {
        "process": of,
        "parameters": {"spatial_extent": extent, "zoom": tile[0], "x": tile[1], "y": tile[2]},
        "window": {"bounds": place.bounds, "crs": place.crs, "width": size, "height": size},
        "settings": configuration,
        "range": None,
    }


def picture(answer: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Pixels of shape `(y, x, 4)`."""
    with Image.open(io.BytesIO(base64.b64decode(answer["picture"]))) as image:
        return np.asarray(image.convert("RGBA")).astype(int)


def expected(demo: Path, name: str, tile: tuple[int, int, int], size: int = 256) -> np.ndarray[Any, Any]:
    """Numbers of a band at the centres of the pixels of a tile; NaN where there are none."""
    west, south, east, north = place_of("WebMercatorQuad", *tile).bounds
    x = west + (np.arange(size) + 0.5) * (east - west) / size
    y = north - (np.arange(size) + 0.5) * (north - south) / size
    (path,) = (demo / "demo" / SENTINEL).glob(f"*20240701/{name}.tif")
    with rasterio.open(path) as file:
        to_file = Transformer.from_crs("EPSG:3857", file.crs, always_xy=True)
        there = to_file.transform(*np.meshgrid(x, y))
        corner, step = file.transform @ (0, 0), file.transform.a
        columns = np.floor((there[0] - corner[0]) / step).astype(int)
        rows = np.floor((corner[1] - there[1]) / step).astype(int)
        values = file.read(1).astype(float)
    inside = (columns >= 0) & (columns < values.shape[1]) & (rows >= 0) & (rows < values.shape[0])
    taken = values[np.clip(rows, 0, values.shape[0] - 1), np.clip(columns, 0, values.shape[1] - 1)]
    return np.where(inside & (taken != 0), taken, np.nan)


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize(
    "tile", [INSIDE, (14, 8675, 5720), (16, 34713, 22898)], ids=["inside", "corner", "deep"]
)
@pytest.mark.parametrize("by", ["window", "parameter"])
def test_ndvi(world: World, demo_data: Path, tile: tuple[int, int, int], size: int, by: str) -> None:
    extent = {"from_parameter": "spatial_extent"} if by == "parameter" else None
    drawn = picture(compute(request(ndvi(extent=extent), tile, tile_size=size, min=-1, max=1), world))
    red, nir = (expected(demo_data, name, tile, size) for name in ("B04", "B08"))
    numbers = (nir - red) / (nir + red)
    there = np.isfinite(numbers)
    assert there.any()
    # A pixel whose centre lies on the edge of two may show either.
    assert (drawn[..., 3] == np.where(there, 255, 0)).mean() > 0.999
    grey = np.round((numbers + 1) / 2 * 254) / 254 * 255
    off = np.abs(drawn[..., 0] - grey)[there & (drawn[..., 3] == 255)]
    assert (off <= 1.5).mean() > 0.999


def test_tiles_fit_together(world: World) -> None:
    """A tile is its four parts of the next zoom level, where pixels are small enough to be copied."""
    zoom, column, row = 17, 69429, 45796
    whole = picture(compute(request(ndvi(), (zoom, column, row), tile_size=512, min=-1, max=1), world))
    for x in (0, 1):
        for y in (0, 1):
            tile = (zoom + 1, 2 * column + x, 2 * row + y)
            part = picture(compute(request(ndvi(), tile, min=-1, max=1), world))
            there = whole[256 * y : 256 * (y + 1), 256 * x : 256 * (x + 1)]
            assert (part == there).all(axis=-1).mean() > 0.999
            assert (part[..., 3] == 255).all()


def test_colours(world: World, demo_data: Path) -> None:
    drawn = picture(compute(request(process(bands=["B04", "B03", "B02"]), min=0, max=2550), world))
    for channel, name in enumerate(("B04", "B03", "B02")):
        levels = np.round(np.clip(expected(demo_data, name, INSIDE) / 2550, 0, 1) * 255)
        assert (drawn[..., channel] == levels).mean() > 0.999


def test_resampled_data_are_warped_back(world: World) -> None:
    direct = picture(compute(request(ndvi(), min=-1, max=1), world))
    resample = node(
        "resample_spatial", data={"from_node": "load"}, resolution=2, projection=32632, method="near"
    )
    graph = ndvi()["process_graph"]
    graph["resample"] = resample
    graph["ndvi"]["arguments"]["data"] = {"from_node": "resample"}
    there = picture(compute(request({"process_graph": graph}, min=-1, max=1), world))
    # The edges of the tile are curved in the other projection, so that a few pixels may be missing there.
    inner = (slice(8, -8), slice(8, -8))
    assert (there[inner][..., 3] == 255).all()
    assert (np.abs(there[inner] - direct[inner]) <= 1).all(axis=-1).mean() > 0.9


@pytest.mark.parametrize("tile", [(14, 8600, 5724), (14, 0, 0)])
def test_nothing_there(world: World, tile: tuple[int, int, int]) -> None:
    assert compute(request(ndvi(), tile, min=-1, max=1), world) == {"picture": None}


@pytest.mark.parametrize("zoom", [0, 1, 5, 9])
def test_from_far_away(world: World, zoom: int) -> None:
    """The data is a few pixels, or less than one."""
    tile = (zoom, int((10.69 + 180) / 360 * 2**zoom), 5724 // 2 ** (14 - zoom))
    for extent in (None, {"from_parameter": "spatial_extent"}):
        answer = compute(request(ndvi(extent=extent), tile, min=-1, max=1), world)
        if zoom == 9:
            assert (picture(answer)[..., 3] > 0).sum() > 100


def test_survey(world: World) -> None:
    found = survey(
        {**request(ndvi()), "parameters": {"spatial_extent": None, "zoom": 0, "x": 0, "y": 0}}, world
    )
    assert found["bounds"] == pytest.approx([10.62206, 47.53322, 10.76115, 47.62734], abs=1e-4)
    low, high = found["range"]
    assert -1 < low < 0.2
    assert 0.6 < high < 1
    assert found["bands"] == []


def test_survey_of_a_process_that_asks_for_an_extent(world: World) -> None:
    of = ndvi(extent={"from_parameter": "spatial_extent"})
    of["parameters"] = [{"name": "spatial_extent", "schema": {"type": "object"}, "description": ""}]
    found = survey({**request(of), "parameters": {"spatial_extent": None, "zoom": 0, "x": 0, "y": 0}}, world)
    assert found["bounds"] == pytest.approx([10.62206, 47.53322, 10.76115, 47.62734], abs=1e-3)
    assert found["range"] is not None


def test_survey_within_bounds(world: World) -> None:
    bounds = [10.65, 47.55, 10.7, 47.6]
    found = survey({**request(process(), bounds=bounds, bands=["B04"])}, world)
    assert (found["bounds"], found["bands"]) == (bounds, ["B04"])


def test_survey_of_nothing(world: World) -> None:
    of = process(extent={"west": 0, "south": 0, "east": 1, "north": 1})
    assert survey({**request(of, bands=["B04"])}, world) == {"bounds": None, "range": None, "bands": []}


def test_faults_are_told(world: World) -> None:
    with pytest.raises(OpenEOError, match="no band 'B99'"):
        compute(request(process(bands=["B99"]), min=0, max=1), world)


def test_nothing_is_stored_for_the_owner(world: World) -> None:
    workspace = _environment(world).workspace
    assert workspace is not None
    with pytest.raises(FeatureUnsupported):
        workspace.save("a.tif", Path("a.tif"))
