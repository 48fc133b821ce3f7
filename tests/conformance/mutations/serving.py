"""The proxy as a server of its own, in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from conformance.mutations.proxy import Application, Switchboard
from conformance.mutations.upstream import Upstream


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    url: str
    """Where the spoiled API is."""
    switchboard: Switchboard

    def switch(self, *fault_ids: str, dress: str = "") -> None:
        """Switch these faults on, and all others off; ``dress`` makes the answers look like something else."""
        self.switchboard.switch(fault_ids, dress)

    def clear(self) -> None:
        """Switch all faults off."""
        self.switchboard.switch(())


def configuration(application: Application, port: int) -> uvicorn.Config:
    """How the proxy is served: nothing is added to answers."""
    return uvicorn.Config(
        application,
        host="127.0.0.1",
        port=port,
        lifespan="on",
        loop="asyncio",
        log_level="error",
        date_header=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        http="h11",
        timeout_graceful_shutdown=2,
    )


@contextmanager
def start_proxy(upstream_url: str, port: int = 0) -> Iterator[Proxy]:
    """Start a proxy in front of a server, on a free port unless one is given; it ends with the context."""
    application = Application(Upstream(upstream_url))
    server = uvicorn.Server(configuration(application, port))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the proxy did not start")
            time.sleep(0.01)
        (listening,) = (socket for part in server.servers for socket in part.sockets)
        yield Proxy(f"http://127.0.0.1:{listening.getsockname()[1]}", application.switchboard)
    finally:
        server.should_exit = True
        thread.join(10)
