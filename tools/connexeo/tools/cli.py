"""``connexeo``: the command line, put together from its commands."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from connexeo.tools.conformance.cli import app as conformance_app
from connexeo.tools.console import output
from connexeo.tools.demo import demo
from connexeo.tools.federation import app as federation_app
from connexeo.tools.generate.cli import generate
from connexeo.tools.new.cli import new
from connexeo.tools.run import run
from connexeo.tools.serve import serve
from connexeo.tools.spec.cli import app as spec_app
from connexeo.tools.users import app as users_app
from connexeo.tools.worker import worker

app = typer.Typer(
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
app.add_typer(users_app, name="users")
app.add_typer(federation_app, name="federation")
app.add_typer(spec_app, name="spec")
app.add_typer(conformance_app, name="conformance")
app.command()(generate)


def main() -> None:
    """Run the command line."""
    app()
