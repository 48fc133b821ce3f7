"""Processes on windows: sizes, margins, borders, and what the process may not change."""

from collections.abc import Callable
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import Dimension, dimensions_of, make_cube
from connexeo.processing.neighborhoods import read_setting, spans
from connexeo.processing.process import process

Run = Callable[..., Any]
DATA = {"from_parameter": "data"}


def child(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_graph": {"it": {"process_id": process_id, "arguments": arguments, "result": True}}}


def px(**sizes: float) -> list[dict[str, Any]]:
    return [{"dimension": name, "value": value, "unit": "px"} for name, value in sizes.items()]


def each(**values: Any) -> list[dict[str, Any]]:
    return [{"dimension": name, "value": value} for name, value in values.items()]


IDENTITY = child("apply", data=DATA, process=child("multiply", x={"from_parameter": "x"}, y=1))
CUMULATIVE = child("apply_dimension", data=DATA, dimension="x", process=child("cumsum", data=DATA))


def days(*labels: str) -> xr.DataArray:
    """A cube (t, y, x) of one pixel whose values are 1, 2, 3, …."""
    times = np.array(labels, "datetime64[ns]")
    values = np.arange(1.0, len(labels) + 1)[:, None, None]
    return xr.DataArray(values, dims=("t", "y", "x"), coords={"t": times, "y": [5.0], "x": [5.0]})


def test_everything_but_values_stays(run: Run, cube: xr.DataArray) -> None:
    with dask.config.set(scheduler=_refuse):
        result = run(
            "apply_neighborhood", data=cube, process=IDENTITY, size=px(x=3, y=2), overlap=px(x=2, t=1)
        )
    assert result.dims == cube.dims
    assert dimensions_of(result) == dimensions_of(cube)
    assert result.attrs["title"] == "A test"
    assert result.dtype == "float32"
    xr.testing.assert_equal(result.compute(), cube.compute())


def _refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("something was computed")


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("margin", [0, 1, 7])
def test_windows_and_margins(run: Run, margin: int, lazy: bool) -> None:
    row = xr.DataArray(np.arange(1, 8, dtype="uint8")[None].repeat(2, 0), dims=("y", "x"))
    row = row.chunk(x=2) if lazy else row
    result = run("apply_neighborhood", data=row, process=CUMULATIVE, size=px(x=3), overlap=px(x=margin, y=1))
    # Cumulative sums start anew at each window with its margin; the margin itself is dropped.
    expected = [sum(range(max(1, x // 3 * 3 + 1 - margin), x + 2)) for x in range(7)]
    assert result.values.tolist() == [expected, expected]
    assert (result.chunks is not None) == lazy


def test_what_is_not_listed_is_not_divided(run: Run, cube: xr.DataArray) -> None:
    whole = run("apply_dimension", data=cube, dimension="x", process=child("cumsum", data=DATA))
    for size in ([], each(x=None), px(y=2, x=99)):
        result = run("apply_neighborhood", data=cube, process=CUMULATIVE, size=size)
        np.testing.assert_allclose(result, whole)


@pytest.mark.parametrize("lazy", [True, False])
def test_arrays_where_one_dimension_is_left(run: Run, cube: xr.DataArray, lazy: bool) -> None:
    data = cube if lazy else cube.compute()
    size = [*px(x=1, y=1, bands=1), *each(t="P20D")]
    result = run("apply_neighborhood", data=data, process=child("cumsum", data=DATA), size=size)
    assert dimensions_of(result) == dimensions_of(cube)
    expected = cube.compute().copy()
    expected[1] = expected[:2].sum("t").where(cube[1].notnull())  # the others are alone in their windows
    np.testing.assert_allclose(result, expected)


def test_arrays_have_labels_and_margins(run: Run) -> None:
    series = days("2024-01-01", "2024-01-02", "2024-01-05")
    labels = child("array_element", data=DATA, label="2024-01-02T00:00:00Z", return_nodata=True)
    inner = {
        "one": labels["process_graph"]["it"] | {"result": False},
        "all": {
            "process_id": "array_create",
            "arguments": {"data": [{"from_node": "one"}], "repeat": 3},
            "result": True,
        },
    }
    size, overlap = px(x=1, y=1, t=1), px(t=1)
    result = run(
        "apply_neighborhood", data=series, process={"process_graph": inner}, size=size, overlap=overlap
    )
    assert result.values.ravel().tolist() == [2, 2, 2]


def test_time_in_any_order(run: Run) -> None:
    series = days("2024-02-01", "2024-01-30", "2024-01-01", "2024-01-29")
    inner = child("apply_dimension", data=DATA, dimension="t", process=child("cumsum", data=DATA))
    result = run("apply_neighborhood", data=series, process=inner, size=each(t="P1M"))
    assert result.values.ravel().tolist() == [1, 3 + 4 + 2, 3, 3 + 4]
    assert result.t.values.tolist() == series.t.values.tolist()


@pytest.mark.parametrize(
    ("size", "overlap", "expected"),
    [
        ({"value": "P1M"}, None, [(0, 2, 0, 2), (2, 3, 2, 3), (3, 4, 3, 4)]),
        ({"value": "P1Y"}, None, [(0, 3, 0, 3), (3, 4, 3, 4)]),
        ({"value": "P1W"}, None, [(0, 1, 0, 1), (1, 3, 1, 3), (3, 4, 3, 4)]),
        ({"value": "P28D"}, None, [(0, 1, 0, 1), (1, 3, 1, 3), (3, 4, 3, 4)]),
        ({"value": "P9999999999Y"}, {"value": "P9999999999Y"}, [(0, 4, 0, 4)]),
        ({"value": "P1M"}, {"value": "P2D"}, [(0, 2, 0, 3), (2, 3, 1, 3), (3, 4, 3, 4)]),
        ({"value": "P1M"}, {"value": "PT6H"}, [(0, 2, 0, 2), (2, 3, 2, 3), (3, 4, 3, 4)]),
        ({"value": 2, "unit": "px"}, {"value": "P2D"}, [(0, 2, 0, 3), (2, 4, 1, 4)]),
        ({"value": "P1M"}, {"value": 1, "unit": "px"}, [(0, 2, -1, 3), (2, 3, 1, 4), (3, 4, 2, 5)]),
    ],
)
def test_spans_of_time(size: Any, overlap: Any, expected: list[tuple[int, ...]]) -> None:
    series = days("2024-01-01", "2024-01-31", "2024-02-01T12:00", "2025-01-01")
    dimension = dimensions_of(series)[0]
    settings = [
        None if one is None else read_setting({"dimension": "t", **one}, "size") for one in (size, overlap)
    ]
    found = spans(series, dimension, *settings)
    assert [(one.start, one.stop, one.first, one.end) for one in found] == expected


@pytest.mark.parametrize(
    ("crs", "step", "size", "pixels"),
    [
        (32632, 10, {"value": 30, "unit": "m"}, 3),
        (32632, -10, {"value": 34}, 3),
        (32632, 10, {"value": 1, "unit": "m"}, 1),
        (2263, 10, {"value": 30.48, "unit": "m"}, 10),  # in feet
        (4326, 0.001, {"value": 0.004}, 4),
        (4326, 0.001, {"value": 334, "unit": "m"}, 6),  # at 60° north
        (None, 10, {"value": 20, "unit": "m"}, 2),
    ],
)
def test_spans_of_space(crs: int | None, step: float, size: Any, pixels: int) -> None:
    labels = {"y": [60.0], "x": step * np.arange(20.0)}
    row = xr.DataArray(np.zeros((1, 20)), dims=("y", "x"), coords=labels)
    row = make_cube(row, [Dimension("y", "spatial", "y", crs), Dimension("x", "spatial", "x", crs)])
    found = spans(row, dimensions_of(row)[1], read_setting({"dimension": "x", **size}, "size"), None)
    assert found[0].stop == pixels


def test_labels_go_on_beyond_the_border(run: Run) -> None:
    seen = []

    @process
    def apply_kernel(data: xr.DataArray) -> xr.DataArray:
        seen.append({str(name): data[name].values.tolist() for name in data.dims})
        return data

    cube = xr.DataArray(
        np.zeros((1, 2, 2)), dims=("b", "y", "x"), coords={"b": ["B1"], "y": [30.0, 20.0], "x": [1.0, 3.0]}
    )
    from connexeo.processing.processes.neighborhoods import apply_neighborhood

    apply_neighborhood(
        cube,
        lambda data, context: apply_kernel(data),  # type: ignore[arg-type]
        size=px(x=1, y=2),
        overlap=px(x=2, y=1, b=1),
    )
    assert seen[0]["x"] == [-3.0, -1.0, 1.0, 3.0, 5.0]
    assert seen[0]["y"] == [40.0, 30.0, 20.0, 10.0]
    assert len(set(seen[0]["b"])) == 3
    assert seen[1]["x"] == [-1.0, 1.0, 3.0, 5.0, 7.0]


def test_the_process_gets_the_context(run: Run, cube: xr.DataArray) -> None:
    inner = child(
        "apply",
        data=DATA,
        process=child("add", x={"from_parameter": "x"}, y={"from_parameter": "context"}),
        context={"from_parameter": "context"},
    )
    result = run("apply_neighborhood", data=cube, process=inner, size=px(x=3), context=5)
    np.testing.assert_allclose(result, cube + 5)


FAULTY = {
    "reduced": child("reduce_dimension", data=DATA, dimension="t", reducer=child("max", data=DATA)),
    "renamed": child("rename_labels", data=DATA, dimension="bands", source=["B04"], target=["red"]),
    "filtered": child("filter_bands", data=DATA, bands=["B04"]),
    "added": child("add_dimension", data=DATA, name="new", label=1),
    "no cube": child("dimension_labels", data=DATA, dimension="x"),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_the_process_may_not_change_dimensions(run: Run, cube: xr.DataArray, fault: str) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("apply_neighborhood", data=cube, process=FAULTY[fault], size=px(x=4)).compute()
    assert caught.value.code == "DataCubePropertiesImmutable"


def test_the_process_must_return_all_values_of_an_array(run: Run, cube: xr.DataArray) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("apply_neighborhood", data=cube, process=child("extrema", data=DATA), size=px(x=1, y=1, bands=1))
    assert caught.value.code == "DataCubePropertiesImmutable"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"size": px(z=1)}, "DimensionNotAvailable"),
        ({"size": [], "overlap": px(z=1)}, "DimensionNotAvailable"),
        ({"size": px(x=0)}, "ProcessParameterInvalid"),
        ({"size": px(x=1.5)}, "ProcessParameterInvalid"),
        ({"size": [*px(x=1), *px(x=2)]}, "ProcessParameterInvalid"),
        ({"size": each(x="P1D")}, "ProcessParameterInvalid"),
        ({"size": each(t="P0D")}, "ProcessParameterInvalid"),
        ({"size": each(t="-P1D")}, "ProcessParameterInvalid"),
        ({"size": each(t=3)}, "ProcessParameterInvalid"),
        ({"size": [{"dimension": "bands", "value": 3, "unit": "m"}]}, "ProcessParameterInvalid"),
        ({"size": [{"dimension": "t", "value": "P1D", "unit": "px"}]}, "ProcessParameterInvalid"),
    ],
)
def test_faults_of_sizes(run: Run, cube: xr.DataArray, arguments: Any, code: str) -> None:
    with pytest.raises(OpenEOError) as caught:
        run("apply_neighborhood", data=cube, process=IDENTITY, **arguments)
    assert caught.value.code == code


def test_cubes_without_pixels(run: Run, cube: xr.DataArray) -> None:
    result = run("apply_neighborhood", data=cube.isel(t=slice(0, 0)), process=IDENTITY, size=each(t="P1D"))
    assert result.shape == (0, 3, 6, 8)
