"""From numbers to pictures."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from connexeo.drivers.local.services.layers import Layers
from connexeo.drivers.local.services.painting import paint
from connexeo.drivers.local.services.types import find_type, resolve_configuration
from connexeo.generated.errors import FormatUnsuitable

nan = np.nan


def painted(
    values: Any, *, automatic: Any = None, source: str = "float32", **settings: Any
) -> tuple[Image.Image, list[list[tuple[int, ...]]]]:
    """The picture, and its pixels as red, green, blue and opacity."""
    layers = Layers(np.asarray(values, dtype=float), np.dtype(source), ())
    content = paint(layers, resolve_configuration(find_type("XYZ"), settings), automatic)
    image = Image.open(io.BytesIO(content))
    assert (image.format or "").lower() == settings.get("format", "png")
    pixels = np.asarray(image.convert("RGBA"))
    return image, [[tuple(map(int, pixel)) for pixel in row] for row in pixels]


def test_grey() -> None:
    image, pixels = painted([[[0, 5, 10, nan], [-3, 13, 10, 0]]], min=0, max=10)
    assert (image.mode, image.size) == ("P", (4, 2))
    assert pixels[0][0] == (0, 0, 0, 255)
    assert pixels[0][1] == (128, 128, 128, 255)
    assert pixels[0][2] == (255, 255, 255, 255)
    assert pixels[0][3][3] == 0
    assert pixels[1][:2] == [(0, 0, 0, 255), (255, 255, 255, 255)]


def test_ramp() -> None:
    _, pixels = painted([[[0.0, 1.0, nan]]], min=0, max=1, colormap="viridis")
    assert pixels == [[(0x44, 0x01, 0x54, 255), (0xFD, 0xE7, 0x25, 255), (0, 0, 0, 0)]]


def test_classes_need_no_range() -> None:
    _, pixels = painted([[[4, 5, nan]]], colormap={"4": "#00a000"})
    assert pixels == [[(0, 0xA0, 0, 255), (0, 0, 0, 0), (0, 0, 0, 0)]]


def test_colours() -> None:
    image, pixels = painted([[[0, 10]], [[5, 10]], [[10, 10]]], min=0, max=10)
    assert image.mode == "RGB"
    assert pixels == [[(0, 128, 255, 255), (255, 255, 255, 255)]]


def test_colours_with_ranges_of_their_own() -> None:
    _, pixels = painted([[[1]], [[10]], [[100]]], min=[0, 0, 0], max=[2, 20, 100])
    assert pixels == [[(128, 128, 255, 255)]]


def test_colours_with_gaps() -> None:
    image, pixels = painted([[[0, 10]], [[5, nan]], [[10, 10]]], min=0, max=10)
    assert image.mode == "RGBA"
    assert pixels == [[(0, 128, 255, 255), (0, 0, 0, 0)]]


@pytest.mark.parametrize(("source", "most"), [("float32", 1.0), ("uint8", 255), ("uint16", 65535)])
def test_fourth_band_is_opacity(source: str, most: float) -> None:
    bands = [[[10, 10]], [[10, 10]], [[10, 10]], [[most, 0]]]
    image, pixels = painted(bands, source=source, min=0, max=10)
    assert image.mode == "RGBA"
    assert [pixel[3] for pixel in pixels[0]] == [255, 0]
    assert pixels[0][0][:3] == (255, 255, 255)


def test_range_that_is_found() -> None:
    _, found = painted([[[2, 4]]], automatic=[2, 4])
    assert found == [[(0, 0, 0, 255), (255, 255, 255, 255)]]
    _, half_given = painted([[[2, 4]]], automatic=[2, 4], max=6)
    assert half_given == [[(0, 0, 0, 255), (128, 128, 128, 255)]]


def test_pictures_are_not_stretched() -> None:
    _, pixels = painted([[[0, 255]]], source="uint8", automatic=[100, 101])
    assert pixels == [[(0, 0, 0, 255), (255, 255, 255, 255)]]


def test_single_value() -> None:
    _, pixels = painted([[[3, 3]]], automatic=[3, 3])
    assert pixels == [[(0, 0, 0, 255)] * 2]


def test_range_that_is_not_known() -> None:
    with pytest.raises(FormatUnsuitable, match="Set 'min' and 'max'"):
        painted([[[1.0]]])


def test_colormap_for_colours() -> None:
    with pytest.raises(FormatUnsuitable, match="single band"):
        painted([[[1.0]]] * 3, colormap="viridis", min=0, max=1)


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_formats_show_the_same(bands: int) -> None:
    generator = np.random.default_rng(1)
    values = generator.random((bands, 40, 50))
    values[:, 10:20, 10:20] = nan
    _, png = painted(values, min=0, max=1)
    _, webp = painted(values, min=0, max=1, format="webp")
    visible = [[pixel for pixel in row if pixel[3]] for row in png]
    assert visible == [[pixel for pixel in row if pixel[3]] for row in webp]
    assert [[pixel[3] for pixel in row] for row in png] == [[pixel[3] for pixel in row] for row in webp]
