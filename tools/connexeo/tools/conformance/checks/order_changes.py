"""Metadata of jobs and services, what can be changed of them, and their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.billing import faults_of_billing, need_plan
from connexeo.tools.conformance.given import faulty_processes, process_fault
from connexeo.tools.conformance.listing import find
from connexeo.tools.conformance.ordered import FURTHER, Kind, Thing, both, check_of_both
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.resources import Entry
from connexeo.tools.conformance.shapes import listed, mapping, text
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require

T = TypeVar("T", bound=Thing)

_KEPT = (
    "id", "url", "type", "description", "process", "status", "enabled", "configuration", "log_level", "created",
    "plan", "budget",
)  # fmt: skip
"""What a new title does not change."""


def changed(thing: Thing, **properties: Any) -> Entry:
    """The metadata after a change.

    Raises:
        Violated: when it is refused.
    """
    answer = thing.change(**properties)
    said = f"HTTP {answer.status} {answer.code or ''}".rstrip()
    require(
        answer.ok, f"a change of {listed(f'`{key}`' for key in properties)} is refused with {said}", answer
    )
    return thing.described()


@cache
def takes_changes(kind: Kind[Thing]) -> Callable[[BackEnd], bool]:
    """What tells, for ``backend.once``, whether a new title or description shows in the metadata.

    Where nothing can be changed at all, one finding says so.
    """

    def takes(backend: BackEnd) -> bool:
        backend.need(kind.create, kind.describe, kind.edit)
        given = {"title": backend.name("other title"), "description": "It was changed."}
        thing = kind.new(backend)
        answer = thing.change(**given)
        kept = thing.described().value
        return answer.ok and any(kept.get(key) == value for key, value in given.items())

    return takes


def changeable(backend: BackEnd, kind: Kind[T], **properties: Any) -> T:
    """Something to be changed.

    Raises:
        NotTestable: when nothing can be changed at all.
    """
    if not backend.once(takes_changes(kind)):
        raise NotTestable("builds on what failed: not even title and description can be changed")
    return kind.new(backend, **properties)


def differs(entry: Entry, key: str, wanted: Any, place: str) -> Iterator[Violation]:
    """A property that is not what it was changed to."""
    if entry.value.get(key) != wanted:
        told = entry.value.get(key, "missing")
        yield Violation(f"`{key}` is {told}, not {wanted} as it was given", entry.evidence, place=place)


@requirement(both(750, 650, "create", "describe"), writes=True)
def described(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """The owner gets the metadata of the very thing."""
    thing = backend.once(case.first)
    entry = thing.described()
    if entry.id != thing.id:
        yield Violation(f"the metadata have the `id` of another {case.noun}", entry.evidence)


@requirement(both(751, 651, "create", "describe"), writes=True, mend="Add what is missing.")
def members(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Clients know what it does, and how far or where it is."""
    entry = backend.once(case.first).described()
    for key in case.members:
        if entry.value.get(key) is None:
            yield Violation(f"there is no `{key}`", entry.evidence)
    if not mapping(mapping(entry.value.get("process")).get("process_graph")) and "process" in entry.value:
        yield Violation("`process` has no process graph", entry.evidence)
    url = text(entry.value.get("url"))
    if url and "://" not in url:
        yield Violation("`url` is not absolute", entry.evidence)


@requirement(both(752, 652, "create", "describe"), writes=True, mend="Keep title and description.")
def titles(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Title and description are there when they were given."""
    entry = case.new(backend, title=backend.name("shown"), description="It is shown.").described()
    for key in ("title", "description"):
        if not text(entry.value.get(key)):
            yield Violation(f"there is no {key}, although one was given", entry.evidence)


@requirement(
    both(755, 654, "create", "describe"), writes=True,
    mend="Keep properties that you do not know, or let there be none.",
)  # fmt: skip
def further(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Further properties come back as they were given."""
    wanted = {"river": "Lech"}
    entry = case.new(backend, **{FURTHER: wanted}).described()
    if FURTHER not in entry.value:
        yield Violation("a further property is not kept", entry.evidence)
    elif entry.value[FURTHER] != wanted:
        yield Violation("a further property is not as it was given", entry.evidence)


@requirement(both(760, 660, "create", "edit"), writes=True)
def change(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """The owner can change it."""
    answer = case.new(backend).change(title=backend.name("changed"))
    if not answer.ok:
        yield Violation(f"a change is answered with HTTP {answer.status}", answer)


@requirement(
    both(761, 661, "create", "describe", "edit"), writes=True, mend="Validate the process, then replace it."
)
def process(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """The process is another one after the change, which a faulty one does not make."""
    thing = changeable(backend, case)
    wanted = _another_process(thing)
    entry = changed(thing, process=wanted)
    if fault := process_fault(entry.value.get("process"), wanted, arguments=False):
        yield Violation(f"after a change {fault}", entry.evidence, place=case.edit)
    # What has to be started may be validated then, as the API says.
    severity = None if case.start is None else Severity.MINOR
    for what, faulty in faulty_processes().items():
        answer = thing.change(process=faulty)
        if answer.ok:
            message = "a change to a faulty process is accepted"
            yield Violation(message, answer, place=f"{case.edit}: {what}", severity=severity)


def _another_process(thing: Thing) -> dict[str, Any]:
    """The same process with another name of its last node, which is the least that can be changed."""
    graph = dict(thing.given["process"]["process_graph"])
    last = next((name for name, node in graph.items() if mapping(node).get("result") is True), None)
    if last is None:
        raise NotTestable("there is no process that would be another one for sure")
    graph["saved_otherwise"] = graph.pop(last)
    return {"process_graph": graph}


@requirement(both(762, 665, "create", "describe", "edit"), writes=True, mend="Take `plan` and `budget`.")
def billing(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Plan and budget are others after the change."""
    plan = need_plan(backend)
    yield from faults_of_billing(changed(changeable(backend, case), plan=plan, budget=2), plan, 2)


@requirement(both(763, 666, "create", "describe", "edit"), writes=True, mend="Take `log_level`.")
def log_level(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """The least level of log entries is another one after the change."""
    entry = changed(changeable(backend, case, log_level="error"), log_level="warning")
    yield from differs(entry, "log_level", "warning", case.edit)


@requirement(
    both(764, 668, "create", "describe", "edit"), writes=True, severity=Severity.MAJOR,
    mend="Take `title` and `description`.",
)  # fmt: skip
def new_titles(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Title and description are others after the change."""
    given = {"title": backend.name("changed title"), "description": "It *was* changed."}
    entry = changed(case.new(backend), **given)
    same = [f"`{key}`" for key, wanted in given.items() if entry.value.get(key) != wanted]
    if same:
        message = (
            f"{listed(same)} did not become what was given, although the change was answered with success"
        )
        yield Violation(message, entry.evidence, place=case.edit)


@requirement(both(765, 669, "create", "edit"), writes=True, mend="Take properties that you do not know.")
def further_changed(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Clients of other back-ends may send more."""
    answer = case.new(backend).change(**{FURTHER: "Inn"})
    if not answer.ok:
        yield Violation("a change with a further property is refused", answer)


@check_of_both(
    "patch-keeps",
    "A change of a {noun} leaves everything as it is that it does not name",
    "create",
    "describe",
    "edit",
    source="edit",
    writes=True,
    severity=Severity.MAJOR,
    mend="Change what the request names, and nothing else.",
)
def patch_keeps(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """A new title changes nothing but the title."""
    thing = case.new(backend, description="It stays.")
    before = thing.described()
    answer = thing.change(title=backend.name("only the title"))
    if not answer.ok:
        raise NotTestable("builds on what failed: a new title is refused")
    after = thing.described()
    for key in _KEPT:
        if before.value.get(key) is not None and after.value.get(key) != before.value[key]:
            yield Violation(f"a new title has changed `{key}` as well", after.evidence, place=case.edit)


@check_of_both(
    "null-clears",
    "A description of a {noun} that is null in a change is gone",
    "create",
    "describe",
    "edit",
    source="edit",
    writes=True,
    severity=Severity.MINOR,
    mend="`null` means that there is none: take the description away.",
)
def null_clears(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """Null takes the description away."""
    thing = changeable(backend, case, description="It goes.")
    if not text(thing.described().value.get("description")):
        raise NotTestable("descriptions are not kept")
    answer = thing.change(description=None)
    require(answer.ok, "a change of the description to null is refused", answer)
    entry = thing.described()
    if text(entry.value.get("description")):
        message = "the description is still there after it was changed to null"
        yield Violation(message, entry.evidence, place=case.edit)


@requirement(both(780, 680, "create", "remove"), writes=True)
def remove(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """The owner can remove it."""
    answer = case.new(backend).delete()
    if not answer.ok:
        yield Violation(f"the removal of a {case.noun} is answered with HTTP {answer.status}", answer)


@requirement(
    both(781, 681, "create", "remove"), writes=True, severity=Severity.MAJOR,
    mend="Answer 204 as soon as it is gone, and not before; later on 404.",
)  # fmt: skip
def gone(backend: BackEnd, case: Kind[Thing]) -> Iterator[Violation]:
    """What was removed is not there any more."""
    thing = case.new(backend)
    answer = thing.delete()
    if not answer.ok:
        raise NotTestable(f"builds on what failed: a {case.noun} is not removed")
    if answer.status != 204:
        message = f"the removal of a {case.noun} is answered with HTTP {answer.status}, not 204"
        yield Violation(message, answer, severity=Severity.MINOR)
    yield from _there(backend, case, thing)


def _there(backend: BackEnd, kind: Kind[Thing], thing: Thing) -> Iterator[Violation]:
    """Where something that was removed is still found."""
    if backend.offers(kind.describe):
        answer = thing.answer()
        if answer.ok:
            yield Violation(f"a {kind.noun} that was removed is still there", answer, place=kind.remove)
            return
    if backend.offers(kind.read):
        entry = find(backend, kind.listing, thing.id)
        if entry is not None:
            message = f"a {kind.noun} that was removed is still listed"
            yield Violation(message, entry.evidence, place=kind.remove)
