"""A worker like that of ``connexeo worker``, which gives up on others, and on itself, within seconds.

Its arguments are the seconds of its lease, and those until it takes over the jobs of others.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from connexeo.drivers.local.environment import Sources
from connexeo.drivers.local.jobs.worker import Pace, Worker
from connexeo.drivers.local.state import State
from connexeo.drivers.local.storage import Storage
from connexeo.logs import configure_logging
from connexeo.settings import load_settings

LEASE, TAKE_OVER = (float(seconds) for seconds in sys.argv[1:])
PACE = Pace(lease=LEASE, take_over=TAKE_OVER, sweep=60.0)


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
