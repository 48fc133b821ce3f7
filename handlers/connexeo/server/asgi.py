"""Entry point of ASGI servers: ``gunicorn … 'connexeo.server.asgi:application()'``."""

from __future__ import annotations

import gc
import sys

from starlette.types import ASGIApp

from connexeo.server.app import create_app
from connexeo.settings import load_settings

CANNOT_LOAD = 4
"""Exit status with which a worker tells gunicorn that a new worker would fail as well."""


def application() -> ASGIApp:
    """The application by the settings in the environment; one line tells which of them does not work."""
    try:
        app = create_app(load_settings())
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(CANNOT_LOAD)
    # What exists now lives as long as the worker: the garbage collector need not walk through contract and
    # collections again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return app
