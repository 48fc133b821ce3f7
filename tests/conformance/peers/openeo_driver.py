"""openeo-driver on loopback with the back-end for tests that it brings along; HTTP Basic and OpenID Connect.

Run ``python -m conformance.peers.openeo_driver --port 8400`` in ``tests/``.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path

from conformance.peers.environments import environment
from conformance.peers.serving import Peer, process, run
from oidc_issuer import OidcIssuer

REQUIREMENTS = ("openeo-driver==0.136.0a4", "openeo-aggregator==0.47.0a1", "setuptools<81")
PREFIX = "/openeo/1.2"

APPLICATION = """\
import os

from openeo_driver.config import OpenEoBackendConfig
from openeo_driver.dummy.local_app import create_app
from openeo_driver.users.oidc import OidcProvider

PASSWORDS = {"ana": "river-Ana", "ben": "river-Ben"}

if __name__ != "peer_application":
    config = OpenEoBackendConfig(
        id="openeo-driver",
        capabilities_title="openeo-driver",
        capabilities_description="The back-end for tests of openeo-driver.",
        enable_basic_auth=True,
        valid_basic_auth=lambda username, password: PASSWORDS.get(username) == password,
        oidc_providers=[
            OidcProvider(id="river", issuer=os.environ["PEER_ISSUER"], scopes=["openid", "email"], title="River ID")
        ],
    )
else:
    app = create_app()
"""


@contextlib.contextmanager
def openeo_driver(cache: Path, data: Path, port: int) -> Iterator[Peer]:
    """Start openeo-driver."""
    with contextlib.ExitStack() as stack:
        issuer = OidcIssuer(lifetime=86_400)
        stack.callback(issuer.close)
        url = stack.enter_context(driver(cache, data, port, issuer.url))
        tokens = _token("ana"), _token("ben")
        yield Peer(url, *tokens, username="ana", password="river-Ana", issuer=issuer.url)


@contextlib.contextmanager
def driver(cache: Path, data: Path, port: int, issuer: str) -> Iterator[str]:
    """Start openeo-driver with an issuer that runs already; gives the URL of its API."""
    application = data / "peer_application.py"
    application.write_text(APPLICATION)
    # The one file is read as its configuration and is the application.
    settings = {"OPENEO_BACKEND_CONFIG": str(application), "PEER_ISSUER": issuer}
    server = f"http://127.0.0.1:{port}"
    command = gunicorn(cache, port, "peer_application:app")
    with process(command, f"{server}/.well-known/openeo", data, settings):
        yield f"{server}{PREFIX}"


def gunicorn(cache: Path, port: int, application: str) -> list[str]:
    """The command that serves an application, in the environment of openeo-driver."""
    python = environment(cache, "openeo-driver", *REQUIREMENTS)
    bound = ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "8"]
    return [str(python), "-m", "gunicorn", *bound, application]


def _token(username: str) -> str:
    return f"basic//{base64.urlsafe_b64encode(username.encode()).decode()}"


if __name__ == "__main__":
    run(openeo_driver, "Start openeo-driver for tests.")
