"""Copies the logs of parts into the log of their split job."""

from __future__ import annotations

import structlog

from connexeo.drivers.federation.faults import UpstreamFault
from connexeo.drivers.federation.jobs import split_store as store
from connexeo.drivers.federation.jobs.split_ledger import Ledger
from connexeo.drivers.federation.jobs.split_remote import RemoteJobs
from connexeo.drivers.local.state.logbook import LEVELS

logger = structlog.get_logger("connexeo.federation")

LOG_PAGES = 20
"""Pages of a log that are copied at a time."""


async def copy_logs(ledger: Ledger, remote: RemoteJobs, part: store.Row, identifier: str) -> None:
    """Copy what is new; a back-end that does not show it is no reason to stop.

    Args:
        ledger: Of the job.
        remote: The user's jobs at the back-ends.
        part: Row of the part.
        identifier: Of its job there.
    """
    for _ in range(LOG_PAGES):
        try:
            entries, last = await remote.logs(part["upstream"], identifier, part["logged"])
        except UpstreamFault as fault:
            logger.info("split.no_logs", job=ledger.job["id"], part=part["name"], reason=fault.reason)
            return
        if not entries:
            return
        least = LEVELS[ledger.job["log_level"]]
        kept = [each for each in entries if LEVELS[each["level"]] >= least]
        await ledger.save(part, {"logged": last}, *kept)
