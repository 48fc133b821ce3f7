from typing import Any

import numpy as np
import pytest

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.formats.packing import resolve_packing


@pytest.mark.parametrize(
    ("source", "held"),
    [
        ("bool", "uint8"),
        ("uint8", "uint8"),
        ("int8", "int8"),
        ("int64", "int64"),
        ("float16", "float32"),
        ("float32", "float32"),
        (">f8", "float64"),
    ],
)
def test_type_is_kept(source: str, held: str) -> None:
    packing = resolve_packing(np.dtype(source), {})
    assert packing.dtype == np.dtype(held)
    assert (packing.nodata is not None) == (np.dtype(source).kind == "f")


@pytest.mark.parametrize(
    ("options", "values", "packed"),
    [
        ({"dtype": "uint8"}, [0.4, 254.6, 300, -3, np.nan], [0, 255, 255, 0, 255]),
        ({"dtype": "uint8", "nodata": 0}, [0.4, 300, -3, np.nan], [0, 255, 0, 0]),
        ({"dtype": "int16", "scale": 0.0001}, [0.5, -1, np.nan, np.inf], [5000, -10000, -32768, 32767]),
        ({"dtype": "uint16", "scale": 0.1, "offset": -100}, [-100, 0, 20.04], [0, 1000, 1200]),
        ({"nodata": -9999}, [1.5, np.nan], [1.5, -9999]),
        ({"dtype": "float64"}, [0.1, np.nan], [np.float64(np.float32(0.1)), np.nan]),
    ],
)
def test_floats_are_packed(options: dict[str, Any], values: list[float], packed: list[float]) -> None:
    packing = resolve_packing(np.dtype(np.float32), options)
    result = packing.pack(np.array(values, dtype=np.float32))
    assert result.dtype == packing.dtype
    np.testing.assert_array_equal(result, packed)


def test_integers_are_clipped_rather_than_wrapped() -> None:
    packing = resolve_packing(np.dtype(np.int32), {"dtype": "uint8"})
    np.testing.assert_array_equal(packing.pack(np.array([-1, 0, 255, 256])), [0, 0, 255, 255])
    assert packing.nodata is None


@pytest.mark.parametrize("nodata", [256, -1, 0.5])
def test_nodata_must_fit_the_type(nodata: float) -> None:
    with pytest.raises(ProcessParameterInvalid, match="cannot hold"):
        resolve_packing(np.dtype(np.float32), {"dtype": "uint8", "nodata": nodata})
