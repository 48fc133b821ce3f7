"""Takes one split job as far as it can go now. Nothing is remembered but what is in the database.

Each request to a back-end that makes something is announced there first, and its outcome noted afterwards. Whoever
goes on after a crash looks at the back-end for what was announced and not noted: a part's job is found by its title,
and it is started only if the back-end says that it never was. So nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from connexeo.drivers.federation.faults import Refused, UpstreamFault
from connexeo.drivers.federation.jobs import split_store as store
from connexeo.drivers.federation.jobs.split_markers import marker
from connexeo.drivers.federation.jobs.split_remote import (
    NoAddress,
    RemoteJobs,
    RemoteState,
    blames_upstream,
)
from connexeo.drivers.federation.merging import BACKENDS
from connexeo.drivers.federation.splitting.plan import Part, Plan, filled
from connexeo.drivers.interface import Json
from connexeo.drivers.local.jobs.patience import written
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.logbook import LEVELS

logger = structlog.get_logger("connexeo.federation")

TRIES = 2
"""Jobs that are made for a part, as long as it is the back-end that fails."""
LOG_PAGES = 20
"""Pages of a log that are copied at a time."""
SETTLING = timedelta(seconds=10)
"""For how long a request that was cut off may still have an effect."""

_ENDED = ("finished", "error", "canceled")
_UNAUTHORISED = frozenset({401, 403})


class SplitRun:
    """One job that somebody has to see to.

    Args:
        state: The database.
        remote: The user's jobs at the back-ends.
        job: Its row.
        parts: Rows of its parts.
        told: What the log has been told already of what goes on; added to.
    """

    def __init__(
        self,
        state: State,
        remote: RemoteJobs,
        job: Mapping[str, Any],
        parts: Sequence[store.Row],
        told: set[tuple[str, int, str]],
    ) -> None:
        self._told = told
        self._state = state
        self._remote = remote
        self._job = job
        self._parts = parts
        self._plan = Plan.from_json([part["document"] for part in parts])

    async def step(self) -> None:
        """Do what can be done now."""
        status = self._job["status"]
        if status == store.DELETED:
            await self._clear_away()
        elif status in store.ACTIVE and self._is_over():
            message = "The job was given up: its parts took too long."
            await self._end("error", _entry("error", message, code="RequestTimeout"))
        elif status in store.ACTIVE:
            for part in self._parts:
                await self._attempt(part)
            await self._settle()
        else:
            await self._stop()

    def _is_over(self) -> bool:
        expires = self._job["expires"]
        return expires is not None and expires < _now()

    async def _attempt(self, part: store.Row) -> None:
        """One part; what a back-end does not answer now is asked again next time."""
        try:
            await self._delete_former(part)
            await self._advance(part)
        except NoAddress as fault:
            await self._fail(part, f"The part '{part['name']}' cannot load what it needs: {fault}.")
        except Refused as refused:
            await self._take_refusal(part, refused)
        except UpstreamFault as fault:
            logger.info("split.waiting", job=self._job["id"], part=part["name"], reason=fault.reason)

    async def _take_refusal(self, part: store.Row, refused: Refused) -> None:
        if refused.status in _UNAUTHORISED:
            reason = f"The login is not accepted ({refused.reason}). Any request with a new token lets the job go on."
            await self._note_once(_entry("warning", reason, refused.upstream))
        elif refused.status < 500:
            reason = f"The back-end refuses the part '{part['name']}': {refused.reason}."
            await self._fail(part, reason, code=refused.code)
        elif part["status"] == "creating":
            await self._try_again(part, f"The back-end fails at the part '{part['name']}': {refused.reason}.")
        else:
            logger.info("split.waiting", job=self._job["id"], part=part["name"], reason=refused.reason)

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
        sources = {each["name"]: each for each in self._parts if each["name"] in planned.inputs.values()}
        if any(each["status"] != "finished" for each in sources.values()):
            return
        addresses = {
            name: await self._remote.address(each["upstream"], each["remote"])
            for name, each in sources.items()
        }
        await self._save(part, {"status": "creating", "tries": part["tries"] + 1})
        await self._send(part, planned, addresses)

    async def _create_again(self, part: store.Row) -> None:
        """Look for the job that was to be made; make it if it was not."""
        found = await self._remote.find(part["upstream"], self._marker(part))
        if found is not None:
            await self._save(part, {"status": "created", "remote": found})
        elif part["updated"] < _now() - SETTLING:
            await self._save(part, {"status": "waiting", "tries": part["tries"] - 1})
            await self._create(part)

    async def _send(self, part: store.Row, planned: Part, addresses: Mapping[str, str]) -> None:
        request = self._request(part, filled(planned, addresses))
        remote = await self._remote.create(part["upstream"], request)
        entry = _entry("info", f"The part '{part['name']}' has become the job '{remote}'.", part["upstream"])
        try:
            await self._save(part, {"status": "created", "remote": remote}, entry)
        except Outdated:
            # Nobody would ever start or delete it.
            await self._remote.delete(part["upstream"], remote)
            raise

    async def _follow(self, part: store.Row) -> None:
        """Start the part's job if it was not, and note how it is."""
        upstream, remote = part["upstream"], part["remote"]
        told = await self._remote.state(upstream, remote)
        if told is not None and told.status == "created":
            await self._start(part)
            return
        if told is not None:
            await self._copy_logs(part)
        if told is None or told.status not in ("queued", "running", *_ENDED):
            await self._try_again(part, f"The job of the part '{part['name']}' is gone.")
        elif told.status == "finished":
            entry = _entry("info", f"The part '{part['name']}' is finished.", upstream)
            await self._save(part, {"status": "finished", "progress": 100.0}, entry)
        elif told.status == "canceled":
            await self._fail(part, f"The part '{part['name']}' was canceled at the back-end.")
        elif told.status == "error":
            await self._take_failure(part)
        else:
            await self._note_progress(part, told)

    async def _start(self, part: store.Row) -> None:
        """Start a part's job that never was; one that was, somebody has canceled there."""
        if part["status"] == "created":
            await self._remote.start(part["upstream"], part["remote"])
            entry = _entry("info", f"The part '{part['name']}' was started.", part["upstream"])
            await self._save(part, {"status": "queued"}, entry)
        elif part["updated"] < _now() - SETTLING:
            await self._fail(part, f"The part '{part['name']}' was canceled at the back-end.")

    async def _note_progress(self, part: store.Row, told: RemoteState) -> None:
        progress = told.progress if told.progress is not None else part["progress"]
        if (told.status, progress) != (part["status"], part["progress"]):
            await self._save(part, {"status": told.status, "progress": progress})

    async def _take_failure(self, part: store.Row) -> None:
        """A part's job has failed: its log says whether that was the fault of the back-end."""
        try:
            errors = await self._remote.errors(part["upstream"], part["remote"])
        except Refused as refused:
            logger.info("split.no_logs", job=self._job["id"], part=part["name"], reason=refused.reason)
            errors = []
        message = f"The part '{part['name']}' has failed."
        again = blames_upstream(errors)
        await (self._try_again(part, message, errors) if again else self._fail(part, message, errors))

    async def _copy_logs(self, part: store.Row) -> None:
        """Copy what is new; a back-end that does not show it is no reason to stop."""
        for _ in range(LOG_PAGES):
            try:
                entries, last = await self._remote.logs(part["upstream"], part["remote"], part["logged"])
            except UpstreamFault as fault:
                logger.info("split.no_logs", job=self._job["id"], part=part["name"], reason=fault.reason)
                return
            if not entries:
                return
            least = LEVELS[self._job["log_level"]]
            kept = [each for each in entries if LEVELS[each["level"]] >= least]
            await self._save(part, {"logged": last}, *kept)

    async def _try_again(self, part: store.Row, reason: str, errors: Sequence[Json] = ()) -> None:
        """Have another job made for a part, unless that was done before."""
        if part["tries"] >= TRIES:
            await self._fail(part, reason, errors)
            return
        former = [*(part["former"] or ()), *([part["remote"]] if part["remote"] else ())]
        entry = _entry("warning", f"{reason} It is tried once more.", part["upstream"])
        values = {"status": "waiting", "remote": None, "logged": None, "progress": 0.0, "former": former}
        await self._save(part, values, entry)

    async def _fail(
        self, part: store.Row, reason: str, errors: Sequence[Json] = (), code: str | None = None
    ) -> None:
        """The part has failed, and so has the job; the last error is what users are told."""
        told = errors[-1] if errors else {}
        message = f"{reason} {told['message']}" if told else reason
        entry = _entry("error", message, part["upstream"], code=told.get("code") or code or "Internal")
        await self._save(part, {"status": "error"}, entry)

    async def _settle(self) -> None:
        """What the parts make of the job."""
        states = [part["status"] for part in self._parts]
        now = _now()
        if "error" in states:
            await self._end("error")
            return
        if self._parts[-1]["status"] == "finished":
            values = {"status": "finished", "progress": 100.0, "updated": now, "active": False, "token": None}
            await written(self._state, store.settle, self._job, store.ACTIVE, values)
            logger.info("split.finished", job=self._job["id"])
            return
        progress = round(sum(part["progress"] or 0.0 for part in self._parts) / len(self._parts), 1)
        status = "running" if {"running", "finished"} & set(states) else self._job["status"]
        if (status, progress) != (self._job["status"], self._job["progress"]):
            begun = {"started": now} if status == "running" and self._job["started"] is None else {}
            values = {"status": status, "progress": progress, "updated": now, **begun}
            await written(self._state, store.settle, self._job, store.ACTIVE, values)

    async def _end(self, status: str, *entries: Json) -> None:
        """End the job here; its parts are canceled from now on."""
        await self._note(*entries)
        values = {"status": status, "updated": _now()}
        await written(self._state, store.settle, self._job, store.ACTIVE, values)
        logger.info("split.ended", job=self._job["id"], status=status)
        await self._stop()

    async def _stop(self) -> None:
        """Cancel the parts that are under way; once all are, there is nothing left to do."""
        left = False
        for part in self._parts:
            if part["status"] in _ENDED:
                continue
            try:
                await self._cancel(part)
            except UpstreamFault as fault:
                left = True
                logger.info("split.not_canceled", job=self._job["id"], part=part["name"], reason=fault.reason)
        if not left or self._is_over():
            values = {"active": False, "token": None}
            await written(self._state, store.settle, self._job, _ENDED, values)

    async def _cancel(self, part: store.Row) -> None:
        remote = await self._known(part)
        if remote is not None:
            await self._remote.stop(part["upstream"], remote)
            await self._copy_logs(part)
        await self._save(part, {"status": "canceled", "remote": remote})

    async def _clear_away(self) -> None:
        """Delete all jobs at the back-ends, then the rows."""
        left = False
        for part in self._parts:
            try:
                remote = await self._known(part)
                if remote is not None:
                    await self._remote.delete(part["upstream"], remote)
                    await self._save(part, {"remote": None, "status": "canceled"})
                await self._delete_former(part)
            except UpstreamFault as fault:
                left = True
                logger.info("split.not_deleted", job=self._job["id"], part=part["name"], reason=fault.reason)
        if not left or self._is_over():
            await written(self._state, store.forget, self._job["id"])

    async def _known(self, part: store.Row) -> str | None:
        """The part's job, also where it was made without getting noted."""
        if part["status"] == "creating":
            return await self._remote.find(part["upstream"], self._marker(part))
        return part["remote"]  # type: ignore[no-any-return]

    async def _delete_former(self, part: store.Row) -> None:
        if not part["former"]:
            return
        for remote in part["former"]:
            await self._remote.delete(part["upstream"], remote)
        await self._save(part, {"former": None})

    async def _save(self, part: store.Row, values: Mapping[str, Any], *entries: Json) -> None:
        """Note what has become of a part.

        Raises:
            Outdated: when the job is not what it was when it was loaded.
        """
        changed = {**values, "updated": _now()}
        if not await written(self._state, store.advance, self._job, part, changed, entries):
            raise Outdated
        part.update(changed)

    async def _note(self, *entries: Json) -> None:
        if entries:
            await written(self._state, store.advance, self._job, None, {}, entries)

    async def _note_once(self, entry: Json) -> None:
        """Note what is so each time that it is tried, but not each time."""
        key = (self._job["id"], self._job["run"], entry["message"])
        if key not in self._told:
            self._told.add(key)
            await self._note(entry)

    def _marker(self, part: store.Row) -> str:
        return marker(self._job["id"], self._job["run"], part["name"], part["tries"])

    def _request(self, part: store.Row, process_graph: Json) -> dict[str, Any]:
        title = f"{self._job['title'] or 'Split job'}: {part['name']} {self._marker(part)}"
        request: dict[str, Any] = {
            **(self._job["extra"] or {}),
            "title": title,
            "process": {"process_graph": process_graph},
            "log_level": self._job["log_level"],
        }
        if self._job["plan"] is not None:
            request["plan"] = self._job["plan"]
        if self._job["budget"] is not None:
            # Together they may cost as much as the user wants to pay.
            request["budget"] = self._job["budget"] / len(self._parts)
        return request


class Outdated(Exception):
    """The job was started anew, or is seen to elsewhere."""


def _entry(level: str, message: str, upstream: str | None = None, *, code: str | None = None) -> Json:
    entry: dict[str, Any] = {"level": level, "message": message}
    if upstream is not None:
        entry[BACKENDS] = [upstream]
    return entry if code is None else {**entry, "code": code}


def _now() -> datetime:
    return datetime.now(UTC)
