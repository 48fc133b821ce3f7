"""Results of jobs, whose files back-ends give out themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.connection import Answer, Call, Connection
from connexeo.drivers.federation.faults import Refused, UpstreamFault
from connexeo.drivers.federation.merging import BACKENDS
from connexeo.drivers.federation.translation import translated
from connexeo.drivers.interface import JobFailed, JobResults, Json, User
from connexeo.generated.errors import JobNotFound

SORT = "jobs"
LINK_LIFETIME = timedelta(days=1)

_NOT_LINKS_OF_RESULTS = frozenset({"self", "root", "parent", "monitor", "about", "next", "prev"})


async def results_at(
    asking: Asking,
    user: User,
    upstream: str,
    identifier: str,
    *,
    job_id: str,
    partial: bool,
    backends: Sequence[str] | None = None,
) -> JobResults:
    """The results of a job at a back-end.

    Args:
        asking: Asks back-ends.
        user: In whose name.
        upstream: The back-end.
        identifier: Of the job there.
        job_id: Of the job here.
        partial: Whether those of a job that is not complete are wanted.
        backends: Who has taken part; the back-end alone when not given.

    Raises:
        OpenEOError: what the user is told when there are none.
    """
    call = Call("GET", f"/jobs/{quote(identifier, safe='')}/results", {"partial": "true"} if partial else {})

    async def ask(connection: Connection, authorization: str, deadline: float) -> Answer:
        return await connection.fetch(Call(call.method, call.path, call.params, authorization), deadline)

    try:
        answer = await asking.one(user, SORT, ask, upstream, repeatable=True)
        document = answer.object()
    except Refused as refused:
        if refused.status == 424:
            raise JobFailed(_log_entry(refused)) from refused
        raise translated(refused, JobNotFound(identifier=job_id)) from refused
    except UpstreamFault as fault:
        raise translated(fault) from fault
    links = document.get("links")
    kept = [
        link
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, dict) and link.get("rel") not in _NOT_LINKS_OF_RESULTS
    ]
    shown = {**document, "id": job_id, "links": kept, BACKENDS: list(backends or [upstream])}
    return JobResults(shown, (), None, datetime.now(UTC) + LINK_LIFETIME)


def _log_entry(refused: Refused) -> Json:
    return {
        "id": "error",
        "level": "error",
        "code": refused.code or "Internal",
        "message": f"{refused.upstream}: {refused.message or 'the job has failed'}",
    }
