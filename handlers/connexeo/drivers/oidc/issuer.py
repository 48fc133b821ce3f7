"""What an issuer publishes: discovery document, keys and user data."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from connexeo.drivers.oidc.caching import Clock, ExpiringCache, Refreshed
from connexeo.fetch import FetchError, FetchFailed, FetchPolicy, GuardedClient
from connexeo.generated.errors import InfrastructureBusy, TokenInvalid

if TYPE_CHECKING:
    from connexeo.settings import OidcProvider

log = logging.getLogger(__name__)

Key = RSAKey | ECKey | OKPKey

_KEY_TYPES: dict[Any, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_TIMEOUT = 10.0
_LIFETIME = 3600.0
_STALE = 24 * 3600.0
_PAUSE = 10.0
_USERINFO_LIFETIME = 60.0
_USERINFO_SIZE = 4096
_USERINFO_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of the discovery document that is used."""

    issuer: str
    jwks_uri: str
    userinfo_endpoint: str | None


class Issuer:
    """The issuer of one provider.

    Discovery document and keys are fetched when first needed and kept for an hour; while the issuer cannot be
    reached they stay in use for a day. User data are kept for a minute.
    """

    def __init__(self, provider: OidcProvider, *, clock: Clock = time.monotonic) -> None:
        self.provider = provider
        local = provider.allow_private_network
        schemes = frozenset({"https", "http"} if local else {"https"})
        if urlsplit(provider.issuer).scheme not in schemes:
            raise ValueError(f"oidc provider {provider.id}: the issuer must be an https URL")
        self._client = GuardedClient(
            FetchPolicy(schemes, allow_private=local, max_bytes=2**20, timeout=_TIMEOUT, max_redirects=3)
        )
        # A user's token goes to the userinfo endpoint and nowhere else.
        self._token_client = GuardedClient(
            FetchPolicy(schemes, allow_private=local, max_bytes=2**20, timeout=_TIMEOUT, max_redirects=0)
        )
        unavailable = (InfrastructureBusy,)
        self._metadata = Refreshed(
            self._fetch_metadata,
            lifetime=_LIFETIME,
            stale=_STALE,
            pause=_PAUSE,
            failures=unavailable,
            clock=clock,
        )
        self._keys = Refreshed(
            self._fetch_keys,
            lifetime=_LIFETIME,
            stale=_STALE,
            pause=_PAUSE,
            failures=unavailable,
            clock=clock,
        )
        self._userinfo: ExpiringCache[Mapping[str, Any]] = ExpiringCache(
            _USERINFO_LIFETIME,
            size=_USERINFO_SIZE,
            failures=(TokenInvalid, InfrastructureBusy),
            failure_lifetime=_PAUSE,
            clock=clock,
        )
        self._userinfo_slots = asyncio.Semaphore(_USERINFO_AT_ONCE)

    async def keys(self, kid: str | None) -> list[Key]:
        """The keys with this id, or all keys when the token names none.

        An id that is not known makes the keys be fetched anew, at most every few seconds.

        Raises:
            InfrastructureBusy: when the issuer cannot be reached.
        """
        found = _select(await self._keys.get(), kid)
        return found or _select(await self._keys.refresh(), kid)

    async def newer_keys(self) -> list[Key]:
        """All keys, fetched anew unless that was done in the last few seconds."""
        return list(await self._keys.refresh())

    async def userinfo(self, token: str) -> Mapping[str, Any]:
        """The claims of the userinfo endpoint, with ``sub``.

        Raises:
            TokenInvalid: when the issuer does not accept the token.
            InfrastructureBusy: when the issuer cannot be reached.
        """
        # The hash, so that no token lies around in memory for longer than its request takes.
        key = hashlib.sha256(token.encode()).digest()
        return await self._userinfo.get(key, lambda: self._fetch_userinfo(token))

    async def _fetch_userinfo(self, token: str) -> Mapping[str, Any]:
        endpoint = (await self._metadata.get()).userinfo_endpoint
        if endpoint is None:
            raise TokenInvalid()
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        try:
            async with self._userinfo_slots:
                answer = await self._token_client.aget_bytes(endpoint, headers)
        except FetchError as error:
            raise self._unavailable(error) from error
        if answer.status in (400, 401, 403):
            raise TokenInvalid()
        try:
            claims = orjson.loads(answer.body) if answer.status == 200 else None
        except orjson.JSONDecodeError:
            claims = None
        if not isinstance(claims, dict):
            raise self._unavailable(f"the userinfo endpoint answers {answer.status} without a JSON object")
        return claims

    async def _fetch_metadata(self) -> Metadata:
        document = await self._fetch(f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        issuer, jwks_uri = document.get("issuer"), document.get("jwks_uri")
        userinfo = document.get("userinfo_endpoint")
        if not isinstance(issuer, str) or issuer.rstrip("/") != self.provider.issuer.rstrip("/"):
            raise self._unavailable("its discovery document names another issuer")
        if not isinstance(jwks_uri, str) or not isinstance(userinfo, str | None):
            raise self._unavailable("its discovery document is malformed")
        for url in filter(None, (jwks_uri, userinfo)):
            if issuer.startswith("https:") and not url.startswith("https:"):
                raise self._unavailable("its discovery document leads from https to http")
        return Metadata(issuer, jwks_uri, userinfo)

    async def _fetch_keys(self) -> tuple[Key, ...]:
        document = await self._fetch((await self._metadata.get()).jwks_uri)
        entries = document.get("keys")
        if not isinstance(entries, list):
            raise self._unavailable("its keys are malformed")
        return tuple(key for entry in entries if (key := _import_key(entry)) is not None)

    async def _fetch(self, url: str) -> Mapping[str, Any]:
        try:
            document = await self._client.aget_json(url)
        except FetchError as error:
            raise self._unavailable(error) from error
        if not isinstance(document, dict):
            raise self._unavailable("its answer is not a JSON object")
        return document

    def _unavailable(self, reason: FetchError | str) -> InfrastructureBusy:
        status = f" (status {reason.status})" if isinstance(reason, FetchFailed) and reason.status else ""
        log.warning("OpenID Connect provider %s cannot be used: %s%s", self.provider.id, reason, status)
        return InfrastructureBusy(
            f"The OpenID Connect provider '{self.provider.id}' is not available at the moment. "
            "Please try again later."
        )


def _select(keys: tuple[Key, ...], kid: str | None) -> list[Key]:
    return [key for key in keys if kid is None or key.get("kid") == kid]


def _import_key(entry: Any) -> Key | None:
    """A public key for signatures; None for anything else, so that one odd key does not spoil the set."""
    kind = _KEY_TYPES.get(entry.get("kty")) if isinstance(entry, dict) else None
    if kind is None or entry.get("use", "sig") != "sig":
        return None
    try:
        return kind.import_key(entry)
    except (JoseError, ValueError, TypeError):
        log.warning("a key of an OpenID Connect provider cannot be read")
        return None
