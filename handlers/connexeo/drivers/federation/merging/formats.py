"""One file format, for reading or for writing, that several upstreams have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connexeo.drivers.federation.merging.parameters import resource_parameters
from connexeo.drivers.federation.merging.parts import Merged, Part
from connexeo.drivers.federation.merging.resources import merge_resource
from connexeo.drivers.federation.merging.rules import Rule, union


def merge_format(parts: Iterable[Part], order: Sequence[str]) -> Merged:
    """The format under the spelling of the first upstream; names that differ by letter case are one format."""
    return merge_resource(parts, order, _RULES)


_RULES: dict[str, Rule] = {"gis_data_types": union, "parameters": resource_parameters}
