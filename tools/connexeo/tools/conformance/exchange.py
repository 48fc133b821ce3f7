"""One request with its answer, as evidence."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from connexeo.tools.conformance.contract import Operation
from connexeo.tools.conformance.masking import MASK, mask

_SECRET_HEADERS = {"authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key"}

_UNSHOWN = {
    "host",
    "accept-encoding",
    "connection",
    "content-length",
    "user-agent",
    "accept",
    "transfer-encoding",
}
"""Headers of requests that curl adds itself."""

_REQUEST = 4000
"""Characters of a request's body that are shown."""

_SHOWN_HEADERS = (
    "content-type",
    "location",
    "openeo-identifier",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "allow",
    "link",
    "retry-after",
    "etag",
    "www-authenticate",
)


class NotJson(ValueError):
    """A body that ought to be JSON is not."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__("the body is not JSON")
        self.exchange = exchange


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its answer."""

    method: str
    url: str
    """As sent, with the query."""
    caller: str
    """In whose name: ``anonymous``, ``user``, ``stranger``."""
    request_headers: httpx.Headers
    request_body: bytes
    status: int
    """0: there was no answer, see ``failure``."""
    headers: httpx.Headers
    body: bytes
    seconds: float
    operation: Operation | None = None
    """Operation of the contract; None for anything else, such as a signed link."""
    truncated: bool = False
    """Whether the body was longer than what is kept."""
    failure: str | None = None
    """Why there was no answer, or only half of one."""
    hops: tuple[str, ...] = field(default=())
    """Where redirects led from."""

    @property
    def served(self) -> datetime | None:
        """When it was answered by the clock of the server, None when that does not tell."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).astimezone(UTC)
        except (TypeError, ValueError):
            return None

    @property
    def ok(self) -> bool:
        """Whether it was answered with success."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """Media type of the answer without parameters, in lower case; empty when there is none."""
        given: str = self.headers.get("content-type", "")
        return given.partition(";")[0].strip().lower()

    @property
    def name(self) -> str:
        """Operation, else method and path."""
        if self.operation:
            return self.operation.name
        try:
            return f"{self.method} {urlsplit(self.url).path}"
        except ValueError:
            # Links of documents can be anything.
            return f"{self.method} {self.url}"

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            NotJson: when it is not.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise NotJson(self) from error

    def object(self) -> dict[str, Any]:
        """The body, which must be a JSON object.

        Raises:
            NotJson: when it is not.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise NotJson(self)
        return value

    @property
    def code(self) -> str | None:
        """The openEO error code, None when the body is no openEO error."""
        try:
            value = self.json()
        except NotJson:
            return None
        code = value.get("code") if isinstance(value, dict) else None
        return code if isinstance(code, str) else None

    def showing(self, part: Any) -> Exchange:
        """The same exchange as evidence for a part of its JSON body: nothing else of the body is shown."""
        return replace(self, body=orjson.dumps(part))

    def curl(self, hide: Callable[[str], str] = mask) -> str:
        """The request as a command.

        Args:
            hide: masks secrets, by default what looks like one.
        """
        parts = ["curl", "-i"]
        if self.method == "HEAD":
            parts.append("--head")
        elif self.method != "GET":
            parts += ["-X", self.method]
        for name, value in self.request_headers.multi_items():
            if name.lower() in _UNSHOWN:
                continue
            parts += ["-H", f"{name}: {_shown_value(name.lower(), value, hide)}"]
        if self.request_body:
            parts += ["--data-binary", _printable(self.request_body, _REQUEST, hide)]
        parts.append(hide(self.url))
        return " ".join(shlex.quote(part) for part in parts)

    def excerpt(self, length: int = 1200, hide: Callable[[str], str] = mask) -> str:
        """Status line, telling headers and the beginning of the answer's body.

        Args:
            length: characters of the body.
            hide: masks secrets, by default what looks like one.
        """
        if self.failure and not self.status:
            return hide(self.failure)
        lines = [f"HTTP {self.status}"]
        lines += [hide(f"{name}: {self.headers[name]}") for name in _SHOWN_HEADERS if name in self.headers]
        if self.failure:
            lines.append(hide(self.failure))
        if self.body:
            lines += ["", _printable(self.body, length, hide)]
        return "\n".join(lines)


def _shown_value(name: str, value: str, hide: Callable[[str], str]) -> str:
    if name not in _SECRET_HEADERS:
        return hide(value)
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {MASK}" if space and name.endswith("authorization") else MASK


_LOOKED_AT = 64 * 1024
"""Bytes of a body that are looked through for secrets; what is shown is far less."""


def _printable(body: bytes, length: int, hide: Callable[[str], str]) -> str:
    if b"\0" in body[:1000]:
        return f"({len(body)} bytes)"
    text = body[:_LOOKED_AT].decode("utf-8", "replace")
    if len(body) <= _LOOKED_AT:
        with suppress(ValueError, RecursionError):
            # JSON on one line, whatever the server's indentation; anything else as it came.
            text = json.dumps(json.loads(text), ensure_ascii=False)
    # First masked, then cut: half a secret is not recognised.
    text = hide(text)
    return text if len(text) <= length else f"{text[:length]}… ({len(body)} bytes)"
