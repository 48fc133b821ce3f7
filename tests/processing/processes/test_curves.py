"""Fitting curves, to plain arrays and to all pixels of a cube, and predicting from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import curve_fit, leastsq

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.cube import Dimension, dimension_of, labels, make_cube
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.least_squares import fit
from connexeo.processing.values import Array, LabeledList

Run = Callable[..., Any]
Floats = NDArray[np.float64]

NAN = math.nan
YEAR = 365.25 * 86400


def node(process_id: str, result: bool = False, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments, "result": result}


def of(id: str) -> dict[str, str]:
    return {"from_node": id}


X, PARAMETERS = {"from_parameter": "x"}, {"from_parameter": "parameters"}

LINE = {
    "process_graph": {
        "a": node("array_element", data=PARAMETERS, index=0),
        "b": node("array_element", data=PARAMETERS, index=1),
        "bx": node("multiply", x=of("b"), y=X),
        "y": node("add", x=of("a"), y=of("bx"), result=True),
    }
}
DECAY = {
    "process_graph": {
        "a": node("array_element", data=PARAMETERS, index=0),
        "b": node("array_element", data=PARAMETERS, index=1),
        "bx": node("multiply", x=of("b"), y=X),
        "e": node("exp", p=of("bx")),
        "y": node("multiply", x=of("a"), y=of("e"), result=True),
    }
}
SEASONS = {
    "process_graph": {
        "t": node("multiply", x=2 * math.pi / YEAR, y=X),
        "cos": node("cos", x=of("t")),
        "sin": node("sin", x=of("t")),
        "a": node("array_element", data=PARAMETERS, index=0),
        "b": node("array_element", data=PARAMETERS, index=1),
        "c": node("array_element", data=PARAMETERS, index=2),
        "bc": node("multiply", x=of("b"), y=of("cos")),
        "cs": node("multiply", x=of("c"), y=of("sin")),
        "ab": node("add", x=of("a"), y=of("bc")),
        "y": node("add", x=of("ab"), y=of("cs"), result=True),
    }
}
"""Of seconds, as openEO's users write it."""


def seconds(instants: NDArray[np.datetime64]) -> Floats:
    return instants.astype("datetime64[ns]").astype(np.int64) / 1e9


def seasons(x: Floats, a: Any, b: Any, c: Any) -> Floats:
    angle = 2 * math.pi / YEAR * x
    return np.asarray(a + b * np.cos(angle) + c * np.sin(angle))


def test_plain_line(run: Run) -> None:
    data = LabeledList([1, None, 5, 7], [0, 1, 2, 3])
    assert run("fit_curve", data=data, parameters=[1, 1], function=LINE) == pytest.approx([1, 2])


def test_labels_that_are_dates_are_seconds_since_1970(run: Run) -> None:
    days = LabeledList([0.0, 86400.0, 2 * 86400.0], ["1970-01-01", "1970-01-02T00:00:00Z", "1970-01-03"])
    assert run("fit_curve", data=days, parameters=[1, 0.5], function=LINE) == pytest.approx([0, 1], abs=1e-6)


def test_plain_fit_is_that_of_scipy(run: Run) -> None:
    x = np.linspace(0, 4, 20)
    y = 3 * np.exp(-0.7 * x) + np.random.default_rng(1).normal(0, 0.05, 20)
    found = run("fit_curve", data=LabeledList(y.tolist(), x.tolist()), parameters=[1, -1], function=DECAY)
    expected, _ = curve_fit(lambda t, a, b: a * np.exp(b * t), x, y, [1, -1])
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("values", "ignore_nodata"),
    [
        ([1, None], True),
        ([None, None], True),
        ([1, None, 3], False),
        ([1, math.inf, 3], True),
        ([1, NAN, 3], True),
    ],
)
def test_plain_no_data(values: list[Any], ignore_nodata: bool, run: Run) -> None:
    data = LabeledList(values, list(range(len(values))))
    found = run("fit_curve", data=data, parameters=[1, 1], function=LINE, ignore_nodata=ignore_nodata)
    assert found == [None, None]


def test_model_without_values(run: Run) -> None:
    root = {
        "process_graph": {"y": node("sqrt", x=of("e")), "e": node("array_element", data=PARAMETERS, index=0)}
    }
    root["process_graph"]["y"]["result"] = True
    assert run("fit_curve", data=LabeledList([1, 2], [1, 2]), parameters=[-1], function=root) == [None]


@pytest.mark.parametrize("names", [["red", "nir"], [1, "2020-01-01"]])
def test_labels_that_are_no_variable(names: list[Any], run: Run) -> None:
    with pytest.raises(ProcessParameterInvalid, match="is no number, date or time"):
        run("fit_curve", data=LabeledList([1, 2], names), parameters=[1, 1], function=LINE)


def test_array_without_labels(run: Run) -> None:
    with pytest.raises(ProcessParameterInvalid, match=r"'data'.*need labels"):
        run("fit_curve", data=[1, 2], parameters=[1, 1], function=LINE)


def test_parameters_are_needed(run: Run) -> None:
    with pytest.raises(ProcessParameterInvalid, match="'parameters'"):
        run("fit_curve", data=LabeledList([1, 2], [1, 2]), parameters=[], function=LINE)


@settings(max_examples=30, deadline=None)
@given(
    data=st.lists(
        st.tuples(st.integers(-3, 3), st.lists(st.none() | st.floats(-9, 9), min_size=6, max_size=6)),
        min_size=1,
    )
)
def test_lines_of_pixels_are_those_of_polyfit(data: list[tuple[int, list[float | None]]]) -> None:
    y = np.array([values for _, values in data], float).T
    guess = np.array([[start, start] for start, _ in data], float).T
    x = np.arange(6.0)
    found = fit(lambda x, p: p[0] + p[1] * x, x, y, guess)
    for pixel in range(y.shape[1]):
        known = ~np.isnan(y[:, pixel])
        if known.sum() < 2:
            assert np.isnan(found[:, pixel]).all()
        else:
            slope, intercept = np.polyfit(x[known], y[known, pixel], 1)
            assert found[:, pixel] == pytest.approx([intercept, slope], abs=1e-6)


def test_each_pixel_is_fitted_as_well_as_scipy_fits_it() -> None:
    """Of a function with a valley where the search may lose its way, from a guess that is far away."""
    random = np.random.default_rng(2)
    x = np.linspace(0, 3, 25)
    truth = np.stack([random.uniform(1, 100, 60), random.uniform(-2, 0.5, 60), random.uniform(-5, 5, 60)])

    def model(x: Any, p: Any) -> Any:
        return p[0] * np.exp(p[1] * x) + p[2]

    y = model(x[:, np.newaxis], truth) + random.normal(0, 0.1, (25, 60))
    y[random.random(y.shape) < 0.2] = NAN
    found = fit(model, x, y, np.broadcast_to(np.array([[10.0], [-0.5], [0.0]]), (3, 60)))
    squares = np.nansum((y - model(x[:, np.newaxis], found)) ** 2, axis=0)
    squares[np.isnan(found).any(axis=0)] = np.inf
    for pixel in range(60):
        known = ~np.isnan(y[:, pixel])

        def residuals(p: Any, pixel: int = pixel, known: Any = known) -> Any:
            return y[known, pixel] - model(x[known], p)

        _, _, info, _, outcome = leastsq(residuals, [10, -0.5, 0], full_output=True)
        assert squares[pixel] <= np.square(info["fvec"]).sum() * 1.001 or outcome > 4
    assert np.isnan(found).any(axis=0).sum() <= 2


def test_pixels_that_cannot_be_fitted() -> None:
    y = np.array([[1, 1, 1], [NAN, math.inf, 2], [NAN, 3, 3]])
    found = fit(lambda x, p: p[0] + p[1] * x, np.arange(3.0), y, np.ones((2, 3)))
    assert np.isnan(found[:, :2]).all()
    assert found[:, 2] == pytest.approx([1, 1])


def test_parameters_that_cannot_be_told_apart_still_fit() -> None:
    y = np.array([[2.0, 4.0], [2.0, NAN], [2.0, 4.0]])
    found = fit(lambda x, p: p[0] + p[1] + 0 * x, np.arange(3.0), y, np.ones((2, 2)))
    assert found.sum(axis=0) == pytest.approx([2, 4])


@pytest.fixture
def seasonal() -> xr.DataArray:
    """A cube (t: 40, y: 5, x: 7) with a season in each pixel, with gaps; the first pixel is empty."""
    random = np.random.default_rng(3)
    t = np.datetime64("2019-01-03", "ns") + np.arange(40) * np.timedelta64(16, "D")
    a, b, c = random.uniform(-1, 1, (3, 5, 7))
    values = seasons(seconds(t)[:, None, None], a, b, c).astype(np.float32)
    values[random.random(values.shape) < 0.3] = NAN
    values[:, 0, 0] = NAN
    data = xr.DataArray(values, dims=("t", "y", "x"), coords={"t": t}, attrs={"title": "Seasons"})
    data.attrs["truth"] = np.stack([a, b, c])
    return make_cube(data.chunk({"t": 10, "y": 3, "x": 7}), [Dimension("t", "temporal")])


FIT = {
    "process_graph": {
        "f": node(
            "fit_curve",
            data={"from_parameter": "data"},
            parameters=[0, 0.1, 0.1],
            function=SEASONS,
            result=True,
        )
    }
}


def fitted(cube: xr.DataArray, run: Run, **more: Any) -> xr.DataArray:
    with dask.config.set(scheduler="synchronous"):
        result = run("apply_dimension", data=cube, dimension="t", process=FIT, **more)
        assert isinstance(result, xr.DataArray)
        assert result.chunks is not None
        return result


def test_fit_in_a_cube(seasonal: xr.DataArray, run: Run) -> None:
    parameters = fitted(seasonal, run, target_dimension="p")
    values = parameters.compute()
    assert values.dims == ("p", "y", "x")
    assert labels(values, "p") == (0, 1, 2)
    assert np.isnan(values[:, 0, 0]).all()
    truth = seasonal.attrs["truth"].copy()
    truth[:, 0, 0] = NAN
    np.testing.assert_allclose(values, truth, atol=1e-5)


@pytest.mark.parametrize("target", [None, "p"])
def test_predict_in_a_cube(target: str | None, seasonal: xr.DataArray, run: Run) -> None:
    parameters = fitted(seasonal, run, target_dimension=target)
    days = ["2021-03-01", "2020-07-01T12:00:00Z"]
    result = run("predict_curve", parameters=parameters, function=SEASONS, dimension="t", labels=days)
    assert result.chunks is not None
    assert result.dims == ("t", "y", "x")
    assert labels(result, "t") == ("2021-03-01T00:00:00Z", "2020-07-01T12:00:00Z")
    assert dimension_of(result, "t").type == "temporal"
    assert result.attrs["title"] == "Seasons"
    x = seconds(result.t.values)[:, None, None]
    expected = seasons(x, *seasonal.attrs["truth"])
    expected[:, 0, 0] = NAN
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_gaps_are_filled(seasonal: xr.DataArray, run: Run) -> None:
    parameters = fitted(seasonal, run)
    both = run("merge_cubes", cube1=seasonal, cube2=parameters)
    result = run("predict_curve", parameters=both, function=SEASONS, dimension="t")
    assert result.chunks is not None
    assert labels(result, "t") == labels(seasonal, "t")
    values = result.compute()
    assert np.isnan(values[:, 0, 0]).all()
    assert not np.isnan(values).any("t").values[1:].any()
    known = ~np.isnan(seasonal.values)
    assert (values.values[known] == seasonal.values[known]).all()
    expected = seasons(seconds(result.t.values)[:, None, None], *seasonal.attrs["truth"])
    np.testing.assert_allclose(values[:, 1:], expected[:, 1:], atol=1e-4)


def test_guesses_by_pixel(environment: Environment) -> None:
    """First guesses that are computed from the data of each pixel."""
    x = np.arange(8.0)
    y = np.stack([100 + 2 * x, 5 - x], axis=1)
    graph = {
        "g": node("mean", data={"from_parameter": "data"}),
        "p": node("array_create", data=[of("g"), 1]),
        "f": node(
            "fit_curve", data={"from_parameter": "data"}, parameters=of("p"), function=LINE, result=True
        ),
    }
    found = evaluate(graph, {"data": Array(y, tuple(x.tolist()))}, environment=environment)
    np.testing.assert_allclose(found.values, [[100, 5], [2, -1]], atol=1e-6)


def test_no_data_that_counts(environment: Environment) -> None:
    y = np.array([[1.0, 1.0], [2.0, NAN], [3.0, 3.0]])
    call = node(
        "fit_curve",
        data={"from_parameter": "data"},
        parameters=[1, 2],
        function=LINE,
        ignore_nodata=False,
        result=True,
    )
    found = evaluate({"f": call}, {"data": Array(y, (0, 1, 2))}, environment=environment)
    np.testing.assert_allclose(found.values, [[1, NAN], [1, NAN]], atol=1e-9)


@pytest.fixture
def lines() -> xr.DataArray:
    """Parameters of two lines, one without slope."""
    data = xr.DataArray([[1, 2], [3, np.nan]], dims=("p", "x"), coords={"p": [0, 1]})
    return make_cube(data, [Dimension("p", "other"), Dimension("x", "spatial", "x")])


def test_predict_at_numbers(lines: xr.DataArray, run: Run) -> None:
    result = run("predict_curve", parameters=lines, function=LINE, dimension="height", labels=[0, 10, 0.5])
    assert result.dims == ("height", "x")
    assert labels(result, "height") == (0, 10, 0.5)
    assert dimension_of(result, "height").type == "other"
    np.testing.assert_allclose(result, [[1, NAN], [31, NAN], [2.5, NAN]])


def test_predict_nothing(lines: xr.DataArray, run: Run) -> None:
    result = run("predict_curve", parameters=lines, function=LINE, dimension="t", labels=[])
    assert result.shape == (0, 2)


@pytest.mark.parametrize(
    ("dimension", "days", "message"),
    [
        ("t", ["2020-01-01", "2020-01-01T00:00:00Z"], "'labels'.*the same instant"),
        ("t", [1, "2020-01-01"], "'labels'.*is no number"),
        ("p", None, "'labels'.*must have dates or times"),
    ],
)
def test_wrong_labels(dimension: str, days: Any, message: str, lines: xr.DataArray, run: Run) -> None:
    with pytest.raises(ProcessParameterInvalid, match=message):
        run("predict_curve", parameters=lines, function=LINE, dimension=dimension, labels=days)


def test_no_dimension_of_parameters(lines: xr.DataArray, run: Run) -> None:
    flat = lines.isel(p=0, drop=True)
    with pytest.raises(ProcessParameterInvalid, match=r"'parameters'.*must lie along"):
        run("predict_curve", parameters=flat, function=LINE, dimension="t", labels=[1])
