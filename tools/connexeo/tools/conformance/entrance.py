"""What is at a URL: an answer, or in words why there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import orjson

from connexeo.tools.conformance.answer import whole_body
from connexeo.tools.conformance.decoding import Undecodable

_NO_HOST = ("Name or service not known", "nodename nor servname", "name resolution", "No address associated")
"""How operating systems say that a name leads nowhere."""

_LARGEST = 16 * 1024 * 1024


class DiscoveryError(Exception):
    """There is no openEO API to test; the message says what there is instead, and what to do."""


class NoTls(DiscoveryError):
    """Somebody listens there, but speaks plain HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
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
        """Whether it is what ``GET /`` of an openEO API gives."""
        return self.status == 200 and isinstance(self.document, dict) and "api_version" in self.document

    @property
    def is_well_known(self) -> bool:
        """Whether it lists versions of an API."""
        return (
            self.status == 200
            and isinstance(self.document, dict)
            and isinstance(self.document.get("versions"), list)
        )


def entry_urls(url: str) -> list[str]:
    """What a URL may stand for: without scheme it is https, on this computer http as well.

    Raises:
        DiscoveryError: when it is no URL of the web.
    """
    url = url.strip()
    if not url:
        raise DiscoveryError("the URL is empty")
    scheme, mark, _ = url.partition("://")
    if mark:
        if scheme.lower() not in {"http", "https"}:
            raise DiscoveryError(
                f"{_shown(url)} is no address of the web: it must begin with https:// or http://"
            )
        return [_checked(url)]
    return [_checked(f"https://{url}"), *([f"http://{url}"] if is_loopback(f"http://{url}") else [])]


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        valid = False
    if not valid:
        raise DiscoveryError(f"{_shown(url)} is not a valid URL")
    if parts.username or parts.password:
        raise DiscoveryError("the URL holds a user name or password; give those by --basic instead")
    return urlunsplit((parts.scheme.lower(), parts.netloc, parts.path, parts.query, ""))


def _shown(url: str) -> str:
    """Without user name and password."""
    return re.sub(r"//[^/@]*@", "//", url)


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this computer."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def fetch(client: httpx.Client, url: str) -> Answer:
    """Send ``GET`` and follow redirects.

    Raises:
        DiscoveryError: when there is no answer.
    """
    headers = {"Accept": "application/json"}
    try:
        with client.stream("GET", url, headers=headers, follow_redirects=True) as response:
            body = whole_body(response, _LARGEST)
    except Undecodable as error:
        raise DiscoveryError(f"the answer of {url} cannot be read: {error}") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise _failure(url, error) from error
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    final = str(response.url)
    return Answer(
        url=final.rstrip("/"),
        status=response.status_code,
        media_type=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
        document=document,
        # A slash more or less is no other place.
        hops=tuple(
            str(each.url) for each in response.history if final.rstrip("/") != str(each.url).rstrip("/")
        ),
    )


def _failure(url: str, error: Exception) -> DiscoveryError:
    """Why there was no answer, in words."""
    host = urlsplit(url).netloc
    if isinstance(error, httpx.TimeoutException):
        return DiscoveryError(f"{host} does not answer in time")
    if isinstance(error, httpx.TooManyRedirects):
        return DiscoveryError(f"{url} redirects in a circle")
    if isinstance(error, httpx.ConnectError):
        return _no_connection(url, host, str(error))
    return DiscoveryError(f"{url} cannot be read: {error or type(error).__name__}")


def _no_connection(url: str, host: str, reason: str) -> DiscoveryError:
    if "self-signed" in reason or "self signed" in reason:
        return DiscoveryError(f"the certificate of {host} is self-signed: use --insecure if you trust it")
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        why = reason.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or "it is not valid"
        return DiscoveryError(
            f"the certificate of {host} is not accepted: {why}; use --insecure if you trust it"
        )
    if "SSL" in reason:
        return NoTls(f"{host} does not speak TLS; try http://{url.partition('://')[2]}")
    if "refused" in reason:
        return DiscoveryError(f"nothing listens at {host}: the connection was refused")
    if any(words in reason for words in _NO_HOST):
        return DiscoveryError(f"there is no host {urlsplit(url).hostname}")
    return DiscoveryError(f"{host} cannot be reached: {reason or 'the connection failed'}")


def describe_answer(answer: Answer) -> str:
    """What it is, instead of capabilities."""
    if answer.status in {401, 403}:
        return f"{answer.url} answers HTTP {answer.status}; capabilities must be readable without a token"
    if answer.status != 200:
        return f"{answer.url} answers HTTP {answer.status}"
    if answer.media_type in {"text/html", "application/xhtml+xml"}:
        return f"{answer.url} is an HTML page; give the URL of the API, which answers with JSON"
    if answer.document is None:
        return f"{answer.url} does not answer with JSON ({answer.media_type or 'no media type'})"
    return f"the JSON document at {answer.url} has no api_version, so it is no openEO API"
