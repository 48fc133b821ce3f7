"""What split jobs ask back-ends for: single requests for their parts, in the user's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.connection import Answer, Call, Connection
from connexeo.drivers.federation.faults import (
    Garbled,
    NotAsked,
    Refused,
    UpstreamFault,
    is_about_credentials,
)
from connexeo.drivers.federation.jobs.creation import identifier_of
from connexeo.drivers.federation.jobs.logs import log_page
from connexeo.drivers.federation.merging import BACKENDS
from connexeo.drivers.federation.paging import Place, read_from
from connexeo.drivers.interface import Json, User
from connexeo.generated.errors import HTTP_STATUS, OpenEOError

SORT = "split jobs"
LOOKED_AT = 1000
"""Jobs of a user among which one is searched, at a time."""
LONGEST = 10_000
"""Characters of messages, and bytes of data, in log entries that are copied."""
LOG_PAGE = 200
"""Log entries that are copied at a time."""
SETTLING = timedelta(seconds=10)
"""For how long a request may still have an effect that nobody waits for any longer."""
GONE = frozenset({404, 410})
"""HTTP statuses of what is not there any longer."""
NOT_THERE = 501
"""HTTP status of operations that a back-end does not have; there is no use in asking again."""

_KEPT = frozenset({"level", "message", "code", "data", "path", "usage", "links"})


@dataclass(frozen=True, slots=True)
class RemoteState:
    """What a back-end says of a job."""

    status: str
    progress: float | None


class NoAddress(UpstreamFault):
    """Nobody else can load the results of a job."""


class RemoteJobs:
    """The jobs of one user at the back-ends.

    Args:
        asking: Asks them.
        user: In whose name.
    """

    def __init__(self, asking: Asking, user: User) -> None:
        self._asking = asking
        self._user = user

    @property
    def settling(self) -> timedelta:
        """For how long a request that was sent, or was to be, may still have an effect."""
        return timedelta(seconds=self._asking.members.federation.request_timeout) + SETTLING

    async def create(self, upstream: str, request: Json) -> str:
        """Identifier of a new job there."""
        answer = await self._fetch(upstream, Call("POST", "/jobs", json=request))
        try:
            return identifier_of(answer)
        except OpenEOError as error:
            raise Garbled(upstream, error.message) from error

    async def find(self, upstream: str, marker: str) -> str | None:
        """Identifier of the job whose title ends with a text."""

        async def ask(connection: Connection, authorization: str, deadline: float) -> str | None:
            place = Place()
            while not place.done:
                told = await read_from(
                    connection,
                    place,
                    "/jobs",
                    "jobs",
                    limit=LOOKED_AT,
                    authorization=authorization,
                    deadline=deadline,
                )
                found = _marked(told.entries, marker)
                if found is not None or told.places[-1] == place:
                    return found
                place = told.places[-1]
            return None

        self._check(upstream)
        return await self._asking.one(self._user, SORT, ask, upstream, repeatable=True)

    async def state(self, upstream: str, remote: str) -> RemoteState | None:
        """How it is; None when it is not there (any longer)."""
        try:
            document = (await self._fetch(upstream, Call("GET", _path(remote)))).object()
        except Refused as refused:
            if refused.status in GONE:
                return None
            raise
        progress = document.get("progress")
        number = progress if isinstance(progress, int | float) and 0 <= progress <= 100 else None
        return RemoteState(str(document.get("status")), number)

    async def start(self, upstream: str, remote: str) -> None:
        """Put it into the queue."""
        await self._fetch(upstream, Call("POST", _path(remote, "/results")))

    async def stop(self, upstream: str, remote: str) -> None:
        """Cancel it; one that has ended or is gone stays so."""
        try:
            await self._fetch(upstream, Call("DELETE", _path(remote, "/results")))
        except Refused as refused:
            # Most back-ends refuse to cancel what does not run.
            if is_about_credentials(refused) or (refused.status >= 500 and refused.status != NOT_THERE):
                raise

    async def delete(self, upstream: str, remote: str) -> None:
        """Remove it, if it is there."""
        try:
            await self._fetch(upstream, Call("DELETE", _path(remote)))
        except Refused as refused:
            if refused.status not in GONE and refused.status != NOT_THERE:
                raise

    async def address(self, upstream: str, remote: str) -> str:
        """Signed address of its results, which needs no account.

        Raises:
            UpstreamFault: NoAddress when the back-end gives none.
        """
        document = (await self._fetch(upstream, Call("GET", _path(remote, "/results")))).object()
        links = document.get("links")
        for link in links if isinstance(links, list) else ():
            if isinstance(link, Mapping) and link.get("rel") == "canonical":
                href = link.get("href")
                if isinstance(href, str) and href.startswith(("http://", "https://")):
                    return href
        raise NoAddress(upstream, "its results have no signed address that others could load them from")

    async def logs(self, upstream: str, remote: str, after: str | None) -> tuple[list[Json], str | None]:
        """Log entries behind the one of an identifier, as ours, and the identifier of the last one."""
        params: dict[str, str | int] = {"limit": LOG_PAGE, **({"offset": after} if after else {})}
        answer = await self._fetch(upstream, Call("GET", _path(remote, "/logs"), params))
        entries = list(log_page(upstream, answer.object(), None).items)
        known = [number for number, each in enumerate(entries) if each["id"] == after]
        new = entries[known[-1] + 1 :] if known else entries
        return [_ours(upstream, each) for each in new], new[-1]["id"] if new else after

    async def errors(self, upstream: str, remote: str) -> list[Json]:
        """Its log entries of the level ``error``."""
        call = Call("GET", _path(remote, "/logs"), {"level": "error"})
        page = log_page(upstream, (await self._fetch(upstream, call)).object(), "error")
        return [each for each in page.items if each["level"] == "error"]

    async def process_graph(self, upstream: str, remote: str) -> Mapping[str, Any]:
        """What it runs; empty when the back-end does not tell."""
        process = (await self._fetch(upstream, Call("GET", _path(remote)))).object().get("process")
        process_graph = process.get("process_graph") if isinstance(process, Mapping) else None
        return process_graph if isinstance(process_graph, Mapping) else {}

    async def is_readable(self, upstream: str, url: str) -> bool:
        """Whether a back-end gives out what has a signed address, to whoever asks."""

        async def ask(connection: Connection, authorization: str, deadline: float) -> Answer:
            return await connection.fetch(Call("GET", url), deadline)

        self._check(upstream)
        try:
            await self._asking.one(self._user, SORT, ask, upstream, repeatable=True)
        except UpstreamFault:
            return False
        return True

    async def estimate(self, upstream: str, remote: str) -> Json:
        """What the back-end expects."""
        return (await self._fetch(upstream, Call("GET", _path(remote, "/estimate")))).object()

    async def _fetch(self, upstream: str, call: Call) -> Answer:
        async def ask(connection: Connection, authorization: str, deadline: float) -> Answer:
            sent = Call(call.method, call.path, call.params, authorization, call.json)
            return await connection.fetch(sent, deadline)

        self._check(upstream)
        try:
            return await self._asking.one(self._user, SORT, ask, upstream, repeatable=call.method == "GET")
        except Refused as refused:
            if refused.status in GONE and not refused.code:
                # A web server that stands in front of nothing says that of everything.
                text = f"HTTP {refused.status} without an openEO error, as if there were no back-end"
                raise Garbled(upstream, text) from refused
            raise

    def _check(self, upstream: str) -> None:
        if self._asking.members.upstream(upstream) is None:
            raise NotAsked(upstream, "it is no longer one of the back-ends")


def blames_upstream(errors: Sequence[Json]) -> bool:
    """Whether the errors of a log say that the back-end failed, and not the process."""
    codes = [each.get("code") for each in errors]
    return bool(codes) and HTTP_STATUS.get(str(codes[-1]), 400) >= 500 and codes[-1] != "FeatureUnsupported"


def _marked(entries: Sequence[Json], marker: str) -> str | None:
    for entry in entries:
        identifier = entry.get("id")
        if isinstance(identifier, str) and str(entry.get("title") or "").endswith(marker):
            return identifier
    return None


def _ours(upstream: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in entry.items() if key in _KEPT}
    kept["message"] = kept["message"][:LONGEST]
    if len(orjson.dumps(kept.get("data"))) > LONGEST:
        del kept["data"]
    return {**kept, "time": _instant(entry.get("time")), BACKENDS: [upstream]}


def _instant(text: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return instant if instant.tzinfo is not None else None


def _path(remote: str, below: str = "") -> str:
    return f"/jobs/{quote(remote, safe='')}{below}"
