"""Back-ends in this process, spoken to by HTTP, that can be cut off before or after any request."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from connexeo.drivers.federation.connection import Connection
from connexeo.drivers.federation.faults import Unreachable
from connexeo.drivers.interface import User
from connexeo.settings import Federation, Upstream


class Crash(BaseException):
    """The process that asks has been killed."""


@dataclass
class FakeUpstream:
    """Has jobs that are finished as soon as somebody asks for the second time, unless told otherwise."""

    name: str
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    """Status and error code of the jobs that end next."""
    made: int = 0
    blamed: str | None = None
    """Node that failed jobs name in their logs."""
    expired: bool = False
    """Whether signed addresses are not accepted."""
    endless: bool = False
    signs: bool = True
    refusal: tuple[int, str] | None = None
    """Answer to new jobs."""
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Answers to requests for jobs: method and what follows the identifier, such as ``get_results``, or ``get_job``."""
    offline: bool = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.offline:
            raise httpx.ConnectError("offline")
        path = request.url.path.removeprefix("/api")
        if path == "/jobs":
            return self._create(request) if request.method == "POST" else self._list(request)
        if not path.startswith("/jobs/"):
            return httpx.Response(403 if self.expired else 200, json={})
        job_id, _, below = path.removeprefix("/jobs/").partition("/")
        if job_id not in self.jobs:
            return httpx.Response(404, json={"code": "JobNotFound", "message": "none"})
        method = f"{request.method.lower()}_{below or 'job'}"
        if method in self.refusals:
            status, code = self.refusals[method]
            return httpx.Response(status, json={"code": code, "message": "no"} if code else {})
        answer: httpx.Response = getattr(self, f"_{method}")(job_id)
        return answer

    def _create(self, request: httpx.Request) -> httpx.Response:
        if self.refusal is not None:
            status, code = self.refusal
            return httpx.Response(status, json={"code": code, "message": "no"})
        self.made += 1
        job_id = f"{self.name}{self.made}"
        body = json.loads(request.content)
        self.jobs[job_id] = {**body, "id": job_id, "status": "created", "asked": 0, "logs": []}
        return httpx.Response(201, headers={"OpenEO-Identifier": job_id})

    def _list(self, request: httpx.Request) -> httpx.Response:
        limit, start = (int(request.url.params.get(name, 0)) for name in ("limit", "offset"))
        listed = [
            {"id": key, "title": job["title"], "status": job["status"], "created": "2026-01-01T00:00:00Z"}
            for key, job in list(self.jobs.items())[start:]
        ]
        links = []
        if 0 < limit < len(listed):
            href = f"https://{self.name}.example/api/jobs?limit={limit}&offset={start + limit}"
            links.append({"rel": "next", "href": href})
        return httpx.Response(200, json={"jobs": listed[: limit or None], "links": links})

    def _get_job(self, job_id: str) -> httpx.Response:
        job = self.jobs[job_id]
        if job["status"] == "running" and not self.endless:
            job["status"], code = self.outcomes.pop(0) if self.outcomes else ("finished", "")
            if code:
                path = [{"node_id": self.blamed}] if self.blamed is not None else []
                entry = {"id": "2", "level": "error", "message": "broken", "code": code, "path": path}
                job["logs"].append(entry)
        elif job["status"] == "queued":
            job["status"] = "running"
            job["logs"].append({"id": "1", "level": "info", "message": "starts"})
        return httpx.Response(200, json={**job, "progress": 40})

    def _delete_job(self, job_id: str) -> httpx.Response:
        del self.jobs[job_id]
        return httpx.Response(204)

    def _post_results(self, job_id: str) -> httpx.Response:
        self.started.append(job_id)
        self.jobs[job_id]["status"] = "queued"
        return httpx.Response(202)

    def _delete_results(self, job_id: str) -> httpx.Response:
        self.jobs[job_id]["status"] = "canceled"
        return httpx.Response(204)

    def _get_results(self, job_id: str) -> httpx.Response:
        links = [{"rel": "canonical", "href": f"https://{self.name}.example/{job_id}?signed"}]
        asset = {"href": f"https://{self.name}.example/{job_id}.tif"}
        document = {"id": job_id, "title": "x", "assets": {"a": asset}, "links": links if self.signs else []}
        return httpx.Response(200, json=document)

    def _get_logs(self, job_id: str) -> httpx.Response:
        return httpx.Response(200, json={"logs": self.jobs[job_id]["logs"], "links": []})

    def _get_estimate(self, job_id: str) -> httpx.Response:
        return httpx.Response(200, json={"costs": 2, "duration": "PT1H30S", "size": 10})


class FakeMembers:
    """Whoever has a fake is configured."""

    def __init__(self, federation: Federation) -> None:
        self.federation = federation
        self.ids = federation.order

    def upstream(self, identifier: str) -> Upstream | None:
        return self.federation.upstream(identifier)


class FakeAsking:
    """Implements what split jobs use of `Asking`; requests are counted, and can be cut off."""

    def __init__(self, *upstreams: FakeUpstream) -> None:
        self.upstreams = {each.name: each for each in upstreams}
        settings = [{"id": each.name, "url": f"https://{each.name}.example/api"} for each in upstreams]
        self.members = FakeMembers(Federation.model_validate({"upstreams": settings}))
        self.requests = 0
        self.cut: tuple[int, str] | None = None
        self.users: list[User] = []

    async def one(
        self,
        user: User,
        sort: str,
        ask: Callable[[Connection, str, float], Awaitable[Any]],
        upstream: str,
        deadline: float | None = None,
        **_: bool,
    ) -> Any:
        self.users.append(user)
        configured = self.members.upstream(upstream)
        assert configured is not None
        connection = Connection(configured.model_copy(update={"retries": 0}))
        async with httpx.AsyncClient(transport=httpx.MockTransport(self._handle)) as client:
            connection._client = client
            return await ask(connection, "Bearer x", 5.0)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        cut = self.cut[1] if self.cut is not None and self.cut[0] == self.requests else None
        if cut == "before":
            raise Crash
        answer = self.upstreams[request.url.host.partition(".")[0]].answer(request)
        if cut == "after":
            raise Crash
        if cut == "lost":
            raise httpx.ReadError("lost")
        return answer


__all__ = ["Crash", "FakeAsking", "FakeUpstream", "Unreachable"]
