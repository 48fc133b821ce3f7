"""What blocks of tests are made by, importable in workers."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from connexeo.generated.errors import Internal, NoDataAvailable


def noted(block: Any, folder: str, seconds: float) -> Any:
    """The block plus one, after a while; a file named like the process tells who is at it."""
    note = Path(folder) / f"{os.getpid()}.busy"
    note.touch()
    time.sleep(seconds)
    note.unlink(missing_ok=True)
    return block + 1


def failing(block: Any) -> Any:
    """An error of a process, as programs raise it."""
    if block.size and np.any(block == 5):
        error = NoDataAvailable("There is none (node 'n').")
        vars(error)["node"] = "n"
        raise error
    return block


def greedy(block: Any) -> Any:
    """What a process raises when the memory does not suffice."""
    error = Internal("Process 'x' failed unexpectedly (node 'n').")
    vars(error)["node"] = "n"
    raise error from MemoryError()


def dying(block: Any) -> Any:
    """The end of a worker."""
    os._exit(9)


class Source:
    """Numbers from 0 on, as a file might have them; counts how often it is sent."""

    ndim = 1
    dtype = np.dtype(int)

    def __init__(self, count: int) -> None:
        self.shape = (count,)
        self.sent = 0

    def __dask_tokenize__(self) -> object:
        return "source", self.shape

    def __getitem__(self, key: Any) -> Any:
        return np.arange(self.shape[0])[key]

    def __getstate__(self) -> dict[str, Any]:
        self.sent += 1
        return {"shape": self.shape, "sent": 0}
