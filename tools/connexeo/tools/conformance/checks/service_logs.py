"""Logs of secondary web services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from connexeo.tools.conformance import logs
from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.checks.service_answers import first_look
from connexeo.tools.conformance.logs import Log, read_log
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.serving import created_service, enabled_service
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation

_LOGS = "GET /services/{service_id}/logs"
_SERVICES = ("POST /services", "GET /services/{service_id}", _LOGS)


def service_log(backend: BackEnd) -> Log:
    """The log of a service after somebody has looked at it, where that can be done."""
    service = backend.once(enabled_service)
    with suppress(NotTestable):
        backend.once(first_look)
    return read_log(backend.user, f"{service.path}/logs")


@requirement(690, layer="services", operations=("POST /services", _LOGS), writes=True)
def for_users(backend: BackEnd) -> Iterator[Violation]:
    """The owner sees the log of a service, even when nobody has looked at it."""
    service = backend.once(created_service)
    answer = backend.user.get(f"{service.path}/logs")
    if not answer.ok:
        yield Violation(f"the log of a service is answered with HTTP {answer.status}", answer)


_RULES: dict[int, Callable[[Log], Iterator[Violation]]] = {
    692: logs.keeps_level,
    693: logs.keeps_limit,
    694: logs.has_arrays,
    695: logs.tells_level,
    696: logs.are_identified,
    697: logs.have_times,
    698: logs.are_short,
}


@requirement(
    _RULES, layer="services", operations=_SERVICES, writes=True, costs=True,
    mend="Make the log as the openEO API describes it: entries from the oldest to the latest, each with `id`, "
    "`level`, `message` and `time`; `offset`, `level` and `limit` choose among them.",
)  # fmt: skip
def rules(backend: BackEnd, case: Callable[[Log], Iterator[Violation]]) -> Iterator[Violation]:
    """What logs must keep."""
    yield from case(backend.once(service_log))


@requirement(
    691, layer="services", operations=_SERVICES, writes=True, costs=True, severity=Severity.MAJOR,
    mend="Begin after the entry whose `id` is `offset`. Even back-ends without pages must do so.",
)  # fmt: skip
def offset(backend: BackEnd) -> Iterator[Violation]:
    """Clients that ask again get what is new."""
    yield from logs.keeps_offset(backend.once(service_log))
