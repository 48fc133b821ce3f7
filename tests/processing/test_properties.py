"""What has to hold for every cube: neither chunks nor the order of dimensions nor types of numbers change values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import Dimension, coordinates, dimensions_of, make_cube
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate

Step = Callable[[Environment, xr.DataArray], Any]

few = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

DATA, X, Y = {"from_parameter": "data"}, {"from_parameter": "x"}, {"from_parameter": "y"}
TYPES = {
    "t": Dimension("t", "temporal"),
    "bands": Dimension("bands", "bands"),
    "y": Dimension("y", "spatial", "y", 32632),
    "x": Dimension("x", "spatial", "x", 32632),
}
DAY = np.datetime64("2024-01-01", "ns")


@st.composite
def cubes(draw: st.DrawFn, dtype: str | None = None, distinct: bool = False) -> xr.DataArray:
    """Cubes with x and y, perhaps with t and bands, in any order of dimensions and of labels of time.

    Values of floating cubes may be no-data or infinite. Dates may be there twice unless they have to be distinct.
    """
    further = draw(st.sampled_from([(), ("t",), ("bands",), ("t", "bands")]))
    names = draw(st.permutations([*further, "y", "x"]))
    sizes = {
        "t": draw(st.integers(1, 4)),
        "bands": 2,
        "y": draw(st.integers(1, 5)),
        "x": draw(st.integers(2, 6)),
    }
    days = draw(st.lists(st.integers(0, 60), min_size=sizes["t"], max_size=sizes["t"], unique=distinct))
    y = 5_000_005.0 + 10 * np.arange(sizes["y"])
    labels = {
        "t": DAY + np.array(days, "timedelta64[D]"),
        "bands": ["B1", "B2"],
        "y": y if draw(st.booleans()) else y[::-1],
        "x": 600_005.0 + 10 * np.arange(sizes["x"]),
    }
    kind: Any = dtype or draw(st.sampled_from(["uint8", "int16", "float32", "float64"]))
    values: Any = st.integers(0, 200)
    if kind.startswith("float"):
        values = values.map(float) | st.sampled_from([np.nan, np.nan, np.inf, -np.inf, 0.25, -3.5])
    data = draw(arrays.arrays(kind, tuple(sizes[name] for name in names), elements=values))
    return make_cube(
        xr.DataArray(data, dims=names, coords={name: labels[name] for name in names}),
        [TYPES[name] for name in names],
    )


def child(process_id: str, **arguments: Any) -> dict[str, Any]:
    """A child graph of one node."""
    return {"process_graph": {"it": {"process_id": process_id, "arguments": arguments, "result": True}}}


def call(environment: Environment, process_id: str, cubes: Mapping[str, Any], **arguments: Any) -> Any:
    """The result of a node whose cubes are given as parameters."""
    given = {**{name: {"from_parameter": name} for name in cubes}, **arguments}
    graph = {"node": {"process_id": process_id, "arguments": given, "result": True}}
    return evaluate(graph, cubes, environment=environment)


def step(process_id: str, **arguments: Any) -> Step:
    """A process of one cube."""
    return lambda environment, cube: call(environment, process_id, {"data": cube}, **arguments)


def shifted(cube: xr.DataArray, metres: float) -> xr.DataArray:
    """The cube elsewhere."""
    return cube.assign_coords(x=cube.x + metres)


def merged(environment: Environment, cube: xr.DataArray) -> Any:
    """With itself, a few pixels further, so that some overlap."""
    given = {"cube1": cube, "cube2": shifted(cube, 10)}
    resolver = child("subtract", x=X, y={"from_parameter": "y"})
    return call(environment, "merge_cubes", given, overlap_resolver=resolver)


def masked(environment: Environment, cube: xr.DataArray) -> Any:
    """By one of its own planes, which has fewer dimensions."""
    plane = cube.isel({name: 0 for name in cube.dims if name not in ("y", "x")}, drop=True)
    given = {"data": cube, "mask": make_cube(plane > 50, dimensions_of(plane))}
    return call(environment, "mask", given, replacement=7)


def onto_other_pixels(environment: Environment, cube: xr.DataArray) -> Any:
    """Of a cube that lies a fraction of a pixel further."""
    target = xr.DataArray(
        np.zeros((3, 3)),
        dims=("y", "x"),
        coords={"y": 5_000_010.0 + 7 * np.arange(3), "x": 600_003.0 + 9 * np.arange(3)},
    )
    target = make_cube(target, [TYPES["y"], TYPES["x"]])
    return call(environment, "resample_cube_spatial", {"data": cube, "target": target}, method="bilinear")


KERNEL = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
INNER = child("apply", data=DATA, process=child("add", x=X, y=1))
SPATIAL: dict[str, Step] = {
    "apply": step("apply", process=child("subtract", x=X, y=2)),
    "reduce_dimension": step("reduce_dimension", dimension="y", reducer=child("mean", data=DATA)),
    "apply_dimension": step("apply_dimension", dimension="x", process=child("cumsum", data=DATA)),
    "apply_kernel": step("apply_kernel", kernel=KERNEL, border="reflect"),
    "apply_neighborhood": step(
        "apply_neighborhood",
        process=INNER,
        size=[{"dimension": "x", "value": 2, "unit": "px"}],
        overlap=[{"dimension": "y", "value": 1, "unit": "px"}],
    ),
    "aggregate_spatial_window": step(
        "aggregate_spatial_window", reducer=child("sum", data=DATA), size=[2, 3], align="lower-right"
    ),
    "reduce_spatial": step("reduce_spatial", reducer=child("max", data=DATA)),
    "resample_spatial": step("resample_spatial", resolution=[25, 15], method="average"),
    "filter_bbox": step(
        "filter_bbox",
        extent={"west": 600_010, "south": 5_000_000, "east": 600_040, "north": 5_000_033, "crs": 32632},
    ),
    "resample_cube_spatial": onto_other_pixels,
    "mask": masked,
    "merge_cubes": merged,
}
MONTHS = [["2024-01-01", "2024-02-01"], ["2024-01-15", "2024-02-20"], ["2025-01-01", "2025-02-01"]]
TARGET = make_cube(
    xr.DataArray(np.zeros(3), dims="t", coords={"t": DAY + np.array([40, 0, 7], "timedelta64[D]")}),
    [TYPES["t"]],
)
TEMPORAL: dict[str, Step] = {
    "aggregate_temporal": step(
        "aggregate_temporal", intervals=MONTHS, reducer=child("median", data=DATA), labels=["a", "b", "c"]
    ),
    "aggregate_temporal_period": step(
        "aggregate_temporal_period", period="dekad", reducer=child("max", data=DATA)
    ),
    "filter_temporal": step("filter_temporal", extent=["2024-01-10", "2024-02-10"]),
    "apply_neighborhood (time)": step(
        "apply_neighborhood", process=INNER, size=[{"dimension": "t", "value": "P10D"}]
    ),
    "resample_cube_temporal": lambda environment, cube: call(
        environment, "resample_cube_temporal", {"data": cube, "target": TARGET}, valid_within=20
    ),
}
ALL = SPATIAL | TEMPORAL


def assert_same(result: xr.DataArray, expected: xr.DataArray) -> None:
    """Dimensions in any order, labels and values."""
    assert set(result.dims) == set(expected.dims)
    known = {one.name: one for one in dimensions_of(expected)}
    assert {one.name: one for one in dimensions_of(result)} == known
    for name in expected.dims:
        assert coordinates(result, str(name)).tolist() == coordinates(expected, str(name)).tolist()
    values = result.transpose(*expected.dims).values.astype(np.float64)
    np.testing.assert_allclose(values, expected.values.astype(np.float64), rtol=1e-5, atol=1e-5)


def applies(name: str, cube: xr.DataArray) -> bool:
    """Whether the cube has what the process needs."""
    if name in {"resample_spatial", "resample_cube_spatial"}:
        return min(cube.sizes["x"], cube.sizes["y"]) > 1
    return name not in TEMPORAL or "t" in cube.dims


@pytest.mark.parametrize("name", ALL)
@few
@given(cube=cubes(), chunk=st.integers(1, 4), data=st.data())
def test_chunks_and_order_of_dimensions_do_not_matter(
    environment: Environment, name: str, cube: xr.DataArray, chunk: int, data: st.DataObject
) -> None:
    if not applies(name, cube):
        return
    whole = ALL[name](environment, cube)
    lazy = ALL[name](environment, cube.chunk(chunk))
    assert lazy.chunks is not None
    assert lazy.dtype == whole.dtype
    computed = lazy.compute()
    assert computed.dtype == lazy.dtype
    assert_same(computed, whole)
    turned = cube.transpose(*data.draw(st.permutations(list(cube.dims))))
    result = ALL[name](environment, turned)
    assert_same(result, whole)
    assert [one for one in turned.dims if one in result.dims] == list(result.dims)


@pytest.mark.parametrize("name", ALL)
@few
@given(cube=cubes(dtype="int16", distinct=True), data=st.data())
def test_integers_are_numbers_and_dates_come_in_any_order(
    environment: Environment, name: str, cube: xr.DataArray, data: st.DataObject
) -> None:
    if not applies(name, cube):
        return
    expected = ALL[name](environment, cube)
    assert_same(ALL[name](environment, cube.astype("float64")), expected)
    if "t" in cube.dims and name != "mask":  # which takes the plane of the first date
        order = data.draw(st.permutations(range(cube.sizes["t"])))
        turned = make_cube(cube.isel(t=list(order)), dimensions_of(cube))
        both = ALL[name](environment, turned), expected
        assert_same(
            *(make_cube(one.sortby("t"), dimensions_of(one)) if "t" in one.dims else one for one in both)
        )


@st.composite
def labelled(draw: st.DrawFn) -> xr.DataArray:
    """Small cubes of integers with bands and at least one of the dimensions a and t, each with some of three labels."""
    names = draw(
        st.sampled_from([("bands", "t"), ("t", "bands"), ("a", "bands"), ("bands", "a", "t"), ("bands",)])
    )
    labels = {name: draw(st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True)) for name in names}
    coords = {
        name: DAY + np.array(some, "timedelta64[D]") if name == "t" else [f"{name}{one}" for one in some]
        for name, some in labels.items()
    }
    shape = tuple(map(len, labels.values()))
    data = draw(arrays.arrays("int16", shape, elements=st.integers(-99, 99)))
    kinds = [TYPES.get(name, Dimension(name, "other")) for name in names]
    return make_cube(xr.DataArray(data, dims=names, coords=coords), kinds)


@settings(few, max_examples=15)
@given(first=labelled(), second=labelled(), lazy=st.booleans())
def test_merged_cubes_have_the_values_of_both(
    environment: Environment, first: xr.DataArray, second: xr.DataArray, lazy: bool
) -> None:
    given = {"cube1": first.chunk(1) if lazy else first, "cube2": second}
    result = call(environment, "merge_cubes", given, overlap_resolver=child("subtract", x=X, y=Y))
    assert set(result.dims) == {*first.dims, *second.dims}
    for name in result.dims:
        ours, theirs = ([] if name not in one.dims else one[name].values.tolist() for one in (first, second))
        expected = [*ours, *(label for label in theirs if label not in ours)]
        assert result[name].values.tolist() == (sorted(expected) if name == "t" else expected)
    values = result.values
    for place in np.ndindex(result.shape):
        at = {name: result[name].values[index] for name, index in zip(result.dims, place, strict=True)}
        x, y = (value_at(one, at) for one in (first, second))
        value: Any = np.nan if x is y is None else y if x is None else x if y is None else x - y
        assert np.array_equal(values[place], value, equal_nan=True)


def value_at(cube: xr.DataArray, at: Mapping[Any, Any]) -> int | None:
    """The value for labels, of which the cube may lack dimensions; None if it lacks a label."""
    chosen = {name: label for name, label in at.items() if name in cube.dims}
    if any(label not in cube[name].values for name, label in chosen.items()):
        return None
    return int(cube.sel(chosen))


@few
@given(cube=cubes())
def test_renaming_and_reducing_can_be_swapped(environment: Environment, cube: xr.DataArray) -> None:
    rename = step("rename_dimension", source="x", target="columns")
    reduce = step("reduce_dimension", dimension="y", reducer=child("median", data=DATA))
    assert_same(
        reduce(environment, rename(environment, cube)), rename(environment, reduce(environment, cube))
    )
    renamed = step("reduce_dimension", dimension="columns", reducer=child("median", data=DATA))
    before = step("reduce_dimension", dimension="x", reducer=child("median", data=DATA))
    assert_same(renamed(environment, rename(environment, cube)), before(environment, cube))


@pytest.mark.parametrize("name", ["filter_bbox", "filter_temporal"])
@few
@given(cube=cubes(), lazy=st.booleans())
def test_filtering_and_applying_can_be_swapped(
    environment: Environment, name: str, cube: xr.DataArray, lazy: bool
) -> None:
    if applies(name, cube):
        select, apply = ALL[name], SPATIAL["apply"]
        data = cube.chunk(2) if lazy else cube
        assert_same(
            apply(environment, select(environment, data)), select(environment, apply(environment, data))
        )


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("nothing", ["x", "t", "bands"])
@pytest.mark.parametrize("name", ALL)
def test_nothing_in_gives_nothing_or_a_named_error(
    environment: Environment, cube: xr.DataArray, name: str, nothing: str, lazy: bool
) -> None:
    empty = cube.isel({nothing: slice(0, 0)})
    if name == "mask" and nothing != "x":
        return  # there is no plane that could be the mask
    data = empty if lazy else empty.compute()
    if (name, nothing) in NAMED:
        with pytest.raises(OpenEOError) as caught:
            ALL[name](environment, data)
        assert caught.value.code == NAMED[name, nothing]
        return
    result = ALL[name](environment, data).compute()
    assert {one.name for one in dimensions_of(result)} <= {"t", "bands", "y", "x"}
    assert np.isnan(result.values).all()


NAMED = {
    ("resample_spatial", "x"): "IncompatibleDataCubes",
    ("resample_cube_spatial", "x"): "IncompatibleDataCubes",
    ("aggregate_temporal_period", "t"): "NoDataAvailable",
}
"""What can't be done with a cube that has no labels in a dimension."""
