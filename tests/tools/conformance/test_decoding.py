import gzip
import zlib

import pytest

from connexeo.tools.conformance.decoding import Undecodable, decoded

TEXT = b'{"a": 1}' * 100


def named(value: object) -> str:
    """Names of cases: compressed bodies hold the time."""
    return str(value) if isinstance(value, str) else "body"


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), " X-GZIP "),
        (gzip.compress(TEXT) + b"\0" * 20, "gzip"),
        (gzip.compress(TEXT[:80]) + gzip.compress(TEXT[80:]), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (raw_deflate(TEXT), "deflate"),
        (gzip.compress(zlib.compress(TEXT)), "deflate, gzip"),
    ],
    ids=named,
)
def test_bodies_come_back(body: bytes, encoding: str) -> None:
    assert decoded(body, encoding, 10_000) == (TEXT, False)


def test_there_is_a_bound_for_each_layer() -> None:
    body = gzip.compress(gzip.compress(b"\0" * 1_000_000))
    found, cut = decoded(body, "gzip, gzip", 5000)
    assert len(found) == 5000
    assert cut
    assert decoded(TEXT, "", 10) == (TEXT[:10], True)
    assert decoded(gzip.compress(TEXT), "gzip", len(TEXT)) == (TEXT, False)


def test_half_a_body_is_decoded_as_far_as_it_goes() -> None:
    body = gzip.compress(bytes(range(256)) * 50)
    found, cut = decoded(body[:-10], "gzip", 100_000, cut=True)
    assert cut
    assert (bytes(range(256)) * 50).startswith(found)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"nonsense", "gzip"),
        (b"nonsense", "deflate"),
        (gzip.compress(TEXT)[:-9], "gzip"),
        (gzip.compress(TEXT) + b"nonsense", "gzip"),
        (TEXT, "br"),
        (TEXT, "zstd"),
        (TEXT, "gzip, gzip, gzip, gzip"),
    ],
    ids=named,
)
def test_what_is_broken_is_told(body: bytes, encoding: str) -> None:
    with pytest.raises(Undecodable):
        decoded(body, encoding, 10_000)


def test_nothing_needs_no_decoding() -> None:
    """Answers to HEAD."""
    assert decoded(b"", "gzip", 10) == (b"", False)
    assert decoded(b"", "br", 10) == (b"", False)
