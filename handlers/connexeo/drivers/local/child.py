"""The process that computes synchronous results: reads requests, writes answers, one JSON object a line.

Run as ``python -m connexeo.drivers.local.child``. Pixels are computed here and not in the web worker, so that a
worker stays small and responsive, and a computation can be stopped for certain: by killing its process.
"""

from __future__ import annotations

import os
import queue
import resource
import shutil
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from connexeo.generated.errors import OpenEOError, ProcessGraphComplexity

if TYPE_CHECKING:
    from connexeo.processing.result import Result

MEMORY_FOR_LIBRARIES = 2**30
"""Bytes that a child may take besides the pixels of the result: for libraries, their caches and threads."""
COPIES = 4
"""How often the largest result that is allowed may be in memory: read, computed and encoded."""


def main() -> None:
    """Answer requests until standard input ends."""
    answers = _private_stdout()
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    while True:
        request = requests.get()
        _limit_memory(request["max_bytes"])
        answers.write(orjson.dumps(_answer(request), default=str) + b"\n")
        answers.flush()


def _read_requests(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Read ahead, to notice the death of the parent: nobody waits for results then, or removes them."""
    folders: list[str] = []
    for line in sys.stdin.buffer:
        request: dict[str, Any] = orjson.loads(line)
        folders = [*filter(os.path.exists, folders), request["folder"]]
        requests.put(request)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    # At once, in the middle of whatever the main thread and those of dask do.
    os._exit(0)


def _limit_memory(max_bytes: int) -> None:
    """Let allocations fail before the machine runs out of memory, and other processes suffer."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = MEMORY_FOR_LIBRARIES + COPIES * max_bytes
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _private_stdout() -> IO[bytes]:
    """Keep standard output for answers: whatever libraries print goes to standard error."""
    sys.stdout.flush()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


_TOO_LARGE = ProcessGraphComplexity(
    "The computation needs more memory than synchronous processing allows. Ask for a smaller extent, fewer bands or "
    "dates, or a batch job."
)


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    logs: list[dict[str, Any]] = []
    try:
        return {**compute(request, logs), "logs": logs}
    except OpenEOError as error:
        if isinstance(error.__cause__, MemoryError):
            # The process engine tells in which node it happened, not what it means.
            error = _TOO_LARGE
        return {"error": {"code": error.code, "message": error.message}, "logs": logs}
    except MemoryError:
        return {"error": {"code": _TOO_LARGE.code, "message": _TOO_LARGE.message}, "logs": logs}
    except Exception:  # noqa: BLE001 - the boundary of the process: the parent logs it and answers Internal
        return {"failure": traceback.format_exc(), "logs": logs}


def compute(request: Mapping[str, Any], logs: list[dict[str, Any]]) -> dict[str, Any]:
    """Evaluate one process and write its result.

    Args:
        request: ``process``, ``folder`` to write to, ``sources`` and ``max_bytes``.
        logs: Collects log entries.

    Raises:
        OpenEOError: whatever the graph or the data is at fault for; ProcessGraphComplexity when the result would
            be larger than ``max_bytes``.
    """
    from connexeo.drivers.local.environment import Sources, make_environment
    from connexeo.processing.evaluation import execute
    from connexeo.processing.formats import archive, write_results
    from connexeo.processing.result import Result

    sources = Sources.from_json(request["sources"])
    environment = make_environment(sources, log=lambda entry: logs.append(asdict(entry)))
    evaluation = execute(request["process"], environment=environment)
    value = evaluation.value
    results = evaluation.results or (Result(value, _default_format(value)),)
    _check_size(sum(int(getattr(result.data, "nbytes", 0)) for result in results), request["max_bytes"])
    folder = Path(request["folder"])
    files = write_results([_as_one_file(result) for result in results], folder)
    if len(files) > 1:
        return {"files": [str(archive(files, folder))], "media_type": "application/x-tar"}
    return {"files": [str(files[0].path)], "media_type": files[0].media_type}


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ProcessGraphComplexity(
            f"The result has {size / 2**20:.0f} MB of pixels, more than the {limit / 2**20:.0f} MB that "
            "synchronous processing allows. Ask for a smaller extent, fewer bands or dates, or a batch job."
        )


_ONE_FILE = ("time_as_bands", "sheet")
"""Options that put all time steps into one file."""


def _as_one_file(result: Result) -> Result:
    """The result with these options set, unless the user said otherwise: the answer to a request is one file."""
    from connexeo.processing.formats import find_format

    known = find_format(result.format).parameters
    unsaid = {name: True for name in _ONE_FILE if name in known and result.options.get(name) is None}
    return replace(result, options={**result.options, **unsaid})


def _default_format(value: Any) -> str:
    """Format of a result that no save_result asked for one."""
    dims = getattr(value, "dims", None)
    if dims is None:
        return "JSON"
    return "GTiff" if {"x", "y"} <= set(dims) else "netCDF"


if __name__ == "__main__":
    main()
