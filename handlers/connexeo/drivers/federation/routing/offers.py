"""What the back-ends offer, as far as routing asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from connexeo.drivers.federation.snapshots.kinds import (
    CAPABILITIES,
    COLLECTIONS,
    FILE_FORMATS,
    PROCESSES,
    SERVICE_TYPES,
    UDF_RUNTIMES,
)
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.views.loading import (
    CapabilitiesView,
    CollectionsView,
    EntriesView,
    FormatsView,
)

_NOBODY = frozenset[str]()

Bands = Mapping[str, Mapping[str, frozenset[str]]]
"""Collection → back-end → names of its bands there, where they are known."""


@dataclass(frozen=True, slots=True)
class Offers:
    """Views of one moment."""

    collections: CollectionsView = field(default_factory=lambda: CollectionsView(_NOBODY, (), {}, {}))
    processes: EntriesView = field(default_factory=lambda: EntriesView(_NOBODY, {}, {}, {}))
    formats: FormatsView = field(
        default_factory=lambda: FormatsView(_NOBODY, {"input": {}, "output": {}}, {"input": {}, "output": {}})
    )
    runtimes: EntriesView = field(default_factory=lambda: EntriesView(_NOBODY, {}, {}, {}))
    service_types: EntriesView = field(default_factory=lambda: EntriesView(_NOBODY, {}, {}, {}))
    capabilities: CapabilitiesView = field(default_factory=lambda: CapabilitiesView(_NOBODY, {}, {}, {}))
    bands: Bands = field(default_factory=dict)

    @classmethod
    def of(cls, snapshots: Snapshots, bands: Bands | None = None) -> Self:
        """The offers of now; of kinds that nobody has said anything of yet, none."""
        kinds = {
            "collections": COLLECTIONS,
            "processes": PROCESSES,
            "formats": FILE_FORMATS,
            "runtimes": UDF_RUNTIMES,
            "service_types": SERVICE_TYPES,
            "capabilities": CAPABILITIES,
        }
        views: dict[str, Any] = {name: snapshots.view(kind) for name, kind in kinds.items()}
        return cls(**{name: view for name, view in views.items() if view is not None}, bands=bands or {})
