"""``connexeo new``: scaffolds a provider's own project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from connexeo.tools.console import fail, say
from connexeo.tools.new.project import Project, ProjectError, write_project


def new(
    name: Annotated[str, typer.Argument(help="Name of the project: a-z, 0-9, hyphens and underscores.")],
    directory: Annotated[
        Path | None,
        typer.Option(help="Folder to write to, missing or empty.  [default: the name]", file_okay=False),
    ] = None,
) -> None:
    """Make a project of your own: an endpoint, its handler, a driver, settings and tests, ready to run."""
    folder = Path(name) if directory is None else directory
    try:
        write_project(Project.named(name), folder)
    except ProjectError as error:
        fail(str(error))
    except OSError as error:
        fail(f"the project cannot be written to {folder}: {error.strerror or error}")
    say(f"[green]made[/green] {escape(str(folder))}; its README.md tells how to install, serve and test it")
