"""Spatial and temporal extents as users give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import ProcessParameterInvalid, TemporalExtentEmpty
from connexeo.processing.kinds import is_cube

if TYPE_CHECKING:
    from pyproj import Transformer
    from shapely import Geometry

Bounds = tuple[float, float, float, float]
"""West, south, east, north (or smallest x, smallest y, greatest x, greatest y)."""

Interval = tuple[datetime | None, datetime | None]
"""Start (included) and end (excluded) in UTC; None where open."""

WGS84 = "OGC:CRS84"
_EDGE_POINTS = 21


@dataclass(frozen=True)
class SpatialExtent:
    """A bounding box, or polygons in their bounding box."""

    bounds: Bounds
    crs: str
    """Of `bounds` and `polygons`, as pyproj understands it; axes in the order x, y."""
    polygons: tuple[Geometry, ...] = ()
    """Shapely geometries; none: the whole box is meant."""
    sides: tuple[Bounds, ...] = ()
    """Of a box across the antimeridian: its parts west and east of it, in degrees, which are the polygons as well."""

    def to_crs(self, crs: str) -> SpatialExtent:
        """The extent in another reference system: the box around the curved edges of this one."""
        transformer = transformer_between(self.crs, crs)
        if transformer is None:
            return SpatialExtent(self.bounds, crs, self.polygons)
        polygons = tuple(_transform(each, transformer) for each in self.polygons)
        if polygons:
            return SpatialExtent(_bounds_of(polygons), crs, polygons)
        return SpatialExtent(transformer.transform_bounds(*self.bounds, densify_pts=_EDGE_POINTS), crs)


@lru_cache(maxsize=256)
def transformer_between(source: str, target: str) -> Transformer | None:
    """Transforms x and y; None where both reference systems are the same. Making one takes milliseconds."""
    from pyproj import CRS, Transformer

    if CRS.from_user_input(source).equals(CRS.from_user_input(target), ignore_axis_order=True):
        return None
    return Transformer.from_crs(source, target, always_xy=True)


def parse_interval(temporal_extent: Sequence[str | None] | None, *, process: str) -> Interval:
    """The half-open interval that a `temporal_extent` means.

    Raises:
        TemporalExtentEmpty: the end is not after the start.
        ProcessParameterInvalid: no dates, or both ends open.
    """
    if temporal_extent is None:
        return None, None
    try:
        start, end = (None if each is None else parse_instant(each) for each in temporal_extent)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        reason = "two RFC 3339 dates or date-times are needed."
        raise ProcessParameterInvalid(parameter="temporal_extent", process=process, reason=reason) from error
    if start is None and end is None:
        reason = "only one of the two ends may be open."
        raise ProcessParameterInvalid(parameter="temporal_extent", process=process, reason=reason)
    if start is not None and end is not None and end <= start:
        raise TemporalExtentEmpty(
            "The temporal extent is empty. The second instant in time must always be greater/later than the first "
            "instant in time."
        )
    return start, end


def parse_instant(text: str) -> datetime:
    """An RFC 3339 date or date-time in UTC; without a time zone it is UTC already.

    Raises:
        ValueError: it is neither.
    """
    moment = datetime.fromisoformat(text.strip().upper())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_spatial_extent(
    extent: Any, *, process: str, parameter: str = "spatial_extent"
) -> SpatialExtent | None:
    """What a bounding box, GeoJSON or vector cube means; None: no limit.

    A box in degrees whose west is greater than its east crosses the antimeridian.

    Raises:
        ProcessParameterInvalid: it is none of these, or empty, or its reference system is not known.
    """
    if extent is None:
        return None
    reason = "a bounding box, GeoJSON polygons, or a vector data cube of polygons are needed."
    if is_cube(extent):
        try:
            return _parse_cube(extent, process, parameter)
        except ValueError as error:
            raise ProcessParameterInvalid(parameter=parameter, process=process, reason=str(error)) from error
    if isinstance(extent, Mapping):
        try:
            if "west" in extent:
                return _parse_box(extent)
            if "type" in extent:
                return _parse_geojson(extent)
        except (ValueError, TypeError, KeyError) as error:
            reason = str(error) if isinstance(error, ValueError) else reason
            raise ProcessParameterInvalid(parameter=parameter, process=process, reason=reason) from error
    raise ProcessParameterInvalid(parameter=parameter, process=process, reason=reason)


def _parse_box(box: Mapping[str, Any]) -> SpatialExtent:
    west, south, east, north = (float(box[edge]) for edge in ("west", "south", "east", "north"))
    crs = _crs_name(box.get("crs"))
    if south > north:
        raise ValueError("south is greater than north.")
    if west > east:
        return _across_antimeridian((west, south, east, north), crs)
    return SpatialExtent((west, south, east, north), crs)


def _across_antimeridian(box: Bounds, crs: str) -> SpatialExtent:
    from pyproj import CRS
    from shapely.geometry import box as rectangle

    west, south, east, north = box
    if not CRS.from_user_input(crs).is_geographic or not (west <= 180 and east >= -180):
        raise ValueError(
            "west is greater than east, which only boxes in degrees between -180 and 180 may have."
        )
    sides = (west, south, 180.0, north), (-180.0, south, east, north)
    polygons = tuple(rectangle(*side) for side in sides)
    return SpatialExtent((-180.0, south, 180.0, north), crs, polygons, sides)


def _parse_cube(cube: Any, process: str, parameter: str) -> SpatialExtent:
    """The polygons of a vector cube."""
    from connexeo.processing.vectors import read_geometries, require_polygons

    geometries = read_geometries(cube, process=process, parameter=parameter)
    require_polygons(geometries, process=process, parameter=parameter)
    polygons = tuple(shape for shape in geometries.shapes if shape is not None and not shape.is_empty)
    if not polygons:
        raise ValueError("the vector data cube has no polygon.")
    return SpatialExtent(_bounds_of(polygons), _crs_name(geometries.crs), polygons)


def _crs_name(crs: Any) -> str:
    """An EPSG code or WKT2 in a form that pyproj and rasterio both read.

    Raises:
        ValueError: the reference system is not known.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    if crs is None or crs == 4326:
        return WGS84
    try:
        known = CRS.from_user_input(crs)
    except CRSError as error:
        raise ValueError("the coordinate reference system is not known.") from error
    return f"EPSG:{crs}" if isinstance(crs, int) else known.to_wkt()


def _parse_geojson(document: Mapping[str, Any]) -> SpatialExtent:
    from shapely import GEOSException
    from shapely.geometry import shape

    geometries = list(_geometries(document))
    try:
        shapes = [shape(geometry) for geometry in geometries]
    except (GEOSException, ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError("the coordinates of the GeoJSON are not valid.") from error
    polygons = tuple(each for each in shapes if not each.is_empty)
    if not polygons:
        raise ValueError("the GeoJSON has no polygon.")
    return SpatialExtent(_bounds_of(polygons), _crs_of_geojson(document.get("crs")), polygons)


def _crs_of_geojson(member: Any) -> str:
    """The reference system by the old member ``crs``; WGS 84 without one.

    Raises:
        ValueError: it has another form, or is not known.
    """
    if member is None:
        return WGS84
    try:
        name = member["properties"]["name"]
    except (TypeError, LookupError) as error:
        raise ValueError("'crs' of GeoJSON must name a reference system in its 'properties'.") from error
    return WGS84 if name == WGS84 else _crs_name(name)


def _geometries(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The polygons of a geometry, feature or feature collection; null geometries are left out."""
    kind = document["type"]
    if kind in ("Polygon", "MultiPolygon"):
        yield document
    elif kind == "Feature":
        if document.get("geometry") is not None:
            yield from _geometries(document["geometry"])
    elif kind == "FeatureCollection":
        for feature in document["features"]:
            yield from _geometries(feature)
    else:
        raise ValueError(f"GeoJSON of the type {kind} is not supported; polygons are.")


def _bounds_of(polygons: Sequence[Geometry]) -> Bounds:
    edges = [polygon.bounds for polygon in polygons]
    west, south, east, north = zip(*edges, strict=True)
    return min(west), min(south), max(east), max(north)


def _transform(polygon: Geometry, transformer: Any) -> Geometry:
    """A polygon in another reference system; long edges get points between, as straight lines bend."""
    import shapely

    west, south, east, north = polygon.bounds
    longest = max(east - west, north - south) / _EDGE_POINTS
    dense = shapely.segmentize(polygon, longest) if longest > 0 else polygon
    return shapely.transform(dense, transformer.transform, interleaved=False)
