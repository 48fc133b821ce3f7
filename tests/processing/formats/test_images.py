from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import DataCubeEmpty, FormatUnsuitable
from connexeo.processing.cube import Dimension, make_cube
from connexeo.processing.formats.images import arrange, check_images

Make = Callable[..., xr.DataArray]


def test_time_steps_become_images(make: Make) -> None:
    cube = make(times=2, bands=3)
    images = arrange(cube, check_images(cube, "GTiff"), time_as_bands=False)
    assert [image.suffix for image in images] == ["_2023-01-05Z", "_2023-01-10Z"]
    assert [image.times for image in images] == [("2023-01-05T00:00:00Z",), ("2023-01-10T00:00:00Z",)]
    assert images[1].bands == ("B02", "B03", "B04")
    np.testing.assert_array_equal(images[1].pixels, cube[1])


def test_time_steps_become_bands(make: Make) -> None:
    cube = make(times=2, bands=2)
    (image,) = arrange(cube, check_images(cube, "GTiff"), time_as_bands=True)
    assert image.bands == (
        "2023-01-05T00:00:00Z_B02",
        "2023-01-05T00:00:00Z_B03",
        "2023-01-10T00:00:00Z_B02",
        "2023-01-10T00:00:00Z_B03",
    )
    np.testing.assert_array_equal(image.pixels, cube.values.reshape(4, 37, 53))


@pytest.mark.parametrize(
    "dims", [("x", "y", "bands", "t"), ("bands", "t", "y", "x"), ("y", "bands", "x", "t")]
)
def test_any_order_of_dimensions(make: Make, dims: tuple[str, ...]) -> None:
    cube = make(dims=dims)
    images = arrange(cube, check_images(cube, "GTiff"), time_as_bands=False)
    expected = cube.transpose("t", "bands", "y", "x").values
    np.testing.assert_array_equal(np.stack([image.pixels for image in images]), expected)


def test_first_row_is_the_northernmost(make: Make) -> None:
    cube = make(dims=("y", "x"), south_up=True)
    (image,) = arrange(cube, check_images(cube, "GTiff"), time_as_bands=False)
    np.testing.assert_array_equal(image.pixels[0], cube.values[::-1])
    assert image.bands == (None,)


def test_first_column_is_the_westernmost(make: Make) -> None:
    cube = make(dims=("y", "x")).isel(x=slice(None, None, -1))
    (image,) = arrange(cube, check_images(cube, "GTiff"), time_as_bands=False)
    np.testing.assert_array_equal(image.pixels[0], cube.values[:, ::-1])


def test_further_dimensions_join_the_bands(make: Make) -> None:
    cube = make(dims=("bands", "y", "x"), bands=2)
    more = xr.concat([cube, cube + 1], dim=xr.Variable("quantile", [0.1, 0.9]))
    more = make_cube(more.transpose("bands", "quantile", "y", "x"), [Dimension("quantile", "other")])
    (image,) = arrange(more, check_images(more, "GTiff"), time_as_bands=False)
    assert image.bands == ("B02_0.1", "B02_0.9", "B03_0.1", "B03_0.9")
    np.testing.assert_array_equal(image.pixels[1], cube.values[0] + 1)


@pytest.mark.parametrize(
    ("labels", "suffixes"),
    [
        (np.array(["2023-01-05T10:30:21"], "M8[ns]"), ["_2023-01-05T103021Z"]),
        (np.array(["2023-01-05T10:30:21.250"], "M8[ns]"), ["_2023-01-05T103021.25Z"]),
        (np.array(["2023-01-05", "2023-01-05"], "M8[ns]"), ["_2023-01-05Z_1", "_2023-01-05Z_2"]),
        (["2020-djf", "2020-mam"], ["_2020-djf", "_2020-mam"]),
        (["../../etc", "a/b"], ["_....etc", "_ab"]),
        (["∞", "?"], ["_unknown_1", "_unknown_2"]),
    ],
)
def test_file_names_are_harmless_and_different(make: Make, labels: object, suffixes: list[str]) -> None:
    cube = make(times=len(suffixes)).assign_coords(t=labels)
    images = arrange(cube, check_images(cube, "GTiff"), time_as_bands=False)
    assert [image.suffix for image in images] == suffixes


def test_cubes_in_memory_are_cut_into_blocks(make: Make) -> None:
    cube = make(dims=("bands", "y", "x"), rows=1500, columns=10, bands=2, lazy=False)
    (image,) = arrange(cube, check_images(cube, "GTiff"), time_as_bands=False)
    assert image.pixels.chunks == ((1, 1), (1024, 476), (10,))


@pytest.mark.parametrize("data", [None, 1, "text", [1, 2], {"a": 1}])
def test_plain_values_are_no_images(data: object) -> None:
    with pytest.raises(FormatUnsuitable, match="raster data cubes"):
        check_images(data, "PNG")


def test_empty_cubes_are_no_images(make: Make) -> None:
    with pytest.raises(DataCubeEmpty):
        check_images(make(times=0), "PNG")


def test_texts_are_no_images() -> None:
    with pytest.raises(FormatUnsuitable, match="real numbers"):
        check_images(xr.DataArray(np.full((2, 2), "a"), dims=("y", "x")), "PNG")
