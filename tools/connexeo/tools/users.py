"""``connexeo users``: the accounts of HTTP Basic that the local driver keeps."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from connexeo.tools.console import fail, output, say

if TYPE_CHECKING:
    from connexeo.drivers.local.accounts.holdings import Holdings
    from connexeo.drivers.local.accounts.users import Account, Users
    from connexeo.settings import Settings

app = typer.Typer(
    help="Accounts: who may log in with user name and password.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

ConfigOption = Annotated[
    Path | None,
    typer.Option(help="Settings in a TOML file, those of the server.", dir_okay=False, exists=True),
]
DataOption = Annotated[
    Path | None, typer.Option(help="Data folder.  [default: connexeo-data]", file_okay=False)
]
NameArgument = Annotated[str, typer.Argument(help="User name: a-z, 0-9, dot, underscore and hyphen.")]
AccountArgument = Annotated[str, typer.Argument(help="The account, as the list shows it.")]
RoleOption = Annotated[list[str] | None, typer.Option("--role", help="A role; may be given several times.")]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")
]


@app.command()
def add(
    name: NameArgument,
    role: RoleOption = None,
    password_stdin: StdinOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Make an account; asks for its password."""
    with _users(_settings(data, config)) as users:
        if users.find(name) is not None:
            fail(f"there is an account {name} already")
        users.add_user(name, _new_password(password_stdin), role or ())
        place = _place(users)
    say(f"[green]added[/green] {escape(name)} to {escape(place)}")


@app.command("list")
def list_(data: DataOption = None, config: ConfigOption = None) -> None:
    """List all accounts; users of OpenID Connect are among them once they have been here."""
    with _users(_settings(data, config)) as users:
        accounts = users.list_users()
        place = _place(users)
    if not accounts:
        say(f"there are no accounts in {escape(place)}; make one with [bold]connexeo users add NAME[/bold]")
    elif output.is_terminal:
        output.print(_table(accounts))
    else:
        # Lines for other programs: nothing is wrapped or cut.
        for account in accounts:
            sys.stdout.write("\t".join(_cells(account)) + "\n")


@app.command()
def show(name: AccountArgument, data: DataOption = None, config: ConfigOption = None) -> None:
    """Show an account, and what its user has."""
    from connexeo.drivers.local.accounts.holdings import holdings_of
    from connexeo.drivers.local.accounts.limits import limits_of

    settings = _settings(data, config)
    with _users(settings) as users:
        account = _existing(users, name)
        with users.engine.connect() as connection:
            holdings = holdings_of(connection, account.id)
    limits = limits_of(settings, account.roles)
    jobs = [f"{number} {status}" for status, number in sorted(holdings.jobs.items())]
    _, provider, since, state, roles = _cells(account)
    lines = {
        "account": account.id,
        "name": account.name or "",
        "provider": provider,
        "since": since,
        "state": state,
        "roles": roles,
        "jobs": ", ".join(jobs) or "0",
        "files": str(holdings.files),
        "storage": f"{holdings.stored} of {limits.storage_quota} bytes",
        "processes": str(holdings.processes),
        "services": str(holdings.services),
    }
    for label, value in lines.items():
        sys.stdout.write(f"{label}\t{value}\n")


@app.command()
def role(
    name: AccountArgument,
    add: Annotated[list[str] | None, typer.Option(help="A role to give; may be given several times.")] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="A role to take; may be given several times.")
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Give an account roles, or take them; those that a provider claims are the provider's."""
    with _users(_settings(data, config)) as users:
        account = users.change_roles(name, add=add or (), remove=remove or ())
    say(f"{escape(name)} has the roles: {escape(_roles(account) or 'none')}")


@app.command()
def password(
    name: AccountArgument,
    password_stdin: StdinOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Give an account another password; whoever is logged in must log in again."""
    with _users(_settings(data, config)) as users:
        account = users.find(name)
        if account is None or account.provider != "basic":
            fail(f"there is no account {name} with a password")
        users.set_password(name, _new_password(password_stdin))
    say(f"[green]changed[/green] the password of {escape(name)}")


@app.command()
def disable(name: AccountArgument, data: DataOption = None, config: ConfigOption = None) -> None:
    """Lock an account; its tokens end within seconds."""
    with _users(_settings(data, config)) as users:
        users.disable_user(name)
    say(f"[green]disabled[/green] {escape(name)}")


@app.command()
def revoke(name: AccountArgument, data: DataOption = None, config: ConfigOption = None) -> None:
    """End all tokens of an account within seconds; its user may log in again."""
    with _users(_settings(data, config)) as users:
        users.revoke_tokens(name)
    say(f"[green]revoked[/green] the tokens of {escape(name)}")


@app.command()
def enable(name: AccountArgument, data: DataOption = None, config: ConfigOption = None) -> None:
    """Unlock an account; the user must log in again."""
    with _users(_settings(data, config)) as users:
        users.enable_user(name)
    say(f"[green]enabled[/green] {escape(name)}")


@app.command()
def delete(
    name: AccountArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove an account with all jobs, results, files, processes and services of its user."""
    from connexeo.drivers.local.accounts.accounts import VERIFIED_LIFETIME
    from connexeo.drivers.local.accounts.holdings import holdings_of, remove_user
    from connexeo.drivers.local.storage import Storage

    settings = _settings(data, config)
    with _users(settings) as users:
        account = _existing(users, name)
        with users.engine.connect() as connection:
            holdings = holdings_of(connection, name)
        if not yes:
            typer.confirm(f"Remove {name} with {_counted(holdings)}?", abort=True, err=True)
        if not account.disabled:
            users.disable_user(name)
            # Workers believe a token for some seconds; what is stored meanwhile would stay behind.
            time.sleep(VERIFIED_LIFETIME)
        removed = remove_user(users.engine, Storage.from_settings(settings), name)
    say(f"[green]removed[/green] {escape(name)} with {_counted(removed)}")


def _settings(data: Path | None, config: Path | None) -> Settings:
    """The settings of the server; whatever is wrong ends the command with one line."""
    from connexeo.settings import load_settings

    if config is not None:
        os.environ["CONNEXEO_CONFIG"] = str(config.resolve())
    try:
        return load_settings(data=data)
    except ValueError as error:
        fail(str(error))


@contextmanager
def _users(settings: Settings) -> Iterator[Users]:
    """The accounts of the server with these settings; whatever is wrong ends the command with one line."""
    from sqlalchemy.exc import SQLAlchemyError

    from connexeo.drivers.local.accounts.users import Users
    from connexeo.generated.errors import StorageFailure

    try:
        users = Users.open(settings.database_url)
        try:
            yield users
        finally:
            users.close()
    except ValueError as error:
        # An AccountError, or a database of a newer release.
        fail(str(error))
    except StorageFailure:
        fail("the rows in the database are gone, but not all that is stored: the storage cannot be used")
    except SQLAlchemyError as error:
        # The driver's own words: SQLAlchemy adds the statement with its values.
        fail(f"the database cannot be used: {getattr(error, 'orig', None) or error}")
    except OSError as error:
        fail(f"the database cannot be used: {error.strerror or error}")
    except ModuleNotFoundError as error:
        fail(f"the database needs the package {error.name}, which is not installed")


def _place(users: Users) -> str:
    """Which database it is, so that a wrong data folder is noticed; without a password."""
    url = users.engine.url
    return url.database if url.get_backend_name() == "sqlite" and url.database else url.render_as_string()


def _new_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Password again")
    return answer


def _existing(users: Users, name: str) -> Account:
    account = users.find(name)
    if account is None:
        fail(f"there is no account {name}")
    return account


def _counted(holdings: Holdings) -> str:
    counts = {
        "job": sum(holdings.jobs.values()),
        "file": holdings.files,
        "process": holdings.processes,
        "service": holdings.services,
    }
    plurals = {"job": "jobs", "file": "files", "process": "processes", "service": "services"}
    return ", ".join(
        f"{number} {thing if number == 1 else plurals[thing]}" for thing, number in counts.items()
    )


def _cells(account: Account) -> tuple[str, str, str, str, str]:
    state = "disabled" if account.disabled else "active"
    return account.id, account.provider, f"{account.created:%Y-%m-%d %H:%M} UTC", state, _roles(account)


def _roles(account: Account) -> str:
    return ", ".join(sorted(account.roles))


def _table(accounts: list[Account]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("account", "provider", "since", "state", "roles"):
        table.add_column(heading, overflow="fold")
    for account in accounts:
        table.add_row(*map(escape, _cells(account)), style="dim" if account.disabled else None)
    return table
