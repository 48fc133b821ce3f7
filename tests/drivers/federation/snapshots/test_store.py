"""What is kept of back-ends, and how web workers follow it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from connexeo.drivers.federation.snapshots.kinds import CAPABILITIES, COLLECTIONS
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.snapshots.state import UpstreamState
from connexeo.drivers.federation.snapshots.store import Snapshot, SnapshotStore

IDS = ("alps", "coast")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SnapshotStore]:
    store = SnapshotStore(tmp_path)
    yield store
    store.close()


def snapshot(upstream: str = "alps", body: bytes = b"[]", kind: str = COLLECTIONS, key: str = "") -> Snapshot:
    return Snapshot(upstream, kind, key, body, 5.0, "tag")


def test_documents_are_kept_until_there_are_others(store: SnapshotStore) -> None:
    assert store.put(snapshot())
    assert not store.put(snapshot())
    assert store.put(snapshot(body=b"[1]"))
    assert store.snapshots(COLLECTIONS) == {"alps": snapshot(body=b"[1]")}
    store.note_failure("alps", COLLECTIONS, 7.0, "too slow")
    assert store.attempts() == {("alps", COLLECTIONS): (7.0, "too slow")}
    assert store.snapshot("alps", COLLECTIONS) == snapshot(body=b"[1]")
    store.put(snapshot(body=b"[1]"))
    assert store.attempts() == {("alps", COLLECTIONS): (5.0, "")}


def test_states_are_kept(store: SnapshotStore) -> None:
    state = UpstreamState("alps").answered(3.0, 0.1).failed(4.0, "no").failed(5.0, "no")
    store.put_state(state)
    assert store.states() == {"alps": state}
    assert (state.failures, state.changed, state.succeeded) == (2, 4.0, 3.0)


def test_what_left_the_federation_is_forgotten_and_so_is_what_has_another_address(
    store: SnapshotStore,
) -> None:
    here = {"alps": "https://a.example", "coast": "https://c.example"}
    store.forget_others(here)
    for each in here:
        store.put(snapshot(each))
        store.put_state(UpstreamState(each))
    store.forget_others(here)
    assert set(store.snapshots(COLLECTIONS)) == set(store.states()) == set(here)
    store.forget_others({"alps": "https://other.example", "coast": "https://c.example"})
    assert set(store.snapshots(COLLECTIONS)) == set(store.states()) == {"coast"}
    store.forget_others({"alps": "https://other.example"})
    assert store.snapshots(COLLECTIONS) == {}
    assert store.attempts() == {}


def test_a_file_of_another_release_is_made_anew(tmp_path: Path) -> None:
    first = SnapshotStore(tmp_path)
    first.put(snapshot())
    first.close()
    other = sqlite3.connect(tmp_path / "federation.sqlite")
    other.execute("PRAGMA user_version = 999")
    other.close()
    second = SnapshotStore(tmp_path)
    assert second.snapshots(COLLECTIONS) == {}
    second.close()


def test_nobody_else_can_read_the_file(store: SnapshotStore) -> None:
    assert store.path.stat().st_mode & 0o077 == 0


@dataclass(frozen=True)
class Loaded:
    upstreams: frozenset[str]


def load(body: bytes) -> Loaded:
    return Loaded(frozenset(orjson.loads(body)))


def followed(tmp_path: Path, check: Callable[[Snapshots, SnapshotStore], object]) -> None:
    async def run() -> None:
        store = SnapshotStore(tmp_path)
        snapshots = Snapshots(tmp_path, lambda: IDS, {COLLECTIONS: load, CAPABILITIES: load})
        await snapshots.start()
        try:
            result = check(snapshots, store)
            if asyncio.iscoroutine(result):
                await result
        finally:
            await snapshots.stop()
            store.close()

    asyncio.run(run())


def test_a_back_end_is_missing_until_its_answer_is_in_the_view(tmp_path: Path) -> None:
    async def check(snapshots: Snapshots, store: SnapshotStore) -> None:
        assert snapshots.missing(COLLECTIONS) == ["alps", "coast"]
        versions = {snapshots.version(COLLECTIONS)}
        for each in IDS:
            store.put_state(UpstreamState(each).answered(1.0, 0.1))
            store.put(snapshot(each))
        store.put_view(COLLECTIONS, b'["alps"]')
        await snapshots._look()
        assert snapshots.missing(COLLECTIONS) == ["coast"]
        versions.add(snapshots.version(COLLECTIONS))
        store.put_view(COLLECTIONS, b'["alps","coast"]')
        await snapshots._look()
        assert snapshots.missing(COLLECTIONS) == []
        versions.add(snapshots.version(COLLECTIONS))
        store.note_failure("alps", COLLECTIONS, 2.0, "garbled")
        await snapshots._look()
        assert snapshots.missing(COLLECTIONS) == ["alps"]
        assert snapshots.reason("alps", COLLECTIONS) == "garbled"
        versions.add(snapshots.version(COLLECTIONS))
        store.put_state(UpstreamState("coast").failed(3.0, "gone"))
        await snapshots._look()
        assert snapshots.missing(COLLECTIONS) == ["alps", "coast"]
        assert snapshots.reason("coast", COLLECTIONS) == "gone"
        versions.add(snapshots.version(COLLECTIONS))
        assert len(versions) == 5
        assert snapshots.view(COLLECTIONS) == Loaded(frozenset(IDS))

    followed(tmp_path, check)


def test_first_requests_wait_until_all_is_known_and_no_longer(tmp_path: Path) -> None:
    async def check(snapshots: Snapshots, store: SnapshotStore) -> None:
        waiting = asyncio.create_task(snapshots.wait_for(COLLECTIONS, 60))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        store.put(snapshot("alps"))
        store.put_state(UpstreamState("coast").failed(3.0, "gone"))
        store.put_view(COLLECTIONS, b'["alps"]')
        async with asyncio.timeout(30):
            await waiting
        assert snapshots.missing(COLLECTIONS) == ["coast"]

    followed(tmp_path, check)


def test_the_deadline_begins_with_the_process_and_not_with_the_request(tmp_path: Path) -> None:
    async def check(snapshots: Snapshots, store: SnapshotStore) -> None:
        snapshots._started = time.monotonic() - 10
        async with asyncio.timeout(5):
            await snapshots.wait_for(COLLECTIONS, 10)
        assert snapshots.missing(COLLECTIONS) == ["alps", "coast"]

    followed(tmp_path, check)
