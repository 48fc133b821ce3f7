"""Cropping to geometries, and masking by polygons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr
from shapely.geometry import mapping

from connexeo.generated.errors import IncompatibleDataCubes, ProcessParameterInvalid
from connexeo.processing.cube import dimensions_of
from connexeo.processing.vectors import Geometries, geometry_labels, make_vector_cube

Run = Callable[..., Any]

WEST, NORTH = 600_000, 5_000_000
"""Of the cube, whose pixels are 10 m wide: 6 rows and 8 columns."""


def area(left: float, top: float, right: float, bottom: float) -> shapely.Polygon:
    """A box by columns and rows of the cube."""
    return shapely.box(WEST + 10 * left, NORTH - 10 * bottom, WEST + 10 * right, NORTH - 10 * top)


def point(column: float, row: float) -> shapely.Point:
    return shapely.Point(WEST + 10 * column, NORTH - 10 * row)


def vectors(*shapes: Any, crs: Any = 32632) -> xr.DataArray:
    return make_vector_cube(list(shapes), crs)


def as_geojson(*shapes: Any) -> dict[str, Any]:
    """Features in WGS 84."""
    moved = Geometries(geometry_labels(list(shapes)), 32632).to_crs(4326).shapes
    features = [{"type": "Feature", "properties": None, "geometry": each and mapping(each)} for each in moved]
    return {"type": "FeatureCollection", "features": features}


FRAME = area(1, 1, 6, 5).difference(area(2, 2, 5, 4))


def test_cube_is_cropped_to_the_geometries(run: Run, cube: xr.DataArray) -> None:
    result = run("filter_spatial", data=cube, geometries=vectors(FRAME, None))
    assert result.chunks is not None
    assert dimensions_of(result) == dimensions_of(cube)
    assert (result.name, result.attrs["title"]) == (cube.name, cube.attrs["title"])
    expected = cube.isel(y=slice(1, 5), x=slice(1, 6)).values.copy()
    expected[..., 1:3, 1:4] = np.nan
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(result.x, cube.x[1:6])
    np.testing.assert_array_equal(result.y, cube.y[1:5])


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("ascending", [True, False])
def test_geojson_selects_the_same_pixels(run: Run, cube: xr.DataArray, lazy: bool, ascending: bool) -> None:
    data = cube if lazy else cube.compute()
    data = data.isel(y=slice(None, None, -1)) if ascending else data
    shapes = area(1.2, 1.2, 4.8, 3.8), point(6.4, 4.1)
    result = run("filter_spatial", data=data, geometries=as_geojson(*shapes))
    expected = run("filter_spatial", data=cube, geometries=vectors(*shapes))
    assert (result.chunks is None) is not lazy
    assert bool((np.diff(result.y) > 0).all()) is ascending
    xr.testing.assert_equal(result.sortby("y").compute(), expected.sortby("y").compute())
    assert result.shape[2:] == (4, 6)


def test_points_and_lines_select_the_closest_pixels(run: Run, cube: xr.DataArray) -> None:
    line = shapely.LineString([point(0.1, 0.1), point(3.9, 0.2)])
    result = run(
        "filter_spatial", data=cube.fillna(1), geometries=vectors(line, point(1.3, 2.6), shapely.Point())
    )
    assert result.shape == (4, 3, 3, 4)
    np.testing.assert_array_equal(~np.isnan(result.values[0, 0]), [[1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0]])


def test_pixels_in_the_box_of_the_geometries_stay_labels(run: Run, cube: xr.DataArray) -> None:
    corner = shapely.Polygon([point(0, 0), point(8, 0), point(8, 6)])
    result = run("filter_spatial", data=cube.fillna(1), geometries=vectors(corner))
    assert result.shape == cube.shape
    assert 0 < np.isnan(result.values[0, 0]).sum() < 48


@pytest.mark.parametrize("shapes", [(), (None, shapely.Polygon()), (area(90, 90, 99, 99),)])
def test_nothing_is_left_where_nothing_is_selected(run: Run, cube: xr.DataArray, shapes: Any) -> None:
    for data in (cube, cube.compute()):
        result = run("filter_spatial", data=data, geometries=vectors(*shapes))
        assert result.shape == (4, 3, 0, 0)
        assert result.compute().shape == (4, 3, 0, 0)
        assert dimensions_of(result) == dimensions_of(cube)


def test_integers_get_no_data(run: Run, cube: xr.DataArray) -> None:
    result = run("filter_spatial", data=cube.fillna(0).astype("uint16"), geometries=vectors(FRAME))
    assert result.dtype == "float32"
    assert np.isnan(result.values[..., 1:3, 1:4]).all()


def test_cubes_that_were_cropped_to_a_point_can_be_cropped_again(run: Run, cube: xr.DataArray) -> None:
    first = run("filter_spatial", data=cube, geometries=vectors(point(3.4, 2.2)))
    again = run("filter_spatial", data=first, geometries=vectors(point(3.4, 2.2)))
    assert first.shape == (4, 3, 1, 1)
    xr.testing.assert_identical(first.compute(), again.compute())


def test_mask_replaces_outside_or_inside(run: Run, cube: xr.DataArray) -> None:
    inside = np.zeros((6, 8), bool)
    inside[1:5, 1:6] = True
    inside[2:4, 2:5] = False
    outer = run("mask_polygon", data=cube, mask=vectors(FRAME))
    inner = run("mask_polygon", data=cube, mask=as_geojson(area(1.1, 1.1, 5.9, 4.9)), inside=True)
    np.testing.assert_array_equal(outer, np.where(inside, cube, np.nan))
    assert np.isnan(inner.values[..., 1:5, 1:6]).all()
    np.testing.assert_array_equal(inner[..., 5, :], cube[..., 5, :])
    for result in (outer, inner):
        assert result.chunks == cube.chunks
        assert dimensions_of(result) == dimensions_of(cube)
        np.testing.assert_array_equal(result.x, cube.x)


@pytest.mark.parametrize(("replacement", "expected"), [(7, 7), (-0.5, -0.5), (True, 1), (0, 0)])
def test_no_data_is_not_replaced(run: Run, cube: xr.DataArray, replacement: Any, expected: float) -> None:
    result = run("mask_polygon", data=cube, mask=vectors(FRAME), replacement=replacement, inside=True)
    where = ~np.isnan(run("mask_polygon", data=cube.fillna(1), mask=vectors(FRAME)).values)
    np.testing.assert_array_equal(result, np.where(where & ~np.isnan(cube), expected, cube))


@pytest.mark.parametrize(("replacement", "dtype"), [(7, "uint16"), (-1, "int32"), (None, "float32")])
def test_replacement_does_not_wrap(run: Run, cube: xr.DataArray, replacement: Any, dtype: str) -> None:
    data = cube.fillna(0).astype("uint16")
    result = run("mask_polygon", data=data, mask=vectors(FRAME), replacement=replacement, inside=True)
    assert result.dtype == dtype
    assert np.array_equal(result.values[0, 0, 1, 1], np.nan if replacement is None else replacement, True)


def test_polygons_beside_the_data_mask_all_or_nothing(run: Run, cube: xr.DataArray) -> None:
    far = vectors(area(90, 90, 99, 99), shapely.Polygon(), None)
    assert np.isnan(run("mask_polygon", data=cube, mask=far)).all()
    np.testing.assert_array_equal(run("mask_polygon", data=cube, mask=far, inside=True), cube)


def test_polygons_smaller_than_a_pixel_need_its_centre(run: Run, cube: xr.DataArray) -> None:
    tiny = vectors(area(2.4, 3.4, 2.6, 3.6), area(5.1, 1.1, 5.4, 1.4))
    result = run("mask_polygon", data=cube.fillna(1), mask=tiny)
    assert np.argwhere(~np.isnan(result.values[0, 0])).tolist() == [[3, 2]]


@pytest.mark.parametrize(
    ("mask", "more", "reason"),
    [
        (vectors(point(1, 1)), {}, "polygons are needed, not geometries of the type Point"),
        (vectors(), {}, "at least one polygon"),
        ({"type": "FeatureCollection", "features": []}, {}, "at least one polygon"),
        ({"type": "Circle"}, {}, "GeoJSON is needed"),
        (vectors(FRAME), {"replacement": "x"}, "replaced by text"),
    ],
)
def test_what_masks_cannot_be(run: Run, cube: xr.DataArray, mask: Any, more: Any, reason: str) -> None:
    with pytest.raises(ProcessParameterInvalid, match=reason):
        run("mask_polygon", data=cube, mask=mask, **more)


def test_geometries_are_needed(run: Run, cube: xr.DataArray) -> None:
    with pytest.raises(ProcessParameterInvalid, match="has no geometries"):
        run("filter_spatial", data=cube, geometries=cube)
    with pytest.raises(ProcessParameterInvalid, match="use filter_vector"):
        run("filter_spatial", data=vectors(FRAME), geometries=vectors(FRAME))
    with pytest.raises(ProcessParameterInvalid, match="raster data cube is needed"):
        run("mask_polygon", data=vectors(FRAME), mask=vectors(FRAME))
    with pytest.raises(IncompatibleDataCubes, match="no horizontal"):
        run("mask_polygon", data=cube.isel(x=0, drop=True), mask=vectors(FRAME))
