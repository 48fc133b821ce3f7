"""Processes that checks store, removed in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.listing import Listing
from connexeo.tools.conformance.verdicts import NotTestable, require
from connexeo.tools.conformance.workload import Graph, addition, has

PROCESSES = Listing("/process_graphs", "processes")

_ONE = "/process_graphs/{process_graph_id}"
READ, WRITE, DELETE = f"GET {_ONE}", f"PUT {_ONE}", f"DELETE {_ONE}"

PARAMETER = {
    "name": "x",
    "description": "Depth of snow, in metres.",
    "schema": {"type": "number", "minimum": 0},
    "optional": True,
    "default": 1.5,
}


def address(name: str) -> str:
    """Where a process is in the API."""
    return f"/process_graphs/{encoded(name)}"


def graph(y: float = 1) -> Graph:
    """A small graph with a parameter.

    It adds, as every back-end can.
    """
    return addition({"from_parameter": "x"}, y)


def full() -> dict[str, Any]:
    """A process of which everything is told."""
    return {
        "summary": "Deeper snow",
        "description": "Adds *one metre* of snow.",
        "categories": ["snow", "math"],
        "parameters": [PARAMETER],
        "returns": {"description": "The depth then.", "schema": {"type": "number"}},
        "deprecated": False,
        "experimental": True,
        "exceptions": {"TooDeep": {"message": "It is too deep.", "http": 400}},
        "examples": [{"title": "Two metres", "arguments": {"x": 1}, "returns": 2}],
        "links": [{"rel": "about", "href": "https://conformance.example/snow", "title": "About snow"}],
        "process_graph": graph(),
    }


def send(backend: BackEnd, name: str, process: Any) -> Exchange:
    """Ask for a process of this run to be stored; it is removed in the end."""
    backend.ledger.add("process", name, backend.user)
    answer = backend.user.put(address(name), process)
    if 400 <= answer.status < 500:
        backend.ledger.forget("process", name)
    return answer


def store(backend: BackEnd, name: str, process: Mapping[str, Any]) -> Exchange:
    """The same, for those who need the process.

    Raises:
        NotTestable: when there is no `add` to make it of.
        Violated: when it is not stored.
    """
    if not has(backend, "add"):
        raise NotTestable("there is no process `add`, of which a small graph could be made")
    answer = send(backend, name, process)
    require(
        answer.ok,
        f"a valid process is answered with HTTP {answer.status} {answer.code or ''}".strip(),
        answer,
    )
    return answer


def described(backend: BackEnd, name: str) -> tuple[dict[str, Any], Exchange]:
    """What is told of a process that is stored.

    Raises:
        Violated: when it is not there.
    """
    answer = backend.user.get(address(name))
    require(answer.ok, f"a process that was stored is answered with HTTP {answer.status}", answer)
    return answer.object(), answer


def remove(backend: BackEnd, name: str) -> Exchange:
    """Remove a process of this run."""
    answer = backend.user.delete(address(name))
    if answer.ok and backend.offers(READ) and backend.user.get(address(name)).status in {404, 410}:
        backend.ledger.forget("process", name)
    return answer


def plain_processes(backend: BackEnd) -> list[str]:
    """Names of three processes that stay for the whole run: one that tells all of itself, two that tell nothing."""
    backend.need(WRITE)
    names = [backend.name(what) for what in ("full", "plain", "other")]
    for name in names:
        store(backend, name, full() if name == names[0] else {"process_graph": addition()})
    return names


def prepared(backend: BackEnd) -> list[str]:
    """The same as far as processes may be stored: lists are to have something in them."""
    if backend.options.write and backend.offers(WRITE):
        return backend.once(plain_processes)
    return []
