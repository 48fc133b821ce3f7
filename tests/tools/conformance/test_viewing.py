"""URLs that services of all kinds are asked by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.serving import Service
from connexeo.tools.conformance.verdicts import NotTestable
from connexeo.tools.conformance.viewing import picture_fault, view_of
from connexeo.tools.conformance.workload import Workload

EXTENT = {"west": 10.99, "south": 46.99, "east": 11.01, "north": 47.01}


def _service(kind: str, extent: dict[str, float] | None = EXTENT) -> Service:
    backend = SimpleNamespace(once=lambda make: Workload({}, spatial_extent=extent))
    return cast("Service", SimpleNamespace(type=kind, backend=backend))


def _url(kind: str, url: str, **metadata: Any) -> str:
    return view_of(_service(kind), {"url": url, **metadata}).url


TILES = {
    "https://a.example/{z}/{x}/{y}.png": "https://a.example/13/4346/2881.png",
    "https://a.example/%7Bz%7D/%7Bx%7D/%7By%7D": "https://a.example/13/4346/2881",
    "https://a.example/{z}/{x}/{-y}": "https://a.example/13/4346/5310",
    "https://{s}.example/{z}/{x}/{y}{r}": "https://a.example/13/4346/2881",
    "https://{switch:b,c}.example/{z}/{x}/{y}": "https://b.example/13/4346/2881",
}


@pytest.mark.parametrize("template", TILES)
def test_tile_in_the_middle(template: str) -> None:
    assert _url("xyz", template) == TILES[template]


def test_zoom_levels_that_the_service_has() -> None:
    url = "https://a.example/{z}/{x}/{y}"
    assert _url("XYZ", url, configuration={"max_zoom": 3}) == "https://a.example/3/4/2"
    assert _url("XYZ", url, configuration={"min_zoom": 15}).startswith("https://a.example/15/")
    assert _url("XYZ", url, configuration={"max_zoom": "high"}).startswith("https://a.example/13/")


def test_places_around_the_antimeridian_and_the_pole_have_tiles() -> None:
    polar = {"west": 179.9, "south": 89.8, "east": 180.0, "north": 90.0}
    found = view_of(_service("xyz", polar), {"url": "https://a.example/{z}/{x}/{y}"}, 10)
    zoom, x, y = map(int, found.url.rsplit("/", 3)[1:])
    assert 0 <= x < 2**zoom
    assert 0 <= y < 2**zoom


def test_template_among_the_attributes() -> None:
    attributes = {"layers": ["a"], "tiles": "https://a.example/{z}/{x}/{y}"}
    assert _url("XYZ", "https://a.example/", attributes=attributes) == "https://a.example/13/4346/2881"


def test_capabilities() -> None:
    asked = "SERVICE=WMTS&REQUEST=GetCapabilities"
    assert _url("WMTS", "https://a.example/wmts") == f"https://a.example/wmts?{asked}"
    assert _url("wmts", "https://a.example/?map=1") == f"https://a.example/?map=1&{asked}"
    told = "https://a.example/1.0.0/WMTSCapabilities.xml"
    assert _url("wmts", told) == told
    assert _url("wmts", "https://a.example/wmts", attributes={"capabilities": told}) == told


@pytest.mark.parametrize(
    "url", ["", "/xyz", "https://a.example/{river}", "https://a.example/{z}/{x}/{y}/{river}"]
)
@pytest.mark.parametrize("kind", ["XYZ", "WMTS", "gopher"])
def test_urls_that_nobody_can_ask_for(kind: str, url: str) -> None:
    with pytest.raises(NotTestable):
        view_of(_service(kind), {"url": url})


def test_tiles_of_data_that_is_nobody_knows_where() -> None:
    with pytest.raises(NotTestable, match="where"):
        view_of(_service("xyz", None), {"url": "https://a.example/{z}/{x}/{y}"})


def _answer(status: int, media_type: str, body: bytes) -> Exchange:
    headers = httpx.Headers({"content-type": media_type})
    return Exchange("GET", "https://a.example", "anonymous", httpx.Headers(), b"", status, headers, body, 0.1)


def test_what_answers_show() -> None:
    tile = view_of(_service("xyz"), {"url": "https://a.example/{z}/{x}/{y}"})
    wmts = view_of(_service("wmts"), {"url": "https://a.example"})
    other = view_of(_service("gopher"), {"url": "https://a.example"})
    picture = _answer(200, "image/png", b"\x89PNG\r\n\x1a\n")
    assert [each.shown_by(picture) for each in (tile, wmts, other)] == [True, False, True]
    assert wmts.shown_by(_answer(200, "text/xml", b"<Capabilities/>"))
    assert not tile.shown_by(_answer(403, "image/png", b""))


def test_pictures_are_what_they_say() -> None:
    assert picture_fault(_answer(200, "image/png", b"\x89PNG\r\n\x1a\n")) is None
    assert picture_fault(_answer(200, "image/avif", b"anything")) is None
    assert "image/jpeg" in str(picture_fault(_answer(200, "image/jpeg", b"\x89PNG\r\n\x1a\n")))
