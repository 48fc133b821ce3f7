"""Estimates of what batch jobs will cost, how long they take, and how much comes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import create_job
from connexeo.tools.conformance.billing import currency, paid_plan
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.extents import instant, is_rfc_3339
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.resources import NOWHERE
from connexeo.tools.conformance.shapes import text
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Violation, require
from connexeo.tools.conformance.workload import workload

_ESTIMATE = "GET /jobs/{job_id}/estimate"
_NEEDS: dict[str, Any] = {"layer": "jobs", "operations": (_ESTIMATE, "POST /jobs"), "writes": True}
_COMPLEX = "EstimateComplexity"
_KINDS = ("costs", "duration", "size")

_DURATION = re.compile(
    r"P(?=.)(\d+([.,]\d+)?W|(\d+([.,]\d+)?Y)?(\d+([.,]\d+)?M)?(\d+([.,]\d+)?D)?"
    r"(T(?=.)(\d+([.,]\d+)?H)?(\d+([.,]\d+)?M)?(\d+([.,]\d+)?S)?)?)"
)


def estimated(backend: BackEnd) -> Exchange:
    """The answer for a small job, of a plan that costs something where there is one."""
    plan = paid_plan(backend)
    properties: dict[str, Any] = {"plan": plan} if plan else {}
    job = create_job(backend, backend.once(workload).graph, title=backend.name("estimate"), **properties)
    return job.caller.get(f"{job.path}/estimate")


def _estimate(backend: BackEnd) -> tuple[Mapping[str, Any], Exchange]:
    """The estimate itself.

    Raises:
        NotTestable: when there is none, which is allowed, or has been told.
    """
    answer = backend.once(estimated)
    if answer.code == _COMPLEX:
        raise NotTestable("the back-end says that a small job is too complex for an estimate")
    if not answer.ok:
        raise NotTestable(f"the estimate is answered with HTTP {answer.status}")
    return answer.object(), answer


@requirement(820, mend="Tell `costs`, `duration` or `size` of a job before it starts.", **_NEEDS)
def beforehand(backend: BackEnd) -> None:
    """Something is told of a job that has not started."""
    answer = backend.once(estimated)
    if answer.code == _COMPLEX:
        raise NotTestable("the back-end says that a small job is too complex for an estimate")
    require(answer.ok, f"the estimate of a small job is answered with HTTP {answer.status}", answer)
    told = [kind for kind in _KINDS if answer.object().get(kind) is not None]
    require(told, f"the estimate has none of {', '.join(_KINDS)}", answer)


@requirement(821, mend="Tell `costs` as a number that is not negative.", **_NEEDS)
def costs(backend: BackEnd) -> Iterator[Violation]:
    """Costs are told where there are prices."""
    if currency(backend) is None:
        raise NotApplicable("the back-end has no prices")
    found, answer = _estimate(backend)
    yield from _number(found, "costs", answer)


@requirement(822, mend="Tell `duration` in the form of ISO 8601, such as PT45M.", **_NEEDS)
def duration(backend: BackEnd) -> Iterator[Violation]:
    """The duration is told, and is one."""
    found, answer = _estimate(backend)
    told = found.get("duration")
    if told is None:
        yield Violation("there is no `duration`", answer)
    elif not _DURATION.fullmatch(text(told)):
        yield Violation(f"`duration` is {told!r}, no duration of ISO 8601 such as PT45M", answer)


@requirement(823, mend="Tell `size` in bytes.", **_NEEDS)
def size(backend: BackEnd) -> Iterator[Violation]:
    """The size is told, in bytes."""
    found, answer = _estimate(backend)
    yield from _number(found, "size", answer)


def _number(found: Mapping[str, Any], key: str, answer: Exchange) -> Iterator[Violation]:
    told = found.get(key)
    if told is None:
        yield Violation(f"there is no `{key}`", answer)
    elif isinstance(told, bool) or not isinstance(told, int | float):
        yield Violation(f"`{key}` is {told!r}, no number", answer)
    elif told < 0:
        yield Violation(f"`{key}` is {told}, less than nothing", answer)


@requirement(
    824, mend="Tell `downloads_included` as a number, or null for any number of downloads.", **_NEEDS
)
def downloads(backend: BackEnd) -> Iterator[Violation]:
    """How many downloads are included."""
    found, answer = _estimate(backend)
    if "downloads_included" not in found:
        raise NotApplicable("it is not told, which means that any number of downloads is included")
    if found["downloads_included"] is not None:
        yield from _number(found, "downloads_included", answer)


@requirement(825, mend="Tell in `expires` a time to come.", **_NEEDS)
def expires(backend: BackEnd) -> Iterator[Violation]:
    """The end of validity is to come."""
    found, answer = _estimate(backend)
    told = found.get("expires")
    if told is None:
        raise NotApplicable("it is not told, so that the estimate does not expire")
    moment = instant(told) if is_rfc_3339(told) else None
    if moment is None:
        yield Violation("`expires` is no date and time of RFC 3339", answer)
    elif moment <= datetime.now(UTC):
        yield Violation("`expires` is past already: the estimate does not hold when it is given", answer)


@requirement(
    826, mend=f"Answer 200 with `costs`, `duration` or `size`, or else 500 {_COMPLEX}; 404 JobNotFound for a "
    "job that is not there.", **_NEEDS,
)  # fmt: skip
def statuses(backend: BackEnd) -> Iterator[Violation]:
    """200 comes with an estimate, anything else with the reason."""
    answer = backend.once(estimated)
    if answer.ok:
        found = answer.object()
        if not any(kind in found for kind in _KINDS):
            yield Violation(f"HTTP {answer.status} without any of {', '.join(_KINDS)}", answer)
    elif answer.status >= 500 and answer.code != _COMPLEX:
        yield Violation(f"HTTP {answer.status} {answer.code or ''}".strip() + f", not {_COMPLEX}", answer)
    nothing = backend.user.get(f"/jobs/{NOWHERE}/estimate")
    if nothing.ok:
        message = f"the estimate of a job that does not exist is answered with HTTP {nothing.status}"
        yield Violation(message, nothing)
