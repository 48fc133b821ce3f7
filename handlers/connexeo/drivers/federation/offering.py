"""Which back-ends have a list at all: those that do not are not missing from it."""

from __future__ import annotations

from collections.abc import Iterable

from connexeo.drivers.federation.snapshots.kinds import CAPABILITIES
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.views.loading import CapabilitiesView


def offering(snapshots: Snapshots, upstreams: Iterable[str], endpoint: str) -> list[str]:
    """The back-ends whose capabilities list an operation, or are not known.

    Args:
        snapshots: What they say.
        upstreams: Some back-ends.
        endpoint: Such as ``GET /jobs``.
    """
    view = snapshots.view(CAPABILITIES)
    endpoints = view.endpoints if isinstance(view, CapabilitiesView) else {}
    # One that lists nothing has told nothing.
    return [each for each in upstreams if not endpoints.get(each) or endpoint in endpoints[each]]
