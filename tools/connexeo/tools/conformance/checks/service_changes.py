"""Metadata of secondary web services, what can be changed of them, and their end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.billing import currency
from connexeo.tools.conformance.checks.service_creation import (
    faults_of_billing,
    faulty_processes,
    need_plan,
    process_fault,
)
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, Entry
from connexeo.tools.conformance.service_settings import another_value, is_kept, misfit
from connexeo.tools.conformance.serving import Service, create_service, created_service, service_types
from connexeo.tools.conformance.shapes import listed, mapping, objects, text
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation, require

_CREATE = "POST /services"
_ONE = "GET /services/{service_id}"
_CHANGE = "PATCH /services/{service_id}"
_DELETE = "DELETE /services/{service_id}"
_ASKED = (_CREATE, _ONE, _CHANGE)
_MEMBERS = ("id", "url", "type", "enabled", "process", "configuration", "attributes")
_FURTHER = "conformance:further"


def _metadata(backend: BackEnd) -> Entry:
    return backend.once(created_service).described()


def _changed(service: Service, **properties: Any) -> Entry:
    """The metadata after a change.

    Raises:
        Violated: when it is refused.
    """
    answer = service.change(**properties)
    said = f"HTTP {answer.status} {answer.code or ''}".rstrip()
    require(
        answer.ok, f"a change of {listed(f'`{key}`' for key in properties)} is refused with {said}", answer
    )
    return service.described()


def takes_changes(backend: BackEnd) -> bool:
    """Whether a new title or description shows in the metadata: where nothing can be changed, one finding says so."""
    backend.need(*_ASKED)
    given = {"title": backend.name("other title"), "description": "It was changed."}
    service = create_service(backend)
    answer = service.change(**given)
    kept = service.described().value
    return answer.ok and any(kept.get(key) == value for key, value in given.items())


def _changeable(backend: BackEnd, **properties: Any) -> Service:
    """A service to be changed.

    Raises:
        NotTestable: when nothing can be changed at all.
    """
    if not backend.once(takes_changes):
        raise NotTestable("builds on what failed: not even title and description can be changed")
    return create_service(backend, **properties)


def _differs(entry: Entry, key: str, wanted: Any) -> Iterator[Violation]:
    if entry.value.get(key) != wanted:
        told = entry.value.get(key, "missing")
        yield Violation(f"`{key}` is {told}, not {wanted} as it was given", entry.evidence, place=_CHANGE)


@requirement(650, layer="services", operations=(_CREATE, _ONE), writes=True)
def described(backend: BackEnd) -> Iterator[Violation]:
    """The owner gets the metadata of the very service."""
    service = backend.once(created_service)
    entry = service.described()
    if entry.id != service.id:
        yield Violation("the metadata have the `id` of another service", entry.evidence)


@requirement(651, layer="services", operations=(_CREATE, _ONE), writes=True, mend="Add what is missing.")
def members(backend: BackEnd) -> Iterator[Violation]:
    """Clients know where the service is, and what it does."""
    entry = _metadata(backend)
    for key in _MEMBERS:
        if entry.value.get(key) is None:
            yield Violation(f"there is no `{key}`", entry.evidence)
    if not mapping(mapping(entry.value.get("process")).get("process_graph")) and "process" in entry.value:
        yield Violation("`process` has no process graph", entry.evidence)
    url = text(entry.value.get("url"))
    if url and "://" not in url:
        yield Violation("`url` is not absolute", entry.evidence)


@requirement(
    652, layer="services", operations=(_CREATE, _ONE), writes=True, mend="Keep title and description."
)
def titles(backend: BackEnd) -> Iterator[Violation]:
    """Title and description are there when they were given."""
    entry = _metadata(backend)
    for key in ("title", "description"):
        if not text(entry.value.get(key)):
            yield Violation(f"there is no {key}, although one was given", entry.evidence)


@requirement(
    653, layer="services", operations=(_CREATE, _ONE), writes=True,
    mend="Tell `plan`, `costs`, `budget` and `usage`.",
)  # fmt: skip
def costs(backend: BackEnd) -> Iterator[Violation]:
    """Where something has a price, users see what a service costs."""
    if currency(backend) is None:
        raise NotApplicable("nothing has a price: the capabilities tell of no currency")
    entry = create_service(backend, plan=need_plan(backend), budget=1).described()
    for key in ("plan", "costs", "budget"):
        if entry.value.get(key) is None:
            yield Violation(f"there is no `{key}`", entry.evidence)
    value = entry.value.get("costs")
    if isinstance(value, int | float) and value < 0:
        yield Violation("`costs` are less than nothing", entry.evidence)


@requirement(
    654, layer="services", operations=(_CREATE, _ONE), writes=True,
    mend="Keep properties that you do not know, or let there be none.",
)  # fmt: skip
def further(backend: BackEnd) -> Iterator[Violation]:
    """Further properties come back as they were given."""
    wanted = {"river": "Lech"}
    entry = create_service(backend, **{_FURTHER: wanted}).described()
    if _FURTHER not in entry.value:
        yield Violation("a further property is not kept", entry.evidence)
    elif entry.value[_FURTHER] != wanted:
        yield Violation("a further property is not as it was given", entry.evidence)


@requirement(660, layer="services", operations=(_CREATE, _CHANGE), writes=True)
def change(backend: BackEnd) -> Iterator[Violation]:
    """The owner can change a service."""
    answer = create_service(backend).change(title=backend.name("changed"))
    if not answer.ok:
        yield Violation(f"a change is answered with HTTP {answer.status}", answer)


@requirement(
    661, layer="services", operations=_ASKED, writes=True, mend="Validate the process, then replace it."
)
def process(backend: BackEnd) -> Iterator[Violation]:
    """The process is another one after the change, which a faulty one does not make."""
    service = _changeable(backend)
    wanted = _another_process(service)
    entry = _changed(service, process=wanted)
    if fault := process_fault(entry.value.get("process"), wanted, arguments=False):
        yield Violation(f"after a change {fault}", entry.evidence, place=_CHANGE)
    for what, faulty in faulty_processes().items():
        answer = service.change(process=faulty)
        if answer.ok:
            yield Violation("a change to a faulty process is accepted", answer, place=f"{_CHANGE}: {what}")


def _another_process(service: Service) -> dict[str, Any]:
    """The same process with other names of its nodes, which is the least that can be changed."""
    graph = service.given["process"]["process_graph"]
    if mapping(graph.get("save")).get("result") is not True:
        raise NotTestable("there is no process that would be another one for sure")
    options = {**graph["save"], "description": "Saves what is shown."}
    renamed = {name: each for name, each in graph.items() if name != "save"}
    return {"process_graph": {**renamed, "saved_otherwise": options}}


@requirement(
    662, layer="services", operations=_ASKED, writes=True, mend="Take `configuration` as it is given."
)
def configuration(backend: BackEnd) -> Iterator[Violation]:
    """Configuration parameters have other values after the change."""
    service = _changeable(backend)
    chosen = another_value(_about(service))
    if chosen is None:
        raise NotTestable(
            f"the type {service.type} has no configuration parameter with a value to be made up"
        )
    name, value = chosen
    given = {**mapping(service.given.get("configuration")), name: value}
    entry = _changed(service, configuration=given)
    if not is_kept(entry, name, value):
        yield Violation(f"`{name}` of the configuration is not changed", entry.evidence, place=_CHANGE)


def _about(service: Service) -> Any:
    return service.backend.once(service_types)[service.type]


@requirement(
    663, layer="services", operations=(_CREATE, _CHANGE), writes=True,
    mend="Answer 400 ServiceConfigInvalid or ServiceConfigUnsupported, and change nothing.",
)  # fmt: skip
def wrong_configuration(backend: BackEnd) -> Iterator[Violation]:
    """What does not fit the type changes nothing."""
    service = _changeable(backend)
    wrong = misfit(_about(service))
    if not wrong:
        raise NotTestable(f"the type {service.type} does not tell what its configuration may be")
    for what, configuration in wrong.items():
        answer = service.change(configuration=configuration)
        if answer.ok:
            message = "a change to a configuration that the type does not have is accepted"
            yield Violation(message, answer, place=f"{_CHANGE}: {what}")


@requirement(
    664, layer="services", operations=_ASKED, writes=True,
    mend="Refuse any change of the type, or at least one to a type that is not there.",
)  # fmt: skip
def other_type(backend: BackEnd) -> Iterator[Violation]:
    """A service does not become one of a type that nobody offers; the API has no change of the type at all."""
    service = _changeable(backend)
    answer = service.change(type=NOWHERE)
    if not answer.ok:
        return
    entry = service.described()
    if text(entry.value.get("type")).lower() != service.type.lower():
        told = "the type of a service is one that does not exist after a change"
        yield Violation(told, entry.evidence, place=_CHANGE)


@requirement(665, layer="services", operations=_ASKED, writes=True, mend="Take `plan` and `budget`.")
def billing(backend: BackEnd) -> Iterator[Violation]:
    """Plan and budget are others after the change."""
    plan = need_plan(backend)
    entry = _changed(_changeable(backend), plan=plan, budget=2)
    yield from faults_of_billing(entry, plan, 2)


@requirement(666, layer="services", operations=_ASKED, writes=True, mend="Take `log_level`.")
def log_level(backend: BackEnd) -> Iterator[Violation]:
    """The least level of log entries is another one after the change."""
    entry = _changed(_changeable(backend, log_level="error"), log_level="warning")
    yield from _differs(entry, "log_level", "warning")


@requirement(667, layer="services", operations=_ASKED, writes=True, costs=True, mend="Take `enabled`.")
def off_and_on(backend: BackEnd) -> Iterator[Violation]:
    """A service is on after it was switched on, and off after it was switched off."""
    service = _changeable(backend)
    for wanted in (True, False):
        entry = _changed(service, enabled=wanted)
        if isinstance(entry.value.get("enabled"), bool):
            yield from _differs(entry, "enabled", wanted)


@requirement(
    668,
    layer="services",
    severity=Severity.MAJOR,
    operations=_ASKED,
    writes=True,
    mend="Take `title` and `description`.",
)
def new_titles(backend: BackEnd) -> Iterator[Violation]:
    """Title and description are others after the change."""
    given = {"title": backend.name("changed title"), "description": "It *was* changed."}
    entry = _changed(create_service(backend), **given)
    same = [f"`{key}`" for key, wanted in given.items() if entry.value.get(key) != wanted]
    if same:
        message = (
            f"{listed(same)} did not become what was given, although the change was answered with success"
        )
        yield Violation(message, entry.evidence, place=_CHANGE)


@requirement(669, layer="services", operations=(_CREATE, _CHANGE), writes=True)
def further_changed(backend: BackEnd) -> Iterator[Violation]:
    """Clients of other back-ends may send more."""
    answer = create_service(backend).change(**{_FURTHER: "Inn"})
    if not answer.ok:
        yield Violation("a change with a further property is refused", answer)


@check(
    "services.patch-keeps",
    "A change leaves everything as it is that it does not name",
    layer="services",
    source=f"openEO API, {_CHANGE}",
    operations=_ASKED,
    writes=True,
    mend="Change what the request names, and nothing else.",
)
def patch_keeps(backend: BackEnd) -> Iterator[Violation]:
    """A new title changes nothing but the title."""
    service = create_service(backend)
    before = service.described()
    answer = service.change(title=backend.name("only the title"))
    if not answer.ok:
        raise NotTestable("builds on what failed: a new title is refused")
    after = service.described()
    for key in (
        "id",
        "url",
        "type",
        "description",
        "process",
        "enabled",
        "configuration",
        "log_level",
        "created",
    ):
        if key in before.value and after.value.get(key) != before.value[key]:
            message = f"a new title has changed `{key}` as well"
            yield Violation(message, after.evidence, place=_CHANGE)


@check(
    "services.null-clears",
    "A description that is null in a change is gone",
    layer="services",
    source=f"openEO API, {_CHANGE}",
    operations=_ASKED,
    severity=Severity.MINOR,
    writes=True,
    mend="`null` means that there is none: take the description away.",
)
def null_clears(backend: BackEnd) -> Iterator[Violation]:
    """Null takes the description away."""
    service = _changeable(backend)
    if not text(service.described().value.get("description")):
        raise NotTestable("descriptions are not kept")
    answer = service.change(description=None)
    require(answer.ok, "a change of the description to null is refused", answer)
    entry = service.described()
    if text(entry.value.get("description")):
        message = "the description is still there after it was changed to null"
        yield Violation(message, entry.evidence, place=_CHANGE)


@requirement(680, layer="services", operations=(_CREATE, _DELETE), writes=True)
def remove(backend: BackEnd) -> Iterator[Violation]:
    """The owner can remove a service."""
    answer = create_service(backend).delete()
    if not answer.ok:
        yield Violation(f"the removal of a service is answered with HTTP {answer.status}", answer)


@requirement(
    681, layer="services", operations=(_CREATE, _DELETE), writes=True,
    mend="Answer 204 as soon as the service is gone, and not before; later on 404 ServiceNotFound.",
)  # fmt: skip
def gone(backend: BackEnd) -> Iterator[Violation]:
    """A service that was removed is not there any more."""
    service = create_service(backend)
    answer = service.delete()
    if not answer.ok:
        raise NotTestable("builds on what failed: a service is not removed")
    if answer.status != 204:
        message = f"the removal of a service is answered with HTTP {answer.status}, not 204"
        yield Violation(message, answer, severity=Severity.MINOR)
    yield from _there(service)


def _there(service: Service) -> Iterator[Violation]:
    """Where a service that was removed is still found."""
    backend = service.backend
    if backend.offers(_ONE):
        answer = service.answer()
        if answer.ok:
            yield Violation("a service that was removed is still there", answer, place=_DELETE)
            return
    if backend.offers("GET /services"):
        answer = backend.user.get("/services")
        if service.id in _ids(answer):
            yield Violation("a service that was removed is still listed", answer, place=_DELETE)


def _ids(answer: Exchange) -> set[str]:
    found = answer.object().get("services") if answer.ok else None
    return {text(each.get("id")) for each in objects(found)}
