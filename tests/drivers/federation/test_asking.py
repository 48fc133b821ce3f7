"""Requests in a user's name."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import httpx
import pytest

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.connection import Call, Connection
from connexeo.drivers.federation.credentials import Credentials
from connexeo.drivers.federation.fanout import Fanout
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.snapshots.state import UpstreamState
from connexeo.drivers.interface import User
from connexeo.generated.errors import TokenInvalid
from connexeo.settings import Federation
from drivers.federation.upstreams import connected

ANA = User(id="ana", name="Ana", provider="basic")
ACCOUNTS = {"*": {"username": "hiker", "password": "p"}}


class Here:
    """Members and snapshots of one back-end."""

    def __init__(self, connection: Connection) -> None:
        self.federation = Federation(upstreams=(connection.upstream,))
        self.ids = (connection.id,)
        self.states: dict[str, UpstreamState] = {}
        self._connection = connection

    def deadline(self, identifier: str) -> float:
        return 5.0

    def connection(self, identifier: str) -> Connection:
        return self._connection


class LoggedIn:
    """A back-end that forgets its logins."""

    def __init__(self) -> None:
        self.logins = 0
        self.good = "t1"
        self.asked: list[tuple[str, str | None]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/credentials/basic"):
            self.logins += 1
            return httpx.Response(200, json={"access_token": f"t{self.logins}"})
        self.asked.append((request.method, request.headers.get("authorization")))
        if request.headers.get("authorization") != f"Bearer basic//{self.good}":
            return httpx.Response(403, json={"code": "TokenInvalid", "message": "No."})
        return httpx.Response(200, json={"good": True})


def ask(back: LoggedIn, *calls: Call) -> list[Any]:
    async def run() -> list[Any]:
        here = Here(connected(back, accounts=ACCOUNTS))
        fanout = Fanout(cast(Members, here), cast(Snapshots, here))
        asking = Asking(cast(Members, here), fanout, Credentials((), dict))
        answers = []
        for call in calls:
            answers.append((await asking.call(ANA, "jobs", "alps", call)).json())
            back.good = f"t{back.logins + 1}"
        return answers

    return asyncio.run(run())


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_login_that_has_ended_is_made_again_without_the_user(method: str) -> None:
    back = LoggedIn()
    call = Call(method, "/jobs")
    assert ask(back, call, call) == [{"good": True}] * 2
    assert back.logins == 2
    assert [authorization for _, authorization in back.asked] == [
        "Bearer basic//t1",
        "Bearer basic//t1",
        "Bearer basic//t2",
    ]


def test_but_only_once() -> None:
    back = LoggedIn()
    back.good = "never"
    with pytest.raises(TokenInvalid, match="alps"):
        ask(back, Call("GET", "/jobs"))
    assert back.logins == 2
    assert len(back.asked) == 2


def test_a_body_that_was_sent_is_not_sent_again() -> None:
    back = LoggedIn()
    back.good = "never"

    async def body() -> Any:
        yield b"x"

    with pytest.raises(TokenInvalid):
        ask(back, Call("PUT", "/files/x", content=body()))
    assert len(back.asked) == 1
