"""``connexeo run``: computes a process graph from a file, without a server."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.markup import escape

from connexeo.tools.console import fail, say

if TYPE_CHECKING:
    from connexeo.processing import Environment
    from connexeo.processing.environment import LogEntry
    from connexeo.processing.result import Result

USAGE = 2
"""Exit code for what is wrong with the command rather than with the process graph."""

_FORMATS = {".tif": "GTiff", ".tiff": "GTiff", ".nc": "netCDF", ".png": "PNG", ".json": "JSON"}


def run(
    graph: Annotated[
        str,
        typer.Argument(
            metavar="GRAPH.json", help="A process graph, or a process object with one; - for standard input."
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File, or folder, to write to. Without it, plain values are printed as JSON.",
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=JSON", help="Value of a parameter; may be repeated."),
    ] = None,
    catalogue: Annotated[
        list[str] | None,
        typer.Option(help="STAC catalogue: a folder or the URL of a STAC API; may be repeated."),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Use the demo collections; they are written first if need be.")
    ] = False,
) -> None:
    """Compute a process graph and write its result."""
    from connexeo.generated.errors import OpenEOError

    process = _read_process(graph)
    parameters = _read_parameters(parameter or ())
    environment = _environment(catalogue or (), demo=demo)
    try:
        with _progress():
            results, value = _evaluate(process, parameters, environment)
            if out is None:
                _print(results, value)
            else:
                _write(results or [_as_result(value, Path(out))], out)
    except OpenEOError as error:
        fail(f"{error.code}: {error.message}")


def _read_process(source: str) -> dict[str, Any]:
    try:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        document = orjson.loads(content)
    except OSError as error:
        fail(f"{source} cannot be read: {error.strerror}", code=USAGE)
    except orjson.JSONDecodeError as error:
        fail(f"{source} is no JSON document: {error}", code=USAGE)
    # Requests for results, jobs and services wrap the process.
    if isinstance(document, dict) and isinstance(document.get("process"), dict):
        document = document["process"]
    if not isinstance(document, dict):
        fail(f"{source} holds no process graph, which is a JSON object", code=USAGE)
    return document


def _read_parameters(given: Iterable[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            fail(f"parameters are given as name=JSON, not {text}", code=USAGE)
        try:
            parameters[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            fail(
                f"the value of parameter {name} is no JSON; texts need quotes: '{name}=\"{value}\"'",
                code=USAGE,
            )
    return parameters


def _environment(catalogues: Sequence[str], *, demo: bool) -> Environment:
    """The collections of the settings, and those that the command names."""
    from connexeo.drivers.local.environment import Sources, make_environment
    from connexeo.settings import load_settings
    from connexeo.tools.demo import write_demo_data

    for source in catalogues:
        if "://" not in source and not Path(source).is_dir():
            fail(f"there is no folder {source}", code=USAGE)
    try:
        settings = load_settings(demo=demo or None)
    except ValueError as error:
        fail(str(error), code=USAGE)
    if demo:
        write_demo_data(settings)
    sources = Sources.from_settings(settings)
    return make_environment(replace(sources, catalogues=(*catalogues, *sources.catalogues)), log=_show)


def _show(entry: LogEntry) -> None:
    """A log entry of a process, for people."""
    place = f" (node {entry.node})" if entry.node else ""
    say(escape(f"{entry.level}{place}: {entry.message}"))


def _progress() -> AbstractContextManager[Any]:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        return nullcontext()
    from dask.diagnostics.progress import ProgressBar

    bar: AbstractContextManager[Any] = ProgressBar(minimum=1.0, out=sys.stderr)  # type: ignore[no-untyped-call]
    return bar


def _evaluate(
    process: Mapping[str, Any], parameters: Mapping[str, Any], environment: Environment
) -> tuple[list[Result], Any]:
    """All saved results, and the value of the result node."""
    from connexeo.processing import execute, validate

    faults = validate(process, definitions=environment.definitions, parameters=parameters)
    for fault in faults[:-1]:
        say(f"[bold red]error:[/bold red] {escape(f'{fault.code}: {fault.message}')}")
    if faults:
        raise faults[-1]
    evaluation = execute(process, parameters, environment=environment)
    return list(evaluation.results), evaluation.value


def _print(results: Sequence[Result], value: Any) -> None:
    from connexeo.processing.formats.json import serialize

    if len(results) == 1 and results[0].format == "JSON":
        value = results[0].data
    elif results or hasattr(value, "dims"):
        fail("the result is a data cube: say by -o which file or folder to write", code=USAGE)
    typer.echo(serialize(value))


def _as_result(value: Any, path: Path) -> Result:
    """A result that was not saved by the graph, in the format that the name of the file asks for."""
    from connexeo.processing.result import Result

    dims = getattr(value, "dims", None)
    usual = "JSON" if dims is None else "GTiff" if {"x", "y"} <= set(dims) else "netCDF"
    return Result(value, _FORMATS.get(path.suffix.lower(), usual))


def _write(results: Sequence[Result], out: str) -> None:
    """Write to a folder, or to one file whose name has an ending."""
    from connexeo.processing.formats import write_results

    target = Path(out)
    if target.is_dir() or out.endswith("/") or not target.suffix:
        for file in write_results(results, target):
            typer.echo(file.path)
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=target.parent) as folder:
            files = write_results(results, Path(folder))
            if len(files) > 1:
                names = ", ".join(file.path.name for file in files[:3])
                fail(
                    f"the result has {len(files)} files ({names}, …): give a folder rather than {out}",
                    code=USAGE,
                )
            files[0].path.replace(target)
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror or error}")
    typer.echo(target)
