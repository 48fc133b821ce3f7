"""What to ask a secondary web service for, and what its answers ought to look like."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.serving import Service
from connexeo.tools.conformance.shapes import mapping, text
from connexeo.tools.conformance.verdicts import NotTestable
from connexeo.tools.conformance.workload import workload

_OGC = {"wmts": "WMTS", "wms": "WMS", "wcs": "WCS", "wfs": "WFS"}

_PIXELS = 128
"""Width of what was computed, in pixels of a tile."""

_HIGHEST = 18

_MERCATOR = 85.0

_SIGNATURES = {
    "image/png": b"\x89PNG\r\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/webp": b"RIFF",
    "image/gif": b"GIF8",
}


@dataclass(frozen=True, slots=True)
class View:
    """Something that a service shows."""

    kind: str
    """``tile``, ``capabilities`` of an OGC service, or ``other``."""
    url: str

    def shown_by(self, answer: Exchange) -> bool:
        """Whether an answer shows it."""
        if not answer.ok:
            return False
        if self.kind == "tile":
            return answer.media_type.startswith("image/")
        return self.kind == "other" or b"Capabilities" in answer.body


def view_of(service: Service, metadata: Mapping[str, Any], longitude: float = 0.0) -> View:
    """What a service shows of the data: the tile with its middle, or what the service is capable of.

    Args:
        service: the service.
        metadata: what the back-end says of it.
        longitude: degrees to the east of the middle.

    Raises:
        NotTestable: when the URL cannot be asked for.
    """
    url = unquote_braces(text(metadata.get("url")))
    template = _template(url, metadata)
    if template is not None:
        return View("tile", _tile(service, template, metadata, longitude))
    known = _OGC.get(service.type.lower())
    if known is not None:
        return View("capabilities", _capabilities(url, metadata, known))
    return View("other", _plain(url))


def look(service: Service, view: View) -> Exchange:
    """Ask for it, without a token unless it needs one."""
    answer = service.backend.anonymous.get(view.url)
    return service.backend.user.get(view.url) if answer.status in {401, 403} else answer


def unquote_braces(url: str) -> str:
    """A URL template, whose braces some back-ends encode."""
    return re.sub(r"%7B([^%/]*)%7D", lambda found: unquote(found[0]), url, flags=re.IGNORECASE)


def picture_fault(answer: Exchange) -> str | None:
    """What is wrong with a picture, None when it is what its media type says, or of a type that is not known."""
    signature = _SIGNATURES.get(answer.media_type)
    if signature is not None and not answer.body.startswith(signature):
        return f"the tile is declared as {answer.media_type}, but it is something else"
    return None


def _template(url: str, metadata: Mapping[str, Any]) -> str | None:
    """A URL with column, row and zoom level."""
    for each in (url, *map(text, mapping(metadata.get("attributes")).values())):
        template = unquote_braces(each)
        if "{z}" in template and "{x}" in template and re.search(r"\{-?y\}", template):
            return template
    return None


def _tile(service: Service, template: str, metadata: Mapping[str, Any], longitude: float) -> str:
    extent = service.backend.once(workload).spatial_extent
    if not extent:
        raise NotTestable("nobody knows where the process to run has data")
    settings = mapping(metadata.get("configuration"))
    width = max(extent["east"] - extent["west"], 1e-6)
    zoom = round(math.log2(360 / width * _PIXELS / 256))
    low, high = (
        _number(settings.get(key), value) for key, value in (("min_zoom", 0), ("max_zoom", _HIGHEST))
    )
    zoom = max(low, min(high, zoom, _HIGHEST))
    x, y = _place(extent, zoom, longitude)
    values = {"z": zoom, "x": x, "y": y, "-y": 2**zoom - 1 - y, "s": "a", "r": "", "ratio": ""}
    filled = re.sub(r"\{(-?\w+)\}", lambda found: str(values.get(found[1], found[0])), template)
    filled = re.sub(r"\{switch:([^,}]*)[^}]*\}", r"\1", filled)
    if "{" in filled:
        raise NotTestable("the URL of the tiles has variables that nobody knows")
    return _plain(filled)


def _place(extent: Mapping[str, float], zoom: int, longitude: float) -> tuple[int, int]:
    """Column and row of the tile with the middle of an extent, in Web Mercator."""
    east = (extent["west"] + extent["east"]) / 2 + longitude
    east = (east + 180) % 360 - 180
    north = max(-_MERCATOR, min(_MERCATOR, (extent["south"] + extent["north"]) / 2))
    down = (1 - math.asinh(math.tan(math.radians(north))) / math.pi) / 2
    last = 2**zoom - 1
    return min(last, int((east + 180) / 360 * 2**zoom)), min(last, int(down * 2**zoom))


def _number(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _capabilities(url: str, metadata: Mapping[str, Any], kind: str) -> str:
    told = text(mapping(metadata.get("attributes")).get("capabilities"))
    for each in (told, url):
        if "://" in each and "{" not in each and re.search(r"capabilities", each, re.IGNORECASE):
            return each
    base = _plain(url)
    return f"{base}{'&' if urlsplit(base).query else '?'}SERVICE={kind}&REQUEST=GetCapabilities"


def _plain(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise NotTestable("the service has no URL that could be asked for")
    if "{" in url:
        raise NotTestable("the URL of the service is a template with variables that nobody knows")
    return url


def announced_formats(metadata: Mapping[str, Any]) -> Iterator[str]:
    """Names of formats that the metadata announce, such as ``png`` or ``image/png``."""
    for part in ("configuration", "attributes"):
        for key in ("format", "media_type", "tile_format"):
            if told := text(mapping(metadata.get(part)).get(key)):
                yield told.lower()
