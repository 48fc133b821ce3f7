"""save_result: what is refused before a pixel is computed."""

from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import DataCubeEmpty, FormatUnsuitable, ProcessParameterInvalid
from connexeo.processing.processes.saving import save_result
from connexeo.processing.result import Result


def untouchable(*shape: int) -> xr.DataArray:
    """A cube that must not be computed."""

    def fail(block: Any) -> Any:
        raise AssertionError("computed")

    data = da.zeros(shape, chunks=2).map_blocks(fail, dtype=float, meta=np.empty((0,) * len(shape)))
    return xr.DataArray(data, dims=("bands", "y", "x")[-len(shape) :])


@pytest.mark.parametrize("name", ["GTiff", "gtiff", "GTIFF", "NetCDF", "json"])
def test_data_stays_lazy(name: str) -> None:
    cube = untouchable(4, 4)
    result = save_result(cube, name)
    assert isinstance(result, Result)
    assert result.data is cube
    assert result.format.casefold() == name.casefold()


def test_options_are_completed() -> None:
    result = save_result(untouchable(4, 4), "netcdf", {"ZLEVEL": 3})
    assert result.options["zlevel"] == 3
    assert result.options["compress"] == "DEFLATE"


@pytest.mark.parametrize(
    ("format", "options", "parameter"),
    [
        ("BMP", {}, "format"),
        ("", {}, "format"),
        ("GTiff", {"x": 1}, "options"),
        ("PNG", {"red": "B1"}, "options"),
    ],
)
def test_wrong_arguments(format: str, options: dict[str, Any], parameter: str) -> None:
    with pytest.raises(ProcessParameterInvalid) as caught:
        save_result(untouchable(3, 4, 4), format, options)
    assert caught.value.values["parameter"] == parameter


def test_unsuitable_data() -> None:
    with pytest.raises(FormatUnsuitable):
        save_result(untouchable(2, 4, 4), "PNG")
    with pytest.raises(DataCubeEmpty):
        save_result(untouchable(0, 4), "GTiff")
    with pytest.raises(FormatUnsuitable):
        save_result(3, "GTiff")
