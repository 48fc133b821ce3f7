"""Synthetic satellite images: tiled, deflated GeoTIFFs of any size, and the STAC Items that describe them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin

BASE = 2048
"""Pixels along the edge of what is really made; larger images repeat its tiles."""
TILE = 512
DATES = 12
BANDS = ("B02", "B03", "B04", "B08")
SCL = "SCL"
CLOUDY = (3, 8, 9, 10)
CRS = "EPSG:32632"
WEST, NORTH, STEP = 600000.0, 5300000.0, 10.0
COLLECTION = "scenes"

Json = dict[str, Any]


def dates() -> list[datetime]:
    """Three in each of four months."""
    first = datetime(2024, 1, 5, tzinfo=UTC)
    return [
        first.replace(month=1 + number // 3) + timedelta(days=9 * (number % 3)) for number in range(DATES)
    ]


def make(folder: Path, size: int) -> list[Json]:
    """Write all images, unless they are there, and give their Items."""
    base, target = folder / "base", folder / str(size)
    target.mkdir(parents=True, exist_ok=True)
    if not base.exists():
        base.mkdir()
        for number in range(DATES):
            for band, values in _scene(number):
                _write(base / f"{number:02}_{band}.tif", values)
    items = []
    for number, moment in enumerate(dates()):
        assets = {}
        for band in (*BANDS, SCL):
            path = target / f"{number:02}_{band}.tif"
            if not path.exists():
                _repeat(base / path.name, path, size)
            assets[band] = _asset(path, band, "uint8" if band == SCL else "uint16")
        items.append(_item(number, moment, size, assets))
    return items


def bounds(size: int) -> tuple[float, float, float, float]:
    """West, south, east, north."""
    return WEST, NORTH - size * STEP, WEST + size * STEP, NORTH


def collection() -> Json:
    """The STAC Collection."""
    return {"type": "Collection", "stac_version": "1.0.0", "id": COLLECTION, "links": []}


def _scene(number: int) -> Iterator[tuple[str, NDArray[Any]]]:
    """Fields and clouds with noise; a corner of each date is outside of the swath."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[0:BASE, 0:BASE] / BASE
    fields = random.random((32, 32)).repeat(BASE // 32, 0).repeat(BASE // 32, 1)
    vegetation = 0.2 + 0.6 * np.random.default_rng(99).random((32, 32)).repeat(BASE // 32, 0).repeat(
        BASE // 32, 1
    )
    clouds = np.sin(7 * x + number) * np.cos(5 * y - 2 * number) + 0.3 * fields > 0.6
    outside = x + y < 0.3 * (number % 3)
    levels = {"B02": 400 - 150 * vegetation, "B03": 600 - 100 * vegetation}
    levels |= {"B04": 900 - 700 * vegetation, "B08": 1500 + 2500 * vegetation}
    for band, level in levels.items():
        noisy = np.where(clouds, 6000, level) * random.normal(1, 0.05, (BASE, BASE))
        yield band, np.where(outside, 0, np.clip(noisy, 1, 10000)).astype(np.uint16)
    classes = np.where(clouds, random.choice(CLOUDY, (BASE, BASE)), 4)
    yield SCL, np.where(outside, 0, classes).astype(np.uint8)


def _write(path: Path, values: NDArray[Any]) -> None:
    options = {"compress": "deflate", "predictor": 2, "tiled": True, "blockxsize": TILE, "blockysize": TILE}
    place = {"crs": CRS, "transform": from_origin(WEST, NORTH, STEP, STEP), "nodata": 0}
    with rasterio.open(
        path, "w", driver="GTiff", width=BASE, height=BASE, count=1, dtype=values.dtype, **options, **place
    ) as image:
        image.write(values, 1)


_WIDTH, _HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 256, 257, 324, 325
_LENGTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 12: 8}
"""Bytes by TIFF's data types."""


def _repeat(source: Path, target: Path, size: int) -> None:
    """A larger image whose tiles are those of a small one, again and again: they lie in the file once."""
    content = bytearray(source.read_bytes())
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    entries = [struct.unpack_from("<HHI4s", content, first + 2 + 12 * n) for n in range(count)]
    tags = {tag: (kind, number, value) for tag, kind, number, value in entries}
    across, small = size // TILE, BASE // TILE
    places = [(row % small) * small + column % small for row in range(across) for column in range(across)]
    for tag in (_TILE_OFFSETS, _TILE_BYTES):
        kind, number, value = tags[tag]
        (where,) = struct.unpack("<I", value)
        known = struct.unpack_from(f"<{number}{'H' if kind == 3 else 'I'}", content, where)
        start = len(content)
        content += struct.pack(f"<{len(places)}I", *(known[place] for place in places))
        tags[tag] = 4, len(places), struct.pack("<I", start)
    for tag in (_WIDTH, _HEIGHT):
        tags[tag] = 4, 1, struct.pack("<I", size)
    directory = b"".join(struct.pack("<HHI4s", tag, *tags[tag]) for tag in sorted(tags))
    content += b"\0" * (len(content) % 2)
    struct.pack_into("<I", content, 4, len(content))
    content += struct.pack("<H", len(tags)) + directory + struct.pack("<I", 0)
    target.write_bytes(content)


def _asset(path: Path, band: str, data_type: str) -> Json:
    return {
        "href": str(path),
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "eo:bands": [{"name": band}],
        "raster:bands": [{"data_type": data_type, "nodata": 0}],
    }


def _item(number: int, moment: datetime, size: int, assets: Mapping[str, Json]) -> Json:
    from rasterio.warp import transform_bounds

    west, south, east, north = transform_bounds(CRS, "EPSG:4326", *bounds(size))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
        ],
        "id": f"scene-{number:02}",
        "collection": COLLECTION,
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "proj:epsg": int(CRS[5:]),
            "proj:shape": [size, size],
            "proj:transform": [STEP, 0, WEST, 0, -STEP, NORTH, 0, 0, 1],
        },
        "links": [],
        "assets": dict(assets),
    }
