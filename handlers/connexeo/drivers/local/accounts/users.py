"""Who has an account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from connexeo.drivers.interface import User
from connexeo.drivers.local.accounts.passwords import (
    LONGEST,
    SHORTEST,
    hash_password,
    is_outdated,
    verify_password,
)
from connexeo.drivers.local.state.database import open_database
from connexeo.drivers.local.state.tables import users

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

    @property
    def user(self) -> User:
        """The user as the rest of the back-end sees it."""
        return User(id=self.id, name=self.name, provider=self.provider)


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

    def add_user(self, name: str, password: str) -> Account:
        """A new account for HTTP Basic.

        Raises:
            AccountError: when the name is taken, or name or password do not suit.
        """
        _check_password(password)
        return self._add(name, password)

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
            row = connection.execute(select(users).where(users.c.id == user_id)).mappings().first()
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
            AccountError: when there is no such account.
        """
        self._change(user_id, **_NEXT_GENERATION)

    def check_password(self, name: str, password: str) -> Account | None:
        """The account whose name and password these are; takes the same time if there is none."""
        row = None
        if _NAME.fullmatch(name):  # databases do not even take every text
            with self.engine.connect() as connection:
                row = connection.execute(select(users).where(users.c.id == name)).mappings().first()
        hashed = None if row is None else row["password"]
        if not verify_password(hashed, password) or row is None:
            return None
        if is_outdated(row["password"]):
            self._change(name, password=hash_password(password))
        return _account(row)

    def remember(self, user: User) -> Account:
        """The account of an OpenID Connect user; made when the user comes for the first time."""
        known = self.find(user.id)
        if known is not None:
            return known
        try:
            return self._insert(user.id, user.name, user.provider, None)
        except IntegrityError:  # another worker was faster
            known = self.find(user.id)
            if known is None:
                raise
            return known

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

    def _add(self, name: str, password: str) -> Account:
        if not _NAME.fullmatch(name):
            raise AccountError(
                "a user name has 1 to 64 characters a-z, 0-9, dot, underscore and hyphen, "
                "and starts with a letter or digit"
            )
        try:
            return self._insert(name, name, BASIC, hash_password(password))
        except IntegrityError as error:
            raise AccountError(f"there is an account {name} already") from error

    def _insert(self, user_id: str, name: str | None, provider: str, password: str | None) -> Account:
        values = {
            "id": user_id,
            "name": name,
            "provider": provider,
            "created": datetime.now(UTC),
            "disabled": False,
            "token_generation": 0,
        }
        with self.engine.begin() as connection:
            connection.execute(insert(users).values(password=password, **values))
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
        row["id"], row["name"], row["provider"], row["created"], row["disabled"], row["token_generation"]
    )


def _check_password(password: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(f"a password has {SHORTEST} to {LONGEST} characters")
