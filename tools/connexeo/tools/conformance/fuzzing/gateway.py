"""Takes the requests that schemathesis makes, on the loopback interface, and sends those that do no harm.

Only here is the back-end known, and the token; only here is time and number counted. Whatever happens to the process
that makes the requests, what was created is in the ledger.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType

import httpx

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.budget import BudgetExhausted
from connexeo.tools.conformance.caller import NoAnswer
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.fuzzing.belongings import CREATED_BY, Belongings, created_identifier
from connexeo.tools.conformance.fuzzing.judgement import Judgement
from connexeo.tools.conformance.fuzzing.permission import Permission, Refused, Target

CREATES = {operation: kind for kind, operation in CREATED_BY.items()}
"""Operation → kind of what it creates."""

FOLLOWED = 8
"""Times that an operation's effect is looked at."""

SILENT = 3
"""Requests without an answer, one after the other, after which there are no more."""

OVER = "over"
"""Why nothing is sent after the end."""

PATIENCE = 15.0
"""Seconds that a request may take to its end when everything else is over."""

PASSED_ON = 1024 * 1024
"""Bytes of an answer that links may be taken from."""

_OWN = {
    "host",
    "connection",
    "content-length",
    "accept-encoding",
    "user-agent",
    "transfer-encoding",
    "authorization",
    # What makes another method of a harmless one.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
}
_READ = {
    "job": "GET /jobs/{}",
    "service": "GET /services/{}",
    "process": "GET /process_graphs/{}",
    "file": "GET /files/{}",
}

Reply = tuple[int, Mapping[str, str], bytes]


@dataclass(slots=True)
class Gateway:
    """Sends requests to the back-end, one at a time."""

    backend: BackEnd
    permission: Permission
    belongings: Belongings
    judgement: Judgement
    requests: int
    """Requests that may be sent."""
    sent: int = 0
    refused: int = 0
    stopped: str | None = None
    """Why nothing is sent any more."""
    broken: Exception | None = None
    """A mistake in here that ended it."""
    _silent: int = 0
    _followed: Counter[str] = field(default_factory=Counter)
    _closed: set[str] = field(default_factory=set)
    """Operations that create things whose name is not told."""
    _lock: Lock = field(default_factory=Lock)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Gateway:
        gateway = self

        class Handler(_Handler):
            """Requests to this gateway."""

            handle_request = staticmethod(gateway.reply)

        self._server = _Server(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is under way comes to its end: its answer may tell of something new.
        self.stopped = self.stopped or OVER
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        if self._lock.acquire(timeout=PATIENCE):
            self._lock.release()

    @property
    def url(self) -> str:
        """Where it listens."""
        port = self._server.server_address[1] if self._server else 0
        return f"http://127.0.0.1:{port}"

    def reply(self, method: str, raw: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a request if it may be sent; gives the answer."""
        with self._lock:
            if self.stopped:
                return _answer(503, self.stopped)
            try:
                return self._reply(method, raw, headers, body)
            except Refused as reason:
                self.refused += 1
                return _answer(404, str(reason))
            except BudgetExhausted as reason:
                self.stopped = str(reason)
            except NoAnswer as reason:
                return _answer(503, str(reason))
            except Exception as error:  # noqa: BLE001 - raised again by whoever waits for the end
                self.broken = error
                self.stopped = "the gateway is broken"
            return _answer(503, self.stopped)

    def _reply(self, method: str, raw: str, headers: Mapping[str, str], body: bytes) -> Reply:
        target = self.permission.target(method, raw)
        name = target.operation.name if target.operation else method
        if name in self._closed:
            raise Refused("it does not tell what new things are called")
        if name in CREATES and CREATES[name] in self.belongings.stuck:
            raise Refused("what it creates cannot be removed")
        if self.sent >= self.requests:
            raise BudgetExhausted(f"{self.requests} random requests were sent; more with --max-requests")
        sent = {key: value for key, value in headers.items() if key.lower() not in _OWN and not _is_mark(key)}
        if not all(_is_sendable(value) for value in (target.path, *sent, *sent.values())):
            raise Refused("no HTTP client can send this")
        before = self.backend.budget.sent
        try:
            exchange = self._send(method, target, sent, body)
        finally:
            self.sent += self.backend.budget.sent - before
        return _passed_on(exchange)

    def _send(self, method: str, target: Target, headers: Mapping[str, str], body: bytes) -> Exchange:
        caller = self.backend.reader
        stores = method == "PUT" and target.kind is not None and target.identifier is not None
        is_new = stores and not self.belongings.is_own(str(target.kind), str(target.identifier))
        if stores:
            # Before: when there is no answer, it may be there all the same.
            self.belongings.add(str(target.kind), str(target.identifier))
        try:
            exchange = caller.request(
                method, f"{caller.url}{target.path}", content=body or None, headers=headers
            )
        except NoAnswer as error:
            self._silent += 1
            if self._silent >= SILENT:
                self.stopped = "the back-end does not answer any more"
            if (
                method == "POST"
                and target.operation is not None
                and target.operation.path in {"/jobs", "/services"}
            ):
                self._closed.add(target.operation.name)
            return error.exchange
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise Refused("no HTTP client can send this") from error
        self._silent = 0
        sound = self.judgement.judge(exchange, target)
        if is_new and 400 <= exchange.status < 500:
            self.backend.ledger.forget(str(target.kind), str(target.identifier))
        if exchange.ok:
            self._follow(method, target, exchange, sound)
            if not sound and method in {"PUT", "PATCH"} and target.kind and target.identifier:
                # What is wrong with it would show in all lists.
                self.belongings.remove(target.kind, target.identifier)
        return exchange

    def _follow(self, method: str, target: Target, exchange: Exchange, sound: bool) -> None:
        """Remember what has come or gone, and look whether it has."""
        path = target.operation.path if target.operation else ""
        if method == "POST" and path in {"/jobs", "/services"}:
            kind = "job" if path == "/jobs" else "service"
            identifier = created_identifier(exchange)
            if identifier is None:
                self._closed.add(f"POST {path}")
                return
            self.belongings.add(kind, identifier)
            if sound:
                self._look(f"POST {path}", kind, identifier, there=True)
            else:
                self.belongings.remove(kind, identifier)
        elif method == "PUT" and sound and target.kind and target.identifier:
            self._look(f"PUT {target.kind}", target.kind, target.identifier, there=True)
        elif method == "DELETE" and target.kind and target.identifier and not path.endswith("/results"):
            self._look(f"DELETE {target.kind}", target.kind, target.identifier, there=False)
            self.backend.ledger.forget(target.kind, target.identifier)

    def _look(self, what: str, kind: str, identifier: str, *, there: bool) -> None:
        created = self.backend.ledger.there.get((kind, identifier))
        if created is None or not self.backend.offers(_READ[kind]) or self._followed[what] >= FOLLOWED:
            return
        self._followed[what] += 1
        try:
            exchange = self.backend.user.get(created.path)
        except NoAnswer:
            return
        if there:
            self.judgement.created(exchange)
        else:
            self.judgement.deleted(exchange)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone, which happens when time is up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet for head and body: otherwise each answer waits for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    @staticmethod
    def handle_request(method: str, raw: str, headers: Mapping[str, str], body: bytes) -> Reply:
        raise NotImplementedError

    def _answer(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        status, headers, content = self.handle_request(
            self.command, self.path, dict(self.headers.items()), body
        )
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        empty = status in {204, 304}
        if not empty:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not empty and self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass


def _answer(status: int, message: str) -> Reply:
    body = json.dumps({"code": "NotSent", "message": message}).encode()
    return status, {"Content-Type": "application/json"}, body


def _passed_on(exchange: Exchange) -> Reply:
    """What links are taken from; never a redirect, which would be followed past the gateway."""
    if not exchange.status or exchange.status < 200:
        return _answer(503, exchange.failure or "no answer")
    kept = {
        name: exchange.headers[name]
        for name in ("content-type", "openeo-identifier")
        if name in exchange.headers
    }
    headers = {name: value for name, value in kept.items() if _is_sendable(value)}
    body = exchange.body if "json" in exchange.media_type and len(exchange.body) <= PASSED_ON else b""
    return exchange.status, headers, body


def _is_mark(name: str) -> bool:
    return name.lower().startswith("x-schemathesis-")


def _is_sendable(text: str) -> bool:
    """Whether it can stand in a head line."""
    return text.isascii() and text.isprintable() and text == text.strip()
