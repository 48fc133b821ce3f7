"""Results of a run on their way from the scratch folder of a child into the storage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from connexeo.drivers.local.jobs import queue
from connexeo.drivers.local.jobs.document import Asset, Document, asset_from_json, result_key
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.storage import Storage

if TYPE_CHECKING:
    from sqlalchemy import Engine

logger = structlog.get_logger("connexeo.jobs")


class ResultsOfRun:
    """Stores files, and shows those that are complete while others still lack; blocking.

    Args:
        storage: Where results lie.
        worker_id: Who runs the job.
        job: The job.
        folder: Where the child writes to.
    """

    def __init__(self, storage: Storage, worker_id: str, job: queue.Job, folder: Path) -> None:
        self._storage = storage
        self._worker_id = worker_id
        self._job = job
        self._folder = folder
        self._assets: list[Asset] = []

    @property
    def size(self) -> int:
        """Bytes that are stored."""
        return sum(asset.size for asset in self._assets)

    def document(self, *, complete: bool = True) -> Document:
        """What is there."""
        return Document(tuple(self._assets), complete=complete)

    def publish(self, engine: Engine, assets: list[Mapping[str, Any]]) -> None:
        """Store files that the child has written; they appear at once, where the database can be reached.

        Raises:
            StorageFailure: when they cannot all be stored; then none of them is.
        """
        from sqlalchemy.exc import OperationalError

        stored: list[Asset] = []
        try:
            for asset in map(asset_from_json, assets):
                self._storage.put(self._folder / asset.name, self._key(asset))
                stored.append(asset)
        except BaseException:
            for asset in stored:
                self._storage.delete(self._key(asset))
            raise
        self._assets += stored
        try:
            with transaction(engine) as connection:
                document = self.document(complete=False)
                queue.publish_part(connection, self._worker_id, self._job.id, self._job.run, document)
        except OperationalError:
            # They will all appear when the job is complete.
            logger.warning("job.part_not_shown", job=self._job.id)

    def _key(self, asset: Asset) -> str:
        return result_key(self._job.id, self._job.run, asset.name)

    def discard(self) -> None:
        """Remove what nobody will ask for."""
        self._storage.delete(result_key(self._job.id, self._job.run))
