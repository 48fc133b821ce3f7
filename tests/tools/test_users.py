from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import func, insert, select
from typer.testing import CliRunner

from connexeo.drivers.interface import User
from connexeo.drivers.local.accounts.accounts import VERIFIED_LIFETIME
from connexeo.drivers.local.accounts.users import Account, Users
from connexeo.drivers.local.state.tables import files, jobs
from connexeo.drivers.local.storage import Storage
from connexeo.tools import users as command

PASSWORD = "correct horse"
ENVIRONMENT = {"CONNEXEO_CONFIG": None, "CONNEXEO_DATABASE": None, "CONNEXEO_DATA": None}

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command on a data folder of its own; `input` is what standard input holds."""

    def run(*arguments: str, input: str = "", **environment: str) -> Any:
        given = {**ENVIRONMENT, "CONNEXEO_DATA": str(tmp_path / "data"), **environment}
        return CliRunner().invoke(command.app, list(arguments), input=input, env=given)

    return run


@pytest.fixture
def accounts(tmp_path: Path) -> Callable[[], Users]:
    return lambda: Users.open(f"sqlite:///{tmp_path / 'data' / 'connexeo.sqlite'}")


def test_add_with_the_password_from_standard_input(run: Run, accounts: Callable[[], Users]) -> None:
    result = run("add", "maria", "--password-stdin", input=f"{PASSWORD}\n")
    assert result.exit_code == 0
    assert "added maria" in result.stderr
    assert PASSWORD not in result.output
    users = accounts()
    assert users.check_password("maria", PASSWORD) is not None
    users.close()


def test_add_asks_twice_and_shows_nothing(run: Run, accounts: Callable[[], Users]) -> None:
    result = run("add", "maria", input=f"{PASSWORD}\n{PASSWORD} \n{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    assert "do not match" in result.output
    users = accounts()
    assert users.check_password("maria", PASSWORD) is not None
    users.close()


def test_add_that_is_aborted_adds_nothing(run: Run) -> None:
    assert run("add", "maria", input="").exit_code != 0
    assert run("list").stdout == ""


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("maria", "short", "a password has"),
        ("maria", "", "a password has"),
        ("Maria Z", PASSWORD, "a user name has"),
        ("river~ana", PASSWORD, "a user name has"),
    ],
)
def test_what_does_not_suit_is_refused(run: Run, name: str, password: str, message: str) -> None:
    result = run("add", name, "--password-stdin", input=password)
    assert result.exit_code == 1
    assert message in result.stderr
    assert run("list").stdout == ""


def test_an_account_is_added_once(run: Run) -> None:
    run("add", "maria", "--password-stdin", input=PASSWORD)
    again = run("add", "maria", "--password-stdin", input=PASSWORD)
    assert again.exit_code == 1
    assert "there is an account maria already" in again.stderr


def test_list_for_other_programs_has_one_line_each(run: Run, accounts: Callable[[], Users]) -> None:
    run("add", "maria", "--password-stdin", input=PASSWORD)
    users = accounts()
    users.remember(User("river~" + "a" * 150, "Ana", None, "river"))
    users.close()
    lines = [line.split("\t") for line in run("list").stdout.splitlines()]
    assert [(line[0], line[1], line[3]) for line in lines] == [
        ("maria", "basic", "active"),
        ("river~" + "a" * 150, "river", "active"),
    ]


def test_list_on_a_terminal_is_a_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add", "maria", "--password-stdin", input=PASSWORD)
    run("disable", "maria")
    screen = io.StringIO()
    monkeypatch.setattr(
        command, "output", Console(file=screen, force_terminal=True, width=100, color_system=None)
    )
    assert run("list").exit_code == 0
    heading, line = screen.getvalue().splitlines()
    assert heading.split() == ["account", "provider", "since", "state", "roles"]
    assert line.split()[0] == "maria"
    assert line.split()[-1] == "disabled"


def test_a_list_without_accounts_says_so(run: Run, tmp_path: Path) -> None:
    result = run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert str(tmp_path) in "".join(result.stderr.split())


def test_disable_and_enable(run: Run, accounts: Callable[[], Users]) -> None:
    run("add", "maria", "--password-stdin", input=PASSWORD)
    assert run("disable", "maria").exit_code == 0
    users = accounts()
    account = users.find("maria")
    assert account is not None
    assert account.disabled
    assert run("enable", "maria").exit_code == 0
    account = users.find("maria")
    assert account is not None
    assert not account.disabled
    users.close()


@pytest.mark.parametrize("action", ["disable", "enable", "password", "revoke", "show", "role", "delete"])
def test_an_account_that_is_not_there(run: Run, action: str) -> None:
    result = run(action, "nobody", input=PASSWORD)
    assert result.exit_code == 1
    assert "there is no account nobody" in result.stderr


def test_change_a_password(run: Run, accounts: Callable[[], Users]) -> None:
    run("add", "maria", "--password-stdin", input=PASSWORD)
    assert run("password", "maria", "--password-stdin", input="battery staple").exit_code == 0
    users = accounts()
    assert users.check_password("maria", PASSWORD) is None
    assert users.check_password("maria", "battery staple") is not None
    users.close()


def test_the_settings_of_the_server_say_which_database(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "deployment"
    folder.mkdir()
    config = folder / "connexeo.toml"
    config.write_text('data = "state"')
    # The environment wins over the file, so it must not name a data folder here.
    environment = {**ENVIRONMENT, "CONNEXEO_CONFIG": None}
    arguments = ["add", "maria", "--password-stdin", "--config", str(config)]
    result = CliRunner().invoke(command.app, arguments, input=PASSWORD, env=environment)
    assert result.exit_code == 0, result.output
    assert (folder / "state" / "connexeo.sqlite").is_file()
    assert run("list", "--data", str(folder / "state")).stdout.startswith("maria\t")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"CONNEXEO_DATABASE": "nonsense"}, "the database cannot be used"),
        ({"CONNEXEO_DATABASE": "nosuch://maria:hidden@127.0.0.1/x"}, "the database cannot be used"),
        ({"CONNEXEO_DATABASE": "sqlite:////dev/null/x.sqlite"}, "the database cannot be used"),
        ({"CONNEXEO_PORT": "many"}, "wrong settings: port"),
    ],
)
def test_what_is_wrong_is_one_line(run: Run, environment: dict[str, str], message: str) -> None:
    result = run("list", **environment)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert "hidden" not in result.output


def _find(accounts: Callable[[], Users], name: str) -> Account | None:
    users = accounts()
    account = users.find(name)
    users.close()
    return account


def test_roles_are_given_and_taken(run: Run, accounts: Callable[[], Users]) -> None:
    run("add", "maria", "--role", "staff", "--role", "guest", "--password-stdin", input=PASSWORD)
    assert run("list").stdout.rstrip("\n").split("\t")[4] == "guest, staff"
    result = run("role", "maria", "--add", "owner", "--remove", "guest")
    assert "owner, staff" in result.stderr
    account = _find(accounts, "maria")
    assert account is not None
    assert account.roles == {"owner", "staff"}
    result = run("role", "maria", "--add", "two words")
    assert (result.exit_code, "a role has" in result.stderr) == (1, True)


def test_revoke_ends_the_tokens(run: Run, accounts: Callable[[], Users]) -> None:
    run("add", "maria", "--password-stdin", input=PASSWORD)
    assert run("revoke", "maria").exit_code == 0
    account = _find(accounts, "maria")
    assert account is not None
    assert (account.token_generation, account.disabled) == (1, False)


def test_show_tells_what_a_user_has(run: Run, accounts: Callable[[], Users]) -> None:
    run("add", "maria", "--role", "staff", "--password-stdin", input=PASSWORD)
    _give(accounts, "maria")
    roles = '[{"name": "staff", "storage_quota": 5000}]'
    result = run("show", "maria", CONNEXEO_ROLES=roles)
    assert result.exit_code == 0, result.output
    shown = dict(line.split("\t") for line in result.stdout.splitlines())
    expected = {"account": "maria", "state": "active", "roles": "staff", "storage": "300 of 5000 bytes"}
    assert expected.items() <= shown.items()
    assert {key: shown[key] for key in ("jobs", "files", "processes", "services")} == {
        "jobs": "1 finished, 2 queued",
        "files": "1",
        "processes": "0",
        "services": "0",
    }


def _give(accounts: Callable[[], Users], owner: str) -> None:
    """Some jobs and a file."""
    now = datetime.now(UTC)
    job = {"user_id": owner, "process": {}, "log_level": "info", "priority": 0, "created": now}
    job |= {"run": 0, "crashes": 0, "losses": 0}
    users = accounts()
    with users.engine.begin() as connection:
        for number, status in enumerate(("queued", "queued", "finished")):
            connection.execute(insert(jobs).values(id=f"j-{number}", status=status, **job))
        file = {"user_id": owner, "path": "a.txt", "blob": "b-1", "size": 300, "modified": now}
        connection.execute(insert(files).values(media_type="text/plain", checksum="0" * 64, **file))
    users.close()


def test_delete_asks_and_removes_everything(run: Run, accounts: Callable[[], Users], tmp_path: Path) -> None:
    run("add", "maria", "--password-stdin", input=PASSWORD)
    _give(accounts, "maria")
    storage = Storage(str(tmp_path / "data" / "storage"))
    for key in ("files/b-1", "files/b-of-another", "jobs/j-2/1/result.tif"):
        with storage.writing(key) as file:
            file.write(b"content")
    run("disable", "maria")
    refused = run("delete", "maria", input="n\n")
    assert refused.exit_code == 1
    assert "3 jobs, 1 file, 0 processes, 0 services" in refused.stderr
    assert _find(accounts, "maria") is not None
    result = run("delete", "maria", input="y\n")
    assert result.exit_code == 0, result.output
    assert _find(accounts, "maria") is None
    assert (storage.names("files"), storage.names("jobs")) == (["b-of-another"], [])
    users = accounts()
    with users.engine.connect() as connection:
        assert [connection.scalar(select(func.count()).select_from(table)) for table in (jobs, files)] == [
            0,
            0,
        ]
    users.close()


def test_delete_waits_until_tokens_have_ended(
    run: Run, accounts: Callable[[], Users], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", "maria", "--password-stdin", input=PASSWORD)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        account = _find(accounts, "maria")
        assert account is not None
        assert account.disabled
        waited.append(seconds)

    monkeypatch.setattr(command, "time", SimpleNamespace(sleep=sleep))
    assert run("delete", "maria", "--yes").exit_code == 0
    assert waited == [VERIFIED_LIFETIME]
    assert run("list").stdout == ""
