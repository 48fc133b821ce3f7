"""Cubes that get other dimensions and labels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import OpenEOError
from connexeo.processing.cube import Dimension, dimension_of, dimensions_of, labels, make_cube
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate

Run = Callable[..., Any]


def child(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_graph": {"n": {"process_id": process_id, "arguments": arguments, "result": True}}}


def code_of(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(OpenEOError) as error:
        call()
    return error.value.code, error.value.message


def test_a_cube_is_made_of_nothing(environment: Environment) -> None:
    graph = {
        "make": {"process_id": "create_data_cube", "arguments": {}},
        "add": {
            "process_id": "add_dimension",
            "arguments": {
                "data": {"from_node": "make"},
                "name": "t",
                "label": "2020-01-01",
                "type": "temporal",
            },
            "result": True,
        },
    }
    cube = evaluate(graph, environment=environment)
    assert cube.dims == ("t",)
    assert np.isnan(cube.values).all()
    assert dimension_of(cube, "t").type == "temporal"


def test_labels_are_filtered(run: Run, cube: xr.DataArray) -> None:
    condition = child("text_begins", data={"from_parameter": "value"}, pattern="B0")
    result = run("filter_labels", data=cube, condition=condition, dimension="bands")
    xr.testing.assert_identical(result, cube.isel(bands=[0, 1]))
    condition = child("gt", x={"from_parameter": "value"}, y={"from_parameter": "context"})
    result = run("filter_labels", data=cube, condition=condition, dimension="x", context=600_050)
    xr.testing.assert_identical(result, cube.isel(x=slice(5, None)))
    condition = child("text_begins", data={"from_parameter": "value"}, pattern="2020-03")
    result = run("filter_labels", data=cube, condition=condition, dimension="t")
    assert labels(result, "t") == ("2020-03-05T00:00:00Z",)
    condition = child("eq", x={"from_parameter": "value"}, y="none")
    assert run("filter_labels", data=cube, condition=condition, dimension="bands").sizes["bands"] == 0
    code, _ = code_of(lambda: run("filter_labels", data=cube, condition=condition, dimension="z"))
    assert code == "DimensionNotAvailable"


def test_geometries_are_filtered_as_wkt(run: Run) -> None:
    points = {"type": "MultiPoint", "coordinates": [[1, 2]]}
    places = [points, {"type": "Point", "coordinates": [3, 4]}]
    features = [{"type": "Feature", "geometry": place, "properties": {}} for place in places]
    cube = run("load_geojson", data={"type": "FeatureCollection", "features": features})
    condition = child("text_begins", data={"from_parameter": "value"}, pattern="POINT")
    result = run("filter_labels", data=cube, condition=condition, dimension="geometry")
    assert labels(result, "geometry") == ("POINT (3 4)",)
    assert dimension_of(result, "geometry").type == "geometry"


def test_dimensions_are_joined_and_split(run: Run, cube: xr.DataArray) -> None:
    flat = run("flatten_dimensions", data=cube, dimensions=["bands", "t"], target_dimension="f")
    assert flat.dims == ("f", "y", "x")
    assert labels(flat, "f")[:5] == (
        "B04~2020-01-05T00:00:00Z",
        "B04~2020-01-20T00:00:00Z",
        "B04~2020-03-05T00:00:00Z",
        "B04~2020-04-20T10:30:00Z",
        "B08~2020-01-05T00:00:00Z",
    )
    assert flat.chunks is not None
    assert dimension_of(flat, "f").type == "other"
    np.testing.assert_array_equal(flat, cube.transpose("bands", "t", "y", "x").values.reshape(12, 6, 8))
    back = run("unflatten_dimension", data=flat, dimension="f", target_dimensions=["b", "d"])
    assert back.dims == ("b", "d", "y", "x")
    assert labels(back, "b") == ("B04", "B08", "SCL")
    np.testing.assert_array_equal(back, cube.transpose("bands", "t", "y", "x"))
    assert dimensions_of(back)[2:] == dimensions_of(cube)[2:]


def test_a_dimension_is_joined_where_the_first_was(run: Run, cube: xr.DataArray) -> None:
    flat = run(
        "flatten_dimensions", data=cube, dimensions=["x", "bands"], target_dimension="f", label_separator="|"
    )
    assert flat.dims == ("t", "f", "y")
    assert labels(flat, "f")[1] == "600005|B08"


def test_labels_in_any_order_are_split(run: Run) -> None:
    data = xr.DataArray([1.0, 2, 3, 4], dims="f", coords={"f": ["a.2", "b.1", "a.1", "b.2"]})
    result = run(
        "unflatten_dimension", data=data, dimension="f", target_dimensions=["p", "q"], label_separator="."
    )
    assert (labels(result, "p"), labels(result, "q")) == (("a", "b"), ("2", "1"))
    assert result.values.tolist() == [[1, 3], [4, 2]]


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (["a~1", "b"], "the label 'b' has 1 parts"),
        (["a~1", "b~2"], "no label 'a~2'"),
        (["a~1", "a~1"], "occurs twice"),
    ],
)
def test_labels_that_cannot_be_split(run: Run, names: list[str], part: str) -> None:
    data = xr.DataArray([1.0, 2], dims="f", coords={"f": names})
    code, message = code_of(
        lambda: run("unflatten_dimension", data=data, dimension="f", target_dimensions=["p", "q"])
    )
    assert code == "ProcessParameterInvalid"
    assert part in message


@pytest.mark.parametrize(
    ("process_id", "given", "code"),
    [
        ("flatten_dimensions", {"dimensions": ["z"], "target_dimension": "f"}, "DimensionNotAvailable"),
        ("flatten_dimensions", {"dimensions": ["t"], "target_dimension": "bands"}, "TargetDimensionExists"),
        ("unflatten_dimension", {"dimension": "z", "target_dimensions": ["p", "q"]}, "DimensionNotAvailable"),
        ("unflatten_dimension", {"dimension": "t", "target_dimensions": ["p", "x"]}, "TargetDimensionExists"),
    ],
)
def test_names_of_dimensions_are_checked(
    run: Run, cube: xr.DataArray, process_id: str, given: dict[str, Any], code: str
) -> None:
    assert code_of(lambda: run(process_id, data=cube, **given))[0] == code


def test_what_holds_nothing_is_trimmed(run: Run) -> None:
    values = np.full((4, 3, 5), np.nan)
    values[1, 0, 1] = values[3, 2, 3] = 7.0
    data = xr.DataArray(
        values, dims=("t", "bands", "x"), coords={"bands": ["a", "b", "c"], "x": np.arange(5.0)}
    )
    cube = make_cube(
        data.chunk(2),
        [Dimension("t", "temporal"), Dimension("bands", "bands"), Dimension("x", "spatial", "x")],
    )
    result = run("trim_cube", data=cube)
    assert result.shape == (3, 2, 3)
    assert labels(result, "bands") == ("a", "c")
    assert labels(result, "x") == (1.0, 2.0, 3.0)
    np.testing.assert_array_equal(result, values[1:, ::2, 1:4])
    assert run("trim_cube", data=cube.where(False)).shape == (0, 0, 0)
    assert run("trim_cube", data=cube.fillna(0).astype("uint8")).shape == cube.shape


def test_numbers_are_flattened_to_texts_without_needless_fractions(run: Run) -> None:
    cube = xr.DataArray([[1.0, 2.0]], dims=("bands", "x"), coords={"bands": ["a"], "x": [0.5, 1.0]})
    result = run("flatten_dimensions", data=cube, dimensions=["bands", "x"], target_dimension="both")
    assert labels(result, "both") == ("a~0.5", "a~1")
