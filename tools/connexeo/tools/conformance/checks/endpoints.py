"""What the capabilities list is there, and what is there is listed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.caller import Caller
from connexeo.tools.conformance.contract import Operation
from connexeo.tools.conformance.discovery import anonymous_template
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, answer_to, object_of
from connexeo.tools.conformance.shapes import mapping, objects, text, texts
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation
from connexeo.tools.conformance.workload import addition

_UNKNOWN = {
    "/collections": "CollectionNotFound",
    "/jobs": "JobNotFound",
    "/services": "ServiceNotFound",
    "/process_graphs": "ProcessGraphNotFound",
    "/files": "FileNotFound",
}
"""First part of a path → what is said of an identifier that nothing has."""

_OPEN_LISTS = (
    "/conformance",
    "/file_formats",
    "/collections",
    "/processes",
    "/udf_runtimes",
    "/service_types",
)
_PAGED = ("/collections", "/processes", "/jobs", "/process_graphs", "/files", "/services")
"""Lists that may come in pages."""

_CHECKED_APART = re.compile(r"/collections/\{[^}]*\}|/services/.*")
"""Paths whose unknown identifiers have a check of their own."""

_OWN_LISTS = ("/me", "/jobs", "/process_graphs", "/files", "/services")
_VALIDATION = "POST /validation"


@requirement(31, layer="profiles", mend="List the endpoint with this method, or switch it off.")
def complete(backend: BackEnd) -> Iterator[Violation]:
    """What answers with success, or knows that an identifier is unknown, is implemented."""
    for path in (*_OPEN_LISTS, "/credentials/oidc", *_OWN_LISTS):
        if _is_missing(backend, f"GET {path}"):
            answer = backend.reader.get(
                path, params={"limit": 1} if path in {*_OWN_LISTS, "/collections"} else None
            )
            if answer.ok and object_of(answer) is not None:
                # What it says, the capabilities have said already.
                minor = path == "/conformance" and "conformsTo" in backend.capabilities
                severity = Severity.MINOR if minor else None
                yield Violation(f"GET {path} works, but is not listed", answer, severity=severity)
    if _is_missing(backend, _VALIDATION):
        answer = backend.reader.post("/validation", {"process_graph": addition()})
        if answer.ok and isinstance(mapping(object_of(answer)).get("errors"), list):
            yield Violation(f"{_VALIDATION} works, but is not listed", answer)
    if backend.account is None:
        return
    for operation in backend.contract.operations:
        if _is_missing(backend, operation.name) and _is_harmless(operation):
            answer = backend.account.request(operation.method, _nowhere(operation.path))
            if answer.code == _unknown(operation.path):
                yield Violation(f"{operation.name} works, but is not listed", answer)


def _is_missing(backend: BackEnd, operation: str) -> bool:
    return not backend.offers(operation) and backend.contract.operation(operation) is not None


def _is_harmless(operation: Operation) -> bool:
    """Whether it is about one thing, so that it does nothing when there is no such thing."""
    about_one = operation.path.count("{") == 1 and _unknown(operation.path) is not None
    return about_one and (
        operation.method in {"GET", "PATCH", "DELETE"} or operation.path.endswith("/results")
    )


def _unknown(path: str) -> str | None:
    return _UNKNOWN.get(f"/{path.split('/')[1]}") if "{" in path else None


def _nowhere(path: str) -> str:
    return re.sub(r"\{[^}]*\}", NOWHERE, path)


@requirement(
    32,
    layer="profiles",
    mend="Implement the endpoint, or take it out of `endpoints`.",
    order=80,
)
def truthful(backend: BackEnd) -> Iterator[Violation]:
    """Each endpoint answers as something that exists: with success, or a refusal that is its own."""
    found = list(_untruthful(backend))
    yield from found
    told = {each.exchange.name for each in found if each.exchange}
    for name, answer in backend.unimplemented.items():
        # Whatever other checks have come upon.
        if name not in told:
            yield from _absent(answer, name)


def _untruthful(backend: BackEnd) -> Iterator[Violation]:
    for method, path in _listed(backend):
        operation = backend.contract.operation(f"{method} {path}")
        if operation is None:
            yield from _own_endpoint(backend, method, path)
        elif method == "GET":
            yield from _reading(backend, operation)
        elif method in {"POST", "PUT", "PATCH", "DELETE"}:
            yield from _changing(backend, operation)


def _listed(backend: BackEnd) -> Iterator[tuple[str, str]]:
    for endpoint in objects(backend.capabilities.get("endpoints")):
        path = text(endpoint.get("path"))
        for method in texts(endpoint.get("methods")):
            if path.startswith("/") and not path.startswith("/.well-known") and path != "/":
                yield method.upper(), path


def _own_endpoint(backend: BackEnd, method: str, path: str) -> Iterator[Violation]:
    """One that the contract does not know: more than that it is there cannot be said."""
    if method == "GET" and "{" not in path:
        yield from _absent(backend.reader.get(path), f"GET {path}")
    elif "{" in path and any(each.path == path for each in backend.contract.operations):
        # Another method than the contract has for it, asked for without a token at what does not exist.
        content = None if method in {"GET", "DELETE"} else b"{}"
        headers = {"Content-Type": "application/json"} if content else None
        answer = backend.anonymous.request(method, _nowhere(path), content=content, headers=headers)
        if answer.status in {405, 501}:
            yield from _absent(answer, f"{method} {path}")


def _reading(backend: BackEnd, operation: Operation) -> Iterator[Violation]:
    path = operation.path
    if "{" not in path:
        few = path in _OWN_LISTS or path == "/collections"
        yield from _absent(backend.reader.get(path, params={"limit": 1} if few else None), operation.name)
    elif operation.path.count("{") == 1:
        yield from _unknown_thing(backend, operation, backend.reader)


def _changing(backend: BackEnd, operation: Operation) -> Iterator[Violation]:
    """Without a token it is refused, so nothing changes; with one, at what does not exist."""
    if operation.secured:
        content = None if operation.method == "DELETE" else b"{}"
        headers = {"Content-Type": "application/json"} if content else None
        answer = backend.anonymous.request(
            operation.method, _nowhere(operation.path), content=content, headers=headers
        )
        if answer.ok and operation.method == "PUT":
            kind = "file" if operation.path.startswith("/files") else "process"
            backend.ledger.add(kind, NOWHERE, backend.anonymous)
        yield from _absent(answer, operation.name, _unknown(operation.path))
        if answer.status in {401, 403} and _is_harmless(operation) and backend.account is not None:
            yield from _unknown_thing(backend, operation, backend.account)
    elif operation.path == "/validation":
        yield from _absent(backend.reader.post(operation.path, {"process_graph": {}}), operation.name)


def _absent(answer: Exchange, place: str, unknown: str | None = None) -> Iterator[Violation]:
    """An answer that something which exists does not give."""
    if answer.status in {405, 501} or (answer.status == 404 and (unknown is None or answer.code != unknown)):
        code = f" {answer.code}" if answer.code else ""
        yield Violation(f"it is listed, but answered with HTTP {answer.status}{code}", answer, place=place)


def _unknown_thing(backend: BackEnd, operation: Operation, caller: Caller) -> Iterator[Violation]:
    """An identifier that nothing has is answered otherwise than a path that nobody knows."""
    body = {"title": "conformance"} if operation.method == "PATCH" else None
    answer = caller.request(operation.method, _nowhere(operation.path), json=body)
    expected = _unknown(operation.path)
    if answer.status in {405, 501}:
        yield from _absent(answer, operation.name)
        return
    unlike = answer.status != 404 or answer.code == expected or expected is None
    if not unlike and _gist(answer) == _gist(backend.once(answer_to(f"/{NOWHERE}"))):
        yield Violation(
            "it is listed, but answered like a path that does not exist", answer, place=operation.name
        )


def _gist(answer: Exchange) -> tuple[Any, ...]:
    """What an error says, without what differs from request to request."""
    document: Mapping[str, Any] = {}
    try:
        document = answer.object()
    except ValueError:
        return answer.status, answer.media_type
    said = re.sub(r"\S*/\S*", "/", str(document.get("message", document.get("detail"))))
    return answer.status, answer.code, said.replace(NOWHERE, ""), tuple(sorted(document))


@check(
    "endpoints.unknown-identifiers",
    "What does not exist is answered with 404 and the error code of its kind",
    layer="schema",
    source="openEO API, Error Handling",
    severity=Severity.MINOR,
    mend="Answer 404 with the code of the standard: CollectionNotFound, JobNotFound, ….",
)
def unknown_identifiers(backend: BackEnd) -> Iterator[Violation]:
    """An identifier that nothing has is told as such, never as a fault of the server or success."""
    tried = False
    for operation in backend.contract.operations:
        if operation.method != "GET" or not backend.offers(operation.name) or operation.path.count("{") != 1:
            continue
        if _CHECKED_APART.fullmatch(operation.path):
            continue
        expected = _unknown(operation.path)
        if expected is None or (operation.secured and backend.account is None):
            continue
        answer = backend.reader.get(_nowhere(operation.path))
        if answer.status >= 500:
            # The check of all answers tells.
            continue
        tried = True
        yield from _faults_of_unknown(answer, operation.name, expected)
    if not tried:
        raise NotTestable("no endpoint is about one thing and answers, or there is no account to ask with")


def _faults_of_unknown(answer: Exchange, name: str, expected: str) -> Iterator[Violation]:
    """One message for each mistake: what differs from operation to operation is the place."""
    if answer.ok:
        message = "something that does not exist is answered with success, not 404"
        yield Violation(message, answer, place=name, severity=Severity.MAJOR)
    elif answer.status != 404:
        message = f"something that does not exist is answered with HTTP {answer.status}, not 404"
        yield Violation(message, answer, place=name)
    elif answer.code != expected:
        message = "the error code is not the one for what does not exist"
        yield Violation(message, answer, place=f"{name}: {answer.code}, not {expected}")


@check(
    "endpoints.wrong-query",
    "A query parameter that is not valid is answered with 400, or ignored",
    layer="schema",
    source="openEO API, Error Handling",
    any_of=tuple(f"GET {path}" for path in _PAGED),
    severity=Severity.MINOR,
    mend="Check query parameters before they are used; answer 400, with the openEO error code that fits.",
)
def wrong_query(backend: BackEnd) -> Iterator[Violation]:
    """A number that is none, for lists that may have pages; failures of the server are told by the check of all
    answers.
    """
    failed = True
    for path in _PAGED:
        if not backend.offers(f"GET {path}") or (path in _OWN_LISTS and backend.account is None):
            continue
        answer = backend.reader.get(path, params={"limit": "x"})
        if answer.status >= 500 or answer.status in {401, 403, 429}:
            continue
        failed = False
        if not answer.ok and answer.status != 400:
            message = f"a `limit` that is no number is answered with HTTP {answer.status}, not 400"
            yield Violation(message, answer)
    if failed:
        raise NotTestable("the server fails, or the lists are not open to whoever asks")


@check(
    "endpoints.templates",
    "Paths of endpoints are written as the contract writes them, each once",
    layer="profiles",
    source="openEO API, GET /, `endpoints`",
    severity=Severity.MINOR,
    mend="Write paths as in the contract: `/jobs/{job_id}`, relative to the URL of the capabilities.",
)
def templates(backend: BackEnd) -> Iterator[Violation]:
    """Paths begin with a slash, do not end with one, and have variables in braces."""
    answer = backend.once(answer_to("/", anonymous=True))
    seen: set[str] = set()
    for endpoint in objects(backend.capabilities.get("endpoints")):
        path = text(endpoint.get("path"))
        evidence = answer.showing(endpoint)
        if fault := _fault_of_path(path):
            yield Violation(f"the path {path!r} {fault}", evidence, severity=Severity.MAJOR)
        if anonymous_template(path) in seen:
            yield Violation("a path is listed more than once", evidence, place=path)
        seen.add(anonymous_template(path))
        methods = texts(endpoint.get("methods"))
        if len(set(methods)) != len(methods) or not methods:
            yield Violation(f"{path} has no methods, or one of them twice", evidence)
        if any(method != method.upper() for method in methods):
            yield Violation(f"methods of {path} are not in upper case", evidence)
        for method in methods:
            known = backend.contract.operation(f"{method.upper()} {path}")
            if (
                known is not None
                and known.path != path
                and set(_variables(path)) != set(_variables(known.path))
            ):
                yield Violation(f"the variable of {path} is called otherwise than in {known.path}", evidence)


def _fault_of_path(path: str) -> str | None:
    if not path.startswith("/"):
        return "does not begin with a slash"
    if path != "/" and path.endswith("/"):
        return "ends with a slash"
    if re.search(r"/[:<]\w", path) or path.count("{") != path.count("}"):
        return "has a variable that is not in braces"
    if "?" in path or "#" in path:
        return "has a query or fragment"
    names = _variables(path)
    return "has two variables with one name" if len(set(names)) != len(names) else None


def _variables(path: str) -> list[str]:
    return re.findall(r"\{([^}]*)\}", path)
