"""Data processing: validation and synchronous computation."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from connexeo.drivers.interface import Json
from connexeo.generated import models
from connexeo.handlers.context import Context

T = TypeVar("T")


async def validate_custom_process(
    context: Context, *, body: models.ProcessGraphWithMetadata
) -> models.ValidationResult:
    """``POST /validation``: 200 with all faults, also when there are none."""
    assert context.driver.data_processing is not None
    faults = await context.driver.data_processing.validate_custom_process(context.user, cast(Json, body))
    return cast(models.ValidationResult, {"errors": list(faults)})


async def compute_result(context: Context, *, body: models.SynchronousResultRequest) -> Response:
    """``POST /result``: the file that the process makes, or an archive when it makes several.

    The computation is stopped when the client does not wait for it any longer.
    """
    assert context.driver.data_processing is not None
    computation = context.driver.data_processing.compute_result(
        context.account, cast(Json, body), request_id=context.request_id
    )
    result = await while_connected(context.request, computation)
    path = result.files[0]
    return FileResponse(
        path,
        media_type=result.media_type,
        filename=path.name,
        headers={"OpenEO-Costs": "0", "Cache-Control": "no-store"},
        background=BackgroundTask(shutil.rmtree, result.folder, ignore_errors=True),
    )


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
