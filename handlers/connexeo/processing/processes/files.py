"""Processes on files of the user: `load_uploaded_files`, `export_workspace`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import (
    FeatureUnsupported,
    FileNotFound,
    ProcessParameterInvalid,
)
from connexeo.processing.environment import Environment, LogEntry, Workspace
from connexeo.processing.formats.inputs import find_input
from connexeo.processing.process import process
from connexeo.processing.result import Result

if TYPE_CHECKING:
    import xarray as xr

FILES = "files"
"""Name of the only workspace: the user's files."""


@process
def load_uploaded_files(
    paths: Sequence[str],
    format: str,
    options: Mapping[str, Any] | None = None,
    *,
    environment: Environment,
) -> xr.DataArray:
    """Load files of the user as a lazy cube with the dims `(t, bands, y, x)`, without `t` if no file has an instant.

    Files of features become a vector cube. What bands and instants are is told in `formats.inputs`. Where no value may
    be there the cube is floating and no-data is NaN, else it has the data type of the files.

    Raises:
        FileNotFound: the user has no such file.
        FormatUnsuitable: the files cannot be read with the format, or do not make one cube.
        ProcessParameterInvalid: there is no such input format, or no file is named.
        FeatureUnsupported: there is no user here who could have files.
    """
    known, chosen = find_input(format, options or {})
    workspace = _workspace(environment)
    names = list(dict.fromkeys(_canonical(path) for path in paths))
    if not names:
        reason = "it names no file."
        raise ProcessParameterInvalid(parameter="paths", process="load_uploaded_files", reason=reason)
    from connexeo.processing.reading.uploads import open_files

    files = [(workspace.file(name), name) for name in names]
    return open_files(files, known, chosen, environment, process="load_uploaded_files")


@process
def export_workspace(data: Any, workspace: str, merge: str | None = None, *, environment: Environment) -> Any:
    """Let the files of a result be copied to the files of the user, as soon as they are written.

    Args:
        data: What `save_result` returned.
        workspace: ``files``.
        merge: Folder; a new one without it.
        environment: Takes the name of the folder as a log entry.

    Raises:
        ProcessParameterInvalid: there is no such workspace, or the data is nothing that was saved.
        FeatureUnsupported: there is no user here who could have files.
    """
    if not isinstance(data, Result):
        raise _refused("data", "only what save_result returns can be exported.")
    if workspace != FILES:
        raise _refused("workspace", f"there is no workspace '{workspace}'. There is '{FILES}'.")
    mine = _workspace(environment)
    folder = _canonical(merge) if merge else _new_folder()
    if not folder:
        raise _refused("merge", "it names no folder.")
    from connexeo.processing.formats.exports import Export

    data.exports.append(Export(mine, folder))
    environment.log(
        LogEntry("info", f"The results go to the folder '{folder}' of the files.", node=environment.node)
    )
    return data


def _new_folder() -> str:
    return f"export-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _canonical(path: str) -> str:
    """The path from the root of the workspace.

    Raises:
        FileNotFound: it leads out of the workspace.
    """
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    if ".." in segments:
        raise FileNotFound(file=path)
    return "/".join(segments)


def _workspace(environment: Environment) -> Workspace:
    if environment.workspace is None:
        raise FeatureUnsupported("There is no user here who could have files.")
    return environment.workspace


def _refused(parameter: str, reason: str) -> ProcessParameterInvalid:
    return ProcessParameterInvalid(parameter=parameter, process="export_workspace", reason=reason)
