"""The picture of a place without data: transparent, and ready at hand."""

from __future__ import annotations

import struct
import zlib
from functools import cache

_WEBP = {
    256: "5249464622000000574542505650384c150000002fffc03f10071011110050a4ffff29a2ffa9fffd0700",
    512: "524946462c000000574542505650384c1f0000002fffc17f1007101111100824fb7bcf5044ff33fef39ffffce73ffff9cfff0100",
}
"""Pictures without loss and without colours, as GDAL writes them."""


@cache
def empty_picture(size: int, format_name: str) -> bytes:
    """A transparent square.

    Args:
        size: Width and height in pixels.
        format_name: ``png`` or ``webp``.
    """
    return bytes.fromhex(_WEBP[size]) if format_name == "webp" else _empty_png(size)


def _empty_png(size: int) -> bytes:
    """One bit per pixel: index 0 of a palette of one colour, which is transparent."""
    rows = (b"\0" + bytes(size // 8)) * size
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", size, size, 1, 3, 0, 0, 0)),
        (b"PLTE", bytes(3)),
        (b"tRNS", bytes(1)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, *zip(*chunks, strict=True)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
