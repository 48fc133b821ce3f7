"""Access tokens of OpenID Connect providers."""

from __future__ import annotations

import base64
import binascii
import logging
import math
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from connexeo.drivers.interface import User
from connexeo.drivers.oidc.caching import Clock
from connexeo.drivers.oidc.issuer import Issuer
from connexeo.drivers.oidc.providers import user_of
from connexeo.drivers.oidc.roles import roles_of
from connexeo.generated.errors import TokenInvalid

if TYPE_CHECKING:
    from connexeo.settings import OidcProvider

log = logging.getLogger(__name__)

# Asymmetric ones only: with HS* anybody who knows the public key could sign.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
)
LEEWAY = 30.0
"""Seconds by which clocks may differ."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_PROVIDER_ID = re.compile(r"[A-Za-z0-9_]{1,20}")
_KEYS_TO_TRY = 16
_NOT_ACCESS_TOKENS = frozenset({"ID", "Refresh", "Offline", "Logout"})


class OidcVerifier:
    """Checks access tokens of any of several providers.

    JSON Web Tokens are verified here with the issuer's keys; only where ``roles_claim`` is set and the token lacks
    that claim, the issuer is asked for it. Opaque tokens are checked by the issuer's userinfo endpoint. That
    endpoint cannot tell whom a token was made for, so a provider with ``audience`` takes no opaque tokens.
    """

    def __init__(
        self,
        providers: Sequence[OidcProvider],
        *,
        clock: Clock = time.monotonic,
        now: Clock = time.time,
    ) -> None:
        ids = [provider.id for provider in providers]
        for provider_id in ids:
            if (
                not _PROVIDER_ID.fullmatch(provider_id)
                or ids.count(provider_id) > 1
                or provider_id == "basic"
            ):
                raise ValueError(f"oidc: provider ids must be unique, ASCII, and not `basic`: {provider_id}")
        self._issuers = {provider.id: Issuer(provider, clock=clock) for provider in providers}
        self._now = now

    async def authenticate(self, provider_id: str, token: str) -> User:
        """The user of an access token of this provider.

        Raises:
            TokenInvalid: when the token is not good, or there is no such provider.
            InfrastructureBusy: when the provider cannot be reached.
        """
        issuer = self._issuers.get(provider_id)
        if issuer is None or not _TOKEN.fullmatch(token):
            raise TokenInvalid()
        if json_part(token, 0) is None:
            if issuer.provider.audience is not None:
                raise _refused(issuer.provider, "its audience cannot be told, since it is opaque")
            claims = await self._ask(issuer, token)
        else:
            claims = await self._verify(issuer, token)
            if roles_of(issuer.provider, claims) is None:
                claims = {**await self._ask(issuer, token, claims["sub"]), **claims}
        return user_of(issuer.provider, claims)

    async def authenticate_jwt(self, token: str) -> User:
        """The user of a JSON Web Token of whichever provider its ``iss`` names.

        Raises:
            TokenInvalid: when the token is not good, or its issuer not known.
            InfrastructureBusy: when the provider cannot be reached.
        """
        claims = json_part(token, 1) or {}
        providers = [
            issuer.provider
            for issuer in self._issuers.values()
            if _same_issuer(issuer.provider, claims.get("iss"))
        ]
        if not providers:
            raise TokenInvalid()
        # Several providers may share an issuer and differ by audience.
        suitable = (provider for provider in providers if _has_audience(provider, claims))
        return await self.authenticate(next(suitable, providers[0]).id, token)

    async def _ask(self, issuer: Issuer, token: str, subject: str | None = None) -> Mapping[str, Any]:
        claims = await issuer.userinfo(token)
        if not _is_subject(claims.get("sub")) or subject not in (None, claims["sub"]):
            raise _refused(issuer.provider, "the userinfo endpoint names another user")
        return claims

    async def _verify(self, issuer: Issuer, token: str) -> Mapping[str, Any]:
        header, unverified = json_part(token, 0) or {}, json_part(token, 1) or {}
        # Before any key is fetched, so that tokens of others cost nothing.
        if header.get("alg") not in ALGORITHMS or "crit" in header:
            raise _refused(issuer.provider, "its algorithm is not allowed")
        self._check_claims(issuer.provider, unverified)
        kid = header.get("kid")
        if not isinstance(kid, str | None):
            raise TokenInvalid()
        claims = _decode(token, await issuer.keys(kid))
        if claims is None and kid is None:
            claims = _decode(token, await issuer.newer_keys())
        if claims is None:
            raise _refused(issuer.provider, "its signature is wrong")
        self._check_claims(issuer.provider, claims)
        return claims

    def _check_claims(self, provider: OidcProvider, claims: Mapping[str, Any]) -> None:
        now = self._now()
        expires, starts = claims.get("exp"), claims.get("nbf", -math.inf)
        if not _same_issuer(provider, claims.get("iss")):
            raise _refused(provider, "it is of another issuer")
        if not _is_number(expires) or expires <= now - LEEWAY:
            raise _refused(provider, "it has expired")
        if not _is_number(starts) or starts > now + LEEWAY:
            raise _refused(provider, "it is not valid yet")
        if not _has_audience(provider, claims):
            raise _refused(provider, "it was made for another audience")
        if not _is_subject(claims.get("sub")):
            raise _refused(provider, "it names no user")
        if claims.get("typ") in _NOT_ACCESS_TOKENS or "at_hash" in claims:
            raise _refused(provider, "it is not an access token")


def json_part(token: str, index: int) -> dict[str, Any] | None:
    """Header (0) or payload (1) of a JSON Web Token, not verified; None when it is none."""
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        return None
    try:
        part = orjson.loads(base64.urlsafe_b64decode(parts[index] + "=" * (-len(parts[index]) % 4)))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(part, dict):
        return None
    return part


def _decode(token: str, keys: Sequence[Any]) -> Mapping[str, Any] | None:
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_header_length = 4096
    for key in keys[:_KEYS_TO_TRY]:
        try:
            return jwt.decode(token, key, registry=registry).claims
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
    return None


def _refused(provider: OidcProvider, reason: str) -> TokenInvalid:
    log.info("token of the OpenID Connect provider %s refused: %s", provider.id, reason)
    return TokenInvalid()


def _same_issuer(provider: OidcProvider, issuer: Any) -> bool:
    return isinstance(issuer, str) and issuer.rstrip("/") == provider.issuer.rstrip("/")


def _has_audience(provider: OidcProvider, claims: Mapping[str, Any]) -> bool:
    audience = claims.get("aud")
    return provider.audience is None or provider.audience in (
        audience if isinstance(audience, list) else [audience]
    )


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _is_subject(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()
