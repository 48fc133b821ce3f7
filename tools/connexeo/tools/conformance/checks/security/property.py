"""What belongs to one user cannot be seen, changed or removed by another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.batch import create_job, created_job, finished_job
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require
from connexeo.tools.conformance.workload import addition, node, of, process, with_result, workload

SOURCE = "openEO API, Authentication"
MEND = (
    "Look things up by their owner as well as by their identifier, and answer 404 as if they were not there."
)

CONTENT = b"belongs to somebody"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody tries with a thing of another user."""

    name: str
    """``GET /jobs/{job_id}``."""
    path: str
    json: Any = None

    @property
    def method(self) -> str:
        """HTTP method."""
        return self.name.partition(" ")[0]


def _try(
    backend: BackEnd, attempts: list[Attempt], still_there: Callable[[], Exchange]
) -> Iterator[Violation]:
    """All attempts, as the stranger; and whether the owner still has it as it was."""
    before = still_there()
    require(before.ok, f"the owner gets HTTP {before.status}", before)
    for attempt in attempts:
        if not backend.offers(attempt.name):
            continue
        answer = backend.stranger.request(attempt.method, attempt.path, json=attempt.json)
        if answer.ok and not (attempt.method == "DELETE" and _unchanged(before, still_there())):
            yield Violation(f"HTTP {answer.status} for another user", answer, place=attempt.name)
    after = still_there()
    if not _unchanged(before, after):
        yield Violation("another user has changed or removed it", after, place=after.name)


def _unchanged(before: Exchange, after: Exchange) -> bool:
    """Whether it is still there; status and times of a job may go on."""
    if not after.ok:
        return False
    if "json" not in before.media_type:
        return before.body == after.body
    old, new = before.json(), after.json()
    if not isinstance(old, dict) or not isinstance(new, dict):
        return bool(old == new)
    names = ("id", "title", "process", "process_graph", "description", "type", "enabled")
    return all(old.get(name) == new.get(name) for name in names)


@check(
    "security.foreign-job",
    "Nobody sees, changes, starts or removes a job of another user",
    layer="security",
    source=SOURCE,
    operations=("POST /jobs", "GET /jobs/{job_id}"),
    severity=Severity.CRITICAL,
    writes=True,
    stranger=True,
    mend=MEND,
)
def foreign_job(backend: BackEnd) -> Iterator[Violation]:
    """Every operation on a job, as somebody else."""
    job = create_job(backend, backend.once(workload).graph, title=backend.name("private job"))
    one = "/jobs/{job_id}"
    attempts = [
        Attempt(f"GET {one}", job.path),
        Attempt(f"GET {one}/estimate", f"{job.path}/estimate"),
        Attempt(f"GET {one}/logs", f"{job.path}/logs"),
        Attempt(f"GET {one}/results", f"{job.path}/results"),
        Attempt(f"PATCH {one}", job.path, {"title": "conformance: taken over"}),
        Attempt(f"POST {one}/results", f"{job.path}/results"),
        Attempt(f"DELETE {one}/results", f"{job.path}/results"),
        Attempt(f"DELETE {one}", job.path),
    ]
    yield from _try(backend, attempts, lambda: job.caller.get(job.path))
    yield from _listed(backend, "GET /jobs", "jobs", job.id)


@check(
    "security.foreign-results",
    "Nobody sees results or logs of another user's job",
    layer="security",
    source=SOURCE,
    operations=("GET /jobs/{job_id}/results",),
    severity=Severity.CRITICAL,
    writes=True,
    costs=True,
    stranger=True,
    mend=MEND,
)
def foreign_results(backend: BackEnd) -> Iterator[Violation]:
    """The results of a finished job, as somebody else."""
    job = backend.once(finished_job)
    one = "/jobs/{job_id}"
    for name, path in ((f"GET {one}/results", "results"), (f"GET {one}/logs", "logs")):
        if backend.offers(name):
            answer = backend.stranger.get(f"{job.path}/{path}")
            if answer.ok:
                yield Violation(f"HTTP {answer.status} for another user", answer, place=name)


@check(
    "security.foreign-file",
    "Nobody sees, changes or removes a file of another user",
    layer="security",
    source=SOURCE,
    operations=("PUT /files/{path}", "GET /files/{path}"),
    severity=Severity.CRITICAL,
    writes=True,
    stranger=True,
    mend=MEND,
)
def foreign_file(backend: BackEnd) -> Iterator[Violation]:
    """Download, overwrite, delete, as somebody else."""
    name = f"{backend.name('private')}.txt"
    backend.ledger.add("file", name, backend.user)
    answer = backend.user.put(
        f"/files/{name}", content=CONTENT, headers={"Content-Type": "application/octet-stream"}
    )
    if not answer.ok:
        raise NotTestable(f"a file cannot be uploaded: HTTP {answer.status}")
    attempts = [
        Attempt("GET /files/{path}", f"/files/{name}"),
        Attempt("DELETE /files/{path}", f"/files/{name}"),
    ]
    yield from _try(backend, attempts, lambda: backend.user.get(f"/files/{name}"))
    yield from _listed(backend, "GET /files", "files", name, "path")


@check(
    "security.foreign-process",
    "Nobody sees, changes or removes a stored process of another user",
    layer="security",
    source=SOURCE,
    operations=("PUT /process_graphs/{process_graph_id}", "GET /process_graphs/{process_graph_id}"),
    severity=Severity.CRITICAL,
    writes=True,
    stranger=True,
    mend=MEND,
)
def foreign_process(backend: BackEnd) -> Iterator[Violation]:
    """Describe, delete; and an own one of the same name, which must not touch the other's."""
    name = backend.name("private")
    path = f"/process_graphs/{name}"
    backend.ledger.add("process", name, backend.user)
    stored = {"process_graph": with_result({"a": node("add", x=1, y=2), "b": node("add", x=of("a"), y=3)})}
    answer = backend.user.put(path, {**stored, "summary": "Belongs to the first user."})
    if not answer.ok:
        raise NotTestable(f"a process cannot be stored: HTTP {answer.status}")
    one = "/process_graphs/{process_graph_id}"
    attempts = [Attempt(f"GET {one}", path), Attempt(f"DELETE {one}", path)]
    yield from _try(backend, attempts, lambda: backend.user.get(path))
    yield from _listed(backend, "GET /process_graphs", "processes", name)
    yield from _same_name(backend, path)


def _same_name(backend: BackEnd, path: str) -> Iterator[Violation]:
    """Names are free for each user: one stored by somebody else leaves the first as it is."""
    before = backend.user.get(path)
    answer = backend.stranger.put(path, {"process_graph": addition(5, 6)})
    after = backend.user.get(path)
    if answer.ok:
        backend.stranger.delete(path)
    if not _unchanged(before, after):
        yield Violation("a process of the same name of another user has replaced it", after)
    elif not backend.user.get(path).ok:
        yield Violation("removing a process of the same name of another user has removed it", after)


@check(
    "security.foreign-service",
    "Nobody sees, changes or removes a service of another user",
    layer="security",
    source=SOURCE,
    operations=("POST /services", "GET /services/{service_id}", "GET /service_types"),
    severity=Severity.CRITICAL,
    writes=True,
    stranger=True,
    mend=MEND,
)
def foreign_service(backend: BackEnd) -> Iterator[Violation]:
    """Every operation on a service, as somebody else."""
    types = backend.reader.get("/service_types").object()
    if not types:
        raise NotTestable("there is no type of service")
    body = process(
        backend.once(workload).graph,
        type=next(iter(types)),
        enabled=False,
        title=backend.name("private service"),
    )
    answer = backend.user.post("/services", body)
    identifier = answer.headers.get("openeo-identifier") if answer.ok else None
    if not identifier:
        raise NotTestable(f"a service cannot be created: HTTP {answer.status}")
    backend.ledger.add("service", identifier, backend.user)
    path = f"/services/{encoded(identifier)}"
    one = "/services/{service_id}"
    attempts = [
        Attempt(f"GET {one}", path),
        Attempt(f"GET {one}/logs", f"{path}/logs"),
        Attempt(f"PATCH {one}", path, {"title": "conformance: taken over"}),
        Attempt(f"DELETE {one}", path),
    ]
    yield from _try(backend, attempts, lambda: backend.user.get(path))
    yield from _listed(backend, "GET /services", "services", identifier)


def _listed(
    backend: BackEnd, operation: str, key: str, identifier: str, name: str = "id"
) -> Iterator[Violation]:
    if not backend.offers(operation):
        return
    answer = backend.stranger.get(operation.partition(" ")[2])
    entries = answer.object().get(key) if answer.ok else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get(name) == identifier:
            yield Violation("is in the list of another user", answer, place=operation)


@check(
    "security.closed-things",
    "What a user has created is not given to somebody without a token",
    layer="security",
    source=SOURCE,
    operations=("POST /jobs", "GET /jobs/{job_id}"),
    severity=Severity.CRITICAL,
    writes=True,
    mend=MEND,
)
def closed_things(backend: BackEnd) -> Iterator[Violation]:
    """A job that exists, without a token: what is not there is refused more easily than what is."""
    job = backend.once(created_job)
    one = "/jobs/{job_id}"
    for name, path in (
        (f"GET {one}", job.path),
        (f"GET {one}/logs", f"{job.path}/logs"),
        ("GET /jobs", "/jobs"),
    ):
        if backend.offers(name):
            for kind, token in (
                ("without a token", ""),
                ("with a wrong token", "basic//conformance-not-a-token"),
            ):
                answer = backend.anonymous.get(path, token=token)
                if answer.ok:
                    yield Violation(f"HTTP {answer.status} {kind}", answer, place=name)
