"""Start back-ends that nobody of us wrote, and end them again."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """A back-end that runs."""

    url: str
    """Entry URL of its API."""
    token: str
    """Bearer token of one user, as it stands after ``Bearer ``."""
    stranger: str
    """Bearer token of another user."""
    username: str = ""
    """Name of the first user for HTTP Basic; empty when the back-end has OpenID Connect only."""
    password: str = ""
    """Password of the first user for HTTP Basic."""
    issuer: str = ""
    """URL of the OpenID Connect issuer that the tokens are from; empty when the back-end has HTTP Basic only."""


Start = Callable[[Path, Path, int], AbstractContextManager[Peer]]
"""Starts a back-end: cache of environments, folder for its data, port."""


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextlib.contextmanager
def process(
    command: Sequence[str], ready: str, folder: Path, settings: Mapping[str, str], seconds: float = 90
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process with these environment variables, once the URL answers; its output goes to the folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=folder, env={**kept, **settings}, stdout=output, stderr=output)
    try:
        _wait(ready, server, log, seconds)
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")


def run(start: Start, description: str) -> None:
    """The command line of a peer: start it, print where it is and how to log in, stay until the end."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="port of loopback; any free one when not given")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache" / "connexeo-peers", help="folder of environments"
    )
    parser.add_argument("--data", type=Path, help="folder for data and logs; a temporary one when not given")
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with contextlib.ExitStack() as stack:
        data = arguments.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="peer-")))
        data.mkdir(parents=True, exist_ok=True)
        # A database may run as a user of its own, who has to come through.
        data.chmod(0o755)
        port = arguments.port or free_port()
        peer = stack.enter_context(start(arguments.cache.resolve(), data.resolve(), port))
        sys.stdout.write(json.dumps(asdict(peer), indent=2) + "\n")
        sys.stdout.flush()
        ended.wait()
