import pickle
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.transform import Affine
from shapely import Point, Polygon
from xarray.backends.file_manager import FILE_CACHE

from connexeo.generated.errors import (
    CollectionNotFound,
    FeatureUnsupported,
    Internal,
    NoDataAvailable,
    ProcessParameterInvalid,
    TemporalExtentEmpty,
)
from connexeo.processing.cube import crs_of, dimensions_of
from connexeo.processing.environment import Environment, LogEntry
from connexeo.processing.processes.loading import load_collection
from connexeo.processing.reading.gaps import Gaps
from connexeo.processing.vectors import make_vector_cube

WEST, NORTH, SIZE = 600000.0, 5300000.0, 40
CRS = 32632


class FakeCatalogue:
    """A catalogue of one collection, whose items all searches find."""

    def __init__(self, collection: dict[str, Any], items: list[dict[str, Any]]) -> None:
        self.document, self.found = collection, items
        self.asked: dict[str, Any] = {}

    def collection(self, id: str) -> dict[str, Any]:
        if id != self.document["id"]:
            raise CollectionNotFound(identifier=id)
        return self.document

    def items(
        self,
        id: str,
        *,
        bbox: tuple[float, float, float, float] | None = None,
        interval: tuple[datetime | None, datetime | None] | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        self.asked = {"bbox": bbox, "interval": interval}
        return iter(self.found)


class Store:
    """Writes GeoTIFFs and makes the items that tell of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.random = np.random.default_rng(1)

    def tif(
        self,
        name: str,
        *,
        west: float = WEST,
        north: float = NORTH,
        size: int = SIZE,
        step: float = 10.0,
        dtype: str = "uint16",
        nodata: float | None = 0,
        crs: int = CRS,
        values: NDArray[Any] | None = None,
    ) -> tuple[str, NDArray[Any]]:
        if values is None:
            values = self.random.integers(0, 200, (size, size)).astype(dtype)
        path = self.folder / f"{name}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1, dtype=values.dtype,
            crs=f"EPSG:{crs}", transform=Affine(step, 0, west, 0, -step, north), nodata=nodata, tiled=True,
            blockxsize=16, blockysize=16,
        ) as target:  # fmt: skip
            target.write(values, 1)
        return str(path), values

    def remove(self, href: str) -> None:
        """Remove a file that xarray may have open."""
        for file in FILE_CACHE.values():
            file.close()
        FILE_CACHE.clear()
        Path(href).unlink()

    def item(self, id: str, moment: str, assets: Mapping[str, str], **properties: Any) -> dict[str, Any]:
        return {
            "type": "Feature",
            "id": id,
            "bbox": [10, 47, 11, 48],
            "properties": {"datetime": moment, **properties},
            "assets": {
                key: {"href": href, "type": "image/tiff; application=geotiff", "roles": ["data"]}
                for key, href in assets.items()
            },
        }


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def collection(**more: Any) -> dict[str, Any]:
    bands = [("B02", "blue"), ("B04", "red"), ("B08", "nir")]
    return {
        "id": "c",
        "item_assets": {
            name: {
                "type": "image/tiff; application=geotiff",
                "roles": ["data"],
                "eo:bands": [{"name": name, "common_name": common}],
            }
            for name, common in bands
        },
        "cube:dimensions": {
            "x": {"type": "spatial", "axis": "x", "reference_system": CRS},
            "y": {"type": "spatial", "axis": "y", "reference_system": CRS},
            "t": {"type": "temporal"},
            "bands": {"type": "bands", "values": [name for name, _ in bands]},
        },
        **more,
    }


def load(
    items: list[dict[str, Any]], extent: Any = None, interval: Any = None, *args: Any, document: Any = None
) -> xr.DataArray:
    environment = Environment(catalogue=FakeCatalogue(document or collection(), items))
    return load_collection("c", extent, interval, *args, environment=environment)


def box(left: float, top: float, right: float, bottom: float, crs: Any = CRS) -> dict[str, Any]:
    """A box given in pixels of the files."""
    return {
        "west": WEST + left * 10,
        "east": WEST + right * 10,
        "north": NORTH - top * 10,
        "south": NORTH - bottom * 10,
        "crs": crs,
    }


def as_cube(values: NDArray[Any]) -> NDArray[Any]:
    """What a file with the no-data value 0 becomes."""
    return np.where(values == 0, np.nan, values.astype(np.float32))


def test_pixels_are_those_of_the_files(store: Store) -> None:
    hrefs, pixels = zip(*(store.tif(name) for name in ("a2", "a4", "b2", "b4")), strict=True)
    items = [
        store.item("b", "2024-06-01T10:00:00Z", {"B02": hrefs[2], "B04": hrefs[3]}),
        store.item("a", "2024-05-01T10:00:00Z", {"B02": hrefs[0], "B04": hrefs[1]}),
    ]
    cube = load(items, None, None, ["red", "B02"])
    assert cube.chunks is not None, "nothing is read yet"
    assert cube.dims == ("t", "bands", "y", "x")
    assert cube.dtype == np.float32
    assert cube.bands.values.tolist() == ["B04", "B02"]
    assert cube.t.values.tolist() == [
        np.datetime64("2024-05-01T10:00:00", "ns").astype(int),
        np.datetime64("2024-06-01T10:00:00", "ns").astype(int),
    ]
    np.testing.assert_array_equal(cube.x.values, WEST + 5 + 10 * np.arange(SIZE))
    np.testing.assert_array_equal(cube.y.values, NORTH - 5 - 10 * np.arange(SIZE))
    expected = [[as_cube(pixels[1]), as_cube(pixels[0])], [as_cube(pixels[3]), as_cube(pixels[2])]]
    np.testing.assert_array_equal(cube.values, expected)
    assert crs_of(cube) == CRS
    kinds = {dimension.name: (dimension.type, dimension.axis) for dimension in dimensions_of(cube)}
    assert kinds == {
        "t": ("temporal", None),
        "bands": ("bands", None),
        "y": ("spatial", "y"),
        "x": ("spatial", "x"),
    }
    (bands,) = (dimension.bands for dimension in dimensions_of(cube) if dimension.name == "bands")
    assert {band.name: band.common_name for band in bands} == {"B04": "red", "B02": "blue"}


@pytest.mark.parametrize(
    ("extent", "rows", "columns"),
    [
        (box(3, 5, 20, 30), slice(5, 30), slice(3, 20)),
        (box(3.4, 5.6, 20.4, 30.6), slice(6, 31), slice(3, 20)),
        (box(3.5, 5.5, 20.5, 30.5), slice(5, 31), slice(3, 21)),
        (box(3.4, 5.4, 3.6, 5.6), slice(5, 6), slice(3, 4)),
        (box(-100, -100, 1000, 1000), slice(0, SIZE), slice(0, SIZE)),
        (box(30, 30, 1000, 1000), slice(30, SIZE), slice(30, SIZE)),
    ],
)
def test_pixels_belong_to_the_box_that_holds_their_centres(
    store: Store, extent: dict[str, Any], rows: slice, columns: slice
) -> None:
    href, values = store.tif("a")
    cube = load([store.item("a", "2024-05-01T10:00:00Z", {"B02": href})], extent, None, ["B02"])
    np.testing.assert_array_equal(cube.values[0, 0], as_cube(values)[rows, columns])
    np.testing.assert_array_equal(cube.x.values, (WEST + 5 + 10 * np.arange(SIZE))[columns])
    np.testing.assert_array_equal(cube.y.values, (NORTH - 5 - 10 * np.arange(SIZE))[rows])


def test_boxes_in_degrees_are_reprojected(store: Store) -> None:
    from pyproj import Transformer

    href, values = store.tif("a")
    bounds = (WEST + 103.0, NORTH - 297.0, WEST + 197.0, NORTH - 203.0)
    to_degrees = Transformer.from_crs(CRS, "OGC:CRS84", always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(*bounds)
    extent = {"west": west, "south": south, "east": east, "north": north}
    items = [store.item("a", "2024-05-01T10:00:00Z", {"B02": href})]
    cube = load(items, extent, None, ["B02"])
    # The box of the degrees' box is a little larger than what was begun with.
    assert set(np.arange(10, 20)) <= set(((cube.x.values - WEST) // 10).astype(int))
    assert 9 <= cube.sizes["x"] <= 13
    columns = ((cube.x.values - WEST) // 10).astype(int)
    rows = ((NORTH - cube.y.values) // 10).astype(int)
    np.testing.assert_array_equal(cube.values[0, 0], as_cube(values)[np.ix_(rows, columns)])
    wkt = rasterio.CRS.from_epsg(CRS).to_wkt()
    xr.testing.assert_equal(
        load(items, box(3, 5, 20, 30), None, ["B02"]), load(items, box(3, 5, 20, 30, wkt), None, ["B02"])
    )


def test_polygons_mask_by_pixel_centres(store: Store) -> None:
    href, values = store.tif("a", values=np.full((SIZE, SIZE), 7, "uint16"))
    triangle = [(2.2, 2.2), (30.2, 2.2), (2.2, 30.2), (2.2, 2.2)]
    geometry = {"type": "Polygon", "coordinates": [[(WEST + x * 10, NORTH - y * 10) for x, y in triangle]]}
    document = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": f"EPSG:{CRS}"}},
        "features": [
            {"type": "Feature", "properties": {}, "geometry": geometry},
            {"type": "Feature", "properties": {}, "geometry": None},
        ],
    }
    cube = load([store.item("a", "2024-05-01T10:00:00Z", {"B02": href})], document, None, ["B02"])
    row, column = np.mgrid[2:30, 2:30] + 0.5
    np.testing.assert_array_equal(cube.x.values, WEST + column[0] * 10)
    np.testing.assert_array_equal(cube.values[0, 0] == 7, (row - 2.2) + (column - 2.2) <= 28)
    assert values[0, 0] == 7
    assert np.isnan(cube.values[0, 0, -1, -1])


def test_geojson_is_in_degrees_by_default(store: Store) -> None:
    from pyproj import Transformer

    href, _ = store.tif("a", values=np.full((SIZE, SIZE), 7, "uint16"))
    to_degrees = Transformer.from_crs(CRS, "OGC:CRS84", always_xy=True)
    corners = [(10, 10), (20, 10), (20, 20), (10, 20), (10, 10)]
    ring = [to_degrees.transform(WEST + x * 10, NORTH - y * 10) for x, y in corners]
    for geometry in (
        {"type": "Polygon", "coordinates": [ring]},
        {"type": "MultiPolygon", "coordinates": [[ring]]},
    ):
        feature = {"type": "Feature", "properties": {}, "geometry": geometry}
        cube = load([store.item("a", "2024-05-01T10:00:00Z", {"B02": href})], feature, None, ["B02"])
        assert int((cube.values == 7).sum()) == 100


def test_the_interval_is_half_open(store: Store) -> None:
    href, _ = store.tif("a")
    items = [store.item(f"i{day}", f"2024-05-0{day}T00:00:00Z", {"B02": href}) for day in (1, 2, 3)]

    def days(interval: Any) -> list[int]:
        return [int(each) for each in load(items, None, interval).t.dt.day.values]

    assert days(["2024-05-01", "2024-05-03"]) == [1, 2]
    assert days(["2024-05-01T00:00:01Z", None]) == [2, 3]
    assert days([None, "2024-05-02T01:00:00+01:00"]) == [1]
    assert days(None) == [1, 2, 3]


def test_tiles_of_one_overpass_are_one_date(store: Store) -> None:
    left, left_values = store.tif("left")
    right, right_values = store.tif("right", west=WEST + 300)
    items = [
        store.item("r", "2024-05-01T10:00:15Z", {"B02": right}),
        store.item("l", "2024-05-01T10:00:00Z", {"B02": left}),
        store.item("later", "2024-05-01T10:30:00Z", {"B02": left}),
    ]
    cube = load(items, None, None, ["B02"])
    assert cube.shape == (2, 1, SIZE, SIZE + 30)
    expected = np.full((SIZE, SIZE + 30), np.nan, np.float32)
    expected[:, 30:] = as_cube(right_values)
    # The earlier tile goes first; where it has no data, the later one shows.
    expected[:, :SIZE] = np.where(left_values == 0, expected[:, :SIZE], left_values)
    np.testing.assert_array_equal(cube.values[0, 0], expected)
    assert np.isnan(cube.values[1, 0, :, SIZE:]).all()


def test_dates_whose_files_lie_elsewhere_are_left_out(store: Store) -> None:
    here, _ = store.tif("here")
    elsewhere, _ = store.tif("elsewhere", west=WEST + 5000)
    items = [
        store.item("a", "2024-05-01T10:00:00Z", {"B02": here}),
        store.item("b", "2024-05-02T10:00:00Z", {"B02": elsewhere}),
    ]
    assert load(items, box(0, 0, 10, 10), None, ["B02"]).sizes["t"] == 1


def test_a_band_that_an_item_lacks_is_no_data(store: Store) -> None:
    href, values = store.tif("a", nodata=None)
    items = [
        store.item("a", "2024-05-01T10:00:00Z", {"B02": href, "B04": href}),
        store.item("b", "2024-05-02T10:00:00Z", {"B02": href}),
    ]
    cube = load(items, None, None, ["B02", "B04"])
    assert cube.dtype == np.float32
    assert np.isnan(cube.sel(bands="B04").values[1]).all()
    np.testing.assert_array_equal(cube.sel(bands="B04").values[0], values)


@pytest.mark.parametrize(
    ("dtype", "nodata", "expected"),
    [
        ("uint8", None, "uint8"),
        ("int16", None, "int16"),
        ("uint16", 0, "float32"),
        ("int32", -1, "float64"),
        ("float32", None, "float32"),
        ("float64", float("nan"), "float64"),
    ],
)
def test_data_types(store: Store, dtype: str, nodata: float | None, expected: str) -> None:
    href, values = store.tif("a", dtype=dtype, nodata=nodata)
    cube = load([store.item("a", "2024-05-01T10:00:00Z", {"B02": href})], None, None, ["B02"])
    assert cube.dtype == expected
    assert cube.compute().dtype == expected
    valid = np.ones(values.shape, bool) if nodata is None else values != nodata
    np.testing.assert_array_equal(cube.values[0, 0][valid], values[valid])


def test_declared_metadata_is_trusted_before_the_file(store: Store) -> None:
    href, values = store.tif(
        "a", nodata=None, values=np.arange(SIZE * SIZE, dtype="uint16").reshape(SIZE, SIZE)
    )
    item = store.item("a", "2024-05-01T10:00:00Z", {"B02": href})
    item["assets"]["B02"]["raster:bands"] = [{"nodata": 5, "data_type": "uint16", "scale": 0.1, "offset": -1}]
    cube = load([item], None, None, ["B02"])
    assert np.isnan(cube.values[0, 0, 0, 5])
    assert np.isnan(cube.values).sum() == 1
    assert cube.values[0, 0, 0, 7] == values[0, 7], "scale and offset are not applied"


def test_coarser_bands_take_the_nearest_pixels(store: Store) -> None:
    fine, fine_values = store.tif("fine", nodata=None)
    coarse, coarse_values = store.tif("coarse", size=SIZE // 2, step=20, nodata=None)
    items = [store.item("a", "2024-05-01T10:00:00Z", {"B02": fine, "B04": coarse})]
    cube = load(items, None, None, ["B02", "B04"])
    np.testing.assert_array_equal(cube.values[0, 0], fine_values)
    np.testing.assert_array_equal(
        cube.values[0, 1], np.repeat(np.repeat(coarse_values, 2, axis=0), 2, axis=1)
    )
    assert load(items, None, None, ["B04"]).shape == (1, 1, SIZE // 2, SIZE // 2)


def test_items_in_another_reference_system_are_reprojected(store: Store) -> None:
    href, _ = store.tif("a", values=np.full((SIZE, SIZE), 7, "uint16"))
    other, _ = store.tif(
        "b", values=np.full((400, 400), 9, "uint16"), west=145000, north=5320000, step=100, crs=32633
    )
    items = [
        store.item("a", "2024-05-01T10:00:00Z", {"B02": href}),
        store.item("a2", "2024-05-02T10:00:00Z", {"B02": href}),
        store.item("b", "2024-05-03T10:00:00Z", {"B02": other}),
    ]
    cube = load(items, box(0, 0, SIZE, SIZE), None, ["B02"])
    assert crs_of(cube) == CRS
    assert cube.shape == (3, 1, SIZE, SIZE)
    assert (cube.values[2] == 9).all()


def test_any_block_can_be_taken(store: Store) -> None:
    href, values = store.tif("a", nodata=None)
    cube = load([store.item("a", "2024-05-01T10:00:00Z", {"B02": href})], None, None, ["B02"])
    array = cube.data
    np.testing.assert_array_equal(array[0, 0, 3:9, ::3].compute(), values[3:9, ::3])
    np.testing.assert_array_equal(array[0, 0, ::-1, 5].compute(), values[::-1, 5])
    np.testing.assert_array_equal(array[0, 0, [1, 7, 3]].compute(), values[[1, 7, 3]])
    assert array[0, 0, 0:0].compute().shape == (0, SIZE)


def test_large_cubes_have_blocks_along_the_pixels_of_the_files(store: Store) -> None:
    size = 2100
    href, values = store.tif(
        "a", nodata=None, values=np.arange(size * size, dtype="int32").reshape(size, size)
    )
    items = [store.item("a", "2024-05-01T10:00:00Z", {"B02": href})]
    cube = load(items, box(1000, 500, size, size), None, ["B02"])
    assert cube.chunks == ((1,), (1,), (524, 1024, 52), (24, 1024, 52))
    np.testing.assert_array_equal(cube.values[0, 0], values[500:, 1000:])


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (None, ["B02", "B04", "B08"]),
        (["nir", "B02"], ["B08", "B02"]),
        (["B02", "blue", "B02"], ["B02"]),
    ],
)
def test_bands_by_name_and_common_name(store: Store, names: list[str] | None, labels: list[str]) -> None:
    href, _ = store.tif("a")
    item = store.item("a", "2024-05-01T10:00:00Z", {"B02": href, "B04": href, "B08": href})
    assert load([item], None, None, names).bands.values.tolist() == labels


def test_properties_are_conditions(store: Store) -> None:
    href, _ = store.tif("a")
    items = [
        store.item(f"i{day}", f"2024-05-0{day}T00:00:00Z", {"B02": href}, **cover)
        for day, cover in ((1, {"eo:cloud_cover": 5}), (2, {"eo:cloud_cover": 90}), (3, {}))
    ]

    def clear(value: Any) -> Any:
        return None if value is None else np.bool_(value < 50)

    cube = load(items, None, None, None, {"eo:cloud_cover": clear})
    assert cube.t.dt.day.values.tolist() == [1]
    with pytest.raises(NoDataAvailable):
        load(items, None, None, None, {"eo:cloud_cover": lambda value: float("nan")})


def test_the_collections_names_of_dimensions_are_used(store: Store) -> None:
    href, values = store.tif("a", nodata=None)
    document = collection()
    document["cube:dimensions"] = {
        "lon": {"type": "spatial", "axis": "x"},
        "lat": {"type": "spatial", "axis": "y"},
        "spectral": {"type": "bands", "values": ["B02"]},
    }
    cube = load(
        [store.item("dem", "2011-05-01T10:00:00Z", {"B02": href})],
        None,
        ["2024-01-01", None],
        document=document,
    )
    assert cube.dims == ("spectral", "lat", "lon")
    np.testing.assert_array_equal(cube.values[0], values)


@pytest.mark.parametrize(
    "extent",
    [
        box(10000, 0, 10010, 10),
        box(3.6, 3.6, 3.9, 3.9),
        {"west": -170, "south": -80, "east": -160, "north": -79},
    ],
)
def test_extents_without_pixels(store: Store, extent: dict[str, Any]) -> None:
    href, _ = store.tif("a")
    with pytest.raises(NoDataAvailable, match="no data available for the given extents"):
        load([store.item("a", "2024-05-01T10:00:00Z", {"B02": href})], extent)


def test_no_items() -> None:
    with pytest.raises(NoDataAvailable):
        load([])


def test_unknown_bands_are_answered_with_the_known_ones(store: Store) -> None:
    href, _ = store.tif("a")
    item = store.item("a", "2024-05-01T10:00:00Z", {"B02": href})
    with pytest.raises(
        ProcessParameterInvalid, match=r"no band 'B99'.*B02 \(blue\), B04 \(red\), B08 \(nir\)"
    ):
        load([item], None, None, ["B02", "B99"])


@pytest.mark.parametrize(
    ("interval", "error"),
    [
        (["2024-02-01", "2024-01-01"], TemporalExtentEmpty),
        (["2024-02-01", "2024-02-01T00:00:00Z"], TemporalExtentEmpty),
        ([None, None], ProcessParameterInvalid),
        (["yesterday", None], ProcessParameterInvalid),
    ],
)
def test_temporal_extents_that_are_none(interval: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        load([], None, interval)


@pytest.mark.parametrize(
    ("extent", "reason"),
    [
        ({"west": 5, "east": 1, "south": 0, "north": 1, "crs": 32633}, "west"),
        ({"west": 190, "east": -170, "south": 0, "north": 1}, "west"),
        ({"west": 1, "east": 5, "south": 1, "north": 0}, "south"),
        ({"west": 1, "east": 5, "south": 0}, "bounding box"),
        ({"west": 1, "east": 5, "south": 0, "north": 1, "crs": 999999}, "reference system"),
        ({"type": "Point", "coordinates": [1, 2]}, "Point"),
        ({"type": "Polygon", "coordinates": []}, "no polygon"),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3]]]}, "GeoJSON|bounding box|coordinates"),
        ({"type": "FeatureCollection", "features": []}, "no polygon"),
        ({}, "bounding box"),
        ([1, 2, 3, 4], "bounding box"),
    ],
)
def test_spatial_extents_that_are_none(extent: Any, reason: str) -> None:
    with pytest.raises(ProcessParameterInvalid, match=reason):
        load([], extent)


def test_unknown_collections_and_no_catalogue() -> None:
    with pytest.raises(CollectionNotFound, match="'other'"):
        load_collection(
            "other", None, None, environment=Environment(catalogue=FakeCatalogue(collection(), []))
        )
    with pytest.raises(FeatureUnsupported):
        load_collection("c", None, None, environment=Environment())


@pytest.mark.parametrize("content", [None, b"no image", b"<VRTDataset rasterXSize='1' rasterYSize='1'/>"])
def test_reading_errors_name_the_asset_but_no_path(store: Store, content: bytes | None) -> None:
    path = store.folder / "broken.tif"
    if content is not None:
        path.write_bytes(content)
    grid = {"proj:epsg": CRS, "proj:shape": [SIZE, SIZE], "proj:transform": [10, 0, WEST, 0, -10, NORTH]}
    item = store.item("the-item", "2024-05-01T10:00:00Z", {"B02": str(path)}, **grid)
    item["assets"]["B02"]["raster:bands"] = [{"nodata": 0, "data_type": "uint16"}]
    cube = load([item], None, None, ["B02"])
    with pytest.raises(Internal, match="'B02' of the item 'the-item'") as caught:
        cube.compute()
    assert str(store.folder) not in caught.value.message


def netcdf(
    store: Store, name: str, months: list[int], *, lon: Any = None, lat: Any = None
) -> tuple[str, xr.Dataset]:
    lon = np.arange(-20.0, 20.0, 2.0) if lon is None else lon
    lat = np.arange(-9.0, 11.0, 2.0) if lat is None else lat
    times = np.array([f"2024-{month:02d}-01" for month in months], dtype="datetime64[ns]")
    values = store.random.random((len(months), len(lat), len(lon))).astype(np.float32)
    values[0, 0, 0] = np.nan
    dataset = xr.Dataset(
        {
            "t2m": (("time", "latitude", "longitude"), values),
            "tp": (("time", "latitude", "longitude"), values * 2),
        },
        coords={
            "time": times,
            "latitude": ("latitude", lat, {"standard_name": "latitude"}),
            "longitude": ("longitude", lon, {"standard_name": "longitude"}),
        },
    )
    path = store.folder / f"{name}.nc"
    dataset.to_netcdf(path, engine="netcdf4")
    return str(path), dataset


CLIMATE = {
    "id": "c",
    "item_assets": {
        "data": {
            "type": "application/netcdf",
            "roles": ["data"],
            "eo:bands": [{"name": "t2m"}, {"name": "tp"}],
        }
    },
}


def climate_item(href: str, moment: str) -> dict[str, Any]:
    asset = {**CLIMATE["item_assets"]["data"], "href": href}  # type: ignore[index]
    return {"id": moment, "properties": {"datetime": moment}, "assets": {"data": asset}}


def test_netcdf_files_become_one_cube(store: Store) -> None:
    first, one = netcdf(store, "one", [1, 2])
    second, two = netcdf(store, "two", [3])
    items = [climate_item(second, "2024-03-01T00:00:00Z"), climate_item(first, "2024-01-01T00:00:00Z")]
    extent = {"west": -7, "south": -5, "east": 8, "north": 3}
    cube = load(items, extent, ["2024-02-01", "2024-04-01"], ["tp", "t2m"], document=CLIMATE)
    assert cube.dims == ("t", "bands", "y", "x")
    assert cube.chunks is not None
    assert crs_of(cube) == 4326
    assert cube.t.dt.month.values.tolist() == [2, 3]
    assert cube.x.values.tolist() == [-6, -4, -2, 0, 2, 4, 6, 8]
    assert cube.y.values.tolist() == [3, 1, -1, -3, -5], "rows run from north to south"
    chosen = {"latitude": [3, 1, -1, -3, -5], "longitude": cube.x.values}
    np.testing.assert_array_equal(cube.sel(bands="tp").values[0], one.tp[1].sel(chosen).values)
    np.testing.assert_array_equal(cube.sel(bands="t2m").values[1], two.t2m[0].sel(chosen).values)
    elsewhere = pickle.loads(pickle.dumps(cube))
    np.testing.assert_array_equal(elsewhere.values, cube.values)


def test_longitudes_up_to_360_are_turned(store: Store) -> None:
    href, dataset = netcdf(store, "a", [1], lon=np.arange(0.0, 360.0, 10.0))
    cube = load([climate_item(href, "2024-01-01T00:00:00Z")], None, None, ["t2m"], document=CLIMATE)
    assert cube.x.values.tolist() == list(range(-180, 180, 10))
    column = dataset.t2m.sel(longitude=190, time="2024-01-01").values[::-1]
    np.testing.assert_array_equal(cube.sel(x=-170).values[0, 0], column)


def test_polygons_mask_netcdf(store: Store) -> None:
    href, _ = netcdf(store, "a", [1])
    triangle = {"type": "Polygon", "coordinates": [[[-10, -6], [10, -6], [-10, 8], [-10, -6]]]}
    cube = load([climate_item(href, "2024-01-01T00:00:00Z")], triangle, None, ["t2m"], document=CLIMATE)
    assert np.isfinite(cube.sel(x=-8, y=-5).values).all()
    assert np.isnan(cube.sel(x=8, y=7).values).all()


def test_zarr_stores_are_read(store: Store) -> None:
    _, dataset = netcdf(store, "a", [1, 2])
    path = store.folder / "a.zarr"
    dataset.to_zarr(path, consolidated=False)
    item = climate_item(str(path), "2024-01-01T00:00:00Z")
    item["assets"]["data"]["type"] = "application/vnd+zarr"
    cube = load([item], None, None, ["t2m"], document=CLIMATE)
    np.testing.assert_array_equal(cube.values[:, 0], dataset.t2m.values[:, ::-1])


@pytest.mark.parametrize("content", [None, b"no netCDF"])
def test_netcdf_errors_name_the_asset_but_no_path(store: Store, content: bytes | None) -> None:
    path = store.folder / "broken.nc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Internal, match="'data'") as caught:
        load([climate_item(str(path), "2024-01-01T00:00:00Z")], document=CLIMATE)
    assert str(store.folder) not in caught.value.message


def test_netcdf_that_fails_while_it_is_computed(store: Store) -> None:
    href, dataset = netcdf(store, "a", [1, 2])
    gone, _ = netcdf(store, "b", [3])
    items = [climate_item(href, "2024-01-01T00:00:00Z"), climate_item(gone, "2024-03-01T00:00:00Z")]
    logs: list[LogEntry] = []
    catalogue = FakeCatalogue(CLIMATE, items)
    strict = load_collection("c", None, None, environment=Environment(catalogue=catalogue))
    lenient = load_collection(
        "c", None, None, environment=Environment(catalogue=catalogue, gaps=Gaps(1.0, logs.append))
    )
    # Neither has read any values.
    store.remove(gone)
    with pytest.raises(Internal, match="'data' of the item '2024-03-01T00:00:00Z' failed") as caught:
        strict.compute()
    assert str(store.folder) not in caught.value.message
    values = lenient.compute()
    np.testing.assert_array_equal(values.sel(bands="t2m").values[:2], dataset.t2m.values[:, ::-1])
    assert np.isnan(values.values[2]).all()
    assert [entry.data["item"] for entry in logs] == ["2024-03-01T00:00:00Z"]


def test_netcdf_that_cannot_be_opened_may_be_a_gap(store: Store) -> None:
    href, _ = netcdf(store, "a", [1])
    items = [climate_item(href, "2024-01-01T00:00:00Z"), climate_item("/missing.nc", "2024-03-01T00:00:00Z")]
    logs: list[LogEntry] = []
    world = Environment(catalogue=FakeCatalogue(CLIMATE, items), gaps=Gaps(1.0, logs.append))
    assert load_collection("c", None, None, environment=world).sizes["t"] == 1
    assert [entry.data["reason"] for entry in logs] == ["it does not exist"]


def test_netcdf_elsewhere_and_in_other_extents(store: Store) -> None:
    href, _ = netcdf(store, "a", [1])
    item = climate_item(href, "2024-01-01T00:00:00Z")
    with pytest.raises(NoDataAvailable):
        load([item], {"west": 100, "south": 0, "east": 110, "north": 5}, None, document=CLIMATE)
    with pytest.raises(NoDataAvailable):
        load([item], None, ["2024-02-01", None], document=CLIMATE)
    with pytest.raises(FeatureUnsupported):
        load([climate_item("https://data.example/a.nc", "2024-01-01T00:00:00Z")], document=CLIMATE)


def test_boxes_across_the_antimeridian_in_metres(store: Store) -> None:
    # 180° lies at 834 km in the zone of UTM that ends there.
    href, pixels = store.tif("a", west=833_800, north=10_000, crs=32660, size=40, nodata=None)
    items = [store.item("a", "2024-06-01T10:00:00Z", {"B04": href})]
    catalogue = FakeCatalogue(collection(**{"cube:dimensions": {}}), items)
    extent = {"west": 179.999, "east": -179.999, "south": 0.088, "north": 0.0895}
    cube = load_collection("c", extent, None, ["B04"], environment=Environment(catalogue=catalogue))
    assert catalogue.asked["bbox"] == (-180.0, 0.088, -179.999, 0.0895)
    to_degrees = Transformer.from_crs(32660, 4326, always_xy=True)
    x, y = np.meshgrid(cube.x.values, cube.y.values)
    longitudes, latitudes = to_degrees.transform(x, y)
    inside = (np.abs(longitudes) >= 179.999) & (latitudes >= 0.088) & (latitudes <= 0.0895)
    assert (longitudes[inside] > 0).any()
    assert (longitudes[inside] < 0).any()
    found = cube.isel(t=0, bands=0).values
    assert (np.isfinite(found) == inside).all()
    rows = np.round((10_000 - 5 - y) / 10).astype(int)
    columns = np.round((x - 833_805) / 10).astype(int)
    np.testing.assert_array_equal(found[inside], pixels[rows[inside], columns[inside]])


def test_boxes_across_the_antimeridian_in_degrees(store: Store) -> None:
    sides = {"east": 179.0, "west": -180.0}
    files = {
        name: store.tif(name, west=west, north=1, size=10, step=0.1, crs=4326, nodata=None)
        for name, west in sides.items()
    }
    items = [store.item(name, "2024-06-01T10:00:00Z", {"B04": href}) for name, (href, _) in files.items()]
    extent = {"west": 179.5, "east": -179.5, "south": 0, "north": 1}
    cube = load(items, extent, None, ["B04"], document=collection(**{"cube:dimensions": {}}))
    assert cube.sizes["x"] == 3600
    found = cube.isel(t=0, bands=0)
    np.testing.assert_array_equal(found.isel(x=slice(-5, None)).values, files["east"][1][:, 5:])
    np.testing.assert_array_equal(found.isel(x=slice(0, 5)).values, files["west"][1][:, :5])
    assert np.isnan(found.isel(x=slice(5, -5)).values).all()


def test_polygons_of_vector_cubes(store: Store) -> None:
    href, pixels = store.tif("a", nodata=None)
    items = [store.item("a", "2024-06-01T10:00:00Z", {"B04": href})]
    triangle = Polygon([(WEST, NORTH), (WEST + 100, NORTH), (WEST, NORTH - 100)])
    extent = make_vector_cube([triangle, Polygon()], CRS)
    cube = load(items, extent, None, ["B04"])
    found = cube.isel(t=0, bands=0).values
    assert found.shape == (10, 10)
    inside = np.add.outer(np.arange(10), np.arange(10)) < 10
    assert (np.isfinite(found) == inside).all()
    np.testing.assert_array_equal(found[inside], pixels[:10, :10][inside])
    for shapes, reason in (([Point(1, 2)], "polygons are needed"), ([Polygon()], "no polygon")):
        with pytest.raises(ProcessParameterInvalid, match=reason):
            load(items, make_vector_cube(shapes, CRS))
