"""Log entries of services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connexeo.drivers.local.services import logs
from connexeo.generated.errors import RequestInvalid
from desks import ANA

if TYPE_CHECKING:
    from .conftest import Desk
else:
    Desk = Any


def entries(*levels: str) -> list[dict[str, Any]]:
    return [
        {"level": level, "message": f"{level} {number}", "data": None, "code": "Reason"}
        for number, level in enumerate(levels)
    ]


def test_entries_are_numbered(desk: Desk) -> None:
    service_id = desk.create()
    desk.write(logs.append, service_id, entries("info", "error"))
    desk.write(logs.append, service_id, entries("warning"))
    shown = desk.logs(service_id)
    assert [(entry["id"], entry["level"], entry["message"]) for entry in shown] == [
        ("1", "info", "info 0"),
        ("2", "error", "error 1"),
        ("3", "warning", "warning 0"),
    ]
    assert all(entry["code"] == "Reason" and "data" not in entry for entry in shown)
    assert [entry["id"] for entry in desk.logs(service_id, level="warning")] == ["2", "3"]
    assert [entry["id"] for entry in desk.logs(service_id, offset="1")] == ["2", "3"]
    assert [entry["id"] for entry in desk.logs(service_id, limit=2)] == ["1", "2"]


def test_only_the_latest_are_kept(desk: Desk) -> None:
    service_id, other = desk.create(), desk.create()
    desk.write(logs.append, other, entries("info"))
    for _ in range(3):
        desk.write(logs.append, service_id, entries(*["info"] * 400))
    numbers = [int(entry["id"]) for entry in desk.logs(service_id)]
    assert numbers == list(range(201, 1201))
    assert len(desk.logs(other)) == 1


def test_log_of_a_service_that_is_gone(desk: Desk) -> None:
    service_id = desk.create()
    desk(desk.driver.delete_service, ANA, service_id)
    desk.write(logs.append, service_id, entries("info"))
    assert desk.write(lambda connection: logs.read(connection, service_id, limit=10)) == ([], False)


class Clock:
    """A clock that the test sets."""

    time = 100.0

    def __call__(self) -> float:
        return self.time


def test_gate_lets_the_first_through() -> None:
    clock = Clock()
    gate = logs.Gate(entries=3, seconds=60, now=clock)

    def passed(*messages: str, service: str = "s-1") -> list[str]:
        return [m for m in messages if gate.passes(service, {"level": "error", "message": m})]

    assert passed("a", "a", "b", "c", "d", "a") == ["a", "b", "c"]
    assert passed("d", service="s-2") == ["d"]
    assert gate.passes("s-2", {"level": "info", "message": "d"})
    clock.time += 59
    assert passed("a", "e") == []
    clock.time += 1
    assert passed("a", "e", "a") == ["a", "e"]


def test_gate_forgets_services() -> None:
    gate = logs.Gate(entries=1, services=2, now=Clock())
    entry = {"level": "error", "message": "a"}
    assert [gate.passes(service, entry) for service in ("1", "2", "1", "3", "1", "2")] == [
        True, True, False, True, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("offset", ["x", "-1", "1.5", "٣"])
def test_offsets_that_are_none(desk: Desk, offset: str) -> None:
    service_id = desk.create()
    with pytest.raises(RequestInvalid, match="offset"):
        desk.logs(service_id, offset=offset)
