"""In whose name back-ends are asked."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import httpx
import pytest

from connexeo.drivers.federation.credentials import Credentials, FederatedUser
from connexeo.drivers.federation.faults import NotAsked, Refused, UpstreamFault
from connexeo.drivers.interface import Token, User
from connexeo.settings import OidcProvider
from drivers.federation.upstreams import connected

ISSUER = "https://id.example/realm"
ALPS = "https://alps.example/api"


def providers(**attributes: Any) -> list[OidcProvider]:
    given = {"id": "river", "issuer": ISSUER, "title": "River"} | attributes
    return [OidcProvider(**given)]


def user(provider: str = "river", name: str = "ana", value: str = "secret") -> FederatedUser:
    known = User(id=name, name=name, provider=provider)
    return FederatedUser.of(known, token(provider, value))


def token(provider: str, value: str) -> Token:
    from dataclasses import fields

    given = {"provider": provider, "value": value, "method": "basic" if provider == "basic" else "oidc"}
    return Token(**{each.name: given[each.name] for each in fields(Token) if each.name in given})


def of(theirs: dict[str, list[dict[str, Any]]], who: User, **upstream: Any) -> str:
    async def run() -> str:
        connection = connected(
            lambda request: httpx.Response(200, json={"access_token": "theirs"}), **upstream
        )
        return await Credentials(providers(), lambda: theirs).of(who, connection, 5)

    return asyncio.run(run())


@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/"])
def test_a_token_goes_to_who_knows_its_issuer(issuer: str) -> None:
    theirs = {ALPS: [{"id": "other", "issuer": "https://o.example"}, {"id": "theirs", "issuer": issuer}]}
    assert of(theirs, user()) == "Bearer oidc/theirs/secret"


@pytest.mark.parametrize(
    "listed",
    [
        [],
        [{"id": "river", "issuer": "https://id.example/realm2"}],
        [{"id": "river", "issuer": "http://id.example/realm"}],
        [{"id": "river", "issuer": "https://id.example.evil.example/realm"}],
        [{"id": "river"}],
        [{"issuer": ISSUER}],
        [{"id": 3, "issuer": ISSUER}],
    ],
)
@pytest.mark.parametrize("mapped", [{}, {"river": "river"}])
def test_and_to_nobody_else(listed: list[dict[str, Any]], mapped: dict[str, str]) -> None:
    with pytest.raises(NotAsked, match="provider"):
        of(
            {ALPS: listed, "https://coast.example/api": [{"id": "river", "issuer": ISSUER}]},
            user(),
            oidc=mapped,
        )


def test_of_several_with_the_same_issuer_the_operator_chooses() -> None:
    theirs = {ALPS: [{"id": "one", "issuer": ISSUER}, {"id": "two", "issuer": ISSUER}]}
    assert of(theirs, user()) == "Bearer oidc/one/secret"
    assert of(theirs, user(), oidc={"river": "two"}) == "Bearer oidc/two/secret"


def test_tokens_of_the_federation_itself_go_nowhere() -> None:
    with pytest.raises(NotAsked, match="account"):
        of({ALPS: [{"id": "basic", "issuer": ISSUER}]}, user("basic"))
    given = of({}, user("basic"), accounts={"ana": {"username": "hiker", "password": "p"}})
    assert given == "Bearer basic//theirs"
    with pytest.raises(NotAsked):
        of({}, user("basic", "ben"), accounts={"ana": {"username": "hiker", "password": "p"}})


def test_a_user_without_a_token_is_not_asked_for() -> None:
    with pytest.raises(NotAsked, match="no token"):
        of({ALPS: [{"id": "river", "issuer": ISSUER}]}, User(id="ana", name="Ana", provider="river"))


def test_tokens_are_not_shown() -> None:
    assert "secret" not in repr(user())


def test_logins_are_shared_until_they_fail() -> None:
    logins = itertools.count()
    broken = True

    def answer(request: httpx.Request) -> httpx.Response:
        number = next(logins)
        return httpx.Response(500) if broken else httpx.Response(200, json={"access_token": f"t{number}"})

    async def run() -> None:
        nonlocal broken
        connection = connected(answer, accounts={"*": {"username": "hiker", "password": "p"}})
        credentials = Credentials(providers(), dict)
        with pytest.raises(UpstreamFault):
            await credentials.of(user("basic"), connection, 5)
        broken = False
        found = await asyncio.gather(*(credentials.of(user("basic"), connection, 5) for _ in range(5)))
        assert set(found) == {"Bearer basic//t1"}
        refused = Refused(connection.id, 403, {"code": "TokenInvalid"})
        with pytest.raises(Refused):
            await credentials.anew(user("river"), connection, "Bearer basic//t1", refused, 5)
        found = await asyncio.gather(
            *(credentials.anew(user("basic"), connection, "Bearer basic//t1", refused, 5) for _ in range(5))
        )
        assert set(found) == {"Bearer basic//t2"}
        assert await credentials.of(user("basic"), connection, 5) == "Bearer basic//t2"

    asyncio.run(run())


def test_an_id_at_another_address_is_another_back_end() -> None:
    theirs = {ALPS: [{"id": "river", "issuer": ISSUER}]}
    assert of(theirs, user()) == "Bearer oidc/river/secret"
    with pytest.raises(NotAsked):
        of(theirs, user(), url="https://evil.example/api")
