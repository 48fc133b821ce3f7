"""JPEG images, read again by Pillow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from connexeo.generated.errors import DataCubeEmpty, FormatUnsuitable, ProcessParameterInvalid, StorageFailure
from connexeo.processing.formats import WrittenFile, conversion, write_result
from connexeo.processing.result import Result

Make = Callable[..., xr.DataArray]


def write(cube: Any, folder: Path, **options: Any) -> list[WrittenFile]:
    return write_result(Result(cube, "JPEG", options), folder)


def read(file: WrittenFile, mode: str) -> np.ndarray[Any, Any]:
    with Image.open(file.path) as image:
        assert image.format == "JPEG"
        assert image.mode == mode
        return np.asarray(image).astype(float)


def smooth(cube: xr.DataArray) -> xr.DataArray:
    """The cube with values from 0 to 200 from west to east, and no-data in the north-western quarter."""
    values = np.broadcast_to(np.linspace(0, 200, cube.sizes["x"]), cube.shape).astype("float32").copy()
    values[..., :16, :24] = np.nan
    return cube.copy(data=values)


def test_grey(make: Make, tmp_path: Path) -> None:
    (file,) = write(smooth(make("float32", ("y", "x"))), tmp_path, min=0, max=200, quality=95)
    assert (file.path.name, file.media_type) == ("openEO.jpg", "image/jpeg")
    pixels = read(file, "L")
    np.testing.assert_allclose(pixels[20:], np.broadcast_to(np.linspace(0, 255, 53), (17, 53)), atol=6)
    assert pixels[:8, :16].min() > 250
    (file,) = write(smooth(make("float32", ("y", "x"))), tmp_path, min=0, max=200, background="BLACK")
    assert read(file, "L")[:8, :16].max() < 5


def test_three_bands_for_each_date(make: Make, tmp_path: Path) -> None:
    files = write(smooth(make()), tmp_path, min=0, max=[100, 200, 400], red="B04", green="B03", blue="B02")
    assert [file.path.name for file in files] == ["openEO_2023-01-05Z.jpg", "openEO_2023-01-10Z.jpg"]
    middle = read(files[1], "RGB")[30, 26]
    np.testing.assert_allclose(middle, [255, 127, 64], atol=12)
    assert [band["name"] for band in files[0].asset("a")["bands"]] == ["B04", "B03", "B02"]


def test_colours_and_opacity(make: Make, tmp_path: Path) -> None:
    cube = smooth(make("float32", ("y", "x")))
    (file,) = write(cube, tmp_path, min=0, max=200, colormap=["#ff0000", "#0000ff"])
    pixels = read(file, "RGB")
    np.testing.assert_allclose(pixels[30, 2], [245, 0, 10], atol=25)
    np.testing.assert_allclose(pixels[4, 4], [255, 255, 255], atol=8)
    opaque = make("uint8", ("bands", "y", "x"), bands=4)
    opaque = opaque.copy(
        data=np.broadcast_to(np.array([200, 0, 0, 128], np.uint8)[:, None, None], opaque.shape)
    )
    (file,) = write(opaque, tmp_path)
    np.testing.assert_allclose(read(file, "RGB")[18, 26], [227, 127, 127], atol=4)


def test_quality_and_world_file(make: Make, tmp_path: Path) -> None:
    cube = make("uint8", ("y", "x"))
    small, _ = write(cube, tmp_path / "a", quality=10, worldfile=True)
    assert (tmp_path / "a/openEO.wld").read_text().split()[0].startswith("10.0")
    (large,) = write(cube, tmp_path / "b", quality=95)
    assert small.path.stat().st_size < large.path.stat().st_size / 2


def test_refusals(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataCubeEmpty, match="JPEG"):
        write(make(times=0, lazy=False), tmp_path)
    with pytest.raises(FormatUnsuitable, match="JPEG shows one, three or four bands"):
        write(make(bands=2), tmp_path)
    with pytest.raises(ProcessParameterInvalid, match="'quality'"):
        write(make(), tmp_path, quality=0)
    monkeypatch.setattr(conversion, "_JPEG_END", b"\\0\\0")
    with pytest.raises(StorageFailure):
        write(make(), tmp_path)
    monkeypatch.setattr("connexeo.processing.formats.jpeg.LARGEST_SIDE", 50)
    with pytest.raises(FormatUnsuitable, match="JPEG images have up to 50 rows"):
        write(make(), tmp_path)
