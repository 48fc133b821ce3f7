"""A federation of two back-ends that have a collection each, as users of the Python client see it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openeo.rest.connection import connect

from federation.harness import PASSWORD, FrontEnd
from federation.proxy import FaultProxy
from oidc_issuer import OidcIssuer
from served import Server, StartServer, children

Wait = Callable[[Callable[[], object], str], None]


@dataclass
class Federation:
    """A front-end, and the two back-ends behind it."""

    alps: Server
    """Has the collection of Sentinel-2."""
    coast: Server
    """Has that of the climate; it must not load from its own network."""
    proxy: FaultProxy
    """In front of the coast."""
    issuer: OidcIssuer
    """That all three know."""
    front_end: FrontEnd
    start_server: StartServer
    folder: Path
    """For downloads."""
    kept: dict[str, Any] = field(default_factory=dict)

    def connection(self) -> Any:
        """Of a user; the client has few types."""
        return self._connected(self.front_end.url, "ana", PASSWORD)

    def warm_up(self, wait_until: Wait) -> None:
        """Let the coast have a process that waits for jobs."""
        if not computing(self.coast):
            graph = {"one": {"process_id": "add", "arguments": {"x": 0, "y": 1}, "result": True}}
            job = self.directly("coast").create_job(graph, title="first")
            job.start()
            run(job, wait_until)
            job.delete()

    def directly(self, name: str) -> Any:
        """A connection to a back-end itself."""
        return self._connected(getattr(self, name).url, "demo", "demo")

    def parts(self, job: Any) -> dict[str, list[dict[str, Any]]]:
        """Jobs of a split job that there are at each back-end."""
        marker = job.job_id.partition("~")[2]
        return {
            name: [each for each in self.directly(name).list_jobs() if marker in each.get("title", "")]
            for name in ("alps", "coast")
        }

    def status_at(self, name: str, job: Any) -> str | None:
        """What a back-end says of the only part of a job that it has, if there is one."""
        found = self.parts(job)[name]
        assert len(found) <= 1
        return found[0]["status"] if found else None

    def kill(self) -> None:
        """End all processes of the front-end, so that none of them notices."""
        process = self.front_end.server.process
        tree = descendants(process.pid)
        for each in (*tree, process.pid):
            os.kill(each, signal.SIGKILL)
        process.wait()

    def start_again(self) -> None:
        """Start the front-end on the same data, at the same address."""
        old = self.front_end
        port = urlsplit(old.url).port
        server = self.start_server("--config", str(old.config), data=old.server.data, port=port, workers=1)
        self.front_end = FrontEnd(server, old.config)

    def _connected(self, url: str, username: str, password: str) -> Any:
        if url not in self.kept:
            self.kept[url] = connect(url, auto_validate=False)
            self.kept[url].authenticate_basic(username, password)
        return self.kept[url]


def descendants(parent: int) -> list[int]:
    """Process ids of all that a process has started, directly or not."""
    return [each for child in children(parent) for each in (child, *descendants(child))]


def computing(server: Server) -> list[int]:
    """Processes that compute the jobs of a back-end, or wait for the next one."""
    return [each for worker in server.job_workers() for each in descendants(worker)]


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """The next job of a back-end, which must have had one before, starts and goes no further."""
    stopped = computing(server)
    assert stopped
    for each in stopped:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in stopped:
            os.kill(each, signal.SIGCONT)


def run(job: Any, wait_until: Wait) -> Any:
    """Wait until a job has ended, which must be well."""
    wait_until(lambda: job.status() not in ("created", "queued", "running"), "the job does not end")
    assert job.status() == "finished", [each["message"] for each in job.logs()]
    return job.get_results()
