"""Tokens and Basic credentials."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from asgi_client import TOKEN, Client
from connexeo.drivers.interface import Token
from connexeo.generated.errors import HTTP_STATUS, TokenInvalid
from connexeo.server.security import MAX_TOKEN, parse_token
from fake_driver import FakeDriver

MakeClient = Callable[..., Client]


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("basic//abc", Token("basic", "", "abc")),
        ("basic//a/b==", Token("basic", "", "a/b==")),
        ("oidc/egi/abc.def.ghi", Token("oidc", "egi", "abc.def.ghi")),
        ("oidc/egi/a/b/c", Token("oidc", "egi", "a/b/c")),
        ("aaa.bbb.ccc", Token("jwt", "", "aaa.bbb.ccc")),
        ("  basic//abc ", Token("basic", "", "abc")),
    ],
)
def test_token_formats(value: str, token: Token) -> None:
    assert parse_token(value) == token


@pytest.mark.parametrize(
    "value",
    [
        "",
        "abc",
        "a.b",
        "a.b.c.d",
        "basic/abc",
        "basic//",
        "basic/provider/abc",
        "oidc//abc",
        "oidc/egi/",
        "oidc/egi",
        "saml/x/abc",
        "Basic//abc",
        "basic//é",
        "basic//" + "x" * MAX_TOKEN,
    ],
)
def test_what_is_no_token(value: str) -> None:
    with pytest.raises(TokenInvalid):
        parse_token(value)


def test_token_does_not_show_in_its_repr() -> None:
    assert "abc" not in repr(parse_token("basic//abc"))


@pytest.mark.parametrize("value", ["basic//alice-token", "oidc/here/alice-token", "alice-token.b.c"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_user_of_a_token(client: Client, scheme: str, value: str) -> None:
    response = client.get("/me", headers={"Authorization": f"{scheme} {value}"})
    assert response.json()["user_id"] == "alice"
    assert response.headers["cache-control"] == "private, no-cache"


def test_driver_gets_the_parts_of_the_token(client: Client, driver: FakeDriver) -> None:
    client.get("/collections", headers={"Authorization": "Bearer oidc/here/bob-token"})
    assert driver.account_management.tokens[-1] == Token("oidc", "here", "bob-token")


def test_public_operation_takes_a_token_or_none(client: Client) -> None:
    anonymous = client.get("/collections").json()["collections"]
    mine = client.get("/collections", headers=TOKEN).json()["collections"]
    assert {c["id"] for c in mine} - {c["id"] for c in anonymous} == {"hidden"}


def test_private_collection_is_not_there_for_others(client: Client) -> None:
    assert client.get("/collections/hidden").json()["code"] == "CollectionNotFound"
    assert client.get("/collections/hidden", headers=TOKEN).status_code == 200


@pytest.mark.parametrize("path", ["/me", "/collections"])
@pytest.mark.parametrize("scheme", ["Basic YTpi", "Digest x", "x"])
def test_other_schemes_are_refused(client: Client, path: str, scheme: str) -> None:
    response = client.get(path, headers={"Authorization": scheme})
    assert response.status_code == HTTP_STATUS["AuthenticationSchemeInvalid"]
    assert response.json()["code"] == "AuthenticationSchemeInvalid"


@pytest.mark.parametrize("path", ["/", "/.well-known/openeo", "/credentials/oidc"])
def test_operation_without_security_ignores_the_header(client: Client, path: str) -> None:
    assert client.get(path, headers={"Authorization": "Bearer nonsense"}).status_code == 200


def test_disabled_account(make_client: MakeClient) -> None:
    driver = FakeDriver()
    driver.account_management.disabled.add("alice")
    response = make_client(driver).get("/me", headers=TOKEN)
    assert (response.status_code, response.json()["code"]) == (403, "PermissionsInsufficient")


def basic(text: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text).decode()}


def test_basic_login_gives_a_token_that_works(client: Client) -> None:
    response = client.get("/credentials/basic", headers=basic(b"alice:secret"))
    assert "no-cache" in response.headers["cache-control"]
    token = response.json()["access_token"]
    me = client.get("/me", headers={"Authorization": f"Bearer basic//{token}"})
    assert me.json()["user_id"] == "alice"


@pytest.mark.parametrize(
    "text", [b"alice:wrong", b"nobody:secret", b"alice", b":", b"", b"\xff:\xff", b"alice:secret:more"]
)
def test_basic_login_with_wrong_credentials(client: Client, text: bytes) -> None:
    response = client.get("/credentials/basic", headers=basic(text))
    assert (response.status_code, response.json()["code"]) == (403, "CredentialsInvalid")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "AuthenticationRequired"),
        ("Basic %%%", "CredentialsInvalid"),
        ("Bearer basic//alice-token", "AuthenticationSchemeInvalid"),
    ],
)
def test_basic_login_with_another_header(client: Client, header: str | None, code: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = client.get("/credentials/basic", headers=headers)
    assert (response.status_code, response.json()["code"]) == (HTTP_STATUS[code], code)


def test_driver_without_accounts(make_client: MakeClient) -> None:
    driver = FakeDriver()
    driver.account_management = None  # type: ignore[assignment]
    client = make_client(driver)
    assert client.get("/collections").status_code == 200
    assert client.get("/me").status_code == 401
    assert client.get("/me", headers=TOKEN).status_code == 501
    assert client.get("/credentials/basic", headers=basic(b"alice:secret")).status_code == 501
