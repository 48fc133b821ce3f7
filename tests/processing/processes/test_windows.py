"""Windows of pixels, and the whole plane, reduced to one pixel."""

from collections.abc import Callable
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import dimensions_of, labels, make_cube

Run = Callable[..., Any]
DATA = {"from_parameter": "data"}


def reducer(process_id: str, **arguments: Any) -> dict[str, Any]:
    node = {"process_id": process_id, "arguments": {"data": DATA, **arguments}, "result": True}
    return {"process_graph": {"it": node}}


def _refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("something was computed")


def test_mean_of_windows(run: Run, cube: xr.DataArray) -> None:
    with dask.config.set(scheduler=_refuse):
        result = run("aggregate_spatial_window", data=cube, reducer=reducer("mean"), size=[4, 3])
    assert result.chunks is not None
    assert result.dtype == "float32"
    assert dimensions_of(result) == dimensions_of(cube)
    assert labels(result, "x") == (600_020.0, 600_060.0)
    assert labels(result, "y") == (4_999_985.0, 4_999_955.0)
    expected = np.nanmean(cube.values.reshape(4, 3, 2, 3, 2, 4), (3, 5))
    np.testing.assert_allclose(result, expected, rtol=1e-6)


# Of pixels 0 to 7 along x, in windows of 3: the first pixel of each, and the centres.
LEFT = {"pad": ([0, 3, 6], [1, 4, 7]), "trim": ([0, 3], [1, 4])}
RIGHT = {"pad": ([0, 2, 5], [0, 3, 6]), "trim": ([2, 5], [3, 6])}


@pytest.mark.parametrize("boundary", ["pad", "trim"])
@pytest.mark.parametrize("align", ["upper-left", "lower-left", "upper-right", "lower-right"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("lazy", [False, True])
def test_incomplete_windows(run: Run, boundary: str, align: str, turned: bool, lazy: bool) -> None:
    values = np.arange(8)[None] + 10 * np.arange(5)[:, None]
    cube = xr.DataArray(values, dims=("y", "x"), coords={"y": 100.0 - np.arange(5), "x": np.arange(8.0)})
    if turned:
        cube = make_cube(cube.isel(x=slice(None, None, -1), y=slice(None, None, -1)).T, dimensions_of(cube))
    result = run(
        "aggregate_spatial_window",
        data=cube.chunk(2) if lazy else cube,
        reducer=reducer("min"),
        size=[3, 4],
        boundary=boundary,
        align=align,
    )
    first, centre = (LEFT if align.endswith("left") else RIGHT)[boundary]
    rows = {"pad": ([0, 4], [1.5, 5.5]), "trim": ([0], [1.5])}[boundary]
    if align.startswith("lower"):
        rows = {"pad": ([0, 1], [-1.5, 2.5]), "trim": ([1], [2.5])}[boundary]
    result = result.transpose("y", "x").sortby("x").sortby("y", ascending=False)
    assert labels(result, "x") == tuple(map(float, centre))
    assert labels(result, "y") == tuple(100.0 - one for one in rows[1])
    assert result.values.tolist() == [[x + 10 * y for x in first] for y in rows[0]]


def test_windows_larger_than_the_cube(run: Run, cube: xr.DataArray) -> None:
    arguments = {"data": cube, "reducer": reducer("count", condition=True), "size": [10, 7]}
    result = run("aggregate_spatial_window", **arguments)
    assert (result == 70).all()
    assert result.shape == (4, 3, 1, 1)
    assert labels(result, "x") == (600_050.0,)
    empty = run("aggregate_spatial_window", boundary="trim", **arguments)
    assert empty.compute().shape == (4, 3, 0, 0)


def test_a_single_column_has_the_resolution_of_the_rows(run: Run, cube: xr.DataArray) -> None:
    result = run("aggregate_spatial_window", data=cube.isel(x=[0]), reducer=reducer("max"), size=[2, 2])
    assert labels(result, "x") == (600_010.0,)


@pytest.mark.parametrize("lazy", [False, True])
def test_reduce_spatial(run: Run, cube: xr.DataArray, lazy: bool) -> None:
    data = (cube if lazy else cube.compute()).transpose("x", "t", "y", "bands")
    with dask.config.set(scheduler=_refuse):
        result = run("reduce_spatial", data=data, reducer=reducer("mean"))
    assert result.dims == ("t", "bands")
    assert dimensions_of(result) == dimensions_of(cube)[:2]
    assert "x" not in result.coords
    np.testing.assert_allclose(result, np.nanmean(cube.values, (2, 3)), rtol=1e-6)


def test_reducers_get_the_context(run: Run, cube: xr.DataArray) -> None:
    inner = {"x": {"from_parameter": "context"}}
    sums = {"process_graph": {"it": {"process_id": "constant", "arguments": inner, "result": True}}}
    assert (run("reduce_spatial", data=cube, reducer=sums, context=7) == 7).all()
    windows = run("aggregate_spatial_window", data=cube, reducer=sums, context=7, size=[2, 2])
    assert (windows == 7).all()


@pytest.mark.parametrize("lazy", [False, True])
def test_planes_without_pixels(run: Run, cube: xr.DataArray, lazy: bool) -> None:
    empty = cube.isel(x=slice(0, 0))
    empty = empty if lazy else empty.compute()
    result = run("reduce_spatial", data=empty, reducer=reducer("mean"))
    assert result.shape == (4, 3)
    assert np.isnan(result.values).all()
    windows = run("aggregate_spatial_window", data=empty, reducer=reducer("mean"), size=[2, 2])
    assert windows.compute().shape == (4, 3, 3, 0)


def test_only_planes_are_reduced(run: Run, cube: xr.DataArray) -> None:
    line = cube.isel(y=0, drop=True)
    for process_id, arguments in (("reduce_spatial", {}), ("aggregate_spatial_window", {"size": [1, 1]})):
        with pytest.raises(OpenEOError) as caught:
            run(process_id, data=line, reducer=reducer("mean"), **arguments)
        assert caught.value.code == "DimensionNotAvailable"
