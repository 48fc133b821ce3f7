"""A small STAC API on loopback, for back-ends that get their collections from one.

One collection of a month with four bands, cut to a few hundred pixels; the values are computed, not observed. It is
where and when the official test suite looks for Sentinel-2 data.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import rasterio
from rasterio.transform import from_bounds
from rasterio.warp import transform_bounds

COLLECTION = "peer-demo"
BANDS = {"B02": ("blue", 0.49), "B03": ("green", 0.56), "B04": ("red", 0.665), "B08": ("nir", 0.842)}
DAYS = tuple(f"2022-06-{day:02}" for day in (2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27, 30))
_SIZE = 256
_CRS = "EPSG:32632"
_BOX = (679000.0, 5150000.0, 681560.0, 5152560.0)
_GEOTIFF = "image/tiff; application=geotiff; profile=cloud-optimized"
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
    """What the server gives: GeoTIFF files of a folder and the documents about them."""

    folder: Path
    """Where the GeoTIFF files are."""
    dimensions: bool = True
    """Whether the collection tells its ``cube:dimensions``."""
    url: str = ""
    """Where the catalogue is."""
    items: list[str] = field(default_factory=list)
    """Identifiers of all items."""

    def landing_page(self) -> dict[str, Any]:
        """The document at the root."""
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
                self._link("search", "/search", method="GET", type="application/geo+json"),
                self._link("search", "/search", method="POST", type="application/geo+json"),
            ],
        }

    def collection(self) -> dict[str, Any]:
        """The one collection."""
        path = f"/collections/{COLLECTION}"
        assets = {name: _asset(name) for name in BANDS}
        return {
            "type": "Collection",
            "id": COLLECTION,
            "stac_version": "1.0.0",
            "stac_extensions": [
                "https://stac-extensions.github.io/item-assets/v1.0.0/schema.json",
                "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
                *(
                    ["https://stac-extensions.github.io/datacube/v2.2.0/schema.json"]
                    if self.dimensions
                    else []
                ),
            ],
            "title": "Computed reflectances",
            "description": "Four bands of a month; the values are computed, not observed.",
            "keywords": ["demo"],
            "license": "CC0-1.0",
            "providers": [{"name": "connexeo", "roles": ["producer", "host"]}],
            "extent": {
                "spatial": {"bbox": [_bounds()]},
                "temporal": {"interval": [[f"{DAYS[0]}T10:00:00Z", f"{DAYS[-1]}T10:00:00Z"]]},
            },
            "summaries": {"eo:bands": [band for asset in assets.values() for band in asset["eo:bands"]]},
            "item_assets": assets,
            **(_dimensions() if self.dimensions else {}),
            "links": [
                self._link("self", path),
                self._link("parent", "/"),
                self._link("root", "/"),
                self._link("items", f"{path}/items", type="application/geo+json"),
            ],
        }

    def item(self, item_id: str) -> dict[str, Any]:
        """An item with its assets."""
        west, south, east, north = _bounds()
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        path = f"/collections/{COLLECTION}"
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "stac_extensions": [
                "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
                "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
            ],
            "id": item_id,
            "collection": COLLECTION,
            "bbox": [west, south, east, north],
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {
                "datetime": f"{item_id.removeprefix('day-')}T10:00:00Z",
                "proj:epsg": int(_CRS.removeprefix("EPSG:")),
                "proj:shape": [_SIZE, _SIZE],
                "proj:transform": list(from_bounds(*_BOX, _SIZE, _SIZE))[:6],
            },
            "assets": {
                name: {"href": f"{self.url}/data/{item_id}-{name}.tif"} | _asset(name) for name in BANDS
            },
            "links": [
                self._link("self", f"{path}/items/{item_id}", type="application/geo+json"),
                self._link("parent", path),
                self._link("collection", path),
                self._link("root", "/"),
            ],
        }

    def document(self, path: str, query: dict[str, Any]) -> dict[str, Any] | None:
        """The document at a path; searches know the parameters ``collections``, ``ids`` and ``datetime``."""
        items = f"/collections/{COLLECTION}/items"
        if path in {"", "/"}:
            return self.landing_page()
        if path == "/conformance":
            return {"conformsTo": _CONFORMS}
        if path == "/collections":
            links = [self._link("self", path), self._link("root", "/")]
            return {"collections": [self.collection()], "links": links}
        if path == f"/collections/{COLLECTION}":
            return self.collection()
        if path in {items, "/search"}:
            features = [self.item(item_id) for item_id in self.items if _matches(item_id, query)]
            return {"type": "FeatureCollection", "features": features, "links": [self._link("root", "/")]}
        if path.startswith(f"{items}/") and path.rpartition("/")[2] in self.items:
            return self.item(path.rpartition("/")[2])
        return None

    def _link(self, rel: str, path: str, **more: str) -> dict[str, str]:
        return {"rel": rel, "href": f"{self.url}{path}", "type": "application/json"} | more


@contextlib.contextmanager
def serve_catalogue(folder: Path, *, dimensions: bool = True) -> Iterator[str]:
    """Write the data and serve the catalogue; gives its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = Catalogue(folder, dimensions, items=[f"day-{day}" for day in DAYS])
    for number, item_id in enumerate(catalogue.items):
        for step, band in enumerate(BANDS):
            _write(folder / f"{item_id}-{band}.tif", number, step)
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


def _asset(band: str) -> dict[str, Any]:
    common, wavelength = BANDS[band]
    described = {"name": band, "common_name": common, "center_wavelength": wavelength}
    return {"type": _GEOTIFF, "roles": ["data"], "title": common, "eo:bands": [described]}


def _dimensions() -> dict[str, Any]:
    west, south, east, north = _bounds()
    extent = [f"{DAYS[0]}T10:00:00Z", f"{DAYS[-1]}T10:00:00Z"]
    return {
        "cube:dimensions": {
            "x": {"type": "spatial", "axis": "x", "extent": [west, east]},
            "y": {"type": "spatial", "axis": "y", "extent": [south, north]},
            "t": {"type": "temporal", "extent": extent},
            "bands": {"type": "bands", "values": list(BANDS)},
        }
    }


def _matches(item_id: str, query: dict[str, Any]) -> bool:
    collections, ids = (_listed(query.get(name)) for name in ("collections", "ids"))
    start, _, end = str(query.get("datetime") or "../..").partition("/")
    time = f"{item_id.removeprefix('day-')}T10:00:00Z"
    return (
        (not collections or COLLECTION in collections)
        and (not ids or item_id in ids)
        and (start in {"", ".."} or start <= time)
        and ((end or start) in {"", ".."} or time <= (end or start))
    )


def _listed(value: Any) -> list[str]:
    return value.split(",") if isinstance(value, str) else list(value or [])


def _bounds() -> list[float]:
    return [round(value, 6) for value in transform_bounds(_CRS, "EPSG:4326", *_BOX)]


def _write(path: Path, number: int, step: int) -> None:
    rows, columns = np.mgrid[0:_SIZE, 0:_SIZE]
    values = (1000 + 500 * number + 1000 * step + 4 * rows + 2 * columns).astype("uint16")
    profile = {
        "driver": "GTiff",
        "width": _SIZE,
        "height": _SIZE,
        "count": 1,
        "dtype": "uint16",
        "nodata": 0,
        "crs": _CRS,
        "transform": from_bounds(*_BOX, _SIZE, _SIZE),
        "tiled": True,
        "blockxsize": 128,
        "blockysize": 128,
        "compress": "deflate",
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(values, 1)


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
                self._answer(200, content, _GEOTIFF)
                return
            first, _, last = wanted.partition("-")
            start, end = int(first), min(int(last or len(content)), len(content) - 1)
            self._answer(
                206,
                content[start : end + 1],
                _GEOTIFF,
                **{"Content-Range": f"bytes {start}-{end}/{len(content)}"},
            )

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
