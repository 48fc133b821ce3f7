"""What back-ends make of orders for batch jobs and services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from connexeo.tools.conformance.answer import created_name
from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.billing import faults_of_billing, need_plan
from connexeo.tools.conformance.extents import instant, is_rfc_3339
from connexeo.tools.conformance.given import faulty_processes, process_fault
from connexeo.tools.conformance.ordered import FURTHER, Kind, Thing, both, check_of_both
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.resources import NOWHERE
from connexeo.tools.conformance.verdicts import NotApplicable, Severity, Violation

_SLACK = timedelta(hours=1)
"""By how much clocks of servers may be wrong."""


@requirement(both(730, 630, "create"), writes=True)
def create(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Something is created when it is ordered with a token."""
    thing = backend.known(case.first) or case.first(backend)
    if backend.offers(case.describe):
        entry = thing.described()
        if entry.id != thing.id:
            yield Violation(f"the metadata of a new {case.noun} have another `id`", entry.evidence)


@requirement(
    both(731, 631, "create"), writes=True,
    mend="Validate the process before anything is created: answer 400 with the code of the fault.",
)  # fmt: skip
def valid_processes(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """What could never be computed is refused."""
    for what, faulty in faulty_processes().items():
        yield from _accepted(backend, case, faulty, what)
    given = case.order(backend)
    del given["process"]
    answer = backend.user.post(case.listing.path, given)
    if answer.ok:
        yield Violation(f"a {case.noun} without a process is created", answer)


def _accepted(
    backend: BackEnd, kind: Kind[Thing], faulty: Mapping[str, Any], what: str
) -> Iterator[Violation]:
    """A faulty process that is taken; what has to be started may be validated then, as the API says."""
    place = f"{kind.create}: {what}"
    answer = backend.user.post(kind.listing.path, kind.order(backend, process=faulty))
    if not answer.ok:
        return
    name = created_name(answer.headers)
    if kind.start is None or name is None or not backend.offers(kind.start):
        yield Violation(f"a {kind.noun} of a faulty process is created", answer, place=place)
        return
    method, _, path = kind.start.partition(" ")
    begun = path.replace(kind.one, f"{kind.listing.path}/{encoded(name)}")
    start = backend.user.request(method, begun)
    if start.ok:
        message = f"a {kind.noun} of a faulty process is created, and started"
        yield Violation(message, start, place=place, severity=Severity.MINOR)


@requirement(
    both(732, 634, "create", "describe"), writes=True,
    mend="Keep `plan` and `budget`, and refuse plans that are not on offer with BillingPlanInvalid.",
)  # fmt: skip
def billing(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """A plan and a budget are kept, and plans that nobody offers are refused."""
    plan = need_plan(backend)
    yield from faults_of_billing(case.new(backend, plan=plan, budget=1).described(), plan, 1)
    answer = backend.user.post(case.listing.path, case.order(backend, plan=NOWHERE))
    if answer.ok:
        yield Violation("a billing plan that is not on offer is accepted", answer)


@requirement(both(733, 635, "create", "describe"), writes=True, mend="Keep `log_level`.")
def log_level(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """The least level of entries that are kept is the one that was given."""
    entry = case.new(backend, log_level="error").described()
    if entry.value.get("log_level") != "error":
        told = entry.value.get("log_level", "missing")
        yield Violation(f"`log_level` is {told}, not error as it was given", entry.evidence)


@requirement(both(734, 636, "create", "describe"), writes=True, mend="Keep what was given as it was given.")
def kept(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Title and description are kept, and what shall be off is not on."""
    thing = case.new(backend, title=backend.name("titled"), description="Made by a *conformance* test.")
    entry = thing.described()
    for key in ("title", "description", *case.flags):
        if key in case.flags and not isinstance(entry.value.get(key), bool):
            # That is for the schema to say.
            continue
        if entry.value.get(key) != thing.given[key]:
            told = entry.value.get(key, "missing")
            yield Violation(f"`{key}` is {told}, not {thing.given[key]} as it was given", entry.evidence)


@requirement(both(735, 637, "create"), writes=True, mend="Take properties that you do not know.")
def further(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Clients of other back-ends may send more."""
    answer = backend.user.post(case.listing.path, case.order(backend, **{FURTHER: {"river": "Lech"}}))
    if not answer.ok:
        yield Violation(f"a {case.noun} with a further property is refused", answer)


@requirement(
    both(736, 638, "create"), writes=True, severity=Severity.MAJOR,
    mend="Answer 201 with `Location`, the absolute URL of the metadata, and `OpenEO-Identifier`.",
)  # fmt: skip
def told(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Clients know what the new thing is called, and where its metadata are."""
    thing = backend.once(case.first)
    answer = thing.creation
    if answer.status != 201:
        yield Violation(f"the creation is answered with HTTP {answer.status}, not 201", answer)
    for name in ("Location", "OpenEO-Identifier"):
        if not answer.headers.get(name):
            yield Violation(f"the creation is answered without {name}", answer)
    location = answer.headers.get("location", "")
    if location and not location.startswith(("http://", "https://")):
        yield Violation("the header Location is not an absolute URL", answer)
    elif location and urlsplit(location).path.rstrip("/") != f"{urlsplit(backend.url).path}{thing.path}":
        yield Violation("Location is not the URL of the metadata", answer)


@check_of_both(
    "process-kept",
    "The process of a {noun} is given back as it was ordered",
    "create",
    "describe",
    source="describe",
    writes=True,
    severity=Severity.MINOR,
    mend="Keep the process graph with its nodes and arguments.",
)
def process_kept(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """The same nodes have the same arguments."""
    thing = backend.once(case.first)
    entry = thing.described()
    if fault := process_fault(entry.value.get("process"), thing.given["process"]):
        yield Violation(fault, entry.evidence)


@check_of_both(
    "created",
    "`created` tells when a {noun} was created",
    "create",
    "describe",
    source="describe",
    writes=True,
    severity=Severity.MINOR,
    mend="Give the time of the creation, as date and time in UTC.",
)
def created(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """It is a time of this run, by the clock of the server, and nothing was changed before."""
    thing = backend.once(case.first)
    entry = thing.described()
    value = entry.value.get("created")
    if value is None:
        raise NotApplicable(f"{case.listing.key} have no `created`")
    moment, changed, now = instant(value), instant(entry.value.get("updated")), thing.creation.served
    if moment is None or not is_rfc_3339(value):
        yield Violation("`created` is no date-time with a time zone", entry.evidence)
        return
    if now is not None and abs(moment - now) > _SLACK:
        yield Violation(f"`created` is not the time at which the {case.noun} was created", entry.evidence)
    if changed is not None and changed < moment:
        yield Violation("`updated` is before `created`", entry.evidence)
