"""Which collections validation knows, and what happens when catalogues are slow or gone."""

import asyncio
import threading
from typing import Any

import pytest

from connexeo.drivers.local import known_collections
from connexeo.drivers.local.known_collections import KnownCollections
from connexeo.generated.errors import CollectionNotFound, Internal


class FakeCatalogue:
    """Has `here`; `far` is in a catalogue that does not answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def collection(self, id: str) -> dict[str, Any]:
        self.asked.append(id)
        if id == "far":
            raise Internal("The catalogue does not answer.")
        if id != "here":
            raise CollectionNotFound(identifier=id)
        asset = {"type": "image/tiff", "roles": ["data"], "eo:bands": [{"name": "B04"}]}
        return {"id": id, "item_assets": {"B04": asset}}


def test_collections_are_there_or_not_or_not_known() -> None:
    known = asyncio.run(KnownCollections(FakeCatalogue()).of(["here", "nowhere", "far"]))
    assert set(known) == {"here", "nowhere"}
    assert known["nowhere"] is None
    assert known["here"] is not None
    assert [band.name for band in known["here"].bands] == ["B04"]


def test_answers_are_remembered_for_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = FakeCatalogue()
    collections = KnownCollections(catalogue)
    for _ in range(3):
        asyncio.run(collections.of(["here", "nowhere"]))
    assert catalogue.asked == ["here", "nowhere"]
    monkeypatch.setattr(known_collections, "LIFETIME", -1.0)
    forgetful = KnownCollections(catalogue)
    for _ in range(2):
        asyncio.run(forgetful.of(["here"]))
    assert catalogue.asked == ["here", "nowhere", "here", "here"]


def test_slow_catalogues_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_collections, "PATIENCE", 0.05)
    answer = threading.Event()

    class Slow(FakeCatalogue):
        def collection(self, id: str) -> dict[str, Any]:
            answer.wait(30)
            return super().collection(id)

    async def ask() -> Any:
        known = await KnownCollections(Slow()).of(["here"])
        answer.set()
        return known

    assert asyncio.run(ask()) == {}


def test_few_are_looked_for_at_a_time_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_collections, "_REMEMBERED", 5)
    catalogue = FakeCatalogue()
    ids = [f"c{number}" for number in range(100)]
    known = asyncio.run(KnownCollections(catalogue).of(ids))
    assert len(catalogue.asked) == known_collections.MOST
    assert len(known) == 5
