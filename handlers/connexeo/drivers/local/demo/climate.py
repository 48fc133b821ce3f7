"""The climate demo collection: monthly temperature and precipitation of an invented year, as netCDF."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.drivers.local.demo.documents import (
    EO_EXTENSION,
    PROJECTION_EXTENSION,
    collection_document,
    item_document,
    save_document,
    timestamp,
)
from connexeo.drivers.local.demo.noise import Layer, fractal, smoothstep

if TYPE_CHECKING:
    import xarray as xr

COLLECTION_ID = "climate-monthly-demo"
SEED = 11
YEAR = 2024
STEP = 2.0
"""Degrees."""
BOX = (-180.0, -90.0, 180.0, 90.0)

VARIABLES: dict[str, dict[str, str]] = {
    "t2m": {"long_name": "2 metre air temperature", "standard_name": "air_temperature", "units": "K"},
    "tp": {
        "long_name": "Total precipitation",
        "standard_name": "lwe_thickness_of_precipitation_amount",
        "units": "mm",
    },
}

# Rough outlines of the continents, longitude and latitude; a cell is four pixels of a phone's screen.
CONTINENTS: tuple[tuple[tuple[float, float], ...], ...] = (
    ((-168, 66), (-156, 71), (-125, 70), (-95, 72), (-82, 68), (-94, 59), (-80, 52), (-78, 62), (-64, 59),
     (-56, 52), (-66, 45), (-76, 36), (-81, 27), (-85, 30), (-97, 26), (-95, 18), (-88, 21), (-83, 10),
     (-105, 20), (-117, 32), (-124, 42), (-130, 54), (-150, 60), (-165, 56)),
    ((-80, 9), (-62, 11), (-50, 0), (-35, -7), (-40, -22), (-54, -34), (-65, -42), (-69, -54), (-75, -48),
     (-71, -20), (-81, -5)),
    ((-10, 36), (-1, 44), (-4, 48), (8, 54), (22, 55), (10, 60), (6, 61), (15, 69), (30, 71), (60, 69), (75, 73),
     (105, 77), (140, 72), (180, 69), (178, 63), (162, 60), (157, 52), (140, 58), (136, 45), (127, 38), (121, 30),
     (108, 20), (105, 9), (98, 9), (91, 22), (80, 13), (77, 8), (72, 20), (58, 25), (52, 15), (44, 13), (35, 30),
     (36, 36), (26, 39), (19, 41), (14, 38), (9, 44), (-5, 36)),
    ((-6, 35), (10, 37), (20, 31), (33, 31), (43, 12), (51, 11), (40, -5), (40, -16), (33, -27), (19, -35),
     (12, -18), (9, 4), (-8, 4), (-17, 14), (-15, 27)),
    ((114, -22), (130, -12), (136, -12), (142, -11), (153, -27), (149, -38), (138, -35), (129, -32), (115, -34)),
    ((-55, 60), (-44, 60), (-20, 71), (-18, 82), (-60, 82), (-68, 76)),
    ((-180, -79), (-60, -73), (-58, -64), (-30, -76), (0, -70), (50, -67), (110, -66), (170, -72), (180, -79),
     (180, -91), (-180, -91)),
)  # fmt: skip


def write_climate(folder: Path) -> None:
    """Write `collection.json` and one item with a netCDF file per month."""
    folder.mkdir(parents=True)
    year = make_year()
    items = [_write_month(folder, year, month) for month in range(1, 13)]
    save_document(folder / "collection.json", _collection(items))


def make_year() -> "xr.Dataset":
    """Temperature and precipitation with dims `(time, lat, lon)` of shape `(12, 90, 180)`, by CF conventions."""
    import xarray as xr

    rng = np.random.default_rng(SEED)
    lat = np.arange(BOX[3] - STEP / 2, BOX[1], -STEP)
    lon = np.arange(BOX[0] + STEP / 2, BOX[2], STEP)
    land = _land(lon, lat)
    months = [_month(rng, lat, land, month) for month in range(1, 13)]
    times = np.array([f"{YEAR}-{month:02d}-01" for month in range(1, 13)], dtype="datetime64[ns]")
    dims = ("time", "lat", "lon")
    return xr.Dataset(
        {
            name: (dims, np.stack([each[index] for each in months]), dict(attributes))
            for index, (name, attributes) in enumerate(VARIABLES.items())
        },
        coords={
            "time": ("time", times, {"standard_name": "time", "axis": "T"}),
            "lat": ("lat", lat, {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"}),
            "lon": ("lon", lon, {"standard_name": "longitude", "units": "degrees_east", "axis": "X"}),
        },
        attrs={
            "Conventions": "CF-1.8",
            "title": "Invented monthly climate",
            "source": "computed by connexeo",
        },
    )


def _land(lon: np.ndarray, lat: np.ndarray) -> Layer:
    """1 on land, 0 at sea, by the even-odd rule."""
    x, y = np.meshgrid(lon, lat)
    land = np.zeros(x.shape, dtype=bool)
    for outline in CONTINENTS:
        inside = np.zeros(x.shape, dtype=bool)
        for (x0, y0), (x1, y1) in zip(outline, outline[1:] + outline[:1], strict=True):
            if y0 != y1:
                inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        land |= inside
    return land.astype(np.float32)


def _month(rng: np.random.Generator, lat: np.ndarray, land: Layer, month: int) -> tuple[Layer, Layer]:
    """Temperature in kelvin and precipitation in millimetres of one month, shape `(lat, lon)`."""
    rows, columns = land.shape
    weather = fractal(rng, 256, slope=1.5, coarsest=0.3)[:rows, :columns]
    season = np.cos(2 * np.pi * (month - 7.3) / 12)
    latitude = lat[:, None]
    north = np.sin(np.radians(latitude))
    mean = 300.5 - 47 * np.abs(north) ** 2.4 - 14 * smoothstep(-latitude, 62, 85)
    swing = np.where(land > 0, 23.0, 4.5) * north * (1 - 0.25 * np.abs(north))
    sunlit = np.cos(np.radians(np.clip(latitude - 18 * season, -90, 90)))
    desert = np.exp(-np.square((np.abs(latitude - 8 * season) - 24) / 9))
    temperature = (
        mean + swing * season + land * (3.5 * desert - 3 * (1 - desert) * np.abs(north)) + 1.3 * weather
    )
    rain_belt = np.exp(-np.square((latitude - 9 * season) / 8.5))
    westerlies = np.exp(-np.square((np.abs(latitude) - 50) / 14))
    rain = 225 * rain_belt + 95 * westerlies * (1 - 0.35 * land) + 16 * sunlit
    rain = rain * (1 - 0.86 * desert * (0.35 + 0.65 * land)) * np.exp(0.42 * weather)
    return np.asarray(temperature, dtype=np.float32), np.asarray(np.maximum(rain, 0.2), dtype=np.float32)


def _write_month(folder: Path, year: "xr.Dataset", month: int) -> dict[str, Any]:
    """Write one month; answers its item."""
    moment = datetime(YEAR, month, 1, tzinfo=UTC)
    item_id = f"climate_{moment:%Y%m}"
    target = folder / item_id
    target.mkdir()
    encoding: dict[str, dict[str, Any]] = {name: {"zlib": True, "complevel": 2} for name in VARIABLES}
    encoding["time"] = {"units": f"days since {YEAR}-01-01", "dtype": "int32"}
    path = target / f"{item_id}.nc"
    year.isel(time=[month - 1]).to_netcdf(path, engine="netcdf4", encoding=encoding)
    end = datetime(YEAR + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    item = item_document(
        item_id,
        COLLECTION_ID,
        bbox=BOX,
        ring=((BOX[0], BOX[3]), (BOX[2], BOX[3]), (BOX[2], BOX[1]), (BOX[0], BOX[1])),
        moment=moment,
        properties={
            "start_datetime": timestamp(moment),
            "end_datetime": timestamp(end),
            "proj:code": "EPSG:4326",
            "proj:shape": [int(180 / STEP), int(360 / STEP)],
            "proj:transform": [STEP, 0.0, BOX[0], 0.0, -STEP, BOX[3]],
        },
        assets={"data": {"href": f"./{path.name}", **_asset()}},
        extensions=(EO_EXTENSION, PROJECTION_EXTENSION),
    )
    save_document(target / f"{item_id}.json", item)
    return item


def _asset() -> dict[str, Any]:
    """What the netCDF assets of all months have in common."""
    bands = [{"name": name, "description": each["long_name"]} for name, each in VARIABLES.items()]
    return {"type": "application/netcdf", "title": "netCDF", "roles": ["data"], "eo:bands": bands}


def _collection(items: list[dict[str, Any]]) -> dict[str, Any]:
    times = [item["properties"]["datetime"] for item in items]
    spatial = {"type": "spatial", "step": STEP, "reference_system": 4326}
    units = "; ".join(f"`{name}`: {each['long_name']} in {each['units']}" for name, each in VARIABLES.items())
    return collection_document(
        COLLECTION_ID,
        title="Monthly climate (demo)",
        description=(
            "Temperature and precipitation of an invented year on a global grid of two degrees, one value "
            f"per month. **No real observations**; made for learning and testing.\n\nBands: {units}."
        ),
        keywords=["climate", "temperature", "precipitation", "demo", "synthetic"],
        bbox=BOX,
        interval=(times[0], items[-1]["properties"]["end_datetime"]),
        extensions=(EO_EXTENSION, PROJECTION_EXTENSION),
        dimensions={
            "x": {**spatial, "axis": "x", "extent": [BOX[0], BOX[2]]},
            "y": {**spatial, "axis": "y", "extent": [BOX[1], BOX[3]]},
            "t": {"type": "temporal", "extent": [times[0], times[-1]], "values": times, "step": "P1M"},
            "bands": {"type": "bands", "values": list(VARIABLES)},
        },
        summaries={"eo:bands": _asset()["eo:bands"], "proj:code": ["EPSG:4326"]},
        item_assets={"data": _asset()},
        items=[f"./{item['id']}/{item['id']}.json" for item in items],
    )
