"""Logging in with OpenID Connect, from a settings file to the user's account."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from openeo.rest.auth.oidc import OidcException
from openeo.rest.connection import Connection, connect

if TYPE_CHECKING:
    from oidc_issuer import OidcIssuer

GROUP = "urn:mace:egi.eu:group:vo.lake.example:role="
ANA = {"user_id": "river~ana", "name": "Ana Lind", "email": "ana@river.example"}


@pytest.fixture(scope="module")
def issuer(start_oidc_issuer: Callable[..., OidcIssuer]) -> OidcIssuer:
    return start_oidc_issuer()


@pytest.fixture(scope="module")
def lake(start_oidc_issuer: Callable[..., OidcIssuer]) -> OidcIssuer:
    """An issuer of which only some users are let in."""
    return start_oidc_issuer()


@pytest.fixture(scope="module")
def server(
    issuer: OidcIssuer, lake: OidcIssuer, start_server: Callable[..., Any], tmp_path_factory: Any
) -> Any:
    config: Path = tmp_path_factory.mktemp("oidc") / "connexeo.toml"
    member = {"member": f"{GROUP}member#*"}
    narrow = lake.provider(
        "lake",
        title="Lake ID",
        roles_claim="eduperson_entitlement",
        role_values=member,
        required_roles=["member"],
    )
    quota = {"name": "member", "storage_quota": 4321}
    config.write_text(
        f"title = 'Our river'\noidc = [{toml(issuer.provider())}, {toml(narrow)}]\nroles = [{toml(quota)}]\n"
    )
    return start_server("--config", str(config))


def toml(value: Any) -> str:
    """A value as TOML has it in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@pytest.fixture
def connection(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    # The client keeps refresh tokens and settings in the user's home.
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "OPENEO_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return connect(server.url)


@pytest.fixture
def http(server: Any) -> Iterator[httpx.Client]:
    """One connection, so requests to one worker."""
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


def me(client: httpx.Client, token: str) -> httpx.Response:
    return client.get("/me", headers={"Authorization": f"Bearer {token}"})


def test_settings_file_is_in_force(http: httpx.Client, issuer: OidcIssuer) -> None:
    assert http.get("/").json()["title"] == "Our river"
    providers = http.get("/credentials/oidc").json()["providers"]
    assert [provider["id"] for provider in providers] == ["river", "lake"]
    assert providers[0]["issuer"] == issuer.url
    assert providers[0]["default_clients"][0]["id"] == "river-public"
    known = {"id", "issuer", "title", "scopes", "default_clients"}
    assert [set(provider) for provider in providers] == [known, known]


def test_client_credentials(connection: Connection, issued: list[str]) -> None:
    connection.authenticate_oidc_client_credentials(
        client_id="robot", client_secret="of its own", provider_id="river"
    )
    issued += ["of its own", str(cast(Any, connection.auth).bearer).rsplit("/", 1)[-1]]
    account = connection.describe_account()
    assert account["user_id"] == "river~robot"
    assert account["info"]["provider"] == "river"


def test_device_flow_with_the_default_client(connection: Connection, issuer: OidcIssuer) -> None:
    """The default client's grant asks for PKCE, which the issuer checks."""
    polls = issuer.hits["/token"]
    connection.authenticate_oidc_device(provider_id="river", max_poll_time=20, store_refresh_token=False)
    assert issuer.hits["/token"] > polls
    account = connection.describe_account()
    assert {key: account.get(key) for key in ANA} == ANA
    assert "load_collection" in {process["id"] for process in connection.list_processes()}


def test_client_with_a_wrong_secret(connection: Connection, issuer: OidcIssuer) -> None:
    issuer.clients["guarded"] = "the right one"
    with pytest.raises(OidcException, match="invalid_client"):
        connection.authenticate_oidc_client_credentials(
            client_id="guarded", client_secret="another", provider_id="river"
        )


def address(text: str) -> str:
    """The URL that the client shows to the user."""
    found = re.search(r"http[^\s\"'<]+", text)
    assert found is not None, text
    return found[0]


def test_device_flow_waits_for_the_user(
    connection: Connection, issuer: OidcIssuer, wait_until: Callable[..., None]
) -> None:
    shown: list[str] = []
    issuer.approve = False
    polls = issuer.hits["/token"]

    def approve() -> None:
        wait_until(lambda: issuer.hits["/token"] > polls and shown, "the client does not poll")
        httpx.get(address(shown[0])).raise_for_status()

    thread = threading.Thread(target=approve)
    thread.start()
    try:
        connection.authenticate_oidc_device(
            provider_id="river", max_poll_time=30, store_refresh_token=False, display=shown.append
        )
    finally:
        issuer.approve = True
        thread.join()
    assert issuer.hits["/token"] >= polls + 2
    assert connection.describe_account()["user_id"] == "river~ana"


def test_device_flow_that_is_denied(connection: Connection, issuer: OidcIssuer) -> None:
    issuer.approve = False

    def deny(text: str) -> None:
        if "/activate" in text:
            httpx.get(f"{address(text)}&deny=1").raise_for_status()

    try:
        with pytest.raises(OidcException, match="access_denied"):
            connection.authenticate_oidc_device(
                provider_id="river", max_poll_time=30, store_refresh_token=False, display=deny
            )
    finally:
        issuer.approve = True


def test_an_expired_token_is_refreshed_by_the_client(
    connection: Connection, server: Any, issuer: OidcIssuer, expect_error: Callable[..., str]
) -> None:
    """The client gets tokens that have expired already, until the issuer gives out others."""
    issuer.lifetime = -3600
    try:
        connection.authenticate_oidc_device(provider_id="river", max_poll_time=20, store_refresh_token=True)
        expired = cast(Any, connection.auth).bearer
        with httpx.Client(base_url=server.url) as http:
            expect_error(me(http, expired), server, 403, "TokenInvalid")
    finally:
        issuer.lifetime = 300
    assert connection.describe_account()["user_id"] == "river~ana"
    assert cast(Any, connection.auth).bearer != expired
    # The refresh token was kept for the next session too.
    again = connect(server.url)
    again.authenticate_oidc_refresh_token(provider_id="river")
    assert again.describe_account()["user_id"] == "river~ana"


def test_entitlements_decide_who_is_let_in(
    http: httpx.Client, server: Any, lake: OidcIssuer, expect_error: Callable[..., str]
) -> None:
    def as_(subject: str, *groups: str) -> httpx.Response:
        return me(http, f"oidc/lake/{lake.jwt(subject, eduperson_entitlement=list(groups))}")

    account = as_("ana", f"{GROUP}member#aai.egi.eu", f"{GROUP}owner#aai.egi.eu")
    assert account.status_code == 200, account.text
    assert (account.json()["user_id"], account.json()["info"]["roles"]) == ("lake~ana", ["member"])
    assert account.json()["storage"] == {"free": 4321, "quota": 4321}
    for groups in ((), (f"{GROUP}owner#aai.egi.eu",)):
        expect_error(as_("ben", *groups), server, 403, "PermissionsInsufficient", "Lake ID")


def test_a_token_of_one_provider_is_none_of_another(
    http: httpx.Client, server: Any, issuer: OidcIssuer, lake: OidcIssuer, expect_error: Callable[..., str]
) -> None:
    entitled: dict[str, Any] = {"eduperson_entitlement": [f"{GROUP}member#aai.egi.eu"]}
    for bearer in (f"oidc/lake/{issuer.jwt(**entitled)}", f"oidc/river/{lake.jwt(**entitled)}"):
        expect_error(me(http, bearer), server, 403, "TokenInvalid")
    # The same subject of both is two users.
    assert me(http, issuer.jwt("ana")).json()["user_id"] == "river~ana"
    assert me(http, lake.jwt("ana", **entitled)).json()["user_id"] == "lake~ana"


def test_a_disabled_user_is_cut_off_within_seconds(
    http: httpx.Client,
    server: Any,
    issuer: OidcIssuer,
    run_command: Callable[..., Any],
    expect_error: Callable[..., str],
    wait_until: Callable[..., None],
) -> None:
    tokens = [issuer.jwt("eve"), issuer.opaque("eve")]
    bearers = [f"oidc/river/{token}" for token in tokens]
    assert [me(http, bearer).status_code for bearer in bearers] == [200, 200]
    assert run_command("users", "disable", "river~eve", data=server.data).returncode == 0
    for bearer in bearers:
        wait_until(lambda bearer=bearer: me(http, bearer).status_code == 403, "the user is not cut off")
        expect_error(me(http, bearer), server, 403, "PermissionsInsufficient")
    assert run_command("users", "enable", "river~eve", data=server.data).returncode == 0
    wait_until(lambda: me(http, bearers[0]).status_code == 200, "the user is not let in again")


def test_token_with_and_without_prefix(http: httpx.Client, issuer: OidcIssuer, issued: list[str]) -> None:
    token = issuer.jwt("ben", name="Ben Moor")
    issued.append(token)
    for bearer in (f"oidc/river/{token}", token):
        account = me(http, bearer)
        assert account.status_code == 200, account.text
        assert (account.json()["user_id"], account.json()["name"]) == ("river~ben", "Ben Moor")


def test_opaque_token(http: httpx.Client, issuer: OidcIssuer, issued: list[str]) -> None:
    issued.append(issuer.opaque())
    account = me(http, f"oidc/river/{issued[-1]}").json()
    assert {key: account.get(key) for key in ANA} == ANA


def test_tokens_that_are_refused(
    http: httpx.Client,
    server: Any,
    issuer: OidcIssuer,
    start_oidc_issuer: Callable[..., OidcIssuer],
    expect_error: Callable[..., str],
) -> None:
    now = int(time.time())
    stranger = start_oidc_issuer()
    forged = stranger.jwt(iss=issuer.url)
    tokens = {
        "expired": issuer.jwt(exp=now - 3600),
        "not yet valid": issuer.jwt(nbf=now + 3600),
        "without an end": issuer.jwt(exp=None),
        "without a subject": issuer.jwt(sub=None),
        "of another issuer": stranger.jwt(),
        "signed by another issuer": forged,
        "unsigned": forged.rpartition(".")[0] + ".",
        "ID token": issuer.jwt(at_hash="x"),
        "opaque, not known": "x" * 24,
    }
    for name, token in tokens.items():
        for bearer in (f"oidc/river/{token}", token):
            answer = me(http, bearer)
            assert answer.status_code == 403, name
            expect_error(answer, server, 403, "TokenInvalid")
    expect_error(me(http, f"oidc/sea/{issuer.jwt()}"), server, 403, "TokenInvalid")
    expect_error(me(http, f"basic//{issuer.jwt()}"), server, 403, "TokenInvalid")


def test_no_basic_accounts_by_default(
    http: httpx.Client, server: Any, expect_error: Callable[..., str]
) -> None:
    answer = http.get("/credentials/basic", auth=("demo", "demo"))
    expect_error(answer, server, 403, "CredentialsInvalid")


def test_keys_are_rotated_while_the_server_runs(
    server: Any, issuer: OidcIssuer, expect_error: Callable[..., str], wait_until: Callable[..., None]
) -> None:
    old = issuer.jwt("cleo")
    with httpx.Client(base_url=server.url) as http:
        assert me(http, old).status_code == 200
    issuer.rotate_keys()
    new = issuer.jwt("cleo")

    def rotated(http: httpx.Client) -> bool:
        return (me(http, new).status_code, me(http, old).status_code) == (200, 403)

    # On one connection, so by one worker: it fetches the keys because of the new token.
    for _ in range(10):
        with httpx.Client(base_url=server.url) as http:
            wait_until(lambda http=http: rotated(http), "a worker does not learn about the new key")
            assert me(http, new).json()["user_id"] == "river~cleo"
            expect_error(me(http, old), server, 403, "TokenInvalid")


def test_tokens_of_the_old_key_stay_good_while_it_is_published(
    server: Any, issuer: OidcIssuer, wait_until: Callable[..., None]
) -> None:
    old = issuer.jwt("cleo")
    issuer.rotate_keys(keep=True)
    new = issuer.jwt("cleo")

    def both() -> bool:
        with httpx.Client(base_url=server.url) as http:
            return [me(http, token).status_code for token in (new, old)] == [200, 200]

    for _ in range(10):
        wait_until(both, "one of the two keys is not accepted")


def test_issuer_that_is_down(
    http: httpx.Client,
    server: Any,
    issuer: OidcIssuer,
    expect_error: Callable[..., str],
    wait_until: Callable[..., None],
) -> None:
    # The worker at the other end of this connection may still know the keys of another test.
    wait_until(lambda: me(http, issuer.jwt("cleo")).status_code == 200, "the key is not accepted")
    issuer.broken = True
    try:
        assert me(http, issuer.jwt("dora")).json()["user_id"] == "river~dora"
        answer = me(http, f"oidc/river/{issuer.opaque()}")
        expect_error(answer, server, 503, "InfrastructureBusy", "'river' is not available")
        assert int(answer.headers["retry-after"]) > 0
        assert http.get("/ready").status_code == 200
    finally:
        issuer.broken = False
