"""Results of batch jobs: for their owner, for whoever has a signed URL, and for processes that load them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from connexeo.drivers.interface import JobFailed, JobResults
from connexeo.drivers.local.content import StoredContent
from connexeo.drivers.local.jobs import logs, store
from connexeo.drivers.local.jobs.document import Document, result_key
from connexeo.drivers.local.jobs.stac import is_described, make_collection, make_item, make_items
from connexeo.drivers.local.jobs.times import rfc3339
from connexeo.drivers.local.state.signing import Signer
from connexeo.drivers.local.state.tables import job_results, jobs
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import (
    JobNotFinished,
    JobNotStarted,
    NotFound,
    ResultLinkExpired,
)

PURPOSE = "results"
"""What permissions are signed for."""

_COLUMNS = [
    jobs.c[name]
    for name in (
        "id", "title", "description", "status", "created", "updated", "queued", "started", "unpublished", "run",
        "published",
    )
]  # fmt: skip


def find_results(
    connection: Connection, user_id: str, job_id: str, partial: bool = False
) -> tuple[store.Row, Document]:
    """The row of one of the user's jobs, and what is kept of its last run.

    Args:
        connection: A transaction.
        user_id: Who asks.
        job_id: The job.
        partial: Whether results count that are not complete.

    Raises:
        JobNotFound: when the user has no such job.
        JobNotStarted: when it was not started.
        JobNotFinished: when it has not ended, and there is nothing yet or ``partial`` is not wanted.
        JobFailed: when it failed.
        NotFound: when results were kept no longer.
    """
    row = store.find(connection, user_id, job_id, _COLUMNS)
    status = row["status"]
    if status == "created":
        raise JobNotStarted()
    if status in store.ACTIVE or status == "error":
        # Those of the present run, which has published none.
        found = _document(connection, job_id, row["run"]) if partial and status != "queued" else None
        if found is not None:
            return {**row, "published": row["run"]}, found
        if status in store.ACTIVE:
            raise JobNotFinished()
        raise JobFailed(logs.last_error(connection, job_id) or _UNKNOWN_ERROR)
    found = _document(connection, job_id, row["published"])
    if found is None:
        raise NotFound("The results of this job are no longer kept. Start it again to compute them anew.")
    return row, found


_UNKNOWN_ERROR = {"id": "0", "code": "Internal", "level": "error", "message": "The job failed."}


def local_items(
    connection: Connection, storage: Storage, user_id: str, job_id: str, scratch: Path
) -> list[dict[str, Any]]:
    """STAC Items of a job's results, with local paths as ``href`` of the assets.

    Args:
        connection: A transaction.
        storage: Where results lie.
        user_id: Whose job it is.
        job_id: The job.
        scratch: A folder for copies of what is not stored on this machine.

    Raises:
        JobNotFound: when the user has no such job.
        JobNotFinished: when it has no results.
        NotFound: when they are no longer kept.
    """
    try:
        row, document = find_results(connection, user_id, job_id)
    except (JobNotStarted, JobFailed) as error:
        raise JobNotFinished() from error
    return _with_local_paths(storage, job_id, row["published"], document, scratch)


def _with_local_paths(
    storage: Storage, job_id: str, run: int, document: Document, scratch: Path
) -> list[dict[str, Any]]:
    items = make_items(job_id, document)
    for item in items:
        for name, asset in item["assets"].items():
            key = result_key(job_id, run, name)
            asset["href"] = str(_local_copy(storage, key, scratch / job_id / str(run) / name))
    return items


def _local_copy(storage: Storage, key: str, copy: Path) -> Path:
    path = storage.path(key)
    if path is not None:
        return path
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            with copy.open("wb") as file:
                file.writelines(storage.read(key))
        except FileNotFoundError as error:
            raise NotFound("The results of this job are no longer kept.") from error
    return copy


class SharedResults:
    """Signs permissions to read the results of a run, and gives the results to whoever has one.

    A permission stands in for the check of ownership. Whether it is wrong, has expired, or is for a job that does
    not exist makes no difference that could be seen.

    Args:
        secrets: The present secret and former ones, as soon as they are known.
        lifetime: Seconds for which permissions are valid.
    """

    def __init__(self, secrets: Callable[[], Sequence[bytes]], lifetime: float) -> None:
        self._secrets = secrets
        self._lifetime = lifetime

    @cached_property
    def _signer(self) -> Signer:
        return Signer(self._secrets(), PURPOSE)

    def make(self, job: store.Row, document: Document) -> JobResults:
        """The results with a new permission, which is not valid for longer than they are kept."""
        lifetime = self._lifetime
        if job["unpublished"] is not None:
            lifetime = min(lifetime, (job["unpublished"] - datetime.now(UTC)).total_seconds())
        permission, expires = self._signer.sign(_subject(job["id"], job["published"]), lifetime)
        return _job_results(
            job, document, make_items(job["id"], document), permission, datetime.fromtimestamp(expires, UTC)
        )

    def find(self, connection: Connection, job_id: str, permission: str) -> JobResults:
        """The results that a permission is for.

        Raises:
            ResultLinkExpired: when it is not valid.
        """
        job, document = self._permitted(connection, job_id, permission)
        return _job_results(job, document, make_items(job_id, document), permission, _expiry_of(permission))

    def find_item(self, connection: Connection, job_id: str, permission: str, item_id: str) -> JobResults:
        """The results that a permission is for, with one of their Items.

        Raises:
            ResultLinkExpired: when it is not valid.
            NotFound: when there is no such Item.
        """
        job, document = self._permitted(connection, job_id, permission)
        asset = document.asset(item_id)
        if asset is None or not is_described(asset):
            raise NotFound()
        return _job_results(job, document, [make_item(job_id, asset)], permission, _expiry_of(permission))

    def local_items(
        self, connection: Connection, storage: Storage, job_id: str, permission: str, scratch: Path
    ) -> list[dict[str, Any]]:
        """The Items of results that a permission is for, like those of the function `local_items`.

        Raises:
            ResultLinkExpired: when it is not valid.
            NotFound: when they are no longer kept.
        """
        job, document = self._permitted(connection, job_id, permission)
        return _with_local_paths(storage, job_id, job["published"], document, scratch)

    def open(
        self, connection: Connection, storage: Storage, job_id: str, permission: str, path: str
    ) -> StoredContent:
        """A file of the results that a permission is for.

        Raises:
            ResultLinkExpired: when it is not valid.
            NotFound: when there is no such file.
        """
        job, document = self._permitted(connection, job_id, permission)
        asset = document.asset(path)
        if asset is None:
            raise NotFound()
        content = StoredContent(
            storage,
            result_key(job_id, job["published"], asset.name),
            asset.name,
            asset.media_type,
            asset.size,
            datetime.fromisoformat(asset.modified),
            asset.checksum,
        )
        try:
            content.open()
        except FileNotFoundError as error:
            raise NotFound() from error
        return content

    def _permitted(self, connection: Connection, job_id: str, permission: str) -> tuple[store.Row, Document]:
        """The job's row and the run that a permission is for."""
        for run in _runs(connection, job_id):
            if self._signer.is_valid(_subject(job_id, run), permission):
                query = select(*_COLUMNS).where(jobs.c.id == job_id)
                job = connection.execute(query).first()
                document = _document(connection, job_id, run)
                if job is not None and document is not None:
                    return {**job._asdict(), "published": run}, document
        raise ResultLinkExpired()


def _runs(connection: Connection, job_id: str) -> Sequence[int]:
    """Runs of a job that have results: one, but for a moment."""
    if not store.is_job_id(job_id):
        return ()
    return connection.scalars(select(job_results.c.run).where(job_results.c.job_id == job_id)).all()


def _document(connection: Connection, job_id: str, run: int | None) -> Document | None:
    columns = job_results.c
    query = select(columns.document).where(columns.job_id == job_id, columns.run == run)
    stored = connection.scalar(query)
    return None if stored is None else Document.from_json(stored)


def _job_results(
    job: store.Row,
    document: Document,
    items: Sequence[dict[str, Any]],
    permission: str,
    expires: datetime,
) -> JobResults:
    collection = {**make_collection(job, document), "expires": rfc3339(expires)}
    return JobResults(collection, items, permission, expires)


def _subject(job_id: str, run: int) -> str:
    return f"{job_id}/{run}"


def _expiry_of(permission: str) -> datetime:
    """When a valid permission expires."""
    return datetime.fromtimestamp(int(permission.partition(".")[0], 16), UTC)
