"""Process discovery, validation and synchronous processing of the local driver."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from connexeo.drivers.interface import ComputedResult, Json, Page, User, Validation
from connexeo.drivers.local.computing.computing import Computing
from connexeo.drivers.local.computing.failures import TaskFailed
from connexeo.drivers.local.jobs.billing import Billing, usage_of
from connexeo.drivers.local.jobs.logs import LEVELS
from connexeo.drivers.local.jobs.options import soft_errors
from connexeo.drivers.local.result_logs import MAX_ENTRIES, ResultLogs
from connexeo.drivers.local.stored_processes.checking import ProcessChecks
from connexeo.drivers.local.temporary import TemporaryFolder
from connexeo.generated.errors import EstimateComplexity, Internal
from connexeo.processing.definitions import Definitions
from connexeo.settings import Settings

logger = structlog.get_logger("connexeo.processing")


class LocalProcessDiscovery:
    """The definitions of the processes that have an implementation."""

    def __init__(self, definitions: Definitions) -> None:
        self._processes = [definitions[process_id] for process_id in sorted(definitions)]

    async def list_processes(self, user: User | None) -> Page:
        """All of them; they are the same for every user."""
        return Page(self._processes)


class LocalProcessing:
    """Validates in the worker, computes in child processes."""

    def __init__(
        self, settings: Settings, checks: ProcessChecks, computing: Computing, temporary: TemporaryFolder
    ) -> None:
        self._settings = settings
        self._checks = checks
        self._computing = computing
        self._temporary = temporary
        self._billing = Billing.from_settings(settings)
        self._logs = ResultLogs(settings.data.resolve() / "result-logs")

    async def validate_custom_process(self, user: User | None, process: Json) -> Validation:
        """All faults of the process, in the order of the document."""
        faults = await self._checks.validate(user, process)
        return Validation([{"code": fault.code, "message": fault.message} for fault in faults])

    async def check_process(self, user: User, process: Json) -> None:
        """Raise the first fault of a process that a user wants to run, now or later.

        Raises:
            OpenEOError: the fault.
        """
        await self._checks.check(user, process)

    async def compute_result(self, user: User, request: Json, *, request_id: str) -> ComputedResult:
        """Check the process, then compute it in a child process."""
        process: Mapping[str, Any] = request["process"]
        plan = self._billing.plan_of(request.get("plan"))
        self._billing.check_budget(request.get("budget"))
        tolerated = soft_errors(request, self._settings.soft_errors)
        await self.check_process(user, process)
        await self._check_payment(user, process, plan, request.get("budget"))
        least = LEVELS[request.get("log_level") or "info"]
        folder = await asyncio.to_thread(self._temporary.new, "result")
        logs: list[Json] = []
        usage: dict[str, float] = {}

        def log(entry: Json) -> None:
            if LEVELS[entry["level"]] >= least and len(logs) < MAX_ENTRIES:
                logs.append(entry)

        try:
            answer = await self._computing.run(
                "result",
                user.id,
                {
                    "process": process,
                    "folder": str(folder),
                    "max_bytes": self._settings.result_memory,
                    "max_seconds": self._settings.result_timeout,
                    "soft_errors": tolerated,
                    "dask": self._settings.dask,
                },
                timeout=self._settings.result_timeout,
                on_log=log,
                on_usage=usage.update,
            )
            log_id = await asyncio.to_thread(self._logs.save, user.id, logs)
            files = [Path(name) for name in answer["files"]]
            used = usage_of(usage.get("cpu", 0.0), usage.get("pixels", 0.0))
            costs = self._billing.costs_of(used, plan)
            return ComputedResult(folder, files, answer["media_type"], log_id, costs)
        except TaskFailed as error:
            shutil.rmtree(folder, ignore_errors=True)
            logger.error("result.failed", request_id=request_id, traceback=error.traceback)
            raise Internal(
                f"The computation failed. The provider finds the reason in the logs, under {request_id}."
            ) from None
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    async def _check_payment(self, user: User, process: Json, plan: str | None, budget: float | None) -> None:
        """Refuse what would cost more than the budget; what cannot be estimated may start."""
        if budget is None or not self._billing.charges(plan):
            return
        try:
            estimate = await self._computing.run(
                "estimate", user.id, {"process": process}, timeout=self._settings.result_timeout
            )
        except EstimateComplexity:
            return
        expected = usage_of(estimate["seconds"], estimate["pixels"])
        self._billing.check_payment(budget, self._billing.costs_of(expected, plan))

    async def debug_result(self, user: User, log_id: str) -> Page:
        """What the processes of one of the user's computations logged."""
        return Page(await asyncio.to_thread(self._logs.load, user.id, log_id))
