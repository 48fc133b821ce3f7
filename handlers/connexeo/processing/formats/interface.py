"""What a file format is, and what is known about the files that it wrote. Loads no libraries for data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Options = Mapping[str, Any]
GisDataType = Literal["raster", "vector", "table", "pointcloud", "other"]
BoundingBox = tuple[float, float, float, float]


class Format(Protocol):
    """An output format; `register_format` adds one."""

    @property
    def name(self) -> str:
        """As in `GET /file_formats`: GDAL's short name where it has one."""

    @property
    def title(self) -> str:
        """For people to choose from."""

    @property
    def description(self) -> str:
        """How a cube is stored, and which files result; CommonMark."""

    @property
    def gis_data_types(self) -> tuple[GisDataType, ...]:
        """What kinds of data it holds."""

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """The options: JSON Schemas with `description`, and optionally `default` and `required`."""

    def check(self, data: Any, options: Options) -> None:
        """Refuse what cannot be written, without computing a pixel.

        Args:
            data: A lazy cube, or a plain value.
            options: Valid, with defaults filled in.

        Raises:
            FormatUnsuitable: The format cannot hold the data.
            DataCubeEmpty: The cube is empty, which the format cannot hold.
            ProcessParameterInvalid: An option does not fit the data.
        """

    def write(self, data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
        """Write the files into a folder that nobody else uses, under names that begin with the stem.

        Raises:
            StorageFailure: They could not be stored.
        """


@dataclass(frozen=True)
class Statistics:
    """Of all pixels of a band that hold data."""

    minimum: float
    maximum: float
    mean: float
    stddev: float
    valid_percent: float

    def to_json(self) -> dict[str, float]:
        """As in STAC's `statistics` object; without those that no pixel has."""
        values = {
            name: getattr(self, name) for name in ("minimum", "maximum", "mean", "stddev", "valid_percent")
        }
        return {name: value for name, value in values.items() if math.isfinite(value)}


@dataclass(frozen=True)
class WrittenBand:
    """A band or variable of a file."""

    name: str | None
    data_type: str
    """As in STAC: `uint8`, `float32`, …"""
    nodata: float | None = None
    """None: every pixel holds data."""
    scale: float = 1.0
    offset: float = 0.0
    """What the file holds is (value - offset) / scale."""
    statistics: Statistics | None = None
    """Of the values, that is, after scale and offset were applied."""


@dataclass(frozen=True)
class WrittenFile:
    """A file of a result, and what its STAC asset tells about it."""

    path: Path
    media_type: str
    roles: tuple[str, ...] = ("data",)
    times: tuple[str, ...] = ()
    """Labels of the temporal dimension that the file holds, RFC 3339 where they are instants."""
    bands: tuple[WrittenBand, ...] = ()
    bbox: BoundingBox | None = None
    """West, south, east, north in WGS 84, west > east across the antimeridian."""
    crs_code: str | None = None
    """E.g. `EPSG:32632`."""
    crs_bbox: BoundingBox | None = None
    """In the reference system of the file."""
    shape: tuple[int, int] | None = None
    """Rows and columns."""
    transform: tuple[float, float, float, float, float, float] | None = None
    """From column, row to x, y: six numbers in the order of STAC and rasterio."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further properties for the asset."""

    def asset(self, href: str) -> dict[str, Any]:
        """A STAC 1.1 asset."""
        asset: dict[str, Any] = {"href": href, "type": self.media_type, "roles": list(self.roles)}
        projection = {
            "proj:code": self.crs_code,
            "proj:bbox": self.crs_bbox and list(self.crs_bbox),
            "proj:shape": self.shape and list(self.shape),
            "proj:transform": self.transform and list(self.transform),
            "bbox": self.bbox and list(self.bbox),
            "datetime": self.times[0] if len(self.times) == 1 else None,
        }
        asset.update((key, value) for key, value in projection.items() if value is not None)
        if self.bands:
            asset["bands"] = [_band(band) for band in self.bands]
        return {**asset, **self.extra}


def _band(band: WrittenBand) -> dict[str, Any]:
    described: dict[str, Any] = {} if band.name is None else {"name": band.name}
    described["data_type"] = band.data_type
    if band.nodata is not None:
        described["nodata"] = "nan" if math.isnan(band.nodata) else band.nodata
    if (band.scale, band.offset) != (1.0, 0.0):
        described["raster:scale"], described["raster:offset"] = band.scale, band.offset
    if band.statistics is not None:
        described["statistics"] = band.statistics.to_json()
    return described
