"""The document that lists the versions of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.discovery import WELL_KNOWN
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import Entry, is_here, object_of
from connexeo.tools.conformance.shapes import is_absolute, objects, text
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation, require
from connexeo.tools.conformance.versions import version_number

_SOURCE = "openEO API, GET /.well-known/openeo"
_MOST = 10
"""Versions that are looked at."""


def instances(backend: BackEnd) -> list[Entry]:
    """The versions that are listed.

    Raises:
        NotApplicable: when there is no such document.
        Violated: when it is none.
    """
    if backend.discovery.well_known_url is None:
        raise NotApplicable("there is no well-known document")
    answer = backend.anonymous.get(backend.discovery.well_known_url)
    require(answer.ok, f"the well-known document is answered with HTTP {answer.status}", answer)
    document = answer.object()
    require(isinstance(document.get("versions"), list), "there is no array `versions`", answer)
    return [Entry(each, answer) for each in objects(document["versions"])]


@requirement(20, layer="profiles", mend="Publish the document at the root of the host as well.")
def at_the_root(backend: BackEnd) -> Iterator[Violation]:
    """The document lies at the root of the host."""
    parts = urlsplit(backend.url)
    answer = backend.anonymous.get(f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}")
    if object_of(answer) is None:
        yield Violation(f"{WELL_KNOWN} at the root of the host is answered with HTTP {answer.status}", answer)


@requirement(21, layer="profiles", mend="Give each version its absolute `url` and its `api_version`.")
def complete_versions(backend: BackEnd) -> Iterator[Violation]:
    """Each version has a URL and a number."""
    found = backend.once(instances)
    require(found, "no version is listed")
    for entry in found:
        for key in ("url", "api_version"):
            if not text(entry.value.get(key)):
                yield Violation(f"a version has no `{key}`", entry.evidence)
        url = text(entry.value.get("url"))
        if url and not is_absolute(url):
            yield Violation(f"the URL of a version is not absolute: {url}", entry.evidence)


@requirement(22, layer="profiles")
def production_and_development(backend: BackEnd) -> None:
    """Whether an instance is missing from the list, only the provider knows."""
    kinds = {entry.value.get("production") is True for entry in backend.once(instances)}
    if kinds != {True, False}:
        raise NotTestable("one kind of instance is listed; whether there is another, only the provider knows")


@check(
    "versions.lead-to-the-api",
    "The URL of each version leads to capabilities of that version",
    layer="profiles",
    source=_SOURCE,
    mend="List the URL at which the capabilities of the version are, and the `api_version` that they have.",
)
def lead_to_the_api(backend: BackEnd) -> Iterator[Violation]:
    """URL and version fit the capabilities there."""
    for entry in backend.once(instances)[:_MOST]:
        url, version = text(entry.value.get("url")), text(entry.value.get("api_version"))
        if not is_here(backend, url):
            continue
        answer = backend.anonymous.get(url)
        document = object_of(answer)
        if document is None or "api_version" not in document:
            yield Violation(f"{url} is listed, but no capabilities are there: HTTP {answer.status}", answer)
        elif document["api_version"] != version:
            yield Violation(
                f"{url} is listed as version {version}, but its capabilities say {document['api_version']}",
                answer,
            )
        elif _production(document) != _production(entry.value):
            yield Violation(
                f"{url} is listed with production {_production(entry.value)}, but its capabilities say "
                f"{_production(document)}",
                answer,
                severity=Severity.MINOR,
            )


def _production(document: Mapping[str, Any]) -> bool:
    return document.get("production") is True


@check(
    "versions.unique",
    "No version is listed twice, and the one that is tested is",
    layer="profiles",
    source=_SOURCE,
    severity=Severity.MINOR,
    mend="List each version once, and all that clients may use.",
)
def unique(backend: BackEnd) -> Iterator[Violation]:
    """Versions are told apart by their numbers."""
    found = backend.once(instances)
    seen: dict[object, Entry] = {}
    for entry in found:
        version = text(entry.value.get("api_version"))
        key = version_number(version) if "-" not in version and "+" not in version else version
        if key is not None and key in seen and _production(seen[key].value) == _production(entry.value):
            yield Violation(f"version {version} is listed twice", entry.evidence)
        seen[key] = entry
    urls = {text(entry.value.get("url")).rstrip("/") for entry in found}
    versions = {text(entry.value.get("api_version")) for entry in found}
    if backend.url not in urls and backend.discovery.api_version not in versions:
        evidence = found[0].exchange if found else None
        yield Violation(f"version {backend.discovery.api_version}, which is tested, is not listed", evidence)
