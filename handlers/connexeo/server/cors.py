"""Cross-Origin Resource Sharing as openEO asks for it, OPTIONS, and the methods of each path."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

EXPOSED = (
    "Link, Location, OpenEO-Costs, OpenEO-Identifier, "
    "Accept-Ranges, Content-Range, Content-Encoding, ETag, X-Request-ID"
)
ALLOWED_HEADERS = "Authorization, Content-Type, Range, If-None-Match, If-Match, If-Range"

_HEADERS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED.encode()),
    # Results and pages may hold what users wrote: browsers shall not guess a type.
    (b"x-content-type-options", b"nosniff"),
]


class RouteTable:
    """Which methods each path has, by the contract."""

    def __init__(self, methods: Mapping[str, tuple[str, ...]]) -> None:
        """Take starlette path templates (most specific first) with their methods in upper case."""
        self._literal: dict[str, tuple[str, ...]] = {}
        self._patterns: list[tuple[re.Pattern[str], tuple[str, ...]]] = []
        for template, allowed in methods.items():
            if "{" in template:
                self._patterns.append((compile_path(template)[0], allowed))
            else:
                self._literal[template] = allowed

    def methods(self, path: str) -> tuple[str, ...] | None:
        """Methods of a path, or None when the contract does not know it."""
        found = self._literal.get(path)
        if found is not None:
            return found
        for pattern, allowed in self._patterns:
            if pattern.match(path):
                return allowed
        return None


class Cors:
    """Middleware: the headers that every response needs, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class Methods:
    """Middleware: answers OPTIONS with the path's real methods; unknown paths and methods end here."""

    def __init__(self, app: ASGIApp, *, routes: RouteTable) -> None:
        self.app = app
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        methods = self.routes.methods(scope["path"])
        if methods is None:
            raise HTTPException(404)
        method = scope["method"]
        if method in methods or (method == "HEAD" and "GET" in methods):
            await self.app(scope, receive, send)
            return
        allowed = ", ".join(("OPTIONS", *methods))
        if method != "OPTIONS":
            raise HTTPException(405, headers={"Allow": allowed})
        await _preflight(allowed)(scope, receive, send)


def _preflight(allowed: str) -> Response:
    response = Response(status_code=204)
    headers = MutableHeaders(raw=response.raw_headers)
    headers["Allow"] = allowed
    headers["Access-Control-Allow-Methods"] = allowed
    headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
    headers["Access-Control-Max-Age"] = "86400"
    headers["Content-Type"] = "application/json"
    return response
