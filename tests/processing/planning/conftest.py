"""Collections on disk, small and with whatever makes loading difficult."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.transform import Affine

from connexeo.generated.errors import CollectionNotFound
from connexeo.processing.definitions import Definitions
from connexeo.processing.environment import Environment

WEST, NORTH, SIZE = 600_000.0, 5_300_000.0, 48
DATES = (
    "2024-01-05T10:00:00Z",
    "2024-02-05T10:00:00Z",
    "2024-02-05T10:01:30Z",
    "2024-03-20T10:00:00Z",
    "2024-06-01T10:00:00Z",
)
BANDS = {"B02": ("blue", 0.49), "B04": ("red", 0.66), "B08": ("nir", 0.84), "SCL": (None, None)}


@dataclass
class FakeCatalogue:
    """Collections with items in memory."""

    collections: Mapping[str, dict[str, Any]]
    found: Mapping[str, list[dict[str, Any]]]
    asked: list[Any] = field(default_factory=list)

    def collection(self, id: str) -> dict[str, Any]:
        if id not in self.collections:
            raise CollectionNotFound(identifier=id)
        return self.collections[id]

    def items(
        self,
        id: str,
        *,
        bbox: tuple[float, float, float, float] | None = None,
        interval: tuple[datetime | None, datetime | None] | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        self.asked.append((id, bbox, interval))
        for item in self.found[id]:
            west, south, east, north = item["bbox"]
            apart = bbox is not None and (
                bbox[0] > east or bbox[2] < west or bbox[1] > north or bbox[3] < south
            )
            if not apart and _in(item, interval):
                yield item


def _in(item: dict[str, Any], interval: Any) -> bool:
    moment = datetime.fromisoformat(item["properties"]["datetime"]).astimezone(UTC)
    start, end = interval or (None, None)
    return (start is None or moment >= start) and (end is None or moment < end)


def write(path: Path, *, west: float, step: float, dtype: str, crs: int = 32632, north: float = NORTH) -> str:
    size = round(SIZE * 10 / step)
    values = np.random.default_rng(abs(hash(path.name)) % 1000).integers(0, 200, (size, size)).astype(dtype)
    with rasterio.open(
        path, "w", driver="GTiff", width=size, height=size, count=1, dtype=dtype, crs=f"EPSG:{crs}", nodata=0,
        transform=Affine(step, 0, west, 0, -step, north), tiled=True, blockxsize=16, blockysize=16,
    ) as target:  # fmt: skip
        target.write(values, 1)
    return str(path)


def make_item(
    folder: Path, name: str, moment: str, *, west: float, north: float = NORTH, crs: int = 32632
) -> dict[str, Any]:
    from rasterio.warp import transform_bounds

    assets = {}
    for band in BANDS:
        step, dtype = (20.0, "uint8") if band == "SCL" else (10.0, "uint16")
        path = folder / f"{name}-{band}.tif"
        href = write(path, west=west, north=north, step=step, dtype=dtype, crs=crs)
        assets[band] = {"href": href, "type": "image/tiff", "roles": ["data"]}
    edges = (west, north - SIZE * 10, west + SIZE * 10, north)
    bounds = transform_bounds(f"EPSG:{crs}", "EPSG:4326", *edges)
    return {
        "type": "Feature",
        "id": name,
        "bbox": bounds,
        "properties": {"datetime": moment},
        "assets": assets,
    }


def collection(id: str, **names: str) -> dict[str, Any]:
    roles = {"x": "x", "y": "y", "t": "t", "bands": "bands"} | names
    return {
        "id": id,
        "item_assets": {
            band: {
                "type": "image/tiff",
                "roles": ["data"],
                "eo:bands": [{"name": band, "common_name": common, "center_wavelength": wavelength}],
            }
            for band, (common, wavelength) in BANDS.items()
        },
        "cube:dimensions": {
            roles["x"]: {"type": "spatial", "axis": "x", "reference_system": 32632},
            roles["y"]: {"type": "spatial", "axis": "y", "reference_system": 32632},
            roles["t"]: {"type": "temporal"},
            roles["bands"]: {"type": "bands", "values": list(BANDS)},
        },
    }


def _climate(folder: Path) -> list[dict[str, Any]]:
    lat, lon = np.arange(59.5, 30, -1.0), np.arange(-9.5, 30, 1.0)
    items = []
    for month in (1, 2, 3):
        shape = (len(lat), len(lon))
        random = np.random.default_rng(month)
        data = xr.Dataset(
            {
                band: (("lat", "lon"), random.random(shape, dtype=np.float32))
                for band in ("B02", "B04", "B08", "SCL")
            },
            coords={"lat": lat, "lon": lon},
        )
        data.to_netcdf(folder / f"{month}.nc")
        items.append(
            {
                "type": "Feature",
                "id": f"{month}",
                "bbox": [-10, 30, 30, 60],
                "properties": {"datetime": f"2024-{month:02}-01T00:00:00Z"},
                "assets": {
                    "data": {
                        "href": str(folder / f"{month}.nc"),
                        "type": "application/netcdf",
                        "roles": ["data"],
                        "bands": [{"name": band} for band in BANDS],
                    }
                },
            }
        )
    return items


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> FakeCatalogue:
    """`scenes` (two tiles side by side), `mixed` (two reference systems), `named` (other names), `climate` (netCDF)."""
    folder = tmp_path_factory.mktemp("collections")
    east = WEST + SIZE * 10
    first = [make_item(folder, f"a{n}", moment, west=WEST) for n, moment in enumerate(DATES)]
    second = [make_item(folder, f"b{n}", moment, west=east) for n, moment in enumerate(DATES[1:4])]
    # It overlaps the first tile.
    other = [make_item(folder, "c", DATES[0], west=151_400.0, north=5_309_600.0, crs=32633)]
    climate = collection("climate")
    climate["cube:dimensions"]["x"]["reference_system"] = 4326
    climate["cube:dimensions"]["y"]["reference_system"] = 4326
    climate["item_assets"] = {
        "data": {
            "type": "application/netcdf",
            "roles": ["data"],
            "bands": [{"name": band, "eo:common_name": common} for band, (common, _) in BANDS.items()],
        }
    }
    undeclared = {key: value for key, value in collection("plain").items() if key != "cube:dimensions"}
    swapped = collection("swapped", t="bands", bands="t")
    return FakeCatalogue(
        {
            "scenes": collection("scenes"),
            "mixed": collection("mixed"),
            "named": collection("named", t="time", bands="band", x="lon", y="lat"),
            "swapped": swapped,
            "plain": undeclared,
            "climate": climate,
        },
        {
            "scenes": first + second,
            "mixed": first[:2] + other,
            "named": first,
            "swapped": first,
            "plain": first + second,
            "climate": _climate(folder),
        },
    )


@pytest.fixture(scope="session")
def world(catalogue: FakeCatalogue, definitions: Definitions) -> Environment:
    """An environment with these collections."""
    return Environment(catalogue=catalogue, definitions=definitions)
