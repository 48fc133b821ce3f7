"""The order of back-ends, and who is marked."""

from __future__ import annotations

from connexeo.drivers.federation.merging import BACKENDS, in_order
from connexeo.drivers.federation.merging.presence import marked

ORDER = ("alps", "bay", "coast")


def test_lists_are_in_the_configured_order() -> None:
    assert in_order({"coast", "zoo", "alps", "ark"}, ORDER) == ["alps", "coast", "ark", "zoo"]


def test_what_all_have_is_not_marked() -> None:
    assert marked({"id": "1"}, ORDER, ORDER) == {"id": "1"}
    assert marked({"id": "1"}, ["bay"], ORDER) == {"id": "1", BACKENDS: ["bay"]}
