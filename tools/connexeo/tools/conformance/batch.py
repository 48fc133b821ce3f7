"""Batch jobs that checks make: created, started, watched, and removed in the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connexeo.tools.conformance.answer import created_name
from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.caller import Caller
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.resources import Entry
from connexeo.tools.conformance.shapes import text
from connexeo.tools.conformance.verdicts import Skipped, require
from connexeo.tools.conformance.workload import Graph, process, workload

STATES = frozenset({"created", "queued", "running", "canceled", "finished", "error"})
ENDED = frozenset({"finished", "error", "canceled"})


@dataclass(slots=True)
class Job:
    """A job, with all that was seen of it."""

    backend: BackEnd
    caller: Caller
    id: str
    creation: Exchange
    given: Mapping[str, Any]
    """The body of the request."""
    seen: list[str] = field(default_factory=list)
    """Each status, when it was another one than before."""

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"/jobs/{encoded(self.id)}"

    def answer(self) -> Exchange:
        """Ask for its metadata."""
        answer = self.caller.get(self.path)
        status = answer.object().get("status") if answer.ok else None
        if isinstance(status, str) and self.seen[-1:] != [status]:
            self.seen.append(status)
        return answer

    def described(self) -> Entry:
        """Its metadata, with the answer they came in.

        Raises:
            Violated: when it is not there.
        """
        answer = self.answer()
        require(answer.ok, f"the metadata of the job are answered with HTTP {answer.status}", answer)
        return Entry(answer.object(), answer)

    def describe(self) -> Mapping[str, Any]:
        """Its metadata.

        Raises:
            Violated: when it is not there.
        """
        return self.described().value

    def change(self, **properties: Any) -> Exchange:
        """Change properties of it."""
        return self.caller.patch(self.path, properties)

    def start(self) -> Exchange:
        """Ask for it to be queued."""
        return self.caller.post(f"{self.path}/results")

    def cancel(self) -> Exchange:
        """Ask for it to be stopped."""
        return self.caller.delete(f"{self.path}/results")

    def delete(self) -> Exchange:
        """Remove it."""
        answer = self.caller.delete(self.path)
        if answer.status in {200, 202, 204}:
            self.backend.ledger.forget("job", self.id)
        return answer

    def wait(self, *states: str) -> Mapping[str, Any]:
        """Its metadata as soon as it has one of these states, by default those in which a job ends.

        Raises:
            Violated: when it does not come to that in the time that jobs may take.
        """
        wanted = frozenset(states) or ENDED
        deadline = time.monotonic() + min(
            self.backend.options.job_timeout, max(1.0, self.backend.budget.left)
        )
        pause = 0.1
        while True:
            entry = self.described()
            described = entry.value
            status = text(described.get("status"))
            if status in wanted:
                return described
            over = time.monotonic() > deadline or (status in ENDED and not wanted & {"created", "queued"})
            require(
                not over,
                f"the job does not become {' or '.join(sorted(wanted))}, but {' → '.join(self.seen) or 'nothing'}",
                entry.exchange,
            )
            time.sleep(pause)
            pause = min(pause * 1.4, 5.0)


def create_job(backend: BackEnd, graph: Graph, caller: Caller | None = None, **properties: Any) -> Job:
    """A new job, which is removed in the end.

    Raises:
        Skipped: when nothing may be created.
        Violated: when the back-end refuses it, or does not say what it is called.
    """
    if not backend.options.write:
        raise Skipped("creates a batch job: allow it with --write")
    backend.need("POST /jobs")
    owner = caller or backend.user
    given = process(graph, **{"title": backend.name("job"), **properties})
    answer = owner.post("/jobs", given)
    identifier = created_name(answer.headers)
    require(answer.ok, f"a job is refused with HTTP {answer.status} {answer.code or ''}".rstrip(), answer)
    require(identifier, "neither OpenEO-Identifier nor Location tells what the new job is called", answer)
    return Job(backend, owner, str(identifier), answer, given)


def created_job(backend: BackEnd) -> Job:
    """A job that is never started; checks must leave it as it is."""
    return create_job(backend, backend.once(workload).graph, title=backend.name("created"))


def finished_job(backend: BackEnd) -> Job:
    """A job that has finished, started by the first who asks; checks must leave it as it is.

    Raises:
        Skipped: when jobs may cost something.
        Violated: when it does not finish.
    """
    backend.need("POST /jobs/{job_id}/results", "GET /jobs/{job_id}")
    if not may_process(backend):
        raise Skipped("runs a batch job, which may cost something: allow it with --allow-costs")
    job = create_job(
        backend,
        backend.once(workload).graph,
        title=backend.name("finished"),
        description="Made by a *conformance* test.",
    )
    job.describe()
    answer = job.start()
    require(
        answer.ok,
        f"starting a job is refused with HTTP {answer.status} {answer.code or ''}".rstrip(),
        answer,
    )
    described = job.wait()
    require(
        described.get("status") == "finished",
        f"a job of a few pixels ends with the status {described.get('status')}",
        job.caller.get(f"{job.path}/logs") if backend.offers("GET /jobs/{job_id}/logs") else job.answer(),
        mend="See the log of the job. When the process is not one for this back-end give another one by "
        "--process-graph or --collection.",
    )
    return job


def may_process(backend: BackEnd) -> bool:
    """Whether processing costs nothing, or may."""
    billing = backend.capabilities.get("billing")
    prices = isinstance(billing, dict) and billing.get("currency") is not None
    return backend.options.allow_costs or not prices


def need_processing(backend: BackEnd) -> None:
    """End the check unless processing costs nothing or may.

    Raises:
        Skipped: otherwise.
    """
    if not may_process(backend):
        raise Skipped("may cost something: allow it with --allow-costs")
