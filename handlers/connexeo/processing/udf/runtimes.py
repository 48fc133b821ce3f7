"""The runtimes of user-defined functions: this Python, with libraries that are installed beside it."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from connexeo.generated.errors import InvalidRuntime, InvalidVersion

PYTHON = "Python"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

LIBRARIES = (
    "bottleneck",
    "geopandas",
    "netCDF4",
    "numba",
    "numpy",
    "openeo",
    "pandas",
    "pyarrow",
    "pyproj",
    "rasterio",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "shapely",
    "torch",
    "xarray",
)
"""What is listed where it is installed; more may be there."""


def list_runtimes() -> dict[str, Any]:
    """The document of ``GET /udf_runtimes``."""
    libraries = {name: {"version": found} for name in LIBRARIES if (found := _installed(name)) is not None}
    runtime = {
        "title": "Python",
        "description": (
            "Functions of the openEO Python client's UDF interface: apply_datacube, apply_timeseries, "
            "apply_vectorcube or apply_udf_data. There is no network and no file but those in /tmp."
        ),
        "type": "language",
        "default": VERSION,
        "versions": {VERSION: {"libraries": libraries}},
        "links": [
            {
                "rel": "about",
                "href": "https://open-eo.github.io/openeo-python-client/udf.html",
                "title": "User-defined functions in the documentation of the Python client",
            }
        ],
    }
    return {PYTHON: runtime}


def check_runtime(runtime: str, version: str | None) -> None:
    """Refuse what is not listed; names are the same in upper and lower case.

    Raises:
        InvalidRuntime: There is no such runtime.
        InvalidVersion: The runtime has no such version.
    """
    if runtime.casefold() != PYTHON.casefold():
        raise InvalidRuntime(f"There is no UDF runtime '{runtime}'. There is '{PYTHON}'.")
    if version is not None and version != VERSION:
        raise InvalidVersion(
            f"The UDF runtime '{PYTHON}' has no version '{version}'. There is '{VERSION}', the default."
        )


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
