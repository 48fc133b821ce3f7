"""Entry point of ASGI servers: ``gunicorn … 'connexeo.server.asgi:application()'``."""

from __future__ import annotations

import gc

from starlette.types import ASGIApp

from connexeo.server.app import create_app
from connexeo.settings import load_settings


def application() -> ASGIApp:
    """The application by the settings in the environment."""
    app = create_app(load_settings())
    # What exists now lives as long as the worker: the garbage collector need not walk through contract and
    # collections again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return app
