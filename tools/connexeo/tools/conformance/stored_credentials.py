"""What the openEO Python client has stored on this computer: passwords, OpenID Connect clients, refresh tokens.

Its files are read as they are; only a refresh token that the provider replaces is written back, because the old one
is worthless then.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from connexeo.tools.conformance.discovery import Discovery
from connexeo.tools.conformance.login import Basic, Login, LoginError
from connexeo.tools.conformance.oidc import ClientCredentials, OidcClient, RefreshToken, list_providers

CONFIG = "auth-config.json"
REFRESH_TOKENS = "refresh-tokens.json"

_APP = "openeo-python-client"


@dataclass(slots=True)
class Stored:
    """Whatever the Python client has for the back-end: refresh token first, then password, then client secret."""

    provider: str | None = None
    """Identifier of the OpenID Connect provider; None: any."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    _login: Login | None = field(default=None, init=False, repr=False)

    def token(self, client: httpx.Client, discovery: Discovery) -> str:
        """Log in with what is stored.

        Raises:
            LoginError: when there is nothing, or the files are open to others.
        """
        self._login = stored_login(client, discovery, self.provider, self.environment)
        return self._login.token(client, discovery)

    def renewed(self, client: httpx.Client, discovery: Discovery) -> str | None:
        """As the login that was found does it."""
        return self._login.renewed(client, discovery) if self._login else None


def stored_login(
    client: httpx.Client, discovery: Discovery, provider: str | None, environment: Mapping[str, str]
) -> Login:
    """How to log in with what the Python client has stored for a back-end.

    Raises:
        LoginError: when there is nothing, or the files are open to others.
    """
    config = _backend(_read(config_folder(environment) / CONFIG), discovery)
    tokens_file = data_folder(environment) / REFRESH_TOKENS
    tokens = _read(tokens_file)
    clients = _child(config, "oidc", "providers")
    providers = _providers(client, discovery, provider) if tokens or clients else []
    for listed in providers:
        issuer = listed["issuer"].rstrip("/")
        own = _child(clients, listed["id"])
        for identifier in _client_ids(own, listed, _child(tokens, issuer)):
            value = _child(tokens, issuer, identifier).get("refresh_token")
            if isinstance(value, str):
                secret = own.get("client_secret") if own.get("client_id") == identifier else None
                keep = _Keep(tokens_file, issuer, identifier)
                return RefreshToken(value, OidcClient(identifier, secret), listed["id"], keep)
    basic = _child(config, "basic")
    if provider is None and basic.get("username") and basic.get("password"):
        return Basic(str(basic["username"]), str(basic["password"]))
    for listed in providers:
        own = _child(clients, listed["id"])
        if own.get("client_id") and own.get("client_secret"):
            return ClientCredentials(OidcClient(own["client_id"], own["client_secret"]), listed["id"])
    raise LoginError(
        f"the openEO Python client has stored nothing for {discovery.entry}: log in with it first "
        "(openeo-auth oidc-auth), or give another way to log in"
    )


def config_folder(environment: Mapping[str, str]) -> Path:
    """Where the client keeps passwords and clients."""
    return _folder(environment, "XDG_CONFIG_HOME", "APPDATA", "~/.config", "~/Library/Preferences")


def data_folder(environment: Mapping[str, str]) -> Path:
    """Where the client keeps refresh tokens."""
    return _folder(environment, "XDG_DATA_HOME", "APPDATA", "~/.local/share", "~/Library")


def _folder(environment: Mapping[str, str], xdg: str, windows: str, home: str, mac: str) -> Path:
    """The first of the client's folders that is there, as it looks for them itself."""
    if sys.platform == "win32":
        roots = [environment.get(windows), r"~\AppData\Roaming", home]
    elif sys.platform == "darwin":
        roots = [environment.get(xdg), mac, home]
    else:
        roots = [environment.get(xdg), home]
    folders = [Path(root).expanduser() / _APP for root in roots if root]
    if environment.get("OPENEO_CONFIG_HOME"):
        folders.insert(0, Path(environment["OPENEO_CONFIG_HOME"]))
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def _read(path: Path) -> dict[str, Any]:
    """A file of the client; it is refused when others could read it, as by the client itself."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LoginError(
            f"{path.name} of the openEO Python client cannot be read: {error.strerror}"
        ) from error
    if sys.platform != "win32" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise LoginError(f"others could read {path}: make it private (chmod 600), and log in anew")
    try:
        content = json.loads(text)
    except ValueError as error:
        # Without the error's own words, which may quote the file.
        raise LoginError(f"{path} is not JSON") from error
    return content if isinstance(content, dict) else {}


def _backend(config: Mapping[str, Any], discovery: Discovery) -> dict[str, Any]:
    """What belongs to the back-end, under any of the URLs that it has."""
    urls = [discovery.entry, discovery.url, *(each.url for each in discovery.versions)]
    if discovery.well_known_url:
        urls.append(discovery.well_known_url.partition("/.well-known/")[0])
    known = {str(url).rstrip("/"): value for url, value in _child(config, "backends").items()}
    for url in urls:
        # The client adds the scheme that its users leave out.
        for form in (url.rstrip("/"), f"https://{url.rstrip('/')}"):
            if isinstance(known.get(form), dict):
                return dict(known[form])
    return {}


def _providers(client: httpx.Client, discovery: Discovery, wanted: str | None) -> list[dict[str, Any]]:
    try:
        listed = list_providers(client, discovery)
    except LoginError:
        # There may be a password all the same.
        return []
    return [each for each in listed if wanted in {None, each["id"]}]


def _client_ids(
    own: Mapping[str, Any], listed: Mapping[str, Any], tokens: Mapping[str, Any]
) -> Iterator[str]:
    """Clients that a refresh token may be for: the configured one, the default ones, any other."""
    defaults = listed.get("default_clients")
    default_ids = [each.get("id") for each in (defaults or ()) if isinstance(each, dict)]
    for identifier in dict.fromkeys([own.get("client_id"), *default_ids, *tokens]):
        if isinstance(identifier, str):
            yield identifier


def _child(value: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class _Keep:
    """Replaces a refresh token in the file that it came from."""

    path: Path
    issuer: str
    client: str

    def __call__(self, value: str) -> None:
        content = _read(self.path)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        content.setdefault(self.issuer, {})[self.client] = {"date": now, "refresh_token": value}
        # Private from the beginning, and complete or not there at all.
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=2)
            Path(name).replace(self.path)
        except OSError as error:
            with suppress(OSError):
                Path(name).unlink()
            raise LoginError(
                f"the new refresh token cannot be stored in {self.path.name}: {error.strerror}"
            ) from error
