from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from connexeo.drivers.interface import User
from connexeo.drivers.local.accounts import passwords
from connexeo.drivers.local.accounts.users import AccountError, Users
from connexeo.drivers.local.state.tables import users as table

PASSWORD = "correct horse"
ANA = User("river~ana", "Ana", "ana@river.example", "river")


@pytest.fixture
def users(database_url: str) -> Iterator[Users]:
    users = Users.open(database_url)
    yield users
    users.close()


def _hash(users: Users, name: str) -> Any:
    with users.engine.connect() as connection:
        return connection.scalar(select(table.c.password).where(table.c.id == name))


def test_add_user(users: Users) -> None:
    added = users.add_user("ana", PASSWORD)
    assert users.find("ana") == added
    assert (added.id, added.name, added.provider, added.disabled) == ("ana", "ana", "basic", False)
    assert abs(datetime.now(UTC) - added.created) < timedelta(minutes=5)
    assert added.user == User("ana", "ana", None, "basic")
    assert users.find("bo") is None


def test_passwords_are_hashed(users: Users) -> None:
    users.add_user("ana", PASSWORD)
    users.add_user("bo", PASSWORD)
    hashes = {_hash(users, name) for name in ("ana", "bo")}
    assert len(hashes) == 2
    assert all(hashed.startswith("$argon2id$") for hashed in hashes)


@pytest.mark.parametrize(
    "name",
    ["", "Ana", "ana lind", "../x", ".", "..", "-ana", "_ana", "ana~x", "ana/x", "anä", "a" * 65, "a\n"],
)
def test_names_that_do_not_suit(users: Users, name: str) -> None:
    with pytest.raises(AccountError, match="user name"):
        users.add_user(name, PASSWORD)


@pytest.mark.parametrize("name", ["a", "1", "ana.lind", "ana_lind-2", "a" * 64])
def test_names_that_suit(users: Users, name: str) -> None:
    assert users.add_user(name, PASSWORD).id == name


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
def test_passwords_that_do_not_suit(users: Users, password: str) -> None:
    with pytest.raises(AccountError, match="8 to 1024"):
        users.add_user("ana", password)
    users.add_user("bo", PASSWORD)
    with pytest.raises(AccountError, match="8 to 1024"):
        users.set_password("bo", password)


def test_names_are_unique(users: Users) -> None:
    users.add_user("ana", PASSWORD)
    with pytest.raises(AccountError, match="already"):
        users.add_user("ana", "another password")
    assert users.check_password("ana", PASSWORD) is not None


def test_check_password(users: Users) -> None:
    users.add_user("ana", PASSWORD)
    users.remember(ANA)
    account = users.check_password("ana", PASSWORD)
    assert account == users.find("ana")
    for name, password in [
        ("ana", "wrong"),
        ("ana", ""),
        ("ana", PASSWORD + " "),
        ("Ana", PASSWORD),
        ("bo", PASSWORD),
        ("bo", "nobody"),
        (ANA.id, "nobody"),
        (ANA.id, ""),
        ("' OR 1=1 --", PASSWORD),
        ("\0", PASSWORD),
        ("\ud800", PASSWORD),
    ]:
        assert users.check_password(name, password) is None


def test_unknown_users_cost_a_hash_too(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Any:
            hashed.append(hash)
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=2, memory_cost=19 * 1024, parallelism=1))
    users.check_password("nobody-at-all", PASSWORD)
    assert len(hashed) == 1
    assert not passwords.is_outdated(str(hashed[0]))


def test_old_hashes_are_renewed(users: Users) -> None:
    users.add_user("ana", PASSWORD)
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with users.engine.begin() as connection:
        connection.execute(update(table).values(password=old))
    assert users.check_password("ana", "wrong") is None
    assert _hash(users, "ana") == old
    assert users.check_password("ana", PASSWORD) is not None
    assert not passwords.is_outdated(_hash(users, "ana"))
    assert users.check_password("ana", PASSWORD) is not None


def test_damaged_hash(users: Users) -> None:
    users.add_user("ana", PASSWORD)
    with users.engine.begin() as connection:
        connection.execute(update(table).values(password="damaged"))
    assert users.check_password("ana", PASSWORD) is None


def test_list_users(users: Users) -> None:
    for name in ("cleo", "ana", "bo"):
        users.add_user(name, PASSWORD)
    users.remember(ANA)
    assert [account.id for account in users.list_users()] == ["ana", "bo", "cleo", "river~ana"]


def test_disable_and_enable(users: Users) -> None:
    users.add_user("ana", PASSWORD)
    users.add_user("bo", PASSWORD)
    users.disable_user("ana")
    accounts = {account.id: account for account in users.list_users()}
    assert (accounts["ana"].disabled, accounts["ana"].token_generation) == (True, 1)
    assert (accounts["bo"].disabled, accounts["bo"].token_generation) == (False, 0)
    users.enable_user("ana")
    account = users.find("ana")
    assert account is not None
    assert (account.disabled, account.token_generation) == (False, 1)


def test_revoke_tokens_and_set_password(users: Users) -> None:
    users.add_user("ana", PASSWORD)
    users.revoke_tokens("ana")
    users.set_password("ana", "battery staple")
    assert users.check_password("ana", PASSWORD) is None
    account = users.check_password("ana", "battery staple")
    assert account is not None
    assert account.token_generation == 2


@pytest.mark.parametrize("method", ["disable_user", "enable_user", "revoke_tokens"])
def test_changes_of_nobody(users: Users, method: str) -> None:
    with pytest.raises(AccountError, match="no account bo"):
        getattr(users, method)("bo")


@pytest.mark.parametrize("name", ["bo", ANA.id])
def test_passwords_of_users_without(users: Users, name: str) -> None:
    users.remember(ANA)
    with pytest.raises(AccountError, match="no account"):
        users.set_password(name, PASSWORD)


def test_remember(users: Users) -> None:
    account = users.remember(ANA)
    assert (account.id, account.name, account.provider) == ("river~ana", "Ana", "river")
    users.disable_user(ANA.id)
    assert users.remember(ANA).disabled


def test_workers_remember_at_once(database_url: str, run_at_once: Callable[[str, str], list[str]]) -> None:
    code = """
from connexeo.drivers.interface import User
from connexeo.drivers.local.accounts.users import Users
users = Users.open(argument)
print(*(users.remember(User(f"river~{number}", provider="river")).id for number in range(20)))
"""
    expected = " ".join(f"river~{number}" for number in range(20))
    assert set(run_at_once(code, database_url)) == {expected}


def test_demo_user(users: Users) -> None:
    users.ensure_demo_user(demo=False, loopback=True)
    assert users.find("demo") is None
    users.ensure_demo_user(demo=True, loopback=True)
    users.ensure_demo_user(demo=True, loopback=True)
    assert users.check_password("demo", "demo") is not None


def test_demo_user_is_for_loopback_only(users: Users) -> None:
    with pytest.raises(AccountError, match="loopback"):
        users.ensure_demo_user(demo=True, loopback=False)
    assert users.find("demo") is None


def test_demo_user_is_locked_when_the_demo_is_over(users: Users) -> None:
    users.ensure_demo_user(demo=True, loopback=True)
    users.ensure_demo_user(demo=False, loopback=False)
    account = users.find("demo")
    assert account is not None
    assert account.disabled
    users.ensure_demo_user(demo=True, loopback=True)
    account = users.find("demo")
    assert account is not None
    assert not account.disabled


def test_user_who_happens_to_be_called_demo(users: Users) -> None:
    users.add_user("demo", PASSWORD)
    users.ensure_demo_user(demo=False, loopback=False)
    users.ensure_demo_user(demo=True, loopback=True)
    assert users.check_password("demo", "demo") is None
    account = users.check_password("demo", PASSWORD)
    assert account is not None
    assert not account.disabled


def test_roles(users: Users) -> None:
    users.add_user("ana", PASSWORD, ["staff", "guest"])
    found = users.find("ana")
    assert found is not None
    assert (found.roles, found.granted_roles, found.user.roles) == (frozenset({"staff", "guest"}),) * 3
    changed = users.change_roles("ana", add=["owner", "staff"], remove=["guest", "never had"])
    assert changed == users.find("ana")
    assert changed.roles == {"staff", "owner"}
    with pytest.raises(AccountError, match="no account"):
        users.change_roles("bo", add=["staff"])


@pytest.mark.parametrize("role", ["", "a b", "a,b", "a\n", "\0"])
def test_roles_that_do_not_suit(users: Users, role: str) -> None:
    users.add_user("ana", PASSWORD)
    with pytest.raises(AccountError, match="a role has"):
        users.change_roles("ana", add=[role])
    with pytest.raises(AccountError, match="a role has"):
        users.add_user("bo", PASSWORD, [role])
    assert [account.id for account in users.list_users()] == ["ana"]


def test_name_and_roles_follow_the_provider(users: Users) -> None:
    users.remember(replace(ANA, roles=frozenset({"a", "b"})))
    users.change_roles(ANA.id, add=["staff"])
    for user, name, roles in (
        (replace(ANA, roles=frozenset({"b", "c"})), "Ana", {"b", "c", "staff"}),
        (replace(ANA, name="Ana Lind"), "Ana Lind", {"staff"}),
        (replace(ANA, name=None), "Ana Lind", {"staff"}),
    ):
        remembered = users.remember(user)
        assert remembered == users.find(ANA.id)
        assert (remembered.name, remembered.roles) == (name, frozenset(roles))


def test_tokens_of_a_provider_are_not_ours_to_end(users: Users) -> None:
    users.remember(ANA)
    with pytest.raises(AccountError, match="made and revoked by river"):
        users.revoke_tokens(ANA.id)
    with pytest.raises(AccountError, match="no account"):
        users.revoke_tokens("nobody")
