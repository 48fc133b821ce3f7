"""``connexeo generate``: writes the package ``connexeo.generated`` from the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from connexeo.tools.console import errors, fail, say
from connexeo.tools.spec.cli import OverlayOption, SpecOption, readable_errors
from connexeo.tools.spec.sources import find_generated, find_spec


def generate(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail when a file would change.")
    ] = False,
    target: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write; by default that of the checkout.")
    ] = None,
    overlay: OverlayOption = None,
    spec: SpecOption = None,
) -> None:
    """Write the generated files: document, operations, models, protocols, errors, processes.

    With --overlay, the contract is that of a deployment: models and protocols are written, for its own handlers.

    Exit code: 0 written or fresh, 1 stale (with --check), 2 a source is at fault.
    """
    from connexeo.tools.generate.package import (  # only needed here
        generate_files,
        generate_types,
        stale_files,
        write_files,
    )

    with readable_errors():
        if overlay and target is None:
            fail("name the folder for the types of your own contract with --output", code=2)
        folder = target or find_generated()
        files = generate_types(find_spec(spec), overlay) if overlay else generate_files(find_spec(spec))
        if check:
            stale = stale_files(files, folder)
        else:
            written = write_files(files, folder)
    if check and stale:
        for name in stale:
            errors.print(f"[red]✗[/red] {escape(str(folder / name))} is stale", soft_wrap=True)
        raise typer.Exit(1)
    if check:
        say("[green]✓[/green] the generated files are fresh")
    else:
        say(f"[green]wrote[/green] {', '.join(written)}" if written else "nothing has changed")
