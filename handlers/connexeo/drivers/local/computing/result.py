"""The task "result": a synchronous computation, written to files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connexeo.drivers.local.computing.clusters import strategy_of
from connexeo.drivers.local.computing.estimate import prepare
from connexeo.generated.errors import ProcessGraphComplexity

if TYPE_CHECKING:
    from connexeo.drivers.local.computing.world import World
    from connexeo.processing.result import Result


def compute(request: Mapping[str, Any], world: World) -> dict[str, Any]:
    """Evaluate one process and write its result.

    Args:
        request: ``process``, ``folder`` to write to, ``max_bytes`` and ``max_seconds``.
        world: Collections and processes.

    Raises:
        OpenEOError: whatever the graph or the data is at fault for; ProcessGraphComplexity when the result would
            be larger than ``max_bytes`` or take longer than ``max_seconds``, before a pixel is read.
    """
    from connexeo.processing.evaluation import execute
    from connexeo.processing.execution import using
    from connexeo.processing.formats import archive, write_results
    from connexeo.processing.result import Result

    ready = prepare(
        request["process"],
        world.environment(),
        count=world.count_pixels,
        memory=request.get("memory"),
        output_bytes=request["max_bytes"],
        seconds=request.get("max_seconds"),
        instead="or a batch job",
    )
    environment = ready.environment
    with using(ready.execution):
        evaluation = execute(request["process"], environment=environment)
    value = evaluation.value
    results = evaluation.results or (Result(value, default_format(value)),)
    _check_size(sum(int(getattr(result.data, "nbytes", 0)) for result in results), request["max_bytes"])
    folder = Path(request["folder"])
    with (
        strategy_of(request, environment, ready.execution.strategy) as strategy,
        using(replace(ready.execution, strategy=strategy)),
    ):
        files = write_results([_as_one_file(result) for result in results], folder)
    if environment.gaps is not None:
        environment.gaps.check()
    if len(files) > 1:
        return {"files": [str(archive(files, folder))], "media_type": "application/x-tar"}
    return {"files": [str(files[0].path)], "media_type": files[0].media_type}


def default_format(value: Any) -> str:
    """Format of a result that no save_result asked for one."""
    from connexeo.processing.forests import Forest
    from connexeo.processing.vectors import is_vector

    dims = getattr(value, "dims", None)
    if dims is None:
        return "ML-Model" if isinstance(value, Forest) else "JSON"
    if is_vector(value) and not {"x", "y"} <= set(dims):
        return "GeoJSON"
    return "GTiff" if {"x", "y"} <= set(dims) else "netCDF"


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ProcessGraphComplexity(
            f"The result has {size / 2**20:.0f} MB of pixels, more than the {limit / 2**20:.0f} MB that "
            "synchronous processing allows. Ask for a smaller extent, fewer bands or dates, or a batch job."
        )


_ONE_FILE = ("time_as_bands", "sheet")
"""Options that put all time steps into one file."""


def _as_one_file(result: Result) -> Result:
    """The result with these options set, unless the user said otherwise: the answer to a request is one file."""
    from connexeo.processing.formats import find_format

    known = find_format(result.format).parameters
    unsaid = {name: True for name in _ONE_FILE if name in known and result.options.get(name) is None}
    return replace(result, options={**result.options, **unsaid})
