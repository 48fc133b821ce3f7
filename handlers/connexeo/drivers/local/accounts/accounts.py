"""Account management of the local driver."""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from connexeo.drivers.interface import Json, Token, User
from connexeo.drivers.local.accounts.backoff import Backoff
from connexeo.drivers.local.accounts.limits import limits_of
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.secret import check_secrets
from connexeo.drivers.local.state.state import ask
from connexeo.drivers.oidc.caching import ExpiringCache
from connexeo.drivers.oidc.providers import describe_provider
from connexeo.generated.errors import (
    CredentialsInvalid,
    InfrastructureBusy,
    PermissionsInsufficient,
    TokenInvalid,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connexeo.drivers.local.accounts.tokens import Tokens
    from connexeo.drivers.local.accounts.users import Account, Users
    from connexeo.drivers.oidc.verification import OidcVerifier
    from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.accounts")

VERIFIED_LIFETIME = 5.0
"""Seconds for which a verified token is not looked at again; as long may a disabled user go on."""
_VERIFIED_SIZE = 4096
_HASHES_AT_ONCE = 2
_LOGINS_AT_ONCE = 32

_LONGEST_NAME = 64
_LONGEST_PASSWORD = 1024


@dataclass(frozen=True, slots=True)
class _Opened:
    """What exists between start and stop."""

    users: Users
    tokens: Tokens
    oidc: OidcVerifier
    hashing: ThreadPoolExecutor


class LocalAccounts:
    """Implements ``AccountManagement`` with HTTP Basic and OpenID Connect.

    Making one reads and opens nothing; ``start`` does.
    """

    def __init__(self, settings: Settings, state: State) -> None:
        check_secrets(settings)
        self._settings = settings
        self._state = state
        self._verified: ExpiringCache[User] = ExpiringCache(VERIFIED_LIFETIME, size=_VERIFIED_SIZE)
        self._backoff = Backoff()
        self._logins = 0
        self._started = False
        self._opened: _Opened | None = None
        if not settings.oidc:
            # The list of providers must not be empty; without any the operation does not exist.
            self.authenticate_oidc = None  # type: ignore[assignment,method-assign]

    @classmethod
    def from_settings(cls, settings: Settings, state: State | None = None) -> LocalAccounts:
        """As the deployment's settings say, in the database that others may use too."""
        return cls(settings, state or State.from_settings(settings))

    async def start(self) -> None:
        """Open the database, with its tables up to date, and read or make the secret.

        While the database cannot be reached nobody can log in, but what needs no account is served.

        Raises:
            ValueError: for settings that do not work, such as the demo account on a public address.
        """
        self._started = True
        await self._state.start(self._open)

    async def stop(self) -> None:
        """Close it again."""
        await self._state.stop()
        opened, self._opened = self._opened, None
        self._verified.clear()
        if opened is not None:
            opened.hashing.shutdown(wait=False, cancel_futures=True)

    async def ready(self) -> bool:
        """Whether the database answers."""
        return await self._state.ready()

    async def authenticate(self, token: Token) -> User:
        """See ``AccountManagement``; InfrastructureBusy when database or provider cannot be reached."""
        # The hash, so that tokens do not lie around in memory.
        key = hashlib.sha256(f"{token.method}/{token.provider}/{token.value}".encode()).digest()
        return await self._verified.get(key, lambda: self._authenticate(token))

    async def authenticate_basic(self, username: str, password: str) -> str:
        """See ``AccountManagement``; PermissionsInsufficient when the account is disabled."""
        opened = self._here()
        if len(username) > _LONGEST_NAME or len(password) > _LONGEST_PASSWORD:
            raise CredentialsInvalid()
        wait = self._backoff.remaining(username)
        if wait > 0:
            raise CredentialsInvalid(
                f"Too many failed logins. Please try again in {math.ceil(wait)} seconds."
            )
        if self._logins >= _LOGINS_AT_ONCE:
            raise InfrastructureBusy()
        self._logins += 1
        try:
            account = await self._check_password(opened, username, password)
        finally:
            self._logins -= 1
        if account is None:
            self._backoff.failed(username)
            raise CredentialsInvalid()
        self._backoff.succeeded(username)
        if account.disabled:
            raise PermissionsInsufficient()
        return opened.tokens.issue(account.id, account.token_generation)

    async def authenticate_oidc(self) -> Sequence[Json]:
        """See ``AccountManagement``."""
        return [describe_provider(provider) for provider in self._settings.oidc]

    async def describe_account(self, user: User) -> Json:
        """See ``AccountManagement``; without links."""
        account: dict[str, Any] = {"user_id": user.id}
        if user.name is not None:
            account["name"] = user.name
        if user.email is not None:
            account["email"] = user.email
        billing = self._settings.billing
        if billing is not None and billing.default_plan is not None:
            account["default_plan"] = billing.default_plan
        info = {"provider": user.provider, "roles": sorted(user.roles)}
        return account | {"info": info, "budget": None, "storage": await self._describe_storage(user)}

    async def _describe_storage(self, user: User) -> Json:
        from connexeo.drivers.local.accounts.holdings import stored_bytes

        quota = limits_of(self._settings, user.roles).storage_quota
        used = await self._state.read(stored_bytes, user.id)
        # A quota that was lowered afterwards may be exceeded.
        return {"free": max(0, quota - used), "quota": quota}

    async def _authenticate(self, token: Token) -> User:
        opened = self._here()
        if token.method == "basic" or (token.method == "jwt" and opened.tokens.is_ours(token.value)):
            claims = opened.tokens.read(token.value)
            account = await self._state.run(opened.users.find, claims.user_id)
            user = _admit(account)
            if account is None or account.token_generation != claims.generation:
                raise TokenInvalid()
            return user
        if token.method == "oidc":
            user = await opened.oidc.authenticate(token.provider, token.value)
        elif token.method == "jwt":
            user = await opened.oidc.authenticate_jwt(token.value)
        else:
            raise TokenInvalid()
        account = await self._state.run(opened.users.remember, user)
        _admit(account)
        self._check_roles(account)
        return replace(user, roles=account.roles)

    def _check_roles(self, account: Account) -> None:
        provider = next(entry for entry in self._settings.oidc if entry.id == account.provider)
        if provider.required_roles and account.roles.isdisjoint(provider.required_roles):
            raise PermissionsInsufficient(
                f"Your account at '{provider.title}' has none of the roles that this back-end asks for. "
                "Please ask its operators for access."
            )

    def _here(self) -> _Opened:
        if self._opened is None:
            if self._started:
                raise InfrastructureBusy()
            raise RuntimeError("the accounts are not open: start() was not called")
        return self._opened

    def _open(self, engine: Engine) -> None:
        # Imported here: half a second that is not everybody's who imports the driver.
        from connexeo.drivers.local.accounts.tokens import Tokens
        from connexeo.drivers.local.accounts.users import Users
        from connexeo.drivers.local.state.secret import load_secrets
        from connexeo.drivers.oidc.verification import OidcVerifier

        settings = self._settings
        oidc = OidcVerifier(settings.oidc)
        secrets = load_secrets(settings)
        users = Users(engine)
        users.ensure_demo_user(demo=settings.demo, loopback=is_loopback(settings.host))
        self._opened = _Opened(
            users,
            Tokens(secrets, issuer=_token_issuer(settings), lifetime=settings.token_lifetime),
            oidc,
            # Threads of their own: logins, which are slow on purpose, must not hold up anything else.
            ThreadPoolExecutor(_HASHES_AT_ONCE, thread_name_prefix="password"),
        )

    async def _check_password(self, opened: _Opened, username: str, password: str) -> Account | None:
        return await ask(opened.hashing, opened.users.check_password, username, password)


def _token_issuer(settings: Settings) -> str:
    # The standard suggests the endpoint of HTTP Basic as the issuer of its tokens.
    return f"{settings.public_url}/credentials/basic" if settings.public_url else settings.id


def _admit(account: Account | None) -> User:
    if account is None:
        raise TokenInvalid()
    if account.disabled:
        raise PermissionsInsufficient()
    return account.user


def is_loopback(host: str) -> bool:
    """Whether a server that listens on this host can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
