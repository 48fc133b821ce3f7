from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connexeo.drivers.local.files.paths import check_path, folders_of, media_type_of, name_of
from connexeo.generated import load_openapi
from connexeo.generated.errors import FilePathInvalid

PATTERN = re.compile(load_openapi()["components"]["schemas"]["file"]["properties"]["path"]["pattern"])


@pytest.mark.parametrize(
    "path",
    ["a", "a.tif", "areas/valleys.geojson", "alpen süd/höhen.tif", "...", ".hidden", "a..b", "日本/地図.nc", "100%.csv",
     "~/x", "a b", "C/x", "%2e%2e%2e", "a+b&c=d?e#f", "x" * 255, "/".join(["x" * 127] * 8)],
)  # fmt: skip
def test_possible(path: str) -> None:
    assert check_path(path) == path
    assert PATTERN.search(path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        (".", "no folder or file"),
        ("..", "no folder or file"),
        ("../a", "no folder or file"),
        ("a/../b", "no folder or file"),
        ("a/..", "no folder or file"),
        ("a/./b", "no folder or file"),
        ("/a", "slash"),
        ("a/", "slash"),
        ("a//b", "slash"),
        ("/", "slash"),
        ("a\\b", "must not contain \\"),
        ("C:a", "must not contain :"),
        ("it's", "must not contain '"),
        ('a"b', 'must not contain "'),
        ("a\0", "U+0000"),
        ("a\nb", "U+000A"),
        ("a\rb", "U+000D"),
        ("a\tb", "U+0009"),
        ("a\x7f", "U+007F"),
        ("a\u202egnp.exe", "U+202E"),
        ("a\u200b", "U+200B"),
        ("a\u2028", "U+2028"),
        ("a\ufffd", "U+FFFD"),
        ("a\ud800", "U+D800"),
        ("%2e%2e/a", "encoded twice"),
        ("a/%2E%2E", "encoded twice"),
        ("%2e", "encoded twice"),
        ("a%2fb", "encoded twice"),
        ("a%5Cb", "encoded twice"),
        ("a%00", "encoded twice"),
        (".%2e", "encoded twice"),
        (unicodedata.normalize("NFD", "höhen.tif"), "NFC"),
        ("a/\u212b", "NFC"),  # the sign of the unit, which looks like a letter
        ("x" * 256, "name is longer than 255"),
        ("ü" * 128, "name is longer than 255"),
        ("/".join(["x" * 100] * 11), "longer than 1024"),
    ],
)
def test_impossible(path: str, reason: str) -> None:
    with pytest.raises(FilePathInvalid, match=re.escape(reason)):
        check_path(path)


@given(st.text(max_size=40) | st.text(alphabet="a./\\%2eE:\0", max_size=12))
@example("a/b")
@example("a\0\n")
def test_what_is_accepted_is_harmless(path: str) -> None:
    reason = refusal(path)
    if reason is None:
        assert PATTERN.search(path)
        assert not {"", ".", ".."} & set(path.split("/"))
        assert path.isprintable()
    else:
        assert reason.isprintable()


def refusal(path: str) -> str | None:
    try:
        check_path(path)
    except FilePathInvalid as error:
        return error.message
    return None


def test_folders() -> None:
    assert folders_of("a/b/c.tif") == ["a", "a/b"]
    assert folders_of("c.tif") == []
    assert name_of("a/b/c.tif") == "c.tif"
    assert name_of("c.tif") == "c.tif"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("a/b.tif", "image/tiff; application=geotiff"),
        ("B.TIFF", "image/tiff; application=geotiff"),
        ("a.nc", "application/x-netcdf"),
        ("areas.geojson", "application/geo+json"),
        ("a.json", "application/json"),
        ("a.gpkg", "application/geopackage+sqlite3"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a.csv", "text/csv"),
        ("a.csv.gz", "application/gzip"),
        ("a.tar.bz2", "application/octet-stream"),
        ("a.py", "text/x-python"),
        ("tif/readme", "application/octet-stream"),
        (".tif", "image/tiff; application=geotiff"),
        ("a.", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_media_types(path: str, media_type: str) -> None:
    assert media_type_of(path) == media_type
