"""``connexeo conformance``: tests a back-end, compares reports, lists the checks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from connexeo.tools.conformance.authentication import METHODS, LoginError, LoginOptions, login_from
from connexeo.tools.conformance.baseline import Changes, against
from connexeo.tools.conformance.comparison import compare as compare_reports
from connexeo.tools.conformance.comparison import print_comparison, to_json
from connexeo.tools.conformance.comparison import to_html as comparison_to_html
from connexeo.tools.conformance.discovery import DiscoveryError
from connexeo.tools.conformance.masking import mask
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.registry import LAYERS, load_checks, select
from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.reports.badge import to_badge
from connexeo.tools.conformance.reports.document import dump, read_report, to_document
from connexeo.tools.conformance.reports.html import to_html
from connexeo.tools.conformance.reports.junit import to_junit
from connexeo.tools.conformance.reports.terminal import TerminalProgress, print_report
from connexeo.tools.conformance.session import run as run_session
from connexeo.tools.conformance.verdicts import Severity
from connexeo.tools.console import errors, fail, output
from connexeo.tools.spec.documents import SpecError, parse_document

FOUND = 1
"""Exit code: something is wrong with the back-end."""
NOT_RUN = 2
"""Exit code: it could not be tested, or a report not be written."""
INCOMPLETE = 3
"""Exit code: nothing was found, but the run did not come to its end."""


class _RunByDefault(TyperGroup):
    """``connexeo conformance URL`` is ``connexeo conformance run URL``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = ["run", *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app = typer.Typer(
    cls=_RunByDefault,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Prove whether an openEO back-end keeps the contract: [bold]connexeo conformance URL[/bold].",
)

_LAYERS = ", ".join(LAYERS)
_DEFAULTS = Options()


def _layers(values: list[str]) -> tuple[str, ...]:
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    for name in names:
        if name not in LAYERS:
            raise typer.BadParameter(f"there is no layer {name}; there are {_LAYERS}")
    return tuple(name for name in LAYERS if name in names) if names else tuple(LAYERS)


@app.command()
def run(
    url: Annotated[str, typer.Argument(help="The API, or the host that it lives on.", show_default=False)],
    layer: Annotated[
        list[str] | None, typer.Option("--layer", "-l", help=f"Only these, of: {_LAYERS}. May be repeated.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Only checks whose id begins so, such as jobs. or profile.710.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Create jobs, files, processes, services; all are removed again.")
    ] = False,
    allow_costs: Annotated[
        bool, typer.Option("--allow-costs", help="Process at a back-end that has prices.")
    ] = False,
    auth: Annotated[
        str | None,
        typer.Option(help=f"How to log in, where the options do not tell: {', '.join(METHODS)}."),
    ] = None,
    basic: Annotated[
        str | None, typer.Option(metavar="USER:PASSWORD", help="Log in with user name and password.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="Use this whole bearer token, such as basic//abc.", show_default=False)
    ] = None,
    provider: Annotated[str | None, typer.Option(help="OpenID Connect provider.")] = None,
    client_id: Annotated[str | None, typer.Option(help="Client at that provider.")] = None,
    client_secret: Annotated[str | None, typer.Option(help="Its secret.", show_default=False)] = None,
    refresh_token: Annotated[str | None, typer.Option(help="Refresh token.", show_default=False)] = None,
    second_basic: Annotated[
        str | None,
        typer.Option(metavar="USER:PASSWORD", help="Another account, to see that users are kept apart."),
    ] = None,
    second_token: Annotated[
        str | None, typer.Option(help="Token of that account.", show_default=False)
    ] = None,
    api_version: Annotated[
        str | None, typer.Option(help="Version to test, such as 1.2, where there are several.")
    ] = None,
    contract: Annotated[
        list[str] | None,
        typer.Option(help="Overlay upon the standard, or OpenAPI document instead of it: file or URL."),
    ] = None,
    collection: Annotated[str | None, typer.Option(help="Collection to process.")] = None,
    process_graph: Annotated[
        Path | None, typer.Option(help="Process graph (JSON) to run as a job.", exists=True, dir_okay=False)
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Accept any certificate.")] = False,
    max_time: Annotated[float, typer.Option(min=1, help="Seconds for the whole run.")] = _DEFAULTS.max_time,
    max_requests: Annotated[int, typer.Option(min=1, help="Requests at most.")] = _DEFAULTS.max_requests,
    rate: Annotated[
        float, typer.Option(min=0, help="Requests per second at most; 0: no limit.")
    ] = _DEFAULTS.rate,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one request.")] = _DEFAULTS.timeout,
    job_timeout: Annotated[
        float, typer.Option(min=1, help="Seconds for a small batch job.")
    ] = _DEFAULTS.job_timeout,
    seed: Annotated[int, typer.Option(help="The same seed makes the same run.")] = _DEFAULTS.seed,
    examples: Annotated[
        int, typer.Option(min=1, help="Fuzzed requests for each operation.")
    ] = _DEFAULTS.examples,
    json: Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write it as one page.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write it as JUnit XML.")] = None,
    badge: Annotated[Path | None, typer.Option("--badge", help="Write a badge (SVG).")] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="Earlier report (JSON): show only what has changed since.", exists=True, dir_okay=False
        ),
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option(help="Exit with 1 for findings from this severity on: critical, major, minor, never."),
    ] = "major",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Without requests and answers.")] = False,
) -> None:
    """Test the back-end at a URL.

    Nothing is created, changed or paid for unless --write and --allow-costs say so. Exit codes: 0 all is well, 1
    something is wrong, 2 it could not be tested or a report not be written, 3 the run did not come to its end.
    """
    threshold = _severity(fail_on)
    for path in (json, html, junit, badge):
        _writable(path)
    try:
        options = Options(
            layers=_layers(layer or []),
            write=write,
            allow_costs=allow_costs,
            max_time=max_time,
            max_requests=max_requests,
            rate=rate,
            timeout=timeout,
            job_timeout=job_timeout,
            seed=seed,
            examples=examples,
            insecure=insecure,
            api_version=api_version,
            contract=tuple(contract or ()),
            collection=collection,
            process_graph=_graph(process_graph),
            only=tuple(only or ()),
        )
        earlier = read_report(baseline) if baseline else None
        account = login_from(
            LoginOptions(auth, basic, token, provider, client_id, client_secret, refresh_token),
            show=_show_code,
        )
        second = login_from(LoginOptions(None, second_basic, second_token), second=True)
        progress = TerminalProgress(errors)
        try:
            report = run_session(url, options, account=account, second_account=second, listener=progress)
        finally:
            progress.stop()
    except (DiscoveryError, LoginError, SpecError) as error:
        fail(mask(str(error)), code=NOT_RUN)
    except KeyboardInterrupt:
        fail("interrupted before there was anything to report", code=INCOMPLETE)
    changes = against(report, earlier) if earlier else Changes(report, ())
    written = _write(changes.report, json, html, junit, badge, threshold)
    print_report(changes.report, output, details=not quiet)
    for finding in changes.mended:
        told = escape(f"{finding['check']}  {finding['place']}: {finding['message']}")
        output.print(f"[green]mended[/green] {told}", soft_wrap=True)
    worst = changes.report.worst()
    if threshold is not None and worst is not None and worst.rank <= threshold.rank:
        raise typer.Exit(FOUND)
    if not written:
        raise typer.Exit(NOT_RUN)
    if not report.complete:
        raise typer.Exit(INCOMPLETE)


def _severity(name: str) -> Severity | None:
    if name == "never":
        return None
    try:
        return Severity(name)
    except ValueError:
        raise typer.BadParameter(
            f"'{name}' is none of critical, major, minor, never", param_hint="--fail-on"
        ) from None


def _writable(path: Path | None) -> None:
    """Know before the run, not after it, that its report has nowhere to go."""
    if path is None:
        return
    folder = path.absolute().parent
    if not folder.is_dir():
        fail(f"{path} cannot be written: there is no folder {path.parent}", code=NOT_RUN)
    if path.is_dir():
        fail(f"{path} cannot be written: it is a folder", code=NOT_RUN)
    if not os.access(path if path.exists() else folder, os.W_OK):
        fail(f"{path} cannot be written: it is not allowed", code=NOT_RUN)


def _graph(path: Path | None) -> dict[str, Any] | None:
    """The process graph of a file: bare, or of a process."""
    if path is None:
        return None
    value = parse_document(path.read_bytes(), str(path))
    for key in ("process", "process_graph"):
        if isinstance(value, dict) and isinstance(value.get(key), dict) and "process_id" not in value[key]:
            value = value[key]
    nodes = value.values() if isinstance(value, dict) else ()
    if not nodes or not all(isinstance(node, dict) and "process_id" in node for node in nodes):
        raise SpecError(f"{path} holds no process graph: each node has a process_id")
    return dict(value)


def _show_code(url: str, code: str) -> None:
    errors.print(
        f"To log in, open {escape(url)} and enter the code [bold]{escape(code)}[/bold].", soft_wrap=True
    )


def _write(
    report: Report,
    json: Path | None,
    html: Path | None,
    junit: Path | None,
    badge: Path | None,
    threshold: Severity | None,
) -> bool:
    """Write all reports that are wanted; gives whether that was possible."""
    made: tuple[tuple[Path | None, Callable[[], bytes]], ...] = (
        (json, lambda: dump(to_document(report))),
        (html, lambda: to_html(report).encode()),
        (junit, lambda: to_junit(report, threshold)),
        (badge, lambda: to_badge(report).encode()),
    )
    # All: the others, and what is printed, are not to be lost with one.
    written = [_written(path, make) for path, make in made if path is not None]
    return all(written)


def _written(path: Path, make: Callable[[], bytes]) -> bool:
    try:
        path.write_bytes(make())
    except OSError as error:
        told = escape(f"{path} cannot be written: {error.strerror}")
        errors.print(f"[bold red]error:[/bold red] {told}", soft_wrap=True)
        return False
    return True


@app.command()
def compare(
    reports: Annotated[
        list[Path], typer.Argument(help="Reports (JSON), one for each back-end.", exists=True, dir_okay=False)
    ],
    everything: Annotated[bool, typer.Option("--all", help="Checks that do not differ too.")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write the comparison as JSON.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write it as one page.")] = None,
) -> None:
    """Put the reports of several back-ends side by side."""
    if len(reports) < 2:
        fail("give two reports at least", code=NOT_RUN)
    for path in (json, html):
        _writable(path)
    try:
        comparison = compare_reports([read_report(path) for path in reports])
    except SpecError as error:
        fail(str(error), code=NOT_RUN)
    written = [
        _written(path, make)
        for path, make in (
            (json, lambda: dump(to_json(comparison))),
            (html, lambda: comparison_to_html(comparison).encode()),
        )
        if path is not None
    ]
    print_comparison(comparison, output, everything=everything)
    if not all(written):
        raise typer.Exit(NOT_RUN)


@app.command()
def checks(
    layer: Annotated[
        list[str] | None, typer.Option("--layer", "-l", help=f"Only these, of: {_LAYERS}.")
    ] = None,
) -> None:
    """List the checks there are, with what they ask for and what they need."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("check", "layer", "needs", "asked"):
        table.add_column(name, no_wrap=name != "asked")
    for check in select(load_checks(), _layers(layer or [])):
        needs = [
            name
            for name, needed in (
                ("--write", check.writes),
                ("costs", check.costs),
                ("2 accounts", check.stranger),
                ("account", check.account and not check.writes),
            )
            if needed
        ]
        row = check.id, check.layer, " ".join(needs), check.title
        table.add_row(*map(escape, row))
        if not output.is_terminal:
            print("\t".join(row))
    if output.is_terminal:
        output.print(table)
