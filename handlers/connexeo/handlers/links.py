"""Links to this API, in documents and in headers."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from connexeo.handlers.context import Context

JSON = "application/json"
NO_STORE = {"Cache-Control": "private, no-store"}
"""Header of answers that belong to one user and change at any moment."""


def link(context: Context, rel: str, path: str, **query: str | int | None) -> dict[str, Any]:
    """A link to a JSON document at a path of this API; query parameters that are None are left out."""
    return {"rel": rel, "href": context.url(path, **query), "type": JSON}


def created(context: Context, path: str, identifier: str) -> Response:
    """The answer to a request that created something: the identifier and the address come in headers.

    Args:
        context: The call.
        path: The collection that the new thing is in, such as ``/jobs``.
        identifier: The new thing's.
    """
    headers = {"Location": context.url(f"{path}/{identifier}"), "OpenEO-Identifier": identifier}
    return Response(status_code=201, headers={**headers, **NO_STORE})
