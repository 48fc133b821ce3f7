"""A proxy in front of a back-end that fails on demand: chosen paths, in a chosen way, changed while it runs.

It speaks as much HTTP/1.1 as is needed: one request per connection, which it ends after the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

_HEAD = 2**18


@dataclass(frozen=True)
class Fault:
    """What happens to requests.

    Attributes:
        kind: ``hang`` | ``trickle`` | ``reset`` | ``busy`` | ``truncate`` | ``wrong`` | ``huge`` | ``slow`` | ``cut``
        seconds: Of ``trickle``: between bytes; of ``slow``: before the answer.
        retry_after: Of ``busy``: value of the header; none when None.
        size: Of ``huge``: bytes.
        times: How often it happens; always when None.
    """

    kind: str
    seconds: float = 0.0
    retry_after: str | None = None
    size: int = 0
    times: int | None = None


def hang() -> Fault:
    """Never an answer."""
    return Fault("hang")


def trickle(seconds: float = 0.05) -> Fault:
    """The answer byte by byte."""
    return Fault("trickle", seconds=seconds)


def reset() -> Fault:
    """The connection breaks when the request has come."""
    return Fault("reset")


def cut() -> Fault:
    """The connection breaks in the middle of the answer."""
    return Fault("cut")


def busy(retry_after: str | None = None, times: int | None = None) -> Fault:
    """503."""
    return Fault("busy", retry_after=retry_after, times=times)


def truncate() -> Fault:
    """A whole answer, with half a JSON document."""
    return Fault("truncate")


def wrong() -> Fault:
    """A JSON document of another type than is expected."""
    return Fault("wrong")


def huge(size: int = 2**20) -> Fault:
    """More bytes than anybody wants to read."""
    return Fault("huge", size=size)


def slow(seconds: float) -> Fault:
    """The right answer, late."""
    return Fault("slow", seconds=seconds)


@dataclass
class _Rule:
    prefix: str
    fault: Fault
    happened: int = 0


@dataclass
class FaultProxy:
    """The proxy; tests call its methods from any thread.

    Args:
        upstream: Address of the back-end, ``http://127.0.0.1:…``.
    """

    upstream: str
    port: int = 0
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path with query, and headers (names in lower case) of each request that came."""
    _rules: list[_Rule] = field(default_factory=list)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _server: asyncio.Server | None = None

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._listen())

    @property
    def url(self) -> str:
        """Where the proxy is."""
        return f"http://127.0.0.1:{self.port}"

    def fail(self, fault: Fault, prefix: str = "/", *, exactly: bool = False) -> None:
        """From now on, let requests of paths that begin so fail; later calls come before earlier ones."""
        self._rules.insert(0, _Rule(prefix + "\0" if exactly else prefix, fault))

    def refuse(self) -> None:
        """Refuse all connections, as if there were no server; ends those that are open."""
        self._do(self._close())

    def heal(self) -> None:
        """Let everything pass again; requests that hang go on hanging until whoever asks gives up."""
        self._rules.clear()
        if self._server is None:
            self._do(self._listen())

    def close(self) -> None:
        """End it."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def count(self, path: str) -> int:
        """How often a path was asked for, whatever its query."""
        return sum(1 for _, each, _ in list(self.requests) if urlsplit(each).path == path)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in list(self._open):
            _break(writer)
        # Let the handlers see it.
        await asyncio.sleep(0.02)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, EOFError):
                await self._answer(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (e.partition(":") for e in lines)
        }
        self.requests.append((method, path, headers))
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        fault = self._fault(path)
        kept = [each for each in lines if not each.lower().startswith("connection:")]
        request = "\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1") + body
        answering = asyncio.ensure_future(
            _KINDS["pass" if fault is None else fault.kind](self, fault or Fault("pass"), request, writer)
        )
        # Whoever asks ends the connection only when it gives up.
        gone = asyncio.ensure_future(reader.read())
        try:
            await asyncio.wait([answering, gone], return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
        finally:
            for each in (answering, gone):
                each.cancel()
            await asyncio.gather(answering, gone, return_exceptions=True)

    def _fault(self, path: str) -> Fault | None:
        path = urlsplit(path).path
        for rule in list(self._rules):
            if not f"{path}\0".startswith(rule.prefix):
                continue
            rule.happened += 1
            if rule.fault.times is None or rule.happened <= rule.fault.times:
                return rule.fault
        return None

    async def upstream_answer(self, request: bytes) -> bytes:
        """All bytes of the back-end's answer."""
        parts = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()


async def _pass(proxy: FaultProxy, fault: Fault, request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(_closing(await proxy.upstream_answer(request)))
    await writer.drain()


async def _hang(proxy: FaultProxy, fault: Fault, request: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _trickle(proxy: FaultProxy, fault: Fault, request: bytes, writer: asyncio.StreamWriter) -> None:
    answer = _closing(await proxy.upstream_answer(request))
    for number in range(len(answer)):
        if writer.transport.is_closing():
            return
        writer.write(answer[number : number + 1])
        await writer.drain()
        await asyncio.sleep(fault.seconds)


async def _reset(proxy: FaultProxy, fault: Fault, request: bytes, writer: asyncio.StreamWriter) -> None:
    _break(writer)


async def _cut(proxy: FaultProxy, fault: Fault, request: bytes, writer: asyncio.StreamWriter) -> None:
    answer = _closing(await proxy.upstream_answer(request))
    writer.write(answer[: answer.index(b"\r\n\r\n") + 10])
    await writer.drain()
    await asyncio.sleep(0.02)
    _break(writer)


async def _busy(proxy: FaultProxy, fault: Fault, request: bytes, writer: asyncio.StreamWriter) -> None:
    after = f"Retry-After: {fault.retry_after}\r\n" if fault.retry_after is not None else ""
    body = b'{"code":"InfrastructureBusy","message":"Much to do."}'
    writer.write(_head("503 Service Unavailable", len(body), after) + body)
    await writer.drain()


async def _truncate(proxy: FaultProxy, fault: Fault, request: bytes, writer: asyncio.StreamWriter) -> None:
    body = b'{"api_version": "1.2.0", "collections": [{"id": "half'
    writer.write(_head("200 OK", len(body)) + body)
    await writer.drain()


async def _wrong(proxy: FaultProxy, fault: Fault, request: bytes, writer: asyncio.StreamWriter) -> None:
    body = b'["this", "is", "no", "object"]'
    writer.write(_head("200 OK", len(body)) + body)
    await writer.drain()


async def _huge(proxy: FaultProxy, fault: Fault, request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(_head("200 OK", fault.size + 2) + b'"')
    left = fault.size
    while left:
        piece = min(left, 2**16)
        writer.write(b"x" * piece)
        left -= piece
        await writer.drain()
    writer.write(b'"')
    await writer.drain()


async def _slow(proxy: FaultProxy, fault: Fault, request: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(fault.seconds)
    await _pass(proxy, fault, request, writer)


_KINDS: dict[str, Callable[[FaultProxy, Fault, bytes, asyncio.StreamWriter], Awaitable[None]]] = {
    "pass": _pass,
    "hang": _hang,
    "trickle": _trickle,
    "reset": _reset,
    "cut": _cut,
    "busy": _busy,
    "truncate": _truncate,
    "wrong": _wrong,
    "huge": _huge,
    "slow": _slow,
}


def _head(status: str, length: int, more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}"
        "Connection: close\r\n\r\n"
    ).encode()


def _closing(answer: bytes) -> bytes:
    """The answer, saying that the connection ends with it."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    lines = [each for each in head.split(b"\r\n") if not each.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close"]) + separator + body


def _break(writer: asyncio.StreamWriter) -> None:
    """End a connection at once, with a reset."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
