"""Vector data cubes: an `xr.DataArray` with a dimension of type `geometry`, whose labels are shapely geometries.

A vector cube is a cube like any other (see `cube`): dimensions have types, no-data is NaN. Its geometry dimension
carries the reference system of the geometries. Cubes made from GeoJSON have a further dimension `properties` if any
properties were asked for; their values are objects where properties are no numbers, with None for no-data.

What features have besides their geometries, `id` and `properties`, lies beside the labels of the geometry dimension in
the coordinate `FEATURES`, so that it stays with its geometry whatever happens to the values: see `features_of`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.alignment import same_crs
from connexeo.processing.cube import (
    Dimension,
    ReferenceSystem,
    coordinates,
    dimensions_of_type,
    make_cube,
)
from connexeo.processing.kinds import is_cube

if TYPE_CHECKING:
    import xarray as xr

GEOMETRY = "geometry"
"""Name of the geometry dimension of cubes that are made here."""
PROPERTIES = "properties"
"""Name of the dimension of properties of GeoJSON."""
FEATURES = "openeo:features"
"""Name of the coordinate along the geometry dimension that keeps what features have besides geometries."""
WGS84 = 4326
"""Reference system of GeoJSON (longitude, latitude)."""

Shapes = NDArray[np.object_]
"""Shapely geometries; None for a feature without one."""
Feature = Mapping[str, Any]
"""`id` and `properties` of a GeoJSON feature, as far as it has them."""

_PLAIN = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"})
_POLYGONS = frozenset({"Polygon", "MultiPolygon"})


@dataclass(frozen=True, eq=False)
class Geometries:
    """Geometries in one reference system."""

    shapes: Shapes
    crs: ReferenceSystem | None
    """None: not known, taken to be that of whatever they are used with."""

    def to_crs(self, crs: ReferenceSystem | None) -> Geometries:
        """The same in another reference system, vertex by vertex; as they are where one of the two is not known.

        Heights stay as they are. Coordinates that have no place in the other reference system become infinite.

        Raises:
            ProjError: There is no way from one to the other.
        """
        if crs is None or self.crs is None or same_crs(self.crs, crs):
            return self
        import shapely
        from pyproj import Transformer

        transformer = Transformer.from_crs(self.crs, crs, always_xy=True)
        moved = geometry_labels(self.shapes)
        deep = shapely.has_z(moved)
        moved[~deep] = shapely.transform(moved[~deep], transformer.transform, interleaved=False)
        moved[deep] = shapely.transform(
            moved[deep], lambda x, y, z: (*transformer.transform(x, y), z), include_z=True, interleaved=False
        )
        return Geometries(moved, crs)


def is_vector(value: Any) -> TypeGuard[xr.DataArray]:
    """Whether a value is a vector cube."""
    return is_cube(value) and bool(dimensions_of_type(value, "geometry"))


def make_vector_cube(
    shapes: Sequence[Any] | Shapes,
    crs: ReferenceSystem | None = WGS84,
    *,
    data: Any = None,
    dims: Sequence[str] = (GEOMETRY,),
    coords: Mapping[str, Any] | None = None,
    dimensions: Sequence[Dimension] = (),
    features: Sequence[Feature] | None = None,
) -> xr.DataArray:
    """A vector cube.

    Args:
        shapes: Labels of the dimension `geometry`.
        crs: Their reference system.
        data: Values with one axis per name in `dims`; None: all no-data.
        dims: Dimensions of the data, `geometry` among them.
        coords: Labels of the further dimensions.
        dimensions: What the further dimensions are.
        features: What the features of the geometries have besides them.
    """
    import xarray as xr

    labels = geometry_labels(shapes)
    given = dict(coords or {})
    if data is None:
        data = np.full([len(labels) if name == GEOMETRY else len(given[name]) for name in dims], np.nan)
    cube = xr.DataArray(data, dims=list(dims), coords={**given, GEOMETRY: (GEOMETRY, labels)})
    cube = make_cube(cube, [Dimension(GEOMETRY, "geometry", reference_system=crs), *dimensions])
    return cube if features is None else with_features(cube, features)


def features_of(cube: xr.DataArray) -> list[Feature]:
    """`id` and `properties` of the feature of each geometry, in the order of the labels; empty where it has none."""
    dimension = dimensions_of_type(cube, "geometry")[0]
    kept = cube.coords.get(FEATURES)
    if kept is None or kept.dims != (dimension.name,):
        return [{} for _ in range(cube.sizes[dimension.name])]
    return list(kept.values)


def with_features(
    cube: xr.DataArray, features: Sequence[Feature], dimension: str | None = None
) -> xr.DataArray:
    """The cube with what the features of its geometries have besides them, in place of what was known."""
    name = dimension or dimensions_of_type(cube, "geometry")[0].name
    bare = cube.drop_vars(FEATURES, errors="ignore")
    return bare.assign_coords({FEATURES: (name, _objects(features))}) if any(features) else bare


def with_geometries(
    cube: xr.DataArray, shapes: Sequence[Any] | Shapes, dimension: str | None = None
) -> xr.DataArray:
    """The cube with other geometries as labels of a geometry dimension, of the first one unless told otherwise."""
    name = dimension or dimensions_of_type(cube, "geometry")[0].name
    return cube.assign_coords({name: (name, geometry_labels(shapes))})


def geometry_labels(shapes: Sequence[Any] | Shapes) -> Shapes:
    """Geometries as an array of objects, whatever numpy would make of a list of them."""
    return _objects(shapes)


def geometries_of(cube: xr.DataArray) -> Geometries:
    """The geometries of a vector cube, in the order of its labels."""
    dimension = dimensions_of_type(cube, "geometry")[0]
    return Geometries(geometry_labels(coordinates(cube, dimension.name)), dimension.reference_system)


def read_geometries(value: Any, *, process: str, parameter: str) -> Geometries:
    """What processes take as geometries: a vector cube or GeoJSON.

    Raises:
        ProcessParameterInvalid: It is neither, or not valid.
    """
    if is_vector(value):
        return geometries_of(value)
    if is_cube(value):
        reason = "the data cube has no geometries; a vector data cube or GeoJSON is needed."
        raise ProcessParameterInvalid(process=process, parameter=parameter, reason=reason)
    shapes = [shape for shape, _ in read_features(value, process=process, parameter=parameter)]
    return Geometries(geometry_labels(shapes), crs_of_geojson(value, process=process, parameter=parameter))


def require_polygons(geometries: Geometries, *, process: str, parameter: str) -> None:
    """Refuse geometries that are neither polygons nor empty, and none at all.

    Raises:
        ProcessParameterInvalid: There are others, or none.
    """
    kinds = {
        shape.geom_type for shape in geometries.shapes if shape is not None and not shape.is_empty
    } - _POLYGONS
    if kinds:
        reason = f"polygons are needed, not geometries of the type {min(kinds)}."
    elif not len(geometries.shapes):
        reason = "at least one polygon is needed."
    else:
        return
    raise ProcessParameterInvalid(process=process, parameter=parameter, reason=reason)


def read_features(document: Any, *, process: str, parameter: str) -> list[tuple[Any, Mapping[str, Any]]]:
    """Geometry (shapely, None where a feature has none) and properties of each feature of GeoJSON.

    Raises:
        ProcessParameterInvalid: It is no GeoJSON, or has geometries that are not valid or are collections.
    """
    from shapely import GEOSException
    from shapely.geometry import shape

    try:
        return [
            (None if geometry is None else shape(geometry), feature.get("properties") or {})
            for geometry, feature in _features(document)
        ]
    except (GEOSException, ValueError, TypeError, LookupError, AttributeError) as error:
        reason = (
            str(error) if isinstance(error, _NotGeoJson) else "the coordinates of the GeoJSON are not valid."
        )
        raise ProcessParameterInvalid(process=process, parameter=parameter, reason=reason) from error


def read_feature_members(document: Any) -> list[Feature]:
    """`id` and `properties` of each feature of GeoJSON that `read_features` accepts, in its order."""
    return [
        {name: feature[name] for name in ("id", "properties") if feature.get(name) is not None}
        for _, feature in _features(document)
    ]


def crs_of_geojson(document: Any, *, process: str, parameter: str) -> ReferenceSystem:
    """The reference system by the old member `crs`, an EPSG code where it is one; WGS 84 without it.

    Raises:
        ProcessParameterInvalid: It has another form, or is not known.
    """
    member = document.get("crs") if isinstance(document, Mapping) else None
    if member is None:
        return WGS84
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        known = CRS.from_user_input(member["properties"]["name"])
    except (CRSError, TypeError, LookupError) as error:
        reason = "'crs' of GeoJSON must name a known reference system in its 'properties'."
        raise ProcessParameterInvalid(process=process, parameter=parameter, reason=reason) from error
    if known.to_authority() == ("OGC", "CRS84"):
        return WGS84
    return known.to_epsg() or known.to_wkt()


def _objects(items: Sequence[Any] | Shapes) -> NDArray[np.object_]:
    array = np.empty(len(items), object)
    array[:] = list(items)
    return array


class _NotGeoJson(ValueError):
    """Says what is wrong."""


def _features(document: Any) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    kind = document.get("type") if isinstance(document, Mapping) else None
    if kind == "FeatureCollection":
        for feature in document["features"]:
            yield from _features(feature)
    elif kind == "Feature":
        if not isinstance(document.get("properties"), Mapping | None):
            raise _NotGeoJson("the properties of a GeoJSON feature must be an object.")
        yield _plain(document.get("geometry")), document
    else:
        yield _plain(document), {}


def _plain(geometry: Any) -> Any:
    if geometry is None:
        return None
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind == "GeometryCollection":
        raise _NotGeoJson("geometries of the type GeometryCollection are not supported.")
    if kind not in _PLAIN:
        raise _NotGeoJson("GeoJSON is needed: a geometry, a Feature or a FeatureCollection.")
    if not all(map(math.isfinite, _numbers(geometry["coordinates"]))):
        raise _NotGeoJson("the coordinates of the GeoJSON are not valid.")
    return geometry


def _numbers(coordinates: Any) -> Iterator[float]:
    stack = [coordinates]
    while stack:
        value = stack.pop()
        if isinstance(value, list | tuple):
            stack += value
        else:
            yield float(value)
