"""Single collections, and what their items can be filtered by."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import httpx
import pytest

from connexeo.drivers.federation.discovery import FederatedDiscovery
from connexeo.drivers.federation.fanout import Fanout
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.snapshots.kinds import COLLECTIONS
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.snapshots.state import UpstreamState
from connexeo.drivers.federation.views.loading import CollectionsView
from connexeo.drivers.interface import Json
from connexeo.generated.errors import CollectionNotFound, FeatureUnsupported, InfrastructureBusy
from connexeo.settings import Federation
from drivers.federation.upstreams import connected
from fake_driver import make_collection

Answer = Callable[[httpx.Request], httpx.Response]

BOTH = ("alps", "coast")


class Here:
    """Members and snapshots: two back-ends that host one collection, and one that has not told yet."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.connections = {name: connected(answer, name) for name, answer in answers.items()}
        self.federation = Federation(upstreams=tuple(each.upstream for each in self.connections.values()))
        self.ids = tuple(self.connections)
        self.states: dict[str, UpstreamState] = {}

    def deadline(self, identifier: str) -> float:
        return 5.0

    def upstream(self, identifier: str) -> Any:
        return self.federation.upstream(identifier)

    def connection(self, identifier: str) -> Any:
        return self.connections[identifier]

    async def wait_for(self, kind: str, deadline: float) -> None: ...

    def view(self, kind: str) -> CollectionsView:
        return CollectionsView(frozenset(BOTH), ("RIVERS",), {"RIVERS": BOTH}, {})

    def missing(self, kind: str) -> list[str]:
        assert kind == COLLECTIONS
        return [each for each in self.ids if each not in BOTH]

    async def ask(self, read: Callable[[Any], Any]) -> Any:
        return read(Nothing())


class Nothing:
    """A store in which there is nothing."""

    def snapshots(self, kind: str, key: str) -> Json:
        return {}

    def snapshot(self, upstream: str, kind: str) -> None:
        return None

    def put(self, snapshot: Any) -> bool:
        return True


def asked(question: Callable[[FederatedDiscovery], Awaitable[Json]], **answers: httpx.Response) -> Json:
    """What comes of it when back-ends answer so."""

    async def run() -> Json:
        here = Here({name: lambda request, answer=answer: answer for name, answer in answers.items()})  # type: ignore[misc]
        members, snapshots = cast(Members, here), cast(Snapshots, here)
        return await question(FederatedDiscovery(members, snapshots, Fanout(members, snapshots)))

    return asyncio.run(run())


def queryables(discovery: FederatedDiscovery) -> Awaitable[Json]:
    return discovery.list_collection_queryables(None, "RIVERS")


def collection(discovery: FederatedDiscovery) -> Awaitable[Json]:
    return discovery.describe_collection(None, "RIVERS")


def properties(**schemas: Json) -> httpx.Response:
    return httpx.Response(200, json={"type": "object", "properties": schemas})


NUMBER, TEXT = {"type": "number"}, {"type": "string"}


def test_queryables_are_united_with_those_that_have_them() -> None:
    found = asked(queryables, alps=properties(cloud=NUMBER, snow=TEXT), coast=properties(cloud=NUMBER))
    assert found["properties"] == {"cloud": NUMBER, "snow": {**TEXT, "federation:backends": ["alps"]}}
    assert "federation:missing" not in found


@pytest.mark.parametrize("status", [500, 503, 429])
def test_who_does_not_tell_its_queryables_is_missing(status: int) -> None:
    found = asked(queryables, alps=properties(cloud=NUMBER), coast=httpx.Response(status))
    assert found["properties"] == {"cloud": NUMBER}
    assert found["federation:missing"] == ["coast"]


def test_who_has_no_queryables_is_not_missing() -> None:
    found = asked(queryables, alps=properties(cloud=NUMBER), coast=httpx.Response(404))
    assert "federation:missing" not in found
    with pytest.raises(FeatureUnsupported):
        asked(queryables, alps=httpx.Response(404), coast=httpx.Response(501))
    with pytest.raises(InfrastructureBusy):
        asked(queryables, alps=httpx.Response(404), coast=httpx.Response(503))


def test_who_has_not_told_its_collections_is_missing_for_each() -> None:
    told = httpx.Response(200, json=make_collection("RIVERS"))
    found = asked(collection, alps=told, coast=told, delta=httpx.Response(500))
    assert found["federation:backends"] == ["alps", "coast"]
    assert found["federation:missing"] == ["delta"]
    assert "federation:missing" not in asked(collection, alps=told, coast=told)


def test_what_nobody_has_is_unknown_only_when_all_have_told() -> None:
    def other(discovery: FederatedDiscovery) -> Awaitable[Json]:
        return discovery.describe_collection(None, "LAKES")

    nothing = httpx.Response(404)
    with pytest.raises(CollectionNotFound):
        asked(other, alps=nothing, coast=nothing)
    with pytest.raises(InfrastructureBusy, match="delta"):
        asked(other, alps=nothing, coast=nothing, delta=nothing)
