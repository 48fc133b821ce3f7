"""Processes that no back-end should have, for tests of what happens around processes."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path
from typing import IO, Any

import xarray as xr

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


_held: list[IO[bytes]] = []


@process
def alone(path: str, seconds: float) -> bool:
    """Work for some time, and write down if somebody else works under the same name at the same time.

    The lock is held until this process ends or works under another name: so it shows whether two processes do.
    """
    for file in _held:
        file.close()
    held = Path(path).open("ab")  # noqa: SIM115 - it stays open
    _held[:] = [held]
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        Path(f"{path}.overlap").touch()
    held.write(b".")
    held.flush()
    time.sleep(seconds)
    return True


@process
def die(path: str, times: int) -> bool:
    """End the process as a crash does, the first times."""
    with Path(path).open("ab") as file:
        file.write(b".")
    if Path(path).stat().st_size <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return True


@process
def wait_for_block(data: Any, path: str) -> Any:
    """A cube whose values cannot be computed until a file is there."""

    def wait(block: Any) -> Any:
        wait_for(path)
        return block

    return xr.apply_ufunc(wait, data, dask="parallelized", output_dtypes=[data.dtype], keep_attrs=True)
