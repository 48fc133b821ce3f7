"""Batch jobs of the tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from profiles.api import body, wait_for
from profiles.graphs import Graph, inspecting, load, node, of, process, save, with_result

ONE = "/jobs/{job_id}"
RESULTS = "/jobs/{job_id}/results"
ENDED = ("finished", "error", "canceled")

FOLLOWS = {
    "created": {"queued", "running"},
    "queued": {"running", "created", "finished", "error"},
    "running": {"finished", "error", "canceled", "created", "queued"},
    "canceled": {"queued", "running"},
    "error": {"queued", "running"},
    "finished": {"queued", "running"},
}
"""Status → those that may be seen next; whoever asks now and then may miss one."""


@dataclass
class Job:
    """A job, and the states that it was seen in."""

    client: httpx.Client
    id: str
    seen: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"/jobs/{self.id}"

    def describe(self) -> Any:
        """Its metadata."""
        described = body(self.client.get(self.path), ONE)
        if self.seen[-1:] != [described["status"]]:
            self.seen.append(described["status"])
        return described

    def start(self) -> None:
        """Put it into the queue."""
        answer = self.client.post(f"{self.path}/results")
        assert answer.status_code == 202, answer.text

    def cancel(self) -> None:
        """Take it from the queue or the worker."""
        answer = self.client.delete(f"{self.path}/results")
        assert answer.status_code == 204, answer.text

    def wait(self, *states: str) -> Any:
        """Its metadata as soon as it has one of these states, by default those in which a job ends."""
        wanted = states or ENDED

        def reached() -> Any:
            described = self.describe()
            return described if described["status"] in wanted else None

        return wait_for(reached, lambda: f"the job does not become {' or '.join(wanted)}, but {self.seen}")

    def logs(self, **query: Any) -> list[Any]:
        """Its log."""
        return list(body(self.client.get(f"{self.path}/logs", params=query), "/jobs/{job_id}/logs")["logs"])


def create(client: httpx.Client, graph: Graph, **properties: Any) -> Job:
    """A new job."""
    answer = client.post("/jobs", json=process(graph, **properties))
    assert answer.status_code == 201, answer.text
    return Job(client, answer.headers["openeo-identifier"])


def complete_graph() -> Graph:
    """Logs something, and saves a cube in two formats."""
    return with_result(
        {
            "load": load(),
            "look": node(
                "inspect", data=of("load"), message="what was loaded", code="Loaded", level="warning"
            ),
            "note": node("inspect", data=of("look"), message="a detail", level="debug"),
            "tell": node("inspect", data=of("note"), message="on the way", level="info"),
            "ndvi": node("ndvi", data=of("tell")),
            "raster": save("ndvi", "GTiff"),
            "file": save("ndvi", "netCDF"),
        }
    )


def tiny_graph() -> Graph:
    """Takes no time."""
    return inspecting()
