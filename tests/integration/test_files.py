"""Files of users at a real server with two workers: large ones, broken connections, killed workers, full disks."""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from served import Server

PASSWORD = "a rather long sentence"
SIZE = 2**30
"""Bytes of a large file."""
MEMORY = 50.0
"""MB by which a worker may grow while a large file passes through it."""
GUNICORN = ("gunicorn", "-c", "python:connexeo.server.gunicorn_conf")
QUOTA = 3 * 2**30

WaitUntil = Callable[[Callable[[], object], str], None]


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


@pytest.fixture(scope="module")
def data(run_command: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the accounts ``maria`` and ``otto``."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("maria", "otto"):
        added = run_command("users", "add", name, "--password-stdin", "--data", folder, text=f"{PASSWORD}\n")
        assert added.returncode == 0, added.stderr
    return folder


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Server], data: Path) -> Server:
    return start_server(command=GUNICORN, data=data, storage_quota=QUOTA)


@pytest.fixture(scope="module")
def headers_of(server: Server, token_of: Callable[..., str]) -> Callable[[str], dict[str, str]]:
    """Headers with a user's token."""
    tokens = {name: token_of(server, name, PASSWORD) for name in ("maria", "otto")}
    return lambda name: {"Authorization": f"Bearer {tokens[name]}"}


@pytest.fixture
def maria(server: Server, headers_of: Callable[[str], dict[str, str]]) -> Iterator[httpx.Client]:
    """A client of a user without files."""
    with httpx.Client(base_url=server.url, headers=headers_of("maria"), timeout=120) as client:
        for file in client.get("/files").json()["files"]:
            client.delete(f"/files/{file['path']}").raise_for_status()
        yield client


@pytest.fixture
def otto(server: Server, headers_of: Callable[[str], dict[str, str]]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=headers_of("otto"), timeout=120) as client:
        yield client


def stored(server: Server) -> list[str]:
    """Names of all files in the storage, unfinished ones included."""
    folder = server.data / "storage"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def resident(process: int) -> float:
    """Memory of a process in MB."""
    (kilobytes,) = re.findall(
        r"^VmRSS:\s*(\d+) kB$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE
    )
    return int(kilobytes) / 1024


class MemoryWatch:
    """The most that the workers of a server grow by within a block, in MB."""

    def __init__(self, server: Server) -> None:
        self._before = {worker: resident(worker) for worker in server.workers()}
        assert len(self._before) == 2
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.growth = 0.0

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            for worker, before in self._before.items():
                self.growth = max(self.growth, resident(worker) - before)


def content_of(size: int, digest: Digest) -> Iterator[bytes]:
    """Bytes that do not repeat themselves within a chunk."""
    block = random.Random(size).randbytes(2**20)
    while size > 0:
        chunk = block[: min(size, len(block))]
        digest.update(chunk)
        yield chunk
        size -= len(chunk)
        block = block[1:] + block[:1]


def test_large_file_up_and_down(server: Server, maria: httpx.Client) -> None:
    sent, received = hashlib.sha256(), hashlib.sha256()
    # What is loaded at the first use is no part of the file.
    maria.put("/files/warm", content=bytes(10 * 2**20)).raise_for_status()
    maria.get("/files/warm").raise_for_status()
    maria.delete("/files/warm").raise_for_status()
    with MemoryWatch(server) as uploading:
        begin = time.perf_counter()
        answer = maria.put("/files/large/file.tif", content=content_of(SIZE, sent))
        uploaded = time.perf_counter() - begin
    assert answer.status_code == 200, answer.text
    assert answer.json()["size"] == SIZE
    assert answer.json()["file:checksum"] == f"1220{sent.hexdigest()}"
    with MemoryWatch(server) as downloading:
        begin = time.perf_counter()
        # The first connection breaks off in the middle; the second goes on from there.
        place = 0
        with maria.stream("GET", "/files/large/file.tif") as answer:
            assert answer.headers["content-length"] == str(SIZE)
            etag = answer.headers["etag"]
            for chunk in answer.iter_raw(2**20):
                received.update(chunk)
                place += len(chunk)
                if place >= SIZE // 3:
                    break
        rest = {"Range": f"bytes={place}-", "If-Range": etag}
        with maria.stream("GET", "/files/large/file.tif", headers=rest) as answer:
            assert answer.status_code == 206
            assert answer.headers["content-range"] == f"bytes {place}-{SIZE - 1}/{SIZE}"
            for chunk in answer.iter_raw(2**20):
                received.update(chunk)
                place += len(chunk)
        downloaded = time.perf_counter() - begin
    print(f"{SIZE / 2**20:.0f} MB: up in {uploaded:.1f} s, workers grew by {uploading.growth:.1f} MB;")
    print(f"down in {downloaded:.1f} s, workers grew by {downloading.growth:.1f} MB")
    assert place == SIZE
    assert received.hexdigest() == sent.hexdigest()
    assert uploading.growth < MEMORY
    assert downloading.growth < MEMORY


def test_both_workers_see_the_same_files(server: Server, maria: httpx.Client) -> None:
    for number in range(10):
        maria.put("/files/a", content=b"%d" % number).raise_for_status()
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(
                    lambda _: httpx.get(f"{server.url}/files/a", headers=maria.headers, timeout=30).content,
                    range(8),
                )
            )
        assert answers == [b"%d" % number] * 8
    assert len(stored(server)) == 1


def test_uploads_of_one_path_at_the_same_time(server: Server, maria: httpx.Client) -> None:
    contents = [bytes([number]) * 3_000_000 for number in range(12)]

    def put(content: bytes) -> int:
        return httpx.put(
            f"{server.url}/files/a", content=content, headers=maria.headers, timeout=60
        ).status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(put, contents)) == {200}
    answer = maria.get("/files/a")
    assert answer.content in contents
    assert hashlib.sha256(answer.content).hexdigest() == answer.headers["etag"].strip('"')
    assert len(stored(server)) == 1


def connect(server: Server) -> socket.socket:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=60)


def begin_upload(server: Server, token: str, path: str, announced: int, content: bytes) -> socket.socket:
    """A connection over which only a part of an upload has been sent."""
    connection = connect(server)
    head = (
        f"PUT /files/{path} HTTP/1.1\r\nHost: here\r\nAuthorization: {token}\r\n"
        f"Content-Length: {announced}\r\n\r\n"
    )
    connection.sendall(head.encode() + content)
    return connection


def test_upload_that_is_cut_off(server: Server, maria: httpx.Client, wait_until: WaitUntil) -> None:
    maria.put("/files/a", content=b"old").raise_for_status()
    token = maria.headers["Authorization"]
    connection = begin_upload(server, token, "a", 10**7, bytes(5 * 10**6))
    wait_until(lambda: len(stored(server)) == 2, "nothing was written")
    connection.close()
    wait_until(lambda: len(stored(server)) == 1, "the unfinished file stays")
    assert maria.get("/files/a").content == b"old"
    assert len(maria.get("/files").json()["files"]) == 1


def test_killed_worker_leaves_nothing_for_long(
    server: Server,
    maria: httpx.Client,
    wait_until: WaitUntil,
    start_server: Callable[..., Server],
    data: Path,
) -> None:
    maria.put("/files/a", content=b"old").raise_for_status()
    before = server.workers()
    connection = begin_upload(server, maria.headers["Authorization"], "a", 10**7, bytes(5 * 10**6))
    wait_until(lambda: len(stored(server)) == 2, "nothing was written")
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(set(server.workers()) - set(before)) == 2, "no new workers")
    connection.close()
    with httpx.Client(base_url=server.url, headers=maria.headers, timeout=60) as again:
        assert again.get("/files/a").content == b"old"
    (draft,) = (server.data / "storage" / ".drafts").iterdir()
    past = time.time() - 3600
    os.utime(draft, (past, past))
    # Workers sweep when they start.
    start_server(command=GUNICORN, data=data)
    wait_until(lambda: len(stored(server)) == 1, "the draft of the killed worker stays")


def test_refusals_do_not_wait_for_the_body(server: Server, maria: httpx.Client) -> None:
    maria.put("/files/a/b", content=b"1").raise_for_status()
    for path, length, code in (
        ("large", QUOTA + 1, "StorageQuotaExceeded"),
        ("a", 10, "FileOperationUnsupported"),
        ("a/b/c", 10, "FilePathInvalid"),
        ("a//b", 10, "FilePathInvalid"),
        ("a/../../b", 10, "FilePathInvalid"),
        ("%2e%2e/b", 10, "FilePathInvalid"),
        ("a%2f..%2fb", 10, "FilePathInvalid"),
        ("%252e%252e/b", 10, "FilePathInvalid"),
        ("a%5Cb", 10, "FilePathInvalid"),
        ("a%00", 10, "FilePathInvalid"),
        ("%ff", 10, "FilePathInvalid"),
    ):
        head = (
            f"PUT /files/{path} HTTP/1.1\r\nHost: here\r\nAuthorization: {maria.headers['Authorization']}\r\n"
            f"Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        )
        with connect(server) as connection:
            connection.sendall(head.encode())
            answer = ""
            while not answer.endswith("}"):
                answer += connection.recv(65536).decode()
            assert answer.startswith("HTTP/1.1 400"), (path, answer)
            assert f'"code":"{code}"' in answer, (path, answer)
    assert [file["path"] for file in maria.get("/files").json()["files"]] == ["a/b"]


def test_client_that_waits_for_100(server: Server, maria: httpx.Client) -> None:
    head = (
        f"PUT /files/a HTTP/1.1\r\nHost: here\r\nAuthorization: {maria.headers['Authorization']}\r\n"
        "Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with connect(server) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"abc")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert maria.get("/files/a").content == b"abc"


@pytest.mark.parametrize(
    "path", ["../maria/a", "..%2Fmaria%2Fa", "maria/a", "a", ".", "%2e%2e", "/a", "storage"]
)
def test_nobody_reaches_what_is_not_theirs(
    server: Server, maria: httpx.Client, otto: httpx.Client, path: str
) -> None:
    maria.put("/files/a", content=b"secret").raise_for_status()
    for method in ("GET", "HEAD", "DELETE"):
        with connect(server) as connection:
            connection.sendall(
                f"{method} /files/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                f"Authorization: {otto.headers['Authorization']}\r\n\r\n".encode()
            )
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 404 "), (method, answer)
        assert b"secret" not in answer
    assert otto.get("/files").json()["files"] == []
    assert maria.get("/files/a").content == b"secret"


def test_quota_holds_on_all_workers(
    start_server: Callable[..., Server], data: Path, maria: httpx.Client, otto: httpx.Client
) -> None:
    small = start_server(command=GUNICORN, data=data, storage_quota=10_000_000)
    contents = {f"file{number}": bytes(3_000_000) for number in range(10)}

    def put(path: str) -> int:
        url = f"{small.url}/files/{path}"
        return httpx.put(url, content=iter([contents[path]]), headers=maria.headers, timeout=60).status_code

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(put, contents))
    kept = maria.get("/files").json()["files"]
    assert 1 <= len(kept) <= 3, answers
    assert sorted(answers) == [200] * len(kept) + [400] * (10 - len(kept))
    assert len(stored(small)) == len(kept)
    assert httpx.put(f"{small.url}/files/a", content=b"1", headers=otto.headers).status_code == 200
    assert otto.delete("/files/a").status_code == 204


def test_full_disk(
    start_server: Callable[..., Server],
    data: Path,
    maria: httpx.Client,
    tmp_path: Path,
    expect_error: Callable[..., str],
    wait_until: WaitUntil,
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        full = start_server(command=GUNICORN, data=data, storage=disk / "storage")
        url = f"{full.url}/files/a"
        assert httpx.put(url, content=b"old", headers=maria.headers).status_code == 200
        answer = httpx.put(url, content=bytes(6 * 2**20), headers=maria.headers, timeout=60)
        expect_error(answer, full, 500, "StorageFailure")
        wait_until(
            lambda: sum(path.is_file() for path in disk.rglob("*")) == 1, "the part that was written stays"
        )
        assert httpx.get(url, headers=maria.headers).content == b"old"
        assert httpx.put(url, content=b"new", headers=maria.headers).status_code == 200
        assert httpx.get(url, headers=maria.headers).content == b"new"
        assert httpx.delete(url, headers=maria.headers).status_code == 204
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
