"""What a task in a child process has around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import orjson

from connexeo.drivers.local.computing.web import GuardedServices, HostWeb
from connexeo.drivers.local.environment import Sources, load_definitions

if TYPE_CHECKING:
    from connexeo.drivers.local.catalogue import Catalogue
    from connexeo.processing.environment import Environment, LogEntry, UdfServices, Web, Workspace
    from connexeo.processing.reading.gaps import Gaps

MAX_LOG_ENTRY = 2**20
"""Bytes of the data of one log entry; what is larger is left out."""


class Channel(Protocol):
    """The way to the host."""

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message that needs no answer."""

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Ask the host, and wait for the answer.

        Raises:
            OpenEOError: what the host raised.
        """


class World:
    """Collections, processes and files for one task, and somebody who listens.

    Args:
        request: What the task was asked for.
        channel: To the host.
    """

    def __init__(self, request: Mapping[str, Any], channel: Channel) -> None:
        self._request = request
        self._channel = channel
        self._run = uuid4().hex
        self.workspace: Workspace | None = None
        self.web: Web | None = None
        self.udf_services: UdfServices | None = None
        if request.get("user") is not None:
            self.workspace = HostWorkspace(channel)
            if "web" in request:
                self.web = HostWeb(channel, **request["web"])
                self.udf_services = GuardedServices(request["web"]["private"])

    def environment(self, *, log: Callable[[LogEntry], None] | None = None) -> Environment:
        """What process graphs of the user run in.

        Args:
            log: Takes what processes log, instead of `World.log`.
        """
        from connexeo.processing.environment import Environment
        from connexeo.processing.shared_logs import SharedLog
        from connexeo.processing.udf.limits import UdfLimits

        told = SharedLog(log or self.log)
        sources = Sources.from_json(self._request["sources"])
        return Environment(
            catalogue=_catalogue(sources),
            process_modules=sources.process_modules,
            definitions=load_definitions(sources),
            user_processes=self._request.get("user_processes") or {},
            folders=tuple(map(Path, sources.stac_folders)),
            workspace=self.workspace,
            web=self.web,
            udf_services=self.udf_services,
            log=told,
            gaps=self._gaps(told),
            udf=UdfLimits.from_json(self._request.get("udf") or {}, run=self._run),
        )

    def _gaps(self, log: Callable[[LogEntry], None]) -> Gaps | None:
        """What takes assets that cannot be read, if the user wants them to be no data."""
        limit = self._request.get("soft_errors")
        if not limit:
            return None
        from connexeo.processing.reading.gaps import Gaps

        return Gaps(limit, log)

    def log(self, entry: LogEntry) -> None:
        """Hand a log entry to the host, at once."""
        text = orjson.dumps(entry.data, default=str, option=orjson.OPT_SERIALIZE_NUMPY)
        if len(text) > MAX_LOG_ENTRY:
            entry = replace(entry, data=None, message=f"{entry.message} (its data is too large to be kept)")
        self._channel.tell({"log": asdict(entry)})

    def progress(self, fraction: float) -> None:
        """Tell the host how far the task is, from 0 to 1."""
        self._channel.tell({"progress": min(max(fraction, 0.0), 1.0)})

    def count_pixels(self, pixels: int) -> None:
        """Tell the host how many pixels of all bands and dates the task reads."""
        self._channel.tell({"usage": {"pixels": pixels}})

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Ask the host for something that it does for this task only.

        Raises:
            OpenEOError: what the host raised.
        """
        return self._channel.ask(name, arguments)


class HostWorkspace:
    """Files and results of the user, which only the host can reach."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def file(self, path: str) -> Path:
        """A local copy of an uploaded file; see `connexeo.processing.environment.Workspace`."""
        return Path(self._channel.ask("file", {"path": path}))

    def results(self, job_id: str) -> list[dict[str, Any]]:
        """STAC Items of the results of a batch job."""
        items: list[dict[str, Any]] = self._channel.ask("results", {"job_id": job_id})
        return items

    def save(self, path: str, source: Path) -> None:
        """Store a local file in the workspace."""
        self._channel.ask("save", {"path": path, "source": str(source)})


@cache
def _catalogue(sources: Sources) -> Catalogue:
    """One for all tasks of the child: it remembers what it has read."""
    from connexeo.drivers.local.catalogue import Catalogue

    return Catalogue(sources.catalogues)
