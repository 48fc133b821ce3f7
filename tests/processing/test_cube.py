"""Dimensions, labels and reference systems of cubes."""

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import DimensionNotAvailable
from connexeo.processing.cube import (
    Dimension,
    change_dimension,
    crs_of,
    dimension_of,
    dimensions_of,
    labels,
    make_cube,
    rfc3339,
    spatial_dimension,
    with_dimensions,
    with_nodata,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("t", Dimension("t", "temporal")),
        ("time", Dimension("time", "temporal")),
        ("bands", Dimension("bands", "bands")),
        ("band", Dimension("band", "bands")),
        ("x", Dimension("x", "spatial", "x")),
        ("lat", Dimension("lat", "spatial", "y", 4326)),
        ("longitude", Dimension("longitude", "spatial", "x", 4326)),
        ("z", Dimension("z", "spatial", "z")),
        ("anything", Dimension("anything", "other")),
    ],
)
def test_dimensions_are_inferred_from_names(name: str, expected: Dimension) -> None:
    assert dimensions_of(xr.DataArray(np.zeros(2), dims=(name,))) == (expected,)


def test_dimensions_are_inferred_from_instants() -> None:
    when = xr.DataArray(
        np.zeros(1), dims=("when",), coords={"when": np.array(["2020-01-01"], "datetime64[ns]")}
    )
    assert dimensions_of(when) == (Dimension("when", "temporal"),)


def test_reference_systems_are_inferred_from_grid_mappings() -> None:
    plain = xr.DataArray(np.zeros((1, 1)), dims=("y", "x")).assign_coords(spatial_ref=0)
    plain.spatial_ref.attrs["crs_wkt"] = "PROJCS[…]"
    assert crs_of(plain) == "PROJCS[…]"


def test_what_is_told_precedes_what_is_inferred() -> None:
    told = make_cube(xr.DataArray(np.zeros((1, 1)), dims=("t", "x")), [Dimension("t", "bands")])
    assert [one.type for one in dimensions_of(told)] == ["bands", "spatial"]


def test_dimensions_follow_the_order_of_the_axes(cube: xr.DataArray) -> None:
    assert [one.name for one in dimensions_of(cube.transpose("x", "bands", "t", "y"))] == [
        "x",
        "bands",
        "t",
        "y",
    ]


@pytest.mark.parametrize("change", ["isel", "astype", "arithmetic", "fillna", "compute"])
def test_dimensions_survive_xarray(cube: xr.DataArray, change: str) -> None:
    changed = {
        "isel": lambda: cube.isel(x=[1]),
        "astype": lambda: cube.astype("float64"),
        "arithmetic": lambda: cube * 2 + 1,
        "fillna": lambda: cube.fillna(0),
        "compute": lambda: cube.compute(scheduler="synchronous"),
    }[change]()
    assert dimensions_of(changed) == dimensions_of(cube)


def test_making_a_cube_does_not_change_the_array() -> None:
    plain = xr.DataArray(np.zeros(1), dims=("t",))
    make_cube(plain, [Dimension("t", "other")])
    assert dimensions_of(plain) == (Dimension("t", "temporal"),)


def test_lookup(cube: xr.DataArray) -> None:
    assert dimension_of(cube, "t").type == "temporal"
    with pytest.raises(DimensionNotAvailable, match="Available: t, bands, y, x"):
        dimension_of(cube, "time")
    x = spatial_dimension(cube, "x")
    assert x is not None
    assert x.unit == "m"
    assert spatial_dimension(cube, "z") is None
    assert crs_of(cube) == 32632
    assert crs_of(change_dimension(cube, "y", reference_system=None)) == 32632


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2020-01-01", "2020-01-01T00:00:00Z"),
        ("2020-01-01T10:20:30.5", "2020-01-01T10:20:30.5Z"),
        ("2020-01-01T00:00:00.000000001", "2020-01-01T00:00:00.000000001Z"),
    ],
)
def test_instants_as_text(instant: str, expected: str) -> None:
    assert rfc3339(np.datetime64(instant, "ns")) == expected


def test_labels_of_dimensions_without_coordinates_are_enumerated() -> None:
    assert labels(xr.DataArray(np.zeros(3), dims=("n",)), "n") == (0, 1, 2)


def test_new_data_keeps_what_fits(cube: xr.DataArray) -> None:
    more = cube.assign_coords(cloud=("t", [1, 2, 3, 4]), scene=5)
    result = with_dimensions(more, np.zeros((2, 6, 8)), ["t", "y", "x"], {"t": ["a", "b"]})
    assert set(result.coords) == {"t", "y", "x", "scene"}
    assert labels(result, "t") == ("a", "b")
    assert (result.name, result.attrs["title"]) == ("S2", "A test")
    assert dimensions_of(result) == tuple(one for one in dimensions_of(cube) if one.name != "bands")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (["2020-01-01T00:00:00Z", "2021-01-01"], "temporal"),
        (["2020-01-01", "other"], "other"),
        (["2020", "2021"], "other"),
        ([1, 2], "other"),
    ],
)
def test_dimensions_are_inferred_from_text(given: list[str | int], kind: str) -> None:
    cube = xr.DataArray(np.zeros(2), dims=("t2",), coords={"t2": given})
    assert dimensions_of(cube) == (Dimension("t2", kind),)  # type: ignore[arg-type]


@pytest.mark.parametrize("crs", [25832, "EPSG:25832"])
def test_reference_systems_are_inferred_from_an_attribute(crs: int | str) -> None:
    assert crs_of(xr.DataArray(np.zeros((1, 1)), dims=("y", "x"), attrs={"crs": crs})) == crs


@pytest.mark.parametrize("name", ["_FillValue", "nodata"])
@pytest.mark.parametrize(
    ("dtype", "expected"), [("uint8", "float32"), ("int32", "float64"), ("float32", "float32")]
)
def test_declared_nodata_becomes_nan(cube: xr.DataArray, name: str, dtype: str, expected: str) -> None:
    whole = cube.fillna(0).astype(dtype).assign_attrs({**cube.attrs, name: 0})
    result = with_nodata(whole)
    assert result.dtype == expected
    assert result.chunks == cube.chunks
    assert name not in result.attrs
    assert dimensions_of(result) == dimensions_of(cube)
    np.testing.assert_array_equal(result, np.where(whole == 0, np.nan, whole))
    assert with_nodata(cube) is cube
