"""The outcome of a run, as data. ``reports`` makes documents of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from connexeo.tools.conformance.grouping import told_places
from connexeo.tools.conformance.registry import Check
from connexeo.tools.conformance.verdicts import Severity, State


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows a violation."""

    request: str
    """The request as a command line, without secrets."""
    answer: str
    """The part of the answer that tells."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of the back-end, however many requests have shown it."""

    check: Check
    message: str
    """Why it is wrong."""
    places: tuple[str, ...]
    """Operations, collections, processes … that it is about; may be empty."""
    severity: Severity
    mend: str
    evidence: Evidence | None = None
    """Of the first request that has shown it."""
    count: int = 1
    """How many have."""
    known: bool = False
    """Whether the baseline has it."""

    kind: str = ""
    """The message without what differs from run to run; empty: the message itself."""

    @property
    def place(self) -> str:
        """The places in a few words."""
        return told_places(self.places)

    @property
    def fingerprint(self) -> str:
        """The same in every run that finds this fault, wherever it shows."""
        return sha256(f"{self.check.id}\n{self.kind or self.message}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Result:
    """How a check ended."""

    check: Check
    state: State
    reason: str = ""
    """Why it could not be told, or was not tried."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessProfile:
    """How much of a process profile is there."""

    name: str
    asked: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What differs between two runs that find the same."""

    started: str
    """RFC 3339."""
    seconds: float
    requests: int
    left_over: tuple[str, ...] = ()
    """What was created and could not be removed."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run has found."""

    url: str
    api_version: str
    contract_version: str
    """Version of the openEO API that was tested against."""
    title: str
    backend_version: str
    layers: tuple[str, ...]
    write: bool
    seed: int
    complete: bool
    """Whether it ran to its end."""
    results: tuple[Result, ...]
    run: RunFacts
    notes: tuple[str, ...] = ()
    process_profiles: tuple[ProcessProfile, ...] = ()
    requirements: Mapping[int, State] = field(default_factory=dict)
    """Requirement of the API profiles → how it is kept."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the worst first."""
        found = (finding for result in self.results for finding in result.findings)
        return tuple(
            sorted(found, key=lambda each: (each.severity.rank, each.check.id, each.place, each.message))
        )

    def count(self, state: State, layer: str | None = None) -> int:
        """How many checks ended so."""
        return sum(
            result.state is state for result in self.results if layer is None or result.check.layer == layer
        )

    @property
    def told(self) -> int:
        """How many checks say something about the back-end."""
        return sum(self.count(state) for state in (State.PASS, State.WARNING, State.FAIL))

    def worst(self, *, known: bool = False) -> Severity | None:
        """The worst severity of what is not in the baseline, or of all; None when nothing is wrong."""
        found = [finding.severity for finding in self.findings if known or not finding.known]
        return min(found, key=lambda severity: severity.rank, default=None)


@dataclass(frozen=True, slots=True)
class Untold:
    """Checks that say nothing about the back-end, for one reason."""

    state: State
    reason: str
    count: int


_UNTOLD = {
    State.NOT_APPLICABLE: "the back-end does not offer what they are about",
    State.NOT_TESTABLE: "nobody can tell from outside, or what they build upon is broken",
    State.ERROR: "the check itself failed",
}


def untold(report: Report) -> tuple[Untold, ...]:
    """Why checks say nothing, the most frequent reason first."""
    counts: Counter[tuple[State, str]] = Counter()
    for result in report.results:
        if result.state is State.SKIPPED:
            counts[result.state, result.reason] += 1
        elif result.state in _UNTOLD:
            counts[result.state, _UNTOLD[result.state]] += 1
    return tuple(Untold(state, reason, count) for (state, reason), count in counts.most_common())


def state_of(states: Iterable[State]) -> State:
    """The state of something that several checks show: the worst that is known."""
    order = (
        State.FAIL,
        State.WARNING,
        State.ERROR,
        State.PASS,
        State.NOT_TESTABLE,
        State.SKIPPED,
        State.NOT_APPLICABLE,
    )
    present = set(states)
    return next((state for state in order if state in present), State.NOT_TESTABLE)
