"""The report on a terminal: progress while it runs, then what is wrong and a summary."""

from __future__ import annotations

from contextlib import suppress

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from connexeo.tools.conformance.registry import LAYERS, Check
from connexeo.tools.conformance.report import Finding, Report, Result, untold
from connexeo.tools.conformance.reports.document import to_document
from connexeo.tools.conformance.verdicts import Severity, State

_STYLES = {Severity.CRITICAL: "bold white on red", Severity.MAJOR: "bold red", Severity.MINOR: "yellow"}

_COLUMNS = (
    ("pass", State.PASS, "green"),
    ("fail", State.FAIL, "bold red"),
    ("warning", State.WARNING, "yellow"),
    ("not applicable", State.NOT_APPLICABLE, "dim"),
    ("not testable", State.NOT_TESTABLE, "dim"),
    ("skipped", State.SKIPPED, "dim"),
    ("error", State.ERROR, "magenta"),
)

_ANSWER_LINES = 12

_LISTED = 8
"""Missing processes that are named."""

_REACHED = {True: "[green]yes[/green]", False: "[bold red]no[/bold red]", None: "[dim]open[/dim]"}


class TerminalProgress:
    """Shows on a terminal how a run goes on; says nothing where there is none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._failures = 0
        self._progress = Progress(
            TextColumn("[progress.description]{task.description}", table_column=None),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def started(self, total: int) -> None:
        """The run begins."""
        self._progress.start()
        self._task = self._progress.add_task("", total=total)

    def running(self, check: Check) -> None:
        """A check begins."""
        if self._task is not None:
            failed = f" [red]{self._failures} failed[/red]" if self._failures else ""
            self._progress.update(self._task, description=f"{escape(check.id)}{failed}")

    def finished(self, result: Result) -> None:
        """A check has ended."""
        self._failures += result.state is State.FAIL
        if self._task is not None:
            self._progress.advance(self._task)

    def said(self, text: str) -> None:
        """Something else happens."""
        if self._task is not None:
            self._progress.update(self._task, description=escape(text))
        if text.startswith("interrupted"):
            self._console.print(f"[yellow]{escape(text)}[/yellow]")

    def stop(self) -> None:
        """The run is over, and maybe the terminal gone."""
        with suppress(OSError):
            self._progress.stop()


def print_report(report: Report, console: Console, *, details: bool = True) -> None:
    """Print what is wrong, the worst last so that it is what one sees, and the summary."""
    for finding in reversed(report.findings):
        if not finding.known:
            _print_finding(finding, console, details)
    _print_broken(report, console)
    _print_layers(report, console)
    _print_levels(report, console)
    _print_verdict(report, console)


def _print_finding(finding: Finding, console: Console, details: bool) -> None:
    style = _STYLES[finding.severity]
    often = f" ({finding.count} requests)" if finding.count > 1 else ""
    console.print(
        f"[{style}]{finding.severity.upper()}[/{style}] [bold]{escape(finding.check.id)}[/bold]  "
        f"{escape(finding.place)}{often}",
        soft_wrap=True,
    )
    console.print(f"  {escape(finding.message)}", soft_wrap=True)
    console.print(
        f"  [dim]asked:[/dim] {escape(finding.check.title)} [dim]({escape(finding.check.source)})[/dim]",
        soft_wrap=True,
    )
    if finding.mend:
        console.print(f"  [dim]mend:[/dim]  {escape(finding.mend)}", soft_wrap=True)
    if details and finding.evidence:
        console.print(f"  [dim]{escape(finding.evidence.request)}[/dim]", soft_wrap=True)
        for line in finding.evidence.answer.splitlines()[:_ANSWER_LINES]:
            console.print(f"  [dim]│ {escape(line[:300])}[/dim]", soft_wrap=True)
    console.print()


def _print_broken(report: Report, console: Console) -> None:
    for result in report.results:
        if result.state is State.ERROR:
            console.print(
                f"[magenta]{escape(result.check.id)}[/magenta]: {escape(result.reason)}", soft_wrap=True
            )


def _print_layers(report: Report, console: Console) -> None:
    table = _table("layer", *(name for name, _, _ in _COLUMNS))
    for layer in LAYERS:
        if any(result.check.layer == layer for result in report.results):
            counts = [(report.count(state, layer), style) for _, state, style in _COLUMNS]
            table.add_row(
                layer,
                *(_count(count, style) for count, style in counts),
            )
    console.print(table)
    console.print()


def _print_levels(report: Report, console: Console) -> None:
    levels = to_document(report)["profiles"]["levels"]
    shown = [level for level in levels if level["pass"] or level["warning"] or level["fail"]]
    if shown:
        table = _table("profile", "reached", "asked", "kept", "violated", "not told")
        for level in shown:
            violated = level["fail"] + level["warning"]
            table.add_row(
                f"API {level['level']}",
                _REACHED[level["reached"]],
                str(level["asked"]),
                _count(level["pass"], "green"),
                _count(violated, "bold red"),
                _count(level["asked"] - level["pass"] - violated, "dim"),
            )
        console.print(table)
        console.print()
    if report.process_profiles:
        table = _table("processes", "there", "of", "")
        table.columns[3].justify = "left"
        for profile in report.process_profiles:
            there = len(profile.asked) - len(profile.missing)
            lacking = len(profile.missing) <= _LISTED
            missing = ", ".join(profile.missing) if lacking else f"{len(profile.missing)} processes"
            told = f"[dim]lacks {escape(missing)}[/dim]" if missing else ""
            table.add_row(escape(profile.name), str(there), str(len(profile.asked)), told)
        console.print(table)
        console.print()


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _count(count: int, style: str) -> str:
    return f"[{style}]{count}[/{style}]" if count else "[dim]·[/dim]"


def _print_verdict(report: Report, console: Console) -> None:
    console.print(
        f"[bold]{escape(report.title or report.url)}[/bold] {escape(report.backend_version)}, "
        f"openEO {escape(report.api_version)}, tested against {report.contract_version}: "
        f"{report.run.requests} requests in {report.run.seconds:g} s",
        soft_wrap=True,
    )
    for note in report.notes:
        console.print(f"[dim]note: {escape(note)}[/dim]", soft_wrap=True)
    for left in report.run.left_over:
        console.print(f"[yellow]left over, please remove: {escape(left)}[/yellow]", soft_wrap=True)
    asked = len(report.results)
    console.print(
        f"{report.told} of {asked} checks say something about it, {report.count(State.PASS)} are kept."
    )
    for each in untold(report):
        console.print(
            f"[dim]  {each.count:4} {each.state.replace('-', ' ')}: {escape(each.reason)}[/dim]",
            soft_wrap=True,
        )
    if not report.complete:
        console.print("[yellow]The run did not come to its end: there may be more that is wrong.[/yellow]")
    findings = [finding for finding in report.findings if not finding.known]
    known = len(report.findings) - len(findings)
    if not findings:
        console.print(f"[bold green]Nothing wrong was found.[/bold green]{_known(known)}")
        return
    counts = [(severity, sum(each.severity is severity for each in findings)) for severity in Severity]
    told = ", ".join(
        f"[{_STYLES[severity]}]{count} {severity}[/{_STYLES[severity]}]"
        for severity, count in counts
        if count
    )
    console.print(f"Findings: {told}{_known(known)}")


def _known(count: int) -> str:
    return f" [dim]{count} more in the baseline.[/dim]" if count else ""
