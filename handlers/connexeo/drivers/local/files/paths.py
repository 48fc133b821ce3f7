"""Which paths files of users can have, and which kinds of content their names tell.

Paths are keys of a table and never become paths of the storage, so no path leads anywhere else. What is refused here
would confuse people, clients or the machines they download to.
"""

from __future__ import annotations

import mimetypes
import unicodedata
from urllib.parse import unquote

from connexeo.generated.errors import FilePathInvalid

LONGEST_PATH = 1024
"""Bytes, as UTF-8; an entry of an index of PostgreSQL must hold it together with the user."""
LONGEST_NAME = 255
"""Bytes, as UTF-8; what file systems take."""

_EXCLUDED = frozenset("\\:'\"")
"""What the contract excludes, beside control characters."""

_MEDIA_TYPES = {
    ".fgb": "application/flatgeobuf",
    ".geojson": "application/geo+json",
    ".geojsonl": "application/geo+json-seq",
    ".geojsons": "application/geo+json-seq",
    ".geoparquet": "application/vnd.apache.parquet",
    ".gml": "application/gml+xml",
    ".gpkg": "application/geopackage+sqlite3",
    ".gpx": "application/gpx+xml",
    ".grb": "application/wmo-GRIB2",
    ".grib": "application/wmo-GRIB2",
    ".grib2": "application/wmo-GRIB2",
    ".j2k": "image/jp2",
    ".jp2": "image/jp2",
    ".kml": "application/vnd.google-earth.kml+xml",
    ".kmz": "application/vnd.google-earth.kmz",
    ".las": "application/vnd.las",
    ".laz": "application/vnd.laszip",
    ".nc4": "application/x-netcdf",
    ".parquet": "application/vnd.apache.parquet",
    ".tif": "image/tiff; application=geotiff",
    ".tiff": "image/tiff; application=geotiff",
    ".webp": "image/webp",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
# The types that Python knows; those of the machine would differ from one to the next.
_KNOWN_TYPES = mimetypes.MimeTypes()


def check_path(path: str) -> str:
    """The path, if a file can have it.

    Raises:
        FilePathInvalid: with the reason.
    """
    reason = _fault(path)
    if reason is not None:
        raise FilePathInvalid(reason=reason)
    return path


def _fault(path: str) -> str | None:
    if not path:
        return "it is empty"
    for character in path:
        if character in _EXCLUDED:
            return f"it must not contain {character}"
        # What cannot be seen, or changes the direction of what follows; and what stands for bytes that are no UTF-8.
        if not character.isprintable() or character == "\ufffd":
            return f"it must not contain the character U+{ord(character):04X}"
    if len(path.encode()) > LONGEST_PATH:
        return f"it is longer than {LONGEST_PATH} bytes"
    if not unicodedata.is_normalized("NFC", path):
        return "letters with accents must be written as one character each (the Unicode normal form NFC)"
    for segment in path.split("/"):
        if not segment:
            return "names between slashes must not be empty, and no slash may stand at the start or end"
        if segment in (".", ".."):
            return f"no folder or file can be called {segment}"
        decoded = unquote(segment)
        if decoded in (".", "..") or not {"/", "\\", "\0"}.isdisjoint(decoded):
            # Proxies and clients may decode it once more.
            return "dots and slashes must not be encoded twice"
        if len(segment.encode()) > LONGEST_NAME:
            return f"a name is longer than {LONGEST_NAME} bytes"
    return None


def folders_of(path: str) -> list[str]:
    """The folders that a file lies in, from the outermost one."""
    segments = path.split("/")
    return ["/".join(segments[:count]) for count in range(1, len(segments))]


def name_of(path: str) -> str:
    """The name without folders."""
    return path.rpartition("/")[2]


def media_type_of(path: str) -> str:
    """Media type of a file with this name."""
    name = name_of(path).lower()
    known = _MEDIA_TYPES.get(name[name.rfind(".") :]) if "." in name else None
    if known is not None:
        return known
    guessed, encoding = _KNOWN_TYPES.guess_type(name, strict=True)
    if encoding is not None:
        return "application/gzip" if encoding == "gzip" else "application/octet-stream"
    return guessed or "application/octet-stream"
