"""What bytes tell of the files that they are."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import zipfile

import h5py
import numpy as np
import pytest
from affine import Affine
from PIL import Image
from rasterio.io import MemoryFile

from connexeo.tools.conformance.contents import (
    digest_differs,
    format_of,
    incomplete,
    is_json_type,
    members,
    mismatch,
)


def _tiff(**options: object) -> bytes:
    profile = {
        "driver": "GTiff", "width": 300, "height": 200, "count": 2, "dtype": "uint16",
        "transform": Affine(1, 0, 0, 0, -1, 10), "crs": "EPSG:4326", **options,
    }  # fmt: skip
    pixels = np.arange(2 * 200 * 300, dtype="uint16").reshape(2, 200, 300)
    with MemoryFile() as file:
        with file.open(**profile) as image:
            image.write(pixels)
        return bytes(file.read())


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (9, 9), 200).save(buffer, "PNG")
    return buffer.getvalue()


def _hdf5(libver: str = "earliest") -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=libver) as file:
        file["values"] = np.arange(5000)
    return buffer.getvalue()


def _tar(*names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in names:
            about = tarfile.TarInfo(name)
            about.size = 3
            archive.addfile(about, io.BytesIO(b"abc"))
    return buffer.getvalue()


def _zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "abc")
    return buffer.getvalue()


TIFFS = {
    "plain": {},
    "tiled": {"tiled": True, "blockxsize": 64, "blockysize": 64},
    "compressed": {"compress": "deflate", "tiled": True},
    "big": {"BIGTIFF": "YES"},
    "big-endian": {"ENDIANNESS": "BIG"},
}


@pytest.mark.parametrize("options", TIFFS.values(), ids=TIFFS)
def test_tiffs_end_with_their_last_pixels(options: dict[str, object]) -> None:
    body = _tiff(**options)
    assert format_of(body) == "TIFF"
    assert incomplete(body) is None
    assert incomplete(body[: len(body) // 2]) is not None
    assert incomplete(body[:6]) is not None


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_hdf5_files_tell_their_end(libver: str) -> None:
    body = _hdf5(libver)
    assert format_of(body) == "netCDF or HDF5"
    assert incomplete(body) is None
    assert incomplete(body[:-8]) == "it ends before the place to which its header leads"
    # Too little to tell anything.
    assert incomplete(body[:20]) is None


def test_pngs_have_a_last_chunk() -> None:
    body = _png()
    assert format_of(body) == "PNG"
    assert incomplete(body) is None
    assert incomplete(body + b"more behind it") is None
    assert incomplete(body[:-4]) == "it lacks the chunk that ends a PNG"


@pytest.mark.parametrize(
    "body", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"\x89HDF\r\n\x1a\n", b"text", bytes(600)]
)
def test_any_bytes_can_be_looked_at(body: bytes) -> None:
    for look in (format_of, incomplete, members):
        look(body)
    mismatch("image/tiff", body)


def test_media_types_fit_or_do_not() -> None:
    fitting = [
        ("image/tiff", _tiff()), ("application/x-netcdf", _hdf5()), ("image/png", _png()),
        ("application/json", b'{"a": NaN}'), ("application/geo+json", b"[1]"), ("text/csv", b""),
        ("application/x-tar", _tar("a.tif")), ("application/zip", _zip("a.tif")), ("application/x-river", b"any"),
        ("text/html", b"<html></html>"),
    ]  # fmt: skip
    for media_type, body in fitting:
        assert mismatch(media_type, body) is None, media_type
    unfit = [
        ("image/tiff", _png(), "it does not begin like TIFF, but like PNG"),
        ("image/tiff", b"something", "it does not begin like TIFF"),
        ("image/png", b"", "it is empty"),
        ("application/json", b"{", "it is no JSON"),
        ("application/json", _png(), "it is PNG"),
        ("application/json", b"[" * 100_000, "it is no JSON"),
        ("application/x-tar", b"x" * 600, "it is no TAR"),
        ("application/x-river", b"<!DOCTYPE html><html>", "it is HTML"),
    ]
    for media_type, body, why in unfit:
        assert mismatch(media_type, body) == why, media_type


def test_json_types() -> None:
    assert all(map(is_json_type, ("application/json", "text/json", "application/geo+json")))
    assert not is_json_type("application/jsonlines")


def test_files_of_archives() -> None:
    assert members(_tar("a.tif", "folder/b.tif")) == ["a.tif", "folder/b.tif"]
    assert members(_zip("a.tif", "folder/")) == ["a.tif"]
    assert members(_zip("a.tif")[:-10]) is None
    assert members(b"nothing of the kind") is None


def test_multihashes() -> None:
    body = b"snow"
    for code, name in ((0x11, "sha1"), (0x12, "sha256"), (0x13, "sha512"), (0x16, "sha3_256")):
        digest = hashlib.new(name, body).digest()
        told = (bytes([code, len(digest)]) + digest).hex()
        assert digest_differs(told, body) is False
        assert digest_differs(told, b"rain") is True
    md5 = hashlib.md5(body, usedforsecurity=False).digest()
    assert digest_differs((b"\xd5\x01" + struct.pack("B", len(md5)) + md5).hex(), body) is False
    for unknown in ("", "12", "xyz", "1220aa", "ff02aaaa"):
        assert digest_differs(unknown, body) is None
