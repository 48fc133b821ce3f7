"""``connexeo spec``: build, check, compare, show and print the contract."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape

from connexeo.tools.console import errors, fail, output, say
from connexeo.tools.spec.build import build_document
from connexeo.tools.spec.documents import Document, SpecError, dump_document, load_document, read_mapping
from connexeo.tools.spec.sources import INSTALLED, find_generated, find_spec

app = typer.Typer(
    help="The contract: build, check, compare, show and print it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

SpecOption = Annotated[
    Path | None,
    typer.Option(
        "--spec", help="Folder of the contract; by default that of the checkout, or the one installed."
    ),
]
BaseOption = Annotated[
    str | None, typer.Option("--base", help="Another openEO document instead of ours: a file or a URL.")
]
OverlayOption = Annotated[
    list[Path] | None, typer.Option("--overlay", help="A further overlay, applied last; may be repeated.")
]
DriverOption = Annotated[
    str | None, typer.Option("--driver", help="Driver whose own overlays are applied, such as federation.")
]


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn what is wrong with the contract or its files into one line and exit code 2."""
    try:
        yield
    except SpecError as error:
        fail(str(error), code=2)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), code=2)


@app.command()
def build(
    base: BaseOption = None,
    overlay: OverlayOption = None,
    no_overlays: Annotated[
        bool, typer.Option("--no-overlays", help="The base alone: none of our overlays.")
    ] = False,
    driver: DriverOption = None,
    target: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write, JSON or .yaml; standard output when left out."),
    ] = None,
    no_check: Annotated[bool, typer.Option("--no-check", help="Write the document unchecked.")] = False,
    spec: SpecOption = None,
) -> None:
    """Build the OpenAPI document that a server serves: base, corrections, extensions, own overlays.

    Exit code: 0 built, 1 the result is not valid (nothing is written), 2 a source is at fault.
    """
    with readable_errors():
        document = build_document(
            base=base,
            overlays=overlay or (),
            apply_overlays=not no_overlays,
            driver=driver,
            spec=find_spec(spec),
        )
        # The faults of a base without overlays are known: they are what the corrections are for.
        if not no_check and not no_overlays:
            _refuse_faults(document)
        _write(document, target)
    if target is not None:
        say(f"[green]wrote[/green] {escape(str(target))}, {len(document['paths'])} paths")


@app.command()
def check(
    spec: SpecOption = None,
    generated: Annotated[
        Path | None, typer.Option("--generated", help="Folder of the generated package to compare with.")
    ] = None,
    no_generated: Annotated[
        bool, typer.Option("--no-generated", help="Do not look at the generated files.")
    ] = False,
) -> None:
    """Check everything that can be found out before a server runs.

    Valid OpenAPI, references, operationIds, every example and default against its schema, overlay targets,
    process definitions, error codes, and whether the generated files are fresh.

    Exit code: 0 nothing found, 1 faults found, 2 the check could not run.
    """
    from connexeo.tools.spec.check import check_contract  # loads validators

    with readable_errors():
        folder = find_spec(spec)
        findings = 0
        for finding in check_contract(folder, _generated_folder(spec, generated, no_generated)):
            findings += 1
            output.print(
                f"[red]✗[/red] [bold]{escape(finding.place)}[/bold]: {escape(finding.message)}",
                soft_wrap=True,
            )
    if findings:
        errors.print(f"[bold red]{findings} fault{'s' if findings > 1 else ''}[/bold red]")
        raise typer.Exit(1)
    say("[green]✓[/green] the contract is in order")


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="OpenAPI document: file or URL, YAML or JSON.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The document to compare with.")],
    as_json: Annotated[bool, typer.Option("--json", help="Differences as a JSON list.")] = False,
) -> None:
    """Show how B differs from A in structure; prose, examples and x-… do not count.

    Exit code: 0 no difference, 1 differences, 2 a document cannot be read.
    """
    from connexeo.tools.spec.diff import diff_documents  # only needed here

    with readable_errors():
        differences = diff_documents(load_document(first), load_document(second))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(differences, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        for entry in differences:
            mark = "[bold red]breaking[/bold red]" if entry.breaking else "[green]harmless[/green]"
            output.print(
                f"{mark}  {entry.kind:<7}  [bold]{escape(entry.place)}[/bold]  {escape(entry.message)}",
                soft_wrap=True,
            )
        breaking = sum(entry.breaking for entry in differences)
        say(
            f"{len(differences)} differences, {breaking} of them breaking" if differences else "no difference"
        )
    raise typer.Exit(1 if differences else 0)


@app.command()
def show(
    operation: Annotated[
        str, typer.Argument(help="operationId (list-jobs), function (list_jobs) or request ('GET /jobs').")
    ],
    base: BaseOption = None,
    overlay: OverlayOption = None,
    handlers: Annotated[
        list[str] | None, typer.Option("--handlers", help="Handler package to look in first.")
    ] = None,
    spec: SpecOption = None,
) -> None:
    """Show what the author of a handler must know about an operation."""
    from connexeo.tools.spec.show import show_operation  # only needed here

    if handlers:
        # Where `connexeo serve` finds them, too.
        sys.path.insert(0, str(Path.cwd()))
    with readable_errors():
        folder = find_spec(spec)
        document = build_document(base=base, overlays=overlay or (), spec=folder)
        output.print(show_operation(document, operation, read_mapping(folder.errors), handlers or ()))


@app.command()
def docs(
    target: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")],
    base: BaseOption = None,
    overlay: OverlayOption = None,
    driver: DriverOption = None,
    spec: SpecOption = None,
) -> None:
    """Write the contract as one self-contained HTML page."""
    from connexeo.tools.spec.docs import implemented_processes, render_docs  # only needed here

    with readable_errors():
        folder = find_spec(spec)
        document = build_document(base=base, overlays=overlay or (), driver=driver, spec=folder)
        text = render_docs(document, folder, implemented=implemented_processes())
        target.write_text(text, encoding="utf-8")
    say(f"[green]wrote[/green] {escape(str(target))}")


def _refuse_faults(document: Document) -> None:
    from connexeo.tools.spec.check import check_document  # loads validators

    faults = list(check_document(document, strict=False))
    for fault in faults:
        errors.print(
            f"[red]✗[/red] [bold]{escape(fault.place)}[/bold]: {escape(fault.message)}", soft_wrap=True
        )
    if faults:
        fail(f"the document has {len(faults)} faults; --no-check writes it all the same")


def _write(document: Document, target: Path | None) -> None:
    if target is None:
        sys.stdout.buffer.write(dump_document(document))
    elif target.suffix in (".yaml", ".yml"):
        import yaml  # only for this format

        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
        target.write_text(text, encoding="utf-8")
    else:
        target.write_bytes(dump_document(document))


def _generated_folder(spec: Path | None, generated: Path | None, skip: bool) -> Path | None:
    """The folder named, else that of the checkout whose contract it is; an installed package has none."""
    if skip or generated is not None:
        return None if skip else generated
    own = find_spec()
    in_checkout = own.root.name != INSTALLED
    return find_generated() if in_checkout and find_spec(spec) == own else None
