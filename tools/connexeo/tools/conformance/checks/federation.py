"""The federation extension, and what users of a federation need beyond it, as far as it is visible from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.checks.federation_members import SOURCE, member_states
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.resources import all_collections, object_of
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Skipped, Violation
from connexeo.tools.conformance.workload import addition, has

MISSING = "federation:missing"
BACKENDS = "federation:backends"

LISTS = {
    "GET /collections": "collections",
    "GET /processes": "processes",
    "GET /file_formats": None,
    "GET /process_graphs": "processes",
    "GET /jobs": "jobs",
    "GET /services": "services",
    "GET /files": "files",
    "GET /service_types": None,
    "GET /udf_runtimes": None,
}
"""Lists of a federation → where their entries are; None: the document itself has them by name."""

TELLING = (
    "GET /collections",
    "GET /processes",
    "GET /file_formats",
    "GET /process_graphs",
    "GET /jobs",
    "GET /services",
)
"""Lists that the extension has ``federation:missing`` for."""

FRESH = 60
"""Seconds that a partial answer may be kept."""

DEADLINE = 5.0
"""Seconds for a list, whatever state the back-ends of the federation are in; users wait for it."""


def lists(backend: BackEnd) -> dict[str, tuple[Exchange, Mapping[str, Any]]]:
    """The first page of each list that is offered, in the user's name when there is one."""
    found: dict[str, tuple[Exchange, Mapping[str, Any]]] = {}
    for operation in LISTS:
        known = backend.contract.operation(operation)
        if known is None or not backend.offers(operation) or (known.secured and backend.account is None):
            continue
        answer = backend.reader.get(known.path)
        try:
            document = answer.object() if answer.ok else {}
        except NotJson:
            document = {}
        found[operation] = (answer, document)
    return found


def _lists(backend: BackEnd) -> dict[str, tuple[Exchange, Mapping[str, Any]]]:
    member_states(backend)
    return backend.once(lists)


def _names(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _tagged(value: Any, place: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object below a value that says which back-ends have it, with its place."""
    if isinstance(value, Mapping):
        if BACKENDS in value:
            yield place or "/", value
        for key, entry in value.items():
            yield from _tagged(entry, f"{place}/{key}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            name = entry.get("id", number) if isinstance(entry, Mapping) else number
            yield from _tagged(entry, f"{place}/{name}")


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
    for answer, document in _documents(backend):
        missing = document.get(MISSING)
        if isinstance(missing, str):
            yield Violation(f"{MISSING} is a text, not a list", answer)
        for name in _names(missing):
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
    answers = _lists(backend)
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
            lacking = sorted(still - set(_names(document.get(MISSING))))
            if answer.ok and lacking:
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
    for answer, document in _documents(backend):
        for place, tagged in _tagged(document):
            names, where = _names(tagged[BACKENDS]), f"{answer.name} {place}"
            for name in names:
                if name not in known:
                    message = f"{BACKENDS} names {name}, which `federation` does not have"
                    yield Violation(message, answer, place=where)
            if not names:
                yield Violation(f"{BACKENDS} names nobody", answer, place=where)
            if len(set(names)) < len(names):
                message = f"{BACKENDS} names a back-end twice"
                yield Violation(message, answer, severity=Severity.MINOR, place=where)


def descriptions(backend: BackEnd) -> list[tuple[Exchange, Mapping[str, Any]]]:
    """Descriptions of a few collections, and a validation: single documents that tell who has a part in them."""
    found: list[tuple[Exchange, Mapping[str, Any]]] = []
    if backend.offers("GET /collections"):
        for entry in _chosen(backend):
            answer = backend.reader.get(f"/collections/{encoded(str(entry['id']))}")
            document = object_of(answer)
            if document is not None:
                found.append((answer, document))
    if backend.offers("POST /validation") and has(backend, "add"):
        answer = backend.reader.post("/validation", {"process_graph": addition()})
        document = object_of(answer)
        if document is not None:
            found.append((answer, document))
    return found


def _chosen(backend: BackEnd) -> list[dict[str, Any]]:
    """Up to five collections of the list."""
    listed = [each for each in backend.once(all_collections) if each.get("id")]
    return backend.random("federation").sample(listed, min(5, len(listed)))


def _documents(backend: BackEnd) -> list[tuple[Exchange, Mapping[str, Any]]]:
    """Lists, and single documents as far as there are any."""
    found = list(_lists(backend).values())
    try:
        return [*found, *backend.once(descriptions)]
    except (NotApplicable, NotTestable, Skipped):
        return found


@check(
    "federation.both",
    "No back-end both has something and is missing for it",
    layer="federation",
    source=SOURCE,
    mend="A back-end that took no part is in `federation:missing` only.",
)
def both(backend: BackEnd) -> Iterator[Violation]:
    """Documents that have both properties; collections may have one of them in their summaries."""
    for answer, document in _documents(backend):
        for _, tagged in _tagged(document):
            yield from _twice(tagged, _names(tagged[BACKENDS]), answer)
        yield from _twice(document, _hosts(document) if BACKENDS not in document else [], answer)


def _twice(document: Mapping[str, Any], hosts: list[str], answer: Exchange) -> Iterator[Violation]:
    for name in sorted(set(hosts) & set(_names(document.get(MISSING)))):
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
    for entry in _chosen(backend):
        identifier = str(entry["id"])
        answer = backend.reader.get(f"/collections/{encoded(identifier)}")
        if not answer.ok:
            continue
        said, there = _hosts(entry), _hosts(answer.object())
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


def _hosts(collection: Mapping[str, Any]) -> list[str]:
    """Of a collection: the extension's text has the property at the top, its example in the summaries."""
    summaries = collection.get("summaries")
    below = summaries.get(BACKENDS) if isinstance(summaries, Mapping) else None
    return sorted(_names(collection.get(BACKENDS) or below))


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
        each for each in backend.once(all_collections) if each.get("id") and set(_hosts(each)) & offline
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
    for operation, (answer, _) in _lists(backend).items():
        # 500 itself is told by the check of all answers.
        if answer.status > 500 and answer.status != 501:
            yield Violation(f"HTTP {answer.status} for a list", answer, place=operation)


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
    partial = [answer for answer, document in _lists(backend).values() if _names(document.get(MISSING))]
    if not partial:
        raise NotTestable("no list lacks a back-end")
    for answer in partial:
        seconds = _max_age(answer.headers.get("cache-control", ""))
        if seconds is not None and seconds > FRESH:
            yield Violation(f"an answer without some back-ends may be kept for {seconds} s", answer)


def _max_age(value: str) -> int | None:
    for part in value.lower().split(","):
        name, _, seconds = part.strip().partition("=")
        if name in {"max-age", "s-maxage"} and seconds.isdigit():
            return int(seconds)
    return None


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
    names = _names(answer.object().get(BACKENDS))
    if not names:
        yield Violation(f"a valid process is answered without {BACKENDS}", answer)
    for name in names:
        if name not in known:
            yield Violation(
                f"{BACKENDS} names {name}, which `federation` does not have", answer, severity=Severity.MAJOR
            )


@check(
    "federation.in-time",
    "A back-end that does not answer delays nobody",
    layer="federation",
    source="what users need",
    severity=Severity.MINOR,
    mend="Ask all back-ends at once, in the background where possible, and answer without those that are late.",
)
def in_time(backend: BackEnd) -> Iterator[Violation]:
    """Lists that took long, asked once more: the first time may have been the network's fault."""
    for operation, (answer, _) in _lists(backend).items():
        if answer.seconds > DEADLINE:
            again = backend.reader.get(operation.partition(" ")[2])
            if again.seconds > DEADLINE:
                yield Violation(f"takes more than {DEADLINE:g} s", again, place=operation)
