"""Results of batch jobs as STAC documents with links; the driver gives them without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connexeo.drivers.interface import JobResults
from connexeo.handlers.context import Context
from connexeo.handlers.links import JSON
from connexeo.processing.geojson import box_geometry

GEOJSON = "application/geo+json"

Document = dict[str, Any]


def collection_document(
    context: Context, job_id: str, results: JobResults, own_links: Sequence[Document] = ()
) -> Document:
    """The STAC Collection; its links and assets have signed URLs.

    Args:
        context: The call.
        job_id: The job.
        results: What the driver knows of its results.
        own_links: Links of the document besides ``canonical`` and ``item``.
    """
    if results.permission is None:
        return {**results.document, "links": [*own_links, *results.document.get("links", ())]}
    links = [
        *own_links,
        _link("canonical", _url(context, job_id, results), JSON),
        *(
            _link("item", _url(context, job_id, results, f"/items/{item['id']}"), GEOJSON)
            for item in results.items
        ),
        *results.document.get("links", ()),
    ]
    return {**_with_signed_assets(context, job_id, results, results.document), "links": links}


def item_document(context: Context, job_id: str, results: JobResults, item: Mapping[str, Any]) -> Document:
    """A STAC Item; its links and assets have signed URLs."""
    collection = _url(context, job_id, results)
    links = [
        _link("self", _url(context, job_id, results, f"/items/{item['id']}"), GEOJSON),
        _link("root", collection, JSON),
        _link("parent", collection, JSON),
        _link("collection", collection, JSON),
        *item.get("links", ()),
    ]
    return {**_with_signed_assets(context, job_id, results, item), "links": links}


def feature_of(collection: Document) -> Document:
    """A Collection as one STAC Item, for who wants GeoJSON: all of its assets, and less about them.

    Back-ends of a federation may not say where and when.
    """
    box = _first(collection, "spatial", "bbox")
    is_box = len(box) in (4, 6) and all(isinstance(each, int | float) for each in box)
    start, end = (
        interval if len(interval := _first(collection, "temporal", "interval")) == 2 else (None, None)
    )
    copied = (
        "title", "description", "license", "created", "updated", "queued", "started", "expires", "unpublished",
        "openeo:status",
    )  # fmt: skip
    properties = {name: collection[name] for name in copied if name in collection}
    if start is not None and end is not None:
        properties |= {"datetime": None, "start_datetime": start, "end_datetime": end}
    else:
        properties["datetime"] = collection.get("updated")
    links = [link for link in collection["links"] if link["rel"] != "item"]
    return {
        "type": "Feature",
        "stac_version": collection["stac_version"],
        "stac_extensions": collection.get("stac_extensions", []),
        "id": collection["id"],
        **({"bbox": box} if is_box else {}),
        "geometry": box_geometry(*(box if len(box) == 4 else (box[0], box[1], box[3], box[4])))
        if is_box
        else None,
        "properties": properties,
        "assets": collection["assets"],
        "links": links,
    }


def _first(collection: Document, *steps: str) -> list[Any]:
    """The first box or interval of a collection; empty where there is none."""
    found: Any = collection.get("extent")
    for step in steps:
        found = found.get(step) if isinstance(found, dict) else None
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, list) else []


def _with_signed_assets(
    context: Context, job_id: str, results: JobResults, document: Mapping[str, Any]
) -> Document:
    assets = {
        key: {**asset, "href": _address(context, job_id, results, asset["href"])}
        for key, asset in document["assets"].items()
    }
    return {**document, "assets": assets}


def _address(context: Context, job_id: str, results: JobResults, href: str) -> str:
    """Where a file is: at another host, or below the results."""
    return href if href.startswith(("http://", "https://")) else _url(context, job_id, results, f"/{href}")


def _url(context: Context, job_id: str, results: JobResults, path: str = "") -> str:
    return context.url(f"/results/{job_id}/{results.permission}{path}")


def _link(rel: str, href: str, media_type: str) -> Document:
    return {"rel": rel, "href": href, "type": media_type}
