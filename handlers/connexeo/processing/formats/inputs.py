"""The formats of files that users upload and load: what is published about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connexeo.generated.errors import ProcessParameterInvalid

_TOGETHER = (
    "Several files become one cube. Files have an instant if their names tell a date (`20240601`, `2024-06-01`, also "
    "with a time: `20240601T103021`): then the cube gets a temporal dimension `t`. Either all files must have one or "
    "none. Pixels are copied where the grids of the files coincide, else the nearest ones are taken, on the finest "
    "grid; where no file has a value is no-data."
)
_IMAGE = (
    "Bands are called by their descriptions in the file. Without them, the band of a file with a single one is called "
    "like the file, without date and suffix: `B04_2024-06-01.tif` is the band `B04`. Those of a file with several are "
    "`B1`, `B2`, …. Scale and offset are applied. "
)


@dataclass(frozen=True)
class InputFormat:
    """A format that files can be loaded with."""

    name: str
    title: str
    description: str
    kind: Literal["image", "array"]

    def described(self) -> dict[str, Any]:
        """As in `GET /file_formats`."""
        return {
            "title": self.title,
            "description": self.description,
            "gis_data_types": ["raster"],
            "parameters": {},
        }


INPUTS = (
    InputFormat(
        "GTiff",
        "GeoTIFF",
        f"{_IMAGE}Instead of a date in the name, the TIFF tag DateTime counts. {_TOGETHER}",
        "image",
    ),
    InputFormat("JP2OpenJPEG", "JPEG 2000", f"{_IMAGE}{_TOGETHER}", "image"),
    InputFormat(
        "netCDF",
        "netCDF (CF conventions)",
        "Each variable over x and y, and perhaps time, is a band; files with further dimensions cannot be loaded. "
        "Values that are packed by the CF conventions are unpacked. Files that take values from other files, as HDF5 "
        f"allows it, are refused. Where a file has no time of its own: {_TOGETHER}",
        "array",
    ),
)


def find_input(name: str, options: Mapping[str, Any]) -> InputFormat:
    """The input format of a name, in any case.

    Raises:
        ProcessParameterInvalid: there is none, or it has no such options.
    """
    found = next((known for known in INPUTS if known.name.casefold() == name.casefold()), None)
    if found is None:
        known = ", ".join(known.name for known in INPUTS)
        raise _invalid("format", f"'{name}' is not supported. Choose one of: {known}.")
    if options:
        raise _invalid("options", f"{found.name} has no option '{next(iter(options))}'. It has none at all.")
    return found


def _invalid(parameter: str, reason: str) -> ProcessParameterInvalid:
    return ProcessParameterInvalid(parameter=parameter, process="load_uploaded_files", reason=reason)
