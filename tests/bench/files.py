"""Throughput of uploads and downloads, as a ratio to a bare Starlette in the same run.

Both run as gunicorn with two workers and write to the same disk. Ours also hashes what comes, waits until it is on
the disk, and keeps a row of it. Rounds alternate, and the median ratio counts.

    cd tests && python -m bench.files [--size 256] [--rounds 5]
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from bench.server import HERE, free_port, run, wait_for

BLOCK = os.urandom(2**20)
PASSWORD = "a rather long sentence"


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=256, help="MB of the file")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours, token = _serve_ours(stack, folder)
        bare = _serve_bare(stack, folder)
        print(f"{options.size} MB, {options.rounds} rounds, 2 workers")
        print(f"{'':10}{'ours MB/s':>12}{'bare MB/s':>12}{'ratio':>8}")
        for name, measure in (("upload", upload), ("download", download)):
            pairs = [
                (
                    options.size / measure(ours, options.size, token),
                    options.size / measure(bare, options.size, token),
                )
                for _ in range(options.rounds)
            ]
            ratio = statistics.median(mine / limit for mine, limit in pairs)
            mine, limit = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"{name:10}{mine:12.0f}{limit:12.0f}{ratio:8.2f}")
    return 0


def upload(port: int, size: int, token: str) -> float:
    """Seconds for a file of some MB."""
    head = _head("PUT", token, f"Content-Length: {size * len(BLOCK)}\r\n")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        begin = time.perf_counter()
        connection.sendall(head)
        for _ in range(size):
            connection.sendall(BLOCK)
        _check(connection.recv(65_536))
        return time.perf_counter() - begin


def download(port: int, size: int, token: str) -> float:
    """Seconds for the same file."""
    buffer = memoryview(bytearray(2**20))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        begin = time.perf_counter()
        connection.sendall(_head("GET", token, ""))
        received = connection.recv_into(buffer)
        _check(bytes(buffer[:received]))
        while more := connection.recv_into(buffer):
            received += more
        if received < size * len(BLOCK):
            raise RuntimeError("the file is too short")
        return time.perf_counter() - begin


def _head(method: str, token: str, further: str) -> bytes:
    return (
        f"{method} /files/a HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
        f"Authorization: Bearer {token}\r\n{further}\r\n"
    ).encode()


def _check(answer: bytes) -> None:
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer[:500].decode("latin-1"))


def _serve_ours(stack: ExitStack, folder: Path) -> tuple[int, str]:
    """Port, and a token of a user."""
    port = free_port()
    environment = {
        "CONNEXEO_PORT": str(port),
        "CONNEXEO_WORKERS": "2",
        "CONNEXEO_DATA": str(folder / "ours"),
    }
    add = [sys.executable, "-m", "connexeo.tools", "users", "add", "maria", "--password-stdin"]
    subprocess.run(
        [*add, "--data", str(folder / "ours")],
        input=f"{PASSWORD}\n",
        text=True,
        check=True,
        capture_output=True,
    )
    command = [sys.executable, "-m", "gunicorn", "-c", "python:connexeo.server.gunicorn_conf"]
    process = stack.enter_context(run(command, environment, folder / "ours.log"))
    wait_for(f"http://127.0.0.1:{port}/health", process, folder / "ours.log")
    credentials = base64.b64encode(f"maria:{PASSWORD}".encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/credentials/basic", headers={"Authorization": f"Basic {credentials}"}
    )
    with urllib.request.urlopen(request) as answer:
        return port, f"basic//{json.load(answer)['access_token']}"


def _serve_bare(stack: ExitStack, folder: Path) -> int:
    port = free_port()
    (folder / "bare").mkdir()
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-k", "uvicorn_worker.UvicornWorker"]
    command += ["-b", f"127.0.0.1:{port}", "--log-level", "warning", "bare_files:application()"]
    environment = {"CONNEXEO_TEST_BARE": str(folder / "bare"), "PYTHONPATH": str(HERE)}
    process = stack.enter_context(run(command, environment, folder / "bare.log"))
    wait_for(f"http://127.0.0.1:{port}/", process, folder / "bare.log")
    return port


if __name__ == "__main__":
    sys.exit(main())
