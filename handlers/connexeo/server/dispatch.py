"""The ASGI app behind connexion's middlewares: calls the handler of the operation and sends its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
from connexion.middleware.abstract import ROUTING_CONTEXT
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from connexeo.generated.errors import FeatureUnsupported
from connexeo.handlers.context import Context, Service
from connexeo.server.contract import Contract, Operation
from connexeo.server.documents import LARGE, Document, DocumentStore, cache_key, html_document
from connexeo.server.resolver import Handler
from connexeo.server.security import user_of
from connexeo.server.validation import REQUEST


class Dispatcher:
    """Calls handlers with the validated arguments as keywords."""

    def __init__(
        self, contract: Contract, handlers: Mapping[str, Handler], service: Service, store: DocumentStore
    ) -> None:
        self._operations = contract.operations
        self._handlers = handlers
        self._service = service
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        operation_id = scope["extensions"][ROUTING_CONTEXT]["operation_id"]
        if operation_id is None:
            raise HTTPException(404)
        handler = self._handlers.get(operation_id)
        operation = self._operations[operation_id]
        if handler is None:
            raise FeatureUnsupported()
        user = user_of(scope)
        context = Context(Request(scope, receive), user, self._service)
        # Before the handler asks the driver: what changes meanwhile must be seen by the next request.
        version = self._store.version(operation_id) if getattr(handler, "public", False) else None
        answer = await handler(context, **scope[REQUEST])
        if isinstance(answer, HTMLResponse) and answer.status_code == 200:
            await self._send_document(handler, operation, answer, version, scope, send)
        elif isinstance(answer, Response):
            await answer(scope, receive, send)
        elif answer is None:
            await Response(status_code=operation.success)(scope, receive, send)
        elif operation.method == "get":
            await self._send_document(handler, operation, answer, version, scope, send)
        else:
            await _send_json(answer, operation, send)

    async def _send_document(
        self,
        handler: Handler,
        operation: Operation,
        answer: Any,
        version: str | None,
        scope: Scope,
        send: Send,
    ) -> None:
        body = answer.body if isinstance(answer, HTMLResponse) else orjson.dumps(answer)
        make = (
            partial(html_document, answer)
            if isinstance(answer, HTMLResponse)
            else partial(
                Document.of,
                body,
                media_type=operation.media_type,
                partial=isinstance(answer, dict) and bool(answer.get("federation:missing")),
            )
        )
        key = cache_key(scope) if getattr(handler, "public", False) else None
        if key is None:
            await make(public=False).send(scope, send)
            return
        previous = self._store.previous(key)
        make = partial(make, public=True, previous=previous)
        document = await asyncio.to_thread(make) if len(body) >= LARGE else make()
        self._store.put(key, document, operation.id, version)
        await document.send(scope, send)


async def _send_json(answer: Any, operation: Operation, send: Send) -> None:
    body = orjson.dumps(answer)
    headers = [
        (b"content-type", operation.media_type.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": operation.success, "headers": headers})
    await send({"type": "http.response.body", "body": body})
