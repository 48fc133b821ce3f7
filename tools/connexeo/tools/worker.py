"""``connexeo worker``: a process that runs batch jobs, next to the server or on another host."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Protocol

import structlog
import typer

from connexeo.tools.console import fail

NOTHING_TO_DO = 78
"""Exit code where the driver has no batch jobs that a worker could run; there is no use in trying again."""

logger = structlog.get_logger("connexeo.jobs")


class Worker(Protocol):
    """What a driver's method ``job_worker`` gives."""

    async def run(self) -> None:
        """Work until `stop` is called."""

    def stop(self) -> None:
        """End soon."""


def worker(
    config: Annotated[
        Path | None, typer.Option(help="Settings in a TOML file.", dir_okay=False, exists=True)
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Work for a server that was started with --demo.")
    ] = False,
) -> None:
    """Run batch jobs until SIGTERM; jobs that are not complete then go back into the queue."""
    from connexeo.drivers.loading import load_driver
    from connexeo.logs import configure_logging
    from connexeo.settings import load_settings

    if config is not None:
        os.environ["CONNEXEO_CONFIG"] = str(config.resolve())
    _find_modules_here()
    try:
        settings = load_settings(demo=demo or None)
        driver = load_driver(settings)
    except ValueError as error:
        fail(str(error), code=NOTHING_TO_DO)
    make: Callable[[], Worker] | None = getattr(driver, "job_worker", None)
    if make is None:
        fail(f"the driver {settings.driver} has no jobs for a worker", code=NOTHING_TO_DO)
    configure_logging(settings)
    try:
        asyncio.run(_run(make))
    except Exception:
        logger.exception("worker.failed")
        raise typer.Exit(1) from None


async def _run(make: Callable[[], Worker]) -> None:
    work = make()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.stop)
    await work.run()


def _find_modules_here() -> None:
    """Processes of a provider live in the folder that the worker is started in; children must find them too."""
    here: list[Any] = [os.getcwd(), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, here))
    sys.path.insert(0, os.getcwd())


if __name__ == "__main__":
    # As the supervisor starts it: without the other commands, which take most of the time.
    typer.run(worker)
