"""What ``connexeo conformance`` says of faults, each switched on alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx

from conformance.detection.leniency import RECOMMENDED, STUCK
from conformance.detection.relevance import Watch, watching
from conformance.detection.world import STRANGER, USER
from conformance.mutations import Fault, Proxy, start_proxy
from connexeo.tools.conformance import session
from connexeo.tools.conformance.discovery import DiscoveryError, anonymous_template
from connexeo.tools.conformance.inspection import Inspection
from connexeo.tools.conformance.login import LoginError
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.registry import LAYERS, Check, load_checks
from connexeo.tools.conformance.report import Finding, Report, Result
from connexeo.tools.conformance.runner import Silent, run_checks
from connexeo.tools.conformance.verdicts import Severity, State
from served import Server

SEED = 1
_PATIENCE = {True: 3.0, False: 60.0}
"""Seconds that a job may take, by whether the fault keeps jobs from ending."""
RANDOM = "connexeo.tools.conformance.checks.schema"
"""Module of the checks that send random requests: they find much, but take ten times as long as all others."""
PASSIVE = tuple(check for check in load_checks() if check.run is None)
"""Checks that are judged by the requests of all others."""


@dataclass(frozen=True)
class Detection:
    """What was said of a fault."""

    fault: Fault
    findings: tuple[Finding, ...]
    """Those that the run without the fault has not; the most fitting first."""
    told: str = ""
    """Why there was no run at all."""
    crashed: tuple[str, ...] = ()
    """Checks that could not cope with it."""
    seconds: float = 0.0

    @property
    def found(self) -> bool:
        """Whether the tool has noticed it: a failure, or a warning where the standard only recommends."""
        enough = any(self.counts(finding) for finding in self.findings)
        return enough or bool(self.told)

    def counts(self, finding: Finding) -> bool:
        """Whether a finding is severe enough for this fault."""
        return is_enough(self.fault, finding.severity)

    @property
    def by(self) -> str:
        """What has found it."""
        if self.told:
            return "the tool itself"
        return next((finding.check.id for finding in self.findings if self.counts(finding)), "")


def is_enough(fault: Fault, severity: Severity) -> bool:
    """Whether something of this severity tells of a fault."""
    return severity is not Severity.MINOR or fault.id in RECOMMENDED


@dataclass(frozen=True)
class Hasty(Silent):
    """Ends a run as Ctrl-C does, as soon as something was found."""

    fault: Fault
    inspection: Inspection

    def finished(self, result: Result) -> None:
        """Look what there is after each check."""
        said = {finding.severity for finding in result.findings}
        for check in PASSIVE:
            said |= {
                violation.severity or check.severity or Severity.MAJOR
                for violation in self.inspection.found.get(check.id, [])
            }
        if any(is_enough(self.fault, severity) for severity in said):
            raise KeyboardInterrupt


@dataclass
class Laboratory:
    """A server behind a proxy, and what is known of runs without faults."""

    server: Server
    proxy: Proxy
    watches: dict[str, Watch] = field(default_factory=dict)
    """By dress."""
    healthy: dict[str, Report] = field(default_factory=dict)
    """Reports of runs without a fault, by dress."""

    def learn(self, dress: str = "") -> Report:
        """Run all layers without any fault, once for each dress."""
        if dress not in self.healthy:
            with watching(self.proxy, dress) as watch:
                options = _options(tuple(LAYERS))
                with session.opened(self.proxy.url, options, USER, STRANGER) as (backend, inspection):
                    checks = steady_checks(options)
                    self.healthy[dress] = run_checks(backend, inspection, checks, watch)
            self.watches[dress] = watch
            self.tidy()
        return self.healthy[dress]

    def examine(self, fault: Fault, *, thorough: bool = False) -> Detection:
        """Run the layers that ought to find a fault, and what holds for every answer.

        Those checks come first that ask for the very thing; a run that is not thorough ends when the fault is found.
        """
        known = frozenset(finding.fingerprint for finding in self.learn(fault.dress).findings)
        options = _options((*fault.layers, "schema"), _PATIENCE[fault.id in STUCK])
        concerned = self.watches[fault.dress].concerned(fault)
        checks = [
            check
            for check in steady_checks(options)
            if concerned is None or check.run is None or check.id in concerned
        ]
        checks.sort(key=lambda check: not _spoiled(fault) & _named(check.operations))
        started = time.monotonic()
        self.proxy.clear()
        self.proxy.switchboard.on = (fault,)
        try:
            with session.opened(self.proxy.url, options, USER, STRANGER) as (backend, inspection):
                listener = None if thorough else Hasty(fault, inspection)
                report = run_checks(backend, inspection, checks, listener)
        except (DiscoveryError, LoginError) as error:
            return Detection(fault, (), told=str(error), seconds=time.monotonic() - started)
        finally:
            self.proxy.clear()
            self.tidy()
        new = [finding for finding in report.findings if finding.fingerprint not in known]
        crashed = [
            f"{result.check.id}: {result.reason}" for result in report.results if result.state is State.ERROR
        ]
        return Detection(
            fault,
            tuple(sorted(new, key=lambda finding: _distance(fault, finding))),
            crashed=tuple(crashed),
            seconds=time.monotonic() - started,
        )

    def tidy(self) -> None:
        """Remove what faults have kept from being removed."""
        for login in (USER, STRANGER):
            with httpx.Client(base_url=self.server.url, timeout=60) as client:
                token = client.get("/credentials/basic", auth=(login.username, login.password)).json()
                client.headers["Authorization"] = f"Bearer basic//{token['access_token']}"
                for kind in ("jobs", "services", "process_graphs", "files"):
                    listed = client.get(f"/{kind}").json()
                    for entry in listed.get(kind, listed.get("processes", [])):
                        name = quote(entry.get("id", entry.get("path")))
                        client.delete(f"/{kind}/{name}").raise_for_status()


@contextmanager
def laboratory(server: Server) -> Iterator[Laboratory]:
    """A proxy in front of a server that has both accounts."""
    with start_proxy(server.url) as proxy:
        yield Laboratory(server, proxy)


def steady_checks(options: Options) -> tuple[Check, ...]:
    """The checks of a run that do not depend on random requests."""
    return tuple(check for check in session.chosen(options) if getattr(check.run, "__module__", "") != RANDOM)


def _options(layers: tuple[str, ...], patience: float = _PATIENCE[False]) -> Options:
    return Options(
        layers=layers, write=True, allow_costs=True, seed=SEED, job_timeout=patience, max_time=300.0
    )


def _distance(fault: Fault, finding: Finding) -> tuple[bool, bool, int, str]:
    """How far a finding is from what is wrong: its own operation first."""
    spoiled = _spoiled(fault)
    elsewhere = not _named(finding.places) & spoiled
    unspecific = not _named(finding.check.operations) & spoiled
    return (elsewhere, unspecific, finding.severity.rank, finding.check.id)


def _spoiled(fault: Fault) -> set[str]:
    return _named(fault.on)


def _named(operations: Iterable[str]) -> set[str]:
    return {anonymous_template(operation) for operation in operations}
