"""Secondary services: their life cycle, their logs, and the tiles that they serve."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Literal, cast

from starlette.responses import Response

from connexeo.drivers.interface import Json, Page, SecondaryServices
from connexeo.generated import models
from connexeo.generated.errors import NotFound
from connexeo.handlers.context import Context, calls, public
from connexeo.handlers.data_processing import while_connected
from connexeo.handlers.links import created, link
from connexeo.handlers.lists import paged_list
from connexeo.handlers.wmts import LAYER, STYLE, capabilities_document, read_query

Level = Literal["error", "warning", "info", "debug"]

XML = "application/xml"
SUFFIXES = {"image/png": "png", "image/webp": "webp"}
MAX_AGE = 60
"""Seconds for which browsers and proxies show a tile without asking whether it has changed."""


@public
async def list_service_types(context: Context) -> models.ServiceTypes:
    """``GET /service_types``."""
    return cast(models.ServiceTypes, await _driver(context).list_service_types(context.user))


async def list_services(
    context: Context, *, limit: int | None = None, offset: str | None = None
) -> models.SecondaryWebServices | Response:
    """``GET /services``: the user's services, newest first; all of them, or a page when ``limit`` is given."""
    pages = partial(_pages, context)
    answer = await paged_list(context, "services", "/services", pages, limit=limit, offset=offset)
    return cast("models.SecondaryWebServices | Response", answer)


async def create_service(context: Context, *, body: models.StoreSecondaryWebServiceRequest) -> Response:
    """``POST /services``: the identifier and the address of the new service come in headers."""
    service_id = await _driver(context).create_service(context.account, cast(Json, body))
    return created(context, "/services", service_id)


async def describe_service(context: Context, *, service_id: str) -> models.DescribeServiceResponse:
    """``GET /services/{service_id}``."""
    service = await _driver(context).describe_service(context.account, service_id)
    path = f"/services/{service_id}"
    attributes = {**service["attributes"], **_addresses(context, service)}
    links = [link(context, "self", path), {**link(context, "monitor", f"{path}/logs"), "title": "Logs"}]
    described = {**service, "url": _url(context, service), "attributes": attributes, "links": links}
    return cast(models.DescribeServiceResponse, described)


async def update_service(
    context: Context, *, service_id: str, body: models.UpdateSecondaryWebServiceRequest
) -> None:
    """``PATCH /services/{service_id}``."""
    await _driver(context).update_service(context.account, service_id, cast(Json, body or {}))


async def delete_service(context: Context, *, service_id: str) -> None:
    """``DELETE /services/{service_id}``."""
    await _driver(context).delete_service(context.account, service_id)


async def debug_service(
    context: Context,
    *,
    service_id: str,
    offset: str | None = None,
    level: Level = "debug",
    limit: int | None = None,
) -> models.DebugServiceResponse | Response:
    """``GET /services/{service_id}/logs``: all entries behind the offset, or a page when ``limit`` is given."""
    pages = partial(_driver(context).debug_service, context.account, service_id, level=level)
    path = f"/services/{service_id}/logs"
    answer = await paged_list(context, "logs", path, pages, limit=limit, offset=offset, level=level)
    return cast("models.DebugServiceResponse | Response", answer)


@calls("draw_tile")
async def draw_xyz_tile(context: Context, *, service_id: str, z: int, x: int, y: str) -> Response:
    """``GET /services/{service_id}/xyz/{z}/{x}/{y}``."""
    row, suffix = _split(y)
    return await _tile(context, service_id, "XYZ", suffix, matrix_set=None, zoom=z, column=x, row=row)


@calls("describe_tiles")
async def describe_xyz_tiles(context: Context, *, service_id: str) -> models.TileJSON:
    """``GET /services/{service_id}/tilejson``."""
    source = await _driver(context).describe_tiles(service_id, "XYZ")
    document = {
        "tilejson": "3.0.0",
        "name": source.title,
        "description": source.description,
        "scheme": "xyz",
        "tiles": [context.url(f"/services/{service_id}/xyz/{{z}}/{{x}}/{{y}}")],
        "minzoom": source.min_zoom,
        "maxzoom": source.max_zoom,
        "bounds": None if source.bounds is None else list(source.bounds),
    }
    return cast(models.TileJSON, {key: value for key, value in document.items() if value is not None})


@calls("describe_tiles")
async def describe_wmts(context: Context, *, service_id: str) -> Response:
    """``GET /services/{service_id}/wmts/1.0.0/WMTSCapabilities.xml``."""
    source = await _driver(context).describe_tiles(service_id, "WMTS")
    base = context.url(f"/services/{service_id}/wmts")
    document = capabilities_document(source, base, SUFFIXES[source.media_type])
    return Response(document, headers={"Cache-Control": "no-cache"}, media_type=XML)


@calls("draw_tile")
async def draw_wmts_tile(
    context: Context,
    *,
    service_id: str,
    layer: str,
    style: str,
    tile_matrix_set: str,
    tile_matrix: str,
    tile_row: int,
    tile_column: str,
) -> Response:
    """``GET /services/{service_id}/wmts/1.0.0/{layer}/{style}/…``: `GetTile` by path."""
    if layer != LAYER or style != STYLE or not (tile_matrix.isascii() and tile_matrix.isdecimal()):
        raise NotFound(
            f"The service has the layer '{LAYER}' with the style '{STYLE}', and matrices with numbers."
        )
    column, suffix = _split(tile_column)
    place = {"zoom": int(tile_matrix[:10]), "column": column, "row": tile_row}
    return await _tile(context, service_id, "WMTS", suffix, matrix_set=tile_matrix_set, **place)


@calls("draw_tile")
async def query_wmts(context: Context, *, service_id: str, request: str | None = None) -> Response:
    """``GET /services/{service_id}/wmts``: the operations of WMTS by key-value pairs."""
    query = read_query(context.request.query_params)
    if query is None:
        return await describe_wmts(context, service_id=service_id)
    tile = partial(_tile, context, service_id, "WMTS", query.suffix, matrix_set=query.matrix_set)
    return await tile(zoom=query.matrix, column=query.column, row=query.row)


async def _tile(
    context: Context, service_id: str, service_type: str, suffix: str | None, **place: Any
) -> Response:
    """A picture, or that the client has it; drawing is left to itself when the client goes away."""
    drawing = _driver(context).draw_tile(service_id, service_type, **place)
    tile = await while_connected(context.request, drawing)
    if suffix not in (None, SUFFIXES[tile.media_type]):
        raise NotFound(f"The tiles of this service have the format {SUFFIXES[tile.media_type]}.")
    headers = {"ETag": f'"{tile.etag}"', "Cache-Control": f"public, max-age={MAX_AGE}"}
    if _is_known(context, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(tile.content, headers=headers, media_type=tile.media_type)


def _is_known(context: Context, etag: str) -> bool:
    """Whether the client has the picture already."""
    wanted = ",".join(context.request.headers.getlist("if-none-match"))
    tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    return etag in tags or "*" in tags


def _split(number: str) -> tuple[int, str | None]:
    """A row or column, and the suffix behind it."""
    digits, dot, suffix = number.partition(".")
    return int(digits), suffix if dot else None


async def _pages(context: Context, *, limit: int | None, offset: str | None) -> Page:
    page = await _driver(context).list_services(context.account, limit=limit, offset=offset)
    return replace(page, items=[{**item, "url": _url(context, item)} for item in page.items])


def _url(context: Context, service: Json) -> str:
    """Where map clients find the service: a template for XYZ, as they take it; the base of a WMTS; or where it says."""
    return service.get("url") or next(iter(_addresses(context, service).values()))


def _addresses(context: Context, service: Json) -> dict[str, str]:
    if "url" in service:
        # Another back-end serves it.
        return {}
    path = f"/services/{service['id']}"
    if service["type"].upper() == "WMTS":
        return {
            "wmts": context.url(f"{path}/wmts"),
            "capabilities": context.url(f"{path}/wmts/1.0.0/WMTSCapabilities.xml"),
        }
    return {
        "tiles": context.url(f"{path}/xyz/{{z}}/{{x}}/{{y}}"),
        "tilejson": context.url(f"{path}/tilejson"),
    }


def _driver(context: Context) -> SecondaryServices:
    assert context.driver.secondary_services is not None
    return context.driver.secondary_services
