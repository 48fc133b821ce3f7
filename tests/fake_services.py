"""Secondary services in memory, for tests of everything above the drivers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connexeo.drivers.interface import Json, LogPage, Page, Tile, TileSource, User
from connexeo.generated.errors import NotFound, ServiceDisabled, ServiceNotFound
from fake_lists import log_page, page_of

PICTURE = b"\x89PNG picture"

MATRIX: Json = {
    "id": "3",
    "scaleDenominator": 1000.5,
    "cellSize": 0.28014,
    "pointOfOrigin": [-20.5, 40.25],
    "tileWidth": 256,
    "tileHeight": 256,
    "matrixWidth": 8,
    "matrixHeight": 4,
}
MATRIX_SETS = (
    {"id": "WebMercatorQuad", "crs": "EPSG:3857", "tileMatrices": [MATRIX]},
    {
        "id": "WorldCRS84Quad",
        "crs": "OGC:CRS84",
        "tileMatrices": [{**MATRIX, "id": "4"}, {**MATRIX, "id": "5"}],
    },
)


@dataclass
class FakeServices:
    """Services by id, with their owners; ``s-map`` of alice is of the type XYZ, ``s-wmts`` a WMTS."""

    owners: dict[str, str] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    drawn: list[tuple[object, ...]] = field(default_factory=list)
    """What was asked for: type, matrix set, zoom, column, row."""
    media_type: str = "image/png"

    def __post_init__(self) -> None:
        for name, service_type in (("map", "XYZ"), ("wmts", "WMTS"), ("off", "XYZ")):
            self._add(f"s-{name}", "alice", {"type": service_type, "process": {"process_graph": {}}})
        self.services["s-map"] |= {"title": "Rivers & <lakes>", "description": "Where water is."}
        self.services["s-off"]["enabled"] = False

    async def list_service_types(self, user: User | None) -> Json:
        return {"XYZ": {"configuration": {}, "process_parameters": []}}

    async def list_services(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        mine = [s for name, s in reversed(self.services.items()) if self.owners[name] == user.id]
        hidden = ("process", "configuration", "attributes")
        shown = [{key: value for key, value in s.items() if key not in hidden} for s in mine]
        return page_of(shown, limit or 1000, offset)

    async def create_service(self, user: User, request: Json) -> str:
        service_id = f"s-{len(self.services)}"
        self._add(service_id, user.id, request)
        return service_id

    async def describe_service(self, user: User, service_id: str) -> Json:
        return self._find(user, service_id)

    async def update_service(self, user: User, service_id: str, changes: Json) -> None:
        self._find(user, service_id).update(changes)

    async def delete_service(self, user: User, service_id: str) -> None:
        self._find(user, service_id)
        del self.services[service_id]

    async def debug_service(
        self, user: User, service_id: str, *, limit: int | None, offset: str | None, level: str | None
    ) -> LogPage:
        self._find(user, service_id)
        return log_page(limit or 1000, offset, level)

    async def describe_tiles(self, service_id: str, service_type: str) -> TileSource:
        service = self._published(service_id, service_type)
        sets = MATRIX_SETS if service_type == "WMTS" else ()
        title, description = service.get("title", service_id), service.get("description")
        return TileSource(title, description, self.media_type, 2, 9, (10.5, 47.0, 11.0, 48.25), sets)

    async def draw_tile(
        self, service_id: str, service_type: str, *, matrix_set: str | None, zoom: int, column: int, row: int
    ) -> Tile:
        self._published(service_id, service_type)
        self.drawn.append((service_type, matrix_set, zoom, column, row))
        if zoom > 20:
            raise NotFound()
        return Tile(PICTURE, self.media_type, f"tag-{column}")

    def _add(self, service_id: str, owner: str, request: Json) -> None:
        self.owners[service_id] = owner
        start = {"id": service_id, "enabled": True, "configuration": {}, "attributes": {"min_zoom": 2}}
        self.services[service_id] = {**start, **request, "created": "2026-01-02T03:04:05Z"}

    def _find(self, user: User, service_id: str) -> dict[str, Any]:
        if self.owners.get(service_id) != user.id or service_id not in self.services:
            raise ServiceNotFound(identifier=service_id)
        return self.services[service_id]

    def _published(self, service_id: str, service_type: str) -> dict[str, Any]:
        service = self.services.get(service_id)
        if service is None or service["type"].upper() != service_type:
            raise ServiceNotFound(identifier=service_id)
        if not service["enabled"]:
            raise ServiceDisabled()
        return service
