"""Who has an account."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, RowMapping, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from connexeo.drivers.interface import User
from connexeo.drivers.local.accounts.holdings import remove_holdings
from connexeo.drivers.local.accounts.passwords import (
    LONGEST,
    SHORTEST,
    hash_password,
    is_outdated,
    verify_password,
)
from connexeo.drivers.local.state.database import open_database
from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import users

log = logging.getLogger(__name__)

BASIC = "basic"
DEMO = "demo"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class AccountError(ValueError):
    """An account cannot be made or changed as asked; the message is for the administrator."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account, without its password."""

    id: str
    name: str | None
    provider: str
    """``basic`` or the id of an OpenID Connect provider."""
    created: datetime
    disabled: bool
    token_generation: int
    granted_roles: frozenset[str] = frozenset()
    """What the administrator gave."""
    claimed_roles: frozenset[str] = frozenset()
    """What the OpenID Connect provider said last."""

    @property
    def roles(self) -> frozenset[str]:
        """All roles."""
        return self.granted_roles | self.claimed_roles

    @property
    def user(self) -> User:
        """The user as the rest of the back-end sees it."""
        return User(id=self.id, name=self.name, provider=self.provider, roles=self.roles)


class Users:
    """The accounts in a database; every method waits for it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, database_url: str) -> Users:
        """Connect, and bring the tables up to date."""
        return cls(open_database(database_url))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def add_user(self, name: str, password: str, roles: Iterable[str] = ()) -> Account:
        """A new account for HTTP Basic.

        Raises:
            AccountError: when the name is taken, or name, password or roles do not suit.
        """
        _check_password(password)
        return self._add(name, password, _checked_roles(roles))

    def set_password(self, name: str, password: str) -> None:
        """Change a password; all tokens end.

        Raises:
            AccountError: when there is no such account, or the password does not suit.
        """
        _check_password(password)
        account = self.find(name)
        if account is None or account.provider != BASIC:
            raise AccountError(f"there is no account {name} with a password")
        self._change(name, password=hash_password(password), **_NEXT_GENERATION)

    def list_users(self) -> list[Account]:
        """All accounts by id. Users of OpenID Connect are among them from their first request on."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(users).order_by(users.c.id)).mappings()
            return [_account(row) for row in rows]

    def find(self, user_id: str) -> Account | None:
        """The account with this id."""
        with self.engine.connect() as connection:
            row = connection.execute(_with_id(user_id)).mappings().first()
        return None if row is None else _account(row)

    def disable_user(self, user_id: str) -> None:
        """Lock an account; its tokens end within seconds, and for good.

        Raises:
            AccountError: when there is no such account.
        """
        self._change(user_id, disabled=True, **_NEXT_GENERATION)

    def enable_user(self, user_id: str) -> None:
        """Unlock an account.

        Raises:
            AccountError: when there is no such account.
        """
        self._change(user_id, disabled=False)

    def revoke_tokens(self, user_id: str) -> None:
        """End all tokens of HTTP Basic that an account has.

        Raises:
            AccountError: when there is no such account, or its tokens are not ours to end.
        """
        account = self.find(user_id)
        if account is not None and account.provider != BASIC:
            raise AccountError(
                f"the tokens of {user_id} are made and revoked by {account.provider}; "
                "disable the account to lock the user out"
            )
        self._change(user_id, **_NEXT_GENERATION)

    def change_roles(self, user_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Account:
        """Give an account roles, and take others; those that a provider claims stay as they are.

        Raises:
            AccountError: when there is no such account, or a role does not suit.
        """
        added, removed = _checked_roles(add), frozenset(remove)
        with transaction(self.engine) as connection:
            row = connection.execute(_with_id(user_id).with_for_update()).mappings().first()
            if row is None:
                raise AccountError(f"there is no account {user_id}")
            roles = sorted((frozenset(row["roles"] or ()) | added) - removed)
            connection.execute(update(users).where(users.c.id == user_id).values(roles=roles))
        return _account({**row, "roles": roles})

    def check_password(self, name: str, password: str) -> Account | None:
        """The account whose name and password these are; takes the same time if there is none."""
        row = None
        if _NAME.fullmatch(name):  # databases do not even take every text
            with self.engine.connect() as connection:
                row = connection.execute(_with_id(name)).mappings().first()
        hashed = None if row is None else row["password"]
        if not verify_password(hashed, password) or row is None:
            return None
        if is_outdated(row["password"]):
            self._change(name, password=hash_password(password))
        return _account(row)

    def remember(self, user: User) -> Account:
        """The account of an OpenID Connect user; made when the user comes for the first time.

        Name and roles follow what the provider says; the e-mail address is not kept.
        """
        known = self.find(user.id)
        if known is None:
            try:
                return self._insert(user.id, user.name, user.provider, claimed_roles=user.roles)
            except IntegrityError:  # another worker was faster
                known = self.find(user.id)
                if known is None:
                    raise
        name = known.name if user.name is None else user.name
        if (known.name, known.claimed_roles) == (name, user.roles):
            return known
        try:
            self._change(user.id, name=name, claimed_roles=sorted(user.roles))
        except AccountError:  # removed in between: made anew with the next request
            log.info("an account was removed while its user was here")
        return replace(known, name=name, claimed_roles=user.roles)

    def ensure_demo_user(self, *, demo: bool, loopback: bool) -> None:
        """Have the account demo/demo where it is wanted, and lock it where it is not.

        An account ``demo`` with another password is left alone.

        Args:
            demo: whether the demo account is wanted.
            loopback: whether nobody but this machine can reach the server.

        Raises:
            AccountError: when it is wanted on anything but loopback.
        """
        if demo and not loopback:
            raise AccountError("the demo account has a known password and is for loopback addresses only")
        known = self.find(DEMO)
        if known is None and demo:
            try:
                self._add(DEMO, DEMO)
            except AccountError:
                return  # another worker was faster
        elif known is not None and known.disabled == demo and self.check_password(DEMO, DEMO) is not None:
            (self.enable_user if demo else self.disable_user)(DEMO)

    def _add(self, name: str, password: str, roles: frozenset[str] = frozenset()) -> Account:
        if not _NAME.fullmatch(name):
            raise AccountError(
                "a user name has 1 to 64 characters a-z, 0-9, dot, underscore and hyphen, "
                "and starts with a letter or digit"
            )
        try:
            return self._insert(name, name, BASIC, password=hash_password(password), roles=roles)
        except IntegrityError as error:
            raise AccountError(f"there is an account {name} already") from error

    def _insert(
        self,
        user_id: str,
        name: str | None,
        provider: str,
        *,
        password: str | None = None,
        roles: frozenset[str] = frozenset(),
        claimed_roles: frozenset[str] = frozenset(),
    ) -> Account:
        values = {
            "id": user_id,
            "name": name,
            "provider": provider,
            "created": datetime.now(UTC),
            "disabled": False,
            "token_generation": 0,
            "roles": sorted(roles),
            "claimed_roles": sorted(claimed_roles),
        }
        with transaction(self.engine) as connection:
            connection.execute(insert(users).values(password=password, **values))
            # Requests that were under way when an earlier account of this name was removed may have left something;
            # a new account has nothing, whoever had its name before.
            remove_holdings(connection, user_id)
        return _account(values)

    def _change(self, user_id: str, **values: Any) -> None:
        # A single statement, so that two changes at once cannot undo each other.
        with self.engine.begin() as connection:
            changed = connection.execute(update(users).where(users.c.id == user_id).values(**values))
        if changed.rowcount == 0:
            raise AccountError(f"there is no account {user_id}")


_NEXT_GENERATION = {"token_generation": users.c.token_generation + 1}


def _account(row: RowMapping | Mapping[str, Any]) -> Account:
    return Account(
        row["id"],
        row["name"],
        row["provider"],
        row["created"],
        row["disabled"],
        row["token_generation"],
        frozenset(row["roles"] or ()),
        frozenset(row["claimed_roles"] or ()),
    )


def _with_id(user_id: str) -> Select[Any]:
    return select(users).where(users.c.id == user_id)


def _checked_roles(roles: Iterable[str]) -> frozenset[str]:
    checked = frozenset(roles)
    for role in checked:
        if not role or not role.isprintable() or any(character in role for character in " ,"):
            raise AccountError("a role has at least one character, and neither spaces nor commas")
    return checked


def _check_password(password: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(f"a password has {SHORTEST} to {LONGEST} characters")
