"""Formats by name, without regard to case."""

from __future__ import annotations

from typing import Any

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.formats.builtin import BUILTIN, UNLISTED
from connexeo.processing.formats.inputs import INPUTS
from connexeo.processing.formats.interface import Format

_FORMATS: dict[str, Format] = {known.name.casefold(): known for known in BUILTIN}

_UNLISTED: dict[str, Format] = {known.name.casefold(): known for known in UNLISTED}

_ALIASES = {
    "cog": "gtiff",
    "geotiff": "gtiff",
    "tiff": "gtiff",
    "tif": "gtiff",
    "nc": "netcdf",
    "jpg": "jpeg",
    "geoparquet": "parquet",
}
"""What else users and clients call formats."""


def register_format(added: Format) -> None:
    """Add an output format; one of the same name is replaced.

    Meant for modules named in `Environment.process_modules`, which call it when they are imported.
    """
    _FORMATS[added.name.casefold()] = added


def find_format(name: str) -> Format:
    """The output format of a name, or of what it is often called.

    Raises:
        ProcessParameterInvalid: There is none; the message lists those that there are.
    """
    key = _ALIASES.get(name.casefold(), name.casefold())
    found = _FORMATS.get(key) or _UNLISTED.get(key)
    if found is None:
        known = ", ".join(sorted(known.name for known in _FORMATS.values()))
        raise ProcessParameterInvalid(
            parameter="format",
            process="save_result",
            reason=f"'{name}' is not supported. Choose one of: {known}.",
        )
    return found


def list_formats() -> dict[str, Any]:
    """The answer to `GET /file_formats`."""
    return {
        "input": {known.name: known.described() for known in INPUTS},
        "output": {
            known.name: {
                "title": known.title,
                "description": known.description,
                "gis_data_types": list(known.gis_data_types),
                "parameters": {name: dict(schema) for name, schema in known.parameters.items()},
            }
            for known in sorted(_FORMATS.values(), key=lambda known: known.name.casefold())
        },
    }
