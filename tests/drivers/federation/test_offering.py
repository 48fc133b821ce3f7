"""Which back-ends have a list at all."""

from __future__ import annotations

from typing import Any, cast

from connexeo.drivers.federation.offering import offering
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.views.loading import CapabilitiesView


class Said:
    def __init__(self, view: Any) -> None:
        self.view = lambda kind: view


def test_those_that_do_not_list_an_operation_do_not_have_it() -> None:
    endpoints = {
        "alps": frozenset({"GET /jobs"}),
        "coast": frozenset({"GET /files"}),
        "delta": frozenset[str](),
    }
    view = CapabilitiesView(frozenset(endpoints), {}, {}, endpoints)
    found = offering(cast(Snapshots, Said(view)), ["delta", "alps", "coast", "unheard"], "GET /jobs")
    assert found == ["delta", "alps", "unheard"]


def test_before_anybody_has_said_anything_all_may_have_it() -> None:
    assert offering(cast(Snapshots, Said(None)), ["alps"], "GET /jobs") == ["alps"]
