"""What process functions may use of the world around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from connexeo.processing.definitions import Definitions, default_definitions
from connexeo.processing.udf.limits import UdfLimits

if TYPE_CHECKING:
    from connexeo.fetch import Fetched
    from connexeo.processing.planning.dry_run import DryRun
    from connexeo.processing.planning.needs import Needs
    from connexeo.processing.reading.gaps import Gaps

BoundingBox = tuple[float, float, float, float]
Interval = tuple[datetime | None, datetime | None]
LogLevel = Literal["error", "warning", "info", "debug"]


@dataclass(frozen=True)
class LogEntry:
    """An entry for the logs of a job, service or synchronous request."""

    level: LogLevel
    message: str
    code: str | None = None
    data: Any = None
    """A JSON value."""
    node: str | None = None
    """Identifier of the node that wrote the entry."""


@dataclass(frozen=True)
class Window:
    """A map tile: all that an evaluation shall see of the world, and on which pixels.

    Collections are read on the window's grid, from overviews where it is coarse, with the nearest pixels. Pixels that
    lie outside of the files, or of the extents in the graph, are no-data. Processes that look at neighbouring pixels
    find no-data beyond the edge.
    """

    bounds: BoundingBox
    """Outer edges: west, south, east, north."""
    crs: str
    """Of the bounds and of the pixels, as pyproj and rasterio understand it, e.g. `EPSG:3857`."""
    width: int
    """Pixels from west to east."""
    height: int


class Catalogue(Protocol):
    """Where collections and their items come from."""

    def collection(self, id: str) -> dict[str, Any]:
        """The STAC Collection.

        Raises:
            CollectionNotFound: There is none with this id.
        """

    def items(
        self,
        id: str,
        *,
        bbox: BoundingBox | None = None,
        interval: Interval | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """STAC Items with absolute asset hrefs.

        Args:
            id: The collection.
            bbox: West, south, east, north in WGS 84.
            interval: Start (included) and end (excluded); None for an open end.
            filter: A CQL2 JSON expression.
        """


class Workspace(Protocol):
    """What belongs to the user: uploaded files, and results of batch jobs."""

    def file(self, path: str) -> Path:
        """A local copy of an uploaded file, with its suffix; not to be changed.

        Raises:
            FileNotFound: The user has none at this path.
        """

    def results(self, job_id: str) -> list[dict[str, Any]]:
        """STAC Items of the results of a finished batch job, with asset hrefs that are local paths.

        Raises:
            JobNotFound: The user has no such job.
            JobNotFinished: It has no results.
        """

    def save(self, path: str, source: Path) -> None:
        """Store a local file in the workspace; the source may be moved.

        Raises:
            StorageQuotaExceeded: It is too large.
            FilePathInvalid: The path cannot be.
        """


class Web(Protocol):
    """What lies at URLs that users supply, within the limits that the deployment sets."""

    def document(self, url: str) -> Any:
        """A JSON document.

        Raises:
            FetchError: It cannot be had; see `connexeo.fetch`.
        """

    def file(self, url: str) -> Path:
        """A local copy of a file, whose name ends like that of the file; not to be changed.

        Raises:
            FetchError: It cannot be had.
        """

    def results(self, url: str) -> list[dict[str, Any]] | None:
        """STAC Items of results of batch jobs here, with asset hrefs that are local paths.

        None where the URL does not lead to results of this back-end that the user, or whoever has the URL, may read.
        """


class UdfServices(Protocol):
    """Services at URLs that users supply, which are given data; can be sent to other processes, where blocks are."""

    def post(self, url: str, body: bytes, *, timeout: float, max_bytes: int) -> Fetched:
        """What a service answers to JSON, with any status; redirects are not followed.

        Args:
            url: The service.
            body: The JSON.
            timeout: Seconds until all of the answer is there.
            max_bytes: Bytes that the answer may have.

        Raises:
            FetchError: It can't be reached within the limits of the deployment; see `connexeo.fetch`.
        """


def _discard(entry: LogEntry) -> None:
    """Where nobody keeps logs, e.g. in a notebook."""


@dataclass(frozen=True)
class Environment:
    """All that an evaluation may use; the defaults suffice for graphs that load nothing."""

    catalogue: Catalogue | None = None
    log: Callable[[LogEntry], None] = _discard
    user_processes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Stored user-defined processes by id."""
    web: Web | None = None
    """For URLs that users supply; None: they are not fetched."""
    udf_services: UdfServices | None = None
    """For UDFs at URLs that users supply; None: nothing is sent there."""
    folders: tuple[Path, ...] = ()
    """Of this machine, from which all users may load what STAC describes there."""
    workspace: Workspace | None = None
    """Files and results of the user; None where there is no user."""
    process_modules: tuple[str, ...] = ()
    """Import paths of modules with further process functions; they precede ours."""
    definitions: Definitions = field(default_factory=default_definitions)
    """The predefined processes."""
    window: Window | None = None
    """The part of the world that collections are read for, and its grid; None: what the graph asks for."""
    pushdown: bool = True
    """Whether `load_collection` leaves out what the graph does not use; results are the same."""
    needs: Needs | None = None
    """What the graph uses of the cube that a process function loads; None: all of it."""
    dry_run: DryRun | None = None
    """Where nothing is to be computed: makes cubes without values; None: cubes can be computed."""
    gaps: Gaps | None = None
    """Takes the assets that cannot be read, which are no data then; None: they are errors."""
    udf: UdfLimits = field(default_factory=UdfLimits)
    """What user-defined functions may take."""
    node: str | None = None
    """The node whose process function gets this environment."""

    def at(self, node: str) -> Environment:
        """The environment for the process function of a node."""
        return replace(self, node=node)

    def detached(self) -> Environment:
        """The part that can be sent to another process: what callbacks on blocks may use."""
        from connexeo.processing.shared_logs import SharedLog

        return Environment(
            log=self.log if isinstance(self.log, SharedLog) else _discard,
            process_modules=self.process_modules,
            definitions=Definitions(()),
            udf=self.udf,
            udf_services=self.udf_services,
            node=self.node,
        )
