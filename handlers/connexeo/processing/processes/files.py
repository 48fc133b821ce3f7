"""Processes on files of the user: `load_uploaded_files`, `export_workspace`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import (
    FeatureUnsupported,
    FileNotFound,
    NoDataAvailable,
    OpenEOError,
    ProcessParameterInvalid,
)
from connexeo.processing.environment import Environment, LogEntry, Workspace
from connexeo.processing.formats.inputs import InputFormat, find_input
from connexeo.processing.process import process
from connexeo.processing.result import Result

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.reading.files import Source

FILES = "files"
"""Name of the only workspace: the user's files."""

_UNDECLARED: Mapping[str, Any] = {
    "y": {"type": "spatial", "axis": "y"},
    "x": {"type": "spatial", "axis": "x"},
    "bands": {"type": "bands"},
}
_TEMPORAL: Mapping[str, Any] = {"t": {"type": "temporal"}}


@process
def load_uploaded_files(
    paths: Sequence[str],
    format: str,
    options: Mapping[str, Any] | None = None,
    *,
    environment: Environment,
) -> xr.DataArray:
    """Load files of the user as a lazy cube with the dims `(t, bands, y, x)`, without `t` if no file has an instant.

    What bands and instants are is told in `formats.inputs`. Where no value may be there the cube is floating and
    no-data is NaN, else it has the data type of the files.

    Raises:
        FileNotFound: the user has no such file.
        FormatUnsuitable: the files cannot be read with the format, or do not make one cube.
        ProcessParameterInvalid: there is no such input format, or no file is named.
        FeatureUnsupported: there is no user here who could have files.
    """
    known = find_input(format, options or {})
    workspace = _workspace(environment)
    names = list(dict.fromkeys(_canonical(path) for path in paths))
    if not names:
        reason = "it names no file."
        raise ProcessParameterInvalid(parameter="paths", process="load_uploaded_files", reason=reason)
    from connexeo.processing.reading.files import check_together

    sources = [_look_into(workspace, name, known) for name in names]
    check_together(sources)
    return _open(sources, environment)


def _look_into(workspace: Workspace, name: str, known: InputFormat) -> Source:
    from connexeo.processing.reading.files import open_array_file, open_image_file

    path = workspace.file(name)
    return open_array_file(path, name) if known.kind == "array" else open_image_file(path, name, known.name)


def _open(sources: Sequence[Source], environment: Environment) -> xr.DataArray:
    from connexeo.processing.reading.bands import collection_bands
    from connexeo.processing.reading.cubes import Request, open_cube
    from connexeo.processing.reading.files import cannot_be_read

    items = [source.item for source in sources]
    temporal = _TEMPORAL if sources[0].has_time else {}
    found = {band.name: band for item in items for band in collection_bands({}, [item])}
    request = Request(
        {"cube:dimensions": {**temporal, **_UNDECLARED}},
        items,
        tuple(found.values()),
        None,
        (None, None),
        environment.window,
        environment.needs,
        environment.dry_run,
    )
    try:
        cube = open_cube(request)
    except OpenEOError as error:
        raise cannot_be_read(error) from error
    if cube is None:
        raise NoDataAvailable("The files hold no data.")
    return _unpacked(cube, sources)


def _unpacked(cube: xr.DataArray, sources: Sequence[Source]) -> xr.DataArray:
    """The values that the numbers of the files stand for."""
    import numpy as np

    values = {band: kept for source in sources for band, kept in source.values.items()}
    labels = [str(label) for label in cube.bands.values]
    scales = [values[label].scale if label in values else 1.0 for label in labels]
    offsets = [values[label].offset if label in values else 0.0 for label in labels]
    if set(scales) == {1.0} and set(offsets) == {0.0}:
        return cube
    floating = (
        cube.dtype if cube.dtype.kind == "f" else np.dtype(np.float32 if cube.dtype.itemsize <= 2 else float)
    )
    shape = [len(labels) if dim == "bands" else 1 for dim in cube.dims]
    scale, offset = (np.asarray(each, floating).reshape(shape) for each in (scales, offsets))
    return cube.copy(data=cube.data.astype(floating) * scale + offset)


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
