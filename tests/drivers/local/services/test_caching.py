"""Tiles on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from connexeo.drivers.local.services.caching import TileCache


class Clock:
    """A clock that the test sets."""

    time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make(folder: Path, clock: Clock, **options: Any) -> TileCache:
    return TileCache(folder / "tiles", **{"size": 2**20, "lifetime": 1000.0, "now": clock, **options})


def stored(folder: Path) -> set[str]:
    """Keys of what is there."""
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_tile_is_found_again(tmp_path: Path, clock: Clock) -> None:
    cache = make(tmp_path, clock)
    assert cache.load("s-1", 1, "a/3/1/2") is None
    cache.save("s-1", 1, "a/3/1/2", b"picture")
    cache.save("s-1", 1, "a/3/1/3", b"")
    assert make(tmp_path, clock).load("s-1", 1, "a/3/1/2") == b"picture"
    assert cache.load("s-1", 1, "a/3/1/3") == b""
    for other in (("s-2", 1, "a/3/1/2"), ("s-1", 2, "a/3/1/2"), ("s-1", 1, "b/3/1/2")):
        assert cache.load(*other) is None


def test_old_tiles_are_drawn_again(tmp_path: Path, clock: Clock) -> None:
    cache = make(tmp_path, clock)
    cache.save("s-1", 1, "a", b"picture")
    clock.time += 999
    assert cache.load("s-1", 1, "a") == b"picture"
    clock.time += 2
    assert cache.load("s-1", 1, "a") is None
    cache.shrink()
    assert stored(tmp_path) == set()


@pytest.mark.parametrize("options", [{"size": 0}, {"lifetime": 0.0}])
def test_nothing_is_kept(tmp_path: Path, clock: Clock, options: dict[str, float]) -> None:
    cache = make(tmp_path, clock, **options)
    cache.save("s-1", 1, "a", b"picture")
    assert stored(tmp_path) == set()


def test_tiles_that_nobody_asks_for_go_first(tmp_path: Path, clock: Clock) -> None:
    cache = make(tmp_path, clock, size=10 * 4096, lifetime=10_000.0)
    for number in range(10):
        cache.save("s-1", 1, str(number), b"x" * 4000)
        clock.time += 100
    cache.load("s-1", 1, "0")  # marks it
    for number in range(10, 12):
        cache.save("s-1", 1, str(number), b"x" * 4000)
        clock.time += 100
    cache.shrink()
    left = stored(tmp_path)
    assert len(left) <= 10
    assert {"0", "10", "11"} <= left
    assert "1" not in left


def test_size_is_kept_by_itself(tmp_path: Path, clock: Clock) -> None:
    cache = make(tmp_path, clock, size=64 * 4096)
    for number in range(300):
        cache.save("s-1", 1, str(number), b"" if number % 2 else b"x" * 3000)
        clock.time += 1
    assert 40 <= len(stored(tmp_path)) <= 68
    assert "299" in stored(tmp_path)


def test_service_is_forgotten(tmp_path: Path, clock: Clock) -> None:
    cache = make(tmp_path, clock)
    for service_id in ("s-1", "s-2"):
        for version in (1, 2):
            cache.save(service_id, version, f"{service_id}-{version}", b"picture")
    cache.forget("s-1", but=2)
    assert stored(tmp_path) == {"s-1-2", "s-2-1", "s-2-2"}
    cache.forget("s-1")
    cache.forget("s-1")
    assert stored(tmp_path) == {"s-2-1", "s-2-2"}


def test_tile_that_cannot_be_stored(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "tiles").write_text("no folder")
    cache = make(tmp_path, clock)
    cache.save("s-1", 1, "a", b"picture")
    assert cache.load("s-1", 1, "a") is None
    cache.forget("s-1")
    cache.shrink()


def test_tiles_of_the_future_are_not_believed(tmp_path: Path, clock: Clock) -> None:
    cache = make(tmp_path, clock)
    cache.save("s-1", 1, "a", b"picture")
    (path,) = (each for each in tmp_path.rglob("a") if each.is_file())
    os.utime(path, (clock.time, clock.time + 10_000))
    assert cache.load("s-1", 1, "a") is None
