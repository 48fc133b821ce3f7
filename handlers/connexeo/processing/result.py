"""What `save_result` returns: data with the format that it shall be written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connexeo.processing.formats.interface import WrittenFile


@dataclass(frozen=True)
class Result:
    """Data to be written by `formats.write_result`."""

    data: Any
    """A lazy cube, or a plain value."""
    format: str
    """Name of the file format as in `GET /file_formats`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Output options of the format."""
    exports: list[Callable[[Sequence[WrittenFile]], None]] = field(
        default_factory=list, compare=False, repr=False
    )
    """What else is done with the files as soon as they are written; processes that take the result add to it."""
