"""Metadata of batch jobs, what can be changed of them, and their end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import Job, create_job, created_job, finished_job
from connexeo.tools.conformance.billing import currency
from connexeo.tools.conformance.checks.job_creation import FURTHER, described, metadata
from connexeo.tools.conformance.checks.jobs import CREATE, LIST, ONE, ids_of
from connexeo.tools.conformance.checks.service_creation import (
    faults_of_billing,
    faulty_processes,
    need_plan,
    process_fault,
)
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import Entry
from connexeo.tools.conformance.shapes import listed, mapping, text
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation, require
from connexeo.tools.conformance.workload import workload

CHANGE = "PATCH /jobs/{job_id}"
DELETE = "DELETE /jobs/{job_id}"

_DESCRIBED: dict[str, Any] = {"layer": "jobs", "operations": (CREATE, ONE), "writes": True}
_CHANGED: dict[str, Any] = {"layer": "jobs", "operations": (CREATE, ONE, CHANGE), "writes": True}


def change(job: Job, **properties: Any) -> Entry:
    """The metadata after a change.

    Raises:
        Violated: when it is refused.
    """
    answer = job.caller.patch(job.path, properties)
    said = f"HTTP {answer.status} {answer.code or ''}".rstrip()
    require(
        answer.ok, f"a change of {listed(f'`{key}`' for key in properties)} is refused with {said}", answer
    )
    return _now(job)


def _now(job: Job) -> Entry:
    answer = job.answer()
    require(answer.ok, f"the metadata of a job are answered with HTTP {answer.status}", answer)
    return Entry(answer.object(), answer)


def _new(backend: BackEnd, **properties: Any) -> Job:
    return create_job(backend, backend.once(workload).graph, **properties)


def takes_changes(backend: BackEnd) -> bool:
    """Whether a new title or description shows in the metadata: where nothing can be changed, one finding says so."""
    backend.need(CREATE, ONE, CHANGE)
    given = {"title": backend.name("other title"), "description": "It was changed."}
    job = _new(backend)
    answer = job.caller.patch(job.path, given)
    kept = _now(job).value
    return answer.ok and any(kept.get(key) == value for key, value in given.items())


def _changeable(backend: BackEnd, **properties: Any) -> Job:
    """A job to be changed.

    Raises:
        NotTestable: when nothing can be changed at all.
    """
    if not backend.once(takes_changes):
        raise NotTestable("builds on what failed: not even title and description can be changed")
    return _new(backend, **properties)


def _differs(entry: Entry, key: str, wanted: Any) -> Iterator[Violation]:
    if entry.value.get(key) != wanted:
        told = entry.value.get(key, "missing")
        yield Violation(f"`{key}` is {told}, not {wanted} as it was given", entry.evidence, place=CHANGE)


@requirement(750, **_DESCRIBED)
def for_users(backend: BackEnd) -> Iterator[Violation]:
    """The owner gets the metadata of the very job."""
    entry = metadata(backend)
    if entry.id != backend.once(created_job).id:
        yield Violation("the metadata have the `id` of another job", entry.evidence)


@requirement(751, mend="Add what is missing.", **_DESCRIBED)
def members(backend: BackEnd) -> Iterator[Violation]:
    """Clients know what the job does, and how far it is."""
    entry = metadata(backend)
    for key in ("id", "process", "status", "created"):
        if entry.value.get(key) is None:
            yield Violation(f"there is no `{key}`", entry.evidence)
    if isinstance(entry.value.get("process"), dict):
        graph = mapping(mapping(entry.value.get("process")).get("process_graph"))
        if not graph:
            yield Violation("`process` has no process graph", entry.evidence)


@requirement(752, mend="Keep title and description.", **_DESCRIBED)
def titles(backend: BackEnd) -> Iterator[Violation]:
    """Title and description are there when they were given."""
    entry = described(backend, title=backend.name("shown"), description="It is shown.")
    for key in ("title", "description"):
        if not text(entry.value.get(key)):
            yield Violation(f"there is no {key}, although one was given", entry.evidence)


@requirement(753, mend="Tell `plan`, `costs`, `budget` and `usage`.", costs=True, **_DESCRIBED)
def costs(backend: BackEnd) -> Iterator[Violation]:
    """Users see what a job has taken, and where something has a price what it costs."""
    if currency(backend) is None:
        raise NotApplicable("nothing has a price: the capabilities tell of no currency")
    need_plan(backend)
    entry = _now(backend.once(finished_job))
    for key in ("plan", "costs"):
        if entry.value.get(key) is None:
            yield Violation(f"a finished job has no `{key}`", entry.evidence)
    value = entry.value.get("costs")
    if isinstance(value, int | float) and value < 0:
        yield Violation("`costs` are less than nothing", entry.evidence)


@requirement(755, mend="Keep properties that you do not know, or let there be none.", **_DESCRIBED)
def further(backend: BackEnd) -> Iterator[Violation]:
    """Further properties come back as they were given."""
    wanted = {"river": "Lech"}
    entry = described(backend, **{FURTHER: wanted})
    if FURTHER not in entry.value:
        yield Violation("a further property is not kept", entry.evidence)
    elif entry.value[FURTHER] != wanted:
        yield Violation("a further property is not as it was given", entry.evidence)


@requirement(760, layer="jobs", operations=(CREATE, CHANGE), writes=True)
def changes(backend: BackEnd) -> Iterator[Violation]:
    """The owner can change a job."""
    job = _new(backend)
    answer = job.caller.patch(job.path, {"title": backend.name("changed")})
    if not answer.ok:
        yield Violation(f"a change is answered with HTTP {answer.status}", answer)


@requirement(761, mend="Validate the process, then replace it.", **_CHANGED)
def process(backend: BackEnd) -> Iterator[Violation]:
    """The process is another one after the change, which a faulty one does not make."""
    job = _changeable(backend)
    graph = dict(backend.once(workload).graph)
    last = next((name for name, node in graph.items() if mapping(node).get("result") is True), None)
    if last is None:
        raise NotTestable("there is no process that would be another one for sure")
    graph["saved_otherwise"] = graph.pop(last)
    entry = change(job, process={"process_graph": graph})
    if fault := process_fault(entry.value.get("process"), {"process_graph": graph}, arguments=False):
        yield Violation(f"after a change {fault}", entry.evidence, place=CHANGE)
    for what, faulty in faulty_processes().items():
        answer = job.caller.patch(job.path, {"process": faulty})
        if answer.ok:
            message = "a change to a faulty process is accepted"
            # The API lets back-ends validate when the job is started.
            yield Violation(message, answer, place=f"{CHANGE}: {what}", severity=Severity.MINOR)


@requirement(762, mend="Take `plan` and `budget`.", **_CHANGED)
def billing(backend: BackEnd) -> Iterator[Violation]:
    """Plan and budget are others after the change."""
    plan = need_plan(backend)
    yield from faults_of_billing(change(_changeable(backend), plan=plan, budget=2), plan, 2)


@requirement(763, mend="Take `log_level`.", **_CHANGED)
def log_level(backend: BackEnd) -> Iterator[Violation]:
    """The least level of log entries is another one after the change."""
    entry = change(_changeable(backend, log_level="error"), log_level="warning")
    yield from _differs(entry, "log_level", "warning")


@requirement(764, severity=Severity.MAJOR, mend="Take `title` and `description`.", **_CHANGED)
def new_titles(backend: BackEnd) -> Iterator[Violation]:
    """Title and description are others after the change."""
    given = {"title": backend.name("changed title"), "description": "It *was* changed."}
    entry = change(_new(backend), **given)
    same = [f"`{key}`" for key, wanted in given.items() if entry.value.get(key) != wanted]
    if same:
        message = (
            f"{listed(same)} did not become what was given, although the change was answered with success"
        )
        yield Violation(message, entry.evidence, place=CHANGE)


@requirement(765, layer="jobs", operations=(CREATE, CHANGE), writes=True)
def further_changed(backend: BackEnd) -> Iterator[Violation]:
    """Clients of other back-ends may send more."""
    job = _new(backend)
    answer = job.caller.patch(job.path, {FURTHER: "Inn"})
    if not answer.ok:
        yield Violation("a change with a further property is refused", answer)


@check(
    "jobs.patch-keeps",
    "A change leaves everything as it is that it does not name",
    source=f"openEO API, {CHANGE}",
    mend="Change what the request names, and nothing else.",
    **_CHANGED,
)
def patch_keeps(backend: BackEnd) -> Iterator[Violation]:
    """A new title changes nothing but the title."""
    job = _new(backend, description="It stays.")
    before = _now(job)
    answer = job.caller.patch(job.path, {"title": backend.name("only the title")})
    if not answer.ok:
        raise NotTestable("builds on what failed: a new title is refused")
    after = _now(job)
    for key in ("id", "description", "process", "status", "log_level", "created", "plan", "budget"):
        if before.value.get(key) is not None and after.value.get(key) != before.value[key]:
            message = f"a new title has changed `{key}` as well"
            yield Violation(message, after.evidence, place=CHANGE)


@check(
    "jobs.null-clears",
    "A description that is null in a change is gone",
    source=f"openEO API, {CHANGE}",
    severity=Severity.MINOR,
    mend="`null` means that there is none: take the description away.",
    **_CHANGED,
)
def null_clears(backend: BackEnd) -> Iterator[Violation]:
    """Null takes the description away."""
    job = _changeable(backend, description="It goes.")
    if not text(_now(job).value.get("description")):
        raise NotTestable("descriptions are not kept")
    entry = change(job, description=None)
    if text(entry.value.get("description")):
        message = "the description is still there after it was changed to null"
        yield Violation(message, entry.evidence, place=CHANGE)


@requirement(780, layer="jobs", operations=(CREATE, DELETE), writes=True)
def remove(backend: BackEnd) -> Iterator[Violation]:
    """The owner can remove a job."""
    answer = _new(backend).delete()
    if not answer.ok:
        yield Violation(f"the removal of a job is answered with HTTP {answer.status}", answer)


@requirement(
    781, layer="jobs", operations=(CREATE, DELETE), writes=True, severity=Severity.MAJOR,
    mend="Answer 204 as soon as the job is gone, and not before; later on 404 JobNotFound.",
)  # fmt: skip
def gone(backend: BackEnd) -> Iterator[Violation]:
    """A job that was removed is not there any more."""
    job = _new(backend)
    answer = job.delete()
    if not answer.ok:
        raise NotTestable("builds on what failed: a job is not removed")
    if answer.status != 204:
        message = f"the removal of a job is answered with HTTP {answer.status}, not 204"
        yield Violation(message, answer, severity=Severity.MINOR)
    yield from _there(backend, job)


def _there(backend: BackEnd, job: Job) -> Iterator[Violation]:
    """Where a job that was removed is still found."""
    if backend.offers(ONE):
        answer = job.caller.get(job.path)
        if answer.ok:
            backend.ledger.add("job", job.id, job.caller)
            yield Violation("a job that was removed is still there", answer, place=DELETE)
            return
    if backend.offers(LIST):
        answer = job.caller.get("/jobs")
        if answer.ok and job.id in ids_of(answer.object()):
            yield Violation("a job that was removed is still listed", answer, place=DELETE)
