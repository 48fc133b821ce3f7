"""What is logged besides requests: events, as JSON or as text."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import orjson
import structlog

from connexeo.settings import Settings

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_EVERY_EVENT: list[Any] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logging(settings: Settings) -> None:
    """One line per event on standard error, as JSON or as text."""
    level = _LEVELS[settings.log_level]
    structlog.configure(
        processors=[*_EVERY_EVENT, *_renderers(settings.log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # The stream of the moment: whoever redirects standard error later is followed.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    # Modules that know nothing of structlog use the standard library.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(log_formatter(settings.log_format))
    package = logging.getLogger("connexeo")
    package.handlers = [handler]
    package.setLevel(level)


def log_formatter(log_format: Literal["json", "text"]) -> logging.Formatter:
    """Formats records of the standard library like all other events."""
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(
        processors=[meta, *_renderers(log_format)], foreign_pre_chain=_EVERY_EVENT
    )


def _renderers(log_format: Literal["json", "text"]) -> list[Any]:
    # Tracebacks without local variables: those hold request headers, so tokens and passwords.
    if log_format == "json":
        transformer = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [structlog.processors.ExceptionRenderer(transformer), _render_json]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _render_json(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(event, default=str).decode()
