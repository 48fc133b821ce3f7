"""The life of batch jobs: waiting, running, ending, and being stopped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import (
    STATES,
    Job,
    create_job,
    created_job,
    finished_job,
    need_processing,
)
from connexeo.tools.conformance.billing import currency, paid_plan
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.extents import instant
from connexeo.tools.conformance.ordered import JOBS
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import object_of
from connexeo.tools.conformance.shapes import mapping, text
from connexeo.tools.conformance.verdicts import (
    NotApplicable,
    NotTestable,
    Severity,
    Violated,
    Violation,
    require,
)
from connexeo.tools.conformance.workload import workload

CREATE, ONE, CHANGE = JOBS.create, JOBS.describe, JOBS.edit
START = "POST /jobs/{job_id}/results"
CANCEL = "DELETE /jobs/{job_id}/results"

FOLLOWS = {
    "created": {"queued", "running", "finished", "error"},
    "queued": {"running", "finished", "error"},
    "running": {"finished", "error"},
    "finished": set[str](),
    "error": set[str](),
    "canceled": set[str](),
}
"""Status → those that may be seen next of a job that was started once and is left alone; some may be missed."""

_WAITING = frozenset({"queued", "running"})
_ATTEMPTS = 3
_BUDGET = 1e-9
"""Less than anything costs."""
_LOOKS = 3
"""How often the end of a job is looked at again."""

_RUN: dict[str, Any] = {"layer": "jobs", "operations": (CREATE, START, ONE), "writes": True, "costs": True}


def _started(backend: BackEnd, name: str) -> tuple[Job, Exchange]:
    """A new job, and the answer to its start."""
    need_processing(backend)
    job = create_job(backend, backend.once(workload).graph, title=backend.name(name))
    answer = job.start()
    said = f"HTTP {answer.status} {answer.code or ''}".rstrip()
    require(answer.ok, f"starting a job is refused with {said}", answer)
    return job, answer


def _status(job: Job) -> tuple[str, Exchange]:
    answer = job.answer()
    require(answer.ok, f"the metadata of a job are answered with HTTP {answer.status}", answer)
    return text(answer.object().get("status")), answer


@requirement(
    700, mend="Change the status of a job in the order of the API only, and leave it as it ended.", **_RUN
)
def order(backend: BackEnd) -> Iterator[Violation]:
    """The states that a job was seen in follow each other as they may, and the last one lasts."""
    job = backend.once(finished_job)
    for _ in range(_LOOKS):
        job.describe()
    for former, latter in pairwise(job.seen):
        if former in FOLLOWS and latter in STATES and latter not in FOLLOWS[former]:
            message = f"a job that nobody has touched becomes {latter} after it was {former}"
            yield Violation(message, job.answer())


@requirement(
    737, layer="jobs", operations=(CREATE, ONE), writes=True,
    mend="Do not start a job before `POST /jobs/{job_id}/results`.",
)  # fmt: skip
def waits(backend: BackEnd) -> Iterator[Violation]:
    """A new job has the status created, and keeps it until somebody starts it."""
    entry = backend.once(created_job).described()
    status = text(entry.value.get("status"))
    if status and status != "created":
        yield Violation("a job that nobody has started is not `created`", entry.evidence)
    elif isinstance(entry.value.get("started"), str):
        yield Violation("a job that nobody has started tells when it was `started`", entry.evidence)


@requirement(753, mend="Tell `plan`, `costs`, `budget` and `usage`.", **_RUN)
def costs(backend: BackEnd) -> Iterator[Violation]:
    """Where something has a price, users see what a job has cost."""
    if currency(backend) is None:
        raise NotApplicable("nothing has a price: the capabilities tell of no currency")
    entry = backend.once(finished_job).described()
    for key in ("plan", "costs"):
        if entry.value.get(key) is None:
            yield Violation(f"a finished job has no `{key}`", entry.evidence)
    value = entry.value.get("costs")
    if isinstance(value, int | float) and value < 0:
        yield Violation("`costs` are less than nothing", entry.evidence)


@requirement(754, mend="Tell the status as it is, and in `progress` how far the job is, in percent.", **_RUN)
def progress(backend: BackEnd) -> Iterator[Violation]:
    """A finished job is at 100 percent, one that waits at 0; times are in the order of events."""
    waiting = backend.once(created_job).answer()
    finished = backend.once(finished_job).answer()
    for answer, wanted, what in ((waiting, 0, "was never started"), (finished, 100, "has finished")):
        require(answer.ok, f"the metadata of a job are answered with HTTP {answer.status}", answer)
        told = answer.object().get("progress")
        if isinstance(told, int | float) and not isinstance(told, bool) and told != wanted:
            yield Violation(f"`progress` of a job that {what} is not {wanted}", answer)
    yield from _times(finished)


def _times(answer: Exchange) -> Iterator[Violation]:
    told = answer.object()
    times = {key: instant(text(told.get(key))) for key in ("created", "queued", "started", "updated")}
    known = [(key, each) for key, each in times.items() if each is not None]
    for (former, first), (latter, second) in pairwise(known):
        if second < first:
            message = f"`{latter}` of a finished job is before `{former}`"
            yield Violation(message, answer, severity=Severity.MINOR)


@requirement(850, **_RUN)
def start(backend: BackEnd) -> Iterator[Violation]:
    """The owner can start a job, which comes to an end."""
    job = backend.once(finished_job)
    if "finished" not in job.seen:
        yield Violation("a job that was started does not finish", job.answer())


@requirement(
    851,
    severity=Severity.MAJOR,
    mend="Answer 202 when the job is in the queue, and show that in its status; let a second start change nothing.",
    **_RUN,
)
def queued(backend: BackEnd) -> Iterator[Violation]:
    """A job that was started is not created any more, and a second start does not matter."""
    job, answer = _started(backend, "started twice")
    if answer.status != 202:
        message = f"the start of a job is answered with HTTP {answer.status}, not 202"
        yield Violation(message, answer, severity=Severity.MINOR)
    status, shown = _status(job)
    if status in {"created", "canceled"}:
        yield Violation(f"a job that was started is still {status}", shown, place=START)
        return
    if status in _WAITING:
        again = job.start()
        after, seen = _status(job)
        # Back-ends may refuse it as well; what counts is that the job goes on.
        if after in {"created", "canceled"}:
            yield Violation(f"a second start makes a job {after}", seen, place=START)
        elif again.status >= 500:
            yield Violation("a second start makes the server fail", again, severity=Severity.MINOR)


@requirement(852, **_RUN)
def payment(backend: BackEnd) -> Iterator[Violation]:
    """A job that costs more than its budget does not run."""
    plan = paid_plan(backend) if currency(backend) is not None else None
    if plan is None:
        raise NotApplicable("nothing has to be paid for: the capabilities tell of no paid plan")
    need_processing(backend)
    given: dict[str, Any] = {"plan": plan, "budget": _BUDGET, "title": backend.name("poor")}
    try:
        job = create_job(backend, backend.once(workload).graph, **given)
        finished = job.start().ok and _status(job)[0] != "created" and job.wait().get("status") == "finished"
    except Violated:
        # It is refused, or kept from running.
        return
    if not finished:
        return
    answer = job.answer()
    costs = mapping(object_of(answer)).get("costs")
    if not isinstance(costs, int | float):
        raise NotTestable("the job has finished, and its metadata do not tell what it has cost")
    if costs > _BUDGET:
        message = "a job has finished that costs more than its budget"
        yield Violation(message, answer, severity=Severity.MINOR)


@requirement(
    {890: "the stop", 891: "the end"},
    mend="Stop the job, then answer 204; it is `created` again, or `canceled` when there are partial results.",
    **{**_RUN, "operations": (CREATE, START, ONE, CANCEL)},
)
def cancel(backend: BackEnd, case: str) -> Iterator[Violation]:
    """A job that was stopped does not go on."""
    stopped = backend.once(stopped_job)
    if case == "the stop":
        if not stopped.answer.ok:
            message = f"stopping a job that waits or runs is refused with HTTP {stopped.answer.status}"
            yield Violation(message, stopped.answer)
        elif stopped.answer.status not in {202, 204}:
            message = f"stopping a job is answered with HTTP {stopped.answer.status}, not 204"
            yield Violation(message, stopped.answer, severity=Severity.MINOR)
        return
    if not stopped.answer.ok:
        raise NotTestable("builds on what failed: a job cannot be stopped")
    if stopped.status not in {"created", "canceled"}:
        message = "a job that was stopped goes on, and is neither created nor canceled"
        yield Violation(message, stopped.seen, place=CANCEL, severity=Severity.MAJOR)


class Stopped:
    """A job that was to be stopped while it waited or ran."""

    def __init__(self, answer: Exchange, status: str, seen: Exchange) -> None:
        self.answer = answer
        """To the request that it be stopped."""
        self.status = status
        """What it was afterwards."""
        self.seen = seen


def stopped_job(backend: BackEnd) -> Stopped:
    """A job, stopped as soon as it was started.

    Small ones may be finished before: that is tried some times.

    Raises:
        NotTestable: when all of them were.
    """
    for attempt in range(_ATTEMPTS):
        job, _ = _started(backend, f"to be stopped {attempt}")
        answer = job.cancel()
        status, seen = _status(job)
        if status in {"finished", "error"}:
            # It may have ended before the request came.
            continue
        if answer.ok and status in _WAITING:
            # A stop may take a moment; what was not stopped ends by itself.
            described = job.wait("created", "canceled", "finished", "error")
            status, seen = text(described.get("status")), job.answer()
        return Stopped(answer, status, seen)
    raise NotTestable("jobs end sooner than they could be stopped")


@check(
    "jobs.stop-waiting",
    "Stopping a job that was never started changes nothing",
    layer="jobs",
    source=f"openEO API, {CANCEL}",
    operations=(CREATE, CANCEL, ONE),
    writes=True,
    severity=Severity.MINOR,
    mend="Leave the job as it is.",
)
def stop_waiting(backend: BackEnd) -> Iterator[Violation]:
    """The job is created before and after."""
    job = create_job(backend, backend.once(workload).graph, title=backend.name("stopped early"))
    answer = job.cancel()
    status, seen = _status(job)
    if status and status != "created":
        yield Violation(f"a job that never ran is {status} after it was stopped", seen, place=CANCEL)
    elif answer.status >= 500:
        yield Violation("stopping a job that never ran makes the server fail", answer)


@check(
    "jobs.locked",
    "A job cannot be changed while it waits in the queue or runs",
    source=f"openEO API, {CHANGE}",
    severity=Severity.MAJOR,
    mend="Answer 400 JobLocked as long as the job is queued or running.",
    **{**_RUN, "operations": (CREATE, START, ONE, CHANGE)},
)
def locked(backend: BackEnd) -> Iterator[Violation]:
    """A change comes too late once the job was started."""
    for attempt in range(_ATTEMPTS):
        job, _ = _started(backend, f"locked {attempt}")
        answer = job.caller.patch(job.path, {"title": backend.name("too late")})
        status, _ = _status(job)
        if status not in _WAITING:
            # It may have ended before the change came.
            continue
        if answer.ok:
            yield Violation(f"a job is changed although it is {status}", answer, place=CHANGE)
        elif answer.status < 500 and answer.code != "JobLocked":
            message = "the error code for a change of a job that waits or runs is not JobLocked"
            yield Violation(message, answer, severity=Severity.MINOR)
        return
    raise NotTestable("jobs end sooner than they could be changed")
