"""Judges how requests are taken: those that keep the contract are accepted, others refused.

Only what is clear is told. A back-end may refuse more than a schema can say, and must ignore what it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from connexeo.tools.conformance.backend import next_page
from connexeo.tools.conformance.contract import Contract
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.fuzzing.permission import Target
from connexeo.tools.conformance.fuzzing.requests import Fault, RequestJudge
from connexeo.tools.conformance.verdicts import Severity, Violation

ACCEPTS = "schema.accepts-valid"
REJECTS = "schema.rejects-invalid"
METHODS = "schema.methods"
STAYS = "schema.created-is-there"
GONE = "schema.deleted-is-gone"
HEADERS = "schema.header-values"

VALIDATION = "POST /validation"

LIMIT = "limit"

REFUSED = frozenset({400, 406, 415, 422})
"""How a request is told to be a bad one. Other failures have reasons that no schema knows."""

MUST_ACCEPT = frozenset(
    {
        "GET /jobs/{job_id}",
        "GET /jobs/{job_id}/logs",
        "GET /services/{service_id}",
        "GET /services/{service_id}/logs",
        "GET /process_graphs/{process_graph_id}",
        "GET /collections/{collection_id}",
        VALIDATION,
    }
)
"""Operations that have no reason to refuse what fits their schema, beside those without path parameters."""

METHODS_TRIED = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""Methods by which a path is recognised."""

SHOWN = 8
"""Mistakes that are listed."""


@dataclass(slots=True)
class Group:
    """Requests that show one fault of the back-end."""

    exchange: Exchange
    """The simplest of them."""
    paging: bool = False
    """Whether it is about ``limit``, which counts only where there are pages."""
    details: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Judgement:
    """What the answers to random requests have shown."""

    contract: Contract
    requests: RequestJudge
    groups: dict[tuple[str, str, str, Severity, bool], Group] = field(default_factory=dict)
    """Check, place, kind and severity of a fault, and whether it is about pages → requests."""
    paged: set[str] = field(default_factory=set)
    """Operations that give pages: who has none may ignore ``limit``, whatever it is."""
    judged: set[str] = field(default_factory=set)
    """Checks that something was told for."""

    def judge(self, exchange: Exchange, target: Target) -> bool:
        """Judge one exchange; False when something was accepted that need not have been."""
        if exchange.failure:
            return True
        if exchange.method == "TRACE":
            self._judge_method(exchange, target)
        elif exchange.operation is not None:
            accepted = exchange.ok and not self.requests.is_sound(exchange)
            self._judge_request(exchange, target)
            if exchange.method == "GET" and has_next_page(exchange):
                self.paged.add(exchange.operation.name)
            self._judge_headers(exchange)
            return not accepted
        return True

    def created(self, exchange: Exchange) -> None:
        """Judge how something can be read that has just been created."""
        self.judged.add(STAYS)
        if exchange.status in {404, 410}:
            self._add(STAYS, exchange.name, f"HTTP {exchange.status}", exchange, Severity.MAJOR, "")

    def deleted(self, exchange: Exchange) -> None:
        """Judge how something can be read that has just been deleted."""
        self.judged.add(GONE)
        if exchange.ok:
            self._add(GONE, exchange.name, f"HTTP {exchange.status}", exchange, Severity.MAJOR, "")

    def violations(self, check: str) -> Iterator[Violation]:
        """What there is to say for a check, sorted."""
        for (name, place, kind, severity, _), group in sorted(self.groups.items(), key=lambda item: item[0]):
            if name == check and (place in self.paged or not group.paging):
                message = _MESSAGES[check].format(kind=kind, details=_listed(group.details))
                yield Violation(message, group.exchange, severity=severity, place=place)

    def _judge_method(self, exchange: Exchange, target: Target) -> None:
        self.judged.add(METHODS)
        path = target.path.partition("?")[0]
        known = (self.contract.match(method, path) for method in METHODS_TRIED)
        place = next((operation.path for operation in known if operation is not None), path)
        if exchange.status < 400 or exchange.status == 500:
            self._add(
                METHODS, "TRACE", f"is answered with HTTP {exchange.status}", exchange, Severity.MAJOR, place
            )
        elif exchange.status == 405 and "allow" not in exchange.headers:
            self._add(
                METHODS, "TRACE", "is answered with 405, but without `Allow`", exchange, Severity.MINOR, place
            )

    def _judge_request(self, exchange: Exchange, target: Target) -> None:
        faults = self.requests.faults(exchange)
        if faults is None or exchange.operation is None:
            return
        name = exchange.operation.name
        if faults:
            self.judged.add(REJECTS)
            if exchange.ok and not _finds_errors(exchange):
                self._accepted(exchange, name, faults)
            return
        if not target.exists or not (
            name in MUST_ACCEPT or (exchange.method == "GET" and "{" not in target_path(exchange))
        ):
            return
        self.judged.add(ACCEPTS)
        if exchange.status in REFUSED:
            severity = Severity.MINOR if name == VALIDATION else Severity.MAJOR
            kind = f"HTTP {exchange.status} {exchange.code or ''}".strip()
            self._add(ACCEPTS, name, kind, exchange, severity, "")

    def _accepted(self, exchange: Exchange, name: str, faults: tuple[Fault, ...]) -> None:
        if len(faults) > 1:
            # Which of them had to be noticed cannot be told apart; simpler requests show each.
            faults = tuple(fault for fault in faults if fault.severe)[:1]
        for fault in faults:
            about_graph = fault.place.startswith("/process_graph")
            if name == VALIDATION and not (about_graph or fault.severe):
                # What else is said of a process need not be looked at.
                continue
            severity = Severity.MAJOR if fault.severe or name == VALIDATION else Severity.MINOR
            kind = f"HTTP {exchange.status}"
            self._add(REJECTS, name, kind, exchange, severity, str(fault), paging=fault.place == LIMIT)

    def _judge_headers(self, exchange: Exchange) -> None:
        if not exchange.ok or exchange.operation is None:
            return
        for header, reason in self.requests.header_faults(exchange):
            self.judged.add(HEADERS)
            if reason:
                self._add(
                    HEADERS, exchange.operation.name, f"{header} {reason}", exchange, Severity.MAJOR, ""
                )

    def _add(
        self,
        check: str,
        place: str,
        kind: str,
        exchange: Exchange,
        severity: Severity,
        detail: str,
        paging: bool = False,
    ) -> None:
        key = check, place, kind, severity, paging
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(exchange, paging)
        elif _length(exchange) < _length(group.exchange):
            group.exchange = exchange
        if detail:
            group.details.add(detail)


_MESSAGES = {
    ACCEPTS: "a request that keeps the contract is refused with {kind}",
    REJECTS: "requests that break the contract are answered with {kind}: {details}",
    METHODS: "TRACE {kind}: {details}",
    STAYS: "what was just created is answered with {kind}",
    GONE: "what was just deleted is answered with {kind}",
    HEADERS: "the header {kind}",
}


def has_next_page(exchange: Exchange) -> bool:
    """Whether an answer is one page of several."""
    if not exchange.ok or "json" not in exchange.media_type or b'"next"' not in exchange.body:
        return False
    try:
        return next_page(exchange.object()) is not None
    except NotJson:
        return False


def target_path(exchange: Exchange) -> str:
    """The template of the path."""
    return exchange.operation.path if exchange.operation else ""


def _finds_errors(exchange: Exchange) -> bool:
    """Whether ``POST /validation`` says that the process is wrong, or nothing that can be understood."""
    if exchange.operation is None or exchange.operation.name != VALIDATION:
        return False
    try:
        return exchange.object().get("errors") != []
    except NotJson:
        return True


def _length(exchange: Exchange) -> int:
    return len(exchange.url) + len(exchange.request_body)


def _listed(details: set[str]) -> str:
    shown = sorted(details)
    rest = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return "; ".join(shown[:SHOWN]) + rest
