"""Any entry URL → the URL of the API, its version and capabilities.

People know the address of a host, of one version of the API, or of a page that redirects to it. A host without path
is asked for its well-known document first, any other address whether it is the API itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from connexeo.tools.conformance.entrance import (
    Answer,
    DiscoveryError,
    NoTls,
    describe_answer,
    entry_urls,
    fetch,
)
from connexeo.tools.conformance.versions import VERSIONS, version_number

__all__ = ["Discovery", "DiscoveryError", "Version", "anonymous_template", "discover", "offered"]

WELL_KNOWN = "/.well-known/openeo"

_SUPPORTED = tuple(int(part) for part in VERSIONS[-1].split("."))


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of the well-known document."""

    url: str
    """Absolute."""
    api_version: str
    production: bool

    @property
    def number(self) -> tuple[int, int, int, bool]:
        """For comparing; what is no version comes before everything."""
        return version_number(self.api_version) or (0, 0, 0, False)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found."""

    entry: str
    """The URL that was given."""
    url: str
    """The API's URL, without a slash at its end."""
    api_version: str
    """As the capabilities say."""
    capabilities: Mapping[str, Any]
    well_known: Mapping[str, Any] | None
    well_known_url: str | None
    """Where that document is, None when there is none."""
    versions: tuple[Version, ...]
    """What the well-known document lists."""
    notes: tuple[str, ...]
    """What a reader of the report must know."""


def discover(client: httpx.Client, url: str, *, version: str | None = None) -> Discovery:
    """Find the API.

    Args:
        client: sends the requests, without a token.
        url: of the API, its host, or a page that redirects there; without scheme it is https, on this computer
            http as well.
        version: API version to choose, such as ``1.2``; by default the newest that is in production and known.

    Raises:
        DiscoveryError: when there is none.
    """
    failure: DiscoveryError | None = None
    for entry in entry_urls(url):
        try:
            return _discover(client, url, entry, version)
        except DiscoveryError as error:
            # The first one is what was meant most likely, unless nobody speaks its protocol there.
            failure = error if failure is None or isinstance(failure, NoTls) else failure
    raise failure or DiscoveryError("there is no URL to look at")


def offered(capabilities: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Method and path of every endpoint that the capabilities list; parameters are ``{}``, whatever their names."""
    found = {("GET", "/")}
    endpoints = capabilities.get("endpoints")
    for endpoint in endpoints if isinstance(endpoints, list) else ():
        path = endpoint.get("path") if isinstance(endpoint, Mapping) else None
        methods = endpoint.get("methods") if isinstance(endpoint, Mapping) else None
        if isinstance(path, str) and isinstance(methods, list):
            template = anonymous_template(f"/{path.strip('/')}")
            found |= {(method.upper(), template) for method in methods if isinstance(method, str)}
    return frozenset(found)


def anonymous_template(path: str) -> str:
    """A template without the names of its parameters: ``GET /jobs/{job_id}`` → ``GET /jobs/{}``."""
    return re.sub(r"\{[^{}]*\}", "{}", path)


def _discover(client: httpx.Client, given: str, entry: str, wanted: str | None) -> Discovery:
    notes: list[str] = []
    direct, listing = _look(client, entry)
    versions = tuple(_versions(listing)) if listing else ()
    if listing is None:
        notes.append("there is no well-known document that lists the versions of the API")
    is_host = not urlsplit(entry).path.strip("/") or urlsplit(entry).path.rstrip("/").endswith(WELL_KNOWN)
    own = direct is not None and direct.is_capabilities and _is_wanted(_api_version(direct), wanted)
    if direct is not None and own and not (is_host and versions):
        api = direct
    elif versions:
        api = _chosen(client, versions, wanted, notes, direct if own else None)
    else:
        raise _nothing(entry, direct, wanted)
    return _described(given, api, listing, versions, notes)


def _look(client: httpx.Client, entry: str) -> tuple[Answer | None, Answer | None]:
    """What is at the URL itself, and the well-known document that belongs to it."""
    direct = fetch(client, entry)
    if direct.is_well_known and not direct.is_capabilities:
        return None, direct
    root = urljoin(direct.url, WELL_KNOWN)
    near = f"{direct.url.partition('?')[0]}{WELL_KNOWN}"
    places = [root] if direct.is_capabilities else [near, root]
    for place in dict.fromkeys([*_linked(direct), *places]):
        try:
            answer = fetch(client, place)
        except DiscoveryError:
            continue
        if answer.is_well_known:
            return direct, answer
    return direct, None


def _linked(answer: Answer) -> Iterator[str]:
    """The well-known document, as the capabilities link to it."""
    links = answer.document.get("links") if isinstance(answer.document, dict) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") == "version-history":
            target = urljoin(f"{answer.url}/", str(link.get("href")))
            if target.startswith(("http://", "https://")):
                yield target


def _versions(listing: Answer) -> Iterator[Version]:
    for entry in listing.document["versions"]:
        if isinstance(entry, Mapping) and isinstance(entry.get("url"), str):
            target = urljoin(listing.url, entry["url"]).rstrip("/")
            if target.startswith(("http://", "https://")):
                yield Version(target, str(entry.get("api_version")), entry.get("production") is True)


def _chosen(
    client: httpx.Client,
    versions: tuple[Version, ...],
    wanted: str | None,
    notes: list[str],
    direct: Answer | None,
) -> Answer:
    """Capabilities of the version that is wanted, else of the best."""
    version = _choose(versions, wanted)
    if not version.production:
        notes.append(f"openEO {version.api_version} is not marked as ready for production")
    try:
        answer = fetch(client, version.url)
    except DiscoveryError as error:
        if direct is None:
            raise DiscoveryError(f"the well-known document lists {version.url}, but: {error}") from error
        notes.append(f"the well-known document lists {version.url}, where nothing answers")
        return direct
    if not answer.is_capabilities:
        if direct is None:
            raise DiscoveryError(
                f"the well-known document lists {version.url}, but {describe_answer(answer)}"
            )
        notes.append(f"the well-known document lists {version.url}, but {describe_answer(answer)}")
        return direct
    if _api_version(answer) != version.api_version:
        notes.append(
            f"the well-known document says openEO {version.api_version} for {version.url}, "
            f"whose capabilities say {_api_version(answer)}"
        )
    return answer


def _choose(versions: tuple[Version, ...], wanted: str | None) -> Version:
    candidates = [each for each in versions if _is_wanted(each.api_version, wanted)]
    there = ", ".join(sorted({each.api_version for each in versions}))
    if not candidates:
        raise DiscoveryError(f"openEO {wanted} is not offered; the back-end has {there}")
    known = [each for each in candidates if (1, 0) <= each.number[:2] <= _SUPPORTED]
    if not known and all(each.number < (1, 0) for each in candidates):
        raise DiscoveryError(
            f"the back-end offers {there} only, which is too old: at least openEO 1.0 is needed"
        )
    # Of those that are all too new the oldest is the closest.
    usable = known or [min(candidates, key=lambda each: each.number)]
    return max(usable, key=lambda each: (each.production, each.number))


def _is_wanted(version: str, wanted: str | None) -> bool:
    """Whether it is the wanted version or a part of it: 1.2.0 of 1.2, but 1.20.0 is not."""
    if wanted is None:
        return True
    prefix = wanted.strip().removeprefix("v")
    return version == prefix or version.startswith((f"{prefix}.", f"{prefix}-"))


def _described(
    given: str, api: Answer, listing: Answer | None, versions: tuple[Version, ...], notes: list[str]
) -> Discovery:
    version = _api_version(api)
    number = version_number(version)
    if number is None:
        raise DiscoveryError(f"{api.url} has the api_version {version!r}, which is no version such as 1.2.0")
    if number[0] < 1:
        raise DiscoveryError(f"{api.url} offers openEO {version}, which is too old: at least 1.0 is needed")
    if api.hops:
        notes.append(f"redirected from {api.hops[0]} to {api.url}")
    return Discovery(
        entry=given,
        url=api.url,
        api_version=version,
        capabilities=api.document,
        well_known=listing.document if listing else None,
        well_known_url=listing.url if listing else None,
        versions=versions,
        notes=tuple(notes),
    )


def _api_version(answer: Answer) -> str:
    return str(answer.document["api_version"])


def _nothing(entry: str, direct: Answer | None, wanted: str | None) -> DiscoveryError:
    if direct is None:
        return DiscoveryError(f"the well-known document at {entry} lists no version with a usable URL")
    if direct.is_capabilities:
        return DiscoveryError(
            f"{direct.url} offers openEO {_api_version(direct)}, not {wanted}, and there is no well-known document "
            "that lists other versions"
        )
    return DiscoveryError(f"there is no openEO API at {entry}: {describe_answer(direct)}")
