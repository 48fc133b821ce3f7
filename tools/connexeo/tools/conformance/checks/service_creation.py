"""What back-ends make of orders for secondary web services, beyond what they make of all orders."""

from __future__ import annotations

from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.ordered import SERVICES
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE
from connexeo.tools.conformance.service_settings import another_value, is_kept, misfit
from connexeo.tools.conformance.serving import (
    create_service,
    created_service,
    enabled_service,
    order,
    service_types,
)
from connexeo.tools.conformance.shapes import mapping
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation

_CREATE = SERVICES.create
_ONE = SERVICES.describe
_SOURCE = f"openEO API, {_CREATE}"


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
