"""Output file formats: what there is, and how results are written."""

from connexeo.processing.formats.interface import Format, WrittenBand, WrittenFile
from connexeo.processing.formats.registry import find_format, list_formats, register_format
from connexeo.processing.formats.writing import archive, write_each, write_result, write_results

__all__ = [
    "Format",
    "WrittenBand",
    "WrittenFile",
    "archive",
    "find_format",
    "list_formats",
    "register_format",
    "write_each",
    "write_result",
    "write_results",
]
