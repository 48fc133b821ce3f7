"""Requirements of tokens, credentials, and the account."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from profiles.api import DOCUMENT, Api, body, denied, operations, refused
from profiles.requirement import requirement
from profiles.test_capabilities import answer_of

BEARER = [
    (method, path)
    for method, path in operations()
    if DOCUMENT["paths"][path][method.lower()].get("security") == [{"Bearer": []}]
]
"""The operations that need a token."""


@pytest.fixture(scope="module")
def offered(anonymous: httpx.Client) -> set[tuple[str, str]]:
    endpoints = anonymous.get("/").json()["endpoints"]
    return {(method, each["path"]) for each in endpoints for method in each["methods"]}


def with_token(client: httpx.Client, token: str, path: str = "/me") -> httpx.Response:
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


@requirement(100)
def test_form_of_tokens(api: Api, anonymous: httpx.Client) -> None:
    jwt = api.issuer.jwt("ana")
    for token in (f"oidc/river/{jwt}", jwt):
        assert with_token(anonymous, token).json()["user_id"] == "river~ana"
    for token in (f"basic//{jwt}", f"oidc//{jwt}", f"oidc/lake/{jwt}", f"river/{jwt}", f"OIDC/river/{jwt}"):
        refused(with_token(anonymous, token), 403, "TokenInvalid")


@requirement(101)
@pytest.mark.parametrize(("method", "path"), BEARER, ids=str)
def test_without_credentials(method: str, path: str, anonymous: httpx.Client) -> None:
    answer = answer_of(anonymous, method, path)
    denied(answer)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@requirement(102)
def test_with_wrong_credentials(api: Api, anonymous: httpx.Client, offered: set[tuple[str, str]]) -> None:
    now = int(time.time())
    valid = api.issuer.jwt("ana")
    wrong = {
        "of another form": "nonsense",
        "forged": f"oidc/river/{valid[:-8]}AAAAAAAA",
        "expired": f"oidc/river/{api.issuer.jwt('ana', exp=now - 600, iat=now - 1200)}",
        "of another issuer": f"oidc/river/{api.issuer.jwt('ana', iss='https://elsewhere.example')}",
    }
    for name, token in wrong.items():
        assert refused(with_token(anonymous, token), 403, "TokenInvalid"), name
    assert len(set(BEARER) & offered) > 3
    for method, path in set(BEARER) & offered:
        client = httpx.Client(base_url=api.url, headers={"Authorization": "Bearer oidc/river/a.b.c"})
        with client:
            refused(answer_of(client, method, path), 403, "TokenInvalid")


@requirement(110)
def test_there_is_a_way_to_log_in(offered: set[tuple[str, str]], demo_server: Any) -> None:
    assert ("GET", "/credentials/oidc") in offered
    at_development = httpx.get(f"{demo_server.url}/").json()["endpoints"]
    assert "/credentials/basic" in {each["path"] for each in at_development}
    answer = httpx.get(f"{demo_server.url}/credentials/basic", auth=("demo", "demo"))
    token = body(answer, "/credentials/basic")["access_token"]
    me = httpx.get(f"{demo_server.url}/me", headers={"Authorization": f"Bearer basic//{token}"})
    assert me.json()["user_id"] == "demo"


@requirement(111)
def test_production_without_basic(
    api: Api,
    anonymous: httpx.Client,
    offered: set[tuple[str, str]],
    demo_server: Any,
    token_of: Callable[..., str],
) -> None:
    """A deployment switches it off with ``disabled``."""
    assert anonymous.get("/").json()["production"] is True
    assert ("GET", "/credentials/basic") not in offered
    refused(anonymous.get("/credentials/basic", auth=("demo", "demo")), 501, "FeatureUnsupported")
    refused(with_token(anonymous, token_of(demo_server)), 403, "TokenInvalid")
    assert httpx.get(f"{demo_server.url}/").json()["production"] is False


@requirement(112)
def test_openid_connect(api: Api, anonymous: httpx.Client, user: httpx.Client) -> None:
    (provider,) = body(anonymous.get("/credentials/oidc"), "/credentials/oidc")["providers"]
    assert provider["id"] == "river"
    assert provider["issuer"] == api.issuer.url
    assert provider["title"] == "River ID"
    assert "openid" in provider["scopes"]
    (client,) = provider["default_clients"]
    assert client["id"] == "river-public"
    assert httpx.get(f"{provider['issuer']}/.well-known/openid-configuration").json()["issuer"]
    tokens = httpx.post(
        f"{provider['issuer']}/token",
        data={"grant_type": "client_credentials", "client_id": "robot", "client_secret": "x"},
    ).json()
    me = with_token(anonymous, f"oidc/{provider['id']}/{tokens['access_token']}")
    assert me.json()["user_id"] == "river~robot"


@requirement(120)
def test_account(user: httpx.Client, anonymous: httpx.Client) -> None:
    body(user.get("/me"), "/me")
    denied(anonymous.get("/me"))


@requirement(121)
def test_user_ids(api: Api) -> None:
    clients = [api.user(), api.user(), api.user("ana"), api.user("ana")]
    first, second, ana, again = (client.get("/me").json()["user_id"] for client in clients)
    assert ana == again
    assert len({first, second, ana}) == 3
    assert clients[0].get("/me").json()["user_id"] == first
