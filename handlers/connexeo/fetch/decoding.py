"""Bodies of limited size, decompressed piece by piece."""

from __future__ import annotations

import zlib
from typing import Protocol

from connexeo.fetch.errors import FetchFailed, FetchTooLarge

ACCEPT_ENCODING = "gzip"


class Body(Protocol):
    """Takes the pieces as they come, gives the whole."""

    def feed(self, piece: bytes) -> None:
        """Add a piece as it came over the wire.

        Raises:
            FetchTooLarge: as soon as there is more than the limit.
            FetchFailed: when it cannot be decompressed.
        """
        ...

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            FetchFailed: when the end is missing.
        """
        ...


def body_for(encoding: str, limit: int) -> Body:
    """The reader for a ``Content-Encoding``.

    Several encodings on top of each other are not accepted: each of them multiplies what a piece expands to.

    Raises:
        FetchFailed: for an encoding that was not asked for.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return _Plain(limit)
    if encoding in ("gzip", "x-gzip"):
        return _Compressed(limit)
    raise FetchFailed("the answer has a content encoding that was not asked for")


class _Plain:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()

    def feed(self, piece: bytes) -> None:
        if len(self._data) + len(piece) > self._limit:
            raise FetchTooLarge(f"the answer has more than {self._limit} bytes")
        self._data += piece

    def finish(self) -> bytes:
        return bytes(self._data)


class _Compressed:
    """gzip, of several members too."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
        self._decompressor = zlib.decompressobj(wbits=31)
        self._started = False

    def feed(self, piece: bytes) -> None:
        while piece:
            self._started = True
            # One byte more than is left shows whether the limit is passed without expanding the rest.
            room = self._limit - len(self._data) + 1
            try:
                self._data += self._decompressor.decompress(piece, room)
            except zlib.error as error:
                raise FetchFailed("the answer cannot be decompressed") from error
            if len(self._data) > self._limit:
                raise FetchTooLarge(f"the answer has more than {self._limit} bytes")
            piece = self._decompressor.unused_data
            if piece:
                self._decompressor = zlib.decompressobj(wbits=31)

    def finish(self) -> bytes:
        if self._started and not self._decompressor.eof:
            raise FetchFailed("the answer ended too early")
        return bytes(self._data)
