"""A worker like that of ``connexeo worker``, which gives up on others, and on itself, within seconds."""

from __future__ import annotations

import asyncio
import signal

from connexeo.drivers.local.environment import Sources
from connexeo.drivers.local.jobs.worker import Pace, Worker
from connexeo.drivers.local.state import State
from connexeo.drivers.local.storage import Storage
from connexeo.logs import configure_logging
from connexeo.settings import load_settings

PACE = Pace(lease=15.0, take_over=30.0, sweep=60.0)


async def main() -> None:
    """Work until SIGTERM."""
    settings = load_settings()
    configure_logging(settings)
    sources = Sources.from_settings(settings)
    state, storage = State.from_settings(settings), Storage.from_settings(settings)
    worker = Worker(settings, sources, state, storage, PACE)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main())
