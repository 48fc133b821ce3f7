"""Requests that must be refused: made for each operation, at things that cannot exist."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connexeo.tools.conformance.answer import created_name
from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.caller import Caller
from connexeo.tools.conformance.contract import Operation
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.verdicts import NotApplicable
from connexeo.tools.conformance.workload import addition, process

NOBODY = "conformance-does-not-exist"
"""Identifier of nothing."""

NOTHING = "conformance_does_not_exist"
"""Identifier of nothing where no hyphens are allowed."""

_CREATES = {"POST /jobs": "job", "POST /services": "service"}
"""Operation → kind of what it creates under a name that only the answer tells."""

_READ_FIRST = ("GET /me", "GET /jobs", "GET /process_graphs", "GET /files", "GET /services")


@dataclass(frozen=True, slots=True)
class Probe:
    """A request of one operation."""

    name: str
    """``GET /jobs/{job_id}``."""
    method: str
    path: str
    json: Any = None
    content: bytes | None = None

    @property
    def about_one(self) -> bool:
        """Whether it is about one thing, which does not exist."""
        return "{" in self.name

    def send(self, caller: Caller, token: str | None = None) -> Exchange:
        """Send it in somebody's name, or with this token."""
        return caller.request(self.method, self.path, json=self.json, content=self.content, token=token)


def intrude(backend: BackEnd, probe: Probe, token: str | None = None) -> Exchange:
    """Send it without an account, or with a token that is none; what is created all the same is removed at once.

    The ledger could not remove it: it knows no such token.
    """
    answer = probe.send(backend.anonymous, token)
    kind = _CREATES.get(probe.name)
    identifier = created_name(answer.headers) if kind else None
    if answer.ok and probe.method == "PUT":
        backend.anonymous.delete(probe.path, token=token)
    elif answer.ok and kind and identifier:
        gone = backend.anonymous.delete(f"{probe.path}/{encoded(identifier)}", token=token)
        if gone.ok or gone.status == 404:
            backend.ledger.forget(kind, identifier)
    return answer


def closed_operations(backend: BackEnd) -> list[Probe]:
    """A request for each operation that the back-end offers and that needs a token."""
    return [
        probe_of(operation)
        for operation in backend.contract.operations
        if operation.secured and backend.offers(operation.name)
    ]


def probe_of(operation: Operation) -> Probe:
    """A request that would be understood, at something that does not exist."""
    nothing = NOTHING if "process_graph" in operation.path else NOBODY
    path = re.sub(r"\{[^}]*\}", nothing, operation.path)
    json: Any = None
    content: bytes | None = None
    if operation.method in {"POST", "PUT", "PATCH"}:
        json, content = _body(operation)
    return Probe(operation.name, operation.method, path, json, content)


def _body(operation: Operation) -> tuple[Any, bytes | None]:
    request = operation.node.get("requestBody")
    if request is None:
        return None, None
    if "application/json" not in request.get("content", {"application/json": {}}):
        return None, b"conformance"
    if operation.path.startswith("/process_graphs"):
        return {"process_graph": addition()}, None
    if operation.method == "PATCH":
        return {"title": "conformance"}, None
    if operation.path == "/services":
        return process(addition(), type="XYZ", enabled=False), None
    return process(addition()), None


def private_reading(backend: BackEnd) -> Probe:
    """One operation that reads something private, and is offered.

    Raises:
        NotApplicable: when there is none.
    """
    for name in _READ_FIRST:
        operation = backend.contract.operation(name)
        if operation is not None and backend.offers(name):
            return probe_of(operation)
    raise NotApplicable("nothing that is offered needs a token")
