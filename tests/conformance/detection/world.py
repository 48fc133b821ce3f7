"""Where faults are tried: our demo server with two accounts, and proxies in front of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from connexeo.drivers.local.demo import write_demo
from connexeo.tools.conformance.login import Basic
from served import Server, StartServer, environment

USER = Basic("demo", "demo")
STRANGER = Basic("mutation-stranger", "secret-secret")


def add_stranger(data: Path) -> None:
    """Make the second account, in the data folder of a server, unless it is there."""
    command = [sys.executable, "-m", "connexeo.tools", "users", "add", STRANGER.username, "--password-stdin"]
    given = environment(data=data)
    done = subprocess.run(
        command, env=given, input=STRANGER.password, text=True, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0 or "there is an account" in done.stderr, done.stderr


@contextmanager
def demo_server(*, sample: bool = False) -> Iterator[Server]:
    """A server with both accounts, gone at the end; ``sample`` adds the collection that the official suite loads."""
    with tempfile.TemporaryDirectory(prefix="mutations-") as name, ExitStack() as stack:
        folder = Path(name)
        settings: dict[str, Any] = {"data": folder / "data"}
        write_demo(folder / "data" / "demo")
        if sample:
            # Here, as it computes rasters when it is imported.
            from conformance.peers.sample import write_static

            write_static(folder / "sample")
            settings["catalogues"] = folder / "sample"
        server = StartServer(lambda: _subfolder(folder), stack)("--demo", **settings)
        add_stranger(server.data)
        yield server


def _subfolder(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))
