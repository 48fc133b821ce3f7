"""Which way to log in: by options, by environment, or with what the openEO Python client has stored.

Options win over the environment. Its variables, each with the name of an option:

- ``CONNEXEO_CONFORMANCE_BASIC``: user name and password, ``user:password``
- ``CONNEXEO_CONFORMANCE_TOKEN``: a whole bearer token, such as ``basic//abc``
- ``CONNEXEO_CONFORMANCE_AUTH``: the way, one of ``METHODS``, where the others do not tell
- ``CONNEXEO_CONFORMANCE_PROVIDER``: identifier of the OpenID Connect provider
- ``CONNEXEO_CONFORMANCE_CLIENT_ID`` and ``CONNEXEO_CONFORMANCE_CLIENT_SECRET``
- ``CONNEXEO_CONFORMANCE_REFRESH_TOKEN``

The second account has the same ones, as ``CONNEXEO_CONFORMANCE_SECOND_BASIC`` and so on. For the first account the
variables of the Python client are read when ``OPENEO_AUTH_METHOD`` is set: ``OPENEO_AUTH_CLIENT_ID``,
``OPENEO_AUTH_CLIENT_SECRET``, ``OPENEO_AUTH_PROVIDER_ID``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from connexeo.tools.conformance.login import Basic, Bearer, Login, LoginError
from connexeo.tools.conformance.oidc import ClientCredentials, DeviceCode, OidcClient, RefreshToken, Show
from connexeo.tools.conformance.stored_credentials import Stored

__all__ = [
    "METHODS",
    "Basic",
    "Bearer",
    "ClientCredentials",
    "DeviceCode",
    "Login",
    "LoginError",
    "LoginOptions",
    "OidcClient",
    "RefreshToken",
    "Stored",
    "login_from",
]

PREFIX = "CONNEXEO_CONFORMANCE_"
SECOND_PREFIX = f"{PREFIX}SECOND_"

METHODS = ("none", "basic", "bearer", "client_credentials", "device_code", "refresh_token", "stored")
"""Ways to log in, as ``auth`` names them."""

_PYTHON_CLIENT = {
    "auth": "OPENEO_AUTH_METHOD",
    "client_id": "OPENEO_AUTH_CLIENT_ID",
    "client_secret": "OPENEO_AUTH_CLIENT_SECRET",
    "provider": "OPENEO_AUTH_PROVIDER_ID",
}


@dataclass(frozen=True, slots=True)
class LoginOptions:
    """How somebody wants to be logged in; all None: not at all, unless the environment says more."""

    auth: str | None = None
    """One of ``METHODS``; None: what the others tell."""
    basic: str | None = field(default=None, repr=False)
    """``user:password``."""
    token: str | None = field(default=None, repr=False)
    """Whole bearer token."""
    provider: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)

    @property
    def method(self) -> str | None:
        """The way that these options tell, None when they tell none."""
        if self.auth is not None:
            return self.auth.strip().lower().replace("-", "_")
        if self.token is not None:
            return "bearer"
        if self.basic is not None:
            return "basic"
        if self.refresh_token is not None:
            return "refresh_token"
        if self.client_id is not None and self.client_secret is not None:
            return "client_credentials"
        return None


def login_from(
    options: LoginOptions | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    second: bool = False,
    show: Show | None = None,
) -> Login | None:
    """The way to log in; None when nobody is to be logged in.

    Args:
        options: as given; what is None there is taken from the environment.
        environment: by default that of the process.
        second: whether it is the second account.
        show: tells somebody which page to open and which code to enter; without, device codes are refused.

    Raises:
        LoginError: when something is missing that the way needs.
    """
    environment = os.environ if environment is None else environment
    chosen = _completed(options or LoginOptions(), environment, second)
    method = chosen.method
    if method in {None, "none"}:
        return None
    if method not in METHODS:
        raise LoginError(f"'{method}' is no way to log in; there are {', '.join(METHODS)}")
    if method == "basic":
        username, colon, password = _needed(chosen, "basic").partition(":")
        if not colon or not username:
            raise LoginError("user name and password are written with a colon between them: user:password")
        return Basic(username, password)
    if method == "bearer":
        return Bearer(_needed(chosen, "token").removeprefix("Bearer ").strip())
    if method == "stored":
        return Stored(chosen.provider, environment)
    return _oidc(method or "", chosen, show)


def _oidc(method: str, chosen: LoginOptions, show: Show | None) -> Login:
    client = OidcClient(chosen.client_id, chosen.client_secret) if chosen.client_id else None
    if method == "refresh_token":
        return RefreshToken(_needed(chosen, "refresh_token"), client, chosen.provider)
    if method == "client_credentials":
        own = OidcClient(_needed(chosen, "client_id"), _needed(chosen, "client_secret"))
        return ClientCredentials(own, chosen.provider)
    if show is None:
        raise LoginError("a device code needs somebody to confirm it; choose another way to log in")
    return DeviceCode(show, client, chosen.provider)


def _completed(options: LoginOptions, environment: Mapping[str, str], second: bool) -> LoginOptions:
    """With what the environment adds; it does not change the way that the options tell."""
    prefix = SECOND_PREFIX if second else PREFIX
    given = _given(options)
    added = _from_environment({name: f"{prefix}{name.upper()}" for name in _names()}, environment)
    if not second and options.method is None and LoginOptions(**added).method is None:
        client = _from_environment(_PYTHON_CLIENT, environment)
        added = client | added if client.get("auth") else added
    way = options.method or LoginOptions(**added).method
    return LoginOptions(**(added | given | ({"auth": way} if way else {})))


def _names() -> list[str]:
    return [each.name for each in fields(LoginOptions)]


def _given(options: LoginOptions) -> dict[str, str]:
    return {name: value for name in _names() if (value := getattr(options, name)) is not None}


def _from_environment(variables: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[variable] for name, variable in variables.items() if environment.get(variable)}


def _needed(options: LoginOptions, name: str) -> str:
    value = getattr(options, name)
    if not value:
        raise LoginError(
            f"logging in by {options.method} needs --{name.replace('_', '-')}, or {PREFIX}{name.upper()}"
        )
    return str(value)
