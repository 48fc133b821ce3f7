"""The Sentinel-2-like demo collection: cloud-optimised GeoTIFFs and their STAC documents."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connexeo.drivers.local.demo.documents import (
    CLASSIFICATION_EXTENSION,
    EO_EXTENSION,
    GRID_EXTENSION,
    PROJECTION_EXTENSION,
    RASTER_EXTENSION,
    VIEW_EXTENSION,
    collection_document,
    item_document,
    save_document,
)
from connexeo.drivers.local.demo.scene import Acquisition, Pass, acquire
from connexeo.drivers.local.demo.sky import Weather
from connexeo.drivers.local.demo.terrain import PIXEL, Terrain, make_terrain

COLLECTION_ID = "sentinel-2-l2a-demo"
SEED = 7
SIZE = 1024
EPSG = 32632
WEST, NORTH = 622080.0, 5276160.0
"""Upper left corner: the foot of the Alps, in UTM zone 32N."""
BBOX = (10.62206, 47.53322, 10.76115, 47.62734)
"""WGS 84, around the tile."""
GEOMETRY = ((10.62491, 47.62733), (10.76114, 47.62532), (10.75806, 47.53323), (10.62206, 47.53523))
"""Corners of the tile from the north-west clockwise, WGS 84."""
YEAR = 2024

ITEM_EXTENSIONS = (
    EO_EXTENSION, PROJECTION_EXTENSION, RASTER_EXTENSION, CLASSIFICATION_EXTENSION, VIEW_EXTENSION, GRID_EXTENSION,
)  # fmt: skip

PASSES = (
    Pass(day=13, weather=Weather("clear", 0.0, 0.006), snow_line=770),
    Pass(day=48, weather=Weather("sheet", 0.38, 0.010), snow_line=930),
    Pass(day=83, weather=Weather("clear", 0.0, 0.010), snow_line=1150),
    Pass(day=108, weather=Weather("cumulus", 0.22, 0.012), snow_line=1320, swath_edge=0.34),
    Pass(day=130, weather=Weather("clear", 0.0, 0.009), snow_line=1560),
    Pass(day=158, weather=Weather("cumulus", 0.16, 0.014), snow_line=1900),
    Pass(day=183, weather=Weather("clear", 0.0, 0.013), snow_line=2600),
    Pass(day=208, weather=Weather("sheet", 0.72, 0.018), snow_line=3000),
    Pass(day=233, weather=Weather("cumulus", 0.06, 0.016), snow_line=3000),
    Pass(day=266, weather=Weather("cirrus", 0.45, 0.012), snow_line=2300),
    Pass(day=291, weather=Weather("clear", 0.0, 0.011), snow_line=1750),
    Pass(day=338, weather=Weather("cumulus", 0.30, 0.008), snow_line=1050, swath_edge=0.22),
)
"""Twelve passes through the year, from deep winter to the first snow."""

BANDS: tuple[dict[str, Any], ...] = (
    {"name": "B02", "common_name": "blue", "center_wavelength": 0.4924, "full_width_half_max": 0.098},
    {"name": "B03", "common_name": "green", "center_wavelength": 0.5598, "full_width_half_max": 0.045},
    {"name": "B04", "common_name": "red", "center_wavelength": 0.6646, "full_width_half_max": 0.038},
    {"name": "B08", "common_name": "nir", "center_wavelength": 0.8328, "full_width_half_max": 0.145},
)

SCL_CLASSES = (
    "No data", "Saturated or defective", "Dark area", "Cloud shadow", "Vegetation", "Bare soil", "Water",
    "Unclassified", "Cloud, medium probability", "Cloud, high probability", "Thin cirrus", "Snow or ice",
)  # fmt: skip


def write_sentinel2(folder: Path) -> None:
    """Write `collection.json` and one folder per date with an item and its five GeoTIFFs."""
    folder.mkdir(parents=True)
    terrain = make_terrain(SIZE, SEED)
    # Two threads: numpy and GDAL release the lock, and more would only need more memory.
    with ThreadPoolExecutor(2) as pool:
        items = list(pool.map(lambda each: _write_pass(folder, terrain, each), PASSES))
    save_document(folder / "collection.json", _collection(items))


def _write_pass(folder: Path, terrain: Terrain, satellite_pass: Pass) -> dict[str, Any]:
    """Write one date; answers its item."""
    acquisition = acquire(terrain, satellite_pass, SEED)
    moment = datetime(YEAR, 1, 1, 10, 16, 1, tzinfo=UTC) + timedelta(days=satellite_pass.day - 1)
    item_id = f"S2_DEMO_32TPT_{moment:%Y%m%d}"
    target = folder / item_id
    target.mkdir()
    for band, values in zip(BANDS, acquisition.reflectance, strict=True):
        write_cog(target / f"{band['name']}.tif", values, resampling="average")
    write_cog(target / "SCL.tif", acquisition.scl, resampling="nearest")
    item = _item(item_id, moment, acquisition, int((acquisition.scl > 0).sum()))
    save_document(target / f"{item_id}.json", item)
    return item


def write_cog(path: Path, values: NDArray[Any], *, resampling: str) -> None:
    """Write one band, shape `(y, x)`, with 0 as no data, as a cloud-optimised GeoTIFF."""
    import rasterio
    from rasterio.transform import Affine

    height, width = values.shape
    with rasterio.open(
        path, "w", driver="COG", width=width, height=height, count=1, dtype=values.dtype, nodata=0,
        crs=f"EPSG:{EPSG}", transform=Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH), blocksize=512,
        compress="DEFLATE", level=1, predictor="YES", overview_resampling=resampling,
    ) as target:  # fmt: skip
        target.write(values, 1)


def _item(item_id: str, moment: datetime, acquisition: Acquisition, valid: int) -> dict[str, Any]:
    assets: dict[str, Any] = {
        **{band["name"]: {"href": f"./{band['name']}.tif", **_reflectance_asset(band)} for band in BANDS},
        "SCL": {"href": "./SCL.tif", **_scl_asset()},
    }
    properties = {
        "created": "2025-01-01T00:00:00Z",
        "platform": "sentinel-2a" if moment.timetuple().tm_yday % 2 else "sentinel-2b",
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "gsd": 10,
        "grid:code": "MGRS-32TPT",
        "eo:cloud_cover": acquisition.cloud_cover,
        "s2:nodata_pixel_percentage": round(100 - 100 * valid / acquisition.scl.size, 2),
        "view:sun_azimuth": round(float(np.degrees(acquisition.sun.azimuth)), 2),
        "view:sun_elevation": round(90 - float(np.degrees(acquisition.sun.zenith)), 2),
        "proj:code": f"EPSG:{EPSG}",
        "proj:shape": [SIZE, SIZE],
        "proj:transform": [PIXEL, 0.0, WEST, 0.0, -PIXEL, NORTH],
        "proj:bbox": [WEST, NORTH - SIZE * PIXEL, WEST + SIZE * PIXEL, NORTH],
    }
    return item_document(
        item_id,
        COLLECTION_ID,
        bbox=BBOX,
        ring=GEOMETRY,
        moment=moment,
        properties=properties,
        assets=assets,
        extensions=ITEM_EXTENSIONS,
    )


def _reflectance_asset(band: dict[str, Any]) -> dict[str, Any]:
    """What all assets of a reflectance band have in common."""
    return {
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "title": f"{band['common_name'].title()} ({band['name']})",
        "roles": ["data", "reflectance"],
        "gsd": 10,
        "eo:bands": [band],
        "raster:bands": [
            {"data_type": "uint16", "nodata": 0, "scale": 0.0001, "offset": 0, "spatial_resolution": 10}
        ],
    }


def _scl_asset() -> dict[str, Any]:
    """What all assets of the scene classification have in common."""
    return {
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "title": "Scene classification (SCL)",
        "roles": ["data"],
        "gsd": 10,
        "eo:bands": [{"name": "SCL", "description": "Scene classification with the classes of Sen2Cor"}],
        "raster:bands": [{"data_type": "uint8", "nodata": 0, "spatial_resolution": 10}],
        "classification:classes": [
            {"value": value, "name": name.lower().replace(",", "").replace(" ", "_"), "description": name}
            for value, name in enumerate(SCL_CLASSES)
        ],
    }


def _collection(items: list[dict[str, Any]]) -> dict[str, Any]:
    first, last = items[0]["properties"]["datetime"], items[-1]["properties"]["datetime"]
    clouds = [item["properties"]["eo:cloud_cover"] for item in items]
    spatial = {"type": "spatial", "step": PIXEL, "reference_system": EPSG}
    names = [band["name"] for band in BANDS] + ["SCL"]
    return collection_document(
        COLLECTION_ID,
        title="Sentinel-2 L2A look-alike (demo)",
        description=(
            "Twelve invented scenes of one year in the style of Sentinel-2 level 2A: a valley at the foot of "
            "the Alps with a lake, fields, forest, villages, snow and clouds. **No real observations**; made "
            "for learning and testing.\n\nValues are digital numbers: reflectance times 10,000, 0 is no "
            "data. The band `SCL` holds the scene classification with the classes of Sen2Cor."
        ),
        keywords=["sentinel-2", "optical", "reflectance", "demo", "synthetic"],
        bbox=BBOX,
        interval=(first, last),
        extensions=(EO_EXTENSION, RASTER_EXTENSION, CLASSIFICATION_EXTENSION, PROJECTION_EXTENSION),
        dimensions={
            "x": {**spatial, "axis": "x", "extent": [WEST, WEST + SIZE * PIXEL]},
            "y": {**spatial, "axis": "y", "extent": [NORTH - SIZE * PIXEL, NORTH]},
            "t": {"type": "temporal", "extent": [first, last], "step": None},
            "bands": {"type": "bands", "values": names},
        },
        summaries={
            "platform": ["sentinel-2a", "sentinel-2b"],
            "constellation": ["sentinel-2"],
            "instruments": ["msi"],
            "gsd": [10],
            "eo:cloud_cover": {"minimum": min(clouds), "maximum": max(clouds)},
            "eo:bands": [{**band, "gsd": 10} for band in BANDS] + [{"name": "SCL", "gsd": 10}],
            "proj:code": [f"EPSG:{EPSG}"],
        },
        item_assets={**{band["name"]: _reflectance_asset(band) for band in BANDS}, "SCL": _scl_asset()},
        items=[f"./{item['id']}/{item['id']}.json" for item in items],
    )
