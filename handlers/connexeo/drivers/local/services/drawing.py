"""What child processes do for services: draw a tile, and find out where the data lies and which values it has."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from connexeo.drivers.local.services.layers import Layers, layers_of, shown_cube, window_of
from connexeo.drivers.local.services.painting import natural_range, paint
from connexeo.generated.errors import FeatureUnsupported, OpenEOError

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

    from connexeo.drivers.local.computing.world import World
    from connexeo.processing.environment import Environment, Window, Workspace

Request = Mapping[str, Any]
Bounds = tuple[float, float, float, float]

NOTHING = frozenset({"NoDataAvailable", "DataCubeEmpty"})
"""Errors of processes that find no data: at most places of a map there is none."""
PERCENTILES = (2.0, 98.0)
_SAMPLE = 512
"""Rows and columns of the sample that percentiles are taken from."""
_WORLD: Bounds = (-180.0, -85.06, 180.0, 85.06)
"""What Web Mercator can show, in degrees."""


def compute(request: Request, world: World) -> dict[str, Any]:
    """Draw a tile.

    Args:
        request: ``process`` and ``parameters``; ``window``; ``settings``, the configuration of the service; and
            ``range``, the values that become the first and the last colour where the configuration does not say.
        world: Collections and processes.

    Returns:
        ``picture``, as base64; None where there is no data.

    Raises:
        OpenEOError: whatever the process or the data is at fault for.
    """
    window, settings = window_of(request["window"]), request["settings"]
    try:
        layers = _layers(request, _environment(world), window)
    except OpenEOError as error:
        if error.code in NOTHING:
            return {"picture": None}
        raise
    if not layers.valid.any():
        return {"picture": None}
    return {"picture": base64.b64encode(paint(layers, settings, request["range"])).decode()}


def survey(request: Request, world: World) -> dict[str, Any]:
    """Look over all the data that a service shows, in pixels that are large enough.

    Args:
        request: ``process``, ``parameters`` and ``settings`` as for a tile.
        world: Collections and processes.

    Returns:
        ``bounds`` in degrees, and ``range`` of the values; both None where there is no data. ``bands`` by their names.
    """
    nothing: dict[str, Any] = {"bounds": None, "range": None, "bands": []}
    # What processes log is heard when tiles are drawn.
    environment = _environment(world, log=lambda _: None)
    try:
        bounds = request["settings"].get("bounds") or _bounds(request, environment)
        layers = _layers(request, environment, _overview(bounds))
    except OpenEOError as error:
        if error.code in NOTHING:
            return nothing
        raise
    return {"bounds": list(bounds), "range": _range(layers), "bands": list(layers.bands)}


class _ReadOnly:
    """Files and results of the owner of a service, which those who look at a map must not add to."""

    def __init__(self, workspace: Workspace) -> None:
        self.file = workspace.file
        self.results = workspace.results

    def save(self, path: str, source: Path) -> None:
        """Refuse.

        Raises:
            FeatureUnsupported: always.
        """
        raise FeatureUnsupported("Services only show data, they store no files.")


def _environment(world: World, **more: Any) -> Environment:
    environment = world.environment(**more)
    if environment.workspace is None:
        return environment
    return replace(environment, workspace=_ReadOnly(environment.workspace))


def _layers(request: Request, environment: Environment, window: Window) -> Layers:
    cube = _cube(request, replace(environment, window=window))
    return layers_of(cube, window, request["settings"].get("bands"))


def _cube(request: Request, environment: Environment) -> xr.DataArray:
    from connexeo.processing.evaluation import execute

    parameters = {**request["parameters"]}
    if parameters["spatial_extent"] is None:
        parameters["spatial_extent"] = _everything(request["process"], environment)
    return shown_cube(execute(request["process"], parameters, environment=environment))


def _everything(process: Mapping[str, Any], environment: Environment) -> dict[str, float]:
    """The extent of all collections that the process loads, for processes that ask for the extent of a tile."""
    nodes = [node for node in process["process_graph"].values() if node["process_id"] == "load_collection"]
    boxes: list[Any] = []
    for node in nodes:
        identifier = node["arguments"].get("id")
        if environment.catalogue is not None and isinstance(identifier, str):
            boxes.append(environment.catalogue.collection(identifier)["extent"]["spatial"]["bbox"][0])
    boxes = [(*box[:2], *box[len(box) // 2 :][:2]) for box in boxes] or [_WORLD]
    west, south, east, north = zip(*boxes, strict=True)
    return {"west": min(west), "south": min(south), "east": max(east), "north": max(north)}


def _bounds(request: Request, environment: Environment) -> Bounds:
    """Where the data lies, in degrees: told by the cube before any pixel is read."""
    from rasterio.warp import transform_bounds

    from connexeo.processing.pixel_grids import as_crs, grid_of

    grid = grid_of(_cube(request, environment))
    bounds = transform_bounds(as_crs(grid.crs), as_crs("OGC:CRS84"), *grid.bounds)
    if not all(map(math.isfinite, bounds)) or bounds[0] > bounds[2]:
        return _WORLD
    return bounds[0], bounds[1], bounds[2], bounds[3]


def _overview(bounds: Bounds) -> Window:
    """A window in Web Mercator with pixels for a sample."""
    from rasterio.warp import transform_bounds

    from connexeo.processing.environment import Window

    inside = tuple(
        min(max(edge, least), most)
        for edge, least, most in zip(bounds, _WORLD[:2] * 2, _WORLD[2:] * 2, strict=True)
    )
    west, south, east, north = transform_bounds("EPSG:4326", "EPSG:3857", *inside)
    width, height = max(east - west, 1.0), max(north - south, 1.0)
    step = max(width, height) / _SAMPLE
    columns, rows = max(1, round(width / step)), max(1, round(height / step))
    return Window((west, south, west + width, south + height), "EPSG:3857", columns, rows)


def _range(layers: Layers) -> list[float] | None:
    """Percentiles of all bands together, so that colours stay true; opacity is none of them."""
    natural = natural_range(layers.source)
    if natural is not None:
        return list(natural)
    values = layers.values[:3]
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = np.percentile(values, PERCENTILES)
    if low == high:
        low, high = values.min(), values.max()
    return [float(low), float(high)]
