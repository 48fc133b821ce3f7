import numpy as np
import pyproj
import pytest
import xarray as xr

from connexeo.generated.errors import FormatUnsuitable
from connexeo.processing.cube import Dimension, make_cube
from connexeo.processing.formats.grid import Transform, find_crs, find_grid, require_grid


def plane(x: object, y: object, crs: object = 32632) -> xr.DataArray:
    columns, rows = np.asarray(x), np.asarray(y)
    array = xr.DataArray(
        np.zeros((len(rows), len(columns))), dims=("y", "x"), coords={"y": rows, "x": columns}
    )
    return make_cube(
        array,
        [Dimension("y", "spatial", "y", crs), Dimension("x", "spatial", "x", crs)],  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("x", "y", "transform"),
    [
        ([5, 15, 25], [-5, -15], (10, 0, 0, 0, -10, 0)),
        ([5, 15, 25], [-15, -5], (10, 0, 0, 0, -10, 0)),
        ([25, 15, 5], [-5, -15], (10, 0, 0, 0, -10, 0)),
        ([5, 25], [-5, -15], (20, 0, -5, 0, -10, 0)),
        ([5], [-5, -15], (10, 0, 0, 0, -10, 0)),
        ([5, 15], [-5], (10, 0, 0, 0, -10, 0)),
        ([5], [7], (1, 0, 4.5, 0, -1, 7.5)),
    ],
)
def test_transform_is_that_of_the_north_up_image(x: list[int], y: list[int], transform: Transform) -> None:
    grid = find_grid(plane(x, y))
    assert grid is not None
    assert grid.transform == transform
    assert grid.shape == (len(y), len(x))


def test_decimal_steps_leave_no_noise() -> None:
    grid = find_grid(plane(np.arange(3600) * 0.1 - 179.95, 89.95 - np.arange(1800) * 0.1, 4326))
    assert grid is not None
    assert list(grid.transform) == [0.1, 0, -180, 0, -0.1, 90]
    assert grid.bbox_wgs84 == pytest.approx((-180, -90, 180, 90))


def test_size_of_a_single_pixel_is_taken_from_the_geotransform() -> None:
    cube = plane([5], [-5]).assign_coords(spatial_ref=0)
    cube.coords["spatial_ref"].attrs["GeoTransform"] = "0 10 0 0 0 -20"
    grid = find_grid(cube)
    assert grid is not None
    assert grid.transform == (10, 0, 0, 0, -20, 5)


@pytest.mark.parametrize(
    ("x", "y"), [([1, 2, 4], [1, 2]), ([1, 2], [1, 1]), ([1, np.nan], [1, 2]), (["a", "b"], [1, 2])]
)
def test_uneven_pixels_have_no_grid(x: list[float], y: list[float]) -> None:
    cube = plane(x, y)
    assert find_grid(cube) is None
    with pytest.raises(FormatUnsuitable, match="evenly spaced"):
        require_grid(cube, "GTiff")


def test_missing_dimensions_are_named() -> None:
    with pytest.raises(FormatUnsuitable, match="'t'"):
        require_grid(xr.DataArray(np.zeros(3), dims="t"), "GTiff")


@pytest.mark.parametrize(
    "system", [4326, "EPSG:4326", pyproj.CRS(4326).to_wkt(), pyproj.CRS(4326).to_json_dict()]
)
def test_reference_systems_in_all_their_spellings(system: object) -> None:
    grid = find_grid(plane([5, 15], [5, 15], system))
    assert grid is not None
    assert grid.crs_code == "EPSG:4326"


def test_reference_system_may_be_unknown() -> None:
    cube = plane([5, 15], [5, 15], None)
    grid = find_grid(cube)
    assert find_crs(cube) is None
    assert grid is not None
    assert grid.bbox_wgs84 is None
    assert grid.described()["crs_bbox"] == (0, 0, 20, 20)


def test_pixels_that_are_only_counted_lie_nowhere() -> None:
    grid = find_grid(xr.DataArray(np.zeros((2, 3)), dims=("y", "x")))
    assert grid is not None
    assert grid.described() == {"shape": (2, 3)}
