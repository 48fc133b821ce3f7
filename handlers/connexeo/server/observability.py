"""Request ids, the access log, and Prometheus metrics."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Literal

import orjson
from connexion.middleware.abstract import ROUTING_CONTEXT
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connexeo.drivers.interface import Gauge

CLIENT_CLOSED_REQUEST = 499
"""Status in the logs of requests whose client went away, as nginx has it."""

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"})
_REQUEST_ID = re.compile(rb"[\w.:-]{1,128}")


class Requests:
    """Middleware around everything: gives each request an id, and counts and logs it when it is answered."""

    def __init__(self, app: ASGIApp, *, access_log: AccessLog | None, metrics: Metrics | None) -> None:
        self.app = app
        self.access_log = access_log
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        # Routing copies the scope; sharing this dictionary lets the log see where the request went.
        scope.setdefault("extensions", {})
        # A state of its own: the lifespan's state is shared by all requests.
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        header = (b"x-request-id", request_id.encode())
        started = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            # What is logged and counted is then no failure of the server, nor a success.
            status = CLIENT_CLOSED_REQUEST
        finally:
            seconds = time.perf_counter() - started
            if self.metrics is not None:
                self.metrics.observe(scope, status, seconds)
            if self.access_log is not None:
                self.access_log.write(scope, request_id, status, seconds)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value).decode("ascii")
    return os.urandom(16).hex()


class AccessLog:
    """One line for each answered request, on standard error.

    Written without structlog, whose pipeline would cost more than answering a cached document. The query string
    is left out: signed links carry their signature in it.
    """

    def __init__(self, log_format: Literal["json", "text"], stream: BinaryIO | None = None) -> None:
        self._json = log_format == "json"
        self._stream = stream if stream is not None else sys.stderr.buffer

    def write(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        """Log one request."""
        client = scope.get("client")
        address = client[0] if client else "-"
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        method, path = scope["method"], scope["path"]
        if self._json:
            entry = {
                "timestamp": now,
                "level": "info",
                "event": "request",
                "request_id": request_id,
                "method": method,
                "path": path,
                "status": status,
                "ms": round(seconds * 1000, 2),
                "client": address,
            }
            line = orjson.dumps(entry) + b"\n"
        else:
            quoted = path if path.isprintable() and path.isascii() else ascii(path)
            line = (
                f"{now} {address} {method} {quoted} {status} {seconds * 1000:.1f}ms {request_id}\n".encode()
            )
        self._stream.write(line)
        self._stream.flush()


def operation_of(scope: Scope) -> str:
    """OperationId that the request was routed to, ``-`` when it was not."""
    context = scope.get("extensions", {}).get(ROUTING_CONTEXT, {})
    return context.get("operation_id") or "-"


class Metrics:
    """Counters in the Prometheus text format; summed over workers when PROMETHEUS_MULTIPROC_DIR is set."""

    def __init__(self, *, multiprocess_folder: str | None = None) -> None:
        # A registry of its own, so that a process may hold several applications.
        self._registry = registry = CollectorRegistry()
        self._folder = multiprocess_folder
        ProcessCollector(registry=registry)
        labels = ("operation", "method", "status")
        self._requests = Counter("connexeo_requests", "Answered requests.", labels, registry=registry)
        self._seconds = Histogram(
            "connexeo_request_seconds",
            "Time until a request was answered.",
            ("operation",),
            registry=registry,
        )

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one request."""
        operation = operation_of(scope)
        # A method that nobody knows must not make a time series of its own.
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(operation, method, str(status)).inc()
        self._seconds.labels(operation).observe(seconds)

    def response(self, gauges: Iterable[Gauge] = ()) -> Response:
        """All metrics of all workers.

        Args:
            gauges: What the driver tells of the whole deployment, and so is not summed over workers.
        """
        registry = self._registry
        if self._folder is not None:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, path=self._folder)  # type: ignore[no-untyped-call]
        told = CollectorRegistry()
        told.register(_Told(gauges))
        text = generate_latest(registry) + generate_latest(told)
        return Response(text, media_type=CONTENT_TYPE_LATEST)


class _Told(Collector):
    """Numbers that somebody else has counted."""

    def __init__(self, gauges: Iterable[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """As metrics."""
        for gauge in self._gauges:
            labels = () if gauge.label is None else (gauge.label,)
            family = GaugeMetricFamily(f"connexeo_{gauge.name}", gauge.description, labels=labels)
            for label, value in gauge.values.items():
                family.add_metric([label] if labels else [], value)
            yield family
