"""Cancels and deletes what there is of a split job at the back-ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from connexeo.drivers.federation.faults import UpstreamFault
from connexeo.drivers.federation.identifiers import parsed
from connexeo.drivers.federation.jobs import split_store as store
from connexeo.drivers.federation.jobs.split_copies import copy_logs
from connexeo.drivers.federation.jobs.split_ledger import ENDED, Ledger, present
from connexeo.drivers.federation.jobs.split_markers import is_marker
from connexeo.drivers.federation.jobs.split_remote import RemoteJobs

logger = structlog.get_logger("connexeo.federation")


class Unsettled(UpstreamFault):
    """A job that was to be made is not there, but may appear yet."""


class Endings:
    """Ends one job.

    Args:
        ledger: What is known of it.
        remote: The user's jobs at the back-ends.
    """

    def __init__(self, ledger: Ledger, remote: RemoteJobs) -> None:
        self._ledger = ledger
        self._remote = remote

    async def stop(self) -> None:
        """Cancel the parts that are under way; once all are, there is nothing left to do."""
        left = False
        for part in self._ledger.parts:
            left |= not await self.delete_former(part)
            if part["status"] in ENDED:
                continue
            try:
                await self._cancel(part)
            except UpstreamFault as fault:
                left = True
                self._log("split.not_canceled", part, fault)
        if not left or self._ledger.is_over:
            # A job whose process was changed is as good as new.
            await self._ledger.settle((*ENDED, "created"), active=False, token=None)

    async def clear_away(self) -> None:
        """Delete all jobs at the back-ends, then the rows."""
        left = False
        for part in self._ledger.parts:
            left |= not await self.delete_former(part)
            try:
                remote = await self._known(part)
                if remote is not None:
                    await self._remote.delete(part["upstream"], remote)
                    await self._ledger.save(part, {"remote": None, "status": "canceled"})
            except UpstreamFault as fault:
                left = True
                self._log("split.not_deleted", part, fault)
        if not left or self._ledger.is_over:
            await self._ledger.forget()

    async def delete_former(self, part: store.Row) -> bool:
        """Delete the jobs of former tries and runs; whether none is left. Nothing else has to wait for it."""
        former = list(part["former"] or ())
        left = []
        for each in former:
            try:
                await self._delete(each)
            except UpstreamFault as fault:
                left.append(each)
                self._log("split.not_deleted", part, fault)
        if left != former:
            await self._ledger.save(part, {"former": left or None})
        return not left

    async def _cancel(self, part: store.Row) -> None:
        remote = await self._known(part)
        if remote is not None:
            await self._remote.stop(part["upstream"], remote)
            await copy_logs(self._ledger, self._remote, part, remote)
        await self._ledger.save(part, {"status": "canceled", "remote": remote})

    async def _known(self, part: Mapping[str, Any]) -> str | None:
        """The part's job, also where it was made without getting noted.

        Raises:
            UpstreamFault: Unsettled when it may be made yet.
        """
        if part["status"] == "creating":
            return await self._found(part["upstream"], self._ledger.marker(part), part["updated"])
        remote: str | None = part["remote"]
        return remote

    async def _delete(self, left: str) -> None:
        """Delete one of those that `store.left_of` has named."""
        named = parsed(left)
        if named is None:
            return
        upstream, remote = named
        if is_marker(remote):
            found = await self._found(upstream, remote, self._turned)
            if found is None:
                return
            remote = found
        await self._remote.delete(upstream, remote)

    async def _found(self, upstream: str, marked: str, since: datetime) -> str | None:
        found = await self._remote.find(upstream, marked)
        if found is None and since > present() - self._remote.settling:
            raise Unsettled(upstream, "it may make a job yet that it was asked for")
        return found

    @property
    def _turned(self) -> datetime:
        """When the former parts were left alone, or later."""
        job = self._ledger.job
        turned: datetime = job["queued"] if job["status"] in store.ACTIVE else job["updated"]
        return turned

    def _log(self, event: str, part: Mapping[str, Any], fault: UpstreamFault) -> None:
        job, upstream = self._ledger.job["id"], fault.upstream
        logger.info(event, job=job, part=part["name"], upstream=upstream, reason=fault.reason)
