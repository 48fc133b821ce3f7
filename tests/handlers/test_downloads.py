from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connexeo.handlers.downloads import Download, content_disposition, parse_ranges
from connexeo.server.errors import Errors
from fake_files import FakeContent

CONTENT = bytes(range(256)) * 4
LAST_MODIFIED = "Sat, 01 Mar 2025 07:45:30 GMT"
BEFORE = "Sat, 01 Mar 2025 07:45:29 GMT"


def fake(content: bytes = CONTENT, **properties: Any) -> FakeContent:
    return FakeContent(content, **{"name": 'höhen "a".tif', **properties})


def ask(content: FakeContent, method: str = "GET", **headers: str) -> httpx.Response:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Download(content)(scope, receive, send)

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(app=Errors(app))
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.request(method, "http://connexeo.test/file", headers=given)

    return asyncio.run(answer())


def test_whole_file() -> None:
    answer = ask(fake())
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert dict(answer.headers) == {
        "content-type": "image/tiff",
        "content-length": "1024",
        "accept-ranges": "bytes",
        "etag": '"abc"',
        "last-modified": LAST_MODIFIED,
        "cache-control": "private, no-cache",
        "content-disposition": "attachment; filename=\"h_hen _a_.tif\"; filename*=UTF-8''h%C3%B6hen%20%22a%22.tif",
    }


def test_empty_file() -> None:
    answer = ask(fake(b"", size=0))
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert ask(fake(b"", size=0), range="bytes=0-").status_code == 416


@pytest.mark.parametrize(
    ("wanted", "status", "length"),
    [(None, 200, "1024"), ("bytes=10-19", 206, "10"), ("bytes=2000-", 416, None)],
)
def test_head_says_what_get_would(wanted: str | None, status: int, length: str | None) -> None:
    headers = {"range": wanted} if wanted else {}
    got, answer = ask(fake(), **headers), ask(fake(), "HEAD", **headers)
    assert answer.status_code == got.status_code == status
    if length is not None:
        assert answer.content == b""
        assert answer.headers == got.headers
        assert answer.headers["content-length"] == length


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-", 100, 1024),
        ("bytes=1000-9999999999", 1000, 1024),
        ("bytes=-24", 1000, 1024),
        ("bytes=-5000", 0, 1024),
        ("BYTES = 5-150 ", 5, 151),
        ("bytes=0-99,50-149", 0, 150),
        ("bytes=2000-,3-4", 3, 5),
    ],
)
def test_single_range(wanted: str, start: int, end: int) -> None:
    answer = ask(fake(), range=wanted)
    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/1024"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.headers["content-type"] == "image/tiff"


def test_several_ranges() -> None:
    answer = ask(fake(), range="bytes=1000-1009, 0-4")
    assert answer.status_code == 206
    assert "content-range" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content)
    kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    first, second = answer.content.split(f"--{boundary}".encode())[1:3]
    part = b"\r\nContent-Type: image/tiff\r\nContent-Range: bytes %s/1024\r\n\r\n%s\r\n"
    assert first == part % (b"1000-1009", CONTENT[1000:1010])
    assert second == part % (b"0-4", CONTENT[:5])
    assert answer.content.endswith(f"--{boundary}--\r\n".encode())


@pytest.mark.parametrize(
    "wanted",
    [
        "items=0-5",
        "bytes",
        "bytes=",
        "bytes=5-4",
        "bytes=a-b",
        "bytes=-",
        "bytes=1-2;3-4",
        "bytes=" + "1-1," * 51,
    ],
)
def test_range_that_is_none_is_ignored(wanted: str) -> None:
    answer = ask(fake(), range=wanted)
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("wanted", ["bytes=1024-", "bytes=5000-6000", "bytes=-0", "bytes=1024-,2000-3000"])
def test_range_behind_the_end(wanted: str) -> None:
    answer = ask(fake(), range=wanted)
    assert answer.status_code == 416
    assert answer.json()["code"] == "RangeNotSatisfiable"
    assert answer.headers["content-range"] == "bytes */1024"


@pytest.mark.parametrize(
    ("validator", "status"),
    [
        ('"abc"', 206),
        ('"other"', 200),
        ('W/"abc"', 200),
        (LAST_MODIFIED, 206),
        (BEFORE, 200),
        ("nonsense", 200),
    ],
)
def test_rest_of_a_file_only_if_it_is_the_same(validator: str, status: int) -> None:
    answer = ask(fake(), range="bytes=1000-", if_range=validator)
    assert answer.status_code == status
    assert answer.content == (CONTENT[1000:] if status == 206 else CONTENT)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if_none_match": '"abc"'}, 304),
        ({"if_none_match": '"x", W/"abc"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"x"'}, 200),
        ({"if_modified_since": LAST_MODIFIED}, 304),
        ({"if_modified_since": BEFORE}, 200),
        ({"if_modified_since": "yesterday"}, 200),
        ({"if_none_match": '"x"', "if_modified_since": LAST_MODIFIED}, 200),
        ({"if_none_match": '"abc"', "range": "bytes=5-"}, 304),
        ({"if_match": '"abc"'}, 200),
        ({"if_match": "*"}, 200),
        ({"if_match": 'W/"abc"'}, 412),
        ({"if_match": '"x"'}, 412),
        ({"if_unmodified_since": LAST_MODIFIED}, 200),
        ({"if_unmodified_since": BEFORE}, 412),
        ({"if_match": '"abc"', "if_unmodified_since": BEFORE}, 200),
    ],
)
def test_conditions(headers: dict[str, str], status: int) -> None:
    answer = ask(fake(), **headers)
    assert answer.status_code == status
    if status == 304:
        assert answer.content == b""
        assert answer.headers["etag"] == '"abc"'
        assert "content-length" not in answer.headers
    if status == 412:
        assert answer.json()["code"] == "PreconditionFailed"


def test_what_cannot_be_read_is_an_error_and_no_broken_connection() -> None:
    answer = ask(fake(b"", size=5))
    assert answer.status_code == 500
    assert answer.json()["code"] == "StorageFailure"


async def disconnected_after(chunks: int, app: ASGIApp) -> list[Message]:
    """What is sent to a client that leaves after some chunks."""
    left = asyncio.Event()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) > chunks:
            left.set()
            await asyncio.sleep(0)

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "asgi": {"spec_version": "2.3"}}
    await app(scope, receive, send)
    return sent


def test_client_that_goes_away_is_not_read_for() -> None:
    content = fake(bytes(10**6), size=10**6)
    sent = asyncio.run(disconnected_after(3, Download(content)))
    assert 3 < len(sent) < 20
    assert content.readers == 0


def test_server_that_sends_files_by_itself(tmp_path: Path) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is to be received")

    scope = {"type": "http", "method": "GET", "headers": [], "extensions": {"http.response.pathsend": {}}}
    asyncio.run(Download(fake(path=tmp_path / "file"))(scope, receive, send))
    assert sent[1] == {"type": "http.response.pathsend", "path": str(tmp_path / "file")}
    assert (b"content-length", b"1024") in sent[0]["headers"]


@pytest.mark.parametrize("value", ["bytes=0-4", "bytes=0-4,10-14", "bytes=-3,0-0"])
def test_parsed_ranges_lie_in_the_file(value: str) -> None:
    ranges = parse_ranges(value, 12)
    assert ranges
    assert all(0 <= start < end <= 12 for start, end in ranges)


def test_disposition_cannot_be_broken_out_of() -> None:
    header = content_disposition('a"; x="\r\nSet-Cookie: b', "attachment")
    assert header.isprintable()
    assert header.count('"') == 2
