"""Code of users."""

from __future__ import annotations

from textwrap import indent

HEAD = (
    "import numpy as np\nimport xarray as xr\n\n"
    "def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:\n"
)


def on_cubes(body: str) -> str:
    """Code of a function of cubes with these lines, of which the first is line 5."""
    return HEAD + indent(body, "    ") + "\n"
