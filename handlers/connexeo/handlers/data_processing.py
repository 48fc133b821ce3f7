"""Data processing: validation and synchronous computation."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from connexeo.drivers.interface import ComputedResult, Json, StreamedResult
from connexeo.generated import models
from connexeo.handlers.context import Context

T = TypeVar("T")


async def validate_custom_process(
    context: Context, *, body: models.ProcessGraphWithMetadata
) -> models.ValidationResult:
    """``POST /validation``: 200 with all faults, also when there are none."""
    assert context.driver.data_processing is not None
    validation = await context.driver.data_processing.validate_custom_process(context.user, cast(Json, body))
    return cast(models.ValidationResult, {**validation.extra, "errors": list(validation.errors)})


async def compute_result(context: Context, *, body: models.SynchronousResultRequest) -> Response:
    """``POST /result``: the file that the process makes, or an archive when it makes several.

    The computation is stopped when the client does not wait for it any longer.
    """
    assert context.driver.data_processing is not None
    computation = context.driver.data_processing.compute_result(
        context.account, cast(Json, body), request_id=context.request_id
    )
    result = await while_connected(context.request, computation)
    headers = {"OpenEO-Costs": f"{result.costs or 0:g}", "Cache-Control": "no-store"}
    if result.log_id is not None:
        headers["OpenEO-Identifier"] = result.log_id
        headers["Link"] = f'<{context.url(f"/logs/{result.log_id}")}>; rel="monitor"'
    if isinstance(result, StreamedResult):
        return _streamed(result, headers)
    return ResultResponse(result, headers)


async def debug_result(context: Context, *, log_id: str) -> models.DebugResultResponse:
    """``GET /logs/{log_id}``: what the processes of a synchronous computation had to say."""
    assert context.driver.data_processing is not None
    page = await context.driver.data_processing.debug_result(context.account, log_id)
    links = [{"rel": "self", "href": context.url(f"/logs/{log_id}"), "type": "application/json"}]
    return cast(models.DebugResultResponse, {**page.extra, "logs": list(page.items), "links": links})


def _streamed(result: StreamedResult, headers: dict[str, str]) -> Response:
    if result.size is not None:
        headers["Content-Length"] = str(result.size)
    return StreamingResponse(result.chunks, headers=headers, media_type=result.media_type)


class ResultResponse(FileResponse):
    """Sends the file of a computation, then removes its folder, also when the client went away half-way."""

    def __init__(self, result: ComputedResult, headers: Mapping[str, str]) -> None:
        path = result.files[0]
        super().__init__(path, media_type=result.media_type, filename=path.name, headers=headers)
        self._folder = result.folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


async def while_connected(request: Request, computation: Coroutine[Any, Any, T]) -> T:
    """The value of a computation, which is cancelled when the client goes away.

    Only for requests whose body has been read.

    Raises:
        ClientDisconnect: when the client went away first.
    """
    task = asyncio.create_task(computation)
    watch = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        watch.cancel()
        # Whoever receives next must be the only one, and the computation has ended when this function has.
        await asyncio.wait((task, watch))


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
