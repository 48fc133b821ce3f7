"""Runs checks against a back-end, one request after the other, and leaves nothing behind."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.budget import BudgetExhausted
from connexeo.tools.conformance.caller import NoAnswer
from connexeo.tools.conformance.exchange import NotJson
from connexeo.tools.conformance.inspection import PREREQUISITES, Inspection
from connexeo.tools.conformance.levels import process_profiles
from connexeo.tools.conformance.registry import Check
from connexeo.tools.conformance.report import Evidence, Finding, Report, Result, RunFacts, state_of
from connexeo.tools.conformance.verdicts import (
    NotApplicable,
    NotTestable,
    Severity,
    Skipped,
    State,
    Violated,
    Violation,
)


class Listener(Protocol):
    """Is told how a run goes on."""

    def started(self, total: int) -> None:
        """The run begins, with so many checks."""

    def running(self, check: Check) -> None:
        """A check begins."""

    def finished(self, result: Result) -> None:
        """A check has ended."""

    def said(self, text: str) -> None:
        """Something else happens that takes time."""


class Silent:
    """A listener that says nothing."""

    def started(self, total: int) -> None:
        """The run begins."""

    def running(self, check: Check) -> None:
        """A check begins."""

    def finished(self, result: Result) -> None:
        """A check has ended."""

    def said(self, text: str) -> None:
        """Something else happens."""


def run_checks(
    backend: BackEnd, inspection: Inspection, checks: Sequence[Check], listener: Listener | None = None
) -> Report:
    """Run all checks that may run, and remove what they have created.

    Interrupted by Ctrl-C or SIGTERM it removes what is there and gives the report so far.
    """
    listener = listener or Silent()
    started = datetime.now(UTC)
    results: list[Result] = []
    active = [check for check in checks if check.run is not None]
    listener.started(len(active))
    complete = False
    with _interruptible():
        try:
            for check in active:
                listener.running(check)
                results.append(run_check(backend, check))
                listener.finished(results[-1])
            complete = True
        except KeyboardInterrupt:
            listener.said("interrupted")
    done = {result.check.id for result in results}
    results += [Result(check, State.SKIPPED, "interrupted") for check in active if check.id not in done]
    left_over = _clean(backend, listener)
    results += [judge(backend, inspection, check) for check in checks if check.run is None]
    return Report(
        url=backend.url,
        api_version=backend.discovery.api_version,
        contract_version=backend.contract.version,
        title=str(backend.capabilities.get("title") or ""),
        backend_version=str(backend.capabilities.get("backend_version") or ""),
        layers=backend.options.layers,
        write=backend.options.write,
        seed=backend.options.seed,
        complete=complete and not _ran_out(results),
        results=tuple(results),
        run=RunFacts(
            started=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            seconds=round(backend.budget.spent, 1),
            requests=backend.budget.sent,
            left_over=left_over,
        ),
        notes=tuple(backend.discovery.notes),
        process_profiles=process_profiles(backend),
        requirements=_requirements(results),
    )


TIME_IS_UP = "time is up: "


def _ran_out(results: Iterable[Result]) -> bool:
    return any(result.reason.startswith(TIME_IS_UP) for result in results)


def run_check(backend: BackEnd, check: Check) -> Result:
    """Run one check that is not passive."""
    return _finish(backend, check, _run(backend, check))


def _run(backend: BackEnd, check: Check) -> tuple[State, str, list[Violation]]:
    """State when nothing is violated, reason, violations."""
    found: list[Violation] = []
    try:
        _permit(backend, check)
        for violation in (check.run(backend) if check.run else None) or ():
            found.append(violation)  # noqa: PERF402 - what was found before a check ends by an exception counts
    except (NotApplicable, NotTestable, Skipped) as reason:
        state = {NotApplicable: State.NOT_APPLICABLE, NotTestable: State.NOT_TESTABLE}.get(
            type(reason), State.SKIPPED
        )
        return state, str(reason), found
    except BudgetExhausted as reason:
        return State.SKIPPED, f"{TIME_IS_UP}{reason}", found
    except Violated as error:
        found.append(error.violation)
    except NotJson as error:
        found.append(Violation("the answer is not the JSON document that it ought to be", error.exchange))
    except NoAnswer as error:
        found.append(Violation(str(error), error.exchange))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, LookupError) as error:
        # Documents of strangers have surprises; one check that trips must not take the others with it. What is
        # wrong with the document is a finding of the schemas, and the fault of the check is told apart.
        return State.ERROR, f"the check failed: {type(error).__name__}: {error}{_where(error)}", found
    return State.PASS, "", found


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    last = ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
        last = f" ({name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return last


def _permit(backend: BackEnd, check: Check) -> None:
    """End the check unless it may run and means something here."""
    backend.need(*check.operations)
    if check.any_of and not any(backend.offers(operation) for operation in check.any_of):
        raise NotApplicable(f"none of {', '.join(check.any_of)} is offered")
    if check.writes and not backend.options.write:
        raise Skipped("creates or changes something: allow it with --write")
    if check.costs and not backend.options.allow_costs and _has_prices(backend):
        raise Skipped("may cost something: allow it with --allow-costs")
    if check.needs_account:
        _ = backend.user
    if check.stranger:
        _ = backend.stranger


def _has_prices(backend: BackEnd) -> bool:
    billing = backend.capabilities.get("billing")
    return isinstance(billing, dict) and billing.get("currency") is not None


def _finish(backend: BackEnd, check: Check, outcome: tuple[State, str, list[Violation]]) -> Result:
    state, reason, violations = outcome
    findings = tuple(_findings(backend, check, violations))
    if findings:
        state = State.FAIL if any(each.severity is not Severity.MINOR for each in findings) else State.WARNING
    return Result(check, state, reason, findings)


def _findings(backend: BackEnd, check: Check, violations: Iterable[Violation]) -> Iterator[Finding]:
    """One finding for all violations with equal message and place."""
    found: dict[tuple[str, str], Finding] = {}
    for violation in violations:
        place = violation.place or (violation.exchange.name if violation.exchange else "")
        key = backend.ledger.mask(violation.message), backend.ledger.mask(place)
        if key in found:
            found[key] = replace(found[key], count=found[key].count + 1)
            continue
        evidence = None
        if violation.exchange is not None:
            exchange = violation.exchange
            evidence = Evidence(backend.ledger.mask(exchange.curl()), backend.ledger.mask(exchange.excerpt()))
        severity = violation.severity or check.severity or Severity.MAJOR
        found[key] = Finding(check, *key, severity, violation.mend or check.mend, evidence)
    return iter(found.values())


def judge(backend: BackEnd, inspection: Inspection, check: Check) -> Result:
    """How a passive check ends, by all requests so far."""
    if check.id == PREREQUISITES.id:
        return _finish(backend, check, (State.PASS, "", backend.trouble))
    violations = inspection.found.get(check.id, [])
    if not violations and check.id not in inspection.judged:
        return Result(check, State.NOT_TESTABLE, "no answer showed it")
    return _finish(backend, check, (State.PASS, "", violations))


def _requirements(results: Iterable[Result]) -> dict[int, State]:
    states: dict[int, list[State]] = {}
    for result in results:
        if result.check.requirement is not None:
            states.setdefault(result.check.requirement, []).append(result.state)
    return {number: state_of(states[number]) for number in sorted(states)}


def _clean(backend: BackEnd, listener: Listener) -> tuple[str, ...]:
    try:
        return backend.ledger.clean(backend.budget, listener.said)
    except KeyboardInterrupt:
        listener.said("interrupted while removing")
        return tuple(f"{each.kind} {each.name}" for each in backend.ledger.there.values())


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does, where it is the main thread that runs."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        # Not the main thread: whoever runs it decides about signals.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
