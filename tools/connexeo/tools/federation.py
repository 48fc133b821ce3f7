"""``connexeo federation``: what the back-ends of a federation are, and why merged documents are as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from connexeo.tools.console import fail, output

if TYPE_CHECKING:
    from connexeo.drivers.federation.merging import Fault, Merged, Part
    from connexeo.drivers.federation.snapshots.store import SnapshotStore
    from connexeo.settings import Federation, Settings

app = typer.Typer(
    help="A federation: its back-ends, and where merged documents come from.", no_args_is_help=True
)

LONGEST = 120
"""Characters of a value that are shown."""

Config = Annotated[Path | None, typer.Option(help="Settings in a TOML file.", dir_okay=False, exists=True)]


class What(StrEnum):
    """What can be explained."""

    COLLECTION = "collection"
    PROCESS = "process"


@app.command()
def status(config: Config = None) -> None:
    """Show which back-ends answered last, and since when the others do not."""
    settings, federation = _configured(config)
    with _store(settings) as store:
        states, attempts = store.states(), store.attempts()
    table = Table("back-end", "state", "last check", "last answer", "seconds", "what is wrong", box=None)
    for upstream in federation.upstreams:
        state = states.get(upstream.id)
        if state is None or state.online is None:
            table.add_row(upstream.id, "not checked yet", "", "", "", "")
            continue
        wrong = [state.reason] if state.reason else []
        wrong += [
            f"{kind}: {reason}"
            for (each, kind), (_, reason) in sorted(attempts.items())
            if each == upstream.id and reason and reason != state.reason
        ]
        table.add_row(
            upstream.id,
            "[green]online[/green]" if state.online else "[red]offline[/red]",
            _time(state.checked),
            _time(state.succeeded),
            "" if state.latency is None else f"{state.latency:.2f}",
            escape("; ".join(wrong)),
        )
    output.print(table)


@app.command()
def explain(
    what: Annotated[What, typer.Argument(help="Sort of the document.")],
    identifier: Annotated[str, typer.Argument(help="Its id.")],
    config: Config = None,
) -> None:
    """Tell which back-end gave what of a merged document, and why."""
    settings, federation = _configured(config)
    with _store(settings) as store:
        parts, faults = _parts(what, identifier, store, federation)
    if not parts:
        known = "; ".join(f"{fault.upstream}: {fault.text}" for fault in faults)
        fail(f"no back-end has the {what} '{identifier}'" + (f" ({known})" if known else ""))
    _print(what, identifier, parts, faults, federation)


def _parts(
    what: What, identifier: str, store: SnapshotStore, federation: Federation
) -> tuple[list[Part], list[Fault]]:
    """What each back-end said of it last, as far as it can be served; and what is wrong with it."""
    from connexeo.drivers.federation.merging import Kind, Part, valid_items
    from connexeo.drivers.federation.snapshots import kinds

    kind = Kind.COLLECTION if what is What.COLLECTION else Kind.PROCESS
    listed = store.snapshots(kinds.COLLECTIONS if what is What.COLLECTION else kinds.PROCESSES)
    full = store.snapshots(kinds.COLLECTION, identifier) if what is What.COLLECTION else {}
    parts, faults = [], []
    for upstream in federation.upstreams:
        documents: Any = None
        if upstream.id in full:
            documents = [orjson.loads(full[upstream.id].body)]
        elif upstream.id in listed:
            documents = orjson.loads(listed[upstream.id].body)
        mine = [each for each in documents or () if isinstance(each, dict) and each.get("id") == identifier]
        good, found = valid_items(kind, upstream.id, mine, base=f"{upstream.url}/")
        faults += found
        if identifier in good:
            parts.append(Part(upstream.id, good[identifier], f"{upstream.url}/collections/{identifier}"))
    return parts, faults


def _merged(what: What, parts: list[Part], federation: Federation) -> Merged:
    from connexeo.drivers.federation.merging import merge_collection, merge_process
    from connexeo.generated import load_processes

    if what is What.COLLECTION:
        return merge_collection(parts, federation.order)
    standard = {each["id"]: each for each in load_processes()}
    return merge_process(parts, federation.order, standard.get(str(parts[0].document.get("id"))))


def _print(
    what: What, identifier: str, parts: list[Part], faults: list[Fault], federation: Federation
) -> None:
    from connexeo.drivers.federation.merging import origins

    merged = _merged(what, parts, federation)
    output.print(f"[bold]{what} {escape(identifier)}[/bold], at {', '.join(merged.upstreams)}\n")
    table = Table("property", "given by", "merged", box=None)
    for pointer, upstreams in sorted(origins(parts, federation.order).items()):
        if pointer.count("/") == 1:
            value = merged.document.get(pointer[1:].replace("~1", "/").replace("~0", "~"))
            table.add_row(escape(pointer[1:]), ", ".join(upstreams), escape(_short(value)))
    output.print(table)
    if merged.conflicts:
        output.print("\n[bold]Where they differ[/bold]")
    for conflict in merged.conflicts:
        output.print(f"\n{escape(conflict.pointer)}: {escape(conflict.reason)}")
        for line in _values(conflict.values):
            output.print(f"  {line}")
        output.print(f"  → {escape(_short(conflict.kept))}")
    for fault in faults:
        done = "mended" if fault.repaired else "left out"
        output.print(f"\n[yellow]{done}[/yellow] {fault.upstream}: {escape(fault.text)}")


def _values(values: Mapping[str, Any]) -> Iterator[str]:
    for upstream, value in values.items():
        yield f"{upstream}: {escape(_short(value))}"


def _short(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _time(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _configured(config: Path | None) -> tuple[Settings, Federation]:
    import os

    from connexeo.settings import load_settings

    if config is not None:
        os.environ["CONNEXEO_CONFIG"] = str(config.resolve())
    try:
        settings = load_settings()
    except ValueError as error:
        fail(str(error))
    if settings.federation is None:
        fail("the settings have no section [federation]; name the file with --config")
    return settings, settings.federation


def _store(settings: Settings) -> Any:
    from contextlib import closing

    from connexeo.drivers.federation.snapshots.store import NAME, SnapshotStore

    if not (settings.data / NAME).exists():
        fail(f"there is no {NAME} in {settings.data}: the federation has not been served from there yet")
    return closing(SnapshotStore(settings.data))
