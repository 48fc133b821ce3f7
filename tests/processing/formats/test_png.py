"""PNG images, read again by Pillow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from connexeo.generated.errors import DataCubeEmpty, FormatUnsuitable, ProcessParameterInvalid
from connexeo.processing.formats import WrittenFile, png, write_result
from connexeo.processing.result import Result

Make = Callable[..., xr.DataArray]


def write(cube: Any, folder: Path, **options: Any) -> list[WrittenFile]:
    return write_result(Result(cube, "PNG", options), folder)


def read(file: WrittenFile, mode: str) -> np.ndarray[Any, Any]:
    with Image.open(file.path) as image:
        assert image.mode == mode
        image.load()
        return np.asarray(image)


def test_bytes_stay_as_they_are(make: Make, tmp_path: Path) -> None:
    cube = make("uint8", ("y", "x"))
    (file,) = write(cube, tmp_path)
    assert file.path.name == "openEO.png"
    np.testing.assert_array_equal(read(file, "L"), cube)


def test_sixteen_bits_stay_as_they_are(make: Make, tmp_path: Path) -> None:
    cube = make("uint16", ("y", "x")) * np.uint16(300)
    (file,) = write(cube, tmp_path, nbits=16)
    np.testing.assert_array_equal(read(file, "I;16"), cube)


def test_truth_values_are_black_and_white(make: Make, tmp_path: Path) -> None:
    cube = make("bool", ("y", "x"))
    (file,) = write(cube, tmp_path)
    np.testing.assert_array_equal(read(file, "L"), np.where(cube, 255, 0))


def test_given_range(make: Make, tmp_path: Path) -> None:
    cube = make("int16", ("y", "x"))
    (file,) = write(cube, tmp_path, min=50, max=150)
    expected = np.round(np.clip((cube.values - 50) / 100, 0, 1) * 255)
    np.testing.assert_array_equal(read(file, "L"), expected)


def test_automatic_range_is_between_percentiles(make: Make, tmp_path: Path) -> None:
    cube = make("int16", ("y", "x"))
    for options in ({}, {"percentiles": [10, 60]}):
        (file,) = write(cube, tmp_path, **options)
        low, high = np.percentile(cube, options.get("percentiles", [2, 98]))
        expected = np.round(np.clip((cube.values - low) / (high - low), 0, 1) * 255)
        np.testing.assert_array_equal(read(file, "L"), expected)


def test_nodata_is_transparent(make: Make, tmp_path: Path) -> None:
    cube = make("float32", ("y", "x"))
    (file,) = write(cube, tmp_path)
    image = read(file, "LA")
    np.testing.assert_array_equal(image[..., 1], np.where(np.isnan(cube), 0, 255))
    (whole,) = write(cube.fillna(0), tmp_path)
    assert read(whole, "L").shape == (37, 53)


def test_colours_are_chosen_by_name(make: Make, tmp_path: Path) -> None:
    cube = make("uint8", ("bands", "y", "x"), bands=4)
    (file,) = write(cube, tmp_path, red="B08", green="B02", blue="B04")
    expected = cube.sel(bands=["B08", "B02", "B04"]).transpose("y", "x", "bands")
    np.testing.assert_array_equal(read(file, "RGB"), expected)
    assert [band.name for band in file.bands] == ["B08", "B02", "B04"]


def test_three_bands_are_red_green_blue(make: Make, tmp_path: Path) -> None:
    cube = make("float32", ("bands", "y", "x"), bands=3)
    (file,) = write(cube, tmp_path, min=[0, 50, 100], max=200)
    image = read(file, "RGBA")
    gaps = np.isnan(cube.values).any(axis=0)
    assert gaps.any()
    np.testing.assert_array_equal(image[..., 3], np.where(gaps, 0, 255))
    low = np.array([0, 50, 100])
    expected = np.round(
        np.clip((cube.values.transpose(1, 2, 0) - low) / (200 - low), 0, 1).astype(float) * 255
    )
    np.testing.assert_allclose(image[~gaps][:, :3], expected[~gaps], atol=1)


def test_fourth_band_is_opacity(make: Make, tmp_path: Path) -> None:
    cube = make("uint8", ("bands", "y", "x"), bands=4)
    (file,) = write(cube, tmp_path)
    np.testing.assert_array_equal(read(file, "RGBA"), cube.transpose("y", "x", "bands"))


def test_named_colours(make: Make, tmp_path: Path) -> None:
    cube = make("float32", ("y", "x"))
    (file,) = write(cube, tmp_path, colormap="viridis", min=float(cube.min()), max=float(cube.max()))
    with Image.open(file.path) as image:
        assert image.mode == "P"
        pixels = np.asarray(image.convert("RGBA"))
    np.testing.assert_array_equal(pixels[..., 3] == 0, np.isnan(cube))
    lowest = np.unravel_index(np.nanargmin(cube.values), cube.shape)
    highest = np.unravel_index(np.nanargmax(cube.values), cube.shape)
    assert pixels[lowest].tolist() == [0x44, 0x01, 0x54, 255]
    assert pixels[highest].tolist() == [0xFD, 0xE7, 0x25, 255]


def test_colours_to_pass_through(tmp_path: Path) -> None:
    cube = xr.DataArray(np.array([[-1.0, 0.0, 1.0]]), dims=("y", "x"))
    (file,) = write(cube, tmp_path, colormap=["#ff0000", "#ffffff", "#0000ff"], min=-1, max=1)
    with Image.open(file.path) as image:
        assert np.asarray(image.convert("RGB")).tolist() == [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]]


def test_colours_of_classes(tmp_path: Path) -> None:
    cube = xr.DataArray(np.array([[4.0, 5.0, 6.0, np.nan]]), dims=("y", "x"))
    (file,) = write(cube, tmp_path, colormap={"4": "#00a000", "5": "#ffbb22"})
    with Image.open(file.path) as image:
        pixels = np.asarray(image.convert("RGBA"))[0].tolist()
    assert pixels == [[0, 0xA0, 0, 255], [0xFF, 0xBB, 0x22, 255], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_time_steps_become_files_stretched_alike(make: Make, tmp_path: Path) -> None:
    cube = make("int16", ("t", "y", "x"), times=3)
    files = write(cube, tmp_path)
    assert [file.path.name for file in files] == [
        "openEO_2023-01-05Z.png",
        "openEO_2023-01-10Z.png",
        "openEO_2023-01-15Z.png",
    ]
    low, high = np.percentile(cube, [2, 98])
    expected = np.round(np.clip((cube.values - low) / (high - low), 0, 1) * 255)
    np.testing.assert_array_equal(np.stack([read(file, "L") for file in files]), expected)


def test_images_are_coloured_in_strips(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "STRIP", 53 * 5)
    cube = make("uint8", ("y", "x"))
    (file,) = write(cube, tmp_path)
    np.testing.assert_array_equal(read(file, "L"), cube)


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan])
@pytest.mark.parametrize("colormap", [None, "blues"])
def test_images_of_one_value(tmp_path: Path, value: float, colormap: str | None) -> None:
    cube = xr.DataArray(np.full((4, 5), value), dims=("y", "x"))
    (file,) = write(cube, tmp_path, colormap=colormap)
    with Image.open(file.path) as image:
        opacity = np.asarray(image.convert("RGBA"))[..., 3]
    assert (opacity == (0 if np.isnan(value) else 255)).all()


def test_world_file(make: Make, tmp_path: Path) -> None:
    image, world = write(make("uint8", ("y", "x")), tmp_path, worldfile=True)
    assert world.roles == ("metadata",)
    numbers = [float(line) for line in world.path.read_text().split()]
    assert numbers == [10, 0, 0, -10, 500005, 5099995]
    assert image.transform == (10, 0, 500000, 0, -10, 5100000)


def test_no_other_files_are_left(make: Make, tmp_path: Path) -> None:
    write(make("uint8", ("y", "x")), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["openEO.png"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"red": "B02"}, "'green' is needed"),
        ({"red": "B02", "green": "B03", "blue": "B99"}, r"no band 'B99'. Bands: 'B02'"),
        (
            {"red": "B02", "green": "B03", "blue": "B04", "min": [1, 2], "max": 9},
            "as many as there are colour channels",
        ),
        ({"red": "B02", "green": "B03", "blue": "B04", "min": 5, "max": 5}, "less than 'max'"),
        ({"red": "B02", "green": "B03", "blue": "B04", "percentiles": [98, 2]}, "first one must be less"),
        ({"colormap": {}}, "1 to 255 values"),
        ({"colormap": {"water": "#0000ff"}}, "'water' is no number"),
    ],
)
def test_options_must_fit_the_data(make: Make, tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ProcessParameterInvalid, match=said):
        write(make(bands=4), tmp_path, **options)


def test_unsuitable_data(make: Make, tmp_path: Path) -> None:
    with pytest.raises(FormatUnsuitable, match=r"has 2.*'B02', 'B03'"):
        write(make(bands=2), tmp_path)
    with pytest.raises(FormatUnsuitable, match="single band"):
        write(make(bands=3), tmp_path, colormap="viridis")
    with pytest.raises(FormatUnsuitable, match="up to 65535"):
        write(make("uint8", ("y", "x"), rows=1, columns=70000), tmp_path)
    with pytest.raises(DataCubeEmpty):
        write(make(rows=0), tmp_path)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_sheet_of_time_steps(make: Make, tmp_path: Path, dtype: str) -> None:
    cube = make(dtype, ("t", "y", "x"), times=5, rows=40, columns=150)
    (file,) = write(cube, tmp_path / "sheet", sheet=True, min=0, max=200)
    steps = write(cube, tmp_path / "steps", min=0, max=200)
    assert file.times == tuple(time for step in steps for time in step.times)
    mode = "LA" if dtype == "float32" else "L"
    sheet = read(file, mode)
    # Three columns and two rows, with gaps of two pixels.
    assert sheet.shape[:2] == (2 * 40 + 2, 3 * 150 + 2 * 2)
    for number, step in enumerate(steps):
        row, column = divmod(number, 3)
        part = sheet[row * 42 :, column * 152 :][:40, :150]
        np.testing.assert_array_equal(part, read(step, mode))
    empty = sheet[:, 150:152], sheet[40:42], sheet[42:, 2 * 152 :]
    assert not any(part.any() for part in empty)
