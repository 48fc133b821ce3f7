"""Processes that run callbacks over cubes: values, dimensions, laziness."""

from collections.abc import Callable
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import dask
import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import crs_of, dimensions_of, labels, make_cube

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


def test_merged_pixels_are_sorted_when_labels_are_whole_numbers(run: Run) -> None:
    lower = xr.DataArray([1.0, 2.0], dims="y", coords={"y": [2, 1]})
    upper = xr.DataArray([3.0, 4.0], dims="y", coords={"y": [4, 3]})
    result = run("merge_cubes", cube1=lower, cube2=upper)
    assert labels(result, "y") == (4, 3, 2, 1)
    assert result.values.tolist() == [3, 4, 1, 2]


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


def test_resolvers_may_be_null_if_none_is_needed(run: Run, cube: xr.DataArray, environment: Any) -> None:
    from connexeo.processing.evaluation import evaluate

    arguments = {"cube1": {"from_parameter": "a"}, "cube2": {"from_parameter": "b"}, "overlap_resolver": None}
    graph = {"merge": node("merge_cubes", result=True, **arguments)}
    result = evaluate(graph, {"a": cube.isel(bands=[0]), "b": cube.isel(bands=[1])}, environment=environment)
    assert labels(result, "bands") == ("B04", "B08")
    with pytest.raises(OpenEOError) as caught:
        evaluate(graph, {"a": cube, "b": cube}, environment=environment)
    assert caught.value.code == "OverlapResolverMissing"


def test_merged_periods_are_sorted(run: Run, cube: xr.DataArray) -> None:
    periods = [
        run("aggregate_temporal_period", data=part, period="season", reducer=single("max", data=DATA))
        for part in (cube.isel(t=[3]), cube.isel(t=[0]))
    ]
    result = run("merge_cubes", cube1=periods[0], cube2=periods[1])
    assert labels(result, "t") == ("2019-djf", "2020-mam")
    np.testing.assert_array_equal(result, cube.isel(t=[0, 3]))


def test_merged_instants_and_other_labels_are_text(run: Run, cube: xr.DataArray) -> None:
    text = run("rename_labels", data=cube.isel(t=[0]), dimension="t", source=["2020-01-05"], target=["wet"])
    result = run("merge_cubes", cube1=cube.isel(t=[1]), cube2=text)
    assert labels(result, "t") == ("2020-01-20T00:00:00Z", "wet")
    np.testing.assert_array_equal(result, cube.isel(t=[1, 0]))


def test_single_pixels_are_merged_by_their_labels(run: Run, cube: xr.DataArray) -> None:
    result = run("merge_cubes", cube1=cube.isel(x=[3], y=[2]), cube2=cube.isel(x=[0], y=[2]))
    assert labels(result, "x") == (600_005, 600_035)
    np.testing.assert_array_equal(result, cube.isel(x=[0, 3], y=[2]))


@pytest.mark.parametrize("swapped", [False, True])
def test_the_cube_with_all_dimensions_gives_their_order(run: Run, cube: xr.DataArray, swapped: bool) -> None:
    ground = cube.isel(t=0, bands=0, drop=True)
    first, second = (ground, cube) if swapped else (cube, ground)
    result = run("merge_cubes", cube1=first, cube2=second, overlap_resolver=SUBTRACT)
    assert dimensions_of(result) == dimensions_of(cube)
    expected = cube.values - ground.values
    np.testing.assert_array_equal(result, -expected if swapped else expected)


@pytest.mark.parametrize("flipped", ["t", "bands", "y", "x"])
def test_merge_by_labels_not_by_position(run: Run, cube: xr.DataArray, flipped: str) -> None:
    turned = cube.isel({flipped: slice(None, None, -1)}).transpose("x", "t", "y", "bands")
    result = run("merge_cubes", cube1=cube, cube2=turned, overlap_resolver=SUBTRACT)
    assert dimensions_of(result) == dimensions_of(cube)
    np.testing.assert_array_equal(result, cube - cube)


@pytest.mark.parametrize("dimension", ["bands", "x"])
@pytest.mark.parametrize("swapped", [False, True])
def test_merge_with_nothing(run: Run, cube: xr.DataArray, dimension: str, swapped: bool) -> None:
    cubes = [cube, cube.isel({dimension: []})]
    first, second = reversed(cubes) if swapped else cubes
    result = run("merge_cubes", cube1=first, cube2=second)
    assert labels(result, dimension) == labels(cube, dimension)
    np.testing.assert_array_equal(result, cube)


EVERYTHING: dict[str, tuple[str, dict[str, Any]]] = {
    "apply": ("apply", {"process": single("absolute", x=X)}),
    "constant": ("apply", {"process": single("constant", x=True)}),
    "reduce": ("reduce_dimension", {"reducer": NDVI, "dimension": "bands"}),
    "apply_dimension": ("apply_dimension", {"process": single("extrema", data=DATA), "dimension": "t"}),
    "ndvi": ("ndvi", {}),
    "ndvi band": ("ndvi", {"target_band": "ndvi"}),
    "aggregate": ("aggregate_temporal_period", {"period": "month", "reducer": single("max", data=DATA)}),
    "resample": ("resample_spatial", {"resolution": 20}),
    "rename": ("rename_dimension", {"source": "t", "target": "time"}),
    "add": ("add_dimension", {"name": "new", "label": "a"}),
    "filter_bands": ("filter_bands", {"bands": ["nir"]}),
    "filter_temporal": ("filter_temporal", {"extent": ["2020-01-01", "2020-02-01"]}),
}


@pytest.mark.parametrize("case", EVERYTHING)
@pytest.mark.parametrize("name", [None, "S2"])
def test_results_have_no_names_of_their_own(
    run: Run, cube: xr.DataArray, case: str, name: str | None
) -> None:
    process_id, arguments = EVERYTHING[case]
    result = run(process_id, data=cube.rename(name), **arguments)
    assert is_lazy(result)
    assert result.name == name


@pytest.mark.parametrize("case", EVERYTHING)
def test_lazy_and_loaded_cubes_give_the_same(run: Run, cube: xr.DataArray, case: str) -> None:
    process_id, arguments = EVERYTHING[case]
    lazy, loaded = (run(process_id, data=one, **arguments) for one in (cube, cube.compute()))
    assert lazy.dtype == loaded.dtype
    assert lazy.dtype == lazy.compute().dtype
    assert dimensions_of(lazy) == dimensions_of(loaded)
    xr.testing.assert_equal(lazy.compute(), loaded)


@pytest.mark.parametrize(
    ("process", "dtype"),
    [
        (single("constant", x=True), "bool"),
        (single("constant", x=300), "int64"),
        (single("pi"), "float64"),
        (single("constant", x=None), "float64"),
        (single("gt", x=X, y=3), "bool"),
        (single("is_nodata", x=X), "bool"),
        (single("if", value=True, accept=X), "uint8"),
        (single("divide", x=X, y=0), "float32"),
    ],
)
def test_types_of_what_callbacks_return(
    run: Run, cube: xr.DataArray, process: dict[str, Any], dtype: str
) -> None:
    whole = cube.fillna(0).astype("uint8")
    result = run("apply", data=whole, process=process)
    assert result.dtype == dtype
    assert result.compute().dtype == dtype
    assert dimensions_of(result) == dimensions_of(cube)


@pytest.mark.parametrize(("target", "position"), [(None, 1), ("bands", 1), ("features", 1)])
def test_lists_of_numbers_and_blocks_along_a_dimension(
    run: Run, cube: xr.DataArray, target: str | None, position: int
) -> None:
    process = {
        "process_graph": {
            "red": node("array_element", data=DATA, label="B04"),
            "list": node(
                "array_create", data=[{"from_node": "red"}, 7, None, {"from_node": "red"}], result=True
            ),
        }
    }
    result = run("apply_dimension", data=cube, process=process, dimension="bands", target_dimension=target)
    name = target or "bands"
    assert result.dims[position] == name
    assert labels(result, name) == (0, 1, 2, 3)
    assert dimensions_of(result)[position].type == ("other" if target == "features" else "bands")
    np.testing.assert_array_equal(result.isel({name: 3}), cube.isel(bands=0))
    assert (result.isel({name: 1}) == 7).all()
    assert np.isnan(result.isel({name: 2})).all()


def test_an_empty_list_is_no_result(run: Run, cube: xr.DataArray) -> None:
    with pytest.raises(OpenEOError, match=r"at least one element.*node 'node'") as caught:
        run("apply_dimension", data=cube, process=single("array_create", data=[]), dimension="t")
    assert caught.value.code == "ProcessGraphInvalid"


@pytest.mark.parametrize(
    ("reducer", "expected"), [("count", 0), ("mean", None), ("max", None), ("first", None), ("sum", None)]
)
def test_reducers_of_dimensions_without_labels(
    run: Run, cube: xr.DataArray, reducer: str, expected: int | None
) -> None:
    result = run(
        "reduce_dimension", data=cube.isel(t=[]), reducer=single(reducer, data=DATA), dimension="t"
    ).compute()
    assert result.dims == ("bands", "y", "x")
    assert np.isnan(result).all() if expected is None else (result == expected).all()


def test_names_of_dimensions_are_free(run: Run, cube: xr.DataArray) -> None:
    for source, target in {"t": "Zeit", "bands": "Kanäle", "y": "row", "x": "column"}.items():
        cube = run("rename_dimension", data=cube, source=source, target=target)
    result = run("ndvi", data=cube)
    result = run("aggregate_temporal_period", data=result, period="month", reducer=single("max", data=DATA))
    result = run("filter_temporal", data=result, extent=["2020-03-01", None])
    result = run("resample_spatial", data=result, resolution=20)
    assert result.dims == ("Zeit", "row", "column")
    assert labels(result, "Zeit") == ("2020-03", "2020-04")
    assert [one.type for one in dimensions_of(result)] == ["temporal", "spatial", "spatial"]


def test_merged_times_are_sorted_even_if_those_of_both_cubes_are_not(run: Run, cube: xr.DataArray) -> None:
    turned = cube.isel(t=[2, 0, 3, 1])
    result = run("merge_cubes", cube1=turned, cube2=turned.isel(t=[1, 0, 3, 2]), overlap_resolver=SUBTRACT)
    assert labels(result, "t") == labels(cube, "t")
    np.testing.assert_array_equal(result, cube - cube)
    parts = run("merge_cubes", cube1=turned.isel(bands=[0]), cube2=cube.isel(bands=[1, 2]))
    np.testing.assert_array_equal(parts, cube)


def test_merged_labels_may_be_there_twice(run: Run, cube: xr.DataArray) -> None:
    twice, other = cube.assign_coords(t=cube.t.values[[0, 0, 2, 3]]), cube.isel(t=[1])
    result = run("merge_cubes", cube1=twice, cube2=other)
    np.testing.assert_array_equal(result, cube.isel(t=[0, 1, 1, 2, 3]))
    with pytest.raises(OpenEOError) as caught:
        run("merge_cubes", cube1=twice, cube2=cube, overlap_resolver=SUBTRACT)
    assert caught.value.code == "ProcessParameterInvalid"


def test_merged_bands_may_be_swapped(run: Run, cube: xr.DataArray) -> None:
    swapped = make_cube(cube.isel(bands=[2, 0]).transpose("x", "bands", "y", "t"), dimensions_of(cube))
    result = run("merge_cubes", cube1=cube, cube2=swapped, overlap_resolver=SUBTRACT)
    assert labels(result, "bands") == ("B04", "B08", "SCL")
    assert result.dims == cube.dims
    np.testing.assert_array_equal(result.isel(bands=[0, 2]), (cube - cube).isel(bands=[0, 2]))
    np.testing.assert_array_equal(result.isel(bands=1), cube.isel(bands=1))
