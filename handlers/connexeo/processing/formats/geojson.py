"""GeoJSON (RFC 7946): features with values as properties."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.processing.cube import rfc3339
from connexeo.processing.formats.features import ID, Rows, check_features
from connexeo.processing.formats.interface import Options, WrittenFile
from connexeo.processing.formats.json import to_json
from connexeo.processing.formats.storage import storing
from connexeo.processing.formats.wgs84 import bounds_of, to_wgs84
from connexeo.processing.vectors import Shapes, geometries_of

if TYPE_CHECKING:
    import xarray as xr

MEDIA_TYPE = "application/geo+json"


def check(data: Any, options: Options) -> None:
    """See `Format`."""
    check_features(data, options["layout"], "GeoJSON", instead="Parquet")


def write(data: Any, folder: Path, stem: str, options: Options) -> list[WrittenFile]:
    """See `Format`."""
    import orjson

    cube: xr.DataArray = data
    rows = check_features(cube, options["layout"], "GeoJSON", instead="Parquet")
    shapes = _rounded(to_wgs84(geometries_of(cube), "GeoJSON"), options["coordinate_precision"])
    bbox = bounds_of(shapes)
    path = folder / f"{stem}.geojson"
    head = {"type": "FeatureCollection", **({} if bbox is None else {"bbox": list(bbox)})}
    features = _features(rows, shapes, with_id=options["layout"] == "features")
    encoded = (orjson.dumps(each, option=orjson.OPT_SERIALIZE_NUMPY) for each in features)
    with path.open("wb") as file:
        with storing():
            file.write(orjson.dumps(head)[:-1] + b',"features":[')
        for index, feature in enumerate(encoded):
            with storing():
                file.write((b",\n" if index else b"\n") + feature)
        with storing():
            file.write(b"\n]}\n")
            file.flush()
    return [rows.written(path, MEDIA_TYPE, bbox=bbox)]


def _features(rows: Rows, shapes: Shapes, *, with_id: bool) -> Iterator[dict[str, Any]]:
    geometries = [_geometry(shape) for shape in shapes]
    for columns, places in rows.parts():
        ids = columns.pop(ID, None) if with_id else None
        lists = {name: [_value(value) for value in values] for name, values in columns.items()}
        for row, place in enumerate(places.tolist()):
            identity = {} if ids is None or ids[row] is None else {"id": ids[row]}
            properties = {name: values[row] for name, values in lists.items()}
            yield {"type": "Feature", **identity, "geometry": geometries[place], "properties": properties}


def _value(value: Any) -> Any:
    """As `orjson` takes it: numpy's numbers with no more digits than they have."""
    if isinstance(value, np.float16 | np.longdouble):
        return float(value) if np.isfinite(value) else None
    return rfc3339(value) if isinstance(value, np.datetime64) else to_json(value)


def _rounded(shapes: Shapes, digits: int) -> Shapes:
    import shapely

    present = np.array([shape is not None for shape in shapes], bool)
    rounded = shapes.copy()
    for deep in (False, True):
        chosen = present & (shapely.has_z(shapes) == deep)
        rounded[chosen] = shapely.transform(
            shapes[chosen], lambda each: np.round(each, digits), include_z=deep
        )
    return rounded


def _geometry(shape: Any) -> Any:
    from shapely.geometry import mapping

    return None if shape is None else to_json(mapping(shape))
