from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.discovery import Discovery, discover
from connexeo.tools.conformance.login import Basic, Bearer, LoginError, bearer_value
from connexeo.tools.conformance.oidc import (
    DEVICE_GRANT,
    ClientCredentials,
    DeviceCode,
    OidcClient,
    RefreshToken,
)
from loopback_site import LoopbackSite
from oidc_issuer import PUBLIC, OidcIssuer
from served import Server

JWT_CLASS = "https://api.openeo.org/1.3.0/authentication/jwt"
MACHINE = OidcClient("machine", "verysecret")


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


@pytest.fixture
def backend(oidc_issuer: OidcIssuer) -> Iterator[LoopbackSite]:
    """A back-end with an issuer."""
    oidc_issuer.interval = 0
    oidc_issuer.clients["machine"] = "verysecret"
    provider = oidc_issuer.provider()
    other = {"id": "lake", "issuer": "http://127.0.0.1:9/lake", "title": "Lake"}
    site = LoopbackSite(
        {
            "/": {"api_version": "1.2.0", "endpoints": [], "links": []},
            "/credentials/oidc": {"providers": [provider, other]},
            "/credentials/basic": {"access_token": "abc"},
        }
    )
    yield site
    site.close()


@pytest.fixture
def discovery(client: httpx.Client, backend: LoopbackSite) -> Discovery:
    return discover(client, backend.url)


def claims(token: str) -> dict[str, Any]:
    payload = token.rpartition("/")[2].split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return decoded


def test_a_password_is_exchanged_for_a_token(
    client: httpx.Client, backend: LoopbackSite, discovery: Discovery
) -> None:
    login = Basic("änä", "gehe:im")
    assert login.token(client, discovery) == "basic//abc"
    sent = backend.requests[-1][2]["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == "änä:gehe:im"
    assert login.renewed(client, discovery) == "basic//abc"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (401, "user name or password is wrong"),
        (403, "user name or password is wrong"),
        (404, "no login with user name and password"),
        (501, "no login with user name and password"),
        ({}, "gives no access_token"),
        ("<h1>Hello</h1>", "gives no access_token"),
        ((302, "/elsewhere"), r"gives no access_token \(HTTP 302\)"),
    ],
)
def test_a_password_that_is_refused(
    client: httpx.Client, backend: LoopbackSite, discovery: Discovery, page: Any, message: str
) -> None:
    backend.pages["/credentials/basic"] = page
    with pytest.raises(LoginError, match=message) as refusal:
        Basic("ana", "verysecret").token(client, discovery)
    assert "verysecret" not in str(refusal.value)


def test_a_token_that_somebody_has_is_sent_as_it_is(client: httpx.Client, discovery: Discovery) -> None:
    login = Bearer("oidc/river/abc")
    assert login.token(client, discovery) == "oidc/river/abc"
    assert login.renewed(client, discovery) is None


def token_with(payload: dict[str, Any]) -> str:
    part = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"header.{part}.signature"


@pytest.mark.parametrize(
    ("classes", "token", "bare"),
    [
        ([JWT_CLASS], token_with({"iss": "https://a.example"}), True),
        ([JWT_CLASS], token_with({"sub": "ana"}), False),
        ([JWT_CLASS], "opaque", False),
        ([JWT_CLASS], "a.b.c", False),
        (["https://api.openeo.org/1.3.0"], token_with({"iss": "https://a.example"}), False),
        ([3, None], token_with({"iss": "https://a.example"}), False),
        (None, token_with({"iss": "https://a.example"}), False),
        ("nonsense", token_with({"iss": "https://a.example"}), False),
    ],
)
def test_a_jwt_goes_without_prefix_where_the_back_end_says_so(
    client: httpx.Client, backend: LoopbackSite, classes: Any, token: str, bare: bool
) -> None:
    backend.pages["/"] = {"api_version": "1.3.0", "conformsTo": classes}
    value = bearer_value(discover(client, backend.url), "oidc", "river", token)
    assert value == (token if bare else f"oidc/river/{token}")


def test_client_credentials(client: httpx.Client, discovery: Discovery, oidc_issuer: OidcIssuer) -> None:
    login = ClientCredentials(MACHINE)
    token = login.token(client, discovery)
    assert token.startswith("oidc/river/")
    assert claims(token)["sub"] == "machine"
    assert login.renewed(client, discovery) != token


def test_a_secret_goes_by_basic_where_the_issuer_takes_nothing_else(
    client: httpx.Client, discovery: Discovery, oidc_issuer: OidcIssuer
) -> None:
    oidc_issuer.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_basic"]
    oidc_issuer.clients["a machine"] = "s%:e"
    token = ClientCredentials(OidcClient("a machine", "s%:e")).token(client, discovery)
    assert claims(token)["sub"] == "a machine"


def test_a_wrong_secret_is_not_repeated(client: httpx.Client, discovery: Discovery) -> None:
    login = ClientCredentials(OidcClient("machine", "wrongsecret"))
    with pytest.raises(
        LoginError, match=r"'river' refuses the client 'machine' \(HTTP 401\): invalid_client"
    ) as refusal:
        login.token(client, discovery)
    assert "wrongsecret" not in str(refusal.value)


def test_what_an_issuer_repeats_is_masked(
    client: httpx.Client, backend: LoopbackSite, discovery: Discovery
) -> None:
    backend.pages |= {
        "/issuer/.well-known/openid-configuration": {"token_endpoint": f"{backend.url}/issuer/token"},
        "/credentials/oidc": {"providers": [{"id": "echo", "issuer": f"{backend.url}/issuer/"}]},
        "/issuer/token": {"error": "invalid", "error_description": "no client verysecret"},
    }
    # Its status is that of success, but there is no token.
    with pytest.raises(LoginError, match="gives no access_token") as refusal:
        ClientCredentials(MACHINE).token(client, discovery)
    assert "verysecret" not in str(refusal.value)


def test_a_device_is_confirmed_by_somebody(
    client: httpx.Client, discovery: Discovery, oidc_issuer: OidcIssuer
) -> None:
    oidc_issuer.approve = False
    shown: list[tuple[str, str]] = []
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            client.get(shown[0][0])

    login = DeviceCode(lambda url, code: shown.append((url, code)), sleep=wait)
    token = login.token(client, discovery)
    assert claims(token)["sub"] == "ana"
    assert len(waits) == 3
    assert len(shown) == 1
    url, code = shown[0]
    assert f"/activate?code={code}" in url
    # By the refresh token: nobody is asked again.
    renewed = login.renewed(client, discovery)
    assert renewed not in {None, token}
    assert len(shown) == 1


def test_a_device_that_asks_too_often_slows_down(
    client: httpx.Client, discovery: Discovery, oidc_issuer: OidcIssuer
) -> None:
    now = 0.0
    oidc_issuer.clock = lambda: now
    oidc_issuer.interval = 1
    oidc_issuer.approve = False
    waits: list[float] = []

    def wait(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        # This clock is behind at first.
        now += seconds if len(waits) > 2 else 0.1
        oidc_issuer.approve = True
        for device in oidc_issuer._devices.values():
            device.approved = len(waits) > 2

    DeviceCode(lambda url, code: None, sleep=wait).token(client, discovery)
    assert waits == [1, 1, 6]


def test_a_device_that_is_denied(client: httpx.Client, discovery: Discovery, oidc_issuer: OidcIssuer) -> None:
    oidc_issuer.approve = False

    def deny(url: str, code: str) -> None:
        client.get(f"{url}&deny=1")

    login = DeviceCode(deny, sleep=lambda seconds: None)
    with pytest.raises(LoginError, match="access_denied"):
        login.token(client, discovery)
    assert login.renewed(client, discovery) is None


def test_nobody_confirms_a_device(
    client: httpx.Client, discovery: Discovery, oidc_issuer: OidcIssuer
) -> None:
    oidc_issuer.approve = False
    waited: list[float] = []
    login = DeviceCode(lambda url, code: None, sleep=waited.append)
    with pytest.raises(LoginError, match="nobody has confirmed the login in time"):
        login.token(client, discovery)
    assert len(waited) == 300


def test_a_device_needs_a_client(
    client: httpx.Client, backend: LoopbackSite, discovery: Discovery, oidc_issuer: OidcIssuer
) -> None:
    clients = [{"id": PUBLIC, "grant_types": ["implicit"]}]
    backend.pages["/credentials/oidc"] = {"providers": [oidc_issuer.provider(default_clients=clients)]}
    with pytest.raises(LoginError, match="no default client for this; give a client id"):
        DeviceCode(lambda url, code: None).token(client, discovery)


def test_a_default_client_without_pkce_will_do(
    client: httpx.Client, backend: LoopbackSite, discovery: Discovery, oidc_issuer: OidcIssuer
) -> None:
    clients = [{"id": PUBLIC, "grant_types": [DEVICE_GRANT]}]
    backend.pages["/credentials/oidc"] = {"providers": [oidc_issuer.provider(default_clients=clients)]}
    login = DeviceCode(lambda url, code: None, sleep=lambda seconds: None)
    assert claims(login.token(client, discovery))["sub"] == "ana"


@pytest.fixture
def refresh_token(oidc_issuer: OidcIssuer) -> str:
    token: str = oidc_issuer._tokens("ana", PUBLIC)["refresh_token"]
    return token


def test_a_refresh_token(client: httpx.Client, discovery: Discovery, refresh_token: str) -> None:
    login = RefreshToken(refresh_token)
    token = login.token(client, discovery)
    assert claims(token)["sub"] == "ana"
    assert login.renewed(client, discovery) != token
    assert login.value == refresh_token


def test_a_refresh_token_that_is_replaced(
    client: httpx.Client, discovery: Discovery, oidc_issuer: OidcIssuer, refresh_token: str
) -> None:
    oidc_issuer.refresh_once = True
    kept: list[str] = []
    login = RefreshToken(refresh_token, keep=kept.append)
    login.token(client, discovery)
    login.renewed(client, discovery)
    assert len({refresh_token, *kept}) == 3
    assert login.value == kept[-1]


def test_a_refresh_token_that_is_refused(client: httpx.Client, discovery: Discovery) -> None:
    with pytest.raises(LoginError, match="invalid_grant") as refusal:
        RefreshToken("oldsecret").token(client, discovery)
    assert "oldsecret" not in str(refusal.value)


@pytest.mark.parametrize("provider", [None, "river"])
def test_the_first_provider_is_the_default(
    client: httpx.Client, discovery: Discovery, provider: str | None
) -> None:
    assert ClientCredentials(MACHINE, provider).token(client, discovery).startswith("oidc/river/")


@pytest.mark.parametrize(
    ("page", "provider", "message"),
    [
        ({}, "sea", "there is no OpenID Connect provider 'sea'; the back-end has river, lake"),
        ({}, "lake", "127.0.0.1:9/lake/.well-known/openid-configuration cannot be reached"),
        (404, None, "no login by OpenID Connect"),
        ({"providers": []}, None, "lists no OpenID Connect provider"),
        ({"providers": [{"id": 3}, "nonsense"]}, None, "lists no OpenID Connect provider"),
        (503, None, "lists no OpenID Connect provider"),
    ],
)
def test_providers_that_are_not_there(
    client: httpx.Client,
    backend: LoopbackSite,
    discovery: Discovery,
    page: Any,
    provider: str | None,
    message: str,
) -> None:
    if page:
        backend.pages["/credentials/oidc"] = page
    with pytest.raises(LoginError, match=message):
        ClientCredentials(MACHINE, provider).token(client, discovery)


def test_an_issuer_that_is_broken(
    client: httpx.Client, discovery: Discovery, oidc_issuer: OidcIssuer
) -> None:
    oidc_issuer.broken = True
    with pytest.raises(LoginError, match="does not describe itself"):
        ClientCredentials(MACHINE).token(client, discovery)


def test_an_issuer_without_device_codes(
    client: httpx.Client, discovery: Discovery, oidc_issuer: OidcIssuer
) -> None:
    oidc_issuer.metadata["device_authorization_endpoint"] = None
    with pytest.raises(LoginError, match="has no device_authorization_endpoint"):
        DeviceCode(lambda url, code: None).token(client, discovery)


def test_secrets_do_not_leave_a_secure_back_end_insecurely(
    client: httpx.Client, discovery: Discovery
) -> None:
    from connexeo.tools.conformance import oidc

    listed = [{"id": "river", "issuer": "http://login.example"}]
    secure = Discovery(
        "https://a.example", "https://a.example", "1.2.0", discovery.capabilities, None, None, (), ()
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oidc, "list_providers", lambda client, discovery: listed)
        with pytest.raises(LoginError, match="is not secure"):
            ClientCredentials(MACHINE).token(client, secure)


def test_our_own_server_takes_the_token(client: httpx.Client, demo_server: Server) -> None:
    discovery = discover(client, demo_server.url)
    token = Basic("demo", "demo").token(client, discovery)
    me = client.get(f"{discovery.url}/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["user_id"] == "demo"
    with pytest.raises(LoginError, match="user name or password is wrong"):
        Basic("demo", "wrong").token(client, discovery)
