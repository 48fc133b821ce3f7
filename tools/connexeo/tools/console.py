"""Output of the command line: colours where it is a terminal, errors as one line on standard error."""

from __future__ import annotations

from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

output = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def say(message: str) -> None:
    """Tell the user something that is not the command's result."""
    errors.print(message, soft_wrap=True)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Say in one line what is wrong, and end."""
    # Messages hold JSONPath and the like, which is not markup.
    errors.print(f"[bold red]error:[/bold red] {escape(message)}", soft_wrap=True)
    raise typer.Exit(code)
