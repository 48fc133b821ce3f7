"""Values of process functions."""

import numpy as np
import pytest

from connexeo.processing.values import Array, LabeledList, as_argument, as_float, is_block, labels_of, stack


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
