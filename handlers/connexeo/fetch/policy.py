"""What may be fetched, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """Limits of one ``GuardedClient``."""

    schemes: frozenset[str] = frozenset({"https", "http"})
    """Allowed URL schemes. A redirect from https to http is refused in any case."""
    allow_private: bool = False
    """Let URLs lead to loopback and private addresses. Link-local, multicast and reserved addresses, and the
    metadata services of cloud providers, stay refused."""
    max_bytes: int = 16 * 2**20
    """Largest body in bytes, after decompression."""
    timeout: float = 30.0
    """Seconds for the whole exchange: name resolution, redirects and a body that trickles in."""
    max_redirects: int = 5
    ca_file: str | None = None
    """PEM file with certificates that are trusted beside those of the system."""
