"""The one place where exceptions become HTTP responses.

``OpenEOError`` (and its subclasses, one per error code) → the status that ``spec/errors.yaml`` names.
``HTTPException`` of starlette (unknown path, wrong method, conditions and ranges of downloads) → ``NotFound``,
``MethodNotAllowed``, ``PreconditionFailed``, ``RangeNotSatisfiable``.
Anything else → ``Internal``: logged with its traceback, answered without any detail.
"""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from connexion.exceptions import OAuthProblem
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connexeo.generated.errors import (
    HTTP_STATUS,
    AuthenticationRequired,
    Internal,
    MethodNotAllowed,
    NotFound,
    OpenEOError,
    PreconditionFailed,
    RangeNotSatisfiable,
)

logger = structlog.get_logger("connexeo.server")

LONGEST_MESSAGE = 2000
"""Characters."""

_WITHOUT_DETAIL: dict[int, type[OpenEOError]] = {
    404: NotFound,
    412: PreconditionFailed,
    416: RangeNotSatisfiable,
}

RETRY_AFTER = {"InfrastructureBusy": "10", "InfrastructureMaintenance": "60"}


class Errors:
    """Middleware that answers with an openEO error object when anything below raises."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnect:
            # Nobody is there to receive an error; the access log notes it.
            raise
        except Exception as exception:
            if started:
                # The status is sent: cutting the connection is the only way left to say that it failed.
                _log(exception, scope)
                raise
            await error_response(exception, scope)(scope, receive, send)


def error_response(exception: Exception, scope: Scope) -> Response:
    """The openEO error object for an exception."""
    headers: dict[str, str] = {}
    request_id = scope.get("state", {}).get("request_id", "")
    if isinstance(exception, HTTPException):
        headers.update(exception.headers or {})
        exception = _from_http(exception, scope)
    elif isinstance(exception, OAuthProblem):
        exception = AuthenticationRequired()
    elif not isinstance(exception, OpenEOError):
        _log(exception, scope)
        exception = Internal(
            "The server failed to answer this request. Please try again later, or contact the provider of the "
            f"service with the error id {request_id}."
        )
    status = HTTP_STATUS.get(exception.code, 500)
    if status == 401:
        basic = scope["path"].endswith("/credentials/basic")
        headers["WWW-Authenticate"] = 'Basic realm="openEO", charset="UTF-8"' if basic else "Bearer"
    if exception.code in RETRY_AFTER:
        headers["Retry-After"] = RETRY_AFTER[exception.code]
    headers["Cache-Control"] = "no-store"
    return Response(
        orjson.dumps(error_object(exception, request_id)), status, headers, media_type="application/json"
    )


def _log(exception: Exception, scope: Scope) -> None:
    request_id = scope.get("state", {}).get("request_id", "")
    logger.error("request.failed", request_id=request_id, path=scope["path"], exc_info=exception)


def error_object(error: OpenEOError, request_id: str | None = None) -> dict[str, Any]:
    """``{"id"?, "code", "message"}``."""
    body: dict[str, Any] = {"id": request_id} if request_id else {}
    message = error.message
    if len(message) > LONGEST_MESSAGE:
        # It quotes what the client sent.
        message = f"{message[: LONGEST_MESSAGE // 2]} … {message[-LONGEST_MESSAGE // 2 :]}"
    return {**body, "code": error.code, "message": message}


def _from_http(exception: HTTPException, scope: Scope) -> OpenEOError:
    if exception.status_code == 405:
        return MethodNotAllowed(method=scope["method"], allowed=(exception.headers or {}).get("Allow", ""))
    if exception.status_code in _WITHOUT_DETAIL:
        return _WITHOUT_DETAIL[exception.status_code]()
    return Internal(str(exception.detail))
