"""What lies at URLs, as a child process gets at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connexeo.fetch import Downloads, Fetched, FetchPolicy, GuardedClient, patiently

if TYPE_CHECKING:
    from connexeo.drivers.local.computing.world import Channel
    from connexeo.settings import Settings

MAX_DOCUMENT = 16 * 2**20
"""Bytes of a document."""


def web_limits(settings: Settings) -> dict[str, Any]:
    """What a deployment lets processes fetch, as children are told it."""
    return {"private": settings.allow_private_network, "max_bytes": settings.download_limit}


class HostWeb:
    """Fetches by itself; what is here, and where copies can lie, the host knows.

    Args:
        channel: To the host.
        private: Whether URLs may lead to private addresses.
        max_bytes: Bytes of all files of the task together.
    """

    def __init__(self, channel: Channel, *, private: bool, max_bytes: int) -> None:
        self._channel = channel
        self._private = private
        self._max_bytes = max_bytes

    def document(self, url: str) -> Any:
        """A JSON document; see `connexeo.processing.environment.Web`."""
        return self._downloads.document(url)

    def file(self, url: str) -> Path:
        """A local copy of a file."""
        return self._downloads.file(url)

    def results(self, url: str) -> list[dict[str, Any]] | None:
        """STAC Items of results of batch jobs here."""
        items: list[dict[str, Any]] | None = self._channel.ask("results_at", {"url": url})
        return items

    @cached_property
    def _downloads(self) -> Downloads:
        policy = FetchPolicy(allow_private=self._private, max_bytes=MAX_DOCUMENT)
        return Downloads(policy, self._folder, self._max_bytes)

    def _folder(self) -> Path:
        return Path(self._channel.ask("scratch", {}))


@dataclass(frozen=True)
class GuardedServices:
    """UDF services on the web; needs no host, since workers of a cluster call them too."""

    private: bool
    """Whether URLs may lead to private addresses."""

    def post(self, url: str, body: bytes, *, timeout: float, max_bytes: int) -> Fetched:
        """What a service answers; see `connexeo.processing.environment.UdfServices`."""
        policy = FetchPolicy(allow_private=self.private, max_bytes=max_bytes, timeout=timeout)
        client = GuardedClient(policy)
        headers = {"accept": "application/json", "content-type": "application/json"}
        return patiently(lambda: client.post(url, body, headers))
