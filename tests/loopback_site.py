"""A small web site on loopback whose pages a test sets."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class LoopbackSite:
    """Answers ``GET`` and ``POST``; tests read and change its attributes."""

    pages: dict[str, Any] = field(default_factory=dict)
    """Path → what is there: text (HTML), a tuple of status and target (redirect), a number (status), else JSON; or a
    function that makes one of these of the body of a request. Anything else is not found."""
    certificate: tuple[str, str] | None = None
    """Files of certificate and key, to speak TLS."""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers (names in lower case) of what came."""

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"{'https' if self.certificate else 'http'}://{self.host}"

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(site: LoopbackSite) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            headers = {name.lower(): value for name, value in self.headers.items()}
            site.requests.append((self.command, path, headers))
            sent = self.rfile.read(int(self.headers.get("content-length", "0")))
            page = site.pages.get(path, 404)
            if callable(page):
                page = page(sent)
            status, location, kind, body = 200, None, "application/json", b""
            if isinstance(page, str):
                kind, body = "text/html; charset=utf-8", page.encode()
            elif isinstance(page, tuple):
                status, location = page
            elif isinstance(page, int):
                status = page
            else:
                body = json.dumps(page).encode()
            self.send_response(status)
            if location:
                self.send_header("location", location)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # whoever has enough hangs up
                self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler
