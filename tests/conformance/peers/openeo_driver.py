"""openeo-driver on loopback with the back-end for tests that it brings along, and two users of HTTP Basic.

Run ``python -m conformance.peers.openeo_driver --port 8400`` in ``tests/``.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path

from conformance.peers.environments import environment
from conformance.peers.serving import Peer, process, run

REQUIREMENTS = ("openeo-driver==0.136.0a4", "openeo-aggregator==0.47.0a1", "setuptools<81")
PREFIX = "/openeo/1.2"

APPLICATION = """\
from openeo_driver.dummy.local_app import create_app

app = create_app()
"""


@contextlib.contextmanager
def openeo_driver(cache: Path, data: Path, port: int) -> Iterator[Peer]:
    """Start openeo-driver."""
    python = environment(cache, "openeo-driver", *REQUIREMENTS)
    (data / "peer_application.py").write_text(APPLICATION)
    server = f"http://127.0.0.1:{port}"
    command = [
        str(python),
        "-m",
        "gunicorn",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "1",
        "--threads",
        "4",
    ]
    with process([*command, "peer_application:app"], f"{server}/.well-known/openeo", data, {}):
        # Passwords follow from names, see its configuration.
        yield Peer(f"{server}{PREFIX}", _token("ana"), _token("ben"), username="ana", password="ana123")


def _token(username: str) -> str:
    return f"basic//{base64.urlsafe_b64encode(username.encode()).decode()}"


if __name__ == "__main__":
    run(openeo_driver, "Start openeo-driver for tests.")
