"""What is noted of a split job while somebody sees to it: what has become of its parts, and its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connexeo.drivers.federation.jobs import split_store as store
from connexeo.drivers.federation.jobs.split_markers import marker
from connexeo.drivers.federation.merging import BACKENDS
from connexeo.drivers.interface import Json
from connexeo.drivers.local.jobs.patience import seen, written
from connexeo.drivers.local.state import State

ENDED = ("finished", "error", "canceled")
"""States of jobs, and of parts, that nothing changes any longer."""


class Outdated(Exception):
    """The job was started anew, or is seen to elsewhere."""


class Ledger:
    """One job as it was loaded, and what is noted of it since.

    Args:
        state: The database.
        job: Its row.
        parts: Rows of its parts, the primary one last; kept up to date.
        told: What the log has been told already of what goes on; added to.
    """

    def __init__(
        self,
        state: State,
        job: Mapping[str, Any],
        parts: Sequence[store.Row],
        told: set[tuple[str, int, str]],
    ) -> None:
        self.job = job
        self.parts = parts
        self._state = state
        self._told = told

    async def save(self, part: store.Row, values: Mapping[str, Any], *entries: Json) -> None:
        """Note what has become of a part.

        Raises:
            Outdated: when the job is not what it was when it was loaded.
        """
        changed = {**values, "updated": present()}
        if not await written(self._state, store.advance, self.job, part, changed, entries):
            raise Outdated
        part.update(changed)

    async def note(self, *entries: Json) -> None:
        """Append to the log."""
        if entries:
            await written(self._state, store.advance, self.job, None, {}, entries)

    async def note_once(self, key: str, entry: Json) -> None:
        """Note what is so each time that it is tried, but not each time.

        Args:
            key: Under which it is not noted again in this run.
            entry: Of the log.
        """
        place = (self.job["id"], self.job["run"], key)
        if place not in self._told:
            self._told.add(place)
            await self.note(entry)

    async def settle(self, before: Sequence[str], **values: Any) -> None:
        """Note what has become of the job, if it still is in one of some states."""
        await written(self._state, store.settle, self.job, before, values)

    async def forget(self) -> None:
        """Remove all that there is of the job."""
        await written(self._state, store.forget, self.job["id"])

    async def has_found(self, remote: str) -> bool:
        """Whether somebody has noted a job at a back-end as that of a part."""
        return await seen(self._state, store.knows, self.job["id"], remote)

    def marker(self, part: Mapping[str, Any]) -> str:
        """By which the job that is made for a part now is found again."""
        return marker(self.job["id"], self.job["run"], part["name"], part["tries"])

    @property
    def is_over(self) -> bool:
        """Whether nobody sees to the job any longer."""
        expires = self.job["expires"]
        return expires is not None and expires < present()


def log_entry(level: str, message: str, upstream: str | None = None, *, code: str | None = None) -> Json:
    """An entry of the log of a split job."""
    entry: dict[str, Any] = {"level": level, "message": message}
    if upstream is not None:
        entry[BACKENDS] = [upstream]
    return entry if code is None else {**entry, "code": code}


def present() -> datetime:
    """The time."""
    return datetime.now(UTC)
