"""Logging in by OpenID Connect: client credentials, device code with PKCE, refresh token."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from connexeo.tools.conformance.discovery import Discovery
from connexeo.tools.conformance.login import LoginError, ask, bearer_value

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

Show = Callable[[str, str], None]
"""Tells somebody to open a URL and enter a code there."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider that a back-end lists."""

    id: str
    issuer: str
    scopes: tuple[str, ...]
    default_clients: tuple[tuple[str, frozenset[str]], ...]
    """Identifier and grant types."""
    endpoints: Mapping[str, Any]
    """The issuer's discovery document."""

    def endpoint(self, name: str) -> str:
        """URL of an endpoint.

        Raises:
            LoginError: when the issuer has none.
        """
        value = self.endpoints.get(name)
        if not isinstance(value, str) or not value:
            raise LoginError(f"the OpenID Connect provider '{self.id}' ({self.issuer}) has no {name}")
        return value

    def default_client(self, *grants: str) -> str | None:
        """The first default client that may use one of these grants; better grants come first."""
        return next((id for grant in grants for id, own in self.default_clients if grant in own), None)


@dataclass(frozen=True, slots=True)
class OidcClient:
    """An OpenID Connect client."""

    id: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A client that is its own user, for machines."""

    client: OidcClient
    provider: str | None = None
    """Identifier in ``GET /credentials/oidc``; None: the first."""

    def token(self, client: httpx.Client, discovery: Discovery) -> str:
        """Ask the provider for a token.

        Raises:
            LoginError: when it is refused.
        """
        provider = find_provider(client, discovery, self.provider)
        form = {"grant_type": "client_credentials", "scope": "openid"}
        answer = _granted(client, provider, self.client, form)
        return _bearer(discovery, provider, answer)

    def renewed(self, client: httpx.Client, discovery: Discovery) -> str | None:
        """The same once more."""
        return self.token(client, discovery)


@dataclass(slots=True)
class RefreshToken:
    """A refresh token that somebody has got before."""

    value: str = field(repr=False)
    client: OidcClient | None = None
    """None: the default client that may use refresh tokens."""
    provider: str | None = None
    keep: Callable[[str], None] = field(default=lambda value: None, repr=False)
    """Is told the new refresh token, when the provider replaces it."""

    def token(self, client: httpx.Client, discovery: Discovery) -> str:
        """Exchange it.

        Raises:
            LoginError: when it is refused.
        """
        provider = find_provider(client, discovery, self.provider)
        own = self.client or _default(provider, "refresh_token")
        form = {"grant_type": "refresh_token", "refresh_token": self.value}
        answer = _granted(client, provider, own, form)
        following = answer.get("refresh_token")
        if isinstance(following, str) and following and following != self.value:
            self.value = following
            self.keep(following)
        return _bearer(discovery, provider, answer)

    def renewed(self, client: httpx.Client, discovery: Discovery) -> str | None:
        """The same once more."""
        return self.token(client, discovery)


@dataclass(slots=True)
class DeviceCode:
    """Somebody opens a page in a browser and confirms a code there."""

    show: Show
    client: OidcClient | None = None
    """None: the default client that may use device codes."""
    provider: str | None = None
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    _refresh: RefreshToken | None = field(default=None, init=False, repr=False)

    def token(self, client: httpx.Client, discovery: Discovery) -> str:
        """Ask somebody, and wait until it is confirmed.

        Raises:
            LoginError: when it is refused, or nobody does so in time.
        """
        provider = find_provider(client, discovery, self.provider)
        own = self.client or _default(provider, f"{DEVICE_GRANT}+pkce", DEVICE_GRANT)
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        form = {
            "client_id": own.id,
            "scope": " ".join(dict.fromkeys(["openid", *provider.scopes])),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        url = provider.endpoint("device_authorization_endpoint")
        started = _post(client, provider, url, own, form)
        code = _text(started, "device_code", url)
        page = started.get("verification_uri_complete") or started.get("verification_uri")
        if not isinstance(page, str):
            raise LoginError(f"{url} does not say where to confirm the login")
        self.show(page, str(started.get("user_code", "")))
        form = {"grant_type": DEVICE_GRANT, "device_code": code, "code_verifier": verifier}
        answer = self._wait(client, provider, own, form, started)
        refresh = answer.get("refresh_token")
        if isinstance(refresh, str) and refresh:
            self._refresh = RefreshToken(refresh, own, provider.id)
        return _bearer(discovery, provider, answer)

    def renewed(self, client: httpx.Client, discovery: Discovery) -> str | None:
        """By the refresh token; None when none came with the first token."""
        return self._refresh.token(client, discovery) if self._refresh else None

    def _wait(
        self,
        client: httpx.Client,
        provider: Provider,
        own: OidcClient,
        form: Mapping[str, str],
        started: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        interval = _seconds(started.get("interval"), 5.0)
        left = _seconds(started.get("expires_in"), 300.0)
        while left > 0:
            self.sleep(interval)
            # A second at least, so that an interval of 0 ends as well.
            left -= max(interval, 1.0)
            status, answer = _request(client, provider.endpoint("token_endpoint"), provider, own, form)
            if status == 200:
                return answer
            if answer.get("error") == "slow_down":
                interval += 5
            elif answer.get("error") != "authorization_pending":
                raise _refusal(provider, own, form, status, answer)
        raise LoginError("nobody has confirmed the login in time")


def find_provider(client: httpx.Client, discovery: Discovery, wanted: str | None = None) -> Provider:
    """The provider of this identifier, else the first of the back-end.

    Raises:
        LoginError: when there is none, or its issuer does not describe itself.
    """
    listed = list_providers(client, discovery)
    chosen = next((each for each in listed if wanted in {None, each["id"]}), None)
    if chosen is None:
        there = ", ".join(each["id"] for each in listed)
        raise LoginError(f"there is no OpenID Connect provider '{wanted}'; the back-end has {there}")
    issuer = chosen["issuer"].rstrip("/")
    if discovery.url.startswith("https://") and not issuer.startswith("https://"):
        raise LoginError(f"the issuer {issuer} is not secure: secrets are sent by https only")
    url = f"{issuer}/.well-known/openid-configuration"
    status, endpoints = ask(client, "GET", url, follow_redirects=True)
    if status != 200 or not endpoints:
        raise LoginError(f"the OpenID Connect provider '{chosen['id']}' does not describe itself at {url}")
    return Provider(
        id=chosen["id"],
        issuer=issuer,
        scopes=tuple(_texts(chosen.get("scopes"))),
        default_clients=tuple(_default_clients(chosen.get("default_clients"))),
        endpoints=endpoints,
    )


def list_providers(client: httpx.Client, discovery: Discovery) -> list[dict[str, Any]]:
    """What ``GET /credentials/oidc`` lists, without entries that lack identifier or issuer.

    Raises:
        LoginError: when it lists nothing.
    """
    url = f"{discovery.url}/credentials/oidc"
    status, answer = ask(client, "GET", url)
    if status in {404, 501}:
        raise LoginError(f"the back-end has no login by OpenID Connect (HTTP {status} from {url})")
    entries = answer.get("providers")
    listed = [
        each
        for each in (entries if isinstance(entries, list) else ())
        if isinstance(each, dict) and isinstance(each.get("id"), str) and isinstance(each.get("issuer"), str)
    ]
    if status != 200 or not listed:
        raise LoginError(f"{url} lists no OpenID Connect provider (HTTP {status})")
    return listed


def _default(provider: Provider, *grants: str) -> OidcClient:
    identifier = provider.default_client(*grants)
    if identifier is None:
        raise LoginError(
            f"the OpenID Connect provider '{provider.id}' has no default client for this; give a client id"
        )
    return OidcClient(identifier)


def _default_clients(entries: Any) -> Iterable[tuple[str, frozenset[str]]]:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            yield entry["id"], frozenset(_texts(entry.get("grant_types")))


def _granted(
    client: httpx.Client, provider: Provider, own: OidcClient, form: Mapping[str, str]
) -> Mapping[str, Any]:
    return _post(client, provider, provider.endpoint("token_endpoint"), own, form)


def _post(
    client: httpx.Client, provider: Provider, url: str, own: OidcClient, form: Mapping[str, str]
) -> Mapping[str, Any]:
    status, answer = _request(client, url, provider, own, form)
    if status != 200:
        raise _refusal(provider, own, form, status, answer)
    return answer


def _request(
    client: httpx.Client, url: str, provider: Provider, own: OidcClient, form: Mapping[str, str]
) -> tuple[int, Mapping[str, Any]]:
    methods = provider.endpoints.get("token_endpoint_auth_methods_supported")
    data = {"client_id": own.id, **form}
    auth = None
    if own.secret is not None:
        # In the form, as the openEO clients do it, unless the provider refuses that.
        if (
            isinstance(methods, list)
            and "client_secret_post" not in methods
            and "client_secret_basic" in methods
        ):
            auth = httpx.BasicAuth(quote(own.id, safe=""), quote(own.secret, safe=""))
        else:
            data["client_secret"] = own.secret
    return ask(client, "POST", url, data=data, auth=auth)


def _refusal(
    provider: Provider, own: OidcClient, form: Mapping[str, str], status: int, answer: Mapping[str, Any]
) -> LoginError:
    reason = ": ".join(str(answer[key]) for key in ("error", "error_description") if answer.get(key))
    for secret in (own.secret, form.get("refresh_token"), form.get("device_code"), form.get("code_verifier")):
        if secret:
            reason = reason.replace(secret, "***")
    return LoginError(
        f"the OpenID Connect provider '{provider.id}' refuses the client '{own.id}' "
        f"(HTTP {status}): {reason or 'no reason given'}"
    )


def _bearer(discovery: Discovery, provider: Provider, answer: Mapping[str, Any]) -> str:
    return bearer_value(discovery, "oidc", provider.id, _text(answer, "access_token", provider.issuer))


def _text(answer: Mapping[str, Any], name: str, place: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise LoginError(f"{place} gives no {name}")
    return value


def _texts(values: Any) -> list[str]:
    return [each for each in values if isinstance(each, str)] if isinstance(values, list) else []


def _seconds(value: Any, default: float) -> float:
    return (
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        else default
    )
