"""The picture of nothing."""

import io

import pytest
from PIL import Image

from connexeo.drivers.local.services.empty import empty_picture


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize("format_name", ["png", "webp"])
def test_transparent_square(size: int, format_name: str) -> None:
    content = empty_picture(size, format_name)
    assert len(content) < 200
    with Image.open(io.BytesIO(content)) as image:
        assert (image.size, (image.format or "").lower()) == ((size, size), format_name)
        assert image.convert("RGBA").getchannel("A").getextrema() == (0, 0)
