"""What `save_result` returns: data with the format that it shall be written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """Data to be written by `formats.write_result`."""

    data: Any
    """A lazy cube, or a plain value."""
    format: str
    """Name of the file format as in `GET /file_formats`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Output options of the format."""
