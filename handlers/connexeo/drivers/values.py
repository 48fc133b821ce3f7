"""What handlers and drivers hand to each other. `connexeo.drivers.interface` is where to import it from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from connexeo.generated.errors import OpenEOError

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    id: str
    """Unique and stable; ``<provider>~<subject>`` for OpenID Connect, as the contract allows no slash."""
    name: str | None = None
    email: str | None = None
    provider: str = "basic"
    """``basic`` or the id of the OpenID Connect provider."""
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token as it came: ``basic//…``, ``oidc/<provider>/…`` or a bare JWT."""

    method: str
    """``basic``, ``oidc`` or ``jwt``."""
    provider: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    items: Sequence[Json]
    next_offset: str | None = None
    """Opaque start of the following page; None on the last one."""
    extra: Json = field(default_factory=dict, kw_only=True)
    """Further properties of the list, such as ``federation:missing``."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What is wrong with a process."""

    errors: Sequence[Json]
    """openEO error objects; empty when it is valid."""
    extra: Json = field(default_factory=dict)
    """Further properties, such as ``federation:backends``."""


@dataclass(frozen=True, slots=True)
class LogPage(Page):
    """One page of log entries."""

    level: str = "debug"
    """Least severe level that the entries can have."""


class JobFailed(OpenEOError):
    """A job has no results because it failed; its code and message are those of its last error.

    Attributes:
        entry: The last error, as log entry.
    """

    def __init__(self, entry: Json) -> None:
        super().__init__(str(entry["message"]))
        self.entry = entry


@dataclass(frozen=True, slots=True)
class ComputedResult:
    """Files of a synchronous computation; they are the caller's to send and to delete with their folder."""

    folder: Path
    files: Sequence[Path]
    media_type: str
    """Media type of the only file; of the archive when there are several."""
    log_id: str | None = None
    """Identifier of what the processes logged; None when nothing is kept."""
    costs: float | None = None
    """What it has cost, in the currency of the capabilities; None where nothing is charged."""


@dataclass(frozen=True, slots=True)
class StreamedResult:
    """The result of a synchronous computation that another back-end makes, as it comes."""

    chunks: AsyncIterator[bytes]
    """To be read to the end, or closed."""
    media_type: str
    size: int | None = None
    """Bytes, where that is known."""
    log_id: str | None = None
    """Identifier of what the processes logged; None when nothing is kept."""
    costs: float | None = None


class Content(Protocol):
    """The content of a file, which can be read in parts, any number of times."""

    @property
    def name(self) -> str:
        """Name of the file, without folders."""
        ...

    @property
    def media_type(self) -> str:
        """Its media type."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def modified(self) -> datetime:
        """When it became what it is."""
        ...

    @property
    def etag(self) -> str:
        """Changes whenever the content changes; without quotes."""
        ...

    @property
    def path(self) -> Path | None:
        """The file, where it lies on this machine."""
        ...

    def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to before ``end``, in parts."""
        ...


@dataclass(frozen=True, slots=True)
class JobResults:
    """The results of a job as STAC, without links to this API.

    Handlers make absolute URLs of the ``href`` of assets that are paths below the job's results.
    """

    document: Json
    """A STAC Collection; or an Item, where another back-end gives its results as one."""
    items: Sequence[Json]
    """Its STAC Items, as far as they are ours to serve."""
    permission: str | None
    """Signed: whoever has it may read these results without an account, until it expires. None where another back-end
    gives the results out, with links of its own."""
    expires: datetime


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture that a secondary service drew, or found again."""

    content: bytes
    media_type: str
    etag: str
    """Without quotes."""


@dataclass(frozen=True, slots=True)
class TileSource:
    """What a secondary service draws, as programs that show maps want to know it."""

    title: str
    description: str | None
    media_type: str
    """Of the tiles."""
    min_zoom: int
    max_zoom: int
    bounds: tuple[float, float, float, float] | None
    """West, south, east and north of the data in degrees, where that is known."""
    tile_matrix_sets: Sequence[Json] = ()
    """The sets of a WMTS, as the OGC standard for them (17-083r4) writes them in JSON: in the order of preference,
    with the matrices that are served and the identifiers that `SecondaryServices.draw_tile` takes."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that operators watch, or several of one kind."""

    name: str
    """Of letters and ``_``; metrics have it with ``connexeo_`` before it."""
    description: str
    values: Mapping[str, float]
    """The numbers by the value of the label; by the empty text if there is no label."""
    label: str | None = None
    """What tells them apart."""
