"""Values of process functions."""

import numpy as np
import pytest

from connexeo.processing.process import PerPixel
from connexeo.processing.values import (
    Array,
    LabeledList,
    as_argument,
    as_float,
    common_type,
    is_block,
    labels_of,
    stack,
)


def test_arrays_have_labels_for_each_element() -> None:
    with pytest.raises(ValueError, match="1 labels given for 2 values"):
        Array(np.zeros((2, 3)), ("a",))
    with pytest.raises(ValueError, match="at least one axis"):
        Array(np.zeros(()))
    with pytest.raises(ValueError, match="1 labels"):
        LabeledList([1, 2], ["a"])


def test_labels() -> None:
    assert labels_of(Array(np.zeros(2), ("a", "b"))) == ("a", "b")
    assert labels_of(LabeledList([1], ["a"])) == ("a",)
    assert labels_of([1]) is None


def test_stacks_broadcast_scalars_and_keep_types() -> None:
    block = np.ones((2, 3), "float32")
    array = stack([block, None, 2, True])
    assert array.values.shape == (4, 2, 3)
    assert array.values.dtype == "float32"
    assert np.isnan(array[1]).all()
    assert array.shape == (2, 3)


@pytest.mark.parametrize(
    ("dtypes", "numbers", "expected"),
    [
        (["uint8"], [0, 255, True], "uint8"),
        (["uint8"], [-1], "int16"),
        (["uint8"], [256], "uint16"),
        (["int16"], [40_000], "int32"),
        (["bool"], [True], "bool"),
        (["bool"], [5], "uint8"),
        (["uint8"], [None], "float32"),
        (["int32"], [0.5], "float64"),
        (["uint8"], [10**30], "float64"),
        (["float32"], [0.1, 70_000, None], "float32"),
        (["uint8", "int8"], [], "int16"),
        ([], [1, None], "float64"),
    ],
)
def test_common_types_hold_all_numbers(dtypes: list[str], numbers: list[float | None], expected: str) -> None:
    assert common_type([*(np.zeros(2, dtype) for dtype in dtypes), *numbers]) == expected


def test_stacks_do_not_wrap() -> None:
    assert stack([np.array([255, 0], "uint8"), -3, 300]).values.tolist() == [[255, 0], [-3, -3], [300, 300]]


def test_stacks_hold_numbers_only() -> None:
    with pytest.raises(TypeError, match="a str can't be"):
        common_type([np.zeros(2), "1"])
    with pytest.raises(PerPixel):
        stack([np.zeros(2), "1"])


def test_only_lists_with_blocks_become_arrays() -> None:
    assert as_argument([1, 2]) == [1, 2]
    assert isinstance(as_argument([1, np.zeros(2)]), Array)


def test_blocks() -> None:
    assert is_block(np.zeros(2))
    assert is_block(np.float32(1))
    assert not is_block(1.0)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("uint8", "float32"),
        ("int16", "float32"),
        ("bool", "float32"),
        ("int32", "float64"),
        ("float32", "float32"),
    ],
)
def test_floating_point_holds_every_value(dtype: str, expected: str) -> None:
    assert as_float(np.zeros(1, dtype)).dtype == expected
