"""A collection to load from: four bands of a month, a few hundred pixels; the values are computed, not observed.

It is where and when the official test suite looks for Sentinel-2 data.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.warp import transform_bounds

COLLECTION = "peer-demo"
BANDS = {"B02": ("blue", 0.49), "B03": ("green", 0.56), "B04": ("red", 0.665), "B08": ("nir", 0.842)}
ITEMS = tuple(f"day-2022-06-{day:02}" for day in (2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 30))
GEOTIFF = "image/tiff; application=geotiff; profile=cloud-optimized"
_SIZE = 256
_EPSG = 32632
_BOX = (679000.0, 5150000.0, 681560.0, 5152560.0)
# Not by `from_bounds`, which warns.
_TRANSFORM = rasterio.Affine(
    (_BOX[2] - _BOX[0]) / _SIZE, 0.0, _BOX[0], 0.0, (_BOX[1] - _BOX[3]) / _SIZE, _BOX[3]
)
_EXTENSION = "https://stac-extensions.github.io"


def write_static(folder: Path) -> None:
    """Write the collection as a static STAC catalogue."""
    folder = folder / COLLECTION
    folder.mkdir(parents=True, exist_ok=True)
    write_rasters(folder)
    links = [
        {"rel": "item", "href": f"./{item_id}.json", "type": "application/geo+json"} for item_id in ITEMS
    ]
    (folder / "collection.json").write_text(json.dumps(collection() | {"links": links}))
    for item_id in ITEMS:
        parent = {"rel": "collection", "href": "./collection.json", "type": "application/json"}
        (folder / f"{item_id}.json").write_text(json.dumps(item(item_id, ".") | {"links": [parent]}))


def write_rasters(folder: Path) -> None:
    """Write the GeoTIFF files of all items."""
    rows, columns = np.mgrid[0:_SIZE, 0:_SIZE]
    profile = {
        "driver": "GTiff",
        "width": _SIZE,
        "height": _SIZE,
        "count": 1,
        "dtype": "uint16",
        "nodata": 0,
        "crs": f"EPSG:{_EPSG}",
        "transform": _TRANSFORM,
        "tiled": True,
        "blockxsize": 128,
        "blockysize": 128,
        "compress": "deflate",
    }
    for number, item_id in enumerate(ITEMS):
        for step, band in enumerate(BANDS):
            # A belt of dense vegetation runs from north to south, with little but bare soil far from it.
            slope = 3000 if band == "B08" else 30 * abs(columns - 168)
            values = (100 + 10 * number + 10 * step + rows // 8 + slope).astype("uint16")
            with rasterio.open(folder / f"{item_id}-{band}.tif", "w", **profile) as target:
                target.write(values, 1)


def collection(*, dimensions: bool = True) -> dict[str, Any]:
    """The collection without links; ``cube:dimensions`` can be left out."""
    assets = {name: _asset(name) for name in BANDS}
    start, end = (f"{item_id.removeprefix('day-')}T10:00:00Z" for item_id in (ITEMS[0], ITEMS[-1]))
    extensions = ["item-assets/v1.0.0", "eo/v1.1.0", *(["datacube/v2.2.0"] if dimensions else [])]
    document = {
        "type": "Collection",
        "id": COLLECTION,
        "stac_version": "1.0.0",
        "stac_extensions": [f"{_EXTENSION}/{name}/schema.json" for name in extensions],
        "title": "Computed reflectances",
        "description": "Four bands of a month; the values are computed, not observed.",
        "keywords": ["demo"],
        "license": "CC0-1.0",
        "providers": [{"name": "connexeo", "roles": ["producer", "host"]}],
        "extent": {"spatial": {"bbox": [_bounds()]}, "temporal": {"interval": [[start, end]]}},
        "summaries": {"eo:bands": [band for asset in assets.values() for band in asset["eo:bands"]]},
        "item_assets": assets,
    }
    if dimensions:
        west, south, east, north = _BOX
        grid = {"type": "spatial", "step": _TRANSFORM.a, "reference_system": _EPSG}
        document["cube:dimensions"] = {
            "x": grid | {"axis": "x", "extent": [west, east]},
            "y": grid | {"axis": "y", "extent": [south, north]},
            "t": {"type": "temporal", "extent": [start, end]},
            "bands": {"type": "bands", "values": list(BANDS)},
        }
    return document


def item(item_id: str, folder: str) -> dict[str, Any]:
    """An item without links; its assets are in the folder, a relative one or a URL."""
    west, south, east, north = _bounds()
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            f"{_EXTENSION}/{name}/schema.json" for name in ("projection/v2.0.0", "eo/v1.1.0")
        ],
        "id": item_id,
        "collection": COLLECTION,
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": f"{item_id.removeprefix('day-')}T10:00:00Z",
            "proj:code": f"EPSG:{_EPSG}",
            "proj:shape": [_SIZE, _SIZE],
            "proj:transform": list(_TRANSFORM)[:6],
        },
        "assets": {name: {"href": f"{folder}/{item_id}-{name}.tif"} | _asset(name) for name in BANDS},
    }


def _asset(band: str) -> dict[str, Any]:
    common, wavelength = BANDS[band]
    described = {"name": band, "common_name": common, "center_wavelength": wavelength}
    return {"type": GEOTIFF, "roles": ["data"], "title": common, "eo:bands": [described]}


def _bounds() -> list[float]:
    return [round(value, 6) for value in transform_bounds(f"EPSG:{_EPSG}", "EPSG:4326", *_BOX)]
