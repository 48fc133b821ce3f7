"""Runs schemathesis against the gateway, within a share of the run's time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.budget import BudgetExhausted
from connexeo.tools.conformance.exchange import NotJson
from connexeo.tools.conformance.fuzzing.belongings import Belongings
from connexeo.tools.conformance.fuzzing.configuration import configuration
from connexeo.tools.conformance.fuzzing.document import fuzzed_document, fuzzed_operations
from connexeo.tools.conformance.fuzzing.gateway import OVER, Gateway
from connexeo.tools.conformance.fuzzing.judgement import Judgement
from connexeo.tools.conformance.fuzzing.permission import Permission
from connexeo.tools.conformance.fuzzing.requests import RequestJudge
from connexeo.tools.conformance.resources import all_collections
from connexeo.tools.conformance.stored_files import start_of_paths
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Skipped
from connexeo.tools.conformance.workload import addition, has, workload

SECONDS = 180.0
"""Time for all random requests at most."""

SHARE = 0.5
"""Of the time and of the requests that are left, at most."""

PHASES = "examples,coverage,fuzzing,stateful"

READ = 3
"""Things of one kind that are read when nothing may be created."""

INSTALL = "python -m pip install 'connexeo[conformance]'"

_LISTS = {
    "job": ("job_id", "GET /jobs", "jobs"),
    "service": ("service_id", "GET /services", "services"),
    "process": ("process_graph_id", "GET /process_graphs", "processes"),
}


@dataclass(frozen=True, slots=True)
class Campaign:
    """What came of it."""

    judgement: Judgement
    sent: int
    refused: int
    """Requests that were thought up but must not be sent."""
    ended: str | None
    """Why it ended early, None when it came to its end."""


def campaign(backend: BackEnd) -> Campaign:
    """Send random requests to everything that the back-end offers and that does no harm.

    Raises:
        Skipped: when schemathesis is not installed.
        NotTestable: when it fails.
        BudgetExhausted: when nothing is left for it.
    """
    if find_spec("schemathesis") is None:
        raise Skipped(f"needs schemathesis: {INSTALL}")
    seconds = min(SECONDS, backend.budget.left * SHARE)
    requests = int((backend.budget.requests - backend.budget.sent) * SHARE)
    if seconds <= 0 or requests <= 0:
        raise BudgetExhausted("nothing is left for random requests; more with --max-time or --max-requests")
    graph, service_type = _graph(backend), _service_type(backend)
    readable = _readable(backend)
    belongings = Belongings(backend, graph, service_type, _start_of_paths(backend))
    judgement = Judgement(backend.contract, RequestJudge(backend.contract))
    permission = Permission(
        backend.contract,
        frozenset(operation.name for operation in fuzzed_operations(backend)),
        belongings,
        frozenset((kind, name) for kind, (_, names) in readable.items() for name in names),
    )
    identifiers = belongings.identifiers(dict(readable.values()))
    settings = configuration(
        seed=backend.options.seed, examples=backend.options.examples, identifiers=identifiers
    )
    document = fuzzed_document(backend, graph, service_type)
    with (
        TemporaryDirectory(prefix="conformance-") as folder,
        Gateway(backend, permission, belongings, judgement, requests) as gateway,
    ):
        Path(folder, "openapi.json").write_text(json.dumps(document))
        Path(folder, "schemathesis.toml").write_text(settings)
        code, output = _run(Path(folder), gateway, seconds)
    if gateway.broken is not None:
        raise gateway.broken
    ended = gateway.stopped if gateway.stopped != OVER else None
    if code is None and ended is None:
        ended = f"{seconds:.0f} s for random requests are over; more with --max-time"
    if ended is None and (code not in {0, 1} or not gateway.sent):
        raise NotTestable(f"schemathesis failed: {output.strip().splitlines()[-1:] or 'it said nothing'}")
    return Campaign(judgement, gateway.sent, gateway.refused, ended)


def _run(folder: Path, gateway: Gateway, seconds: float) -> tuple[int | None, str]:
    """Exit code, None when it was ended; output."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"]
    command += ["run", "openapi.json", "--url", gateway.url, "--phases", PHASES, "--no-color"]
    log = folder / "output.txt"
    deadline = time.monotonic() + seconds
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=folder, env=_environment(), stdout=output, stderr=output, start_new_session=True
        )
        try:
            while process.poll() is None and gateway.stopped is None and time.monotonic() < deadline:
                time.sleep(0.05)
            code = process.poll()
        finally:
            _end(process)
    return code, log.read_text(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment() -> dict[str, str]:
    """The environment without what changes where requests go, or lets them out."""
    ours = {
        key: value
        for key, value in os.environ.items()
        if not key.upper().startswith(("SCHEMATHESIS_", "CONNEXEO_"))
    }
    direct = {key: value for key, value in ours.items() if not key.lower().endswith("_proxy")}
    return {**direct, "NO_PROXY": "*", "PYTHONUTF8": "1"}


def _graph(backend: BackEnd) -> Mapping[str, Any]:
    """A process graph for the examples."""
    try:
        if has(backend, "add"):
            return addition()
        return backend.once(workload).graph
    except (NotApplicable, NotTestable, Skipped):
        return addition()


def _service_type(backend: BackEnd) -> str | None:
    if not backend.options.write or not backend.offers("GET /service_types"):
        return None
    try:
        types = backend.reader.get("/service_types").object()
    except NotJson:
        return None
    return next(iter(sorted(types)), None)


def _start_of_paths(backend: BackEnd) -> str:
    try:
        return backend.once(start_of_paths)
    except NotTestable:
        return ""


def _readable(backend: BackEnd) -> dict[str, tuple[str, Sequence[str]]]:
    """Kind → path parameter, and identifiers of what is there to be read."""
    found: dict[str, tuple[str, Sequence[str]]] = {}
    try:
        listed = [
            str(each["id"]) for each in backend.once(all_collections) if isinstance(each.get("id"), str)
        ]
        found["collection"] = "collection_id", listed[:READ]
    except (NotApplicable, NotTestable, Skipped):
        found["collection"] = "collection_id", []
    for kind, (parameter, operation, key) in _LISTS.items():
        if backend.options.write or backend.account is None or not backend.offers(operation):
            continue
        found[kind] = parameter, _listed(backend, operation.partition(" ")[2], key)
    return found


def _listed(backend: BackEnd, path: str, key: str) -> list[str]:
    try:
        entries = backend.user.get(path, params={"limit": READ}).object().get(key)
    except NotJson:
        return []
    known = (
        [each.get("id") for each in entries if isinstance(each, Mapping)] if isinstance(entries, list) else []
    )
    return [name for name in known if isinstance(name, str) and name][:READ]
