"""Takes one split job as far as it can go now. Nothing is remembered but what is in the database.

Each request to a back-end that makes something is announced there first, and its outcome noted afterwards. Whoever
goes on after a crash looks at the back-end for what was announced and not noted: a part's job is found by its title,
and it is started only if the back-end says that it never was. So nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from connexeo.drivers.federation.faults import Refused, UpstreamFault, is_about_credentials
from connexeo.drivers.federation.identifiers import federated
from connexeo.drivers.federation.jobs import split_store as store
from connexeo.drivers.federation.jobs.split_copies import copy_logs
from connexeo.drivers.federation.jobs.split_endings import Endings
from connexeo.drivers.federation.jobs.split_inputs import has_lacked_input
from connexeo.drivers.federation.jobs.split_ledger import ENDED, Ledger, Outdated, log_entry, present
from connexeo.drivers.federation.jobs.split_remote import (
    GONE,
    NoAddress,
    RemoteJobs,
    RemoteState,
    blames_upstream,
)
from connexeo.drivers.federation.jobs.split_requests import request_for
from connexeo.drivers.federation.processing import has_not_started
from connexeo.drivers.federation.splitting.plan import Part, Plan, filled
from connexeo.drivers.interface import Json

logger = structlog.get_logger("connexeo.federation")

TRIES = 2
"""Jobs that are made for a part, as long as it is the back-end that fails."""
NODES = 6
"""Nodes of a part that its log names."""


class SplitRun:
    """One job that somebody has to see to.

    Args:
        ledger: What is known of it.
        remote: The user's jobs at the back-ends.
    """

    def __init__(self, ledger: Ledger, remote: RemoteJobs) -> None:
        self._ledger = ledger
        self._remote = remote
        self._endings = Endings(ledger, remote)
        self._plan = Plan.from_json([part["document"] for part in ledger.parts])

    async def step(self) -> None:
        """Do what can be done now.

        Raises:
            Outdated: when somebody has changed the job meanwhile.
        """
        status = self._ledger.job["status"]
        if status == store.DELETED:
            await self._endings.clear_away()
        elif status in store.ACTIVE and self._ledger.is_over:
            message = "The job was given up: its parts took too long."
            await self._end(log_entry("error", message, code="RequestTimeout"))
        elif status in store.ACTIVE:
            for part in self._ledger.parts:
                await self._endings.delete_former(part)
                await self._attempt(part)
            await self._settle()
        else:
            await self._endings.stop()

    async def _attempt(self, part: store.Row) -> None:
        """One part; what a back-end does not answer now is asked again next time."""
        try:
            await self._advance(part)
        except NoAddress as fault:
            await self._fail(part, f"The part '{part['name']}' cannot load what it needs: {fault}.")
        except Refused as refused:
            await self._take_refusal(part, refused)
        except UpstreamFault as fault:
            await self._wait(part, fault)

    async def _take_refusal(self, part: store.Row, refused: Refused) -> None:
        if is_about_credentials(refused):
            await self._wait_for_login(part, refused)
        elif refused.status < 500:
            reason = f"'{refused.upstream}' refuses the part '{part['name']}': {refused.reason}."
            await self._fail(part, reason, code=refused.code)
        elif part["status"] == "creating":
            await self._try_again(part, f"'{refused.upstream}' fails at it: {refused.reason}.")
        else:
            await self._wait(part, refused)

    async def _wait(self, part: store.Row, fault: UpstreamFault) -> None:
        message = f"The part '{part['name']}' waits for '{fault.upstream}': {fault.reason}."
        entry = log_entry("warning", message, fault.upstream)
        await self._ledger.note_once(f"{part['name']} waits for {fault.upstream}", entry)
        logger.info("split.waiting", job=self._ledger.job["id"], part=part["name"], reason=fault.reason)

    async def _wait_for_login(self, part: store.Row, refused: Refused) -> None:
        hint = (
            "The federation logs in there for you; please tell whoever runs it."
            if self._ledger.job["provider"] == "basic"
            else "Please log in again and look at the job: it goes on with the new token."
        )
        message = f"'{refused.upstream}' does not accept the login ({refused.reason}). {hint}"
        key = f"{part['name']} waits for a login"
        await self._ledger.note_once(key, log_entry("warning", message, refused.upstream))

    async def _advance(self, part: store.Row) -> None:
        if part["status"] == "waiting":
            await self._create(part)
        elif part["status"] == "creating":
            await self._create_again(part)
        if part["status"] in store.UNDER_WAY:
            await self._follow(part)

    async def _create(self, part: store.Row) -> None:
        """Make the part's job, as soon as all that it loads is there."""
        planned = self._plan.part(part["name"])
        sources = [each for each in self._ledger.parts if each["name"] in planned.inputs.values()]
        if any(each["status"] != "finished" for each in sources):
            return
        addresses: dict[str, str] = {}
        for each in sources:
            address = await self._address(each)
            if address is None:
                return
            addresses[each["name"]] = address
        await self._ledger.save(part, {"status": "creating", "tries": part["tries"] + 1})
        await self._send(part, planned, addresses)

    async def _address(self, source: store.Row) -> str | None:
        """Where the results of a part are; None when they are no longer, and have to be computed anew."""
        try:
            return await self._remote.address(source["upstream"], source["remote"])
        except Refused as refused:
            if refused.status not in GONE:
                raise
            await self._try_again(source, f"{_named(source)} has lost its results.")
            return None

    async def _create_again(self, part: store.Row) -> None:
        """Look for the job that was to be made; make it if it was not."""
        found = await self._remote.find(part["upstream"], self._ledger.marker(part))
        if found is not None:
            await self._ledger.save(part, {"status": "created", "remote": found})
        elif part["updated"] < present() - self._remote.settling:
            await self._withdraw(part)
            await self._create(part)
        else:
            message = f"{_named(part)} may have been made without an answer. It is looked for before it is made again."
            await self._ledger.note_once(
                f"{part['name']} is looked for", log_entry("info", message, part["upstream"])
            )

    async def _send(self, part: store.Row, planned: Part, addresses: Mapping[str, str]) -> None:
        process_graph = filled(planned, addresses)
        request = request_for(self._ledger, part, process_graph)
        try:
            remote = await self._remote.create(part["upstream"], request)
        except UpstreamFault as fault:
            if _has_made_nothing(fault):
                await self._withdraw(part)
            raise
        nodes = ", ".join(planned.nodes[:NODES]) + (", …" if len(planned.nodes) > NODES else "")
        message = f"{_named(part)} has become the job '{federated(part['upstream'], remote)}': {nodes}."
        entry = log_entry("info", message, part["upstream"])
        try:
            await self._ledger.save(part, {"status": "created", "remote": remote}, entry)
        except Outdated:
            # Nobody would ever start or delete it, unless whoever has taken over knows of it.
            if not await self._ledger.has_found(remote):
                await self._remote.delete(part["upstream"], remote)
            raise

    async def _withdraw(self, part: store.Row) -> None:
        """The job that was announced has not been made, and never will."""
        await self._ledger.save(part, {"status": "waiting", "tries": part["tries"] - 1})

    async def _follow(self, part: store.Row) -> None:
        """Start the part's job if it was not, and note how it is."""
        upstream, remote = part["upstream"], part["remote"]
        told = await self._remote.state(upstream, remote)
        if told is not None and told.status == "created":
            await self._start(part)
            return
        if told is not None:
            await copy_logs(self._ledger, self._remote, part, remote)
        if told is None or told.status not in ("queued", "running", *ENDED):
            await self._try_again(part, f"{_named(part)} is gone.")
        elif told.status == "finished":
            entry = log_entry("info", f"{_named(part)} is finished.", upstream)
            await self._ledger.save(part, {"status": "finished", "progress": 100.0}, entry)
        elif told.status == "canceled":
            await self._fail(part, f"{_named(part)} was canceled there.")
        elif told.status == "error":
            await self._take_failure(part)
        else:
            await self._note_progress(part, told)

    async def _start(self, part: store.Row) -> None:
        """Start a part's job that never was; one that was, somebody has canceled there."""
        if part["status"] == "created":
            await self._remote.start(part["upstream"], part["remote"])
            entry = log_entry("info", f"{_named(part)} was started.", part["upstream"])
            await self._ledger.save(part, {"status": "queued"}, entry)
        elif part["updated"] < present() - self._remote.settling:
            await self._fail(part, f"{_named(part)} was canceled there.")

    async def _note_progress(self, part: store.Row, told: RemoteState) -> None:
        progress = told.progress if told.progress is not None else part["progress"]
        if (told.status, progress) != (part["status"], part["progress"]):
            await self._ledger.save(part, {"status": told.status, "progress": progress})

    async def _take_failure(self, part: store.Row) -> None:
        """A part's job has failed: its log says whether that was the fault of a back-end."""
        try:
            errors = await self._remote.errors(part["upstream"], part["remote"])
        except Refused as refused:
            logger.info("split.no_logs", job=self._ledger.job["id"], part=part["name"], reason=refused.reason)
            errors = []
        message = f"{_named(part)} has failed."
        lacking = await has_lacked_input(self._remote, self._plan, part, errors)
        again = lacking or blames_upstream(errors)
        await (self._try_again(part, message, errors) if again else self._fail(part, message, errors))

    async def _try_again(self, part: store.Row, reason: str, errors: Sequence[Json] = ()) -> None:
        """Have another job made for a part, unless that was done before."""
        if part["tries"] >= TRIES:
            await self._fail(part, reason, errors)
            return
        message = f"{reason} {errors[-1]['message']}" if errors else reason
        entry = log_entry("warning", f"{message} It is tried once more.", part["upstream"])
        former = store.left_of(part, self._ledger.job["run"])
        values = {"status": "waiting", "remote": None, "logged": None, "progress": 0.0, "former": former}
        await self._ledger.save(part, values, entry)

    async def _fail(
        self, part: store.Row, reason: str, errors: Sequence[Json] = (), code: str | None = None
    ) -> None:
        """The part has failed, and so has the job; the last error is what users are told."""
        told = errors[-1] if errors else {}
        message = f"{reason} {told['message']}" if told else reason
        entry = log_entry("error", message, part["upstream"], code=told.get("code") or code or "Internal")
        await self._ledger.save(part, {"status": "error"}, entry)

    async def _settle(self) -> None:
        """What the parts make of the job."""
        job, parts = self._ledger.job, self._ledger.parts
        states = [part["status"] for part in parts]
        now = present()
        if "error" in states:
            await self._end()
            return
        if parts[-1]["status"] == "finished":
            ended = {"status": "finished", "progress": 100.0, "updated": now, "active": False, "token": None}
            await self._ledger.settle(store.ACTIVE, **ended)
            logger.info("split.finished", job=job["id"])
            return
        progress = round(sum(part["progress"] or 0.0 for part in parts) / len(parts), 1)
        status = "running" if {"running", "finished"} & set(states) else job["status"]
        if (status, progress) != (job["status"], job["progress"]):
            begun = {"started": now} if status == "running" and job["started"] is None else {}
            values = {"status": status, "progress": progress, "updated": now, **begun}
            await self._ledger.settle(store.ACTIVE, **values)

    async def _end(self, *entries: Json) -> None:
        """End the job here with an error; its parts are canceled from now on."""
        await self._ledger.note(*entries)
        await self._ledger.settle(store.ACTIVE, status="error", updated=present())
        logger.info("split.failed", job=self._ledger.job["id"])
        await self._endings.stop()


def _has_made_nothing(fault: UpstreamFault) -> bool:
    return has_not_started(fault) or (isinstance(fault, Refused) and is_about_credentials(fault))


def _named(part: Mapping[str, Any]) -> str:
    return f"The part '{part['name']}' at '{part['upstream']}'"
