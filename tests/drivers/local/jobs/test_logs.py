"""The logs of batch jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from connexeo.drivers.local.state.logbook import PAGE_SIZE
from connexeo.generated import load_openapi
from connexeo.generated.errors import RequestInvalid
from connexeo.server.schema import SchemaCompiler
from desks import ANA

if TYPE_CHECKING:
    from .conftest import Desk
else:
    Desk = Any

LEVELS = ("debug", "info", "warning", "error")


@pytest.fixture
def job_id(desk: Desk) -> str:
    """A job with an entry of each level, twice."""
    identifier = desk.create(log_level="debug")
    desk.log(desk.create(), {"level": "info", "message": "of another job"})
    for part in (LEVELS, LEVELS):
        desk.log(identifier, *({"level": level, "message": f"a {level}"} for level in part))
    return identifier


def entries_of(desk: Desk, job_id: str, **wanted: Any) -> list[str]:
    """Identifiers of all entries, page by page."""
    seen: list[str] = []
    given = {"limit": None, "offset": None, "level": None, **wanted}
    while True:
        page = desk(desk.driver.debug_job, ANA, job_id, **given)
        seen += [entry["id"] for entry in page.items]
        if page.next_offset is None:
            return seen
        given["offset"] = page.next_offset


@pytest.mark.parametrize("limit", [None, 1, 3, 8, 10**40])
@pytest.mark.parametrize(
    ("level", "expected"),
    [(None, "12345678"), ("debug", "12345678"), ("info", "234678"), ("warning", "3478"), ("error", "48")],
)
def test_pages_and_levels(
    desk: Desk, job_id: str, limit: int | None, level: str | None, expected: str
) -> None:
    assert entries_of(desk, job_id, limit=limit, level=level) == list(expected)
    assert entries_of(desk, job_id, limit=limit, level=level, offset="4") == [
        number for number in expected if number > "4"
    ]


def test_offset_is_the_last_entry_that_is_known(desk: Desk, job_id: str) -> None:
    assert entries_of(desk, job_id, offset="8") == []
    assert entries_of(desk, job_id, offset="") == list("12345678")
    assert entries_of(desk, job_id, offset="9" * 60) == []
    desk.log(job_id, {"level": "info", "message": "new"})
    assert entries_of(desk, job_id, offset="8") == ["9"]


@pytest.mark.parametrize("offset", ["x", "-1", "1.5", "٣", "\0", "9" * 5000, "1 "])
def test_offset_that_is_none(desk: Desk, job_id: str, offset: str) -> None:
    with pytest.raises(RequestInvalid, match="offset"):
        entries_of(desk, job_id, offset=offset)


def test_entries_are_as_the_contract_has_them(desk: Desk) -> None:
    job_id = desk.create()
    given = {
        "level": "warning",
        "time": datetime(2026, 1, 2, 3, 4, 5, 999999, tzinfo=UTC),
        "message": "two\nlines\0",
        "code": "Mine",
        "data": {"cube": [1, None, "x"]},
        "path": [{"node_id": "inner"}, {"node_id": "outer"}],
        "usage": {"cpu": {"value": 1.5, "unit": "cpu-seconds"}},
        "id": "a wrong one",
    }
    desk.log(job_id, given)
    (entry,) = desk(desk.driver.debug_job, ANA, job_id, limit=None, offset=None, level=None).items
    assert entry == {**given, "id": "1", "time": "2026-01-02T03:04:05Z"}
    document = load_openapi()
    validator = SchemaCompiler(document).compile(document["components"]["schemas"]["log_entry"])
    assert validator.is_valid(entry)


def test_large_entries_make_short_pages(desk: Desk) -> None:
    job_id = desk.create()
    sizes = (1000, PAGE_SIZE // 2, PAGE_SIZE // 2, PAGE_SIZE * 2, 10, 10)
    for number, size in enumerate(sizes):
        desk.log(job_id, {"level": "info", "message": str(number), "data": "x" * size})
    pages = []
    offset = None
    while True:
        page = desk(desk.driver.debug_job, ANA, job_id, limit=100, offset=offset, level=None)
        pages.append("".join(entry["message"] for entry in page.items))
        offset = page.next_offset
        if offset is None:
            break
    assert pages == ["01", "2", "3", "45"]


def test_effective_level(desk: Desk) -> None:
    job_id = desk.create(log_level="warning")
    for asked, effective in ((None, "warning"), ("debug", "warning"), ("error", "error")):
        page = desk(desk.driver.debug_job, ANA, job_id, limit=1, offset=None, level=asked)
        assert page.level == effective
    everything = desk.create(log_level="debug")
    page = desk(desk.driver.debug_job, ANA, everything, limit=1, offset=None, level=None)
    assert page.level == "debug"
