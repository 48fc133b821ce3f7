"""The contract as the server uses it: merged document, operations, models, errors, processes.

Written by `connexeo generate` from spec/; changes by hand are lost.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson


@cache
def openapi_bytes() -> bytes:
    """The merged OpenAPI document, as JSON."""
    return files(__name__).joinpath("openapi.json").read_bytes()


@cache
def processes_bytes() -> bytes:
    """All process definitions, as a JSON list."""
    return files(__name__).joinpath("processes.json").read_bytes()


def load_openapi() -> dict[str, Any]:
    """The merged OpenAPI document; each call returns a copy of its own."""
    document: dict[str, Any] = orjson.loads(openapi_bytes())
    return document


def load_processes() -> list[dict[str, Any]]:
    """All process definitions, by id; each call returns a copy of its own."""
    processes: list[dict[str, Any]] = orjson.loads(processes_bytes())
    return processes
