import os
import re
from pathlib import Path

import pytest

from connexeo.tools.conformance.authentication import (
    Basic,
    Bearer,
    ClientCredentials,
    DeviceCode,
    Login,
    LoginError,
    LoginOptions,
    OidcClient,
    RefreshToken,
    Stored,
    login_from,
)

OURS = "CONNEXEO_CONFORMANCE_"


def show(url: str, code: str) -> None:
    """Nobody is there."""


@pytest.mark.parametrize(
    ("options", "login"),
    [
        (LoginOptions(), None),
        (LoginOptions(auth="none", basic="ana:secret"), None),
        (LoginOptions(basic="ana:se:cret"), Basic("ana", "se:cret")),
        (LoginOptions(token="oidc/river/abc"), Bearer("oidc/river/abc")),
        (LoginOptions(token="Bearer basic//abc"), Bearer("basic//abc")),
        (LoginOptions(refresh_token="r"), RefreshToken("r")),
        (
            LoginOptions(refresh_token="r", client_id="c", provider="river"),
            RefreshToken("r", OidcClient("c"), "river"),
        ),
        (
            LoginOptions(client_id="c", client_secret="s"),
            ClientCredentials(OidcClient("c", "s")),
        ),
    ],
)
def test_options_tell_the_way(options: LoginOptions, login: Login | None) -> None:
    found = login_from(options, {})
    assert type(found) is type(login)
    for name in ("username", "password", "value", "client", "provider"):
        assert getattr(found, name, None) == getattr(login, name, None)


def test_device_codes_and_stored_credentials_are_asked_for_by_name() -> None:
    device = login_from(LoginOptions(auth="device-code", client_id="c", provider="river"), {}, show=show)
    assert isinstance(device, DeviceCode)
    assert (device.client, device.provider) == (OidcClient("c"), "river")
    stored = login_from(LoginOptions(auth="stored", provider="river"), {})
    assert isinstance(stored, Stored)
    assert stored.provider == "river"


def test_the_environment_tells_what_options_leave_out() -> None:
    environment = {f"{OURS}BASIC": "ana:secret"}
    assert login_from(None, environment) == Basic("ana", "secret")
    assert login_from(LoginOptions(basic="bo:other"), environment) == Basic("bo", "other")
    # Another way by option: the one of the environment is not taken.
    assert login_from(LoginOptions(token="basic//abc"), environment) == Bearer("basic//abc")
    assert login_from(LoginOptions(auth="none"), environment) is None
    assert login_from(LoginOptions(auth="basic"), environment) == Basic("ana", "secret")


def test_options_and_environment_complete_each_other() -> None:
    environment = {f"{OURS}CLIENT_SECRET": "s", f"{OURS}CLIENT_ID": "c", f"{OURS}PROVIDER": "river"}
    login = login_from(LoginOptions(client_id="d"), environment)
    assert login == ClientCredentials(OidcClient("d", "s"), "river")


def test_the_second_account_has_variables_of_its_own() -> None:
    environment = {
        f"{OURS}BASIC": "ana:secret",
        f"{OURS}SECOND_TOKEN": "basic//abc",
        "OPENEO_AUTH_METHOD": "client_credentials",
        "OPENEO_AUTH_CLIENT_ID": "c",
        "OPENEO_AUTH_CLIENT_SECRET": "s",
    }
    assert login_from(None, environment, second=True) == Bearer("basic//abc")
    del environment[f"{OURS}SECOND_TOKEN"]
    assert login_from(None, environment, second=True) is None


def test_variables_of_the_python_client() -> None:
    environment = {
        "OPENEO_AUTH_METHOD": "client_credentials",
        "OPENEO_AUTH_CLIENT_ID": "c",
        "OPENEO_AUTH_CLIENT_SECRET": "s",
        "OPENEO_AUTH_PROVIDER_ID": "river",
    }
    assert login_from(None, environment) == ClientCredentials(OidcClient("c", "s"), "river")
    # Ours, and options, say more about this run.
    assert login_from(None, environment | {f"{OURS}TOKEN": "basic//abc"}) == Bearer("basic//abc")
    assert login_from(LoginOptions(basic="ana:secret"), environment) == Basic("ana", "secret")
    del environment["OPENEO_AUTH_METHOD"]
    assert login_from(None, environment) is None


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith((OURS, "OPENEO_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv(f"{OURS}TOKEN", "basic//abc")
    assert login_from() == Bearer("basic//abc")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (LoginOptions(auth="magic"), "'magic' is no way to log in; there are none, basic, bearer"),
        (LoginOptions(auth="basic"), "needs --basic, or CONNEXEO_CONFORMANCE_BASIC"),
        (LoginOptions(auth="bearer"), "needs --token"),
        (LoginOptions(auth="refresh_token"), "needs --refresh-token"),
        (LoginOptions(auth="client_credentials", client_id="c"), "needs --client-secret"),
        (LoginOptions(auth="client_credentials"), "needs --client-id"),
        (LoginOptions(auth="device_code"), "needs somebody to confirm it"),
        (LoginOptions(basic="verysecret"), "with a colon between them"),
        (LoginOptions(basic=":verysecret"), "with a colon between them"),
    ],
)
def test_what_is_missing_is_said_without_secrets(options: LoginOptions, message: str) -> None:
    with pytest.raises(LoginError, match=message) as refusal:
        login_from(options, {})
    assert "verysecret" not in str(refusal.value)


def test_nothing_shows_a_secret() -> None:
    secret = "verysecret"
    shown = [
        LoginOptions(basic=secret, token=secret, client_secret=secret, refresh_token=secret),
        Basic("ana", secret),
        Bearer(secret),
        OidcClient("c", secret),
        ClientCredentials(OidcClient("c", secret)),
        RefreshToken(secret, OidcClient("c", secret)),
        DeviceCode(show, OidcClient("c", secret)),
        Stored(environment={"OPENEO_AUTH_CLIENT_SECRET": secret}),
    ]
    assert [each for each in map(repr, shown) if secret in each] == []


def test_every_variable_is_documented() -> None:
    from dataclasses import fields

    from connexeo.tools.conformance import authentication

    text = str(authentication.__doc__)
    names = [f"{OURS}{each.name.upper()}" for each in fields(LoginOptions)]
    assert [name for name in names if f"``{name}``" not in text] == []
    source = Path(authentication.__file__).read_text()
    assert all(f"``{name}``" in text for name in set(re.findall(r"OPENEO_AUTH_\w+", source)))
