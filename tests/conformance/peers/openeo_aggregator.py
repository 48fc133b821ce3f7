"""openeo-aggregator on loopback: a federation of two back-ends of openeo-driver, with OpenID Connect.

Run ``python -m conformance.peers.openeo_aggregator --port 8500`` in ``tests/``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from conformance.peers.openeo_driver import PREFIX, driver, gunicorn
from conformance.peers.serving import Peer, free_port, process, run
from oidc_issuer import PUBLIC, OidcIssuer

APPLICATION = """\
import os

from openeo_driver.users.oidc import OidcProvider
from openeo_aggregator.app import create_app
from openeo_aggregator.config import AggregatorBackendConfig

if __name__ != "peer_application":
    client = {
        "id": os.environ["PEER_CLIENT"],
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code+pkce", "refresh_token"],
    }
    config = AggregatorBackendConfig(
        id="openeo-aggregator",
        capabilities_title="openeo-aggregator",
        capabilities_description="A federation of two back-ends for tests.",
        aggregator_backends={"north": os.environ["PEER_NORTH"], "south": os.environ["PEER_SOUTH"]},
        oidc_providers=[
            OidcProvider(
                id="river",
                issuer=os.environ["PEER_ISSUER"],
                scopes=["openid", "email"],
                title="River ID",
                default_clients=[client],
            )
        ],
    )
else:
    app = create_app()
"""


@contextlib.contextmanager
def openeo_aggregator(cache: Path, data: Path, port: int) -> Iterator[Peer]:
    """Start openeo-aggregator and what it federates."""
    application = data / "peer_application.py"
    application.write_text(APPLICATION)
    with contextlib.ExitStack() as stack:
        issuer = OidcIssuer(lifetime=86_400)
        stack.callback(issuer.close)
        settings = {
            "OPENEO_BACKEND_CONFIG": str(application),
            "PEER_ISSUER": issuer.url,
            "PEER_CLIENT": PUBLIC,
        }
        for name in ("north", "south"):
            folder = data / name
            folder.mkdir(exist_ok=True)
            url = stack.enter_context(driver(cache, folder, free_port(), issuer.url))
            settings[f"PEER_{name.upper()}"] = url
        server = f"http://127.0.0.1:{port}"
        command = gunicorn(cache, port, "peer_application:app")
        stack.enter_context(process(command, f"{server}/.well-known/openeo", data, settings))
        first, second = (f"oidc/river/{issuer.jwt(subject)}" for subject in ("ana", "ben"))
        yield Peer(f"{server}{PREFIX}", first, second, issuer=issuer.url)


if __name__ == "__main__":
    run(openeo_aggregator, "Start openeo-aggregator for tests.")
