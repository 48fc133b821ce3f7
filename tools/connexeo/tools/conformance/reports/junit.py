"""The report as JUnit XML, as CI systems read it: a suite for each layer, a case for each check."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

from connexeo.tools.conformance.registry import LAYERS
from connexeo.tools.conformance.report import Finding, Report, Result
from connexeo.tools.conformance.verdicts import Severity, State

# What XML 1.0 cannot hold, not even escaped.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_SKIPPED = {State.NOT_APPLICABLE, State.NOT_TESTABLE, State.SKIPPED}


def to_junit(report: Report, fail_on: Severity | None = Severity.MAJOR) -> bytes:
    """The report as JUnit XML; what is less severe than ``fail_on``, or known, is output of a passed case."""
    root = Element("testsuites", name=_fit(f"openEO conformance of {report.url}"))
    root.set("time", f"{report.run.seconds:.1f}")
    totals: Counter[str] = Counter()
    for layer in LAYERS:
        results = [result for result in report.results if result.check.layer == layer]
        if results:
            totals += _suite(root, layer, results, report, fail_on)
    # No sum of those skipped: the schemas that CI systems validate by do not have it.
    for name in ("tests", "failures", "errors"):
        root.set(name, str(totals[name]))
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _suite(
    root: Element, layer: str, results: list[Result], report: Report, fail_on: Severity | None
) -> Counter[str]:
    suite = SubElement(root, "testsuite", name=layer, hostname=_fit(urlsplit(report.url).netloc))
    suite.set("timestamp", report.run.started.removesuffix("Z").partition("+")[0])
    suite.set("time", "0")
    properties = SubElement(suite, "properties")
    for name, value in _properties(report).items():
        SubElement(properties, "property", name=name, value=_fit(value))
    counts = Counter({"tests": len(results)})
    for result in results:
        case = SubElement(
            suite, "testcase", classname=f"conformance.{layer}", name=_fit(result.check.id), time="0"
        )
        counted = _outcome(case, result, fail_on)
        if counted:
            counts[counted] += 1
    for name in ("tests", "failures", "errors", "skipped"):
        suite.set(name, str(counts[name]))
    return counts


def _properties(report: Report) -> dict[str, str]:
    return {
        "url": report.url,
        "api_version": report.api_version,
        "contract_version": report.contract_version,
        "seed": str(report.seed),
        "complete": str(report.complete).lower(),
    }


def _outcome(case: Element, result: Result, fail_on: Severity | None) -> str | None:
    """What is said of a case; gives the count that it belongs to."""
    lowest = fail_on.rank if fail_on else -1
    new = [finding for finding in result.findings if not finding.known and finding.severity.rank <= lowest]
    if new:
        messages = "; ".join(finding.message for finding in new)
        failure = SubElement(case, "failure", message=_fit(messages[:500]), type=str(new[0].severity))
        failure.text = _fit("\n\n".join(tell(finding) for finding in new))
        return "failures"
    if result.state is State.ERROR:
        SubElement(case, "error", message=_fit(result.reason), type="error")
        return "errors"
    if result.state in _SKIPPED:
        SubElement(case, "skipped", message=_fit(f"{result.state}: {result.reason}"))
        return "skipped"
    if result.findings:
        SubElement(case, "system-out").text = _fit("\n\n".join(tell(finding) for finding in result.findings))
    return None


def tell(finding: Finding) -> str:
    """A finding as plain text."""
    often = f" ({finding.count} requests)" if finding.count > 1 else ""
    lines = [
        f"{finding.severity.upper()} {finding.place}: {finding.message}{often}",
        *([f"places: {', '.join(finding.places)}"] if len(finding.places) > 1 else []),
        f"asked: {finding.check.title} ({finding.check.source})",
    ]
    if finding.mend:
        lines.append(f"mend: {finding.mend}")
    if finding.evidence:
        lines += [finding.evidence.request, finding.evidence.answer]
    return "\n".join(lines)


def _fit(text: str) -> str:
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)
