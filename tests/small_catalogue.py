"""A catalogue in a folder, small enough to be written for one test."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine

WEST, NORTH, STEP = 600_000, 5_000_000, 10


def write_catalogue(
    folder: Path, *, days: Iterable[int], bands: Iterable[str] = ("B04",), size: tuple[int, int] = (4, 4)
) -> Path:
    """A collection `images` with an item per day and an image per band; gives the folder.

    Days are counted from the start of 2020. Pixels of the first band are the day everywhere; those of further bands are
    random. The size is in rows and columns.
    """
    images = folder / "images"
    images.mkdir(parents=True)
    collection = {
        "type": "Collection",
        "id": "images",
        "stac_version": "1.0.0",
        "description": "Images.",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[9, 44, 11, 46]]},
            "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
        },
        "links": [],
    }
    (images / "collection.json").write_text(json.dumps(collection))
    random = np.random.default_rng(0)
    for day in days:
        place = images / f"day{day}"
        place.mkdir()
        values = [np.full(size, day, np.float32)]
        for number, name in enumerate(bands):
            if number:
                values.append(random.random(size, np.float32))
            _write_image(place / f"{name}.tif", values[number])
        (place / f"day{day}.json").write_text(json.dumps(_item(day, list(bands), size)))
    return folder


def _write_image(path: Path, values: Any) -> None:
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1, dtype="float32",
        crs="EPSG:32632", transform=Affine(STEP, 0, WEST, 0, -STEP, NORTH),
    ) as file:  # fmt: skip
        file.write(values, 1)


def _item(day: int, bands: list[str], size: tuple[int, int]) -> dict[str, Any]:
    west, south, east, north = 10.2, 44.9, 10.5, 45.2
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"day{day}",
        "collection": "images",
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": f"{date(2020, 1, 1) + timedelta(day - 1)}T00:00:00Z",
            "proj:code": "EPSG:32632",
            "proj:shape": list(size),
            "proj:transform": [STEP, 0, WEST, 0, -STEP, NORTH],
        },
        "assets": {
            name: {
                "href": f"./{name}.tif",
                "type": "image/tiff",
                "roles": ["data"],
                "eo:bands": [{"name": name}],
            }
            for name in bands
        },
        "links": [],
    }
