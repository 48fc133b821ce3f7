"""A server on loopback that sends whatever bytes a test wants, when it wants."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Reply = Callable[[socket.socket, threading.Event], None]
"""Sends an answer; the event is set when the server is closed."""


@dataclass
class Misbehaving:
    """Answers the requests of each connection with one reply after the other, the last again and again."""

    replies: list[Reply]
    requests: list[bytes] = field(default_factory=list)
    """Heads of what was asked, as it came."""

    def __post_init__(self) -> None:
        self._closed = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        """Stop, also in the middle of an answer."""
        self._closed.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(0.05)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            try:
                part = connection.recv(65536)
            except TimeoutError:
                if self._closed.is_set():
                    return
                continue
            except ConnectionError:
                return
            if not part:
                return
            head += part
        self.requests.append(head)
        reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
        try:
            reply(connection, self._closed)
        except OSError:
            # Whoever asked has gone.
            return


def raw(data: bytes) -> Reply:
    """These bytes, and the end of the connection."""

    def reply(connection: socket.socket, closed: threading.Event) -> None:
        connection.settimeout(5)
        connection.sendall(data)

    return reply


def answer(
    body: bytes | Any = b"", status: int = 200, version: str = "1.1", headers: Mapping[str, str] | None = None
) -> Reply:
    """A whole answer; what is not bytes is sent as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(headers or {})}
    lines = [f"HTTP/{version} {status} Status", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return raw("\r\n".join([*lines, "", ""]).encode() + body)


def trickle(start: bytes, part: bytes, times: int = 200, pause: float = 0.05) -> Reply:
    """The start at once, the part again and again, slower than anybody likes but never silent for long."""

    def reply(connection: socket.socket, closed: threading.Event) -> None:
        connection.settimeout(5)
        connection.sendall(start)
        for _ in range(times):
            if closed.wait(pause):
                return
            connection.sendall(part)
        connection.sendall(b"\r\nContent-Length: 0\r\n\r\n")

    return reply


def silence(start: bytes = b"") -> Reply:
    """The start, and then nothing, until the server is closed."""

    def reply(connection: socket.socket, closed: threading.Event) -> None:
        connection.settimeout(5)
        connection.sendall(start)
        closed.wait()

    return reply


def reset(start: bytes = b"") -> Reply:
    """The start, and then the connection is reset."""

    def reply(connection: socket.socket, closed: threading.Event) -> None:
        connection.sendall(start)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    return reply


def endless(megabytes: int) -> Reply:
    """A body without announced length, of so many megabytes."""

    def reply(connection: socket.socket, closed: threading.Event) -> None:
        connection.settimeout(5)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _ in range(megabytes):
            connection.sendall(b" " * 1024 * 1024)

    return reply


def bomb(megabytes: int, times: int = 1) -> bytes:
    """So much nothing, compressed, and that compressed again."""
    data = b"\0" * megabytes * 1024 * 1024
    for _ in range(times):
        data = gzip.compress(data)
    return data
