"""The federation extension, and what users of a federation need beyond it, as far as it is visible from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.resources import all_collections
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation
from connexeo.tools.conformance.workload import addition, has

SOURCE = "Federation Extension 0.1.0"
MISSING = "federation:missing"
BACKENDS = "federation:backends"
CLASS = "https://api.openeo.org/extensions/federation/"

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


def _member_states(backend: BackEnd) -> dict[str, str]:
    """Back-ends of the federation → ``online`` or ``offline``."""
    members = backend.capabilities.get("federation")
    if not isinstance(members, Mapping):
        raise NotApplicable("the back-end is no federation: `GET /` has no `federation`")
    return {
        str(name): str(about.get("status", "online")) if isinstance(about, Mapping) else "online"
        for name, about in members.items()
    }


def _described(backend: BackEnd) -> dict[str, Mapping[str, Any]]:
    _member_states(backend)
    return {
        name: about
        for name, about in backend.capabilities["federation"].items()
        if isinstance(about, Mapping)
    }


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
    _member_states(backend)
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
    "federation.members",
    "A federation has two back-ends or more, each with the URL of its API",
    layer="federation",
    source=SOURCE,
    mend="Give each member of `federation` an absolute `url`.",
)
def members(backend: BackEnd) -> Iterator[Violation]:
    """The property of the capabilities."""
    described = _described(backend)
    answer = backend.anonymous.get("/")
    if len(_member_states(backend)) < 2:
        yield Violation("`federation` has fewer than two back-ends", answer)
    for name, about in described.items():
        url = urlsplit(str(about.get("url", "")))
        if url.scheme not in {"http", "https"} or not url.netloc:
            yield Violation(f"the back-end {name} has no absolute `url`", answer)


@check(
    "federation.class",
    "Who is a federation advertises the conformance class of the extension, and the other way round",
    layer="federation",
    source=SOURCE,
    mend=f"List {CLASS}0.1.0 in `conformsTo`, and the back-ends in `federation`.",
)
def conformance_class(backend: BackEnd) -> Iterator[Violation]:
    """Class and property."""
    classes = backend.capabilities.get("conformsTo")
    advertised = any(name.startswith(CLASS) for name in _names(classes))
    if isinstance(backend.capabilities.get("federation"), Mapping):
        if not advertised and backend.contract.version not in {"1.0", "1.1"}:
            yield Violation(
                "`federation` is there, its conformance class is not",
                backend.anonymous.get("/"),
                severity=Severity.MINOR,
            )
    elif advertised:
        yield Violation(
            "the conformance class is advertised, but there is no `federation`", backend.anonymous.get("/")
        )
    else:
        raise NotApplicable("the back-end is no federation: `GET /` has no `federation`")


@check(
    "federation.description",
    "Each back-end has a title, a status, and the times of its checks",
    layer="federation",
    source="Federation Extension 0.1.0; what users need",
    severity=Severity.MINOR,
)
def description(backend: BackEnd) -> Iterator[Violation]:
    """What users and clients show of each back-end, an offline one too."""
    answer = backend.anonymous.get("/")
    for name, about in _described(backend).items():
        lacking = [
            key
            for key in ("title", "status", "last_status_check", "last_successful_check")
            if not about.get(key)
        ]
        if lacking and not (about.get("status") == "offline" and lacking == ["last_successful_check"]):
            yield Violation(f"the back-end {name} has no {', '.join(lacking)}", answer)


@check(
    "federation.check-times",
    "The last successful check is that of the last check while a back-end is online, and never later",
    layer="federation",
    source=SOURCE,
)
def check_times(backend: BackEnd) -> Iterator[Violation]:
    """The two times of each back-end."""
    answer = backend.anonymous.get("/")
    told = False
    for name, about in _described(backend).items():
        last, good = _instant(about.get("last_status_check")), _instant(about.get("last_successful_check"))
        if last is None or good is None:
            continue
        told = True
        if good > last:
            yield Violation(f"the back-end {name} was checked successfully after it was checked last", answer)
        elif about.get("status", "online") == "online" and good != last:
            yield Violation(f"the back-end {name} is online, but its last check was not successful", answer)
    if not told:
        raise NotTestable("no back-end has both times")


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


@check(
    "federation.missing-known",
    "`federation:missing` names back-ends of the federation",
    layer="federation",
    source=SOURCE,
    mend="Use the identifiers that are the keys of `federation` in the capabilities.",
)
def missing_known(backend: BackEnd) -> Iterator[Violation]:
    """Every list."""
    known = _member_states(backend)
    for answer, document in _lists(backend).values():
        for name in _names(document.get(MISSING)):
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
    before = {name for name, state in _member_states(backend).items() if state == "offline"}
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
    """Everything that is listed."""
    known = _member_states(backend)
    for answer, document in _lists(backend).values():
        for place, tagged in _tagged(document):
            names = _names(tagged[BACKENDS])
            for name in names:
                if name not in known:
                    yield Violation(
                        f"{place}: {BACKENDS} names {name}, which `federation` does not have", answer
                    )
            if not names:
                yield Violation(f"{place}: {BACKENDS} names nobody", answer)
            if len(set(names)) < len(names):
                yield Violation(
                    f"{place}: {BACKENDS} names a back-end twice", answer, severity=Severity.MINOR
                )


@check(
    "federation.both",
    "No back-end both has something and is missing for it",
    layer="federation",
    source=SOURCE,
    mend="A back-end that took no part is in `federation:missing` only.",
)
def both(backend: BackEnd) -> Iterator[Violation]:
    """Documents that have both properties."""
    for answer, document in _lists(backend).values():
        for place, tagged in _tagged(document):
            twice = sorted(set(_names(tagged[BACKENDS])) & set(_names(tagged.get(MISSING))))
            if twice:
                yield Violation(f"{place}: {', '.join(twice)} is in {BACKENDS} and in {MISSING}", answer)


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
    """Up to five collections."""
    _member_states(backend)
    listed = [each for each in backend.once(all_collections) if each.get("id")]
    chosen = backend.random("federation").sample(listed, min(5, len(listed)))
    for entry in chosen:
        identifier = str(entry["id"])
        answer = backend.reader.get(f"/collections/{encoded(identifier)}")
        if not answer.ok:
            continue
        said, there = _hosts(entry), _hosts(answer.object())
        if there and not said:
            yield Violation(
                "the list does not say which back-ends have it, the description does",
                answer,
                place=identifier,
            )
        elif there != said:
            yield Violation(
                f"the list says {said}, the description {there}",
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
    offline = {name for name, state in _member_states(backend).items() if state == "offline"}
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
        if answer.status >= 500:
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
    known = _member_states(backend)
    if not has(backend, "add"):
        raise NotTestable("there is no process `add`")
    answer = backend.reader.post("/validation", {"process_graph": addition()})
    document = answer.object() if answer.ok else {}
    names = _names(document.get(BACKENDS))
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
