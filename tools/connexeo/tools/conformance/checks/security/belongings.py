"""Things of the user that checks try to get at in somebody else's name; made by the first who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from connexeo.tools.conformance import stored_files, stored_processes
from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import create_job, may_process
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.serving import create_service, created_service, service_types, settings
from connexeo.tools.conformance.verdicts import NotTestable, Skipped
from connexeo.tools.conformance.workload import addition, node, of, with_result, workload

CONTENT = b"belongs to somebody"

_SCOPES = ("scope", "access", "visibility")
"""What service types call the parameter that tells who may see a service."""


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


@dataclass(frozen=True, slots=True)
class Belonging:
    """One thing of the user."""

    backend: BackEnd
    template: str
    """``/jobs/{job_id}``."""
    path: str
    identifier: str
    attempts: tuple[Attempt, ...]
    """Requests that only its owner may make; those that change nothing come first."""
    key: str
    """The property of the list that has the entries."""
    name: str = "id"
    """The property of entries that has the identifier."""

    @property
    def listing(self) -> str:
        """The operation that lists things of this kind: ``GET /jobs``."""
        return f"GET {self.template.partition('/{')[0]}"

    def look(self) -> Exchange:
        """What its owner sees of it."""
        return self.backend.user.get(self.path)

    def offered(self) -> Iterator[Attempt]:
        """Attempts that the back-end has operations for."""
        return (each for each in self.attempts if self.backend.offers(each.name))


def _may_write(backend: BackEnd) -> None:
    if not backend.options.write:
        raise Skipped("creates something: allow it with --write")


def private_job(backend: BackEnd) -> Belonging:
    """A job that was never started."""
    job = create_job(backend, backend.once(workload).graph, title=backend.name("private job"))
    one = "/jobs/{job_id}"
    attempts = [
        Attempt(f"GET {one}", job.path),
        Attempt(f"GET {one}/estimate", f"{job.path}/estimate"),
        Attempt(f"GET {one}/logs", f"{job.path}/logs"),
        Attempt(f"GET {one}/results", f"{job.path}/results"),
        Attempt(f"PATCH {one}", job.path, {"title": "conformance: taken over"}),
        # It was never started: whoever may stop it changes nothing.
        Attempt(f"DELETE {one}/results", f"{job.path}/results"),
        Attempt(f"DELETE {one}", job.path),
    ]
    if may_process(backend):
        attempts.insert(5, Attempt(f"POST {one}/results", f"{job.path}/results"))
    return Belonging(backend, one, job.path, job.id, tuple(attempts), "jobs")


def private_file(backend: BackEnd) -> Belonging:
    """A file of a few bytes.

    Raises:
        NotTestable: when it is refused.
    """
    _may_write(backend)
    backend.need("PUT /files/{path}")
    name = stored_files.place(backend, "private.txt")
    path = stored_files.address(name)
    answer = stored_files.upload(backend, name, CONTENT)
    if not answer.ok:
        raise NotTestable(f"a file cannot be uploaded: HTTP {answer.status}")
    one = "/files/{path}"
    attempts = (Attempt(f"GET {one}", path), Attempt(f"DELETE {one}", path))
    return Belonging(backend, one, path, name, attempts, "files", "path")


def private_process(backend: BackEnd) -> Belonging:
    """A stored process.

    Raises:
        NotTestable: when it is refused.
    """
    _may_write(backend)
    backend.need("PUT /process_graphs/{process_graph_id}")
    name = backend.name("private")
    path = stored_processes.address(name)
    graph = with_result({"a": node("add", x=1, y=2), "b": node("add", x=of("a"), y=3)})
    process = {"process_graph": graph, "summary": "Belongs to the first user."}
    answer = stored_processes.send(backend, name, process)
    if not answer.ok:
        raise NotTestable(f"a process cannot be stored: HTTP {answer.status}")
    one = "/process_graphs/{process_graph_id}"
    attempts = (Attempt(f"GET {one}", path), Attempt(f"DELETE {one}", path))
    return Belonging(backend, one, path, name, attempts, "processes")


def private_service(backend: BackEnd) -> Belonging:
    """A service that is switched off, and for its owner only where that can be said."""
    first = backend.once(created_service)
    changes: dict[str, Any] = {"title": backend.name("private service")}
    for name, schema in settings(backend.once(service_types).get(first.type, {})).items():
        if name.lower() in _SCOPES and "private" in (schema.get("enum") or ()):
            changes["configuration"] = {**(first.given.get("configuration") or {}), name: "private"}
    service = create_service(backend, **changes)
    one = "/services/{service_id}"
    attempts = (
        Attempt(f"GET {one}", service.path),
        Attempt(f"GET {one}/logs", f"{service.path}/logs"),
        Attempt(f"PATCH {one}", service.path, {"title": "conformance: taken over"}),
        Attempt(f"DELETE {one}", service.path),
    )
    return Belonging(backend, one, service.path, service.id, attempts, "services")


KINDS: tuple[Callable[[BackEnd], Belonging], ...] = (
    private_job,
    private_file,
    private_process,
    private_service,
)
"""Makers of all kinds of things."""

REPLACEMENTS: dict[str, dict[str, Any]] = {
    "/files/{path}": {
        "content": b"of somebody else",
        "headers": stored_files.BINARY,
    },
    "/process_graphs/{process_graph_id}": {"json": {"process_graph": addition(5, 6)}},
}
"""What somebody else stores under the same name, by the path of the operation."""
