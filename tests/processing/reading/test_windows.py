"""Map tiles: what a collection looks like on the pixels of a window."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.transform import Affine

from connexeo.generated.errors import Internal, NoDataAvailable
from connexeo.processing.cube import crs_of, dimensions_of
from connexeo.processing.environment import Environment, Window
from connexeo.processing.processes.loading import load_collection
from connexeo.processing.processes.resampling import resample_spatial
from connexeo.processing.reading import datasets
from connexeo.processing.reading.datasets import opened

WEST, NORTH, SIZE, STEP = 622080.0, 5276160.0, 512, 10.0
EAST, SOUTH = WEST + SIZE * STEP, NORTH - SIZE * STEP
BOX = (10.6, 47.5, 10.8, 47.7)


class FakeCatalogue:
    """One collection whose items all searches in their box find."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.found = items
        self.asked: Any = None

    def collection(self, id: str) -> dict[str, Any]:
        band = {"type": "image/tiff", "roles": ["data"], "eo:bands": [{"name": "B"}]}
        return {"id": id, "item_assets": {"B": band}}

    def items(
        self, id: str, *, bbox: Any = None, interval: Any = None, filter: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        self.asked = bbox
        return iter(self.found)


def write(path: Path, values: NDArray[Any], *, overviews: tuple[int, ...] = (), **more: Any) -> str:
    profile = {
        "driver": "GTiff", "width": values.shape[1], "height": values.shape[0], "count": 1, "dtype": values.dtype,
        "crs": "EPSG:32632", "transform": Affine(STEP, 0, WEST, 0, -STEP, NORTH), "nodata": 0, "tiled": True,
        "blockxsize": 128, "blockysize": 128, **more,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as target:
        target.write(values, 1)
        if overviews:
            target.build_overviews(overviews, Resampling.average)
    return str(path)


def item(href: str, moment: str = "2024-05-01T10:00:00Z") -> dict[str, Any]:
    asset = {"href": href, "type": "image/tiff", "roles": ["data"]}
    return {
        "type": "Feature",
        "id": moment,
        "bbox": BOX,
        "properties": {"datetime": moment},
        "assets": {"B": asset},
    }


@pytest.fixture
def values() -> NDArray[Any]:
    """Smooth in both directions, so that a wrong place shows; never no-data."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.asarray(1 + rows + 100 * columns // 8, dtype="uint16")


def window(bounds: tuple[float, float, float, float], crs: str = "EPSG:32632", size: int = 64) -> Window:
    return Window(bounds, crs, size, size)


def load(items: list[dict[str, Any]], where: Window, extent: Any = None) -> xr.DataArray:
    environment = Environment(catalogue=FakeCatalogue(items), window=where)
    return load_collection("c", extent, None, environment=environment)


WHOLE_IN_MERCATOR = (1182200.0, 6037000.0, 1190400.0, 6045200.0)


def test_a_window_on_the_files_own_pixels_copies_them(tmp_path: Path, values: NDArray[Any]) -> None:
    bounds = (WEST + 100 * STEP, NORTH - 164 * STEP, WEST + 164 * STEP, NORTH - 100 * STEP)
    cube = load([item(write(tmp_path / "a.tif", values))], window(bounds))
    assert cube.dims == ("t", "bands", "y", "x")
    np.testing.assert_array_equal(cube.values[0, 0], values[100:164, 100:164])
    np.testing.assert_array_equal(cube.x.values, WEST + (100.5 + np.arange(64)) * STEP)
    np.testing.assert_array_equal(cube.y.values, NORTH - (100.5 + np.arange(64)) * STEP)


def test_other_reference_systems_give_the_nearest_pixels(tmp_path: Path, values: NDArray[Any]) -> None:
    href = write(tmp_path / "a.tif", values)
    west, south, east, north = WHOLE_IN_MERCATOR
    cube = load([item(href)], window(WHOLE_IN_MERCATOR, "EPSG:3857", 512))
    assert crs_of(cube) == 3857
    step_x, step_y = (east - west) / 512, (north - south) / 512
    centres = np.meshgrid(west + (np.arange(512) + 0.5) * step_x, north - (np.arange(512) + 0.5) * step_y)
    eastings, northings = Transformer.from_crs(3857, 32632, always_xy=True).transform(*centres)
    columns, rows = np.floor((eastings - WEST) / STEP), np.floor((NORTH - northings) / STEP)
    inside = (columns >= 0) & (columns < SIZE) & (rows >= 0) & (rows < SIZE)
    expected = np.full((512, 512), np.nan)
    expected[inside] = values[rows[inside].astype(int), columns[inside].astype(int)]
    ours = cube.values[0, 0]
    assert 0.5 < np.mean(~np.isnan(ours)) < 1, "the window reaches beyond the file"
    # Positions are interpolated: at the border between two pixels either may be taken for the nearest.
    assert np.mean((ours == expected) | (np.isnan(ours) & np.isnan(expected))) > 0.999


def test_coarse_windows_read_overviews(tmp_path: Path, values: NDArray[Any]) -> None:
    with_noise = values + np.where(np.indices(values.shape).sum(axis=0) % 2, 500, 0).astype("uint16")
    href = write(tmp_path / "a.tif", with_noise, overviews=(2, 4, 8))
    cube = load([item(href)], window((WEST, SOUTH, EAST, NORTH)))
    with rasterio.open(href, overview_level=2) as source:
        expected = source.read(1)
    np.testing.assert_array_equal(cube.values[0, 0], expected)


def test_coarse_windows_without_overviews_take_pixels_in_between(
    tmp_path: Path, values: NDArray[Any]
) -> None:
    cube = load([item(write(tmp_path / "a.tif", values))], window((WEST, SOUTH, EAST, NORTH)))
    # Each pixel is one of the 8 x 8 that it stands for.
    low, high = values[::8, ::8], values[7::8, 7::8]
    assert ((cube.values[0, 0] >= low) & (cube.values[0, 0] <= high)).all()


def test_no_data_and_what_is_outside_of_files_is_nan(tmp_path: Path, values: NDArray[Any]) -> None:
    values[:10] = 0
    bounds = (WEST - 32 * STEP, NORTH - 48 * STEP, WEST + 32 * STEP, NORTH + 16 * STEP)
    cube = load([item(write(tmp_path / "a.tif", values))], window(bounds)).values[0, 0]
    assert np.isnan(cube[:26]).all()
    assert np.isnan(cube[:, :32]).all()
    np.testing.assert_array_equal(cube[26:, 32:], values[10:48, :32])


def test_extents_of_the_graph_limit_the_pixels(tmp_path: Path, values: NDArray[Any]) -> None:
    bounds = (WEST, NORTH - 64 * STEP, WEST + 64 * STEP, NORTH)
    left = {"west": WEST, "east": WEST + 20 * STEP, "south": SOUTH, "north": NORTH, "crs": 32632}
    cube = load([item(write(tmp_path / "a.tif", values))], window(bounds), left).values[0, 0]
    np.testing.assert_array_equal(cube[:, :20], values[:64, :20])
    assert np.isnan(cube[:, 20:]).all()


def test_polygons_limit_the_pixels(tmp_path: Path, values: NDArray[Any]) -> None:
    ring = [[10.63, 47.62], [10.64, 47.62], [10.64, 47.61], [10.63, 47.61], [10.63, 47.62]]
    area = {"type": "Polygon", "coordinates": [ring]}
    cube = load([item(write(tmp_path / "a.tif", values))], window((WEST, SOUTH, EAST, NORTH)), area)
    assert 0.01 < np.mean(~np.isnan(cube.values)) < 0.1


@pytest.mark.parametrize(
    ("bounds", "extent"),
    [
        ((WEST - 9000.0, SOUTH, WEST - 8000.0, NORTH), None),
        ((WEST, SOUTH, EAST, NORTH), {"west": 20, "south": 47, "east": 21, "north": 48}),
    ],
)
def test_windows_without_data(
    tmp_path: Path, values: NDArray[Any], bounds: tuple[float, float, float, float], extent: Any
) -> None:
    with pytest.raises(NoDataAvailable):
        load([item(write(tmp_path / "a.tif", values))], window(bounds), extent)


def test_items_are_searched_for_in_the_window_only() -> None:
    catalogue = FakeCatalogue([])
    environment = Environment(catalogue=catalogue, window=window((1.0, 2.0, 3.0, 4.0), "OGC:CRS84"))
    with pytest.raises(NoDataAvailable):
        load_collection("c", None, None, environment=environment)
    assert catalogue.asked == (1.0, 2.0, 3.0, 4.0)
    extent = {"west": 2, "south": 0, "east": 9, "north": 3}
    with pytest.raises(NoDataAvailable):
        load_collection("c", extent, None, environment=environment)
    assert catalogue.asked == (2.0, 2.0, 3.0, 3.0)


def test_many_layers_are_read_lazily(tmp_path: Path, values: NDArray[Any]) -> None:
    href = write(tmp_path / "a.tif", values)
    bounds = (WEST, NORTH - 64 * STEP, WEST + 64 * STEP, NORTH)
    few = load([item(href, f"2024-05-{day:02}T10:00:00Z") for day in range(1, 31)], window(bounds))
    many = load(
        [item(href, f"2024-{month:02}-{day:02}T10:00:00Z") for month in (5, 7, 8) for day in range(1, 31)],
        window(bounds),
    )
    assert few.chunks is None
    assert many.chunks is not None
    np.testing.assert_array_equal(many.values[:30], few.values)


def test_the_whole_world_as_a_window(tmp_path: Path, values: NDArray[Any]) -> None:
    half = 20037508.342789244
    cube = load(
        [item(write(tmp_path / "a.tif", values))], window((-half, -half, half, half), "EPSG:3857", 256)
    )
    assert np.isnan(cube.values).all(), "the file is smaller than a pixel, and no centre lies in it"


def test_upside_down_files_are_warped(tmp_path: Path, values: NDArray[Any]) -> None:
    href = write(tmp_path / "a.tif", values[::-1].copy(), transform=Affine(STEP, 0, WEST, 0, STEP, SOUTH))
    cube = load([item(href)], window((WEST, NORTH - 64 * STEP, WEST + 64 * STEP, NORTH)))
    np.testing.assert_array_equal(cube.values[0, 0], values[:64, :64])


def test_netcdf_is_read_on_the_windows_pixels(tmp_path: Path) -> None:
    lat, lon = np.arange(89.5, -90, -1.0), np.arange(-179.5, 180, 1.0)
    data = xr.DataArray(
        (lat[:, None] + lon / 1000).astype("float32"), dims=("lat", "lon"), coords={"lat": lat, "lon": lon}
    )
    data.to_dataset(name="B").to_netcdf(tmp_path / "a.nc")
    document = item(str(tmp_path / "a.nc"))
    document["assets"]["B"]["type"] = "application/netcdf"
    half = 20037508.342789244
    catalogue = FakeCatalogue([document])
    catalogue.collection = lambda id: {  # type: ignore[method-assign]
        "id": id,
        "item_assets": {"B": {"type": "application/netcdf", "roles": ["data"]}},
    }
    where = window((0.0, 0.0, half, half), "EPSG:3857", 128)
    cube = load_collection("c", None, None, environment=Environment(catalogue=catalogue, window=where))
    assert cube.shape == (1, 1, 128, 128)
    longitude = cube.x.values / half * 180
    np.testing.assert_allclose((cube.values[0, 0, -1] - 0.5) * 1000, longitude, atol=1.0)


def test_dimensions_are_named_and_typed_as_without_a_window(tmp_path: Path, values: NDArray[Any]) -> None:
    documents = [item(write(tmp_path / "a.tif", values))]
    cube = load(documents, window((WEST, SOUTH, EAST, NORTH)))
    whole = load_collection("c", None, None, environment=Environment(catalogue=FakeCatalogue(documents)))
    assert [(one.name, one.type, one.axis) for one in dimensions_of(cube)] == [
        (one.name, one.type, one.axis) for one in dimensions_of(whole)
    ]


def test_resampling_does_not_leave_the_window(tmp_path: Path, values: NDArray[Any]) -> None:
    where = window((WEST, SOUTH, EAST, NORTH))
    cube = load([item(write(tmp_path / "a.tif", values))], where)
    kept = resample_spatial(cube, 0.1, 4326, environment=Environment(window=where))
    xr.testing.assert_identical(kept, cube)


def test_opened_files_are_kept_until_they_change(tmp_path: Path, values: NDArray[Any]) -> None:
    href = write(tmp_path / "a.tif", values)
    first = opened(href)
    assert opened(href) is first
    write(tmp_path / "new.tif", values + 1)
    os.replace(tmp_path / "new.tif", href)
    assert opened(href) is not first
    bounds = (WEST, NORTH - 64 * STEP, WEST + 64 * STEP, NORTH)
    np.testing.assert_array_equal(load([item(href)], window(bounds)).values[0, 0], values[:64, :64] + 1)


def test_few_files_stay_open(tmp_path: Path, values: NDArray[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "KEPT", 2)
    hrefs = [write(tmp_path / f"{name}.tif", values) for name in "abc"]
    first = opened(hrefs[0])
    for href in hrefs[1:]:
        opened(href)
    assert opened(hrefs[0]) is not first


def test_broken_files_are_told_of_without_their_path(tmp_path: Path, values: NDArray[Any]) -> None:
    (tmp_path / "a.tif").write_bytes(b"nothing")
    document = item(str(tmp_path / "a.tif"))
    document["properties"] |= {
        "proj:epsg": 32632, "proj:shape": [SIZE, SIZE], "proj:transform": [STEP, 0, WEST, 0, -STEP, NORTH],
    }  # fmt: skip
    document["assets"]["B"]["raster:bands"] = [{"data_type": "uint16", "nodata": 0}]
    with pytest.raises(Internal) as caught:
        load([document], window((WEST, SOUTH, EAST, NORTH)))
    assert str(tmp_path) not in caught.value.message


def test_a_window_has_its_own_place_in_an_environment() -> None:
    where = window((0.0, 0.0, 1.0, 1.0))
    environment = replace(Environment(), window=where)
    assert environment.at("node").window == where
