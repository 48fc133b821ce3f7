"""titiler-openeo on loopback, over a small STAC API, with two users of HTTP Basic.

Run ``python -m conformance.peers.titiler_openeo --port 8200`` in ``tests/``.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from conformance.peers.catalogue import serve_catalogue
from conformance.peers.environments import environment
from conformance.peers.serving import Peer, process, run

REQUIREMENTS = ("titiler-openeo==0.19.0", "uvicorn==0.54.0", "sqlalchemy>=2,<3")
USERS = {"ana": "river-Ana", "ben": "river-Ben"}


@contextlib.contextmanager
def titiler_openeo(cache: Path, data: Path, port: int) -> Iterator[Peer]:
    """Start titiler-openeo."""
    python = environment(cache, "titiler-openeo", *REQUIREMENTS)
    url = f"http://127.0.0.1:{port}"
    accounts = {name: {"password": password, "roles": ["user"]} for name, password in USERS.items()}
    # It makes dimensions of its own for collections that have none.
    with serve_catalogue(data / "catalogue", dimensions=False) as catalogue:
        settings = {
            "TITILER_OPENEO_STAC_API_URL": catalogue,
            "TITILER_OPENEO_STORE_URL": f"sqlite:///{data / 'store.sqlite'}",
            "TITILER_OPENEO_AUTH_METHOD": "basic",
            "TITILER_OPENEO_AUTH_USERS": json.dumps(accounts),
        }
        command = [
            str(python),
            "-m",
            "uvicorn",
            "titiler.openeo.main:app",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        with process(command, f"{url}/", data, settings):
            (first, password), (second, other) = USERS.items()
            yield Peer(url, _token(first, password), _token(second, other), username=first, password=password)


def _token(username: str, password: str) -> str:
    return f"basic//{base64.b64encode(f'{username}:{password}'.encode()).decode()}"


if __name__ == "__main__":
    run(titiler_openeo, "Start titiler-openeo for tests.")
