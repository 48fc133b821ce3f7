"""Hosts that a back-end redirects to, over real connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from connexeo.drivers.federation.connection import Answer, Call, Connection
from connexeo.drivers.federation.faults import Garbled, Unreachable
from connexeo.settings import Upstream
from loopback_site import LoopbackSite


@pytest.fixture
def sites() -> Iterator[tuple[LoopbackSite, LoopbackSite]]:
    with ExitStack() as stack:
        made = (LoopbackSite(), LoopbackSite())
        for each in made:
            stack.callback(each.close)
        yield made


def fetch(site: LoopbackSite, times: int = 1, **settings: Any) -> list[Answer]:
    async def run() -> list[Answer]:
        connection = Connection(Upstream(id="alps", url=site.url), **settings)
        try:
            call = Call("GET", "/jobs", authorization="Bearer secret")
            return [await connection.fetch(call, 10) for _ in range(times)]
        finally:
            await connection.close()

    return asyncio.run(run())


def named(site: LoopbackSite) -> str:
    return site.url.replace("127.0.0.1", "localhost")


def test_another_host_is_asked_by_its_name_at_the_address_that_was_checked(
    sites: tuple[LoopbackSite, LoopbackSite],
) -> None:
    here, there = sites
    here.pages["/jobs"] = (302, f"{named(there)}/list")
    there.pages["/list"] = {"jobs": []}
    answers = fetch(here, 2, allow_private=True)
    assert [each.object() for each in answers] == [{"jobs": []}] * 2
    # As the next page's relative address is resolved by it.
    assert answers[0].url == f"{named(there)}/list"
    for _, _, headers in there.requests:
        assert headers["host"] == named(there).partition("://")[2]
        assert "authorization" not in headers


def test_nothing_is_sent_where_private_addresses_are_closed(
    sites: tuple[LoopbackSite, LoopbackSite],
) -> None:
    here, there = sites
    here.pages["/jobs"] = (302, f"{named(there)}/list")
    with pytest.raises(Garbled, match="redirects to another host, whose address is not allowed"):
        fetch(here)
    assert there.requests == []
    assert len(here.requests) == 1


def test_a_host_that_is_not_there_cannot_be_reached(sites: tuple[LoopbackSite, LoopbackSite]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        sites[0].pages["/jobs"] = (302, f"http://localhost:{closed.getsockname()[1]}/list")
        with pytest.raises(Unreachable):
            fetch(sites[0], allow_private=True)
