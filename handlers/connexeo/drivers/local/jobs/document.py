"""What is kept of the results of a run: the files, and what their STAC documents tell about them.

The column ``document`` of ``job_results`` holds it as JSON. A worker writes it; `results` makes STAC of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Asset:
    """A file of the results; its content is stored under ``jobs/<job>/<run>/<name>``."""

    name: str
    """Unique within the results; without folders."""
    media_type: str
    size: int
    """Bytes."""
    checksum: str
    """SHA-256, hexadecimal."""
    modified: str
    """When it was written, RFC 3339."""
    roles: tuple[str, ...] = ("data",)
    times: tuple[str, ...] = ()
    """Labels of the temporal dimension that the file holds, RFC 3339 where they are instants."""
    bands: tuple[Json, ...] = ()
    """Band objects of STAC 1.1: ``name``, ``data_type``, ``nodata``, ``statistics``, ``raster:scale``, …"""
    bbox: tuple[float, ...] | None = None
    """West, south, east, north in WGS 84; west > east across the antimeridian."""
    crs_code: str | None = None
    """E.g. ``EPSG:32632``."""
    crs_bbox: tuple[float, ...] | None = None
    """In the reference system of the file."""
    shape: tuple[int, ...] | None = None
    """Rows and columns."""
    transform: tuple[float, ...] | None = None
    """From column, row to x, y: six numbers in the order of STAC."""
    extra: Json = field(default_factory=dict)
    """Further properties for the asset."""

    @property
    def multihash(self) -> str:
        """The checksum as STAC's ``file:checksum`` has it."""
        return f"1220{self.checksum}"


@dataclass(frozen=True)
class Document:
    """The results of one run."""

    assets: tuple[Asset, ...]
    """In the order in which they were written."""
    complete: bool = True
    """False while the run goes on: there may be more."""

    def asset(self, name: str) -> Asset | None:
        """The asset of this name."""
        return next((asset for asset in self.assets if asset.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """For the database."""
        return {"complete": self.complete, "assets": [_as_json(asset) for asset in self.assets]}

    @classmethod
    def from_json(cls, value: Json) -> Document:
        """From the database."""
        return cls(tuple(asset_from_json(asset) for asset in value["assets"]), complete=value["complete"])


def asset_from_json(value: Json) -> Asset:
    """An asset as JSON has it."""
    given: dict[str, Any] = {
        key: tuple(item) if isinstance(item, list) else item for key, item in value.items()
    }
    return Asset(**given)


def result_key(job_id: str, run: int, name: str = "") -> str:
    """Where a file of a run is stored; without a name, what all of the run begin with."""
    return f"jobs/{job_id}/{run}/{name}".rstrip("/")


def _as_json(asset: Asset) -> dict[str, Any]:
    """Without what is as usual: documents are many, and most assets have little to tell."""
    required = (asset.name, asset.media_type, asset.size, asset.checksum, asset.modified)
    usual = asdict(Asset(*required))
    return {
        key: value
        for number, (key, value) in enumerate(asdict(asset).items())
        if number < len(required) or value != usual[key]
    }
