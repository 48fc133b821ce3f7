"""Small back-ends in this process: valid documents, as many as one likes, with a latency, and a memory for requests."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connexeo.generated import load_processes
from fake_driver import make_collection

Json = dict[str, Any]

_GET = (
    "/",
    "/collections",
    "/collections/{collection_id}",
    "/processes",
    "/file_formats",
    "/udf_runtimes",
    "/service_types",
    "/credentials/basic",
    "/credentials/oidc",
    "/jobs",
    "/jobs/{job_id:path}",
    "/services",
    "/services/{service_id:path}",
    "/files",
    "/files/{path:path}",
    "/result",
    "/validation",
    "/logs/{log_id}",
)
_POST = ("/jobs", "/result", "/services", "/validation")
_FORMATS: Json = {
    "input": {"GeoTIFF": {"gis_data_types": ["raster"], "parameters": {}}},
    "output": {"GeoTIFF": {"gis_data_types": ["raster"], "parameters": {}}},
}


@dataclass
class FakeUpstream:
    """The back-end; tests read and change its attributes.

    Attributes:
        collections: Documents of ``GET /collections``.
        latency: Seconds before each answer.
        providers: OpenID Connect providers.
        jobs: By the value of the authorization header; ``None`` for everybody else. Newest first.
        page: Most jobs of a page.
        services: As jobs.
        files: Likewise.
        logs: Entries of all logs.
        capabilities: In place of what the capabilities say else.
        authorizations: Path and authorization header of each request.
        posts: Paths that the capabilities list for POST.
    """

    name: str = "fake"
    collections: list[Any] = field(default_factory=lambda: [make_collection("RIVERS")])
    processes: list[Any] = field(default_factory=lambda: list(load_processes()[:10]))
    formats: Json = field(default_factory=lambda: _FORMATS)
    runtimes: Json = field(default_factory=dict)
    service_types: Json = field(default_factory=dict)
    latency: float = 0.0
    providers: list[Json] = field(default_factory=list)
    jobs: dict[str | None, list[Json]] = field(default_factory=dict)
    capabilities: Json = field(default_factory=dict)
    services: list[Any] = field(default_factory=list)
    files: list[Any] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    page: int = 1000
    authorizations: list[tuple[str, str | None]] = field(default_factory=list)
    paths: tuple[str, ...] = _GET
    base: str = ""
    """Address in links; its own when empty."""
    bodies: list[bytes] = field(default_factory=list)
    """Of all requests that have one."""
    sent: list[tuple[str, str]] = field(default_factory=list)
    """Method, and path with query, of each request that changes or computes something."""
    posts: tuple[str, ...] = _POST

    def __post_init__(self) -> None:
        routes = [
            Route(path, self._answer, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])
            for path in self.paths
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), host="127.0.0.1", port=0, log_level="warning", lifespan="off", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < deadline, "the back-end did not start"
            time.sleep(0.01)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """Of the API."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End it."""
        loop = self._server.servers[0].get_loop()
        self._server.should_exit = True
        # Idle connections it closes itself; others would be left open.
        loop.call_soon_threadsafe(loop.call_later, 0.12, self._abort)
        self._thread.join(10)

    def _abort(self) -> None:
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        self._server.force_exit = True

    async def _answer(self, request: Request) -> Response:
        authorization = request.headers.get("authorization")
        self.authorizations.append((request.url.path, authorization))
        if self.latency:
            await asyncio.sleep(self.latency)
        path = request.url.path
        route = request.scope["path_params"]
        if path == "/credentials/basic":
            name = base64.b64decode((authorization or "").removeprefix("Basic ")).decode().partition(":")[0]
            return JSONResponse({"access_token": f"token-of-{name}"})
        if path.startswith(("/jobs", "/services", "/files", "/result")) and authorization is None:
            return _error(401, "AuthenticationRequired")
        if request.method != "GET" and not self._knows(request.method, authorization, path):
            return _error(404, f"{path.split('/')[1].capitalize()[:-1]}NotFound")
        if request.method != "GET":
            return await self._change(request)
        if "job_id" in route:
            return self._job(authorization, str(route["job_id"]))
        if "service_id" in route:
            return self._service(str(route["service_id"]))
        if "collection_id" in route:
            return self._collection(str(route["collection_id"]))
        if path == "/jobs":
            return self._page(request, "jobs", self._jobs_of(authorization))
        if path in ("/services", "/files"):
            return self._page(request, path[1:], self.services if path == "/services" else self.files)
        if "path" in route:
            known = any(each.get("path") == route["path"] for each in self.files)
            content = Response(b"content", media_type="image/tiff")
            return content if known else _error(404, "FileNotFound")
        found = self._documents().get(path)
        return _error(404, "NotFound") if found is None else JSONResponse(found)

    async def _change(self, request: Request) -> Response:
        path = request.url.path
        self.sent.append((request.method, f"{path}?{request.url.query}" if request.url.query else path))
        self.bodies.append(await request.body())
        if path.startswith("/files/"):
            return JSONResponse({"path": path.removeprefix("/files/")})
        if request.method != "POST":
            return Response(status_code=204)
        if path.endswith("/results"):
            return Response(status_code=202)
        if path == "/validation":
            return JSONResponse({"errors": []})
        if path == "/result":
            return Response(b"pixels", media_type="image/tiff")
        made = {"OpenEO-Identifier": "made", "Location": f"{self.url}{path}/made"}
        return Response(status_code=201, headers=made)

    def _documents(self) -> Json:
        endpoints = [{"path": path, "methods": ["GET"]} for path in self.paths]
        endpoints += [{"path": path, "methods": ["POST"]} for path in self.posts]
        changing = ("/jobs/{job_id}", "/services/{service_id}")
        endpoints += [{"path": path, "methods": ["PATCH"]} for path in changing]
        return {
            "/": {
                "api_version": "1.2.0",
                "backend_version": "1",
                "stac_version": "1.0.0",
                "type": "Catalog",
                "id": self.name,
                "title": f"Back-end {self.name}",
                "description": "A back-end of the tests.",
                "endpoints": endpoints,
                "conformsTo": ["https://api.openeo.org/1.2.0"],
                "links": [],
                **self.capabilities,
            },
            "/collections": {"collections": self.collections, "links": []},
            "/processes": {"processes": self.processes, "links": []},
            "/file_formats": self.formats,
            "/udf_runtimes": self.runtimes,
            "/service_types": self.service_types,
            "/credentials/oidc": {"providers": self.providers},
            "/logs/x": {"logs": self.logs, "links": []},
        }

    def _collection(self, identifier: str) -> Response:
        for each in self.collections:
            if isinstance(each, dict) and each.get("id") == identifier:
                return JSONResponse(each)
        return _error(404, "CollectionNotFound")

    def _jobs_of(self, authorization: str | None) -> list[Json]:
        return self.jobs.get(authorization, self.jobs.get(None, []))

    def _knows(self, method: str, authorization: str | None, path: str) -> bool:
        """Whether there is what is to be changed."""
        _, sort, *rest = path.split("/", 2)
        if sort == "files" and method == "DELETE":
            return any(each.get("path") == rest[0] for each in self.files)
        if not rest or sort not in ("jobs", "services"):
            return True
        known = self._jobs_of(authorization) if sort == "jobs" else self.services
        return any(isinstance(each, dict) and each.get("id") == _below(rest[0])[0] for each in known)

    def _page(self, request: Request, name: str, entries: list[Any]) -> Response:
        limit = min(int(request.query_params.get("limit", self.page)), self.page)
        first = int(request.query_params.get("offset", 0))
        links = []
        if first + limit < len(entries):
            links.append(
                {
                    "rel": "next",
                    "href": f"{self.base or self.url}/{name}?limit={limit}&offset={first + limit}",
                }
            )
        return JSONResponse({name: entries[first : first + limit], "links": links})

    def _job(self, authorization: str | None, path: str) -> Response:
        identifier, _, below = _below(path)
        for each in self._jobs_of(authorization):
            if isinstance(each, dict) and each.get("id") == identifier:
                if below == "logs":
                    return JSONResponse({"logs": self.logs, "links": []})
                if below == "results":
                    return JSONResponse(_RESULTS)
                return JSONResponse({"process": {"process_graph": {}}, **each})
        return _error(404, "JobNotFound")

    def _service(self, path: str) -> Response:
        identifier, _, below = _below(path)
        for each in self.services:
            if isinstance(each, dict) and each.get("id") == identifier:
                if below == "logs":
                    return JSONResponse({"logs": self.logs, "links": []})
                more: Json = {"process": {"process_graph": {}}, "configuration": {}, "attributes": {}}
                return JSONResponse({**more, **each})
        return _error(404, "ServiceNotFound")


def _below(path: str) -> tuple[str, str, str]:
    """An identifier, and what of it is asked for."""
    for each in ("logs", "results", "estimate"):
        if path.endswith(f"/{each}"):
            return path.removesuffix(f"/{each}"), "/", each
    return path, "", ""


_RESULTS: Json = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "id": "results",
    "geometry": None,
    "properties": {"datetime": "2026-01-01T00:00:00Z"},
    "assets": {"a.tif": {"href": "http://127.0.0.1/a.tif"}},
    "links": [],
}


def make_job(identifier: str, minute: int = 0, **properties: object) -> Json:
    """A job of a list; a higher minute is a newer job."""
    created = f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00Z"
    return {"id": identifier, "status": "created", "created": created, **properties}


def make_service(identifier: str, **properties: object) -> Json:
    """A service of a list."""
    return {
        "id": identifier,
        "url": f"http://127.0.0.1/{identifier}",
        "type": "XYZ",
        "enabled": True,
        **properties,
    }


def _error(status: int, code: str) -> Response:
    return JSONResponse({"code": code, "message": f"This is {code}."}, status)
