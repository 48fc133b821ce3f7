"""What back-ends make of orders for batch jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import create_job, created_job
from connexeo.tools.conformance.checks.jobs import CREATE, ONE
from connexeo.tools.conformance.checks.service_creation import (
    faults_of_billing,
    faulty_processes,
    need_plan,
    process_fault,
)
from connexeo.tools.conformance.extents import instant, is_rfc_3339
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, Entry
from connexeo.tools.conformance.shapes import text
from connexeo.tools.conformance.verdicts import Severity, Violation, require
from connexeo.tools.conformance.workload import process, workload

FURTHER = "conformance:further"

_SOURCE = f"openEO API, {CREATE}"
_ASKED: dict[str, Any] = {"layer": "jobs", "operations": (CREATE, ONE), "writes": True}


def described(backend: BackEnd, **properties: Any) -> Entry:
    """The metadata of a new job with these properties."""
    job = create_job(backend, backend.once(workload).graph, **properties)
    answer = job.answer()
    require(answer.ok, f"the metadata of a new job are answered with HTTP {answer.status}", answer)
    return Entry(answer.object(), answer)


def metadata(backend: BackEnd) -> Entry:
    """The metadata of a job that waits."""
    answer = backend.once(created_job).answer()
    require(answer.ok, f"the metadata of a job are answered with HTTP {answer.status}", answer)
    return Entry(answer.object(), answer)


def _refused(backend: BackEnd, body: Any, message: str, place: str = CREATE) -> Iterator[Violation]:
    """That a job is not created of this; one that is goes again in the end."""
    answer = backend.user.post("/jobs", body)
    if answer.ok:
        identifier = answer.headers.get("openeo-identifier")
        if identifier:
            backend.ledger.add("job", identifier, backend.user)
        yield Violation(message, answer, place=place)


@requirement(730, layer="jobs", operations=(CREATE,), writes=True)
def create(backend: BackEnd) -> Iterator[Violation]:
    """A job is created when it is ordered with a token."""
    job = backend.known(created_job) or created_job(backend)
    if backend.offers(ONE) and job.describe().get("id") != job.id:
        yield Violation("the metadata of a new job have another `id`", job.answer())


@requirement(
    731, layer="jobs", operations=(CREATE,), writes=True,
    mend="Validate the process before the job is created: answer 400 with the code of the fault.",
)  # fmt: skip
def valid_processes(backend: BackEnd) -> Iterator[Violation]:
    """What could never be computed is refused; before it is queued at the latest."""
    for what, faulty in faulty_processes().items():
        message = "a job of a faulty process is created, and started"
        answer = backend.user.post("/jobs", process(faulty["process_graph"], title=backend.name("faulty")))
        identifier = answer.headers.get("openeo-identifier", "")
        if not answer.ok or not identifier:
            continue
        backend.ledger.add("job", identifier, backend.user)
        if not backend.offers("POST /jobs/{job_id}/results"):
            yield Violation("a job of a faulty process is created", answer, place=f"{CREATE}: {what}")
            continue
        # The API lets back-ends validate when the job is started.
        start = backend.user.post(f"/jobs/{identifier}/results")
        if start.ok:
            yield Violation(message, start, place=f"{CREATE}: {what}", severity=Severity.MINOR)
    yield from _refused(
        backend, {"title": backend.name("empty")}, "a job without a process is created", CREATE
    )


@requirement(732, mend="Keep `plan` and `budget`, and refuse plans that are not on offer with BillingPlanInvalid.",
             **_ASKED)  # fmt: skip
def billing(backend: BackEnd) -> Iterator[Violation]:
    """A plan and a budget are kept, and plans that nobody offers are refused."""
    plan = need_plan(backend)
    yield from faults_of_billing(described(backend, plan=plan, budget=1), plan, 1)
    body = process(backend.once(workload).graph, plan=NOWHERE, title=backend.name("no plan"))
    yield from _refused(backend, body, "a billing plan that is not on offer is accepted")


@requirement(733, mend="Keep `log_level`.", **_ASKED)
def log_level(backend: BackEnd) -> Iterator[Violation]:
    """The least level of entries that are kept is the one that was given."""
    entry = described(backend, log_level="error")
    if entry.value.get("log_level") != "error":
        told = entry.value.get("log_level", "missing")
        yield Violation(f"`log_level` is {told}, not error as it was given", entry.evidence)


@requirement(734, mend="Keep `title` and `description` as they were given.", **_ASKED)
def kept(backend: BackEnd) -> Iterator[Violation]:
    """Title and description are kept."""
    given = {"title": backend.name("titled"), "description": "Made by a *conformance* test."}
    entry = described(backend, **given)
    for key, wanted in given.items():
        if entry.value.get(key) != wanted:
            yield Violation(f"`{key}` is not as it was given", entry.evidence)


@requirement(
    735, layer="jobs", operations=(CREATE,), writes=True, mend="Take properties that you do not know."
)
def further(backend: BackEnd) -> None:
    """Clients of other back-ends may send more."""
    create_job(backend, backend.once(workload).graph, None, **{FURTHER: {"river": "Lech"}})


@requirement(
    736, layer="jobs", operations=(CREATE,), writes=True, severity=Severity.MAJOR,
    mend="Answer 201 with `Location`, the absolute URL of the metadata, and `OpenEO-Identifier`.",
)  # fmt: skip
def told(backend: BackEnd) -> Iterator[Violation]:
    """Clients know what the new job is called, and where its metadata are."""
    job = backend.once(created_job)
    answer = job.creation
    if answer.status != 201:
        yield Violation(f"the creation is answered with HTTP {answer.status}, not 201", answer)
    for name in ("Location", "OpenEO-Identifier"):
        if not answer.headers.get(name):
            yield Violation(f"the creation is answered without {name}", answer)
    location = answer.headers.get("location", "")
    if location and not location.startswith(("http://", "https://")):
        yield Violation("the header Location is not an absolute URL", answer)
    elif location and urlsplit(location).path.rstrip("/") != f"{urlsplit(backend.url).path}{job.path}":
        yield Violation("Location is not the URL of the metadata", answer)


@requirement(737, mend="Do not start a job before `POST /jobs/{job_id}/results`.", **_ASKED)
def waits(backend: BackEnd) -> Iterator[Violation]:
    """A new job has the status created, and keeps it until somebody starts it."""
    entry = metadata(backend)
    status = entry.value.get("status")
    if text(status) and status != "created":
        yield Violation("a job that nobody has started is not `created`", entry.evidence)
    elif isinstance(entry.value.get("started"), str):
        yield Violation("a job that nobody has started tells when it was `started`", entry.evidence)


@check(
    "jobs.process-kept",
    "The process of a job is given back as it was ordered",
    source=f"openEO API, {ONE}",
    severity=Severity.MAJOR,
    mend="Keep the process graph with its nodes and arguments.",
    **_ASKED,
)
def process_kept(backend: BackEnd) -> Iterator[Violation]:
    """The same nodes have the same arguments."""
    given = {"process_graph": backend.once(workload).graph}
    entry = metadata(backend)
    if fault := process_fault(entry.value.get("process"), given):
        yield Violation(fault, entry.evidence)


@check(
    "jobs.created",
    "`created` tells when a job was created",
    source=f"openEO API, {ONE}",
    severity=Severity.MINOR,
    mend="Give `created` as date-time of RFC 3339 in UTC.",
    **_ASKED,
)
def created(backend: BackEnd) -> Iterator[Violation]:
    """A time, and one after which nothing was changed before."""
    entry = metadata(backend)
    made, changed = (text(entry.value.get(key)) for key in ("created", "updated"))
    if made and not is_rfc_3339(made):
        yield Violation("`created` is no date-time with a time zone", entry.evidence)
    first, last = instant(made), instant(changed)
    if first is not None and last is not None and last < first:
        yield Violation("`updated` is before `created`", entry.evidence)
