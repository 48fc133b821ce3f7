from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import jsonschema_rs
import pytest
from sqlalchemy.exc import OperationalError

from connexeo.drivers.interface import AccountManagement, Token, User
from connexeo.drivers.local.accounts import LocalAccounts
from connexeo.drivers.local.accounts.accounts import is_loopback
from connexeo.drivers.local.accounts.users import Account, AccountError, Users
from connexeo.drivers.local.state.tables import files
from connexeo.generated import load_openapi
from connexeo.generated.errors import (
    CredentialsInvalid,
    InfrastructureBusy,
    PermissionsInsufficient,
    TokenInvalid,
)
from connexeo.settings import OidcProvider, Role, Settings

if TYPE_CHECKING:
    from oidc_issuer import OidcIssuer

T = TypeVar("T")
PASSWORD = "correct horse"


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time of the caches; the clock of the tokens goes on."""
    clock = Clock()
    monkeypatch.setattr(
        "connexeo.drivers.local.accounts.accounts.ExpiringCache",
        lambda lifetime, *, size: _expiring_cache(lifetime, size=size, clock=clock),
    )
    return clock


def _expiring_cache(*args: Any, **kwargs: Any) -> Any:
    from connexeo.drivers.oidc.caching import ExpiringCache

    return ExpiringCache(*args, **kwargs)


def _settings(folder: Path, **settings: Any) -> Settings:
    return Settings(data=folder / "data", **settings)


@pytest.fixture
def users(tmp_path: Path) -> Any:
    users = Users.open(_settings(tmp_path).database_url)
    users.add_user("ana", PASSWORD)
    yield users
    users.close()


def _with(accounts: LocalAccounts, use: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        await accounts.start()
        try:
            return await use()
        finally:
            await accounts.stop()

    return asyncio.run(run())


def _basic(value: str) -> Token:
    return Token("basic", "", value)


def test_is_an_account_management(tmp_path: Path) -> None:
    accounts: AccountManagement = LocalAccounts.from_settings(_settings(tmp_path))
    assert accounts is not None
    assert not (tmp_path / "data").exists()  # nothing happens before start


def test_log_in(tmp_path: Path, users: Users) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path))

    async def use() -> None:
        value = await accounts.authenticate_basic("ana", PASSWORD)
        assert re.fullmatch(r"[A-Za-z0-9._~-]+", value)
        expected = User("ana", "ana", None, "basic")
        assert await accounts.authenticate(_basic(value)) == expected
        assert await accounts.authenticate(Token("jwt", "", value)) == expected
        for token in (
            Token("oidc", "river", value),
            Token("oidc", "", value),
            Token("other", "", value),
            _basic(value[:-4] + "AAAA"),
            _basic("x"),
            Token("jwt", "", "a.b.c"),
        ):
            with pytest.raises(TokenInvalid):
                await accounts.authenticate(token)

    _with(accounts, use)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ana", "wrong"),
        ("bo", PASSWORD),
        ("", ""),
        ("a" * 10_000, PASSWORD),
        ("ana", "x" * 10_000),
        ("\0", "\0"),
    ],
)
def test_wrong_credentials(tmp_path: Path, users: Users, name: str, password: str) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path))

    async def use() -> None:
        with pytest.raises(CredentialsInvalid):
            await accounts.authenticate_basic(name, password)

    _with(accounts, use)


def test_tokens_outlive_a_restart_and_work_in_other_workers(tmp_path: Path, users: Users) -> None:
    first, second = (LocalAccounts.from_settings(_settings(tmp_path)) for _ in range(2))
    value = _with(first, lambda: first.authenticate_basic("ana", PASSWORD))
    assert _with(second, lambda: second.authenticate(_basic(value))).id == "ana"
    other = LocalAccounts.from_settings(_settings(tmp_path, secret="another secret of some length"))
    with pytest.raises(TokenInvalid):
        _with(other, lambda: other.authenticate(_basic(value)))


def test_secret_of_the_settings_needs_no_file(tmp_path: Path, users: Users) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path, secret="a secret of some length"))
    _with(accounts, lambda: accounts.authenticate_basic("ana", PASSWORD))
    assert not (tmp_path / "data" / "secret").exists()


@pytest.mark.parametrize(
    ("change", "error"),
    [("disable_user", PermissionsInsufficient), ("revoke_tokens", TokenInvalid)],
)
def test_tokens_end_within_seconds(
    tmp_path: Path, users: Users, clock: Clock, change: str, error: type[Exception]
) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path))

    async def use() -> None:
        token = _basic(await accounts.authenticate_basic("ana", PASSWORD))
        assert (await accounts.authenticate(token)).id == "ana"
        getattr(users, change)("ana")
        clock.time += 4.9
        assert (await accounts.authenticate(token)).id == "ana"
        clock.time += 0.1
        with pytest.raises(error):
            await accounts.authenticate(token)
        if change == "revoke_tokens":
            token = _basic(await accounts.authenticate_basic("ana", PASSWORD))
            assert (await accounts.authenticate(token)).id == "ana"
        else:
            with pytest.raises(PermissionsInsufficient):
                await accounts.authenticate_basic("ana", PASSWORD)
            with pytest.raises(CredentialsInvalid):
                await accounts.authenticate_basic("ana", "wrong")

    _with(accounts, use)


def test_expired_token(tmp_path: Path, users: Users, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path, token_lifetime=1))

    async def use() -> None:
        value = await accounts.authenticate_basic("ana", PASSWORD)
        clock.time += 100
        monkeypatch.setattr(accounts._here().tokens, "_now", lambda: 9e9)
        with pytest.raises(TokenInvalid):
            await accounts.authenticate(_basic(value))

    _with(accounts, use)


def test_many_requests_look_into_the_database_once(
    tmp_path: Path, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path))
    found: list[str] = []

    async def use() -> None:
        token = _basic(await accounts.authenticate_basic("ana", PASSWORD))
        find = accounts._here().users.find

        def counting(self: Users, user_id: str) -> Account | None:
            found.append(user_id)
            return find(user_id)

        monkeypatch.setattr(Users, "find", counting)
        await asyncio.gather(*(accounts.authenticate(token) for _ in range(50)))

    _with(accounts, use)
    assert found == ["ana"]


def test_guessing_is_slowed_down(tmp_path: Path, users: Users) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path))

    async def use() -> None:
        for _ in range(10):
            accounts._backoff.failed("ana")
        with pytest.raises(CredentialsInvalid, match=r"Too many failed logins.* 30 seconds"):
            await accounts.authenticate_basic("ana", PASSWORD)
        accounts._backoff.succeeded("ana")
        for _ in range(5):
            with pytest.raises(CredentialsInvalid, match="password do not match"):
                await accounts.authenticate_basic("ana", "wrong")
        assert accounts._backoff.remaining("ana") > 0

    _with(accounts, use)


def test_logins_cannot_exhaust_the_worker(
    tmp_path: Path, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path))
    running: list[int] = []
    most: list[int] = []
    over = threading.Event()

    def check(self: Users, name: str, password: str) -> None:
        running.append(1)
        most.append(len(running))
        over.wait(30)
        running.pop()

    monkeypatch.setattr(Users, "check_password", check)

    async def use() -> None:
        logins = [
            asyncio.create_task(accounts.authenticate_basic(f"user-{number}", PASSWORD))
            for number in range(50)
        ]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sum(login.done() for login in logins) == 18
        assert await accounts.ready()  # the rest goes on meanwhile
        over.set()
        results = await asyncio.gather(*logins, return_exceptions=True)
        assert [type(result) for result in results] == [CredentialsInvalid] * 32 + [InfrastructureBusy] * 18

    _with(accounts, use)
    assert max(most) <= 2


def test_database_that_is_away(tmp_path: Path, users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path))

    def fail(self: Users, *args: Any) -> None:
        raise OperationalError("SELECT secret", {}, Exception("away"))

    async def use() -> None:
        token = _basic(await accounts.authenticate_basic("ana", PASSWORD))
        monkeypatch.setattr(Users, "find", fail)
        monkeypatch.setattr(Users, "check_password", fail)
        with pytest.raises(InfrastructureBusy) as raised:
            await accounts.authenticate(token)
        assert "secret" not in str(raised.value)
        with pytest.raises(InfrastructureBusy):
            await accounts.authenticate_basic("ana", PASSWORD)

    _with(accounts, use)


def test_demo(tmp_path: Path) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path, demo=True))
    assert _with(accounts, lambda: accounts.authenticate_basic("demo", "demo"))
    accounts = LocalAccounts.from_settings(_settings(tmp_path, demo=False))
    with pytest.raises(PermissionsInsufficient):
        _with(accounts, lambda: accounts.authenticate_basic("demo", "demo"))
    accounts = LocalAccounts.from_settings(_settings(tmp_path, demo=True, host="0.0.0.0"))
    with pytest.raises(AccountError):
        asyncio.run(accounts.start())


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("10.0.0.1", False),
        ("eo.example", False),
        ("localhost.example", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_without_providers_there_is_no_list_of_them(tmp_path: Path) -> None:
    assert LocalAccounts.from_settings(_settings(tmp_path)).authenticate_oidc is None


def test_providers_suit_the_contract(tmp_path: Path, oidc_issuer: OidcIssuer) -> None:
    provider = OidcProvider(**oidc_issuer.provider(description="For *all*."))
    accounts = LocalAccounts.from_settings(_settings(tmp_path, oidc=(provider,)))
    providers = asyncio.run(accounts.authenticate_oidc())
    _check_response("/credentials/oidc", {"providers": providers})
    assert [provider["id"] for provider in providers] == ["river"]


@pytest.mark.parametrize(
    "user", [User("ana"), User("river~a~7c", "Ana", "ana@river.example", "river", frozenset({"b", "a"}))]
)
def test_account_suits_the_contract(tmp_path: Path, user: User) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path))
    account = _with(accounts, lambda: accounts.describe_account(user))
    _check_response("/me", dict(account))
    assert account["user_id"] == user.id
    assert account["info"]["roles"] == sorted(user.roles)
    assert ("name" in account) == (user.name is not None)
    assert account["budget"] is None
    assert "default_plan" not in account


def test_account_tells_what_is_left_of_the_storage(tmp_path: Path, users: Users) -> None:
    roles = [Role(name="staff", storage_quota=5000), Role(name="guest", storage_quota=100)]
    accounts = LocalAccounts.from_settings(_settings(tmp_path, storage_quota=1000, roles=roles))
    for path, owner, size in (("a", "ana", 300), ("b", "ana", 200), ("a", "ben", 7)):
        _add_file(users, owner, path, size)

    async def storage(*roles: str) -> Any:
        return (await accounts.describe_account(User("ana", roles=frozenset(roles))))["storage"]

    async def use() -> list[Any]:
        return [
            await storage(),
            await storage("staff", "guest"),
            await storage("guest"),
            await storage("other"),
        ]

    assert _with(accounts, use) == [
        {"free": 500, "quota": 1000},
        {"free": 4500, "quota": 5000},
        {"free": 0, "quota": 100},
        {"free": 500, "quota": 1000},
    ]


def _add_file(users: Users, owner: str, path: str, size: int) -> None:
    values = {
        "user_id": owner,
        "path": path,
        "blob": f"{owner}-{path}",
        "size": size,
        "modified": datetime.now(UTC),
        "media_type": "text/plain",
        "checksum": "0" * 64,
    }
    with users.engine.begin() as connection:
        connection.execute(files.insert().values(values))


def test_account_names_the_plan_where_something_is_charged(tmp_path: Path) -> None:
    plan = {"name": "free", "description": "For everybody.", "paid": False}
    billing = {"currency": "EUR", "default_plan": "free", "plans": [plan]}
    accounts = LocalAccounts.from_settings(_settings(tmp_path, billing=billing))
    account = _with(accounts, lambda: accounts.describe_account(User("ana")))
    assert account["default_plan"] == "free"
    _check_response("/me", dict(account))


def _check_response(path: str, body: Any) -> None:
    document = load_openapi()
    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    # `nullable` is OpenAPI 3.0, which JSON Schema does not know.
    present = {key: value for key, value in body.items() if value is not None}
    jsonschema_rs.validate({**schema, "components": document["components"]}, present)
    for key in body.keys() - present.keys():
        assert schema["properties"][key]["nullable"]


def test_openid_connect(tmp_path: Path, oidc_issuer: OidcIssuer, clock: Clock, users: Users) -> None:
    provider = OidcProvider(**oidc_issuer.provider(roles_claim="groups"))
    accounts = LocalAccounts.from_settings(_settings(tmp_path, oidc=(provider,)))

    async def use() -> None:
        value = oidc_issuer.jwt(name="Ana", groups=["eo"])
        expected = User("river~ana", "Ana", None, "river", frozenset({"eo"}))
        assert await accounts.authenticate(Token("oidc", "river", value)) == expected
        assert await accounts.authenticate(Token("jwt", "", value)) == expected
        opaque = await accounts.authenticate(Token("oidc", "river", oidc_issuer.opaque("bo")))
        assert opaque.id == "river~bo"
        with pytest.raises(TokenInvalid):
            await accounts.authenticate(_basic(value))
        assert [account.id for account in users.list_users()] == ["ana", "river~ana", "river~bo"]
        users.disable_user("river~ana")
        clock.time += 5
        with pytest.raises(PermissionsInsufficient):
            await accounts.authenticate(Token("oidc", "river", value))
        oidc_issuer.broken = True
        with pytest.raises(InfrastructureBusy):
            await accounts.authenticate(Token("oidc", "river", oidc_issuer.opaque("cleo")))

    _with(accounts, use)


def test_roles_of_basic_users_follow_the_administrator(tmp_path: Path, users: Users, clock: Clock) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path))

    async def use() -> None:
        token = _basic(await accounts.authenticate_basic("ana", PASSWORD))
        assert (await accounts.authenticate(token)).roles == frozenset()
        users.change_roles("ana", add=["staff"])
        clock.time += 5
        assert (await accounts.authenticate(token)).roles == {"staff"}

    _with(accounts, use)


def test_roles_that_are_required(tmp_path: Path, oidc_issuer: OidcIssuer, users: Users, clock: Clock) -> None:
    group = "urn:mace:egi.eu:group:vo.river.example:role="
    provider = OidcProvider(
        **oidc_issuer.provider(
            roles_claim="eduperson_entitlement",
            role_values={"member": f"{group}member#*", "staff": f"{group}owner#*"},
            required_roles=["member", "staff"],
        )
    )
    accounts = LocalAccounts.from_settings(_settings(tmp_path, oidc=(provider,)))

    async def roles(subject: str, *entitlements: str) -> frozenset[str]:
        token = oidc_issuer.jwt(subject, eduperson_entitlement=list(entitlements), jti=str(clock.time))
        return (await accounts.authenticate(Token("oidc", "river", token))).roles

    async def use() -> None:
        assert await roles("ana", f"{group}member#aai.egi.eu", f"{group}other#aai.egi.eu") == {"member"}
        for entitlements in ((), (f"{group}other#aai.egi.eu",), (f"x{group}member#aai.egi.eu",)):
            with pytest.raises(PermissionsInsufficient, match=r"River ID.*none of the roles"):
                await roles("bo", *entitlements)
        # The administrator may let in who has no entitlement, and others stay out.
        users.change_roles("river~bo", add=["staff"])
        assert await roles("bo") == {"staff"}
        with pytest.raises(PermissionsInsufficient):
            await roles("cleo")
        # Whoever loses the entitlement is out with the next token, and the claims do not add up over time.
        clock.time += 5
        with pytest.raises(PermissionsInsufficient):
            await roles("ana", f"{group}other#aai.egi.eu")
        known = {account.id: account.claimed_roles for account in users.list_users()}
        assert known == {"ana": set(), "river~ana": set(), "river~bo": set(), "river~cleo": set()}

    _with(accounts, use)


def test_a_former_secret(tmp_path: Path, users: Users) -> None:
    old, new = "the secret of last year", "the secret of this year"
    first = LocalAccounts.from_settings(_settings(tmp_path, secret=old))
    token = _with(first, lambda: first.authenticate_basic("ana", PASSWORD))
    both = LocalAccounts.from_settings(_settings(tmp_path, secret=new, former_secrets=[old]))
    assert _with(both, lambda: both.authenticate(Token("jwt", "", token))).id == "ana"
    later = LocalAccounts.from_settings(_settings(tmp_path, secret=new))
    with pytest.raises(TokenInvalid):
        _with(later, lambda: later.authenticate(_basic(token)))


def test_clocks_that_jump(
    tmp_path: Path, users: Users, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens go by the time of day, whatever it says; how long something is believed does not depend on it."""
    accounts = LocalAccounts.from_settings(_settings(tmp_path, token_lifetime=3600))
    day = [1_800_000_000.0]

    async def use() -> None:
        monkeypatch.setattr(accounts._here().tokens, "_now", lambda: day[0])
        token = _basic(await accounts.authenticate_basic("ana", PASSWORD))
        assert (await accounts.authenticate(token)).id == "ana"
        # Backwards: the token comes from the future, and is good. A user who is disabled is cut off in time.
        day[0] -= 30 * 86400
        clock.time += 5
        assert (await accounts.authenticate(token)).id == "ana"
        users.disable_user("ana")
        clock.time += 5
        with pytest.raises(PermissionsInsufficient):
            await accounts.authenticate(token)
        users.enable_user("ana")
        token = _basic(await accounts.authenticate_basic("ana", PASSWORD))
        assert (await accounts.authenticate(token)).id == "ana"
        # Forwards: it has expired, as soon as it is looked at again; a new one is good at once.
        day[0] += 60 * 86400
        clock.time += 5
        with pytest.raises(TokenInvalid):
            await accounts.authenticate(token)
        new = _basic(await accounts.authenticate_basic("ana", PASSWORD))
        assert (await accounts.authenticate(new)).id == "ana"

    _with(accounts, use)


def test_same_name_at_both(tmp_path: Path, oidc_issuer: OidcIssuer, users: Users) -> None:
    provider = OidcProvider(**oidc_issuer.provider("lake"))
    accounts = LocalAccounts.from_settings(_settings(tmp_path, oidc=(provider,)))
    user = _with(accounts, lambda: accounts.authenticate(Token("oidc", "lake", oidc_issuer.jwt("ana"))))
    assert user.id == "lake~ana"


def test_not_started(tmp_path: Path) -> None:
    accounts = LocalAccounts.from_settings(_settings(tmp_path))
    assert not asyncio.run(accounts.ready())
    with pytest.raises(RuntimeError, match="start"):
        asyncio.run(accounts.authenticate(_basic("x")))
    asyncio.run(accounts.stop())


def test_import_is_light() -> None:
    code = (
        "import sys, connexeo.drivers.local.accounts\n"
        "sys.exit(any(name in sys.modules for name in ('sqlalchemy', 'alembic', 'joserfc', 'argon2', 'httpx')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_database_that_comes_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from connexeo.drivers.local.state import database, state

    accounts = LocalAccounts.from_settings(_settings(tmp_path))
    opened = database.open_database
    away = [True, True]

    def open_(url: str) -> Any:
        if away:
            away.pop()
            raise OperationalError("SELECT 1", {}, Exception("connection refused"))
        return opened(url)

    monkeypatch.setattr(database, "open_database", open_)
    monkeypatch.setattr(state, "RETRY", 0.01)

    async def run() -> None:
        await accounts.start()
        assert not await accounts.ready()
        with pytest.raises(InfrastructureBusy):
            await accounts.authenticate_basic("demo", "demo")
        for _ in range(500):
            if await accounts.ready():
                break
            await asyncio.sleep(0.01)
        assert await accounts.ready()
        await accounts.stop()

    asyncio.run(run())


def test_a_secret_that_is_too_short_is_refused_before_anything_opens(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="secret"):
        LocalAccounts.from_settings(_settings(tmp_path, secret="short"))
