"""In whose name a back-end is asked: a user's token goes to back-ends that trust its issuer, and nowhere else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from connexeo.drivers.federation.background import login
from connexeo.drivers.federation.connection import Connection
from connexeo.drivers.federation.faults import NotAsked, Refused, is_about_credentials
from connexeo.drivers.interface import Token, User
from connexeo.settings import BasicAccount, OidcProvider, Upstream

LOGIN_LIFETIME = 300.0
"""Seconds for which the token of a login with HTTP Basic is used."""

Providers = Callable[[], Mapping[str, Sequence[Mapping[str, Any]]]]
"""OpenID Connect providers of each back-end, as it lists them, by its address."""


@dataclass(frozen=True, slots=True)
class FederatedUser(User):
    """Who asks, with the token that the request came with; it lives no longer than the request."""

    token: Token | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, user: User, token: Token) -> Self:
        """A user of a request."""
        known = {each.name: getattr(user, each.name) for each in fields(User)}
        return cls(**known, token=token)


class Credentials:
    """Finds what a user may be presented with at a back-end.

    Args:
        providers: The federation's own OpenID Connect providers.
        theirs: Those of the back-ends.
        told: Waits, right after the start, for the back-ends to say them.
    """

    def __init__(
        self,
        providers: Sequence[OidcProvider],
        theirs: Providers,
        told: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._issuers = {each.id: _canonical(each.issuer) for each in providers}
        self._theirs = theirs
        self._told = told
        self._logins: dict[tuple[str, str], tuple[float, asyncio.Future[str]]] = {}

    async def of(self, user: User, connection: Connection, deadline: float) -> str:
        """Value of the header.

        Args:
            user: In whose name.
            connection: The way to the back-end.
            deadline: Seconds that a login may take.

        Raises:
            NotAsked: when the user has no account there that is known of.
            UpstreamFault: when a login fails.
        """
        upstream = connection.upstream
        if user.provider == "basic":
            account = self._account(user, upstream)
            if account is None:
                raise NotAsked(upstream.id, "your account is not known there")
            try:
                return await self._logged_in(account, connection, deadline)
            except Refused as refused:
                if is_about_credentials(refused):
                    raise NotAsked(
                        upstream.id, "it does not accept the account that it is asked with for you"
                    ) from refused
                raise
        token = user.token if isinstance(user, FederatedUser) else None
        if token is None:
            raise NotAsked(upstream.id, "there is no token that could be passed on")
        if self._told is not None:
            await self._told()
        provider = self.provider_at(user.provider, upstream)
        if provider is None:
            raise NotAsked(upstream.id, "it does not know the provider that you logged in with")
        return f"Bearer oidc/{provider}/{token.value}"

    def knows(self, user: User, upstream: Upstream) -> bool:
        """Whether a back-end can be asked in a user's name."""
        if user.provider == "basic":
            return self._account(user, upstream) is not None
        return self.provider_at(user.provider, upstream) is not None

    def provider_at(self, provider: str, upstream: Upstream) -> str | None:
        """What a back-end calls a provider of the federation; None when it has none of the same issuer."""
        issuer = self._issuers.get(provider)
        if issuer is None:
            return None
        same = [
            str(each["id"])
            for each in self._theirs().get(upstream.url, ())
            if isinstance(each.get("issuer"), str)
            and isinstance(each.get("id"), str)
            and _canonical(each["issuer"]) == issuer
        ]
        wanted = upstream.oidc.get(provider, provider)
        return wanted if wanted in same else (same[0] if same else None)

    async def anew(
        self, user: User, connection: Connection, refused_token: str, refused: Refused, deadline: float
    ) -> str:
        """Value of the header after another login, for a request that has been refused.

        That the last login has ended is no concern of the user.

        Args:
            user: In whose name.
            connection: The way to the back-end.
            refused_token: Value of the header of that request.
            refused: What the back-end said.
            deadline: Seconds that a login may take.

        Raises:
            Refused: the same, when another login is of no use.
            UpstreamFault: when the login fails.
        """
        account = self._account(user, connection.upstream)
        if account is None or not is_about_credentials(refused):
            raise refused
        key = (connection.id, account.username)
        known = self._logins.get(key)
        # Somebody else may have logged in meanwhile.
        if known is not None and _has_succeeded(known[1]) and known[1].result() == refused_token:
            del self._logins[key]
        found = await self.of(user, connection, deadline)
        if found == refused_token:
            raise refused
        return found

    def _account(self, user: User, upstream: Upstream) -> BasicAccount | None:
        if user.provider != "basic":
            return None
        return upstream.accounts.get(user.id) or upstream.accounts.get("*")

    async def _logged_in(self, account: BasicAccount, connection: Connection, deadline: float) -> str:
        """The token of a login, which many requests share."""
        key = (connection.id, account.username)
        known = self._logins.get(key)
        if (
            known is not None
            and known[0] > time.monotonic()
            and (not known[1].done() or _has_succeeded(known[1]))
        ):
            return await asyncio.shield(known[1])
        future = asyncio.ensure_future(login(connection, account, deadline))
        self._logins[key] = (time.monotonic() + LOGIN_LIFETIME, future)
        return await asyncio.shield(future)


def _has_succeeded(future: asyncio.Future[str]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _canonical(issuer: str) -> str:
    return issuer.rstrip("/")
