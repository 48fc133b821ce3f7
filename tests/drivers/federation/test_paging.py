"""Lists of several back-ends, as one in pages."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connexeo.drivers.federation.connection import Connection
from connexeo.drivers.federation.faults import Garbled, Refused, UpstreamFault
from connexeo.drivers.federation.paging import Place, Told, merged_page, read_cursor, read_from, started
from connexeo.generated.errors import RequestInvalid
from drivers.federation.upstreams import connected


class Listed:
    """A back-end with a list, in pages of its own; entries that are None are no objects."""

    def __init__(self, name: str, entries: list[Any], *, most: int = 100, knows_limit: bool = True) -> None:
        self.name, self.entries, self.most, self.knows_limit = name, entries, most, knows_limit
        self.down = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            return httpx.Response(503, headers={"retry-after": "60"})
        asked = int(request.url.params.get("limit", self.most)) if self.knows_limit else self.most
        limit, first = min(asked, self.most), int(request.url.params.get("offset", 0))
        links = []
        if first + limit < len(self.entries):
            links = [{"rel": "next", "href": f"jobs?limit={limit}&offset={first + limit}"}]
        return httpx.Response(200, json={"jobs": self.entries[first : first + limit], "links": links})


async def page_of(
    connections: dict[str, Connection], offset: str | None, limit: int | None
) -> tuple[list[tuple[str, Any]], str | None, list[str]]:
    places = started(read_cursor(offset, connections), connections)
    told, missing = {}, []
    for name, connection in connections.items():
        try:
            told[name] = await read_from(
                connection, places[name], "/jobs", "jobs", limit=limit, authorization="Bearer x", deadline=5
            )
        except UpstreamFault:
            missing.append(name)
    page, following = merged_page(told, places, lambda entry: entry["n"], limit)
    return page, following, missing


NAMES = ("alps", "coast", "delta")
ENTRIES = st.lists(st.none() | st.integers(0, 50), max_size=12)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(ENTRIES, st.integers(1, 5), st.booleans()), min_size=1, max_size=3),
    st.lists(st.integers(1, 7), min_size=1, max_size=5),
    st.lists(st.sets(st.sampled_from(NAMES)), max_size=6),
)
def test_each_entry_is_told_once_whatever_the_pages_and_whoever_is_down(
    lists: list[tuple[list[int | None], int, bool]], limits: list[int], downs: list[set[str]]
) -> None:
    backs = {
        name: Listed(
            name,
            [
                None if n is None else {"id": f"{name}{number}", "n": n}
                for number, n in enumerate(sorted(entries, key=lambda n: n or 0))
            ],
            most=most,
            knows_limit=knows,
        )
        for name, (entries, most, knows) in zip(NAMES, lists, strict=False)
    }

    async def run() -> None:
        connections = {name: connected(each, name) for name, each in backs.items()}
        seen: list[str] = []
        offset, number = None, 0
        while True:
            limit = limits[number % len(limits)]
            for name, each in backs.items():
                each.down = number < len(downs) and name in downs[number]
            page, offset, missing = await page_of(connections, offset, limit)
            # Whoever has told all is not asked again.
            assert set(missing) <= {name for name, each in backs.items() if each.down}
            assert len(page) <= limit
            seen += [entry["id"] for _, entry in page]
            number += 1
            assert number < 200
            if offset is None:
                break
        wanted = [entry["id"] for each in backs.values() for entry in each.entries if entry is not None]
        assert len(seen) == len(set(seen))
        assert set(seen) <= set(wanted)
        if not any(set(down) & set(backs) for down in downs[:number]):
            assert sorted(seen) == sorted(wanted)
        for connection in connections.values():
            await connection.close()

    asyncio.run(run())


def test_without_a_limit_all_is_told() -> None:
    async def run() -> None:
        connections = {"alps": connected(Listed("alps", [{"id": n, "n": n} for n in range(25)], most=10))}
        page, following, _ = await page_of(connections, None, None)
        assert [entry["id"] for _, entry in page] == list(range(25))
        assert following is None

    asyncio.run(run())


def test_a_limit_that_is_dropped_tells_nothing_twice() -> None:
    async def run() -> None:
        connections = {"alps": connected(Listed("alps", [{"id": n, "n": n} for n in range(25)], most=10))}
        connections["coast"] = connected(Listed("coast", [{"id": -1, "n": 5}]), "coast")
        first, offset, _ = await page_of(connections, None, 8)
        rest, offset, _ = await page_of(connections, offset, None)
        assert sorted(entry["id"] for _, entry in [*first, *rest]) == list(range(-1, 25))
        assert offset is None

    asyncio.run(run())


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/jobs",
        "https://alps.example/other",
        "https://alps.example/apiary/jobs",
        "https://alps.example/api/%2e%2e/other",
        "jobs",
    ],
)
def test_pages_that_lead_elsewhere_or_never_end(href: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "alps.example"
        return httpx.Response(200, json={"jobs": [], "links": [{"rel": "next", "href": href}]})

    async def run() -> None:
        with pytest.raises(Garbled):
            await read_from(
                connected(answer), Place(), "/jobs", "jobs", limit=None, authorization="Bearer x", deadline=5
            )

    asyncio.run(run())


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.hex()))
def test_offsets_that_nobody_gave_out(offset: str) -> None:
    if offset:
        with pytest.raises(RequestInvalid, match="offset"):
            read_cursor(offset, NAMES)


@pytest.mark.parametrize(("status", "is_empty"), [(405, True), (501, True), (404, False), (500, False)])
def test_who_says_that_it_has_no_such_list_has_an_empty_one(status: int, is_empty: bool) -> None:
    async def run() -> None:
        connection = connected(lambda request: httpx.Response(status))
        asked = read_from(
            connection, Place(), "/jobs", "jobs", limit=3, authorization="Bearer x", deadline=5.0
        )
        if is_empty:
            assert await asked == Told([], [Place(done=True)])
            return
        with pytest.raises(Refused):
            await asked

    asyncio.run(run())
