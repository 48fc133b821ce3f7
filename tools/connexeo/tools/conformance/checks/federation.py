"""The federation extension, and what users of a federation need beyond it, as far as it is visible from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.checks.federation_documents import (
    MISSING,
    TELLING,
    Documents,
    all_documents,
    chosen_collections,
    first_pages,
    tagged_objects,
)
from connexeo.tools.conformance.checks.federation_members import SOURCE, member_states
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.members import BACKENDS, hosts_of, names_of
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.resources import all_collections, object_of
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation
from connexeo.tools.conformance.workload import addition, has

FRESH = 60
"""Seconds that a partial answer may be kept."""

DEADLINE = 20.0
"""Seconds for a list, whatever state the back-ends of the federation are in.

Users leave long before. It is that long so that a network or a machine with much to do is not taken for a back-end of
the federation that does not answer: front-ends wait for such a one for 25 s and more.
"""


def _testable(answers: Documents) -> None:
    """End a check that has looked at all lists when one of them was not answered: that is a finding of its own."""
    silent = [operation for operation, (answer, _) in answers.items() if answer.failure]
    if silent:
        raise NotTestable(f"no answer to {', '.join(silent)}")


@check(
    "federation.missing-known",
    "`federation:missing` names back-ends of the federation",
    layer="federation",
    source=SOURCE,
    mend="Use the identifiers that are the keys of `federation` in the capabilities.",
)
def missing_known(backend: BackEnd) -> Iterator[Violation]:
    """Every list and description; what is no list is told by the schemas."""
    known = member_states(backend)
    for answer, document in all_documents(backend):
        missing = document.get(MISSING)
        if isinstance(missing, str):
            yield Violation(f"{MISSING} is a text, not a list", answer)
        for name in names_of(missing):
            if name not in known:
                yield Violation(f"{MISSING} names {name}, which `federation` does not have", answer)


@check(
    "federation.missing-offline",
    "`federation:missing` names each back-end that is offline",
    layer="federation",
    source=SOURCE,
    mend="Name back-ends that are offline in the capabilities in every list as well.",
)
def missing_offline(backend: BackEnd) -> Iterator[Violation]:
    """Every list of the extension, when one is offline."""
    before = {name for name, state in member_states(backend).items() if state == "offline"}
    if not before:
        raise NotTestable("all back-ends are online")
    answers = first_pages(backend)
    # States may change meanwhile: only those that were offline before and after count.
    now = backend.anonymous.get("/").object().get("federation")
    still = {
        name
        for name in before
        if isinstance(now, Mapping)
        and isinstance(now.get(name), Mapping)
        and now[name].get("status") == "offline"
    }
    for operation in TELLING:
        if operation in answers:
            answer, document = answers[operation]
            lacking = sorted(still - set(names_of(document.get(MISSING))))
            if answer.ok and document and lacking:
                yield Violation(f"{', '.join(lacking)} is offline, and not in {MISSING}", answer)


@check(
    "federation.backends-known",
    "`federation:backends` names one or more back-ends of the federation",
    layer="federation",
    source=SOURCE,
    mend="Use the identifiers that are the keys of `federation` in the capabilities.",
)
def backends_known(backend: BackEnd) -> Iterator[Violation]:
    """Everything that is listed or described."""
    known = member_states(backend)
    for answer, document in all_documents(backend):
        for place, tagged in tagged_objects(document):
            names, where = names_of(tagged[BACKENDS]), f"{answer.name} {place}"
            for name in names:
                if name not in known:
                    message = f"{BACKENDS} names {name}, which `federation` does not have"
                    yield Violation(message, answer, place=where)
            if not isinstance(tagged[BACKENDS], list):
                yield Violation(f"{BACKENDS} is no list", answer, place=where)
            elif not names:
                yield Violation(f"{BACKENDS} names nobody", answer, place=where)
            if len(set(names)) < len(names):
                message = f"{BACKENDS} names a back-end twice"
                yield Violation(message, answer, severity=Severity.MINOR, place=where)


@check(
    "federation.both",
    "No back-end both has something and is missing for it",
    layer="federation",
    source=SOURCE,
    mend="A back-end that took no part is in `federation:missing` only.",
)
def both(backend: BackEnd) -> Iterator[Violation]:
    """Documents that have both properties; collections may have one of them in their summaries."""
    for answer, document in all_documents(backend):
        for _, tagged in tagged_objects(document):
            yield from _twice(tagged, names_of(tagged[BACKENDS]), answer)
        yield from _twice(document, hosts_of(document) if BACKENDS not in document else [], answer)


def _twice(document: Mapping[str, Any], hosts: list[str], answer: Exchange) -> Iterator[Violation]:
    for name in sorted(set(hosts) & set(names_of(document.get(MISSING)))):
        yield Violation(f"{name} is in {BACKENDS} and in {MISSING}", answer)


@check(
    "federation.collections",
    "Listed collections say which back-ends have them, as their descriptions do",
    layer="federation",
    source="Federation Extension 0.1.0; what clients read",
    operations=("GET /collections", "GET /collections/{collection_id}"),
    severity=Severity.MINOR,
    mend="Give the entries of `GET /collections` `federation:backends` too.",
)
def collections(backend: BackEnd) -> Iterator[Violation]:
    """Up to five collections; where nothing is said everybody has them."""
    everybody = sorted(member_states(backend))
    for entry in chosen_collections(backend):
        identifier = str(entry["id"])
        answer = backend.reader.get(f"/collections/{encoded(identifier)}")
        document = object_of(answer)
        if document is None:
            continue
        said, there = hosts_of(entry), hosts_of(document)
        if set(there or everybody) == set(said or everybody):
            continue
        if there and not said:
            yield Violation(
                "the list does not say which back-ends have it, the description does",
                answer,
                place=identifier,
            )
        else:
            yield Violation(
                "list and description name different back-ends",
                answer,
                place=identifier,
                severity=Severity.MAJOR,
            )


@check(
    "federation.reachable",
    "What is listed can be described, also when the back-end that has it is offline",
    layer="federation",
    source="what users need",
    operations=("GET /collections", "GET /collections/{collection_id}"),
    mend="Serve what was known last, with the back-end in `federation:missing`.",
)
def reachable(backend: BackEnd) -> Iterator[Violation]:
    """Collections of offline back-ends."""
    offline = {name for name, state in member_states(backend).items() if state == "offline"}
    if not offline:
        raise NotTestable("all back-ends are online")
    listed = [
        each for each in backend.once(all_collections) if each.get("id") and set(hosts_of(each)) & offline
    ]
    if not listed:
        raise NotTestable("no collection of an offline back-end is listed")
    for entry in listed[:3]:
        answer = backend.reader.get(f"/collections/{encoded(str(entry['id']))}")
        if not answer.ok:
            yield Violation(
                f"HTTP {answer.status} for a collection that is listed", answer, place=str(entry["id"])
            )


@check(
    "federation.lists",
    "Lists are answered whatever state the back-ends of the federation are in",
    layer="federation",
    source=SOURCE,
    mend="Answer with what is known, and name who is missing.",
)
def answered(backend: BackEnd) -> Iterator[Violation]:
    """Status of every list."""
    answers = first_pages(backend)
    for operation, (answer, _) in answers.items():
        # 500 itself is told by the check of all answers.
        if answer.status > 500 and answer.status != 501:
            yield Violation(f"HTTP {answer.status} for a list", answer, place=operation)
    _testable(answers)


@check(
    "federation.freshness",
    "An answer that lacks back-ends is not kept for long",
    layer="federation",
    source="what users need",
    severity=Severity.MINOR,
    mend="Send `Cache-Control: no-store`, or a max-age of some seconds, while somebody is missing.",
)
def freshness(backend: BackEnd) -> Iterator[Violation]:
    """Lists with somebody missing."""
    partial = [
        answer for answer, document in first_pages(backend).values() if names_of(document.get(MISSING))
    ]
    if not partial:
        raise NotTestable("no list lacks a back-end")
    for answer in partial:
        seconds = _max_age(answer.headers.get("cache-control", ""))
        if seconds is not None and seconds > FRESH:
            yield Violation(f"an answer without some back-ends may be kept for {seconds} s", answer)


def _max_age(value: str) -> int | None:
    """Seconds that somebody may keep an answer, None when nobody may or nothing is said."""
    if re.search(r"\bno-(store|cache)\b", value, re.IGNORECASE):
        return None
    ages = re.findall(r'\b(?:max-age|s-maxage) *= *"?([0-9]{1,12})', value, re.IGNORECASE)
    return max(map(int, ages), default=None)


@check(
    "federation.validation",
    "A validation says for which back-ends a process is valid",
    layer="federation",
    source="Federation Extension, later drafts; what the Web Editor shows",
    operations=("POST /validation",),
    severity=Severity.MINOR,
    mend="Add `federation:backends` to the answer: without it clients show that no back-end can run the process.",
)
def validation(backend: BackEnd) -> Iterator[Violation]:
    """A process that every back-end can run."""
    known = member_states(backend)
    if not has(backend, "add"):
        raise NotTestable("there is no process `add`")
    answer = backend.reader.post("/validation", {"process_graph": addition()})
    if not answer.ok:
        raise NotTestable(f"a valid process is answered with HTTP {answer.status}")
    names = names_of(answer.object().get(BACKENDS))
    if not names:
        yield Violation(f"a valid process is answered without {BACKENDS}", answer)
    for name in names:
        if name not in known:
            yield Violation(
                f"{BACKENDS} names {name}, which `federation` does not have", answer, severity=Severity.MAJOR
            )


@check(
    "federation.in-time",
    f"No list takes more than {DEADLINE:g} s, whichever back-end of the federation does not answer",
    layer="federation",
    source="what users need",
    severity=Severity.MINOR,
    mend="Ask all back-ends at once, in the background where possible, and answer without those that are late.",
)
def in_time(backend: BackEnd) -> Iterator[Violation]:
    """Lists that took long, asked once more: the first time may have been the network's fault."""
    answers = first_pages(backend)
    for operation, (answer, _) in answers.items():
        if not answer.failure and answer.seconds > DEADLINE:
            again = backend.reader.get(operation.partition(" ")[2])
            if again.seconds > DEADLINE:
                yield Violation(f"takes more than {DEADLINE:g} s, twice", again, place=operation)
    _testable(answers)
