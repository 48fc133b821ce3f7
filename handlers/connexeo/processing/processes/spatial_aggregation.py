"""Values of geometries from the pixels that they select: `aggregate_spatial`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import ProcessParameterInvalid, TargetDimensionExists
from connexeo.processing.blocks import Bound, dask_array
from connexeo.processing.callback import Callback
from connexeo.processing.cube import (
    Dimension,
    dimensions_of,
    dimensions_of_type,
    make_cube,
    with_dimensions,
)
from connexeo.processing.pixel_grids import horizontal_dimensions
from connexeo.processing.pixel_selection import Pixels, regions_of
from connexeo.processing.process import process
from connexeo.processing.vectors import (
    FEATURES,
    GEOMETRY,
    Feature,
    Geometries,
    features_of,
    is_vector,
    read_feature_members,
    read_geometries,
    with_features,
    with_geometries,
)
from connexeo.processing.zonal import reduce_regions

if TYPE_CHECKING:
    import xarray as xr

_STATISTICS = ("value", "total_count", "valid_count")


@process
def aggregate_spatial(
    data: xr.DataArray,
    geometries: Any,
    reducer: Callback,
    target_dimension: str | None = None,
    context: Any = None,
) -> xr.DataArray:
    """Reduce the pixels of each geometry to one value; lazily, a geometry dimension takes the place of x and y.

    Which pixels these are is told in `pixel_selection`. Values are floating: geometries without pixels, e.g. those
    smaller than a pixel and between centres, have no-data, without the reducer being asked. Of empty geometries, pixels
    are not counted either. Labels and features are those of the geometries.

    Raises:
        IncompatibleDataCubes: The cube has no x and y.
        TargetDimensionExists: The cube has a dimension of the name.
        ProcessParameterInvalid: `geometries` is neither a vector cube nor GeoJSON.
    """
    found = read_geometries(geometries, process="aggregate_spatial", parameter="geometries")
    x, y = horizontal_dimensions(data)
    name = dimensions_of_type(geometries, "geometry")[0].name if is_vector(geometries) else GEOMETRY
    others = [str(dim) for dim in data.dims if dim not in (x.name, y.name)]
    if target_dimension is not None and target_dimension in (*others, x.name, y.name, name):
        raise TargetDimensionExists(f"A dimension with the name '{target_dimension}' already exists.")
    if name in others:
        reason = f"the data cube has a dimension '{name}' already."
        raise ProcessParameterInvalid(process="aggregate_spatial", parameter="geometries", reason=reason)
    pixels = Pixels.of(data)
    values = data.transpose(*others, y.name, x.name).data
    lazy = hasattr(values, "dask")
    reduced = reduce_regions(
        values if lazy else dask_array().from_array(values, chunks=-1),
        regions_of(found, pixels),
        [shape is None or shape.is_empty for shape in found.shapes],
        pixels,
        Bound(reducer, ("data",), {"context": context}),
        count=target_dimension is not None,
    )
    if not lazy:
        reduced = reduced.compute(scheduler="synchronous")
    features = features_of(geometries) if is_vector(geometries) else read_feature_members(geometries)
    first = min(data.get_axis_num(x.name), data.get_axis_num(y.name))
    return _as_vectors(data, reduced, others, first, found, features, name, target_dimension)


def _as_vectors(
    data: xr.DataArray,
    values: Any,
    others: list[str],
    place: int,
    geometries: Geometries,
    features: list[Feature],
    name: str,
    target: str | None,
) -> xr.DataArray:
    """The values as vector cube, with the geometry dimension at the place of x and y and the target dimension last."""
    names = [*others, name, *([] if target is None else [target])]
    coords = {} if target is None else {target: list(_STATISTICS)}
    bare = data.drop_vars(FEATURES, errors="ignore")
    cube = with_dimensions(bare, values, names, {**coords, name: None, "spatial_ref": None})
    new = [Dimension(name, "geometry", reference_system=geometries.crs)]
    if target is not None:
        new.append(Dimension(target, "other"))
    cube = make_cube(cube, [*dimensions_of(data), *new])
    cube = with_features(with_geometries(cube, geometries.shapes, name), features, name)
    order = [*others[:place], name, *others[place:], *names[len(others) + 1 :]]
    return cube.transpose(*order)
