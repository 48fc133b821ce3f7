"""What comes of a request: never more than a bound, never later than a deadline."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from connexeo.tools.conformance.decoding import Undecodable, decoded

KEPT = 32 * 1024 * 1024
"""Bytes of an answer that are read."""


_REPEATABLE = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}
"""Methods that do the same when they are asked for twice, see RFC 9110, section 9.2.2; so does a validation."""


_DOUBTFUL: WeakKeyDictionary[httpx.Client, Any] = WeakKeyDictionary()
"""Connections whose last answer was an error: some servers close them a moment later, without a word."""


@dataclass(slots=True)
class Answer:
    """What has come of an answer."""

    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""
    truncated: bool = False
    late: bool = False
    """Whether the time was over before its end."""
    failure: str | None = None
    sent: bool = True
    """Whether the back-end may have got the request."""
    seconds: float = 0.0
    decoded: bool = False
    """Whether the transport gave the whole answer at once, as those of tests do."""

    def take(self, raw: bytes) -> None:
        """Keep a body that came over the wire."""
        encoding = "" if self.decoded else self.headers.get("content-encoding", "")
        if self.failure:
            # Half of something compressed is nothing.
            self.body = b"" if encoding else raw
            return
        try:
            self.body, cut = decoded(raw, encoding, KEPT, self.truncated)
            self.truncated = self.truncated or cut
        except Undecodable as error:
            self.failure = str(error)


def read_answer(client: httpx.Client, request: httpx.Request, total: float) -> Answer:
    """Send a request, and read what comes until ``total`` seconds are over or it is more than ``KEPT``."""
    answer = Answer()
    started = time.monotonic()
    raw: list[bytes] = []
    try:
        response = _response(client, request)
        try:
            answer.status, answer.headers = response.status_code, response.headers
            size = 0
            answer.decoded = response.is_stream_consumed
            for chunk in [response.content] if answer.decoded else response.iter_raw():
                raw.append(chunk)
                size += len(chunk)
                answer.truncated = size > KEPT
                answer.late = time.monotonic() - started > total
                if answer.truncated or answer.late:
                    break
        finally:
            response.close()
            _leave(client, response)
    except httpx.TimeoutException as error:
        answer.late = True
        answer.sent = not isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
    except (httpx.HTTPError, httpx.StreamError) as error:
        answer.failure = f"the connection failed: {error or type(error).__name__}"
        answer.sent = not isinstance(error, httpx.ConnectError)
    except httpx.InvalidURL as error:
        answer.failure, answer.sent = f"the URL is not valid: {error}", False
    if answer.late:
        what = "the answer was not complete after" if answer.status else "no answer within"
        answer.failure = f"{what} {total:g} s"
    answer.take(b"".join(raw)[:KEPT])
    answer.seconds = time.monotonic() - started
    return answer


def _response(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send a request, once more when the connection is gone before an answer begins.

    Servers close connections that are kept for further requests without a word, some of them after each error of
    theirs: a request that is on its way then says nothing of the back-end.
    """
    repeatable = request.method in _REPEATABLE or request.url.path.endswith("/validation")
    if not repeatable and (stream := _DOUBTFUL.pop(client, None)) is not None:
        stream.close()
    try:
        return client.send(request, stream=True, follow_redirects=False)
    except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
        if not repeatable:
            raise
        return client.send(request, stream=True, follow_redirects=False)


def _leave(client: httpx.Client, response: httpx.Response) -> None:
    """Remember the connection when something went wrong on it."""
    stream = response.extensions.get("network_stream")
    if response.status_code >= 400 and stream is not None:
        _DOUBTFUL[client] = stream
    else:
        _DOUBTFUL.pop(client, None)


def whole_body(response: httpx.Response, most: int = KEPT) -> bytes:
    """The body of an answer that is being streamed.

    Raises:
        Undecodable: when it is broken, or longer than ``most`` bytes.
        httpx.HTTPError: when the connection fails.
    """
    if response.is_stream_consumed:
        return response.content
    raw = bytearray()
    for chunk in response.iter_raw():
        raw += chunk
        if len(raw) > most:
            break
    body, cut = decoded(bytes(raw), response.headers.get("content-encoding", ""), most, len(raw) > most)
    if cut:
        raise Undecodable(f"it is larger than {most // 1024 // 1024} MiB")
    return body


def created_name(headers: httpx.Headers) -> str | None:
    """What something new is called; None when the answer does not tell."""
    told: str = headers.get("openeo-identifier") or ""
    return told or headers.get("location", "").rstrip("/").rpartition("/")[2] or None


def delay(headers: httpx.Headers) -> float:
    """Seconds until one may come again; ``Retry-After`` has them, or a date."""
    told: str = headers.get("retry-after", "2")
    try:
        return float(told)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 2.0
