"""Reports of all kinds, made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.tools.conformance.registry import Check
from connexeo.tools.conformance.report import Evidence, Finding, ProcessProfile, Report, Result, RunFacts
from connexeo.tools.conformance.verdicts import Severity, State

NASTY = 'a <b>&amp; "quote" ]]> `code` [bold]markup[/bold] \N{FULL BLOCK} é'
"""Text that some format would take for something else."""


def a_check(id: str, layer: str = "jobs", number: int | None = None) -> Check:
    """A check."""
    return Check(
        id=id,
        title=f"Asked: {NASTY}",
        layer=layer,
        severity=None,
        source="a test",
        run=None,
        requirement=number,
    )


def a_finding(check: Check, severity: Severity = Severity.MAJOR, **more: Any) -> Finding:
    """A finding."""
    given: dict[str, Any] = {
        "message": f"wrong: {NASTY}",
        "places": ("GET /jobs", "GET /collections"),
        "mend": f"mend {NASTY}",
        "evidence": Evidence(f"curl 'https://x.example/{NASTY}'", f"HTTP 500\n\n{NASTY}\x00\x1b[31m"),
    }
    return Finding(check=check, severity=severity, **(given | more))


def a_report(*results: Result, **more: Any) -> Report:
    """A report."""
    given: dict[str, Any] = {
        "url": "https://x.example/openeo",
        "api_version": "1.2.0",
        "contract_version": "1.2",
        "title": f"Cloud {NASTY}",
        "backend_version": "7",
        "layers": ("jobs", "files"),
        "write": False,
        "seed": 1,
        "complete": True,
        "results": results,
        "run": RunFacts("2026-01-01T00:00:00Z", 1234567.0, 12),
        "process_profiles": (
            ProcessProfile("L1", ("add", "mean"), ("mean",)),
            ProcessProfile("L2", ("x",), ()),
        ),
        "requirements": {1: State.PASS, 2: State.FAIL},
    }
    return Report(**(given | more))


@pytest.fixture
def bad() -> Report:
    """A report with a result of every kind."""
    checks = {state: a_check(f"jobs.{state}", number=7) for state in State}
    file = a_check("files.worst", "files")
    return a_report(
        Result(checks[State.PASS], State.PASS),
        Result(checks[State.FAIL], State.FAIL, findings=(a_finding(checks[State.FAIL], count=3),)),
        Result(
            checks[State.WARNING],
            State.WARNING,
            findings=(a_finding(checks[State.WARNING], Severity.MINOR, places=(), evidence=None, mend=""),),
        ),
        *(
            Result(checks[state], state, f"because {NASTY}")
            for state in (State.NOT_APPLICABLE, State.NOT_TESTABLE, State.SKIPPED, State.ERROR)
        ),
        Result(file, State.FAIL, findings=(a_finding(file, Severity.CRITICAL),)),
        complete=False,
        notes=(f"a note {NASTY}",),
        run=RunFacts("2026-01-01T00:00:00Z", 1234567.0, 12, (f"job {NASTY}",)),
    )


@pytest.fixture
def good() -> Report:
    """A report without findings."""
    return a_report(Result(a_check("jobs.pass"), State.PASS), title="")
