"""Account management of the local driver."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from connexeo.drivers.interface import Json, Token, User
from connexeo.drivers.local.accounts.backoff import Backoff
from connexeo.drivers.local.accounts.secret import checked_secret
from connexeo.drivers.oidc.caching import ExpiringCache
from connexeo.drivers.oidc.providers import describe_provider
from connexeo.generated.errors import (
    CredentialsInvalid,
    InfrastructureBusy,
    PermissionsInsufficient,
    TokenInvalid,
)

if TYPE_CHECKING:
    from connexeo.drivers.local.accounts.tokens import Tokens
    from connexeo.drivers.local.accounts.users import Account, Users
    from connexeo.drivers.oidc.verification import OidcVerifier
    from connexeo.settings import OidcProvider, Settings

logger = structlog.get_logger("connexeo.accounts")

T = TypeVar("T")

VERIFIED_LIFETIME = 5.0
"""Seconds for which a verified token is not looked at again; as long may a disabled user go on."""
_VERIFIED_SIZE = 4096
_HASHES_AT_ONCE = 2
_LOGINS_AT_ONCE = 32
_DATABASE_THREADS = 4
_RETRY = 2.0
"""Seconds between attempts to reach a database that cannot be reached at the start."""

_LONGEST_NAME = 64
_LONGEST_PASSWORD = 1024


@dataclass(frozen=True, slots=True)
class _Opened:
    """What exists between start and stop."""

    users: Users
    tokens: Tokens
    oidc: OidcVerifier
    hashing: ThreadPoolExecutor
    database: ThreadPoolExecutor


class LocalAccounts:
    """Implements ``AccountManagement`` with HTTP Basic and OpenID Connect.

    Making one reads and opens nothing; ``start`` does.
    """

    def __init__(
        self,
        *,
        data: Path,
        database_url: str,
        issuer: str,
        token_lifetime: int,
        secret: str | None = None,
        providers: Sequence[OidcProvider] = (),
        demo: bool = False,
        loopback: bool = False,
    ) -> None:
        self._data = data
        self._database_url = database_url
        self._issuer = issuer
        self._token_lifetime = token_lifetime
        self._secret = secret
        self._providers = tuple(providers)
        self._demo = demo
        self._loopback = loopback
        self._verified: ExpiringCache[User] = ExpiringCache(VERIFIED_LIFETIME, size=_VERIFIED_SIZE)
        self._backoff = Backoff()
        self._logins = 0
        self._opened: _Opened | None = None
        self._opening: asyncio.Task[None] | None = None
        if secret is not None:
            checked_secret(secret)
        if not self._providers:
            # The list of providers must not be empty; without any the operation does not exist.
            self.authenticate_oidc = None  # type: ignore[assignment,method-assign]

    @classmethod
    def from_settings(cls, settings: Settings) -> LocalAccounts:
        """As the deployment's settings say."""
        return cls(
            data=settings.data,
            database_url=settings.database_url,
            # The standard suggests the endpoint of HTTP Basic as the issuer of its tokens.
            issuer=f"{settings.public_url}/credentials/basic" if settings.public_url else settings.id,
            token_lifetime=settings.token_lifetime,
            secret=settings.secret.get_secret_value() if settings.secret else None,
            providers=settings.oidc,
            demo=settings.demo,
            loopback=is_loopback(settings.host),
        )

    async def start(self) -> None:
        """Open the database, with its tables up to date, and read or make the secret.

        A database that cannot be reached is tried again until it can: until then nobody can log in, but what
        needs no account is served, and a worker that starts during an outage does not end the service.

        Raises:
            ValueError: for settings that do not work, such as the demo account on a public address.
        """
        if not await self._try_to_open():
            self._opening = asyncio.create_task(self._open_later())

    async def _try_to_open(self) -> bool:
        from sqlalchemy.exc import OperationalError

        try:
            self._opened = await asyncio.to_thread(self._open)
        except OperationalError as error:
            logger.error("accounts.database_unreachable", reason=str(error.orig).strip().partition("\n")[0])
            return False
        return True

    async def _open_later(self) -> None:
        opened = False
        while not opened:
            await asyncio.sleep(_RETRY)
            opened = await self._try_to_open()

    async def stop(self) -> None:
        """Close it again."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        opened, self._opened = self._opened, None
        self._verified.clear()
        if opened is not None:
            opened.hashing.shutdown(wait=False, cancel_futures=True)
            opened.database.shutdown(wait=False, cancel_futures=True)
            await asyncio.to_thread(opened.users.close)

    async def ready(self) -> bool:
        """Whether the database answers."""
        from connexeo.drivers.local.accounts.database import is_reachable

        if self._opened is None:
            return False
        return await self._run(self._opened.database, is_reachable, self._opened.users.engine)

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
            account = await self._run(opened.hashing, opened.users.check_password, username, password)
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
        return [describe_provider(provider) for provider in self._providers]

    async def describe_account(self, user: User) -> Json:
        """See ``AccountManagement``."""
        account: dict[str, Any] = {"user_id": user.id}
        if user.name is not None:
            account["name"] = user.name
        if user.email is not None:
            account["email"] = user.email
        info = {"provider": user.provider, "roles": sorted(user.roles)}
        return account | {"info": info, "budget": None, "storage": None, "links": []}

    async def _authenticate(self, token: Token) -> User:
        opened = self._here()
        if token.method == "basic" or (token.method == "jwt" and opened.tokens.is_ours(token.value)):
            claims = opened.tokens.read(token.value)
            account = await self._run(opened.database, opened.users.find, claims.user_id)
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
        _admit(await self._run(opened.database, opened.users.remember, user))
        return user

    def _here(self) -> _Opened:
        if self._opened is None:
            if self._opening is not None:
                raise InfrastructureBusy()
            raise RuntimeError("the accounts are not open: start() was not called")
        return self._opened

    def _open(self) -> _Opened:
        # Imported here: half a second that is not everybody's who imports the driver.
        from connexeo.drivers.local.accounts.secret import load_secret
        from connexeo.drivers.local.accounts.tokens import Tokens
        from connexeo.drivers.local.accounts.users import Users
        from connexeo.drivers.oidc.verification import OidcVerifier

        oidc = OidcVerifier(self._providers)
        secret = load_secret(self._data) if self._secret is None else checked_secret(self._secret)
        users = Users.open(self._database_url)
        try:
            users.ensure_demo_user(demo=self._demo, loopback=self._loopback)
        except BaseException:
            users.close()
            raise
        return _Opened(
            users,
            Tokens(secret, issuer=self._issuer, lifetime=self._token_lifetime),
            oidc,
            # Own threads for each: logins, which are slow on purpose, must not hold up anything else.
            ThreadPoolExecutor(_HASHES_AT_ONCE, thread_name_prefix="password"),
            ThreadPoolExecutor(_DATABASE_THREADS, thread_name_prefix="accounts"),
        )

    async def _run(self, executor: ThreadPoolExecutor, function: Callable[..., T], *args: Any) -> T:
        from sqlalchemy.exc import OperationalError, TimeoutError

        try:
            return await asyncio.get_running_loop().run_in_executor(executor, function, *args)
        except (OperationalError, TimeoutError) as error:
            raise InfrastructureBusy() from error


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
