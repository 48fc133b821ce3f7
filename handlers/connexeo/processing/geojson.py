"""Areas as GeoJSON."""

from __future__ import annotations

from typing import Any


def box_geometry(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A box in degrees as geometry, in two parts where it crosses the antimeridian (RFC 7946, section 3.1.9)."""
    if west <= east:
        return {"type": "Polygon", "coordinates": [_ring(west, south, east, north)]}
    parts = [[_ring(west, south, 180.0, north)], [_ring(-180.0, south, east, north)]]
    return {"type": "MultiPolygon", "coordinates": parts}


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]
