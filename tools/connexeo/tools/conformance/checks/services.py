"""The list of secondary web services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd, next_page
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, Entry, answer_to
from connexeo.tools.conformance.serving import Service, create_service, created_service, service_types
from connexeo.tools.conformance.shapes import objects, text
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require

_LIST = "GET /services"
_ONE = "GET /services/{service_id}"
_CREATE = "POST /services"
_SOURCE = f"openEO API, {_LIST}"

_ENOUGH = 3
"""Services that show what pages are."""

_MOST_PAGES = 20

_GONE = {404, 410}


def listed_services(backend: BackEnd) -> list[Entry]:
    """Services of the user; where something may be created there is one at least."""
    backend.need(_LIST)
    if backend.options.write and backend.offers(_CREATE):
        _try_to_create(backend)
    answer = backend.user.get("/services")
    require(answer.ok, f"the services are answered with HTTP {answer.status}", answer)
    found = answer.object().get("services")
    require(isinstance(found, list), "there is no array `services`", answer)
    return [Entry(each, answer) for each in objects(found)]


def _try_to_create(backend: BackEnd) -> Service | None:
    try:
        return backend.once(created_service)
    except NotTestable:
        return None


@requirement(610, layer="services", operations=(_LIST,), account=True)
def for_users(backend: BackEnd) -> Iterator[Violation]:
    """Whoever has a token gets the list of own services."""
    answer = backend.once(answer_to("/services"))
    if not answer.ok:
        yield Violation(f"the services of a user are answered with HTTP {answer.status}", answer)


@requirement(611, layer="services", operations=(_LIST,), account=True)
def arrays(backend: BackEnd) -> Iterator[Violation]:
    """There are services and links."""
    answer = backend.once(answer_to("/services"))
    require(answer.ok, f"the services are answered with HTTP {answer.status}", answer)
    for key in ("services", "links"):
        if not isinstance(answer.object().get(key), list):
            yield Violation(f"there is no array `{key}`", answer)


@requirement(
    612, layer="services", operations=(_LIST,), writes=True,
    mend="Give `limit` entries and a link `next`, so that all pages together have each service once.",
)  # fmt: skip
def pages(backend: BackEnd) -> Iterator[Violation]:
    """Pages are as long as asked for, and have each service once."""
    created = backend.once(several_services)
    answer = backend.user.get("/services")
    require(answer.ok, f"the services are answered with HTTP {answer.status}", answer)
    whole = answer.object()
    ids = _ids(whole)
    if len(ids) < 2:
        raise NotTestable(f"the list has {len(ids)} services, at least 2 are needed to see pages")
    limit = max(1, -(-len(ids) // _MOST_PAGES)) if len(ids) > 2 * _ENOUGH else 1
    found: list[str] = []
    first: Exchange | None = None
    for page, document in backend.pages(backend.user, "/services", limit):
        first = first or page
        names = _ids(document)
        if len(names) > limit:
            if set(names) >= set(ids):
                yield Violation("`limit` is ignored: there is one page with all", page)
                return
            message = f"a page has {len(names)} entries, `limit` is {limit}"
            yield Violation(message, page, severity=Severity.MAJOR)
            return
        found += names
    # Others may use the account at the same time: only what is ours must be there, once.
    own = [each for each in created if each in ids]
    if any(found.count(each) > 1 for each in own):
        yield Violation("a service is on several pages", first, severity=Severity.MAJOR)
    if any(each not in found for each in own):
        yield Violation("a service is on no page", first, severity=Severity.MAJOR)


def several_services(backend: BackEnd) -> list[str]:
    """Identifiers of some services that this run has created; checks must leave them as they are."""
    first = backend.once(created_service)
    more = [create_service(backend, title=backend.name(f"page {number}")) for number in range(_ENOUGH - 1)]
    return [first.id, *(each.id for each in more)]


def _ids(document: Mapping[str, Any]) -> list[str]:
    return [text(each.get("id")) for each in objects(document.get("services"))]


@requirement(
    613, layer="services", operations=(_LIST,), account=True,
    mend="Without `limit` give all services at once.",
)  # fmt: skip
def all_at_once(backend: BackEnd) -> Iterator[Violation]:
    """Clients that know no pages get all services."""
    entries = backend.once(listed_services)
    answer = entries[0].exchange if entries else backend.once(answer_to("/services"))
    if answer.ok and next_page(answer.object()) is not None:
        yield Violation("without `limit` there is a page only, with a link to the next", answer)
    created = backend.known(created_service)
    if created is not None and created.id not in {entry.id for entry in entries}:
        yield Violation("a service that was created is not listed", answer)


@requirement(
    614, layer="services", operations=(_LIST,), account=True,
    mend="Give each entry `id`, `url`, `type` and `enabled`.",
)  # fmt: skip
def entries(backend: BackEnd) -> Iterator[Violation]:
    """Entries tell what each service is, and where."""
    found = backend.once(listed_services)
    if not found:
        raise NotTestable("the user has no services; with --write one is created")
    types = (
        {name.lower() for name in backend.once(service_types)}
        if backend.offers("GET /service_types")
        else set()
    )
    for entry in found:
        yield from _faults_of_entry(entry, types)


def _faults_of_entry(entry: Entry, types: set[str]) -> Iterator[Violation]:
    for key in ("id", "url", "type"):
        if not text(entry.value.get(key)):
            yield Violation(f"an entry has no `{key}`", entry.evidence)
    if not isinstance(entry.value.get("enabled"), bool):
        yield Violation("`enabled` of an entry is no boolean", entry.evidence)
    kind = text(entry.value.get("type"))
    if kind and types and kind.lower() not in types:
        # An old one may be of a type that is not offered any more.
        message = f"the type {kind} of an entry is not among the types that are listed"
        yield Violation(message, entry.evidence, severity=Severity.MINOR)


@requirement(615, layer="services", operations=(_LIST, _CREATE), writes=True, mend="List the title.")
def titles(backend: BackEnd) -> Iterator[Violation]:
    """Users find their services by the titles that they gave."""
    service, entry = _own_entry(backend)
    title = entry.value.get("title")
    if title != service.given["title"]:
        told = f"is listed as {title!r}" if title else "is not listed"
        yield Violation(f"the title of a service {told}, it is {service.given['title']!r}", entry.evidence)


def _own_entry(backend: BackEnd) -> tuple[Service, Entry]:
    service = backend.once(created_service)
    for entry in backend.once(listed_services):
        if entry.id == service.id:
            return service, entry
    raise NotTestable("the service that was created is not listed")


@check(
    "services.same-in-list",
    "A service is the same in the list and on its own",
    layer="services",
    source=f"openEO API, {_ONE}",
    operations=(_LIST, _CREATE, _ONE),
    writes=True,
    severity=Severity.MINOR,
    mend="Make both documents of the same metadata.",
)
def same_in_list(backend: BackEnd) -> Iterator[Violation]:
    """URL, type, title and whether it is on do not differ."""
    service, entry = _own_entry(backend)
    own = service.described()
    for key in ("url", "type", "enabled", "title"):
        listed, told = entry.value.get(key), own.value.get(key)
        if type(listed) is type(told) and listed != told:
            message = f"`{key}` is {told!r}, but {listed!r} in the list"
            yield Violation(message, own.evidence, place=_ONE)


@check(
    "services.unknown",
    "A service that does not exist is answered with 404 and its error code",
    layer="services",
    source="openEO API, Error Handling",
    any_of=(_ONE, "PATCH /services/{service_id}", "DELETE /services/{service_id}", f"{_ONE}/logs"),
    account=True,
    mend="Answer 404 ServiceNotFound.",
)
def unknown(backend: BackEnd) -> Iterator[Violation]:
    """Nothing comes of an identifier that nothing has."""
    for operation in (_ONE, "PATCH /services/{service_id}", "DELETE /services/{service_id}", f"{_ONE}/logs"):
        if not backend.offers(operation):
            continue
        method, _, path = operation.partition(" ")
        body = {"title": "conformance"} if method == "PATCH" else None
        answer = backend.user.request(method, path.replace("{service_id}", NOWHERE), json=body)
        if answer.ok:
            message = "something that does not exist is answered with success, not 404"
            yield Violation(message, answer, place=operation)
        elif answer.status in {405, 501} or answer.status >= 500:
            # Not there at all, or broken: others tell.
            continue
        elif answer.status not in _GONE:
            message = "a service that does not exist is not answered with 404"
            yield Violation(message, answer, place=operation, severity=Severity.MINOR)
        elif answer.code != "ServiceNotFound":
            message = "the error code for a service that does not exist is not ServiceNotFound"
            yield Violation(message, answer, place=operation, severity=Severity.MINOR)
