"""Logs of batch jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connexeo.tools.conformance import logs
from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import Job, create_job, created_job, finished_job, may_process
from connexeo.tools.conformance.logs import Log, read_log
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE
from connexeo.tools.conformance.shapes import text
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Skipped, Violation
from connexeo.tools.conformance.workload import Graph, has, node, of, with_result

_LOGS = "GET /jobs/{job_id}/logs"
_JOBS = ("POST /jobs", "POST /jobs/{job_id}/results", "GET /jobs/{job_id}", _LOGS)
_SOURCE = f"openEO API, {_LOGS}"
_ENOUGH = 3
"""Entries that show what there is to see."""


def _inspecting() -> Graph:
    """Logs one entry of each level."""
    graph: Graph = {"sum": node("add", x=1, y=2)}
    for level in logs.LEVELS:
        graph[level] = node(
            "inspect",
            data=of(list(graph)[-1]),
            message=f"conformance {level}",
            code="Conformance",
            level=level,
        )
    return with_result(graph)


def inspected_job(backend: BackEnd) -> Job:
    """A job that has finished, and has written something of each level into its log.

    Raises:
        NotTestable: when the back-end cannot do that.
    """
    backend.need(*_JOBS)
    if not has(backend, "add", "inspect"):
        raise NotTestable("there is no process `inspect` that writes into the log")
    if not may_process(backend):
        raise Skipped("runs a batch job, which may cost something: allow it with --allow-costs")
    job = create_job(backend, _inspecting(), title=backend.name("inspected"), log_level="debug")
    answer = job.start()
    if not answer.ok or job.wait().get("status") != "finished":
        raise NotTestable("a job of `add` and `inspect` does not finish")
    return job


def inspected_log(backend: BackEnd) -> Log:
    """The log of that."""
    job = backend.once(inspected_job)
    return read_log(job.caller, f"{job.path}/logs")


def finished_log(backend: BackEnd) -> Log:
    """The log of a job that has finished."""
    job = backend.once(finished_job)
    return read_log(job.caller, f"{job.path}/logs")


def telling_log(backend: BackEnd) -> Log:
    """A log that has enough in it, as far as one can be had."""
    log = backend.once(finished_log)
    if len(log.entries) >= _ENOUGH and len({text(entry.get("level")) for entry in log.entries}) > 1:
        return log
    try:
        other = backend.once(inspected_log)
    except (NotTestable, Skipped):
        return log
    return other if len(other.entries) > len(log.entries) else log


@requirement(800, layer="jobs", operations=(_LOGS, "POST /jobs"), writes=True)
def for_users(backend: BackEnd) -> None:
    """The log of a job is there for its owner, even before it has started."""
    job = backend.once(created_job)
    read_log(job.caller, f"{job.path}/logs")


@check(
    "jobs.log-of-nothing",
    "A job that does not exist has no log",
    layer="jobs",
    source="openEO API, Error Handling",
    operations=(_LOGS,),
    account=True,
    mend="Look for the job before the log is written: answer 404 JobNotFound.",
)
def of_nothing(backend: BackEnd) -> Iterator[Violation]:
    """Unknown jobs are not found."""
    answer = backend.user.get(f"/jobs/{NOWHERE}/logs")
    if answer.ok:
        yield Violation("something that does not exist is answered with success, not 404", answer)


_RULES: dict[int, Callable[[Log], Iterator[Violation]]] = {
    802: logs.keeps_level,
    803: logs.keeps_limit,
    804: logs.has_arrays,
    805: logs.tells_level,
    806: logs.are_identified,
    807: logs.have_times,
    808: logs.are_short,
}


@requirement(
    _RULES, layer="jobs", operations=(_LOGS,), writes=True, costs=True,
    mend="Make the log as the openEO API describes it: entries from the oldest to the latest, each with `id`, "
    "`level`, `message` and `time`; `offset`, `level` and `limit` choose among them.",
)  # fmt: skip
def rules(backend: BackEnd, case: Callable[[Log], Iterator[Violation]]) -> Iterator[Violation]:
    """What logs must keep."""
    yield from case(backend.once(telling_log))


@requirement(
    801, layer="jobs", operations=(_LOGS,), writes=True, costs=True, severity=Severity.MAJOR,
    mend="Begin after the entry whose `id` is `offset`. Even back-ends without pages must do so.",
)  # fmt: skip
def offset(backend: BackEnd) -> Iterator[Violation]:
    """Clients that ask again get what is new."""
    yield from logs.keeps_offset(backend.once(telling_log))
