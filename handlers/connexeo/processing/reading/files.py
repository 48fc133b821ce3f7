"""Files of a user as STAC Items: what each holds, told from its header and its name."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connexeo.generated.errors import FormatUnsuitable, Internal, OpenEOError
from connexeo.processing.reading.containers import leads_elsewhere

TIMELESS = "1970-01-01T00:00:00Z"
"""Instant of files that have none; the cube gets no temporal dimension then."""

_INSTANT = re.compile(
    r"(?<!\d)(?P<date>(?:19|20)\d\d(?P<dash>[-_.]?)[01]\d(?P=dash)[0-3]\d)"
    r"(?:(?:T|[_ -]T?)(?P<time>[0-2]\d(?P<colon>[-.]?)[0-5]\d(?P=colon)[0-5]\d))?Z?(?!\d)"
)
"""`20240601`, `2024-06-01`, `20240601T103021`, `2024-06-01_10-30-21`, within a name."""
_SEPARATORS = "_-. "


@dataclass(frozen=True)
class Values:
    """How the numbers of a band are kept."""

    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Source:
    """A file that was looked into."""

    item: Mapping[str, Any]
    """A STAC Item with one asset."""
    has_time: bool
    values: Mapping[str, Values]
    """By band."""
    area: tuple[Any, ...] | None
    """What images cover, with their reference system."""


def name_parts(name: str) -> tuple[str, datetime | None]:
    """What a file is called without suffix and instant, and the instant that its name tells."""
    stem = name[: name.rfind(".")] if "." in name[1:] else name
    for match in _INSTANT.finditer(stem):
        date = re.sub(r"\D", "", match["date"])
        time = re.sub(r"\D", "", match["time"] or "") or "000000"
        with suppress(ValueError):
            moment = datetime.strptime(date + time, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            before, after = stem[: match.start()].rstrip(_SEPARATORS), stem[match.end() :].lstrip(_SEPARATORS)
            return "_".join(part for part in (before, after) if part), moment
    return stem, None


def open_image_file(path: Path, name: str, driver: str) -> Source:
    """Look into an image.

    Args:
        path: Where it lies.
        name: Its path as the user knows it.
        driver: GDAL's name of the format.

    Raises:
        FormatUnsuitable: it is no such image, or has no place on earth.
    """
    import rasterio
    from rasterio.errors import RasterioError

    from connexeo.processing.reading.pixels import GDAL, grid_of_file, open_image

    called, moment = name_parts(name.rpartition("/")[2])
    try:
        with rasterio.Env(**GDAL), _without_warning(), open_image(str(path)) as image:
            if image.driver != driver:
                raise FormatUnsuitable(f"'{name}' is no file of the format {driver}.")
            if image.crs is None:
                raise FormatUnsuitable(
                    f"'{name}' has no coordinate reference system, so its place is unknown."
                )
            moment = moment or _tagged_instant(image.tags())
            labels = [_band_name(image, index, called) for index in range(1, image.count + 1)]
            bands = [
                {"name": label, "data_type": kind, "nodata": nodata}
                for label, kind, nodata in zip(labels, image.dtypes, image.nodatavals, strict=True)
            ]
            packing = zip(labels, image.scales, image.offsets, strict=True)
            values = {label: Values(scale, offset) for label, scale, offset in packing}
            grid = grid_of_file(image)
    except (RasterioError, OSError) as error:
        raise FormatUnsuitable(f"'{name}' cannot be read as {driver}.") from error
    if len(set(labels)) < len(labels):
        raise FormatUnsuitable(f"'{name}' has several bands of the same name.")
    asset = {"href": str(path), "type": "image/tiff", "bands": bands}
    return Source(_item(name, moment, asset), moment is not None, values, (grid.crs, *grid.bounds))


def open_array_file(path: Path, name: str) -> Source:
    """Look into a netCDF file.

    Raises:
        FormatUnsuitable: it is none, has no variables over x and y, or takes its values from elsewhere.
    """
    import xarray as xr

    from connexeo.processing.reading.arrays import role

    _, moment = name_parts(name.rpartition("/")[2])
    try:
        if leads_elsewhere(path):
            raise FormatUnsuitable(f"'{name}' is no netCDF file that holds all its values itself.")
        with xr.open_dataset(path, engine="netcdf4", decode_coords="all") as dataset:
            found = {
                str(variable): {role(array, str(dim)) for dim in array.dims}
                for variable, array in dataset.data_vars.items()
            }
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise FormatUnsuitable(f"'{name}' cannot be read as netCDF.") from error
    names = [variable for variable, roles in found.items() if {"x", "y"} <= roles]
    if not names:
        raise FormatUnsuitable(f"'{name}' has no variable with the dimensions x and y.")
    further = {each for variable in names for each in found[variable]} - {"t", "x", "y"}
    if further:
        raise FormatUnsuitable(f"'{name}' has dimensions beside t, y and x: {', '.join(sorted(further))}.")
    has_time = any("t" in found[variable] for variable in names)
    asset = {"href": str(path), "type": "application/x-netcdf", "bands": [{"name": each} for each in names]}
    return Source(_item(name, moment, asset), has_time or moment is not None, {}, None)


def check_together(sources: Sequence[Source]) -> None:
    """Whether files make one cube.

    Raises:
        FormatUnsuitable: some have instants and others have none; or two hold the same.
    """
    with_time = [source for source in sources if source.has_time]
    without = [source for source in sources if not source.has_time]
    if with_time and without:
        raise FormatUnsuitable(
            f"The name of '{without[0].item['id']}' tells no date, that of '{with_time[0].item['id']}' does. Give all "
            "files a date or none."
        )
    holders: dict[Any, Any] = {}
    packing: dict[str, Values] = {}
    for source in sources:
        identifier = source.item["id"]
        for band, values in source.values.items():
            same = (source.item["properties"]["datetime"], band, source.area)
            if same in holders:
                raise FormatUnsuitable(
                    f"'{holders[same]}' and '{identifier}' both hold the band '{band}' of the same area and time."
                )
            holders[same] = identifier
            if packing.setdefault(band, values) != values:
                raise FormatUnsuitable(f"The files keep the band '{band}' with different scales or offsets.")


def cannot_be_read(error: OpenEOError) -> OpenEOError:
    """What to tell the user of an error that came up when files were opened together."""
    if isinstance(error, Internal):
        return FormatUnsuitable(f"The files do not make one data cube: {error.message}")
    return error


@contextmanager
def _without_warning() -> Iterator[None]:
    """Users are told that an image has no place on earth; nobody else needs to be."""
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def _item(name: str, moment: datetime | None, asset: Mapping[str, Any]) -> Mapping[str, Any]:
    told = TIMELESS if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    # Assets of one key hold the same bands.
    key = " ".join(band["name"] for band in asset["bands"])
    return {"id": name, "properties": {"datetime": told}, "assets": {key: asset}}


def _band_name(image: Any, index: int, called: str) -> str:
    """The description of the band; else the name of a file with one band, or a number."""
    described = image.descriptions[index - 1]
    if described:
        return str(described)
    return called if image.count == 1 and called else f"B{index}"


def _tagged_instant(tags: Mapping[str, str]) -> datetime | None:
    """What TIFF 6.0 calls DateTime, as our own files have it."""
    with suppress(ValueError):
        return datetime.strptime(tags.get("TIFFTAG_DATETIME", ""), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    return None
