"""A web server on loopback whose answers the tests write themselves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest


@dataclass
class RawServer:
    """Answers each connection by the function for its path; requests are kept."""

    port: int
    answers: dict[str, Callable[[socket.socket], None]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def answer(self, path: str, body: bytes = b"", *, status: str = "200 OK", **headers: str) -> str:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode()
        self.answers[path] = lambda connection: connection.sendall(head + body)
        return self.url(path)


def _serve(listener: socket.socket, server: RawServer) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_handle, args=(connection, server), daemon=True).start()


def _handle(connection: socket.socket, server: RawServer) -> None:
    with connection:
        try:
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            request = data.decode("latin-1")
            server.requests.append(request)
            server.answers[request.split(" ")[1]](connection)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the client hung up, as it should when it has enough


@pytest.fixture
def server() -> Iterator[RawServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(listener.getsockname()[1])
    thread = threading.Thread(target=_serve, args=(listener, server), daemon=True)
    thread.start()
    yield server
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
