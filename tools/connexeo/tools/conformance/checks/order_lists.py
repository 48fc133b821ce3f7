"""Jobs and services in their lists, and ones that do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import STATES
from connexeo.tools.conformance.extents import is_rfc_3339
from connexeo.tools.conformance.listing import entries_of, faults_of_arrays, read_whole
from connexeo.tools.conformance.ordered import JOBS, KINDS, Kind, Thing, both, check_of_both
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, Entry
from connexeo.tools.conformance.serving import service_types
from connexeo.tools.conformance.shapes import text
from connexeo.tools.conformance.verdicts import (
    NotTestable,
    Severity,
    Skipped,
    Violated,
    Violation,
)

_GONE = {404, 410}


@cache
def listed(kind: Kind[Thing]) -> Any:
    """What gives the entries of the list, for ``backend.once``; one at least where something may be created."""

    def entries(backend: BackEnd) -> list[Entry]:
        if backend.options.write and backend.offers(kind.create):
            _try(backend, kind)
        # Asked for now, so that what was created is among them.
        answer = read_whole(backend, kind.listing)
        for fault in faults_of_arrays(answer, kind.listing):
            if f"`{kind.listing.key}`" in fault.message:
                raise Violated(fault.message, answer)
        return entries_of(answer, kind.listing)

    return entries


def _try(backend: BackEnd, kind: Kind[Thing]) -> Thing | None:
    """One of these, unless nothing is to be created, or nothing can be."""
    try:
        return backend.once(kind.first)
    except (NotTestable, Skipped):
        return None


@requirement(both(714, 614, "read"), account=True, mend="Add what is missing to each entry.")
def entries(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Entries tell what each thing is, and how far."""
    found = backend.once(listed(case))
    if not found:
        raise NotTestable(f"the user has no {case.listing.key}; with --write one is created")
    for entry in found:
        for key in case.listed:
            if not text(entry.value.get(key)):
                yield Violation(f"an entry has no `{key}`", entry.evidence)
        for key in case.flags:
            if not isinstance(entry.value.get(key), bool):
                yield Violation(f"`{key}` of an entry is no boolean", entry.evidence)
        yield from _faults_of_job(entry) if case is JOBS else _faults_of_service(backend, entry)


def _faults_of_job(entry: Entry) -> Iterator[Violation]:
    status, created = text(entry.value.get("status")), text(entry.value.get("created"))
    if status and status not in STATES:
        yield Violation("the status of an entry is none of the six that there are", entry.evidence)
    if created and not is_rfc_3339(created):
        yield Violation("`created` of an entry is no date-time with a time zone", entry.evidence)


def _faults_of_service(backend: BackEnd, entry: Entry) -> Iterator[Violation]:
    if not backend.offers("GET /service_types"):
        return
    types = {name.lower() for name in backend.once(service_types)}
    kind = text(entry.value.get("type"))
    if kind and kind.lower() not in types:
        # An old one may be of a type that is not offered any more.
        message = f"the type {kind} of an entry is not among the types that are listed"
        yield Violation(message, entry.evidence, severity=Severity.MINOR)


@requirement(both(715, 615, "read", "create"), writes=True, mend="List the title.")
def titles(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Users find their things by the titles that they gave."""
    thing, entry = _own_entry(backend, case)
    if entry.value.get("title") != thing.given["title"]:
        yield Violation(f"the title of a {case.noun} is not listed as it was given", entry.evidence)


def _own_entry(backend: BackEnd, kind: Kind[Thing]) -> tuple[Thing, Entry]:
    thing = backend.once(kind.first)
    for entry in backend.once(listed(kind)):
        if entry.id == thing.id:
            return thing, entry
    raise NotTestable(f"the {kind.noun} that was created is not listed")


@check_of_both(
    "same-in-list",
    "A {noun} is the same in the list and on its own",
    "read",
    "create",
    "describe",
    source="describe",
    writes=True,
    severity=Severity.MINOR,
    mend="Make both documents of the same metadata.",
)
def same_in_list(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """What is told at both places does not differ."""
    thing, entry = _own_entry(backend, case)
    own = thing.described()
    for key in case.same:
        there, told = entry.value.get(key), own.value.get(key)
        if type(there) is type(told) and there != told:
            message = f"`{key}` of a {case.noun} is another one in the list"
            yield Violation(message, own.evidence, place=case.describe)


def _about(kind: Kind[Thing]) -> tuple[str, ...]:
    """Operations on one of these, which all need it to exist."""
    more = [f"GET {kind.one}/logs"]
    if kind is JOBS:
        more += [f"GET {kind.one}/estimate", f"GET {kind.one}/results"]
        more += [f"POST {kind.one}/results", f"DELETE {kind.one}/results"]
    return (kind.describe, kind.edit, kind.remove, *more)


def unknown(backend: BackEnd, kind: Kind[Thing]) -> Iterator[Violation]:
    """Nothing comes of an identifier that nothing has."""
    for operation in _about(kind):
        if not backend.offers(operation):
            continue
        method, _, path = operation.partition(" ")
        body = {"title": "conformance"} if method == "PATCH" else None
        answer = backend.user.request(method, path.replace(kind.one.rpartition("/")[2], NOWHERE), json=body)
        if answer.ok:
            message = "something that does not exist is answered with success, not 404"
            yield Violation(message, answer, place=operation)
        elif answer.status in {405, 501} or answer.status >= 500:
            # Not there at all, or broken: others tell.
            continue
        elif answer.status not in _GONE:
            message = f"a {kind.noun} that does not exist is not answered with 404"
            yield Violation(message, answer, place=operation, severity=Severity.MINOR)
        elif answer.code != kind.missing:
            message = f"the error code for a {kind.noun} that does not exist is not {kind.missing}"
            yield Violation(message, answer, place=operation, severity=Severity.MINOR)


for each in KINDS:
    check(
        f"{each.layer}.unknown",
        f"A {each.noun} that does not exist is answered with 404 and its error code",
        layer=each.layer,
        source="openEO API, Error Handling",
        any_of=_about(each),
        account=True,
        mend=f"Answer 404 {each.missing}.",
    )(partial(unknown, kind=each))
