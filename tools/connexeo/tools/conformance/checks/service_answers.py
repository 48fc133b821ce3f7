"""What secondary web services show, as long as they are on."""

from __future__ import annotations

from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import finished_job
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import Entry
from connexeo.tools.conformance.serving import (
    Service,
    create_service,
    created_service,
    enabled_service,
    order,
)
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation
from connexeo.tools.conformance.viewing import View, announced_formats, look, picture_fault, view_of
from connexeo.tools.conformance.workload import has, node, with_result

_CREATE = "POST /services"
_ONE = "GET /services/{service_id}"
_DELETE = "DELETE /services/{service_id}"
_SOURCE = f"openEO API, {_ONE}, `url` and `enabled`"

_EMPTY = {"image/png": 2048, "image/webp": 2048}
"""Bytes that a picture without anything in it has at most, by format."""

_EMPTY_OTHERWISE = 8192

_ELSEWHERE = 170.0
"""Degrees to a place far away."""

_EMPTY_PLACE = {204, 404}
"""Answers of tile servers where there is no data."""


def _shown(service: Service, entry: Entry, longitude: float = 0.0) -> tuple[View, Exchange]:
    view = view_of(service, entry.value, longitude)
    return view, look(service, view)


def first_look(backend: BackEnd) -> tuple[View, Exchange]:
    """What the service that is on shows, when it is asked for the first time."""
    service = backend.once(enabled_service)
    return _shown(service, service.described())


def _need_something_shown(backend: BackEnd) -> None:
    view, answer = backend.once(first_look)
    if view.kind == "other":
        raise NotTestable("nobody knows what services of this type show")
    if not view.shown_by(answer):
        raise NotTestable("builds on what failed: a service that is on shows nothing")


@check(
    "services.answers",
    "A service that is on answers at its URL",
    layer="services",
    source=_SOURCE,
    operations=(_CREATE, _ONE),
    writes=True,
    costs=True,
    mend="See the log of the service. When the process is not one for this back-end give another one by "
    "--process-graph or --collection.",
)
def answers(backend: BackEnd) -> Iterator[Violation]:
    """Tiles are pictures, services of the OGC tell their capabilities, others do not fail."""
    view, answer = backend.once(first_look)
    entry = backend.once(enabled_service).described()
    place = "the URL of a service"
    if answer.status >= 500:
        yield Violation(f"the service answers with HTTP {answer.status}", answer, place=place)
    elif view.kind == "other":
        return
    elif answer.status in _EMPTY_PLACE and view.kind == "tile":
        message = f"there is no tile in the middle of the data, but HTTP {answer.status}"
        yield Violation(message, answer, place=place, severity=Severity.MINOR)
    elif not answer.ok:
        yield Violation(f"the service answers with HTTP {answer.status}", answer, place=place)
    elif view.kind == "capabilities":
        if not view.shown_by(answer) or not answer.body.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
            yield Violation("the answer to GetCapabilities is no XML with capabilities", answer, place=place)
    else:
        yield from _faults_of_tile(answer, entry, place)


def _faults_of_tile(answer: Exchange, entry: Entry, place: str) -> Iterator[Violation]:
    kind = answer.media_type
    if not kind.startswith("image/"):
        if "json" in kind or "html" in kind or not kind:
            yield Violation(f"a tile is no picture, but {kind or 'of no media type'}", answer, place=place)
        # There are tiles of vectors, too.
        return
    if fault := picture_fault(answer):
        yield Violation(fault, answer, place=place)
    announced = [
        each.removeprefix("image/").replace("jpg", "jpeg") for each in announced_formats(entry.value)
    ]
    named = [each for each in announced if each in {"png", "jpeg", "webp", "gif"}]
    if named and kind.removeprefix("image/") not in named:
        message = f"a tile is {kind}, where {named[0]} is announced"
        yield Violation(message, answer, place=place, severity=Severity.MINOR)


@check(
    "services.disabled",
    "A service that is off does not answer",
    layer="services",
    source=_SOURCE,
    operations=(_CREATE, _ONE),
    writes=True,
    costs=True,
    mend="Look whether the service is enabled before anything is computed.",
)
def disabled(backend: BackEnd) -> Iterator[Violation]:
    """What was never switched on shows nothing."""
    _need_something_shown(backend)
    service = backend.once(created_service)
    view, answer = _shown(service, service.described())
    if view.shown_by(answer):
        yield Violation(
            "a service that is off shows what one that is on does", answer, place="the URL of a service"
        )


@check(
    "services.deleted",
    "A service that was removed does not answer",
    layer="services",
    source=f"openEO API, {_DELETE}",
    operations=(_CREATE, _ONE, _DELETE),
    writes=True,
    costs=True,
    mend="Look whether the service is there before anything is computed.",
)
def deleted(backend: BackEnd) -> Iterator[Violation]:
    """What was on until it was removed shows nothing; nobody has looked before, so no cache has it."""
    _need_something_shown(backend)
    service = create_service(backend, enabled=True)
    entry = service.described()
    removed = service.delete()
    if not removed.ok:
        raise NotTestable("builds on what failed: a service is not removed")
    view, answer = _shown(service, entry)
    if view.shown_by(answer):
        yield Violation(
            "a service that was removed still shows something", answer, place="the URL of a service"
        )


@requirement(
    616, layer="services", operations=(_CREATE, _ONE), writes=True, costs=True,
    mend="Compute each tile of its own extent, when it is asked for.",
)  # fmt: skip
def on_demand(backend: BackEnd) -> Iterator[Violation]:
    """Tiles of places far from each other are not the same picture."""
    view, answer = backend.once(first_look)
    if view.kind != "tile":
        raise NotTestable("only of services with tiles it is known what they show where")
    if not view.shown_by(answer):
        raise NotTestable("builds on what failed: a service that is on shows nothing")
    service = backend.once(enabled_service)
    _, other = _shown(service, service.described(), _ELSEWHERE)
    if len(answer.body) <= _EMPTY.get(answer.media_type, _EMPTY_OTHERWISE):
        raise NotTestable("the tile in the middle of the data may be empty")
    if other.ok and other.body == answer.body:
        yield Violation("tiles of two places are the same picture", other, place="the URL of a service")


@requirement(
    617, layer="services", operations=(_CREATE,), writes=True, costs=True,
    mend="Let `load_result` load what a job of the same user has computed.",
)  # fmt: skip
def results_of_jobs(backend: BackEnd) -> Iterator[Violation]:
    """What a batch job has computed can be shown."""
    if not has(backend, "load_result"):
        raise NotApplicable("there is no process load_result")
    if backend.options.process_graph is not None:
        raise NotTestable("jobs run a process of the user, whose results may be anything")
    job = backend.once(finished_job)
    graph = {"load": node("load_result", id=job.id)}
    given = order(backend)["process"]["process_graph"]
    if "save" in given:
        save = given["save"]
        graph["save"] = {**save, "arguments": {**save["arguments"], "data": {"from_node": "load"}}}
    answer = backend.user.post("/services", order(backend, process={"process_graph": with_result(graph)}))
    if not answer.ok:
        yield Violation("a service that shows the results of a job is refused", answer)
