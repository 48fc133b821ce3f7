"""The page that a browser gets at ``/``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from starlette.responses import HTMLResponse

from connexeo.generated.errors import OpenEOError
from connexeo.handlers.context import Context
from connexeo.handlers.pages import first_paragraph, render_page
from connexeo.handlers.schemas import json_type

SHOWN_COLLECTIONS = 50
"""Collections that the page itself holds; its search box fetches the others when somebody looks for them."""

WEB_EDITOR = "https://editor.openeo.org/?server="


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """One collection, as the page shows it."""

    id: str
    title: str
    description: str
    url: str
    extent: str
    interval: str


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process, as the page shows it."""

    id: str
    summary: str
    description: str
    words: str
    """What the search box looks at besides id and summary."""
    parameters: tuple[tuple[str, str, bool, str], ...]
    """Name, type, whether it may be left out, and description."""
    returns: str
    flags: tuple[str, ...]


async def landing_page(
    context: Context,
    links: Sequence[Mapping[str, Any]],
    federation: Mapping[str, Mapping[str, Any]] | None = None,
) -> HTMLResponse:
    """Title, links, collections, processes, endpoints and connect snippets, on one self-contained page.

    Args:
        context: The call.
        links: Links of the capabilities.
        federation: Back-ends that stand behind this one, as the capabilities have them.
    """
    collections = await _answer(context, "list-collections", limit=SHOWN_COLLECTIONS + 1)
    processes = await _answer(context, "list-processes")
    formats = await _answer(context, "list-file-types")
    rows = None if collections is None else _collection_rows(context, collections)
    url = context.url("")
    return render_page(
        "landing.html",
        context.service,
        url=url,
        api_name=f"openEO API {context.service.api_version}",
        editor=WEB_EDITOR + quote(url, safe=""),
        links=links,
        federation=federation,
        snippets=connect_snippets(url, {endpoint["path"] for endpoint in context.service.endpoints}),
        collections=rows and rows[:SHOWN_COLLECTIONS],
        more_collections=rows is not None and len(rows) > SHOWN_COLLECTIONS,
        collections_url=context.url("/collections"),
        processes=None if processes is None else group_processes(processes.get("processes", ())),
        formats=None if formats is None else file_formats(formats),
        endpoints=context.service.endpoints,
    )


def connect_snippets(url: str, paths: set[str]) -> list[tuple[str, str, str]]:
    """Language, how to install the client, and code that connects to this back-end."""
    python = ["import openeo", "", f'connection = openeo.connect("{url}")']
    r = ["library(openeo)", "", f'connection <- connect(host = "{url}")']
    javascript = [
        'import { OpenEO } from "@openeo/js-client";',
        "",
        f'const connection = await OpenEO.connect("{url}");',
    ]
    if "/collections" in paths:
        python.append("connection.list_collection_ids()")
        r.append("list_collections()")
        javascript.append("const { collections } = await connection.listCollections();")
    if "/credentials/basic" in paths:
        python.append('connection.authenticate_basic("…", "…")')
        r.append('login(user = "…", password = "…")')
        javascript.append('await connection.authenticateBasic("…", "…");')
    elif "/credentials/oidc" in paths:
        python.append("connection.authenticate_oidc()")
        r.append("login()")
    return [
        ("Python", "pip install openeo", "\n".join(python)),
        ("R", 'install.packages("openeo")', "\n".join(r)),
        ("JavaScript", "npm install @openeo/js-client", "\n".join(javascript)),
    ]


def group_processes(processes: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[ProcessRow]]]:
    """Processes by their first category, both in alphabetical order; those without a category come last."""
    groups: dict[str, list[ProcessRow]] = {}
    for process in sorted(processes, key=lambda process: str(process["id"])):
        categories = process.get("categories") or ["other"]
        groups.setdefault(str(categories[0]), []).append(_process_row(process))
    return sorted(groups.items(), key=lambda group: (group[0] == "other", group[0]))


def file_formats(formats: Mapping[str, Any]) -> list[tuple[str, str, str, bool, bool]]:
    """Name, title, kinds of data, and whether the format is read and written."""
    reads, writes = formats.get("input", {}), formats.get("output", {})
    rows = []
    for name in sorted({*reads, *writes}, key=str.lower):
        entry = writes.get(name) or reads.get(name) or {}
        kinds = ", ".join(map(str, entry.get("gis_data_types") or ()))
        rows.append((name, str(entry.get("title") or ""), kinds, name in reads, name in writes))
    return rows


def spatial_extent(collection: Mapping[str, Any]) -> str:
    """``5.07° E, 51.21° N – …`` of the overall bounding box; empty when there is none."""
    box = _first(_part(_part(collection, "extent"), "spatial").get("bbox"))
    if len(box) == 6:
        box = [*box[:2], *box[3:5]]
    if len(box) != 4 or not all(isinstance(value, int | float) for value in box):
        return ""
    west, south, east, north = box
    if (west, south, east, north) == (-180, -90, 180, 90):
        return "Global"
    along = f"{_degrees(west, 'E', 'W')} – {_degrees(east, 'E', 'W')}"
    across = f"{_degrees(south, 'N', 'S')} – {_degrees(north, 'N', 'S')}"
    return f"{along}, {across}"


def temporal_extent(collection: Mapping[str, Any]) -> str:
    """``2020-01-01 – 2020-12-31``, open ends spelled out; empty when nothing is known."""
    interval = _first(_part(_part(collection, "extent"), "temporal").get("interval"))
    if len(interval) != 2 or not any(interval):
        return ""
    start, end = (str(value)[:10] if value else "" for value in interval)
    if not start:
        return f"until {end}"
    return f"{start} – {end}" if end else f"{start} – today"


async def _answer(context: Context, operation_id: str, **arguments: Any) -> Mapping[str, Any] | None:
    """What the API itself answers, as a client reads it; None when it is not offered, or cannot answer now."""
    handler = context.service.handlers.get(operation_id)
    if handler is None:
        return None
    try:
        answer = await handler(context, **arguments)
    except OpenEOError:
        # The rest of the page is of use without it.
        return None
    # Drivers may give parts that are serialised already.
    return orjson.loads(orjson.dumps(answer)) if isinstance(answer, Mapping) else None


def _collection_rows(context: Context, answer: Mapping[str, Any]) -> list[CollectionRow]:
    return [
        CollectionRow(
            id=str(collection["id"]),
            title=str(collection.get("title") or ""),
            description=first_paragraph(str(collection.get("description") or "")),
            url=context.url(f"/collections/{collection['id']}"),
            extent=spatial_extent(collection),
            interval=temporal_extent(collection),
        )
        for collection in answer.get("collections", ())
    ]


def _process_row(process: Mapping[str, Any]) -> ProcessRow:
    return ProcessRow(
        id=str(process["id"]),
        summary=str(process.get("summary") or ""),
        description=str(process.get("description") or ""),
        words=" ".join(map(str, process.get("categories") or ())),
        parameters=tuple(
            (
                str(parameter.get("name") or ""),
                json_type(parameter.get("schema")),
                bool(parameter.get("optional")),
                str(parameter.get("description") or ""),
            )
            for parameter in process.get("parameters") or ()
        ),
        returns=json_type((process.get("returns") or {}).get("schema")),
        flags=tuple(flag for flag in ("deprecated", "experimental") if process.get(flag)),
    )


def _part(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = value.get(key)
    return part if isinstance(part, Mapping) else {}


def _first(value: Any) -> list[Any]:
    first = value[0] if isinstance(value, list | tuple) and value else ()
    return list(first) if isinstance(first, list | tuple) else []


def _degrees(value: float, positive: str, negative: str) -> str:
    rounded = round(abs(value), 2)
    return f"{rounded:g}°" + (f"\N{NO-BREAK SPACE}{positive if value > 0 else negative}" if rounded else "")
