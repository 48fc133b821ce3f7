"""The configuration of the federation, which may change while the server runs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import structlog

from connexeo.settings import Federation, Settings, load_settings

logger = structlog.get_logger("connexeo.federation")

INTERVAL = 1.0
"""Seconds between looks at the file."""


class Configuration:
    """The section ``[federation]`` of the settings, read again when the file changes.

    A file with faults is reported and changes nothing.

    Args:
        settings: As they were at the start.

    Raises:
        ValueError: when they have no such section.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.federation is None:
            raise ValueError(
                "the driver federation needs the section [federation] with the upstreams in the settings file"
            )
        self._current = settings.federation
        self.allow_private = settings.allow_private_network
        """Whether back-ends may redirect to other hosts at loopback and private addresses."""
        config = os.environ.get("CONNEXEO_CONFIG")
        self._path = Path(config) if config else None
        # The settings may be older than the file: those of a watch that is started anew are of the server's start.
        self._seen: tuple[int, int, int] | None = None

    @property
    def current(self) -> Federation:
        """As it is now."""
        return self._current

    def refresh(self) -> bool:
        """Read the file if it is another one than before; whether the configuration has changed."""
        stamp = self._stamp()
        if stamp is None or stamp == self._seen:
            return False
        self._seen = stamp
        try:
            federation = load_settings().federation
        except ValueError as error:
            logger.error("federation.configuration_faulty", reason=str(error))
            return False
        if federation is None or federation == self._current:
            return False
        self._current = federation
        logger.info("federation.configured", upstreams=[upstream.id for upstream in federation.upstreams])
        return True

    async def changed(self) -> None:
        """Wait until it has changed."""
        while True:
            if await asyncio.to_thread(self.refresh):
                return
            await asyncio.sleep(INTERVAL)

    def _stamp(self) -> tuple[int, int, int] | None:
        """Tells one file from another; None when there is none."""
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
