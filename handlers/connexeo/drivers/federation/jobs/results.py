"""Results of jobs, whose files back-ends give out themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urljoin

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.connection import Answer, Call, Connection
from connexeo.drivers.federation.faults import Refused, UpstreamFault
from connexeo.drivers.federation.merging import BACKENDS, Kind, valid_items
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
    shown = {**_mended(upstream, {**document, "links": kept}, answer.url), "id": job_id}
    shown |= {BACKENDS: list(backends or [upstream])}
    return JobResults(shown, (), None, datetime.now(UTC) + LINK_LIFETIME)


def _mended(upstream: str, document: Mapping[str, Any], url: str) -> dict[str, Any]:
    """A document that leads clients to the files, wherever they read it.

    What can be mended of a STAC Collection is; else it stays as it is, for users would lose their results.

    Args:
        upstream: Who sent it.
        document: The results.
        url: Where they are.
    """
    assets = document.get("assets")
    there = {
        "links": [_resolved(link, url) for link in document["links"]],
        "assets": {
            name: _resolved(asset, url)
            for name, asset in (assets.items() if isinstance(assets, dict) else ())
            if isinstance(asset, dict) and isinstance(asset.get("href"), str)
        },
    }
    # Its identifier is of no concern: it gets another one.
    found = {**document, **there, "id": "results"}
    if document.get("type") != "Collection":
        return found
    good, _ = valid_items(Kind.COLLECTION, upstream, [found], base=url)
    return {"stac_extensions": [], **good.get("results", found)}


def _resolved(link: Mapping[str, Any], url: str) -> dict[str, Any]:
    """A link or an asset, with an absolute address."""
    href = link.get("href")
    try:
        return {**link, "href": urljoin(url, href)} if isinstance(href, str) else dict(link)
    except ValueError:
        return dict(link)


def _log_entry(refused: Refused) -> Json:
    return {
        "id": "error",
        "level": "error",
        "code": refused.code or "Internal",
        "message": f"{refused.upstream}: {refused.message or 'the job has failed'}",
    }
