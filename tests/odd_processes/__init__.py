"""Processes that no back-end should have, for tests of what happens around processes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from connexeo.processing.environment import Environment
from connexeo.processing.process import process


@process
def wait_for(path: str) -> bool:
    """Wait until a file is there; tell by another one that somebody waits."""
    draft = Path(f"{path}.draft")
    draft.write_text(str(os.getpid()))
    draft.replace(f"{path}.waiting")
    while not Path(path).exists():
        time.sleep(0.01)
    return True


@process
def size_of_file(path: str, *, environment: Environment) -> int:
    """Bytes of an uploaded file."""
    assert environment.workspace is not None
    return environment.workspace.file(path).stat().st_size


@process
def variables() -> list[str]:
    """Names of the environment variables."""
    return sorted(os.environ)
