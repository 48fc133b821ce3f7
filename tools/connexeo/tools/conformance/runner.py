"""Runs checks against a back-end, one request after the other, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.budget import BudgetExhausted
from connexeo.tools.conformance.caller import NoAnswer
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.grouping import kind_of, without_indices
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


@dataclass(frozen=True, slots=True)
class _Deaf:
    """Tells a listener as long as it can hear: when the terminal has gone, the run tidies up all the same."""

    listener: Listener

    def started(self, total: int) -> None:
        with suppress(OSError):
            self.listener.started(total)

    def running(self, check: Check) -> None:
        with suppress(OSError):
            self.listener.running(check)

    def finished(self, result: Result) -> None:
        with suppress(OSError):
            self.listener.finished(result)

    def said(self, text: str) -> None:
        with suppress(OSError):
            self.listener.said(text)


def run_checks(
    backend: BackEnd, inspection: Inspection, checks: Sequence[Check], listener: Listener | None = None
) -> Report:
    """Run all checks that may run, and remove what they have created.

    Interrupted by Ctrl-C, SIGTERM or SIGHUP it removes what is there and gives the report so far.
    """
    listener = _Deaf(listener or Silent())
    started = datetime.now(UTC)
    results: list[Result] = []
    active = [check for check in checks if check.run is not None]
    backend.interruption.tell = listener.said
    with backend.interruption.watching():
        try:
            complete = _run_all(backend, active, results, listener)
        finally:
            # Whatever has happened. One Ctrl-C waits here, unless there was one before.
            with backend.interruption.undisturbed(and_after=True):
                left_over = backend.ledger.clean(backend.budget, listener.said)
        done = {result.check.id for result in results}
        results += [Result(check, State.SKIPPED, INTERRUPTED) for check in active if check.id not in done]
        results += [judge(backend, inspection, check) for check in checks if check.run is None]
    return Report(
        url=backend.url,
        api_version=backend.discovery.api_version,
        contract_version=backend.contract.version,
        title=_said(backend, "title"),
        backend_version=_said(backend, "backend_version"),
        layers=backend.options.layers,
        write=backend.options.write,
        seed=backend.options.seed,
        complete=complete and not _ran_out(results),
        results=tuple(results),
        run=RunFacts(
            started=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            seconds=round(backend.budget.spent, 1),
            requests=backend.budget.sent,
            left_over=tuple(backend.secrets.mask(each) for each in left_over),
        ),
        notes=tuple(
            backend.secrets.mask(each) for each in (*backend.discovery.notes, *backend.contract.notes)
        ),
        process_profiles=process_profiles(backend),
        requirements=_requirements(results),
    )


def _said(backend: BackEnd, key: str) -> str:
    """What the capabilities say in a few words."""
    return backend.secrets.mask(str(backend.capabilities.get(key) or ""))[:200]


def _run_all(backend: BackEnd, checks: Iterable[Check], results: list[Result], listener: Listener) -> bool:
    """Add the result of each check; gives whether it came to the end."""
    listener.started(len(list(checks)))
    try:
        for check in checks:
            listener.running(check)
            results.append(run_check(backend, check))
            listener.finished(results[-1])
    except KeyboardInterrupt:
        listener.said(INTERRUPTED)
        return False
    return True


UNIMPLEMENTED = "profile.32"
"""The check that tells which operations are listed and not implemented."""

INTERRUPTED = "interrupted"
CUT_SHORT = "the run was cut short: "


def _ran_out(results: Iterable[Result]) -> bool:
    return any(result.reason.startswith(CUT_SHORT) for result in results)


def run_check(backend: BackEnd, check: Check) -> Result:
    """Run one check that is not passive."""
    state, reason, found = _run(backend, check)
    new = [violation for violation in found if not _known(backend, check, violation)]
    if found and not new:
        shown = found[0].exchange.name if found[0].exchange else found[0].place
        state, reason = State.NOT_TESTABLE, f"builds on what failed: {shown}: {found[0].message}"
    for violation in new:
        key = backend.mask(_place(violation)), backend.mask(violation.message)
        severity = _severity(check, violation)
        backend.told[key] = min(severity, backend.told.get(key, severity), key=lambda each: each.rank)
    return _finish(backend, check, (state, reason, new))


def _known(backend: BackEnd, check: Check, violation: Violation) -> bool:
    """Whether another check tells the same, so that this one has nothing to add."""
    if check.id != UNIMPLEMENTED and backend.lacks(violation):
        return True
    place = backend.mask(_place(violation))
    message = backend.mask(violation.message)
    severity = backend.told.get((place, message))
    if place and severity is not None and severity.rank <= _severity(check, violation).rank:
        return True
    return any(
        place and (backend.mask(_place(each)), backend.mask(each.message)) == (place, message)
        for each in backend.trouble
    )


def _place(violation: Violation) -> str:
    return violation.place or (violation.exchange.name if violation.exchange else "")


def _severity(check: Check, violation: Violation) -> Severity:
    return violation.severity or check.severity or Severity.MAJOR


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
        return State.SKIPPED, f"{CUT_SHORT}{reason}", found
    except Violated as error:
        found.append(error.violation)
    except NotJson as error:
        found.append(Violation("the answer is not the JSON document that it ought to be", error.exchange))
    except NoAnswer as error:
        # That alone is one finding, of whichever requests: see `inspection.NO_ANSWER`.
        return State.NOT_TESTABLE, f"{error.exchange.name}: {error}", found
    except Exception as error:  # noqa: BLE001 - one check that trips must not take the others with it
        # Documents of strangers have surprises. What is wrong with them is a finding of the schemas, and the fault
        # of the check is told apart.
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
    return Result(check, state, backend.mask(reason), findings)


def _findings(backend: BackEnd, check: Check, violations: Iterable[Violation]) -> Iterator[Finding]:
    """One finding for all violations of one kind, wherever they are."""
    groups: dict[str, list[tuple[str, Violation]]] = {}
    for violation in violations:
        place = backend.mask(_place(violation))
        groups.setdefault(kind_of(backend.mask(violation.message), place), []).append((place, violation))
    for kind, members in groups.items():
        first = members[0][1]
        shown = next((each.exchange for _, each in members if each.exchange is not None), None)
        severities = [_severity(check, each) for _, each in members]
        yield Finding(
            check=check,
            message=without_indices(backend.mask(first.message)),
            places=tuple(dict.fromkeys(place for place, _ in members if place)),
            severity=min(severities, key=lambda severity: severity.rank),
            mend=backend.mask(first.mend or check.mend),
            evidence=_evidence(backend, shown) if shown else None,
            count=len(members),
            kind=kind,
        )


def _evidence(backend: BackEnd, exchange: Exchange) -> Evidence:
    return Evidence(exchange.curl(backend.mask), exchange.excerpt(hide=backend.mask))


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
