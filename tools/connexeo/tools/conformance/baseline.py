"""What was known of a back-end before: an earlier report, against which only changes are of interest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connexeo.tools.conformance.report import Finding, Report
from connexeo.tools.conformance.verdicts import State

_TOLD = {State.PASS, State.WARNING, State.FAIL}


@dataclass(frozen=True, slots=True)
class Changes:
    """How a report differs from an earlier one."""

    report: Report
    """With findings that were there before marked as known."""
    mended: tuple[Mapping[str, Any], ...]
    """Earlier findings, as in the JSON report, whose checks were made again and found them no more."""


def against(report: Report, earlier: Mapping[str, Any]) -> Changes:
    """Compare a report with an earlier one, see ``reports.document.read_report``."""
    before = {finding["fingerprint"]: finding for finding in earlier["findings"]}
    results = tuple(
        replace(
            result, findings=tuple(marked(each, before.get(each.fingerprint)) for each in result.findings)
        )
        for result in report.results
    )
    now = {each.fingerprint for result in results for each in result.findings}
    told = {result.check.id for result in results if result.state in _TOLD}
    mended = tuple(
        finding
        for fingerprint, finding in before.items()
        if fingerprint not in now and finding["check"] in told
    )
    return Changes(replace(report, results=results), mended)


def marked(finding: Finding, before: Mapping[str, Any] | None) -> Finding:
    """Known as far as it was there before; where it has spread, the new places come first."""
    if before is None:
        return finding
    known = set(before["places"])
    new = tuple(each for each in finding.places if each not in known)
    old = tuple(each for each in finding.places if each in known)
    return replace(finding, known=not new, places=(*new, *old))
