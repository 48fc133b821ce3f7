"""Several reports side by side: which back-end keeps what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.table import Table

from connexeo.tools.conformance.registry import LAYERS

ABSENT = "absent"
"""State of a check that a report does not have."""

_MARKS = {
    "pass": "[green]✓[/green]",
    "warning": "[yellow]![/yellow]",
    "fail": "[bold red]✗[/bold red]",
    "error": "[magenta]?[/magenta]",
    "not-applicable": "[dim]–[/dim]",
    "not-testable": "[dim]·[/dim]",
    "skipped": "[dim]·[/dim]",
    ABSENT: "",
}
LEGEND = "✓ pass   ! warning   ✗ fail   ? the check failed   – not offered   · not told"


@dataclass(frozen=True, slots=True)
class Row:
    """One check, with its state at each back-end."""

    id: str
    layer: str
    requirement: str
    states: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the back-ends differ."""
        return len(set(self.states)) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several back-ends, check by check."""

    names: tuple[str, ...]
    reports: tuple[Mapping[str, Any], ...]
    rows: tuple[Row, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What makes the reports less comparable than they look."""
        asked = {
            "layers": [report["options"]["layers"] for report in self.reports],
            "things created or not": [report["options"]["write"] for report in self.reports],
            "version of the openEO API": [report["backend"]["contract_version"] for report in self.reports],
            "version of this tool": [report["tool"]["version"] for report in self.reports],
        }
        differing = [what for what, values in asked.items() if any(value != values[0] for value in values)]
        notes = [f"They were not tested alike: {', '.join(differing)} differ."] if differing else []
        notes += [
            f"The run of {name} did not come to its end."
            for name, report in zip(self.names, self.reports, strict=True)
            if not report["complete"]
        ]
        return tuple(notes)


def compare(reports: Sequence[Mapping[str, Any]]) -> Comparison:
    """Put reports side by side, as read by ``reports.document.read_report``."""
    by_id = [{check["id"]: check for check in report["checks"]} for report in reports]
    known: dict[str, Mapping[str, Any]] = {}
    for checks in by_id:
        for identifier, check in checks.items():
            known.setdefault(identifier, check)
    layers = list(LAYERS)
    rows = [
        Row(
            identifier,
            check["layer"],
            check["requirement"],
            tuple(checks[identifier]["state"] if identifier in checks else ABSENT for checks in by_id),
        )
        for identifier, check in known.items()
    ]
    # Stable: within a layer checks stay in the order in which they ran.
    rows.sort(key=lambda row: layers.index(row.layer) if row.layer in layers else len(layers))
    return Comparison(_names(reports), tuple(reports), tuple(rows))


def _names(reports: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Titles; with the URL where two have the same."""
    titles = [report["backend"]["title"] or report["backend"]["url"] for report in reports]
    return tuple(
        title if titles.count(title) == 1 else f"{title} ({report['backend']['url']})"
        for title, report in zip(titles, reports, strict=True)
    )


def print_comparison(comparison: Comparison, console: Console, *, everything: bool = False) -> None:
    """Print the checks in which the back-ends differ, or all, and the sums of each layer."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("check", no_wrap=True)
    for name in comparison.names:
        table.add_column(escape_markup(name), justify="center")
    table.add_column("asked", style="dim", ratio=1)
    shown = [row for row in comparison.rows if everything or row.differs]
    for row in shown:
        table.add_row(
            row.id, *(_MARKS.get(state, state) for state in row.states), escape_markup(row.requirement)
        )
    if shown:
        console.print(table)
        console.print(f"[dim]{LEGEND}[/dim]\n")
    else:
        console.print("The back-ends do not differ in any check.\n")
    sums = Table(box=None, pad_edge=False, header_style="bold")
    sums.add_column("passed, of those told")
    for name in comparison.names:
        sums.add_column(escape_markup(name), justify="right")
    for label, counts in _sums(comparison):
        sums.add_row(label, *counts)
    console.print(sums)
    for note in comparison.notes:
        console.print(f"[yellow]{escape_markup(note)}[/yellow]", soft_wrap=True)


def _sums(comparison: Comparison) -> list[tuple[str, list[str]]]:
    def told(states: Mapping[str, int]) -> str:
        total = states["pass"] + states["warning"] + states["fail"]
        return f"{states['pass']}/{total}" if total else "–"

    rows = []
    for layer in LAYERS:
        if any(layer in report["summary"]["layers"] for report in comparison.reports):
            counts = [report["summary"]["layers"].get(layer) for report in comparison.reports]
            rows.append((layer, [told(each) if each else "" for each in counts]))
    rows.append(("all", [told(report["summary"]["checks"]) for report in comparison.reports]))
    return rows


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON: back-ends, and the state of each check at each of them, in that order."""
    return {
        "backends": [report["backend"] for report in comparison.reports],
        "checks": [
            {"id": row.id, "layer": row.layer, "requirement": row.requirement, "states": list(row.states)}
            for row in comparison.rows
        ],
    }


def to_html(comparison: Comparison) -> str:
    """The comparison as one page that needs nothing else."""
    from connexeo.tools.conformance.reports.html import comparison_page

    return comparison_page(comparison, [(label, counts) for label, counts in _sums(comparison)])
