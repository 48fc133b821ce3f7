"""Looks at every exchange of a run, whichever check asked for it, and judges what any answer must keep.

These checks have no requests of their own. They cost nothing, and find what nobody thought of testing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connexeo.tools.conformance.contract import Contract
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.grouping import kind_of, without_indices
from connexeo.tools.conformance.registry import Check, passive
from connexeo.tools.conformance.verdicts import Severity, Violation
from connexeo.tools.spec.documents import read_mapping
from connexeo.tools.spec.sources import find_spec

NO_ANSWER = passive(
    "answers.complete",
    "Every request gets a complete answer within the time limit",
    source="RFC 9110",
    requirement=None,
    mend="See the log of the server and of the proxy in front of it.",
)
NO_SERVER_ERROR = passive(
    "answers.no-server-error",
    "No request makes the server fail: bad ones get 4xx",
    source="openEO API, Error Handling",
    mend="Answer bad requests with a 4xx and the openEO error code that fits; see the server's log for the reason.",
)
STATUS = passive(
    "answers.status",
    "Success is told by the status that the contract has for the operation",
    source="openEO API, responses of each operation",
)
BODY = passive(
    "answers.body",
    "The body of an answer is what the contract says",
    source="openEO API, schemas of each operation",
)
MEDIA_TYPE = passive(
    "answers.media-type",
    "The media type of an answer is one that the contract has",
    source="openEO API, responses of each operation",
)
HEADERS = passive(
    "answers.headers",
    "Answers have the headers that the contract requires",
    source="openEO API, responses of each operation",
)
ERROR_STATUS = passive(
    "profile.6",
    "",
    source="openEO API profiles, #6",
    requirement=6,
    mend="Answer failures with a status from 400 to 599, never with 200.",
)
ERROR_OBJECT = passive(
    "profile.7",
    "",
    source="openEO API profiles, #7",
    requirement=7,
    mend="Make all failures, those of the router and of proxies too, JSON with `code` and `message`.",
)
ERROR_IDENTIFIED = passive(
    "profile.8",
    "",
    source="openEO API profiles, #8",
    requirement=8,
    severity=Severity.MINOR,
    mend="Add an `id` that support can look up in the log, or a `url` that explains the error.",
)
ERROR_CODE = passive(
    "answers.error-code",
    "Error codes of the standard come with the status that the standard gives them",
    source="openEO API, errors.json",
    severity=Severity.MINOR,
)
CORS_ORIGIN = passive(
    "profile.2",
    "",
    source="openEO API profiles, #2",
    requirement=2,
    mend="Send `Access-Control-Allow-Origin: *` with every answer, errors too.",
)
CORS_EXPOSED = passive(
    "profile.3",
    "",
    source="openEO API profiles, #3",
    requirement=3,
    mend="Send `Access-Control-Expose-Headers: Location, OpenEO-Identifier, OpenEO-Costs, Link` with every answer.",
)
UTF8 = passive(
    "answers.utf-8",
    "JSON is encoded in UTF-8",
    source="RFC 8259, section 8.1",
)
PROTECTED = passive(
    "security.open-door",
    "What needs a token is not given to somebody without one",
    layer="security",
    source="openEO API, security of each operation",
    severity=Severity.CRITICAL,
    mend="Answer 401 AuthenticationRequired.",
)
PREREQUISITES = passive(
    "run.prerequisites",
    "What checks build upon can be made: lists are read, jobs created, run and finished",
    source="openEO API",
)

EXPOSED = ("location", "openeo-identifier", "openeo-costs", "link")
"""Headers that clients in browsers need to read."""

_JSON_NEEDED = {"application/json", "application/geo+json", "application/schema+json"}


@dataclass(slots=True)
class Inspection:
    """Judges exchanges; keeps what it has found, and how many it has seen."""

    contract: Contract
    seen: int = 0
    found: dict[str, list[Violation]] = field(default_factory=dict)
    judged: dict[str, int] = field(default_factory=dict)
    """Check → exchanges that it could be told from."""
    _kept: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Check, place and message → position of the violation that has the evidence."""

    def inspect(self, exchange: Exchange) -> None:
        """Judge one exchange."""
        self.seen += 1
        for check, violation in self._judge(exchange):
            self.judged[check.id] = self.judged.get(check.id, 0) + 1
            if violation is not None:
                self._keep(check, violation, exchange)

    def _keep(self, check: Check, violation: Violation, exchange: Exchange) -> None:
        """Remember a violation, with the answer only where its request is the simplest: there may be thousands."""
        place = violation.place or exchange.name
        found = self.found.setdefault(check.id, [])
        index = self._kept.setdefault((check.id, place, kind_of(violation.message)), len(found))
        if index < len(found):
            known = found[index]
            simpler = known.exchange is not None and _effort(exchange) < _effort(known.exchange)
            if simpler and known.message == violation.message:
                found[index] = violation
            violation = replace(violation, message=known.message, exchange=None, place=place)
        found.append(violation)

    def _judge(self, exchange: Exchange) -> Iterator[tuple[Check, Violation | None]]:
        if exchange.failure:
            yield NO_ANSWER, Violation(exchange.failure, exchange)
            return
        yield NO_ANSWER, None
        if exchange.operation is None:
            # A signed link, another host: the contract says nothing of it.
            return
        yield from _cors(exchange)
        if exchange.status >= 400:
            yield from _error(exchange)
            return
        yield NO_SERVER_ERROR, None
        if exchange.method not in {"OPTIONS", "HEAD"}:
            yield from self._success(exchange)

    def _success(self, exchange: Exchange) -> Iterator[tuple[Check, Violation | None]]:
        operation = exchange.operation
        if operation is None or exchange.status < 200 or exchange.status == 304:
            return
        if exchange.status == 206 and "range" in exchange.request_headers:
            # That is HTTP's, like 304: the contract need not mention it.
            return
        closed = operation.secured and not operation.optional_token and exchange.caller == "anonymous"
        if closed and "authorization" not in exchange.request_headers and exchange.ok:
            yield (
                PROTECTED,
                Violation(
                    f"HTTP {exchange.status} without a token, where the contract requires one", exchange
                ),
            )
        elif closed:
            yield PROTECTED, None
        if not self.contract.documented(operation, exchange.status):
            yield (
                STATUS,
                Violation(f"HTTP {exchange.status} is no success that the contract knows here", exchange),
            )
            return
        yield STATUS, None
        yield from self._body(exchange, operation)
        for name in self.contract.response_headers(operation, exchange.status):
            missing = name.lower() not in exchange.headers
            yield HEADERS, Violation(f"the header {name} is missing", exchange) if missing else None

    def _body(self, exchange: Exchange, operation: Any) -> Iterator[tuple[Check, Violation | None]]:
        expected = self.contract.media_types(operation, exchange.status)
        if not expected:
            return
        media_type = exchange.media_type
        if not _accepted(media_type, expected):
            listed = " or ".join(expected)
            yield MEDIA_TYPE, Violation(f"Content-Type is {media_type or 'missing'}, not {listed}", exchange)
            if not set(expected) <= _JSON_NEEDED:
                return
        else:
            yield MEDIA_TYPE, None
        if not any("json" in entry for entry in expected):
            # A file of a user may be called JSON and be anything.
            return
        if exchange.truncated or not ("json" in media_type or set(expected) <= _JSON_NEEDED):
            return
        yield from _decodable(exchange)
        try:
            value = exchange.json()
        except NotJson:
            yield BODY, Violation("the body is not JSON", exchange)
            return
        faults = self.contract.faults(operation, exchange.status, media_type, value)
        if value_says_error(value):
            yield ERROR_STATUS, Violation(f"HTTP {exchange.status} with an error in its body", exchange)
        else:
            yield ERROR_STATUS, None
        faults = _told([fault for fault in faults if not _echoes(exchange, fault)])
        for fault in faults[:5]:
            yield BODY, Violation(fault, exchange)
        if not faults:
            yield BODY, None


def _told(faults: list[str]) -> list[str]:
    """Faults of one body; whoever writes null for all that is missing makes one mistake."""
    pointers = [
        fault.partition(": null is not of type")[0] for fault in faults if ": null is not of type" in fault
    ]
    if len(pointers) < 2:
        return faults
    names = sorted({without_indices(f"{pointer}: ")[:-2].rpartition("/")[2] for pointer in pointers} - {"*"})
    others = [fault for fault in faults if ": null is not of type" not in fault]
    return (
        [f"null is no value of {', '.join(names)}: leave out what there is not", *others] if names else faults
    )


def _echoes(exchange: Exchange, fault: str) -> bool:
    """Whether the answer only repeats what our own query has said."""
    query = parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)
    return any(
        fault.startswith(f"/{name}: {json.dumps(value, ensure_ascii=False)} ") for name, value in query
    )


def _effort(exchange: Exchange) -> int:
    """How much there is to read of a request."""
    return len(exchange.url) + len(exchange.request_body)


def _accepted(media_type: str, expected: tuple[str, ...]) -> bool:
    """Whether a media type is one of these, where ``*/*`` and ``image/*`` stand for many."""
    main = media_type.partition("/")[0]
    if not media_type:
        return False
    return any(entry in {media_type, "*/*", f"{main}/*"} for entry in expected) or (
        # GeoJSON and JSON Schema are JSON; whoever says less than the contract does is understood.
        media_type == "application/json" and any(entry.endswith("+json") for entry in expected)
    )


def value_says_error(value: Any) -> bool:
    """Whether a body is an openEO error rather than what was asked for."""
    return (
        isinstance(value, dict)
        and set(value) <= {"id", "code", "message", "url", "data", "links"}
        and ({"code", "message"} <= value.keys())
    )


def _decodable(exchange: Exchange) -> Iterator[tuple[Check, Violation | None]]:
    try:
        exchange.body.decode("utf-8")
    except UnicodeDecodeError:
        yield UTF8, Violation("the JSON body is not UTF-8", exchange)
    else:
        yield UTF8, None


def _cors(exchange: Exchange) -> Iterator[tuple[Check, Violation | None]]:
    allowed = exchange.headers.get("access-control-allow-origin")
    origin = exchange.request_headers.get("origin", "")
    if allowed is None:
        kind = "an error is" if exchange.status >= 400 else "answers are"
        yield CORS_ORIGIN, Violation(f"{kind} without Access-Control-Allow-Origin", exchange)
        return
    if allowed not in {"*", origin}:
        yield (
            CORS_ORIGIN,
            Violation(f"Access-Control-Allow-Origin is {allowed}, so no other page may read it", exchange),
        )
        return
    yield CORS_ORIGIN, None
    if exchange.method == "OPTIONS":
        return
    exposed = {
        name.strip().lower() for name in exchange.headers.get("access-control-expose-headers", "").split(",")
    }
    missing = [name for name in EXPOSED if name not in exposed]
    if missing and "*" not in exposed:
        yield CORS_EXPOSED, Violation(f"Access-Control-Expose-Headers lacks {', '.join(missing)}", exchange)
    else:
        yield CORS_EXPOSED, None


def _error(exchange: Exchange) -> Iterator[tuple[Check, Violation | None]]:
    if exchange.method in {"HEAD", "OPTIONS"}:
        return
    yield ERROR_STATUS, None
    code = exchange.code
    if exchange.status >= 500 and code not in {
        "FeatureUnsupported",
        "InfrastructureMaintenance",
        "InfrastructureBusy",
    }:
        expected = code is not None and standard_errors().get(code) == exchange.status and code != "Internal"
        said = f" ({code})" if code else ""
        yield NO_SERVER_ERROR, None if expected else Violation(f"HTTP {exchange.status}{said}", exchange)
    else:
        yield NO_SERVER_ERROR, None
    value = _object(exchange)
    if value is None:
        kind = exchange.media_type or "nothing"
        yield ERROR_OBJECT, Violation(f"the body of an error is no JSON object, but {kind}", exchange)
        return
    missing = [key for key in ("code", "message") if not isinstance(value.get(key), str) or not value[key]]
    if missing:
        yield ERROR_OBJECT, Violation(f"the body of an error lacks {' and '.join(missing)}", exchange)
        return
    yield ERROR_OBJECT, None
    identified = value.get("id") or value.get("url")
    yield (
        ERROR_IDENTIFIED,
        None if identified else Violation("the error has neither `id` nor `url`", exchange),
    )
    expected_status = standard_errors().get(str(code))
    if expected_status is not None and expected_status != exchange.status:
        message = f"{code} has the status {expected_status} in the standard, not {exchange.status}"
        yield ERROR_CODE, Violation(message, exchange)
    elif expected_status is not None:
        yield ERROR_CODE, None


def _object(exchange: Exchange) -> dict[str, Any] | None:
    try:
        return exchange.object()
    except NotJson:
        return None


@cache
def standard_errors() -> dict[str, int]:
    """Error codes of the standard → HTTP status."""
    return {code: int(entry["http"]) for code, entry in read_mapping(find_spec().errors).items()}
