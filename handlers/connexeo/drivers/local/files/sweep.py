"""Removes what nobody owns any longer: drafts of killed processes, blobs that are no files."""

from __future__ import annotations

import asyncio
import random
import time

import structlog

from connexeo.drivers.local.files.saving import discard
from connexeo.drivers.local.files.store import FOLDER, blobs
from connexeo.drivers.local.state import State
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import OpenEOError

logger = structlog.get_logger("connexeo.files")

PERIOD = 3600.0
"""Seconds from one sweep to the next."""
GRACE = 1800.0
"""Seconds after which a blob without a row is nobody's: its row may still be on its way."""


class FileSweep:
    """Sweeps again and again; in every web worker, as none of them knows of the others."""

    def __init__(self, state: State, storage: Storage, *, grace: float = GRACE) -> None:
        self._state = state
        self._storage = storage
        self._grace = grace
        self._suspects: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep from now on."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def sweep(self) -> int:
        """Sweep once; returns how many files were removed.

        A blob goes when it had no row twice, with the grace between.
        """
        drafts = await asyncio.to_thread(self._storage.sweep_drafts)
        # Listed before the rows are read: what is stored in between is not looked at.
        stored = await asyncio.to_thread(self._storage.names, FOLDER)
        owned = await self._state.read(blobs)
        now = time.monotonic()
        self._suspects = {blob: self._suspects.get(blob, now) for blob in stored if blob not in owned}
        abandoned = [blob for blob, since in self._suspects.items() if now - since >= self._grace]
        for blob in abandoned:
            await asyncio.to_thread(discard, self._storage, blob)
            del self._suspects[blob]
        if drafts or abandoned:
            logger.info("files.swept", drafts=drafts, blobs=len(abandoned))
        return drafts + len(abandoned)

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except OpenEOError as error:
                logger.warning("files.sweep_failed", reason=error.code)
            await asyncio.sleep(PERIOD * random.uniform(0.9, 1.1))  # noqa: S311 - workers shall not all do it at once
