from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from openeo.rest.auth.config import AuthConfig, RefreshTokenStore

from connexeo.tools.conformance.discovery import Discovery, discover
from connexeo.tools.conformance.login import LoginError
from connexeo.tools.conformance.stored_credentials import Stored, config_folder, data_folder
from loopback_site import LoopbackSite
from oidc_issuer import PUBLIC, OidcIssuer


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


@pytest.fixture
def backend(oidc_issuer: OidcIssuer) -> Iterator[LoopbackSite]:
    site = LoopbackSite()
    site.pages |= {
        "/.well-known/openeo": {"versions": [{"url": f"{site.url}/v12", "api_version": "1.2.0"}]},
        "/v12": {"api_version": "1.2.0", "endpoints": [], "links": []},
        "/v12/credentials/oidc": {"providers": [oidc_issuer.provider()]},
        "/v12/credentials/basic": {"access_token": "abc"},
    }
    yield site
    site.close()


@pytest.fixture
def discovery(client: httpx.Client, backend: LoopbackSite) -> Discovery:
    return discover(client, backend.host)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Where the Python client keeps its files, which it writes itself here."""
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
    monkeypatch.delenv("OPENEO_CONFIG_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


def refresh_token(issuer: OidcIssuer, client: str = PUBLIC) -> str:
    token: str = issuer._tokens("ana", client)["refresh_token"]
    return token


@pytest.mark.parametrize("url", ["{host}", "https://{host}", "{url}", "{url}/", "{url}/v12"])
def test_a_password_is_found_by_any_url_of_the_back_end(
    client: httpx.Client, backend: LoopbackSite, discovery: Discovery, environment: dict[str, str], url: str
) -> None:
    AuthConfig().set_basic_auth(url.format(host=backend.host, url=backend.url), "ana", "secret")
    login = Stored(environment=environment)
    assert login.token(client, discovery) == "basic//abc"
    assert login.renewed(client, discovery) == "basic//abc"


def test_a_refresh_token_of_the_default_client(
    client: httpx.Client, discovery: Discovery, environment: dict[str, str], oidc_issuer: OidcIssuer
) -> None:
    RefreshTokenStore().set_refresh_token(f"{oidc_issuer.url}/", PUBLIC, refresh_token(oidc_issuer))
    login = Stored(environment=environment)
    assert login.token(client, discovery).startswith("oidc/river/")
    assert Stored("river", environment).token(client, discovery).startswith("oidc/river/")
    with pytest.raises(LoginError, match="has stored nothing"):
        Stored("lake", environment).token(client, discovery)


def test_a_refresh_token_of_a_client_of_ones_own(
    client: httpx.Client,
    backend: LoopbackSite,
    discovery: Discovery,
    environment: dict[str, str],
    oidc_issuer: OidcIssuer,
) -> None:
    oidc_issuer.clients["own"] = "verysecret"
    AuthConfig().set_oidc_client_config(backend.url, "river", "own", "verysecret", oidc_issuer.url)
    RefreshTokenStore().set_refresh_token(oidc_issuer.url, "own", refresh_token(oidc_issuer, "own"))
    assert Stored(environment=environment).token(client, discovery).startswith("oidc/river/")


def test_a_client_that_is_its_own_user(
    client: httpx.Client,
    backend: LoopbackSite,
    discovery: Discovery,
    environment: dict[str, str],
    oidc_issuer: OidcIssuer,
) -> None:
    oidc_issuer.clients["own"] = "verysecret"
    AuthConfig().set_oidc_client_config(backend.url, "river", "own", "verysecret", oidc_issuer.url)
    assert Stored(environment=environment).token(client, discovery).startswith("oidc/river/")


def test_a_refresh_token_that_is_replaced_is_stored_privately(
    client: httpx.Client, discovery: Discovery, environment: dict[str, str], oidc_issuer: OidcIssuer
) -> None:
    oidc_issuer.refresh_once = True
    first = refresh_token(oidc_issuer)
    store = RefreshTokenStore()
    store.set_refresh_token("https://other.example", "c", "kept")
    store.set_refresh_token(oidc_issuer.url, PUBLIC, first)
    Stored(environment=environment).token(client, discovery)
    second = store.get_refresh_token(oidc_issuer.url, PUBLIC)
    assert second not in {None, first}
    assert store.get_refresh_token("https://other.example", "c") == "kept"
    assert store.path.stat().st_mode & 0o077 == 0
    assert [each.name for each in store.path.parent.iterdir()] == [store.path.name]
    # The next run logs in with it.
    assert Stored(environment=environment).token(client, discovery).startswith("oidc/river/")


def test_files_that_others_can_read_are_refused(
    client: httpx.Client, backend: LoopbackSite, discovery: Discovery, environment: dict[str, str]
) -> None:
    config = AuthConfig()
    config.set_basic_auth(backend.url, "ana", "verysecret")
    config.path.chmod(0o640)
    with pytest.raises(LoginError, match=r"others could read .*chmod 600") as refusal:
        Stored(environment=environment).token(client, discovery)
    assert "verysecret" not in str(refusal.value)


@pytest.mark.parametrize(
    "content", ['{"backends": "verysecret', "[]", '{"backends": [1]}', '{"backends": {"x": 1}}']
)
def test_files_that_hold_something_else_do_no_harm(
    client: httpx.Client, discovery: Discovery, environment: dict[str, str], content: str
) -> None:
    path = AuthConfig().path
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(LoginError) as refusal:
        Stored(environment=environment).token(client, discovery)
    assert "verysecret" not in str(refusal.value)


def test_nothing_is_stored(client: httpx.Client, discovery: Discovery, environment: dict[str, str]) -> None:
    login = Stored(environment=environment)
    with pytest.raises(LoginError, match=r"has stored nothing .*openeo-auth"):
        login.token(client, discovery)
    assert login.renewed(client, discovery) is None


@pytest.mark.parametrize("home", [True, False])
def test_folders_are_those_of_the_client(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: bool
) -> None:
    given = dict(environment)
    if home:
        given["OPENEO_CONFIG_HOME"] = str(tmp_path / "elsewhere")
        monkeypatch.setenv("OPENEO_CONFIG_HOME", given["OPENEO_CONFIG_HOME"])
    assert AuthConfig().path.parent == config_folder(given)
    assert RefreshTokenStore().path.parent == data_folder(given)
