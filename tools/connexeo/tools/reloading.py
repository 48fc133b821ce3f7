"""The application that ``connexeo serve --reload`` starts anew at each change: contract from the YAML sources."""

from __future__ import annotations

from starlette.types import ASGIApp

from connexeo.server.app import create_app
from connexeo.settings import load_settings
from connexeo.tools.spec.build import build_document


def application() -> ASGIApp:
    """The application by the settings in the environment and the YAML as it is now."""
    settings = load_settings()
    document = build_document(base=settings.contract, overlays=settings.overlays, driver=settings.driver)
    return create_app(settings, document=document)
