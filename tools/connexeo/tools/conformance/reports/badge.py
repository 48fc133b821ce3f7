"""A badge that says in one glance how a back-end does."""

from __future__ import annotations

from html import escape

from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.verdicts import Severity, State

_COLOURS = {
    None: "#2e7d32",
    Severity.MINOR: "#8a6d00",
    Severity.MAJOR: "#b71c1c",
    Severity.CRITICAL: "#7f0000",
}

_CHARACTER = 6.6
"""Width of an average character of the font, in pixels."""


def to_badge(report: Report) -> str:
    """The badge as SVG."""
    label = f"openEO {report.contract_version}"
    passed, failed, warned = (report.count(state) for state in (State.PASS, State.FAIL, State.WARNING))
    value = f"{passed}/{passed + failed + warned} checks" + ("" if report.complete else ", incomplete")
    colour = _COLOURS[report.worst(known=True)] if report.complete else "#616161"
    left, right = (round(len(text) * _CHARACTER) + 14 for text in (label, value))
    title = escape(f"{label}: {value}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#424242"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14">{escape(value)}</text></g></svg>\n'
    )
