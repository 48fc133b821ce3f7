"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connexeo.tools.conformance.registry import LAYERS


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked to do, and how much of it. Defaults do no harm: nothing is created, nothing costs."""

    layers: tuple[str, ...] = tuple(LAYERS)
    write: bool = False
    """Whether things may be created; all are removed in the end."""
    allow_costs: bool = False
    """Whether it may cost something at a back-end that has prices."""
    max_time: float = 900.0
    """Seconds of the whole run, without the removal of what was created."""
    max_requests: int = 50_000
    rate: float = 0.0
    """Requests per second at most; 0: no limit."""
    timeout: float = 60.0
    """Seconds for one request."""
    job_timeout: float = 300.0
    """Seconds that a batch job of a few pixels may take."""
    seed: int = 1
    examples: int = 20
    """Fuzzed requests per operation, as far as there are different ones."""
    insecure: bool = False
    """Whether certificates are not verified."""
    api_version: str | None = None
    contract: tuple[str, ...] = ()
    """Files or URLs: an OpenAPI document instead of the standard's, or overlays upon it."""
    collection: str | None = None
    """Collection to process; by default one is chosen."""
    process_graph: dict[str, Any] | None = None
    """Process graph to run in jobs; by default one is made for a collection."""
    only: tuple[str, ...] = ()
    """Ids of checks, or their beginnings; empty: all."""
