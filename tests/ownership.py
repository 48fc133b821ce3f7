"""Which operations name a user's thing in their path, by the contract, and how to make such things.

A new operation of the contract is covered without anybody's doing as long as its path parameters have makers below.
Otherwise `uncovered` says what to add.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

METHODS = ("get", "put", "post", "patch", "delete")
_PARAMETER = re.compile(r"\{(\w+)\}")

GRAPH: dict[str, Any] = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
MAP_GRAPH: dict[str, Any] = {
    "load": {
        "process_id": "load_collection",
        "arguments": {
            "id": "sentinel-2-l2a-demo",
            "spatial_extent": None,
            "temporal_extent": ["2024-06-01", "2024-06-15"],
            "bands": ["B04"],
        },
    },
    "flat": {
        "process_id": "reduce_dimension",
        "arguments": {
            "data": {"from_node": "load"},
            "dimension": "t",
            "reducer": {
                "process_graph": {
                    "max": {
                        "process_id": "max",
                        "arguments": {"data": {"from_parameter": "data"}},
                        "result": True,
                    }
                }
            },
        },
    },
    "save": {
        "process_id": "save_result",
        "arguments": {"data": {"from_node": "flat"}, "format": "PNG"},
        "result": True,
    },
}


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    public: bool
    """Whether it answers without a token."""
    login: bool
    """Whether it takes credentials in place of a token."""
    takes_body: bool

    @property
    def parameters(self) -> list[str]:
        """Parameters of the path, in order."""
        return _PARAMETER.findall(self.path)

    @property
    def owned(self) -> bool:
        """Whether the path names a thing that belongs to whoever asks."""
        return bool(self.parameters) and not self.public and not self.login

    def url(self, values: Mapping[str, str]) -> str:
        """The path with these values."""
        return _PARAMETER.sub(lambda found: values[found[1]], self.path)

    def __str__(self) -> str:
        return self.id


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """All operations of a contract."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                security = operation.get("security", document.get("security", []))
                yield Operation(
                    operation["operationId"],
                    method.upper(),
                    path,
                    public=not security or {} in security,
                    login={"Basic": []} in security,
                    takes_body="requestBody" in operation,
                )


@dataclass(frozen=True)
class Thing:
    """Something that belongs to a user."""

    value: str
    """What identifies it in paths."""
    looks: tuple[str, ...]
    """Paths by which its owner sees it."""
    traces: tuple[str, ...] = field(default=())
    """Texts that nobody else may see; the identifier is one of them anyway."""


def make_job(client: httpx.Client) -> Thing:
    """A batch job that has finished."""
    title = f"job of {secrets.token_hex(8)}"
    answer = client.post("/jobs", json={"title": title, "process": {"process_graph": GRAPH}})
    assert answer.status_code == 201, answer.text
    job_id = answer.headers["OpenEO-Identifier"]
    started = client.post(f"/jobs/{job_id}/results")
    assert started.status_code == 202, started.text
    deadline = time.monotonic() + 90
    while (job := client.get(f"/jobs/{job_id}").json())["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, job
        time.sleep(0.1)
    assert job["status"] == "finished", client.get(f"/jobs/{job_id}/logs").text
    return Thing(job_id, (f"/jobs/{job_id}", f"/jobs/{job_id}/logs"), (title,))


def make_file(client: httpx.Client) -> Thing:
    """An uploaded file in a folder."""
    path, content = f"owned/{secrets.token_hex(8)}.txt", f"content {secrets.token_hex(8)}"
    answer = client.put(
        f"/files/{path}", content=content, headers={"Content-Type": "application/octet-stream"}
    )
    assert answer.status_code == 200, answer.text
    return Thing(path, (f"/files/{path}", "/files"), (content,))


def make_process(client: httpx.Client) -> Thing:
    """A stored process."""
    name, summary = f"owned_{secrets.token_hex(8)}", f"process of {secrets.token_hex(8)}"
    answer = client.put(f"/process_graphs/{name}", json={"process_graph": GRAPH, "summary": summary})
    assert answer.status_code == 200, answer.text
    return Thing(name, (f"/process_graphs/{name}", "/process_graphs"), (summary,))


def make_service(client: httpx.Client) -> Thing:
    """A web service that is enabled."""
    title = f"service of {secrets.token_hex(8)}"
    body = {"title": title, "type": "XYZ", "enabled": True, "process": {"process_graph": MAP_GRAPH}}
    answer = client.post("/services", json=body)
    assert answer.status_code == 201, answer.text
    service_id = answer.headers["OpenEO-Identifier"]
    return Thing(service_id, (f"/services/{service_id}", f"/services/{service_id}/logs"), (title,))


def make_log(client: httpx.Client) -> Thing:
    """The log of a synchronous computation."""
    message = f"message of {secrets.token_hex(8)}"
    look = {"process_id": "inspect", "arguments": {"data": 1, "message": message}, "result": True}
    answer = client.post("/result", json={"process": {"process_graph": {"look": look}}})
    assert answer.status_code == 200, answer.text
    log_id = answer.headers["OpenEO-Identifier"]
    return Thing(log_id, (f"/logs/{log_id}",), (message,))


MAKERS: dict[str, Callable[[httpx.Client], Thing]] = {
    "job_id": make_job,
    "path": make_file,
    "process_graph_id": make_process,
    "service_id": make_service,
    "log_id": make_log,
}
"""By path parameter."""

BODIES: dict[str, dict[str, Any]] = {
    "update-job": {"json": {"title": "Taken over"}},
    "update-service": {"json": {"title": "Taken over", "enabled": False}},
    "store-custom-process": {"json": {"process_graph": GRAPH, "summary": "Taken over"}},
    "upload-file": {"content": b"taken over", "headers": {"Content-Type": "application/octet-stream"}},
}
"""Arguments of valid requests, by operation."""

CHOSEN = frozenset({"path", "process_graph_id"})
"""Parameters whose values users choose, each in a space of their own: PUT makes a thing of whoever asks."""

PUBLIC: dict[str, str] = {
    "describe-collection": "collections belong to everybody",
    "list-collection-queryables": "collections belong to everybody",
    "list-shared-results": "a permission takes the place of the token",
    "describe-shared-item": "a permission takes the place of the token",
    "download-result": "a permission takes the place of the token",
    "describe-shared-process": "a permission takes the place of the token",
    "draw-xyz-tile": "an enabled service is published; its id cannot be guessed",
    "describe-xyz-tiles": "an enabled service is published; its id cannot be guessed",
    "query-wmts": "an enabled service is published; its id cannot be guessed",
    "describe-wmts": "an enabled service is published; its id cannot be guessed",
    "draw-wmts-tile": "an enabled service is published; its id cannot be guessed",
}
"""Operations whose path names something and that ask for no token, with the reason."""


def uncovered(known: Iterable[Operation]) -> list[str]:
    """What is missing here, so that all operations are covered."""
    missing = []
    for operation in known:
        if operation.parameters and operation.public:
            if operation.id not in PUBLIC:
                missing.append(
                    f"{operation.id} names a thing and needs no token: give the reason in ownership.PUBLIC"
                )
            continue
        if operation.owned and operation.parameters[0] not in MAKERS:
            missing.append(
                f"{operation.id}: add a maker for {{{operation.parameters[0]}}} to ownership.MAKERS"
            )
        if len(operation.parameters) > 1:
            missing.append(f"{operation.id}: say in ownership how to fill {operation.parameters[1:]}")
        if operation.owned and operation.takes_body and operation.id not in BODIES:
            missing.append(f"{operation.id}: add a valid request to ownership.BODIES")
    return missing


def unknown(value: str) -> str:
    """An identifier of the same form that nothing has."""
    digits = "".join("1" if character == "0" else "0" for character in value[-12:] if character.isalnum())
    return value[:-12] + digits
