"""``connexeo``: the command line, put together from its commands."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from connexeo.tools.console import output
from connexeo.tools.demo import demo
from connexeo.tools.generate.cli import generate
from connexeo.tools.new.cli import new
from connexeo.tools.run import run
from connexeo.tools.serve import serve
from connexeo.tools.worker import worker

GROUPS: Mapping[str, str] = {
    "users": "connexeo.tools.users",
    "federation": "connexeo.tools.federation",
    "spec": "connexeo.tools.spec.cli",
    "conformance": "connexeo.tools.conformance.cli",
}
"""Commands with commands of their own, and the modules of these."""


class _Commands(TyperGroup):
    """All commands; groups are imported when they are asked for, as the server need not wait for what tests others."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *GROUPS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in GROUPS:
            return super().get_command(ctx, cmd_name)
        group = typer.main.get_group(import_module(GROUPS[cmd_name]).app)
        group.name = cmd_name
        return group


app = typer.Typer(
    cls=_Commands,
    help="The openEO back-end that grows out of its contract.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        output.print(version("connexeo"))
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """The openEO back-end that grows out of its contract."""


app.command()(serve)
app.command()(worker)
app.command()(demo)
app.command()(run)
app.command()(new)
app.command()(generate)


def main() -> None:
    """Run the command line."""
    app()
