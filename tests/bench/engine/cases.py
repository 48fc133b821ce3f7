"""What is computed: as process graphs, and as plain functions of numpy blocks."""

from __future__ import annotations

from typing import Any

from bench.engine.data import BANDS, CLOUDY, COLLECTION, CRS, SCL, bounds

Json = dict[str, Any]

NDVI, COMPOSITE, SERIES = "ndvi", "composite", "series"
CASES = (NDVI, COMPOSITE, SERIES)


def region(size: int) -> Json:
    """A polygon that covers two thirds of images, in their reference system."""
    west, south, east, north = bounds(size)
    corners = ((0.05, 0.1), (0.95, 0.05), (0.8, 0.95), (0.1, 0.7), (0.05, 0.1))
    ring = [(west + x * (east - west), south + y * (north - south)) for x, y in corners]
    return {"type": "Polygon", "coordinates": [ring]}


def graph(case: str, size: int) -> Json:
    """The process for images with so many pixels along an edge."""
    if case == COMPOSITE:
        return {"process_graph": _composite()}
    return {"process_graph": _ndvi() if case == NDVI else _series(size)}


def _ndvi() -> Json:
    """The median over time of the NDVI of each date."""
    return {
        **_indices(),
        "median": _node("reduce_dimension", data=_from("ndvi"), dimension="t", reducer=_reducer("median")),
        "save": _node("save_result", data=_from("median"), format="GTiff") | {"result": True},
    }


def _series(size: int) -> Json:
    """The mean of the NDVI of each date in a region."""
    # In the system of the images: edges that are straight in degrees bend in theirs.
    geometries = {**region(size), "crs": {"type": "name", "properties": {"name": CRS}}}
    return {
        **_indices(),
        "mean": _node(
            "aggregate_spatial", data=_from("ndvi"), geometries=geometries, reducer=_reducer("mean")
        ),
        "save": _node("save_result", data=_from("mean"), format="JSON") | {"result": True},
    }


def _indices() -> Json:
    """The NDVI of each date."""
    index = {
        "nir": _node("array_element", data=_parameter("data"), label="B08"),
        "red": _node("array_element", data=_parameter("data"), label="B04"),
        "index": _node("normalized_difference", x=_from("nir"), y=_from("red")) | {"result": True},
    }
    return {
        "load": _load(["B04", "B08"]),
        "ndvi": _node(
            "reduce_dimension", data=_from("load"), dimension="bands", reducer={"process_graph": index}
        ),
    }


def _composite() -> Json:
    """The median of each month without the pixels that are classified as clouds or their shadows."""
    cloudy: Json = {"class": _node("array_element", data=_parameter("data"), index=0)}
    for code in CLOUDY:
        cloudy[f"is{code}"] = _node("eq", x=_from("class"), y=code)
    cloudy["any"] = _node("any", data=[_from(f"is{code}") for code in CLOUDY]) | {"result": True}
    return {
        "load": _load([*BANDS, SCL]),
        "classes": _node("filter_bands", data=_from("load"), bands=[SCL]),
        "clouds": _node(
            "reduce_dimension", data=_from("classes"), dimension="bands", reducer={"process_graph": cloudy}
        ),
        "bands": _node("filter_bands", data=_from("load"), bands=list(BANDS)),
        "masked": _node("mask", data=_from("bands"), mask=_from("clouds")),
        "months": _node(
            "aggregate_temporal_period", data=_from("masked"), period="month", reducer=_reducer("median")
        ),
        "save": _node("save_result", data=_from("months"), format="GTiff") | {"result": True},
    }


def _load(bands: list[str]) -> Json:
    return _node("load_collection", id=COLLECTION, spatial_extent=None, temporal_extent=None, bands=bands)


def _reducer(process_id: str) -> Json:
    return {"process_graph": {"one": _node(process_id, data=_parameter("data")) | {"result": True}}}


def _node(process_id: str, **arguments: Any) -> Json:
    return {"process_id": process_id, "arguments": arguments}


def _from(node: str) -> Json:
    return {"from_node": node}


def _parameter(name: str) -> Json:
    return {"from_parameter": name}
