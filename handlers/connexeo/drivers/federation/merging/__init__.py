"""Merging of upstream documents: pure functions on JSON, without I/O, clock, or settings.

`merge_lists` checks, repairs and merges whole lists; `merge_collection` and its like merge one resource. Results do not
depend on the order in which upstreams are given, only on the order in which they are configured; what upstreams
disagree on is settled by documented rules, and told as `Conflict`.
"""

from connexeo.drivers.federation.merging.belongings import Belonging, sound_entry
from connexeo.drivers.federation.merging.capabilities import (
    Member,
    federation,
    merge_capabilities,
)
from connexeo.drivers.federation.merging.collections import brief, complete, merge_collection
from connexeo.drivers.federation.merging.contract import Contract, Kind, our_contract
from connexeo.drivers.federation.merging.formats import merge_format
from connexeo.drivers.federation.merging.items import Fault, valid_items
from connexeo.drivers.federation.merging.listings import Listing, merge_lists
from connexeo.drivers.federation.merging.parts import Conflict, Merged, Part, origins
from connexeo.drivers.federation.merging.presence import (
    BACKENDS,
    MISSING,
    in_order,
)
from connexeo.drivers.federation.merging.processes import merge_process
from connexeo.drivers.federation.merging.queryables import merge_queryables
from connexeo.drivers.federation.merging.runtimes import merge_runtime
from connexeo.drivers.federation.merging.service_types import merge_service_type

__all__ = [
    "BACKENDS",
    "MISSING",
    "Belonging",
    "Conflict",
    "Contract",
    "Fault",
    "Kind",
    "Listing",
    "Member",
    "Merged",
    "Part",
    "brief",
    "complete",
    "federation",
    "in_order",
    "merge_capabilities",
    "merge_collection",
    "merge_format",
    "merge_lists",
    "merge_process",
    "merge_queryables",
    "merge_runtime",
    "merge_service_type",
    "origins",
    "our_contract",
    "sound_entry",
    "valid_items",
]
