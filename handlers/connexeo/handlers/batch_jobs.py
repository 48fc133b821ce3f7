"""Batch jobs: their life cycle, their logs, their results, and what signed URLs lead to."""

from __future__ import annotations

from functools import partial
from typing import Literal, cast

import orjson
from starlette.responses import Response

from connexeo.drivers.interface import BatchJobs, JobFailed, Json
from connexeo.generated import models
from connexeo.handlers.context import Context
from connexeo.handlers.downloads import Download
from connexeo.handlers.links import JSON, NO_STORE, created, link
from connexeo.handlers.lists import paged_list
from connexeo.handlers.result_documents import (
    GEOJSON,
    collection_document,
    feature_of,
    item_document,
)

Level = Literal["error", "warning", "info", "debug"]


async def list_jobs(
    context: Context, *, limit: int | None = None, offset: str | None = None
) -> models.BatchJobs | Response:
    """``GET /jobs``: the user's jobs, newest first; all of them, or a page when ``limit`` is given."""
    pages = partial(_driver(context).list_jobs, context.account)
    answer = await paged_list(context, "jobs", "/jobs", pages, limit=limit, offset=offset)
    return cast("models.BatchJobs | Response", answer)


async def create_job(context: Context, *, body: models.StoreBatchJobRequest) -> Response:
    """``POST /jobs``: the identifier and the address of the new job come in headers."""
    job_id = await _driver(context).create_job(context.account, cast(Json, body))
    return created(context, "/jobs", job_id)


async def describe_job(context: Context, *, job_id: str) -> models.DescribeJobResponse:
    """``GET /jobs/{job_id}``."""
    job = await _driver(context).describe_job(context.account, job_id)
    path = f"/jobs/{job_id}"
    links = [link(context, "self", path)]
    if job["status"] != "created":
        links.append({**link(context, "monitor", f"{path}/logs"), "title": "Logs"})
    if job["status"] in ("finished", "canceled"):
        links.append({**link(context, "result", f"{path}/results"), "title": "Results"})
    return cast(models.DescribeJobResponse, {**job, "links": links})


async def update_job(context: Context, *, job_id: str, body: models.UpdateBatchJobRequest) -> None:
    """``PATCH /jobs/{job_id}``."""
    await _driver(context).update_job(context.account, job_id, cast(Json, body or {}))


async def delete_job(context: Context, *, job_id: str) -> None:
    """``DELETE /jobs/{job_id}``."""
    await _driver(context).delete_job(context.account, job_id)


async def estimate_job(context: Context, *, job_id: str) -> models.BatchJobEstimate:
    """``GET /jobs/{job_id}/estimate``."""
    return cast(models.BatchJobEstimate, await _driver(context).estimate_job(context.account, job_id))


async def debug_job(
    context: Context,
    *,
    job_id: str,
    offset: str | None = None,
    level: Level = "debug",
    limit: int | None = None,
) -> models.DebugJobResponse | Response:
    """``GET /jobs/{job_id}/logs``: all entries behind the offset, or a page when ``limit`` is given."""
    pages = partial(_driver(context).debug_job, context.account, job_id, level=level)
    path = f"/jobs/{job_id}/logs"
    answer = await paged_list(context, "logs", path, pages, limit=limit, offset=offset, level=level)
    return cast("models.DebugJobResponse | Response", answer)


async def start_job(context: Context, *, job_id: str) -> None:
    """``POST /jobs/{job_id}/results``: into the queue."""
    await _driver(context).start_job(context.account, job_id)


async def stop_job(context: Context, *, job_id: str) -> None:
    """``DELETE /jobs/{job_id}/results``: out of the queue, or stopped."""
    await _driver(context).stop_job(context.account, job_id)


async def list_results(context: Context, *, job_id: str, partial: bool = False) -> Response:
    """``GET /jobs/{job_id}/results``: a STAC Collection, or an Item for who accepts GeoJSON only."""
    try:
        results = await _driver(context).list_results(context.account, job_id, partial=partial)
    except JobFailed as failure:
        return Response(orjson.dumps(failure.entry), 424, NO_STORE, media_type=JSON)
    query = {"partial": "true"} if partial else {}
    ours = [
        link(context, "self", f"/jobs/{job_id}/results", **query),
        {**link(context, "monitor", f"/jobs/{job_id}/logs"), "title": "Logs"},
        {**link(context, "about", f"/jobs/{job_id}"), "title": "Job"},
    ]
    document = collection_document(context, job_id, results, ours)
    # Downloads are never charged for.
    headers = {**NO_STORE, "OpenEO-Costs": "0", "Vary": "Accept"}
    if document.get("type") == "Feature":
        return Response(orjson.dumps(document), 200, headers, media_type=GEOJSON)
    if _accepts_only_geojson(context):
        return Response(orjson.dumps(feature_of(document)), 200, headers, media_type=GEOJSON)
    return Response(orjson.dumps(document), 200, headers, media_type=JSON)


async def list_shared_results(
    context: Context, *, job_id: str, permission: str
) -> models.ListSharedResultsResponse:
    """``GET /results/{job_id}/{permission}``."""
    results = await _driver(context).list_shared_results(job_id, permission)
    ours = [link(context, rel, f"/results/{job_id}/{permission}") for rel in ("self", "root")]
    document = collection_document(context, job_id, results, ours)
    return cast(models.ListSharedResultsResponse, document)


async def describe_shared_item(
    context: Context, *, job_id: str, permission: str, item_id: str
) -> models.DescribeSharedItemResponse:
    """``GET /results/{job_id}/{permission}/items/{item_id}``."""
    results = await _driver(context).describe_shared_item(job_id, permission, item_id)
    (item,) = results.items
    return cast(models.DescribeSharedItemResponse, item_document(context, job_id, results, item))


async def download_result(context: Context, *, job_id: str, permission: str, path: str) -> Response:
    """``GET /results/{job_id}/{permission}/{path}``."""
    return Download(await _driver(context).download_result(job_id, permission, path))


def _driver(context: Context) -> BatchJobs:
    assert context.driver.batch_jobs is not None
    return context.driver.batch_jobs


def _accepts_only_geojson(context: Context) -> bool:
    accepted = ",".join(context.request.headers.getlist("accept")).lower().split(",")
    types = [part.partition(";")[0].strip() for part in accepted]
    return GEOJSON in types and not {JSON, "application/*", "*/*"} & set(types)
