"""The limit to compare with: Starlette alone, answering with bytes that lie ready."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def application() -> Starlette:
    """Routes and bodies from the file that CONNEXEO_TEST_BARE names."""
    entries = json.loads(Path(os.environ["CONNEXEO_TEST_BARE"]).read_text())
    return Starlette(routes=[Route(e["path"], _endpoint(e), methods=[e["method"]]) for e in entries])


def _endpoint(entry: dict[str, Any]) -> Any:
    body = entry["body"].encode()

    async def answer(request: Request) -> Response:
        if request.method == "POST":
            await request.body()
        return Response(body, media_type="application/json")

    return answer
