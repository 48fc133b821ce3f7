"""The task "job": a process graph computed in a child process, its results written to files one after the other.

Files are handed to the host as soon as a result is complete: it stores them, and so results of a part are there
when the job is canceled, or fails later.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connexeo.drivers.local.computing.clusters import strategy_of
from connexeo.drivers.local.computing.estimate import prepare
from connexeo.drivers.local.computing.result import default_format
from connexeo.drivers.local.jobs.document import Asset
from connexeo.drivers.local.jobs.times import rfc3339

if TYPE_CHECKING:
    from connexeo.drivers.local.computing.world import World
    from connexeo.processing.formats import WrittenFile

_OFTEN = 0.5
"""Seconds between two reports of the progress."""
_COMPUTED = 0.95
"""Part of the progress of a result that its pixels account for; then it is stored."""


def compute(request: Mapping[str, Any], world: World) -> dict[str, Any]:
    """Evaluate a process, and write and publish its results.

    Args:
        request: ``process``, and ``folder`` to write to.
        world: Collections and processes; its host can ``publish`` assets.

    Raises:
        OpenEOError: whatever the graph or the data is at fault for; ProcessGraphComplexity when even a single block
            of a cube is too large for the memory; StorageFailure when there is no room.
    """
    from connexeo.processing.evaluation import execute
    from connexeo.processing.execution import using
    from connexeo.processing.formats import write_each
    from connexeo.processing.result import Result

    ready = prepare(
        request["process"],
        world.environment(),
        count=world.count_pixels,
        memory=request.get("memory"),
    )
    environment = ready.environment
    with using(ready.execution):
        evaluation = execute(request["process"], environment=environment)
    value = evaluation.value
    results = evaluation.results or (Result(value, default_format(value)),)
    folder = Path(request["folder"])
    progress = _Progress(world.progress, len(results))
    with (
        strategy_of(request, environment, ready.execution.strategy) as strategy,
        using(replace(ready.execution, strategy=strategy, on_progress=progress.count)),
    ):
        for files in write_each(results, folder):
            if environment.gaps is not None:
                environment.gaps.check()
            world.ask("publish", {"assets": [asdict(describe(file)) for file in files]})
            progress.next()
    return {}


def describe(file: WrittenFile) -> Asset:
    """What is kept of a file."""
    stac = file.asset("")
    with file.path.open("rb") as content:
        checksum = hashlib.file_digest(content, "sha256").hexdigest()
    return Asset(
        name=file.path.name,
        media_type=file.media_type,
        size=file.path.stat().st_size,
        checksum=checksum,
        modified=rfc3339(datetime.now(UTC)),
        roles=file.roles,
        times=file.times,
        bands=tuple(stac.get("bands", ())),
        bbox=file.bbox,
        crs_code=file.crs_code,
        crs_bbox=file.crs_bbox,
        shape=file.shape,
        transform=file.transform,
        extra=file.extra,
    )


class _Progress:
    """Of several results, by the blocks that are written of each.

    Args:
        tell: Takes the fraction that is done, now and then.
        results: How many there are.
    """

    def __init__(self, tell: Callable[[float], None], results: int) -> None:
        self._tell = tell
        self._results = results
        self._done = 0
        self._fraction = 0.0
        self._told = 0.0

    def next(self) -> None:
        """The next result begins."""
        self._done += 1
        self._fraction = 0.0
        self._tell(self._done / self._results)

    def count(self, done: int, total: int) -> None:
        """So many blocks are written."""
        # Some formats compute several times; nobody wants to see a progress that goes back.
        self._fraction = max(self._fraction, _COMPUTED * done / total)
        now = time.monotonic()
        if now - self._told > _OFTEN:
            self._told = now
            self._tell((self._done + self._fraction) / self._results)
