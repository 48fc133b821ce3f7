"""The limit to compare with: Starlette alone, which writes what comes into a file and sends a file."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route


async def upload(request: Request) -> Response:
    """Write the body, without a checksum, and without waiting for the disk."""
    with (folder() / request.path_params["name"]).open("wb") as file:
        async for chunk in request.stream():
            file.write(chunk)
    return Response()


async def download(request: Request) -> Response:
    """Send the file."""
    return FileResponse(folder() / request.path_params["name"])


def folder() -> Path:
    """Where the files lie."""
    return Path(os.environ["CONNEXEO_TEST_BARE"])


def application() -> Starlette:
    """Both on one path."""
    return Starlette(
        routes=[
            Route("/files/{name}", upload, methods=["PUT"]),
            Route("/files/{name}", download),
            Route("/", lambda _: Response()),
        ]
    )
