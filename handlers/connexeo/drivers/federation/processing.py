"""Validation and synchronous processing, by the back-ends that can run a process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.connection import Call, Connection
from connexeo.drivers.federation.fanout import Fanout
from connexeo.drivers.federation.faults import (
    Busy,
    NotAsked,
    Refused,
    Unreachable,
    UpstreamFault,
)
from connexeo.drivers.federation.merging import BACKENDS, MISSING, in_order
from connexeo.drivers.federation.result_logs import logs_of_result
from connexeo.drivers.federation.result_streams import ResultStreams
from connexeo.drivers.federation.routing.choosing import Load
from connexeo.drivers.federation.routing.forcing import without_choice
from connexeo.drivers.federation.routing.reasons import (
    NO_ACCOUNT,
    NOT_CHOSEN,
    UNKNOWN,
    Reasons,
    in_words,
    refusal,
)
from connexeo.drivers.federation.routing.router import Analysis, ProcessRouter
from connexeo.drivers.federation.snapshots.kinds import ABSENT, CAPABILITIES, PROCESSES
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.splitting.plan import CannotSplit
from connexeo.drivers.federation.stored_processes import FederatedChecks
from connexeo.drivers.federation.translation import translated
from connexeo.drivers.federation.views.loading import CapabilitiesView
from connexeo.drivers.interface import Json, LogPage, StreamedResult, User, Validation
from connexeo.generated.errors import InfrastructureBusy, OpenEOError, RequestInvalid

logger = structlog.get_logger("connexeo.federation")

RESULT = "result"
VALIDATION = "validation"

_NOT_STARTED = frozenset({429, 503})
"""HTTP statuses by which a back-end says that it does not begin; gateways may give up in the middle with others."""
_CANNOT_JUDGE = ABSENT | {401, 403}
_NO_PART = frozenset({UNKNOWN, NO_ACCOUNT, NOT_CHOSEN})


class FederatedProcessing:
    """Implements ``DataProcessing``.

    Args:
        asking: Asks back-ends in a user's name.
        fanout: Asks several at once.
        router: Finds the back-ends for a process.
        checks: Our own checks.
        snapshots: What back-ends offer.
        load: How much each of them has to do.
        timeout: Seconds until a result must begin to come.
    """

    def __init__(
        self,
        asking: Asking,
        fanout: Fanout,
        router: ProcessRouter,
        checks: FederatedChecks,
        snapshots: Snapshots,
        load: Load,
        timeout: float,
    ) -> None:
        self._asking = asking
        self._fanout = fanout
        self._router = router
        self._checks = checks
        self._snapshots = snapshots
        self._streams = ResultStreams(asking, snapshots, load, timeout)

    async def validate_custom_process(self, user: User | None, process: Json) -> Validation:
        """Whether some back-end can run a process, by our own checks and by what the back-ends themselves say.

        A back-end has the last word on arguments: our checks only count where none has accepted the process. What no
        back-end can run alone is valid if it can be run as a batch job by several.
        """
        ids = self._asking.members.ids
        await self._snapshots.wait_for(PROCESSES, self._asking.members.federation.deadline)
        try:
            faults, is_certain = await self._checks.faults(user, without_choice(process))
            if is_certain:
                return Validation([_error(fault) for fault in faults], {MISSING: []})
            analysis = await self._router.analyse(user, process)
        except OpenEOError as error:
            return Validation([_error(error)], {MISSING: []})
        opinions = await self._opinions(user, analysis)
        accepting = [each for each in analysis.candidates if opinions.get(each) == []]
        if not faults:
            # What they list fits; they do not say more to this user.
            accepting += [each for each in analysis.candidates if each in opinions and opinions[each] is None]
        if not analysis.candidates and not faults:
            accepting = await self._sharing(user, {**process, "process": process})
        missing = [each for each in self._missing(analysis, opinions) if each not in accepting]
        extra: dict[str, Any] = {MISSING: missing}
        if accepting:
            return Validation([], {BACKENDS: in_order(accepting, ids), **extra})
        errors = [_error(fault) for fault in faults]
        errors += [error for each in analysis.candidates for error in opinions.get(each) or ()]
        errors += [
            {"code": UNKNOWN, "message": f"{each}: it could run the process, but does not answer."}
            for each in analysis.candidates
            if each not in opinions
        ]
        return Validation([*errors, *_told(analysis.reasons)], extra)

    async def compute_result(self, user: User, request: Json, *, request_id: str) -> StreamedResult:
        """The result as a back-end sends it: the best that can compute it, or the next one if that cannot begin."""
        analysis = await self._router.analyse_request(user, request, "POST /result")
        if not analysis.candidates:
            sharing = await self._sharing(user, request)
            hint = f" As a batch job it can be split among {', '.join(sharing)}." if sharing else ""
            raise refusal(analysis.reasons, hint)
        sent = {**without_choice(request), "process": analysis.process}
        faults: list[UpstreamFault] = []
        for upstream in analysis.candidates:
            try:
                return await self._streams.open(user, upstream, sent)
            except UpstreamFault as fault:
                if not has_not_started(fault):
                    raise translated(fault) from fault
                logger.info("federation.not_started", upstream=upstream, reason=fault.reason, id=request_id)
                faults.append(fault)
        if len(faults) == 1:
            raise translated(faults[0]) from faults[0]
        told = "; ".join(f"{fault.upstream}: {fault.reason}" for fault in faults)
        raise InfrastructureBusy(
            f"No back-end that can run this process answers. {told}. Please try again in a minute."
        )

    async def debug_result(self, user: User, log_id: str) -> LogPage:
        """What the processes of one of the user's computations logged, at the back-end that made it."""
        return await logs_of_result(self._asking, user, log_id)

    async def _opinions(self, user: User | None, analysis: Analysis) -> dict[str, list[Json] | None]:
        """What the candidates find wrong themselves: nothing, errors, or None where they say nothing to this user.

        Those that do not answer are left out.
        """
        view = self._snapshots.view(CAPABILITIES)
        endpoints = view.endpoints if isinstance(view, CapabilitiesView) else {}
        asked = [
            each for each in analysis.candidates if "POST /validation" in endpoints.get(each, frozenset())
        ]

        async def send(connection: Connection, authorization: str | None, deadline: float) -> list[Json]:
            call = Call("POST", "/validation", authorization=authorization, json=analysis.process)
            answer = await connection.fetch(call, deadline)
            return [_prefixed(connection.id, each) for each in _listed(answer.object())]

        async def ask(connection: Connection, deadline: float) -> list[Json] | None:
            try:
                return await self._asking.with_or_without(user, send, connection, deadline)
            except Refused as refused:
                if refused.status in _CANNOT_JUDGE:
                    return None
                return [{"code": refused.code or "Internal", "message": f"{connection.id}: {refused.reason}"}]

        gathered = await self._fanout.gather(VALIDATION, ask, asked)
        states = self._snapshots.states
        unasked: dict[str, list[Json] | None] = {
            each: None
            for each in analysis.candidates
            if each not in asked and (each not in states or states[each].online is not False)
        }
        return {**unasked, **gathered.answers}

    async def _sharing(self, user: User | None, request: Json) -> list[str]:
        """Back-ends that can run a process together, as a job that is split; none if it cannot be."""
        if not self._asking.members.federation.split_jobs:
            return []
        splittable = await self._router.splittable(user, request)
        try:
            plan = await asyncio.to_thread(splittable.plan)
        except CannotSplit:
            return []
        return plan.upstreams

    def _missing(self, analysis: Analysis, opinions: Mapping[str, Any]) -> list[str]:
        """Those that had no part in a validation, whatever kept them from it, or whose part may be out of date."""
        states = self._snapshots.states
        return [
            each
            for each in self._asking.members.ids
            if (each not in opinions and each in analysis.candidates)
            or (each in states and states[each].online is False)
            or any(reason.code in _NO_PART for reason in analysis.reasons.get(each, ()))
        ]


def has_not_started(fault: UpstreamFault) -> bool:
    """Whether a back-end has certainly not begun with a request, so that another one may be asked."""
    import httpx

    if isinstance(fault, Busy):
        return fault.status in _NOT_STARTED
    if isinstance(fault, Unreachable):
        reasons = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
        return isinstance(fault.__cause__, reasons)
    return isinstance(fault, NotAsked)


def _listed(answer: Mapping[str, Any]) -> list[Json]:
    errors = answer.get("errors")
    return [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []


def _prefixed(upstream: str, error: Json) -> Json:
    code, message = error.get("code"), error.get("message")
    return {
        "code": code if isinstance(code, str) and code else "Internal",
        "message": f"{upstream}: {message if isinstance(message, str) else 'no reason given'}",
    }


def _error(fault: OpenEOError) -> Json:
    return {"code": fault.code, "message": fault.message}


def _told(reasons: Reasons) -> Sequence[Json]:
    """One error for each back-end that cannot run a process."""
    return [
        {"code": each[0].code or RequestInvalid.code, "message": f"{upstream}: {in_words(each)}."}
        for upstream, each in reasons.items()
        if each
    ]
