"""Several back-ends asked at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from connexeo.drivers.federation.connection import Connection
from connexeo.drivers.federation.fanout import Fanout
from connexeo.drivers.federation.faults import NotAsked, Refused, TooSlow, Unreachable
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.snapshots.state import UpstreamState
from connexeo.settings import Federation, Upstream
from connexeo.settings.federation import Breaker


class Here:
    """Members and snapshots, as far as the fanout looks at them."""

    def __init__(self, *names: str, pause: float = 0.01, failures: int = 2) -> None:
        self.federation = Federation(
            upstreams=tuple(Upstream(id=each, url=f"https://{each}.example") for each in names),
            deadline=0.2,
            breaker=Breaker(failures=failures, pause=pause),
        )
        self.ids = names
        self.states: dict[str, UpstreamState] = {}

    def deadline(self, identifier: str) -> float:
        return 0.2

    def connection(self, identifier: str) -> Connection:
        upstream = self.federation.upstream(identifier)
        assert upstream is not None
        return Connection(upstream)

    def fanout(self) -> Fanout:
        return Fanout(cast(Members, self), cast(Snapshots, self))


def run(check: Callable[[], Awaitable[Any]]) -> None:
    async def all_of_it() -> None:
        async with asyncio.timeout(20):
            await check()

    asyncio.run(all_of_it())


def test_nobody_waits_for_another() -> None:
    async def check() -> None:
        here = Here("alps", "coast", "delta", "estuary")
        here.states["estuary"] = UpstreamState("estuary").failed(1.0, "no power")

        async def ask(connection: Connection, deadline: float) -> str:
            if connection.id == "coast":
                await asyncio.sleep(60)
            if connection.id == "delta":
                raise Refused("delta", 404)
            return connection.id

        gathered = await here.fanout().gather("jobs", ask)
        assert gathered.answers == {"alps": "alps"}
        assert {name: type(fault) for name, fault in gathered.faults.items()} == {
            "coast": TooSlow,
            "delta": Refused,
            "estuary": NotAsked,
        }
        assert "no power" in gathered.faults["estuary"].reason

    run(check)


def test_a_back_end_that_answers_again_is_seen_by_the_first_who_asks() -> None:
    async def check() -> None:
        here = Here("alps")
        fanout, broken = here.fanout(), True

        async def ask(connection: Connection, deadline: float) -> str:
            if broken:
                raise Unreachable("alps", "no")
            return "here"

        for _ in range(2):
            await fanout.gather("jobs", ask)
        assert fanout.breaker("alps", "jobs").opened is not None
        broken = False
        await asyncio.sleep(0.02)
        assert (await fanout.gather("jobs", ask)).answers == {"alps": "here"}
        await fanout.close()

    run(check)


def test_what_changes_something_is_never_done_while_its_user_is_told_that_it_is_not() -> None:
    async def check() -> None:
        here = Here("alps")
        fanout, done, broken = here.fanout(), 0, True

        async def change(connection: Connection, deadline: float) -> str:
            nonlocal done
            if broken:
                raise Unreachable("alps", "no")
            await asyncio.sleep(0.4)
            done += 1
            return "made"

        for _ in range(2):
            with pytest.raises(Unreachable):
                await fanout.one("jobs", change, "alps", 5)
        broken = False
        await asyncio.sleep(0.02)
        assert await fanout.one("jobs", change, "alps", 5) == "made"
        assert done == 1
        await fanout.close()

    run(check)


def test_breakers_follow_the_configuration_and_no_pause_is_longer_than_the_time_between_checks() -> None:
    here = Here("alps", pause=100)
    fanout = here.fanout()
    assert fanout.breaker("alps", "jobs").pause == here.federation.probe_interval
    here.federation = here.federation.model_copy(update={"probe_interval": 3.0})
    assert fanout.breaker("alps", "jobs").pause == 3.0


def test_a_fault_of_our_own_is_not_hidden() -> None:
    async def check() -> None:
        async def ask(connection: Connection, deadline: float) -> str:
            raise KeyError("ours")

        with pytest.raises(KeyError):
            await Here("alps").fanout().gather("jobs", ask)

    run(check)
