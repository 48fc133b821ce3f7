"""Requests and answers while they are on their way through the proxy; both can be changed in place."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlencode

Headers = list[tuple[str, str]]
"""Names in lower case, in the order in which they came."""

_COMMON = (
    ("server", "uvicorn"),
    ("cache-control", "no-store"),
    ("access-control-allow-origin", "*"),
    (
        "access-control-expose-headers",
        "Link, Location, OpenEO-Costs, OpenEO-Identifier, Accept-Ranges, Content-Range, Content-Encoding, ETag, "
        "X-Request-ID",
    ),
    ("x-content-type-options", "nosniff"),
)
"""What all answers of the server have."""


@dataclass
class Message:
    """What requests and answers have in common."""

    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for known, value in self.headers if known == name.lower()), None)

    def set_header(self, name: str, value: str) -> None:
        """Set a header, in the place where it was."""
        for number, (known, _) in enumerate(self.headers):
            if known == name.lower():
                self.headers[number] = (known, value)
                return
        self.headers.append((name.lower(), value))

    def drop_header(self, *names: str) -> None:
        """Take headers away."""
        dropped = {name.lower() for name in names}
        self.headers = [(name, value) for name, value in self.headers if name not in dropped]

    @property
    def json(self) -> Any:
        """The document in the body, None when there is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def write(self, document: Any) -> None:
        """Set the body to a JSON document."""
        self.set_body(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())

    def set_body(self, body: bytes) -> None:
        """Set the body, and its length."""
        self.body = body
        self.set_header("content-length", str(len(body)))


@dataclass
class Request(Message):
    """A request to the server."""

    method: str
    target: str
    """Path and query, with their percent signs."""

    @property
    def path(self) -> str:
        """The path, percent-encoded as it came."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """Parameters of the query."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def set_query(self, pairs: dict[str, str]) -> None:
        """Replace the query."""
        self.target = self.path + ("?" + urlencode(pairs) if pairs else "")

    @property
    def origin(self) -> str:
        """Scheme and host by which the proxy was called."""
        return f"http://{self.header('host')}"

    def other(self, **changes: Any) -> Request:
        """Another request like this one."""
        return replace(self, **{"headers": list(self.headers)} | changes)

    def as_user(self, authorization: str) -> Request:
        """The same request in somebody's name."""
        request = self.other()
        request.set_header("authorization", authorization)
        return request


@dataclass
class Answer(Message):
    """The answer to a request."""

    status: int
    asked: str = field(default="")
    """URL that was asked, for links to further pages."""

    @property
    def ok(self) -> bool:
        """Whether the request was fulfilled."""
        return 200 <= self.status < 300

    def refuse(self, status: int, code: str, message: str) -> None:
        """Become an openEO error."""
        self.status = status
        self.drop_header("etag", "location", "openeo-identifier", "link", "content-encoding", "accept-ranges")
        self.set_header("content-type", "application/json")
        self.write({"id": "0", "code": code, "message": message})


def answer(status: int, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """A new answer, one that the server never gave; nothing but the fault tells it from its answers."""
    common = [("date", formatdate(usegmt=True)), *_COMMON, ("x-request-id", secrets.token_hex(16))]
    made = Answer([*common, *headers], b"", status)
    if status != 204:
        made.set_body(body)
    return made
