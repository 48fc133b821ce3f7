"""One type of secondary web services that several upstreams have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connexeo.drivers.federation.merging.parameters import process_parameters, resource_parameters
from connexeo.drivers.federation.merging.parts import Merged, Part
from connexeo.drivers.federation.merging.resources import merge_resource
from connexeo.drivers.federation.merging.rules import Rule


def merge_service_type(parts: Iterable[Part], order: Sequence[str]) -> Merged:
    """The service type under the spelling of the first upstream; names that differ by letter case are one type."""
    return merge_resource(parts, order, _RULES)


_RULES: dict[str, Rule] = {"configuration": resource_parameters, "process_parameters": process_parameters}
