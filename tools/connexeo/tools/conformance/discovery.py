"""Any entry URL → the URL of the API, its version and capabilities.

People know the address of a host, of one version of the API, or of a page that redirects to it. A host without path
is asked for its well-known document first, any other address whether it is the API itself.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx
import orjson

from connexeo.tools.conformance.versions import VERSIONS, version_number

WELL_KNOWN = "/.well-known/openeo"

_LARGEST = 16 * 1024 * 1024
_SUPPORTED = tuple(int(part) for part in VERSIONS[-1].split("."))


class DiscoveryError(Exception):
    """There is no openEO API to test; the message says what there is instead, and what to do."""


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


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came from a URL."""

    url: str
    """Where redirects ended, without a slash at its end."""
    status: int
    media_type: str
    document: Any
    """The body as JSON, None when it is not."""
    hops: tuple[str, ...]

    @property
    def is_capabilities(self) -> bool:
        return self.status == 200 and isinstance(self.document, dict) and "api_version" in self.document

    @property
    def is_well_known(self) -> bool:
        return (
            self.status == 200
            and isinstance(self.document, dict)
            and isinstance(self.document.get("versions"), list)
        )


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
    for entry in _entries(url):
        try:
            return _discover(client, url, entry, version)
        except DiscoveryError as error:
            # The first one is what was meant most likely, unless nobody speaks its protocol there.
            failure = (
                error if failure is None or isinstance(failure.__cause__, httpx.ConnectError) else failure
            )
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


def _entries(url: str) -> list[str]:
    url = url.strip()
    if not url:
        raise DiscoveryError("the URL is empty")
    if "://" in url:
        scheme = urlsplit(url).scheme.lower()
        if scheme not in {"http", "https"}:
            raise DiscoveryError(f"{url} is no address of the web: it must begin with https:// or http://")
        return [_checked(url)]
    return [_checked(f"https://{url}"), *([f"http://{url}"] if _is_loopback(f"http://{url}") else [])]


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        valid = False
    if not valid:
        raise DiscoveryError(f"{url} is not a valid URL")
    if parts.username or parts.password:
        raise DiscoveryError("the URL holds a user name or password; give those by --basic instead")
    return urlunsplit((parts.scheme.lower(), parts.netloc, parts.path, parts.query, ""))


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


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


def _look(client: httpx.Client, entry: str) -> tuple[_Answer | None, _Answer | None]:
    """What is at the URL itself, and the well-known document that belongs to it."""
    direct = _get(client, entry)
    if direct.is_well_known and not direct.is_capabilities:
        return None, direct
    root = urljoin(direct.url, WELL_KNOWN)
    near = f"{direct.url.partition('?')[0]}{WELL_KNOWN}"
    places = [root] if direct.is_capabilities else [near, root]
    for place in dict.fromkeys([*_linked(direct), *places]):
        try:
            answer = _get(client, place)
        except DiscoveryError:
            continue
        if answer.is_well_known:
            return direct, answer
    return direct, None


def _linked(answer: _Answer) -> Iterator[str]:
    """The well-known document, as the capabilities link to it."""
    links = answer.document.get("links") if isinstance(answer.document, dict) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") == "version-history":
            target = urljoin(f"{answer.url}/", str(link.get("href")))
            if target.startswith(("http://", "https://")):
                yield target


def _versions(listing: _Answer) -> Iterator[Version]:
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
    direct: _Answer | None,
) -> _Answer:
    """Capabilities of the version that is wanted, else of the best."""
    version = _choose(versions, wanted)
    if not version.production:
        notes.append(f"openEO {version.api_version} is not marked as ready for production")
    try:
        answer = _get(client, version.url)
    except DiscoveryError as error:
        if direct is None:
            raise DiscoveryError(f"the well-known document lists {version.url}, but: {error}") from error
        notes.append(f"the well-known document lists {version.url}, where nothing answers")
        return direct
    if not answer.is_capabilities:
        if direct is None:
            raise DiscoveryError(f"the well-known document lists {version.url}, but {_what(answer)}")
        notes.append(f"the well-known document lists {version.url}, but {_what(answer)}")
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
    given: str, api: _Answer, listing: _Answer | None, versions: tuple[Version, ...], notes: list[str]
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


def _api_version(answer: _Answer) -> str:
    return str(answer.document["api_version"])


def _nothing(entry: str, direct: _Answer | None, wanted: str | None) -> DiscoveryError:
    if direct is None:
        return DiscoveryError(f"the well-known document at {entry} lists no version with a usable URL")
    if direct.is_capabilities:
        return DiscoveryError(
            f"{direct.url} offers openEO {_api_version(direct)}, not {wanted}, and there is no well-known document "
            "that lists other versions"
        )
    return DiscoveryError(f"there is no openEO API at {entry}: {_what(direct)}")


def _what(answer: _Answer) -> str:
    """What came instead of capabilities."""
    if answer.status in {401, 403}:
        return f"{answer.url} answers HTTP {answer.status}; capabilities must be readable without a token"
    if answer.status != 200:
        return f"{answer.url} answers HTTP {answer.status}"
    if answer.media_type in {"text/html", "application/xhtml+xml"}:
        return f"{answer.url} is an HTML page; give the URL of the API, which answers with JSON"
    if answer.document is None:
        return f"{answer.url} does not answer with JSON ({answer.media_type or 'no media type'})"
    return f"the JSON document at {answer.url} has no api_version, so it is no openEO API"


def _get(client: httpx.Client, url: str) -> _Answer:
    headers = {"Accept": "application/json"}
    try:
        with client.stream("GET", url, headers=headers, follow_redirects=True) as response:
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    raise DiscoveryError(f"{url} answers with more than {_LARGEST // 1024 // 1024} MiB")
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise DiscoveryError(_failure(url, error)) from error
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    final = str(response.url)
    return _Answer(
        url=final.rstrip("/"),
        status=response.status_code,
        media_type=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
        document=document,
        # A slash more or less is no other place.
        hops=tuple(
            str(each.url) for each in response.history if final.rstrip("/") != str(each.url).rstrip("/")
        ),
    )


def _failure(url: str, error: Exception) -> str:
    """Why there was no answer, in words."""
    host = urlsplit(url).netloc
    if isinstance(error, httpx.TimeoutException):
        return f"{host} does not answer in time"
    if isinstance(error, httpx.TooManyRedirects):
        return f"{url} redirects in a circle"
    if isinstance(error, httpx.ConnectError):
        return _no_connection(url, host, error)
    return f"{url} cannot be read: {error or type(error).__name__}"


def _no_connection(url: str, host: str, error: Exception) -> str:
    text = str(error)
    if "self-signed" in text or "self signed" in text:
        return f"the certificate of {host} is self-signed: use --insecure if you trust it"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or "it is not valid"
        return f"the certificate of {host} is not accepted: {reason}; use --insecure if you trust it"
    if "SSL" in text or isinstance(error.__cause__, ssl.SSLError):
        return f"{host} does not speak TLS; try http://{url.partition('://')[2]}"
    if "Connection refused" in text:
        return f"nothing listens at {host}: the connection was refused"
    if "Name or service not known" in text or "nodename nor servname" in text or "name resolution" in text:
        return f"there is no host {urlsplit(url).hostname}"
    return f"{host} cannot be reached: {text or type(error).__name__}"
