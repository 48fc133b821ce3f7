"""What goes with synchronous processing: prices, logs, further properties, several files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.billing import currency, free_plan, paid_plan, plans
from connexeo.tools.conformance.checks.job_results import costs_told
from connexeo.tools.conformance.checks.results import NEEDS, RESULT, compute, data, small
from connexeo.tools.conformance.contents import format_of, members
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.logs import LEVELS, Log
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.resources import NOWHERE, object_of
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation
from connexeo.tools.conformance.workload import Graph, has, loading, node, of, with_result, workload

_MONITOR = re.compile(r'<([^>]*)>\s*;[^,<]*\brel\s*=\s*"?(?:[^",;]* )?monitor\b', re.IGNORECASE)
_ARCHIVES = {
    "application/x-tar", "application/tar", "application/x-gtar", "application/x-compressed-tar",
    "application/zip", "application/x-zip-compressed", "application/gzip", "application/x-gzip",
}  # fmt: skip


@requirement(
    902, mend="Take `plan` and `budget`; refuse a plan that is not listed with BillingPlanInvalid.", **NEEDS
)
def billing(backend: BackEnd) -> Iterator[Violation]:
    """Plans that are listed are taken, others refused; so is a budget below nothing."""
    if currency(backend) is None and not plans(backend):
        raise NotApplicable("the back-end has no prices")
    graph = backend.once(small)
    plan = free_plan(backend) or paid_plan(backend)
    properties = {"plan": plan} if plan else {}
    answer = compute(backend, graph, budget=1000, **properties)
    if not answer.ok and answer.code != "PaymentRequired":
        yield Violation(
            f"`plan` and `budget` are answered with HTTP {answer.status} {answer.code or ''}", answer
        )
    if plans(backend):
        answer = compute(backend, graph, plan=NOWHERE)
        if answer.ok:
            yield Violation("a plan that is not listed is taken, not refused with BillingPlanInvalid", answer)
    answer = compute(backend, graph, budget=-1)
    if answer.ok:
        yield Violation("a budget of -1 is taken, not refused with BudgetInvalid", answer)


@requirement(903, mend="Keep entries of `log_level` and above.", **NEEDS)
def log_level(backend: BackEnd) -> Iterator[Violation]:
    """``log_level`` is taken, and keeps what is less severe out of the log."""
    answer = compute(backend, backend.once(small), log_level="error")
    if not answer.ok:
        yield Violation(f"`log_level` is answered with HTTP {answer.status} {answer.code or ''}", answer)
        return
    if not has(backend, "add", "inspect"):
        return
    graph = {"sum": node("add", x=1, y=2)}
    graph["look"] = node("inspect", data=of("sum"), message="conformance", level="warning")
    graph["last"] = node("add", x=of("look"), y=0)
    answer = compute(backend, with_result(graph), log_level="error")
    log = _log(backend, answer) if answer.ok else None
    lower = [each for each in log.entries if each.get("level") in LEVELS[:-1]] if log else []
    if log and lower:
        message = f"with `log_level` error the log has an entry of the level {lower[0]['level']}"
        yield Violation(message, log.exchange, place=RESULT)


@requirement(904, mend="Ignore properties that are not known, instead of refusing the request.", **NEEDS)
def further_properties(backend: BackEnd) -> Iterator[Violation]:
    """Properties that nobody knows do not hinder."""
    answer = compute(backend, backend.once(small), title="Conformance", conformance_note={"any": ["thing"]})
    if not answer.ok:
        message = f"further properties are answered with HTTP {answer.status} {answer.code or ''}".rstrip()
        yield Violation(message, answer)


@requirement(907, mend="Send OpenEO-Costs with the result.", **NEEDS)
def costs(backend: BackEnd) -> Iterator[Violation]:
    """What it has cost is told where there are prices."""
    if currency(backend) is None:
        raise NotApplicable("the back-end has no prices")
    yield from costs_told(data(backend))


def monitor_of(answer: Exchange) -> str | None:
    """Where the log of a synchronous computation is."""
    found = _MONITOR.search(", ".join(answer.headers.get_list("link")))
    return found[1] if found else None


def _log(backend: BackEnd, answer: Exchange) -> Log | None:
    target = monitor_of(answer)
    if target is None or "://" not in target:
        return None
    found = backend.user.get(target)
    document = object_of(found)
    return Log(backend.user, target, found, document) if document is not None else None


@requirement(
    908, mend='Send `Link: <URL>; rel="monitor"`, where the log can be read with the token.', **NEEDS
)
def link_to_log(backend: BackEnd) -> Iterator[Violation]:
    """The link ``monitor`` leads to a log."""
    answer = data(backend)
    target = monitor_of(answer)
    if target is None:
        yield Violation("there is no header Link with the relation monitor", answer, severity=Severity.MINOR)
    elif "://" not in target:
        yield Violation("the link `monitor` is not absolute", answer)
    else:
        found = backend.user.get(target)
        if not found.ok:
            yield Violation(f"the link `monitor` leads to HTTP {found.status}", found, place=RESULT)
        elif not isinstance(found.object().get("logs"), list):
            yield Violation(
                "the link `monitor` leads to no log: there is no array `logs`", found, place=RESULT
            )


@requirement(909, mend="Put several files into one archive, and say so in Content-Type.", **NEEDS)
def several_files(backend: BackEnd) -> Iterator[Violation]:
    """Two results come as one archive that can be read."""
    work = backend.once(workload)
    if work.collection is None:
        raise NotTestable("nobody can tell how the process of --process-graph could have two results")
    _ = data(backend)
    graph: Graph = {"load": loading(work)}
    for name in ("first", "second"):
        graph[name] = node("save_result", data=of("load"), format=work.format)
    answer = compute(backend, with_result(graph))
    if not answer.ok:
        raise NotTestable(f"a process with two results is answered with HTTP {answer.status}")
    if answer.media_type not in _ARCHIVES and format_of(answer.body) not in {"TAR", "ZIP"}:
        raise NotTestable("only one of two results comes, so that nobody can tell how several would")
    if answer.truncated:
        raise NotTestable("the archive is too large to be looked at")
    found = members(answer.body)
    if found is None:
        yield Violation(f"what comes as {answer.media_type} is no archive that can be read", answer)
    elif len(found) < 2:
        yield Violation(f"the archive of two results has {len(found)} file", answer)
    elif answer.media_type and answer.media_type not in _ARCHIVES:
        yield Violation(f"an archive comes as {answer.media_type}", answer)


@requirement(910, mend="Refuse with PaymentRequired what costs more than the user's budget.", **NEEDS)
def unpaid(backend: BackEnd) -> Iterator[Violation]:
    """No more is charged than the budget has."""
    plan = paid_plan(backend)
    if currency(backend) is None or plan is None:
        raise NotApplicable("nothing has a price")
    budget = 1e-6
    answer = compute(backend, backend.once(workload).graph, plan=plan, budget=budget)
    if not answer.ok:
        return
    try:
        charged = float(answer.headers["openeo-costs"])
    except (KeyError, ValueError) as error:
        raise NotTestable("it is computed, and not told at what price") from error
    if charged > budget:
        yield Violation(f"it is computed for {charged:g}, where the budget was {budget:f}", answer)
