"""Many small back-ends in one process, under path prefixes, with valid documents that lie ready as bytes.

``/healthy-7`` is one of them: ``hung`` ones never answer, ``slow`` ones take a second. ``POST /next`` lets all of them
have other collections than before.
"""

from __future__ import annotations

import asyncio
import os
from functools import cache
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from bench.merging import collection
from connexeo.generated import load_processes

LATENCY = 1.0
"""Seconds that slow ones take."""
COLLECTIONS = int(os.environ.get("CONNEXEO_TEST_COLLECTIONS", "500"))
JOBS = 10

Json = dict[str, Any]

_PATHS = (
    "/",
    "/collections",
    "/collections/{collection_id}",
    "/processes",
    "/file_formats",
    "/udf_runtimes",
    "/service_types",
    "/credentials/basic",
    "/jobs",
)
_FORMATS = {"GTiff": {"title": "GeoTIFF", "gis_data_types": ["raster"], "parameters": {}}}
_state = {"turn": 0}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for all of them."""
    assert scope["type"] == "http"
    if scope["path"] == "/next":
        _state["turn"] += 1
        await _send(send, 200, b"{}")
        return
    prefix, _, path = scope["path"].removeprefix("/").partition("/")
    mode, _, number = prefix.partition("-")
    if mode == "hung":
        await asyncio.sleep(3600)
    elif mode == "slow":
        await asyncio.sleep(LATENCY)
    # Only the first one changes, as it is in life.
    body = _body(int(number), f"/{path}", _state["turn"] if number == "0" and path == "collections" else 0)
    etag = b'"%d-%d"' % (_state["turn"], len(body or b""))
    if body is not None and (b"if-none-match", etag) in scope["headers"]:
        await _send(send, 304, b"", etag)
    else:
        await _send(send, 404 if body is None else 200, body or b"{}", etag)


async def _send(send: Send, status: int, body: bytes, etag: bytes = b'"none"') -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"etag", etag),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@cache
def _body(number: int, path: str, turn: int) -> bytes | None:
    document = _document(number, path, turn)
    return None if document is None else orjson.dumps(document)


def _document(number: int, path: str, turn: int) -> Json | None:
    match path:
        case "/":
            return _capabilities(number)
        case "/collections":
            return {"collections": _collections(number, turn), "links": []}
        case "/processes":
            return {"processes": load_processes(), "links": []}
        case "/file_formats":
            return {"input": _FORMATS, "output": _FORMATS}
        case "/udf_runtimes" | "/service_types":
            return {}
        case "/credentials/basic":
            return {"access_token": f"token-of-{number}"}
        case "/jobs":
            return {"jobs": _jobs(number), "links": []}
    return None


def _capabilities(number: int) -> Json:
    return {
        "api_version": "1.2.0",
        "backend_version": "1.0.0",
        "stac_version": "1.0.0",
        "type": "Catalog",
        "id": f"up-{number}",
        "title": f"Upstream {number}",
        "description": "A back-end of the benchmark.",
        "endpoints": [{"path": path, "methods": ["GET"]} for path in _PATHS],
        "links": [],
    }


def _collections(number: int, turn: int) -> list[Json]:
    listed = [collection(f"collection-{each:03}-{number}", number) for each in range(COLLECTIONS)]
    listed[0]["description"] += f" Turn {turn}."
    return listed


def _jobs(number: int) -> list[Json]:
    return [
        {
            "id": f"job-{each}",
            "title": f"Job {each} of {number}",
            "status": "finished",
            "created": f"2026-01-{each + 1:02}T00:00:00Z",
        }
        for each in range(JOBS)
    ]
