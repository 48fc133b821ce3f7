"""The connection to the server: bytes are passed on as they came."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpcore

from conformance.mutations.message import Answer, Request

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"}
    | {"te", "trailer", "transfer-encoding", "upgrade", "expect"}
)
_SECONDS = 300.0


@dataclass
class Upstream:
    """The server behind the proxy."""

    url: str
    pool: httpcore.AsyncConnectionPool = field(
        default_factory=lambda: httpcore.AsyncConnectionPool(max_connections=50, retries=1)
    )

    async def send(self, request: Request) -> Answer:
        """Send a request. Its host is the one that the client named, so that links lead to the proxy again."""
        server = urlsplit(self.url)
        headers = [(name, value) for name, value in request.headers if name not in _HOP_BY_HOP]
        headers = [pair for pair in headers if pair[0] != "content-length"]
        if request.body or request.header("content-length") == "0":
            headers.append(("content-length", str(len(request.body))))
        answer = await self.pool.request(
            request.method.encode(),
            httpcore.URL(
                scheme=server.scheme.encode(),
                host=(server.hostname or "").encode(),
                port=server.port,
                target=(server.path.rstrip("/") + request.target).encode("latin-1"),
            ),
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            content=request.body,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), _SECONDS)},
        )
        found = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers]
        return Answer([pair for pair in found if pair[0] not in _HOP_BY_HOP], answer.content, answer.status)
