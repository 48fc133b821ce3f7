"""Results as STAC 1.1: a Collection that has all files, and an Item for each file of data.

The ``href`` of an asset is the name of its file; whoever hands documents out makes URLs or paths of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connexeo.drivers.local.jobs.document import Asset, Document
from connexeo.drivers.local.jobs.times import rfc3339
from connexeo.processing.arguments import parse_instant
from connexeo.processing.geojson import box_geometry

STAC_VERSION = "1.1.0"

_EXTENSIONS = "https://stac-extensions.github.io"
FILE = f"{_EXTENSIONS}/file/v2.1.0/schema.json"
ML_MODEL = f"{_EXTENSIONS}/ml-model/v1.0.0/schema.json"
PROJECTION = f"{_EXTENSIONS}/projection/v2.0.0/schema.json"
RASTER = f"{_EXTENSIONS}/raster/v1.1.0/schema.json"
"""The last version that has ``raster:bands``, which tools look for that do not know ``bands`` of STAC 1.1."""

_RASTER_FIELDS = {"raster:scale": "scale", "raster:offset": "offset"}
_REDUCED = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)

Json = dict[str, Any]
Box = Sequence[float]


def make_collection(job: Mapping[str, Any], document: Document) -> Json:
    """The Collection, without links.

    Args:
        job: The job's row: ``id``, ``title``, ``description``, ``status`` and the times.
        document: What is kept of the run.
    """
    boxes = [asset.bbox for asset in document.assets if asset.bbox is not None]
    times = ("created", "updated", "queued", "started", "unpublished")
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": _extensions(document.assets),
        "id": job["id"],
        "title": job["title"] or "Results of a batch job",
        "description": job["description"] or f"What the batch job `{job['id']}` has computed.",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [list(_union(boxes))]},
            "temporal": {"interval": [_interval(document.assets)]},
        },
        **{name: rfc3339(job[name]) for name in times if job[name] is not None},
        "openeo:status": job["status"],
        "assets": {asset.name: make_asset(asset) for asset in document.assets},
    }


def make_items(job_id: str, document: Document) -> list[Json]:
    """The Items of the Collection, without links."""
    return [make_item(job_id, asset) for asset in document.assets if is_described(asset)]


def is_described(asset: Asset) -> bool:
    """Whether a file has an Item of its own: those with data have."""
    return "data" in asset.roles


def make_item(job_id: str, asset: Asset) -> Json:
    """The Item of a file, whose name it has; without links."""
    model = _model(asset)
    properties = {**_times(asset), "created": asset.modified, **_projection(asset), **model}
    item: Json = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [*_extensions([asset]), *([ML_MODEL] if model else [])],
        "id": asset.name,
        "collection": job_id,
        "geometry": None if asset.bbox is None else box_geometry(*asset.bbox),
        "properties": properties,
        "assets": {asset.name: make_asset(asset)},
    }
    return item if asset.bbox is None else {**item, "bbox": list(asset.bbox)}


def make_asset(asset: Asset) -> Json:
    """A file, as assets have it in Collections and Items."""
    described: Json = {
        "href": asset.name,
        "type": asset.media_type,
        "title": asset.name,
        "roles": list(asset.roles),
        "file:size": asset.size,
        "file:checksum": asset.multihash,
        **_projection(asset),
    }
    if asset.bands:
        # Statistics of a band without any data hold nothing, which STAC does not allow.
        bands = [{key: value for key, value in band.items() if value != {}} for band in asset.bands]
        described["bands"] = bands
        described["raster:bands"] = [_raster_band(band) for band in bands]
    return {**described, **{name: value for name, value in asset.extra.items() if not _is_of_model(name)}}


def _model(asset: Asset) -> Json:
    """Fields of the ML Model Extension, which Items have and assets have not."""
    return {name: value for name, value in asset.extra.items() if _is_of_model(name)}


def _is_of_model(name: str) -> bool:
    return name.startswith("ml-model:")


def _raster_band(band: Mapping[str, Any]) -> Json:
    """A band as the raster extension describes it, where names do not belong."""
    plain = {key: band[key] for key in ("data_type", "nodata", "statistics") if key in band}
    return plain | {name: band[key] for key, name in _RASTER_FIELDS.items() if key in band}


def _projection(asset: Asset) -> Json:
    if asset.crs_code is None:
        return {}
    lists = {"proj:bbox": asset.crs_bbox, "proj:shape": asset.shape, "proj:transform": asset.transform}
    return {"proj:code": asset.crs_code} | {
        name: list(value) for name, value in lists.items() if value is not None
    }


def _extensions(assets: Iterable[Asset]) -> list[str]:
    found = {FILE}
    for asset in assets:
        found |= {PROJECTION} if asset.crs_code is not None else set()
        found |= {RASTER} if asset.bands else set()
    return sorted(found)


def _times(asset: Asset) -> Json:
    """When the data are of; where nobody knows, when they were computed, as STAC wants some time."""
    instants = _instants(asset)
    if not instants:
        return {"datetime": asset.modified}
    first, last = min(instants), max(instants)
    if first == last:
        return {"datetime": rfc3339(first)}
    return {"datetime": None, "start_datetime": rfc3339(first), "end_datetime": rfc3339(last)}


def _interval(assets: Iterable[Asset]) -> list[str | None]:
    instants = [instant for asset in assets for instant in _instants(asset)]
    return [rfc3339(min(instants)), rfc3339(max(instants))] if instants else [None, None]


def _instants(asset: Asset) -> list[datetime]:
    """The instants that labels of the temporal dimension stand for; years and months begin with one."""
    found = (parse_instant(label) or _parse_reduced(label) for label in asset.times)
    return [instant for instant in found if instant is not None]


def _parse_reduced(label: str) -> datetime | None:
    match = _REDUCED.fullmatch(label)
    if match is None or int(match[1]) < 1 or not 1 <= int(match[2] or 1) <= 12:
        return None
    return datetime(int(match[1]), int(match[2] or 1), 1, tzinfo=UTC)


def _union(boxes: Sequence[Box]) -> Box:
    """One box around all; around the whole world where that is not simple, or nothing is known."""
    if not boxes:
        return (-180.0, -90.0, 180.0, 90.0)
    if len(set(map(tuple, boxes))) == 1:
        return boxes[0]
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    if any(box[0] > box[2] for box in boxes):
        return (-180.0, south, 180.0, north)
    return (min(box[0] for box in boxes), south, max(box[2] for box in boxes), north)
