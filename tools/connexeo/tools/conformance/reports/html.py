"""The report as one page that needs nothing else: for a manager's first look, and for whoever has to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from connexeo.tools.conformance.registry import LAYERS
from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.reports.badge import to_badge
from connexeo.tools.conformance.reports.document import to_document

if TYPE_CHECKING:
    from connexeo.tools.conformance.comparison import Comparison

BARS = ("pass", "warning", "fail", "error", "not-testable", "skipped", "not-applicable")
"""States in the order in which bars show them."""


def to_html(report: Report) -> str:
    """The page."""
    document = to_document(report)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=document,
            badge=Markup(to_badge(report)),  # noqa: S704 - made by ourselves, escaped there
            verdict=_verdict(document),
            areas=_areas(document["profiles"]["requirements"]),
            findings=[finding for finding in document["findings"] if not finding["known"]],
            known=[finding for finding in document["findings"] if finding["known"]],
            shown={finding["fingerprint"] for finding in document["findings"] if not finding["known"]},
            layers=LAYERS,
            bars=BARS,
        )
    )


def comparison_page(comparison: Comparison, sums: Sequence[tuple[str, Sequence[str]]]) -> str:
    """The page that shows several back-ends side by side."""
    return _environment().get_template("comparison.html.j2").render(comparison=comparison, sums=sums)


def _verdict(document: Mapping[str, Any]) -> tuple[str, str, str]:
    """The class to draw it in, what it is in a few words, and what that means."""
    new = [finding["severity"] for finding in document["findings"] if not finding["known"]]
    coverage = document["summary"]["coverage"]
    told = f"{coverage['told']} of {coverage['asked']} checks"
    known = len(document["findings"]) - len(new)
    if "critical" in new:
        return "fail", "Unsafe", "Users can see, change or lose what they must not."
    if "major" in new:
        return "fail", "Does not conform", "The contract is broken: some clients will fail or get wrong data."
    if not document["complete"]:
        return "skipped", "Not told to the end", f"The run was cut short: {told} say something."
    if new:
        return "warning", "Conforms, with remarks", "Clients get by; some recommendations are not followed."
    if known:
        return "warning", "Nothing new", f"What is wrong was known before: {known} findings of the baseline."
    whole = set(document["options"]["layers"]) == set(LAYERS)
    return (
        "pass",
        "Conforms" if whole else "No fault found",
        f"Nothing wrong was found by the {told} that say something.",
    )


def _areas(requirements: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    areas: dict[str, list[Mapping[str, Any]]] = {}
    for each in requirements:
        areas.setdefault(each["area"], []).append(each)
    return areas


def _code(text: str) -> Markup:
    """Text in which what stands between backticks is shown as code."""
    parts = text.split("`")
    shown = (
        Markup("<code>{}</code>").format(part) if index % 2 else Markup.escape(part)
        for index, part in enumerate(parts)
    )
    return Markup().join(shown)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("connexeo.tools.conformance.reports", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["code"] = _code
    environment.filters["state"] = lambda state: state.replace("-", " ")
    return environment
