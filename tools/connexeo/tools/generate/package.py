"""All files of ``connexeo.generated``, written or compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connexeo.tools.generate.errors import errors_source
from connexeo.tools.generate.models import ModelNames, models_source
from connexeo.tools.generate.operations import collect_operations, operations_source
from connexeo.tools.generate.protocols import protocols_source
from connexeo.tools.generate.source import BANNER
from connexeo.tools.spec.build import build_document
from connexeo.tools.spec.documents import Document, dump_document, read_mapping
from connexeo.tools.spec.sources import SpecFolder

_INIT = f'''"""The contract as the server uses it: merged document, operations, models, errors, processes.

{BANNER}
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson


@cache
def openapi_bytes() -> bytes:
    """The merged OpenAPI document, as JSON."""
    return files(__name__).joinpath("openapi.json").read_bytes()


@cache
def processes_bytes() -> bytes:
    """All process definitions, as a JSON list."""
    return files(__name__).joinpath("processes.json").read_bytes()


def load_openapi() -> dict[str, Any]:
    """The merged OpenAPI document; each call returns a copy of its own."""
    document: dict[str, Any] = orjson.loads(openapi_bytes())
    return document


def load_processes() -> list[dict[str, Any]]:
    """All process definitions, by id; each call returns a copy of its own."""
    processes: list[dict[str, Any]] = orjson.loads(processes_bytes())
    return processes
'''


def load_process_definitions(spec: SpecFolder) -> list[Document]:
    """The process definitions, sorted by id."""
    return sorted((read_mapping(path) for path in spec.processes), key=lambda process: str(process["id"]))


def generate_files(spec: SpecFolder) -> dict[str, bytes]:
    """Name → content of every generated file; the same sources give the same bytes.

    Raises:
        SpecError: when a source is at fault or the generator of the models is not installed.
    """
    document = build_document(spec=spec)
    processes = load_process_definitions(spec)
    facts = collect_operations(document)
    names = ModelNames(document, facts)
    texts = {
        "__init__.py": _INIT,
        "errors.py": errors_source(read_mapping(spec.errors), processes),
        "operations.py": operations_source(facts),
        "models.py": models_source(document, names),
        "protocols.py": protocols_source(document, facts, names),
        "py.typed": "",
    }
    files = {name: text.encode() for name, text in texts.items()}
    files["openapi.json"] = dump_document(document)
    files["processes.json"] = dump_document(processes)
    return files


def generate_types(spec: SpecFolder, overlays: Sequence[Path]) -> dict[str, bytes]:
    """Name → content of a package with the models and protocols of a deployment's own contract.

    Nothing else: the server knows an error by its class, which is that of ``connexeo.generated``.

    Raises:
        SpecError: when a source is at fault or the generator of the models is not installed.
    """
    document = build_document(spec=spec, overlays=overlays)
    facts = collect_operations(document)
    names = ModelNames(document, facts)
    texts = {
        "__init__.py": f'"""The contract of this deployment as types.\n\n{BANNER}\n"""\n',
        "models.py": models_source(document, names),
        "protocols.py": protocols_source(document, facts, names, models="."),
        "py.typed": "",
    }
    return {name: text.encode() for name, text in texts.items()}


def stale_files(files: dict[str, bytes], folder: Path) -> list[str]:
    """Names of generated files that are missing or differ, and of files that nobody generates."""
    stale = [name for name, content in files.items() if _read(folder / name) != content]
    extra = [path.name for path in folder.glob("*") if path.is_file() and path.name not in files]
    return sorted(stale + extra)


def write_files(files: dict[str, bytes], folder: Path) -> list[str]:
    """Write what differs; returns the names of the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [name for name, content in files.items() if _read(folder / name) != content]
    for name in written:
        (folder / name).write_bytes(files[name])
    return sorted(written)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
