"""Bodies as they were before they were compressed, without letting a small one become a huge one."""

from __future__ import annotations

import zlib

OFFERED = "gzip, deflate"
"""Value of ``Accept-Encoding``: what can be decoded here."""

_LAYERS = 3
"""Times that a body may be compressed."""


class Undecodable(Exception):
    """A body is not what its ``Content-Encoding`` says; the text tells."""


def decoded(body: bytes, content_encoding: str, most: int, cut: bool = False) -> tuple[bytes, bool]:
    """The body, and whether there would have been more than ``most`` bytes of it.

    Args:
        body: as it came.
        content_encoding: the header.
        most: bytes that are made of it at most.
        cut: whether the end of the body is missing.

    Raises:
        Undecodable: when it is broken, or encoded in a way that nobody asked for.
    """
    encodings = [each.strip().lower() for each in content_encoding.split(",")]
    encodings = [each for each in encodings if each not in {"", "identity"}]
    if len(encodings) > _LAYERS:
        raise Undecodable(f"Content-Encoding names {len(encodings)} encodings")
    if body:
        for encoding in reversed(encodings):
            body, more = _decoded(body, encoding, most, cut)
            cut = cut or more
    return body[:most], cut or len(body) > most


def _decoded(body: bytes, encoding: str, most: int, cut: bool) -> tuple[bytes, bool]:
    if encoding in {"gzip", "x-gzip"}:
        return _inflated(body, encoding, 31, most, cut)
    if encoding == "deflate":
        # By the standard with a head; many send it without.
        try:
            return _inflated(body, encoding, 15, most, cut)
        except Undecodable:
            return _inflated(body, encoding, -15, most, cut)
    raise Undecodable(f"Content-Encoding is {encoding}, which Accept-Encoding does not name")


def _inflated(body: bytes, encoding: str, window: int, most: int, cut: bool) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    size = 0
    while body and size <= most:
        decompressor = zlib.decompressobj(window)
        try:
            part = decompressor.decompress(body, most + 1 - size)
        except zlib.error as error:
            if parts and not body.strip(b"\0"):
                # Padding after the end, as gzip itself allows.
                break
            raise Undecodable(f"the body is not valid {encoding}: {error}") from error
        parts.append(part)
        size += len(part)
        if not decompressor.eof:
            if size <= most and not cut:
                raise Undecodable(f"the {encoding} body ends too early")
            break
        body = decompressor.unused_data
    return b"".join(parts), size > most
