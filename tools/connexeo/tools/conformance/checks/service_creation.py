"""What back-ends make of orders for secondary web services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.billing import currency, free_plan, plans
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.extents import instant, is_rfc_3339
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, Entry
from connexeo.tools.conformance.service_settings import another_value, is_kept, misfit
from connexeo.tools.conformance.serving import (
    create_service,
    created_service,
    enabled_service,
    order,
    service_types,
)
from connexeo.tools.conformance.shapes import mapping, text
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation, require
from connexeo.tools.conformance.workload import addition, node, with_result

_CREATE = "POST /services"
_ONE = "GET /services/{service_id}"
_SOURCE = f"openEO API, {_CREATE}"

_SLACK = timedelta(hours=1)
"""By how much clocks of servers may be wrong."""


@requirement(630, layer="services", operations=(_CREATE,), writes=True)
def create(backend: BackEnd) -> Iterator[Violation]:
    """A service is created when it is ordered with a token."""
    service = backend.known(created_service) or created_service(backend)
    if backend.offers(_ONE) and service.described().id != service.id:
        yield Violation("the metadata of a new service have another `id`", service.answer())


def faulty_processes() -> dict[str, dict[str, Any]]:
    """Processes that cannot be valid, by what is wrong with them."""
    return {
        "unknown process": {"process_graph": with_result({"own": node(NOWHERE)})},
        "reference to a node that is not there": {"process_graph": addition({"from_node": "nowhere"})},
    }


@requirement(
    631, layer="services", operations=(_CREATE,), writes=True,
    mend="Validate the process before the service is created: answer 400 with the code of the fault.",
)  # fmt: skip
def valid_processes(backend: BackEnd) -> Iterator[Violation]:
    """What could never be shown is refused."""
    for what, faulty in faulty_processes().items():
        answer = backend.user.post("/services", order(backend, process=faulty))
        if answer.ok:
            yield Violation("a service of a faulty process is created", answer, place=f"{_CREATE}: {what}")
    given = order(backend)
    del given["process"]
    answer = backend.user.post("/services", given)
    if answer.ok:
        yield Violation("a service without a process is created", answer)


@requirement(
    632, layer="services", operations=(_CREATE, _ONE), writes=True,
    mend="Keep `configuration` as it was given; answer 400 ServiceConfigInvalid or ServiceConfigUnsupported "
    "where it does not fit the type.",
)  # fmt: skip
def configuration(backend: BackEnd) -> Iterator[Violation]:
    """A type's parameters are kept, others and wrong values are refused."""
    about = backend.once(service_types)[backend.once(created_service).type]
    given = mapping(order(backend).get("configuration"))
    chosen = another_value(about)
    if chosen is not None:
        name, value = chosen
        service = create_service(backend, configuration={**given, name: value})
        entry = service.described()
        if not is_kept(entry, name, value):
            yield Violation(f"`{name}` of the configuration is not kept", entry.evidence, place=_CREATE)
    for what, wrong in misfit(about).items():
        answer = backend.user.post("/services", order(backend, configuration={**given, **wrong}))
        if answer.ok:
            yield Violation(
                "a configuration that the type does not have is accepted", answer, place=f"{_CREATE}: {what}"
            )


@requirement(
    633, layer="services", operations=(_CREATE,), writes=True,
    mend="Compare types without regard to case, and answer 400 ServiceUnsupported where there is none.",
)  # fmt: skip
def types(backend: BackEnd) -> Iterator[Violation]:
    """Types are known in any letter case, and others refused."""
    service = backend.once(created_service)
    other = service.type.lower() if service.type != service.type.lower() else service.type.upper()
    if other != service.type:
        answer = backend.user.post("/services", order(backend, type=other))
        if not answer.ok:
            yield Violation("a type in other letter case is refused", answer)
    answer = backend.user.post("/services", order(backend, type=NOWHERE))
    if answer.ok:
        yield Violation("a service of an unknown type is created", answer, severity=Severity.MAJOR)


@check(
    "services.unknown-type",
    "An unknown type of service is refused with 400 and its error code",
    layer="services",
    source="openEO API, Error Handling",
    operations=(_CREATE,),
    severity=Severity.MINOR,
    writes=True,
    mend="Answer 400 ServiceUnsupported.",
)
def unknown_type(backend: BackEnd) -> Iterator[Violation]:
    """Clients know from the code what to correct."""
    answer = backend.user.post("/services", order(backend, type=NOWHERE))
    if answer.ok:
        raise NotTestable("builds on what failed: a service of an unknown type is created")
    if answer.status != 400:
        yield Violation(f"an unknown type is answered with HTTP {answer.status}, not 400", answer)
    elif answer.code != "ServiceUnsupported":
        yield Violation(
            f"the error code for an unknown type is {answer.code}, not ServiceUnsupported", answer
        )


@requirement(
    634, layer="services", operations=(_CREATE, _ONE), writes=True,
    mend="Keep `plan` and `budget`, and refuse plans that are not on offer with BillingPlanInvalid.",
)  # fmt: skip
def billing(backend: BackEnd) -> Iterator[Violation]:
    """A plan and a budget are kept, and plans that nobody offers are refused."""
    plan = need_plan(backend)
    service = create_service(backend, plan=plan, budget=1)
    yield from faults_of_billing(service.described(), plan, 1)
    answer = backend.user.post("/services", order(backend, plan=NOWHERE))
    if answer.ok:
        yield Violation("a billing plan that is not on offer is accepted", answer)


def need_plan(backend: BackEnd) -> str:
    """A billing plan, one that costs nothing where there is one.

    Raises:
        NotApplicable: when there are no prices, or no plans.
    """
    found = plans(backend) if currency(backend) else []
    if not found:
        raise NotApplicable("the capabilities tell of no prices and billing plans")
    return free_plan(backend) or text(found[0]["name"])


def faults_of_billing(entry: Entry, plan: str, budget: float) -> Iterator[Violation]:
    """What is not as it was asked for."""
    told = text(entry.value.get("plan"))
    if told.lower() != plan.lower():
        yield Violation(f"`plan` is {told or 'missing'}, not {plan} as it was given", entry.evidence)
    if entry.value.get("budget") != budget:
        yield Violation(
            f"`budget` is {entry.value.get('budget', 'missing')}, not {budget} as it was given",
            entry.evidence,
        )


@requirement(635, layer="services", operations=(_CREATE, _ONE), writes=True, mend="Keep `log_level`.")
def log_level(backend: BackEnd) -> Iterator[Violation]:
    """The least level of entries that are kept is one that was given."""
    entry = create_service(backend, log_level="error").described()
    if entry.value.get("log_level") != "error":
        told = entry.value.get("log_level", "missing")
        yield Violation(f"`log_level` is {told}, not error as it was given", entry.evidence)


@requirement(
    636, layer="services", operations=(_CREATE, _ONE), writes=True,
    mend="Keep `title`, `description` and `enabled` as they were given.",
)  # fmt: skip
def kept(backend: BackEnd) -> Iterator[Violation]:
    """Title and description are kept, and a service is not on that shall be off."""
    service = backend.once(created_service)
    entry = service.described()
    for key in ("title", "description", "enabled"):
        if key == "enabled" and not isinstance(entry.value.get(key), bool):
            # That is for the schema to say.
            continue
        if entry.value.get(key) != service.given[key]:
            told = entry.value.get(key, "missing")
            yield Violation(f"`{key}` is {told}, not {service.given[key]} as it was given", entry.evidence)


@check(
    "services.enabled-by-default",
    "A service is on unless it was ordered otherwise",
    layer="services",
    source=_SOURCE,
    operations=(_CREATE, _ONE),
    writes=True,
    costs=True,
    mend="`enabled` is true by default.",
)
def enabled_by_default(backend: BackEnd) -> Iterator[Violation]:
    """Who says nothing wants it to answer."""
    entry = backend.once(enabled_service).described()
    if entry.value.get("enabled") is False:
        yield Violation("a new service is off, although nobody said so", entry.evidence)


@requirement(
    637, layer="services", operations=(_CREATE,), writes=True, mend="Take properties that you do not know."
)
def further(backend: BackEnd) -> Iterator[Violation]:
    """Clients of other back-ends may send more."""
    answer = backend.user.post("/services", order(backend, **{"conformance:further": {"river": "Lech"}}))
    if not answer.ok:
        yield Violation("a service with a further property is refused", answer)


@requirement(
    638, layer="services", operations=(_CREATE,), writes=True, severity=Severity.MAJOR,
    mend="Answer 201 with `Location`, the absolute URL of the metadata, and `OpenEO-Identifier`.",
)  # fmt: skip
def told(backend: BackEnd) -> Iterator[Violation]:
    """Clients know what the new service is called, and where its metadata are."""
    service = backend.once(created_service)
    answer = service.creation
    if answer.status != 201:
        yield Violation(f"the creation is answered with HTTP {answer.status}, not 201", answer)
    for name in ("Location", "OpenEO-Identifier"):
        if not answer.headers.get(name):
            yield Violation(f"the creation is answered without {name}", answer)
    location = answer.headers.get("location", "")
    if location and "://" not in location:
        yield Violation("the header Location is not an absolute URL", answer)
    elif location and urlsplit(location).path.rstrip("/") != f"{urlsplit(backend.url).path}{service.path}":
        yield Violation("Location is not the URL of the metadata", answer)


@check(
    "services.process-kept",
    "The process of a service is given back as it was ordered",
    layer="services",
    source=f"openEO API, {_ONE}",
    operations=(_CREATE, _ONE),
    severity=Severity.MINOR,
    writes=True,
    mend="Keep the process graph with its nodes and arguments.",
)
def process_kept(backend: BackEnd) -> Iterator[Violation]:
    """The same nodes have the same arguments."""
    service = backend.once(created_service)
    entry = service.described()
    if fault := process_fault(entry.value.get("process"), service.given["process"]):
        yield Violation(fault, entry.evidence)


def process_fault(found: Any, given: Any, *, arguments: bool = True) -> str | None:
    """Where a process is not what was given; what it has beyond that is not judged.

    Args:
        found: the process in the metadata.
        given: the process that was ordered.
        arguments: whether arguments are compared, or only which nodes there are.
    """
    nodes = mapping(mapping(found).get("process_graph"))
    if not nodes:
        # That is for others to say.
        return None
    for name, each in mapping(mapping(given).get("process_graph")).items():
        kept = mapping(nodes.get(name))
        if kept.get("process_id") != each["process_id"]:
            return f"the node {name} of the process is missing, or another one"
        has = mapping(kept.get("arguments"))
        for key, value in each["arguments"].items() if arguments else ():
            if value is not None and not _is_within(has.get(key), value):
                return f"the argument {key} of the node {name} is not as it was given"
    return None


def _is_within(found: Any, given: Any) -> bool:
    """Whether all that was given is there, with equal values."""
    if isinstance(given, Mapping):
        return isinstance(found, Mapping) and all(
            value is None or _is_within(found.get(key), value) for key, value in given.items()
        )
    if isinstance(given, list):
        same = isinstance(found, list) and len(found) == len(given)
        return same and all(map(_is_within, found, given))
    return bool(found == given)


@check(
    "services.created",
    "`created` tells when a service was created",
    layer="services",
    source=f"openEO API, {_ONE}",
    operations=(_CREATE, _ONE),
    severity=Severity.MINOR,
    writes=True,
    mend="Give the time of the creation, as date and time in UTC.",
)
def created(backend: BackEnd) -> Iterator[Violation]:
    """It is a time of this run, by the clock of the server."""
    service = backend.once(created_service)
    entry = service.described()
    value = entry.value.get("created")
    if value is None:
        raise NotApplicable("services have no `created`")
    moment = instant(value)
    require(
        is_rfc_3339(value) and moment is not None, "`created` is no date and time of RFC 3339", entry.evidence
    )
    now = _clock(service.creation)
    if moment is not None and now is not None and abs(moment - now) > _SLACK:
        yield Violation("`created` is not the time at which the service was created", entry.evidence)


def _clock(answer: Exchange) -> Any:
    """The time of the server at which an answer was sent, None when it does not tell."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", ""))
    except (TypeError, ValueError):
        return None
