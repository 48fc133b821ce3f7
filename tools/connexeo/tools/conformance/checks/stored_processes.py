"""Stored processes of users: lists, storing, descriptions, removal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.listing import (
    everything,
    find,
    read_whole,
)
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE
from connexeo.tools.conformance.shapes import listed, mapping, text
from connexeo.tools.conformance.stored_processes import (
    DELETE,
    PROCESSES,
    READ,
    WRITE,
    address,
    described,
    full,
    graph,
    plain_processes,
    prepared,
    remove,
    send,
    store,
)
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require
from connexeo.tools.conformance.workload import addition, has

_LIST = "GET /process_graphs"
_SOURCE = "openEO API, PUT /process_graphs/{process_graph_id}"
_MAY_BE_NULL = {"summary", "description", "parameters", "returns"}
_NEEDED = ("process_graph", "parameters", "returns")
"""What whoever uses a process relies on."""


@requirement(
    404, layer="udp", operations=(_LIST,), account=True,
    mend="Give each process one entry, with its `id` and what it was stored with.",
)  # fmt: skip
def entries(backend: BackEnd) -> Iterator[Violation]:
    """Entries have ids, each another one; what they tell of a process is what was stored."""
    own = prepared(backend)
    answer = read_whole(backend, PROCESSES)
    found = answer.object().get("processes")
    require(isinstance(found, list), "there is no array `processes`", answer)
    for entry in found or ():
        name = text(mapping(entry).get("id"))
        if not name:
            yield Violation("a process in the list has no `id`", answer.showing(entry))
        elif not re.fullmatch(r"\w+", name):
            yield Violation("a process in the list has an `id` that is no identifier", answer.showing(entry))
        if own and name == own[0]:
            yield from _faults_of_copy(mapping(entry), answer.showing(entry), lacking=False)
    counts = Counter(PROCESSES.identify(mapping(entry)) for entry in found or ())
    if any(count > 1 for name, count in counts.items() if name):
        yield Violation("a process is listed twice", answer.showing([]))


def _faults_of_copy(
    given: Mapping[str, Any], evidence: Exchange, *, lacking: bool = True
) -> Iterator[Violation]:
    """What has become of the process that tells all of itself; entries of lists may lack most of it."""
    for key, value in full().items():
        there = given.get(key)
        if there is None and (not lacking or value is False):
            continue
        if not _has(there, value):
            kind = "is missing" if there is None else "is another one"
            severity = None if key in _NEEDED else Severity.MINOR
            message = f"a property of a stored process {kind}"
            yield Violation(message, evidence, severity=severity, place=f"{evidence.name}, `{key}`")


def _has(given: Any, wanted: Any) -> bool:
    """Whether a document has all that another has; defaults that are told as well do no harm."""
    if isinstance(wanted, Mapping):
        if not isinstance(given, Mapping):
            return False
        return all(_has(given.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(given, list) or len(given) < len(wanted):
            return False
        # Links may be added: to the process itself, for instance.
        return all(any(_has(each, value) for each in given) for value in wanted)
    return (type(given) is type(wanted) and bool(given == wanted)) or _equal_numbers(given, wanted)


def _equal_numbers(given: Any, wanted: Any) -> bool:
    number = isinstance(wanted, int | float) and not isinstance(wanted, bool)
    return number and isinstance(given, int | float) and not isinstance(given, bool) and given == wanted


@requirement(
    405, layer="udp", operations=(_LIST,), account=True, mend="Leave out what a process does not have."
)
def nulls_of_the_list(backend: BackEnd) -> Iterator[Violation]:
    """Listed processes have no nulls but where they may."""
    prepared(backend)
    found = everything(backend, PROCESSES)
    if not found:
        raise NotTestable("there are no stored processes, and none may be stored without --write")
    for entry in found:
        yield from _faults_of_nulls(entry.value, entry.evidence)


def _faults_of_nulls(process: Mapping[str, Any], evidence: Exchange) -> Iterator[Violation]:
    names = sorted(key for key, value in process.items() if value is None and key not in _MAY_BE_NULL)
    if names:
        verb = "is" if len(names) == 1 else "are"
        yield Violation(f"{listed(f'`{name}`' for name in names)} {verb} null", evidence)


@requirement(410, layer="udp", operations=(WRITE, READ), writes=True, mend="Store the process, with 200.")
def creates(backend: BackEnd) -> Iterator[Violation]:
    """A new process is stored, and is there at once."""
    name = backend.name("created")
    store(backend, name, full())
    about, answer = described(backend, name)
    if about.get("process_graph") != graph():
        yield Violation("the process graph is not the one that was stored", answer)


@requirement(
    411, layer="udp", operations=(WRITE, READ), writes=True, severity=Severity.MAJOR,
    mend="Store the new process in place of the old one.",
)  # fmt: skip
def updates(backend: BackEnd) -> Iterator[Violation]:
    """Stored again, a process is another one."""
    name = backend.name("updated")
    for number in (1, 2):
        store(backend, name, {"summary": f"Version {number}", "process_graph": graph(number)})
        about, answer = described(backend, name)
        if about.get("process_graph") != graph(number):
            when = "" if number == 1 else " again"
            yield Violation(f"the process graph is not the one that was stored{when}", answer)


@requirement(
    412, layer="udp", operations=(WRITE, READ), writes=True,
    mend="Answer 400 ProcessGraphMissing or ProcessGraphInvalid, and store nothing.",
)  # fmt: skip
def faulty(backend: BackEnd) -> Iterator[Violation]:
    """Without a process graph that is one, nothing is stored."""
    name = backend.name("faulty")
    no_process: dict[str, Any] = {"a": {"arguments": {}, "result": True}}
    for body, what, severity in (
        ({"summary": "Nothing"}, "a process without `process_graph`", Severity.MAJOR),
        ({"process_graph": "add"}, "a process graph that is a text", Severity.MAJOR),
        ({"process_graph": no_process}, "a node without `process_id`", None),
    ):
        answer = send(backend, name, body)
        if answer.ok:
            yield Violation(
                f"{what} is answered with HTTP {answer.status}, not 400", answer, severity=severity
            )
            remove(backend, name)
        elif backend.user.get(address(name)).ok:
            backend.ledger.add("process", name, backend.user)
            yield Violation(f"{what} is refused, but stored", backend.user.get(address(name)))
            remove(backend, name)


@requirement(
    413, layer="udp", operations=(WRITE, READ), writes=True, severity=Severity.MAJOR,
    mend="Store the process under the id of the path, whatever the body says.",
)  # fmt: skip
def id_of_the_path(backend: BackEnd) -> Iterator[Violation]:
    """An id in the body is not needed, and does not count."""
    name, other = backend.name("right"), backend.name("wrong")
    backend.ledger.add("process", other, backend.user)
    sent = send(backend, name, {**full(), "id": other})
    elsewhere = backend.user.get(address(other))
    if not elsewhere.ok:
        backend.ledger.forget("process", other)
    if not sent.ok:
        yield Violation(f"a process with another `id` in the body is answered with HTTP {sent.status}", sent)
        return
    if elsewhere.ok:
        yield Violation("the process is stored under the id of the body", elsewhere)
    answer = backend.user.get(address(name))
    if not answer.ok:
        yield Violation("the process is not stored under the id of the path", answer)
    elif answer.object().get("id") == other:
        yield Violation("the process is described with the id of the body", answer)


@requirement(
    414, layer="udp", operations=(WRITE, READ), writes=True, severity=Severity.MAJOR,
    mend="Forget everything of the old version.",
)  # fmt: skip
def replaced_as_a_whole(backend: BackEnd) -> Iterator[Violation]:
    """What the new version does not tell is gone."""
    name = backend.name("replaced")
    store(backend, name, full())
    store(backend, name, {"process_graph": addition()})
    about, answer = described(backend, name)
    old = [key for key, value in full().items() if value and key not in {"process_graph", "links"}]
    kept = [key for key in old if about.get(key) == full()[key]]
    if kept:
        yield Violation(f"of the version before there is still {listed(kept, 10)}", answer)
    if about.get("process_graph") != addition():
        yield Violation("the process graph is not that of the new version", answer)


@requirement(420, layer="udp", operations=(WRITE, READ), writes=True, mend="Describe the process, with 200.")
def describes(backend: BackEnd) -> Iterator[Violation]:
    """What is stored is described, and nothing else."""
    for name in backend.once(plain_processes):
        described(backend, name)
    answer = backend.user.get(address(NOWHERE))
    if answer.ok:
        yield Violation(
            f"a process that does not exist is answered with HTTP {answer.status}, not 404", answer
        )


@requirement(
    421, layer="udp", operations=(WRITE, READ), writes=True, severity=Severity.MAJOR,
    mend="Describe the process with its `id` and its `process_graph`.",
)  # fmt: skip
def descriptions(backend: BackEnd) -> Iterator[Violation]:
    """Descriptions have id and process graph."""
    for name in backend.once(plain_processes):
        about, answer = described(backend, name)
        if about.get("id") != name:
            yield Violation(f"`id` is {about.get('id')}, not {name}", answer)
        if not isinstance(about.get("process_graph"), Mapping):
            yield Violation("there is no object `process_graph`", answer)


@requirement(422, layer="udp", operations=(WRITE, READ), writes=True, mend="Leave out what it does not have.")
def nulls_of_a_description(backend: BackEnd) -> Iterator[Violation]:
    """Described processes have no nulls but where they may."""
    for name in backend.once(plain_processes):
        about, answer = described(backend, name)
        yield from _faults_of_nulls(about, answer)


@requirement(430, layer="udp", operations=(WRITE, DELETE), writes=True, mend="Answer 204.")
def removes(backend: BackEnd) -> Iterator[Violation]:
    """Stored processes can be removed."""
    name = backend.name("to_remove")
    store(backend, name, full())
    answer = remove(backend, name)
    if not answer.ok:
        yield Violation(f"the removal of a process is answered with HTTP {answer.status}, not 204", answer)


@requirement(
    431, layer="udp", operations=(WRITE, DELETE), writes=True, severity=Severity.MAJOR,
    mend="Remove the process before 204 is sent; answer 404 ProcessGraphNotFound when there is none.",
)  # fmt: skip
def gone(backend: BackEnd) -> Iterator[Violation]:
    """What was removed is neither there nor listed, and cannot be removed again."""
    name = backend.name("gone")
    store(backend, name, full())
    removal = remove(backend, name)
    require(removal.ok, f"the removal of a process is answered with HTTP {removal.status}, not 204", removal)
    if backend.offers(READ):
        answer = backend.user.get(address(name))
        if answer.ok:
            yield Violation(
                f"a process that was removed is answered with HTTP {answer.status}, not 404", answer
            )
    entry = find(backend, PROCESSES, name) if backend.offers(_LIST) else None
    if entry is not None:
        yield Violation("a process that was removed is still listed", entry.evidence)
    again = backend.user.delete(address(name))
    if again.ok:
        message = f"the removal of what is not there is answered with HTTP {again.status}, not 404"
        yield Violation(message, again, severity=Severity.MINOR)


@check(
    "udp.kept",
    "A stored process comes back as it was stored",
    layer="udp",
    source=_SOURCE,
    operations=(WRITE, READ),
    writes=True,
    mend="Keep everything that a process tells of itself.",
)
def kept(backend: BackEnd) -> Iterator[Violation]:
    """Graph, parameters, return value, texts, examples, links."""
    about, answer = described(backend, backend.once(plain_processes)[0])
    yield from _faults_of_copy(about, answer)


@check(
    "udp.identifiers",
    "Identifiers of processes are letters, digits and underscores",
    layer="udp",
    source=f"{_SOURCE}, pattern of process_graph_id",
    operations=(WRITE,),
    writes=True,
    mend="Refuse identifiers that do not match ^\\w+$.",
)
def identifiers(backend: BackEnd) -> Iterator[Violation]:
    """Spaces, dashes and punctuation are refused."""
    for what, kind in (
        ("two words", "a space"),
        ("dash-ed", "a dash"),
        ("dot.ted", "a dot"),
        ("what?", "a `?`"),
    ):
        answer = send(backend, backend.name(what), full())
        if answer.ok:
            message = f"an identifier that is none is answered with HTTP {answer.status}, not 4xx"
            yield Violation(message, answer, place=f"{answer.name}, {kind}")
            # It would show in all lists.
            remove(backend, backend.name(what))


@check(
    "udp.predefined-name",
    "A process that is named like a predefined one is refused, or kept apart from it",
    layer="udp",
    source="openEO API, error PredefinedProcessExists, and namespaces of processes",
    operations=(WRITE, READ, DELETE),
    writes=True,
    severity=Severity.MINOR,
    mend="Answer 400 PredefinedProcessExists, or store it for the namespace `user`.",
)
def predefined_name(backend: BackEnd) -> Iterator[Violation]:
    """An own `sgn`, unless the user has one."""
    name = "sgn"
    if not has(backend, name, "add"):
        raise NotTestable(f"there is no predefined process `{name}`")
    if backend.user.get(address(name)).status != 404:
        raise NotTestable(f"whether the user has an own process `{name}` cannot be told, or there is one")
    sent = send(backend, name, full())
    if not sent.ok:
        return
    about = backend.user.get(address(name))
    if not about.ok or about.object().get("process_graph") != graph():
        yield Violation(f"`{name}` is accepted, but the user has no such process then", about)
    removed = remove(backend, name)
    listing = backend.reader.get("/processes")
    processes = listing.object().get("processes") if listing.ok else ()
    if removed.ok and not any(mapping(each).get("id") == name for each in processes or ()):
        yield Violation(f"the predefined process `{name}` is gone with the user's", listing.showing([]))
