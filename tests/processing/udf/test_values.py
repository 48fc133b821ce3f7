"""Data for a sandbox, and answers that are not believed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from connexeo.processing.udf.channel import Garbled
from connexeo.processing.udf.values import Data, describe, labels_for, read_answer

CUBE: dict[str, Any] = {"values": 0, "dims": ["t", "x"], "coords": {"t": ["a", "b"], "x": 1}, "name": None}
ARRAYS = [np.zeros((2, 3)), np.arange(3), np.zeros((2, 3), "M8[ns]")]
FEATURES: dict[str, Any] = {"shapes": ["00ff", None], "columns": {"a": [1, 2]}, "crs": 4326}


def answer(cube: Any = CUBE, features: Any = FEATURES, structured: Any = ()) -> dict[str, Any]:
    return {"cubes": [cube], "features": [features], "structured": list(structured)}


def test_cubes_are_the_same_afterwards() -> None:
    times = np.array(["2020-01-01", "2020-01-02"], "M8[s]")
    given = Data(np.arange(4, dtype=">i2").reshape(2, 2), ("t", "b"), {"t": times, "b": ["x", "y"]}, "name")
    described, arrays = describe([given])
    found = read_answer({"cubes": described, "features": [], "structured": []}, arrays).cubes[0]
    assert (found.dims, found.name, found.coords["b"]) == (("t", "b"), "name", ["x", "y"])
    np.testing.assert_array_equal(found.values, given.values)
    np.testing.assert_array_equal(found.coords["t"], times)


def test_types_that_messages_lack() -> None:
    _, arrays = describe([Data(np.ones(1, "f2"), ("x",)), Data(np.ones(1, "g"), ("x",))])
    assert [array.dtype.str for array in arrays] == ["<f4", "<f8"]
    with pytest.raises(TypeError, match="numbers"):
        describe([Data(np.array(["a"]), ("x",))])


def test_labels_that_can_be_told() -> None:
    assert labels_for(np.array(["a", 1], object)) == ["a", 1]
    assert labels_for(np.array([object()])) is None


def test_answer_is_read() -> None:
    found = read_answer(answer(structured=[{"a": 1}]), ARRAYS)
    assert found.cubes[0].sizes == {"t": 2, "x": 3}
    assert found.structured == ({"a": 1},)
    assert found.features[0]["shapes"] == ["00ff", None]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"cubes": []},
        answer(cube=None),
        answer(cube={**CUBE, "values": 7}),
        answer(cube={**CUBE, "values": -1}),
        answer(cube={**CUBE, "values": 2}),
        answer(cube={**CUBE, "dims": ["t"]}),
        answer(cube={**CUBE, "dims": ["t", "t"]}),
        answer(cube={**CUBE, "dims": ["t", 3]}),
        answer(cube={**CUBE, "name": 3}),
        answer(cube={**CUBE, "coords": {"t": 1}}),
        answer(cube={**CUBE, "coords": {"z": 1}}),
        answer(cube={**CUBE, "coords": {"t": [None, "b"]}}),
        answer(cube={**CUBE, "coords": {"t": 0}}),
        answer(features={**FEATURES, "shapes": ["zz", None]}),
        answer(features={**FEATURES, "columns": {"a": [1]}}),
        answer(features={**FEATURES, "crs": []}),
    ],
)
def test_wrong_answers_are_refused(wrong: Any) -> None:
    with pytest.raises(Garbled):
        read_answer(wrong, ARRAYS)
