"""``connexeo serve``: gunicorn and workers in production, uvicorn that reloads in development."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from connexeo.settings import Settings
from connexeo.tools.console import fail, say


def serve(
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Serve demo collections and the account demo/demo, on loopback only."),
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.  [default: 8080]")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Web worker processes.  [default: 2]")] = None,
    driver: Annotated[
        str | None,
        typer.Option(help="Driver: an installed name, or package.module:factory.  [default: local]"),
    ] = None,
    contract: Annotated[
        Path | None,
        typer.Option(help="Merged OpenAPI document to serve instead of ours.", dir_okay=False, exists=True),
    ] = None,
    overlay: Annotated[
        list[Path] | None,
        typer.Option(
            help="Overlay to merge into the contract; may be repeated.", dir_okay=False, exists=True
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings in a TOML file.", dir_okay=False, exists=True)
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="One process that starts anew when YAML or code changes.")
    ] = False,
) -> None:
    """Start the server; every option is a setting too (CONNEXEO_PORT, or port in the TOML file)."""
    given = {
        "DEMO": "true" if demo else None,
        "HOST": host,
        "PORT": port,
        "WORKERS": workers,
        "DRIVER": driver,
        "CONTRACT": contract and contract.resolve(),
        "OVERLAYS": ",".join(str(path.resolve()) for path in overlay) if overlay else None,
        "CONFIG": config and config.resolve(),
    }
    os.environ.update({f"CONNEXEO_{key}": str(value) for key, value in given.items() if value is not None})
    _prepare(merge=not reload)
    if reload:
        _serve_reloading()
    else:
        # Handlers of a provider live in the folder that the server is started in.
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
        os.execv(sys.executable, [sys.executable, "-m", "connexeo.tools.supervisor"])


def _prepare(*, merge: bool) -> None:
    """Check the settings, and make what the workers expect to be there."""
    from connexeo.drivers.loading import find_driver
    from connexeo.drivers.local.state.secret import check_secrets
    from connexeo.settings import load_settings, require_loopback

    try:
        settings = load_settings()
        require_loopback(settings)
        check_secrets(settings)
        if ":" not in settings.driver:
            find_driver(settings.driver)
    except ValueError as error:
        fail(str(error))
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if merge:
            _merge(settings)
    except OSError as error:
        fail(f"the data folder {settings.data} cannot be written: {error.strerror}")
    if settings.demo:
        from connexeo.tools.demo import write_demo_data

        write_demo_data(settings)
    say(f"openEO API at [bold]http://{settings.host}:{settings.port}{settings.base_path}[/bold]")


def _merge(settings: Settings) -> None:
    """Merge the overlays of deployment and driver once, for all workers, into a file that they read."""
    from connexeo.tools.spec.build import build_document
    from connexeo.tools.spec.sources import find_spec

    if not settings.overlays and settings.driver not in find_spec().driver_overlays():
        return
    try:
        document = build_document(base=settings.contract, overlays=settings.overlays, driver=settings.driver)
    except ValueError as error:
        fail(str(error))
    target = settings.data.resolve() / "contract.json"
    unfinished = target.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(orjson.dumps(document))
    unfinished.replace(target)
    os.environ["CONNEXEO_CONTRACT"] = str(target)
    # They are in the contract now.
    os.environ["CONNEXEO_OVERLAYS"] = ""


def _serve_reloading() -> None:
    import uvicorn

    from connexeo.settings import load_settings

    settings = load_settings()
    sys.path.insert(0, os.getcwd())
    uvicorn.run(
        "connexeo.tools.reloading:application",
        factory=True,
        host=settings.host,
        port=settings.port,
        reload=True,
        reload_dirs=_watched(),
        reload_includes=["*.yaml", "*.yml", "*.toml", "*.html"],
        access_log=False,
        log_level="warning",
    )


def _watched() -> list[str]:
    from connexeo.tools.spec.sources import spec_folder

    folders = [Path.cwd(), spec_folder(), Path(__file__).parents[3] / "handlers"]
    return [str(folder) for folder in folders if folder.is_dir()]
