"""What many checks build upon, made once for all tests: a job takes longer than the look at its results."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from conformance.doctored import Change, Doctor, doctored
from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import Job, created_job, finished_job
from connexeo.tools.conformance.checks.job_logs import inspected_job
from connexeo.tools.conformance.checks.job_results import failed_job
from connexeo.tools.conformance.checks.service_answers import first_look
from connexeo.tools.conformance.contract import Contract
from connexeo.tools.conformance.discovery import Discovery, discover
from connexeo.tools.conformance.inspection import Inspection
from connexeo.tools.conformance.login import Bearer
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.registry import Check, load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.resources import file_formats, listed_processes
from connexeo.tools.conformance.runner import run_check
from connexeo.tools.conformance.serving import Service, created_service, enabled_service
from connexeo.tools.conformance.session import open_backend
from connexeo.tools.conformance.verdicts import NotTestable
from connexeo.tools.conformance.workload import workload

_SHARED: tuple[Callable[[BackEnd], Any], ...] = (
    listed_processes,
    file_formats,
    workload,
    created_job,
    finished_job,
    inspected_job,
    failed_job,
)

SERVICES: tuple[Callable[[BackEnd], Any], ...] = (created_service, enabled_service, first_look)
"""What checks of services build upon, for those who change nothing but what comes afterwards."""


@dataclass(frozen=True)
class Stock:
    """A healthy server, with jobs that have run."""

    url: str
    token: str
    discovery: Discovery
    contract: Contract
    made: Mapping[Callable[[BackEnd], Any], Any]
    """Function → what it has made, see ``BackEnd.once``."""
    mark: str
    """Part of the names of all that."""
    checks: Mapping[str, Check]

    def lend(self, backend: BackEnd, but: Collection[Callable[[BackEnd], Any]] = ()) -> None:
        """Give all of it to a back-end, as if that had made it; jobs and services are looked at through its answers."""
        if created_job not in but:
            # Whoever creates nothing else must not find what is lent when it tidies up.
            backend.ledger.mark = self.mark
        for make, value in self.made.items():
            if make in but:
                continue
            backend._once[make] = ("value", _seen_by(backend, value))

    @contextmanager
    def open(
        self, *changes: Change, but: Collection[Callable[[BackEnd], Any]] = (), **options: Any
    ) -> Iterator[BackEnd]:
        """The server with changed answers; what ``but`` names is not lent."""
        given = {"write": True, "allow_costs": True, **options}
        with httpx.Client(transport=Doctor(changes), timeout=60) as client:
            is_other = any(change.path == "/" for change in changes)
            discovery = discover(client, self.url) if is_other else self.discovery
            inspection = Inspection(self.contract)
            user = Bearer(self.token)
            backend = open_backend(client, discovery, self.contract, Options(**given), inspection, user, None)
            self.lend(backend, but)
            try:
                yield backend
            finally:
                left_over = backend.ledger.clean(backend.budget)
                assert left_over == ()

    def look(self, check_id: str, *changes: Change, **options: Any) -> Result:
        """What a check says of the server with changed answers."""
        with self.open(*changes, **options) as backend:
            return run_check(backend, self.checks[check_id])


def _seen_by(backend: BackEnd, value: Any) -> Any:
    if isinstance(value, Job):
        return replace(value, backend=backend, caller=backend.user, seen=list(value.seen))
    return replace(value, backend=backend) if isinstance(value, Service) else value


@contextmanager
def stocked(url: str, token: str, shared: Collection[Callable[[BackEnd], Any]] = _SHARED) -> Iterator[Stock]:
    """The stock of a server, which is removed in the end."""
    with doctored(url, token=token, write=True, allow_costs=True) as backend:
        made = {}
        for make in shared:
            try:
                made[make] = backend.once(make)
            except NotTestable:
                # Those who need it make it, and say why they cannot.
                continue
        checks = {check.id: check for check in load_checks()}
        yield Stock(url, token, backend.discovery, backend.contract, made, backend.mark, checks)
