"""Jobs, services, files and log entries that back-ends send, as the contract has them."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.drivers.federation.merging import BACKENDS, Belonging, sound_entry

Json = dict[str, Any]

JOB: Json = {"id": "alps~1", "status": "created", "created": "2026-01-01T00:00:00Z", BACKENDS: ["alps"]}
SERVICE: Json = {"id": "alps~1", "url": "https://alps.example/1", "type": "xyz", "enabled": True}
ENTRY: Json = {"id": "1", "level": "info", "message": "Begun."}

SOUND: dict[Belonging, Json] = {
    Belonging.JOB: JOB,
    Belonging.SERVICE: SERVICE,
    Belonging.FILE: {"path": "alps/a.tif"},
    Belonging.LOG_ENTRY: ENTRY,
}


@pytest.mark.parametrize("sort", Belonging)
def test_what_is_sound_stays_as_it_is(sort: Belonging) -> None:
    entry = {**SOUND[sort], "of_the_back_end": {"own": [1]}}
    assert sound_entry(sort, entry) == entry


@pytest.mark.parametrize("sort", Belonging)
@pytest.mark.parametrize("entry", [None, 5, "text", [], {}, {"id": 7, "path": 7}])
def test_what_has_nothing_in_it_is_left_out(sort: Belonging, entry: Any) -> None:
    assert sound_entry(sort, entry) is None


@pytest.mark.parametrize("sort", Belonging)
def test_what_lacks_anything_that_is_needed_is_left_out(sort: Belonging) -> None:
    needed = {key: value for key, value in SOUND[sort].items() if key != BACKENDS}
    for name in needed:
        assert sound_entry(sort, {key: value for key, value in needed.items() if key != name}) is None
        assert sound_entry(sort, {**needed, name: {"no": "such"}}) is None


@pytest.mark.parametrize(
    ("sort", "faulty"),
    [
        (Belonging.JOB, {"title": 5, "progress": "much", "costs": "none", "updated": "soon", "usage": 3}),
        (Belonging.JOB, {"process": "add", "plan": []}),
        (Belonging.SERVICE, {"title": 4, "created": {}, "configuration": "none"}),
        (Belonging.FILE, {"size": "large", "modified": 5}),
        (Belonging.LOG_ENTRY, {"time": 5, "path": "a", "links": {}}),
    ],
)
def test_single_properties_that_are_faulty_are_left_out(sort: Belonging, faulty: Json) -> None:
    given = {**SOUND[sort], **faulty}
    before = dict(given)
    assert sound_entry(sort, given) == SOUND[sort]
    assert given == before


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-01T12:30:00", "2026-01-01T12:30:00Z"),
        ("2026-01-01 12:30:00.5", "2026-01-01T12:30:00.500000Z"),
        ("2026-01-01T12:30:00+01:00", "2026-01-01T12:30:00+01:00"),
    ],
)
def test_times_without_a_zone_are_utc(written: str, meant: str) -> None:
    assert sound_entry(Belonging.JOB, {**JOB, "created": written}) == {**JOB, "created": meant}


def test_what_is_nested_without_end_is_left_out() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert sound_entry(Belonging.JOB, {**JOB, "process": deep}) in (None, JOB)
