from __future__ import annotations

import gzip

import pytest

from connexeo.fetch.decoding import body_for
from connexeo.fetch.errors import FetchFailed, FetchTooLarge

TEXT = b"openEO " * 50


ENCODED = {
    "": TEXT,
    "identity": TEXT,
    "gzip": gzip.compress(TEXT),
    "GZIP ": gzip.compress(TEXT[:70]) + gzip.compress(TEXT[70:]),
    "x-gzip": gzip.compress(TEXT),
}


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_body_is_put_together(encoding: str, step: int) -> None:
    body = body_for(encoding, len(TEXT))
    data = ENCODED[encoding]
    for start in range(0, len(data), step):
        body.feed(data[start : start + step])
    assert body.finish() == TEXT


@pytest.mark.parametrize("encoding", ENCODED)
def test_one_byte_above_the_limit(encoding: str) -> None:
    body = body_for(encoding, len(TEXT) - 1)
    with pytest.raises(FetchTooLarge):
        body.feed(ENCODED[encoding])


def test_empty_body_needs_no_header() -> None:
    assert body_for("gzip", 10).finish() == b""


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "deflate"])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(FetchFailed):
        body_for(encoding, 10)


def test_truncated_body() -> None:
    body = body_for("gzip", 1000)
    body.feed(ENCODED["gzip"][:-9])
    with pytest.raises(FetchFailed):
        body.finish()


def test_garbage() -> None:
    with pytest.raises(FetchFailed):
        body_for("gzip", 1000).feed(b"\xff" * 50)
