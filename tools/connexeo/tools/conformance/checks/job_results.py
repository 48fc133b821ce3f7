"""Results of batch jobs: when they are there, what leads to them, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import Job, create_job, created_job, finished_job, may_process
from connexeo.tools.conformance.billing import currency
from connexeo.tools.conformance.checks.job_logs import inspected_job
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.extents import instant, is_rfc_3339
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, Entry, object_of
from connexeo.tools.conformance.shapes import is_absolute, listed, mapping, targets, text
from connexeo.tools.conformance.verdicts import (
    NotApplicable,
    NotTestable,
    Severity,
    Skipped,
    Violated,
    Violation,
    require,
    violated,
)
from connexeo.tools.conformance.workload import loading, node, of, with_result, workload

RESULTS = "GET /jobs/{job_id}/results"
NEEDS: dict[str, Any] = {"layer": "jobs", "operations": (RESULTS,), "writes": True, "costs": True}
SOURCE = f"openEO API, {RESULTS}"
_NOT_YET = {"JobNotFinished", "JobNotStarted"}


def results(backend: BackEnd) -> Entry:
    """The results of a job that has finished.

    Raises:
        Violated: when there are none.
    """
    job = backend.once(finished_job)
    answer = job.caller.get(f"{job.path}/results")
    require(answer.ok, f"the results of a finished job are answered with HTTP {answer.status}", answer)
    return Entry(answer.object(), answer)


def assets_of(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Assets, as far as they are objects."""
    assets = mapping(document.get("assets"))
    return {key: asset for key, asset in assets.items() if isinstance(asset, Mapping)}


def hrefs_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Key of each asset → its absolute URL, without those that have none."""
    found = {key: text(asset.get("href")) for key, asset in assets_of(document).items()}
    return {key: href for key, href in found.items() if href.startswith(("http://", "https://"))}


def without_results(backend: BackEnd) -> Exchange:
    """The answer of a job that was never started."""
    job = backend.once(created_job)
    return job.caller.get(f"{job.path}/results")


def failed_job(backend: BackEnd) -> Job:
    """A job that has ended with an error: it asks for data of a time that has none.

    Raises:
        NotTestable: when that is no error there.
    """
    work = backend.once(workload)
    if not may_process(backend):
        raise Skipped("runs a batch job, which may cost something: allow it with --allow-costs")
    if work.collection is None or work.temporal_extent is None:
        raise NotTestable("nobody can tell how a job could be made to fail")
    graph = {"load": loading(work, temporal_extent=["1850-01-01", "1850-01-02"])}
    graph["save"] = node("save_result", data=of("load"), format=work.format)
    try:
        job = create_job(backend, with_result(graph), title=backend.name("failed"))
        ended = job.start().ok and job.wait().get("status")
    except Violated as error:
        raise NotTestable("a job without data is refused, or does not end, so that none fails") from error
    if ended != "error":
        raise NotTestable("a job without data does not fail")
    return job


@requirement(860, mend="Answer with the results, as `assets`.", **NEEDS)
def are_given(backend: BackEnd) -> None:
    """The results of a finished job are there, and not empty."""
    found = backend.once(results)
    require(assets_of(found.value), "a job that has saved its result has no assets", found.exchange)


@requirement(
    861,
    mend="Answer 200 with the results of a finished job, 424 with the last error of a failed one.",
    **NEEDS,
)
def statuses(backend: BackEnd) -> Iterator[Violation]:
    """200 for results, 424 for a failed job, a 4xx for one that is not there."""
    found = backend.once(results)
    if found.exchange.status != 200:
        yield Violation(f"results come with HTTP {found.exchange.status}, not 200", found.exchange)
    nothing = backend.user.get(f"/jobs/{NOWHERE}/results")
    if nothing.ok:
        message = "something that does not exist is answered with success, not 404"
        yield Violation(message, nothing, place=RESULTS)
    try:
        job = backend.once(failed_job)
    except (NotTestable, Skipped):
        return
    yield from _of_failed(job.caller.get(f"{job.path}/results"))


def _of_failed(answer: Exchange) -> Iterator[Violation]:
    document = mapping(object_of(answer))
    if answer.ok:
        # What was ready before the error may be given.
        status = document.get("openeo:status", mapping(document.get("properties")).get("openeo:status"))
        if status == "finished":
            yield Violation("results of a job that has failed say that it has finished", answer)
    elif answer.status == 424:
        missing = [key for key in ("id", "level", "message") if not text(_error(answer).get(key))]
        if missing:
            told = f"the error of a failed job is no entry of a log: it lacks {listed(missing)}"
            yield Violation(told, answer, severity=Severity.MINOR)
    elif answer.status < 500:
        told = f"the results of a failed job are answered with HTTP {answer.status}, not 424"
        yield Violation(told, answer, severity=Severity.MINOR)


def _error(answer: Exchange) -> Mapping[str, Any]:
    try:
        return answer.object()
    except NotJson:
        return {}


@requirement(863, layer="jobs", operations=(RESULTS, "POST /jobs"), writes=True,
             mend="Answer 400 JobNotFinished, or JobNotStarted, until the job has ended.")  # fmt: skip
def before_the_end(backend: BackEnd) -> Iterator[Violation]:
    """A job that was never started has no results."""
    answer = backend.once(without_results)
    if answer.ok:
        yield Violation(f"a job that was never started has results: HTTP {answer.status}", answer)
    elif answer.code not in _NOT_YET:
        gone = answer.status in {404, 410}
        yield Violation(
            f"before it is started a job's results are answered with HTTP {answer.status} "
            f"{answer.code or 'without a code'}, not 400 JobNotFinished",
            answer,
            severity=None if gone else Severity.MINOR,
        )


@requirement(
    862,
    mend="With `partial=true` give what is ready, with `openeo:status`; of a finished job that is all.",
    **NEEDS,
)
def partial(backend: BackEnd) -> Iterator[Violation]:
    """Of a finished job the part is all, and of one that has nothing yet there is none, or it says so."""
    job, whole = backend.once(finished_job), backend.once(results)
    answer = job.caller.get(f"{job.path}/results", params={"partial": "true"})
    if not answer.ok:
        yield Violation(f"`partial` is answered with HTTP {answer.status} for a finished job", answer)
    elif lacking := sorted(assets_of(whole.value).keys() - assets_of(answer.object()).keys()):
        yield Violation(f"with `partial` the results of a finished job lack {listed(lacking)}", answer)
    waiting = backend.once(created_job)
    early = waiting.caller.get(f"{waiting.path}/results", params={"partial": "true"})
    document = mapping(object_of(early))
    told = document.get("openeo:status", mapping(document.get("properties")).get("openeo:status"))
    if early.ok and told in (None, "finished"):
        told = "says that it has finished" if told else "does not tell `openeo:status`"
        yield Violation(f"with `partial` the answer for a job that was never started {told}", early)


@requirement(864, mend="Send OpenEO-Costs with the results: 0 while downloads are included.", **NEEDS)
def costs(backend: BackEnd) -> Iterator[Violation]:
    """What the download costs is told where there are prices."""
    if currency(backend) is None:
        raise NotApplicable("the back-end has no prices")
    answer = backend.once(results).exchange
    yield from costs_told(answer)


def costs_told(answer: Exchange) -> Iterator[Violation]:
    """``OpenEO-Costs`` is there, and a number."""
    told: str | None = answer.headers.get("openeo-costs")
    if told is None:
        yield Violation("there is no header OpenEO-Costs", answer)
        return
    try:
        value = float(told)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        yield Violation(f"OpenEO-Costs is {told!r}, no amount", answer)


def canonical(backend: BackEnd) -> Exchange:
    """What the link ``canonical`` leads somebody without a token to.

    Raises:
        Violated: when there is none. It is only recommended, where files can be read without a token.
    """
    found = backend.once(results)
    target = next(iter(targets(found.value, "canonical")), None)
    if target is None:
        files = [
            backend.anonymous.get(href, headers={"Range": "bytes=0-1023"})
            for href in list(hrefs_of(found.value).values())[:1]
        ]
        signed = not files or files[0].ok
        told = "there is no link `canonical`" + (
            "" if signed else ", and files cannot be read without a token"
        )
        violated(told, found.exchange, severity=Severity.MINOR if signed else None)
    require(is_absolute(target), "the link `canonical` is not absolute", found.exchange)
    return backend.anonymous.get(target)


@requirement(
    871,
    mend="Add a link `canonical` whose URL is signed, so that it opens these results without a token.",
    **NEEDS,
)
def shared(backend: BackEnd) -> Iterator[Violation]:
    """The signed link opens the same results, files too."""
    found, answer = backend.once(results), canonical(backend)
    if not answer.ok:
        yield Violation(f"without a token the link `canonical` leads to HTTP {answer.status}", answer)
        return
    document = mapping(object_of(answer))
    if document.get("type", "") != found.value.get("type", ""):
        message = f"the link `canonical` leads to a {document.get('type')}, not a {found.value.get('type')}"
        yield Violation(message, answer)
    elif assets_of(document).keys() != assets_of(found.value).keys():
        yield Violation("the link `canonical` leads to other results: the keys of assets differ", answer)
    for href in list(hrefs_of(document).values())[:1]:
        file = backend.anonymous.get(href, headers={"Range": "bytes=0-1023"})
        if not file.ok:
            message = f"a file of shared results is answered with HTTP {file.status} without a token"
            yield Violation(message, file, place=RESULTS)


@requirement(872, mend="Tell in `expires` a time to come, with time zone.", **NEEDS)
def end_of_link(backend: BackEnd) -> Iterator[Violation]:
    """The end of the signed link is told, and to come."""
    found = backend.once(results)
    if not targets(found.value, "canonical"):
        raise NotApplicable("there is no link `canonical`")
    told = found.value.get("expires", mapping(found.value.get("properties")).get("expires"))
    if told is None:
        # Nothing says that it ends at all.
        yield Violation("there is no `expires`", found.exchange, severity=Severity.MINOR)
    elif not is_rfc_3339(told):
        yield Violation("`expires` is no date and time of RFC 3339", found.exchange)
    elif (moment := instant(told)) is not None and moment <= datetime.now(UTC):
        yield Violation("`expires` is past already", found.exchange)


@check(
    "jobs.own-results", "Each job has its own results", source=SOURCE,
    mend="Look for the results of the job that the path names.", **NEEDS,
)  # fmt: skip
def own(backend: BackEnd) -> None:
    """Two jobs do not give the same files."""
    first = backend.once(results)
    other = backend.once(inspected_job)
    answer = other.caller.get(f"{other.path}/results")
    if not answer.ok:
        raise NotTestable("a job without data cubes has no results to compare with")
    mine, theirs = set(hrefs_of(first.value).values()), set(hrefs_of(answer.object()).values())
    if not mine or not theirs:
        raise NotTestable("there are no assets to compare")
    require(mine != theirs, "the results of two different jobs have the same files", answer)
