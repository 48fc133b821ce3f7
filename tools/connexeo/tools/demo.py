"""``connexeo demo``: writes the demo collections."""

from __future__ import annotations

from typing import Annotated

import typer

from connexeo.settings import Settings, load_settings
from connexeo.tools.console import errors, fail, say


def demo(
    data: Annotated[str | None, typer.Option(help="Data folder.  [default: connexeo-data]")] = None,
) -> None:
    """Write the demo collections into the data folder; nothing happens when they are there."""
    try:
        settings = load_settings(data=data)
    except ValueError as error:
        fail(str(error))
    write_demo_data(settings)


def write_demo_data(settings: Settings) -> None:
    """Write the demo collections where the local driver looks for them, unless they are there."""
    from connexeo.drivers.local.demo import is_complete, write_demo
    from connexeo.drivers.local.environment import demo_folder

    folder = demo_folder(settings)
    if is_complete(folder):
        return
    try:
        with errors.status("Writing the demo collections") as status:
            write_demo(folder, progress=status.update)
    except OSError as error:
        fail(f"the demo collections cannot be written to {folder}: {error.strerror or error}")
    say(f"demo collections in {folder}")
