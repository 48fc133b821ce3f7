"""What holds for all endpoints: preflight requests of browsers, and text in UTF-8."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.caller import ORIGIN
from connexeo.tools.conformance.entrance import is_loopback
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.inspection import EXPOSED
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, answer_to, may_call, object_of
from connexeo.tools.conformance.shapes import listed, mapping
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation, require
from connexeo.tools.conformance.workload import addition

TEXT = "größe_λ_数"
"""Letters of two and three bytes."""

_RAREST_FIRST = ("PUT", "PATCH", "DELETE", "POST", "GET")
_SIMPLE = {"get", "head", "post"}


@requirement(
    1, layer="security", mend="Answer OPTIONS on each path with 204 and all CORS headers, without a token."
)
def preflight(backend: BackEnd) -> Iterator[Violation]:
    """Browsers ask with ``OPTIONS``, without a token, whether a page may send a request."""
    for path, methods in sorted(_paths(backend).items()):
        asked = next(each for each in _RAREST_FIRST if each in methods)
        headers = {
            "Access-Control-Request-Method": asked,
            "Access-Control-Request-Headers": "authorization, content-type",
        }
        answer = backend.anonymous.request("OPTIONS", re.sub(r"\{[^}]*\}", NOWHERE, path), headers=headers)
        yield from _faults_of_preflight(answer, asked, f"OPTIONS {path}")


def _paths(backend: BackEnd) -> dict[str, set[str]]:
    """Paths of the contract that are offered, with their methods."""
    found: dict[str, set[str]] = {}
    for operation in backend.contract.operations:
        if backend.offers(operation.name) and not operation.path.startswith("/.well-known"):
            found.setdefault(operation.path, set()).add(operation.method)
    return found


def _faults_of_preflight(answer: Exchange, method: str, place: str) -> Iterator[Violation]:
    if not answer.ok:
        yield Violation(f"a preflight request is answered with HTTP {answer.status}, not 204", answer)
        return
    if answer.status != 204:
        message = f"a preflight request is answered with HTTP {answer.status}, not 204"
        yield Violation(message, answer, severity=Severity.MINOR)
    allowed = answer.headers.get("access-control-allow-origin")
    if allowed not in {"*", ORIGIN}:
        yield Violation(f"Access-Control-Allow-Origin of a preflight is {allowed or 'missing'}", answer)
    methods = _names(answer, "access-control-allow-methods")
    if not {method.lower(), "*"} & methods:
        # Browsers send GET and POST in any case.
        severity = Severity.MINOR if method.lower() in _SIMPLE else None
        yield Violation(
            f"Access-Control-Allow-Methods lacks {method}", answer, severity=severity, place=place
        )
    headers = _names(answer, "access-control-allow-headers")
    missing = {"authorization", "content-type"} - headers
    if "*" in headers:
        # The asterisk stands for all headers but this one.
        missing &= {"authorization"}
    if missing:
        yield Violation(f"Access-Control-Allow-Headers lacks {listed(sorted(missing))}", answer)
    exposed = _names(answer, "access-control-expose-headers")
    if "*" not in exposed and not exposed.issuperset(EXPOSED):
        lacking = listed(name for name in EXPOSED if name not in exposed)
        yield Violation(
            f"Access-Control-Expose-Headers of a preflight lacks {lacking}", answer, severity=Severity.MINOR
        )


def _names(answer: Exchange, header: str) -> set[str]:
    return {each.strip().lower() for each in answer.headers.get(header, "").split(",") if each.strip()}


@requirement(4, layer="profiles", mend="Put the API behind TLS, and let plain HTTP lead there.")
def https(backend: BackEnd) -> Iterator[Violation]:
    """Nobody reads tokens on their way, nor the links that lead to results."""
    parts = urlsplit(backend.url)
    if parts.scheme == "https":
        return
    if is_loopback(backend.url):
        raise NotTestable("on the same computer there need be no TLS")
    answer = backend.once(answer_to("/", anonymous=True))
    yield Violation(f"the API is at {parts.scheme}://{parts.netloc}, without TLS", answer)


@requirement(5, layer="profiles", mend="Read and write JSON as UTF-8, whatever the locale of the server.")
def utf8(backend: BackEnd) -> Iterator[Violation]:
    """Text goes out as UTF-8, and what comes in is understood so."""
    for path in ("/collections", "/processes", "/file_formats"):
        if backend.offers(f"GET {path}"):
            yield from _faults_of_charset(backend.once(answer_to(path)))
    if not backend.offers("POST /validation"):
        return
    answer = may_call(backend, "POST /validation").post(
        "/validation",
        {"process_graph": {TEXT: {"process_id": NOWHERE, "arguments": {"x": TEXT}, "result": True}}},
    )
    yield from _faults_of_charset(answer)
    mangled = TEXT[:3].encode().decode("latin-1")
    if mangled in str(object_of(answer)):
        yield Violation(f"the text {TEXT} is read as if it were Latin-1: it comes back as {mangled}…", answer)


def _faults_of_charset(answer: Exchange) -> Iterator[Violation]:
    declared = re.search(r"charset\s*=\s*\"?([\w-]+)", answer.headers.get("content-type", ""), re.IGNORECASE)
    if declared and declared[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
        yield Violation(f"JSON is declared to be encoded as {declared[1]}, not UTF-8", answer)
    try:
        answer.body.decode("utf-8")
    except UnicodeDecodeError:
        yield Violation("the body is not UTF-8", answer)


@check(
    "fundamentals.text-kept",
    "Texts are given back as they were stored, letters outside of ASCII too",
    layer="udp",
    source="openEO API, JSON in UTF-8",
    operations=("PUT /process_graphs/{process_graph_id}", "GET /process_graphs/{process_graph_id}"),
    writes=True,
    mend="Store texts as Unicode, and write JSON as UTF-8.",
)
def text_kept(backend: BackEnd) -> Iterator[Violation]:
    """A stored process keeps its description to the letter."""
    name = backend.name("text")
    description = f'{TEXT} – “𝛑” \\ / " <b>'
    backend.ledger.add("process", name, backend.user)
    stored = backend.user.put(
        f"/process_graphs/{name}", {"process_graph": addition(), "description": description}
    )
    if not stored.ok:
        raise NotTestable(
            f"the process could not be stored: HTTP {stored.status} {stored.code or ''}".strip()
        )
    answer = backend.user.get(f"/process_graphs/{name}")
    require(answer.ok, f"a process that was stored is answered with HTTP {answer.status}", answer)
    given = mapping(answer.object()).get("description")
    if given is None:
        raise NotApplicable("descriptions are not kept")
    if given != description:
        yield Violation(f"the description came back as {given!r}, it was {description!r}", answer)
