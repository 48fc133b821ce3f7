"""What can be changed of secondary web services beyond what can be changed of all orders, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.billing import currency, need_plan
from connexeo.tools.conformance.checks.order_changes import changeable, changed, differs
from connexeo.tools.conformance.ordered import SERVICES
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.resources import NOWHERE
from connexeo.tools.conformance.service_settings import another_value, is_kept, misfit
from connexeo.tools.conformance.serving import Service, create_service, service_types
from connexeo.tools.conformance.shapes import mapping, text
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Violation

_CREATE, _ONE, _CHANGE = SERVICES.create, SERVICES.describe, SERVICES.edit
_ASKED = (_CREATE, _ONE, _CHANGE)


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
    662, layer="services", operations=_ASKED, writes=True, mend="Take `configuration` as it is given."
)
def configuration(backend: BackEnd) -> Iterator[Violation]:
    """Configuration parameters have other values after the change."""
    service = changeable(backend, SERVICES)
    chosen = another_value(_about(service))
    if chosen is None:
        raise NotTestable(
            f"the type {service.type} has no configuration parameter with a value to be made up"
        )
    name, value = chosen
    given = {**mapping(service.given.get("configuration")), name: value}
    entry = changed(service, configuration=given)
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
    service = changeable(backend, SERVICES)
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
    service = changeable(backend, SERVICES)
    answer = service.change(type=NOWHERE)
    if not answer.ok:
        return
    entry = service.described()
    if text(entry.value.get("type")).lower() != service.type.lower():
        told = "the type of a service is one that does not exist after a change"
        yield Violation(told, entry.evidence, place=_CHANGE)


@requirement(667, layer="services", operations=_ASKED, writes=True, costs=True, mend="Take `enabled`.")
def off_and_on(backend: BackEnd) -> Iterator[Violation]:
    """A service is on after it was switched on, and off after it was switched off."""
    service = changeable(backend, SERVICES)
    for wanted in (True, False):
        entry = changed(service, enabled=wanted)
        if isinstance(entry.value.get("enabled"), bool):
            yield from differs(entry, "enabled", wanted, _CHANGE)
