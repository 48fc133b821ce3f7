"""Requirements of the files of users."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from profiles.api import Api, body, denied, link, pages, refused
from profiles.requirement import requirement

ONE = "/files/{path}"
BINARY = {"Content-Type": "application/octet-stream"}
CONTENT = random.Random(5).randbytes(3_000_000)
PATHS = (
    "areas/valleys.geojson",
    "areas/alpen süd/höhen.tif",
    "gauges.csv",
    "notes.txt",
    "deep/er/and/deeper.bin",
)


def put(client: httpx.Client, path: str, content: bytes = b"x") -> Any:
    return body(client.put(f"/files/{quote(path)}", content=content, headers=BINARY), ONE)


@pytest.fixture(scope="module")
def keeper(api: Api) -> httpx.Client:
    """A user with five files."""
    client = api.user()
    for path in PATHS:
        put(client, path, path.encode())
    return client


@pytest.fixture(scope="module")
def listed(keeper: httpx.Client) -> Any:
    return body(keeper.get("/files"), "/files")


@requirement(500)
def test_list_for_users(listed: Any, anonymous: httpx.Client, api: Api) -> None:
    denied(anonymous.get("/files"))
    assert len(listed["files"]) == len(PATHS)
    assert api.user().get("/files").json()["files"] == []


@requirement(501)
def test_list(listed: Any) -> None:
    assert isinstance(listed["files"], list)
    assert isinstance(listed["links"], list)


@requirement(502)
def test_pages(keeper: httpx.Client, listed: Any) -> None:
    first = body(keeper.get("/files?limit=2"), "/files")
    assert len(first["files"]) == 2
    assert link(first, "next") is not None
    for limit in (1, 2, 5):
        assert pages(keeper, "/files", "files", limit) == listed["files"]


@requirement(503)
def test_all_without_limit(listed: Any) -> None:
    assert link(listed, "next") is None
    assert {each["path"] for each in listed["files"]} == set(PATHS)


@requirement(504)
def test_entries(listed: Any, keeper: httpx.Client) -> None:
    for each in listed["files"]:
        assert keeper.get(f"/files/{quote(each['path'])}").status_code == 200


@requirement(505)
def test_sizes_and_times(listed: Any) -> None:
    now = datetime.now(UTC)
    for each in listed["files"]:
        assert each["size"] == len(each["path"].encode())
        modified = datetime.fromisoformat(each["modified"])
        assert now - timedelta(minutes=15) < modified <= now + timedelta(seconds=1)


@requirement(506)
def test_paths(listed: Any) -> None:
    for each in listed["files"]:
        assert not each["path"].startswith("/")
        assert "\\" not in each["path"]
        assert "%" not in each["path"]
    assert "areas/alpen süd/höhen.tif" in {each["path"] for each in listed["files"]}


@requirement(510)
def test_upload_for_users(user: httpx.Client, anonymous: httpx.Client) -> None:
    denied(anonymous.put("/files/mine.bin", content=b"x", headers=BINARY))
    stored = put(user, "mine.bin", CONTENT)
    assert (stored["path"], stored["size"]) == ("mine.bin", len(CONTENT))
    assert "mine.bin" in {each["path"] for each in user.get("/files").json()["files"]}


@requirement(511)
def test_slashes_and_encoding(user: httpx.Client) -> None:
    for sent, path in (
        ("one/two.txt", "one/two.txt"),
        ("a%20b/c%C3%A4.txt", "a b/cä.txt"),
        ("with%2Fslash.txt", "with/slash.txt"),
        ("per%2520cent.txt", "per%20cent.txt"),
    ):
        answer = user.put(f"/files/{sent}", content=path.encode(), headers=BINARY)
        assert body(answer, ONE)["path"] == path
        assert user.get(f"/files/{sent}").content == path.encode()
    for sent in ("..%2Fsecret", "a/..%2F..%2Fsecret", "%2Fetc%2Fpasswd", "a%5Cb", "a%00b"):
        answer = user.put(f"/files/{sent}", content=b"x", headers=BINARY)
        assert answer.status_code in (400, 404), f"{sent}: {answer.text}"


@requirement(512)
def test_folders(user: httpx.Client) -> None:
    put(user, "folder/inner/first.txt")
    put(user, "folder/inner/second.txt")
    paths = {each["path"] for each in user.get("/files").json()["files"]}
    assert {"folder/inner/first.txt", "folder/inner/second.txt"} <= paths
    assert not {"folder", "folder/", "folder/inner", "folder/inner/"} & paths
    refused(user.get("/files/folder/inner"), 400, "FileOperationUnsupported")
    answer = user.put("/files/folder", content=b"x", headers=BINARY)
    refused(answer, 400, "FileOperationUnsupported")


@requirement(513)
def test_replaced(user: httpx.Client) -> None:
    put(user, "replaced.txt", b"the first one")
    stored = put(user, "replaced.txt", b"another")
    assert stored["size"] == 7
    assert user.get("/files/replaced.txt").content == b"another"
    assert [each["path"] for each in user.get("/files").json()["files"]].count("replaced.txt") == 1


@requirement(520)
def test_download_for_users(keeper: httpx.Client, anonymous: httpx.Client, api: Api) -> None:
    assert keeper.get("/files/notes.txt").content == b"notes.txt"
    denied(anonymous.get("/files/notes.txt"))
    refused(api.user().get("/files/notes.txt"), 404, "FileNotFound")


@requirement(521)
def test_download(user: httpx.Client) -> None:
    media_types = {
        "bytes.tif": "image/tiff",
        "bytes.nc": "application/x-netcdf",
        "bytes.json": "application/json",
        "bytes.geojson": "application/geo+json",
        "bytes.csv": "text/csv",
        "bytes.unknown": "application/octet-stream",
    }
    checksum = hashlib.sha256(CONTENT).hexdigest()
    for path, media_type in media_types.items():
        put(user, path, CONTENT)
        answer = user.get(f"/files/{path}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] in (media_type, "application/netcdf")
        assert hashlib.sha256(answer.content).hexdigest() == checksum
        assert int(answer.headers["content-length"]) == len(CONTENT)
    part = user.get("/files/bytes.nc", headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, CONTENT[1000:2000])


@requirement(530)
def test_delete_for_users(keeper: httpx.Client, anonymous: httpx.Client, api: Api) -> None:
    denied(anonymous.delete("/files/notes.txt"))
    refused(api.user().delete("/files/notes.txt"), 404, "FileNotFound")
    assert keeper.get("/files/notes.txt").status_code == 200


@requirement(531)
def test_delete(user: httpx.Client) -> None:
    put(user, "folder to go/file.txt")
    answer = user.delete("/files/folder%20to%20go/file.txt")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(user.get("/files/folder%20to%20go/file.txt"), 404, "FileNotFound")
    refused(user.delete("/files/folder%20to%20go/file.txt"), 404, "FileNotFound")
    assert not [
        each for each in user.get("/files").json()["files"] if each["path"].startswith("folder to go")
    ]
