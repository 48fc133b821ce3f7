"""Whether bytes are what a media type says, and whether files end where they ought to.

Only what the first and last bytes tell: no format is read in full.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Iterator

_MAGIC: dict[str, tuple[bytes, ...]] = {
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "netCDF or HDF5": (b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05"),
    "HDF4": (b"\x0e\x03\x13\x01",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "ZIP": (b"PK\x03\x04", b"PK\x05\x06"),
    "gzip": (b"\x1f\x8b",),
    "GRIB": (b"GRIB",),
    "Parquet": (b"PAR1",),
    "PDF": (b"%PDF",),
}
"""Format → how its files begin."""

_FORMATS: dict[str, tuple[str, ...]] = {
    "image/tiff": ("TIFF",),
    "image/geotiff": ("TIFF",),
    "image/vnd.stac.geotiff": ("TIFF",),
    "application/x-netcdf": ("netCDF or HDF5",),
    "application/netcdf": ("netCDF or HDF5",),
    "application/x-netcdf4": ("netCDF or HDF5",),
    "application/x-hdf5": ("netCDF or HDF5",),
    "application/x-hdf": ("HDF4", "netCDF or HDF5"),
    "image/png": ("PNG",),
    "image/jpeg": ("JPEG",),
    "image/jpg": ("JPEG",),
    "application/zip": ("ZIP",),
    "application/gzip": ("gzip",),
    "application/x-grib": ("GRIB",),
    "application/wmo-grib2": ("GRIB",),
    "application/vnd.apache.parquet": ("Parquet",),
    "application/x-parquet": ("Parquet",),
    "application/parquet": ("Parquet",),
    "application/pdf": ("PDF",),
}
"""Media type → formats that it stands for."""

_END_OF_PNG = b"IEND\xaeB`\x82"

_ARCHIVES = {"application/x-tar", "application/tar"}

_DIGESTS = {0x11: "sha1", 0x12: "sha256", 0x13: "sha512", 0x16: "sha3_256", 0xD5: "md5"}
"""Code of multihash → function. That of MD5 takes two bytes, of which this is the first."""

_POINTERS = {4: "I", 8: "Q", 2: "H", 1: "B"}
_TIFF_SIZES = {1: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8}
_DIRECTORIES = 100


def is_json_type(media_type: str) -> bool:
    """Whether files of a media type are JSON."""
    return media_type in {"application/json", "text/json"} or media_type.endswith("+json")


def format_of(body: bytes) -> str | None:
    """The format that bytes have by their beginning, None when nothing tells."""
    for name, beginnings in _MAGIC.items():
        if body.startswith(beginnings):
            return name
    if len(body) > 262 and body[257:262] == b"ustar":
        return "TAR"
    if body[:64].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "HTML"
    return None


def mismatch(media_type: str, body: bytes) -> str | None:
    """Why bytes are not what a media type says, None when they may be."""
    found = format_of(body)
    if not body:
        # Texts may have nothing to say.
        return None if media_type.startswith("text/") and not is_json_type(media_type) else "it is empty"
    if is_json_type(media_type):
        return None if found is None and _is_json(body) else f"it is {found or 'no JSON'}"
    if media_type in _ARCHIVES:
        # Old archives do not tell what they are at their beginning.
        readable = found in {"TAR", "gzip"} or (found is None and members(body) is not None)
        return None if readable else f"it is {found or 'no TAR'}"
    expected = _FORMATS.get(media_type)
    if expected is not None and found not in expected:
        return f"it does not begin like {' or '.join(expected)}" + (f", but like {found}" if found else "")
    if expected is None and found == "HTML" and media_type not in {"text/html", "application/xhtml+xml"}:
        return "it is HTML"
    return None


def _is_json(body: bytes) -> bool:
    try:
        # With NaN and Infinity, which are not JSON, but usual in data.
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def incomplete(body: bytes) -> str | None:
    """Why a file does not go to its end, None when it does or nobody can tell."""
    measure = {"TIFF": _end_of_tiff, "netCDF or HDF5": _end_of_hdf5}.get(str(format_of(body)))
    if measure is not None:
        end = measure(body)
        if end is not None and end > len(body):
            return "it ends before the place to which its header leads"
    if format_of(body) == "PNG" and _END_OF_PNG not in body:
        return "it lacks the chunk that ends a PNG"
    return None


def _end_of_hdf5(body: bytes) -> int | None:
    """End of the file by its superblock."""
    if not body.startswith(b"\x89HDF") or len(body) < 48:
        return None
    version = body[8]
    try:
        if version in {0, 1}:
            size, start = body[13], 24 + 4 * version
        elif version in {2, 3}:
            size, start = body[9], 12
        else:
            return None
        # Base address, one other, end of file.
        (base, _, end) = struct.unpack_from(f"<3{_POINTERS[size]}", body, start)
    except (struct.error, KeyError):
        return None
    return int(end) if base == 0 else None


def _end_of_tiff(body: bytes) -> int | None:
    """Where the last strip or tile ends."""
    try:
        return max(_ends_of_tiff(body), default=None)
    except (struct.error, ValueError):
        return len(body) + 1


def _ends_of_tiff(body: bytes) -> Iterator[int]:
    order = "<" if body[:1] == b"I" else ">"
    big = body[2:4] in {b"+\0", b"\0+"}
    pointer, width = ("Q", 8) if big else ("I", 4)
    (place,) = struct.unpack_from(f"{order}{pointer}", body, 8 if big else 4)
    for _ in range(_DIRECTORIES):
        if not place:
            return
        (count,) = struct.unpack_from(f"{order}{'Q' if big else 'H'}", body, place)
        place += 8 if big else 2
        tags: dict[int, tuple[int, ...]] = {}
        for _ in range(count):
            tag, kind, number = struct.unpack_from(f"{order}HH{pointer}", body, place)
            if tag in {273, 279, 324, 325}:
                tags[tag] = _values(body, place + 4 + width, order, pointer, kind, number)
            place += 20 if big else 12
        for offsets, sizes in ((273, 279), (324, 325)):
            yield from (
                start + size for start, size in zip(tags.get(offsets, ()), tags.get(sizes, ()), strict=False)
            )
        (place,) = struct.unpack_from(f"{order}{pointer}", body, place)


def _values(body: bytes, place: int, order: str, pointer: str, kind: int, number: int) -> tuple[int, ...]:
    size = _TIFF_SIZES.get(kind)
    if size is None or size * number > len(body):
        raise ValueError("no list of places")
    if size * number > struct.calcsize(pointer):
        (place,) = struct.unpack_from(f"{order}{pointer}", body, place)
    return struct.unpack_from(f"{order}{number}{_POINTERS[size]}", body, place)


def digest_differs(checksum: str, body: bytes) -> bool | None:
    """Whether a multihash is that of other bytes; None when it is of a kind that is not known."""
    try:
        raw = bytes.fromhex(checksum)
    except ValueError:
        return None
    start = 2 if raw[:1] == b"\xd5" else 1
    name = _DIGESTS.get(raw[0]) if raw else None
    if name is None or len(raw) < start + 2 or raw[start] != len(raw) - start - 1:
        return None
    return hashlib.new(name, body, usedforsecurity=False).digest() != raw[start + 1 :]


def members(body: bytes) -> list[str] | None:
    """Names of the files in a TAR or ZIP archive, None when it is neither or broken."""
    for read in (_tar, _zip):
        try:
            return read(body)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError):
            continue
    return None


def _tar(body: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return [each.name for each in archive if each.isfile()]


def _zip(body: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return [each.filename for each in archive.infolist() if not each.is_dir()]
