"""Batch jobs in memory, for tests of everything above the drivers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from connexeo.drivers.interface import JobFailed, JobResults, Json, LogPage, Page, User
from connexeo.generated.errors import (
    JobLocked,
    JobNotFinished,
    JobNotFound,
    JobNotStarted,
    NotFound,
    ResultLinkExpired,
)
from fake_lists import log_page, page_of

PERMISSION = "7fffffff.signed"
EXPIRES = datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)


@dataclass(frozen=True)
class FakeContent:
    """A file in memory."""

    name: str
    content: bytes
    media_type: str = "text/plain"
    modified: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    etag: str = "abc"
    path: Path | None = None

    @property
    def size(self) -> int:
        return len(self.content)

    async def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        for position in range(start, end, 4):
            yield self.content[position : min(position + 4, end)]


@dataclass
class FakeJobs:
    """Jobs by id, with their owners; ``j-done`` of alice is finished, ``j-bad`` has failed."""

    owners: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, dict[str, object]] = field(default_factory=dict)
    page_size: int = 1000
    """Most entries of a page without limit."""

    def __post_init__(self) -> None:
        for name in ("done", "bad", "new"):
            self._add(f"j-{name}", "alice", {"process": {"process_graph": {}}, "title": name})
        self.jobs["j-done"]["status"] = "finished"
        self.jobs["j-bad"]["status"] = "error"

    async def list_jobs(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        mine = [job for name, job in reversed(self.jobs.items()) if self.owners[name] == user.id]
        shown = [{key: value for key, value in job.items() if key != "process"} for job in mine]
        return page_of(shown, limit or self.page_size, offset)

    async def create_job(self, user: User, request: Json) -> str:
        job_id = f"j-{len(self.jobs)}"
        self._add(job_id, user.id, request)
        return job_id

    async def describe_job(self, user: User, job_id: str) -> Json:
        return self._find(user, job_id)

    async def update_job(self, user: User, job_id: str, changes: Json) -> None:
        job = self._find(user, job_id)
        if job["status"] == "queued":
            raise JobLocked()
        job.update(changes)

    async def delete_job(self, user: User, job_id: str) -> None:
        self._find(user, job_id)
        del self.jobs[job_id]

    async def estimate_job(self, user: User, job_id: str) -> Json:
        self._find(user, job_id)
        return {"duration": "PT5S", "size": 12}

    async def debug_job(
        self, user: User, job_id: str, *, limit: int | None, offset: str | None, level: str | None
    ) -> LogPage:
        self._find(user, job_id)
        return log_page(limit or self.page_size, offset, level)

    async def start_job(self, user: User, job_id: str) -> None:
        self._find(user, job_id)["status"] = "queued"

    async def stop_job(self, user: User, job_id: str) -> None:
        self._find(user, job_id)["status"] = "created"

    async def list_results(self, user: User, job_id: str, *, partial: bool) -> JobResults:
        job = self._find(user, job_id)
        if job["status"] == "error":
            raise JobFailed({"id": "7", "level": "error", "code": "DataCubeEmpty", "message": "no data"})
        if job["status"] == "created":
            raise JobNotStarted()
        if job["status"] == "queued" and not partial:
            raise JobNotFinished()
        return make_results(job_id)

    async def list_shared_results(self, job_id: str, permission: str) -> JobResults:
        self._check(job_id, permission)
        return make_results(job_id)

    async def describe_shared_item(self, job_id: str, permission: str, item_id: str) -> JobResults:
        self._check(job_id, permission)
        if item_id != "data":
            raise NotFound()
        return make_results(job_id)

    async def download_result(self, job_id: str, permission: str, path: str) -> FakeContent:
        self._check(job_id, permission)
        if path != "data.txt":
            raise NotFound()
        return FakeContent(path, b"0123456789")

    def _add(self, job_id: str, owner: str, request: Json) -> None:
        self.owners[job_id] = owner
        self.jobs[job_id] = {**request, "id": job_id, "status": "created", "created": "2026-01-02T03:04:05Z"}

    def _find(self, user: User, job_id: str) -> dict[str, object]:
        if job_id not in self.jobs or self.owners[job_id] != user.id:
            raise JobNotFound(identifier=job_id)
        return self.jobs[job_id]

    def _check(self, job_id: str, permission: str) -> None:
        if job_id not in self.jobs or permission != PERMISSION:
            raise ResultLinkExpired()


def make_results(job_id: str) -> JobResults:
    """A file with text, somewhere in June."""
    asset = {"href": "data.txt", "type": "text/plain", "title": "data.txt", "roles": ["data"]}
    collection = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": job_id,
        "description": "What the tests compute.",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[5.0, 51.0, 6.5, 52.0]]},
            "temporal": {"interval": [["2024-06-01T00:00:00Z", "2024-06-30T00:00:00Z"]]},
        },
        "created": "2026-01-02T03:04:05Z",
        "updated": "2026-01-02T03:05:05Z",
        "expires": "2038-01-19T03:14:07Z",
        "openeo:status": "finished",
        "assets": {"data.txt": asset},
    }
    item: dict[str, object] = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": "data",
        "collection": job_id,
        "geometry": None,
        "properties": {"datetime": "2024-06-01T00:00:00Z"},
        "assets": {"data.txt": asset},
    }
    return JobResults(collection, [item], PERMISSION, EXPIRES)
