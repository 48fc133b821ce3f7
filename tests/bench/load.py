"""A load generator that costs little: fixed requests over kept-alive connections, answers counted by their bytes."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import cast

import uvloop


@dataclass(frozen=True)
class Request:
    """What is sent again and again."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self, host: str) -> bytes:
        """The bytes of the request."""
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            f"Host: {host}",
            *(f"{k}: {v}" for k, v in self.headers),
        ]
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass
class Tally:
    """What came back."""

    answers: int = 0
    faults: list[str] = field(default_factory=list)


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, tally: Tally, deadline: float) -> None:
        self._request = request
        self._tally = tally
        self._deadline = deadline
        self._length = 0
        self._received = 0
        self._head = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._length == 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            found = re.search(rb"(?i)content-length: *(\d+)", self._head[:end])
            if not self._head.startswith(b"HTTP/1.1 200") or found is None:
                self._tally.faults.append(self._head[:200].decode("latin-1"))
                self._transport.close()
                return
            self._length = end + 4 + int(found[1])
            data, self._head = self._head, b""
        self._received += len(data)
        if self._received >= self._length:
            self._tally.answers += 1
            # Heads may differ in length from answer to answer, so each one is looked at anew.
            self._received = self._length = 0
            if time.perf_counter() < self._deadline:
                self._transport.write(self._request)
            else:
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _load(port: int, request: Request, seconds: float, connections: int) -> Tally:
    loop = asyncio.get_running_loop()
    tally = Tally()
    payload = request.encode(f"127.0.0.1:{port}")
    deadline = time.perf_counter() + seconds
    protocols = []
    for _ in range(connections):
        _, protocol = await loop.create_connection(
            lambda: _Connection(payload, tally, deadline), "127.0.0.1", port
        )
        protocols.append(protocol)
    await asyncio.gather(*(protocol.done for protocol in protocols))
    return tally


def requests_per_second(port: int, request: Request, *, seconds: float, connections: int = 16) -> float:
    """Load one address of this machine for some seconds.

    Raises:
        RuntimeError: when an answer is not 200.
    """
    started = time.perf_counter()
    tally = uvloop.run(_load(port, request, seconds, connections))
    if tally.faults:
        raise RuntimeError(f"{request.method} {request.path}: {tally.faults[0]}")
    return tally.answers / (time.perf_counter() - started)
