"""A small STAC API on loopback with the sample collection, for back-ends that get their collections from one."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from conformance.peers.sample import COLLECTION, GEOTIFF, ITEMS, collection, item, write_rasters

_CONFORMS = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
]


@dataclass
class Catalogue:
    """What the server gives."""

    folder: Path
    """Where the GeoTIFF files are."""
    dimensions: bool
    """Whether the collection tells its ``cube:dimensions``."""
    url: str = ""
    """Where the catalogue is."""

    def document(self, path: str, query: dict[str, Any]) -> dict[str, Any] | None:
        """The document at a path; searches know the parameters ``collections``, ``ids`` and ``datetime``."""
        root = self._link("root", "/")
        items = f"/collections/{COLLECTION}/items"
        if path in {"", "/"}:
            return self._landing_page()
        if path == "/conformance":
            return {"conformsTo": _CONFORMS}
        if path == "/collections":
            return {"collections": [self._collection()], "links": [self._link("self", path), root]}
        if path == f"/collections/{COLLECTION}":
            return self._collection()
        if path in {items, "/search"}:
            features = [self._item(item_id) for item_id in ITEMS if _matches(item_id, query)]
            return {"type": "FeatureCollection", "features": features, "links": [root]}
        if path.startswith(f"{items}/") and path.rpartition("/")[2] in ITEMS:
            return self._item(path.rpartition("/")[2])
        return None

    def _landing_page(self) -> dict[str, Any]:
        geojson = "application/geo+json"
        return {
            "type": "Catalog",
            "id": "peer-catalogue",
            "title": "Catalogue for tests",
            "description": "Computed values for tests.",
            "stac_version": "1.0.0",
            "conformsTo": _CONFORMS,
            "links": [
                self._link("self", "/"),
                self._link("root", "/"),
                self._link("data", "/collections"),
                self._link("conformance", "/conformance"),
                self._link("search", "/search", method="GET", type=geojson),
                self._link("search", "/search", method="POST", type=geojson),
            ],
        }

    def _collection(self) -> dict[str, Any]:
        path = f"/collections/{COLLECTION}"
        links = [
            self._link("self", path),
            self._link("parent", "/"),
            self._link("root", "/"),
            self._link("items", f"{path}/items", type="application/geo+json"),
        ]
        return collection(dimensions=self.dimensions) | {"links": links}

    def _item(self, item_id: str) -> dict[str, Any]:
        path = f"/collections/{COLLECTION}"
        links = [
            self._link("self", f"{path}/items/{item_id}", type="application/geo+json"),
            self._link("parent", path),
            self._link("collection", path),
            self._link("root", "/"),
        ]
        return item(item_id, f"{self.url}/data") | {"links": links}

    def _link(self, rel: str, path: str, **more: str) -> dict[str, str]:
        return {"rel": rel, "href": f"{self.url}{path}", "type": "application/json"} | more


@contextlib.contextmanager
def serve_catalogue(folder: Path, *, dimensions: bool = True) -> Iterator[str]:
    """Write the data and serve the catalogue; gives its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rasters(folder)
    catalogue = Catalogue(folder, dimensions)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(catalogue))
    server.daemon_threads = True
    catalogue.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield catalogue.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _matches(item_id: str, query: dict[str, Any]) -> bool:
    collections, ids = (_listed(query.get(name)) for name in ("collections", "ids"))
    start, _, end = str(query.get("datetime") or "../..").partition("/")
    end = end or start
    time = f"{item_id.removeprefix('day-')}T10:00:00Z"
    return (
        (not collections or COLLECTION in collections)
        and (not ids or item_id in ids)
        and (start == ".." or start <= time)
        and (end == ".." or time <= end)
    )


def _listed(value: Any) -> list[str]:
    return value.split(",") if isinstance(value, str) else list(value or [])


def _handler(catalogue: Catalogue) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.startswith("/data/"):
                self._file(catalogue.folder / Path(parts.path).name)
            else:
                self._document(parts.path, dict(parse_qsl(parts.query)))

        do_HEAD = do_GET

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._document(urlsplit(self.path).path, json.loads(body))

        def _document(self, path: str, query: dict[str, Any]) -> None:
            document = catalogue.document(path, query)
            if document is None:
                self._answer(404, b'{"code": "NotFound", "description": "not here"}')
            else:
                self._answer(200, json.dumps(document).encode())

        def _file(self, path: Path) -> None:
            if not path.is_file():
                self._answer(404, b"", "text/plain")
                return
            content = path.read_bytes()
            wanted = self.headers.get("Range", "").removeprefix("bytes=")
            if not wanted:
                self._answer(200, content, GEOTIFF)
                return
            first, _, last = wanted.partition("-")
            start, end = int(first), min(int(last or len(content)), len(content) - 1)
            described = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
            self._answer(206, content[start : end + 1], GEOTIFF, **described)

        def _answer(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
            self.send_response(status)
            described = {"Content-Type": kind, "Content-Length": str(len(body)), "Accept-Ranges": "bytes"}
            for name, value in (described | headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    return Handler
