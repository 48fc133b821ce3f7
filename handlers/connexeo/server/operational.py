"""What operators ask for: ``/health``, ``/ready``, ``/metrics``; and addresses that lead to the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from connexeo.drivers.interface import Driver, Gauge, Reporting, Watched
from connexeo.generated.errors import OpenEOError
from connexeo.server.documents import Document
from connexeo.server.observability import Metrics

logger = structlog.get_logger("connexeo.server")

WELL_KNOWN = "/.well-known/openeo"


class Operational:
    """Middleware for addresses that are no part of the openEO API."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        driver: Driver,
        metrics: Metrics | None,
        base_path: str,
        documents: Mapping[str, Callable[[], Document]],
    ) -> None:
        self.app = app
        self.driver = driver
        self.metrics = metrics
        self.base_path = base_path
        self.documents = documents
        # One look-up tells most requests that there is nothing for them here.
        self._addresses = frozenset({"/health", "/ready", "/metrics", *documents})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path in self._addresses and scope["method"] in ("GET", "HEAD"):
            document = self.documents.get(path)
            if document is not None:
                await document().send(scope, send)
                return
            response = await self._answer(path)
            if response is not None:
                await response(scope, receive, send)
                return
        if self.base_path and path in (WELL_KNOWN, self.base_path):
            # The well-known document lives at the root of the host, wherever the API itself lives.
            target = self.base_path + (WELL_KNOWN if path == WELL_KNOWN else "/")
            scope = {**scope, "path": target, "raw_path": target.encode()}
        await self.app(scope, receive, send)

    async def _answer(self, path: str) -> Response | None:
        if path == "/health":
            return _json({"status": "ok", **await self._health()}, 200)
        if path == "/ready":
            parts = dict(await self.driver.capabilities.ready())
            ready = all(parts.values())
            return _json({"status": "ok" if ready else "unavailable", "parts": parts}, 200 if ready else 503)
        if path == "/metrics" and self.metrics is not None:
            return self.metrics.response(await self._gauges())
        return None

    async def _health(self) -> Mapping[str, Any]:
        """What the driver tells, if it tells anything."""
        capabilities = self.driver.capabilities
        return await capabilities.health() if isinstance(capabilities, Reporting) else {}

    async def _gauges(self) -> Sequence[Gauge]:
        """Of the driver, if it has any; without them the other metrics are worth as much."""
        capabilities = self.driver.capabilities
        if not isinstance(capabilities, Watched):
            return ()
        try:
            return await capabilities.gauges()
        except OpenEOError as error:
            logger.warning("metrics.without_gauges", reason=error.code)
            return ()


def _json(content: object, status: int) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(content), status, headers, media_type="application/json")
