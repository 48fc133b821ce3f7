"""Planes and geometries reduced block by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import shapely
import xarray as xr

from connexeo.processing import summaries
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.execution import Execution, compute, compute_blocks, is_summary, using
from connexeo.processing.execution.parts import Division
from connexeo.processing.execution.threads import Threads
from connexeo.processing.vectors import make_vector_cube

Run = Callable[..., Any]
Json = dict[str, Any]

DATA = {"from_parameter": "data"}


def node(process_id: str, **arguments: Any) -> Json:
    return {"process_id": process_id, "arguments": arguments}


def graph(**nodes: Json) -> Json:
    """A child process graph whose last node gives the result."""
    last = list(nodes)[-1]
    return {"process_graph": {**nodes, last: nodes[last] | {"result": True}}}


def single(process_id: str, **arguments: Any) -> Json:
    return graph(one=node(process_id, data=DATA, **arguments))


POSITIVE = graph(one=node("gt", x={"from_parameter": "x"}, y=2))
SUMMING = {
    "mean": single("mean"),
    "mean of all": single("mean", ignore_nodata=False),
    "sum": single("sum"),
    "sum of all": single("sum", ignore_nodata=False),
    "product": single("product"),
    "variance": single("variance"),
    "variance of all": single("variance", ignore_nodata=False),
    "sd": single("sd"),
    "min": single("min"),
    "min of all": single("min", ignore_nodata=False),
    "max": single("max"),
    "count": single("count"),
    "count everything": single("count", condition=True),
    "count some": single("count", condition=POSITIVE),
    "several nodes": graph(
        mean=node("mean", data=DATA),
        sd=node("sd", data=DATA),
        share=node("divide", x={"from_node": "sd"}, y={"from_node": "mean"}),
        scaled=node("multiply", x={"from_node": "share"}, y={"from_parameter": "context"}),
    ),
    "a nested graph of its own parameter": graph(
        many=node("count", data=DATA, condition=graph(one=node("lt", x={"from_parameter": "x"}, y=3))),
        half=node("divide", x={"from_node": "many"}, y=2),
    ),
}
WHOLE = {
    "median": single("median"),
    "first": single("first"),
    "extrema": graph(both=node("extrema", data=DATA), least=node("min", data={"from_node": "both"})),
    "one by summaries, one not": graph(
        mean=node("mean", data=DATA),
        median=node("median", data=DATA),
        difference=node("subtract", x={"from_node": "mean"}, y={"from_node": "median"}),
    ),
    "not the array itself": graph(
        sorted=node("sort", data=DATA), largest=node("max", data={"from_node": "sorted"})
    ),
    "nothing of the array": graph(one=node("constant", x=7)),
    "a condition that needs the array": single(
        "count",
        condition=graph(
            mean=node("mean", data=DATA), one=node("gt", x={"from_parameter": "x"}, y={"from_node": "mean"})
        ),
    ),
}


def make(dtype: str, kind: str) -> xr.DataArray:
    """A cube (t: 3, bands: 2, y: 7, x: 9), of which one plane has nothing but no-data."""
    random = np.random.default_rng(1)
    values = random.integers(0, 6, (3, 2, 7, 9)).astype(dtype)
    if kind != "complete":
        values[random.random(values.shape) < 0.3] = np.nan
        values[1, 1] = np.nan
        values[2, 0, :4] = np.nan
    if kind == "infinite":
        values[0, 0, 2, 2] = np.inf
        values[0, 1, 2, 2], values[0, 1, 5, 5] = np.inf, -np.inf
    coords = {
        "t": np.array(["2020-01-05", "2020-01-20", "2020-03-05"], "datetime64[ns]"),
        "bands": ["a", "b"],
        "y": 70.0 - 10 * np.arange(7),
        "x": 10.0 * np.arange(9),
    }
    return xr.DataArray(values, dims=("t", "bands", "y", "x"), coords=coords)


CHUNKS = {"t": 1, "bands": 2, "y": 3, "x": 4}
KINDS = [("float32", "gaps"), ("float64", "infinite"), ("uint8", "complete"), ("bool", "complete")]


def summarised(cube: xr.DataArray) -> bool:
    return any(map(is_summary, cube.data.dask.to_dict()))


def in_parts(array: Any, threads: int = 2) -> Any:
    """All values, by the engine."""
    with using(Execution(strategy=Threads(threads))):
        return compute(array)


@pytest.mark.parametrize(("dtype", "kind"), KINDS)
@pytest.mark.parametrize("name", SUMMING)
def test_planes(run: Run, monkeypatch: pytest.MonkeyPatch, name: str, dtype: str, kind: str) -> None:
    monkeypatch.setattr(summaries, "_PIECE", 5)
    cube = make(dtype, kind)
    given = {"reducer": SUMMING[name], "context": 10}
    whole = run("reduce_spatial", data=cube, **given)
    lazy = run("reduce_spatial", data=cube.chunk(CHUNKS), **given)
    assert summarised(lazy)
    assert lazy.dtype == whole.dtype
    assert lazy.dims == ("t", "bands")
    np.testing.assert_allclose(in_parts(lazy.data), whole.values, rtol=1e-6)
    np.testing.assert_allclose(lazy.compute(), whole.values, rtol=1e-6)


@pytest.mark.parametrize("process_id", ["any", "all"])
@pytest.mark.parametrize("ignore_nodata", [True, False])
def test_truth(run: Run, process_id: str, ignore_nodata: bool) -> None:
    reducer = single(process_id, ignore_nodata=ignore_nodata)
    cube = make("float32", "gaps") > 4
    for values in (cube, cube.astype("float32").where(make("float32", "gaps") < 5)):
        whole = run("reduce_spatial", data=values, reducer=reducer)
        lazy = run("reduce_spatial", data=values.chunk(CHUNKS), reducer=reducer)
        assert summarised(lazy)
        assert lazy.dtype == whole.dtype
        np.testing.assert_array_equal(in_parts(lazy.data), whole.values)


@pytest.mark.parametrize("name", WHOLE)
def test_reducers_that_need_all_values(run: Run, name: str) -> None:
    cube = make("float32", "gaps")
    lazy = run("reduce_spatial", data=cube.chunk(CHUNKS), reducer=WHOLE[name])
    assert not summarised(lazy)
    whole = run("reduce_spatial", data=cube, reducer=WHOLE[name])
    np.testing.assert_allclose(in_parts(lazy.data), whole.values, rtol=1e-6)


SHAPES = [
    shapely.box(-5, 5, 85, 75),
    shapely.box(12, 22, 55, 58),
    shapely.Point(31, 39),
    shapely.Polygon(),
    shapely.box(41, 41, 43, 43),
    shapely.MultiPolygon([shapely.box(-5, 5, 5, 15), shapely.box(75, 65, 85, 75)]),
    shapely.box(500, 500, 600, 600),
]


@pytest.mark.parametrize(("dtype", "kind"), KINDS)
@pytest.mark.parametrize(
    ("name", "target"),
    [("mean", None), ("max", "statistics"), ("several nodes", "statistics"), ("median", "statistics")],
)
def test_geometries(run: Run, name: str, target: str | None, dtype: str, kind: str) -> None:
    from connexeo.processing.cube import Dimension, make_cube

    plane = [Dimension("y", "spatial", "y", 32632), Dimension("x", "spatial", "x", 32632)]
    cube = make_cube(make(dtype, kind), plane)
    given = {
        "geometries": make_vector_cube(SHAPES, 32632),
        "reducer": SUMMING.get(name) or WHOLE[name],
        "context": 10,
        **({} if target is None else {"target_dimension": target}),
    }
    whole = run("aggregate_spatial", data=cube, **given)
    lazy = run("aggregate_spatial", data=cube.chunk(CHUNKS), **given)
    assert summarised(lazy) is (name != "median")
    assert (lazy.dims, lazy.dtype) == (whole.dims, whole.dtype)
    np.testing.assert_allclose(in_parts(lazy.data), whole.values, rtol=1e-6)


@pytest.mark.parametrize("lazy", [True, False])
def test_more_pixels_than_16_bits_count(run: Run, lazy: bool) -> None:
    ones = xr.DataArray(
        np.ones((300, 300), np.float32),
        dims=("y", "x"),
        coords={"y": np.arange(300.0), "x": np.arange(300.0)},
    )
    cube = ones.chunk(128) if lazy else ones
    assert run("reduce_spatial", data=cube, reducer=single("count")).values.tolist() == 90_000
    windows = run("aggregate_spatial_window", data=cube, reducer=single("count"), size=[300, 300])
    assert windows.values.tolist() == [[90_000]]


@pytest.mark.parametrize("chunks", [{"x": (0, 4, 0, 5)}, {"y": (7, 0)}, {"t": (0, 3)}])
def test_blocks_without_pixels(run: Run, chunks: Mapping[str, tuple[int, ...]]) -> None:
    cube = make("float32", "gaps")
    lazy = run("reduce_spatial", data=cube.chunk(chunks), reducer=SUMMING["several nodes"], context=1)
    whole = run("reduce_spatial", data=cube, reducer=SUMMING["several nodes"], context=1)
    np.testing.assert_allclose(in_parts(lazy.data), whole.values, rtol=1e-6)


def test_digits_are_kept(run: Run) -> None:
    """Of values whose variance is small beside them, in blocks of different means."""
    random = np.random.default_rng(2)
    values = 1e9 + random.normal(size=(64, 64)) + np.arange(64)
    cube = xr.DataArray(values, dims=("y", "x"), coords={"y": np.arange(64.0), "x": np.arange(64.0)})
    lazy = run("reduce_spatial", data=cube.chunk(8), reducer=single("variance"))
    np.testing.assert_allclose(in_parts(lazy.data), np.var(values, ddof=1), rtol=1e-7)


def noting(calls: list[Any], cube: xr.DataArray) -> xr.DataArray:
    """A lazy cube that notes each block that is read."""
    source = da.from_array(cube.values, chunks=tuple(CHUNKS[str(name)] for name in cube.dims))  # type: ignore[no-untyped-call]

    def note(block: Any) -> Any:
        calls.append(block.shape)
        return block

    meta = np.empty((0,) * cube.ndim, cube.dtype)
    return cube.copy(data=source.map_blocks(note, dtype=cube.dtype, meta=meta))


def test_what_is_made_of_a_reduced_plane_reads_blocks_once_more(environment: Environment) -> None:
    """Differences from the mean of the plane, and of their extent: two stages of summaries, then the result."""
    cube = make("float32", "complete")
    calls: list[Any] = []
    steps = {
        "mean": node("reduce_spatial", data=DATA, reducer=single("mean")),
        "apart": node(
            "merge_cubes",
            cube1=DATA,
            cube2={"from_node": "mean"},
            overlap_resolver=graph(
                one=node("subtract", x={"from_parameter": "x"}, y={"from_parameter": "y"})
            ),
        ),
        "most": node("reduce_spatial", data={"from_node": "apart"}, reducer=single("max")),
        "share": node(
            "merge_cubes",
            cube1={"from_node": "apart"},
            cube2={"from_node": "most"},
            overlap_resolver=graph(one=node("divide", x={"from_parameter": "x"}, y={"from_parameter": "y"})),
        )
        | {"result": True},
    }
    result = evaluate(steps, {"data": noting(calls, cube)}, environment=environment)
    told: list[tuple[int, int]] = []
    blocks: dict[Any, Any] = {}
    execution = Execution(strategy=Threads(2), on_progress=lambda *numbers: told.append(numbers))
    with using(execution):
        compute_blocks([result.data], blocks.__setitem__)
    count = result.data.npartitions
    assert set(blocks) == {(result.data.name, *place) for place in np.ndindex(result.data.numblocks)}
    assert len(calls) == 3 * cube.chunk(CHUNKS).data.npartitions
    assert told[-1][0] == told[-1][1] > 2 * count
    apart = cube - cube.mean(("y", "x"))
    expected = apart / apart.max(("y", "x"))
    np.testing.assert_allclose(in_parts(result.data), expected, rtol=1e-5)


def test_parts_are_single_blocks(run: Run) -> None:
    """Though all of them make one result."""
    lazy = run("reduce_spatial", data=make("float32", "gaps").chunk(CHUNKS), reducer=single("mean"))
    division = Division([lazy.data], columns=100)
    summaries, results = division.stages
    assert [len(part.keys) for part in division.parts(summaries)] == [1] * len(summaries)
    assert len(summaries) == 9 * len(results)


def test_blocks_of_several_bands_are_read_once(environment: Environment) -> None:
    """A plane of one band masks those of others: what lies at a place is summed up together."""
    cube = make("float32", "complete")
    calls: list[Any] = []
    lazy = noting(calls, cube)
    mask = lazy.isel(bands=0, drop=True) > 3
    masked = lazy.where(~mask)
    steps = {"mean": node("reduce_spatial", data=DATA, reducer=single("mean")) | {"result": True}}
    result = evaluate(steps, {"data": masked}, environment=environment)
    found = in_parts(result.data, threads=1)
    assert len(calls) == lazy.data.npartitions
    np.testing.assert_allclose(found, cube.where(~(cube.isel(bands=0) > 3)).mean(("y", "x")), rtol=1e-6)


MODULE = """
from connexeo.processing.process import process


@process
def mean(data, ignore_nodata=True):
    return data.values.max(axis=0)
"""


def test_a_provider_s_own_reducer_gets_all_values(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reducers_of_a_provider.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    theirs = replace(environment, process_modules=("reducers_of_a_provider",))
    cube = make("float32", "complete")
    steps: Mapping[str, Json] = {
        "mean": node("reduce_spatial", data=DATA, reducer=single("mean")) | {"result": True}
    }
    result = evaluate(steps, {"data": cube.chunk(CHUNKS)}, environment=theirs)
    assert not summarised(result)
    np.testing.assert_array_equal(result, cube.max(("y", "x")))
