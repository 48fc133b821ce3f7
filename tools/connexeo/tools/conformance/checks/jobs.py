"""The list of batch jobs, and which ways of processing there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, next_page
from connexeo.tools.conformance.batch import Job, create_job, created_job
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.extents import is_rfc_3339
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, Entry, answer_to
from connexeo.tools.conformance.shapes import objects, text
from connexeo.tools.conformance.verdicts import (
    NotTestable,
    Severity,
    Skipped,
    Violation,
    require,
)
from connexeo.tools.conformance.workload import workload

LIST = "GET /jobs"
ONE = "GET /jobs/{job_id}"
CREATE = "POST /jobs"

STATES = frozenset({"created", "queued", "running", "canceled", "finished", "error"})

_WAYS = {"POST /result": "synchronous processing", CREATE: "batch jobs", "POST /services": "services"}
_ENOUGH = 3
"""Jobs that show what pages are."""
_FEW = 10
"""Of a longer list only the first pages are looked at."""
_GONE = {404, 410}


@requirement({701: 1, 702: 2}, layer="jobs", mend="Offer more ways to compute, and list their endpoints.")
def ways(backend: BackEnd, case: int) -> Iterator[Violation]:
    """There are enough ways to have something computed."""
    found = [name for operation, name in _WAYS.items() if backend.offers(operation)]
    if len(found) < case:
        told = " and ".join(found) or "no way of processing"
        message = f"there is {told}, where {'one way is' if case == 1 else 'two ways are'} needed at least"
        yield Violation(message, backend.once(answer_to("/")))


def listed_jobs(backend: BackEnd) -> list[Entry]:
    """Jobs of the user, one at least where something may be created; all, or the first of very many."""
    backend.need(LIST)
    if backend.options.write and backend.offers(CREATE):
        _try_to_create(backend)
    # Asked for now, so that what was created is among them.
    answer = backend.user.get("/jobs")
    require(answer.ok, f"the jobs are answered with HTTP {answer.status}", answer)
    found = answer.object().get("jobs")
    require(isinstance(found, list), "there is no array `jobs`", answer)
    return [Entry(each, answer) for each in objects(found)]


def _try_to_create(backend: BackEnd) -> Job | None:
    """A job, unless nothing is to be created, or nothing can be."""
    try:
        return backend.once(created_job)
    except (NotTestable, Skipped):
        return None


@requirement(710, layer="jobs", operations=(LIST,), account=True)
def for_users(backend: BackEnd) -> Iterator[Violation]:
    """Whoever has a token gets the list of own jobs."""
    answer = backend.user.get("/jobs", params={"limit": 1})
    if not answer.ok:
        yield Violation(f"the jobs of a user are answered with HTTP {answer.status}", answer)


@requirement(711, layer="jobs", operations=(LIST,), account=True)
def arrays(backend: BackEnd) -> Iterator[Violation]:
    """There are jobs and links."""
    answer = backend.user.get("/jobs", params={"limit": 1})
    require(answer.ok, f"the jobs are answered with HTTP {answer.status}", answer)
    for key in ("jobs", "links"):
        if not isinstance(answer.object().get(key), list):
            yield Violation(f"there is no array `{key}`", answer)


def several_jobs(backend: BackEnd) -> list[str]:
    """Identifiers of some jobs of this run, which are never started; checks must leave them as they are."""
    first = backend.once(created_job)
    graph = backend.once(workload).graph
    more = [create_job(backend, graph, title=backend.name(f"page {number}")) for number in range(_ENOUGH - 1)]
    return [first.id, *(each.id for each in more)]


@requirement(
    712, layer="jobs", operations=(LIST, CREATE), writes=True, severity=Severity.MINOR,
    mend="Give `limit` entries and a link `next`, so that all pages together have each job once.",
)  # fmt: skip
def pages(backend: BackEnd) -> Iterator[Violation]:
    """Pages are as long as asked for, and have each job once."""
    created = backend.once(several_jobs)
    found: list[str] = []
    last: Exchange | None = None
    ended = False
    for page, document in backend.pages(backend.user, "/jobs", 1, most=_FEW):
        names = ids_of(document)
        if len(names) > 1 and set(created) <= set(names):
            yield Violation("`limit` is ignored: one page has more entries", page)
            return
        if len(names) > 1:
            message = "a page has more entries than `limit`"
            yield Violation(message, page, severity=Severity.MAJOR)
            return
        found += names
        last = page
        ended = next_page(document) is None
    repeated = {each for each in found if found.count(each) > 1}
    if repeated:
        yield Violation("a job is on several pages", last, severity=Severity.MAJOR)
    # Of a long list the first pages are enough, if they are not the same.
    lost = len(set(found)) < len(created) or (ended and not set(created) <= set(found))
    if lost and last is not None:
        message = "the pages do not have all jobs: there is no link `next`, or one that leads too far"
        yield Violation(message, last, severity=Severity.MAJOR)


@requirement(
    713, layer="jobs", operations=(LIST,), account=True, mend="Without `limit` give all jobs at once."
)
def all_at_once(backend: BackEnd) -> Iterator[Violation]:
    """Clients that know no pages get all jobs."""
    entries = backend.once(listed_jobs)
    answer = entries[0].exchange if entries else backend.once(answer_to("/jobs"))
    if next_page(answer.object()) is not None:
        yield Violation("without `limit` there is a page only, with a link to the next", answer)
    created = backend.known(created_job)
    if created is not None and created.id not in {entry.id for entry in entries}:
        yield Violation("a job that was created is not listed", answer)


@requirement(
    714, layer="jobs", operations=(LIST,), account=True, mend="Give each entry `id`, `status` and `created`."
)
def entries(backend: BackEnd) -> Iterator[Violation]:
    """Entries tell what each job is, and how far."""
    found = backend.once(listed_jobs)
    if not found:
        raise NotTestable("the user has no jobs; with --write one is created")
    for entry in found:
        for key in ("id", "status", "created"):
            if not text(entry.value.get(key)):
                yield Violation(f"an entry has no `{key}`", entry.evidence)
        status, created = entry.value.get("status"), text(entry.value.get("created"))
        if text(status) and status not in STATES:
            yield Violation("the status of an entry is none of the six that there are", entry.evidence)
        if created and not is_rfc_3339(created):
            yield Violation("`created` of an entry is no date-time with a time zone", entry.evidence)


@requirement(715, layer="jobs", operations=(LIST, CREATE), writes=True, mend="List the title.")
def titles(backend: BackEnd) -> Iterator[Violation]:
    """Users find their jobs by the titles that they gave."""
    job = backend.once(created_job)
    entry = _own_entry(backend, job)
    if entry.value.get("title") != backend.name("created"):
        yield Violation("the title of a job is not listed as it was given", entry.evidence)


def _own_entry(backend: BackEnd, job: Job) -> Entry:
    for entry in backend.once(listed_jobs):
        if entry.id == job.id:
            return entry
    raise NotTestable("the job that was created is not listed")


@check(
    "jobs.same-in-list",
    "A job is the same in the list and on its own",
    layer="jobs",
    source=f"openEO API, {ONE}",
    operations=(LIST, CREATE, ONE),
    writes=True,
    severity=Severity.MINOR,
    mend="Make both documents of the same metadata.",
)
def same_in_list(backend: BackEnd) -> Iterator[Violation]:
    """Status, title and creation of a job that waits do not differ."""
    job = backend.once(created_job)
    entry = _own_entry(backend, job)
    answer = job.answer()
    require(answer.ok, f"the metadata of the job are answered with HTTP {answer.status}", answer)
    told = answer.object()
    for key in ("status", "title", "created"):
        listed, own = entry.value.get(key), told.get(key)
        if type(listed) is type(own) and listed != own:
            yield Violation(f"`{key}` of a job is another one in the list", answer, place=ONE)


@check(
    "jobs.unknown",
    "A job that does not exist is answered with 404 and its error code",
    layer="jobs",
    source="openEO API, Error Handling",
    any_of=(ONE, "PATCH /jobs/{job_id}", "DELETE /jobs/{job_id}", f"{ONE}/logs", f"{ONE}/results"),
    account=True,
    mend="Answer 404 JobNotFound.",
)
def unknown(backend: BackEnd) -> Iterator[Violation]:
    """Nothing comes of an identifier that nothing has."""
    operations = (
        ONE, "PATCH /jobs/{job_id}", "DELETE /jobs/{job_id}", f"{ONE}/estimate", f"{ONE}/logs", f"{ONE}/results",
        "POST /jobs/{job_id}/results", "DELETE /jobs/{job_id}/results",
    )  # fmt: skip
    for operation in operations:
        if not backend.offers(operation):
            continue
        method, _, path = operation.partition(" ")
        body = {"title": "conformance"} if method == "PATCH" else None
        answer = backend.user.request(method, path.replace("{job_id}", NOWHERE), json=body)
        if answer.ok:
            message = "something that does not exist is answered with success, not 404"
            yield Violation(message, answer, place=operation)
        elif answer.status in {405, 501} or answer.status >= 500:
            # Not there at all, or broken: others tell.
            continue
        elif answer.status not in _GONE:
            message = "a job that does not exist is not answered with 404"
            yield Violation(message, answer, place=operation, severity=Severity.MINOR)
        elif answer.code != "JobNotFound":
            message = "the error code for a job that does not exist is not JobNotFound"
            yield Violation(message, answer, place=operation, severity=Severity.MINOR)


def ids_of(document: Mapping[str, Any]) -> list[str]:
    """Identifiers of the jobs of a list."""
    return [text(each.get("id")) for each in objects(document.get("jobs"))]
