"""Processes that run callbacks over cubes: values, dimensions, laziness."""

from collections.abc import Callable
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import dask
import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import crs_of, dimensions_of, labels

Run = Callable[..., Any]


def node(process_id: str, *, result: bool = False, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments, "result": result}


def single(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_graph": {"node": node(process_id, result=True, **arguments)}}


DATA = {"from_parameter": "data"}
X = {"from_parameter": "x"}
NDVI = {
    "process_graph": {
        "nir": node("array_element", data=DATA, label="B08"),
        "red": node("array_element", data=DATA, label="B04"),
        "difference": node("subtract", x={"from_node": "nir"}, y={"from_node": "red"}),
        "sum": node("add", x={"from_node": "nir"}, y={"from_node": "red"}),
        "ndvi": node("divide", x={"from_node": "difference"}, y={"from_node": "sum"}, result=True),
    }
}


def is_lazy(cube: xr.DataArray) -> bool:
    return cube.chunks is not None


def test_apply_keeps_everything_but_values(run: Run, cube: xr.DataArray) -> None:
    result = run("apply", data=cube, process=single("multiply", x=X, y=2))
    assert is_lazy(result)
    assert result.dtype == "float32"
    assert dimensions_of(result) == dimensions_of(cube)
    assert result.attrs["title"] == "A test"
    assert result.chunks == cube.chunks
    xr.testing.assert_allclose(result.compute(), cube.compute() * 2)


def test_apply_passes_the_context(run: Run, cube: xr.DataArray) -> None:
    process = single("add", x=X, y={"from_parameter": "context"})
    np.testing.assert_allclose(run("apply", data=cube, process=process, context=5), cube + 5)


def test_apply_may_change_the_type(run: Run, cube: xr.DataArray) -> None:
    result = run("apply", data=cube, process=single("gt", x=X, y=100)).compute()
    expected = np.where(np.isnan(cube.values), np.nan, cube.values > 100)
    np.testing.assert_array_equal(result, expected)


def test_apply_with_a_constant_fills_the_cube(run: Run, cube: xr.DataArray) -> None:
    result = run("apply", data=cube, process=single("constant", x=7))
    assert result.shape == cube.shape
    assert (result == 7).all()
    assert np.isnan(run("apply", data=cube, process=single("constant", x=None)).values).all()


def test_reduce_bands_by_name(run: Run, cube: xr.DataArray) -> None:
    result = run("reduce_dimension", data=cube, reducer=NDVI, dimension="bands")
    red, nir = cube.sel(bands="B04", drop=True).values, cube.sel(bands="B08", drop=True).values
    assert result.dims == ("t", "y", "x")
    assert result.dtype == "float32"
    assert result.chunks == ((1, 1, 1, 1), (3, 3), (4, 4))
    np.testing.assert_allclose(result, (nir - red) / (nir + red), rtol=1e-6)


def test_integers_do_not_wrap(run: Run, cube: xr.DataArray) -> None:
    result = run("reduce_dimension", data=cube.fillna(0).astype("uint16"), reducer=NDVI, dimension="bands")
    whole = cube.fillna(0)
    red, nir = whole.sel(bands="B04", drop=True).values, whole.sel(bands="B08", drop=True).values
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(result, (nir - red) / (nir + red), rtol=1e-6)


def test_reduce_time(run: Run, cube: xr.DataArray) -> None:
    result = run("reduce_dimension", data=cube, reducer=single("median", data=DATA), dimension="t")
    assert result.dims == ("bands", "y", "x")
    assert result.chunks is not None
    assert result.chunks[1:] == ((3, 3), (4, 4))
    assert crs_of(result) == 32632
    np.testing.assert_allclose(result, np.nanmedian(cube.values, axis=0))


def test_reducers_see_labels_as_strings(run: Run, cube: xr.DataArray) -> None:
    reducer = single("array_element", data=DATA, label="2020-03-05T00:00:00Z")
    result = run("reduce_dimension", data=cube, reducer=reducer, dimension="t")
    np.testing.assert_array_equal(result, cube.isel(t=2))


def test_callbacks_chain_without_computing(run: Run, cube: xr.DataArray) -> None:
    with dask.config.set(scheduler=_refuse):
        index = run("reduce_dimension", data=cube, reducer=NDVI, dimension="bands")
        result = run("reduce_dimension", data=index, reducer=single("mean", data=DATA), dimension="t")
    assert result.compute().shape == (6, 8)


def _refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("something was computed")


def test_lazy_results_can_be_sent_to_another_process(run: Run, cube: xr.DataArray) -> None:
    result = run("reduce_dimension", data=cube, reducer=NDVI, dimension="bands")
    copy = cloudpickle.loads(cloudpickle.dumps(result))
    np.testing.assert_array_equal(copy.values, result.values)


def test_plain_arrays_can_be_cubes(run: Run) -> None:
    plain = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("time", "x"))
    result = run("reduce_dimension", data=plain, reducer=single("max", data=DATA), dimension="time")
    np.testing.assert_array_equal(result, [3, 4, 5])
    assert [one.type for one in dimensions_of(result)] == ["spatial"]


def test_cubes_with_one_dimension(run: Run) -> None:
    plain = xr.DataArray(np.arange(4.0), dims=("t",)).chunk(2)
    assert run("reduce_dimension", data=plain, reducer=single("sum", data=DATA), dimension="t").compute() == 6


@pytest.mark.parametrize("process_id", ["reduce_dimension", "apply_dimension"])
def test_unknown_dimension(run: Run, cube: xr.DataArray, process_id: str) -> None:
    name = "reducer" if process_id == "reduce_dimension" else "process"
    inner = single("max" if name == "reducer" else "extrema", data=DATA)
    with pytest.raises(OpenEOError) as caught:
        run(process_id, data=cube, dimension="z", **{name: inner})
    assert caught.value.code == "DimensionNotAvailable"
    assert caught.value.__dict__["node"] == "node"


def test_a_reducer_must_not_return_an_array(run: Run, cube: xr.DataArray) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("reduce_dimension", data=cube, reducer=single("extrema", data=DATA), dimension="t")
    assert caught.value.code == "ProcessGraphInvalid"


def test_values_must_be_numbers(run: Run, cube: xr.DataArray) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("apply", data=cube, process=single("constant", x="text"))
    assert caught.value.code == "ProcessGraphInvalid"


def test_apply_dimension_of_the_same_length_keeps_labels(run: Run, cube: xr.DataArray) -> None:
    result = run("apply_dimension", data=cube, process=single("sort", data=DATA, nodata=True), dimension="t")
    assert is_lazy(result)
    assert dimensions_of(result) == dimensions_of(cube)
    assert labels(result, "t") == labels(cube, "t")
    np.testing.assert_array_equal(result, np.sort(cube.values, axis=0))


def test_apply_dimension_of_another_length_enumerates_labels(run: Run, cube: xr.DataArray) -> None:
    result = run("apply_dimension", data=cube, process=single("extrema", data=DATA), dimension="x")
    assert result.dims == cube.dims
    assert labels(result, "x") == (0, 1)
    x = dimensions_of(result)[-1]
    assert (x.type, x.axis, x.reference_system) == ("spatial", "x", None)
    np.testing.assert_array_equal(result[..., 0], np.nanmin(cube.values, axis=-1))


def test_apply_dimension_to_a_new_dimension(run: Run, cube: xr.DataArray) -> None:
    process = single("quantiles", data=DATA, probabilities=[0.25, 0.5, 0.75])
    result = run("apply_dimension", data=cube, process=process, dimension="t", target_dimension="q")
    assert result.dims == ("q", "bands", "y", "x")
    assert (dimensions_of(result)[0].name, dimensions_of(result)[0].type) == ("q", "other")
    assert labels(result, "q") == (0, 1, 2)
    np.testing.assert_allclose(result[1], np.nanmedian(cube.values, axis=0))


def test_apply_dimension_to_an_existing_dimension_with_one_label(run: Run, cube: xr.DataArray) -> None:
    process = single("extrema", data=DATA)
    one_band = cube.isel(bands=[1])
    result = run("apply_dimension", data=one_band, process=process, dimension="t", target_dimension="bands")
    assert result.dims == ("bands", "y", "x")
    assert dimensions_of(result)[0].type == "bands"
    np.testing.assert_array_equal(result[1], np.nanmax(cube.values[:, 1], axis=0))
    with pytest.raises(OpenEOError) as caught:
        run("apply_dimension", data=cube, process=process, dimension="t", target_dimension="bands")
    assert caught.value.code == "ProcessParameterInvalid"


def test_ndvi_drops_the_bands(run: Run, cube: xr.DataArray) -> None:
    result = run("ndvi", data=cube)
    expected = run("reduce_dimension", data=cube, reducer=NDVI, dimension="bands")
    np.testing.assert_allclose(result, expected)


def test_ndvi_adds_a_band(run: Run, cube: xr.DataArray) -> None:
    result = run("ndvi", data=cube, nir="B08", red="B04", target_band="NDVI")
    assert labels(result, "bands") == ("B04", "B08", "SCL", "NDVI")
    assert dimensions_of(result) == dimensions_of(cube)
    np.testing.assert_array_equal(result[:, :3], cube)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"nir": "swir"}, "NirBandAmbiguous"),
        ({"red": "B99"}, "RedBandAmbiguous"),
        ({"target_band": "SCL"}, "BandExists"),
    ],
)
def test_ndvi_of_other_bands(run: Run, cube: xr.DataArray, arguments: dict[str, str], code: str) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("ndvi", data=cube, **arguments)
    assert caught.value.code == code


def test_ndvi_without_bands(run: Run, cube: xr.DataArray) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("ndvi", data=cube.isel(bands=0, drop=True))
    assert caught.value.code == "DimensionAmbiguous"


SUBTRACT = single("subtract", x=X, y={"from_parameter": "y"})


def test_merge_different_bands(run: Run, cube: xr.DataArray) -> None:
    result = run("merge_cubes", cube1=cube.isel(bands=[2, 0]), cube2=cube.isel(bands=[1]))
    assert is_lazy(result)
    assert labels(result, "bands") == ("SCL", "B04", "B08")
    assert dimensions_of(result) == dimensions_of(cube)
    np.testing.assert_array_equal(result, cube.isel(bands=[2, 0, 1]))


def test_merge_keeps_integers_that_are_only_joined(run: Run, cube: xr.DataArray) -> None:
    whole = cube.fillna(0).astype("uint16")
    assert run("merge_cubes", cube1=whole.isel(bands=[0]), cube2=whole.isel(bands=[1])).dtype == "uint16"


def test_merged_times_are_sorted(run: Run, cube: xr.DataArray) -> None:
    result = run("merge_cubes", cube1=cube.isel(t=[1, 3]), cube2=cube.isel(t=[0, 2]))
    assert labels(result, "t") == labels(cube, "t")
    np.testing.assert_array_equal(result, cube)


def test_merged_tiles_keep_their_direction(run: Run, cube: xr.DataArray) -> None:
    result = run("merge_cubes", cube1=cube.isel(y=slice(3, 6)), cube2=cube.isel(y=slice(0, 3)))
    assert labels(result, "y") == labels(cube, "y")
    np.testing.assert_array_equal(result, cube)


def test_merge_equal_labels_needs_a_resolver(run: Run, cube: xr.DataArray) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("merge_cubes", cube1=cube, cube2=cube)
    assert caught.value.code == "OverlapResolverMissing"
    result = run("merge_cubes", cube1=cube, cube2=cube * 3, overlap_resolver=SUBTRACT)
    np.testing.assert_array_equal(result, cube * -2)


def test_merge_with_partial_overlap(run: Run, cube: xr.DataArray) -> None:
    first, second = cube.isel(bands=[0, 1]), cube.isel(bands=[1, 2]) * 10
    result = run("merge_cubes", cube1=first, cube2=second, overlap_resolver=SUBTRACT)
    assert labels(result, "bands") == ("B04", "B08", "SCL")
    np.testing.assert_array_equal(result[:, 0], cube[:, 0])
    np.testing.assert_array_equal(result[:, 1], cube[:, 1] - cube[:, 1] * 10)
    np.testing.assert_array_equal(result[:, 2], cube[:, 2] * 10)


def test_merge_leaves_no_data_where_no_cube_has_labels(run: Run, cube: xr.DataArray) -> None:
    first, second = cube.isel(t=[0], bands=[0]).fillna(1), cube.isel(t=[1], bands=[1]).fillna(1)
    result = run("merge_cubes", cube1=first, cube2=second).compute()
    assert np.isnan(result[0, 1]).all()
    assert np.isnan(result[1, 0]).all()
    np.testing.assert_array_equal(result[1, 1], second[0, 0])


def test_merge_with_a_cube_of_fewer_dimensions(run: Run, cube: xr.DataArray) -> None:
    ground = cube.isel(t=0, bands=0, drop=True)
    result = run("merge_cubes", cube1=cube, cube2=ground, overlap_resolver=SUBTRACT)
    assert result.dims == cube.dims
    np.testing.assert_array_equal(result, cube.values - ground.values)


def test_resolvers_get_the_context(run: Run, cube: xr.DataArray) -> None:
    resolver = single("add", x=X, y={"from_parameter": "context"})
    result = run("merge_cubes", cube1=cube, cube2=cube, overlap_resolver=resolver, context=3)
    np.testing.assert_array_equal(result, cube + 3)


def test_cubes_that_cannot_be_merged(run: Run, cube: xr.DataArray) -> None:
    other = xr.DataArray(np.zeros(3), dims=("t",), coords={"t": ["a", "b", "c"]})
    from connexeo.processing.cube import Dimension, make_cube

    with pytest.raises(OpenEOError) as caught:
        run("merge_cubes", cube1=cube, cube2=make_cube(other, [Dimension("t", "other")]))
    assert caught.value.code == "IncompatibleDataCubes"
