"""Configuration of gunicorn, by our settings: ``gunicorn -c python:connexeo.server.gunicorn_conf``."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

from gunicorn.glogging import Logger

from connexeo.logs import log_formatter
from connexeo.settings import load_settings

_settings = load_settings()

wsgi_app = "connexeo.server.asgi:application()"
bind = (
    f"[{_settings.host}]:{_settings.port}" if ":" in _settings.host else f"{_settings.host}:{_settings.port}"
)
workers = _settings.workers
worker_class = "uvicorn_worker.UvicornWorker"
# A worker that does not answer for this long is replaced; long computations run beside the event loop.
timeout = 60
graceful_timeout = _settings.shutdown_timeout
keepalive = 20
accesslog = None
loglevel = "warning"
proc_name = "connexeo"


class EventLogger(Logger):  # type: ignore[misc]
    """What gunicorn and uvicorn have to say, in the format of all other events."""

    def setup(self, cfg: Any) -> None:
        """Prepare the handlers, which are gunicorn's own."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(log_formatter(_settings.log_format))


logger_class = EventLogger


def on_starting(server: Any) -> None:
    """Give the workers one folder in which their metrics are summed."""
    if _settings.metrics and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="connexeo-metrics-")
        server.connexeo_metrics = os.environ["PROMETHEUS_MULTIPROC_DIR"]


def on_exit(server: Any) -> None:
    """Remove that folder."""
    folder = getattr(server, "connexeo_metrics", None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def child_exit(server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
