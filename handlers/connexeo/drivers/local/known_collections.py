"""Which collections exist, and their bands, for checks that must not wait: remembered for moments."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any, Protocol

import structlog

from connexeo.generated.errors import CollectionNotFound, OpenEOError
from connexeo.processing.resources import Collections, KnownCollection

logger = structlog.get_logger("connexeo.processing")

LIFETIME = 3.0
"""Seconds for which an answer holds: as long as catalogues take to notice changes."""
PATIENCE = 2.0
"""Seconds after which a catalogue counts as unreachable."""
MOST = 20
"""Collections that are looked for at a time; of the others nothing is known."""
_REMEMBERED = 1024


class CollectionSource(Protocol):
    """Where collections come from; safe to use from several threads."""

    def collection(self, id: str) -> dict[str, Any]:
        """The STAC Collection.

        Raises:
            CollectionNotFound: there is none with this id.
        """


class KnownCollections:
    """What validation may know of collections.

    Args:
        catalogue: Where they come from.
    """

    def __init__(self, catalogue: CollectionSource) -> None:
        self._catalogue = catalogue
        self._known: dict[str, tuple[float, KnownCollection | None]] = {}

    async def of(self, ids: Iterable[str]) -> Collections:
        """What is known; of collections whose catalogue does not answer soon, nothing."""
        now = time.monotonic()
        wanted = list(ids)
        missing = [id for id in wanted if id not in self._known or self._known[id][0] <= now][:MOST]
        if missing:
            try:
                async with asyncio.timeout(PATIENCE):
                    await asyncio.to_thread(self._look, missing)
            except TimeoutError:
                # The thread goes on, and whoever asks next may know.
                logger.warning("validation.catalogue_is_slow", collections=missing)
        found = ((id, self._known.get(id)) for id in wanted)
        return {id: answer[1] for id, answer in found if answer is not None and answer[0] > now}

    def _look(self, ids: list[str]) -> None:
        for id in ids:
            try:
                known: KnownCollection | None = KnownCollection.from_stac(self._catalogue.collection(id))
            except CollectionNotFound:
                known = None
            except OpenEOError as error:
                logger.warning("validation.catalogue_is_unreachable", collection=id, reason=error.message)
                continue
            while len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)), None)
            self._known[id] = time.monotonic() + LIFETIME, known
