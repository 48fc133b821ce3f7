"""File storage: the files of a user."""

from __future__ import annotations

from typing import cast

from starlette.responses import Response

from connexeo.generated import models
from connexeo.generated.errors import ContentTypeInvalid, RequestInvalid
from connexeo.handlers.context import Context
from connexeo.handlers.downloads import Download
from connexeo.handlers.lists import next_links

BINARY = "application/octet-stream"


async def list_files(
    context: Context, *, limit: int | None = None, offset: str | None = None
) -> models.WorkspaceFiles:
    """``GET /files``: all files, or a page of them when ``limit`` is given."""
    assert context.driver.file_storage is not None
    page = await context.driver.file_storage.list_files(context.account, limit=limit, offset=offset)
    links = next_links(context, "/files", page, limit=limit)
    return cast(models.WorkspaceFiles, {**page.extra, "files": list(page.items), "links": links})


async def download_file(context: Context, *, path: str) -> Response:
    """``GET /files/{path}``: the file as it was uploaded, or parts of it."""
    assert context.driver.file_storage is not None
    return Download(await context.driver.file_storage.download_file(context.account, path))


async def upload_file(context: Context, *, path: str) -> models.File:
    """``PUT /files/{path}``: the file that is stored now."""
    assert context.driver.file_storage is not None
    headers = context.request.headers
    _check_content(headers.get("content-type", BINARY), headers.get("content-encoding", "identity"))
    size = _length(headers.get("content-length"))
    file = await context.driver.file_storage.upload_file(
        context.account, path, context.request.stream(), size=size
    )
    return cast(models.File, file)


async def delete_file(context: Context, *, path: str) -> None:
    """``DELETE /files/{path}``."""
    assert context.driver.file_storage is not None
    await context.driver.file_storage.delete_file(context.account, path)


def _check_content(content_type: str, encoding: str) -> None:
    """Take bytes under any name that clients give them, but none that would have to be unpacked first."""
    if content_type.strip().lower().startswith("multipart/"):
        raise ContentTypeInvalid(
            f"Send the file itself as the body, with the media type {BINARY}, and not as the part of a form."
        )
    if encoding.strip().lower() != "identity":
        raise ContentTypeInvalid("Send the file as it is, without a Content-Encoding.")


def _length(value: str | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise RequestInvalid(reason="Content-Length must be a number of bytes")
    return int(value)
