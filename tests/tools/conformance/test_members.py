"""Which back-ends of a federation are there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.members import hosts_of, is_served, member_names, online_members

BOTH = {"alpine": {"status": "offline"}, "baltic": {"status": "online"}}
BACKENDS = "federation:backends"


def backend(members: Any) -> BackEnd:
    return cast(BackEnd, SimpleNamespace(capabilities={"federation": members}))


@pytest.mark.parametrize(
    ("members", "names", "online"),
    [
        (None, [], []),
        ([], [], []),
        (BOTH, ["alpine", "baltic"], ["baltic"]),
        # Who says nothing is there.
        ({"alpine": {}, "baltic": None}, ["alpine", "baltic"], ["alpine", "baltic"]),
    ],
)
def test_members(members: Any, names: list[str], online: list[str]) -> None:
    assert member_names(backend(members)) == names
    assert online_members(backend(members)) == online


@pytest.mark.parametrize(
    ("collection", "hosts", "served"),
    [
        ({BACKENDS: ["alpine"]}, ["alpine"], False),
        ({BACKENDS: ["baltic", "alpine"]}, ["alpine", "baltic"], True),
        ({"summaries": {BACKENDS: ["alpine"]}}, ["alpine"], False),
        ({"summaries": []}, [], True),
        ({BACKENDS: "alpine"}, [], True),
    ],
)
def test_collections_are_served_by_those_who_have_them(
    collection: dict[str, Any], hosts: list[str], served: bool
) -> None:
    assert hosts_of(collection) == hosts
    assert is_served(backend(BOTH), collection) is served
    assert is_served(backend(None), collection)


def test_nobody_is_there() -> None:
    assert not is_served(backend({"alpine": {"status": "offline"}}), {})
