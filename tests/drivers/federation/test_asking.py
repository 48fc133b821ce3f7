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
from connexeo.generated.errors import InfrastructureBusy, JobNotFound, PermissionsInsufficient, TokenInvalid
from connexeo.settings import Federation, Upstream
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

    def upstream(self, identifier: str) -> Upstream | None:
        return self._connection.upstream if identifier == self._connection.id else None

    def connection(self, identifier: str) -> Connection:
        return self._connection


class LoggedIn:
    """A back-end that forgets its logins."""

    def __init__(self) -> None:
        self.logins = 0
        self.good = "t1"
        self.code = ""
        self.asked: list[tuple[str, str | None]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/credentials/basic"):
            self.logins += 1
            return httpx.Response(200, json={"access_token": f"t{self.logins}"})
        self.asked.append((request.method, request.headers.get("authorization")))
        if request.headers.get("authorization") != f"Bearer basic//{self.good}":
            return httpx.Response(403, json={"code": "TokenInvalid", "message": "No."})
        if self.code:
            return httpx.Response(403, json={"code": self.code, "message": "No."})
        return httpx.Response(200, json={"good": True})


def asking_at(back: Any, accounts: Any = ACCOUNTS) -> Asking:
    here = Here(connected(back, accounts=accounts))
    fanout = Fanout(cast(Members, here), cast(Snapshots, here))
    return Asking(cast(Members, here), fanout, Credentials((), dict))


def ask(back: LoggedIn, *calls: Call) -> list[Any]:
    async def run() -> list[Any]:
        asking = asking_at(back)
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
    back.good = "t2"

    async def body() -> Any:
        yield b"x"

    def upload() -> Call:
        return Call("PUT", "/files/x", content=body())

    # It is not the user who has to log in again.
    with pytest.raises(InfrastructureBusy, match="the login there had ended"):
        ask(back, upload())
    assert len(back.asked) == 1
    assert back.logins == 2


def test_what_a_login_does_not_change_is_told_at_once() -> None:
    back = LoggedIn()
    back.code = "PermissionsInsufficient"
    with pytest.raises(PermissionsInsufficient, match="alps"):
        ask(back, Call("GET", "/jobs"), Call("GET", "/jobs"))
    assert back.logins == 1


def test_many_requests_log_in_anew_together() -> None:
    back = LoggedIn()
    back.good = "t2"

    async def run() -> None:
        asking = asking_at(back)
        await asyncio.gather(*(asking.call(ANA, "jobs", "alps", Call("GET", "/jobs")) for _ in range(5)))
        await asking.call(ANA, "jobs", "alps", Call("GET", "/jobs"))

    asyncio.run(run())
    assert back.logins == 2
    assert [authorization for _, authorization in back.asked][-1] == "Bearer basic//t2"


def test_an_account_that_is_wrong_is_no_fault_of_the_user() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, json={"code": "CredentialsInvalid", "message": "No."})

    async def run() -> None:
        await asking_at(refuse).call(ANA, "jobs", "alps", Call("GET", "/jobs"))

    with pytest.raises(InfrastructureBusy, match="does not accept the account"):
        asyncio.run(run())


def test_what_anybody_may_ask_is_asked_by_nobody_where_the_user_has_no_account() -> None:
    back = LoggedIn()

    async def ask_as(user: User | None, **accounts: Any) -> str:
        asking = asking_at(back, accounts=accounts)
        connection = asking.members.connection("alps")

        async def who(connection: Connection, authorization: str | None, deadline: float) -> str:
            return authorization or "nobody"

        return await asking.with_or_without(user, who, connection, 5.0)

    assert asyncio.run(ask_as(ANA, **ACCOUNTS)) == "Bearer basic//t1"
    assert asyncio.run(ask_as(ANA)) == "nobody"
    assert asyncio.run(ask_as(None, **ACCOUNTS)) == "nobody"


@pytest.mark.parametrize(
    ("identifier", "found"),
    [
        ("alps~j-1", "j-1"),
        ("alps~a~2fb", "a/b"),
        ("coast~j-1", None),
        ("j-1", None),
        # What HTTP clients take for a way up.
        ("alps~..", None),
        ("alps~.", None),
        ("alps~...", "..."),
    ],
)
def test_only_what_can_be_a_thing_there_is_asked_for(identifier: str, found: str | None) -> None:
    missing = JobNotFound(identifier=identifier)
    asking = asking_at(LoggedIn())
    if found is None:
        with pytest.raises(JobNotFound):
            asking.find(identifier, missing)
    else:
        assert asking.find(identifier, missing) == ("alps", found)
