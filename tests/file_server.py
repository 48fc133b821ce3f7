"""A server of files on loopback that fails when a test wants it to."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Fault = int | Literal["reset", "truncate", "hang"]
"""A status, or what becomes of the connection."""

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class FileServer:
    """Answers `GET` and `HEAD`, parts of files too; tests read and change its attributes."""

    files: dict[str, bytes] = field(default_factory=dict)
    """Path → content; anything else is not found."""
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    """Path → how the next requests end; each counts once, the last one for ever if `lasting` has the path."""
    lasting: set[str] = field(default_factory=set)
    redirects: dict[str, str] = field(default_factory=dict)
    """Path → where else to look."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of what came."""

    def __post_init__(self) -> None:
        self.closed = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def fault(self, path: str) -> Fault | None:
        """How the next request for a path ends; None: well."""
        with self._lock:
            waiting = self.faults.get(path)
            if not waiting:
                return None
            return waiting[0] if path in self.lasting and len(waiting) == 1 else waiting.pop(0)

    def close(self) -> None:
        """Stop, also in the middle of an answer."""
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def file_server() -> Iterator[FileServer]:
    """A server that is closed afterwards."""
    server = FileServer()
    try:
        yield server
    finally:
        server.close()


def _handler(site: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            site.requests.append((self.command, path))
            fault = site.fault(path)
            if fault == "hang":
                site.closed.wait()
            elif fault == "reset":
                self._reset()
            elif isinstance(fault, int):
                self._answer(fault, {}, b"")
            elif path in site.redirects:
                self._answer(302, {"Location": site.redirects[path]}, b"")
            elif path not in site.files:
                self._answer(404, {}, b"")
            else:
                self._file(site.files[path], truncated=fault == "truncate")

        do_HEAD = do_GET

        def _file(self, content: bytes, *, truncated: bool) -> None:
            wanted = _RANGE.fullmatch(self.headers.get("range", ""))
            headers = {"Accept-Ranges": "bytes"}
            if wanted is None:
                self._answer(200, headers, content, truncated=truncated)
                return
            first = int(wanted[1])
            last = min(int(wanted[2] or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            self._answer(206, headers, content[first : last + 1], truncated=truncated)

        def _answer(
            self, status: int, headers: dict[str, str], body: bytes, *, truncated: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body[: len(body) // 2] if truncated else body)
            self.close_connection |= truncated

        def _reset(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler
