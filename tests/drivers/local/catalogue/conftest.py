"""Static catalogues and a STAC API, made anew for each test."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest


def make_collection(id: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": id,
        "description": f"The collection {id}",
        "license": "CC0-1.0",
        "extent": {
            "spatial": {"bbox": [[5.0, 45.0, 15.0, 55.0]]},
            "temporal": {"interval": [["2024-01-01", None]]},
        },
        "links": [],
        **more,
    }


def make_item(id: str, collection: str, date: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": id,
        "collection": collection,
        "bbox": [10.0, 47.0, 11.0, 48.0],
        "geometry": None,
        "properties": {"datetime": f"{date}T10:00:00Z", "eo:cloud_cover": 10.0, "proj:epsg": 32632},
        "assets": {
            "B04": {"href": "./B04.tif", "type": "image/tiff; application=geotiff", "roles": ["data"]}
        },
        "links": [],
        **more,
    }


class Files:
    """A folder to write documents into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    collection = staticmethod(make_collection)
    item = staticmethod(make_item)

    def write(self, path: str, document: Any) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(document if isinstance(document, str) else json.dumps(document))
        return target


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "catalogue")


class Api:
    """A STAC API on loopback; `fail` makes it answer 503."""

    def __init__(self) -> None:
        self.collections: list[Any] = []
        self.items: list[dict[str, Any]] = []
        self.page_size = 2
        self.fail = False
        self.requests: list[str] = []
        self.url = ""

    collection = staticmethod(make_collection)
    item = staticmethod(make_item)

    def answer(self, target: str) -> tuple[int, Any]:
        self.requests.append(target)
        if self.fail:
            return 503, {}
        url = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        start = int(query.get("start", 0))
        if url.path == "/stac/collections":
            return 200, self._page("collections", self.collections, start, url.path)
        if url.path == "/stac/search":
            items = [item for item in self.items if item["collection"] == query["collections"]]
            return 200, self._page("features", items, start, f"{url.path}?collections={query['collections']}")
        id = unquote(url.path.removeprefix("/stac/collections/"))
        found = [each for each in self.collections if isinstance(each, dict) and each.get("id") == id]
        return (200, found[0]) if found else (404, {})

    def _page(self, name: str, all_of: list[Any], start: int, path: str) -> dict[str, Any]:
        end = start + self.page_size
        mark = "&" if "?" in path else "?"
        more = [{"rel": "next", "href": f"{path}{mark}start={end}"}] if end < len(all_of) else []
        return {name: all_of[start:end], "links": more}


@pytest.fixture
def api() -> Iterator[Api]:
    served = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, document = served.answer(self.path)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the output of the tests clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/stac"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()
