"""Opens what was found as a cube, as far as the rest of the graph uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import NoDataAvailable
from connexeo.processing.environment import Environment

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.reading.bands import SourceBand
    from connexeo.processing.reading.extents import Interval, SpatialExtent

NO_DATA = "There is no data available for the given extents."


def open_found(
    collection: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]],
    bands: Sequence[SourceBand],
    extent: SpatialExtent | None,
    interval: Interval,
    environment: Environment,
) -> xr.DataArray:
    """A lazy cube of the bands of items.

    Args:
        collection: What describes the items.
        items: One at least.
        bands: Of one kind.
        extent: Where pixels belong to the cube; None for everywhere.
        interval: When.
        environment: Its window and needs narrow the cube; its dry run is told of what would be read; its
            gaps, where there are any, take what cannot be read.

    Raises:
        NoDataAvailable: when nothing of the items lies in the extents.
        Internal: reading an asset fails, when the cube is opened or computed.
    """
    from connexeo.processing.reading.cubes import Request, open_cube

    world = environment
    request = Request(
        collection, items, bands, extent, interval, world.window, world.needs, world.dry_run, world.gaps
    )
    cube = open_cube(request)
    if cube is None:
        raise NoDataAvailable(NO_DATA)
    return cube
