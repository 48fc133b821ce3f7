"""A database of each kind, and a storage of each kind."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from connexeo.drivers.local.state.database import open_database
from connexeo.drivers.local.storage import Storage
from served import free_port

_number = itertools.count()


@pytest.fixture
def run_at_once() -> Callable[[str, str], list[str]]:
    """Runs code in several new processes at the same time; they find the argument in ``argument``."""

    def run(code: str, argument: str) -> list[str]:
        command = [sys.executable, "-c", f"import sys\nargument = sys.argv[1]\n{code}", argument]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        outputs = [process.communicate(timeout=120)[0].strip() for process in processes]
        assert [process.returncode for process in processes] == [0] * 4
        return outputs

    return run


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """URL of an object storage that speaks the protocol of S3."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    pytest.importorskip(
        "moto.server", reason="moto[server], an object storage as a package, is not installed"
    )
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "moto.server", "-p", url.rpartition(":")[2]]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(url, server)
            yield url
        finally:
            server.kill()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the object storage did not start")


@pytest.fixture
def s3_url(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty place in it; the environment says how to get there."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = f"bucket-{next(_number)}"
    httpx.put(f"{s3_server}/{bucket}").raise_for_status()
    return f"s3://{bucket}/some/where"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An open database with all tables."""
    engine = open_database(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty storage."""
    match request.param:
        case "folder":
            return Storage(str(tmp_path / "storage"))
        case "file":
            return Storage(f"file://{tmp_path}/with%20space")
        case "memory":
            return Storage(f"memory://place{next(_number)}")
    return Storage(request.getfixturevalue("s3_url"))


@pytest.fixture
def folder_storage(tmp_path: Path) -> Storage:
    """An empty storage in a folder."""
    return Storage(str(tmp_path / "storage"))
