"""Cubes that are only used in another resolution are read on its pixels, with the values of resampling afterwards."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.transform import Affine

from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.processes import resampling

Json = dict[str, Any]


def process(load: Json, **resample: Any) -> Json:
    """Load a collection, leave bands and dates out, and resample what is left."""
    nodes = {
        "load": (
            "load_collection",
            {"id": "scenes", "spatial_extent": None, "temporal_extent": None, **load},
        ),
        "time": (
            "filter_temporal",
            {"data": {"from_node": "load"}, "extent": ["2024-03-01", "2024-07-01"]},
        ),
        "bands": ("filter_bands", {"data": {"from_node": "time"}, "bands": ["B04", "B08"]}),
        "coarse": ("resample_spatial", {"data": {"from_node": "bands"}, **resample}),
    }
    graph = {id: {"process_id": name, "arguments": given} for id, (name, given) in nodes.items()}
    return {**graph, "coarse": {**graph["coarse"], "result": True}}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of the cubes that are resampled."""
    shapes: list[tuple[int, ...]] = []
    original = resampling.resample_spatial

    def spy(data: xr.DataArray, *args: Any, environment: Environment, **more: Any) -> Any:
        shapes.append(data.shape)
        return original(data, *args, environment=environment, **more)

    spy.__module__ = original.__module__
    monkeypatch.setattr(resampling, "resample_spatial", spy)
    return shapes


def both_ways(graph: Json, world: Environment) -> tuple[xr.DataArray, xr.DataArray]:
    pushed, whole = (
        evaluate(graph, environment=replace(world, pushdown=pushdown)).compute() for pushdown in (True, False)
    )
    return pushed, whole


@pytest.mark.parametrize(
    "resample",
    [
        {"resolution": 50},
        {"resolution": [80, 40], "align": "lower-right"},
        {"resolution": 40, "method": "average"},
        {"resolution": 60, "method": "bilinear"},
        {"resolution": 60, "method": "max"},
        {"resolution": 60, "method": "rms"},
        {"resolution": 60, "method": "mode"},
        {"resolution": 40, "method": "sum"},
        {"resolution": 60, "method": "lanczos"},
        {"resolution": 0.0005, "projection": 4326},
    ],
    ids=str,
)
def test_values_are_those_of_resampling_afterwards(
    resample: Mapping[str, Any], world: Environment, given: list[tuple[int, ...]]
) -> None:
    pushed, whole = both_ways(process({"id": "named"}, **resample), world)
    assert pushed.shape == whole.shape == given[0]
    assert given[1][-2:] == (48, 48), "the whole cube is resampled for comparison"
    xr.testing.assert_allclose(pushed, whole, rtol=1e-6)
    assert pushed.attrs == whole.attrs
    assert np.isfinite(pushed.values).any()


def test_pixels_beyond_the_extent_do_not_count(world: Environment, given: list[tuple[int, ...]]) -> None:
    extent = {"west": 600_035, "south": 5_299_715, "east": 600_265, "north": 5_299_965, "crs": 32632}
    for method in ("near", "average", "cubic"):
        graph = process({"id": "named", "spatial_extent": extent}, resolution=70, method=method)
        pushed, whole = both_ways(graph, world)
        xr.testing.assert_allclose(pushed, whole, rtol=1e-6)
    assert {shape[-2:] for shape in given} == {(4, 4), (26, 24)}


@pytest.mark.parametrize(
    ("load", "resample"),
    [
        ({"id": "scenes"}, {"resolution": 50, "method": "average"}),  # two files make up an image
        ({"id": "mixed"}, {"resolution": 50}),  # in two reference systems
        ({"id": "named"}, {"resolution": 15}),  # nothing is won
        ({"id": "named"}, {"resolution": 45, "method": "average"}),  # the edge of the file is reached
        ({"id": "named"}, {"resolution": 50, "projection": 999_999}),
    ],
    ids=str,
)
def test_other_cubes_are_resampled_as_a_whole(
    load: Json, resample: Json, world: Environment, given: list[tuple[int, ...]]
) -> None:
    graph = process(load, **resample)
    try:
        pushed, whole = both_ways(graph, world)
    except Exception as error:  # noqa: BLE001 - of the process itself, which is told what was loaded
        assert "999999" in str(error)  # noqa: PT017
    else:
        xr.testing.assert_identical(pushed, whole)
    assert min(given[0][-2:]) >= 48


def test_cubes_that_are_used_otherwise_too_are_loaded_whole(
    world: Environment, given: list[tuple[int, ...]]
) -> None:
    graph = process({"id": "named"}, resolution=50)
    del graph["coarse"]["result"]
    arguments = {"data": {"from_node": "bands"}, "dimension": "t", "target": ["a"], "source": ["b"]}
    graph["other"] = {
        "process_id": "dimension_labels",
        "arguments": {"data": arguments["data"], "dimension": "time"},
    }
    graph["end"] = {
        "process_id": "add_dimension",
        "arguments": {"data": {"from_node": "coarse"}, "name": "n", "label": "l"},
        "result": True,
    }
    evaluate(graph, environment=world)
    assert given[0][-2:] == (48, 48)


def test_overviews_are_read_except_for_the_nearest_pixels(world: Environment, tmp_path: Path) -> None:
    path = tmp_path / "overviews.tif"
    shape = {
        "driver": "GTiff",
        "width": 1024,
        "height": 1024,
        "count": 1,
        "dtype": "uint16",
        "crs": "EPSG:32632",
    }
    place = {
        "transform": Affine(10, 0, 600_000, 0, -10, 5_300_000),
        "tiled": True,
        "blockxsize": 128,
        "blockysize": 128,
    }
    with rasterio.open(path, "w", **shape, **place) as target:
        target.write(np.full((1024, 1024), 5, "uint16"), 1)
    with rasterio.open(path, "r+") as target:
        target.build_overviews([2, 4, 8], rasterio.enums.Resampling.nearest)
    # What only the full resolution knows shows which pixels were read.
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as target:
        target.write(np.full((1024, 1024), 9, "uint16"), 1)
    item = {
        "type": "Feature",
        "id": "one",
        "bbox": [10.3, 47.7, 10.5, 47.9],
        "properties": {"datetime": "2024-04-01T00:00:00Z"},
        "assets": {
            name: {"href": str(path), "type": "image/tiff", "roles": ["data"]} for name in ("B04", "B08")
        },
    }
    catalogue = world.catalogue
    assert catalogue is not None
    found = {**catalogue.found, "named": [item]}  # type: ignore[attr-defined]
    there = replace(world, catalogue=replace(catalogue, found=found))  # type: ignore[type-var]
    for method, value in (("near", 9), ("average", 5)):
        cube = evaluate(process({"id": "named"}, resolution=80, method=method), environment=there)
        assert np.unique(cube.values).tolist() == [value]
