"""``connexeo federation``: what the back-ends of a federation are, and why merged documents are as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from urllib.parse import quote

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
ALIKE = 5
"""Identifiers that are suggested."""

Config = Annotated[
    Path | None, typer.Option(help="TOML file with settings.  [default: CONNEXEO_CONFIG]", dir_okay=False)
]
Data = Annotated[Path | None, typer.Option(help="Data folder.  [default: connexeo-data]", file_okay=False)]


class What(StrEnum):
    """What can be explained."""

    COLLECTION = "collection"
    PROCESS = "process"

    @property
    def plural(self) -> str:
        """As in the settings."""
        return "collections" if self is What.COLLECTION else "processes"


@app.command()
def status(data: Data = None, config: Config = None) -> None:
    """Show which back-ends answered last, and since when the others do not."""
    settings, federation = _configured(data, config)
    with _store(settings) as store:
        states, attempts = store.states(), store.attempts()
    table = Table("back-end", "state", "last check", "last answer", "seconds", box=None)
    for column in table.columns:
        column.no_wrap = True
    table.add_column("fault")
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
    data: Data = None,
    config: Config = None,
) -> None:
    """Tell which back-end gave what of a merged document, and why."""
    settings, federation = _configured(data, config)
    with _store(settings) as store:
        found = _found(what, identifier, store, federation)
    if not found.parts:
        _fail(what, identifier, found)
    _print(what, identifier, found, federation)


@dataclass
class _Found:
    """What the back-ends said of a document last.

    Attributes:
        parts: What can be served of it.
        faults: What is wrong with it.
        refused: Back-ends whose document the settings leave out.
        brief: Those of which only their list is known.
        silent: Those that have not told their lists yet.
        lacking: Those that do not have it.
        ids: Everything that is taken, for suggestions.
    """

    parts: list[Part] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    brief: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


def _found(what: What, identifier: str, store: SnapshotStore, federation: Federation) -> _Found:
    from connexeo.drivers.federation.merging import Kind, Part, valid_items
    from connexeo.drivers.federation.snapshots import kinds

    is_collection = what is What.COLLECTION
    kind = Kind.COLLECTION if is_collection else Kind.PROCESS
    lists = store.snapshots(kinds.COLLECTIONS if is_collection else kinds.PROCESSES)
    full = store.snapshots(kinds.COLLECTION, identifier) if is_collection else {}
    found = _Found()
    for upstream in federation.upstreams:
        if upstream.id not in lists:
            found.silent.append(upstream.id)
            continue
        listed = orjson.loads(lists[upstream.id].body)
        selection = upstream.collections if is_collection else upstream.processes
        named = {
            each["id"]: each
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, dict) and isinstance(each.get("id"), str)
        }
        found.ids |= {each for each in named if selection.takes(each)}
        if identifier not in named:
            # A back-end that has no such list at all does not count.
            found.lacking += [upstream.id] if listed is not None else []
            continue
        if not selection.takes(identifier):
            found.refused.append(upstream.id)
            continue
        document = orjson.loads(full[upstream.id].body) if upstream.id in full else named[identifier]
        if is_collection and upstream.id not in full:
            found.brief.append(upstream.id)
        good, faults = valid_items(kind, upstream.id, [document], base=f"{upstream.url}/")
        found.faults += faults
        if identifier in good:
            source = f"{upstream.url}/collections/{quote(identifier, safe='')}"
            found.parts.append(Part(upstream.id, good[identifier], source))
    return found


def _fail(what: What, identifier: str, found: _Found) -> NoReturn:
    reasons = [f"{each}: `{what.plural}` in its settings leaves it out" for each in found.refused]
    reasons += [f"{fault.upstream}: {fault.text}" for fault in found.faults]
    reasons += [f"{each}: it has not told yet what it has" for each in found.silent]
    alike = get_close_matches(identifier, sorted(found.ids), ALIKE, 0.5)
    hint = f". Did you mean {' or '.join(alike)}?" if alike and not reasons else ""
    told = f" ({'; '.join(reasons)})" if reasons else ""
    fail(f"no back-end has the {what} '{identifier}'{told}{hint}")


def _merged(what: What, parts: list[Part], federation: Federation) -> Merged:
    from connexeo.drivers.federation.merging import merge_collection, merge_process
    from connexeo.generated import load_processes

    if what is What.COLLECTION:
        return merge_collection(parts, federation.order)
    standard = {each["id"]: each for each in load_processes()}
    return merge_process(parts, federation.order, standard.get(str(parts[0].document.get("id"))))


def _print(what: What, identifier: str, found: _Found, federation: Federation) -> None:
    from connexeo.drivers.federation.merging import origins

    merged = _merged(what, found.parts, federation)
    output.print(f"[bold]{what} {escape(identifier)}[/bold], at {', '.join(merged.upstreams)}")
    for note in _notes(what, found, federation):
        output.print(f"[yellow]note[/yellow] {escape(note)}", soft_wrap=True)
    rows = [
        (name, ", ".join(upstreams), _short(merged.document.get(name)))
        for pointer, upstreams in sorted(origins(found.parts, federation.order).items())
        if pointer.count("/") == 1 and (name := pointer[1:].replace("~1", "/").replace("~0", "~"))
    ]
    table = Table(box=None)
    for number, title in enumerate(("property", "given by")):
        longest = max(len(title), *(len(row[number]) for row in rows))
        table.add_column(title, no_wrap=True, min_width=longest)
    table.add_column("merged", no_wrap=True, overflow="ellipsis", min_width=20)
    for row in rows:
        table.add_row(*map(escape, row))
    output.print()
    output.print(table)
    if merged.conflicts:
        output.print("\n[bold]Where they differ[/bold]")
    for conflict in merged.conflicts:
        output.print(f"\n{escape(conflict.pointer or '/')}: {escape(conflict.reason)}", soft_wrap=True)
        for line in _values(conflict.values):
            output.print(f"  {line}", soft_wrap=True)
        output.print(f"  → {escape(_short(conflict.kept))}", soft_wrap=True)
    for fault in found.faults:
        done = "mended" if fault.repaired else "left out"
        output.print(f"\n[yellow]{done}[/yellow] {fault.upstream}: {escape(fault.text)}", soft_wrap=True)


def _notes(what: What, found: _Found, federation: Federation) -> Iterator[str]:
    """What a reader would not see in the document."""
    for each in found.refused:
        yield f"{each} has it too, but `{what.plural}` in its settings leaves it out"
    for each in found.silent:
        yield f"{each} has not told yet what it has"
    if found.brief:
        yield (
            f"of {', '.join(found.brief)} only the entry of the list is known: dimensions, summaries and the like come "
            "with the first `GET /collections/…` for it"
        )
    agreement = federation.merge.collections if what is What.COLLECTION else federation.merge.processes
    without = [*found.lacking, *found.refused]
    if agreement == "intersection" and without:
        yield (
            f"it is not listed: `merge` asks for what all back-ends have, and {', '.join(without)} "
            f"{'do' if len(without) > 1 else 'does'} not"
        )


def _values(values: Mapping[str, Any]) -> Iterator[str]:
    for upstream, value in values.items():
        yield f"{upstream}: {escape(_short(value))}"


def _short(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _time(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _configured(data: Path | None, config: Path | None) -> tuple[Settings, Federation]:
    import os

    from connexeo.settings import load_settings

    if config is not None:
        if not config.is_file():
            fail(f"there is no file {config}")
        os.environ["CONNEXEO_CONFIG"] = str(config.resolve())
    try:
        settings = load_settings(data=data)
    except ValueError as error:
        fail(str(error))
    if settings.federation is None:
        fail("the settings have no section [federation]; name the file with --config")
    return settings, settings.federation


def _store(settings: Settings) -> Any:
    from contextlib import closing

    from connexeo.drivers.federation.snapshots.store import NAME, SnapshotStore

    if not (settings.data / NAME).exists():
        fail(
            f"there is no {NAME} in {settings.data}: the federation has not been served from there yet; "
            "name its data folder with --data"
        )
    return closing(SnapshotStore(settings.data))
